"""A message as it is asked: filters and chips, what was chosen, what was dropped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import Archive, Filters
from index.errors import QuestionError
from qa import ask
from qa.followup import Turn
from qa.reading import KINDS, read

Folder = Callable[[dict[str, str]], Path]


def article(outlet: str, day: str, text: str) -> str:
    return f"---\ntitle: Harbour\noutlet: {outlet}\ndate: {day}\n---\n{text}"


FILES = {
    "a.txt": article("Harbour Courier", "2014-06-27", "The ferry sank off Selwyn. Captain Ida Kell said nine people had died."),
    "b.txt": article("Valley Herald", "2014-07-02", "The ferry sank with 31 aboard. Captain Ida Kell said eleven people had died."),
    "c.txt": article("Harbour Courier", "2016-03-01", "The inquiry into the ferry ended. The toll was eleven."),
    "d.txt": "The ferry was raised.",
}


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder(FILES)])
    return archive


def limits(message: str, archive: Archive) -> Filters:
    return read(message, archive).filters


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("who died on 27 June 2014", Filters(since="2014-06-27")),
        ("what did Kell say on 27 June 2014", Filters(since="2014-06-27", until="2014-07-04")),
        ("what did Will Kell say in June 2014", Filters(since="2014-06-01", until="2014-07-07")),
        ("what did the Courier say in June 2014", Filters(("Harbour Courier",), "2014-06-01", "2014-06-30")),
        ("who said in June 2014 that it was safe", Filters(since="2014-06-01", until="2014-07-07")),
        ("articles from June 2014", Filters(since="2014-06-01", until="2014-06-30")),
        ("deaths between June and July 2014", Filters(since="2014-06-01", until="2014-07-31")),
        ("since July 2014 and before 2016", Filters(since="2014-07-01", until="2015-12-31")),
        ("according to the Valley Herald", Filters(("Valley Herald",))),
    ],
)
def test_what_limits_the_articles(small: Archive, message: str, expected: Filters) -> None:
    """What happened may be told for years, what was said is told within a week, and a source's own date is exact."""
    assert limits(message, small) == expected


@pytest.mark.parametrize(
    "message",
    [
        "is the ferry due in July 2014", "what will sink in July 2014", "it sank? Will it be raised in July 2014",
        "WHO WILL SAIL IN JULY 2014", "was the toll higher than in June 2014", "before July 2014 and since 2016",
        "who confirmed in 2014 what the inquiry found in 2016", "in 2014 or in 2015", "the 2014 ferry", "who told the Valley Herald",
    ],
)  # fmt: skip
def test_what_limits_nothing(small: Archive, message: str) -> None:
    """What is to come, a comparison, days that leave none, dates of several things."""
    assert read(message, small).chips == ()


def test_an_archive_without_dates_has_no_dates_to_limit_by(archive: Archive, folder: Folder) -> None:
    """Everything would be shut out."""
    archive.add([folder({"d.txt": FILES["d.txt"]})])
    assert read("the ferry in June 2014", archive).chips == ()


def test_what_was_chosen_stands(small: Archive) -> None:
    """Nothing of that sort is read from the words."""
    message = "what did the Courier say since 2015"
    assert read(message, small, Filters(("Valley Herald",))).filters == Filters(("Valley Herald",), since="2015-01-01")
    assert read(message, small, Filters(until="2014-07-31")).filters == Filters(("Harbour Courier",), until="2014-07-31")


def test_a_chip_names_its_words_and_can_be_dropped(small: Archive) -> None:
    """By itself, by its id; or all of its kind. Dropped, it stays to be taken up again."""
    message = "what did  the Courier say\nsince 2015"
    outlet, day = read(message, small).chips
    assert (outlet.words, outlet.label) == ("did the Courier say", "from Harbour Courier")
    assert (day.words, day.label) == ("since 2015", "published since 2015-01-01")
    assert read(message, small, without={day.id}).filters == Filters(("Harbour Courier",))
    assert read(message, small, without={"outlets"}).filters == Filters(since="2015-01-01")
    dropped = read(message, small, without=KINDS)
    assert dropped.filters == Filters()
    assert [chip.dropped for chip in dropped.chips] == [True, True]
    assert {chip.id for chip in dropped.chips} == {outlet.id, day.id}


