"""Sentences that were found for a question -> which of them do not agree on what it asks for, and which is the latest of those."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Protocol, TypeVar

from index.records import Article
from qa.answer import Differ
from qa.citation import Citation
from qa.differ import Difference, asks, differ
from qa.question import wants_latest

# Sentences of articles whose years are further apart than this are not held against each other: figures of that age are of another time.
_YEARS = 1


class _Quoted(Protocol):
    """A span of an article: a candidate, or a citation."""

    @property
    def article(self) -> Article: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


_Any = TypeVar("_Any", bound=_Quoted)


def disputed(one: _Quoted, other: _Quoted, question: str) -> Difference:
    """What two sentences of different articles differ in, if the question asks for it."""
    if one.article.id == other.article.id or _are_far_apart(one.article, other.article):
        return ""
    first, second = (found.article.text[found.start : found.end] for found in (one, other))
    what = differ(first, second)
    return "" if what == "figure" and not asks(question, first, second) else what


def differences(quotes: Sequence[Citation], question: str) -> tuple[Differ, ...]:
    """The pairs of quotes that say different things about what a question asks for."""
    found = ((one, other, disputed(one, other, question)) for one, other in combinations(quotes, 2))
    return tuple(Differ(one.number, other.number, what, _later(one, other)) for one, other, what in found if what)


def latest_first(kept: list[_Any], question: str) -> list[_Any]:
    """Where a question asks how many it was in the end: the latest sentence with another figure than the first one's, before all others."""
    if not kept or not wants_latest(question):
        return kept
    published = kept[0].article.published
    newer = [one for one in kept if published and one.article.published > published and disputed(kept[0], one, question) == "figure"]
    last = max(newer, key=lambda one: one.article.published, default=kept[0])
    return [last, *(one for one in kept if one is not last)]


def _are_far_apart(one: Article, other: Article) -> bool:
    """Whether both have dates, and another year lies between theirs."""
    years = [int(article.published[:4]) for article in (one, other) if article.published[:4].isdigit()]
    return len(years) == 2 and abs(years[0] - years[1]) > _YEARS


def _later(one: Citation, other: Citation) -> int | None:
    mine, theirs = one.article.published, other.article.published
    if not mine or not theirs or mine == theirs:
        return None
    return one.number if mine > theirs else other.number
