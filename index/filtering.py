"""Filters as a user types them: days, months and years, and the names of outlets, those that are none with the nearest that are. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Iterable
from datetime import date
from difflib import SequenceMatcher

from index.clean import one_line
from index.errors import UsageError
from index.records import Filters

# Characters of a name or a date: no name has more, and what is compared with every name costs their square.
_MAX = 500
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)


def filters(outlets: Iterable[str], since: str | None, until: str | None) -> Filters:
    """The filters that are meant by names and by days, months or years, all inclusive; a UsageError where a name or a date is none."""
    outlets = tuple(outlets)
    for option, written in (*(("--outlet", outlet) for outlet in outlets), ("--since", since), ("--until", until)):
        if written and len(written) > _MAX:
            raise UsageError(f"{option}: it has {len(written):,} characters: at most {_MAX}")
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


def known(limits: Filters, names: Collection[str]) -> None:
    """A UsageError where an outlet of some limits is none of those names, with the nearest of them."""
    here = {name.casefold() for name in names}
    for outlet in limits.outlets:
        if outlet.casefold() not in here:
            raise UsageError(_unknown(outlet, names))


def _unknown(outlet: str, names: Collection[str]) -> str:
    if not names:
        return f"--outlet {outlet}: no article of the archive names its outlet"
    wanted = outlet.casefold()

    def distance(name: str) -> tuple[bool, float]:
        """Of names that hold the one that was typed, and then of the others, the most alike come first."""
        return wanted not in name.casefold(), -SequenceMatcher(None, wanted, name.casefold()).ratio()

    nearest = sorted(sorted(names), key=distance)[:3]
    return f"--outlet {outlet}: no article is from there; the nearest of {len(names):,} outlets: {', '.join(nearest)}"
