"""python -m eval.worker ARCHIVE MODEL SET FOLDER: a run for the Evaluate page, in a process of its own (eval/job.py).

It measures as `clippings eval` does, and says on stdout how far it is, a JSON object a line: {"stage", "done", "total"}; at the end
{"error"} where something has to be mended. It gives way to whatever else wants the processor: questions are answered meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from eval import files, sets
from eval.run import CONFIGURATIONS
from index import terminal
from index.archive import Archive
from index.errors import ClippingsError

# Seconds between two lines of a stage.
_PAUSE = 0.2


def work(archive: Archive, name: str, folder: Path, say: Callable[[dict[str, Any]], None]) -> None:
    """Measure an archive with a set of questions into a new folder; the one error of it is said."""
    last = ("", 0.0)

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        if stage != last[0] or done == total or monotonic() - last[1] > _PAUSE:
            last = (stage, monotonic())
            say({"stage": stage, "done": done, "total": total})

    try:
        files.measured(sets.dataset(name, archive), archive, list(CONFIGURATIONS), folder, report)
    except ClippingsError as error:
        say({"error": str(error)})


def _main(path: str, model: str, name: str, folder: str) -> None:
    os.nice(19)
    try:
        work(terminal.open_archive(terminal.place(path), model), name, Path(folder), _say)
    except BrokenPipeError:  # the page is gone, and nobody waits for this
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(said: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
