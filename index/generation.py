"""The segments of one commit as one list of rows: what a search reads. It knows rows and passage numbers, no articles' text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.bm25 import BM25, Rows, Scores
from index.dense import Dense
from index.encoder import Vectors
from index.segment import Mask, OpenSegment, Segment, open_segment

# A passage's BM25 score gets this share of its whole article's: what an article is about, it seldom says in each passage.
_WHOLE_WEIGHT = 0.5


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
        whole_alive = _joined([part.living_articles(alive) for part, alive in zip(parts, masks, strict=True)], bool)
        self.bm25 = BM25(*(part.postings for part in parts), alive=self.alive)
        self.whole = BM25(*(part.whole for part in parts), alive=whole_alive)
        self._dense = Dense(*(part.vectors for part in parts))

    def search_words(self, tokens: list[str], k: int, allow: Mask | None) -> tuple[Rows, Scores]:
        """The best rows by BM25, of the passage and of its whole article, and their scores; `allow`, bool[N], limits them."""
        whole = _WHOLE_WEIGHT * self.whole.get_scores(tokens)
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
