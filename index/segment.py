"""The immutable files of a segment: vectors, postings, passage ids. A folder named by the digest of what is in it.

Files are written under a passing name, synced, and take their name by one rename, so a published folder is whole. It is
never changed afterwards; one that no manifest names is litter. Digests are checked before faiss or numpy reads a byte,
and nothing is ever unpickled. Which of its rows still live, the manifest says.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import bm25, dense
from index.bm25 import Postings
from index.encoder import Vectors
from index.errors import CorruptError

_ARRAYS = ("starts", "rows", "counts", "lengths")
VECTORS, _IDS, _ARTICLES = "vectors.faiss", "ids.npy", "articles.npy"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Segment:
    """What the manifest says of a segment: its folder's name, its passages, the SHA-256 of each file, and its tombstones.

    `dead` has a bit for each row, lowest first; the rows of passages that were taken out are set.
    """

    name: str
    passages: int
    files: Mapping[str, str]
    dead: bytes

    @property
    def alive(self) -> Mask:
        """bool[passages]: the rows that live."""
        dead: Mask = np.unpackbits(np.frombuffer(self.dead, dtype=np.uint8), count=self.passages, bitorder="little").astype(bool)
        return ~dead

    def without(self, rows: NDArray[np.int64]) -> Segment:
        """The segment with some more rows dead."""
        alive = self.alive
        alive[rows] = False
        return Segment(self.name, self.passages, self.files, _bits(~alive))


def _bits(mask: Mask) -> bytes:
    return np.packbits(mask, bitorder="little").tobytes()


@dataclass(frozen=True, slots=True)
class Contents:
    """A segment, row by row: row r is the passage ids[r], ids rising, of the article that is row articles[r] of `whole`."""

    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    vectors: Vectors
    postings: Postings
    whole: Postings


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """A segment, mapped; its vectors stay, unchecked, in the file at `vectors`."""

    name: str
    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    vectors: Path
    postings: Postings
    whole: Postings

    def living_articles(self, alive: Mask) -> Mask:
        """bool[articles]: those that have a living passage; an article goes as a whole."""
        found = np.zeros(len(self.whole.lengths), dtype=bool)
        found[self.articles[alive]] = True
        return found


def write(folder: Path, contents: Contents) -> Segment:
    """Write a segment below `folder` and return what to put into the manifest; on return it is on the disk."""
    assert len(contents.ids) == len(contents.articles) == len(contents.vectors) == len(contents.postings.lengths)
    passing = folder / f"tmp-{os.getpid()}"
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    dense.write(passing / VECTORS, contents.vectors)
    np.save(passing / _IDS, contents.ids)
    np.save(passing / _ARTICLES, contents.articles)
    _write_postings(passing, "passages", contents.postings)
    _write_postings(passing, "whole", contents.whole)
    files = {file.name: _sync(file) for file in sorted(passing.iterdir())}
    name = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:24]
    _publish(passing, folder / name)
    return Segment(name, len(contents.ids), files, _bits(np.zeros(len(contents.ids), dtype=bool)))


def _write_postings(home: Path, kind: str, postings: Postings) -> None:
    for name in _ARRAYS:
        np.save(home / f"{kind}.{name}.npy", getattr(postings, name))
    (home / f"{kind}.terms.txt").write_text("".join(f"{term}\n" for term in postings.terms), encoding="utf-8")


def _read_postings(home: Path, kind: str) -> Postings:
    arrays = {name: _map(home / f"{kind}.{name}.npy") for name in _ARRAYS}
    lines = (home / f"{kind}.terms.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return Postings({term: number for number, term in enumerate(lines)}, **arrays)


def _map(file: Path) -> Any:
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _sync(file: Path) -> str:
    """Push a file to the disk; its SHA-256."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _publish(passing: Path, final: Path) -> None:
    sync_folder(passing)
    if final.exists():  # the same files, written by an add that was not committed, and perhaps deleted in part
        _delete(final)
    passing.rename(final)
    sync_folder(final.parent)


def _delete(home: Path) -> None:
    """Delete a segment, its name first: what has a segment's name is whole."""
    gone = home.with_name(f"tmp-gone-{home.name}")
    shutil.rmtree(gone, ignore_errors=True)
    home.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Push a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_segment(folder: Path, segment: Segment) -> OpenSegment:
    """Check every file of `segment` but its vectors against its digest and map it; a CorruptError names the file that differs."""
    home = folder / segment.name
    for name in segment.files:
        if name != VECTORS:
            check_file(home, segment, name)
    passages, whole = _read_postings(home, "passages"), _read_postings(home, "whole")
    return OpenSegment(segment.name, _map(home / _IDS), _map(home / _ARTICLES), home / VECTORS, passages, whole)


def check_file(home: Path, segment: Segment, name: str) -> None:
    """A CorruptError where a file of a segment is not what was written."""
    with (home / name).open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != segment.files[name]:
            raise CorruptError(f"{home / name}: not the bytes that were written: 'clippings check --repair' makes it again")


def read_ids(folder: Path, segment: Segment) -> NDArray[np.int64]:
    """int64[passages], rising: the passage of each row, without opening the rest."""
    home = folder / segment.name
    check_file(home, segment, _IDS)
    ids: NDArray[np.int64] = _map(home / _IDS)
    return ids


def merge(folder: Path, segments: Sequence[Segment]) -> Contents:
    """The living rows of some segments as one, in the order of their passages. Every file is checked on the way."""
    for segment in segments:
        check_file(folder / segment.name, segment, VECTORS)
    found = [(one := open_segment(folder, segment), segment.alive, one.living_articles(segment.alive)) for segment in segments]
    firsts = np.cumsum([0, *(int(articles.sum()) for _, _, articles in found)])
    merged = Contents(
        np.concatenate([one.ids[alive] for one, alive, _ in found]),
        np.concatenate(
            [(np.cumsum(articles) - 1)[one.articles[alive]] + first for (one, alive, articles), first in zip(found, firsts, strict=False)]
        ),
        np.concatenate([dense.Dense(one.vectors).vectors()[alive] for one, alive, _ in found]),
        bm25.merge([(one.postings, alive) for one, alive, _ in found]),
        bm25.merge([(one.whole, articles) for one, _, articles in found]),
    )
    assert (np.diff(merged.ids) > 0).all()
    return merged


def collect(folder: Path, keep: set[str]) -> None:
    """Delete the segments below `folder` that are not in `keep`; whoever has one mapped can go on reading it."""
    for home in folder.iterdir():
        if home.name.startswith("tmp-"):
            shutil.rmtree(home, ignore_errors=True)
        elif home.name not in keep:
            _delete(home)
