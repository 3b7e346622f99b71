"""Which files and folders an archive is kept up to date with, and which of those below them it leaves out. Pure: paths, no files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from index import articles
from index.errors import UsageError

# path -> whether what lies there belongs into the archive; the nearest place above a file decides.
Places = Mapping[str, bool]


def wanted(path: str, places: Places) -> bool:
    """Whether what lies at a path belongs into the archive, as far as anything was said about it."""
    nearest = _nearest(path, places)
    return nearest is None or places[nearest]


def _nearest(path: str, places: Places) -> str | None:
    """The place that decides about a path: itself, or the first above."""
    return next((str(place) for place in _above(path) if str(place) in places), None)


def given(places: Places, paths: list[Path]) -> dict[str, bool]:
    """The places after some were given to add: what is below one that is kept up to date already needs no place of its own.

    What was taken out below one of them stays out.
    """
    kept = {path: wanted for path, wanted in places.items() if path not in map(str, paths)}
    return kept | {str(path): True for path in paths if not (nearest := _nearest(str(path), kept)) or not kept[nearest]}


def taken_out(places: Places, paths: list[Path]) -> dict[str, bool]:
    """The places after some were taken out: forgotten with everything below, and marked where a place above is kept up to date."""
    kept = {path: wanted for path, wanted in places.items() if not lies_in(path, paths)}
    return kept | {str(path): False for path in paths if any(kept.get(str(above)) for above in _above(str(path)))}


def place_of(path: Path, known: Mapping[str, tuple[str, str]]) -> Path:
    """The absolute path that a user means: of the article of that id, or the path itself."""
    return next((Path(found) for found, (article_id, _) in known.items() if article_id == str(path)), articles.absolute(path))


def within(known: Mapping[str, tuple[str, str]], paths: list[Path]) -> list[str]:
    """The ids of the articles at or below some paths, which need not exist any more; a UsageError where there are none."""
    found = below(known, {place_of(path, known) for path in paths})
    if not found:
        raise UsageError(f"no article of the archive is from {', '.join(map(str, paths))}; nothing was changed")
    return found


def below(known: Mapping[str, tuple[str, str]], places: Collection[Path]) -> list[str]:
    """The ids of the articles at or below some places."""
    return [article_id for path, (article_id, _) in known.items() if lies_in(path, places)]


def lies_in(path: str, places: Collection[Path]) -> bool:
    """Whether an article, or its file, lies at or below one of `places`."""
    return not set(places).isdisjoint(_above(path))


def _above(path: str) -> list[Path]:
    """An article's path, its file, and the folders above."""
    file = Path(articles.file_of(path))
    return [Path(path), file, *file.parents]
