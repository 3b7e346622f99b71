"""Runs and answers -> measures. ir-measures computes those of retrieval, scikit-learn the area under the curve; names are TREC's.

hit@k on the screen is Success@k. A question that finds nothing scores 0 and stays in the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ir_measures
from ir_measures import RR, Success, nDCG
from sklearn.metrics import roc_auc_score

from eval.dataset import Dataset, Evidence, Question
from eval.run import Qrels, Ranked, Run
from qa.answer import Answer
from qa.citation import Citation

MEASURES = {"hit@1": Success @ 1, "hit@5": Success @ 5, "MRR@10": RR @ 10, "nDCG@10": nDCG @ 10}
EVIDENCE_MEASURES = {"Hits@4": Success @ 4, "Hits@10": Success @ 10, "MRR@10": RR @ 10}
QUOTE_F1 = "quote-F1"

Scores = dict[str, dict[str, float]]


def scores(dataset: Dataset, qrels: Qrels, run: Run) -> Scores:
    """question -> measure -> score, for each answerable question; quote-F1 too where the run has answers."""
    found = per_question(qrels, run.ranked)
    for question in dataset.answerable if run.answers else ():
        found[question.id][QUOTE_F1] = quote_f1(question, run.answers[question.id])
    return found


def quote_f1(question: Question, answer: Answer) -> float:
    """F1 of the headline quote's characters against the evidence that fits it best; 0 where there is no quote."""
    return max((_f1(quote, evidence) for quote in answer.quotes[:1] for evidence in question.evidence), default=0.0)


def _f1(quote: Citation, evidence: Evidence) -> float:
    if quote.article.id != evidence.article_id:
        return 0.0
    shared = max(0, min(quote.end, evidence.end) - max(quote.start, evidence.start))
    return 2 * shared / (quote.end - quote.start + evidence.end - evidence.start)


def headline_hit(question: Question, answer: Answer) -> bool:
    """Whether the headline quote overlaps the evidence."""
    return quote_f1(question, answer) > 0


def right_outcome(question: Question, answer: Answer) -> bool:
    """Answered where the archive answers, abstained where it does not."""
    return (answer.outcome == "answered") == question.answerable


def per_question(qrels: Qrels, ranked: Ranked) -> Scores:
    """question -> measure -> score. Ranks are handed on as falling scores, so that no tie is broken anew."""
    run = {question: {name: 1 / place for place, name in enumerate(names, start=1)} for question, names in ranked.items()}
    return _calculate(MEASURES, qrels, run)


def _calculate(measures: Mapping[str, Any], qrels: Qrels, run: Mapping[str, Mapping[str, float]]) -> Scores:
    names = {str(measure): name for name, measure in measures.items()}
    found: Scores = {question: dict.fromkeys(measures, 0.0) for question in qrels}
    for metric in ir_measures.iter_calc(list(measures.values()), qrels, run):
        found[metric.query_id][names[str(metric.measure)]] = metric.value
    return found


def evidence_hits(found: Mapping[str, list[bool]]) -> Scores:
    """question -> Hits@4, Hits@10 and MRR@10 of the first passage that holds a gold sentence.

    The protocol of MultiHop-RAG (Tang and Yang, COLM 2024) for its answerable questions.
    """
    run = {question: {str(place): 1 / place for place in range(1, len(right) + 1)} for question, right in found.items()}
    qrels = {
        question: {"none": 1} | {str(place): 1 for place, is_right in enumerate(right, start=1) if is_right}
        for question, right in found.items()
    }
    return _calculate(EVIDENCE_MEASURES, qrels, run)


@dataclass(frozen=True, slots=True)
class Abstention:
    """How the assistant tells what the archive says from what it does not."""

    answerable: int
    answered: int
    unanswerable: int
    abstained: int
    auroc: float | None
    headline_hits: int


def abstention(dataset: Dataset, given: Mapping[str, Answer]) -> Abstention:
    """Counts over all questions, and how well the support of the best sentence tells the two kinds apart, as AUROC.

    Headline hits are among answerable questions. The area is None where all questions are of one kind.
    """
    answerable = dataset.answerable
    others = [question for question in dataset.questions if not question.answerable]
    return Abstention(
        answerable=len(answerable),
        answered=sum(right_outcome(question, given[question.id]) for question in answerable),
        unanswerable=len(others),
        abstained=sum(right_outcome(question, given[question.id]) for question in others),
        auroc=_auroc(dataset, given),
        headline_hits=sum(headline_hit(question, given[question.id]) for question in answerable),
    )


def _auroc(dataset: Dataset, given: Mapping[str, Answer]) -> float | None:
    labels = [question.answerable for question in dataset.questions]
    return float(roc_auc_score(labels, [given[question.id].support for question in dataset.questions])) if len(set(labels)) == 2 else None
