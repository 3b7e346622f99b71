"""Answer: the quotes, or none and why; what was searched; the chips of the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from index.clean import how_many
from qa.citation import Citation
from qa.differ import Difference


@dataclass(frozen=True, slots=True)
class Differ:
    """Two quotes, by number, that differ in a figure or of which one denies the other; `later` is the newer one, where that is known."""

    first: int
    second: int
    what: Difference
    later: int | None


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched for an answer, and the seconds that search and answer took.

    `limits` say which articles, in words; "" for all. `undated` articles have no date and needed one. `stronger`, in an abstention: the
    passages outside the limits that have a word of the question and rank above the best one inside, in one search without limits, of
    which the first 30 are looked at; 0 where nothing is inside. `held` is what the whole archive holds, in words, where it was searched:
    its outlets and dates.
    """

    articles: int
    passages: int
    seconds: Mapping[str, float]
    undated: int = 0
    limits: str = ""
    stronger: int = 0
    held: str = ""

    def __str__(self) -> str:
        """The articles, in words: "12 articles published from 2014-06-01 (3 without a date left out)"."""
        without = f"({self.undated:,} without a date left out)" if self.undated else ""
        return " ".join(filter(None, [how_many(self.articles, "article"), self.limits or self.held, without]))


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that was read from `words`, a slice of the message on one line that begins at `start`.

    kind: dates, outlets or carried. label: what it does, in words. dropped: whether it was asked to do nothing.
    """

    kind: str
    label: str
    words: str
    start: int
    dropped: bool = False

    @property
    def id(self) -> str:
        """A name for it among the chips of its message."""
        return f"{self.kind}-{self.start}"

    def as_dict(self) -> dict[str, Any]:
        """The chip for JSON."""
        return {"kind": self.kind, "label": self.label, "words": self.words, "dropped": self.dropped}


@dataclass(frozen=True, slots=True)
class Answer:
    """The quotes that answer a question, the headline first; or none, and why, with the nearest that are not an answer.

    `support` is the best sentence's, 0 to 1: what was held against the threshold. Both are for the evals, and never shown. `chips` say what
    of the message became a filter, or came from the turn before; `question` has what was carried over.
    `differ` are pairs of the quotes that do not agree.
    """

    question: str
    reason: str
    quotes: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    searched: Searched
    support: float
    threshold: float = 0.0
    chips: tuple[Chip, ...] = ()
    differ: tuple[Differ, ...] = ()

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
            "chips": [chip.as_dict() for chip in self.chips],
            "searched": {
                "articles": self.searched.articles,
                "passages": self.searched.passages,
                "undated": self.searched.undated,
                "limits": self.searched.limits,
                "stronger": self.searched.stronger,
                "held": self.searched.held,
            },
            "quotes": [citation.as_dict() for citation in self.quotes],
            "differ": [asdict(one) for one in self.differ],
            "nearest": [citation.as_dict() for citation in self.nearest],
        }
