"""What travels between the rooms of this package: the bytes of one article, a word about them, a refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from index.errors import ArticleError

# Told, in a few words, what a reader had to find out by itself or left out: an encoding, pages without text.
Note = Callable[[str], None]


def no_note(text: str) -> None:
    """For whom notes do not matter."""


class RefusedError(Exception):
    """Why bytes are no article, in a few words, and on which line where that is known."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line

    def about(self, path: str, data: bytes | None = None) -> ArticleError:
        """The error that names the file, or the one of several articles in it, and the bytes at fault, by which it is known again."""
        return ArticleError(f"{path}:{self.line}" if self.line else path, str(self), "" if data is None else digest(data))


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal: what decides whether bytes changed."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one article as they stand in a file; `path` is the file, or `file.jsonl#key` for one of several in it.

    `suffix` names the format, without .gz: what was packed is unpacked here. `line` is where one of several stands.
    """

    path: str
    data: bytes
    suffix: str
    line: int = 0

    @property
    def sha256(self) -> str:
        """Digest of the bytes: what decides whether an article changed."""
        return digest(self.data)
