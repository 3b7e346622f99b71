"""Answers that leave the house: in every format a quote is still a slice of its article, whatever stands in it."""

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
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from odd import answers, articles, texts

from index import Article
from index.clean import printable
from index.records import Why
from qa import __main__ as qa
from qa import export
from qa.answer import Answer, Differ, Searched
from qa.citation import Citation, Copy
from qa.exported import read
from qa.said import Speech

Folder = Callable[[dict[str, str]], Path]

ARTICLE = Article(
    "a1", "Ferry | *sinks*", "It sank. `Nine` died | at\nsea.", "Courier", "https://c.test/f", "2017-03-14", "en", "/a/f.txt", "00"
)
SEARCHED = Searched(3, 5, {})
ANSWER = Answer("who died", "", (Citation(1, ARTICLE, 9, 30, "`Nine` died | at\nsea.", Why(1, 1, ())),), (), SEARCHED, 0.9)
NONE = Answer("who won", "no article has the word “won”", (), ANSWER.quotes, SEARCHED, 0.1)
ENDINGS = {"footnote": ".txt", "markdown": ".md", "json": ".json", "csv": ".csv"}
LINK = "https://c.test/f#:~:text=%60Nine%60%20died%20%7C%20at%20sea."
PROVENANCE = f"/a/f.txt, characters 9 to 30 of article a1, SHA-256 00, digest {ANSWER.quotes[0].digest}"


def test_the_digest_can_be_made_again_by_hand() -> None:
    """printf '00:9-30\\ncourier ferry sinks 14 2017 3\\n`Nine` died | at\\nsea.' | sha256sum"""
    assert ANSWER.quotes[0].digest == "v3-5aef67d1d48b51a6"


def test_a_footnote() -> None:
    """Number, quote, outlet, title, date, address; a link to the sentence; where it stands."""
    assert export.footnotes(ANSWER) == (
        "who died\n\n[1] “`Nine` died | at\n    sea.”\n    Courier, “Ferry | *sinks*”, 2017-03-14, https://c.test/f\n"
        f"    {LINK}\n    {PROVENANCE}\n"
    )


def test_markdown() -> None:
    """A block quote, with what could be read as markup taken as it is."""
    assert export.markdown(ANSWER) == (
        "## who died\n\n> \\`Nine\\` died \\| at\n> sea.\n>\n"
        f"> **1** · Courier · 2017-03-14 · [Ferry \\| \\*sinks\\*](<https://c.test/f>) · [this sentence on the page](<{LINK}>)\n>\n"
        f"> {PROVENANCE}\n"
    )


def test_csv() -> None:
    """A row a quote under a header; its columns are documented by their names."""
    header, row = csv.reader(io.StringIO(export.table(ANSWER), newline=""))
    assert tuple(header) == export.COLUMNS
    assert row == [
        "who died", "answered", "", "3 articles", "1", "1", "`Nine` died | at\nsea.", "Courier", "Ferry | *sinks*", "2017-03-14", "https://c.test/f",
        LINK, "/a/f.txt", "9", "30", "a1", "00", ANSWER.quotes[0].digest, "", "", "", "",
    ]  # fmt: skip


KELL = replace(ARTICLE, text="Ida\nKell said 9 died. No.", title="Toll")
WIRE = replace(KELL, id="a2", source="Wire *1*", published="2017-03-15")
UPDATE = replace(KELL, id="a3", source="Herald", text="11 died.", published="2017-03-16")
QUOTES = (
    Citation(1, KELL, 0, 21, "Ida\nKell said 9 died.", Why(1, 1, ()), (Copy(WIRE, 0, 21),), Speech((0, 8), (9, 13))),
    Citation(2, UPDATE, 0, 8, "11 died.", Why(2, 2, ())),
    Citation(3, KELL, 22, 25, "No.", Why(3, 3, ())),
)
TOLD = Answer("who said how many died", "", QUOTES, (), SEARCHED, 0.9, differ=(Differ(1, 2, "figure", 2),))


