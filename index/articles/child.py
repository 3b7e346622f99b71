"""A parser at arm's length: bytes go to a child process, and what it read in them comes back, within limits.

HTML, Markdown, PDF, Word and feeds can each be made to take a parser hours and all memory. The child is started with the first
of them, reads one after the other, and is ended and replaced when one exceeds a limit: that one is refused, the next is read.
Not known here: what the formats are (index/articles/worker.py).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.articles.frames import receive, send
from index.articles.source import RefusedError

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: bytes of address space, seconds of processor and of clock, bytes of answer."""

    memory: int = 1 << 30
    cpu: int = 20
    wall: float = 60  # more than the processor's, so that a busy machine does not refuse files
    answer: int = 100_000_000
    files: int = 5000  # then a fresh child, before a leak in a library can reach the memory limit


class Child:
    """The child process, alive from the first file to `close`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._left = 0

    def read(self, kind: str, data: bytes) -> Any:
        """What the reader of that kind makes of `data`; Refused where it makes nothing of it, or takes too much."""
        with self._guard:
            try:
                answer = self._ask(self._running(), kind, data)
            except BaseException:  # an interrupt too: half a conversation cannot be continued
                self._end()
                raise
            if answer.get("spent") or self._left <= 0:
                self._end()
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return answer["read"]

    def close(self) -> None:
        """End the child; the next file starts another."""
        with self._guard:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
            # -P: the folder that the user stands in may hold a json.py
            command = [sys.executable, "-P", "-m", "index.articles.worker", str(self._limits.memory), str(self._limits.cpu)]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths}
            )
            self._left = self._limits.files
        self._left -= 1
        return self._process

    def _ask(self, process: subprocess.Popen[bytes], kind: str, data: bytes) -> dict[str, Any]:
        """One file's conversation. The child takes a file in whole before its parser sees it, so that only the answer may be late."""
        assert process.stdin
        assert process.stdout
        answer = None
        try:
            send(process.stdin, kind.encode())
            send(process.stdin, data)
            answer = receive(_Timed(process.stdout.fileno(), self._limits.wall), self._limits.answer)
        except TimeoutError as error:
            raise RefusedError(f"took more than {self._limits.wall:g} s to read") from error
        except BrokenPipeError:  # it is dead; the cause is found below
            pass
        if answer is None:
            raise RefusedError(self._cause(process))
        said: dict[str, Any] = json.loads(answer)
        return said

    def _cause(self, process: subprocess.Popen[bytes]) -> str:
        """Why there is no answer, in words."""
        code = process.wait()
        if code == -signal.SIGXCPU:
            return f"took more than {self._limits.cpu} s of the processor to read"
        if code > 0:
            raise RuntimeError(f"the reading process ended with exit code {code}")  # our own fault; it has told more on stderr
        return f"its reader broke down ({signal.Signals(-code).name})"

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            with contextlib.suppress(BrokenPipeError):  # what was not yet sent to it
                pipe.close()
        self._process = None


class _Timed:
    """Reads from a pipe, all within some seconds; a TimeoutError when they are over."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self._descriptor = descriptor
        self._deadline = time.monotonic() + seconds

    def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not select.select([self._descriptor], [], [], max(0.0, self._deadline - time.monotonic()))[0]:
                raise TimeoutError
            more = os.read(self._descriptor, min(size - len(data), 1 << 20))
            if not more:
                break
            data += more
        return bytes(data)


_CHILD = Child()
read = _CHILD.read
close = _CHILD.close
atexit.register(close)
