"""What there is to do, done: articles split, embedded, written as a segment and committed, batch by batch.

It knows the store and the segments, and nothing of searching. index/changes.py decides what there is to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import bm25, chunk, facets, segment
from index.changes import KEEPING, Added, Found, Memory, Plan, Report, compare
from index.encoder import Encoder, Vectors
from index.generation import Generation
from index.records import Article, Passage
from index.segment import Segment
from index.store import Change, Store

# Passages embedded between two commits: what an interrupted add can lose, some three minutes of work.
_BATCH = 4096
# More segments than this are joined; a segment of which less than this share lives is written again.
_MOST = 8
_LIVE = 0.8

# An article, its heading and its passages.
_Work = tuple[Article, str, list[Passage]]


def bring_up(folder: Path, store: Store, encoder: Encoder, found: Found, report: Report) -> Added:
    """Bring the archive up to date with the files found; an interrupt says how many articles it left behind."""
    known = store.known()
    try:
        plan = compare(found, Memory(known, store.failed(), store.places()), report)
        store.note(plan.failed)
        carry_out(folder, store, encoder, plan, report)
    except KeyboardInterrupt as interrupt:
        kept = len(store.known().items() - known.items())
        raise KeyboardInterrupt(f"{kept:,} articles were taken and are kept, and the next run goes on from there") from interrupt
    return plan.added


def carry_out(folder: Path, store: Store, encoder: Encoder, plan: Plan, report: Report) -> None:
    """Take the articles and drop those that vanished, in one commit a batch; segments go below `folder`.

    What can use another article's vectors comes first, for that one may be among the vanished, who go with the first commit.
    """
    take = sorted(plan.take, key=lambda article: article.id not in plan.donors)
    work = _split(encoder, take, report) if take else []
    vanished, total, done, kept = plan.vanished, sum(len(passages) for _, _, passages in work), 0, 0
    for batch in _batches(work):
        report(KEEPING, kept, len(take))
        texts = _Texts(encoder, _borrowed(folder, store, batch, plan.donors), _after(done, total, report))
        commit(folder, store, batch, texts, vanished)
        plan.added.embedded += texts.embedded
        done += sum(len(passages) for _, _, passages in batch)
        kept += len(batch)
        vanished = []
    if vanished:
        commit(folder, store, [], _Texts(encoder, {}, lambda more: None), vanished)


def _after(done: int, total: int, report: Report) -> Callable[[int], None]:
    return lambda more: report("embedding", done + more, total)


def _split(encoder: Encoder, take: list[Article], report: Report) -> list[_Work]:
    """Each article with its heading and its passages."""
    limit = min(chunk.SIZE, encoder.max_tokens)
    work = []
    for article in take:
        count = _count_once(encoder.count)
        head = chunk.heading(article.title, count, limit)
        work.append((article, head, chunk.passages(article, head, count, limit)))
        report("splitting", len(work), len(take))
    return work


@dataclass
class _Texts:
    """Vectors of passages: borrowed ones of articles with the same bytes, the rest embedded; and how many those were."""

    encoder: Encoder
    borrowed: Mapping[Passage, Vectors]
    report: Callable[[int], None]
    embedded: int = 0

    def vectors(self, work: list[_Work]) -> Vectors:
        """float32[passages of the work, d]."""
        given = [(passage, chunk.indexed_text(article, passage, head)) for article, head, passages in work for passage in passages]
        new = [text for passage, text in given if passage not in self.borrowed]
        self.report(0)
        made = iter(self.encoder.encode(new, self._progress) if new else ())
        return np.array([self.borrowed[passage] if passage in self.borrowed else next(made) for passage, _ in given], dtype=np.float32)

    def _progress(self, count: int) -> None:
        self.embedded += count
        self.report(self.embedded)


def _borrowed(folder: Path, store: Store, batch: list[_Work], donors: Mapping[str, str]) -> dict[Passage, Vectors]:
    """passage -> the vector of the same passage of an article that was made of the same bytes, and came out the same.

    Bytes are read by the name of their file: the same ones in .txt and in .md give two texts.
    """
    pairs = []
    for article, _, passages in batch:
        donor = store.article(donors[article.id]) if article.id in donors else None
        if donor and (donor.title, donor.text) == (article.title, article.text):
            pairs += [(passage, store.find(replace(passage, article_id=donor.id))) for passage in passages]
    found = {passage: number for passage, number in pairs if number is not None}
    if not found:
        return {}
    vectors = Generation(folder, store.segments()).vectors(list(found.values()))
    return dict(zip(found, vectors, strict=True))


def commit(folder: Path, store: Store, batch: list[_Work], texts: _Texts, vanished: list[str]) -> None:
    """One commit: a segment of what comes, tombstones on what goes, small neighbours merged, and the switch to that."""
    drop = vanished + [article.id for article, _, _ in batch]  # an article's earlier version has its id
    segments = _buried(folder, store.segments(), store.passage_numbers(drop))
    passages = [passage for _, _, passages in batch for passage in passages]
    numbers = np.arange(len(passages), dtype=np.int64) + store.next_number()
    if passages:
        segments.append(segment.write(folder, _contents(batch, numbers, texts.vectors(batch))))
    segments = _merged(folder, segments)
    store.commit(Change(drop, [article for article, _, _ in batch], list(zip(numbers.tolist(), passages, strict=True)), segments))
    segment.collect(folder, {one.name for one in segments})


def write_anew(
    folder: Path,
    store: Store,
    encoder: Encoder,
    fingerprint: dict[str, Any],
    articles: list[Article],
    vectors: Mapping[Passage, Vectors],
    report: Report,
) -> None:
    """Make some articles the whole archive, in one commit, under that fingerprint; vectors that are known are used again."""
    work = _split(encoder, articles, report)
    passages = [passage for _, _, found in work for passage in found]
    numbers = np.arange(len(passages), dtype=np.int64) + store.next_number()
    texts = _Texts(encoder, vectors, _after(0, len(passages), report))
    segments = [segment.write(folder, _contents(work, numbers, texts.vectors(work)))] if passages else []
    store.commit(Change([], articles, list(zip(numbers.tolist(), passages, strict=True)), segments), anew=fingerprint)
    segment.collect(folder, {one.name for one in segments})


def put_back(folder: Path, store: Store, encoder: Encoder, article: Article, vectors: Mapping[Passage, Vectors]) -> None:
    """Take an article as it is, in one commit, with vectors that are known."""
    commit(folder, store, _split(encoder, [article], lambda stage, done, total: None), _Texts(encoder, vectors, lambda more: None), [])


def _contents(batch: list[_Work], numbers: NDArray[np.int64], vectors: Vectors) -> segment.Contents:
    return segment.Contents(
        numbers,
        np.repeat(np.arange(len(batch), dtype=np.int64), [len(passages) for _, _, passages in batch]),
        vectors,
        bm25.build(bm25.tokens(chunk.indexed_text(article, passage, head)) for article, head, passages in batch for passage in passages),
        bm25.build(bm25.tokens(f"{article.title}\n{article.text}") for article, _, _ in batch),
        facets.of(article for article, _, _ in batch),
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


def _count_once(count: chunk.Counter) -> chunk.Counter:
    """`count`, remembering: the heading and the sentences of an article are asked for more than once."""
    sizes: dict[str, int] = {}

    def counted(texts: list[str]) -> list[int]:
        fresh = [text for text in dict.fromkeys(texts) if text not in sizes]
        if fresh:
            sizes.update(zip(fresh, count(fresh), strict=True))
        return [sizes[text] for text in texts]

    return counted


def _batches(work: list[_Work]) -> Iterator[list[_Work]]:
    batch: list[_Work] = []
    size = 0
    for item in work:
        batch.append(item)
        size += len(item[2])
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
