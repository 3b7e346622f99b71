"""An open SQLite file: connecting, transactions, and errors that a user can mend. The only file that imports sqlite3.

The file has a write-ahead log, for which a reader, too, needs to write beside it. Where it cannot, because the folder is closed or the
disk is full, and nothing is in a log, the file is read as it stands, and opened anew when it has changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from index.errors import ArchiveError, CorruptError
from index.listing import folded

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Database:
    """A connection. A reader's cannot write."""

    def __init__(self, path: Path, write: bool = False) -> None:
        self.path = path
        self._write = write
        self._stamp: tuple[int, ...] | None = None  # of a file that is read as it stands
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect("rwc" if self._write else "ro")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._stamp = None if self._write or getattr(error, "sqlite_errorcode", None) in _BUSY else self._stamp_now()
            if not self._stamp:
                raise self._failure(error) from error
        try:
            return self._connect("ro&immutable=1")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._failure(error) from error

    def _connect(self, mode: str) -> sqlite3.Connection:
        """A connection that was used once: some of what is wrong with a file shows only then."""
        address = f"file:{quote(os.fsencode(self.path))}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
        try:
            connection.text_factory = _text
            connection.create_function("folded", 1, folded, deterministic=True)
            for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "foreign_keys=ON", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")
            if self._write:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _stamp_now(self) -> tuple[int, ...] | None:
        """What changes with the file; None where a log holds some of it, or there is no file."""
        log = self.path.with_name(f"{self.path.name}-wal")
        try:
            status = self.path.stat()
            return None if log.exists() and log.stat().st_size else (status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            return None

    def close(self) -> None:
        """Close the connection; a writer leaves nothing in the log, unless a reader is at it, so that the file alone is whole."""
        if self._write:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA busy_timeout=0")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    @contextmanager
    def transaction(self, kind: str) -> Iterator[None]:
        """All or nothing of what is written inside; everything read inside belongs to one commit."""
        self._refresh()
        self.execute(f"BEGIN {kind}")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have done it already
                self._connection.execute("ROLLBACK")
            raise
        if self._stamp and self._stamp != self._stamp_now():
            raise ArchiveError(f"{self.path}: it was changed while it was read: ask again")

    def _refresh(self) -> None:
        """Open anew a file that is read as it stands and has changed since."""
        if self._stamp and not self._connection.in_transaction and self._stamp != self._stamp_now():
            self._connection.close()
            self._stamp = None
            self._connection = self._open()

    def execute(self, statement: str, parameters: Iterable[Any] = ()) -> None:
        """Run a statement that gives nothing back."""
        try:
            self._connection.execute(statement, tuple(parameters))
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def executemany(self, statement: str, parameters: Iterable[Iterable[Any]]) -> None:
        """Run a statement once for each of the parameters."""
        try:
            self._connection.executemany(statement, map(tuple, parameters))
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def rows(self, query: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """All that a query gives."""
        self._refresh()
        try:
            return self._connection.execute(query, tuple(parameters)).fetchall()
        except (sqlite3.Error, UnicodeError) as error:  # of damage: a message of SQLite's, or a key that was read, need not be text
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ArchiveError:
        """The error that a user can mend: of a disk or a lock, or of a damaged file."""
        if isinstance(error, sqlite3.OperationalError):
            return ArchiveError(f"{self.path}: cannot be read or written now ({error}); what was committed stays")
        return CorruptError(f"{self.path}: {error}; if 'clippings check --repair' does not help, move it away and add its articles again")


def _text(data: bytes) -> str:
    """What is damaged need not be UTF-8: a digest says so, not the decoder."""
    return data.decode("utf-8", "surrogateescape")
