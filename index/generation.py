"""The segments of one commit as one list of rows: what a search reads. It knows rows and passage numbers, no articles' text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import facets
from index.bm25 import BM25, Rows, Scores
from index.dense import Dense
from index.encoder import Vectors
from index.facets import Mask
from index.records import Filters, Reach
from index.segment import OpenSegment, Segment, open_segment

# A passage's BM25 score gets this share of its whole article's: what an article is about, it seldom says in each passage.
WHOLE_WEIGHT = 0.5


class Generation:
    """Some segments, opened; row r is the passage ids[r]. Rows that are dead are in no statistic and in no result."""

    def __init__(self, folder: Path, segments: Sequence[Segment], earlier: Mapping[str, OpenSegment] | None = None) -> None:
        """Open what is not open in `earlier` already: a segment that did not change is not read again."""
        earlier = earlier or {}
        self.segments = tuple(segments)
        self.parts = {one.name: earlier.get(one.name) or open_segment(folder, one) for one in segments}
        parts, masks = list(self.parts.values()), [one.alive for one in segments]
        firsts = np.cumsum([0, *(len(part.whole.lengths) for part in parts)])
        self.ids = _joined([part.ids for part in parts])
        self.alive = _joined(masks, bool)
        self._articles = _joined([part.articles + first for part, first in zip(parts, firsts, strict=False)])
        self._facets = facets.joined([part.facets for part in parts])
        self._living = _joined([part.living_articles(alive) for part, alive in zip(parts, masks, strict=True)], bool)
        self.bm25 = BM25(*(part.postings for part in parts), alive=self.alive)
        self.whole = BM25(*(part.whole for part in parts), alive=self._living)
        self._dense = Dense(*(part.vectors for part in parts))

    def passing(self, limits: Filters) -> Mask:
        """bool[N]: the living rows whose article is within some limits."""
        return self._rows(self._facets.passing(limits))

    def _rows(self, articles: Mask) -> Mask:
        rows: Mask = articles[self._articles] & self.alive
        return rows

    def reach(self, limits: Filters) -> Reach:
        """The living articles and passages within some limits, and the articles that only lack a date."""
        passing, undated = self._facets.passing(limits) & self._living, 0
        if limits.since or limits.until:
            undated = int((self._facets.passing(Filters(limits.outlets)) & self._living & (self._facets.days == 0)).sum())
        return Reach(int(passing.sum()), int(self._rows(passing).sum()), undated)

    @cached_property
    def outlets(self) -> list[str]:
        """The names of the living articles' outlets, each once."""
        names = (self._facets.names[place] for place in np.unique(self._facets.outlets[self._living]))
        return sorted(name for name in names if name)

    def search_words(self, tokens: list[str], k: int, allow: Mask | None) -> tuple[Rows, Scores]:
        """The best rows by BM25, of the passage and of its whole article, and their scores; `allow`, bool[N], limits them."""
        whole = WHOLE_WEIGHT * self.whole.get_scores(tokens)
        return self.bm25.search(tokens, k, allow, lambda rows: whole[self._articles[rows]])

    def search_meaning(self, query: Vectors, k: int, allow: Mask | None) -> tuple[Rows, NDArray[np.float32]]:
        """The rows nearest to a unit vector, and their cosines."""
        return self._dense.search(query, k, self.alive if allow is None else self.alive & allow)

    def vectors(self, numbers: Sequence[int]) -> Vectors:
        """float32[len(numbers), d]: the vectors of some passages that have rows here."""
        rows = np.searchsorted(self.ids, numbers)
        assert (self.ids[rows] == numbers).all()
        return self._dense.at(rows)


def _joined(arrays: Sequence[NDArray[Any]], kind: type = np.int64) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=kind)
