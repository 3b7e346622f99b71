"""Writing to a local archive: each commit a segment of what comes, tombstones on what goes, small neighbours merged, and the switch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index import bm25, check, facets, fingerprint, segment
from index.changes import Report
from index.chunk import Chunked
from index.encoder import Encoder, Vectors
from index.generation import Generation
from index.records import Article, Passage
from index.segment import Segment
from index.store import Change, Store
from index.update import Embedding, split

# More segments than this are joined; a segment of which less than this share lives is written again.
_MOST = 8
_LIVE = 0.8


class StoreWriter(Store):
    """The `Writer` of a local archive: its store, to write to, and the segments beside it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, write=True)
        self._folder = path.parent / "seg"

    def vectors(self, passages: Sequence[Passage]) -> dict[Passage, Vectors]:
        """passage -> its vector, of those that the archive has."""
        numbers = {passage: number for passage in passages if (number := self.find(passage)) is not None}
        if not numbers:
            return {}
        vectors = Generation(self._folder, self.segments()).vectors(list(numbers.values()))
        return dict(zip(numbers, vectors, strict=True))

    def take(self, batch: Sequence[Chunked], vectors: Vectors, vanished: Sequence[str]) -> None:
        """One commit of articles that come, with their passages' vectors, in order, and of those that vanished, by id."""
        drop = [*vanished, *(one.article.id for one in batch)]  # an article's earlier version has its id
        segments = _buried(self._folder, self.segments(), self.passage_numbers(drop))
        passages = self._numbered(batch)
        if passages:
            segments.append(segment.write(self._folder, _contents(batch, passages, vectors)))
        segments = _merged(self._folder, segments)
        self.commit(Change(drop, [one.article for one in batch], passages, segments))
        segment.collect(self._folder, {one.name for one in segments})

    def rebuild(self, encoder: Encoder, report: Report) -> tuple[int, list[str]]:
        """Write the archive anew, in one commit, from the articles that are sound: how many, and the paths of those that are not."""
        self.rewrite()
        sound, damaged = check.sorted_out(self)
        self._write_anew(encoder, sound, report)
        self.keep_sound()
        return len(sound), damaged

    def _write_anew(self, encoder: Encoder, articles: list[Article], report: Report) -> None:
        """Make some articles the whole archive; vectors that are sound are used again."""
        work = split(encoder, articles, report)
        passages = self._numbered(work)
        known = check.sound_vectors(self._folder, self)
        vectors = Embedding(encoder, known, lambda done: report("embedding", done, len(passages))).vectors(work)
        segments = [segment.write(self._folder, _contents(work, passages, vectors))] if passages else []
        self.commit(Change([], articles, passages, segments), anew=fingerprint.of(encoder))
        segment.collect(self._folder, {one.name for one in segments})

    def _numbered(self, work: Sequence[Chunked]) -> list[tuple[int, Passage]]:
        """The passages of some articles with the numbers that they get."""
        return list(enumerate((passage for one in work for passage in one.passages), start=self.next_number()))


def _contents(work: Sequence[Chunked], passages: Sequence[tuple[int, Passage]], vectors: Vectors) -> segment.Contents:
    return segment.Contents(
        np.array([number for number, _ in passages], dtype=np.int64),
        np.repeat(np.arange(len(work), dtype=np.int64), [len(one.passages) for one in work]),
        vectors,
        bm25.build(bm25.tokens(text) for one in work for text in one.texts),
        bm25.build(bm25.tokens(f"{one.article.title}\n{one.article.text}") for one in work),
        facets.of(one.article for one in work),
    )


def _buried(folder: Path, segments: list[Segment], numbers: list[int]) -> list[Segment]:
    """The segments with the rows of some passages dead."""
    if not numbers:
        return segments
    return [one.without(np.flatnonzero(np.isin(segment.read_ids(folder, one), numbers))) for one in segments]


def _merged(folder: Path, segments: list[Segment]) -> list[Segment]:
    """The segments with none that is dead or much of it, and small ones at the end joined when there are many.

    Only neighbours are joined, so that rows stay in the order of their passages. Joining takes in a neighbour as long as that is no larger
    than what is joined already: each passage is written again about as often as the archive doubles.
    """
    sizes = [int(one.alive.sum()) for one in segments]
    kept = [
        one if size >= _LIVE * one.passages else segment.write(folder, segment.merge(folder, [one]))
        for one, size in zip(segments, sizes, strict=True)
        if size
    ]
    sizes = [size for size in sizes if size]
    if len(kept) <= _MOST:
        return kept
    first, total = len(kept) - 2, sum(sizes[-2:])
    while first > 0 and sizes[first - 1] <= total:
        first -= 1
        total += sizes[first]
    return [*kept[:first], segment.write(folder, segment.merge(folder, kept[first:]))]
