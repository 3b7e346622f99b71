"""A message -> what is asked, and of which articles: a question that stands alone, filters, and chips that say what each was read from.

Every chip can be dropped: asked again without it, the message is read as if its words said nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from index.archive import Archive
from index.records import Filters
from qa import dates, followup, outlets
from qa.answer import Chip
from qa.dates import Calendar, Days
from qa.followup import Carried, Turn
from qa.question import is_question, kind, on_one_line
from qa.said import asks_who_says

KINDS = ("dates", "outlets", "carried")
# What was said on a day is in the papers of the days after it.
_REPORTED_WITHIN = timedelta(days=7)
# What is to come was written about before; a comparison needs what lies outside.
_NOT_MEANT = re.compile(
    r"\b(?:due|planned|scheduled|expected|supposed|meant|forecast|going to|by when|than|compared)\b"
    r"|\b(?-i:will|WILL)\b|(?:^|[.?!] )Will\b",  # within a sentence Will is somebody
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it is asked: a question that stands alone, the question that a sentence has to answer, filters, and the chips.

    The two differ where words were carried over to find the right passages: there the message says best itself what it asks of them.
    """

    question: str
    asked: str
    filters: Filters
    chips: tuple[Chip, ...] = ()


def read(
    message: str,
    archive: Archive,
    filters: Filters | None = None,
    history: Sequence[Turn] = (),
    without: Collection[str] = (),
    today: date | None = None,
) -> Read:
    """What a message asks after the turns of a history; a QuestionError says why there is nothing.

    `filters` that were chosen stand, and nothing of that sort is read. `without` has the ids, or the kinds, of chips that were dropped.
    """
    question = asked = on_one_line(message)
    chosen = filters or Filters()
    calendar = None if chosen.since or chosen.until else _calendar(archive, today or date.today())
    carried, days = _in_context(question, history, archive, calendar)
    sources = [] if chosen.outlets else outlets.read(question, archive.outlets())
    chips, limits = [], chosen

    def take(kind_: str, label: str, start: int, end: int) -> bool:
        chip = Chip(kind_, label, question[start:end], start)
        chips.append(replace(chip, dropped=chip.id in without or kind_ in without))
        return not chips[-1].dropped

    for source in sources:
        if take("outlets", str(Filters(source.names)), source.start, source.end):
            limits = replace(limits, outlets=(*limits.outlets, *source.names))
    for one in _meant(question, days, bool(sources)):
        if take("dates", f"published {Filters(since=one.since, until=one.until)}", one.start, one.end):
            limits = replace(limits, since=one.since or limits.since, until=one.until or limits.until)
    if carried and take("carried", f"about {' '.join(carried.words)}", carried.start, carried.end):
        question = f"{question} ({' '.join(carried.words)})"
    return Read(question, asked if is_question(asked) else question, limits, tuple(chips))


def _calendar(archive: Archive, today: date) -> Calendar | None:
    """None where no article has a date."""
    census = archive.census()
    if not census["first_date"]:
        return None
    return Calendar(date.fromisoformat(census["first_date"]), date.fromisoformat(census["last_date"]), today)


def _in_context(question: str, history: Sequence[Turn], archive: Archive, calendar: Calendar | None) -> tuple[Carried | None, list[Days]]:
    """What is carried over, and the dates: where something is, a month without a year is of the year that was spoken of."""
    days = dates.read(question, calendar) if calendar else []
    if not history:
        return None, days
    in_year = dates.read(question, replace(calendar, year=_last_year(history[-1]))) if calendar else []
    carried = followup.stand_alone(question, history, archive, [(one.start, one.end) for one in in_year])
    return carried, in_year if carried else days


def _last_year(turn: Turn) -> int:
    """The last year that a question has, or 0."""
    return max((int(year) for year in re.findall(r"\b(?:19|20)\d\d\b", turn.question, re.ASCII)), default=0)


def _meant(question: str, days: list[Days], has_source: bool) -> Iterator[Days]:
    """The dates that limit the articles: one, or a since and an until. Of several it is not clear what they are of.

    A date of what happened limits from below only, since what came of it is told for years; one of what was said, or written by a source,
    from both sides.
    """
    if len(days) == 2 and bool(days[0].since) != bool(days[1].since) and bool(days[0].until) != bool(days[1].until):
        since, until = sorted(days, key=lambda one: one.since, reverse=True)
        if since.since <= until.until:
            yield from days
    elif len(days) == 1:
        (one,) = days
        if one.form not in ("in", "last"):
            yield one
        elif not _NOT_MEANT.search(question):
            yield replace(one, until=_until(one, kind(question) == "said" or asks_who_says(question), has_source))


def _until(one: Days, said: bool, has_source: bool) -> str:
    if has_source:
        return one.until
    return (date.fromisoformat(one.until) + _REPORTED_WITHIN).isoformat() if said else ""
