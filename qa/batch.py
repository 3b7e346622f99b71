"""A file of questions -> a file of answers, each on the disk before the next is asked; a later run goes on from there.

Each answer says what it was made with: the reader, the chips that were dropped, the digest of the archive. Only a run with the same three
goes on with a file; any other is refused, so that nothing is mixed or overwritten.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from index import Archive
from index.changes import Report
from index.errors import QuestionError, UsageError
from qa.assistant import ask
from qa.batch_files import Key, Questions, Row, given, unasked, written
from qa.reader import NONE, named, who_reads

FORMATS = (".csv", ".jsonl")


@dataclass
class Answered:
    """What became of a file of questions: how many were answered, earlier runs' too, which were not and why, and which were not asked."""

    answered: int = 0
    without: list[tuple[Row, str]] = field(default_factory=list)
    rejected: list[QuestionError] = field(default_factory=list)
    earlier: int = 0


def run(
    name: str,
    questions: Questions,
    archive: Archive,
    out: Path,
    report: Report,
    reader: str | None = None,
    without: Collection[str] = (),
) -> Answered:
    """Ask what `out` does not answer yet, and add it there. A UsageError where `out` is something else, was made with something else, or
    cannot be written.

    `name` is that of the file of questions, for errors; `reader` and `without` are as for `ask`. An interrupt says how many answers it
    leaves behind.
    """
    if out.suffix not in FORMATS:
        raise UsageError(f"{out}: answers are written to a {' or a '.join(FORMATS)} file: name one with --out")
    changed, made = archive.changed(), _made_with(archive, reader, without)  # or an ArchiveError, before there is a file
    result = Answered(rejected=list(questions.rejected))
    with _opened(out) as file:
        reasons = _resumed(out, file, made)
        left = [row for row in questions.rows if row.key not in reasons]
        result.earlier = len(questions.rows) - len(left)
        try:
            for place, row in enumerate(left):
                report("asking", place, len(left))
                if archive.changed() != changed:
                    changed, made = archive.changed(), _made_with(archive, reader, without)
                try:
                    answer = ask(row.question, archive, row.filters, reader, without=without)
                except (QuestionError, UsageError) as error:
                    result.rejected.append(unasked(name, row.line, error))
                    continue
                _append(out, file, written(out.name, row, answer, who_reads(answer.question, reader), made, first=file.tell() == 0))
                reasons[row.key] = answer.reason
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(f"{len(reasons):,} answers are kept in {out}, and the next run goes on from there") from interrupt
    told = [(row, reasons[row.key]) for row in questions.rows if row.key in reasons]
    result.without = [(row, reason) for row, reason in told if reason]
    result.answered = len(told) - len(result.without)
    return result


@contextmanager
def _opened(out: Path) -> Iterator[BinaryIO]:
    """The file, made where there is none, and locked."""
    try:
        file = os.fdopen(os.open(out, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666), "a+b", buffering=0)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}): name another file with --out") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{out}: another process is writing answers to it: name another file with --out") from error
        yield file


def _made_with(archive: Archive, reader: str | None, without: Collection[str]) -> str:
    """What makes an answer what it is, beside its question."""
    reads = named(reader)
    dropped = f"without {', '.join(sorted(without))}" if without else ""
    return "; ".join(filter(None, [f"reader {reads.name if reads else NONE}", dropped, f"archive {archive.status()['digest']}"]))


def _resumed(out: Path, file: BinaryIO, made: str) -> dict[Key, str]:
    """What the file has answered; the answer that a stop cut short is cut off, and will be asked again."""
    file.seek(0)
    found = given(out.name, file.read())
    if others := found.made - {made}:
        raise UsageError(f"{out}: has answers made with {min(others)}, not with {made}: nothing is asked; name another file with --out")
    file.truncate(found.whole)
    file.seek(0, os.SEEK_END)
    return found.reasons


def _append(out: Path, file: BinaryIO, data: bytes) -> None:
    try:
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}): the answers before are kept, and the next run goes on") from error
