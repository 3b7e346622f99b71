"""Writing to an archive in Milvus, which has no transactions: in an order in which the next add mends what a killed one left.

What is begun is noted first, and that is forgotten last: an article of which it is still noted is taken again. What goes, goes passages
first, and what comes, comes article first: so no passage is ever without its article.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import numpy as np

from index.changes import Added, Plan, Report
from index.chunk import Chunked
from index.encoder import Encoder, Vectors
from index.errors import ArticleError, CorruptError
from index.milvus import rows
from index.milvus.catalogue import BEGUN, MilvusCatalogue
from index.milvus.client import BATCH, Client, Row
from index.records import Article, Passage
from index.update import carry_out


class MilvusWriter(MilvusCatalogue):
    """A `Writer`. Several may write at once, as long as they write different articles."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._before: dict[str, dict[str, Any]] = {}

    def noted(self, kind: str) -> dict[str, Any]:
        """name -> value of the notes of a kind, by name."""
        self._before[kind] = super().noted(kind)
        return self._before[kind]

    def _note(self, kind: str, values: Mapping[str, Any]) -> None:
        """Set the notes of a kind to these, but for what another has noted since they were read."""
        before = self._before.pop(kind) if kind in self._before else MilvusCatalogue.noted(self, kind)
        self.client.delete("notes", "id", [note_id(kind, name) for name in before.keys() - values.keys()])
        changed = {name: value for name, value in values.items() if name not in before or before[name] != json.loads(json.dumps(value))}
        self.client.upsert("notes", [note(kind, name, value) for name, value in changed.items()])

    def remember(self, places: Mapping[str, bool]) -> None:
        """Set the places to exactly these."""
        self._note("place", places)

    def note(self, failed: Mapping[str, ArticleError]) -> None:
        """Set what could not be taken to exactly this."""
        self._note("failed", {path: [error.reason, error.sha256] for path, error in failed.items()})

    def vectors(self, passages: Sequence[Passage]) -> dict[Passage, Vectors]:
        """passage -> its vector, of those that the archive has; of no other version of an article than was read, or is read now."""
        versions = self.fetch({one.article_id for one in passages})
        articles = sorted(versions)
        found = [
            row
            for start in range(0, len(articles), BATCH)
            for row in self.client.all("passages", rows.among("article_id", articles[start : start + BATCH]), [*_SPAN, "version", "dense"])
            if row["version"] == versions[row["article_id"]]
        ]
        vectors = {Passage(row["article_id"], row["start"], row["end"]): np.array(row["dense"], dtype=np.float32) for row in found}
        return {passage: vectors[passage] for passage in passages if passage in vectors}

    def take(self, batch: Sequence[Chunked], vectors: Vectors, vanished: Sequence[str]) -> None:
        """Write articles that come, with their passages' vectors, in order, and take out those that vanished, by id."""
        ids = [*(one.article.id for one in batch), *vanished]
        outlets = {one.article.source for one in batch}
        self.client.upsert("notes", [note(BEGUN, article_id, True) for article_id in ids])
        before = {row["id"]: row["source"] for row in self._rows(ids, ["id", "source"])}
        self.client.delete("passages", "article_id", list(before))
        going = Counter(source for source in before.values() if source not in outlets)
        self._forget_outlets(going)
        self.client.delete("articles", "id", list(vanished))
        self.client.upsert("articles", [_article_row(one) for one in batch])
        new = sorted(outlets - {"", *self.outlets})
        self.client.upsert("notes", [note("changed", "", time.time()), *(note("outlet", name, True) for name in new)])
        self.client.upsert("passages", list(_passage_rows(batch, vectors)))
        self._forget_outlets(dict.fromkeys(going, 0))  # what several writers took out together
        self.client.delete("notes", "id", [note_id(BEGUN, article_id) for article_id in ids])
        self.forget(ids)

    def _rows(self, ids: Sequence[str], fields: Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(ids), BATCH):
            yield from self.client.some("articles", rows.among("id", ids[start : start + BATCH]), fields)

    def _forget_outlets(self, going: Mapping[str, int]) -> None:
        """Forget those of which no more articles are there than go; not where another writer adds one meanwhile."""
        empty = [name for name, count in going.items() if self._from(name) == count]
        self.client.delete("notes", "id", [note_id("outlet", name) for name in empty])
        kept = [name for name in empty if self._from(name) != going[name]]
        self.client.upsert("notes", [note("outlet", name, True) for name in kept])

    def _from(self, outlet: str) -> int:
        return self.client.count("articles", rows.among("source", [outlet]))

    def rebuild(self, encoder: Encoder, report: Report) -> tuple[int, list[str]]:
        """Write again the articles whose passages are not all there, and take out what is damaged, or of no article."""
        sound, damaged, orphans = self._sorted_out()
        self.client.delete("passages", "article_id", orphans)
        carry_out(self, encoder, Plan(Added(), sound, list(damaged), {}, {}), report)
        return len(sound), list(damaged.values())

    def _sorted_out(self) -> tuple[list[Article], dict[str, str], list[str]]:
        """Of what is not whole: the articles whose text is sound, id -> path of the others, and the ids of articles that are not there."""
        sound, damaged, orphans = [], {}, []
        paths = {article_id: path for path, (article_id, _) in self.known().items()}
        for article_id in self.flaws():
            try:
                article = self.article(article_id)
            except CorruptError:
                damaged[article_id] = paths.get(article_id, "")
                continue
            if article:
                sound.append(article)
            else:
                orphans.append(article_id)
        return sound, damaged, orphans


_SPAN = ["article_id", "start", "end"]


def note_id(kind: str, name: str) -> str:
    """A digest: the ids of Milvus must not hold everything that a name may."""
    return rows.digest(kind, name)


def note(kind: str, name: str, value: object) -> Row:
    """A row of the notes."""
    return {"id": note_id(kind, name), "kind": kind, "name": name, "value": json.dumps(value), "none": [0.0, 0.0]}


def _facets(article: Article) -> Row:
    return {"outlet": article.source.casefold(), "day": rows.day(article.published)}


def _article_row(one: Chunked) -> Row:
    article = one.article
    return {
        **asdict(article),
        **_facets(article),
        "text": rows.parts(article.text),
        "digest": rows.digest(*astuple(article)),
        "terms": rows.terms(f"{article.title}\n{article.text}"),
        "passages": len(one.passages),
        "moment": [float(rows.day(article.published)), 0.0],
    }


def _passage_rows(batch: Sequence[Chunked], vectors: Vectors) -> Iterator[Row]:
    made = iter(vectors.tolist())
    for one in batch:
        version = rows.digest(*astuple(one.article))
        for passage, text in zip(one.passages, one.texts, strict=True):
            yield {
                "id": rows.row_id(passage, version),
                **asdict(passage),
                **_facets(one.article),
                "version": version,
                "terms": rows.terms(text),
                "dense": next(made),
            }
