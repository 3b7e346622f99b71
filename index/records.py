"""The records that travel the road: frozen, and by offsets instead of copies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One article, cleaned. Every offset of the program counts characters of `text`.

    `path` is where it was read: a file, or `file.jsonl#key` for one of several in it. `id` is derived from it.
    `sha256` is the digest of the bytes read there. `published` is an ISO date, or empty when unknown.
    """

    id: str
    title: str
    text: str
    source: str
    url: str
    published: str
    language: str
    path: str
    sha256: str

    @property
    def sort_day(self) -> str:
        """What puts articles in the order of their dates, those without one last."""
        return self.published or "9"


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences: `article.text[start:end]`."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Why:
    """Why a passage was found: its rank in each leg (1 is best, None: not found there) and the question's words in it."""

    bm25: int | None
    dense: int | None
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found by a search. The score orders one list only: never shown, never compared across questions.

    `cosine` is that of question and passage, and is the same measure for every question; 0 where the dense leg did not find it.
    """

    passage: Passage
    score: float
    why: Why
    cosine: float = 0.0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is limited to: outlets by name (any case), and ISO dates, both inclusive. Empty means all.

    An article without a date is outside every date range.
    """

    outlets: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    def admits(self, article: Article) -> bool:
        """Whether an article is within them, as a search has it."""
        day = article.published or "0"
        outlets = {outlet.casefold() for outlet in self.outlets}
        in_time = not (self.since or self.until) or (self.since or "1") <= day <= (self.until or "9")
        return in_time and (not outlets or article.source.casefold() in outlets)

    def __str__(self) -> str:
        """In words, to stand after "articles"; nothing where there is no limit."""
        dates = ((word, day) for word, day in (("since", self.since), ("until", self.until)) if day)
        outlets = [f"from {' or '.join(self.outlets)}"] if self.outlets else []
        return ", ".join([*outlets, *(f"{word} {day}" for word, day in dates)])


@dataclass(frozen=True, slots=True)
class Reach:
    """What a search looks through: articles, their passages; and how many articles more it would be if they had a date."""

    articles: int
    passages: int
    undated: int = 0