def test_what_was_carried_over_can_be_dropped(small: Archive) -> None:
    """Then the message is asked as it stands."""
    history = [Turn.of(ask("how many died on the ferry by Selwyn", small))]
    carried = read("and why?", small, history=history)
    (chip,) = carried.chips
    assert (chip.kind, chip.words) == ("carried", "and")
    assert carried.question == "and why? (died Selwyn)"
    assert read("and why?", small, history=history, without={chip.id}).question == "and why?"


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("and who said so?", "and who said so?"),
        ("and the captain?", "and the captain? (died near Selwyn)"),
        ("what about the captain?", "what about the captain? (died near Selwyn)"),
        ("who died near Selwyn?", "who died near Selwyn?"),
    ],
)
def test_a_sentence_has_to_answer_what_was_typed(small: Archive, message: str, asked: str) -> None:
    """What was carried over finds the passages; the message says best what it asks of them, if it asks at all."""
    found = read(message, small, history=(Turn("who died near Selwyn?"),))
    assert found.asked == asked
    assert found.question.startswith(message)


def test_a_month_of_a_follow_up_is_of_the_year_before_it(small: Archive) -> None:
    """And of no year at all where the message stands alone."""
    history = [Turn("who died off Selwyn in June 2014")]
    assert read("and in July?", small, history=history).filters == Filters(since="2014-07-01")
    assert read("and in July?", small).filters == Filters()
    assert read("and in June?", small, history=[Turn("who died off Selwyn in 2015")]).filters == Filters(since="2015-06-01")


def test_last_year_is_by_the_clock(small: Archive) -> None:
    """Where the newest article is of this year."""
    message = "who died last year"
    assert read(message, small, today=date(2016, 5, 1)).filters == Filters(since="2015-01-01")
    assert read(message, small, today=date(2017, 5, 1)).chips == ()


def test_an_answer_keeps_to_what_was_read(small: Archive) -> None:
    """And says so; without it, the other articles come back."""
    message = "how many people did Captain Ida Kell say had died, according to the Valley Herald"
    answer = ask(message, small)
    assert {quote.article.source for quote in answer.quotes or answer.nearest} == {"Valley Herald"}
    assert answer.searched.articles == 1
    assert answer.as_dict()["chips"] == [
        {"kind": "outlets", "label": "from Valley Herald", "words": "according to the Valley Herald", "dropped": False}
    ]
    assert ask(message, small, without=KINDS).searched.articles == 4


def test_the_command_says_what_it_read(run: Run, folder: Folder) -> None:
    """And reads nothing where that is asked."""
    run("add", str(folder(FILES)))
    question = "how many died according to the Valley Herald"
    assert "Read “according to the Valley Herald” as: only articles from Valley Herald" in run("ask", question)[1]
    out = run("ask", "--plain", question)[1]
    assert "of 4 articles from 2 outlets, published 2014-06-27 to 2016-03-01." in out
    assert "Read" not in out


_WORDS = st.sampled_from(
    "and in June 2014 since July he it why what about Selwyn according to the Courier did say ferry died ( ) , ?".split()
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    messages=st.lists(st.lists(_WORDS, max_size=8).map(" ".join) | st.text(max_size=80), min_size=1, max_size=3),
    without=st.sets(st.sampled_from([*KINDS, "dates-3"])),
)
def test_no_message_breaks_it(small: Archive, messages: list[str], without: set[str]) -> None:
    """Whatever is said after whatever: there is something to ask, or a QuestionError; and every chip's words are the message's."""
    history: list[Turn] = []
    for message in messages:
        try:
            found = read(message, small, history=history, without=without)
        except QuestionError:
            continue
        line = " ".join(message.split())
        assert found.question.startswith(line)
        for chip in found.chips:
            assert line[chip.start : chip.start + len(chip.words)] == chip.words != ""
        assert small.search(found.question, 3, found.filters) is not None
        history.append(Turn(found.question))
