"""Texts -> tokens -> postings -> rows, by BM25. The only file that imports rank_bm25; it knows row numbers only.

`BM25` is rank_bm25's BM25Okapi with two things replaced. Its inverse document frequency gives a word that stands in half
of the texts a weight of 0, and in more a floor; ours is Lucene's, ln(1 + (N - n + 0.5) / (n + 0.5)), always above 0. Its
dict for each text costs a pass over all of them for each query; ours are postings in compressed sparse rows, one row a
term, that a file can be mapped onto. tests/test_bm25.py holds it to BM25Okapi.get_scores with the same idf.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


_NOTHING = np.zeros(0, dtype=np.int64)


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


def merge(parts: Sequence[tuple[Postings, NDArray[np.bool_]]]) -> Postings:
    """The kept rows of several postings, one after the other, renumbered from 0; each comes with `keep`, bool[its rows]."""
    terms: dict[str, int] = {}
    numbers, rows, counts, lengths = [], [], [], []
    first = 0
    for postings, keep in parts:
        entries = keep[postings.rows]
        kept = np.repeat(np.arange(len(postings.terms)), np.diff(postings.starts))[entries]
        used = dict.fromkeys(np.unique(kept).tolist())
        places = [terms.setdefault(term, len(terms)) if at in used else -1 for term, at in postings.terms.items()]
        numbers.append(np.array(places, dtype=np.int64)[kept])
        rows.append((np.cumsum(keep) - 1)[postings.rows[entries]] + first)
        counts.append(postings.counts[entries])
        lengths.append(postings.lengths[keep])
        first += int(keep.sum())
    return _by_term(terms, *map(np.concatenate, (numbers, rows, counts, lengths)))


def _by_term(terms: dict[str, int], numbers: Rows, rows: Rows, counts: Rows, lengths: Rows) -> Postings:
    """Postings from entries in the order of their rows: sorted by term, rows rising within each."""
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(len(terms) + 1)).astype(np.int64)
    return Postings(terms, starts, rows[order].astype(np.int32), counts[order].astype(np.int32), lengths.astype(np.int32))


class BM25(BM25Okapi):  # type: ignore[misc]
    """rank_bm25's interface over postings: get_scores, get_batch_scores and get_top_n take tokens, as there.

    Several postings are one list of texts, rows counted through. Where `alive`, bool[N], is given, a row that is not alive is in no
    statistic and in no result.
    """

    def __init__(self, *parts: Postings, alive: NDArray[np.bool_] | None = None, k1: float = 1.5, b: float = 0.75) -> None:
        self.k1, self.b = k1, b
        self._parts = parts
        self._firsts = np.cumsum([0, *(len(part.lengths) for part in parts)])
        self._lengths = np.concatenate([part.lengths for part in parts]) if len(parts) != 1 else parts[0].lengths
        self._alive = None if alive is None or alive.all() else alive
        living = self._lengths if self._alive is None else self._lengths[self._alive]
        self.corpus_size = len(living)
        self.avgdl = float(living.mean()) if self.corpus_size else 0.0

    def __len__(self) -> int:
        """Rows, those that are not alive too."""
        return int(self._firsts[-1])

    def knows(self, term: str) -> bool:
        """Whether a term stands in any text."""
        return len(self._posting(term)[0]) > 0

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)), Lucene's; for a term in no text too, where it is highest."""
        return self._idf(len(self._posting(term)[0]))

    def _idf(self, found: int) -> float:
        return float(np.log1p((self.corpus_size - found + 0.5) / (found + 0.5)))

    def _posting(self, term: str) -> tuple[Rows, Rows]:
        """The rows, rising, that a term stands in, and how often."""
        found = [(part, first, part.terms[term]) for part, first in zip(self._parts, self._firsts, strict=False) if term in part.terms]
        spans = [(part, first, slice(*part.starts[at : at + 2])) for part, first, at in found]
        rows: Rows = np.concatenate([_NOTHING, *(part.rows[span] + first for part, first, span in spans)])
        counts: Rows = np.concatenate([_NOTHING, *(part.counts[span] for part, _, span in spans)])
        if self._alive is None:
            return rows, counts
        living = self._alive[rows]
        return rows[living], counts[living]

    def stands_in(self, term: str, rows: Rows) -> NDArray[np.bool_]:
        """bool[len(rows)]: whether a term stands in each of some rows, no two of them the same."""
        return np.isin(rows, self._posting(term)[0], assume_unique=True)

    def get_scores(self, query: list[str]) -> Scores:
        """float64[N]: the score of every text; a token that stands twice in the query counts twice."""
        scores = np.zeros(len(self))
        for term in query:
            rows, counts = self._posting(term)
            length = self.k1 * (1 - self.b + self.b * self._lengths[rows] / self.avgdl)
            scores[rows] += self._idf(len(rows)) * counts * (self.k1 + 1) / (counts + length)
        return scores

    def get_batch_scores(self, query: list[str], doc_ids: list[int]) -> list[float]:
        """The scores of some rows."""
        return [float(score) for score in self.get_scores(query)[doc_ids]]

    def search(self, query: list[str], k: int, allow: NDArray[np.bool_] | None = None, more: Scores | None = None) -> tuple[Rows, Scores]:
        """The best `k` rows that share a token with the query, best first, ties by row, and their scores.

        `allow`, bool[N], limits the rows; `more`, float64[N], is added to their scores. A match is a shared token, never a score above 0.
        """
        found = np.zeros(len(self), dtype=bool)
        for term in query:
            found[self._posting(term)[0]] = True
        candidates = np.flatnonzero(found if allow is None else found & allow)
        scores = (self.get_scores(query) if more is None else self.get_scores(query) + more)[candidates]
        best = np.argsort(-scores, kind="stable")[:k]
        return candidates[best], scores[best]
