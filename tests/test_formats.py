"""Each format gives its articles, and says why where it gives none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import files
import pytest

from index.articles import Source, file_of, read, sources
from index.articles import files as places
from index.articles.pdf import paragraphs
from index.errors import ArticleError
from index.records import Article

TEXT = ["The ferry sank off Selwyn on Tuesday night in a heavy sea.", "Nine people were dead by the morning, the harbour master said."]


LONG = "It rained all day, and all night, and all of the day that followed."


def articles(file: Path, content: bytes | str, notes: list[str] | None = None) -> list[Article]:
    """What a file of that content gives; an ArticleError where it gives none."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    note = [].append if notes is None else notes.append
    found = []
    for source in sources(file, note):
        if isinstance(source, ArticleError):
            raise source
        found.append(read(source, note))
    return found


def refused(file: Path, content: bytes | str) -> str:
    """Why a file of that content gives nothing."""
    with pytest.raises(ArticleError) as error:
        articles(file, content)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(str(file))


def test_pdf_gives_its_text_layer_in_paragraphs(tmp_path: Path) -> None:
    """Lines are put together; the title is the file's own; its date of making is no date of publication."""
    lines = [
        "The ferry sank off Port Selwyn on Tuesday night, with",
        "54 people on board.",
        "The search for survivors went on in the fog until mor-",
        "ning.",
    ]
    (article,) = articles(tmp_path / "a.pdf", files.pdf([lines], title="Ferry sinks"))
    assert article.title == "Ferry sinks"
    assert article.text == (
        "The ferry sank off Port Selwyn on Tuesday night, with\n54 people on board.\n\n"
        "The search for survivors went on in the fog until morning."
    )
    assert article.published == ""


def test_a_running_head_is_no_text() -> None:
    """What stands at the head or foot of most pages, numbers aside, is left out; a line inside a page never is."""
    pages = [f"The Courier {page}\n{body}\nPage {page} of 3" for page, body in enumerate(["It sank.", "Nine people died.", LONG], start=1)]
    assert paragraphs(pages) == f"It sank.\n\nNine people died.\n\n{LONG}"
    assert "The Courier 1" in paragraphs(pages[:1])


def test_a_hyphen_stays_where_the_text_has_it_inside_a_line_too() -> None:
    """The end of a line alone cannot tell."""
    assert paragraphs(["A well-known man. The well-\nknown man left with an under-\ntaker."]).endswith(
        "The well-known man left with an undertaker."
    )


def test_an_image_only_pdf_is_said_to_be_one(tmp_path: Path) -> None:
    """And a page of pictures among others is named."""
    assert "image-only PDF" in refused(tmp_path / "a.pdf", files.pdf([[], []], picture=True))
    assert "a PDF without text" in refused(tmp_path / "a.pdf", files.pdf([[]]))
    notes: list[str] = []
    (article,) = articles(tmp_path / "b.pdf", files.pdf([TEXT, []], picture=True), notes)
    assert article.text.startswith("The ferry sank")
    assert notes == ["page 2: pictures without a text layer, left out"]


@pytest.mark.parametrize("damage", [files.pdf([TEXT])[:200], b"%PDF-1.4\nnothing", b"%PDF-"], ids=["cut", "garbage", "empty"])
def test_a_damaged_pdf_is_refused(tmp_path: Path, damage: bytes) -> None:
    """In one line."""
    assert refused(tmp_path / "a.pdf", damage)


def test_docx_gives_its_paragraphs(tmp_path: Path) -> None:
    """Those of tables and text boxes too, each once; insertions count and deletions do not."""
    tracked = "<w:p><w:r><w:t>It sank </w:t></w:r><w:del><w:r><w:delText>late</w:delText></w:r></w:del>"
    tracked += "<w:ins><w:r><w:t>at night.</w:t></w:r></w:ins></w:p>"
    box = (
        '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice><w:txbxContent>{files.paragraph('In a box.')}</w:txbxContent></mc:Choice>"
        f"<mc:Fallback><w:txbxContent>{files.paragraph('In a box.')}</w:txbxContent></mc:Fallback></mc:AlternateContent>"
        "<w:t>Around it.</w:t></w:r></w:p>"
    )
    table = f"<w:tbl><w:tr><w:tc>{files.paragraph('One cell.')}</w:tc><w:tc>{files.paragraph('Another.')}</w:tc></w:tr></w:tbl>"
    (article,) = articles(tmp_path / "a.docx", files.docx(files.paragraph("Two ", "runs.") + tracked + table + box, title="Ferry"))
    assert (article.title, article.text) == ("Ferry", "Two runs.\n\nIt sank at night.\n\nOne cell.\n\nAnother.\n\nAround it.\n\nIn a box.")


