"""Long work in a thread of its own, with how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from index.changes import KEEPING, Report

Result = TypeVar("Result")


class Task(Generic[Result]):
    """Work that has begun, and goes on to its end whether or not anybody waits for it; but not beyond that of the process."""

    def __init__(self, work: Callable[[Report], Result]) -> None:
        self._stage = ("", 0, 0)
        self._future: Future[Result] = Future()
        threading.Thread(target=self._run, args=[work], daemon=True).start()

    def _run(self, work: Callable[[Report], Result]) -> None:
        try:
            self._future.set_result(work(self._report))
        except BaseException as error:
            self._future.set_exception(error)

    def _report(self, stage: str, done: int, total: int) -> None:
        if stage != KEEPING:
            self._stage = (stage, done, total)

    def progress(self, pause: float = 0.25) -> Iterator[tuple[str, int, int]]:
        """Stage, done, total, whenever that has changed, until the work is done."""
        told = ("", 0, 0)
        while wait([self._future], pause).not_done:
            if self._stage != told:
                told = self._stage
                yield told

    def result(self) -> Result:
        """What came of it; or raises what it raised."""
        return self._future.result()
