"""What a file calls its fields -> an article's: title, text, outlet, address, date, language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from index.clean import clean, one_line
from index.sentences import sentences

NAMES = {
    "title": ("title", "headline"),
    "text": ("text", "body", "content"),
    "source": ("outlet", "source", "publisher", "publication", "site"),
    "url": ("url", "link", "source_url", "canonical"),
    "published": ("date", "published", "published_at", "published_date", "pubdate"),
    "language": ("language", "lang"),
}
_SENTENCE_END = re.compile(r"""[.!:,;…]["'”’)\]]*$|\?["'”’)\]]+$""")

# No written date is longer, and dateutil takes its time over what is none.
_DATE = 60
# Characters of an address: no browser takes many more.
_ADDRESS = 8_000


def known(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields that an article has, under our names; only strings count, and numbers where it is not the text."""
    lowered = {
        str(name).lower(): value
        for name, value in fields.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    }
    taken = {ours: [lowered[name] for name in names if name in lowered] for ours, names in NAMES.items()}
    taken["text"] = [value for value in taken["text"] if isinstance(value, str)]
    return {ours: str(values[0]) for ours, values in taken.items() if values}


def of_record(record: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a JSON record, those in its "metadata" too."""
    inner = record.get("metadata")
    return known(inner if isinstance(inner, Mapping) else {}) | known(record)


def headline(text: str) -> tuple[str, str]:
    """A title for a text that names none: its headline, which leaves the text, or else the start of its first sentence.

    A headline is a line without a final stop, followed by a blank one, above the first real paragraph. Shorter labels above it
    ("Politics") go too. A text that is nothing but a headline stays a text.
    """
    lines = text.split("\n")
    for position, line in enumerate(lines[:6]):
        if not line:
            continue
        if len(line) > 160 or _SENTENCE_END.search(line) or "".join(lines[position + 1 : position + 2]):
            break
        rest = clean("\n".join(lines[position + 1 :]), line.strip())
        if len(line.split()) > 3 and rest:
            return line.strip(), rest
    first = sentences(text)[:1]
    return (shorten(one_line(text[slice(*first[0])]), 90) if first else ""), text


def shorten(title: str, limit: int = 300) -> str:
    """`title`, cut after a word where it is longer than `limit` characters."""
    return title if len(title) <= limit else title[:limit].rsplit(" ", 1)[0] + " …"


def web_address(url: str) -> str:
    """`url` when it is an http(s) address, else nothing: other schemes have no place in a link, nor has one without end."""
    try:
        parts = urlsplit(one_line(url[: _ADDRESS + 1]))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc and len(url) <= _ADDRESS else ""


def iso_date(written: str) -> str:
    """A written date as YYYY-MM-DD; nothing when a part is missing or when day and month could change places."""
    written = one_line(written[:_DATE])
    try:
        return datetime.fromisoformat(written).date().isoformat()
    except ValueError:
        pass
    from dateutil import parser

    try:  # A missing part shows itself by following the default; an ambiguous one by following dayfirst.
        readings = {
            parser.parse(written, default=default, dayfirst=dayfirst).date()
            for default in (datetime(1999, 1, 1), datetime(2004, 2, 28))
            for dayfirst in (True, False)
        }
    except (ValueError, OverflowError):
        return ""
    return readings.pop().isoformat() if len(readings) == 1 else ""
