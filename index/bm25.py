"""Texts -> tokens -> postings -> rows, by BM25. The only file that imports rank_bm25; it knows row numbers only.

`BM25` is rank_bm25's BM25Okapi with two things replaced. Its inverse document frequency gives a word that stands in half
of the texts a weight of 0, and in more a floor; ours is Lucene's, ln(1 + (N - n + 0.5) / (n + 0.5)), always above 0. Its
dict for each text costs a pass over all of them for each query; ours are postings in compressed sparse rows, one row a
term, that a file can be mapped onto. tests/test_bm25.py holds it to BM25Okapi.get_scores with the same idf.
A term is kept as 64 bits of its digest: of a million terms, two are the same with a chance of 3 in a hundred million.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

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


@lru_cache(maxsize=200_000)
def _key(term: str) -> np.uint64:
    """What stands for a term."""
    return np.uint64(int.from_bytes(hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()))


class Column(Protocol):
    """An array, or one that is checked as it is read: only its slices are asked for."""

    def __getitem__(self, span: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Postings:
    """Term t has the key terms[t], keys rising, and stands in the texts rows[starts[t]:starts[t + 1]], counts[...] times in each.

    lengths[row] is a text's tokens. uint64[T], int64[T + 1], int32[entries], int32[entries], int32[N].
    """

    terms: NDArray[np.uint64]
    starts: NDArray[np.int64]
    rows: Column
    counts: Column
    lengths: NDArray[np.int32]

    def find(self, key: np.uint64) -> slice:
        """Where a term's entries are."""
        at = int(np.searchsorted(self.terms, key))
        known = at < len(self.terms) and self.terms[at] == key
        return slice(int(self.starts[at]), int(self.starts[at + 1])) if known else slice(0, 0)


def build(texts: Iterable[list[str]]) -> Postings:
    """Postings of tokenised texts, rows in the order given."""
    entries: dict[str, list[tuple[int, int]]] = {}
    lengths: list[int] = []
    for row, text in enumerate(texts):
        lengths.append(len(text))
        for term, count in Counter(text).items():
            entries.setdefault(term, []).append((row, count))
    ordered = sorted(entries, key=_key)
    rows, counts = np.array([entry for term in ordered for entry in entries[term]], dtype=np.int32).reshape(-1, 2).T
    starts = np.cumsum([0, *(len(entries[term]) for term in ordered)])
    keys = np.array([_key(term) for term in ordered], dtype=np.uint64)
    return Postings(keys, starts, np.ascontiguousarray(rows), np.ascontiguousarray(counts), np.array(lengths, dtype=np.int32))


def merge(parts: Sequence[tuple[Postings, NDArray[np.bool_]]]) -> Postings:
    """The kept rows of several postings, one after the other, renumbered from 0; each comes with `keep`, bool[its rows]."""
    kept = [_kept(postings, keep) for postings, keep in parts]
    terms = np.unique(np.concatenate([one.terms for one in kept]))
    places = [np.searchsorted(terms, one.terms) for one in kept]
    sizes = [np.diff(one.starts) for one in kept]
    ends = np.zeros(len(terms) + 1, dtype=np.int64)
    for place, size in zip(places, sizes, strict=True):
        ends[place + 1] += size
    starts = ends.cumsum()
    rows, counts = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.int32)
    free, first = starts[:-1].copy(), 0
    for one, place, size in zip(kept, places, sizes, strict=True):
        into = np.arange(len(one.rows[:])) + np.repeat(free[place] - one.starts[:-1], size)
        rows[into], counts[into] = one.rows[:] + first, one.counts[:]
        free[place] += size
        first += len(one.lengths)
    return Postings(terms, starts, rows, counts, np.concatenate([one.lengths for one in kept]))


def _kept(postings: Postings, keep: NDArray[np.bool_]) -> Postings:
    """Some rows of postings, renumbered from 0, and the terms that stand in them."""
    entries = keep[postings.rows[:]]
    starts = np.concatenate([[0], entries.cumsum()])[postings.starts]
    used = np.diff(starts) > 0
    rows = (keep.cumsum(dtype=np.int32) - 1)[postings.rows[:][entries]]
    return Postings(
        postings.terms[used], np.concatenate([starts[:-1][used], starts[-1:]]), rows, postings.counts[:][entries], postings.lengths[keep]
    )


