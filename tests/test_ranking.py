"""Dense search and fusion, with figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index import dense
from index.errors import CorruptError
from index.fusion import ordered, reciprocal_rank, weighted_sum


@pytest.fixture
def vectors(tmp_path: Path) -> dense.Dense:
    rows = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    dense.write(tmp_path / "v", rows)
    return dense.Dense(tmp_path / "v")


def test_dense_ranks_by_cosine(vectors: dense.Dense) -> None:
    """Cosines of (1, 0) with (1, 0), (0.6, 0.8) and (0, 1)."""
    rows, cosines = vectors.search(np.array([1, 0], dtype=np.float32), 10)
    assert rows.tolist() == [0, 1, 2]
    assert cosines.tolist() == pytest.approx([1, 0.6, 0])


def test_dense_never_answers_with_padding(vectors: dense.Dense) -> None:
    """faiss pads with row -1, which would be a valid Python index: fewer rows come back instead."""
    query = np.array([1, 0], dtype=np.float32)
    assert vectors.search(query, 10, np.array([False, True, True]))[0].tolist() == [1, 2]
    assert vectors.search(query, 10, np.zeros(3, dtype=bool))[0].tolist() == []


def test_vectors_come_back_as_they_went_in(vectors: dense.Dense) -> None:
    """So that unchanged passages are not embedded again."""
    assert vectors.vectors().tolist() == np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32).tolist()


def test_a_file_that_is_no_index_is_named(tmp_path: Path) -> None:
    """faiss's own error names no file."""
    (tmp_path / "v").write_bytes(b"nothing")
    with pytest.raises(CorruptError, match=str(tmp_path / "v")):
        dense.Dense(tmp_path / "v")


def test_weighted_sum_by_hand() -> None:
    """bm25 10, 6, 2 -> 1, .5, 0; dense .9, .5, .4 -> 1, .2, 0; weights .6 and .4."""
    fused = weighted_sum({1: 10.0, 2: 6.0, 3: 2.0}, {2: 0.9, 3: 0.5, 4: 0.4}, dense_weight=0.4)
    assert fused == pytest.approx({1: 0.6, 2: 0.6 * 0.5 + 0.4, 3: 0.4 * 0.2, 4: 0.0})
    assert ordered(fused) == [2, 1, 3, 4]


def test_weighted_sum_of_one_leg_keeps_its_order() -> None:
    """Also where all scores are equal, which leaves no range to stretch."""
    assert ordered(weighted_sum({}, {5: 0.1, 3: 0.3})) == [3, 5]
    assert weighted_sum({7: 2.0}, {}, dense_weight=0.4) == pytest.approx({7: 0.6})
    assert weighted_sum({}, {}) == {}


def test_reciprocal_rank_by_hand() -> None:
    """1/61 + 1/62 for a row that is first in one list and second in the other."""
    fused = reciprocal_rank({1: 9.0, 2: 5.0}, {2: 0.8, 3: 0.1})
    assert fused == pytest.approx({1: 1 / 61, 2: 1 / 62 + 1 / 61, 3: 1 / 62})
