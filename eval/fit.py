"""python -m eval.fit DIR...: fit the weights and the threshold of qa/evidence.py on labelled BEIR folders, and print them.

A folder needs an answers.jsonl beside its queries: _id, unanswerable, and evidence (doc and quote). Each question is searched for
as the assistant would; a candidate sentence is right when it holds a gold quote of its document, or stands inside one. Error rates are of
questions left out, in five folds that share no article. A folder that has one of the gate's questions is refused: it measures on what
was not fitted.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from eval.__main__ import prepare
from eval.dataset import SAMPLE_QUESTIONS, document_key, records
from eval.significance import SEED
from index import Archive, terminal
from index.bm25 import words
from index.errors import UsageError
from index.terminal import Command
from qa.assistant import HITS
from qa.evidence import FEATURES, Candidate, candidates

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A question's candidates: float[n, 4] features, bool[n] labels, whether it has an answer at all, and its best passage's article."""

    features: np.ndarray
    right: np.ndarray
    answerable: bool
    article: str


def _labelled(folder: Path, archive: Archive, limit: int) -> Iterator[_Labelled]:
    answers = [row for _, row in records(folder / "answers.jsonl", ("_id", "unanswerable", "evidence"))]
    texts = {row["_id"]: row["text"] for _, row in records(folder / "queries.jsonl", ("_id", "text"))}
    random.Random(SEED).shuffle(answers)  # noqa: S311 - a sample, not a secret
    for answer in answers[:limit]:
        found = candidates(texts[answer["_id"]], archive.search(texts[answer["_id"]], HITS), archive)
        gold = [] if answer["unanswerable"] else [(one["doc"], " ".join(one["quote"].split())) for one in answer["evidence"]]
        right = np.array([_is_right(candidate, gold) for candidate in found])
        if found:
            features = np.array([candidate.features for candidate in found])
            yield _Labelled(features, right, not answer["unanswerable"], found[0].hit.passage.article_id)


def check_apart(folder: Path) -> None:
    """A UsageError where a folder's queries hold a question that the gate measures with."""
    held = {_plain(row["question"]) for _, row in records(SAMPLE_QUESTIONS, ("question",))}
    for line, row in records(folder / "queries.jsonl", ("_id", "text")):
        if _plain(row["text"]) in held:
            raise UsageError(
                f"{folder / 'queries.jsonl'}:{line}: the gate measures with this question, so nothing may be fitted on it: {row['text']}"
            )


def _plain(question: str) -> str:
    return " ".join(words(question.casefold()))


def _is_right(candidate: Candidate, gold: list[tuple[str, str]]) -> bool:
    document, text = document_key(candidate.article), " ".join(candidate.text.split())
    return any(document == doc and (quote in text or text in quote) for doc, quote in gold)


def _fit(questions: list[_Labelled]) -> LogisticRegression:
    features = np.concatenate([question.features for question in questions])
    right = np.concatenate([question.right for question in questions])
    return LogisticRegression(C=10.0, max_iter=1000).fit(features, right)


def _best(model: LogisticRegression, question: _Labelled) -> tuple[float, bool]:
    """The support of the best candidate, and whether it is right."""
    support = model.predict_proba(question.features)[:, 1]
    return float(support.max()), bool(question.right[support.argmax()])


def _threshold(supports: np.ndarray, answerable: np.ndarray) -> float:
    """The highest that turns at most one answerable question in twenty away.

    A false abstention hides what the archive says; a false answer shows a quote that its reader can judge.
    """
    return float(np.quantile(supports[answerable], 0.05))


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Of each question, by a model that was fitted without its article: the best support, whether that sentence is right, and
    whether it is above the threshold of the questions fitted on.
    """

    supports: np.ndarray
    right: np.ndarray
    above: np.ndarray


def _cross_validated(questions: list[_Labelled]) -> _HeldOut:
    found = _HeldOut(*(np.zeros(len(questions), dtype=kind) for kind in (float, bool, bool)))
    groups = [question.article for question in questions]
    if len(set(groups)) < _FOLDS:
        raise UsageError(f"questions about {len(set(groups))} articles: {_FOLDS} folds want more")
    for fit, held_out in GroupKFold(_FOLDS).split(questions, groups=groups):
        fitted = [questions[at] for at in fit]
        model = _fit(fitted)
        threshold = _threshold(np.array([_best(model, one)[0] for one in fitted]), _answerable(fitted))
        for at in held_out:
            found.supports[at], found.right[at] = _best(model, questions[at])
            found.above[at] = found.supports[at] >= threshold
    return found


def _answerable(questions: list[_Labelled]) -> np.ndarray:
    return np.array([one.answerable for one in questions])


def _run(arguments: argparse.Namespace) -> int:
    questions: list[_Labelled] = []
    for folder in arguments.folders:
        check_apart(folder)
        archive = prepare(folder, None)
        questions += _labelled(folder, archive, arguments.limit)
    answerable = _answerable(questions)
    print(f"{len(questions):,} questions, {answerable.sum():,} of them answerable; seed {SEED}")
    found = _cross_validated(questions)
    print(f"held out: best sentence right {found.right[answerable].mean():.3f}, AUROC {roc_auc_score(answerable, found.supports):.3f}")
    print(f"held out: false answers {found.above[~answerable].mean():.3f}, false abstentions {1 - found.above[answerable].mean():.3f}")
    model = _fit(questions)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(FEATURES, model.coef_[0], strict=True))
    threshold = _threshold(np.array([_best(model, one)[0] for one in questions]), answerable)
    print(f"weights: {weights}; intercept {model.intercept_[0]:.2f}; threshold {threshold:.3f}")
    return 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="BEIR folders with an answers.jsonl")
    parser.add_argument("--limit", type=int, default=1000, help="questions of each folder, drawn at random (default: 1000)")


COMMAND = Command("fit", "Fit the weights and the threshold of the answers.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.fit", __doc__, [COMMAND]))
