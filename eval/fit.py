"""python -m eval.fit DIR...: fit qa/evidence.json on labelled BEIR folders, print its error rates, and write it.

A folder needs an answers.jsonl beside its queries: _id, unanswerable, and evidence (doc and quote). Of each question what is found first
is read (the assistant reads five of ten: eval/README.md); a candidate sentence is right when it holds a gold quote of its document, or
stands inside one. Every third answerable question is asked again of the passages that other articles have, and so of an archive that does
not say. Error rates are of questions left out, in five folds that share no article. A folder that has one of the gate's questions is
refused: it measures on what was not fitted.

The weights beside a reader need readings by one that was not trained on the article: --readings names a file of them
(eval/train_reader.py), and only questions that it has are used. --sections names folders with a sentences.jsonl (sentences, gold): every
second question of theirs, asked of its section, takes part in the ranking of sentences, so that it is not one for short news alone.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from eval import ENCODINGS
from eval.archives import prepare
from eval.dataset import document_key, records
from eval.encodings import Kept
from eval.labels import check_apart, gold_of, is_right
from eval.readings import Readings
from eval.sections import hits_of, of_sections
from eval.significance import SEED
from index import Archive, Hit, terminal
from index.errors import UsageError
from index.terminal import Command
from qa.evidence import FITTED, RANKING, READ, SUPPORT, candidates, gather
from qa.reader import NONE, Reader, named

_FOLDS = 5
# One answerable question in so many is also asked of the other articles alone.
_ELSEWHERE = 3


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A question's candidates, n of them: float[n, 5] and float[n, 3] features, bool[n] labels; whether it has an answer at all, and
    its best passage's article.
    """

    ranking: np.ndarray
    support: np.ndarray
    right: np.ndarray
    answerable: bool
    article: str


@dataclass(frozen=True, slots=True)
class _Model:
    """The two regressions of qa/evidence.py."""

    ranking: LogisticRegression
    support: LogisticRegression

    def best(self, question: _Labelled) -> tuple[float, bool]:
        """The support of the best candidate, and whether it is right."""
        at = int(self.ranking.decision_function(question.ranking).argmax())
        return float(self.support.predict_proba(question.support[at : at + 1])[0, 1]), bool(question.right[at])


def _labelled(folder: Path, archive: Archive, limit: int, readings: Readings | None) -> Iterator[_Labelled]:
    answers = [row for _, row in records(folder / "answers.jsonl", ("_id", "evidence"))]
    texts = {row["_id"]: row["text"] for _, row in records(folder / "queries.jsonl", ("_id", "text"))}
    random.Random(SEED).shuffle(answers)  # noqa: S311 - a sample, not a secret
    known = [answer for answer in answers if readings is None or readings.takes(texts[answer["_id"]])]
    for number, answer in enumerate(known[:limit]):
        question, gold = texts[answer["_id"]], gold_of(answer)
        hits = archive.search(question, READ)
        yield from _asked(question, hits, archive, readings, gold)
        if gold and number % _ELSEWHERE == 0:
            titles = {archive.article(hit.passage.article_id).title for hit in hits if _key(hit, archive) in {doc for doc, _ in gold}}
            elsewhere = [hit for hit in hits if archive.article(hit.passage.article_id).title not in titles]
            yield from _asked(question, elsewhere, archive, readings, [])


def _key(hit: Hit, archive: Archive) -> str:
    return document_key(archive.article(hit.passage.article_id))


def _asked(question: str, hits: Sequence[Hit], archive: Archive, reader: Reader | None, gold: list[tuple[str, str]]) -> Iterator[_Labelled]:
    found = candidates(question, gather(question, hits, archive), archive.encoder, reader)
    if found:
        ranking, support = (np.array([[one.features[name] for name in names] for one in found]) for names in (RANKING, SUPPORT))
        right = np.array([is_right(candidate, gold) for candidate in found])
        yield _Labelled(ranking, support, right, bool(gold), hits[0].passage.article_id)


def _of_sections(folder: Path, reader: Reader | None) -> Iterator[_Labelled]:
    made, given = of_sections(folder)
    archive = prepare(made, None)
    articles = {document_key(article): article for article in archive.articles()}
    for one in given[1::2]:
        hits = hits_of(articles[one.document], one.question, archive)
        yield from _asked(one.question, hits, archive, reader, one.gold)


