"""Drafts and feedback become questions that the loader takes, and nothing is written that nobody confirmed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval import drafts
from eval.dataset import Dataset, from_questions
from index import Archive
from index.errors import ArchiveError, UsageError
from qa import ask, feedback

Folder = Callable[[dict[str, str]], Path]
Typed = Callable[..., str]

FERRY = "who confirmed nine deaths in the ferry"
CHESS = "who won the chess tournament in Oslo"
KELL = "Harbour master Ida\nKell confirmed nine deaths."
TEXTS = {
    "dam.txt": "The dam cracked on Sunday. The valley was emptied at dawn. Nobody was hurt.",
    "ferry.txt": f"The ferry sank off Selwyn on Tuesday. {KELL} It rained.",
    "twice.txt": "It rained. It rained.",
}


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder(TEXTS)])
    return archive


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "questions.jsonl"


@pytest.fixture
def review(small: Archive, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Review with these lines typed, then the end of input; what was printed."""

    def typed(*lines: str) -> str:
        stdin = io.StringIO("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr("sys.stdin", stdin)
        drafts.review(small, file)
        assert stdin.read() == "", "more was typed than asked for"
        return capsys.readouterr().out

    return typed


def thumb(archive: Archive, question: str, liked: bool) -> feedback.Feedback:
    return feedback.record(archive, ask(question, archive), liked)


def lines(text: str) -> Iterator[dict[str, object]]:
    return map(json.loads, text.splitlines())


def loaded(file: Path, archive: Archive) -> Dataset:
    return from_questions(file, archive, "mine")


def names(archive: Archive, count: int) -> list[str]:
    return [one["evidence"][0]["article"].rpartition("/")[2] for one in lines(drafts.draft(archive, count))]


def test_a_draft_becomes_a_question_set_when_questions_are_written_into_it(small: Archive, file: Path) -> None:
    """Until then the loader names the line that is empty."""
    text = drafts.draft(small, 2)
    file.write_text(text)
    with pytest.raises(UsageError, match="question d001 is empty: write one, or delete the line"):
        loaded(file, small)
    file.write_text(text.replace('"question": ""', '"question": "who?"'))
    assert [question.id for question in loaded(file, small).questions] == ["d001", "d002"]


def test_a_drafted_quote_is_the_longest_sentence_that_stands_once(archive: Archive, folder: Folder) -> None:
    """Verbatim, line breaks and all; what stands twice, or runs to 300 characters, is no evidence; the passage is its context."""
    text = f"{KELL} Over the long night the rain never stopped at all. " * 2
    archive.add([folder({"a.txt": f"S{'o' * 300} it goes. {KELL}", "b.txt": text})])
    (one,) = lines(drafts.draft(archive, 9))
    assert list(one) == ["id", "question", "kind", "evidence", "passage"]
    assert one["evidence"][0]["quote"] == KELL
    assert KELL in one["passage"]


def test_passages_are_spread_evenly(archive: Archive, folder: Folder) -> None:
    """One an article before a second of the same, by path; the same each time."""
    long = " ".join(f"Number {number} was counted on the quay by the harbour master and his men before dawn." for number in range(30))
    archive.add([folder({f"{name}.txt": text for name, text in zip("abcd", [long, "It sank.", long, "It rose."], strict=True)})])
    assert names(archive, 2) == ["a.txt", "c.txt"]
    assert names(archive, 4) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert names(archive, 6) == ["a.txt", "a.txt", "b.txt", "c.txt", "c.txt", "d.txt"]
    drafted = list(lines(drafts.draft(archive, 6)))
    assert len({one["passage"] for one in drafted}) == 6
    assert drafts.draft(archive, 6) == drafts.draft(archive, 6)


def test_spread_by_hand() -> None:
    """No passage twice, none that there is not, and as many as there are."""
    assert drafts._spread([4, 1, 4], 2) == [[0], [0], []]
    assert drafts._spread([4, 1, 4], 5) == [[0, 2], [0], [0, 2]]
    assert drafts._spread([4, 1, 4], 99) == [[0, 1, 2, 3], [0], [0, 1, 2, 3]]


@pytest.mark.parametrize("count", [0, -3])
def test_no_passages_cannot_be_drafted(small: Archive, count: int) -> None:
    """It is told in one line."""
    with pytest.raises(UsageError, match=rf"^{count} passages cannot be drafted"):
        drafts.draft(small, count)


def test_an_empty_archive_gives_no_drafts(archive: Archive, folder: Folder) -> None:
    """It says what to do."""
    archive.add([folder({"a.pdf": "It sank."})])
    with pytest.raises(UsageError, match="no passages to draft from: add articles"):
        drafts.draft(archive, 3)


def test_fewer_passages_than_asked_for_is_said(small: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, away from the file."""
    assert len(drafts.draft(small, 50).splitlines()) == 2
    assert capsys.readouterr().err == "the archive has 2 passages with a sentence to quote, not 50\n"


def test_what_is_confirmed_is_loaded_as_it_was_said(small: Archive, file: Path, review: Typed) -> None:
    """A quote that answers, with the kind that was guessed; a question that the archive does not answer."""
    up, down = thumb(small, FERRY, True), thumb(small, CHESS, False)
    shown = review("y", "", "n")
    assert "[1 of 2] who confirmed nine deaths in the ferry" in shown
    assert "“Harbour master Ida Kell confirmed nine deaths.”" in shown
    assert "Kind [who]: " in shown
    assert shown.endswith("added 2, rejected 0, left 0\n")
    ferry, chess = loaded(file, small).questions
    assert (ferry.id, ferry.text, ferry.kind) == (f"f-{up.id}", FERRY, "who")
    (evidence,) = ferry.evidence
    assert small.article(evidence.article_id).text[evidence.start : evidence.end] == KELL
    assert (chess.id, chess.text, chess.answerable) == (f"f-{down.id}", CHESS, False)
    assert review().endswith("added 0, rejected 0, left 0\n")


def test_a_rejected_quote_is_not_asked_about_again_and_a_skipped_one_is(small: Archive, file: Path, review: Typed) -> None:
    """Nothing is written of either; saying the same again does not bring it back, changing one's mind does."""
    given = thumb(small, FERRY, True)
    assert review("s").endswith("added 0, rejected 0, left 1\n")
    assert review("n").endswith("added 0, rejected 1, left 0\n")
    assert (small.path / drafts.DECIDED).read_text() == f"{given.id}\n"
    thumb(small, FERRY, True)
    assert review().endswith("added 0, rejected 0, left 0\n")
    thumb(small, FERRY, False)
    assert review("q").endswith("added 0, rejected 0, left 1\n")
    assert not file.exists()


def test_a_pasted_quote_must_stand_once_in_one_article(small: Archive, file: Path, review: Typed) -> None:
    """White space apart; until it does it is asked for again. A kind is asked for where none is guessed."""
    thumb(small, "ferry Selwyn harbour", False)
    shown = review("x", "e", "It never stood.", "It rained.", "Harbour master  Ida Kell confirmed nine deaths.", "", "unanswerable", "toll")
    assert "Type n, e, s or q." in shown
    assert "No article has it" in shown
    assert "It stands 3 times in 2 articles: paste more of it." in shown
    assert "some other kind" in shown
    (question,) = loaded(file, small).questions
    assert question.kind == "toll"
    assert json.loads(file.read_text())["evidence"][0]["quote"] == KELL


def test_each_confirmed_question_is_written_before_the_next_is_asked(small: Archive, file: Path, review: Typed) -> None:
    """The end of input, whatever was being asked, is quitting; what was confirmed stays."""
    thumb(small, FERRY, True)
    thumb(small, CHESS, False)
    assert review("y").endswith("added 0, rejected 0, left 2\n")
    assert not file.exists()
    assert review("y", "who").endswith("added 1, rejected 0, left 1\n")
    assert len(loaded(file, small).questions) == 1


def test_a_thumb_up_for_no_answer_is_confirmed_as_unanswerable(small: Archive, file: Path, review: Typed) -> None:
    """There is no quote to ask about."""
    thumb(small, CHESS, True)
    assert "Does the archive answer it at all?" in review("n")
    assert not loaded(file, small).questions[0].answerable


def test_a_quote_that_changed_is_skipped_and_one_that_still_stands_is_not(
    small: Archive, folder: Folder, file: Path, review: Typed
) -> None:
    """Also one whose article is gone, or that stands twice by now; each is said, and left."""
    thumb(small, FERRY, True)
    home = folder({"ferry.txt": f"A first line. {KELL}"})
    small.add([home])
    assert review("s").endswith("left 1\n")
    small.add([folder({"ferry.txt": f"{KELL} {KELL}"})])
    assert "the quote stands 2 times in its article" in review()
    small.add([folder({"ferry.txt": "All of it was wrong."})])
    assert "that article has changed since" in review()
    (home / "ferry.txt").unlink()
    small.add([home])
    assert "no longer in the archive" in review()
    assert not file.exists()


def test_hostile_text_is_one_line_in_the_file_and_on_the_terminal(small: Archive, file: Path, review: Typed) -> None:
    """Control characters and line ends in a question, in a typed kind."""
    answer = replace(
        ask("who confirmed nine deaths in the ferry", small),
        question="who confirmed\x1b[31m nine\x85 deaths\ud800 in\u2028 the\x07 ferry",
    )
    feedback.record(small, answer, True)
    shown = review("y", "who\x1b[2J\u2028else")
    assert not {"\x1b", "\x07", "\x85", "\u2028", "\ud800"} & set(shown + file.read_text())
    assert file.read_text().count("\n") == 1
    assert loaded(file, small).questions[0].kind == "who[2J else"


def test_a_question_is_added_to_a_file_that_has_some(small: Archive, file: Path, review: Typed) -> None:
    """On a line of its own, where the last has no end."""
    file.write_text(json.dumps({"id": "mine", "question": "who won?", "kind": "unanswerable", "evidence": []}))
    thumb(small, CHESS, False)
    review("n")
    assert [question.text for question in loaded(file, small).questions] == ["who won?", CHESS]


def test_review_needs_a_file_that_it_can_read_and_write(small: Archive, tmp_path: Path, review: Typed) -> None:
    """Each fault is told in one line, and loses nothing."""
    thumb(small, CHESS, False)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n{")
    with pytest.raises(UsageError, match=r"broken\.jsonl:1: it has no id"):
        drafts.review(small, broken)
    with pytest.raises(ArchiveError, match="cannot be written"):
        review_into(small, tmp_path / "none" / "x.jsonl")
    assert review("s").endswith("left 1\n")


def review_into(archive: Archive, file: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.input", lambda _: "n")
        drafts.review(archive, file)
