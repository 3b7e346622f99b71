"""What qa/export.py wrote, and may have been edited since -> its quotes. Pure: it knows no archive.

A spreadsheet's other delimiter or encoding, a Markdown editor's other escapes and what a reader wrote around the quotes do not matter.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from index.articles.decoding import decode
from index.articles.fields import shorten
from index.articles.source import RefusedError, no_note
from index.clean import one_line
from index.errors import UsageError
from qa.citation import digest
from qa.export import NO_ANSWER, ON_THE_PAGE, rearmed

if TYPE_CHECKING:
    from markdown_it.token import Token

_PROVENANCE = re.compile(
    r"(?P<path>.*), characters (?P<start>\d+) to (?P<end>\d+) of article (?P<article>\S*), SHA-256 (?P<sha256>\S*), digest (?P<digest>\S*)",
    re.DOTALL,
)
_PROVEN = re.compile(r"SHA-256 |digest v3-")
_NOTE, _INDENT = re.compile(r"\[(?P<number>\d+)\] “"), " " * 4
_TEXTS = ("text", "path", "article", "sha256", "digest")
_LABEL = ("outlet", "title", "date")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as an export has it: `text`, said to be characters start to end of an article. `number` is its place in its answer.

    `label` has the article's outlet, title and date, in any order.
    """

    number: int
    text: str
    path: str
    start: int
    end: int
    article: str
    sha256: str
    digest: str
    label: str = ""

    @property
    def intact(self) -> bool:
        """Whether it is still what was exported."""
        return self.text != "" and self.digest == digest(self.text, self.start, self.end, self.sha256, self.label)


def read(name: str, data: bytes) -> list[Quoted]:
    """The quotes in a file of that name, in order; none where its answers are abstentions. A UsageError where it is no export."""
    suffix = name[name.rfind(".") :].lower()
    if suffix not in _READERS:
        raise UsageError(f"{name}: not a file that can be verified: its name ends in {', '.join(_READERS)}")
    try:
        return list(_READERS[suffix](decode(data, no_note)))
    except RefusedError as error:
        raise UsageError(f"{name}: {error}") from error


def _json(text: str) -> Iterator[Quoted]:
    loaded = _parsed(text)
    for answer in loaded if isinstance(loaded, list) else [loaded]:
        yield from _of_answer(answer)


def _json_lines(text: str) -> Iterator[Quoted]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield from _of_answer(_parsed(line))
            except RefusedError as error:
                raise RefusedError(f"line {number}: {error}") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"not JSON ({error})") from error


def _of_answer(answer: Any) -> Iterator[Quoted]:
    """The quotes of an answer; what it calls nearest is no answer, and no quote."""
    quotes = answer.get("quotes") if isinstance(answer, dict) else None
    if not isinstance(quotes, list):
        raise RefusedError('not an exported answer: it has no list of "quotes"')
    for number, quote in enumerate(quotes, start=1):
        yield _quoted(number, quote if isinstance(quote, dict) else {})


def _quoted(number: int, fields: Mapping[str, Any]) -> Quoted:
    """A quote whose fields may be missing or of another kind: then its digest does not agree."""
    start, end = (_number(fields.get(name)) for name in ("start", "end"))
    texts = {name: str(fields.get(name, "")) for name in _TEXTS}
    label = " ".join(str(fields.get(name, "")) for name in _LABEL)
    return Quoted(number, start=start, end=end, **texts, label=label)


def _number(value: Any) -> int:
    """A whole number from 0 as a spreadsheet may write it; -1 for anything else, which no quote has."""
    written = str(value).strip()
    return int(written) if re.fullmatch(r"[0-9]{1,9}", written) else -1


def _csv(text: str) -> Iterator[Quoted]:
    lines = io.StringIO(text.replace("\r\n", "\n"), newline="")
    header, delimiter = columns(lines.readline(), {*_TEXTS, "start", "end"})
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in rows:
            cells = dict.fromkeys(header, "") | dict(zip(header, map(rearmed, row), strict=False))
            if cells.get("outcome") == "answered" or any(cells[name] for name in _TEXTS):
                yield _quoted(_number(cells.get("number")), cells)
    except csv.Error as error:
        raise RefusedError(f"line {rows.line_num + 1}: not CSV ({error})") from error


