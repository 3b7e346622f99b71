"""Vectors -> rows, by cosine. The only file that imports faiss, and only when vectors are searched; it knows row numbers only.

Vectors are kept in half precision: half the bytes and half the time of a scan, and the same first ten (eval/README.md). A scan of up
to 100,000 is exact and takes some 5 ms. A larger segment has codes beside its vectors, 4 bits for each 4 numbers: a search scans
those, takes more rows than it was asked for and orders them by their vectors. Its recall is measured when it is made.
What is opened for reading is memory-mapped; faiss aborts the process when such an index is written to, so nothing here can.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.blocks import BLOCK, File, Folder
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
    codes.train(next(_batches(vectors[:: max(1, len(vectors) // _BATCH)])))
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
    found = [np.isin(np.setdiff1d(rows, [own])[:k], near).mean() for own, rows, near in zip(questions, nearest, candidates, strict=True)]
    return float(np.mean(found))


def _batches(vectors: Stored) -> Iterator[Vectors]:
    for first in range(0, len(vectors), _BATCH):
        yield np.ascontiguousarray(vectors[first : first + _BATCH], dtype=np.float32)


class Dense:
    """The vectors of some segments as one list of rows, for reading; each comes as its folder and the number of its rows."""

    def __init__(self, *parts: tuple[Folder, int]) -> None:
        self._parts = [_Part(*part) for part in parts]
        self._firsts = np.cumsum([0, *(count for _, count in parts)])

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def at(self, rows: NDArray[np.int64]) -> Vectors:
        """float32[len(rows), d]: the vectors of some rows."""
        found = np.empty((len(rows), self._parts[0].rows.shape[1]), dtype=np.float32)
        for part, first in zip(self._parts, self._firsts, strict=False):
            here = (rows >= first) & (rows < first + len(part.rows))
            found[here] = part.rows.at(rows[here] - first)
        return found

    def search(self, query: Vectors, k: int, allow: NDArray[np.bool_] | None = None) -> Found:
        """The `k` rows nearest to `query`, float32[d] of length 1, best first, ties by row, and their cosines.

        `allow`, bool[n], limits the rows.
        """
        found = [_NOTHING]
        for part, first in zip(self._parts, self._firsts, strict=False):
            here = None if allow is None else allow[first : first + len(part.rows)]
            candidates = max(_LEAST, _CANDIDATES * k * len(part.rows) // len(self))
            rows, cosines = part.search(query, k, candidates, here)
            found.append((rows + first, cosines))
        rows, cosines = (np.concatenate(columns) for columns in zip(*found, strict=True))
        best = np.lexsort((rows, -cosines))[:k]
        return rows[best], cosines[best]


_NOTHING: Found = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


def stored(folder: Folder, count: int) -> Stored:
    """float16[count, d]: all vectors of a segment, as they are kept."""
    found: Stored = _Part(folder, count).rows[:]
    return found


class _Part:
    """The vectors of one segment, mapped."""

    def __init__(self, folder: Folder, count: int) -> None:
        self._file = folder.open(VECTORS)
        self._exact = _open(self._file, BLOCK)
        self._codes: Any = _open(folder.open(CODES), None) if CODES in folder else None
        self.rows = self._file.rows(count, np.dtype((np.float16, self._exact.d)))

    def search(self, query: Vectors, k: int, candidates: int, allow: NDArray[np.bool_] | None) -> Found:
        """As `Dense.search`. Few rows are scanned, and so are all where a filter leaves too little of what the codes found."""
        living = len(self.rows) if allow is None else int(allow.sum())
        if living == 0:
            return _NOTHING
        if self._codes is not None and living > FLAT:
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
            bits = np.packbits(allow, bitorder="little")  # faiss keeps a pointer to it and no reference
            limits = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        cosines, rows = self._exact.search(query.reshape(1, -1), k, params=limits)
        return rows[0], cosines[0]


def _open(file: File, header: int | None) -> Any:
    """A faiss index over a file's own mapping, so that it reads no byte that was not checked; `header` bytes of it now, or all."""
    faiss = _faiss()
    data = file.mapped(header)
    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(data), len(data))
    index: Any = faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC)
    index.referenced_objects = [data]  # faiss keeps a pointer to it and no reference
    return index
