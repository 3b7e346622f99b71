"""Citation and Answer: verbatim by construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.records import Article, Why


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered quote, with why it was found. It cannot be made unless the quote is a slice of its article."""

    number: int
    article: Article
    start: int
    end: int
    quote: str
    why: Why

    def __post_init__(self) -> None:
        assert 0 <= self.start < self.end <= len(self.article.text)
        assert self.article.text[self.start : self.end] == self.quote

    @property
    def id(self) -> str:
        """A name for the quoted span that links can carry: the article, the version of it, start and end."""
        return f"{self.article.id}.{self.article.sha256[:8]}:{self.start}-{self.end}"

    def as_dict(self) -> dict[str, Any]:
        """The citation for JSON."""
        article = self.article
        return {
            "text": self.quote,
            "article": article.id,
            "path": article.path,
            "start": self.start,
            "end": self.end,
            "title": article.title,
            "outlet": article.source,
            "date": article.published,
            "url": article.url,
            "sha256": article.sha256,
        }


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched for an answer, and the seconds that search and answer took; `undated` articles have no date and needed one."""

    articles: int
    passages: int
    seconds: Mapping[str, float]
    undated: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The quotes that answer a question, the headline first; or none, and why, with the nearest that are not an answer.

    `support` is the best sentence's, 0 to 1: what was held against the threshold. Both are for the evals, and never shown.
    """

    question: str
    reason: str
    quotes: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    searched: Searched
    support: float
    threshold: float = 0.0

    @property
    def outcome(self) -> str:
        """`answered` or `abstained`."""
        return "answered" if self.quotes else "abstained"

    def as_dict(self) -> dict[str, Any]:
        """The answer for JSON; without the seconds, so that the same question gives the same bytes."""
        return {
            "question": self.question,
            "outcome": self.outcome,
            "reason": self.reason,
            "searched": {
                "articles": self.searched.articles,
                "passages": self.searched.passages,
                "undated": self.searched.undated,
            },
            "quotes": [citation.as_dict() for citation in self.quotes],
            "nearest": [citation.as_dict() for citation in self.nearest],
        }
