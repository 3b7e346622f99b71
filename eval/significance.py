"""Scores of the same questions -> intervals, differences and p-values. scipy computes them; nothing here knows what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SEED = 20140627
RESAMPLES = 9_999
_LEVEL = 0.95
# Memory: scipy draws this many resamples of all questions at a time.
_BATCH = 500

PerQuestion = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval over questions."""

    mean: float
    low: float
    high: float

    @property
    def is_degenerate(self) -> bool:
        """Whether all questions scored the same, or there is but one: then the width of 0 says nothing."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Difference:
    """Another configuration's scores minus the baseline's, question by question, and the p-value of its mean."""

    interval: Interval
    better: int
    same: int
    worse: int
    p: float


def interval(scores: Sequence[float]) -> Interval:
    """The mean and its percentile bootstrap interval (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13)."""
    values = np.asarray(scores, dtype=float)
    if len(set(scores)) < 2:
        mean = float(values.mean())
        return Interval(mean, mean, mean)
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, batch=_BATCH, confidence_level=_LEVEL, method="percentile", rng=_generator()
    ).confidence_interval
    return Interval(float(values.mean()), float(found.low), float(found.high))


def difference(new: PerQuestion, old: PerQuestion) -> Difference:
    """Paired over the questions that both have: the interval is the bootstrap's, p a two-sided randomisation test's.

    Under the null hypothesis a question's two scores could change places: signs of the differences are flipped at random
    (Smucker, Allan and Carterette, CIKM 2007).
    """
    shared = old.keys() & new.keys()
    if not shared:
        raise ValueError("no question in common")
    gains = np.array([new[question] - old[question] for question in shared])
    gains.sort()  # the order of a set differs from process to process, and a resample draws by place
    return Difference(interval(gains.tolist()), int((gains > 0).sum()), int((gains == 0).sum()), int((gains < 0).sum()), _p_value(gains))


def _p_value(gains: np.ndarray) -> float:
    changed = gains[gains != 0]
    if len(changed) < 2:  # both ways to set one sign are as far from 0, and scipy asks for two
        return 1.0
    return float(
        stats.permutation_test((changed,), np.sum, permutation_type="samples", n_resamples=RESAMPLES, batch=_BATCH, rng=_generator()).pvalue
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for having looked at all of them (Holm 1979), in the order given."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(np.argsort(p_values, kind="stable").tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def _generator() -> np.random.Generator:
    return np.random.default_rng(SEED)
