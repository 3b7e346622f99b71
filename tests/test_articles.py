from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from index.articles import Source, find, read, sources
from index.articles.fields import iso_date
from index.errors import ArticleError, UsageError
from index.records import Article

Folder = Callable[[dict[str, str]], Path]


def take(source: Source | ArticleError) -> Article:
    if isinstance(source, ArticleError):
        raise source
    return read(source)


PAGE = """<!doctype html><html lang="en"><head><title>Ferry sinks - Harbour Courier</title>
<meta property="og:title" content="Ferry sinks off Selwyn"><meta property="og:site_name" content="Harbour Courier">
<meta property="article:published_time" content="2017-03-14T08:00:00Z"><link rel="canonical" href="https://courier.example/ferry"></head>
<body><nav><a href="/">Home</a></nav><article><h1>Ferry sinks off Selwyn</h1>
<p>A ferry with 54 people on board sank off Port Selwyn on Tuesday night in a heavy sea.</p>
<p>Nine people were dead by the morning, said the harbour master, and the search went on in the fog.</p></article>
<section class="comments"><p>First! What a sad story this is, really.</p></section></body></html>"""


def only(file: Path) -> Article:
    (source,) = sources(file)
    return take(source)


def test_front_matter_gives_the_fields(folder: Folder) -> None:
    """A text file with a YAML block at its head."""
    head = '---\ntitle: "Ferry: nine dead"\noutlet: Courier\ndate: 14 March 2017\nurl: https://c.example/1\n---\n'
    article = only(folder({"a.txt": f"{head}It sank.\n\nNine died."}) / "a.txt")
    assert (article.title, article.source, article.published) == ("Ferry: nine dead", "Courier", "2017-03-14")
    assert (article.url, article.text) == ("https://c.example/1", "It sank.\n\nNine died.")


def test_html_gives_text_and_metadata_without_comments(folder: Folder) -> None:
    """Title, outlet, date and address from the page's own metadata."""
    article = only(folder({"a.html": PAGE}) / "a.html")
    assert (article.title, article.source, article.published) == ("Ferry sinks off Selwyn", "Harbour Courier", "2017-03-14")
    assert article.url == "https://courier.example/ferry"
    assert article.text.startswith("A ferry with 54 people")
    assert article.text.endswith("in the fog.")


def test_markdown_gives_title_and_text(folder: Folder) -> None:
    """The first heading is the title where the front matter names none."""
    article = only(folder({"a.md": "---\noutlet: Courier\n---\n# Ferry sinks\n\nIt *sank*."}) / "a.md")
    assert (article.title, article.source, article.text) == ("Ferry sinks", "Courier", "It sank.")


def test_each_json_line_is_an_article(folder: Folder) -> None:
    """Our fields, BEIR's _id, and fields inside metadata."""
    lines = [
        {"_id": "7", "title": "Ferry", "text": "It sank.", "metadata": {"source": "Courier", "published": "2017-03-14"}},
        {"headline": "Dam", "body": "It cracked.", "publisher": "Herald"},
    ]
    file = folder({"a.jsonl": "\n".join(map(json.dumps, lines))}) / "a.jsonl"
    first, second = (read(source) for source in sources(file) if not isinstance(source, ArticleError))
    assert (first.path, first.source, first.published) == (f"{file}#7", "Courier", "2017-03-14")
    assert (second.title, second.text, second.source) == ("Dam", "It cracked.", "Herald")


def test_a_broken_line_is_named_and_the_rest_is_read(folder: Folder) -> None:
    """One bad line does not cost the file."""
    file = folder({"a.jsonl": '{"text": "One."}\n{"text": \n[1]\n\n{"text": "Two.", "_id": 1}'}) / "a.jsonl"
    found = list(sources(file))
    assert [str(error).split(": ")[0] for error in found if isinstance(error, ArticleError)] == [f"{file}:2", f"{file}:3"]
    assert len(found) == 4


def test_an_id_that_stands_twice_is_named(folder: Folder) -> None:
    """Two articles cannot share a name; the first keeps it."""
    file = folder({"a.jsonl": '{"_id": "x", "text": "One."}\n{"_id": "x", "text": "Two."}'}) / "a.jsonl"
    first, second = sources(file)
    assert not isinstance(first, ArticleError)
    assert "stands on an earlier line" in str(second)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.doc", b"text", "not a format that is read here"),
        ("a.txt", b"caf\xe9 society", "neither UTF-8"),
        ("a.txt", b"MZ\x00\x00", "zero bytes"),
        ("a.txt", b" \n ", "no article text"),
        ("a.txt", b"---\ntitle: a: b\n---\nText.", "front matter is not YAML"),
        ("a.html", b"<html><body></body></html>", "no article text"),
        ("a.jsonl", b'{"title": "x"}', 'no "text"'),
    ],
)
def test_what_cannot_be_taken_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """One line: the path and the reason."""
    file = tmp_path / name
    file.write_bytes(content)
    [source] = sources(file)
    with pytest.raises(ArticleError, match=reason) as error:
        take(source)
    assert str(error.value).startswith(str(file))


