"""Texts -> tokens -> postings -> rows, by BM25. The only file that imports rank_bm25; it knows row numbers only.

`BM25` is rank_bm25's BM25Okapi with two things replaced. Its inverse document frequency gives a word that stands in half
of the texts a weight of 0, and in more a floor; ours is Lucene's, ln(1 + (N - n + 0.5) / (n + 0.5)), always above 0. Its
dict for each text costs a pass over all of them for each query; ours are postings in compressed sparse rows, one row a
term, that a file can be mapped onto. tests/test_bm25.py holds it to BM25Okapi.get_scores with the same idf.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import Stemmer
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

# Part of an archive's fingerprint: raise it when the same text would give other tokens.
VERSION = 1

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]

_WORD = re.compile(r"\d+(?:[.,]\d+)+(?!\w)|[^\W_]+(?:['’.&][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
# Lucene's English list: function words. Question words are left in; a longer list was worse (eval/README.md).
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was "
    "will with".split()
)


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The index token of one word: Snowball's English stem of its lower case. 1,600 is 1600, U.S. is us, Iran's is iran."""
    if word[0].isdigit():
        return word.casefold().replace(",", "")
    return str(_stemmer().stemWord(_POSSESSIVE.sub("", word.casefold()).replace(".", "").replace("’", "'")))


def words(text: str) -> list[str]:
    """The words of `text` as they stand: letters and digits, with apostrophes, dots and ampersands inside."""
    return [word for match in _WORD.finditer(text) for word in _parts(match.group())]


def _parts(word: str) -> list[str]:
    """U.S., AT&T and 3.5 are one word; end.Start, where a space is missing, is two."""
    initials = "." not in word or word[0].isdigit() or max(map(len, word.split("."))) == 1
    return [word] if initials else word.split(".")


def tokens(text: str) -> list[str]:
    """The index tokens of `text`, in order, stop words left out."""
    return [stem(word) for word in words(text) if word.casefold() not in STOP_WORDS]


@dataclass(frozen=True, slots=True)
class Postings:
    """Term t stands in the texts rows[starts[t]:starts[t + 1]], counts[...] times in each; lengths[row] is a text's tokens."""

    terms: Mapping[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.int32]
    lengths: NDArray[np.int32]


def build(texts: Iterable[list[str]]) -> Postings:
    """Postings of tokenised texts, rows in the order given."""
    terms: dict[str, int] = {}
    entries: list[tuple[int, int, int]] = []
    lengths: list[int] = []
    for row, text in enumerate(texts):
        lengths.append(len(text))
        entries += [(terms.setdefault(term, len(terms)), row, count) for term, count in Counter(text).items()]
    numbers, rows, counts = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return _by_term(terms, numbers, rows, counts, np.array(lengths))


def merge(old: Postings, keep: NDArray[np.bool_], new: Postings) -> Postings:
    """The rows of `old` where `keep`, bool[N], is true, renumbered from 0, followed by the rows of `new`."""
    renumbered = np.cumsum(keep) - 1
    entries = keep[old.rows]
    kept = np.repeat(np.arange(len(old.terms)), np.diff(old.starts))[entries]
    used = dict.fromkeys(np.unique(kept).tolist())
    terms: dict[str, int] = {}
    places = np.array([terms.setdefault(term, len(terms)) if at in used else -1 for term, at in old.terms.items()], dtype=np.int64)
    added = np.array([terms.setdefault(term, len(terms)) for term in new.terms], dtype=np.int64)
    return _by_term(
        terms,
        np.concatenate([places[kept], np.repeat(added, np.diff(new.starts))]),
        np.concatenate([renumbered[old.rows[entries]], new.rows + int(keep.sum())]),
        np.concatenate([old.counts[entries], new.counts]),
        np.concatenate([old.lengths[keep], new.lengths]),
    )


def _by_term(terms: dict[str, int], numbers: Rows, rows: Rows, counts: Rows, lengths: Rows) -> Postings:
    """Postings from entries in the order of their rows: sorted by term, rows rising within each."""
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(len(terms) + 1)).astype(np.int64)
    return Postings(terms, starts, rows[order].astype(np.int32), counts[order].astype(np.int32), lengths.astype(np.int32))


class BM25(BM25Okapi):  # type: ignore[misc]
    """rank_bm25's interface over postings: get_scores, get_batch_scores and get_top_n take tokens, as there."""

    def __init__(self, postings: Postings, k1: float = 1.5, b: float = 0.75) -> None:
        self.postings = postings
        self.k1, self.b = k1, b
        self.corpus_size = len(postings.lengths)
        self.avgdl = float(postings.lengths.mean()) if self.corpus_size else 0.0

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)), Lucene's; for a term in no text too, where it is highest."""
        found = len(self._posting(term)[0])
        return float(np.log1p((self.corpus_size - found + 0.5) / (found + 0.5)))

    def _posting(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        number = self.postings.terms.get(term)
        span = slice(0, 0) if number is None else slice(*self.postings.starts[number : number + 2])
        return self.postings.rows[span], self.postings.counts[span]

    def stands_in(self, term: str, rows: Rows) -> NDArray[np.bool_]:
        """bool[len(rows)]: whether a term stands in each of some rows."""
        return np.isin(rows, self._posting(term)[0])

    def get_scores(self, query: list[str]) -> Scores:
        """float64[N]: the score of every text; a token that stands twice in the query counts twice."""
        scores = np.zeros(self.corpus_size)
        for term in query:
            rows, counts = self._posting(term)
            length = self.k1 * (1 - self.b + self.b * self.postings.lengths[rows] / self.avgdl)
            scores[rows] += self.idf(term) * counts * (self.k1 + 1) / (counts + length)
        return scores

    def get_batch_scores(self, query: list[str], doc_ids: list[int]) -> list[float]:
        """The scores of some rows."""
        return [float(score) for score in self.get_scores(query)[doc_ids]]

    def search(self, query: list[str], k: int, allow: NDArray[np.bool_] | None = None, more: Scores | None = None) -> tuple[Rows, Scores]:
        """The best `k` rows that share a token with the query, best first, ties by row, and their scores.

        `allow`, bool[N], limits the rows; `more`, float64[N], is added to their scores. A match is a shared token, never a score above 0.
        """
        found = np.zeros(self.corpus_size, dtype=bool)
        for term in query:
            found[self._posting(term)[0]] = True
        candidates = np.flatnonzero(found if allow is None else found & allow)
        scores = (self.get_scores(query) if more is None else self.get_scores(query) + more)[candidates]
        best = np.argsort(-scores, kind="stable")[:k]
        return candidates[best], scores[best]
