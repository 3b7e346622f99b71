"""Filters: from what a user types to what they leave of an archive. It knows rows and counts, no texts."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import date
from difflib import SequenceMatcher

import numpy as np

from index.clean import one_line
from index.errors import UsageError
from index.generation import Generation
from index.records import Filters, Reach
from index.segment import Mask
from index.store import Store

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)
_ANY_DATE = date.min.isoformat()


def filters(outlets: Iterable[str], since: str | None, until: str | None) -> Filters:
    """The filters that are meant by names and by days, months or years, all inclusive; a UsageError where a name or a date is none."""
    names = tuple(map(one_line, outlets))
    if "" in names:
        raise UsageError("--outlet: give the name of an outlet")
    limits = Filters(names, _day("--since", since, last=False), _day("--until", until, last=True))
    if limits.since and limits.until and limits.since > limits.until:
        raise UsageError(f"--since {since} is after --until {until}: nothing lies between")
    return limits


def _day(option: str, written: str | None, last: bool) -> str:
    """The first or the last day of what is written, in ISO's form."""
    if written is None:
        return ""
    try:
        year, month, day = (int(part or 0) for part in _DATE.fullmatch(written).groups())  # type: ignore[union-attr]
        month = month or (12 if last else 1)
        return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1)).isoformat()
    except (AttributeError, ValueError) as error:
        raise UsageError(f"{option} {written!r}: not a date: give a day (2014-06-27), a month (2014-06) or a year (2014)") from error


def rows(store: Store, current: Generation, limits: Filters) -> Mask:
    """bool[N]: the living rows whose article passes."""
    return np.isin(current.ids, store.allowed(limits)) if limits != Filters() else current.alive


def reach(store: Store, current: Generation, limits: Filters) -> Reach:
    """What passes; a UsageError where an outlet is none of the archive's, with the names nearest to it."""
    for outlet in limits.outlets:
        if outlet.casefold() not in map(str.casefold, store.outlets()):
            raise UsageError(_unknown(outlet, set(store.outlets()) - {""}))
    passing, undated = rows(store, current, limits), 0
    if limits.since or limits.until:
        dated = rows(store, current, Filters(since=_ANY_DATE))
        undated = _articles(current, rows(store, current, Filters(limits.outlets)) & ~dated)
    return Reach(_articles(current, passing), int(passing.sum()), undated)


def _articles(current: Generation, mask: Mask) -> int:
    """The articles of some rows: each has all of its rows in one segment."""
    first = count = 0
    for part in current.parts.values():
        count += int(part.living_articles(mask[first : first + len(part.ids)]).sum())
        first += len(part.ids)
    return count


def _unknown(outlet: str, names: set[str]) -> str:
    if not names:
        return f"--outlet {outlet}: no article of the archive names its outlet"
    wanted = outlet.casefold()

    def distance(name: str) -> tuple[bool, float]:
        """Of names that hold the one that was typed, and then of the others, the most alike come first."""
        return wanted not in name.casefold(), -SequenceMatcher(None, wanted, name.casefold()).ratio()

    nearest = sorted(sorted(names), key=distance)[:3]
    return f"--outlet {outlet}: no article is from there; the nearest of {len(names):,} outlets: {', '.join(nearest)}"
