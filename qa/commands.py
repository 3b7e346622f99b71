"""What `ask` and `verify` do with files: answers written, quotes verified, questions asked by the hundred."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from index import terminal
from index.articles.fields import shorten
from index.clean import how_many, one_line
from index.errors import UsageError
from qa import export
from qa.answer import Answer
from qa.exported import Quoted, read
from qa.verify import OUTCOMES, STANDING, Verdict
from qa.verify import verify as verify_quotes

_BY_ENDING = {".txt": "footnote", ".md": "markdown", ".json": "json", ".csv": "csv"}
_WIDTH = 60


def chosen_format(arguments: argparse.Namespace) -> str:
    """The name of the format that is asked for, by name or by the ending of --out; "" for the screen's own. A UsageError where unclear."""
    if arguments.json or arguments.format:
        form = "json" if arguments.json else str(arguments.format)
    elif arguments.out:
        form = _BY_ENDING.get(arguments.out.suffix.lower(), "")
        if not form:
            raise UsageError(f"--out {arguments.out}: its ending names no format: give --format, or end it in {', '.join(_BY_ENDING)}")
    else:
        return ""
    if arguments.out and os.path.lexists(arguments.out):  # not the Path's own, which raises where the name is too long
        raise UsageError(f"--out {arguments.out}: it is there already, and nothing is overwritten: name another")
    return form


def deliver(answer: Answer, form: str, out: Path | None) -> None:
    """Write an answer in a format to a new file, or to stdout."""
    text = export.FORMATS[form](answer)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with out.open("xb") as file:
            # Without the mark a spreadsheet takes a CSV for windows-1252.
            file.write(text.encode("utf-8-sig" if form == "csv" else "utf-8"))
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}): name another") from error


def verify(arguments: argparse.Namespace) -> int:
    """The exit code: 0 where every quote stands, verbatim or moved; 1 where one does not; 2 where a file could not be read."""
    archive = terminal.open_archive(arguments.archive, arguments.model)
    quotes: list[tuple[Path, Quoted]] = []
    unread = 0
    for file in arguments.files:
        try:
            quotes += [(file, quote) for quote in read(str(file), _bytes(file))]
        except UsageError as error:
            unread += 1
            terminal.talk(f"clippings: {error}")
    if unread == len(arguments.files):
        return 2
    verdicts = verify_quotes([quote for _, quote in quotes], archive)
    counts = Counter(verdict.outcome for verdict in verdicts)
    if arguments.json:
        found = [{"file": str(file), **asdict(verdict)} for (file, _), verdict in zip(quotes, verdicts, strict=True)]
        terminal.print_json({"counts": {name: counts[name] for name in OUTCOMES}, "quotes": found})
    else:
        for (file, _), verdict in zip(quotes, verdicts, strict=True):
            print(terminal.shown(f"{verdict.outcome:<9} {file}{verdict_line(verdict)}"))
        print(", ".join([how_many(len(verdicts), "quote"), *(f"{name} {counts[name]:,}" for name in OUTCOMES if counts[name])]))
    return 2 if unread else int(any(verdict.outcome not in STANDING for verdict in verdicts))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error


def verdict_line(verdict: Verdict) -> str:
    """What became of a quote, for the screen, after its outcome and file."""
    quote = verdict.quote
    head = f" [{quote.number if quote.number > 0 else '?'}] {_short(quote.text)}: "
    span = f"characters {quote.start:,} to {quote.end:,}"
    now = _short(verdict.now) if verdict.now else "nothing"
    return (
        head
        + {
            "verbatim": f"{verdict.path}, {span}{'; its article has changed since' * verdict.changed}",
            "moved": f"{verdict.path}, {span}, now {verdict.start:,} to {verdict.end:,}",
            "gone": f"{verdict.path} has changed, and has there now: {now}",
            "missing": f"{quote.path} is not in the archive any more",
            "altered": f"changed since it was exported: it and its digest do not agree{_has(verdict)}",
        }[verdict.outcome]
    )


def _has(verdict: Verdict) -> str:
    """What the article has instead of an altered quote, where that is known."""
    if verdict.now == verdict.quote.text:
        return "; the article has these words: look at outlet, title and date"
    return f"; the article has {_short(verdict.now)}" * bool(verdict.now)


def _short(text: str) -> str:
    return f"“{shorten(one_line(text), _WIDTH)}”"


def batch(arguments: argparse.Namespace) -> int:
    """The exit code: 0, or 1 where a question could not be asked. No answer is an answer."""
    from index.progress import progress_bar
    from qa.batch import run
    from qa.batch_files import questions
    from qa.reading import KINDS

    if arguments.question or arguments.format or arguments.explain or not arguments.out:
        raise UsageError("--batch asks the questions of its file, and writes to --out FILE: leave out a question, --format and --explain")
    asked = questions(str(arguments.batch), _bytes(arguments.batch), terminal.filters(arguments))
    archive = terminal.open_archive(arguments.archive, arguments.model)
    with progress_bar() as report:
        dropped = KINDS if arguments.plain else ()
        result = run(str(arguments.batch), asked, archive, arguments.out, report, arguments.reader, dropped)
    for error in result.rejected:
        terminal.talk(f"not asked: {error}")
    counts = {
        "questions": len(asked.rows) + len(asked.rejected),
        "answered": result.answered,
        "without an answer": len(result.without),
        "not asked": len(result.rejected),
        "answered earlier": result.earlier,
        "asked twice": asked.repeated,
    }
    if arguments.json:
        without = [{"line": row.line, "id": row.id, "question": row.question, "reason": reason} for row, reason in result.without]
        rejected = [str(error) for error in result.rejected]
        terminal.print_json({"counts": counts, "without_an_answer": without, "not_asked": rejected})
    else:
        for row, reason in result.without:
            print(terminal.shown(f"without an answer: {' '.join(filter(None, [row.id, row.question]))}: {reason}"))
        print(", ".join(f"{name} {count:,}" for name, count in counts.items() if count or name in ("questions", "answered")))
    return 1 if result.rejected else 0
