"""The one writer of an archive: its lock, its store, and what a full or a failing disk means."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index import fingerprint
from index.commit import StoreWriter
from index.encoder import Encoder
from index.errors import ArchiveError, CorruptError
from index.segment import make_folder, sweep

# Seconds in which a writer that has the lock writes its process number there.
_MOMENT = 0.05


@contextmanager
def writer(path: Path, encoder: Encoder, repair: bool = False) -> Iterator[StoreWriter]:
    """The store of the archive at `path`, to write to; new tables are made where there are none. For a repair its manifest need not be
    believed. An ArchiveError while another process writes.
    """
    made = fingerprint.of(encoder)
    try:
        make_folder(path / "seg")
    except OSError as error:
        raise ArchiveError(f"{path}: no archive can be made there ({error.strerror}): name another folder with --archive") from error
    with on_disk(path), _lock(path):
        store = StoreWriter(path / "store.db")
        try:
            store.create(made)
            if not repair:
                fingerprint.check(path, encoder, store.fingerprint())  # another process may have made it since
            sweep(path / "seg")
            yield store
        finally:
            store.close()
            sweep(path / "seg")


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """An ArchiveError where the disk is full, or fails, or a file is missing or closed to us."""
    try:
        yield
    except BrokenPipeError:  # of whoever reads what is said
        raise
    except OSError as error:
        place = Path(error.filename or path)
        if isinstance(error, FileNotFoundError) and place.is_relative_to(path):
            raise CorruptError(f"{place}: missing: 'clippings check --repair' makes it again") from error
        what = f"{place}: cannot be read or written now ({error.strerror})"
        raise ArchiveError(f"{what}; what was committed stays: mend that, or name another folder with --archive") from error


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """The writer's lock, with its process number in it; it is the operating system's, and goes with the process that holds it."""
    with (path / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            time.sleep(_MOMENT)  # for its number
            lock.seek(0)
            raise ArchiveError(f"{path}: another process ({lock.read()}) is adding to it; try again when it is done") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