def test_who_says_it_who_prints_it_too_and_who_differs_are_exported() -> None:
    """In a line of the note, in a paragraph of the block, in columns; and the quotes are read back as before."""
    differs = "Sources differ: another figure: [1] and [2]; [2] is the later report"
    also = "also in 1 outlet (the earliest): Wire *1*, 2017-03-15"
    first, second, _ = export.footnotes(TOLD).split("\n\n")[1:]
    assert first.splitlines()[-2] == f"    Ida Kell: said. {also}. {differs}"
    assert second.splitlines()[-2] == f"    {differs}"
    assert f"\n>\n> {export.plain(f'Ida Kell: said. {also}. {differs}')}\n>\n> /a/f.txt" in export.markdown(TOLD)
    rows = list(csv.DictReader(io.StringIO(export.table(TOLD))))
    said = [[row[name] for name in ("speaker", "verb", "also", "differ")] for row in rows]
    assert said == [["Ida Kell", "said", also, differs], ["", "", "", differs], [""] * 4]
    for form, ending in ENDINGS.items():
        back = read(f"a{ending}", export.FORMATS[form](TOLD).encode())
        assert [(one.text, one.intact) for one in back] == [(one.quote, True) for one in QUOTES]


def test_what_was_not_searched_is_exported() -> None:
    """An answer from some of the articles looks like one from all of them otherwise."""
    searched = Searched(3, 9, {}, 1, "since 2014-06-01, from Wire *1*")
    for answer in (replace(ANSWER, searched=searched), replace(NONE, searched=searched)):
        limits = "3 articles since 2014-06-01, from Wire *1* (1 without a date left out)"
        assert f"Searched: {limits}." in export.footnotes(answer)
        assert f"Searched: {limits}.".replace("*", r"\*") in export.markdown(answer)
        (row,) = csv.DictReader(io.StringIO(export.table(answer)))
        assert row["searched"] == limits
        for form in ("footnote", "markdown"):
            back = read(f"a{ENDINGS[form]}", export.FORMATS[form](answer).encode())
            assert [one.text for one in back] == [one.quote for one in answer.quotes]


def test_an_abstention_is_exported_as_one() -> None:
    """With its reason, and without the nearest passages, which are no answer; JSON has those apart."""
    said = "The archive does not say: no article has the word “won”. Searched: 3 articles.\n"
    assert export.footnotes(NONE) == f"who won\n\n{said}"
    assert export.markdown(NONE) == f"## who won\n\n{said}"
    (row,) = csv.DictReader(io.StringIO(export.table(NONE)))
    assert (row["outcome"], row["reason"], row["text"]) == ("abstained", "no article has the word “won”", "")
    assert json.loads(export.FORMATS["json"](NONE))["outcome"] == "abstained"
    for name, ending in ENDINGS.items():
        assert read(ending, export.FORMATS[name](NONE).encode()) == []


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "'=1", "''=1", "＝1", "-"])
def test_a_spreadsheet_gets_no_formula(cell: str) -> None:
    """It begins with an apostrophe, and the reader takes that away again."""
    assert export.disarmed(cell) == f"'{cell}"
    assert export.rearmed(export.disarmed(cell)) == cell


