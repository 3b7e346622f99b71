"""A file of questions: each answered once, kept as it comes, whatever stops it."""

from __future__ import annotations

import csv
import fcntl
import json
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from conftest import Run
from fakes import HashReader
from hypothesis import given
from hypothesis import strategies as st

from index import Archive, Filters, progress
from index.errors import ArchiveError, CorruptError, UsageError
from qa import batch
from qa.answer import Answer
from qa.batch import Answered
from qa.batch_files import given as given_in
from qa.batch_files import questions
from qa.exported import read
from qa.reading import KINDS
from qa.verify import verify

Folder = Callable[[dict[str, str]], Path]

ASKED = b"""id,question,since,outlet
q1,where was it the ferry sank,,
q2,"who won chess, in Oslo",,
q3,when the dam cracked,2014,courier
"""
ANY = Filters()
ENDINGS = [".csv", ".jsonl"]


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    dam = "---\noutlet: Courier\ndate: 2017-03-14\n---\nThe dam cracked on Sunday; it is “old”. The valley\nwas emptied at dawn."
    archive.add([folder({"ferry.txt": "The ferry sank near Selwyn. It rained.", "dam.txt": dam})])
    return archive


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that are really asked."""
    found: list[str] = []
    ask = batch.ask

    def counted(message: str, archive: Archive, filters: Filters, reader: str | None, without: Collection[str]) -> Answer:
        found.append(message)
        return ask(message, archive, filters, reader, without=without)

    monkeypatch.setattr(batch, "ask", counted)
    return found


def run_batch(archive: Archive, out: Path, data: bytes = ASKED, name: str = "q.csv", without: Collection[str] = ()) -> Answered:
    return batch.run(name, questions(name, data, ANY), archive, out, lambda stage, done, total: None, without=without)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_questions_is_answered(small: Archive, tmp_path: Path, ending: str) -> None:
    """In order, each with its id and filters; those without an answer are listed, and every quote verifies."""
    out = tmp_path / f"answers{ending}"
    result = run_batch(small, out)
    assert (result.answered, result.earlier, result.rejected) == (2, 0, [])
    assert [(row.id, reason) for row, reason in result.without] == [("q2", "no article has the words “won”, “chess”, “Oslo”")]
    if ending == ".csv":
        assert out.read_bytes().startswith('\ufeff"id","limits","reader","made"'.encode())  # without the mark a spreadsheet misreads it
        lines = list(csv.DictReader(out.read_text("utf-8-sig").splitlines(keepends=True)))
        found = [(line["id"], line["limits"], line["question"], line["outcome"]) for line in lines if line["number"] in ("", "1")]
    else:
        records = [json.loads(line) for line in out.read_text().splitlines()]
        found = [(one["id"], one["limits"], one["question"], one["outcome"]) for one in records]
    assert found == [
        ("q1", "", "where was it the ferry sank", "answered"),
        ("q2", "", "who won chess, in Oslo", "abstained"),
        ("q3", "from courier, since 2014-01-01", "when the dam cracked", "answered"),
    ]
    quotes = read(out.name, out.read_bytes())
    assert [quote.text for quote in quotes if quote.number == 1] == [
        "The ferry sank near Selwyn.",
        "The dam cracked on Sunday; it is “old”.",
    ]
    assert {verdict.outcome for verdict in verify(quotes, small)} == {"verbatim"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_answer_has_its_reader(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """By name; a question that it does not take is read by none."""
    hashed(monkeypatch)
    out = tmp_path / f"answers{ending}"
    run_batch(small, out, b"the dam\nthe dam!\n", "q.txt")
    found = [(one["question"], one["reader"]) for one in answers(out)]
    assert list(dict.fromkeys(found)) == [("the dam", "hash"), ("the dam!", "none")]


def hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another reader for all that follows."""
    for home in ("qa.reader", "qa.assistant", "qa.batch"):
        monkeypatch.setattr(f"{home}.named", lambda name: HashReader())


def answers(out: Path) -> list[dict[str, str]]:
    """The rows of a file of answers."""
    text = out.read_text("utf-8-sig").splitlines(keepends=True)
    return list(csv.DictReader(text)) if out.suffix == ".csv" else list(map(json.loads, text))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", ["reader", "chips", "archive"])
