"""A conversation without a browser: messages in, messages out, and its address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from index import Archive, Filters
from qa import assistant, conversation, message, page
from qa.conversation import Messages, again, answered, asked, question, replies, returned, turns, visited
from qa.render import markdown

Folder = Callable[[dict[str, str]], Path]

HOSTILE = "Ferry ![x](http://evil.test/x) <img src=http://evil.test/y> & $z$ *now*"
SANK = "ferry sank near Selwyn"


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    text = "The ferry sank near Selwyn. Nine people died."
    archive.add(
        [folder({"a.txt": f"---\ntitle: '{HOSTILE}'\ndate: 2014-06-01\n---\n{text}", "b.txt": "---\ndate: 2022-01-01\n---\nA bridge."})]
    )
    return archive


def exchange(archive: Archive, *texts: str, limits: Filters | None = None) -> Messages:
    """A conversation: each question, within limits, with its answer."""
    history: Messages = []
    for text in texts:
        history = asked(history, text, limits or Filters())
        *_, (content, _) = replies(history, archive)
        history = answered(history, content)
    return history


def address(history: Messages) -> str:
    return message.address(history[-1]["content"])


def test_a_question_is_escaped_and_comes_back() -> None:
    """What is shown has no sign left; what is asked is what was typed."""
    (one,) = asked(None, HOSTILE)
    assert one == {"role": "user", "content": markdown(HOSTILE)}
    assert "<" not in one["content"]
    assert question(one) == HOSTILE
    assert question({"role": "user", "content": [{"type": "text", "text": markdown(HOSTILE)}]}) == HOSTILE


def test_the_headline_comes_before_the_rest(small: Archive) -> None:
    """It is the same one in the end; where there is no answer there is one step."""
    first, last = replies(asked(None, SANK), small)
    assert message.quoted(first[0]) == message.quoted(last[0])[:1]
    assert "Looking for what else" in first[0]
    assert 'class="tools"' not in first[0]
    assert 'class="tools"' in last[0]
    assert len(list(replies(asked(None, "who won the chess in Oslo"), small))) == 1


def test_what_cannot_be_asked_gets_a_sentence(small: Archive) -> None:
    """In the chat, not in a traceback."""
    assert list(replies(asked(None, "?"), small)) == [(message.problem("the question is empty: type a few words."), page.start(small))]


def test_a_follow_up_is_asked_with_the_turn_before_it(small: Archive) -> None:
    """Its answer says what was carried over; dropped, it is asked as it stands, and can be taken up again."""
    history = exchange(small, SANK, "and who died?")
    assert '“and”: about ferry sank near Selwyn <a href="#drop=carried-0"' in history[3]["content"]
    assert [turn.question for turn in turns(history)] == [SANK, "and who died? (ferry sank near Selwyn)"]
    assert turns(history)[0].cited
    *_, (without, _) = again(history, 1, "#drop=carried-0", small)
    assert 'href="#keep=carried-0"' in without[3]["content"]
    assert without[:3] == history[:3]
    assert [turn.question for turn in turns(without)] == [SANK, "and who died?"]
    *_, (kept, _) = again(without, 1, "#keep=carried-0", small)
    assert kept == history


def test_a_question_without_an_answer_is_no_turn(small: Archive) -> None:
    """One that was stopped, or could not be asked; an answer that there is none cites nothing."""
    history = exchange(small, SANK)
    history = [*asked(history, "stopped"), *exchange(small, "?", "who won the chess in Oslo")]
    assert [turn.question for turn in turns(history)] == [SANK, "who won the chess in Oslo"]
    assert turns(history)[1].cited == ()


def test_an_abstention_says_what_its_limit_shut_out(small: Archive) -> None:
    """Where the articles beyond it have an answer; where they have none there is nothing to say."""
    history = exchange(small, "ferry sank near Selwyn since 2020")
    assert "There is an answer beyond that limit" in history[1]["content"]
    link = history[1]["content"].split('beyond that limit: <a href="')[1].split('"')[0]
    *_, (wider, _) = again(history, 0, link, small)
    assert message.cited(wider[1]["content"])
    assert "beyond that limit" not in exchange(small, "who won the chess in Oslo since 2020")[1]["content"]


def test_what_was_carried_over_is_no_limit(small: Archive) -> None:
    """An abstention from a follow-up does not speak of one, even where the message alone has an answer."""
    history = exchange(small, SANK, "and who won the chess in Oslo?")
    assert "The archive does not say" in history[3]["content"]
    assert "beyond that limit" not in history[3]["content"]


def test_an_address_asks_the_same_again(small: Archive) -> None:
    """With the turns that it reaches back to, and without what was dropped."""
    history = exchange(small, SANK, "and who died?")
    *_, (history, _) = again(history, 1, "#drop=carried-0", small)
    assert address(history) == "?q=ferry+sank+near+Selwyn&q=and+who+died%3F&drop=carried-0"
    *_, (found, sources) = visited(None, address(history), small)
    assert found == history
    last = history[-1]["content"]
    assert sources == page.sources(message.quoted(last), small, message.asked(last))


def test_an_address_reaches_back_as_far_as_an_answer_does(small: Archive) -> None:
    """Four turns, and not those before."""
    history = exchange(small, "one ferry", "two ferries", "three people", "four people", SANK, "and who died?")
    assert address(history).count("q=") == 5
    assert "one+ferry" not in address(history)
    *_, (found, _) = visited([], address(history), small)
    assert found[-1] == history[-1]


def test_what_was_saved_is_shown_as_it_was(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking again: at its address, and without one; and where the browser goes back, up to that answer."""
    history = exchange(small, SANK, "and who died?")
    first = address(history[:2])
    monkeypatch.setattr(conversation, "answering", None)
    for query in ("", address(history)):
        ((found, sources),) = visited(history, query, small)
        assert found == history
        assert "<b>died</b>" in sources
    assert [found for found, _ in returned(history, first, small)] == [history[:2]]


