"""What the chat says and shows: messages and links in, Markdown and HTML out. It knows nothing of gradio."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from index.archive import Archive
from index.errors import ArchiveError, ClippingsError
from qa import feedback, reading, render
from qa.assistant import ask
from qa.followup import Turn

Messages = list[dict[str, Any]]

# A follow-up may reach back over so many turns.
_TURNS = 4

# Shown on the empty page where the archive answers them; newest headlines fill the places of those that it does not.
_PROMPTS = (
    "who confirmed Iranian operatives in Iraq",
    "when did the strike on the Sarn Valley railway end",
    "why did the governor of the Bank of Ostrany resign",
    "what did Thessen tell parliament about the soldiers",
)
NO_SOURCES = "<p class='empty'>The articles behind an answer appear here. Choose a number to read the sentence where it stands.</p>"
_CHANGED = "<p class='empty'>This article has changed since it was quoted, so nothing is marked.</p>"
_GONE = "<p class='empty'>That article is no longer in the archive.</p>"


def masthead(archive: Archive) -> str:
    """The head of the page, with what the archive holds now."""
    return render.masthead(archive.census())


def prompts(archive: Archive) -> list[str]:
    """Four things to ask: questions that this archive answers, then its newest headlines."""
    answered = [prompt for prompt in _PROMPTS if ask(prompt, archive).quotes]
    return (answered + archive.newest_titles(len(_PROMPTS)))[: len(_PROMPTS)]


def asked(history: Messages | None, message: str) -> Messages:
    """The conversation with one more question, escaped: prompts are headlines, and a reader pastes what it likes."""
    return [*(history or []), {"role": "user", "content": render.markdown(message)}]


def question(message: dict[str, Any]) -> str:
    """The question in a message that `asked` made."""
    return html.unescape(_text(message))


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content if isinstance(part, dict))


def reply(history: Messages, archive: Archive, without: Collection[str] = ()) -> tuple[str, str]:
    """The Markdown of the answer to the last message of a conversation and the HTML of its sources; what is wrong with it, where it cannot
    be asked. `without`: the ids of chips that were dropped."""
    try:
        answer = ask(question(history[-1]), archive, history=turns(history[:-1], archive), without=without)
    except ClippingsError as error:
        return render.markdown(f"{error}."), NO_SOURCES
    shown = answer.quotes or answer.nearest
    return render.answer(answer), render.source_cards(shown) if shown else NO_SOURCES


def again(history: Messages, number: int, link: str, archive: Archive) -> tuple[Messages, str]:
    """The conversation with its answer of that number, from 0, given anew: without the chip that a link drops, or with the one it keeps."""
    place = [at for at, message in enumerate(history) if message["role"] == "assistant"][number]
    without, (what, _, chip) = dropped(_text(history[place])), link.partition("=")
    text, sources = reply(history[:place], archive, without | {chip} if what == "#drop" else without - {chip})
    return [*history[:place], {"role": "assistant", "content": text}, *history[place + 1 :]], sources


def dropped(answer: str) -> set[str]:
    """The ids of the chips that an answer was made without."""
    return set(re.findall(r"\(#keep=([a-z]+-\d+)\)", answer))


def turns(history: Messages, archive: Archive) -> tuple[Turn, ...]:
    """The last turns of a conversation, each with a question that stands alone and the articles that its answer cites."""
    found: tuple[Turn, ...] = ()
    pairs = [(one, other) for one, other in pairwise(history) if (one["role"], other["role"]) == ("user", "assistant")]
    for asked_, answered in pairs[-_TURNS:]:
        text, answer = question(asked_), _text(answered)
        try:
            text = reading.read(text, archive, None, found, dropped(answer)).question
        except ClippingsError:  # it was told so
            continue
        quoted = re.search(r"^> ", answer, re.MULTILINE)
        cited = re.findall(r"\(#p=([^.()]+)\.", answer) if quoted else ()
        found = (*found, Turn(text, tuple(dict.fromkeys(cited))))
    return found


def passage(citation: str, archive: Archive) -> str:
    """The HTML of the article that a citation's link names, the sentence marked where it is still that version of the article."""
    name, _, span = citation.partition(":")
    article_id, _, version = name.partition(".")
    try:
        article = archive.article(article_id)
        start, end = map(int, span.split("-"))
    except (ClippingsError, ValueError):
        return _GONE
    if article.sha256.startswith(version) and version:
        return render.article_html(article, start, end)
    return _CHANGED + render.article_html(article)


def noted(history: Messages, place: int, liked: object, archive: Archive) -> str:
    """Keep a thumb on the answer at a place of the conversation: True is up, False down, anything else takes it back. What was done.

    A ClippingsError where the archive would now answer otherwise: the thumb was on a quote that is no longer its answer.
    """
    earlier = turns(history[: place - 1], archive)
    answer = ask(question(history[place - 1]), archive, history=earlier, without=dropped(_text(history[place])))
    headline = render.answer(answer).split("\n\n")[: 1 + bool(answer.chips)]
    if not _text(history[place]).startswith("\n\n".join(headline)):
        raise ArchiveError("the archive has changed since this answer: ask again")
    feedback.record(archive, answer, liked if isinstance(liked, bool) else None)
    return "Kept with the archive." if isinstance(liked, bool) else "Taken back."
