"""Files -> articles. One small reader for each format; nothing here knows of passages, models or the archive.

    find(paths)     the files to read, in a stable order
    sources(file)   its articles as bytes: the file itself, or each of several in it
    read(source)    the article: title, clean text, outlet, date, URL

A file, or one article of it, that cannot be taken is an ArticleError that names it and says why. What a reader had to find out
by itself, such as an encoding, is told as a note.

    files.py        paths and links, opening, unpacking     several.py    jsonl, csv and feeds, split
    decoding.py     bytes -> text, by a stated or found encoding
    formats.py      a reader for each format                fields.py     names, dates, addresses, headlines
    child.py        the parsers at arm's length             worker.py     their process: page, markdown, pdf, word, feed
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from index.articles.fields import headline, iso_date, shorten, web_address
from index.articles.files import absolute, file_of, find, format_of, read_bytes, without_folder
from index.articles.formats import READERS
from index.articles.several import SPLITTERS
from index.articles.source import Note, RefusedError, Source, digest, no_note
from index.clean import clean, one_line
from index.errors import ArticleError
from index.records import Article

__all__ = ["MAX_TEXT", "VERSION", "Note", "Source", "absolute", "article_id", "file_of", "find", "read", "sources", "without_folder"]

# Part of an archive's fingerprint: raise it when the same bytes would give another text.
VERSION = 3
# Characters of one article: three times War and Peace.
MAX_TEXT = 10_000_000
# Characters of the name of a language.
_LANGUAGE = 35


def sources(file: Path, note: Note = no_note, earlier: ArticleError | None = None) -> Iterator[Source | ArticleError]:
    """The articles of a file, unread: one, or each of several in it. What cannot be taken is yielded as its error.

    `earlier` is the error of the file as a whole when it was tried before: it is not split again as long as its bytes are the same.
    """
    suffix, _ = format_of(file)
    try:
        data = read_bytes(file)
    except ArticleError as error:
        yield error
        return
    if suffix not in SPLITTERS:
        yield Source(str(file), data, suffix)
    elif earlier and earlier.sha256 == digest(data):
        yield earlier
    else:
        try:
            yield from SPLITTERS[suffix](file, data, note)
        except RefusedError as error:
            yield error.about(str(file), data)


def read(source: Source, note: Note = no_note) -> Article:
    """The article in `source`; an ArticleError says why there is none."""
    try:
        fields = READERS[source.suffix](source.data, note)
        if len(fields.get("text", "")) > MAX_TEXT:
            raise RefusedError(f"{len(fields['text']):,} characters: an article has at most {MAX_TEXT:,}, so split it")
        return _article(source, fields, note)
    except RefusedError as error:
        raise RefusedError(str(error), error.line or source.line).about(source.path, source.data) from error


def _article(source: Source, fields: dict[str, str], note: Note) -> Article:
    title = shorten(one_line(fields.get("title", "")))
    text = clean(fields.get("text", ""), title) or clean(fields.get("text", ""))
    if not title:
        title, text = headline(text)
    if not text:
        raise RefusedError("no article text in it")
    if lost := text.count("\ufffd"):
        note(f"{lost:,} of its characters were lost before it came here, and stand as \ufffd")
    return Article(
        id=article_id(source.path),
        title=title,
        text=text,
        source=shorten(one_line(fields.get("source", ""))),
        url=web_address(fields.get("url", "")),
        published=iso_date(fields.get("published", "")),
        language=shorten(one_line(fields.get("language", "")), _LANGUAGE),
        path=source.path,
        sha256=source.sha256,
    )


def article_id(path: str) -> str:
    """A short, stable name for the article at `path`, fit for links and files; of 100 million, no two are likely to share one."""
    return hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
