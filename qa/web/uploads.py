"""The private folder in which gradio keeps what is sent to it and what it gives out: how much goes in, how long it stays, what leaves."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from qa.web.kept import MAX_BYTES, MIN_FREE
from qa.web.refusal import RefusedError

# Seconds that a file stays.
MAX_AGE = 3600


@dataclass(slots=True)
class Uploads:
    """Limits in bytes, but for `files` (how many are held), `at_once` (requests) and `age` (seconds).

    `sent`: the paths of what came from browsers, kept up to date by gradio. It is for the handlers alone, and given out to nobody.
    """

    folder: Path
    sent: Collection[str] = ()
    request: int = MAX_BYTES
    held: int = 2 * MAX_BYTES
    free: int = MIN_FREE
    files: int = 2000
    at_once: int = 4
    age: int = MAX_AGE
    _coming: list[int] = field(default_factory=list, init=False)

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """While a request of `size` bytes is read; a RefusedError where there is no room for it. What is too old goes first."""
        self._check_room(size)
        self._coming.append(size)
        try:
            yield
        finally:
            self._coming.remove(size)

    def _check_room(self, size: int) -> None:
        """Other requests that are read count whole, though parts of them lie in the folder already: they are over soon."""
        kept, coming = self._sweep(), sum(self._coming)
        room = self.held - sum(kept) - size
        free = shutil.disk_usage(self.folder).free - size - self.free
        if len(kept) >= self.files or room < 0:
            raise RefusedError(413, "Too much was sent: wait until what was sent earlier is deleted.", closes=True, wait=self.age)
        if free < 0:
            raise RefusedError(507, "The disk is too full to take files.", closes=True)
        if len(self._coming) >= self.at_once or len(kept) + len(self._coming) >= self.files or min(room, free) < coming:
            raise RefusedError(503, "Too many files are being sent: try again soon.", closes=True, wait=5)

    def _sweep(self) -> list[int]:
        """Delete the files that are too old, those of broken transfers too; the sizes of the rest. Others delete here meanwhile."""
        oldest = time.time() - self.age
        kept = []
        for home, _, names in os.walk(self.folder):  # a folder that is gone by now has nothing
            for file in (Path(home, name) for name in names):
                with suppress(FileNotFoundError):
                    found = file.stat()
                    if found.st_mtime < oldest:
                        file.unlink()
                    else:
                        kept.append(found.st_size)
        return kept

    def may_be_read(self, file: Path) -> bool:
        """Whether a file is one that a page gives out: in the folder, and not sent by somebody."""
        try:
            found = file.resolve()
            inside = found.is_relative_to(self.folder.resolve()) and found.is_file()
        except (OSError, ValueError):  # a name too long, or with a null character
            return False
        return inside and str(found) not in self.sent and str(file) not in self.sent
