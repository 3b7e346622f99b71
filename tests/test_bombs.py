"""Pages, PDF and Word files made to hurt, and damaged files of every format: read or refused in one line, within limits."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

import files
import pytest
from files import taken
from hypothesis import given, settings
from hypothesis import strategies as st

from index import Archive, articles
from index.articles import child
from index.articles.source import RefusedError
from index.clean import one_line, printable
from index.terminal import shown

TAGS = {
    "comments": "<!--" * 250_000,
    "anchors": "<a " * 700_000,
    "nested": "<div>" * 100_000,
    "cdata": "<![CDATA[" * 200_000,
    "entities": "&lt;&bogus;&#x41;" * 50_000,
    "bold": "<b><i>" * 100_000,
    "tables": "<table><tr><td>" * 30_000,
    "quotes": '<a href="' * 300_000,
    "scripts": "<script>" * 200_000,
    "titles": "<title>" * 200_000,
    "selects": "<select><option>" * 100_000,
    "metas": '<meta property="og:title" content="x">' * 20_000,
}


@pytest.mark.parametrize("name", TAGS)
def test_a_page_of_tags_is_read_or_refused_in_two_seconds(name: str) -> None:
    """Of the processor, in the child."""
    child.read("html", b"<html><body><article><p>It sank on Tuesday night.</p></article></body></html>")  # started and imported
    start = _child_seconds()
    with contextlib.suppress(RefusedError):
        child.read("html", f"<!doctype html><html><body>{TAGS[name]}".encode())
    assert _child_seconds() - start < 2


def _child_seconds() -> float:
    process = child._CHILD._process
    assert process
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_what_a_page_does_not_show_is_no_text(tmp_path: Path) -> None:
    """Scripts, styles, comments, templates."""
    hidden = "<script>hid1</script><style>hid2</style><!-- hid3 --><template>hid5</template>"
    page = f"<html><body><article>{hidden}<p>It sank on Tuesday night off Selwyn.</p>{hidden}</article></body></html>"
    (tmp_path / "a.html").write_text(page)
    assert taken(tmp_path / "a.html")[0][0].text == "It sank on Tuesday night off Selwyn."


def _pdf(content: bytes, head: bytes = b"<<") -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << >> >>"
    tree = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"]
    return files.document([*tree, page, files.stream(content, head)], "/Root 1 0 R")


WHOLE = files.pdf([["The ferry sank."]])
PDFS = {
    "flate bomb": (_pdf(zlib.compress(bytes(200_000_000)), b"<< /Filter /FlateDecode"), ""),
    "double flate": (_pdf(zlib.compress(zlib.compress(bytes(200_000_000))), b"<< /Filter [/FlateDecode /FlateDecode]"), ""),
    "tokens": (_pdf(zlib.compress(b"1 " * 5_000_000), b"<< /Filter /FlateDecode"), "without text"),
    "page loop": (WHOLE.replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"), "cyclic"),
    "encrypted": (
        WHOLE.replace(
            b"/Root", b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%b) /U (%b) /P -1 >> /ID [(a)(a)] /Root" % (b"a" * 32, b"b" * 32)
        ),
        "encrypted: save it without its password",
    ),
    "cut": (WHOLE[:300], ""),
    "garbage": (b"%PDF-1.7\n" + bytes(range(256)) * 400, "damaged"),
    "brackets": (b"%PDF-1.7\n" + b"<<" * 200_000, "damaged"),
}


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_made_to_hurt_is_refused(tmp_path: Path, name: str) -> None:
    """In one line, with what is wrong."""
    data, reason = PDFS[name]
    (tmp_path / "a.pdf").write_bytes(data)
    found, (error,) = taken(tmp_path / "a.pdf")
    assert found == []
    assert reason in error
    assert "\n" not in error


def test_a_table_of_places_that_points_at_itself_does_not_hang(tmp_path: Path) -> None:
    """And the text is still found."""
    (tmp_path / "a.pdf").write_bytes(WHOLE.replace(b"/Root", b"/Prev %d /Root" % WHOLE.rindex(b"xref\n0")))
    assert taken(tmp_path / "a.pdf")[0][0].text == "The ferry sank."


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize("kind", ["docx", "feed"])
def test_entities_are_never_expanded(kind: str) -> None:
    """A billion laughs, and another file; what is left out would be missing text, so the file is refused."""
    for head in (f"{ENTITIES}]>", '<!DOCTYPE x [<!ENTITY g SYSTEM "file:///etc/passwd">]>'):
        word = files.docx("", head=head, root="&g;") if kind == "docx" else b""
        with pytest.raises(RefusedError, match=r"entities|entity"):
            child.read(kind, word or f"{head}<rss><item><title>&g;</title></item></rss>".encode())


def test_a_word_file_that_unpacks_to_too_much_is_refused() -> None:
    """By what comes out."""
    with pytest.raises(RefusedError, match="unpacks to more than 100 MB"):
        child.read("docx", files.docx(" " * 100_000_001))


def test_one_of_every_kind_of_trouble_and_the_batch_goes_on(archive: Archive, tmp_path: Path) -> None:
    """All good articles are taken, all bad files named."""
    home = tmp_path / "articles"
    home.mkdir()
    for name, (data, _) in PDFS.items():
        (home / f"{name}.pdf").write_bytes(data)
    (home / "a.txt").write_text("The ferry sank.")
    (home / "z.html").write_text("<html><body><article><p>The dam cracked on Tuesday night.</p></article></body></html>")
    added = archive.add([home])
    assert (added.new, len(added.rejected)) == (2, len(PDFS))
    assert [hit.passage.article_id for hit in archive.search("dam cracked", 1)] == [articles.article_id(f"{home}/z.html")]


SEEDS = {
    "txt": b"---\ntitle: x\n---\nIt sank.",
    "md": b"# Ferry\n\nIt *sank* [here](x).",
    "html": b"<html><head><title>Ferry</title></head><body><article><p>It sank on Tuesday.</p></article></body></html>",
    "jsonl": b'{"_id": "1", "text": "It sank.", "metadata": {"date": "2017"}}\n{"text": "x"}',
    "csv": b'id,title,text\n1,"Fer""ry",It sank.\n2,x,y\n',
    "xml": b"<rss><channel><title>C</title><item><title>x</title><description>It sank.</description></item></channel></rss>",
    "pdf": WHOLE,
    "docx": files.docx(files.paragraph("It sank.")),
    "txt.gz": zlib.compress(b"It sank.", wbits=31),
}


@st.composite
def damaged(draw: st.DrawFn, seed: bytes) -> bytes:
    """A sound file with some bytes overwritten, cut out or repeated."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 12))
        data[start:end] = draw(st.one_of(st.binary(max_size=12), st.just(bytes(data[start:end]) * 3)))
    return bytes(data)


@pytest.mark.parametrize("suffix", SEEDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject) -> None:
    """Nothing but an ArticleError, in one line, and only text that can be stored."""
    file = tmp_path_factory.getbasetemp() / f"damaged.{suffix}"
    file.write_bytes(data.draw(damaged(SEEDS[suffix])))
    found, errors = taken(file)
    assert all("\n" not in shown(error) for error in errors)
    for article in found:
        assert article.text == printable(article.text) != ""
        assert article.title == one_line(article.title)
        "".join((article.text, article.path, article.url, article.published, article.language)).encode()
