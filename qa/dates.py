"""Words of a message -> days. Pure rules over English; of an archive it knows the days of the first and the newest article.

A date is read only behind a word that says how it is meant (in, on, during; since, after, before, until; between ... and, from ... to), so
that "the 2014 budget", "the 7 October attacks" and "1,914 people" are none. 7 October, October 7th, Oct. 7, 2023 and 2023-10-07 are days,
June 2014 and 2014-06 months, 2014 a year. A day or month without a year is that of the only year which has it within the archive; behind
since, after, before and until, the last one before the newest article; there a month alone before another word, as in "after May resigned"
and "before March protests", is a name. Seasons, lists of dates, and 7/10/2023, which is two days, are not read. "Last year" is read where
today's year is also the newest article's, so that there is one last year to mean; "last month" likewise.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date, timedelta

from qa.question import CONNECTING

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?P<month>(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b)\.?"
)
_YEAR = r"(?P<year>(?:1[5-9]|20)\d\d)"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:the )?"
_COUNTED = "people cases deaths homes houses families customers soldiers troops workers patients voters votes jobs tonnes miles metres"
# Not where a longer number, a word or a name goes on: 2014-15, 2014's, 2014 people.
_END = rf"(?![\w%]|[.,:/–-]\d|[-–]\w|['’]s\b| (?:{'|'.join(_COUNTED.split())})\b)"
_ORDERS = [
    rf"{_YEAR}-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>3[01]|[12]\d|0[1-9]))?",
    rf"{_WEEKDAY}{_DAY}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? {_YEAR})?",
    rf"{_WEEKDAY}{_MONTH} {_DAY}(?:st|nd|rd|th)?\b(?:,? {_YEAR})?",
    rf"(?:early |late |mid[- ])?{_MONTH}(?! \d\d?\b)(?:,? (?:of )?{_YEAR})?",
    _YEAR,
]


def _unnamed(pattern: str) -> str:
    return re.sub("[?]P<[a-z]+>", "?:", pattern)


_DATE = rf"(?>{_unnamed('|'.join(_ORDERS))}){_END}"
# Not the first of a list: June and July 2014, 2014 or 2016, May 7 and 8.
_ALONE = rf"(?!(?:, {_DATE})*,? (?:and|or) (?:{_DATE}|{_unnamed(_DAY)}\b))"
# A month before any other word, which may be somebody's name, or an event's.
_NAME = rf"{_unnamed(_MONTH)} (?!(?:{CONNECTING})\b)[a-z]"
_OPEN = r"since|(?<!long )after|later than|(?<!long )before|prior to|earlier than|until|till|up to"
_ARTICLES = r"articles?|reports?|stories|story|coverage|news|pieces?|dated|published|printed"
# How a date may stand in a message, first come first served.
_FORMS = {
    "range": rf"\b(?:between|from) (?P<a>{_DATE}|{_unnamed(_DAY)}) (?:and|to|until|till|through) (?P<b>{_DATE})",
    "open": rf"\b(?P<open>{_OPEN}) (?!{_NAME})(?P<a>{_DATE})",
    "onwards": rf"\b(?:from|starting(?: in| on)?) (?P<a>{_DATE}) (?:on|onwards?)\b",
    "of": rf"\b(?:{_ARTICLES}) (?:from |of |in |on )?(?P<a>{_DATE}){_ALONE}",
    "in": rf"\b(?:in|on(?! {_unnamed(_MONTH)}(?!\.? \d))|during|throughout) (?P<a>{_DATE}){_ALONE}",
    "last": r"(?<!the )(?<!over )\b(?P<turn>last|this) (?P<unit>year|month)\b(?! of)(?!['’])",
}
_READERS = {form: re.compile(pattern, re.IGNORECASE) for form, pattern in _FORMS.items()}
_PARSERS = [re.compile(order, re.IGNORECASE) for order in [*_ORDERS, _DAY]]
_FOREVER = date(MAXYEAR, 12, 31)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of an archive's first and newest article; today; the year that was last spoken of, or 0."""

    first: date
    newest: date
    today: date
    year: int = 0


@dataclass(frozen=True, slots=True)
class Days:
    """What `message[start:end]` says of days, in ISO's form, both inclusive; "" where it says nothing.

    `form` is how it says so: range, open, onwards, of (of articles), in (of what happened), last.
    """

    start: int
    end: int
    form: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class _Partial:
    """A date with what is said of it, 0 where nothing is: a year, a month, a day."""

    year: int
    month: int
    day: int

    def span(self) -> tuple[date, date]:
        """Its first and its last day; a ValueError where there is no such day."""
        month = self.month or 12
        last = date(self.year, month, self.day or monthrange(self.year, month)[1])
        return date(self.year, self.month or 1, self.day or 1), last