def test_what_could_not_be_asked_does_not_ask_the_question_before_it_again(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no address, so the page has that of the last answer."""
    history = exchange(small, SANK)
    query = address(history)
    history = answered(asked(history, "?"), message.problem("The question is empty."))
    monkeypatch.setattr(conversation, "answering", None)
    assert [found for found, _ in visited(history, query, small)] == [history]


def test_an_address_that_cannot_be_answered_is_told_once(small: Archive) -> None:
    """However often it is opened, below what was saved."""
    history = exchange(small, SANK)
    for _ in range(3):
        *_, (history, _) = visited(history, "?q=who+died&since=2020&until=2019", small)
    assert [one["role"] for one in history] == ["user", "assistant"] * 2
    assert "the first day" in history[-1]["content"]


def test_an_address_takes_nothing_from_what_was_saved(small: Archive) -> None:
    """What somebody else asked is answered after it, and knows nothing of it; so is an earlier question of the same conversation."""
    mine = exchange(small, "one ferry", "two ferries", "nine people died")
    theirs = exchange(small, SANK, "and who died?")
    *_, (found, _) = visited(mine, address(theirs), small)
    assert found == mine + theirs
    *_, (found, _) = visited(mine, address(mine[:2]), small)
    assert found == mine + mine[:2]


def test_the_browser_goes_back_and_on_again(small: Archive) -> None:
    """Only what is not there any more is asked, however far an address reaches back."""
    history = exchange(small, "one ferry", "two ferries", "three people", "four people", SANK, "and who died?")
    *_, (back, _) = returned(history, address(history[:10]), small)
    assert back == history[:10]
    steps = list(returned(back, address(history), small))
    assert steps[0][0] == back
    assert steps[-1][0] == history


def test_a_question_that_was_left_is_answered(small: Archive) -> None:
    """The page was closed before its answer came."""
    history = exchange(small, SANK)
    for query in ("", address(history)):
        *_, (found, _) = visited(asked(history, "nine people died"), query, small)
        assert found == exchange(small, SANK, "nine people died")


@pytest.mark.parametrize("saved", [None, 7, "x", {}, [7], [{}], [{"role": "system", "content": "x"}], [{"role": "user"}]])
def test_what_is_no_conversation_is_an_empty_one(small: Archive, saved: object) -> None:
    """The browser keeps it, and anything may be there."""
    assert list(visited(saved, "", small)) == [([], page.start(small))]


@pytest.mark.parametrize("query", ["?", "?drop=x", "?utm=1&x", "?q=", "?%ff=%00"])
def test_an_address_that_asks_nothing_is_none(small: Archive, query: str) -> None:
    """Nothing is asked, and nothing breaks."""
    assert list(visited(None, query, small)) == [([], page.start(small))]


def test_a_question_that_is_asked_again_is_answered_once(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page takes an answer in steps, and what it has taken to the end is known."""
    made: list[str] = []
    real = assistant.answering
    monkeypatch.setattr(assistant, "answering", lambda text, *rest, **more: made.append(text) or real(text, *rest, **more))
    for text in (SANK, "who won the chess in Oslo") * 2:
        exchange(small, text)
    assert len(made) == 2


def test_an_answer_that_was_cut_off_is_asked_again(small: Archive) -> None:
    """By a reload after its headline, with the address and without it."""
    first, whole = replies(asked(None, SANK), small)
    cut = answered(asked(None, SANK), first[0])
    for query in (message.address(whole[0]), ""):
        *_, (history, _) = visited(cut, query, small)
        assert [one["role"] for one in history] == ["user", "assistant"]
        assert 'class="tools"' in history[-1]["content"], query


@pytest.fixture
def outlets(small: Archive, folder: Folder) -> Archive:
    """Two outlets that tell of the same ferry, years apart."""
    told = "---\noutlet: {}\ndate: {}\n---\nThe ferry sank near Selwyn, said the {}."
    articles = [("Wire & Sons", "2014-06-02"), ('Post "Daily"', "2020-01-01")]
    small.add([folder({f"{day}.txt": told.format(name, day, name) for name, day in articles})])
    return small


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        (Filters(("wire & sons",)), {"Wire & Sons"}),
        (Filters(("Wire & Sons", 'Post "Daily"')), {"Wire & Sons", 'Post "Daily"'}),
        (Filters(since="2015", until="2021"), {'Post "Daily"'}),
        (Filters(until="2014-06"), {"", "Wire & Sons"}),
    ],
)
def test_what_was_chosen_limits_the_question(outlets: Archive, limits: Filters, reached: set[str]) -> None:
    """It is said under the question and of what was searched, and the question comes back without it."""
    history = exchange(outlets, SANK, limits=limits)
    cited = {outlets.article(name).source for name in message.cited(history[1]["content"])}
    assert cited == reached
    assert markdown(str(limits)) in history[0]["content"]
    assert 'class="limits"' in history[1]["content"]
    assert question(history[0]) == SANK
    assert conversation.chosen(message.limits(history[0]["content"])) == limits


