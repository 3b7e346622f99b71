"""How far a long command is: a bar on a terminal, a line now and then in a log. The only file that imports tqdm."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from index import terminal
from index.changes import KEEPING, Report

_UNITS = {"reading": " files", "splitting": " articles", "embedding": " passages", "adding": " shares", "asking": " questions"}
_PACE = "{rate_noinv_fmt}, {remaining} left{postfix}"
# Seconds between two lines of a log: a short add writes none.
_PAUSE = 30.0


class _Lines(tqdm):  # type: ignore[type-arg]
    """tqdm's figures as lines of talk, by its hook for other ways of display."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Say where it stands; `msg` is what would clear a bar."""
        if msg is None:
            terminal.talk(str(self))


def _bar(stage: str, total: int, kept: str) -> tqdm[Any]:
    shared: dict[str, Any] = {"desc": stage, "total": total, "unit": _UNITS.get(stage, ""), "postfix": kept, "leave": False}
    shared["smoothing"] = 0.0  # the longest passages are embedded first: a recent pace says less than the mean
    if sys.stderr.isatty():
        drawn: dict[str, Any] = {"file": sys.stderr, "dynamic_ncols": True}
        return tqdm(None, **shared, **drawn, bar_format="{desc} {percentage:3.0f}%|{bar}| {n:,}/{total:,}{unit}, " + _PACE)
    spoken: dict[str, Any] = {"file": io.StringIO(), "mininterval": _PAUSE, "delay": _PAUSE, "miniters": 1}
    return _Lines(None, **shared, **spoken, bar_format="{desc} {n:,} of {total:,}{unit}, " + _PACE)


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A report function that shows each stage on stderr: what is done of all, the pace, the time left, and the articles that are kept."""
    shown: tqdm[Any] | None = None
    kept = ""

    def report(stage: str, done: int, total: int) -> None:
        nonlocal shown, kept
        if stage == KEEPING:
            kept = f"{done:,} of {total:,} articles kept"
            return
        if shown is None or shown.desc != stage:
            close()
            shown = _bar(stage, total, kept)
        shown.set_postfix_str(kept, refresh=False)
        shown.update(done - shown.n)

    def close() -> None:
        if shown is not None:
            shown.close()

    try:
        yield report
    finally:
        close()
