"""What a reader says of an answer is kept, and comes back; tests/test_page.py has what the page says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index import Archive
from index.errors import ArchiveError
from qa import ask, feedback

Folder = Callable[[dict[str, str]], Path]

FERRY = "who confirmed nine deaths in the ferry"
CHESS = "who won the chess tournament in Oslo"


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"ferry.txt": "The ferry sank off Selwyn on Tuesday. Harbour master Ida Kell confirmed nine deaths. It rained."})])
    return archive


def test_a_thumb_comes_back_with_the_quote_that_it_was_on(small: Archive) -> None:
    """One JSON object a line, for its owner only; the quote is a slice of that version of the article."""
    answer = ask(FERRY, small)
    given = feedback.record(small, answer, True)
    assert feedback.read(small) == [given]
    assert (given.question, given.liked, given.outcome) == (FERRY, True, "answered")
    article = answer.quotes[0].article
    assert (given.article, given.sha256) == (article.path, article.sha256)
    assert article.text[given.start : given.end] == given.quote == answer.quotes[0].quote
    file = small.path / feedback.FILE
    assert json.loads(file.read_text())["id"] == given.id
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_thumb_on_no_answer_has_no_quote(small: Archive) -> None:
    """The question and the outcome are all there is."""
    given = feedback.record(small, ask(CHESS, small), False)
    assert (given.outcome, given.article, given.quote) == ("abstained", "", "")
    assert feedback.read(small) == [given]


def test_the_same_verdict_twice_is_one_fact_and_the_latest_verdict_stands(small: Archive) -> None:
    """Said again it keeps its id, so that nobody is asked about it again; taken back it is gone."""
    ferry, chess = ask(FERRY, small), ask(CHESS, small)
    first = feedback.record(small, ferry, True)
    other = feedback.record(small, chess, True)
    feedback.record(small, ferry, True)
    assert feedback.read(small) == [first, other]
    last = feedback.record(small, ferry, False)
    assert feedback.read(small) == [last, other]
    feedback.record(small, ferry, None)
    assert feedback.read(small) == [other]


def test_nothing_said_reads_as_nothing(small: Archive) -> None:
    """There is no file yet."""
    assert feedback.read(small) == []


@pytest.mark.parametrize(
    "line", ["{", "[1]", "7", '{"id": "x"}', '{"id": 1, "time": "", "question": "", "liked": true, "outcome": ""}', "\x00", b"\xff"]
)
def test_a_broken_line_is_named(small: Archive, line: str | bytes) -> None:
    """With its file and number; it is never passed over."""
    feedback.record(small, ask(FERRY, small), True)
    file = small.path / feedback.FILE
    file.write_bytes(file.read_bytes() + b"\n" + (line if isinstance(line, bytes) else line.encode()) + b"\n")
    with pytest.raises(ArchiveError, match=r"feedback\.jsonl:3: not a record of feedback"):
        feedback.read(small)


def test_a_write_that_was_cut_short_spoils_no_line_but_its_own(small: Archive) -> None:
    """The next record begins a line of its own."""
    file = small.path / feedback.FILE
    file.write_text('{"id": "cut sho')
    given = feedback.record(small, ask(FERRY, small), True)
    with pytest.raises(ArchiveError, match=r"jsonl:1: "):
        feedback.read(small)
    file.write_text(file.read_text().split("\n", 1)[1])
    assert feedback.read(small) == [given]


def test_hostile_text_stays_on_its_line(small: Archive) -> None:
    """Control characters, line separators and lone surrogates come back as they were."""
    hostile = "ferry \x1b[31m\x85 \u2028 \ud800 deaths"
    given = feedback.record(small, replace(ask("ferry deaths", small), question=hostile), False)
    assert (small.path / feedback.FILE).read_bytes().count(b"\n") == 1
    assert feedback.read(small) == [given]
