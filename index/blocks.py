"""Files that are checked block by block, as they are read: opening a file costs what is read of it, whatever its size.

Each block has a digest, and each file one over those of its blocks: a Merkle tree of two levels. The digests of the blocks stand
beside the files, in one file of their folder; those of the files stand in the manifest. It knows bytes, and not what they mean.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.errors import CorruptError

# Small enough that a row read alone costs 10 microseconds, large enough that the digests are a thousandth of the bytes.
BLOCK = 1 << 14
DIGESTS = "digests"
_WIDTH = 16  # bytes of a block's SHA-256 that are kept


@dataclass(frozen=True, slots=True)
class Seal:
    """What the manifest says of a file: its bytes, and the SHA-256 over the digests of its blocks."""

    size: int
    sha256: str


def seal(folder: Path) -> dict[str, Seal]:
    """Write the digests of all files of a folder beside them; on return everything is on the disk."""
    found = {file.name: (file.stat().st_size, _sync(file)) for file in sorted(folder.iterdir())}
    (folder / DIGESTS).write_bytes(b"".join(digests for _, digests in found.values()))
    _sync(folder / DIGESTS)
    return {name: Seal(size, hashlib.sha256(digests).hexdigest()) for name, (size, digests) in found.items()}


def _sync(file: Path) -> bytes:
    """Push a file to the disk; the digests of its blocks."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
        return b"".join(map(_digest, iter(lambda: handle.read(BLOCK), b"")))


def _digest(block: Any) -> bytes:
    return hashlib.sha256(block).digest()[:_WIDTH]


class File:
    """A file of which no byte is given out before its block was checked, once in the life of this object."""

    def __init__(self, path: Path, size: int, digests: bytes) -> None:
        """A CorruptError where the file has another size."""
        self.path = path
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        if os.fstat(self._file).st_size != size:
            raise _damaged(path)
        self.size = size
        self._digests = digests
        self._sound = np.zeros(len(digests) // _WIDTH, dtype=bool)

    def check(self, firsts: ArrayLike = 0, lasts: ArrayLike | None = None) -> None:
        """A CorruptError where the bytes of some spans, all unless told, are not those that were written; many spans are short ones."""
        starts, ends = np.atleast_1d(firsts) // BLOCK, -(-np.atleast_1d(self.size if lasts is None else lasts) // BLOCK)
        wanted = np.zeros(len(self._sound) + 1, dtype=bool)
        if len(starts) == 1:
            wanted[starts[0] : ends[0]] = True
        else:
            assert (ends - starts <= 2).all(), "a row is longer than a block"
            wanted[starts], wanted[ends - 1] = True, True
        for block in np.flatnonzero(wanted[:-1] & ~self._sound).tolist():
            if _digest(self.read(block * BLOCK, BLOCK)) != self._digests[block * _WIDTH : (block + 1) * _WIDTH]:
                raise _damaged(self.path)
            self._sound[block] = True

    def read(self, first: int, size: int) -> bytes:
        """Some bytes, which must have been checked; read and not mapped, they take no room in memory afterwards."""
        return os.pread(self._file, size, first)

    @cached_property
    def mapped(self) -> NDArray[np.uint8]:
        """All bytes; none must be looked at before `check`."""
        return np.frombuffer(mmap.mmap(self._file, self.size, prot=mmap.PROT_READ), dtype=np.uint8)

    def rows(self, count: int, kind: np.dtype[Any]) -> Rows:
        """The end of the file as `count` rows of a kind, none longer than a block; what stands before them is checked now."""
        start = self.size - count * kind.itemsize
        self.check(0, start)
        return Rows(self, start, count, kind)

    def array(self) -> Rows:
        """What numpy.save wrote of one dimension."""
        self.check(0, 1)
        header = BytesIO(self.read(0, BLOCK))
        assert np.lib.format.read_magic(header) == (1, 0)
        (count,), _, kind = np.lib.format.read_array_header_1_0(header)
        return self.rows(count, kind)


class Rows:
    """Rows of a `File`, read and checked as they are asked for."""

    def __init__(self, file: File, start: int, count: int, kind: np.dtype[Any]) -> None:
        self._file, self._start, self._count, self._kind = file, start, count, kind

    def __len__(self) -> int:
        return self._count

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return int(np.prod(self._kind.shape))

    def _array(self, data: bytes) -> NDArray[Any]:
        return np.frombuffer(data, dtype=self._kind.base).reshape(-1, *self._kind.shape)

    def __getitem__(self, span: slice) -> NDArray[Any]:
        """A run of rows."""
        first, last, _ = span.indices(self._count)
        begin, end = (self._start + place * self._kind.itemsize for place in (first, max(first, last)))
        self._file.check(begin, end)
        return self._array(self._file.read(begin, end - begin))

    def at(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows."""
        self.check(rows)
        size = self._kind.itemsize
        return self._array(b"".join([self._file.read(self._start + row * size, size) for row in rows.tolist()]))

    def check(self, rows: NDArray[np.int64]) -> None:
        """A CorruptError where one of some rows is not what was written."""
        if len(rows):
            self._file.check(self._start + rows * self._kind.itemsize, self._start + (rows + 1) * self._kind.itemsize)


def _damaged(path: Path) -> CorruptError:
    return CorruptError(f"{path}: not the bytes that were written: 'clippings check --repair' makes it again")


class Folder:
    """A sealed folder, for reading. A FileNotFoundError where it, or a file that is asked for, is gone."""

    def __init__(self, home: Path, seals: Mapping[str, Seal]) -> None:
        self._home, self._seals = home, seals
        self._digests = (home / DIGESTS).read_bytes()
        ends = np.cumsum([0, *(-(-one.size // BLOCK) * _WIDTH for one in seals.values())]).tolist()
        self._spans = dict(zip(seals, map(slice, ends, ends[1:]), strict=False))

    def __contains__(self, name: str) -> bool:
        return name in self._seals

    def open(self, name: str) -> File:
        """A file, nothing of it read yet. A CorruptError where its size or the digests of its blocks are not those that were written."""
        digests = self._digests[self._spans[name]]
        if hashlib.sha256(digests).hexdigest() != self._seals[name].sha256:
            raise _damaged(self._home / DIGESTS)
        return File(self._home / name, self._seals[name].size, digests)


def flaws(home: Path, seals: Mapping[str, Seal]) -> Iterator[str]:
    """What is missing or not what was written in a sealed folder, in lines."""
    try:
        folder = Folder(home, seals)
    except OSError as error:
        yield _unreadable(error)
        return
    for name in seals:
        try:
            folder.open(name).check()
        except CorruptError as error:
            yield str(error)
        except OSError as error:
            yield _unreadable(error)


def _unreadable(error: OSError) -> str:
    return f"{error.filename}: cannot be read ({error.strerror}): 'clippings check --repair' makes it again"
