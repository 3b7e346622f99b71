"""A result -> one HTML page that opens from disk with the network off: the figures, plots of them, and every question.

Jinja2 escapes whatever comes of articles and questions, and the page's policy runs its own script and no other. Nothing here measures,
or knows the archive.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval import measure
from eval.dataset import Question
from eval.judged import outcome, rank
from eval.measure import EVIDENCE_MEASURES, MEASURES, QUOTE_F1
from eval.report import p_value, short, signed
from eval.result import Result, means
from eval.run import Run
from eval.significance import Interval
from qa.render import byline

# The first and the last rank of each bar of the histogram; the last bar is all that lies further down, or nowhere.
_BINS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10))
BIN_NAMES = ("1", "2", "3", "4", "5", "6–10", "> 10")


def page(result: Result) -> str:
    """The report as HTML, in one file."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            result=result,
            HEADLINE=result.headline,
            about=result.as_dict(),
            questions=worst_first(result),
            kinds_shown=any(question.kind for question in result.dataset.questions),
            kinds=Counter(question.kind for question in result.dataset.answerable),
            articles=result.articles,
            scale=Scale.over(result.intervals.values()),
            histograms={run.name: histogram(result, run) for run in result.runs},
            evidence={run.name: means(measure.evidence_hits(run.evidence)) for run in result.runs if run.evidence},
            rank=lambda run, question: rank(result, run, question.id),
            outcome=outcome,
        )
    )


def part(name: str, **values: Any) -> str:
    """A part of the Evaluate page: the macro of that name in evaluate.html."""
    return str(getattr(_environment().get_template("evaluate.html").module, name)(**values))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters.update(short=short, signed=signed, p_value=p_value, whole="{:,}".format, sha256=_sha256, byline=byline)
    environment.globals.update(MEASURES=MEASURES, QUOTE_F1=QUOTE_F1, EVIDENCE_MEASURES=EVIDENCE_MEASURES, BIN_NAMES=BIN_NAMES)
    return environment


def worst_first(result: Result) -> list[Question]:
    """Every question, by the main run's headline measure, lowest first; those that cannot be answered have none, and come last."""
    found = result.of(result.main.name, result.headline)
    return sorted(result.dataset.questions, key=lambda question: found.get(question.id, math.inf))


def histogram(result: Result, run: Run) -> list[int]:
    """How many answerable questions have their first relevant at each of BIN_NAMES."""
    return bins([rank(result, run, question) for question in result.qrels])


def bins(places: Sequence[int | None]) -> list[int]:
    """How many ranks there are at each of BIN_NAMES; None is nowhere."""
    counts = [sum(place is not None and first <= place <= last for place in places) for first, last in _BINS]
    return [*counts, len(places) - sum(counts)]


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from one tenth to another, within 0 and 1."""

    low: int
    high: int

    @classmethod
    def over(cls, intervals: Iterable[Interval]) -> Scale:
        """The shortest axis that holds them all."""
        bounds = [bound for one in intervals for bound in (one.low, one.high)]
        low = min(math.floor(min(bounds) * 10), 9)
        return cls(low, max(math.ceil(max(bounds) * 10), low + 1))

    @property
    def ticks(self) -> list[float]:
        """The tenths to name: all of them, or every other one where there are many."""
        return [tenth / 10 for tenth in range(self.low, self.high + 1, 1 if self.high - self.low <= 5 else 2)]

    def at(self, value: float) -> str:
        """Where a value stands, as a share of the width."""
        return f"{100 * (10 * value - self.low) / (self.high - self.low):.2f}%"


def _sha256(text: str) -> str:
    """A digest as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
