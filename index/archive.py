"""Search, read, add, check: the road from files to hits, over whatever engine holds the archive (index/engine.py)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from index import articles, bm25, changes, filtering, fingerprint, places, undo, update
from index.changes import Added, Report, Shard
from index.check import Checked
from index.encoder import DEFAULT_MODEL, Encoder, SentenceEncoder
from index.engine import Place, Snapshot, Writer, engine
from index.errors import ArchiveError, ArticleError, CorruptError, ModelError, UsageError
from index.fusion import Fusion, Ranking, ordered, weighted_sum
from index.listing import Listed
from index.query import asked_for, check_query
from index.records import Article, Filters, Hit, Passage, Reach, Why
from index.undo import Removed

LEGS = ("bm25", "dense")
DEPTH = 1000


class Archive:
    """An archive. Safe to search from several threads; each search reads one commit, the newest."""

    def __init__(self, path: Place, encoder: Encoder | None = None) -> None:
        """Open the archive at `path`, a folder or an address, or prepare to make one there with the first `add`.

        `encoder` None means the one it was made with.
        """
        self.path = path
        self._asked_for = encoder
        self._engine = engine(path)

    @property
    def exists(self) -> bool:
        """Whether there is an archive."""
        return self._engine.exists

    @property
    def folder(self) -> Path:
        """A folder of this machine for what is kept beside the archive."""
        return self._engine.folder

    @cached_property
    def encoder(self) -> Encoder:
        """The model of this archive; a MismatchError where it is not the one that made it."""
        if not self.exists:
            return self._asked_for or SentenceEncoder(DEFAULT_MODEL)
        with self._engine.reading() as catalogue:
            made = catalogue.fingerprint()
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
            limits = filters or Filters()
            rankings = {leg: self._rank(current, leg, query, limits) if leg in legs else {} for leg in LEGS}
            fused = fuse(rankings["bm25"], rankings["dense"])
            return _hits(current, query, rankings, {row: fused[row] for row in ordered(fused, k)})

    def _rank(self, current: Snapshot, leg: str, query: str, limits: Filters) -> Ranking:
        """row -> score, best first, ties by row."""
        if leg == "dense":
            return current.rank_meaning(self.encoder.encode([query])[0], DEPTH, limits)
        return current.rank_words(bm25.tokens(query), DEPTH, limits)

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
                current.rank_meaning(ready, 1, Filters())

    def snapshot(self) -> AbstractContextManager[Snapshot | None]:
        """The newest commit, opened; everything read inside belongs to it. None in an empty archive."""
        return self._engine.snapshot()

    def term_weights(self, text: str) -> dict[str, float]:
        """How telling each index token of `text` is in this archive: its inverse document frequency."""
        with self.snapshot() as current:
            return current.idf(list(dict.fromkeys(bm25.tokens(text)))) if current else {}

    def unknown(self, words: Iterable[str], filters: Filters | None = None) -> list[str]:
        """Those of some words that stand in no passage and no title of the articles that pass the filters, in any form."""
        tokens = {word: bm25.stem(word) for word in words}
        with self.snapshot() as current:
            missing = current.unknown(set(tokens.values()), filters or Filters()) if current else set(tokens.values())
        return [word for word, token in tokens.items() if token in missing]

    # Reading

    def article(self, article_id: str) -> Article:
        """The article of that id; an ArchiveError where there is none."""
        with self._engine.reading() as catalogue:
            article = catalogue.article(article_id)
        if article is None:
            raise ArchiveError(f"no article {article_id} in {self.path}")
        return article

    def text(self, passage: Passage) -> str:
        """The text of a passage: a slice of its article."""
        return self.article(passage.article_id).text[passage.start : passage.end]

    def as_dict(self, hit: Hit) -> dict[str, Any]:
        """A hit for JSON: its text, its span, what its article is, and why it was found."""
        article, passage = self.article(hit.passage.article_id), hit.passage
        span = {"article": article.id, "start": passage.start, "end": passage.end}
        names = {"title": article.title, "outlet": article.source, "date": article.published, "url": article.url, "path": article.path}
        return {"text": article.text[passage.start : passage.end], **span, **names, **asdict(hit.why)}

    def articles(self) -> Iterator[Article]:
        """All articles, by path, of one commit."""
        with self._engine.reading() as catalogue:
            return iter(list(catalogue.articles()))

    def listed(self, words: str = "", filters: Filters | None = None, order: str = "newest", first: int = 0, count: int = 50) -> Listed:
        """`count` articles from the `first` on, of those whose title or outlet has each of some words, in any case, and that pass the
        filters; `order` is one of index.listing.ORDERS."""
        with self._engine.reading() as catalogue:
            return catalogue.listed(words, filters or Filters(), order, first, count)

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (id, SHA-256 of its bytes) of every article."""
        with self._engine.reading() as catalogue:
            return catalogue.known()

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""
        with self._engine.reading() as catalogue:
            return catalogue.passages(article_id)

    def census(self) -> dict[str, Any]:
        """Counts and ranges: articles, passages, outlets, first and last date ("" where no article has one)."""
        with self._engine.reading() as catalogue:
            return catalogue.census()

    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""
        with self.snapshot() as current:
            return list(current.outlets) if current else []

    def newest(self, count: int) -> list[Article]:
        """The newest articles, those without a date last."""
        with self._engine.reading() as catalogue:
            return catalogue.newest(count)

    def changed(self) -> float:
        """When something was last committed, in seconds since 1970."""
        return self._engine.changed()

    def size(self) -> int | None:
        """Bytes on disk, of the files that it keeps itself too; None where the engine does not say."""
        return self._engine.size()

    def places(self) -> dict[str, bool]:
        """The files and folders that the archive is kept up to date with, True; and those below them that were taken out, False."""
        with self._engine.reading() as catalogue:
            return catalogue.places()

    def failed(self) -> dict[str, ArticleError]:
        """path -> what could not be taken there, and why."""
        with self._engine.reading() as catalogue:
            return catalogue.failed()

    def status(self) -> dict[str, Any]:
        """What the archive holds, what made it and what it is kept up to date with: counts, dates, model, bytes on disk, a digest,
        the places that it was given, what was taken out below them, and what could not be taken and why. "recall@10": that of the dense
        leg, as measured when its codes were made; None where it is exact.
        """
        with self._engine.reading() as catalogue:
            made, remembered = catalogue.fingerprint(), catalogue.places()
            held = {
                "archive": str(self.path),
                **catalogue.census(),
                "model": made["model"],
                "weights": made["weights"],
                "recall@10": catalogue.recall(),
                "digest": catalogue.digest(),
                "places": [path for path, wanted in remembered.items() if wanted],
                "left_out": [path for path, wanted in remembered.items() if not wanted],
                "not_taken": {path: error.reason for path, error in catalogue.failed().items()},
            }
        return held | {"bytes": self.size()}

    # Adding

    def add(self, paths: list[Path], report: Report = lambda stage, done, total: None, shard: Shard = changes.ALL) -> Added:
        """Bring the archive up to date with files and folders, or a share of them; `report` is told the stage, and how much of it is done.

        New and changed articles are taken, unchanged ones left alone, and those that vanished from a given folder or file
        removed. What cannot be read is listed, and an earlier version of it stays. Each commit is whole.
        """
        found = replace(changes.find(paths), shard=shard)
        with self._engine.writer(self.encoder) as writer:
            found = changes.with_places(found, writer.places())
            writer.remember(places.given(writer.places(), found.paths))
            return update.bring_up(writer, self.encoder, found, report)

    def update(self, report: Report = lambda stage, done, total: None) -> Added:
        """Bring the archive up to date with every file and folder that it was given."""
        with self._existing() as writer:
            return update.bring_up(writer, self.encoder, changes.find_again(writer.places()), report)

    def remove(self, paths: list[Path]) -> int:
        """Take out articles, by id or by the file or folder that they came from, there still or not; how many.

        What lies in a folder that is kept up to date stays out, until it is given to add by name. A UsageError where one of
        them is none of the archive's.
        """
        with self._existing() as writer:
            known, remembered = writer.known(), writer.places()
            here = [places.place_of(path, known) for path in paths]
            kept = [path for path, wanted in remembered.items() if wanted]
            if lost := places.unheld(paths, here, [*known, *kept, *writer.failed()]):
                raise UsageError(f"no article of the archive is from {', '.join(lost)}; nothing was changed")
            gone = places.below(known, here)
            undo.drop(writer, self.encoder, here, gone)
        return len(gone)

    def take_out(self, article_id: str) -> Removed:
        """Take out one article, as `remove` does; what `put_back` needs to undo that. An ArchiveError where there is none of that id."""
        with self._existing() as writer:
            return undo.take_out(writer, self.encoder, self.article(article_id))

    def put_back(self, removed: Removed) -> None:
        """Undo a removal: the article is as it was, and nothing is read or embedded again. One that has come back meanwhile stays as it
        is."""
        with self._engine.writer(self.encoder) as writer:
            undo.put_back(writer, self.encoder, removed)

    def _existing(self) -> AbstractContextManager[Writer]:
        """To write to an archive that is there; an ArchiveError that says how to make one where there is none."""
        with self._engine.reading():
            pass
        return self._engine.writer(self.encoder)

    def check(self) -> Checked:
        """Whether everything is what was written; what is not, named."""
        problems = self._engine.check()
        return Checked(problems, whole=not problems)

    def repair(self, report: Report = lambda stage, done, total: None) -> Checked:
        """Check, and make again from the text, or from the articles' files, what is damaged; what is lost is named."""
        checked = self.check()
        if checked.whole:
            return checked
        self._choose_mender()
        with self._engine.writer(self.encoder, repair=True) as writer:
            checked = self.check()
            if not checked.whole:
                sound, damaged = writer.rebuild(self.encoder, report)
                self._read_again(writer, damaged, report)
                held = writer.known()
                checked.done = [f"made again: {sound:,} articles"]
                checked.done += [f"{'read again' if path in held else 'lost'}: {path}" for path in damaged]
                checked.whole = self.check().whole and all(path in held for path in damaged)
        return checked

    def _choose_mender(self) -> None:
        """The encoder: where the manifest cannot be believed, and all is embedded again, what was asked for, or is named there."""
        try:
            _ = self.encoder
        except CorruptError:
            self.encoder = self._asked_for or SentenceEncoder(self._engine.named_model() or DEFAULT_MODEL)
            try:
                _ = self.encoder.digest
            except ModelError:
                self.encoder = SentenceEncoder(DEFAULT_MODEL)

    def _read_again(self, writer: Writer, damaged: list[str], report: Report) -> None:
        """Take articles from their files, and nothing else of those, nor away."""
        files = [Path(file) for file in sorted({articles.file_of(path) for path in damaged}) if os.path.isfile(file)]  # noqa: PTH113
        if files:
            plan = changes.compare(changes.find(files), changes.Memory(writer.known(), {}, {}), report)
            take = [article for article in plan.take if article.path in damaged]
            update.carry_out(writer, self.encoder, changes.Plan(plan.added, take, [], {}, {}), report)


def _hits(current: Snapshot, query: str, rankings: Mapping[str, Ranking], best: Ranking) -> list[Hit]:
    ranks = {leg: {row: rank for rank, row in enumerate(ranking, start=1)} for leg, ranking in rankings.items()}
    asked = {word: bm25.stem(word) for word in asked_for(query)}
    found = zip(best, current.passages(list(best)), current.stand_in(set(asked.values()), list(best)), strict=True)
    return [
        Hit(
            passage,
            best[row],
            Why(ranks["bm25"].get(row), ranks["dense"].get(row), tuple(word for word, token in asked.items() if token in standing)),
            rankings["dense"].get(row, 0.0),
        )
        for row, passage, standing in found
    ]
