"""Measures -> the one screen, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from eval.dataset import Dataset
from eval.measure import MEASURES, Abstention, Scores, evidence_hits
from eval.run import Qrels, Run

# The configuration that the assistant uses.
MAIN = "hybrid"
_WORST = 3


@dataclass(frozen=True, slots=True)
class Result:
    """All that one eval found, and what it was run on."""

    dataset: Dataset
    status: dict[str, Any]
    commit: str
    qrels: Qrels
    runs: list[Run]
    scores: dict[str, Scores]
    abstention: Abstention | None


def screen(result: Result) -> str:
    """The result on one screen."""
    return "\n".join([*_head(result), *_table(result), *_evidence(result), *_answers(result), *_kinds(result), *_worst(result)])


def _head(result: Result) -> Iterator[str]:
    status, questions = result.status, result.dataset.questions
    answerable = sum(question.answerable for question in questions)
    others = f" + {len(questions) - answerable} not" if answerable < len(questions) else ""
    yield (
        f"archive {result.dataset.name} {status['digest'][:6]} · {status['articles']:,} articles · {status['passages']:,} passages · "
        f"model {status['model']} {status['weights'][:8]} · questions {result.dataset.digest[:6]}: {answerable:,} answerable{others}"
        f" · commit {result.commit}"
    )


def _table(result: Result) -> Iterator[str]:
    yield f"{'config':<12}" + "".join(f"{name:>9}" for name in MEASURES) + f"{'ms/q':>8}"
    for run in result.runs:
        values = means(result.scores[run.name])
        yield f"{run.name:<12}" + "".join(f"{_short(values[name]):>9}" for name in MEASURES) + f"{run.milliseconds:>8.1f}"


def _evidence(result: Result) -> Iterator[str]:
    """The passages that hold a gold sentence, where the data set names such sentences."""
    if not any(result.runs[0].evidence.values()):
        return
    yield f"passages that hold a gold sentence, {len(result.runs[0].evidence):,} questions"
    for run in result.runs:
        values = evidence_hits(run.evidence)
        yield f"{run.name:<12}" + " · ".join(f"{name} {_short(value)}" for name, value in values.items())


def means(scores: Scores) -> dict[str, float]:
    """measure -> mean over the questions of `scores`."""
    return {name: mean(row[name] for row in scores.values()) for name in MEASURES}


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _answers(result: Result) -> Iterator[str]:
    found = result.abstention
    if found:
        yield (
            f"{'no answer':<12}abstained {found.abstained}/{found.unanswerable} ({found.unanswerable - found.abstained} false answers)"
            f" · answered {found.answered}/{found.answerable} ({found.answerable - found.answered} false abstentions)"
            f" · AUROC {_short(found.auroc)}"
        )
        yield f"{'quotes':<12}the headline holds the evidence in {found.headline_hits}/{found.answerable}"


def _kinds(result: Result) -> Iterator[str]:
    kinds = dict.fromkeys(question.kind for question in result.dataset.questions if question.answerable and question.kind)
    if kinds:
        yield f"{'by kind':<12}" + " · ".join(f"{kind} {_short(value)}" for kind, value in by_kind(result).items()) + " (MRR@10)"


def by_kind(result: Result) -> dict[str, float]:
    """kind -> MRR@10 of the main configuration."""
    rows: dict[str, list[float]] = {}
    for question in result.dataset.questions:
        if question.answerable:
            rows.setdefault(question.kind, []).append(result.scores[MAIN][question.id]["MRR@10"])
    return {kind: mean(values) for kind, values in rows.items()}


def _worst(result: Result) -> Iterator[str]:
    main = next(run for run in result.runs if run.name == MAIN)
    texts = {question.id: question.text for question in result.dataset.questions}
    order = sorted(result.scores[MAIN].items(), key=lambda row: row[1]["MRR@10"])
    for number, (question, row) in enumerate(order[:_WORST]):
        places = [place for place, name in enumerate(main.ranked[question], start=1) if result.qrels[question].get(name)]
        rank = f"gold at rank {places[0]}" if row["MRR@10"] else "gold not in the first 10"
        yield f"{'worst' if not number else '':<12}{question} {rank}: {texts[question]}"


def as_dict(result: Result) -> dict[str, Any]:
    """The result for JSON, question by question."""
    return {
        "dataset": result.dataset.name,
        "questions_sha256": result.dataset.digest,
        "archive": result.status,
        "commit": result.commit,
        "configurations": {
            run.name: {
                "mean": means(result.scores[run.name]),
                "ms_per_question": run.milliseconds,
                "questions": result.scores[run.name],
            }
            for run in result.runs
        },
        "evidence": {run.name: evidence_hits(run.evidence) for run in result.runs if run.evidence},
        "by_kind": by_kind(result),
        "abstention": asdict(result.abstention) if result.abstention else None,
    }