def columns(line: str, wanted: Set[str]) -> tuple[list[str], str]:
    """The names of the columns in a header, in lower case, and the delimiter with which it has those wanted; Refused where none does."""
    csv.field_size_limit(2**31 - 1)  # the file's own size is the limit
    for delimiter in ",;\t":
        names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
        if wanted <= set(names):
            return names, delimiter
    raise RefusedError(f"its header lacks some of the columns {', '.join(sorted(wanted))}: {shorten(one_line(line), 200)}")


def _markdown(text: str) -> Iterator[Quoted]:
    """The block quotes that end in a line of provenance; others are somebody's own."""
    from markdown_it import MarkdownIt

    paragraphs, found = list[str](), False
    for token in MarkdownIt().parse(text):
        if token.type == "blockquote_open":
            paragraphs = []
        elif token.type == "inline":
            paragraphs.append(_shown(token.children or []))
            found = found or paragraphs[-1].startswith(NO_ANSWER)
        elif token.type == "blockquote_close" and paragraphs and _PROVEN.search(paragraphs[-1]):
            *shown, last = paragraphs
            number, _, label = "".join(shown[1:2]).partition("·")
            said = {"text": "".join(shown[:1]), "title": label.removesuffix(f" · {ON_THE_PAGE}")}
            yield _quoted(_number(number), _provenance(last) | said)
            paragraphs, found = [], True
    if not found:
        raise RefusedError("no quote of an exported answer in it")


def _footnotes(text: str) -> Iterator[Quoted]:
    """The numbered notes that end in a line of provenance: the last that is indented below the number, or stands before the next note."""
    lines = text.replace("\r\n", "\n").split("\n")
    found = any(line.startswith(NO_ANSWER) for line in lines)
    openings = [(place, opening) for place, line in enumerate(lines) if (opening := _NOTE.match(line))]
    for (place, opening), until in zip(openings, [*(place for place, _ in openings[1:]), len(lines)], strict=False):
        below = lines[place + 1 : until]
        indented = list(takewhile(lambda one: one.startswith(_INDENT), below))
        if ends := _last_proven(indented) or _last_proven(below):
            note = [lines[place][opening.end() :], *(one.removeprefix(_INDENT) for one in below[:ends])]
            yield _noted(_number(opening["number"]), note)
            found = True
    if not found:
        raise RefusedError("no quote of an exported answer in it")


def _last_proven(lines: list[str]) -> int:
    """The number of the last line of provenance, from 1; 0 where there is none."""
    return max((number for number, line in enumerate(lines, start=1) if _PROVEN.search(line)), default=0)


def _provenance(line: str) -> dict[str, str]:
    """What a line of provenance says; of one in another form, all as the path."""
    said = _PROVENANCE.fullmatch(line)
    return said.groupdict() if said else {"path": line}


def _noted(number: int, note: list[str]) -> Quoted:
    """The quote of a note: it ends with the line before that of outlet, title, date and address, below which stands a link, and what else
    is said of the quote, or neither. Where that is not clear, the digest knows; an altered one is cut at the first of those places."""
    *shown, last = note
    fields = _provenance(last)
    ends = [end for end in range(max(1, len(shown) - 3), len(shown)) if shown[end - 1].endswith("”")]
    cut = [
        _quoted(number, fields | {"text": "\n".join(shown[:end])[:-1], "title": label}) for end in ends for label in _labels(shown[end:])
    ]
    return next((quoted for quoted in cut if quoted.intact), cut[0] if cut else _quoted(number, fields))


def _labels(lines: list[str]) -> Iterator[str]:
    """What the line of outlet, title, date and address may say but for the address: that is what the link below begins with."""
    yield lines[0]
    rest, _, url = lines[0].rpartition(", ")
    if len(lines) > 1 and lines[1].startswith(f"{url.partition('#')[0]}#"):
        yield rest


def _shown(children: list[Token]) -> str:
    return "".join("\n" if child.type in ("softbreak", "hardbreak") else child.content for child in children)


_READERS: Mapping[str, Callable[[str], Iterator[Quoted]]] = {
    ".json": _json, ".jsonl": _json_lines, ".csv": _csv, ".md": _markdown, ".markdown": _markdown, ".txt": _footnotes,
}  # fmt: skip
