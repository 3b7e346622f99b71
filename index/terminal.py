"""What all commands share: --archive and --model, one-line errors, JSON. Results go to stdout, talk to stderr."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from index.errors import ClippingsError

if TYPE_CHECKING:
    from index.archive import Archive
    from index.records import Filters, Why

# When the program's own code began to run, on perf_counter's clock.
STARTED = perf_counter()

# What a terminal obeys or hides instead of showing it: controls, direction marks, zero-width and tag characters, lone surrogates.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")

Options = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, one line of help, a function that declares its options, and one that runs it."""

    name: str
    help: str
    options: Options
    run: Callable[[argparse.Namespace], int]


def main(program: str, description: str, commands: Sequence[Command], argv: Sequence[str] | None = None) -> int:
    """Parse and run; the exit code. A single command needs no name. 0: done, 1: done in part, 2: an error, 130: interrupted.

    numpy gets one thread: for a question's small matrices a second one waits by spinning, and doubles the CPU time (torch has its own).
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(program, description=description)
    if len(commands) == 1:
        _declare(parser, commands[0])
    else:
        chosen = parser.add_subparsers(metavar="COMMAND", required=True)
        for command in commands:
            _declare(chosen.add_parser(command.name, help=command.help, description=command.help), command)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ClippingsError as error:
        talk(f"clippings: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt as interrupt:
        talk("; ".join(filter(None, ["clippings: interrupted", str(interrupt)])))
        return 130
    except BrokenPipeError:  # `| head` closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _declare(parser: argparse.ArgumentParser, command: Command) -> None:
    command.options(parser)
    parser.set_defaults(run=command.run)


_ARCHIVE_HELP = "the archive: a folder, or milvus://HOST:PORT/NAME (default: $CLIPPINGS_ARCHIVE, or ./archive)"


def archive_options(parser: argparse.ArgumentParser, help_text: str = _ARCHIVE_HELP) -> None:
    """--archive and --model, with their environment variables."""
    archive = place(os.environ.get("CLIPPINGS_ARCHIVE") or "archive")
    parser.add_argument("--archive", type=place, default=archive, metavar="FOLDER", help=help_text)
    model = "a sentence-transformers model, by name or folder (default: $CLIPPINGS_MODEL, or the archive's own)"
    parser.add_argument("--model", default=os.environ.get("CLIPPINGS_MODEL") or None, metavar="NAME", help=model)


def place(text: str) -> Path | str:
    """The folder, or the address of a server, that --archive names."""
    return text if "://" in text else Path(text)


def json_option(parser: argparse._ActionsContainer) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def filter_options(parser: argparse.ArgumentParser) -> None:
    """--outlet, --since and --until."""
    outlet = "only articles of this outlet, in any case; several may be given"
    parser.add_argument("--outlet", action="append", default=[], metavar="NAME", help=outlet)
    for name, meaning in (("since", "on or after"), ("until", "on or before")):
        text = f"only articles {meaning} this day (2014-06-27), month (2014-06) or year"
        parser.add_argument(f"--{name}", metavar="DATE", help=text)


def filters(arguments: argparse.Namespace) -> Filters:
    """What `filter_options` were given; a UsageError where a date is none."""
    from index import filtering

    return filtering.filters(arguments.outlet, arguments.since, arguments.until)


def open_archive(path: Path | str, model: str | None) -> Archive:
    """The archive at `path`, a folder or an address, with a model by name or with its own."""
    from index.archive import Archive
    from index.encoder import SentenceEncoder

    return Archive(path, SentenceEncoder(model) if model else None)


def ranks(why: Why) -> str:
    """The rank of a passage in each leg, in words."""
    legs = (("bm25", why.bm25), ("dense", why.dense))
    return ", ".join(f"{leg} rank {rank}" if rank else f"{leg} not found" for leg, rank in legs)


def as_json(value: Any, indent: int | None = 2) -> str:
    """JSON, with a line end; what a terminal would not show stands as \\uNNNN, so that nothing is lost."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _UNSHOWN.sub(lambda sign: sign[0] if sign[0] == "\n" else json.dumps(sign[0])[1:-1], text) + "\n"


def print_json(value: Any) -> None:
    """Indented JSON on stdout."""
    print(as_json(value), end="")


def shown(text: str) -> str:
    """`text` on one line, with what a terminal would obey or hide written out: names of files may hold anything."""
    return _UNSHOWN.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


def talk(line: str) -> None:
    """A line on stderr."""
    print(shown(line), file=sys.stderr)
