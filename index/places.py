"""Which files and folders an archive is kept up to date with, and which of those below them it leaves out. Pure: paths, no files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Set
from functools import lru_cache
from pathlib import Path

from index import articles

# path -> whether what lies there belongs into the archive; the nearest place above a file decides.
Places = Mapping[str, bool]


def wanted(path: str, places: Places) -> bool:
    """Whether what lies at a path belongs into the archive, as far as anything was said about it."""
    nearest = _nearest(path, places)
    return nearest is None or places[nearest]


def _nearest(path: str, places: Places) -> str | None:
    """The place that decides about a path: itself, or the first above."""
    return next((place for place in _above(path) if place in places), None)


def given(places: Places, paths: list[Path]) -> dict[str, bool]:
    """The places after some were given to add: what is below one that is kept up to date already needs no place of its own.

    What was taken out below one of them stays out.
    """
    kept = {path: wanted for path, wanted in places.items() if path not in names(paths)}
    return kept | {str(path): True for path in paths if not (nearest := _nearest(str(path), kept)) or not kept[nearest]}


def taken_out(places: Places, paths: Iterable[Path | str]) -> dict[str, bool]:
    """The places after some were taken out: forgotten with everything below, and marked where a place above is kept up to date."""
    gone = names(paths)
    kept = {path: wanted for path, wanted in places.items() if not lies_in(path, gone)}
    return kept | {path: False for path in gone if any(kept.get(above) for above in _above(path))}


def place_of(path: Path, known: Mapping[str, tuple[str, str]]) -> str:
    """The absolute path that a user means: of the article of that id, or the path itself."""
    return next((found for found, (article_id, _) in known.items() if article_id == str(path)), str(articles.absolute(path)))


def unheld(paths: list[Path], places: list[str], held: Iterable[str]) -> list[str]:
    """Those of some paths whose place has nothing of `held` at or below it."""
    there = {name for path in held for name in _above(path)}
    return [str(path) for path, place in zip(paths, places, strict=True) if place not in there]


def below(known: Mapping[str, tuple[str, str]], places: Collection[str]) -> list[str]:
    """The ids of the articles at or below some places."""
    scope = names(places)
    return [article_id for path, (article_id, _) in known.items() if lies_in(path, scope)]


def lies_in(path: str, places: Set[str]) -> bool:
    """Whether an article, or its file, lies at or below one of `places`."""
    return not places.isdisjoint(_above(path))


def names(paths: Iterable[Path | str]) -> set[str]:
    """What `lies_in` asks for."""
    return set(map(str, paths))


def _above(path: str) -> tuple[str, ...]:
    """An article's path, its file, and the folders above."""
    file = articles.file_of(path)
    return path, file, *_folders(os.path.dirname(file))  # noqa: PTH120 - a hundred thousand paths are asked about at once


@lru_cache(maxsize=4096)
def _folders(folder: str) -> tuple[str, ...]:
    return tuple(map(str, (Path(folder), *Path(folder).parents)))
