"""A file that holds several articles -> each of them as a JSON record: lines of a .jsonl, rows of a .csv, entries of a feed.

Each is keyed by the id that it gives itself, or else by its address or a digest, so that it keeps its name when others come and go.
What cannot be taken is yielded as its error; the rest is read.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from index.articles import child
from index.articles.decoding import decode
from index.articles.fields import NAMES, of_record
from index.articles.source import Note, RefusedError, Source, digest
from index.clean import one_line
from index.errors import ArticleError

_IDS = ("_id", "id", "guid")
_MAX_KEY = 500
# A line number, a record, and the bytes that decide whether it changed; or why there is no record on that line.
_Found = Iterable[tuple[int, dict[str, Any], bytes] | ArticleError]


def _json_lines(file: Path, data: bytes, note: Note) -> Iterator[Source | ArticleError]:
    return _keyed(file, ".jsonl", _lines(file, data, note))


def _csv_rows(file: Path, data: bytes, note: Note) -> Iterator[Source | ArticleError]:
    return _keyed(file, ".csv", _rows(file, data, io.StringIO(decode(data, note), newline="")))


def _feed_entries(file: Path, data: bytes, note: Note) -> Iterator[Source | ArticleError]:
    entries = child.read("feed", decode(data, note, states=True).encode())
    return _keyed(file, ".xml", ((line, entry, _bytes(entry)) for line, entry in entries))


SPLITTERS = {".jsonl": _json_lines, ".csv": _csv_rows, ".xml": _feed_entries, ".rss": _feed_entries, ".atom": _feed_entries}


def _keyed(file: Path, suffix: str, found: _Found) -> Iterator[Source | ArticleError]:
    keys = _Keys()
    for one in found:
        if isinstance(one, ArticleError):
            yield one
            continue
        line, record, data = one
        try:
            yield Source(f"{file}#{keys.key(record)}", data, suffix, line)
        except RefusedError as error:
            yield RefusedError(str(error), line).about(str(file), data)


class _Keys:
    """The names of the records of one file: each is given once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._copies: Counter[str] = Counter()

    def key(self, record: dict[str, Any]) -> str:
        """The name of the next record; Refused where it gives itself one that another has."""
        given = one_line(next((str(record[name]) for name in _IDS if record.get(name) not in (None, "")), ""))
        if len(given) > _MAX_KEY:
            raise RefusedError(f"an id of {len(given):,} characters: at most {_MAX_KEY}")
        if given in self._taken:
            raise RefusedError(f"the id {given!r} stands on an earlier line too: give each its own")
        key = given or self._made(of_record(record))
        self._taken.add(key)
        return key

    def _made(self, fields: dict[str, str]) -> str:
        """The address, where no other record has it; else a digest of title and text, numbered where that stands there twice."""
        address = one_line(fields.get("url", ""))
        if 0 < len(address) <= _MAX_KEY and address not in self._taken:
            return address
        content = digest("\n".join(fields.get(name, "") for name in ("title", "text")).encode("utf-8", "surrogatepass"))[:12]
        self._copies[content] += 1
        return f"{content}-{self._copies[content]}" if self._copies[content] > 1 else content


def _bytes(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True).encode()


def _lines(file: Path, data: bytes, note: Note) -> _Found:
    with contextlib.suppress(RefusedError):  # a bad byte costs its own line only
        data = decode(data, note).encode("utf-8", "surrogatepass")
    for number, line in enumerate(io.BytesIO(data), start=1):
        if line.strip():
            try:
                yield number, json_object(line), line.strip()
            except RefusedError as error:
                yield RefusedError(str(error), number).about(str(file), line)


def json_object(line: bytes) -> dict[str, Any]:
    """The object on a line of JSON; Refused where it is none, or where a name stands twice in it."""
    try:
        record = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # ValueError covers bad JSON, bad UTF-8 and numbers of 5,000 digits
        raise RefusedError(f"not a JSON line: {error}") from error
    if not isinstance(record, dict):
        raise RefusedError('not a JSON object: an article is {"title": ..., "text": ...}')
    return record


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in it")
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _rows(file: Path, data: bytes, text: io.StringIO) -> _Found:
    """A bad row is known again by the bytes of the whole file: where it ends is not known."""
    csv.field_size_limit(2**31 - 1)  # the file's own size is the limit; 128 kB is less than some articles
    header, delimiter = _header(text.readline())
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        line = rows.line_num + 2
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield RefusedError(f"not a row of CSV: {error}", line).about(str(file), data)
            continue
        if row is None:
            return
        if len(row) > len(header):
            reason = f"{len(row)} fields under {len(header)} names: put quotes around text that has {delimiter!r}"
            yield RefusedError(reason, line).about(str(file), data)
        elif any(map(str.strip, row)):
            record = dict(zip(header, row, strict=False))
            yield line, record, _bytes(record)


def _header(line: str) -> tuple[list[str], str]:
    """The names of the columns in lower case, and the delimiter that makes one of them a text; Refused where none does."""
    for delimiter in ",;\t":
        names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
        if not set(NAMES["text"]).isdisjoint(names):
            return names, delimiter
    raise RefusedError(f"no column is named {' or '.join(NAMES['text'])}; there are {one_line(line)[:200]}")
