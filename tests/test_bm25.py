"""Our postings against rank_bm25's own scoring, with the same inverse document frequency."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from index.bm25 import BM25, STOP_WORDS, build, merge, tokens, words

WORDS = [f"w{number}" for number in range(30)]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=20), min_size=1, max_size=30)


class Oracle(BM25Okapi):
    """rank_bm25 as it is, but for Lucene's inverse document frequency."""

    def _calc_idf(self, found: dict[str, int]) -> None:
        self.idf = {word: math.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5)) for word, n in found.items()}


@given(TEXTS, st.lists(st.sampled_from([*WORDS, "absent"]), max_size=8))
def test_scores_equal_rank_bm25(texts: list[list[str]], query: list[str]) -> None:
    """On random archives, to 1e-6; words that repeat in the query and words in no text too."""
    ours, theirs = BM25(build(texts)), Oracle(texts)
    np.testing.assert_allclose(ours.get_scores(query), theirs.get_scores(query), atol=1e-6)
    rows = list(range(0, len(texts), 2))
    np.testing.assert_allclose(ours.get_batch_scores(query, rows), theirs.get_batch_scores(query, rows), atol=1e-6)


def test_scores_equal_rank_bm25_on_a_thousand_texts() -> None:
    """The same at a size where postings are long, with other parameters."""
    rng = random.Random(7)
    texts = [rng.choices(WORDS, k=rng.randint(1, 80)) for _ in range(1000)]
    ours, theirs = BM25(build(texts), k1=0.9, b=0.4), Oracle(texts, k1=0.9, b=0.4)
    np.testing.assert_allclose(ours.get_scores(WORDS), theirs.get_scores(WORDS), atol=1e-6)
    assert ours.get_top_n(["w3"], texts, 5) == theirs.get_top_n(["w3"], texts, 5)


def test_the_oracle_can_fail() -> None:
    """With rank_bm25's own idf the scores differ: a word in half of the texts weighs nothing there."""
    texts = [["a"], ["a"], ["b"], ["b"]]
    assert BM25Okapi(texts).get_scores(["a"]).max() == 0 < BM25(build(texts)).get_scores(["a"]).max()


def test_idf_by_hand() -> None:
    """ln(1 + (4 - 1 + 0.5) / (1 + 0.5)) for a word in one of four texts."""
    assert BM25(build([["a"], ["b"], ["b"], ["b"]])).idf("a") == pytest.approx(math.log(1 + 3.5 / 1.5))


def test_a_match_is_a_shared_token_and_ties_go_by_row() -> None:
    """A text without the word is never found; equal scores keep the order of rows."""
    bm25 = BM25(build([["b"], ["a"], ["b"], ["a"]]))
    rows, scores = bm25.search(["a", "c"], k=10)
    assert rows.tolist() == [1, 3]
    assert scores[0] == scores[1] > 0
    assert bm25.search(["c"], k=10)[0].tolist() == []
    assert bm25.search(["a"], k=10, allow=np.array([True, True, True, False]))[0].tolist() == [1]


@settings(max_examples=50)
@given(TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_merging_equals_building_anew(old: list[list[str]], new: list[list[str]], rng: random.Random) -> None:
    """Rows that go leave no trace: the same terms, scores and rows as postings made from what is left."""
    keep = np.array([rng.random() < 0.6 for _ in old])
    merged = BM25(merge([(build(old), keep), (build(new), np.ones(len(new), dtype=bool))]))
    fresh = BM25(build([text for text, kept in zip(old, keep, strict=True) if kept] + new))
    assert [merged.knows(word) for word in WORDS] == [fresh.knows(word) for word in WORDS]
    for word in WORDS:
        np.testing.assert_allclose(merged.get_scores([word]), fresh.get_scores([word]))


@settings(max_examples=50)
@given(TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_parts_with_dead_rows_score_as_what_is_left(old: list[list[str]], new: list[list[str]], rng: random.Random) -> None:
    """Row by row, and a dead row scores 0: inverse document frequency and mean length are of the living alone."""
    alive = np.array([rng.random() < 0.6 for _ in old + new])
    parts = BM25(build(old), build(new), alive=alive)
    fresh = BM25(build([text for text, lives in zip(old + new, alive, strict=True) if lives]))
    for word in WORDS:
        scores = parts.get_scores([word, "a"])
        np.testing.assert_allclose(scores[alive], fresh.get_scores([word, "a"]))
        assert not scores[~alive].any()
        assert alive[parts.search([word], 100)[0]].all()


def test_an_empty_archive_finds_nothing() -> None:
    """rank_bm25 divides by zero here."""
    assert BM25(build([])).search(["a"], 5)[0].tolist() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. confirmed it.", ["us", "confirm"]),
        ("confirmation confirms", ["confirm", "confirm"]),
        ("Iran's and Iran’s", ["iran", "iran"]),
        ("1,600 troops, 3.5 percent", ["1600", "troop", "3.5", "percent"]),
        ("AT&T ended.Start", ["at&t", "end", "start"]),
        ("É 27-year-old", ["é", "27", "year", "old"]),
        ("the of and", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    """Lower case, stems, no possessives, numbers whole, stop words out."""
    assert tokens(text) == expected


def test_words_keep_their_form() -> None:
    """What is shown as matched is what was typed."""
    assert words("Who confirmed U.S. operatives?") == ["Who", "confirmed", "U.S", "operatives"]
    assert not {"who", "what", "when", "where"} & STOP_WORDS