def _fit(questions: list[_Labelled], sections: list[_Labelled]) -> _Model:
    both = [*questions, *sections]
    ranking = _regression(np.concatenate([one.ranking for one in both]), np.concatenate([one.right for one in both]))
    best = [int(ranking.decision_function(one.ranking).argmax()) for one in questions]
    support = np.array([one.support[at] for one, at in zip(questions, best, strict=True)])
    return _Model(ranking, _regression(support, _answerable(questions)))


def _regression(features: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=10.0, max_iter=1000).fit(features, labels)


def _threshold(supports: np.ndarray, answerable: np.ndarray) -> float:
    """The highest that turns at most one answerable question in ten away.

    An abstention shows the nearest sentences all the same, and most of what is turned away so had the wrong one in front.
    """
    return float(np.quantile(supports[answerable], 0.1))


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Of each question, by a model that was fitted without its article: the best support, whether that sentence is right, and
    whether it is above the threshold of the questions fitted on.
    """

    supports: np.ndarray
    right: np.ndarray
    above: np.ndarray


def _cross_validated(questions: list[_Labelled], sections: list[_Labelled]) -> _HeldOut:
    found = _HeldOut(*(np.zeros(len(questions), dtype=kind) for kind in (float, bool, bool)))
    groups = [question.article for question in questions]
    if len(set(groups)) < _FOLDS:
        raise UsageError(f"questions about {len(set(groups))} articles: {_FOLDS} folds want more")
    for fit, held_out in GroupKFold(_FOLDS).split(questions, groups=groups):
        fitted = [questions[at] for at in fit]
        model = _fit(fitted, sections)
        threshold = _threshold(np.array([model.best(one)[0] for one in fitted]), _answerable(fitted))
        for at in held_out:
            found.supports[at], found.right[at] = model.best(questions[at])
            found.above[at] = found.supports[at] >= threshold
    return found


def _answerable(questions: list[_Labelled]) -> np.ndarray:
    return np.array([one.answerable for one in questions])


def _run(arguments: argparse.Namespace) -> int:
    questions: list[_Labelled] = []
    readings = Readings(arguments.readings) if arguments.readings else None
    for folder in arguments.folders:
        check_apart(folder)
        archive = prepare(folder, None)
        kept = Kept(archive.encoder, ENCODINGS)
        questions += _labelled(folder, Archive(archive.path, kept), arguments.limit, readings)
        kept.save()
    answerable = _answerable(questions)
    print(f"{len(questions):,} questions, {answerable.sum():,} of them answerable; seed {SEED}")
    sections = [one for folder in arguments.sections for one in _of_sections(folder, named() if readings else None)]
    found = _cross_validated(questions, sections)
    rates = {
        "right": found.right[answerable].mean(),
        "auroc": roc_auc_score(answerable, found.supports),
        "false_answers": found.above[~answerable].mean(),
        "false_abstentions": 1 - found.above[answerable].mean(),
    }
    held_out = {name: round(float(rate), 3) for name, rate in rates.items()}
    print(f"held out: {json.dumps(held_out)}")
    _write("reader" if readings else NONE, questions, sections, held_out)
    return 0


def _write(name: str, questions: list[_Labelled], sections: list[_Labelled], held_out: dict[str, float]) -> None:
    """Put the fit and its error rates in their place in evidence.json, and leave the other one."""
    model = _fit(questions, sections)
    threshold = _threshold(np.array([model.best(one)[0] for one in questions]), _answerable(questions))
    held = json.loads(FITTED.read_text(encoding="utf-8")) if FITTED.is_file() else {}
    support = {**_weights(SUPPORT, model.support), "intercept": round(float(model.support.intercept_[0]), 3)}
    weights = {"ranking": _weights(RANKING, model.ranking), "support": support}
    held[name] = {**weights, "threshold": round(threshold, 3), "held_out": held_out}
    FITTED.write_text(f"{json.dumps(held, indent=2, sort_keys=True)}\n", encoding="utf-8")
    print(f"{FITTED}: {name}: {json.dumps(held[name])}")


def _weights(names: Sequence[str], model: LogisticRegression) -> dict[str, float]:
    return {name: round(float(weight), 3) for name, weight in zip(names, model.coef_[0], strict=True)}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="BEIR folders with an answers.jsonl")
    parser.add_argument("--limit", type=int, default=1000, help="questions of each folder, drawn at random (default: 1000)")
    parser.add_argument("--sections", nargs="+", type=Path, default=(), metavar="DIR", help="folders with a sentences.jsonl")
    parser.add_argument(
        "--readings", type=Path, metavar="FILE", help="fit beside a reader: what readers found that did not know the article"
    )


COMMAND = Command("fit", "Fit the weights and the threshold of the answers.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.fit", __doc__, [COMMAND]))
