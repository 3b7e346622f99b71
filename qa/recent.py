"""Answers that were given lately, for a server: the same question of the same commit is answered once.

A chat asks again for a thumb, a page offers its prompts to everyone, and a newsroom asks the same of the story of the day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from weakref import WeakKeyDictionary

from index.archive import Archive
from index.engine import Snapshot
from index.records import Filters
from qa import assistant
from qa.answer import Answer
from qa.followup import Turn

# Answers that are kept, and the characters that the articles of one may have: some 20 MB of newspaper articles.
_KEPT, _SHORT = 500, 200_000

# By commit: when another is opened, nothing holds the old one any more, and its answers go with it.
_given: WeakKeyDictionary[Snapshot, dict[object, tuple[Answer, ...]]] = WeakKeyDictionary()


def ask(
    message: str, archive: Archive, filters: Filters | None = None, history: Sequence[Turn] = (), without: Collection[str] = ()
) -> Answer:
    """As `assistant.ask` with the default reader."""
    *_, answer = answering(message, archive, filters, history, without)
    return answer


def answering(
    message: str, archive: Archive, filters: Filters | None = None, history: Sequence[Turn] = (), without: Collection[str] = ()
) -> Iterator[Answer]:
    """As `assistant.answering` with the default reader."""
    with archive.snapshot() as commit:
        given = {} if commit is None else _given.setdefault(commit, {})
    asked = (message, filters or Filters(), tuple(history), frozenset(without), date.today())  # a date in a question is read by the day's
    if asked in given:
        yield from given[asked]
        return
    steps = []
    for answer in assistant.answering(message, archive, filters, history=history, without=without):
        steps.append(answer)
        yield answer
    if len(given) >= _KEPT:
        given.clear()
    if sum(len(quote.article.text) for quote in (*answer.quotes, *answer.nearest)) <= _SHORT:
        given[asked] = tuple(steps)
