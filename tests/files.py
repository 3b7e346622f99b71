"""Files of every format, made by hand, so that a test can say what is in them; and what is taken of one."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from index.articles import read, sources
from index.errors import ArticleError
from index.records import Article

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(pages: Iterable[list[str]], title: str = "", pack: bool = False, picture: bool = False) -> bytes:
    """A PDF with some lines of ASCII on each page, or with a picture where a page has none."""
    contents = [_content(lines) for lines in pages]
    last = 5 + 2 * len(contents)
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(contents)))
    pixel = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        stream(b"\x00", pixel),
    ]
    resources = "/Font << /F1 3 0 R >>" + (" /XObject << /I 4 0 R >>" if picture else "")
    for number, content in enumerate(contents):
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {6 + 2 * number} 0 R /Resources << {resources} >> >>"
        objects += [page.encode(), stream(zlib.compress(content), b"<< /Filter /FlateDecode") if pack else stream(content)]
    objects.append(f"<< /Title ({title}) >>".encode())
    return document(objects, f"/Root 1 0 R /Info {last} 0 R")


def _content(lines: list[str]) -> bytes:
    return f"BT /F1 12 Tf 14 TL 72 720 Td {' '.join(f'({line}) Tj T*' for line in lines)} ET".encode()


def stream(data: bytes, head: bytes = b"<<") -> bytes:
    """A stream object."""
    return head + f" /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def document(objects: list[bytes], trailer: str) -> bytes:
    """Objects 1, 2, ... with their table of places."""
    out, places = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, io.SEEK_END)
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write(b"".join(f"{place:010} 00000 n \n".encode() for place in places))
    out.write(f"trailer\n<< /Size {len(objects) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def docx(body: str, title: str = "", head: str = "", root: str = "") -> bytes:
    """A Word file with that body, in WordprocessingML; `head` stands before the document, `root` at its end."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", f'{head}<w:document xmlns:w="{W}"><w:body>{body}</w:body>{root}</w:document>')
        packed.writestr("docProps/core.xml", f'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></c>')
    return out.getvalue()


def paragraph(*runs: str) -> str:
    """A Word paragraph."""
    return "<w:p>" + "".join(f"<w:r><w:t>{run}</w:t></w:r>" for run in runs) + "</w:p>"


def taken(file: Path) -> tuple[list[Article], list[str]]:
    """The articles of a file, and what was not taken, without the path."""
    found, errors = [], []
    for source in sources(file):
        try:
            if isinstance(source, ArticleError):
                raise source
            found.append(read(source))
        except ArticleError as error:
            errors.append(str(error).removeprefix(str(file)))
    return found, errors
