"""What filters ask of articles, their dates and outlets, as columns of a segment: article row -> passes or not. It knows no texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.blocks import Folder
from index.records import Article, Filters

DAYS, OUTLETS, NAMES = "days.npy", "outlets.npy", "outlets.json"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Facets:
    """Of some articles, by row: `days`, int32, the day of publishing counted as `date.toordinal` does, 0 where it is unknown; `outlets`,
    int32, the place of the outlet's name in `names`, which are distinct, one of them "" where an article has none."""

    days: NDArray[np.int32]
    outlets: NDArray[np.int32]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.days)

    def passing(self, limits: Filters) -> Mask:
        """bool[articles]: those within some limits. A ValueError where a date is not an ISO day."""
        passing = np.ones(len(self), dtype=bool)
        if limits.since or limits.until:
            passing = self.days >= (_day(limits.since) or 1)
        if limits.until:
            passing &= self.days <= _day(limits.until)
        if limits.outlets:
            asked = {outlet.casefold() for outlet in limits.outlets}
            passing &= np.array([name.casefold() in asked for name in self.names], dtype=bool)[self.outlets]
        return passing


def of(articles: Iterable[Article]) -> Facets:
    """Those of articles, in their order."""
    listed = [(_day(article.published), article.source) for article in articles]
    names = {name: place for place, name in enumerate(dict.fromkeys(source for _, source in listed))}
    return _facets([day for day, _ in listed], [names[source] for _, source in listed], names)


def _day(iso: str) -> int:
    return date.fromisoformat(iso).toordinal() if iso else 0


def _facets(days: object, outlets: object, names: Iterable[str]) -> Facets:
    return Facets(np.array(days, dtype=np.int32), np.array(outlets, dtype=np.int32), tuple(names))


def joined(parts: Sequence[Facets]) -> Facets:
    """The articles of all parts, one part after the other."""
    names = {name: place for place, name in enumerate(dict.fromkeys(name for part in parts for name in part.names))}
    places = [np.array([names[name] for name in part.names], dtype=np.int32)[part.outlets] for part in parts]
    nothing = [np.zeros(0, dtype=np.int32)]
    return _facets(np.concatenate([part.days for part in parts] or nothing), np.concatenate(places or nothing), names)


def merge(parts: Sequence[tuple[Facets, Mask]]) -> Facets:
    """The living articles of all parts; names that no article is left of are dropped."""
    kept = []
    for part, living in parts:
        used, places = np.unique(part.outlets[living], return_inverse=True)
        kept.append(_facets(part.days[living], places, [part.names[place] for place in used]))
    return joined(kept)


def write_names(home: Path, facets: Facets) -> None:
    """The one column that numpy does not write."""
    (home / NAMES).write_text(json.dumps(facets.names), encoding="utf-8")


def read(folder: Folder) -> Facets:
    """Those of a segment; a CorruptError where they are not what was written."""
    file = folder.open(NAMES)
    file.check()
    names = json.loads(file.read(0, file.size))
    return _facets(folder.open(DAYS).array()[:], folder.open(OUTLETS).array()[:], names)
