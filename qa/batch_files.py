"""A file of questions -> the questions; a file of answers -> what is answered in it; an answer -> its bytes there. Pure: bytes, no files.

Questions: .csv with a column `question` and perhaps `id`, `since`, `until`, `outlet`; .jsonl with such names; .txt, one a line.
Answers: .csv, the columns of an exported answer after `id`, `limits`, `reader`, who read it, and `made`, with what the run made it; .jsonl,
an exported answer a line, with those four.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from index import filtering
from index.articles.decoding import decode
from index.articles.fields import shorten
from index.articles.source import RefusedError, no_note
from index.clean import one_line
from index.errors import ClippingsError, QuestionError, UsageError
from index.query import check_query
from index.records import Filters
from index.terminal import as_json
from qa.answer import Answer
from qa.export import COLUMNS, answer_rows, rearmed, rows
from qa.exported import columns

# What tells one question from another: its id, its words, and its filters in words.
Key = tuple[str, str, str]

_HEADER = ["id", "limits", "reader", "made", *COLUMNS]
_OPENS = b'{"id": "'
_HEAD = codecs.BOM_UTF8 + rows([_HEADER]).encode()  # without the mark a spreadsheet takes it for windows-1252
_Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A question to ask: its line, its id ("" where it has none), its filters."""

    line: int
    id: str
    question: str
    filters: Filters

    @property
    def key(self) -> Key:
        """What its answer is known by."""
        return self.id, self.question, str(self.filters)


@dataclass(frozen=True, slots=True)
class Questions:
    """What a file asks: each question once, what cannot be asked, and how many stand there again."""

    rows: list[Row]
    rejected: list[QuestionError]
    repeated: int


def questions(name: str, data: bytes, limits: Filters) -> Questions:
    """The questions of a file of that name; `limits` hold where a row has none of its own. A UsageError where the file is none."""
    suffix = name[name.rfind(".") :].lower()
    if suffix not in _READERS:
        raise UsageError(f"{name}: not a file of questions: its name ends in {', '.join(_READERS)}")
    taken: dict[Key, Row] = {}
    by_id: dict[str, Row] = {}
    rejected, repeated = [], 0
    try:
        for line, fields in _READERS[suffix](decode(data, no_note)):
            try:
                row = _row(line, fields, limits)
                _check_id(row, by_id)
            except (ClippingsError, RefusedError) as error:
                rejected.append(unasked(name, line, error))
                continue
            repeated += row.key in taken
            taken.setdefault(row.key, row)
    except RefusedError as error:
        raise UsageError(f"{name}: {error}") from error
    if not taken and not rejected:
        raise UsageError(f"{name}: no questions in it")
    return Questions(list(taken.values()), rejected, repeated)


def unasked(name: str, line: int, error: Exception) -> QuestionError:
    """The error that names the line of a question that cannot be asked."""
    return QuestionError(f"{name}:{line}: {str(error).removeprefix('--')}")


def _row(line: int, fields: _Fields | RefusedError, limits: Filters) -> Row:
    if isinstance(fields, RefusedError):
        raise fields
    said = {name: _text(fields, name) for name in ("id", "question", "outlet", "since", "until")}
    check_query(said["question"])
    outlets = [said["outlet"]] if said["outlet"] else limits.outlets
    filters = filtering.filters(outlets, said["since"] or limits.since or None, said["until"] or limits.until or None)
    return Row(line, said["id"], said["question"], filters)