def test_what_was_made_otherwise_is_not_gone_on_with(
    small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], what: str, ending: str
) -> None:
    """By another reader, with other chips dropped, or over the archive as it was: one line says so, and not a byte is written."""
    out = tmp_path / f"answers{ending}"
    run_batch(small, out)
    before = out.read_bytes()
    asked.clear()
    if what == "reader":
        hashed(monkeypatch)
    elif what == "archive":
        (tmp_path / "new.txt").write_text("Magnus won in Oslo, at chess.")
        small.add([tmp_path / "new.txt"])
    with pytest.raises(
        UsageError, match=r"^[^\n]*answers\S+: has answers made with reader none; archive [^\n]*: nothing is asked; name another"
    ):
        run_batch(small, out, without=KINDS if what == "chips" else ())
    assert (asked, out.read_bytes()) == ([], before)


def test_an_archive_that_changes_meanwhile_is_told_of_each_answer(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on, and no other goes on with its file."""
    ask, out = batch.ask, tmp_path / "a.jsonl"

    def meanwhile(message: str, archive: Archive, filters: Filters, reader: str | None, without: Collection[str]) -> Answer:
        answer = ask(message, archive, filters, reader, without=without)
        if "chess" in message:
            (tmp_path / "new.txt").write_text("The dam cracked at noon.")
            archive.add([tmp_path / "new.txt"])
        return answer

    monkeypatch.setattr(batch, "ask", meanwhile)
    run_batch(small, out)
    first, second, third = (one["made"] for one in answers(out))
    assert first == second != third == f"reader none; archive {small.status()['digest']}"
    with pytest.raises(UsageError, match=f"made with {first}, not with {third}"):
        run_batch(small, out)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"question": ["it sank"]}, 'its question is not text: ["it sank"]'),
        ({"question": 5}, "its question is not text: 5"),
        ({"question": "it sank", "outlet": ["Courier"]}, 'its outlet is not text: ["Courier"]'),
        ({"question": "it sank", "id": True}, "its id is not text: true"),
        ({"question": "it sank", "since": 2014.5}, "its since is not text: 2014.5"),
    ],
)
def test_what_is_no_text_is_no_question(fields: dict[str, object], says: str) -> None:
    """Nor is it an id, an outlet or a date; a number may be an id, or a year."""
    good = {"question": "it sank", "id": 3, "since": 2014, "until": None}
    found = questions("q.jsonl", f"{json.dumps(good)}\n{json.dumps(fields)}\n".encode(), ANY)
    assert [(row.id, row.filters.since) for row in found.rows] == [("3", "2014-01-01")]
    assert [str(error) for error in found.rejected] == [f"q.jsonl:2: {says}"]


def test_plain_reads_no_filters_from_the_questions(run: Run, folder: Folder, tmp_path: Path) -> None:
    """As it does for a single one."""
    run("add", str(folder({"a.txt": "---\ndate: 2013-02-01\n---\nThe ferry sank.", "b.txt": "---\ndate: 2015-02-01\n---\nIt rained."})))
    (tmp_path / "q.txt").write_text("the ferry since 2014\n")
    for out, arguments, dropped in (("a.jsonl", [], False), ("b.jsonl", ["--plain"], True)):
        run("ask", "--batch", "q.txt", "--out", out, *arguments)
        (chip,) = json.loads((tmp_path / out).read_text())["chips"]
        assert chip["dropped"] is dropped


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_asked_twice(small: Archive, tmp_path: Path, asked: list[str], ending: str) -> None:
    """A second run asks what is new, and answers that are there stay to the byte; those without one are still listed."""
    out = tmp_path / f"answers{ending}"
    run_batch(small, out)
    before = out.read_bytes()
    asked.clear()
    result = run_batch(small, out)
    assert (asked, result.earlier, result.answered, len(result.without)) == ([], 3, 2, 1)
    assert out.read_bytes() == before
    result = run_batch(small, out, ASKED.replace(b"q1,", b"q4,it rained,,\nq1,"))
    assert (asked, result.earlier) == (["it rained"], 3)
    assert out.read_bytes().startswith(before)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kill_in_the_middle_of_a_line_costs_that_answer_alone(small: Archive, tmp_path: Path, asked: list[str], ending: str) -> None:
    """Wherever the file was cut short, the next run makes it what it would have been."""
    out = tmp_path / f"answers{ending}"
    run_batch(small, out)
    whole = out.read_bytes()
    ends = [len(whole[: given_in(out.name, whole[:cut]).whole]) for cut in range(len(whole) + 1)]
    assert len(set(ends)) == (5 if ending == ".csv" else 4)  # nothing, the header, and after each answer
    near = {max(end + step, 0) for end in ends for step in (-2, -1, 0, 1)}
    for cut in sorted({*range(0, len(whole), 97), *near} & set(range(len(whole) + 1))):
        out.write_bytes(whole[:cut])
        asked.clear()
        run_batch(small, out)
        assert out.read_bytes() == whole
        assert len(asked) == 3 - len(given_in(out.name, whole[:cut]).reasons)


def test_an_interrupt_says_what_is_kept(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """Each answer is on the disk before the next is asked."""
    out = tmp_path / "answers.csv"
    ask = batch.ask

    def interrupted(message: str, archive: Archive, filters: Filters, reader: str | None, without: Collection[str]) -> Answer:
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ask(message, archive, filters, reader, without=without)

    monkeypatch.setattr(batch, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"2 answers are kept in .*answers\.csv, and the next run goes on from there"):
        run_batch(small, out)
    monkeypatch.setattr(batch, "ask", ask)
    asked.clear()
    assert run_batch(small, out).earlier == 2
    assert asked == ["when the dam cracked"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("q.csv", "id;question\nq1;Where's “it”, sank?\n\n;rained\n".encode()),
        ("q.csv", "Id\tQuestion\nq1\tWhere's “it”, sank?\n\trained".encode("utf-16")),
        ("q.jsonl", '{"id": "q1", "question": "Where\'s “it”, sank?"}\n\n{"question": "rained"}\n'.encode()),
    ],
)
def test_questions_come_in_what_people_have(name: str, data: bytes) -> None:
    """Delimiters and encodings of spreadsheets; JSON lines."""
    found = questions(name, data, ANY)
    assert [(row.id, row.question) for row in found.rows] == [("q1", "Where's “it”, sank?"), ("", "rained")]
    assert found.rejected == []


def test_a_text_has_a_question_on_a_line() -> None:
    """The filters of the command hold for those that have none of their own."""
    limits = Filters(("Courier",), "2014-01-01", "2014-12-31")
    assert [(row.line, row.question, row.filters) for row in questions("q.txt", b"it sank\n\nit rained\n", limits).rows] == [
        (1, "it sank", limits),
        (3, "it rained", limits),
    ]
    (row,) = questions("q.csv", b"question,until,outlet\nit sank,2014-06,Ledger", limits).rows
    assert row.filters == Filters(("Ledger",), "2014-01-01", "2014-06-30")


BAD = """id,question,since,outlet
a,it sank,,
b,?!,,
c,it sank,June,
d,who said, in 2014, so,
a,it rained,,
e,it rained,,Nowhere
f,it sank,,
f,it sank,,
g,it "sank" "so,,
h,"it rained"x,,
"""


def test_a_bad_row_is_named_and_the_rest_goes_on(small: Archive, tmp_path: Path) -> None:
    """With its line and what is wrong with it; the same row twice is one question."""
    found = questions("q.csv", BAD.encode(), ANY)
    assert found.repeated == 1
    result = batch.run("q.csv", found, small, tmp_path / "a.jsonl", lambda stage, done, total: None)
    said = [str(error).split(":", 2)[1:] for error in result.rejected]
    assert [line for line, _ in said] == ["3", "4", "5", "6", "11", "7"]
    for (_, reason), part in zip(
        said,
        ["is empty", "'June': not a date", "put quotes", "stands on line 2 too", "not a row of CSV", "no article is from"],
        strict=False,
    ):
        assert part in reason
    assert [json.loads(line)["id"] for line in (tmp_path / "a.jsonl").read_text().splitlines()] == ["a", "f", "g"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("q.doc", b"x", "q.doc: not a file of questions: its name ends in .csv, .jsonl, .txt"),
        ("q.csv", b"id,text\n1,x", "q.csv: its header lacks some of the columns question: id,text"),
        ("q.txt", b"\n\n", "q.txt: no questions in it"),
        ("q.txt", b"\x00\x00\x00", "q.txt: not a text file"),
    ],
)
def test_what_is_no_file_of_questions_is_said(name: str, data: bytes, says: str) -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"^[^\n]+$") as error:
        questions(name, data, ANY)
    assert str(error.value).startswith(says)


@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), ending=st.sampled_from([".csv", ".jsonl", ".txt"]))
def test_no_file_of_questions_makes_it_fail(data: bytes, ending: str) -> None:
    """Whatever stands in it: questions that can be asked, rows that cannot, or a clear error; and so for files to go on with."""
    for content in (data, b"question\n" + data):
        try:
            found = questions(f"q{ending}", content, ANY)
            assert all(row.question == " ".join(row.question.split()) != "" for row in found.rows)
        except UsageError as error:
            assert str(error)  # noqa: PT017
    try:
        assert given_in(f"a{ending}", data).whole <= len(data)
    except UsageError as error:
        assert "nothing is overwritten" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"my,own\ntable,1\n"),
        ("a.csv", b"x"),
        ("a.csv", b'\xef\xbb\xbf"id","limits"\n'),
        ("a.jsonl", b"my own"),
        ("a.jsonl", b'{"my": "own"}\n'),
        ("a.jsonl", b"[]\n"),
        ("a.jsonl", b"\xff\n"),
    ],
)
def test_somebody_elses_file_is_left_alone(small: Archive, tmp_path: Path, name: str, data: bytes) -> None:
    """Whatever it is, not a byte of it is cut off."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match="nothing is overwritten: name another with --out"):
        run_batch(small, tmp_path / name)
    assert (tmp_path / name).read_bytes() == data


def test_two_runs_do_not_write_one_file(small: Archive, tmp_path: Path) -> None:
    """The second is refused."""
    with (tmp_path / "a.csv").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another process is writing answers to it"):
            run_batch(small, tmp_path / "a.csv")


def test_a_broken_archive_is_no_bad_row(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the run; and where there is no archive, no file is made."""

    def broken(*_: object, **__: object) -> Answer:
        raise CorruptError("damaged")

    monkeypatch.setattr(batch, "ask", broken)
    with pytest.raises(CorruptError):
        run_batch(small, tmp_path / "a.csv")
    with pytest.raises(ArchiveError, match="no archive"):
        run_batch(Archive(tmp_path / "none"), tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


def test_a_full_disk_keeps_the_answers_before(small: Archive) -> None:
    """And says so in one line."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with full.open("ab", buffering=0) as file, pytest.raises(UsageError, match=r"cannot be written \(No space left on device\)"):
        batch._append(full, file, b"x")


def test_the_command(run: Run, folder: Folder, tmp_path: Path) -> None:
    """A line for each question without an answer, counts, and the bad rows on stderr with exit code 1."""
    run("add", str(folder({"a.txt": "The ferry sank near Selwyn. It rained."})))
    (tmp_path / "q.csv").write_text("id,question\nq1,where was it the ferry sank\nq2,chess in Oslo\nq3,?\n")
    code, out, err = run("ask", "--batch", "q.csv", "--out", "a.csv")
    assert out == (
        "without an answer: q2 chess in Oslo: no article has the words “chess”, “Oslo”\n"
        "questions 3, answered 1, without an answer 1, not asked 1\n"
    )
    assert (code, err) == (1, "not asked: q.csv:4: the question is empty: type a few words\n")
    code, out, _ = run("ask", "--batch", "q.csv", "--out", "a.csv", "--json")
    assert (code, json.loads(out)["counts"]["answered earlier"], json.loads(out)["without_an_answer"][0]["id"]) == (1, 2, "q2")
    assert run("verify", "a.csv")[0] == 0


def test_how_far_it_is_stands_on_stderr(run: Run, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while adding."""
    run("add", str(folder({"a.txt": "The ferry sank near Selwyn."})))
    (tmp_path / "q.txt").write_text("the ferry sank\nchess\nferry\n")
    monkeypatch.setattr(progress, "_PAUSE", 0.0)
    err = run("ask", "--batch", "q.txt", "--out", "a.jsonl")[2]
    assert "asking 2 of 3 questions" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ferry", "--out", "a.csv"], "leave out a question, --format and --explain"),
        (["--out", "a.csv", "--format", "csv"], "leave out a question, --format and --explain"),
        ([], "writes to --out FILE"),
        (["--out", "a.csv", "--explain"], "leave out a question, --format and --explain"),
        (["--out", "a.md"], "a.md: answers are written to a .csv or a .jsonl file: name one with --out"),
        (["--out", "none/a.csv"], "none/a.csv: cannot be written (No such file or directory): name another file with --out"),
        (["--out", "a.csv", "--archive", "none"], "no archive at none"),
    ],
)
def test_bad_use_gets_one_line(run: Run, folder: Folder, tmp_path: Path, arguments: list[str], says: str) -> None:
    """And writes nothing."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    (tmp_path / "q.txt").write_text("ferry\n")
    code, out, err = run("ask", "--batch", "q.txt", *arguments)
    assert (code, out, err.count("\n"), says in err) == (2, "", 1, True)
    assert not (tmp_path / "a.csv").exists()