class BM25(BM25Okapi):  # type: ignore[misc]
    """rank_bm25's interface over postings: get_scores, get_batch_scores and get_top_n take tokens, as there.

    Several postings are one list of texts, rows counted through. Where `alive`, bool[N], is given, a row that is not alive is in no
    statistic and in no result.
    """

    def __init__(self, *parts: Postings, alive: NDArray[np.bool_] | None = None, k1: float = 1.5, b: float = 0.75) -> None:
        self.k1, self.b = k1, b
        firsts = np.cumsum([0, *(len(part.lengths) for part in parts)]).tolist()
        self._parts = list(zip(parts, [slice(*span) for span in pairwise(firsts)], strict=True))
        self._alive = np.ones(firsts[-1], dtype=bool) if alive is None else alive
        living = [part.lengths[self._alive[span]] for part, span in self._parts]
        self.corpus_size = int(self._alive.sum())
        self.avgdl = sum(int(lengths.sum(dtype=np.int64)) for lengths in living) / self.corpus_size if self.corpus_size else 0.0
        self._dead = [np.flatnonzero(~self._alive[span]) for _, span in self._parts]
        # What a text's length adds to a count before it divides: worked out once.
        self._norms = [k1 * (1 - b + b * part.lengths / self.avgdl) if self.avgdl else part.lengths for part in parts]

    def __len__(self) -> int:
        """Rows, those that are not alive too."""
        return len(self._alive)

    def knows(self, term: str, allow: NDArray[np.bool_] | None = None) -> bool:
        """Whether a term stands in any text; `allow`, bool[N], limits the rows, to some that are alive."""
        postings = self._postings(term)
        if allow is None:
            return self._found(postings) > 0
        return any(bool(allow[span][rows].any()) for (rows, _), (_, span) in zip(postings, self._parts, strict=True))

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)), Lucene's; for a term in no text too, where it is highest."""
        return self._idf(self._found(self._postings(term)))

    def _idf(self, found: int) -> float:
        return float(np.log1p((self.corpus_size - found + 0.5) / (found + 0.5)))

    def _postings(self, term: str) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """For each part, the rows of it, rising, that a term stands in, alive or not, and how often."""
        return [(part.rows[entries], part.counts[entries]) for part, _ in self._parts for entries in [part.find(_key(term))]]

    def _found(self, postings: list[tuple[NDArray[np.int32], NDArray[np.int32]]]) -> int:
        """How many rows that are alive a term stands in. Those that are not are few: they are looked up, and not all are sifted."""
        return sum(len(rows) - int(_among(dead, rows).sum()) for (rows, _), dead in zip(postings, self._dead, strict=True))

    def stands_in(self, term: str, rows: Rows) -> NDArray[np.bool_]:
        """bool[len(rows)]: whether a term stands in each of some rows."""
        found = np.zeros(len(rows), dtype=bool)
        for (_, span), (has, _) in zip(self._parts, self._postings(term), strict=True):
            found |= _among(rows - span.start, has)
        return found

    def get_scores(self, query: list[str]) -> Scores:
        """float64[N]: the score of every text; a token that stands twice in the query counts twice."""
        scores = np.zeros(len(self))
        for term, times in Counter(query).items():
            postings = self._postings(term)
            weight = times * (self.k1 + 1) * self._idf(self._found(postings))
            for (rows, counts), (_, span), norms in zip(postings, self._parts, self._norms, strict=True):
                scores[span][rows] += weight * counts / (counts + norms[rows])
        for (_, span), dead in zip(self._parts, self._dead, strict=True):
            scores[span][dead] = 0
        return scores

    def get_batch_scores(self, query: list[str], doc_ids: list[int]) -> list[float]:
        """The scores of some rows."""
        return [float(score) for score in self.get_scores(query)[doc_ids]]

    def search(
        self, query: list[str], k: int, allow: NDArray[np.bool_] | None = None, more: Callable[[Rows], Scores] | None = None
    ) -> tuple[Rows, Scores]:
        """The best `k` rows that share a token with the query, best first, ties by row, and their scores.

        `allow`, bool[N], limits the rows; `more` gives what is added to the scores of some. Each shared token adds more than 0, so what
        scores more than 0 shares one.
        """
        scores = self.get_scores(query)
        rows = np.flatnonzero(scores if allow is None else scores * allow)
        found = scores[rows] if more is None else scores[rows] + more(rows)
        if len(rows) > k:  # of thousands that share a common word, only the best are sorted
            good = found >= np.partition(found, -k)[-k]
            rows, found = rows[good], found[good]
        best = np.argsort(-found, kind="stable")[:k]
        return rows[best], found[best]


def _among(some: NDArray[Any], rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """bool[len(some)]: which are among `rows`, rising."""
    if not len(rows):
        return np.zeros(len(some), dtype=bool)
    found: NDArray[np.bool_] = rows[np.searchsorted(rows, some).clip(max=len(rows) - 1)] == some
    return found
