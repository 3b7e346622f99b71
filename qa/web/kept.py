"""Files that a browser sent -> articles of the archive, with one line of account for each; their copies are kept in the archive's folder.

A copy is ARCHIVE/uploads/DIGEST/NAME: there `clippings update` finds it again, it moves and goes with the archive, and it is on the same
disk. Same bytes are kept once, whatever they are called; other bytes never take the place of others. Names are made here, of what is
harmless in what the browser says. It knows nothing of gradio.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from index import Archive
from index.articles import absolute, article_id, file_of
from index.articles.files import FORMATS, SEVERAL, TEXTS, format_of
from index.changes import Added, Report
from index.clean import how_many, one_line
from index.errors import ArchiveError, ClippingsError
from qa.page import plainly

# Bytes of one file; files and bytes of one session; bytes that stay free on the disk.
MAX_FILE = 20_000_000
MAX_FILES = 200
MAX_BYTES = 500_000_000
MIN_FREE = 1_000_000_000
# Seconds after which a copy that belongs to no article may go: an add takes less.
_GRACE = 3600
_MAX_NAME = 80
# So many of the reasons why parts of a file were not taken are told.
_REASONS = 3
_HELD = "the archive has it already"
_ELSE = "'clippings add' takes more"
# What the server calls a file that it received: gradio's digest of it, which nobody else can guess.
_HANDLE = re.compile(r"[0-9a-f]{64}")

TAKEN, UNCHANGED, REFUSED = "taken", "unchanged", "not taken"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a page says of one file: its name and size, and the handle under which the server received it; "" where it did not, and then
    the reason that the server gave, if any."""

    name: str
    size: int
    handle: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one file: TAKEN, UNCHANGED or REFUSED, and what to know; its article, "" where there is none or several."""

    name: str
    outcome: str
    detail: str = ""
    article: str = ""


@dataclass
class Session:
    """What one tab of a browser has sent so far."""

    files: int = 0
    bytes: int = 0

    def charge(self, size: int) -> None:
        """Count one more file in; a _Done where that would be too much."""
        if self.files >= MAX_FILES:
            raise _Done(REFUSED, f"{MAX_FILES:,} files were sent from this tab: {_ELSE}")
        if self.bytes + size > MAX_BYTES:
            raise _Done(REFUSED, f"{MAX_BYTES // 1_000_000:,} MB were sent from this tab: {_ELSE}")
        self.files, self.bytes = self.files + 1, self.bytes + size


class _Done(Exception):  # noqa: N818 - not an error: a file with which nothing more is to be done
    def __init__(self, outcome: str, detail: str, article: str = "") -> None:
        super().__init__(detail)
        self.found = (outcome, detail, article)


class Kept:
    """The files that an archive keeps itself. `received`: where the server puts what is sent to it, as `received/HANDLE/NAME`."""

    def __init__(self, archive: Archive, received: Path) -> None:
        self.folder = absolute(archive.folder) / "uploads"
        self._archive = archive
        self._received = received
        self._turn = threading.Lock()

    def add(self, sent: Sequence[Sent], session: Session, report: Report) -> list[Line]:
        """Take files into the archive; a line for each, in their order. What the server received of them is deleted in any case."""
        with self._turn:
            try:
                return self._add(sent, session, report)
            finally:
                for handle in {one.handle for one in sent if _HANDLE.fullmatch(one.handle)}:
                    shutil.rmtree(self._received / handle, ignore_errors=True)

    def _add(self, sent: Sequence[Sent], session: Session, report: Report) -> list[Line]:
        known = self._archive.known()
        held = {id_ for id_, _ in known.values()}
        by_bytes = {sha256: path for path, (_, sha256) in known.items()}
        found: dict[int, tuple[str, str, str]] = {}
        copies: dict[Path, int] = {}
        twice: dict[int, int] = {}
        for place, one in enumerate(sent):
            try:
                copy = self._copied(one, session, by_bytes)
                if article_id(str(copy)) in held:
                    raise _Done(UNCHANGED, _HELD, article_id(str(copy)))
            except _Done as done:
                found[place] = done.found
            except OSError as error:
                found[place] = (REFUSED, f"it cannot be kept: {error.strerror}", "")
            else:
                first = copies.setdefault(copy, place)
                if first != place:
                    twice[place] = first
        found |= self._taken({place: copy for copy, place in copies.items()}, report)
        for place, first in twice.items():
            outcome, detail, article = found[first]
            found[place] = (REFUSED, detail, "") if outcome == REFUSED else (UNCHANGED, _HELD, article)
        return [Line(one.name, *found[place]) for place, one in enumerate(sent)]

    def _copied(self, one: Sent, session: Session, by_bytes: Mapping[str, str]) -> Path:
        """The kept copy of a file that was received; a _Done where there is to be none."""
        _check(one)
        received = next((file for file in (self._received / one.handle).glob("*") if file.is_file()), None)
        if received is None:
            raise _Done(REFUSED, "it did not arrive: send it again")
        size = received.stat().st_size
        if size > MAX_FILE:
            raise _too_large(size)
        session.charge(size)
        if shutil.disk_usage(self._archive.folder).free - size < MIN_FREE:
            raise _Done(REFUSED, "the disk is too full to keep it")
        with received.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        path = by_bytes.get(sha256)
        if path and format_of(Path(path)) == format_of(Path(one.name)):  # the same bytes are read otherwise by another name
            raise _Done(UNCHANGED, _HELD, article_id(path))
        return self._kept(received, self.folder / sha256[:16] / safe_name(one.name))

    def _kept(self, received: Path, copy: Path) -> Path:
        """`copy`, written; or an earlier copy that only has another name."""
        for earlier in copy.parent.glob("*"):
            if format_of(earlier) == format_of(copy):
                os.utime(earlier)
                return earlier
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_name(".part")
        with received.open("rb") as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        return part.replace(copy)

    def _taken(self, copies: Mapping[int, Path], report: Report) -> dict[int, tuple[str, str, str]]:
        """What the archive made of some copies. Files of one article go in together, in one commit; one of several by itself, which
        counts them."""
        together = {place: copy for place, copy in copies.items() if format_of(copy)[0] not in SEVERAL}
        alone = [{place: copy} for place, copy in copies.items() if place not in together]
        found: dict[int, tuple[str, str, str]] = {}
        for some in filter(None, [together, *alone]):
            try:
                added = self._archive.add(list(some.values()), report)
            except ClippingsError as error:
                found |= dict.fromkeys(some, (REFUSED, plainly(error, self._archive), ""))
            else:
                found |= {place: _outcome(copy, added) for place, copy in some.items()}
        self._forget([copies[place] for place, (outcome, _, _) in found.items() if outcome == REFUSED])
        return found

    def _forget(self, files: list[Path]) -> None:
        """Drop copies that gave no article, from the archive and the disk; while another process writes, a later `sweep` does it."""
        with suppress(ArchiveError):
            held = {*self._archive.places(), *self._archive.failed()}
            if told := [file for file in files if str(file) in held]:
                self._archive.remove(told)
            for file in files:
                file.unlink(missing_ok=True)
                with suppress(OSError):  # another format of the same bytes
                    file.parent.rmdir()

    def left(self, path: str) -> None:
        """The article at `path` was taken out: if that was its file's last, the copy goes when there is no way back any more."""
        with suppress(FileNotFoundError):
            if Path(path).is_relative_to(self.folder):
                os.utime(file_of(path))

    def sweep(self, wanted: Collection[str]) -> None:
        """Delete the copies from which the archive has no article, but for those of the articles at `wanted` paths, which may come back."""
        with self._turn, suppress(ArchiveError):  # another time, then
            oldest = time.time() - _GRACE
            files = [file for file in self.folder.glob("*/*") if file.stat().st_mtime < oldest]
            if files:
                needed = {file_of(path) for path in (*self._archive.known(), *wanted)}
                self._forget([file for file in files if str(file) not in needed])


