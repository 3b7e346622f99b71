"""Follow-ups: what a message carries over from the turn before it, and when it stands alone. The toy encoder stands in for the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from index import Archive
from index.query import MAX_QUERY
from qa import ask
from qa.followup import Turn, is_name, stand_alone

Folder = Callable[[dict[str, str]], Path]

FERRY = "how many people died when the ferry sank off Selwyn"


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    """Two threads, and stories of other things, so that not everything is near to everything."""
    files = {
        "ferry.txt": "The ferry Marit sank off Selwyn on Tuesday. The master, Ida Kell, confirmed nine deaths. The bow door was open.",
        "flood.txt": "The river rose in Ostrey. Eleven people died in Ostrey in the flood. The governor promised relief.",
        "bank.txt": "The Bank of Tarn cut its rate. Governor Evert Karrow denied that he had written a letter.",
    }
    names = "Abel Brand Corvo Dunn Essel Farrow Grieve Hale Innis Jarrow Kemble Lund".split()
    files |= {
        f"{name}.txt": f"How many people came when a fair opened in {name}? Mayor Tom {name} counted the people: many." for name in names
    }
    archive.add([folder(files)])
    return archive


def after(question: str, archive: Archive, message: str) -> tuple[str, tuple[str, ...]] | None:
    """The words of the message that need the turn, and what is carried; None where it stands alone."""
    carried = stand_alone(message, [Turn.of(ask(question, archive))], archive)
    return carried and (message[carried.start : carried.end], carried.words)


@pytest.mark.parametrize(
    ("message", "needs"),
    [
        ("and who was the master?", "and"),
        ("what did he confirm?", "he"),
        ("was that true?", "that"),
        ("who told them?", "them"),
        ("who was there?", "there?"),
        ("what was known after that?", "after that"),
        ("where was his body found?", "his"),
        ("why?", "why?"),
        ("was the bow door open?", "was the bow door open?"),
        ("and the bow door of the Marit?", "and"),
        ("what did she say about Selwyn?", "she"),
    ],
)
def test_a_message_that_leaves_something_out_carries_it_over(small: Archive, message: str, needs: str) -> None:
    """A conjunction, a pronoun that means nothing in it, too few words, or only words of what was just found."""
    found = after(FERRY, small, message)
    assert found
    assert found[0] == needs
    assert "ferry" in found[1]


@pytest.mark.parametrize(
    "message",
    [
        "what did Karrow deny",
        "what did karrow say about his letter",
        "how many people died in the flood in Ostrey",
        "and what did Evert Karrow of the Bank of Tarn deny about letters",
        "what would it cost Ostrey to mend the bank",
        "which governor promised relief after the flood",
        "did the governor keep his letter",
        "who asked Karrow to write it",
    ],
)
def test_a_message_that_stands_alone_carries_nothing(small: Archive, message: str) -> None:
    """It has a name, or words, that the turn before it does not have; its pronouns mean what stands before them."""
    assert after(FERRY, small, message) is None


def test_without_a_history_nothing_is_carried(small: Archive) -> None:
    """Nor from a turn that has nothing to give."""
    assert stand_alone("and then?", [], small) is None
    assert stand_alone("who sank it?", [Turn("who sank it?")], small) is None


def test_the_same_of_something_else_leaves_the_names_behind(small: Archive) -> None:
    """What was asked is carried, what it was asked of is not."""
    found = after(FERRY, small, "what about Ostrey?")
    assert found
    assert "died" in found[1]
    assert "Selwyn" not in found[1]


def test_a_date_takes_the_place_of_the_last_one(small: Archive) -> None:
    """And says nothing about what is asked."""
    last = Turn("who died off Selwyn in June 2014")
    message = "and in July?"
    carried = stand_alone(message, [last], small, [(4, 11)])
    assert carried
    assert carried.words == ("died", "Selwyn")


def test_a_conversation_goes_on(small: Archive) -> None:
    """What was carried once is in the turn's question, so that the third message has it too; and it gathers no end of words."""
    turn = Turn.of(ask(FERRY, small))
    for message in ("and who was the master?", "what did she confirm?", "and why?"):
        answer = ask(message, small, history=[turn])
        assert "Selwyn" in answer.question
        turn = Turn.of(answer)
    assert len(turn.question.split()) <= 3 + 12


def test_an_endless_message_carries_nothing(small: Archive) -> None:
    """Where its words and what it would carry are more than can be asked."""
    message = "and why " + "a" * (MAX_QUERY - 10)
    assert stand_alone(message, [Turn(FERRY)], small) is None


def test_an_article_that_is_gone_is_no_error(small: Archive) -> None:
    """It may have been removed since it was cited."""
    carried = stand_alone("was the bow door open?", [Turn(FERRY, ("gone",))], small)
    assert carried


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("selwyn", True),
        ("Karrow's", True),
        ("ferry", False),
        ("The", False),
        ("2014", False),
        ("zanzibar", False),
        ("'", False),
        ("a(b", False),
    ],
)
def test_a_name_is_what_the_archive_writes_with_a_capital(small: Archive, word: str, expected: bool) -> None:
    """However it was typed; the first word of a sentence says nothing."""
    assert is_name(word, small) is expected
