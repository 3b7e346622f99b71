"""Vectors -> rows, by cosine. The only file that imports faiss; it knows row numbers only.

An exact flat index: at 100,000 passages a query takes 10 ms and nothing has to be trained. Opened for reading it is
memory-mapped; faiss aborts the process when such an index is written to, so `Dense` has no way to write.
"""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.encoder import Vectors
from index.errors import CorruptError


def write(path: Path, vectors: Vectors) -> None:
    """Write float32[n, d], rows of length 1, as a flat inner-product index."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    faiss.write_index(index, str(path))


class Dense:
    """A mapped index of unit vectors, for reading."""

    def __init__(self, path: Path) -> None:
        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise CorruptError(f"{path}: not a FAISS index: build the archive again") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def vectors(self) -> Vectors:
        """All vectors, float32[n, d], copied out."""
        return np.array(self._index.reconstruct_n(0, len(self)), dtype=np.float32)

    def search(self, query: Vectors, k: int, allow: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` rows nearest to `query`, float32[d] of length 1, best first, and their cosines; `allow`, bool[n], limits the rows."""
        k = min(k, len(self) if allow is None else int(allow.sum()))
        if k == 0:  # faiss pads what it does not find with row -1, which Python would take for the last
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        limits = None if allow is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.flatnonzero(allow)))  # type: ignore[call-arg]
        scores, rows = self._index.search(query.reshape(1, -1), k, params=limits)
        return rows[0], scores[0]
