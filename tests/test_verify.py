"""Weeks later: which exported quotes still stand, which moved, which are gone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import Archive, Article
from index.errors import UsageError
from index.records import Why
from qa import commands, export
from qa.answer import Answer, Searched
from qa.citation import Citation, digest
from qa.exported import Quoted, read
from qa.verify import verify

Folder = Callable[[dict[str, str]], Path]

FERRY = "The ferry sank off Selwyn on Tuesday. Harbour master Ida Kell confirmed nine deaths. It rained."
CHANGED = (
    "Correction: the toll has changed. The ferry sank off Selwyn on Tuesday. Harbour master Ida Kell confirmed eleven deaths. It rained."
)
SANK, KELL = "The ferry sank off Selwyn on Tuesday.", "Harbour master Ida Kell confirmed nine deaths."
FORMATS = [("json", ".json"), ("csv", ".csv"), ("markdown", ".md"), ("footnote", ".txt")]


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"ferry.txt": FERRY, "dam.txt": "The dam cracked."})])
    return archive


def article(archive: Archive, name: str = "ferry.txt") -> Article:
    return next(one for one in archive.articles() if one.path.endswith(name))


def answer(source: Article, *sentences: str) -> Answer:
    spans = [(source.text.index(sentence), sentence) for sentence in sentences]
    quotes = [Citation(place, source, start, start + len(one), one, Why(1, 1, ())) for place, (start, one) in enumerate(spans, 1)]
    return Answer("who died", "", tuple(quotes), (), Searched(1, 1, {}), 0.9)


def exported(source: Article, *sentences: str, form: str = "json", ending: str = ".json") -> list[Quoted]:
    return read(f"a{ending}", export.FORMATS[form](answer(source, *sentences)).encode())


@pytest.mark.parametrize(("form", "ending"), FORMATS)
def test_verify_names_the_quote_that_moved_and_the_one_that_is_gone(small: Archive, folder: Folder, form: str, ending: str) -> None:
    """Of an answer that was exported before its article changed: where the one is now, and what stands there instead of the other."""
    quotes = exported(article(small), SANK, KELL, form=form, ending=ending)
    assert [verdict.outcome for verdict in verify(quotes, small)] == ["verbatim", "verbatim"]
    small.add([folder({"ferry.txt": CHANGED})])
    moved, gone = verify(quotes, small)
    assert (moved.quote.number, moved.outcome, moved.start, moved.end) == (1, "moved", 34, 34 + len(SANK))
    assert (moved.quote.start, moved.quote.end) == (0, len(SANK))
    assert (gone.quote.number, gone.outcome, gone.now) == (2, "gone", "Harbour master Ida Kell confirmed eleven deaths.")
    assert CHANGED[gone.start : gone.end] == gone.now


@pytest.mark.parametrize(("form", "ending"), FORMATS)
@pytest.mark.parametrize(
    ("before", "after"),
    [("It rained.", "It snowed."), ("Courier", "Gazette"), ("2017-03-14", "2017-03-15"), ("Ferry sinks", "Ferry saved")],
)
def test_a_quote_that_stands_in_an_article_that_changed_says_so(
    small: Archive, folder: Folder, form: str, ending: str, before: str, after: str
) -> None:
    """In its other sentences, its outlet, date or title; the quote is verbatim still."""
    kell = f"---\ntitle: Ferry sinks\noutlet: Courier\ndate: 2017-03-14\n---\n{FERRY}"
    small.add([folder({"kell.txt": kell})])
    quotes = exported(article(small, "kell.txt"), KELL, form=form, ending=ending)
    (same,) = verify(quotes, small)
    assert (same.outcome, same.changed, commands.verdict_line(same).endswith(", characters 38 to 84")) == ("verbatim", False, True)
    small.add([folder({"kell.txt": kell.replace(before, after)})])
    (verdict,) = verify(quotes, small)
    assert (verdict.outcome, verdict.changed) == ("verbatim", True)
    assert commands.verdict_line(verdict).endswith(", characters 38 to 84; its article has changed since")


def test_an_article_that_is_known_by_another_date_has_changed(small: Archive) -> None:
    """Also where its bytes are the same, as after a release that reads more of them."""
    source = article(small)
    (quote,) = exported(replace(source, published="2017-03-14"), KELL)
    assert [(one.outcome, one.changed) for one in verify([quote], small)] == [("verbatim", True)]


def test_footnotes_may_be_part_of_somebodys_notes(small: Archive, folder: Folder) -> None:
    """Written around, with another editor's line ends; a quote of several lines, with marks at their ends, is put together again."""
    spoken = "“It sank,” she said. “Nine died.”\n\nThat is “all”\nof it, says page [2] “below”."
    text = "---\ntitle: “Ferry”\noutlet: Courier, “late”\nurl: https://c.test/k#top\n---\n" + spoken
    small.add([folder({"spoken.txt": text})])
    source = article(small, "spoken.txt")
    both = [export.footnotes(answer(source, one)) for one in (spoken, spoken[:20])]
    notes = f"Mine.\n\n{both[0]}\n[1] “Somebody said so.”\n    Gazette\n\n{both[1]}\nThe SHA-256 is theirs.\n"
    for changed in (notes, notes.replace("\n", "\r\n"), f"\ufeff{notes}"):
        quotes = read("notes.txt", changed.encode())
        assert [(quote.number, quote.text) for quote in quotes] == [(1, spoken), (1, spoken[:20])]
        assert [verdict.outcome for verdict in verify(quotes, small)] == ["verbatim", "verbatim"]
    for before, after in (
        ("k#top\n", "k#top, 2017-03-14\n"),
        (", https://c.test/k#top\n", ", 2017-03-14\n"),
        ("    of it", "   of it"),
        ("    That is", "    That was"),
        (", SHA", ", sha"),
    ):
        assert before in notes
        assert verify(read("a.txt", notes.replace(before, after).encode()), small)[0].outcome == "altered"