def test_what_was_chosen_stands_and_what_is_left_open_is_read(outlets: Archive) -> None:
    """Dates of the question, where an outlet was chosen, and no outlet of it. An abstention says what a chip shut out within that."""
    (_, answer) = exchange(outlets, f'{SANK} since 2019, according to the Post "Daily"', limits=Filters(("Wire & Sons",)))
    assert "published since 2019-01-01" in answer["content"]
    assert "from Post" not in answer["content"].split("</p>")[0]
    assert "There is an answer beyond that limit" in answer["content"]
    (_, answer) = exchange(outlets, f"{SANK} since 2019", limits=Filters(until="2013"))
    assert 'class="chips"' not in answer["content"]
    assert "no article until 2013-12-31" in answer["content"].replace("&#45;", "-")


def test_an_address_keeps_what_was_chosen(outlets: Archive) -> None:
    """For each question its own, in a browser that was never here and in one that goes back; with chips dropped, too."""
    limits = Filters(("Wire & Sons", 'Post "Daily"'), "2014", "2020-12-31")
    history = [*exchange(outlets, SANK, limits=limits)]
    history = asked(history, "and who died since 2014?", Filters(("Wire & Sons",)))
    *_, (content, _) = replies(history, outlets)
    history = answered(history, content)
    *_, (history, _) = again(history, 1, "#drop=dates-13", outlets)
    assert address(history).endswith("&q=and+who+died+since+2014%3F&drop=dates-13&outlet=Wire+%26+Sons")
    assert conversation.chosen(address(history)) == Filters(("Wire & Sons",))
    assert conversation.chosen(address(history[:2])) == limits
    *_, (found, _) = visited(None, address(history), outlets)
    assert found == history
    *_, (back, _) = returned(history, address(history[:2]), outlets)
    assert back == history[:2]
    *_, (on, _) = returned(back, address(history), outlets)
    assert on == history


def test_the_same_question_within_other_limits_is_another(outlets: Archive) -> None:
    """An address that asks it is answered after what was saved."""
    mine, theirs = exchange(outlets, SANK), exchange(outlets, SANK, limits=Filters(since="2015"))
    *_, (found, _) = visited(mine, address(theirs), outlets)
    assert found == mine + theirs


def test_a_question_that_was_left_keeps_its_limits(outlets: Archive) -> None:
    """The page was closed before its answer came."""
    limits = Filters(('Post "Daily"',))
    *_, (found, _) = visited(asked(None, SANK, limits), "", outlets)
    assert found == exchange(outlets, SANK, limits=limits)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Filters(since="2014-02-31"), "the first day '2014-02-31': not a date: give a day"),
        (Filters(since="2015", until="2014"), "the first day 2015 is after the last day 2014: nothing lies between."),
        (Filters(("Courier",)), "the outlet Courier: no article is from there; the nearest of 2 outlets:"),
        (Filters(until="x" * 501), "the last day: it has 501 characters: at most 500."),
    ],
)
def test_limits_that_are_none_get_a_line(outlets: Archive, limits: Filters, said: str) -> None:
    """In the words of the page, and nothing is asked."""
    (content, _) = list(replies(asked(None, SANK, limits), outlets))[-1]
    assert markdown(said) in content
    assert content.startswith('<div class="answer"><p class="problem">')


@pytest.mark.parametrize("query", ["", "?", "q=x", "drop=x&utm=1", "outlet=&since=", "outlet=Wire&q=x"])
def test_a_query_that_limits_nothing_is_no_limit(query: str) -> None:
    """What stands before a question is none of its own."""
    assert conversation.chosen(query) == Filters()
