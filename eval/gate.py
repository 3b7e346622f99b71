"""Is it still as good as it was? Scores of the sample set against those pinned in gate.json, question by question.

A drop fails the gate when its mean is larger than the smallest that matters AND its whole 95 % interval lies below 0; it never
fails because new < old. Nothing may be fitted on the questions that it measures with: eval/fit.py refuses them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import measure
from eval.files import moved
from eval.measure import QUOTE_F1
from eval.report import with_interval
from eval.result import Result
from eval.significance import Difference, difference
from index.errors import UsageError

PINNED = Path(__file__).parent / "gate.json"
# The smallest drop of a mean that matters.
EFFECT = 0.01
# The share of the answerable that was answered, and of the others that was not: each by itself, or one could be bought with the other.
OUTCOMES = {"answered": True, "abstained": False}

Scores = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Check:
    """One measure of one configuration, pinned and now."""

    name: str
    old: Mapping[str, float]
    new: Mapping[str, float]
    difference: Difference

    @property
    def passed(self) -> bool:
        """No drop that matters, or none that the questions can tell from nothing."""
        return self.difference.interval.mean >= -EFFECT or self.difference.interval.high >= 0

    def __str__(self) -> str:
        found = self.difference.interval
        verdict = "" if found.mean >= -EFFECT else ", not told from no change" if self.passed else ", a DROP"
        return f"{self.name} {with_interval(found)}{verdict}{moved(self.old, self.new)}"


def check(result: Result, pinned: Mapping[str, Any]) -> list[Check]:
    """Every measure that is pinned and was measured now. A UsageError where the questions are not those pinned, or none can be held."""
    if pinned["questions_sha256"] != result.dataset.digest:
        raise UsageError(f"{PINNED}: pinned with other questions: pin these with 'clippings eval --update'")
    now = scores(result)
    shared = [name for name in pinned["scores"] if name in now]
    if not shared:
        raise UsageError(f"{PINNED}: nothing of what is pinned there was measured: leave --config out")
    return [Check(name, pinned["scores"][name], now[name], difference(now[name], pinned["scores"][name])) for name in shared]


def scores(result: Result) -> Scores:
    """What the gate holds: each configuration's MRR@10, and of the product's the quotes, and whether it answered and abstained rightly."""
    found = {f"{run.name} {result.headline}": result.of(run.name, result.headline) for run in result.runs}
    main = result.main
    if main.answers:
        found[f"{main.name} {QUOTE_F1}"] = result.of(main.name, QUOTE_F1)
        for name, answerable in OUTCOMES.items():
            asked = [question for question in result.dataset.questions if question.answerable is answerable]
            found[f"{main.name} {name}"] = {one.id: float(measure.right_outcome(one, main.answers[one.id])) for one in asked}
    return {name: {question: round(score, 6) for question, score in rows.items()} for name, rows in found.items() if rows}


def line(checks: list[Check], result: Result, pinned: Mapping[str, Any]) -> str:
    """The checks for the screen: what they were pinned with where that is another, those that moved, and the verdict."""
    now = {"archive": result.status["digest"], "model": result.status["weights"]}
    others = [f"pinned with another {name}" for name, digest in now.items() if pinned[name] != digest]
    failed = sum(not one.passed for one in checks)
    changed = [str(one) for one in checks if one.difference.better or one.difference.worse]
    verdict = f"FAIL: {failed} of {len(checks)} measures dropped" if failed else f"PASS: {len(checks)} measures, none dropped"
    return "\n".join(
        f"{'' if number else 'gate':<11}{text}" for number, text in enumerate([*others, *changed, f"{verdict} by more than {EFFECT}"])
    )


def read() -> dict[str, Any]:
    """What is pinned; a UsageError where nothing is."""
    try:
        return dict(json.loads(PINNED.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UsageError(f"{PINNED}: nothing is pinned: pin this result with 'clippings eval --update'") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{PINNED}: cannot be read ({error}): take it from the repository again") from error


def pin(result: Result, why: str | None) -> list[str]:
    """Pin a result and name the floors that it lowers; a UsageError where it lowers one and no reason is given."""
    now = scores(result)
    old = read()["scores"] if PINNED.is_file() else {}
    lowered = [
        f"{name} {_mean(old[name]):.3f} -> {_mean(now[name]) if name in now else 0:.3f}" for name in old if _lower(old[name], now.get(name))
    ]
    if lowered and not why:
        raise UsageError(f"this would lower {'; '.join(lowered)}: say why, in words, with --lower")
    pinned = {
        "questions_sha256": result.dataset.digest,
        "archive": result.status["digest"],
        "model": result.status["weights"],
        "lowered": why or "",
        "scores": now,
    }
    try:
        PINNED.write_text(f"{json.dumps(pinned, ensure_ascii=False, indent=1)}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{PINNED}: cannot be written ({error.strerror})") from error
    return lowered


def _lower(old: Mapping[str, float], new: Mapping[str, float] | None) -> bool:
    return new is None or _mean(new) < _mean(old) - 1e-6


def _mean(scores: Mapping[str, float]) -> float:
    return sum(scores.values()) / max(1, len(scores))
