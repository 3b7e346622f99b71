"""What `Archive` asks of the engine that holds it: reading, ranking and writing; and which one a place is held by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from index.changes import Report
from index.chunk import Chunked
from index.encoder import Encoder, Vectors
from index.errors import ArticleError
from index.fusion import Ranking
from index.listing import Listed
from index.records import Article, Filters, Passage, Reach

# A folder, or the address of a server.
Place = Path | str


class Catalogue(Protocol):
    """What is written down of one commit. What is read is checked against its digest; a CorruptError where it is not what was written."""

    def fingerprint(self) -> dict[str, Any]:
        """The model and the versions that made the archive."""

    def census(self) -> dict[str, Any]:
        """Counts and ranges: articles, passages, outlets, first_date, last_date ("" where no article has one)."""

    def digest(self) -> str:
        """Of what the archive is made of, wherever it lies: the model, the versions, and the bytes of every article."""

    def recall(self) -> float | None:
        """The least recall@10 of what ranks by meaning, as measured when it was written; None where that is exact."""

    def article(self, article_id: str) -> Article | None:
        """An article; None where there is no such id."""

    def articles(self) -> Iterator[Article]:
        """All articles, by path."""

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (article id, SHA-256 of its bytes) of every article."""

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""

    def listed(self, words: str, filters: Filters, order: str, first: int, count: int) -> Listed:
        """`count` articles from the `first` on, of those whose title or outlet has each of `words` and that pass `filters`."""

    def newest(self, count: int) -> list[Article]:
        """The newest articles, undated ones last."""

    def places(self) -> dict[str, bool]:
        """The files and folders that were given to add, True; and those below them that were taken out again, False."""

    def failed(self) -> dict[str, ArticleError]:
        """path -> what could not be taken there, and why."""


class Snapshot(Protocol):
    """One commit, opened for search. A row is its number for a passage; ties are in the order of rows."""

    @property
    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""

    def reach(self, limits: Filters) -> Reach:
        """What a search within some limits looks through."""

    def rank_words(self, tokens: list[str], k: int, limits: Filters) -> Ranking:
        """The `k` rows that BM25 scores highest, best first; each shares a token."""

    def rank_meaning(self, query: Vectors, k: int, limits: Filters) -> Ranking:
        """The `k` rows nearest to a unit vector, best first, and their cosines."""

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passage of each row."""

    def stand_in(self, tokens: Collection[str], rows: Sequence[int]) -> list[frozenset[str]]:
        """For each row, those of some tokens that stand in its indexed text."""

    def idf(self, tokens: Collection[str]) -> dict[str, float]:
        """How telling each token is: its inverse document frequency over the passages, highest where none has it."""

    def unknown(self, tokens: Collection[str], limits: Filters) -> set[str]:
        """Those of some tokens that stand in no passage within some limits, and in no heading of one."""


class Writer(Catalogue, Protocol):
    """The catalogue, to write to."""

    def remember(self, places: Mapping[str, bool]) -> None:
        """Set the places to exactly these."""

    def note(self, failed: Mapping[str, ArticleError]) -> None:
        """Set what could not be taken to exactly this."""

    def vectors(self, passages: Sequence[Passage]) -> dict[Passage, Vectors]:
        """passage -> its vector, of those that the archive has."""

    def take(self, batch: Sequence[Chunked], vectors: Vectors, vanished: Sequence[str]) -> None:
        """Take articles, instead of what has their ids, and drop those that vanished, by id; on return it is kept.

        `vectors`, float32[passages of the batch, d], are in the order of the passages.
        """

    def rebuild(self, encoder: Encoder, report: Report) -> tuple[int, list[str]]:
        """Make everything again from the articles that are sound: how many, and the paths of those that are not."""


class Engine(Protocol):
    """Holds an archive. Safe to read from several threads."""

    @property
    def exists(self) -> bool:
        """Whether there is an archive. Where there is none, reading is an ArchiveError that says how to make one."""

    def reading(self) -> AbstractContextManager[Catalogue]:
        """The newest commit, written down; everything read inside belongs to it."""

    def snapshot(self) -> AbstractContextManager[Snapshot | None]:
        """The newest commit, opened for search; what is read from the catalogue inside belongs to it too. None where it has no passage."""

    def writer(self, encoder: Encoder, repair: bool = False) -> AbstractContextManager[Writer]:
        """To write; the archive is made where there is none. A repair need not believe what it finds."""

    def check(self) -> list[str]:
        """What is not what was written, in lines that name it."""

    def named_model(self) -> str:
        """The name of the model, where the rest of the fingerprint cannot be believed; "" where nothing says it."""

    @property
    def folder(self) -> Path:
        """A folder of this machine for what is kept beside the archive."""

    def changed(self) -> float:
        """When something was last committed, in seconds since 1970."""

    def size(self) -> int | None:
        """Bytes on disk; None where the engine does not say."""


def engine(place: Place) -> Engine:
    """The engine of an archive: of a folder, or of an address such as milvus://HOST:PORT/COLLECTION."""
    if isinstance(place, Path):
        from index.local import LocalEngine

        return LocalEngine(place)
    from index.milvus import MilvusEngine

    return MilvusEngine(place)