def test_a_quote_without_a_successor_has_what_stands_in_its_place(small: Archive, folder: Folder) -> None:
    """Which may be nothing."""
    quotes = exported(article(small), SANK, "It rained.")
    small.add([folder({"ferry.txt": "Nobody knows. The story was withdrawn by us."})])
    first, last = verify(quotes, small)
    assert (first.outcome, first.now) == ("gone", "Nobody knows. The story was withdrawn by us.")
    assert (last.outcome, last.now) == ("gone", "")


def test_of_several_places_the_nearest_is_where_it_moved(small: Archive, folder: Folder) -> None:
    """Before or after the old one."""
    quotes = exported(article(small), "It rained.")
    assert quotes[0].start == 85
    small.add([folder({"ferry.txt": "It rained. " * 12})])
    assert verify(quotes, small)[0].start == 88
    small.add([folder({"ferry.txt": "Yes. It rained."})])
    assert verify(quotes, small)[0].start == 5


def test_an_article_that_left_the_archive_is_missing(small: Archive, folder: Folder) -> None:
    """Whatever other articles say."""
    quotes = exported(article(small), SANK)
    small.remove([folder({}) / "ferry.txt"])
    assert [(verdict.outcome, verdict.path) for verdict in verify(quotes, small)] == [("missing", "")]


def test_a_renamed_article_is_found_by_its_bytes(small: Archive, folder: Folder) -> None:
    """Also where another has taken its place, and its id."""
    quotes = exported(article(small), KELL)
    small.add([folder({"old.txt": FERRY, "ferry.txt": "The ferry was raised."})])
    (verdict,) = verify(quotes, small)
    assert (verdict.outcome, Path(verdict.path).name) == ("verbatim", "old.txt")


def test_an_article_is_found_by_its_path_at_last(small: Archive) -> None:
    """Where neither id nor digest lead anywhere."""
    (quote,) = exported(article(small), KELL)
    lost = replace(quote, article="", sha256="00", digest=digest(quote.text, quote.start, quote.end, "00", quote.label))
    assert verify([lost], small)[0].outcome == "verbatim"
    assert verify([replace(lost, path="/none")], small)[0].outcome == "missing"