def _check(one: Sent) -> None:
    suffix, packed = format_of(Path(one.name))
    if suffix not in (TEXTS if packed else FORMATS):
        formats = ", ".join(name.removeprefix(".") for name in FORMATS)
        raise _Done(REFUSED, f"not a format that is read here: {formats}; texts packed as .gz too")
    if one.size > MAX_FILE:
        raise _too_large(one.size)
    if not _HANDLE.fullmatch(one.handle):
        raise _Done(REFUSED, one_line(one.reason).rstrip(".") or "it did not arrive: send it again")


def _too_large(size: int) -> _Done:
    return _Done(REFUSED, f"{size / 1e6:,.1f} MB: at most {MAX_FILE // 1_000_000} MB a file here; {_ELSE}")


def _outcome(copy: Path, added: Added) -> tuple[str, str, str]:
    """What an add made of one file: the only one that was given, where it is one of several articles."""
    reasons = [f"{_line_of(error.path, copy)}{error.reason}" for error in added.rejected if error.path.startswith(str(copy))]
    notes = [notice.text for notice in added.notices if notice.path.startswith(str(copy))]
    if format_of(copy)[0] not in SEVERAL:
        return (REFUSED, reasons[0], "") if reasons else (TAKEN, "; ".join(notes), article_id(str(copy)))
    bad = f"{len(reasons) + added.waiting:,} not taken" if reasons or added.waiting else ""
    why = "; ".join(filter(None, [*notes, bad and ": ".join(filter(None, [bad, "; ".join(reasons[:_REASONS])]))]))
    if count := added.new + added.changed:
        return TAKEN, "; ".join(filter(None, [how_many(count, "article"), why])), ""
    if added.unchanged:
        return UNCHANGED, "; ".join(filter(None, [_HELD, why])), ""
    return REFUSED, "; ".join(reasons[:_REASONS]) or "no article in it", ""


def _line_of(path: str, copy: Path) -> str:
    """Where in the file an error is, in words; nothing where it is the file's."""
    where = path.removeprefix(str(copy))
    return f"line {where[1:]}: " if where.startswith(":") else f"{where[1:]}: " if where else ""


def safe_name(name: str) -> str:
    """A file name made of what is harmless in one that a browser gives: no folder, no leading dot, at most 80 bytes, the same format."""
    whole = Path(unicodedata.normalize("NFC", name.replace("\\", "/")).rpartition("/")[2])
    suffix, packed = format_of(whole)
    ending = f"{suffix}.gz" if packed else suffix
    stem = "".join(
        sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" or sign in " -_()" else "_" for sign in whole.name[: -len(ending)]
    )
    short = stem.encode()[:_MAX_NAME].decode(errors="ignore").strip(" _")
    return f"{short or 'article'}{ending}"
