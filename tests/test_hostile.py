"""Broken and hostile texts: each is read or refused in one line, within limits, and the rest is taken."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from files import taken
from hypothesis import given
from hypothesis import strategies as st

from index import articles
from index.articles import Source, read
from index.articles import files as places
from index.clean import printable
from index.errors import ArticleError

# Controls, direction marks, zero-width characters, tags: what a text must not hide.
HIDDEN = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u00ad\u061c\u200b\u200e\u202e\u2066\u2069\ufeff\U000e0041\ud800"]


@pytest.mark.parametrize("sign", [sign for sign in HIDDEN if sign not in "\t\n"], ids=lambda sign: f"{ord(sign):04x}")
def test_no_hidden_character_is_stored(tmp_path: Path, sign: str) -> None:
    """A lone surrogate is shown as lost, a line end of another kind is a line end, and the rest goes."""
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"_id": f"a{sign}b", "text": f"The fer{sign}ry sank.", "title": f"Fer{sign}ry", "outlet": f"C{sign}"}))
    ((article,), _) = taken(file)
    for value in (article.text, article.title, article.source, article.path.partition("#")[2]):
        assert sign not in value
        value.encode()


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(HIDDEN)), max_size=80))
def test_any_text_can_be_stored_and_its_offsets_are_exact(text: str) -> None:
    """Cleaning comes before cutting, so that every passage is a slice of what is stored."""
    import sqlite3

    from index import chunk

    try:
        article = read(Source("/a.jsonl#1", json.dumps({"text": text, "title": text[:9], "outlet": text}).encode(), ".jsonl"))
    except ArticleError:
        return
    with sqlite3.connect(":memory:") as database:
        values = (article.text, article.title, article.source, article.path)
        assert database.execute("SELECT ?, ?, ?, ?", values).fetchone() == values
    database.close()
    assert printable(article.text) == article.text
    for passage in chunk.passages(article, article.title, lambda texts: [len(text.split()) for text in texts], 20):
        assert article.text[passage.start : passage.end].strip() == article.text[passage.start : passage.end] != ""


@pytest.mark.parametrize("content", ["", " \n\t\n ", "\ufeff", "\u200b\u200b"], ids=["empty", "spaces", "mark", "invisible"])
@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".jsonl", ".csv", ".xml", ".pdf", ".docx"])
def test_a_file_with_nothing_in_it_says_so(tmp_path: Path, suffix: str, content: str) -> None:
    """An empty .jsonl has no articles, and that is no error."""
    file = tmp_path / f"a{suffix}"
    file.write_text(content)
    found, errors = taken(file)
    assert found == []
    assert len(errors) == (0 if suffix == ".jsonl" and not printable(content).strip() and "\u200b" not in content else 1)


def test_what_is_said_about_an_article_has_an_end(tmp_path: Path) -> None:
    """An outlet of a megabyte is no outlet that anyone could ask for; an address of one is none."""
    long = "Harbour Courier " * 70_000
    record = {"text": "The ferry sank.", "title": long, "outlet": long, "url": f"https://c.test/{long}", "language": long}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    ((article,), errors) = taken(tmp_path / "a.jsonl")
    assert errors == []
    assert (len(article.title) <= 302, len(article.source) <= 302, article.url, len(article.language) <= 37) == (True, True, "", True)
    assert article.source.startswith("Harbour Courier")


def test_one_byte_is_an_article(tmp_path: Path) -> None:
    """Short is not broken."""
    (tmp_path / "a.txt").write_text("x")
    assert taken(tmp_path / "a.txt")[0][0].text == "x"


def test_a_file_or_an_article_over_a_limit_is_refused_with_it(tmp_path: Path) -> None:
    """By its size before it is opened, and by its text before it is cleaned."""
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(places.MAX_BYTES + 1)  # a sparse file: no disk
    assert taken(tmp_path / "a.txt") == ([], [": 100 MB: at most 100 MB are read, so split it"])
    (tmp_path / "b.txt").write_text("word " * (articles.MAX_TEXT // 5 + 1))
    assert taken(tmp_path / "b.txt") == ([], [": 10,000,005 characters: an article has at most 10,000,000, so split it"])


@pytest.mark.parametrize(
    "text",
    ["word " * 400_000, "a\n" * 60_000, "> " * 10_000 + "deep", "\n".join("  " * depth + "- item" for depth in range(500))],
    ids=["one line", "many lines", "quotes", "lists"],
)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_odd_shapes_are_read_in_seconds(tmp_path: Path, suffix: str, text: str) -> None:
    """Two megabytes on one line, 60,000 lines, 10,000 levels."""
    (tmp_path / f"a{suffix}").write_text(text)
    start = time.process_time()
    found, errors = taken(tmp_path / f"a{suffix}")
    assert time.process_time() - start < 5
    assert len(found) + len(errors) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": ', "not a JSON line: Expecting value"),
        ('{"text": ' + "[" * 100_000 + "}", "not a JSON line: maximum recursion depth"),
        ('{"text": "One.", "n": ' + "1" * 10_000 + "}", "not a JSON line: Exceeds the limit (4300 digits)"),
        ('{"text": "One.", "n": NaN}', "not a JSON line: NaN is not JSON"),
        ('{"text": "One.", "text": "Two."}', "not a JSON line: 'text' stands twice in it"),
        ('["One."]', "not a JSON object"),
        ('{"text": 1}', 'no "text" in it'),
        ('{"text": null}', 'no "text" in it'),
        ('{"text": ["One."]}', 'no "text" in it'),
        ('{"text": true, "body": {}}', 'no "text" in it'),
        ('{"_id": "' + "x" * 501 + '", "text": "One."}', "an id of 501 characters: at most 500"),
        ('{"text": "caf\udce9"}', "not a JSON line: 'utf-8' codec can't decode byte 0xe9"),
    ],
)
def test_a_bad_line_is_named_and_the_good_ones_are_read(tmp_path: Path, line: str, reason: str) -> None:
    """Whatever is wrong with it."""
    file = tmp_path / "a.jsonl"
    good = '{"_id": "%s", "text": "It sank at the café."}'
    file.write_bytes("\n".join([good % 1, line, good % 3]).encode(errors="surrogateescape"))
    found, (error,) = taken(file)
    assert [article.path.partition("#")[2] for article in found] == ["1", "3"]
    assert re.match(r"(#[0-9a-f]{12})?:2: ", error)
    assert error.partition(": ")[2].startswith(reason)


def test_wrong_types_in_other_fields_are_left_out(tmp_path: Path) -> None:
    """Numbers count as written; nothing else does."""
    record = {"text": "One.", "title": ["x"], "outlet": True, "date": 20170314, "url": {"a": 1}, "_id": {"a": 1}}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    ((article,), _) = taken(tmp_path / "a.jsonl")
    assert (article.title, article.source, article.published, article.url) == ("One.", "", "2017-03-14", "")


def test_a_line_of_50_megabytes_costs_itself(tmp_path: Path) -> None:
    """The next one is read."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "word " * 10_000_000}) + '\n{"text": "One."}')
    found, errors = taken(tmp_path / "a.jsonl")
    assert ([article.text for article in found], len(errors)) == (["One."], 1)
    assert "50,000,000 characters" in errors[0]