def read(message: str, calendar: Calendar) -> list[Days]:
    """Every date that is read, in order. None overlaps another, and each leaves some of the archive's days, and not all."""
    found: list[Days] = []
    for form, pattern in _READERS.items():
        for match in pattern.finditer(message):
            if all(match.end() <= one.start or one.end <= match.start() for one in found):
                found += _days(form, match, calendar)
    return sorted(found, key=lambda one: one.start)


def _days(form: str, match: re.Match[str], calendar: Calendar) -> Iterator[Days]:
    try:
        first, last = _limits(form, match, calendar)
    except (ValueError, OverflowError):  # the 31st of June, or a day that could be of several years
        return
    leaves_all = first <= calendar.first and last >= calendar.newest
    if first <= last and first <= calendar.newest and last >= calendar.first and not leaves_all:
        since, until = ("" if first == date.min else first.isoformat()), ("" if last == _FOREVER else last.isoformat())
        yield Days(*match.span(), form, since, until)


def _limits(form: str, match: re.Match[str], calendar: Calendar) -> tuple[date, date]:
    """The first and the last day that is meant; a ValueError where that is not clear."""
    if form == "range":
        return _range(_parsed(match["a"]), _parsed(match["b"]), calendar)
    if form == "last":
        return _relative(match["turn"].casefold(), match["unit"].casefold(), calendar)
    first, last = _dated(_parsed(match["a"]), calendar, latest=form in ("open", "onwards")).span()
    word = match["open"].casefold() if form == "open" else form
    return {
        "since": (first, _FOREVER), "onwards": (first, _FOREVER), "after": (_next(last), _FOREVER), "later than": (_next(last), _FOREVER),
        "before": (date.min, _previous(first)), "prior to": (date.min, _previous(first)), "earlier than": (date.min, _previous(first)),
        "until": (date.min, last), "till": (date.min, last), "up to": (date.min, last),
    }.get(word, (first, last))  # fmt: skip


def _parsed(text: str) -> _Partial:
    parts = next(match.groupdict() for parser in _PARSERS if (match := parser.fullmatch(text)))
    month = parts.get("month") or "0"
    number = int(month) if month.isdigit() else 1 + _MONTHS.index(month[:3].casefold())
    return _Partial(int(parts.get("year") or 0), number, int(parts.get("day") or 0))


def _range(one: _Partial, other: _Partial, calendar: Calendar) -> tuple[date, date]:
    """Of two dates, each says what the other leaves out; the wrong way round, they lie over the turn of a year where one year was left out
    and the months say so, and are swapped elsewhere."""
    if one.day and not one.month and one.day > other.day:  # from 27 to 3 June, from 27 to 2014
        raise ValueError(one)
    one_has, other_has = bool(one.year), bool(other.year)
    one = replace(one, month=one.month or other.month * bool(one.day), year=one.year or other.year)
    other = replace(other, year=other.year or one.year)
    if not one.year:
        other = _dated(other, calendar, latest=False)
        one = replace(one, year=other.year)
    if one.span()[0] > other.span()[1]:
        if one.month <= other.month or (one_has and other_has):
            one, other = other, one
        elif one_has:
            other = replace(other, year=other.year + 1)
        else:
            one = replace(one, year=one.year - 1)
    return one.span()[0], other.span()[1]


def _dated(partial: _Partial, calendar: Calendar, latest: bool) -> _Partial:
    """With the year that is meant; a ValueError where several could be."""
    if partial.year or calendar.year:
        return replace(partial, year=partial.year or calendar.year)
    years = [year for year in range(calendar.first.year, calendar.newest.year + 1) if _within(replace(partial, year=year), calendar)]
    if not years or (len(years) > 1 and not latest):
        raise ValueError(partial)
    return replace(partial, year=years[-1])


def _within(partial: _Partial, calendar: Calendar) -> bool:
    try:
        first, last = partial.span()
    except ValueError:  # 29 February
        return False
    return first <= calendar.newest and last >= calendar.first


def _relative(turn: str, unit: str, calendar: Calendar) -> tuple[date, date]:
    today = calendar.today
    part = _Partial(today.year, today.month if unit == "month" else 0, 0)
    first, last = part.span()
    if not first <= calendar.newest <= last:
        raise ValueError(unit)
    if turn == "last":
        before = _previous(first)
        first, last = _Partial(before.year, before.month if unit == "month" else 0, 0).span()
    return first, last


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _previous(day: date) -> date:
    return day - timedelta(days=1)
