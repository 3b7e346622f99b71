"""The immutable files of a segment: vectors, postings, passage ids. A folder named by the digest of what is in it.

Files are written under a passing name, synced, and take their name by one rename, so a published folder is whole. It is
never changed afterwards; one that no manifest names is litter. Blocks are checked against their digests before anything of them is
used (index/blocks.py), and nothing is ever unpickled. Which of its rows still live, the manifest says.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import blocks, bm25, dense, facets
from index.blocks import Folder, Seal
from index.bm25 import Postings
from index.dense import Part, Stored
from index.facets import Facets, Mask

_IDS, _ARTICLES = "ids.npy", "articles.npy"


@dataclass(frozen=True, slots=True)
class Segment:
    """What the manifest says of a segment: its folder's name, its passages, the seals of its files, its tombstones, its recall.

    `dead` has a bit for each row, lowest first; the rows of passages that were taken out are set. `recall` is the recall@10 of its
    vectors' codes, measured when they were made; None where a search scans the vectors and is exact.
    """

    name: str
    passages: int
    files: Mapping[str, Seal]
    dead: bytes
    recall: float | None

    @property
    def alive(self) -> Mask:
        """bool[passages]: the rows that live."""
        dead: Mask = np.unpackbits(np.frombuffer(self.dead, dtype=np.uint8), count=self.passages, bitorder="little").astype(bool)
        return ~dead

    def without(self, rows: NDArray[np.int64]) -> Segment:
        """The segment with some more rows dead."""
        alive = self.alive
        alive[rows] = False
        return replace(self, dead=_bits(~alive))


def _bits(mask: Mask) -> bytes:
    return np.packbits(mask, bitorder="little").tobytes()


@dataclass(frozen=True, slots=True)
class Contents:
    """A segment, row by row: row r is the passage ids[r], ids rising, of the article that is row articles[r] of `whole`."""

    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    vectors: Stored
    postings: Postings
    whole: Postings
    facets: Facets


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """A segment, its files open."""

    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    vectors: Part
    postings: Postings
    whole: Postings
    facets: Facets

    def living_articles(self, alive: Mask) -> Mask:
        """bool[articles]: those that have a living passage; an article goes as a whole."""
        if alive.all():
            return np.ones(len(self.whole.lengths), dtype=bool)
        found = np.zeros(len(self.whole.lengths), dtype=bool)
        found[self.articles[alive]] = True
        return found


def write(folder: Path, contents: Contents) -> Segment:
    """Write a segment below `folder` and return what to put into the manifest; on return it is on the disk."""
    assert len(contents.ids) == len(contents.articles) == len(contents.vectors) == len(contents.postings.lengths)
    assert len(contents.facets) == len(contents.whole.lengths)
    passing = folder / f"tmp-{os.getpid()}"
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    recall = dense.write(passing, contents.vectors)
    _save(passing / _IDS, contents.ids)
    _save(passing / _ARTICLES, contents.articles)
    _write_postings(passing, "passages", contents.postings)
    _write_postings(passing, "whole", contents.whole)
    _save(passing / facets.DAYS, contents.facets.days)
    _save(passing / facets.OUTLETS, contents.facets.outlets)
    facets.write_names(passing, contents.facets)
    files = blocks.seal(passing)
    name = hashlib.sha256(json.dumps([asdict(one) for one in files.values()]).encode()).hexdigest()[:24]
    _publish(passing, folder / name)
    return Segment(name, len(contents.ids), files, _bits(np.zeros(len(contents.ids), dtype=bool)), recall)


def _save(file: Path, array: NDArray[Any]) -> None:
    """As numpy does, but numpy does not say when the last of an array finds the disk full."""
    with file.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, np.lib.format.header_data_from_array_1_0(array))
        handle.write(np.ascontiguousarray(array).data)


def _write_postings(home: Path, kind: str, postings: Postings) -> None:
    for field in fields(Postings):
        _save(home / f"{kind}.{field.name}.npy", getattr(postings, field.name))


def _read_postings(folder: Folder, kind: str) -> Postings:
    """Entries are checked when a term asks for them, the rest now."""
    columns = {field.name: folder.open(f"{kind}.{field.name}.npy").array() for field in fields(Postings)}
    return Postings(columns["terms"][:], columns["starts"][:], columns["rows"], columns["counts"], columns["lengths"][:])


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


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, where there is none, and those above it; on return they are on the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Push a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_segment(folder: Path, segment: Segment) -> OpenSegment:
    """Open a segment; a CorruptError, now or when more of it is read, names a file that is not what was written."""
    opened = Folder(folder / segment.name, segment.files)
    ids, articles = (opened.open(name).array()[:] for name in (_IDS, _ARTICLES))
    postings, whole = (_read_postings(opened, kind) for kind in ("passages", "whole"))
    return OpenSegment(ids, articles, Part(opened, segment.passages), postings, whole, facets.read(opened))


def read_ids(folder: Path, segment: Segment) -> NDArray[np.int64]:
    """int64[passages], rising: the passage of each row, without opening the rest."""
    ids: NDArray[np.int64] = Folder(folder / segment.name, segment.files).open(_IDS).array()[:]
    return ids


def merge(folder: Path, segments: Sequence[Segment]) -> Contents:
    """The living rows of some segments as one, in the order of their passages. Everything is checked on the way."""
    found = [(one := open_segment(folder, segment), segment.alive, one.living_articles(segment.alive)) for segment in segments]
    firsts = np.cumsum([0, *(int(articles.sum()) for _, _, articles in found)])
    merged = Contents(
        np.concatenate([one.ids[alive] for one, alive, _ in found]),
        np.concatenate(
            [(np.cumsum(articles) - 1)[one.articles[alive]] + first for (one, alive, articles), first in zip(found, firsts, strict=False)]
        ),
        np.concatenate([one.vectors.rows[:][alive] for one, alive, _ in found]),
        bm25.merge([(one.postings, alive) for one, alive, _ in found]),
        bm25.merge([(one.whole, articles) for one, _, articles in found]),
        facets.merge([(one.facets, articles) for one, _, articles in found]),
    )
    assert (np.diff(merged.ids) > 0).all()
    return merged


def sweep(folder: Path) -> None:
    """Delete what was being written, or deleted, below `folder` when that was broken off."""
    for home in folder.glob("tmp-*"):
        shutil.rmtree(home, ignore_errors=True)


def collect(folder: Path, keep: set[str]) -> None:
    """Delete the segments below `folder` that are not in `keep`; whoever has one open can go on reading it."""
    sweep(folder)
    for home in folder.iterdir():
        if home.name not in keep:
            _delete(home)
