"""One article taken out, and put back as it was: its text, its vectors, and what was said of its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index import changes, places, update
from index.changes import Added, Plan
from index.encoder import Encoder, Vectors
from index.engine import Writer
from index.records import Article, Passage


@dataclass(frozen=True, slots=True)
class Removed:
    """An article that was taken out; the vectors of its passages; and whether its path was a place of its own, and which (None: it was
    none)."""

    article: Article
    vectors: Mapping[Passage, Vectors]
    place: bool | None


def take_out(writer: Writer, encoder: Encoder, article: Article) -> Removed:
    """Take out an article of the archive."""
    vectors = writer.vectors(writer.passages(article.id))
    removed = Removed(article, vectors, writer.places().get(article.path))
    drop(writer, encoder, [article.path], [article.id])
    return removed


def drop(writer: Writer, encoder: Encoder, gone: Sequence[str], article_ids: list[str]) -> None:
    """Take out articles, which are all that there are at some places, and remember that of the places."""
    writer.remember(places.taken_out(writer.places(), gone))
    writer.note(changes.elsewhere(writer.failed(), gone))
    update.carry_out(writer, encoder, Plan(Added(), [], article_ids, {}, {}), lambda stage, done, total: None)


def put_back(writer: Writer, encoder: Encoder, removed: Removed) -> None:
    """Take an article in again, unless there is one at its path by now."""
    article = removed.article
    if writer.article(article.id):
        return
    own = {} if removed.place is None else {article.path: removed.place}
    writer.remember({path: wanted for path, wanted in writer.places().items() if path != article.path} | own)
    update.put_back(writer, encoder, article, removed.vectors)
