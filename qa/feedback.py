"""What a reader says of an answer -> ARCHIVE/feedback.jsonl, one JSON object a line, and back. It knows of no page and no evals.

Lines are only ever added. A thumb is a fact about a question and the quote that was shown for it: given again it is the same
fact, and a later one that says otherwise takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_type_hints

from index.archive import Archive
from index.errors import ArchiveError
from qa.answer import Answer
from qa.citation import Citation

FILE = "feedback.jsonl"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thumb: up, down, or taken back (None).

    `quote` is what it is on, characters start to end of that version of the article: the headline, or another sentence that a reader says
    is the right one; "" for an answer that there is none.
    """

    id: str
    time: str
    question: str
    liked: bool | None
    outcome: str
    article: str = ""
    quote: str = ""
    start: int = 0
    end: int = 0
    sha256: str = ""


def record(archive: Archive, answer: Answer, liked: bool | None, right: Citation | None = None) -> Feedback:
    """Keep a thumb on an answer's headline, or on the sentence that is the right one instead; on return it is on the disk.

    An ArchiveError where it cannot be written.
    """
    given = Feedback("", datetime.now(UTC).isoformat(), answer.question, liked, answer.outcome)
    for quoted in [right] if right else answer.quotes[:1]:
        article = quoted.article
        given = replace(given, article=article.path, quote=quoted.quote, start=quoted.start, end=quoted.end, sha256=article.sha256)
    given = replace(given, id=hashlib.sha256(json.dumps(asdict(given)).encode()).hexdigest()[:12])
    append(archive.folder / FILE, json.dumps(asdict(given)))
    return given


def append(file: Path, line: str) -> None:
    """Add a line to a file and sync it; a new file is its owner's only. An ArchiveError where it cannot be written."""
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b") as lines:
            lines.seek(max(lines.tell() - 1, 0))
            torn = lines.read(1) not in (b"", b"\n")  # by a write that was cut short: it spoils no line but its own
            lines.write(("\n" * torn + line + "\n").encode())
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise ArchiveError(f"{file}: cannot be written ({error.strerror})") from error


def read(archive: Archive) -> list[Feedback]:
    """What stands, in the order in which it was first said; an ArchiveError names a line that is no record."""
    file = archive.folder / FILE
    found: dict[tuple[str, str], Feedback] = {}
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            one = _parse(line)
        except (ValueError, TypeError) as error:
            raise ArchiveError(f"{file}:{number}: not a record of feedback ({error}): mend the line, or delete it") from error
        earlier = found.setdefault((one.question, one.quote), one)
        if earlier.liked != one.liked:
            found[one.question, one.quote] = one
    return [one for one in found.values() if one.liked is not None]


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ArchiveError(f"{file}: cannot be read ({error.strerror})") from error


def _parse(line: bytes) -> Feedback:
    one = Feedback(**json.loads(line))
    for name, kind in get_type_hints(Feedback).items():
        if not isinstance(getattr(one, name), kind):
            raise TypeError(f"its {name} is a {type(getattr(one, name)).__name__}")
    return one
