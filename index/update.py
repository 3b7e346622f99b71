"""What there is to do, done: articles split, embedded and handed to the engine, batch by batch.

It knows of an engine what writes to it, and nothing of searching. index/changes.py decides what there is to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from index import chunk
from index.changes import KEEPING, Added, Found, Memory, Plan, Report, compare
from index.chunk import Chunked
from index.encoder import Encoder, Vectors
from index.engine import Writer
from index.records import Article, Passage

# Passages embedded between two commits: what an interrupted add can lose, some three minutes of work.
_BATCH = 4096


def bring_up(writer: Writer, encoder: Encoder, found: Found, report: Report) -> Added:
    """Bring the archive up to date with the files found; an interrupt says how many articles it left behind."""
    known = writer.known()
    try:
        plan = compare(found, Memory(known, writer.failed(), writer.places()), report)
        writer.note(plan.failed)
        carry_out(writer, encoder, plan, report)
    except KeyboardInterrupt as interrupt:
        kept = len(writer.known().items() - known.items())
        raise KeyboardInterrupt(f"{kept:,} articles were taken and are kept, and the next run goes on from there") from interrupt
    return plan.added


def carry_out(writer: Writer, encoder: Encoder, plan: Plan, report: Report) -> None:
    """Take the articles and drop those that vanished, in one commit a batch.

    What can use another article's vectors comes first. One that vanished goes with the first commit, or the last to use its vectors.
    """
    take = sorted(plan.take, key=lambda article: article.id not in plan.donors)
    work = split(encoder, take, report) if take else []
    vanished, total, done, kept = plan.vanished, sum(len(one.passages) for one in work), 0, 0
    waiting = Counter(plan.donors.values())
    for batch in _batches(work):
        report(KEEPING, kept, len(take))
        embedding = Embedding(encoder, _borrowed(writer, batch, plan.donors), _after(done, total, report))
        waiting.subtract(plan.donors[one.article.id] for one in batch if one.article.id in plan.donors)
        writer.take(batch, embedding.vectors(batch), [one for one in vanished if not waiting[one]])
        vanished = [one for one in vanished if waiting[one]]
        plan.added.embedded += embedding.embedded
        done += sum(len(one.passages) for one in batch)
        kept += len(batch)
    if vanished:
        writer.take([], np.zeros((0, 0), dtype=np.float32), vanished)


def _after(done: int, total: int, report: Report) -> Callable[[int], None]:
    return lambda more: report("embedding", done + more, total)


def split(encoder: Encoder, take: list[Article], report: Report) -> list[Chunked]:
    """Each article with its heading and its passages."""
    limit = min(chunk.SIZE, encoder.max_tokens)
    work = []
    for article in take:
        count = _count_once(encoder.count)
        head = chunk.heading(article.title, count, limit)
        work.append(Chunked(article, head, chunk.passages(article, head, count, limit)))
        report("splitting", len(work), len(take))
    return work


@dataclass
class Embedding:
    """Vectors of passages: those that are known already, the rest embedded; and how many those were."""

    encoder: Encoder
    known: Mapping[Passage, Vectors]
    report: Callable[[int], None]
    embedded: int = 0

    def vectors(self, work: list[Chunked]) -> Vectors:
        """float32[passages of the work, d]."""
        passages = [passage for one in work for passage in one.passages]
        texts = [text for one in work for passage, text in zip(one.passages, one.texts, strict=True) if passage not in self.known]
        self.report(0)
        made = iter(self.encoder.encode(texts, self._progress) if texts else ())
        return np.array([self.known[passage] if passage in self.known else next(made) for passage in passages], dtype=np.float32)

    def _progress(self, count: int) -> None:
        self.embedded += count
        self.report(self.embedded)


def _borrowed(writer: Writer, batch: list[Chunked], donors: Mapping[str, str]) -> dict[Passage, Vectors]:
    """passage -> the vector of the same passage of an article that was made of the same bytes, and came out the same.

    Bytes are read by the name of their file: the same ones in .txt and in .md give two texts.
    """
    same: dict[Passage, Passage] = {}
    for one in batch:
        donor = writer.article(donors[one.article.id]) if one.article.id in donors else None
        if donor and (donor.title, donor.text) == (one.article.title, one.article.text):
            same |= {passage: replace(passage, article_id=donor.id) for passage in one.passages}
    vectors = writer.vectors(list(same.values())) if same else {}
    return {passage: vectors[twin] for passage, twin in same.items() if twin in vectors}


def put_back(writer: Writer, encoder: Encoder, article: Article, vectors: Mapping[Passage, Vectors]) -> None:
    """Take an article as it is, in one commit, with vectors that are known."""
    work = split(encoder, [article], lambda stage, done, total: None)
    writer.take(work, Embedding(encoder, vectors, lambda more: None).vectors(work), [])


def _count_once(count: chunk.Counter) -> chunk.Counter:
    """`count`, remembering: the heading and the sentences of an article are asked for more than once."""
    sizes: dict[str, int] = {}

    def counted(texts: list[str]) -> list[int]:
        fresh = [text for text in dict.fromkeys(texts) if text not in sizes]
        if fresh:
            sizes.update(zip(fresh, count(fresh), strict=True))
        return [sizes[text] for text in texts]

    return counted


def _batches(work: list[Chunked]) -> Iterator[list[Chunked]]:
    batch: list[Chunked] = []
    size = 0
    for one in work:
        batch.append(one)
        size += len(one.passages)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
