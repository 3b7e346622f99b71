"""Files checked as they are read: every byte that is used was checked, and no other was read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.blocks import BLOCK, Folder, flaws, seal
from index.errors import CorruptError

COUNT = 3 * BLOCK // 8 + 5  # numbers of 8 bytes in four blocks, the header of the file being 128 bytes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", np.arange(COUNT))
    (tmp_path / "other").write_bytes(b"x")
    return tmp_path


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


def test_slices_and_rows_come_back(home: Path) -> None:
    """As numpy wrote them, whichever blocks they lie in."""
    rows = Folder(home, seal(home)).open("numbers.npy").array()
    assert len(rows) == COUNT
    assert rows[:].tolist() == list(range(COUNT))
    assert rows[2000:2100].tolist() == list(range(2000, 2100))
    assert rows[5:5].tolist() == []
    assert rows.at(np.array([COUNT - 1, 0, 2047])).tolist() == [COUNT - 1, 0, 2047]


def test_only_what_is_asked_for_is_read(home: Path) -> None:
    """A flaw in the third block is none for who reads the first, and one for whoever reads the third in any way."""
    seals = seal(home)
    flip(home / "numbers.npy", 2 * BLOCK + 9)
    rows = Folder(home, seals).open("numbers.npy").array()
    assert rows[:2032].tolist() == list(range(2032))
    assert rows.at(np.array([1, COUNT - 1])).tolist() == [1, COUNT - 1]
    for read in (lambda: rows[:], lambda: rows[4090:4091], lambda: rows.at(np.array([3, 4090])), lambda: rows[2047:4082]):
        with pytest.raises(CorruptError, match=r"numbers\.npy: not the bytes that were written"):
            read()
    assert list(flaws(home, seals)) == [f"{home}/numbers.npy: not the bytes that were written: 'clippings check --repair' makes it again"]


@pytest.mark.parametrize("place", range(0, BLOCK * 3 + 100, BLOCK // 3))
def test_a_flipped_bit_anywhere_is_found(home: Path, place: int) -> None:
    """In the header, at the first and the last byte of a block, and in the last short one."""
    seals = seal(home)
    flip(home / "numbers.npy", place)
    assert len(list(flaws(home, seals))) == 1


def test_damaged_digests_are_named(home: Path) -> None:
    """They are held against the manifest's own."""
    seals = seal(home)
    flip(home / "digests", 3)
    with pytest.raises(CorruptError, match="digests"):
        Folder(home, seals).open("numbers.npy")
    Folder(home, seals).open("other").check()


@pytest.mark.parametrize("size", [0, 128, BLOCK * 3])
def test_a_shorter_file_is_refused(home: Path, size: int) -> None:
    """Before anything is mapped: reading past the end of a mapping would end the process."""
    seals = seal(home)
    with (home / "numbers.npy").open("rb+") as file:
        file.truncate(size)
    with pytest.raises(CorruptError, match="numbers"):
        Folder(home, seals).open("numbers.npy")


def test_what_is_missing_is_named(home: Path) -> None:
    """A file, and the digests."""
    seals = seal(home)
    (home / "other").unlink()
    assert list(flaws(home, seals)) == [
        f"{home}/other: cannot be read (No such file or directory): 'clippings check --repair' makes it again"
    ]
    (home / "digests").unlink()
    assert len(set(flaws(home, seals))) == 1


def test_a_row_longer_than_a_block_is_refused(tmp_path: Path) -> None:
    """Of such a row the middle would go unchecked."""
    np.save(tmp_path / "rows.npy", np.zeros(BLOCK))
    rows = Folder(tmp_path, seal(tmp_path)).open("rows.npy").rows(4, np.dtype((np.float64, BLOCK // 4)))
    with pytest.raises(AssertionError, match="longer than a block"):
        rows.at(np.array([0, 2]))