@pytest.mark.parametrize(("form", "ending"), FORMATS)
@pytest.mark.parametrize(("before", "after"), [("nine deaths", "ten deaths"), ("38", "37"), ("SHA", "sha"), ("v3-", "v3-0")])
def test_an_export_that_was_changed_is_altered(small: Archive, form: str, ending: str, before: str, after: str) -> None:
    """In its quote, its span, its article's digest or its own; what was exported is shown as far as the archive has it."""
    source = article(small)
    text = export.FORMATS[form](answer(source, KELL))
    before, after = (source.sha256[:8], "00000000") if before == "SHA" else (before, after)
    changed = text.replace(before, after)
    assert changed != text
    (verdict,) = verify(read(f"a{ending}", changed.encode()), small)
    assert verdict.outcome == "altered"
    if before == "nine deaths":
        assert verdict.now == KELL


@pytest.mark.parametrize(("form", "ending"), FORMATS)
@pytest.mark.parametrize(("before", "after"), [("Courier", "Gazette"), ("2017-03-14", "2017-03-15"), ("Ferry sinks", "Sinks ferry")])
def test_a_quote_said_to_be_from_elsewhere_is_altered(
    small: Archive, folder: Folder, form: str, ending: str, before: str, after: str
) -> None:
    """In its outlet, date or title; the words are said to be the article's."""
    small.add([folder({"kell.txt": f"---\ntitle: Ferry sinks\noutlet: Courier\ndate: 2017-03-14\nurl: https://c.test/k\n---\n{FERRY}"})])
    text = export.FORMATS[form](answer(article(small, "kell.txt"), KELL))
    assert [one.outcome for one in verify(read(f"a{ending}", text.encode()), small)] == ["verbatim"]
    (verdict,) = verify(read(f"a{ending}", text.replace(before, after).encode()), small)
    assert (verdict.outcome, verdict.now) == ("altered", KELL)
    assert commands.verdict_line(verdict).endswith("; the article has these words: look at outlet, title and date")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Fully 21 died.", "Fully 121 died."), ("21 died.", "121 died."), ("21 died.", "1,21 died."), ("Deaths: 9", "Deaths: 97"),
        ("Deaths: 9", "Deaths: 9.5"), ("It cost 9.", "It cost 9.5 million."), ("cast off", "cast offshore"),
    ],
)  # fmt: skip
def test_what_became_part_of_another_word_or_number_is_gone(small: Archive, folder: Folder, before: str, after: str) -> None:
    """The characters are there, and say something else; before another sentence it is where it was."""
    small.add([folder({"ferry.txt": before})])
    quotes = exported(article(small), before)
    small.add([folder({"ferry.txt": after})])
    assert [one.outcome for one in verify(quotes, small)] == ["gone"]
    small.add([folder({"ferry.txt": f"{before} It rained."})])
    assert [one.outcome for one in verify(quotes, small)] == ["verbatim"]


def test_a_spreadsheets_line_ends_alter_no_quote(small: Archive, folder: Folder) -> None:
    """Nor inside a cell."""
    small.add([folder({"ferry.txt": "The ferry sank\n\noff Selwyn."})])
    source = article(small)
    quote = Citation(1, source, 0, len(source.text), source.text, Why(1, 1, ()))
    text = export.table(Answer("q", "", (quote,), (), Searched(1, 1, {}), 0.9))
    assert "\n\n" in quote.quote
    assert [one.outcome for one in verify(read("a.csv", text.replace("\n", "\r\n").encode()), small)] == ["verbatim"]


