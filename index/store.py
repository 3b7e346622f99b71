"""SQLite: the truth (articles, passages) and the manifest (segments, fingerprint) of an archive. One commit point.

Each row that is shown carries a digest over itself, its id included, because SQLite does not notice a flipped bit. The
manifest carries one over all of its rows. Readers take snapshots and never wait for the writer.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from index.errors import ArchiveError, CorruptError
from index.records import Article, Filters, Passage
from index.segment import Segment

FORMAT = 2
_FIELDS = [field.name for field in fields(Article)]
_SCHEMA = f"""
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE article ({", ".join(f"{name} TEXT NOT NULL" for name in _FIELDS)}, digest TEXT NOT NULL, PRIMARY KEY (id)) STRICT;
    CREATE TABLE passage (id INTEGER PRIMARY KEY, article_id TEXT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        start INTEGER NOT NULL, end INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
    CREATE INDEX passage_article ON passage (article_id);
    CREATE TABLE segment (name TEXT PRIMARY KEY, passages INTEGER NOT NULL, files TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does: the articles that go, by id, those that come, and the segment that then holds all passages."""

    remove: list[str]
    add: list[Article]
    passages: list[tuple[int, Passage]]
    segment: Segment


def _digest(*values: object) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=8).hexdigest()


class Store:
    """An open store.db. A reader's connection cannot write."""

    def __init__(self, path: Path, write: bool = False) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(
                f"file:{quote(path.as_posix())}?mode={'rwc' if write else 'ro'}",
                uri=True, isolation_level=None, check_same_thread=False, timeout=30,
            )  # fmt: skip
            for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "foreign_keys=ON", "synchronous=FULL"):
                self._db.execute(f"PRAGMA {pragma}")
            if write:
                self._db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise ArchiveError(f"{path}: cannot be opened ({error}); if it is damaged, make the archive again from its articles") from error

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def is_made(self) -> bool:
        """Whether it has its tables: a process that was killed before it made them leaves an empty file."""
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))

    def create(self, fingerprint: dict[str, Any]) -> None:
        """Make the tables of a new archive; does nothing where they are."""
        with self._transaction("IMMEDIATE"):
            if self.is_made():
                return
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._db.execute(statement)
            self._set("format", FORMAT)
            self._set("fingerprint", fingerprint)
            self._set("manifest", self._manifest_digest())

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        self._db.execute(f"BEGIN {kind}")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _rows(self, query: str, parameters: Iterable[Any] = ()) -> list[Any]:
        try:
            return self._db.execute(query, tuple(parameters)).fetchall()
        except sqlite3.OperationalError as error:  # locked, or a disk that cannot be read: nothing that a new archive would mend
            raise ArchiveError(f"{self.path}: cannot be read now ({error})") from error
        except sqlite3.DatabaseError as error:
            raise CorruptError(f"{self.path}: {error}; make the archive again from its articles") from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside belongs to one commit."""
        with self._transaction("DEFERRED"):
            yield

    def _set(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def _get(self, name: str) -> Any:
        rows = self._rows("SELECT value FROM meta WHERE name = ?", [name])
        if not rows:
            raise CorruptError(f"{self.path}: it has no {name}; make the archive again from its articles")
        return json.loads(rows[0][0])

    def _manifest_digest(self) -> str:
        rows = self._rows("SELECT name, passages, files FROM segment ORDER BY name")
        return _digest(self._get("format"), self._get("fingerprint"), rows)

    def fingerprint(self) -> dict[str, Any]:
        """The model and the versions that made this archive."""
        if self._get("format") != FORMAT:
            raise ArchiveError(f"{self.path}: format {self._get('format')}, this program reads {FORMAT}; make the archive again")
        return dict(self._get("fingerprint"))

    def segment(self) -> Segment | None:
        """The segment that holds all passages; none in an empty archive. The manifest's digest is checked."""
        if self._get("manifest") != self._manifest_digest():
            raise CorruptError(f"{self.path}: the manifest is not what was written; make the archive again from its articles")
        rows = self._rows("SELECT name, passages, files FROM segment")
        return Segment(rows[0][0], rows[0][1], json.loads(rows[0][2])) if rows else None

    def commit(self, change: Change) -> None:
        """Make `change` the archive's state, wholly or not at all."""
        with self._transaction("IMMEDIATE"):
            self._db.executemany("DELETE FROM article WHERE id = ?", [(article_id,) for article_id in change.remove])
            marks = ", ".join("?" * (len(_FIELDS) + 1))
            rows = [(*astuple(article), _digest(*astuple(article))) for article in change.add]
            self._db.executemany(f"INSERT INTO article VALUES ({marks})", rows)  # noqa: S608 - marks are question marks
            passages = [(number, *astuple(passage), _digest(number, *astuple(passage))) for number, passage in change.passages]
            self._db.executemany("INSERT INTO passage VALUES (?, ?, ?, ?, ?)", passages)
            self._db.execute("DELETE FROM segment")
            segment = change.segment
            self._db.execute("INSERT INTO segment VALUES (?, ?, ?)", (segment.name, segment.passages, json.dumps(segment.files)))
            self._set("manifest", self._manifest_digest())

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (article id, sha256) of every article."""
        return {path: (article, sha256) for path, article, sha256 in self._rows("SELECT path, id, sha256 FROM article")}

    def article(self, article_id: str) -> Article | None:
        """An article, its digest checked; None where there is no such id."""
        rows = self._rows(f"SELECT {', '.join(_FIELDS)}, digest FROM article WHERE id = ?", [article_id])  # noqa: S608
        if rows and _digest(*rows[0][:-1]) != rows[0][-1]:
            raise CorruptError(f"{self.path}: article {article_id} is not what was written; make the archive again from its articles")
        return Article(*rows[0][:-1]) if rows else None

    def articles(self) -> Iterator[Article]:
        """All articles, by path."""
        for (article_id,) in self._rows("SELECT id FROM article ORDER BY path"):
            article = self.article(article_id)
            assert article
            yield article

    def passage(self, number: int) -> Passage:
        """A passage by its number, its digest checked."""
        rows = self._rows("SELECT article_id, start, end, digest FROM passage WHERE id = ?", [number])
        if not rows or _digest(number, *rows[0][:-1]) != rows[0][-1]:
            raise CorruptError(f"{self.path}: passage {number} is not what was written; make the archive again from its articles")
        return Passage(*rows[0][:-1])

    def passage_numbers(self, article_ids: Iterable[str]) -> list[int]:
        """The numbers of all passages of some articles."""
        return [row[0] for article in article_ids for row in self._rows("SELECT id FROM passage WHERE article_id = ?", [article])]

    def allowed(self, filters: Filters) -> list[int]:
        """The numbers of the passages whose article passes `filters`."""
        outlets = [outlet.casefold() for outlet in filters.outlets]
        articles = self._rows(
            "SELECT id, source FROM article WHERE published BETWEEN ? AND ?"
            if filters.since or filters.until
            else "SELECT id, source FROM article",
            [filters.since or "0", filters.until or "9999-12-31"] if filters.since or filters.until else [],
        )
        return self.passage_numbers(article for article, outlet in articles if not outlets or outlet.casefold() in outlets)

    def newest_titles(self, count: int) -> list[str]:
        """The titles of the newest articles, undated ones last."""
        return [row[0] for row in self._rows("SELECT title FROM article ORDER BY published DESC, path LIMIT ?", [count])]

    def census(self) -> dict[str, Any]:
        """Counts and ranges: articles, passages, outlets, first and last date."""
        articles, outlets, first, last = self._rows(
            "SELECT count(*), count(DISTINCT nullif(source, '')), min(nullif(published, '')), max(nullif(published, '')) FROM article"
        )[0]
        passages = self._rows("SELECT count(*) FROM passage")[0][0]
        return {
            "articles": articles,
            "passages": passages,
            "outlets": outlets,
            "first_date": first or "",
            "last_date": last or "",
        }
