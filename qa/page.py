"""What the page shows beside the conversation, and what it takes along or keeps of it. It knows nothing of gradio.

A quote comes back from the page as the name of its span (`qa.citation.span_id`), so that what is copied or kept is a slice of the article
as it is in the archive, and is what the reader saw: of another version of the article there is no quote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from typing import Any

from index.archive import Archive
from index.articles import absolute, without_folder
from index.clean import one_line
from index.errors import ArchiveError, ClippingsError, QuestionError, UsageError
from index.query import MAX_QUERY, matched_terms
from index.records import Article, Why
from index.sentences import touching
from qa import feedback, render
from qa.answer import Answer, Searched
from qa.assistant import QUOTES
from qa.citation import Citation, Copy, version
from qa.disputes import differences
from qa.export import FORMATS, plain
from qa.question import on_one_line, topic
from qa.recent import ask
from qa.said import speech_for

# Shown on the empty page where the archive answers them; newest headlines fill the places of those that it does not.
_PROMPTS = (
    "who confirmed Iranian operatives in Iraq",
    "when did the strike on the Sarn Valley railway end",
    "why did the governor of the Bank of Ostrany resign",
    "what did Thessen tell parliament about the soldiers",
)
_NEWEST = 6
# Answers in one file.
_ANSWERS = 500
# Quotes and copies of them that are looked up for one file, and the quotes that are shown at once.
_NAMES = 10_000
_CARDS = 20
# What the page calls the options that limit a question.
_OPTIONS = {"--outlet": "the outlet", "--since": "the first day", "--until": "the last day"}
_CHANGED = "this article has changed since it was quoted"
_GONE = "<p class='empty'>That article is no longer in the archive.</p>"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as the page has it: its question, why there is none, the names of its quotes and of what else prints each, and what was
    searched.
    """

    question: str
    reason: str
    quotes: Sequence[str]
    copies: Mapping[str, Sequence[str]]
    articles: int
    limits: str
    held: str
    undated: int


def told(sent: Any) -> list[Told]:
    """Answers as the browser sends them; a UsageError where it is something else."""
    try:
        answers = [_told(one) for one in sent]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise UsageError("those are no answers of this page") from error
    if any(len(one.quotes) > QUOTES for one in answers):
        raise UsageError(f"an answer has at most {QUOTES} quotes")
    if sum(len(one.quotes) + sum(map(len, one.copies.values())) for one in answers) > _NAMES:
        raise UsageError(f"those are more than {_NAMES:,} quotes and copies of them")
    return answers


def _told(one: Any) -> Told:
    question, reason, limits, held = (str(one[name]) for name in ("question", "reason", "limits", "held"))
    copies = {str(quote): list(map(str, names)) for quote, names in dict(one["copies"]).items()}
    articles, undated = int(one["articles"]), int(one["undated"])
    return Told(question[: 2 * MAX_QUERY], reason, list(map(str, one["quotes"])), copies, articles, limits, held, undated)


def plainly(error: ClippingsError, archive: Archive) -> str:
    """What is wrong, without a path of the server or an option of the command line."""
    text = re.sub(f"{_named(absolute(archive.folder))}|{_named(archive.path)}", "the archive", str(error))
    if f"another process ({os.getpid()})" in text:
        return "files are being added to the archive now: try again when that is done"
    return reduce(lambda said, option: said.replace(*option), _OPTIONS.items(), text)


def _named(place: object) -> str:
    """Where a message names a place: no part of another name, and one that may be a word only where a path goes on after it."""
    path = str(place)
    begins, ends = "" if path.startswith("/") else r"(?<![\w./-])", r"(?![\w-]|\.\w)" if "/" in path else "(?=/)"
    return f"{begins}{re.escape(path)}{ends}"


def masthead(archive: Archive) -> str:
    """The head of the page, with what the archive holds now."""
    return render.masthead(archive.census())


def start(archive: Archive) -> str:
    """What stands beside an empty conversation: the newest articles, to be read."""
    newest = archive.newest(_NEWEST)
    if not newest:
        return "<h2>The archive is empty</h2><p class='empty'>Add articles to it: what they say can be asked at once.</p>"
    return f"<h2>Newest in the archive</h2>{render.article_links(newest)}"


def prompts(archive: Archive) -> list[str]:
    """Up to four things to ask that this archive answers: questions of the sample's, then its newest headlines."""
    offered = (*_PROMPTS, *(article.title for article in archive.newest(2 * len(_PROMPTS))))
    return list(islice((prompt for prompt in dict.fromkeys(offered) if _is_answered(prompt, archive)), len(_PROMPTS)))


def _is_answered(prompt: str, archive: Archive) -> bool:
    try:
        return bool(ask(prompt, archive).quotes)
    except QuestionError:  # a headline without a word
        return False


