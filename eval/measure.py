"""Runs -> measures. ir-measures computes those of retrieval, scikit-learn the area under the curve; names are TREC's.

hit@k on the screen is Success@k. A question that finds nothing scores 0 and stays in the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, Success, nDCG
from sklearn.metrics import roc_auc_score

from eval.dataset import Dataset
from eval.run import Qrels, Ranked
from qa.answer import Answer

MEASURES = {"hit@1": Success @ 1, "hit@5": Success @ 5, "MRR@10": RR @ 10, "nDCG@10": nDCG @ 10}

Scores = dict[str, dict[str, float]]


def per_question(qrels: Qrels, ranked: Ranked) -> Scores:
    """question -> measure -> score. Ranks are handed on as falling scores, so that no tie is broken anew."""
    run = {question: {name: 1 / place for place, name in enumerate(names, start=1)} for question, names in ranked.items()}
    names = {str(measure): name for name, measure in MEASURES.items()}
    scores: Scores = {question: dict.fromkeys(MEASURES, 0.0) for question in qrels}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        scores[metric.query_id][names[str(metric.measure)]] = metric.value
    return scores


def evidence_hits(found: Mapping[str, list[bool]]) -> dict[str, float]:
    """Hits@4, Hits@10 and MRR@10 of the first passage that holds a gold sentence, over the questions that have one.

    The protocol of MultiHop-RAG (Tang and Yang, COLM 2024) for its answerable questions.
    """
    run = {question: {str(place): 1 / place for place in range(1, len(right) + 1)} for question, right in found.items()}
    qrels = {
        question: {"none": 1} | {str(place): 1 for place, is_right in enumerate(right, start=1) if is_right}
        for question, right in found.items()
    }
    names = {Success @ 4: "Hits@4", Success @ 10: "Hits@10", RR @ 10: "MRR@10"}
    means = ir_measures.calc_aggregate(list(names), qrels, run)
    return {name: means[measure] for measure, name in names.items()}


@dataclass(frozen=True, slots=True)
class Abstention:
    """How the assistant tells what the archive says from what it does not."""

    answerable: int
    answered: int
    unanswerable: int
    abstained: int
    auroc: float
    headline_hits: int


def abstention(dataset: Dataset, given: Mapping[str, Answer]) -> Abstention:
    """Counts over all questions, and how well the support of the best sentence tells the two kinds apart, as AUROC.

    A headline hit is a headline quote that overlaps the evidence, among answerable questions.
    """
    answerable = [question for question in dataset.questions if question.answerable]
    others = [question for question in dataset.questions if not question.answerable]
    hits = 0
    for question in answerable:
        for quote in given[question.id].quotes[:1]:
            hits += any(evidence.overlaps(quote.article.id, quote.start, quote.end) for evidence in question.evidence)
    labels = [question.answerable for question in dataset.questions]
    return Abstention(
        answerable=len(answerable),
        answered=sum(given[question.id].outcome == "answered" for question in answerable),
        unanswerable=len(others),
        abstained=sum(given[question.id].outcome == "abstained" for question in others),
        auroc=float(roc_auc_score(labels, [given[question.id].support for question in dataset.questions])),
        headline_hits=hits,
    )
