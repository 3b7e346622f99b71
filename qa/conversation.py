"""A conversation: messages in, messages out, and the address under which it can be asked again. It knows nothing of gradio.

A conversation is what the page holds of it, and comes back from there: what its answers were to is read from the messages themselves
(qa/message.py), and nothing but words and names of articles is taken from them. What was chosen to limit a question stands with it as it
was typed, and is read when the question is asked.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

from index.archive import Archive
from index.errors import ClippingsError
from index.filtering import filters
from index.query import MAX_QUERY
from index.records import Filters
from qa import message, page, render
from qa.answer import Answer
from qa.followup import Turn
from qa.recent import answering, ask

Messages = list[dict[str, Any]]
Step = tuple[str, str]

# A follow-up may reach back over so many turns.
_TURNS = 4
_ROLES = ("user", "assistant")
# Messages of a saved conversation that are shown again; a browser keeps some megabytes for a site.
_KEPT = 200
# Characters of an address that are read.
_ADDRESS = (_TURNS + 1) * MAX_QUERY * 4
_ALL = Filters()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the ids of the chips that it was asked without, and the limits that were chosen for it, as they were typed."""

    text: str
    without: frozenset[str] = frozenset()
    limits: Filters = _ALL


def asked(history: Messages | None, text: str, limits: Filters = _ALL) -> Messages:
    """The conversation with one more question, escaped: prompts are headlines, and a reader pastes what it likes."""
    within = message.within(f"?{urlencode(_limiting(limits))}", str(limits)) if limits != _ALL else ""
    return [*(history or []), {"role": "user", "content": f"{render.markdown(text)}{within}"}]


def answered(history: Messages, content: str) -> Messages:
    """The conversation with the answer to its last question."""
    return [*history, {"role": "assistant", "content": content}]


def question(one: dict[str, Any]) -> str:
    """The question in a message that `asked` made."""
    return html.unescape(_text(one).partition("<")[0])


def chosen(query: str) -> Filters:
    """The limits for the next question that stand in a query, as they were typed; of an address those of its last question."""
    return _read(query)[-1].limits


