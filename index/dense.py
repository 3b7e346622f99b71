"""Vectors -> rows, by cosine. The only file that imports faiss, and only when vectors are searched; it knows row numbers only.

Vectors are kept in half precision: half the bytes and half the time of a scan, and the same first ten (eval/README.md). A scan of up
to 100,000 is exact and takes some 5 ms. A larger segment has codes beside its vectors, 4 bits for each 4 numbers: a search scans
those, takes more rows than it was asked for and orders them by their vectors. Its recall is measured when it is made.
What faiss scans is memory-mapped; it aborts the process when such an index is written to, so nothing here can.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.blocks import BLOCK, File, Folder, Rows
from index.encoder import Vectors

VECTORS, CODES = "vectors.faiss", "codes.faiss"
# Passages of a segment up to which a scan is fast enough, and the recall@10 that codes must have.
FLAT = 100_000
RECALL = 0.98
# Rows of a segment whose vectors are looked at because their codes are near: at least so many, of which the recall is measured, and
# of all segments together so many for each that is asked for.
_LEAST = 1000
_CANDIDATES = 2
_BATCH = 1 << 16

Stored = NDArray[np.float16] | NDArray[np.float32]
Found = tuple[NDArray[np.int64], NDArray[np.float32]]


def _faiss() -> Any:
    """faiss, in one thread: two that share a busy core wait for each other by spinning, and take four times as long for one question."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def write(home: Path, vectors: Stored) -> float | None:
    """Write vectors [n, d], rows of length 1, below `home`; recall@10 of their codes where they have some, None where a scan is exact."""
    faiss = _faiss()
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for batch in _batches(vectors):
        index.add(batch)
    _write(index, home / VECTORS)
    return _write_codes(home, vectors, index) if len(vectors) > FLAT else None


def _write_codes(home: Path, vectors: Stored, exact: Any) -> float | None:
    """Codes of 4 bits for each 4 numbers, searched by fast scan (André, Kermarrec and Le Scouarnec, Quicker ADC, TPAMI 2021)."""
    faiss = _faiss()
    parts = max(parts for parts in range(1, vectors.shape[1] // 4 + 1) if vectors.shape[1] % parts == 0)
    codes = faiss.index_factory(vectors.shape[1], f"PQ{parts}x4fs", faiss.METRIC_INNER_PRODUCT)
    codes.train(next(_batches(vectors[:: -(-len(vectors) // _BATCH)])))
    for batch in _batches(vectors):
        codes.add(batch)
    recall = _recall(codes, exact, vectors)
    if recall < RECALL:
        return None
    _write(codes, home / CODES)
    return recall


def _write(index: Any, path: Path) -> None:
    """As faiss does, but faiss does not say when the last of a file finds the disk full."""
    import faiss

    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]


def _recall(codes: Any, exact: Any, vectors: Stored, asked: int = 200, k: int = 10) -> float:
    """Of the `k` nearest of some of the vectors, themselves left out, the share that the candidates have."""
    questions = np.linspace(0, len(vectors) - 1, asked).astype(np.int64)
    queries = vectors[questions].astype(np.float32)
    nearest, candidates = exact.search(queries, k + 1)[1], codes.search(queries, _LEAST)[1]
    found = [np.isin(rows[rows != own][:k], near).mean() for own, rows, near in zip(questions, nearest, candidates, strict=True)]
    return float(np.mean(found))


def _batches(vectors: Stored) -> Iterator[Vectors]:
    for first in range(0, len(vectors), _BATCH):
        yield np.ascontiguousarray(vectors[first : first + _BATCH], dtype=np.float32)


class Dense:
    """The vectors of some segments as one list of rows, for reading."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts
        self._firsts = np.cumsum([0, *map(len, parts)])

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def at(self, rows: NDArray[np.int64]) -> Vectors:
        """float32[len(rows), d]: the vectors of some rows."""
        found = np.empty((len(rows), self._parts[0].rows.width), dtype=np.float32)
        for part, first in zip(self._parts, self._firsts, strict=False):
            here = (rows >= first) & (rows < first + len(part))
            found[here] = part.rows.at(rows[here] - first)
        return found

    def search(self, query: Vectors, k: int, allow: NDArray[np.bool_] | None = None) -> Found:
        """The `k` rows nearest to `query`, float32[d] of length 1, best first, ties by row, and their cosines.

        `allow`, bool[n], limits the rows.
        """
        found = [_NOTHING]
        for part, first in zip(self._parts, self._firsts, strict=False):
            here = None if allow is None else allow[first : first + len(part)]
            candidates = max(_LEAST, _CANDIDATES * k * len(part) // len(self))
            rows, cosines = part.search(query, k, candidates, here)
            found.append((rows + first, cosines))
        rows, cosines = (np.concatenate(columns) for columns in zip(*found, strict=True))
        best = np.lexsort((rows, -cosines))[:k]
        return rows[best], cosines[best]


_NOTHING: Found = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


class Part:
    """The vectors of one segment."""

    def __init__(self, folder: Folder, count: int) -> None:
        """`count` of them; their files are opened now, and faiss is loaded when they are first asked for."""
        self._file = folder.open(VECTORS)
        self._codes_file = folder.open(CODES) if CODES in folder else None
        self._count = count

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _exact(self) -> Any:
        self._file.check(0, BLOCK)
        return _open(self._file)

    @cached_property
    def _codes(self) -> Any:
        assert self._codes_file
        self._codes_file.check()
        return _open(self._codes_file)

    @cached_property
    def rows(self) -> Rows:
        """float16[count, d], as they are kept."""
        return self._file.rows(self._count, np.dtype((np.float16, self._exact.d)))

    def search(self, query: Vectors, k: int, candidates: int, allow: NDArray[np.bool_] | None) -> Found:
        """As `Dense.search`. Few rows are scanned, and so are all where a filter leaves too little of what the codes found."""
        living = len(self.rows) if allow is None else int(allow.sum())
        if living == 0:
            return _NOTHING
        if self._codes_file and living > FLAT:
            found = self._search_codes(query, k, candidates * len(self.rows) // living, allow)
            if len(found[0]) >= min(k, candidates // 2):
                return found
        return self._scan(query, min(k, living), allow)

    def _search_codes(self, query: Vectors, k: int, candidates: int, allow: NDArray[np.bool_] | None) -> Found:
        rows = np.sort(self._codes.search(query.reshape(1, -1), min(candidates, len(self.rows)))[1][0])
        rows = rows[rows >= 0]  # faiss pads what it does not find with -1, which Python would take for the last row
        rows = rows if allow is None else rows[allow[rows]]
        cosines = np.einsum("ij,j->i", self.rows.at(rows).astype(np.float32), query)  # in one thread, which @ is not
        best = np.argsort(-cosines, kind="stable")[:k]
        return rows[best], cosines[best]

    def _scan(self, query: Vectors, k: int, allow: NDArray[np.bool_] | None) -> Found:
        faiss = _faiss()
        if allow is None or allow.all():
            self._file.check()
            limits = None
        else:
            self.rows.check(np.flatnonzero(allow))
            limits = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(allow, bitorder="little")))
        cosines, rows = self._exact.search(query.reshape(1, -1), k, params=limits)
        return rows[0], cosines[0]


def _open(file: File) -> Any:
    """A faiss index over a file's own mapping: it reads no byte but those that were checked."""
    faiss, data = _faiss(), file.mapped
    index: Any = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(data), len(data)), faiss.IO_FLAG_MMAP_IFC)
    index.referenced_objects = [data]  # faiss keeps a pointer to it and no reference
    return index
