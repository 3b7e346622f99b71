"""The bytes of one article -> its fields, a small reader for each format. Whatever can be made to take hours is read by the child."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from index.articles import child
from index.articles.decoding import decode
from index.articles.fields import known, of_record
from index.articles.several import json_object
from index.articles.source import Note, RefusedError

Reader = Callable[[bytes, Note], dict[str, str]]

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_FRONT = 50_000


def _text(data: bytes, note: Note) -> dict[str, str]:
    fields, body = _front_matter(decode(data, note))
    return fields | {"text": body}


def _markdown(data: bytes, note: Note) -> dict[str, str]:
    fields, body = _front_matter(decode(data, note))
    read = child.read("markdown", body.encode())
    return {"title": read["title"]} | fields | {"text": read["text"]}


def _html(data: bytes, note: Note) -> dict[str, str]:
    return dict(child.read("html", decode(data, note, states=True).encode()))


def _pdf(data: bytes, note: Note) -> dict[str, str]:
    read = child.read("pdf", data)
    if blank := read["blank"]:
        pages = ", ".join(map(str, blank[:10])) + (" and more" if len(blank) > 10 else "")
        note(f"page {pages}: pictures without a text layer, left out")
    return {"title": read["title"], "text": read["text"]}


def _docx(data: bytes, note: Note) -> dict[str, str]:
    return dict(child.read("docx", data))


def _record(data: bytes, note: Note) -> dict[str, str]:
    fields = of_record(json_object(data))
    if not fields.get("text", "").strip():
        raise RefusedError('no "text" in it')
    return fields


def _entry(data: bytes, note: Note) -> dict[str, str]:
    fields: dict[str, str] = json.loads(data)
    return fields | {"text": child.read("fragment", fields["text"].encode()) if fields["text"] else ""}


READERS: dict[str, Reader] = {
    ".txt": _text,
    ".md": _markdown,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
    ".jsonl": _record,
    ".csv": _record,
    ".xml": _entry,
}


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The known fields of the YAML block at the head of a text, and the text after it."""
    text = text.replace("\r\n", "\n")
    block = _FRONT_MATTER.match(text)
    if not block:
        return {}, text
    if len(block[1]) > _MAX_FRONT:
        raise RefusedError(f"front matter of {len(block[1]):,} characters: at most {_MAX_FRONT:,}", line=1)
    import yaml

    try:
        fields = yaml.load(block[1], Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes strings and nothing else
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise RefusedError("front matter is not YAML here: put the value in quotes", line) from error
    return (known(fields), text[block.end() :]) if isinstance(fields, dict) else ({}, text)
