"""Vectors -> rows, by cosine. The only file that imports faiss, and only when vectors are touched; it knows row numbers only.

An exact flat index: at 100,000 passages a query takes 10 ms and nothing has to be trained. Opened for reading it is
memory-mapped; faiss aborts the process when such an index is written to, so `Dense` has no way to write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import Vectors
from index.errors import CorruptError


def write(path: Path, vectors: Vectors) -> None:
    """Write float32[n, d], rows of length 1, as a flat inner-product index."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    faiss.write_index(index, str(path))


class Dense:
    """Mapped indexes of unit vectors, for reading; several are one list of rows, counted through."""

    def __init__(self, *paths: Path) -> None:
        self._indexes = [_open(path) for path in paths]
        self._firsts = np.cumsum([0, *(index.ntotal for index in self._indexes)])

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def at(self, rows: NDArray[np.int64]) -> Vectors:
        """float32[len(rows), d]: the vectors of some rows."""
        places = np.searchsorted(self._firsts, rows, side="right") - 1
        found = [self._indexes[place].reconstruct(int(row - self._firsts[place])) for row, place in zip(rows, places, strict=True)]
        return np.array(found, dtype=np.float32)

    def vectors(self) -> Vectors:
        """All vectors, float32[n, d], copied out."""
        return np.concatenate([np.array(index.reconstruct_n(0, index.ntotal), dtype=np.float32) for index in self._indexes])

    def search(self, query: Vectors, k: int, allow: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` rows nearest to `query`, float32[d] of length 1, best first, ties by row, and their cosines.

        `allow`, bool[n], limits the rows.
        """
        found = [
            _search(index, first, query, k, None if allow is None else allow[first : first + index.ntotal])
            for index, first in zip(self._indexes, self._firsts, strict=False)
        ]
        rows, cosines = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _search_nothing()
        best = np.lexsort((rows, -cosines))[:k]
        return rows[best], cosines[best]


def _open(path: Path) -> Any:
    import faiss

    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise CorruptError(f"{path}: not a FAISS index: 'clippings check --repair' makes it again") from error


def _search(
    index: Any, first: int, query: Vectors, k: int, allow: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    k = min(k, index.ntotal if allow is None else int(allow.sum()))
    if k == 0:  # faiss pads what it does not find with row -1, which Python would take for the last
        return _search_nothing()
    import faiss

    limits = None
    if allow is not None and not allow.all():
        bits = np.packbits(allow, bitorder="little")  # faiss keeps a pointer to it and no reference
        limits = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg, arg-type]
    scores, rows = index.search(query.reshape(1, -1), k, params=limits)
    return rows[0] + first, scores[0]


def _search_nothing() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
