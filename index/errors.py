"""What a user can mend. Each message is one line: what, where, and what to do.

    ClippingsError
    ├── ArticleError      a file, or a line of one, that cannot be taken
    ├── ModelError        an embedding model that cannot be loaded
    ├── QuestionError     a question that cannot be asked
    ├── UsageError        a path, a port or an option that does not fit
    └── ArchiveError      an archive that is missing, empty or in use
        ├── MismatchError     made by another model, or by another version of the code
        └── CorruptError      its files are not what was written

Every other exception is a fault of the program and keeps its traceback.
"""

from __future__ import annotations


class ClippingsError(Exception):
    """Base of all errors that a user can mend."""


class ArticleError(ClippingsError):
    """A file, or a line of one, that cannot be taken as an article.

    `sha256` is of what is at fault, its bytes or its name: as long as that is the same, so is the fault. "" where it may pass by itself.
    """

    def __init__(self, path: str, reason: str, sha256: str = "") -> None:
        super().__init__(path, reason, sha256)  # so that it can be sent to another process
        self.path = path
        self.reason = reason
        self.sha256 = sha256

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class ModelError(ClippingsError):
    """An embedding model that cannot be loaded."""


class QuestionError(ClippingsError):
    """A question that cannot be asked."""


class UsageError(ClippingsError):
    """A path, a port or an option that does not fit."""


class ArchiveError(ClippingsError):
    """An archive that is missing, empty or in use."""


class MismatchError(ArchiveError):
    """An archive made by another model, or by another version of the code."""


class CorruptError(ArchiveError):
    """An archive whose files are not what was written."""
