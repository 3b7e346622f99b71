"""Paths -> the files there, and a file -> its bytes. It knows names, links and sizes, and of contents only how they begin.

Only regular files are opened, and links are followed only inside the folder that was given; whatever else there is gets named
and passed by. A .gz is unpacked up to a limit that counts what comes out. Not known here: a folder on the way that is
swapped for a link between the look and the opening; the files are the user's own.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from pathlib import Path

from index.articles.source import RefusedError, digest
from index.errors import ArticleError, UsageError

MAX_BYTES = 100_000_000
# Formats of which a file holds several articles, each named `file#key`.
SEVERAL = (".jsonl", ".csv", ".xml", ".rss", ".atom")
TEXTS = (".txt", ".md", ".html", ".htm", *SEVERAL)
FORMATS = (*TEXTS, ".pdf", ".docx")
_KEYED = re.compile(rf"(.*?(?:{'|'.join(map(re.escape, SEVERAL))})(?:\.gz)?)#", re.IGNORECASE | re.DOTALL)
_MAGIC = {
    b"%PDF-": ("a PDF file", ".pdf"),
    b"PK\x03\x04": ("a zip archive or a Word file", ".docx"),
    b"\x1f\x8b": ("gzip data", ".gz"),
    b"\xd0\xcf\x11\xe0": ("an old Word file, or an encrypted one", ""),
}
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,1000}(?:<!doctype html|<html)[\s>]", re.IGNORECASE)


def find(paths: list[Path]) -> tuple[list[Path], list[ArticleError]]:
    """The files at `paths`, folders walked, hidden names left out, sorted; and what is there but cannot be read or listed.

    A missing path, and one that cannot be remembered because it is not UTF-8, is a UsageError.
    """
    files: dict[Path, None] = {}
    closed: list[ArticleError] = []
    for path in paths:
        place = absolute(path)
        if not os.path.exists(place):  # noqa: PTH110 - Path.exists() raises where a folder on the way is closed
            raise UsageError(f"{path}: no such file or folder; nothing was changed ('clippings remove' takes articles out)")
        if not _is_text(place):
            raise UsageError(f"{_named(place)}: its name is not UTF-8: rename it; nothing was changed")
        files |= dict.fromkeys(_walk(place, closed) if place.is_dir() else [place])
    return list(files), closed


def absolute(path: Path) -> Path:
    """`path` from the root, with ~ and .. worked out but links left as they are named."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


def file_of(path: str) -> str:
    """The file that an article's path names: itself, or what stands before the key of one of several in it."""
    keyed = _KEYED.match(path) if "#" in path else None
    return keyed[1] if keyed else path


def without_folder(path: str) -> str:
    """An article's path from the name of its file on: who reads it elsewhere is not told the folders of this machine."""
    file = file_of(path)
    return Path(file).name + path[len(file) :]


def format_of(file: Path) -> tuple[str, bool]:
    """The suffix that names a file's format, without .gz and in lower case, and whether it is packed."""
    packed = file.suffix.lower() == ".gz"
    return (Path(file.stem) if packed else file).suffix.lower(), packed


def _walk(folder: Path, closed: list[ArticleError]) -> list[Path]:
    files = []
    inside = folder.resolve()

    def unlisted(error: OSError) -> None:
        closed.append(ArticleError(_named(error.filename), f"the folder cannot be listed: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=unlisted):
        if "store.db" in names and "seg" in folders:  # an archive, perhaps the one that is being added to
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = [Path(parent) / name for name in sorted(names) if not name.startswith(".")]
        links = [Path(parent) / name for name in folders if (Path(parent) / name).is_symlink()]
        closed += [_misnamed(link, "a link to a folder is not followed: name the folder itself") for link in links]
        leaving = [file for file in here if file.is_symlink() and _leaves(file, inside)]
        closed += [_misnamed(link, "a link out of the folder is not followed: name the file itself") for link in leaving]
        files += [file for file in here if file not in leaving]
    return files


def _named(path: Path | str) -> str:
    """A path as text that can be stored and printed: bytes that are not UTF-8 as \\xNN."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _is_text(path: Path) -> bool:
    """Whether a path's bytes are UTF-8: Python keeps others as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in str(path))


def _leaves(link: Path, inside: Path) -> bool:
    return not Path(os.path.realpath(link)).is_relative_to(inside)


def read_bytes(file: Path) -> bytes:
    """The content of a regular file of a known format, unpacked; an ArticleError says why there is none."""
    _check_name(file)
    suffix, packed = format_of(file)
    whole = suffix != ".jsonl" or packed  # a corpus of lines may be larger than any one article
    try:
        data = _read_regular(file, MAX_BYTES if whole else None)
    except OSError as error:
        raise ArticleError(str(file), f"cannot be read: {error.strerror}") from error
    data = _unpacked(file, data) if packed else data
    _check_content(file, suffix, data)
    return data


def _check_name(file: Path) -> None:
    suffix, packed = format_of(file)
    if not _is_text(file):
        raise _misnamed(file, "its name is not UTF-8: rename it")
    if file_of(str(file)) != str(file):
        raise _misnamed(file, f"its name reads as an article of {Path(file_of(str(file))).name}: rename it")
    if packed and suffix == ".gz":
        raise _misnamed(file, "packed twice: unpack it")
    if suffix not in (TEXTS if packed else FORMATS):
        raise _misnamed(file, "not a format that is read here ('clippings add --help' names them)")


def _misnamed(path: Path, reason: str) -> ArticleError:
    """A fault of a name, whatever the file holds."""
    return ArticleError(_named(path), reason, digest(os.fsencode(path)))


def _read_regular(file: Path, limit: int | None) -> bytes:
    """Opened without waiting for a pipe's other end, and read only when what was opened is a regular file, too."""
    if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 - a device may do something when it is opened
        raise ArticleError(str(file), "not a regular file")
    descriptor = os.open(os.path.realpath(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ArticleError(str(file), "not a regular file")
        if limit is not None and status.st_size > limit:
            raise ArticleError(str(file), f"{status.st_size // 1_000_000:,} MB: at most {limit // 1_000_000:,} MB are read, so split it")
        return opened.read(status.st_size)


def _unpacked(file: Path, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            text = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedError(f"cannot be unpacked: {error}").about(str(file), data) from error
    if len(text) > MAX_BYTES:
        raise RefusedError(f"unpacks to more than {MAX_BYTES // 1_000_000:,} MB: unpack it and split it").about(str(file), data)
    return text


def _check_content(file: Path, suffix: str, data: bytes) -> None:
    """Refuse a file whose name says one format and whose first bytes say another."""
    if reason := _mismatch(file, suffix, data):
        raise RefusedError(reason).about(str(file), data)


def _mismatch(file: Path, suffix: str, data: bytes) -> str:
    found, right = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), ("", ""))
    if found == "gzip data" and file.suffix.lower() == ".gz":
        return "packed twice: unpack it"
    if found and right != suffix:
        return f"its content is {found}: " + (f"name it {right}" if right else "save it as .docx")
    if suffix == ".docx" and not found:
        return "its content is not a Word file"
    if suffix == ".pdf" and b"%PDF-" not in data[:1024]:
        return "its content is not a PDF file"
    if suffix in (".txt", ".md") and _PAGE.match(data):
        return "its content is an HTML page: name it .html"
    return ""