@pytest.mark.parametrize("missing", ["text", "start", "end", "sha256", "digest"])
def test_a_quote_that_lost_a_field_is_altered_not_passed_over(small: Archive, missing: str) -> None:
    """In JSON; and in Markdown a line of provenance that cannot be read any more."""
    loaded = answer(article(small), KELL).as_dict()
    del loaded["quotes"][0][missing]
    assert [one.outcome for one in verify(read("a.json", json.dumps(loaded).encode()), small)] == ["altered"]
    spoilt = export.markdown(answer(article(small), KELL)).replace("characters 38 to", "characters 38")
    assert [one.outcome for one in verify(read("a.md", spoilt.encode()), small)] == ["altered"]
    joined = export.markdown(answer(article(small), KELL)).replace(">\n", "")
    assert [one.outcome for one in verify(read("a.md", joined.encode()), small)] == ["altered"]


def test_a_csv_that_a_spreadsheet_saved_again_still_verifies(small: Archive, folder: Folder) -> None:
    """With semicolons, without needless quotes, in windows-1252 or UTF-16, with its own dates, and a formula's apostrophe."""
    small.add([folder({"formula.txt": "---\noutlet: Courier\ndate: 2017-03-14\n---\n“Yes.” he said.\n\n=1+1; it is two."})])
    source = article(small, "formula.txt")
    table = list(csv.reader(io.StringIO(export.table(answer(source, "=1+1; it is two.", "“Yes.” he said.")))))
    assert table[1][6] == "'=1+1; it is two."
    assert table[1][9] == "2017-03-14"
    table[1][9] = "14/3/2017"
    again = io.StringIO()
    csv.writer(again, delimiter=";").writerows([*table, [""] * len(table[0])])
    for encoding in ("utf-8-sig", "cp1252", "utf-16"):
        verdicts = verify(read("a.csv", again.getvalue().encode(encoding)), small)
        assert [verdict.outcome for verdict in verdicts] == ["verbatim", "verbatim"]


def test_markdown_may_be_part_of_somebodys_notes(small: Archive) -> None:
    """Written around, in another editor's escapes and line ends, quoted again; other block quotes are not ours."""
    text = export.markdown(answer(article(small), SANK, KELL))
    notes = f"# Notes\n\n> Somebody said so.\n\n{text}\nMine.\n\n- > {KELL}\n".replace("- >", "*   >").replace("Kell", "K&#101;ll")
    for changed in (notes, notes.replace("\n", "\r\n"), "> " + notes.replace("\n", "\n> ")):
        quotes = read("notes.md", changed.encode())
        assert [(quote.number, quote.text) for quote in quotes] == [(1, SANK), (2, KELL)]
        assert {verdict.outcome for verdict in verify(quotes, small)} == {"verbatim"}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.doc", b"x", "a.doc: not a file that can be verified: its name ends in .json, .jsonl, .csv, .md, .markdown, .txt"),
        ("a.txt", b"x", "a.txt: no quote of an exported answer in it"),
        ("a.txt", "[1] “It sank.”\n    Courier".encode(), "a.txt: no quote of an exported answer in it"),
        ("a.json", b"{", "a.json: not JSON"),
        ("a.json", b"[1]", 'a.json: not an exported answer: it has no list of "quotes"'),
        ("a.json", b"[" * 100_000, "a.json: not JSON"),
        ("a.jsonl", b'{"quotes": []}\n{"quo', "a.jsonl: line 2: not JSON"),
        ("a.csv", b"id,text\n1,x", "a.csv: its header lacks some of the columns article, digest, end, path, sha256, start, text: id,text"),
        ("a.csv", b"", "a.csv: its header lacks"),
        ("a.csv", b"\rx", "a.csv: its header lacks"),
        ("a.csv", b'text,path,article,sha256,digest,start,end\n"x', "a.csv: line 2: not CSV"),
        ("a.md", b"> It sank.\n", "a.md: no quote of an exported answer in it"),
        ("a.md", b"\x00\x00\x00", "a.md: not a text file"),
    ],
)
def test_what_is_no_export_is_said(name: str, data: bytes, says: str) -> None:
    """In one line that names the file."""
    with pytest.raises(UsageError) as error:
        read(name, data)
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), text=st.text(max_size=200), ending=st.sampled_from([".json", ".jsonl", ".csv", ".md", ".txt"]))
def test_no_file_makes_verify_fail(small: Archive, data: bytes, text: str, ending: str) -> None:
    """Whatever stands in it: quotes and verdicts, or a clear error; and nothing that it makes up is verbatim."""
    for content in (data, text.encode()):
        try:
            quotes = read(f"a{ending}", content)
        except UsageError as error:
            assert str(error)  # noqa: PT017
            continue
        assert {verdict.outcome for verdict in verify(quotes, small)} <= {"altered"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.sampled_from(["It sank. ", "Nine died.", "\n", "Kell said so. ", "x", " "]), max_size=8).map("".join))
