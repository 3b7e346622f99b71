"""Is a local archive what was written? What is not is named; and what is sound, from which it can be made again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from index import articles, blocks, segment
from index.encoder import Vectors
from index.errors import CorruptError
from index.records import Article, Passage
from index.segment import Segment
from index.store import Store


@dataclass
class Checked:
    """What is wrong with an archive, in lines; what a repair did about it; and whether it is whole now."""

    problems: list[str]
    done: list[str] = field(default_factory=list)
    whole: bool = False


def problems(folder: Path, store: Store) -> list[str]:
    """Everything that is not what was written, in lines that name it. `folder` has the segments."""
    store.check_format()
    found = [*store.flaws()]
    try:
        segments = store.segments()
    except CorruptError as error:
        return [*found, str(error)]
    rows: list[int] = []
    for one in segments:
        found += blocks.flaws(folder / one.name, one.files)
        rows += _numbers(folder, one)
    if not found and sorted(rows) != store.numbers():
        found.append(f"{store.path}: its passages are not those of the segments")
    return found


def _numbers(folder: Path, one: Segment) -> list[int]:
    """The passages of a segment's living rows; none where that cannot be read."""
    try:
        return list(map(int, segment.read_ids(folder, one)[one.alive]))
    except (CorruptError, OSError):
        return []


def sorted_out(store: Store) -> tuple[list[Article], list[str]]:
    """The articles whose rows are sound, and the paths of the others; what is known of one whose path is damaged too."""
    sound, damaged = [], []
    for article_id, path in store.ids_and_paths():
        try:
            article = store.article(article_id)
        except CorruptError:
            article = None
        if article:
            sound.append(article)
        elif _names(path, article_id):
            damaged.append(path)
        else:  # a flipped bit can make it the path of another article, which is sound
            damaged.append(f"article {article_id}, perhaps of {path}: 'clippings update' takes it in again where its file is")
    return sound, damaged


def _names(path: str, article_id: str) -> bool:
    """Whether an id is made of a path; not of one that is no text any more."""
    try:
        return articles.article_id(path) == article_id
    except UnicodeEncodeError:
        return False


def sound_vectors(folder: Path, store: Store) -> dict[Passage, Vectors]:
    """passage -> its vector, of those segments and rows that are whole."""
    found: dict[Passage, Vectors] = {}
    for one in _listed(store):
        try:
            opened = segment.open_segment(folder, one)
            vectors = opened.vectors.rows[:]
        except (CorruptError, OSError):
            continue
        for row in np.flatnonzero(one.alive):
            passage = store.sound_passage(int(opened.ids[row]))
            if passage:
                found[passage] = vectors[row].astype(np.float32)
    return found


def _listed(store: Store) -> list[Segment]:
    """The segments; none where the manifest cannot be believed, and every passage is embedded again."""
    try:
        return store.segments()
    except CorruptError:
        return []
