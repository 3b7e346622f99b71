"""Files -> articles. One small reader for each format; nothing here knows of passages, models or the archive.

    find(paths)     the files to read, in a stable order
    sources(file)   its articles as bytes: the file itself, or each line of a .jsonl
    read(source)    the article: title, clean text, outlet, date, URL

A file or a line that cannot be taken is an ArticleError that names it and says why.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from index.clean import clean, markdown_to_text, one_line
from index.errors import ArticleError, UsageError
from index.records import Article
from index.sentences import sentences

# Part of an archive's fingerprint: raise it when the same bytes would give another text.
VERSION = 1
MAX_BYTES = 50_000_000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_SENTENCE_END = re.compile(r"""[.!:,;…]["'”’)\]]*$|\?["'”’)\]]+$""")
_NAMES = {
    "title": ("title", "headline"),
    "text": ("text", "body", "content"),
    "source": ("outlet", "source", "publisher", "publication", "site"),
    "url": ("url", "link", "source_url", "canonical"),
    "published": ("date", "published", "published_at", "published_date", "pubdate"),
    "language": ("language", "lang"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one article as they stand in a file; `path` is the file, or `file.jsonl#key` for a line of one."""

    path: str
    data: bytes
    suffix: str

    @property
    def sha256(self) -> str:
        """Digest of the bytes, in hexadecimal: what decides whether an article changed."""
        return hashlib.sha256(self.data).hexdigest()


def find(paths: list[Path]) -> tuple[list[Path], list[ArticleError]]:
    """The files at `paths`, folders walked, hidden names left out, sorted; and the folders that cannot be listed.

    A missing path is a UsageError.
    """
    files: dict[Path, None] = {}
    closed: list[ArticleError] = []
    for path in paths:
        place = absolute(path)
        if not place.exists():
            raise UsageError(f"{path}: no such file or folder; nothing was changed ('clippings remove' takes articles out)")
        files |= dict.fromkeys(_walk(place, closed) if place.is_dir() else [place])
    return list(files), closed


def absolute(path: Path) -> Path:
    """`path` from the root, with ~ and .. worked out but links left as they are named."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


def file_of(path: str) -> str:
    """The file that an article's path names: itself, or what stands before the key of a line."""
    line = re.match(r"(.*?\.jsonl)#", path, re.IGNORECASE | re.DOTALL)
    return line[1] if line else path


def _walk(folder: Path, closed: list[ArticleError]) -> list[Path]:
    files = []

    def unlisted(error: OSError) -> None:
        closed.append(ArticleError(str(error.filename), f"the folder cannot be listed: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=unlisted):
        if "store.db" in names and "seg" in folders:  # an archive, perhaps the one that is being added to
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [Path(parent) / name for name in folders if (Path(parent) / name).is_symlink()]
        closed += [ArticleError(str(link), "a link to a folder is not followed: name the folder itself") for link in links]
        files += [Path(parent) / name for name in sorted(names) if not name.startswith(".")]
    return files


def sources(file: Path) -> Iterator[Source | ArticleError]:
    """The articles of a file, unread: one, or one for each line of a .jsonl. What cannot be taken is yielded as its error."""
    try:
        data = _read_bytes(file)
        if file.suffix.lower() == ".jsonl":
            yield from _json_lines(file, data)
        else:
            yield Source(str(file), data, file.suffix.lower())
    except ArticleError as error:
        yield error


def _read_bytes(file: Path) -> bytes:
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(file).decode(errors="replace")
        raise ArticleError(name, "its name is not UTF-8: rename it") from error
    if file.suffix.lower() not in READERS:
        raise ArticleError(str(file), f"not a format that is read here ({', '.join(READERS)})")
    if not file.is_file():
        raise ArticleError(str(file), "not a regular file")
    try:
        if file.stat().st_size > MAX_BYTES and file.suffix.lower() != ".jsonl":
            raise ArticleError(str(file), f"larger than {MAX_BYTES // 1_000_000} MB: split it")
        return file.read_bytes()
    except OSError as error:
        raise ArticleError(str(file), f"cannot be read: {error.strerror}") from error


def _json_lines(file: Path, data: bytes) -> Iterator[Source | ArticleError]:
    keys: set[str] = set()
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _json_object(f"{file}:{number}", line)
        except ArticleError as error:
            yield error
            continue
        key = one_line(str(record.get("_id", record.get("id", f"line-{number}"))))
        if key in keys:
            yield ArticleError(f"{file}:{number}", f"the _id {key!r} stands on an earlier line too: give each its own")
        else:
            keys.add(key)
            yield Source(f"{file}#{key}", line.strip(), ".jsonl")


def _json_object(where: str, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:  # ValueError covers bad JSON, bad UTF-8 and numbers of 5,000 digits
        raise ArticleError(where, f"not a JSON line: {error}") from error
    if not isinstance(record, dict):
        raise ArticleError(where, 'not a JSON object: an article is {"title": ..., "text": ...}')
    return record


def article_id(path: str) -> str:
    """A short, stable name for the article at `path`, fit for links and files."""
    return hashlib.blake2b(path.encode(), digest_size=6).hexdigest()


def read(source: Source) -> Article:
    """The article in `source`; an ArticleError says why there is none."""
    fields = READERS[source.suffix](source)
    title = _shorten(one_line(fields.get("title", "")))
    text = clean(fields.get("text", ""), title) or clean(fields.get("text", ""))
    if not title:
        title, text = _headline(text)
    if not text:
        raise ArticleError(source.path, "no article text in it")
    return Article(
        id=article_id(source.path),
        title=title,
        text=text,
        source=one_line(fields.get("source", "")),
        url=_web_address(fields.get("url", "")),
        published=_iso_date(fields.get("published", "")),
        language=one_line(fields.get("language", "")),
        path=source.path,
        sha256=source.sha256,
    )


def _read_text(source: Source) -> dict[str, str]:
    fields, body = _front_matter(source)
    return fields | {"text": body}


def _read_markdown(source: Source) -> dict[str, str]:
    fields, body = _front_matter(source)
    heading, text = markdown_to_text(body)
    return {"title": heading} | fields | {"text": text}


def _read_html(source: Source) -> dict[str, str]:
    import trafilatura  # 0.2 s, and only some archives hold HTML

    dates = {"original_date": True, "extensive_search": False}  # the page's own metadata, never a guess from a footer
    page = trafilatura.bare_extraction(
        source.data, with_metadata=True, include_comments=False, include_tables=False, date_extraction_params=dates
    )
    if page is None or not page.text:
        raise ArticleError(source.path, "no article text found in the page")
    metadata = {"title": page.title, "source": page.sitename, "url": page.url, "published": page.date, "language": page.language}
    return {name: value or "" for name, value in metadata.items()} | {"text": page.text.replace("\n", "\n\n")}


def _read_json(source: Source) -> dict[str, str]:
    record = _json_object(source.path, source.data)
    inner = record.get("metadata")
    fields = _known(inner if isinstance(inner, Mapping) else {}) | _known(record)
    if not fields.get("text", "").strip():
        raise ArticleError(source.path, 'no "text" in it')
    return fields


READERS: dict[str, Callable[[Source], dict[str, str]]] = {
    ".txt": _read_text,
    ".md": _read_markdown,
    ".html": _read_html,
    ".htm": _read_html,
    ".jsonl": _read_json,
}


def _front_matter(source: Source) -> tuple[dict[str, str], str]:
    """The known fields of the YAML block at the head of a text, and the text after it."""
    text = _decode(source).replace("\r\n", "\n")
    block = _FRONT_MATTER.match(text)
    if not block:
        return {}, text
    try:
        fields = yaml.load(block[1], Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes strings and nothing else
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise ArticleError(f"{source.path}:{line}", "front matter is not YAML here: put the value in quotes") from error
    return (_known(fields), text[block.end() :]) if isinstance(fields, dict) else ({}, text)


def _decode(source: Source) -> str:
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArticleError(source.path, f"not UTF-8 text (byte {error.start:,}): save it as UTF-8") from error
    if "\x00" in text:
        raise ArticleError(source.path, "not a text file (it has zero bytes)")
    return text


def _known(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields that an article has, under our names; only text and numbers count."""
    lowered = {str(name).lower(): value for name, value in fields.items() if isinstance(value, str | int | float)}
    return {ours: str(lowered[name]) for ours, names in _NAMES.items() for name in reversed(names) if lowered.get(name)}


def _headline(text: str) -> tuple[str, str]:
    """A title for a text that names none: its headline, which leaves the text, or else the start of its first sentence.

    A headline is a line without a final stop, followed by a blank one, above the first real paragraph. Shorter labels above it
    ("Politics") go too. A text that is nothing but a headline stays a text.
    """
    lines = text.split("\n")
    for position, line in enumerate(lines[:6]):
        if not line:
            continue
        if len(line) > 160 or _SENTENCE_END.search(line) or "".join(lines[position + 1 : position + 2]):
            break
        rest = clean("\n".join(lines[position + 1 :]), line.strip())
        if len(line.split()) > 3 and rest:
            return line.strip(), rest
    first = sentences(text)[:1]
    return (_shorten(one_line(text[slice(*first[0])]), 90) if first else ""), text


def _shorten(title: str, limit: int = 300) -> str:
    return title if len(title) <= limit else title[:limit].rsplit(" ", 1)[0] + " …"


def _web_address(url: str) -> str:
    """`url` when it is an http(s) address, else nothing: other schemes have no place in a link."""
    try:
        parts = urlsplit(one_line(url))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else ""


def _iso_date(written: str) -> str:
    """A written date as YYYY-MM-DD; nothing when a part is missing or when day and month could change places."""
    written = one_line(written)
    try:
        return datetime.fromisoformat(written).date().isoformat()
    except ValueError:
        pass
    from dateutil import parser

    try:  # A missing part shows itself by following the default; an ambiguous one by following dayfirst.
        readings = {
            parser.parse(written, default=default, dayfirst=dayfirst).date()
            for default in (datetime(1999, 1, 1), datetime(2004, 2, 28))
            for dayfirst in (True, False)
        }
    except (ValueError, OverflowError):
        return ""
    return readings.pop().isoformat() if len(readings) == 1 else ""
