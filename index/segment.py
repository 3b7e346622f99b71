"""The immutable files of one commit: vectors, postings, passage ids. A folder named by the digest of what is in it.

Files are written under a passing name, synced, and take their name by one rename, so a published folder is whole. It is
never changed afterwards; one that no manifest names is litter. Digests are checked before faiss or numpy reads a byte,
and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import dense
from index.bm25 import BM25, Postings
from index.encoder import Vectors
from index.errors import CorruptError

_ARRAYS = ("starts", "rows", "counts", "lengths")
_VECTORS, _IDS, _ARTICLES = "vectors.faiss", "ids.npy", "articles.npy"


@dataclass(frozen=True, slots=True)
class Segment:
    """What the manifest says of a segment: its folder's name, its passages, and the SHA-256 of each file."""

    name: str
    passages: int
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """A segment, mapped: row r of both legs is the passage ids[r], of the article that is row articles[r] of `whole`."""

    name: str
    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    dense: dense.Dense
    bm25: BM25
    whole: BM25


@dataclass(frozen=True, slots=True)
class Contents:
    """What is written as a segment, row by row; `whole` are the postings of whole articles."""

    ids: NDArray[np.int64]
    articles: NDArray[np.int64]
    vectors: Vectors
    postings: Postings
    whole: Postings


def write(folder: Path, contents: Contents) -> Segment:
    """Write a segment below `folder` and return what to put into the manifest; on return it is on the disk."""
    passing = folder / f"tmp-{os.getpid()}"
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    dense.write(passing / _VECTORS, contents.vectors)
    np.save(passing / _IDS, contents.ids)
    np.save(passing / _ARTICLES, contents.articles)
    _write_postings(passing, "passages", contents.postings)
    _write_postings(passing, "whole", contents.whole)
    files = {file.name: _sync(file) for file in sorted(passing.iterdir())}
    name = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:24]
    _publish(passing, folder / name)
    return Segment(name, len(contents.ids), files)


def _write_postings(home: Path, kind: str, postings: Postings) -> None:
    for name in _ARRAYS:
        np.save(home / f"{kind}.{name}.npy", getattr(postings, name))
    (home / f"{kind}.terms.txt").write_text("".join(f"{term}\n" for term in postings.terms), encoding="utf-8")


def _read_postings(home: Path, kind: str) -> BM25:
    arrays = {name: _map(home / f"{kind}.{name}.npy") for name in _ARRAYS}
    lines = (home / f"{kind}.terms.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return BM25(Postings({term: number for number, term in enumerate(lines)}, **arrays))


def _map(file: Path) -> Any:
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _sync(file: Path) -> str:
    """Push a file to the disk; its SHA-256."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _publish(passing: Path, final: Path) -> None:
    sync_folder(passing)
    if final.exists():
        shutil.rmtree(passing)
    else:
        passing.rename(final)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """Push a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_segment(folder: Path, segment: Segment) -> OpenSegment:
    """Check every file of `segment` against its digest and map it; a CorruptError names the file that differs."""
    home = folder / segment.name
    for name, digest in segment.files.items():
        _check(home / name, digest)
    passages, whole = _read_postings(home, "passages"), _read_postings(home, "whole")
    return OpenSegment(segment.name, _map(home / _IDS), _map(home / _ARTICLES), dense.Dense(home / _VECTORS), passages, whole)


def _check(file: Path, digest: str) -> None:
    with file.open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != digest:
            raise CorruptError(f"{file}: not the bytes that were written; make the archive again from its articles")


def collect(folder: Path, keep: set[str]) -> None:
    """Delete the segments below `folder` that are not in `keep`; whoever has one mapped can go on reading it."""
    for home in folder.iterdir():
        if home.name not in keep:
            shutil.rmtree(home, ignore_errors=True)
