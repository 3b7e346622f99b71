"""Intervals and p-values, with figures worked out by hand."""

from __future__ import annotations

import pytest

from eval.significance import difference, holm, interval


def test_an_interval_by_hand() -> None:
    """Four questions, half of them right: one resample in sixteen has none right and one all, more than 2.5 % on either side."""
    found = interval([0, 0, 1, 1])
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)
    assert not found.is_degenerate


@pytest.mark.parametrize("scores", [[0.5], [1.0, 1.0, 1.0]])
def test_an_interval_of_no_width_says_so(scores: list[float]) -> None:
    """Nothing can be drawn from questions that all score the same: it must not look like certainty."""
    assert interval(scores).is_degenerate


def test_an_interval_narrows_with_more_questions() -> None:
    """By the root of their number: four times as many, half as wide."""
    few, many = interval([0, 1] * 50), interval([0, 1] * 200)
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("gains", "p"), [([1, 1, 1], 2 / 8), ([1, 1, 1, 1, 0, 0], 2 / 16), ([1, -1], 1.0), ([1, 0], 1.0), ([0, 0], 1.0), ([2, 1, 1], 2 / 8)]
)
def test_a_randomisation_test_by_hand(gains: list[int], p: float) -> None:
    """The share of sign flips whose sum is as far from 0: all heads or all tails of n flips, 2 in 2^n. Ties change nothing."""
    found = difference({str(n): float(gain) for n, gain in enumerate(gains)}, {str(n): 0.0 for n in range(len(gains))})
    assert found.p == pytest.approx(p)


def test_a_difference_counts_questions() -> None:
    """Better, same, worse; over the questions that both have, in any order."""
    found = difference({"a": 1, "b": 0.5, "c": 0, "d": 1, "only new": 1}, {"d": 0, "c": 0.25, "b": 0.5, "a": 0.5, "only old": 1})
    assert (found.better, found.same, found.worse) == (2, 1, 1)
    assert found.interval.mean == pytest.approx((0.5 + 0 - 0.25 + 1) / 4)


def test_the_same_scores_give_the_same_figures() -> None:
    """Whatever the order: the seed is fixed, and a set's order differs from process to process."""
    old = {str(n): n % 3 / 3 for n in range(40)}
    new = {str(n): n % 5 / 5 for n in range(40)}
    assert difference(new, old) == difference(dict(reversed(new.items())), dict(reversed(old.items())))


def test_nothing_in_common_is_an_error() -> None:
    """Not a difference of 0."""
    with pytest.raises(ValueError, match="no question in common"):
        difference({"a": 1}, {"b": 1})


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x .01; 2 x .03; .04 may not be below what is smaller than it
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values: list[float], adjusted: list[float]) -> None:
    """The smallest times the number of tests, the next times one less, never falling, never above 1."""
    assert holm(p_values) == pytest.approx(adjusted)


def test_luck_is_seldom_significant() -> None:
    """Of 100 pairs of runs that differ by chance alone, about one in twenty has p < .05."""
    import random

    draw = random.Random(1)
    runs = [({str(n): draw.random() for n in range(30)}, {str(n): draw.random() for n in range(30)}) for _ in range(100)]
    share = sum(difference(new, old).p < 0.05 for new, old in runs) / 100
    assert 0.01 <= share <= 0.1