def _text(one: dict[str, Any]) -> str:
    content = one["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content if isinstance(part, dict))


def replies(history: Messages, archive: Archive, without: Collection[str] = ()) -> Iterator[Step]:
    """The answer to the last question of a conversation, in the steps in which it comes: its message, and the HTML of its sources.

    First the headline alone; what is wrong with a question is the only step. `without`: the ids of chips that were dropped.
    """
    last = replace(_asked(history[-1]), without=frozenset(without))
    query = _query([*_exchanges(history[:-1])[-_TURNS:], last])
    try:
        limits = _filters(last)
        steps = answering(last.text, archive, limits, turns(history[:-1]), without)
        answer = next(steps)
        if answer.quotes:
            yield message.headline(answer), render.source_cards(answer.quotes)
        answer = [answer, *steps][-1]  # to the end, where it is remembered
        cards = render.source_cards(answer.quotes or answer.nearest) if answer.quotes or answer.nearest else page.start(archive)
        yield message.whole(answer, query), cards
        if beyond := _beyond(answer, history, archive, limits, without):
            yield message.whole(answer, query, beyond), cards
    except ClippingsError as error:
        yield message.problem(f"{page.plainly(error, archive)}."), page.start(archive)


def _filters(one: Asked) -> Filters:
    return filters(one.limits.outlets, one.limits.since or None, one.limits.until or None)


def _beyond(answer: Answer, history: Messages, archive: Archive, limits: Filters, without: Collection[str]) -> list[str]:
    """The limits that were read for an abstention and without which there is an answer; none where there is none either."""
    used = [chip.id for chip in answer.chips if chip.kind != "carried" and not chip.dropped]
    if answer.quotes or not used:
        return []
    wider = ask(question(history[-1]), archive, limits, turns(history[:-1]), {*without, *used})
    return used if wider.quotes else []


def again(history: Messages, number: int, link: str, archive: Archive) -> Iterator[tuple[Messages, str]]:
    """The conversation with its answer of that number, from 0, given anew: without the chips of a link, or with them."""
    places = [at for at, one in enumerate(history) if one["role"] == "assistant"]
    if not 0 <= number < len(places):
        return
    place = places[number]
    without, (what, _, chips) = message.dropped(_text(history[place])), link.partition("=")
    named = set(chips.split(","))
    for content, sources in replies(history[:place], archive, without | named if what == "#drop" else without - named):
        yield [*answered(history[:place], content), *history[place + 1 :]], sources


def visited(saved: object, query: str, archive: Archive) -> Iterator[tuple[Messages, str]]:
    """The conversation as its page is opened, in the steps in which it comes: what was saved, then answers to what is left to ask.

    That is what the address asks, where it is not that of the last answer, or the question that was not answered before the page was left.
    """
    yield from _continued(_finished(_sound(saved)), _questions(query), archive)


def returned(history: Messages, query: str, archive: Archive) -> Iterator[tuple[Messages, str]]:
    """The conversation at an address that the browser went back to, or on to again: it ends with the answer of that address."""
    wanted = _questions(query)
    ends = [place for place, one in enumerate(history, start=1) if one["role"] == "assistant" and _asks(one) == wanted]
    yield from _continued(history[: max(ends)] if ends else history, wanted, archive)


def _continued(history: Messages, wanted: list[Asked], archive: Archive) -> Iterator[tuple[Messages, str]]:
    """A conversation, then answers to those questions of an address that it lacks.

    Where it ends with the first of them, those are their history; else they have only one another.
    """
    if wanted and len(history) > 1 and history[-1]["role"] == "assistant" and not _asks(history[-1]):  # a problem, which has no address
        history = history[:-2] if _asked(history[-2]) == replace(wanted[-1], without=frozenset()) else history
    end = max((place for place, one in enumerate(history, start=1) if one["role"] == "assistant"), default=0)
    if wanted and wanted != next(filter(None, map(_asks, reversed(history[:end]))), []):
        exchanges = _exchanges(history[:end])
        held = max(count for count in range(len(wanted)) if exchanges[len(exchanges) - count :] == wanted[:count])
        history, left, since = history[:end], wanted[held:], 0 if held else end
    else:
        history, left, since = history[:end], [_asked(one) for one in history[end:][-1:]], 0
    yield history, _sources(history, archive)
    for one in left:
        history = asked(history, one.text, one.limits)
        yield history, _sources((), archive)
        for content, sources in replies(history[since:], archive, one.without):
            yield answered(history, content), sources
        history = answered(history, content)


def _sound(saved: object) -> Messages:
    """A saved conversation; an empty one where it is none: the browser keeps it, and it may be of another release."""
    messages = saved[-_KEPT:] if isinstance(saved, list) else []
    return messages if all(isinstance(one, dict) and one.get("role") in _ROLES and one.get("content") for one in messages) else []


def _finished(saved: Messages) -> Messages:
    """A saved conversation without an answer that was cut off after its headline: its question is asked again."""
    return saved[:-1] if saved and saved[-1]["role"] == "assistant" and message.is_begun(_text(saved[-1])) else saved


def _sources(history: Sequence[dict[str, Any]], archive: Archive) -> str:
    last = _text(history[-1]) if history else ""
    return page.sources(message.quoted(last), archive, message.asked(last))


def _asks(answer: dict[str, Any]) -> list[Asked]:
    """The questions of an answer's address; none of what has no address."""
    return _questions(message.address(_text(answer)))


def turns(history: Messages) -> tuple[Turn, ...]:
    """The last turns of a conversation, each with a question that stands alone and the articles that its answer cites."""
    answers = [_text(other) for _, other in _pairs(history)[-_TURNS:]]
    return tuple(Turn(message.asked(answer)[:MAX_QUERY], message.cited(answer)) for answer in answers)


def _pairs(history: Messages) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The questions that could be asked, each with its answer; one that was stopped has none."""
    pairs = [(one, other) for one, other in pairwise(history) if (one["role"], other["role"]) == ("user", "assistant")]
    return [(one, other) for one, other in pairs if message.asked(_text(other))]


def _exchanges(history: Messages) -> list[Asked]:
    return [replace(_asked(one), without=frozenset(message.dropped(_text(other)))) for one, other in _pairs(history)]


def _asked(one: dict[str, Any]) -> Asked:
    """What a message that `asked` made was given."""
    return Asked(question(one), limits=chosen(message.limits(_text(one))))


def _query(questions: list[Asked]) -> str:
    """The address of the last of some questions: those that it may reach back to, each with the chips that were dropped, in order, and with
    its limits."""
    return "?" + urlencode(
        [pair for one in questions for pair in (("q", one.text), *(("drop", chip) for chip in sorted(one.without)), *_limiting(one.limits))]
    )


def _limiting(limits: Filters) -> list[tuple[str, str]]:
    days = [(name, day) for name, day in (("since", limits.since), ("until", limits.until)) if day]
    return [*(("outlet", name) for name in limits.outlets), *days]


def _questions(query: str) -> list[Asked]:
    """What `_query` was given; of anything else what can be read, the last questions of it."""
    return _read(query)[1:][-_TURNS - 1 :]


def _read(query: str) -> list[Asked]:
    """What stands in a query before its first question, and then each question with what follows it."""
    found: list[tuple[str, dict[str, list[str]]]] = [("", {})]
    for name, value in parse_qsl(query[:_ADDRESS].lstrip("?")):
        if name == "q":
            found.append((value, {}))
        else:
            found[-1][1].setdefault(name, []).append(value)
    return [_followed(text, said) for text, said in found]


def _followed(text: str, said: Mapping[str, Sequence[str]]) -> Asked:
    """A question with what follows it in an address; anything else is left out."""
    since, until = (said.get(name, [""])[-1] for name in ("since", "until"))
    return Asked(text, frozenset(said.get("drop", ())), Filters(tuple(said.get("outlet", ())), since, until))
