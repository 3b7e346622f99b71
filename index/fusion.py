"""Two rankings -> one. Pure; a ranking is a mapping from row to score, and what comes out orders rows and means nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import nsmallest

Ranking = Mapping[int, float]
Fusion = Callable[[Ranking, Ranking], dict[int, float]]

# The dense leg's share. eval/README.md has the shares tried and what reciprocal rank fusion gave instead.
DENSE_WEIGHT = 0.4


def weighted_sum(bm25: Ranking, dense: Ranking, dense_weight: float = DENSE_WEIGHT) -> dict[int, float]:
    """Min-max-normalised scores, added with weights; a row that a leg did not find has 0 there.

    Fox and Shaw, Combination of Multiple Searches (TREC-2, 1994); the weights after Bruch, Gai and Ingber, An Analysis of
    Fusion Functions for Hybrid Retrieval (ACM TOIS 2023).
    """
    words, meaning = _min_max(bm25), _min_max(dense)
    rows = dict.fromkeys([*bm25, *dense])
    return {row: (1 - dense_weight) * words.get(row, 0.0) + dense_weight * meaning.get(row, 0.0) for row in rows}


def reciprocal_rank(*legs: Ranking, k: int = 60) -> dict[int, float]:
    """The sum over legs of 1 / (k + rank), ranks from 1. Cormack, Clarke and Büttcher, SIGIR 2009.

    Kept as the measured alternative: `clippings eval` runs it beside the weighted sum.
    """
    fused: dict[int, float] = {}
    for leg in legs:
        for rank, row in enumerate(ordered(leg), start=1):
            fused[row] = fused.get(row, 0.0) + 1 / (k + rank)
    return fused


def ordered(ranking: Ranking, k: int | None = None) -> Sequence[int]:
    """Rows from best to worst, `k` at most; ties by row."""
    return nsmallest(len(ranking) if k is None else k, ranking, key=lambda row: (-ranking[row], row))


def _min_max(scores: Ranking) -> dict[int, float]:
    """Scores stretched to 0..1; when all are equal, all are 1, for each was found."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {row: (score - low) / (high - low) if high > low else 1.0 for row, score in scores.items()}
