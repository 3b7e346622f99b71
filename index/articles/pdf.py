"""PDF -> the text of its text layer, in paragraphs. Runs in the child process; the only file that imports pypdf.

A PDF has lines at places, not paragraphs: a paragraph ends where a line stops well short of its neighbours at a full stop. What
stands at the head or foot of most pages is left out. It does not know columns, tables and reading order better than
pypdf does, and it sees no text in pictures: a file of pictures alone is said to be one. The date on which a file was made is no
date of publication, so there is none.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import Any

import pypdf
from pypdf.errors import PyPdfError

from index.articles.source import RefusedError

_NO_TITLE = re.compile(r"(?i)untitled.*|microsoft word\b.*|.*\.(?:docx?|indd|pdf|tex|qxd)|")
_STOPPED = re.compile(r"""[.!?…:]["'”’)\]]*$""")
# Each begins where a word does: begun inside one, they would look through a long word again from each of its letters.
_HYPHEN = re.compile(r"(?<![^\W\d_])([^\W\d_]+)-\n([a-z][^\W\d_]*)")
_INSIDE = re.compile(r"(?<![^\W\d_])[^\W\d_]+-[a-z][^\W\d_]*")
_SHORT = 0.85
_EDGE = 2
_PAGES = 3


def read(data: bytes) -> dict[str, Any]:
    """The title and the text of a PDF, and the numbers of its pages that are pictures without text."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise RefusedError("encrypted: save it without its password")
        pages = [page.extract_text() for page in reader.pages]
        title = str(reader.metadata.get("/Title") or "").strip() if reader.metadata else ""
    except pypdf.errors.DependencyError as error:
        raise RefusedError("encrypted: save it without its password") from error
    except PyPdfError as error:
        raise RefusedError(f"a damaged PDF file: {error}") from error
    blank = [
        number
        for number, (text, page) in enumerate(zip(pages, reader.pages, strict=True), start=1)
        if not text.strip() and _has_picture(page)
    ]
    if not "".join(pages).strip():
        raise RefusedError("an image-only PDF: it has no text layer, so run OCR over it first" if blank else "a PDF without text")
    return {"title": "" if _NO_TITLE.fullmatch(title) else title, "text": paragraphs(pages), "blank": blank}


def _has_picture(page: Any) -> bool:
    objects = _resolved(_resolved(page.get("/Resources")).get("/XObject"))
    return any(_resolved(one).get("/Subtype") in ("/Image", "/Form") for one in objects.values())


def _resolved(value: Any) -> Any:
    return {} if value is None else value.get_object()


def paragraphs(pages: list[str]) -> str:
    """The lines of some pages as paragraphs, with words put together that were hyphenated at a line's end."""
    lines = [line for page in _without_edges(pages) for line in page]
    full = sorted(map(len, lines))[len(lines) * 9 // 10] if lines else 0
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        ends = not line or not following or (len(line) < full * _SHORT and bool(_STOPPED.search(line)))
        text += line + ("\n\n" if ends else "\n")
    return _joined(re.sub(r"\n{3,}", "\n\n", text).strip())


def _without_edges(pages: list[str]) -> list[list[str]]:
    """The lines of each page without its running head and foot: what most pages have there, numbers aside."""
    split = [[line.strip() for line in page.strip().split("\n")] for page in pages]
    if len(pages) < _PAGES:
        return split
    seen = Counter(shape for page in split for shape in {_shape(line) for line in page[:_EDGE] + page[-_EDGE:]})
    running = {shape for shape, count in seen.items() if count * 2 > len(pages)}
    inner = range(_EDGE, 10**9)
    return [
        [line for place, line in enumerate(page) if (place in inner and len(page) - place > _EDGE) or _shape(line) not in running]
        for page in split
    ]


def _shape(line: str) -> str:
    return re.sub(r"\d+", "0", line)


def _joined(text: str) -> str:
    """Words hyphenated at a line's end, whole again, unless the text has them with a hyphen inside a line too."""
    kept = set(_INSIDE.findall(text))
    return _HYPHEN.sub(lambda word: f"{word[1]}{'-' if f'{word[1]}-{word[2]}' in kept else ''}{word[2]}", text)