@pytest.mark.parametrize("cell", ["", "1", "'Tis so.", "''", "“=1”", "a=1"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    """An apostrophe of the text's own is no sign of anything."""
    assert export.disarmed(cell) == export.rearmed(cell) == cell


@given(st.one_of(st.text(), texts))
def test_disarming_can_be_undone(cell: str) -> None:
    """For any text; and no disarmed cell begins like a formula."""
    assert export.rearmed(export.disarmed(cell)) == cell
    assert not re.match(r"\s*[=+\-@]", export.disarmed(cell))


@given(answers())
def test_every_exported_quote_is_a_slice_of_its_article(answer: Answer) -> None:
    """Whatever stands in it, and around it: read back, each format gives the very quote, its span, and a digest that agrees."""
    for name, ending in ENDINGS.items():
        back = read(f"answer{ending}", export.FORMATS[name](answer).encode())
        assert len(back) == len(answer.quotes)
        for quoted, citation in zip(back, answer.quotes, strict=True):
            article = citation.article
            assert article.text[quoted.start : quoted.end] == quoted.text == citation.quote
            assert (quoted.article, quoted.sha256, quoted.number) == (article.id, article.sha256, citation.number)
            assert quoted.intact


@given(answers())
def test_a_footnote_has_the_very_quote(answer: Answer) -> None:
    """Each line of it, indented, between the marks and the note's other lines."""
    rest = export.footnotes(answer)
    for citation in answer.quotes:
        note = f"[{citation.number}] “{citation.quote}”".replace("\n", "\n    ")
        _, found, rest = rest.partition(f"\n\n{note}\n    ")
        assert found
        assert rest.split("\n\n[")[0].rstrip("\n").endswith(citation.digest)


@given(st.one_of(texts, articles().map(lambda article: article.text)))
def test_markdown_shows_exactly_the_text(text: str) -> None:
    """One paragraph of text and line breaks: no markup, no link, no white space lost."""
    text = printable(text)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(f"> {export.plain(text)}".replace("\n", "\n> "))
    assert [token.type for token in tokens][1:-1] == (["paragraph_open", "inline", "paragraph_close"] if text else [])
    children = tokens[2].children if text else []
    assert {child.type for child in children} <= {"text", "softbreak"}
    assert "".join("\n" if child.type == "softbreak" else child.content for child in children) == text


def test_the_command_line_offers_every_format() -> None:
    """Their names stand there again, so that --help need not load them."""
    import argparse

    parser = argparse.ArgumentParser()
    qa.COMMANDS[0].options(parser)
    (formats,) = [action.choices for action in parser._actions if action.dest == "format"]
    assert tuple(formats or ()) == tuple(export.FORMATS)


def test_ask_writes_a_format(run: Run, folder: Folder, tmp_path: Path) -> None:
    """To stdout, or to a new file whose ending names it; --json is json."""
    run("add", str(folder({"a.txt": "The ferry sank near Selwyn. It rained."})))
    question = "where was it the ferry sank"
    assert run("ask", "--format", "json", question) == run("ask", "--json", question)
    code, out, err = run("ask", "--format", "markdown", question)
    assert (code, err, out.startswith(f"## {question}\n\n> The ferry sank near Selwyn.")) == (0, "", True)
    assert run("ask", question, "--out", "answer.md") == (0, "", "")
    assert (tmp_path / "answer.md").read_text() == out
    assert run("ask", question, "--out", "answer.csv")[0] == 0
    assert (tmp_path / "answer.csv").read_bytes().startswith('\ufeff"question"'.encode())
    assert (tmp_path / "answer.csv").read_text("utf-8-sig") == run("ask", "--format", "csv", question)[1]
    assert run("ask", question, "--format", "footnote", "--out", "answer")[0] == 0
    for file in ("answer.csv", "answer.md"):
        assert next(quote.text for quote in read(file, (tmp_path / file).read_bytes())) == "The ferry sank near Selwyn."


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "there.md"], "--out there.md: it is there already, and nothing is overwritten"),
        (["--out", "there.md", "--json"], "it is there already"),
        (["--out", "answer.doc"], "its ending names no format: give --format, or end it in .txt, .md, .json, .csv"),
        (["--out", "none/answer.md"], "--out none/answer.md: cannot be written (No such file or directory)"),
    ],
)
def test_nothing_is_overwritten(run: Run, folder: Folder, tmp_path: Path, arguments: list[str], says: str) -> None:
    """One line says what is wrong, and the file stays as it was."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    (tmp_path / "there.md").write_text("mine")
    code, out, err = run("ask", "ferry", *arguments)
    assert (code, out, err.count("\n"), says in err) == (2, "", 1, True)
    assert (tmp_path / "there.md").read_text() == "mine"
