"""Word files (.docx) -> their paragraphs, those of tables and text boxes too. Runs in the child process.

Inserted text of tracked changes is taken and deleted text is not. Notes, headers, footers and comments are left out. The date on
which a file was made is no date of publication, so there is none.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from index.articles.source import RefusedError
from index.articles.xml import parse

MAX_PART = 100_000_000
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # a text box over again, for old readers
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def read(data: bytes) -> dict[str, str]:
    """The title and the text of a Word file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = {name: _part(packed, name) for name in ("word/document.xml", "docProps/core.xml") if name in packed.namelist()}
    except (zipfile.BadZipFile, EOFError) as error:
        raise RefusedError(f"a damaged Word file: {error}") from error
    if "word/document.xml" not in parts:
        raise RefusedError("a zip archive without a Word document in it")
    document = parse(parts["word/document.xml"])
    properties = parse(parts.get("docProps/core.xml", b"<none/>"))
    paragraphs = [node for node in document.iter(f"{_W}p") if next(node.iterancestors(_FALLBACK), None) is None]
    title = next(filter(None, [(properties.findtext(_TITLE) or "").strip(), *map(_text, filter(_is_title, paragraphs))]), "")
    return {"title": title, "text": "\n\n".join(filter(None, map(_text, paragraphs)))}


def _part(packed: zipfile.ZipFile, name: str) -> bytes:
    with packed.open(name) as part:
        data = part.read(MAX_PART + 1)
    if len(data) > MAX_PART:
        raise RefusedError(f"unpacks to more than {MAX_PART // 1_000_000} MB")
    return data


def _text(paragraph: Any) -> str:
    """The text of a paragraph without that of the text boxes anchored in it, which are paragraphs of their own."""
    nodes = (node for node in paragraph.iter(f"{_W}t", *_BREAKS) if next(node.iterancestors(f"{_W}p")) is paragraph)
    return "".join(_BREAKS.get(node.tag) or node.text or "" for node in nodes).strip()


def _is_title(paragraph: Any) -> bool:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return style is not None and style.get(f"{_W}val") in ("Title", "Heading1")
