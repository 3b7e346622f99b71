"""Open, add, search, check: the only module that knows the whole road and turns rows into passages.

ARCHIVE/store.db    articles, passages, manifest (index/store.py)
ARCHIVE/seg/        the segments of the current commit (index/segment.py)
ARCHIVE/lock        held by the one writer
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import articles, bm25, changes, check, filtering, fingerprint, places, undo, update
from index.changes import Added, Report
from index.check import Checked
from index.encoder import DEFAULT_MODEL, Encoder, SentenceEncoder
from index.errors import ArchiveError, ArticleError, CorruptError, ModelError, QuestionError, UsageError
from index.fusion import Fusion, Ranking, ordered, weighted_sum
from index.generation import Generation
from index.listing import Listed
from index.records import Article, Filters, Hit, Passage, Reach, Why
from index.store import Store
from index.undo import Removed
from index.writer import on_disk, writer

LEGS = ("bm25", "dense")
DEPTH = 1000
_TRIES = 5
MAX_QUERY = 2000


class Archive:
    """An archive in a folder. Safe to search from several threads; each search reads one commit, the newest."""

    def __init__(self, path: Path, encoder: Encoder | None = None) -> None:
        """Open the archive at `path`, or prepare to make one there with the first `add`; `encoder` None means the one it was made with."""
        self.path = path
        self._asked_for = encoder
        self._guard = threading.RLock()
        self._open: Generation | None = None
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

    @cached_property
    def encoder(self) -> Encoder:
        """The model of this archive; a MismatchError where it is not the one that made it."""
        if not self.exists:
            return self._asked_for or SentenceEncoder(DEFAULT_MODEL)
        with self._reading():
            made = self._store.fingerprint()
        encoder = self._asked_for or SentenceEncoder(made["model"])
        fingerprint.check(self.path, encoder, made)
        return encoder

    # Searching

    def search(
        self,
        query: str,
        k: int = 10,
        filters: Filters | None = None,
        legs: Collection[str] = LEGS,
        fuse: Fusion = weighted_sum,
    ) -> list[Hit]:
        """The best `k` passages, best first: each leg's first 1,000, fused. Without the leg "dense" no model is loaded, and no faiss."""
        check_query(query)
        with self.snapshot() as current:
            if current is None:
                return []
            allow = current.passing(filters) if filters and filters != Filters() else None
            rankings = {leg: self._rank(current, leg, query, allow) if leg in legs else {} for leg in LEGS}
            fused = fuse(rankings["bm25"], rankings["dense"])
            return self._hits(current, query, rankings, {row: fused[row] for row in ordered(fused, k)})

    def reach(self, filters: Filters | None = None) -> Reach:
        """What a search with these filters looks through; a UsageError where an outlet is none of the archive's."""
        limits = filters or Filters()
        with self.snapshot() as current:
            if current is None:
                return Reach(0, 0)
            filtering.known(limits, current.outlets)
            return current.reach(limits)

    def load(self) -> None:
        """Load the model and faiss now instead of with the first search."""
        with self.snapshot() as current:
            ready = self.encoder.encode(["ready"])[0]
            if current:
                current.search_meaning(ready, 1, None)

    @contextmanager
    def snapshot(self) -> Iterator[Generation | None]:
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

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What is read from the store inside belongs to one commit: its manifest is several rows, and a digest over them."""
        with self._guard:
            if self._inside:
                yield
            else:
                with self._store.snapshot():
                    yield

    def _current(self) -> Generation | None:
        """The segments of the snapshot, those that are new opened."""
        listed = self._store.segments()
        if not listed:
            self._open = None
        elif self._open is None or self._open.segments != tuple(listed):
            fingerprint.check_versions(self.path, self._store.fingerprint())
            self._open = Generation(self.path / "seg", listed, self._open.parts if self._open else None)
        return self._open

    def _rank(self, current: Generation, leg: str, query: str, allow: NDArray[np.bool_] | None) -> dict[int, float]:
        """row -> score, best first, ties by row."""
        if leg == "dense":
            rows, cosines = current.search_meaning(self.encoder.encode([query])[0], DEPTH, allow)
            return dict(zip(rows.tolist(), cosines.tolist(), strict=True))
        rows, scores = current.search_words(bm25.tokens(query), DEPTH, allow)
        return dict(zip(rows.tolist(), scores.tolist(), strict=True))

    def _hits(self, current: Generation, query: str, rankings: Mapping[str, Ranking], best: Ranking) -> list[Hit]:
        ranks = {leg: {row: rank for rank, row in enumerate(ranking, start=1)} for leg, ranking in rankings.items()}
        rows = np.array(list(best), dtype=np.int64)
        found = {word: current.bm25.stands_in(bm25.stem(word), rows) for word in _asked(query)}
        hits = []
        for place, (row, score) in enumerate(best.items()):
            terms = tuple(word for word, here in found.items() if here[place])
            why = Why(ranks["bm25"].get(row), ranks["dense"].get(row), terms)
            hits.append(Hit(self._store.passage(int(current.ids[row])), score, why, rankings["dense"].get(row, 0.0)))
        return hits

    def term_weights(self, text: str) -> dict[str, float]:
        """How telling each index token of `text` is in this archive: its inverse document frequency."""
        with self.snapshot() as current:
            return {token: current.bm25.idf(token) for token in bm25.tokens(text)} if current else {}

    def unknown(self, words: Iterable[str]) -> list[str]:
        """Those of some words that stand in no passage and no title of the archive, in any form."""
        with self.snapshot() as current:
            return [word for word in words if current is None or not current.bm25.knows(bm25.stem(word))]

    # Reading

    def article(self, article_id: str) -> Article:
        """The article of that id; an ArchiveError where there is none."""
        with self._guard:
            article = self._store.article(article_id)
        if article is None:
            raise ArchiveError(f"no article {article_id} in {self.path}")
        return article

    def text(self, passage: Passage) -> str:
        """The text of a passage: a slice of its article."""
        return self.article(passage.article_id).text[passage.start : passage.end]

    def articles(self) -> Iterator[Article]:
        """All articles, by path, of one commit."""
        with self.snapshot():
            return iter(list(self._store.articles()))

    def listed(self, words: str = "", filters: Filters | None = None, order: str = "newest", first: int = 0, count: int = 50) -> Listed:
        """`count` articles from the `first` on, of those whose title or outlet has each of some words, in any case, and that pass the
        filters; `order` is one of index.listing.ORDERS."""
        with self._reading():
            return self._store.listed(words, filters or Filters(), order, first, count)

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (id, SHA-256 of its bytes) of every article."""
        with self._guard:
            return self._store.known()

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""
        with self.snapshot():
            return [self._store.passage(number) for number in sorted(self._store.passage_numbers([article_id]))]

    def census(self) -> dict[str, Any]:
        """Counts and ranges: articles, passages, outlets, first and last date ("" where no article has one)."""
        with self._reading():
            return self._store.census()

    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""
        with self.snapshot() as current:
            return list(current.outlets) if current else []

    def newest(self, count: int) -> list[Article]:
        """The newest articles, those without a date last."""
        with self._guard:
            return self._store.newest(count)

    def changed(self) -> float:
        """When something was last committed, in seconds since 1970."""
        return max(_written(self.path / name) for name in ("store.db", "store.db-wal"))

    def size(self) -> int:
        """Bytes on disk, of the files that it keeps itself too."""
        return sum(_size(Path(parent) / name) for parent, _, names in os.walk(self.path) for name in names)

    def places(self) -> dict[str, bool]:
        """The files and folders that the archive is kept up to date with, True; and those below them that were taken out, False."""
        with self._guard:
            return self._store.places()

    def failed(self) -> dict[str, ArticleError]:
        """path -> what could not be taken there, and why."""
        with self._guard:
            return self._store.failed()

    def status(self) -> dict[str, Any]:
        """What the archive holds, what made it and what it is kept up to date with: counts, dates, model, bytes on disk, a digest,
        the places that it was given, what was taken out below them, and what could not be taken and why. "recall@10": that of the dense
        leg, as measured when its codes were made; None where it is exact.
        """
        with self._reading():
            made = self._store.fingerprint()
            census = self._store.census()
            digest = self._store.digest()
            recalls = [one.recall for one in self._store.segments() if one.recall is not None]
            failed = self._store.failed()
            remembered = self._store.places()
        return {
            "archive": str(self.path),
            **census,
            "model": made["model"],
            "weights": made["weights"],
            "recall@10": min(recalls, default=None),
            "bytes": self.size(),
            "digest": digest,
            "places": [path for path, wanted in remembered.items() if wanted],
            "left_out": [path for path, wanted in remembered.items() if not wanted],
            "not_taken": {path: error.reason for path, error in failed.items()},
        }

    # Adding

    def add(self, paths: list[Path], report: Report = lambda stage, done, total: None) -> Added:
        """Bring the archive up to date with files and folders; `report` is told the stage, and how much of it is done.

        New and changed articles are taken, unchanged ones left alone, and those that vanished from a given folder or file
        removed. What cannot be read is listed, and an earlier version of it stays. Each commit is whole.
        """
        found = changes.find(paths)
        with writer(self.path, self.encoder) as store:
            found = changes.with_places(found, store.places())
            store.remember(places.given(store.places(), found.paths))
            return update.bring_up(self.path / "seg", store, self.encoder, found, report)

    def update(self, report: Report = lambda stage, done, total: None) -> Added:
        """Bring the archive up to date with every file and folder that it was given."""
        assert self._store  # or an ArchiveError that says how to make one
        with writer(self.path, self.encoder) as store:
            return update.bring_up(self.path / "seg", store, self.encoder, changes.find_again(store.places()), report)

    def remove(self, paths: list[Path]) -> int:
        """Take out articles, by id or by the file or folder that they came from, there still or not; how many.

        What lies in a folder that is kept up to date stays out, until it is given to add by name. A UsageError where one of
        them is none of the archive's.
        """
        assert self._store  # or an ArchiveError that says how to make one
        with writer(self.path, self.encoder) as store:
            known, remembered = store.known(), store.places()
            here = [places.place_of(path, known) for path in paths]
            kept = [path for path, wanted in remembered.items() if wanted]
            if lost := places.unheld(paths, here, [*known, *kept, *store.failed()]):
                raise UsageError(f"no article of the archive is from {', '.join(lost)}; nothing was changed")
            gone = places.below(known, here)
            undo.drop(self.path / "seg", store, self.encoder, here, gone)
        return len(gone)

    def take_out(self, article_id: str) -> Removed:
        """Take out one article, as `remove` does; what `put_back` needs to undo that. An ArchiveError where there is none of that id."""
        assert self._store  # or an ArchiveError that says how to make one
        with writer(self.path, self.encoder) as store:
            return undo.take_out(self.path / "seg", store, self.encoder, article_id)

    def put_back(self, removed: Removed) -> None:
        """Undo a removal: the article is as it was, and nothing is read or embedded again. One that has come back meanwhile stays as it
        is."""
        with writer(self.path, self.encoder) as store:
            undo.put_back(self.path / "seg", store, self.encoder, removed)

    def check(self) -> Checked:
        """Whether everything is what was written; what is not, named."""
        for _ in range(_TRIES):
            with self._guard, self._store.snapshot():
                problems = check.problems(self.path / "seg", self._store)
                digest = self._store.state()
            if not problems or self._store.state() == digest:
                break  # else a writer has committed meanwhile, and deleted what it no longer needs
        return Checked(problems, whole=not problems)

    def repair(self, report: Report = lambda stage, done, total: None) -> Checked:
        """Check, and make again from the text, or from the articles' files, what is damaged; what is lost is named."""
        checked = self.check()
        if checked.whole:
            return checked
        self._choose_mender()
        with writer(self.path, self.encoder, repair=True) as store:
            checked = self.check()
            if not checked.whole:
                sound, damaged = check.repair(self.path / "seg", store, self.encoder, fingerprint.of(self.encoder), report)
                self._read_again(store, damaged, report)
                held = store.known()
                checked.done = [f"made again: {sound:,} articles"]
                checked.done += [f"{'read again' if path in held else 'lost'}: {path}" for path in damaged]
                checked.whole = self.check().whole and all(path in held for path in damaged)
        return checked

    def _choose_mender(self) -> None:
        """The encoder: where the manifest cannot be believed, and all is embedded again, what was asked for, or is named there."""
        try:
            _ = self.encoder
        except CorruptError:
            self.encoder = self._asked_for or SentenceEncoder(self._store.named_model() or DEFAULT_MODEL)
            try:
                _ = self.encoder.digest
            except ModelError:
                self.encoder = SentenceEncoder(DEFAULT_MODEL)

    def _read_again(self, store: Store, damaged: list[str], report: Report) -> None:
        """Take articles from their files, and nothing else of those, nor away."""
        files = [Path(file) for file in sorted({articles.file_of(path) for path in damaged}) if os.path.isfile(file)]  # noqa: PTH113
        if files:
            plan = changes.compare(changes.find(files), changes.Memory(store.known(), {}, {}), report)
            take = [article for article in plan.take if article.path in damaged]
            update.carry_out(self.path / "seg", store, self.encoder, changes.Plan(plan.added, take, [], {}, {}), report)


def _size(file: Path) -> int:
    """Bytes; 0 for a file that a writer deletes meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _written(file: Path) -> float:
    """When a file was written last; 0 where it holds nothing: a reader, too, makes an empty log."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return 0
    return status.st_mtime if status.st_size else 0


def check_query(query: str) -> None:
    """A QuestionError where a query has no word, or more characters than anyone types."""
    if not bm25.words(query):
        raise QuestionError("the question is empty: type a few words")
    if len(query) > MAX_QUERY:
        raise QuestionError(f"the question has {len(query):,} characters: at most {MAX_QUERY:,}, so ask for one thing")


def matched_terms(query: str, text: str) -> tuple[str, ...]:
    """The words of `query`, as typed, whose index tokens stand in `text`."""
    found = set(bm25.tokens(text))
    return tuple(word for word in _asked(query) if bm25.stem(word) in found)


def _asked(query: str) -> dict[str, None]:
    """The words of a query that are looked for, each once, as typed."""
    return dict.fromkeys(word for word in bm25.words(query) if word.casefold() not in bm25.STOP_WORDS)