def test_what_is_called_standing_stands_there(small: Archive, folder: Folder, texts: str) -> None:
    """However the article changed: verbatim and moved spans hold the quote, and a gone quote is nowhere in it."""
    source = Article("x", "", FERRY + " It sank. Nine died.", "", "", "", "", "/x", "00")
    quotes = exported(source, SANK, "It sank.", "Nine died.")
    small.add([folder({"ferry.txt": f"Ferry: {texts}."})])
    now = article(small)
    for verdict in verify([replace(quote, article=now.id) for quote in quotes], small):
        if verdict.outcome in ("verbatim", "moved"):
            assert now.text[verdict.start : verdict.end] == verdict.quote.text
            assert (verdict.outcome == "verbatim") == (verdict.start == verdict.quote.start)
        else:
            assert verdict.outcome == "gone"
            assert not re.search(rf"(?<![^\W_]){re.escape(verdict.quote.text)}(?!\d)", now.text)
            assert now.text[verdict.start : verdict.end] == verdict.now


def test_the_command_says_a_line_a_quote_and_its_exit_code_is_the_verdict(run: Run, folder: Folder, tmp_path: Path) -> None:
    """0 where all stand, moved ones too; 1 where one does not."""
    home = folder({"ferry.txt": FERRY})
    run("add", str(home))
    assert run("ask", "harbour master Ida Kell confirmed nine deaths", "--out", "a.md")[0] == 0
    code, out, err = run("verify", "a.md")
    assert (code, err, out.splitlines()[-1]) == (0, "", "1 quote, verbatim 1")
    path = home / "ferry.txt"
    assert out.splitlines()[0] == f"verbatim  a.md [1] “{KELL}”: {path}, characters 38 to 84"
    run("add", str(folder({"ferry.txt": "Today: " + FERRY})))
    code, out, _ = run("verify", "a.md")
    assert (code, out.splitlines()[0]) == (0, f"moved     a.md [1] “{KELL}”: {path}, characters 38 to 84, now 45 to 91")
    run("add", str(folder({"ferry.txt": CHANGED})))
    code, out, _ = run("verify", "a.md", "a.md")
    line = f"gone      a.md [1] “{KELL}”: {path} has changed, and has there now: “Harbour master Ida Kell confirmed eleven deaths.”"
    assert (code, out) == (1, f"{line}\n{line}\n2 quotes, gone 2\n")
    found = json.loads(run("verify", "--json", "a.md")[1])
    assert found["counts"] == {"verbatim": 0, "moved": 0, "gone": 1, "missing": 0, "altered": 0}
    assert (found["quotes"][0]["file"], found["quotes"][0]["outcome"], found["quotes"][0]["quote"]["text"]) == ("a.md", "gone", KELL)


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_verified(run: Run, folder: Folder) -> None:
    """The exit code says that something was not verified."""
    run("add", str(folder({"ferry.txt": FERRY})))
    run("ask", "harbour master Ida Kell confirmed nine deaths", "--out", "a.json")
    code, out, err = run("verify", "none.json", "a.json")
    assert (code, out.splitlines()[-1]) == (2, "1 quote, verbatim 1")
    assert err == "clippings: none.json: cannot be read (No such file or directory)\n"
    assert run("verify", "none.json") == (2, "", err)
