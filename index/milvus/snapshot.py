"""Search of an archive in Milvus."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from index.encoder import Vectors
from index.errors import ArchiveError, CorruptError
from index.fusion import Ranking
from index.generation import WHOLE_WEIGHT
from index.milvus import rows as made
from index.milvus.catalogue import MilvusCatalogue
from index.milvus.client import K1, MOST, B
from index.records import Filters, Passage, Reach

_SPAN = ["article_id", "start", "end", "version"]
# Articles whose passages are looked at even where their own score is not among the first.
_BEST_WHOLES = 100
# Seconds until an article that is being written is looked at again.
_PAUSES = (0.05, 0.5, 0)
# Hits of a token from which its inverse document frequency is worked out, where it has more.
_SAMPLE = 16


@dataclass(frozen=True, slots=True)
class _Found:
    """A passage, its row's id, and the version of its article."""

    id: str
    passage: Passage
    version: str


class MilvusSnapshot:
    """A `Snapshot` of Milvus. A row is the place at which a passage was first found."""

    def __init__(self, catalogue: MilvusCatalogue) -> None:
        self.catalogue, self._client = catalogue, catalogue.client
        self._found: list[_Found] = []
        self._places: dict[str, int] = {}

    @cached_property
    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""
        return self.catalogue.outlets

    def reach(self, limits: Filters) -> Reach:
        """What a search within some limits looks through."""
        within, undated = made.within(limits), 0
        if limits.since or limits.until:
            undated = self._client.count("articles", made.both(made.within(Filters(limits.outlets)), "day == 0"))
        return Reach(self._client.count("articles", within), self._client.count("passages", within), undated)

    def rank_words(self, tokens: list[str], k: int, limits: Filters) -> Ranking:
        """The best rows by BM25, of the passage and, with a share, of its whole article.

        Fagin, Lotem and Naor, Optimal Aggregation Algorithms for Middleware (JCSS 2003): the passages that score best by themselves and
        those of the articles that score best; any other scores less by both.
        """
        if not tokens:
            return {}
        words, within = " ".join(tokens), made.within(limits)
        found = self._words(words, k, within)
        wholes = self._wholes(words, k, within)
        if len(found) == k:
            best = sorted(wholes, key=lambda one: -wholes[one])[:_BEST_WHOLES]
            found |= self._words(words, k, made.both(within, made.among("article_id", best)))
        if len(wholes) == k:
            missing = {self._found[row].passage.article_id for row in found} - wholes.keys()
            wholes |= self._wholes(words, len(missing), made.among("id", sorted(missing))) if missing else {}
        scores = {row: score + WHOLE_WEIGHT * wholes.get(self._found[row].passage.article_id, 0.0) for row, score in found.items()}
        return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k])

    def _words(self, words: str, k: int, within: str) -> dict[int, float]:
        return self._rows(self._client.nearest("passages", "sparse", words, k, within, _SPAN))

    def _wholes(self, words: str, k: int, within: str) -> dict[str, float]:
        return {row["id"]: row["score"] for row in self._client.nearest("articles", "sparse", words, k, within, [])}

    def rank_meaning(self, query: Vectors, k: int, limits: Filters) -> Ranking:
        """The `k` rows nearest to a unit vector, and their cosines."""
        ranking = self._rows(self._client.nearest("passages", "dense", query.tolist(), k, made.within(limits), _SPAN))
        return dict(sorted(ranking.items(), key=lambda item: (-item[1], item[0])))

    def _rows(self, hits: list[dict[str, Any]]) -> dict[int, float]:
        """row -> score of some hits; those that were not found before get the next rows, ties by their ids."""
        ranking = {}
        for hit in sorted(hits, key=lambda hit: (-hit["score"], hit["id"])):
            row = self._places.setdefault(hit["id"], len(self._found))
            if row == len(self._found):
                self._found.append(_Found(hit["id"], Passage(hit["article_id"], hit["start"], hit["end"]), hit["version"]))
            ranking[row] = float(hit["score"])
        return ranking

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passage of each row, checked against its id, and its article's text against the one it was cut from."""
        found = [self._found[row] for row in rows]
        for one in found:
            if one.id != made.row_id(one.passage, one.version):
                raise CorruptError(f"passage {one.id} is not what was written; 'clippings check --repair' makes it again")
        for pause in _PAUSES:  # a row that is written again is not there for a moment
            if not (others := self._others(found)):
                return [one.passage for one in found]
            time.sleep(pause)
            self.catalogue.forget(others)
        raise ArchiveError(f"article {' '.join(others)} was changed while it was read: ask again")

    def _others(self, found: Sequence[_Found]) -> list[str]:
        """The articles that are not, or not any more, of the version that some passages were cut from."""
        versions = self.catalogue.fetch([one.passage.article_id for one in found])
        return sorted({one.passage.article_id for one in found if versions.get(one.passage.article_id) != one.version})

    def stand_in(self, tokens: Collection[str], rows: Sequence[int]) -> list[frozenset[str]]:
        """For each row, those of some tokens that stand in its indexed text."""
        if not tokens or not rows:
            return [frozenset()] * len(rows)
        ids = [self._found[row].id for row in rows]
        terms = {row["id"]: row["terms"].split() for row in self._client.some("passages", made.among("id", ids), ["id", "terms"])}
        return [frozenset(tokens).intersection(terms.get(one, ())) for one in ids]

    def idf(self, tokens: Collection[str]) -> dict[str, float]:
        """Lucene's inverse document frequency: counted for a rare token, for others read off Milvus' own scores."""
        passages = self._client.count("passages")
        weights = {}
        for token, hits in self._hits(tokens, _SAMPLE).items():
            weight = _solved(token, hits) if len(hits) == _SAMPLE else None
            found = len(hits) if len(hits) < _SAMPLE or weight else len(self._client.nearest("passages", "sparse", token, MOST, "", []))
            weights[token] = weight or float(np.log1p((passages - found + 0.5) / (found + 0.5)))
        return weights

    def unknown(self, tokens: Collection[str], limits: Filters) -> set[str]:
        """Those of some tokens that stand in no passage within some limits, and in no heading of one."""
        return {token for token, hits in self._hits(tokens, 1, made.within(limits)).items() if not hits}

    def _hits(self, tokens: Collection[str], k: int, within: str = "") -> dict[str, list[dict[str, Any]]]:
        if not tokens:
            return {}
        return dict(zip(tokens, self._client.each("passages", "sparse", list(tokens), k, ["terms"], within), strict=True))


def _solved(token: str, hits: Sequence[Mapping[str, Any]]) -> float | None:
    """The inverse document frequency of a token by the scores of some of its passages; None where they are too much alike.

    A score is idf (k1 + 1) f / (f + k1 (1 - b + b l / L)), with f the token's count, l the passage's length, L the mean length: so
    1 / score is linear in 1 / idf and 1 / (idf L), which least squares give.
    """
    terms = [hit["terms"].split() for hit in hits]
    counts, lengths = np.array([one.count(token) for one in terms], dtype=float), np.array([len(one) for one in terms], dtype=float)
    design = np.stack([(counts + K1 * (1 - B)) / counts, K1 * B * lengths / lengths.mean() / counts], axis=1) / (K1 + 1)
    solved, _, rank, _ = np.linalg.lstsq(design, 1 / np.array([hit["score"] for hit in hits]), rcond=1e-3)
    return float(1 / solved[0]) if rank == 2 else None
