"""A run in a process of its own, that the page can watch and stop. What it runs, it does not know: a command that says how far it is.

The command writes JSON objects on stdout, a line each: {"stage", "done", "total"}, or {"error"}. Other lines are somebody else's, a
library's perhaps, and go to the terminal. What it makes lies in a folder, which goes where it is stopped or fails.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from eval import files
from index.archive import Archive

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class State:
    """How far a job is. `outcome`: running, done, stopped or failed, then with the error. `since`: when its stage began, by monotonic."""

    outcome: str = "running"
    stage: str = ""
    done: int = 0
    total: int = 0
    since: float = 0.0
    error: str = ""

    @property
    def left(self) -> float | None:
        """Seconds until the stage is over at its pace; None while nothing can be said."""
        spent = monotonic() - self.since
        return spent / self.done * (self.total - self.done) if self.done > 1 and spent > 2 else None


class Job:
    """A command that runs until it is done, fails, or is stopped; it ends with this process."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.state = State()
        self._stopped = False
        paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": paths},
            process_group=0,  # an interrupt on the terminal is for the page, which ends this then
        )
        atexit.register(self.stop)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def running(self) -> bool:
        """Whether it is neither done nor failed nor stopped."""
        return self.state.outcome == "running"

    def stop(self) -> None:
        """End it; on return it is over, and what it made is gone. One that is over stays as it is."""
        if self.running:
            self._stopped = True
            self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                said = _said(line)
                if said is None:
                    sys.stderr.write(line)
                else:
                    self._hear(said)
        code = self._process.wait()
        error = self.state.error or (f"the run broke off (exit code {code}): the terminal of the server says more" if code else "")
        outcome = "stopped" if code and self._stopped else "failed" if error else "done"
        if outcome != "done":
            shutil.rmtree(self.folder, ignore_errors=True)
        self.state = replace(self.state, outcome=outcome, error=error)
        atexit.unregister(self.stop)

    def _hear(self, said: dict[str, Any]) -> None:
        if "error" in said:
            self.state = replace(self.state, error=said["error"])
        else:
            since = self.state.since if said["stage"] == self.state.stage else monotonic()
            self.state = State(since=since, **said)


def _said(line: str) -> dict[str, Any] | None:
    """What a line says of the run; None where it is no such line."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and said.keys() in ({"stage", "done", "total"}, {"error"}) else None


class Runs:
    """The runs over one archive, one at a time."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._guard = threading.Lock()
        self.job: Job | None = None

    def start(self, name: str) -> Job:
        """Begin a run with a set of questions, or join the one that runs; a ClippingsError where none can begin."""
        with self._guard:
            if self.job is None or not self.job.running:
                folder = files.named()
                files.claim(folder)
                # -P: the folder that the user stands in may hold a json.py
                command = [
                    sys.executable,
                    "-P",
                    "-m",
                    "eval.worker",
                    str(self._archive.path),
                    self._archive.encoder.name,
                    name,
                    str(folder),
                ]
                self.job = Job(command, folder)
            return self.job

    def stop(self) -> None:
        """Stop the run that runs, if any."""
        if self.job:
            self.job.stop()
