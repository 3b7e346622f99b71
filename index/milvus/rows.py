"""What rows of an archive in Milvus are made of: ids, digests, days, terms and filters. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple
from datetime import date

from index import bm25
from index.records import Filters, Passage

# What a field of text holds.
BYTES = 65_535


def digest(*values: object) -> str:
    """Of some values, in hexadecimal."""
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()


def row_id(passage: Passage, version: str) -> str:
    """That of a passage of a version of its article, the article's digest: written twice, it is there once."""
    return digest(*astuple(passage), version)


def day(iso: str) -> int:
    """An ISO day as a number, 0 where it is unknown."""
    return date.fromisoformat(iso).toordinal() if iso else 0


def iso(day: int) -> str:
    """The day of a number, "" of 0."""
    return date.fromordinal(day).isoformat() if day else ""


def terms(text: str) -> str:
    """Our tokens, parted by blanks, as many as a field holds."""
    found = " ".join(bm25.tokens(text)).encode("utf-8", "replace")[:BYTES]
    return found.decode("utf-8", "ignore")


def parts(text: str) -> list[str]:
    """A text in pieces that fields hold: a character is at most four bytes."""
    return [text[start : start + BYTES // 4] for start in range(0, len(text), BYTES // 4)]


def among(field: str, values: Iterable[str]) -> str:
    """The filter: a field is one of some values."""
    return f"{field} in [{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"


def within(limits: Filters) -> str:
    """The filter that some limits are; "" for all."""
    found = [among("outlet", [outlet.casefold() for outlet in limits.outlets])] if limits.outlets else []
    if limits.since or limits.until:
        found.append(f"day >= {day(limits.since) or 1}")
    if limits.until:
        found.append(f"day <= {day(limits.until)}")
    return both(*found)


def both(*filters: str) -> str:
    """The filter: all of some."""
    return " and ".join(filter(None, filters))