def _text(fields: _Fields, name: str) -> str:
    """A field on one line, "" where it is missing. JSON may have an id or a year as a number."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | None) or (name == "question" and isinstance(value, int)):
        raise RefusedError(f"its {name} is not text: {shorten(one_line(json.dumps(value)), 60)}")
    return "" if value is None else one_line(str(value))


def _check_id(row: Row, by_id: dict[str, Row]) -> None:
    other = by_id.setdefault(row.id, row)
    if row.id and other.key != row.key:
        raise RefusedError(f"the id {row.id!r} stands on line {other.line} too, for another question: give each its own")


_Read = Iterator[tuple[int, _Fields | RefusedError]]


def _csv(text: str) -> _Read:
    lines = io.StringIO(text, newline="")
    header, delimiter = columns(lines.readline(), {"question"})
    read = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = read.line_num + 2
        try:
            row = next(read, None)
        except csv.Error as error:
            yield line, RefusedError(f"not a row of CSV: {error}")
            continue
        if row is None:
            return
        if len(row) > len(header):
            yield line, RefusedError(f"{len(row)} fields under {len(header)} names: put quotes around text that has {delimiter!r}")
        elif any(map(str.strip, row)):
            yield line, dict(zip(header, row, strict=False))


def _json_lines(text: str) -> _Read:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, RefusedError(f"not a JSON line: {error}")
                continue
            yield number, fields if isinstance(fields, dict) else RefusedError('not a JSON object: a question is {"question": ...}')


def _lines(text: str) -> _Read:
    return ((number, {"question": line}) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


_READERS: Mapping[str, Callable[[str], _Read]] = {".csv": _csv, ".jsonl": _json_lines, ".txt": _lines}


@dataclass(frozen=True, slots=True)
class Given:
    """The answers in a file: key -> why there is none ("" where there is one); what made them; how many bytes hold whole answers."""

    reasons: dict[Key, str]
    made: frozenset[str]
    whole: int


def given(name: str, data: bytes) -> Given:
    """What a file of answers has, however it was cut short; a UsageError where something else stands there."""
    try:
        return _given_rows(data) if name.endswith(".csv") else _given_lines(data)
    except (ValueError, KeyError, TypeError, IndexError, csv.Error, RecursionError) as error:
        raise UsageError(f"{name}: not a file of answers to go on with, and nothing is overwritten: name another with --out") from error


def _given_lines(data: bytes) -> Given:
    *lines, torn = data.split(b"\n")
    if not torn.startswith(_OPENS[: len(torn)]):
        raise ValueError
    found = [json.loads(line) for line in lines]
    reasons = {(one["id"], one["question"], one["limits"]): one["reason"] for one in found}
    return Given(reasons, frozenset(one["made"] for one in found), len(data) - len(torn))


def _given_rows(data: bytes) -> Given:
    if _HEAD.startswith(data):  # cut short in its header, or new
        return Given({}, frozenset(), len(data) if data == _HEAD else 0)
    if not data.startswith(_HEAD):
        raise ValueError
    reasons: dict[Key, str] = {}
    made = set()
    whole = len(_HEAD)
    for end, row in _records(data, whole):
        cells = dict(zip(_HEADER, map(rearmed, row), strict=True))
        if cells["number"] == cells["of"]:  # an answer's last row
            reasons[cells["id"], cells["question"], cells["limits"]] = cells["reason"]
            made.add(cells["made"])
            whole = end
    return Given(reasons, frozenset(made), whole)


def _records(data: bytes, start: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are whole, and where each ends: at a line end with an even number of quotes before it."""
    end = start
    while (end := data.find(b"\n", end) + 1) > 0:
        if data.count(b'"', start, end) % 2 == 0:
            yield end, next(csv.reader(io.StringIO(data[start:end].decode(), newline=""), strict=True))
            start = end


def written(name: str, row: Row, answer: Answer, reader: str, made: str, first: bool) -> bytes:
    """The bytes of an answer in a file of that name, `first` or not; `reader` is the name of who read it, `made` what it was made with."""
    identity, question, limits = row.key
    about, asked = {"id": identity, "limits": limits, "reader": reader, "made": made}, replace(answer, question=question)
    if name.endswith(".csv"):
        cells = [[*about.values(), *one] for one in answer_rows(asked)]
        return (_HEAD if first else b"") + rows(cells).encode()
    return as_json({**about, **asked.as_dict()}, indent=None).encode()
