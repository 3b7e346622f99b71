"""The engine of an archive in a folder: one machine, no server.

ARCHIVE/store.db    articles, passages, manifest (index/store.py)
ARCHIVE/seg/        the segments of the current commit (index/segment.py)
ARCHIVE/lock        held by the one writer (index/writer.py)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from index import check, fingerprint
from index.commit import StoreWriter
from index.encoder import Encoder, Vectors
from index.errors import ArchiveError
from index.facets import Mask
from index.fusion import Ranking
from index.generation import Generation
from index.records import Filters, Passage, Reach
from index.store import Store
from index.writer import on_disk, writer

_TRIES = 5


class LocalEngine:
    """An `Engine` over a folder; each search reads one commit, the newest, and never waits for the writer."""

    def __init__(self, path: Path) -> None:
        self.path = self.folder = path
        self._guard = threading.RLock()
        self._open: LocalSnapshot | None = None
        self._inside = False

    @property
    def exists(self) -> bool:
        """Whether there is an archive at the path.

        A rollback journal is left by a first add that was killed while it switched to WAL, before there were tables. Only a writer
        can play it back, and does.
        """
        if not (self.path / "store.db").is_file() or (self.path / "store.db-journal").is_file():
            return False
        store = Store(self.path / "store.db")
        try:
            return store.is_made()
        finally:
            store.close()

    @cached_property
    def _store(self) -> Store:
        if not self.exists:
            raise ArchiveError(f"no archive at {self.path}: make one with 'clippings add FOLDER', or name another with --archive")
        return Store(self.path / "store.db")

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store. What is read inside belongs to one commit: its manifest is several rows, and a digest over them."""
        with self._guard:
            if self._inside:
                yield self._store
            else:
                with self._store.snapshot():
                    yield self._store

    @contextmanager
    def snapshot(self) -> Iterator[LocalSnapshot | None]:
        """The newest commit, opened; everything read inside belongs to it. None in an empty archive.

        A writer may commit between our reading the manifest and our opening its files, and delete them: then the manifest is old.
        """
        with self._guard, on_disk(self.path):
            if self._inside:
                yield self._open
                return
            for attempt in range(_TRIES):
                with self._store.snapshot():
                    try:
                        current = self._current()
                    except FileNotFoundError:
                        if attempt + 1 < _TRIES:
                            continue
                        raise
                    self._inside = True
                    try:
                        yield current
                    finally:
                        self._inside = False
                    return

    def _current(self) -> LocalSnapshot | None:
        """The segments of the newest commit, those that are new opened."""
        listed = self._store.segments()
        if not listed:
            self._open = None
        elif self._open is None or self._open.generation.segments != tuple(listed):
            fingerprint.check_versions(self.path, self._store.fingerprint())
            earlier = self._open.generation.parts if self._open else None
            self._open = LocalSnapshot(Generation(self.path / "seg", listed, earlier), self._store)
        return self._open

    def writer(self, encoder: Encoder, repair: bool = False) -> AbstractContextManager[StoreWriter]:
        """The store and the segments, to write to, until the end of the block; an ArchiveError while another process writes."""
        return writer(self.path, encoder, repair)

    def check(self) -> list[str]:
        """What is not what was written, in lines that name it."""
        for _ in range(_TRIES):
            with self._guard, self._store.snapshot():
                problems = check.problems(self.path / "seg", self._store)
                state = self._store.state()
            if not problems or self._store.state() == state:
                break  # else a writer has committed meanwhile, and deleted what it no longer needs
        return problems

    def named_model(self) -> str:
        """The name of the model in a manifest that cannot be believed; "" where it says none."""
        return self._store.named_model()

    def changed(self) -> float:
        """When something was last committed, in seconds since 1970."""
        return max(_written(self.path / name) for name in ("store.db", "store.db-wal"))

    def size(self) -> int:
        """Bytes on disk, of all that is in the folder."""
        return sum(_size(Path(parent) / name) for parent, _, names in os.walk(self.path) for name in names)


class LocalSnapshot:
    """A `Snapshot`: the open segments of a commit, and the store that has their passages."""

    def __init__(self, generation: Generation, store: Store) -> None:
        self.generation = generation
        self._store = store
        self._passing: tuple[Filters, Mask | None] = (Filters(), None)

    @property
    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""
        return self.generation.outlets

    def reach(self, limits: Filters) -> Reach:
        """What a search within some limits looks through."""
        return self.generation.reach(limits)

    def rank_words(self, tokens: list[str], k: int, limits: Filters) -> Ranking:
        """The `k` rows that BM25 scores highest."""
        rows, scores = self.generation.search_words(tokens, k, self._within(limits))
        return dict(zip(rows.tolist(), scores.tolist(), strict=True))

    def rank_meaning(self, query: Vectors, k: int, limits: Filters) -> Ranking:
        """The `k` rows nearest to a unit vector, and their cosines."""
        rows, cosines = self.generation.search_meaning(query, k, self._within(limits))
        return dict(zip(rows.tolist(), cosines.tolist(), strict=True))

    def _within(self, limits: Filters) -> Mask | None:
        """The rows within some limits, None for all; worked out once for both legs of a search."""
        if self._passing[0] != limits:
            self._passing = limits, self.generation.passing(limits) if limits != Filters() else None
        return self._passing[1]

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passage of each row."""
        return [self._store.passage(int(self.generation.ids[row])) for row in rows]

    def stand_in(self, tokens: Collection[str], rows: Sequence[int]) -> list[frozenset[str]]:
        """For each row, those of some tokens that stand in its indexed text."""
        at = np.array(rows, dtype=np.int64)
        found = {token: self.generation.bm25.stands_in(token, at) for token in tokens}
        return [frozenset(token for token, here in found.items() if here[place]) for place in range(len(rows))]

    def idf(self, tokens: Collection[str]) -> dict[str, float]:
        """Lucene's inverse document frequency of each token."""
        return {token: self.generation.bm25.idf(token) for token in tokens}

    def unknown(self, tokens: Collection[str], limits: Filters) -> set[str]:
        """Those of some tokens that stand in no passage within some limits, and in no heading of one."""
        return {token for token in tokens if not self.generation.bm25.knows(token, self._within(limits))}


def _written(file: Path) -> float:
    """When a file was written last; 0 where it holds nothing: a reader, too, makes an empty log."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return 0
    return status.st_mtime if status.st_size else 0


def _size(file: Path) -> int:
    """Bytes; 0 for a file that a writer deletes meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