def test_a_pipe_in_the_folder_does_not_block(tmp_path: Path) -> None:
    """Only regular files are opened."""
    os.mkfifo(tmp_path / "a.txt")
    (error,) = sources(tmp_path / "a.txt")
    assert "not a regular file" in str(error)


def test_files_are_found_in_order_and_hidden_ones_left_out(folder: Folder) -> None:
    """Folders are walked; a missing path is an error."""
    home = folder({"b.txt": "B.", "a/c.txt": "C.", ".git/x.txt": "X.", ".hidden.txt": "H."})
    files, closed = find([home, home / "b.txt"])
    assert ([file.name for file in files], closed) == (["b.txt", "c.txt"], [])
    with pytest.raises(UsageError, match="no such file or folder"):
        find([home / "none"])


def test_the_headline_of_a_bare_text_is_its_title(folder: Folder) -> None:
    """A short label above it goes; a text without a headline is named by its first sentence, which stays."""
    home = folder({"a.txt": "Politics\n\nFerry sinks off Selwyn\n\nIt sank.", "b.txt": "It sank on Tuesday night. Nine died."})
    assert (only(home / "a.txt").title, only(home / "a.txt").text) == ("Ferry sinks off Selwyn", "It sank.")
    assert (only(home / "b.txt").title, only(home / "b.txt").text) == (
        "It sank on Tuesday night.",
        "It sank on Tuesday night. Nine died.",
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("What is the best way to learn Python", "What is the best way to learn Python"),
        (
            "The ferry sank off Selwyn in a heavy\nsea, and nine of the people died.",
            "The ferry sank off Selwyn in a heavy sea, and nine of the people died.",
        ),
    ],
)
def test_a_text_without_a_headline_keeps_its_first_line(folder: Folder, text: str, title: str) -> None:
    """One line alone, or the first of a wrapped paragraph."""
    article = only(folder({"a.txt": text}) / "a.txt")
    assert (article.title, article.text) == (title, text)


def test_a_title_that_is_the_whole_text_leaves_it(folder: Folder) -> None:
    """Nothing else would be left to quote."""
    file = folder({"a.jsonl": '{"title": "The ferry sank", "text": "The ferry sank"}'}) / "a.jsonl"
    assert only(file).text == "The ferry sank"


def test_names_with_a_hash_are_names(folder: Folder) -> None:
    """In a key, which may be an address, and in a file's name."""
    home = folder({"a.jsonl": '{"_id": "https://x.example/#1", "text": "One."}', "a.html#b.txt": "Two."})
    assert only(home / "a.jsonl").path.endswith("a.jsonl#https://x.example/#1")
    assert only(home / "a.html#b.txt").text == "Two."


def test_what_is_no_front_matter_is_text(folder: Folder) -> None:
    """Rules above and below a paragraph."""
    assert only(folder({"a.txt": "---\nThe ferry sank.\n---\nNine died."}) / "a.txt").text == "---\nThe ferry sank.\n---\nNine died."


def test_a_page_without_a_date_gets_none(folder: Folder) -> None:
    """A year in its footer is no date."""
    page = PAGE.replace('<meta property="article:published_time" content="2017-03-14T08:00:00Z">', "")
    assert only(folder({"a.html": page.replace("</body>", "<footer>Copyright 2019</footer></body>")}) / "a.html").published == ""


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """SQLite could not hold it."""
    name = os.fsdecode(b"caf\xe9.txt")
    (tmp_path / name).write_text("It sank.")
    (error,) = sources(tmp_path / name)
    assert "not UTF-8: rename it" in str(error)
    str(error).encode()


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2014-06-27", "2014-06-27"),
        ("2014-06-27T23:30:00Z", "2014-06-27"),
        ("June 27, 2014", "2014-06-27"),
        ("27 June 2014", "2014-06-27"),
        ("Fri, 27 Jun 2014 10:00:00 +0200", "2014-06-27"),
        ("13/07/2014", "2014-07-13"),
        ("06/07/2014", ""),
        ("June 2014", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_a_date_is_read_when_it_can_mean_one_day_only(written: str, iso: str) -> None:
    """A missing part, or a day and a month that could change places, gives no date rather than a wrong one."""
    assert iso_date(written) == iso


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "http://", "//x.example", "http://[bad"])
def test_only_web_addresses_are_kept(folder: Folder, url: str) -> None:
    """Any other scheme has no place in a link."""
    assert only(folder({"a.jsonl": json.dumps({"text": "One.", "url": url})}) / "a.jsonl").url == ""
