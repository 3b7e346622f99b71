"""The query of a search: what it may be, and its words that are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from index import bm25
from index.errors import QuestionError

MAX_QUERY = 2000


def check_query(query: str) -> None:
    """A QuestionError where a query has no word, more characters than anyone types, or some that are not text."""
    try:
        query.encode()
    except UnicodeEncodeError as error:  # half of a pair of UTF-16, or a byte of a command line in another encoding
        raise QuestionError(f"the question is not UTF-8 text at character {error.start + 1:,}: type it again") from error
    if not bm25.words(query):
        raise QuestionError("the question is empty: type a few words")
    if len(query) > MAX_QUERY:
        raise QuestionError(f"the question has {len(query):,} characters: at most {MAX_QUERY:,}, so ask for one thing")


def matched_terms(query: str, text: str) -> tuple[str, ...]:
    """The words of `query`, as typed, whose index tokens stand in `text`."""
    found = set(bm25.tokens(text))
    return tuple(word for word in asked_for(query) if bm25.stem(word) in found)


def places(terms: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    """Where the words of `text` stand, in order, that have the index token of one of `terms`."""
    wanted, end = set(map(bm25.stem, terms)), 0
    for word in bm25.words(text):
        start = text.index(word, end)  # between two words there is no letter and no digit
        end = start + len(word)
        if bm25.stem(word) in wanted:
            yield start, end


def asked_for(query: str) -> dict[str, None]:
    """The words of a query that are looked for, each once, as typed."""
    return dict.fromkeys(word for word in bm25.words(query) if word.casefold() not in bm25.STOP_WORDS)