def passage(name: str, archive: Archive) -> str:
    """The HTML of the article of a span, the span marked where it is still that version of the article."""
    try:
        article, start, end = _span(name, archive)
    except ArchiveError:
        return _GONE
    if _is_version(name, article):
        return render.article_html(article, start, end)
    return f"<p class='empty'>{_CHANGED.capitalize()}, so nothing is marked.</p>{render.article_html(article)}"


def sources(names: Sequence[str], archive: Archive, question: str = "") -> str:
    """The HTML of the quotes of those names, numbered from 1, without those whose article has changed; the words of `question` marked.

    A line where they are too many.
    """
    if len(names) > _CARDS:
        return "<p class='empty'>No answer has so many quotes.</p>"
    words = topic(question[:MAX_QUERY])
    cited = [replace(one, why=replace(one.why, terms=matched_terms(words, one.quote))) for one in _unchanged(names, archive)]
    return render.source_cards(cited) if cited else start(archive)


def citation(name: str, archive: Archive, number: int = 1) -> Citation:
    """The quote of that name; an ArchiveError where its article is gone or has changed, or it is none."""
    article, start, end = _span(name, archive)
    if not _is_version(name, article):
        raise ArchiveError(f"{_CHANGED}: ask again")
    if not 0 <= start < end <= len(article.text):
        raise ArchiveError("nothing stands there")
    return Citation(number, article, start, end, article.text[start:end], Why(None, None, ()))


def _span(name: str, archive: Archive) -> tuple[Article, int, int]:
    named, _, span = name.partition(":")
    try:
        start, end = map(int, span.split("-"))
        return archive.article(named.partition(".")[0]), start, end
    except ValueError as error:
        raise ArchiveError("that is not the name of a quote") from error


def _is_version(name: str, article: Article) -> bool:
    return name.partition(":")[0] == version(article)


def exported(answers: Sequence[Told], form: str, archive: Archive) -> str:
    """Answers as `footnote` or `markdown` (`qa.export`); one without a question is its quotes alone.

    A note takes the place of an answer whose quote has changed; where that is the only answer, it is an ArchiveError.
    """
    return "\n".join(_exported(told, form, archive, alone=len(answers) == 1) for told in answers[:_ANSWERS]).lstrip("\n")


def _exported(told: Told, form: str, archive: Archive, alone: bool) -> str:
    question = one_line(told.question)
    try:
        return FORMATS[form](_answer(told, archive))
    except ArchiveError as error:
        if alone:
            raise ArchiveError(f"“{question}”: {error}") from error
        left_out = f"Left out: {error}."
        return f"## {plain(question)}\n\n{plain(left_out)}\n" if form == "markdown" else f"{question}\n\n{left_out}\n"


def _answer(told: Told, archive: Archive) -> Answer:
    quotes = tuple(_quoted(name, number, told, archive) for number, name in enumerate(told.quotes, start=1))
    searched = Searched(told.articles, 0, {}, told.undated, told.limits, held=told.held)
    return Answer(told.question, told.reason, quotes, (), searched, 0.0, differ=differences(quotes, told.question))


def _quoted(name: str, number: int, told: Told, archive: Archive) -> Citation:
    """A quote with who says it and where else it still stands; its file by name alone."""
    quote, also = citation(name, archive, number), _unchanged(told.copies.get(name, ()), archive)
    return replace(
        quote,
        article=replace(quote.article, path=without_folder(quote.article.path)),
        also=tuple(Copy(one.article, one.start, one.end) for one in also),
        speech=speech_for(told.question, quote.article.text, quote.start, quote.end),
    )


def _unchanged(names: Sequence[str], archive: Archive) -> list[Citation]:
    """The quotes of those names, without those whose article is gone or has changed."""
    found = []
    for number, name in enumerate(names, start=1):
        with suppress(ArchiveError):
            found.append(citation(name, archive, number))
    return found


def noted(question: str, headline: str, right: str, liked: bool | None, archive: Archive) -> str:
    """Keep a thumb, on the headline of an answer or on another span of an article, which is taken to whole sentences. What was done.

    `headline` is "" where the archive does not say, `right` where the thumb is on the headline; None takes a thumb back. A ClippingsError
    where it cannot be kept.
    """
    quotes = (citation(headline, archive),) if headline else ()
    answer = Answer(on_one_line(question), "", quotes, (), Searched(0, 0, {}), 0.0)
    given = feedback.record(archive, answer, liked, _whole(citation(right, archive)) if right else None)
    said = "Kept with the archive" if liked is not None else "Taken back"
    return f"{said}: “{one_line(given.quote)}”" if right else f"{said}."


def _whole(quote: Citation) -> Citation:
    """A quote drawn out to the sentences that it touches."""
    touched = touching(quote.article.text, quote.start, quote.end)
    if not touched:
        raise ArchiveError("there is no sentence there")
    start, end = touched[0][0], touched[-1][1]
    return Citation(quote.number, quote.article, start, end, quote.article.text[start:end], quote.why)
