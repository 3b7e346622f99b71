"""Dates that people write -> days; each rule, and what is no date."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import Calendar, read

LONG = Calendar(date(2014, 6, 27), date(2024, 11, 14), date(2026, 11, 20))
SHORT = Calendar(date(2023, 3, 1), date(2024, 2, 10), date(2024, 2, 20))


def spans(message: str, calendar: Calendar = LONG) -> list[tuple[str, str, str]]:
    return [(message[one.start : one.end], one.since, one.until) for one in read(message, calendar)]


@pytest.mark.parametrize(
    "written",
    [
        "7 October 2023", "7th October, 2023", "the 7th of October 2023", "October 7, 2023", "October 7th 2023", "Oct. 7, 2023",
        "oct 7 2023", "7 Oct 2023", "2023-10-07", "Saturday 7 October 2023", "Saturday, October 7, 2023", "07 october 2023",
    ],
)  # fmt: skip
def test_a_day_is_read_in_every_form(written: str) -> None:
    """Day first, month first, ISO, with or without a weekday, a dot, a comma."""
    assert spans(f"what happened on {written}?") == [(f"on {written}", "2023-10-07", "2023-10-07")]


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("in June 2014", "2014-06-01", "2014-06-30"),
        ("in late june of 2014", "2014-06-01", "2014-06-30"),
        ("in 2014-06", "2014-06-01", "2014-06-30"),
        ("during 2016", "2016-01-01", "2016-12-31"),
        ("since 7 October 2023", "2023-10-07", ""),
        ("after 7 October 2023", "2023-10-08", ""),
        ("after 2014", "2015-01-01", ""),
        ("from May 2023 onwards", "2023-05-01", ""),
        ("before 2015", "", "2014-12-31"),
        ("prior to May 2018", "", "2018-04-30"),
        ("until April 2018", "", "2018-04-30"),
        ("between May and July 2014", "2014-05-01", "2014-07-31"),
        ("between May 2016 and 2018", "2016-05-01", "2018-12-31"),
        ("from 27 to 29 June 2014", "2014-06-27", "2014-06-29"),
        ("between November and February 2017", "2016-11-01", "2017-02-28"),
        ("between June 2018 and May", "2018-06-01", "2019-05-31"),
        ("between June 2016 and March 2016", "2016-03-01", "2016-06-30"),
        ("from 2018 to 2016", "2016-01-01", "2018-12-31"),
        ("between 5 June and 3 June 2016", "2016-06-03", "2016-06-05"),
        ("articles from 2019", "2019-01-01", "2019-12-31"),
    ],
)
def test_how_a_date_is_meant(words: str, since: str, until: str) -> None:
    """The word before it says so; months and years are all of their days."""
    assert spans(f"what was said {words} about it") == [(words, since, until)]


@pytest.mark.parametrize(
    "message",
    [
        "the 2014 budget", "who paid in the 2016 flood", "the 7 October attacks", "were 2016 people moved", "in 2016 people moved",
        "in 1,914 villages", "in 2014-15", "in 2016's flood", "in 12016", "in 2016%", "room 2014", "on 31 June 2014", "on 3/4/2016",
        "in autumn 2014", "in spring", "in 2016 and 2019", "how long before 2016", "may the mayor appeal", "they may march 12 miles",
        "in the last month", "last year of the war", "by 2016", "from 27 to 3 June 2016", "in June and July 2016", "on May 7 and 8, 2016",
        "in June 2016 and July 2017", "articles from June 2016, July and May 2017", "who ruled after May resigned", "before March protests",
    ],
)  # fmt: skip
def test_what_is_no_date(message: str) -> None:
    """A name, a number, a season, a day that there is not, a list."""
    assert spans(message) == []


def test_what_lies_outside_the_archive_is_not_read() -> None:
    """Nothing could be found there; and what leaves all of it is no limit."""
    assert spans("who was governor in 1999") == []
    assert spans("on 30 November 2024") == []
    assert spans("since 2025") == []
    assert spans("since 1999") == spans("until 2024-11-14") == []


def test_a_day_without_a_year_is_of_the_only_year_that_has_it() -> None:
    """In a longer archive it could be any; behind since it is the last one."""
    assert spans("on 7 October", SHORT) == [("on 7 October", "2023-10-07", "2023-10-07")]
    assert spans("in February", SHORT) == [("in February", "2024-02-01", "2024-02-29")]
    assert spans("in June") == spans("on 7 October") == []
    assert spans("since 7 October") == [("since 7 October", "2024-10-07", "")]
    assert spans("since 20 November") == [("since 20 November", "2023-11-20", "")]


@pytest.mark.parametrize("message", ["in June and July 2014", "in May, June or July", "on May 7 and 8", "the row on May", "since May lost"])
def test_where_a_month_needs_no_year_it_is_no_list_and_no_name(message: str) -> None:
    """In an archive of one year, where any month is read; before a question a month is one."""
    year = Calendar(date(2014, 1, 3), date(2014, 12, 20), date(2014, 12, 25))
    assert spans(message, year) == []
    assert spans("since May who has lost", year) == [("since May", "2014-05-01", "")]


def test_a_month_is_of_the_year_that_was_spoken_of() -> None:
    """As in: what happened in June 2014? And in July?"""
    calendar = Calendar(LONG.first, LONG.newest, LONG.today, year=2014)
    assert spans("and in July?", calendar) == [("in July", "2014-07-01", "2014-07-31")]


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("last year", "2023-01-01", "2023-12-31"),
        ("this year", "2024-01-01", "2024-12-31"),
        ("last month", "2024-01-01", "2024-01-31"),
    ],
)
def test_last_year_is_read_where_the_archive_is_of_this_year(words: str, since: str, until: str) -> None:
    """In an archive that ends earlier it could be its own last year, or the reader's."""
    assert spans(f"what happened {words}?", SHORT) == [(words, since, until)]
    assert spans(f"what happened {words}?") == []


_PARTS = st.sampled_from(
    "in on since before between and to from may 7 31 2014 0 29 february oct. june 2024-02-30 ſept ınce ٣ last year of , 9999".split()
)


@given(message=st.lists(_PARTS, max_size=9).map(" ".join) | st.text(max_size=60))
def test_no_message_breaks_it(message: str) -> None:
    """Whatever is typed, what is read are slices in order, and days that exist."""
    end = 0
    for one in read(message, LONG):
        assert end <= one.start < one.end <= len(message)
        assert one.since or one.until
        assert [date.fromisoformat(day) for day in (one.since, one.until) if day]
        assert not (one.since and one.until) or one.since <= one.until
        end = one.end