def test_csv_rows_are_articles(tmp_path: Path) -> None:
    """Columns by name in any case, keyed by id or else by content; a field may hold line ends, commas and quotes."""
    header = "ID,Title,Body,Outlet,Date,URL\n"
    rows = '7,Ferry,"It sank, they said.\n\n""Nine"" died.",Courier,2017-03-14,https://c.example/1\n,Dam,It cracked.,Herald,,\n'
    first, second = articles(tmp_path / "a.csv", header + rows)
    assert (first.path, first.text) == (f"{tmp_path}/a.csv#7", 'It sank, they said.\n\n"Nine" died.')
    assert (first.title, first.source, first.published, first.url) == ("Ferry", "Courier", "2017-03-14", "https://c.example/1")
    assert (second.path, second.text, second.source) == (f"{tmp_path}/a.csv#ba1e4d53a12d", "It cracked.", "Herald")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiters(tmp_path: Path, delimiter: str) -> None:
    """The one that makes a column of text."""
    (article,) = articles(tmp_path / "a.csv", f"title{delimiter}text\nFerry{delimiter}It sank.\n")
    assert (article.title, article.text) == ("Ferry", "It sank.")


def test_a_csv_without_a_text_column_is_refused_with_the_names_it_has(tmp_path: Path) -> None:
    """And so is one without a header."""
    assert refused(tmp_path / "a.csv", "id,headline,summary\n1,Ferry,It sank.\n") == (
        ": no column is named text or body or content; there are id,headline,summary"
    )
    assert "no column is named text" in refused(tmp_path / "a.csv", "")


def test_a_bad_row_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """Too many fields, or a quote out of place."""
    file = tmp_path / "a.csv"
    file.write_text('title,text\nA,One.\nB,Two, and more.\nC,"Three" x\nD,Four.\n')
    found = list(sources(file))
    assert [error.path for error in found if isinstance(error, ArticleError)] == [f"{file}:3", f"{file}:4"]
    assert [read(one).text for one in found if isinstance(one, Source)] == ["One.", "Four."]


RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Harbour Courier</title><language>en-gb</language>
<item><title>Ferry sinks</title><link>https://c.example/ferry</link><guid>f1</guid><pubDate>Tue, 14 Mar 2017 08:00:00 GMT</pubDate>
<description>Short.</description>
<content:encoded><![CDATA[<p>It <b>sank</b> &amp; nine died.</p><script>x()</script><p>It rained.</p>]]></content:encoded></item>
<item><title>Dam cracks</title><link>https://c.example/dam</link><description>&lt;p&gt;It cracked.&lt;/p&gt;</description></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Herald</title>
<entry><id>urn:1</id><title>Ferry</title><link rel="self" href="https://h.example/self"/><link href="https://h.example/1"/>
<updated>2017-03-15T08:00:00Z</updated><published>2017-03-14T08:00:00Z</published>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>It sank.</p><p>Nine died.</p></div></content></entry>
<entry><id>urn:2</id><title>Dam</title><summary>A plain &lt;b&gt; of it.</summary>
<content type="text">x &lt; y, he said.</content></entry></feed>"""


def test_rss_entries_are_articles(tmp_path: Path) -> None:
    """The fullest text there is, without its markup; keyed by guid, or else by address."""
    first, second = articles(tmp_path / "a.xml", RSS)
    assert (first.path, first.title, first.text) == (f"{tmp_path}/a.xml#f1", "Ferry sinks", "It sank & nine died.\n\nIt rained.")
    assert (first.source, first.published, first.url, first.language) == (
        "Harbour Courier",
        "2017-03-14",
        "https://c.example/ferry",
        "en-gb",
    )
    assert (second.path, second.text) == (f"{tmp_path}/a.xml#https://c.example/dam", "It cracked.")


def test_atom_entries_are_articles(tmp_path: Path) -> None:
    """Text, HTML and XHTML; the address is the one of the page; the first date counts."""
    first, second = articles(tmp_path / "a.atom", ATOM)
    assert (first.text, first.url, first.published) == ("It sank.\n\nNine died.", "https://h.example/1", "2017-03-14")
    assert (second.text, second.source) == ("x < y, he said.", "Herald")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<urlset><url/></urlset>", "neither RSS nor Atom: its root is <urlset>"),
        ("<rss><channel></rss>", "not well-formed XML"),
        ("<rss><channel/></rss>", "a feed without entries"),
        ('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>', "declares entities"),
    ],
)
def test_xml_that_is_no_feed_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    """With what it is."""
    assert reason in refused(tmp_path / "a.xml", content)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.txt", "It sank.", ""),
        ("a.md", "It sank.", ""),
        ("a.html", "<html><body><article><p>It sank.</p></article></body></html>", ""),
        ("a.jsonl", '{"id": 1, "text": "It sank."}', "#1"),
        ("a.csv", "id,text\n1,It sank.", "#1"),
        ("a.xml", "<rss><item><guid>1</guid><description>It sank.</description></item></rss>", "#1"),
    ],
)
def test_text_formats_may_be_packed(tmp_path: Path, name: str, content: str, key: str) -> None:
    """The same text, and the same digest: packing it again is no change."""
    (plain,) = articles(tmp_path / name, content)
    (packed,) = articles(tmp_path / f"{name}.gz", gzip.compress(content.encode(), mtime=5))
    assert (packed.path, packed.text, packed.sha256) == (f"{tmp_path}/{name}.gz{key}", "It sank.", plain.sha256)
    assert file_of(packed.path) == f"{tmp_path}/{name}.gz"


def test_packed_files_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb by what comes out, never by what it declares; packed twice; cut short; not packed at all."""
    monkeypatch.setattr(places, "MAX_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(1_000_001))
    assert len(bomb) < 2000
    assert "unpacks to more than 1 MB" in refused(tmp_path / "a.txt.gz", bomb)
    assert "unpacks to more than 1 MB" in refused(tmp_path / "a.txt.gz", bomb[:-4] + b"\x01\x00\x00\x00")
    assert "packed twice" in refused(tmp_path / "a.txt.gz", gzip.compress(gzip.compress(b"It sank.")))
    assert "packed twice" in refused(tmp_path / "a.txt.gz.gz", gzip.compress(b"It sank."))
    assert "cannot be unpacked" in refused(tmp_path / "a.txt.gz", gzip.compress(b"It sank." * 99)[:-9])
    assert "cannot be unpacked" in refused(tmp_path / "a.txt.gz", "It sank.")
    assert "not a format" in refused(tmp_path / "a.pdf.gz", gzip.compress(b"%PDF-"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"%PDF-1.4 ...", "its content is a PDF file: name it .pdf"),
        ("a.md", files.docx(""), "a zip archive or a Word file: name it .docx"),
        ("a.html", gzip.compress(b"x"), "its content is gzip data: name it .gz"),
        ("a.txt", b"\n<!DOCTYPE html><p>It sank.", "its content is an HTML page: name it .html"),
        ("a.docx", b"It sank.", "not a Word file"),
        ("a.docx", b"\xd0\xcf\x11\xe0 old", "an old Word file, or an encrypted one: save it as .docx"),
        ("a.docx", files.docx("")[:60], "damaged Word file"),
        ("a.pdf", b"It sank.", "its content is not a PDF file"),
        ("a.pdf", b"", "its content is not a PDF file"),
    ],
)
def test_a_name_that_says_another_format_than_the_content_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """With the name that it should have."""
    assert reason in refused(tmp_path / name, content)


def test_every_format_is_known_by_its_name_in_any_case(tmp_path: Path) -> None:
    """Upper case, and packed."""
    assert [one.text for one in articles(tmp_path / "A.JSONL.GZ", gzip.compress(json.dumps({"text": "It sank."}).encode()))] == ["It sank."]
