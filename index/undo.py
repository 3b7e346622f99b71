"""One article taken out, and put back as it was: its text, its vectors, and what was said of its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index import changes, places, update
from index.changes import Added, Plan
from index.encoder import Encoder, Vectors
from index.errors import ArchiveError
from index.generation import Generation
from index.records import Article, Passage
from index.store import Store


@dataclass(frozen=True, slots=True)
class Removed:
    """An article that was taken out; the vectors of its passages; and whether its path was a place of its own, and which (None: it was
    none)."""

    article: Article
    vectors: Mapping[Passage, Vectors]
    place: bool | None


def take_out(folder: Path, store: Store, encoder: Encoder, article_id: str) -> Removed:
    """Take out an article; an ArchiveError where there is none of that id."""
    article = store.article(article_id)
    if article is None:
        raise ArchiveError(f"no article {article_id} in {store.path.parent}")
    numbers = sorted(store.passage_numbers([article_id]))
    vectors = Generation(folder, store.segments()).vectors(numbers)
    removed = Removed(article, dict(zip(map(store.passage, numbers), vectors, strict=True)), store.places().get(article.path))
    drop(folder, store, encoder, [Path(article.path)], [article_id])
    return removed


def drop(folder: Path, store: Store, encoder: Encoder, gone: list[Path], article_ids: list[str]) -> None:
    """Take out articles, which are all that there are at some places, and remember that of the places."""
    store.remember(places.taken_out(store.places(), gone))
    store.note(changes.elsewhere(store.failed(), gone))
    update.carry_out(folder, store, encoder, Plan(Added(), [], article_ids, {}, {}), lambda stage, done, total: None)


def put_back(folder: Path, store: Store, encoder: Encoder, removed: Removed) -> None:
    """Take an article in again, unless there is one at its path by now."""
    article = removed.article
    if store.article(article.id):
        return
    own = {} if removed.place is None else {article.path: removed.place}
    store.remember({path: wanted for path, wanted in store.places().items() if path != article.path} | own)
    update.put_back(folder, store, encoder, article, removed.vectors)
