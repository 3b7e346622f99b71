"""What the page is made of, without a browser: messages in, Markdown and HTML out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from index import Archive
from qa import ask, feedback, page
from qa.render import markdown

Folder = Callable[[dict[str, str]], Path]

HOSTILE = "Ferry ![x](http://evil.test/x) <img src=http://evil.test/y> & $z$ *now*"


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"a.txt": f"---\ntitle: '{HOSTILE}'\n---\nThe ferry sank near Selwyn. Nine people died."})])
    return archive


def test_a_question_is_escaped_and_comes_back(small: Archive) -> None:
    """What is shown has no sign left; what is asked is what was typed."""
    (message,) = page.asked(None, HOSTILE)
    assert message == {"role": "user", "content": markdown(HOSTILE)}
    assert "<" not in message["content"]
    assert page.question(message) == HOSTILE
    assert page.question({"role": "user", "content": [{"type": "text", "text": markdown(HOSTILE)}]}) == HOSTILE


def test_prompts_fall_back_to_headlines(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the questions that the archive answers."""
    monkeypatch.setattr(page, "_PROMPTS", ("who won the chess in Oslo", "how many people died when the ferry sank"))
    assert page.prompts(small) == ["how many people died when the ferry sank", HOSTILE]


def test_a_citation_opens_the_version_that_was_quoted(small: Archive, folder: Folder) -> None:
    """Marked; after a change the article is shown without a mark, and says why; after its removal there is a sentence."""
    citation = ask("ferry sank near Selwyn", small).quotes[0]
    assert "<mark>The ferry sank near Selwyn.</mark>" in page.passage(citation.id, small)
    home = folder({"a.txt": "An earlier article was wrong about that. The ferry sank near Selwyn."})
    small.add([home])
    shown = page.passage(citation.id, small)
    assert "<mark>" not in shown
    assert "has changed since" in shown
    for wrong in ("", "none:1-2", "x", citation.id.replace(":", ""), f"{citation.article.id}:1"):
        assert "<mark>" not in page.passage(wrong, small)


def test_what_cannot_be_asked_gets_a_sentence(small: Archive) -> None:
    """In the chat, not in a traceback."""
    assert page.reply(page.asked(None, "?"), small) == (markdown("the question is empty: type a few words."), page.NO_SOURCES)


def exchange(archive: Archive, *messages: str) -> page.Messages:
    """A conversation: each message with its answer."""
    history: page.Messages = []
    for message in messages:
        history = page.asked(history, message)
        history = [*history, {"role": "assistant", "content": page.reply(history, archive)[0]}]
    return history


def test_a_follow_up_is_asked_with_the_turn_before_it(small: Archive) -> None:
    """Its answer says what was carried over; dropped, it is asked as it stands, and can be taken up again."""
    history = exchange(small, "ferry sank near Selwyn", "and who died?")
    assert "“and”: about ferry sank near Selwyn ([drop](#drop=carried-0))" in history[3]["content"]
    assert [turn.question for turn in page.turns(history, small)] == [
        "ferry sank near Selwyn",
        "and who died? (ferry sank near Selwyn)",
    ]
    assert page.turns(history, small)[0].cited
    without, _ = page.again(history, 1, "#drop=carried-0", small)
    assert "([not used; take it up again](#keep=carried-0))" in without[3]["content"]
    assert without[:3] == history[:3]
    assert [turn.question for turn in page.turns(without, small)] == ["ferry sank near Selwyn", "and who died?"]
    assert page.again(without, 1, "#keep=carried-0", small)[0] == history


def test_a_question_without_an_answer_is_no_turn(small: Archive) -> None:
    """One that was stopped; those before and after it are."""
    history = exchange(small, "ferry sank near Selwyn")
    history = [*page.asked(history, "stopped"), *exchange(small, "nine people died")]
    assert next(turn.question for turn in page.turns(history, small)) == "ferry sank near Selwyn"
    assert len(page.turns(history, small)) == 2


def test_a_thumb_is_on_the_question_that_was_asked(small: Archive) -> None:
    """The one that stands alone, or the one as typed where what it carried was dropped."""
    history = exchange(small, "ferry sank near Selwyn", "and who died?")
    assert page.noted(history, 3, True, small)
    without, _ = page.again(history, 1, "#drop=carried-0", small)
    assert page.noted(without, 3, False, small)
    assert [(one.question, one.liked) for one in feedback.read(small)] == [
        ("and who died? (ferry sank near Selwyn)", True),
        ("and who died?", False),
    ]


def test_what_could_not_be_asked_is_no_turn(small: Archive) -> None:
    """And an answer that there is none cites nothing."""
    history = exchange(small, "?", "who won the chess in Oslo")
    (turn,) = page.turns(history, small)
    assert (turn.question, turn.cited) == ("who won the chess in Oslo", ())
