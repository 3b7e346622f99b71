"""Dense search and fusion, with figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index import dense
from index.blocks import Folder, seal
from index.fusion import ordered, reciprocal_rank, weighted_sum


def opened(home: Path, rows: NDArray[np.float32]) -> dense.Dense:
    home.mkdir()
    dense.write(home, rows)
    return dense.Dense(dense.Part(Folder(home, seal(home)), len(rows)))


@pytest.fixture
def vectors(tmp_path: Path) -> dense.Dense:
    return opened(tmp_path / "v", np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32))


def test_dense_ranks_by_cosine(vectors: dense.Dense) -> None:
    """Cosines of (1, 0) with (1, 0), (0.6, 0.8) and (0, 1), in half precision."""
    rows, cosines = vectors.search(np.array([1, 0], dtype=np.float32), 10)
    assert rows.tolist() == [0, 1, 2]
    assert cosines.tolist() == pytest.approx([1, 0.6, 0], abs=2**-11)


def test_dense_never_answers_with_padding(vectors: dense.Dense) -> None:
    """faiss pads with row -1, which would be a valid Python index: fewer rows come back instead."""
    query = np.array([1, 0], dtype=np.float32)
    assert vectors.search(query, 10, np.array([False, True, True]))[0].tolist() == [1, 2]
    assert vectors.search(query, 10, np.zeros(3, dtype=bool))[0].tolist() == []


def test_vectors_come_back_as_they_are_kept(tmp_path: Path) -> None:
    """So that unchanged passages are not embedded again, and rounding twice is rounding once."""
    rows = unit(np.random.default_rng(1), 300, 24)
    found = opened(tmp_path / "v", rows).at(np.array([299, 0, 7]))
    assert found.tolist() == rows[[299, 0, 7]].astype(np.float16).astype(np.float32).tolist()


def unit(rng: np.random.Generator, count: int, width: int) -> NDArray[np.float32]:
    """Vectors of length 1 around a few directions."""
    topics = rng.standard_normal((20, width))
    rows = topics[rng.integers(20, size=count)] + 0.7 * rng.standard_normal((count, width))
    scaled: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


Many = tuple[dense.Dense, NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Many:
    """Enough vectors to have codes, few enough candidates that these matter, and questions near them."""
    monkeypatch.setattr(dense, "FLAT", 3000)
    monkeypatch.setattr(dense, "_LEAST", 300)
    rows = unit(np.random.default_rng(2), 8050, 64)
    return opened(tmp_path / "v", rows[:8000]), rows[:8000], rows[8000:]


def test_codes_find_what_a_scan_finds(tmp_path: Path, many: Many) -> None:
    """At least 98 of 100 of the first ten, with the cosines of the vectors themselves."""
    found, rows, questions = many
    assert (tmp_path / "v" / dense.CODES).is_file()
    kept = found.at(np.arange(len(rows)))
    shares = []
    for query in questions:
        true = np.argsort(-(kept @ query), kind="stable")[:10]
        places, cosines = found.search(query, 10)
        assert cosines.tolist() == pytest.approx((kept[places] @ query).tolist(), abs=1e-6)
        shares.append(np.isin(true, places).mean())
    assert np.mean(shares) >= 0.98


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_codes_answer_within_a_filter(many: Many, share: float) -> None:
    """Few rows are scanned and many are not; as many come back as there are, and none from outside."""
    found, rows, _ = many
    allow = np.random.default_rng(4).random(len(rows)) < share
    places, _ = found.search(rows[0], 500, allow)
    assert len(places) == min(500, allow.sum())
    assert allow[places].all()


def test_codes_that_find_too_little_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a scan is what there is: with one candidate for each row asked for, recall@10 is poor."""
    monkeypatch.setattr(dense, "FLAT", 100)
    monkeypatch.setattr(dense, "_LEAST", 11)
    (tmp_path / "v").mkdir()
    assert dense.write(tmp_path / "v", np.random.default_rng(5).standard_normal((2000, 32)).astype(np.float32)) is None
    assert not (tmp_path / "v" / dense.CODES).exists()


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
