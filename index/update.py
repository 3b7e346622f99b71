"""An add, carried out: articles split, embedded, written as a segment and committed, batch by batch.

It knows the store and the segments, and nothing of searching. index/changes.py decided what there is to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from index import bm25, chunk, segment
from index.changes import Added, Report
from index.encoder import Encoder
from index.records import Article, Passage
from index.store import Change, Store

# Passages embedded between two commits: what an interrupted add can lose, some three minutes of work.
_BATCH = 4096

# An article, its heading and its passages.
_Work = tuple[Article, str, list[Passage]]


def carry_out(folder: Path, store: Store, encoder: Encoder, take: list[Article], vanished: list[str], added: Added, report: Report) -> None:
    """Take the articles and drop those that vanished, by id, in one commit a batch; segments go below `folder`."""
    work = _split(encoder, take, report) if take else []
    total = sum(len(passages) for _, _, passages in work)
    for batch in _batches(work):
        _commit(folder, store, encoder, batch, vanished, lambda more: report("embedding", added.embedded + more, total))
        added.embedded += sum(len(passages) for _, _, passages in batch)
        vanished = []
    if vanished:
        _commit(folder, store, encoder, [], vanished, lambda more: None)


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


def _commit(folder: Path, store: Store, encoder: Encoder, batch: list[_Work], vanished: list[str], done: Callable[[int], None]) -> None:
    """One commit: embed the batch, write a segment of what stays and what comes, and switch to it."""
    drop = vanished + [article.id for article, _, _ in batch]  # an article's earlier version has its id
    texts = [chunk.indexed_text(article, passage, head) for article, head, passages in batch for passage in passages]
    embedded = 0

    def progress(count: int) -> None:
        nonlocal embedded
        embedded += count
        done(embedded)

    listed = store.segment()
    old = segment.open_segment(folder, listed) if listed else None
    postings = bm25.build(bm25.tokens(text) for text in texts)
    vectors = encoder.encode(texts, progress) if texts else None
    ids = np.arange(len(texts), dtype=np.int64) + (1 if old is None or not len(old.ids) else int(old.ids[-1]) + 1)
    articles = np.repeat(np.arange(len(batch), dtype=np.int64), [len(passages) for _, _, passages in batch])
    whole = bm25.build(bm25.tokens(f"{article.title}\n{article.text}") for article, _, _ in batch)
    numbered = list(zip(ids.tolist(), (passage for _, _, passages in batch for passage in passages), strict=True))
    if old is not None:
        keep = ~np.isin(old.ids, store.passage_numbers(drop))
        kept = old.dense.vectors()[keep]
        vectors = kept if vectors is None else np.concatenate([kept, vectors])
        postings = bm25.merge(old.bm25.postings, keep, postings)
        ids = np.concatenate([old.ids[keep], ids])
        keep_whole = np.isin(np.arange(old.whole.corpus_size), old.articles[keep])
        articles = np.concatenate([(np.cumsum(keep_whole) - 1)[old.articles[keep]], articles + int(keep_whole.sum())])
        whole = bm25.merge(old.whole.postings, keep_whole, whole)
    assert vectors is not None
    assert len(vectors) == len(ids) == len(articles) == len(postings.lengths)
    written = segment.write(folder, segment.Contents(ids, articles, vectors, postings, whole))
    store.commit(Change(drop, [article for article, _, _ in batch], numbered, written))
    segment.collect(folder, {written.name})


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
