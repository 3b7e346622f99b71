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
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """A mapped file of which no byte is given out before its block was checked, once in the life of this object."""

    def __init__(self, path: Path, size: int, digests: bytes) -> None:
        """A CorruptError where the file has another size."""
        self.path = path
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        if os.fstat(self._file).st_size != size:
            raise _damaged(path)
        self._bytes = np.frombuffer(mmap.mmap(self._file, size, prot=mmap.PROT_READ), dtype=np.uint8)
        self._digests = digests
        self._sound = np.zeros(len(digests) // _WIDTH, dtype=bool)
        self._all_sound = False

    def check(self, first: int = 0, last: int | None = None) -> None:
        """A CorruptError where the bytes first to last, all unless told, are not those that were written."""
        last = len(self._bytes) if last is None else min(last, len(self._bytes))
        if not self._all_sound:
            self._check(np.arange(first // BLOCK, -(-last // BLOCK)))

    def check_spans(self, firsts: NDArray[np.int64], lasts: NDArray[np.int64]) -> None:
        """The same of some spans of bytes, none of them longer than a block."""
        if not self._all_sound:
            self._check(np.union1d(firsts // BLOCK, (lasts - 1) // BLOCK))

    def _check(self, blocks: NDArray[np.int64]) -> None:
        unknown = blocks[~self._sound[blocks]].tolist()
        for block in unknown:
            if _digest(self.read(block * BLOCK, BLOCK)) != self._digests[block * _WIDTH : (block + 1) * _WIDTH]:
                raise _damaged(self.path)
            self._sound[block] = True
        if unknown:
            self._all_sound = bool(self._sound.all())

    def read(self, first: int, size: int) -> bytes:
        """Some bytes, which must have been checked; read and not mapped, they take no room in memory afterwards."""
        return os.pread(self._file, size, first)

    def mapped(self, last: int | None = None) -> NDArray[np.uint8]:
        """All bytes, of which those up to `last` are checked now; the rest must not be read before `check`."""
        self.check(0, last)
        return self._bytes

    def rows(self, count: int, kind: np.dtype[Any]) -> Rows:
        """The end of the file as `count` rows of a kind, none longer than a block; what stands before them is checked now."""
        start = len(self._bytes) - count * kind.itemsize
        self.check(0, start)
        return Rows(self, start, kind.itemsize, self._bytes[start:].view(kind.base).reshape(count, *kind.shape))

    def array(self) -> Rows:
        """What numpy.save wrote of one dimension."""
        self.check(0, 1)
        header = BytesIO(self.read(0, BLOCK))
        assert np.lib.format.read_magic(header) == (1, 0)
        (count,), _, kind = np.lib.format.read_array_header_1_0(header)
        return self.rows(count, kind)


class Rows:
    """Rows of a `File`, checked as they are asked for."""

    def __init__(self, file: File, start: int, width: int, values: NDArray[Any]) -> None:
        self._file, self._start, self._width, self._values = file, start, width, values
        self.shape = values.shape

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, span: slice) -> NDArray[Any]:
        """A run of rows."""
        first, last, _ = span.indices(len(self))
        self._file.check(self._start + first * self._width, self._start + last * self._width)
        return self._values[span]

    def at(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows, copied out."""
        self.check(rows)
        data = b"".join([self._file.read(self._start + row * self._width, self._width) for row in rows.tolist()])
        return np.frombuffer(data, dtype=self._values.dtype).reshape(len(rows), *self.shape[1:])

    def check(self, rows: NDArray[np.int64]) -> None:
        """A CorruptError where one of some rows is not what was written."""
        self._file.check_spans(self._start + rows * self._width, self._start + (rows + 1) * self._width)


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
    for name in seals:
        try:
            Folder(home, seals).open(name).check()
        except CorruptError as error:
            yield str(error)
        except OSError as error:
            yield f"{error.filename}: cannot be read ({error.strerror}): 'clippings check --repair' makes it again"
