"""The store: the truth (articles, passages) and the manifest (segments, fingerprint) of an archive. One commit point.

Each row that is shown carries a digest over itself, its id included, because SQLite does not notice a flipped bit. The
manifest carries one over all of its rows. Readers take snapshots and never wait for the writer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from index.blocks import Seal
from index.database import Database
from index.errors import ArchiveError, ArticleError, CorruptError
from index.listing import ORDERS, Listed, where
from index.records import Article, Filters, Passage
from index.segment import Segment

FORMAT = 6
_SEGMENTS = "SELECT name, passages, files, dead, recall FROM segment ORDER BY place"
_FIELDS = [field.name for field in fields(Article)]
_SCHEMA = f"""
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE article ({", ".join(f"{name} TEXT NOT NULL" for name in _FIELDS)}, digest TEXT NOT NULL, PRIMARY KEY (id)) STRICT;
    CREATE TABLE passage (id INTEGER PRIMARY KEY, article_id TEXT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        start INTEGER NOT NULL, end INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
    CREATE INDEX passage_article ON passage (article_id);
    CREATE INDEX article_counts ON article (source, published);
    CREATE INDEX article_known ON article (path, id, sha256);
    CREATE INDEX article_list ON article (published, title, source, id);
    CREATE TABLE place (path TEXT PRIMARY KEY, wanted INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
    CREATE TABLE failed (path TEXT PRIMARY KEY, reason TEXT NOT NULL, sha256 TEXT NOT NULL, digest TEXT NOT NULL) STRICT;
    CREATE TABLE segment (name TEXT PRIMARY KEY, place INTEGER NOT NULL, passages INTEGER NOT NULL, files TEXT NOT NULL,
        dead BLOB NOT NULL, recall REAL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does: the articles that go, by id, those that come with their passages, and the segments that there are then."""

    remove: list[str]
    add: list[Article]
    passages: list[tuple[int, Passage]]
    segments: Sequence[Segment]


def _digest(*values: object) -> str:
    """Of any values that SQLite may give: a flipped bit can turn a text into bytes."""
    return hashlib.blake2b(json.dumps(values, default=repr).encode(), digest_size=8).hexdigest()


def archive_digest(fingerprint: dict[str, Any], sha256s: Iterable[str]) -> str:
    """Of what an archive is made of, wherever it lies: the model, the versions, and the bytes of every article."""
    return _digest(fingerprint, sorted(sha256s))


class Store:
    """An open store.db. A reader's connection cannot write."""

    def __init__(self, path: Path, write: bool = False) -> None:
        self.path = path
        self._db = Database(path, write)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def is_made(self) -> bool:
        """Whether it has its tables: a process that was killed before it made them leaves an empty file."""
        return bool(self._db.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))

    def create(self, fingerprint: dict[str, Any]) -> None:
        """Make the tables of a new archive; does nothing where they are."""
        with self._db.transaction("IMMEDIATE"):
            if self.is_made():
                return
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._db.execute(statement)
            self._set("format", FORMAT)
            self._set("fingerprint", fingerprint)
            self._set("next", 1)
            self._set("census", self._count())
            self._set("manifest", self._manifest_digest())

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside belongs to one commit."""
        with self._db.transaction("DEFERRED"):
            yield

    def _set(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def _get(self, name: str) -> Any:
        rows = self._db.rows("SELECT value FROM meta WHERE name = ?", [name])
        if not rows:
            raise CorruptError(f"{self.path}: it has no {name}; make the archive again from its articles")
        return self._parsed(rows[0][0])

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise CorruptError(f"{self.path}: the manifest is not what was written: 'clippings check --repair' makes it again") from error

    def _manifest_digest(self) -> str:
        parts = [self._get(name) for name in ("format", "fingerprint", "next", "census")]
        return _digest(*parts, self._db.rows(_SEGMENTS))

    def fingerprint(self) -> dict[str, Any]:
        """The model and the versions that made this archive. The manifest's digest is checked."""
        self._check_manifest()
        return dict(self._get("fingerprint"))

    def named_model(self) -> str:
        """The name of the model in a manifest that cannot be believed; "" where it says none."""
        try:
            return str(self._get("fingerprint")["model"])
        except (CorruptError, KeyError, TypeError):
            return ""

    def check_format(self) -> None:
        """An ArchiveError where another version of this program wrote the tables."""
        if self._get("format") != FORMAT:
            raise ArchiveError(
                f"{self.path}: format {self._get('format')}, this program reads {FORMAT}: delete it and add its articles again"
            )

    def segments(self) -> list[Segment]:
        """The segments, in the order of their passages. The manifest's digest is checked."""
        self._check_manifest()
        return self._listed()

    def recall(self) -> float | None:
        """The least recall@10 of the segments' codes, as measured when they were made; None where all are exact."""
        return min((one.recall for one in self.segments() if one.recall is not None), default=None)

    def state(self) -> str:
        """What tells one commit from another."""
        return str(self._get("manifest"))

    def rewrite(self) -> None:
        """Write the file anew from its rows, and the indexes: what is damaged there hides rows that are sound, or takes their room."""
        with suppress(CorruptError):  # of an index: it is made again now, and the file then
            self._db.execute("VACUUM")
        with self._db.transaction("IMMEDIATE"):
            self._db.execute("REINDEX")
        self._db.execute("VACUUM")

    def _listed(self) -> list[Segment]:
        return [
            Segment(name, passages, self._seals(files), dead, recall) for name, passages, files, dead, recall in self._db.rows(_SEGMENTS)
        ]

    def _seals(self, files: str) -> dict[str, Seal]:
        return {name: Seal(*one) for name, one in self._parsed(files).items()}

    def _check_manifest(self) -> None:
        self.check_format()
        if self._get("manifest") != self._manifest_digest():
            raise CorruptError(f"{self.path}: the manifest is not what was written: 'clippings check --repair' makes it again")

    def digest(self) -> str:
        """Of what the archive is made of, wherever it lies."""
        return archive_digest(self.fingerprint(), [row[0] for row in self._db.rows("SELECT sha256 FROM article NOT INDEXED")])

    def next_number(self) -> int:
        """The number of the next passage; none is ever given twice, even where a repair cannot believe the manifest."""
        try:
            self._check_manifest()
            return int(self._get("next"))
        except CorruptError:
            return 1 + int(self._db.rows("SELECT coalesce(max(id), 0) FROM passage")[0][0])

    def commit(self, change: Change, anew: dict[str, Any] | None = None) -> None:
        """Make `change` the archive's state, wholly or not at all.

        `anew`, a fingerprint: instead of all articles and passages that there are, and of the fingerprint.
        """
        with self._db.transaction("IMMEDIATE"):
            if anew is not None:
                self._set("fingerprint", anew)
                self._db.execute("DELETE FROM article")
                self._db.execute("DELETE FROM passage")
            self._db.executemany("DELETE FROM article WHERE id = ?", [(article_id,) for article_id in change.remove])
            marks = ", ".join("?" * (len(_FIELDS) + 1))
            rows = [(*astuple(article), _digest(*astuple(article))) for article in change.add]
            self._db.executemany(f"INSERT INTO article VALUES ({marks})", rows)  # noqa: S608 - marks are question marks
            passages = [(number, *astuple(passage), _digest(number, *astuple(passage))) for number, passage in change.passages]
            self._db.executemany("INSERT INTO passage VALUES (?, ?, ?, ?, ?)", passages)
            self._db.execute("DELETE FROM segment")
            segments = [
                (one.name, place, one.passages, json.dumps({name: astuple(seal) for name, seal in one.files.items()}), one.dead, one.recall)
                for place, one in enumerate(change.segments)
            ]
            self._db.executemany("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)", segments)
            if change.passages:
                self._set("next", change.passages[-1][0] + 1)
            self._set("census", self._count())
            self._set("manifest", self._manifest_digest())

    def places(self) -> dict[str, bool]:
        """The files and folders that were given to add, True; and those below them that were taken out again, False."""
        return {path: bool(wanted) for path, wanted in self._sound("SELECT path, wanted, digest FROM place ORDER BY path")}

    def remember(self, places: Mapping[str, bool]) -> None:
        """Set the places to exactly these."""
        with self._db.transaction("IMMEDIATE"):
            self._db.execute("DELETE FROM place")
            rows = [(path, int(wanted), _digest(path, int(wanted))) for path, wanted in places.items()]
            self._db.executemany("INSERT INTO place VALUES (?, ?, ?)", rows)

    def failed(self) -> dict[str, ArticleError]:
        """path -> what could not be taken there, and why."""
        return {row[0]: ArticleError(*row) for row in self._sound("SELECT path, reason, sha256, digest FROM failed ORDER BY path")}

    def note(self, failed: Mapping[str, ArticleError]) -> None:
        """Set what could not be taken to exactly this."""
        with self._db.transaction("IMMEDIATE"):
            self._db.execute("DELETE FROM failed")
            rows = [(path, error.reason, error.sha256, _digest(path, error.reason, error.sha256)) for path, error in failed.items()]
            self._db.executemany("INSERT INTO failed VALUES (?, ?, ?, ?)", rows)

    def keep_sound(self) -> None:
        """Forget the places and the failures whose rows are not what was written."""
        with self._db.transaction("IMMEDIATE"):
            for table, columns in (("place", "path, wanted"), ("failed", "path, reason, sha256")):
                rows = self._db.rows(f"SELECT rowid, {columns}, digest FROM {table}")  # noqa: S608 - names of our own
                bad = [(row[0],) for row in rows if _digest(*row[1:-1]) != row[-1]]
                self._db.executemany(f"DELETE FROM {table} WHERE rowid = ?", bad)  # noqa: S608

    def _sound(self, query: str) -> list[Any]:
        """Rows without their last column, a digest over the others that was checked."""
        rows = self._db.rows(query)
        if any(_digest(*row[:-1]) != row[-1] for row in rows):
            raise CorruptError(f"{self.path}: a row is not what was written: 'clippings check' says which")
        return [row[:-1] for row in rows]

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (article id, sha256) of every article, unchecked, from an index, which is a tenth of the bytes.

        A flipped bit there changes no answer, for no other query may use that index; an add meets it, or takes an article once more.
        """
        rows = self._db.rows("SELECT path, id, sha256 FROM article INDEXED BY article_known")
        return {path: (article, sha256) for path, article, sha256 in rows}

    def article(self, article_id: str) -> Article | None:
        """An article, its digest checked; None where there is no such id."""
        rows = self._db.rows(f"SELECT {', '.join(_FIELDS)}, digest FROM article WHERE id = ?", [article_id])  # noqa: S608
        if rows and _digest(*rows[0][:-1]) != rows[0][-1]:
            raise CorruptError(f"{self.path}: article {article_id} is not what was written; 'clippings check --repair' mends what can be")
        return Article(*rows[0][:-1]) if rows else None

    def articles(self) -> Iterator[Article]:
        """All articles, by path."""
        for (article_id,) in self._db.rows("SELECT id FROM article NOT INDEXED ORDER BY path"):
            article = self.article(article_id)
            if article is None:  # its index and its row do not agree
                raise CorruptError(
                    f"{self.path}: article {article_id} is not what was written: 'clippings check --repair' mends what can be"
                )
            yield article

    def passage(self, number: int) -> Passage:
        """A passage by its number, its digest checked."""
        rows = self._db.rows("SELECT article_id, start, end, digest FROM passage WHERE id = ?", [number])
        if not rows or _digest(number, *rows[0][:-1]) != rows[0][-1]:
            raise CorruptError(f"{self.path}: passage {number} is not what was written: 'clippings check --repair' makes it again")
        return Passage(*rows[0][:-1])

    def numbers(self) -> list[int]:
        """The numbers of all passages, rising."""
        return [row[0] for row in self._db.rows("SELECT id FROM passage ORDER BY id")]

    def sound_passage(self, number: int) -> Passage | None:
        """A passage by its number; None where its row is missing or not what was written."""
        try:
            return self.passage(number)
        except CorruptError:
            return None

    def ids_and_paths(self) -> list[tuple[str, str]]:
        """The id and the path of every article, by path, unchecked."""
        return [(row[0], row[1]) for row in self._db.rows("SELECT id, path FROM article NOT INDEXED ORDER BY path")]

    def flaws(self) -> Iterator[str]:
        """What is not what was written, in lines; a CorruptError where the file cannot be read at all."""
        yield from (f"{self.path}: {row[0]}" for row in self._db.rows("PRAGMA integrity_check(10)") if row[0] != "ok")
        for article_id, path in self.ids_and_paths():
            try:
                self.article(article_id)
            except CorruptError:
                yield f"{self.path}: article {article_id} is not what was written ({path})"
        yield from (f"{self.path}: passage {number} is not what was written" for number in self.numbers() if not self.sound_passage(number))
        for table, read in (("places", self.places), ("failures", self.failed)):
            try:
                read()
            except CorruptError:
                yield f"{self.path}: the list of {table} is not what was written"

    def find(self, passage: Passage) -> int | None:
        """The number of a passage; None where there is none like it."""
        rows = self._db.rows("SELECT id FROM passage WHERE article_id = ? AND start = ? AND end = ?", astuple(passage))
        return rows[0][0] if rows else None

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""
        return [self.passage(number) for number in sorted(self.passage_numbers([article_id]))]

    def passage_numbers(self, article_ids: Iterable[str]) -> list[int]:
        """The numbers of all passages of some articles."""
        return [row[0] for article in article_ids for row in self._db.rows("SELECT id FROM passage WHERE article_id = ?", [article])]

    def listed(self, words: str, filters: Filters, order: str, first: int, count: int) -> Listed:
        """`count` articles from the `first` on, of those whose title or outlet has each of `words` and that pass `filters`.

        They are found in an index, a tenth of the bytes: a flipped bit there can misplace an article or leave it out, until a check
        meets it; what is shown of one is what was written.
        """
        asked = {outlet.casefold() for outlet in filters.outlets}
        outlets = [name for (name,) in self._db.rows("SELECT DISTINCT source FROM article") if name.casefold() in asked] if asked else []
        condition, values = where(words, filters, outlets)
        rows = f"FROM article INDEXED BY article_list WHERE {condition}"
        total = self._db.rows(f"SELECT count(*) {rows}", values)[0][0]
        found = self._db.rows(f"SELECT id {rows} ORDER BY {ORDERS[order]} LIMIT ? OFFSET ?", [*values, count, first])
        return Listed([article for (article_id,) in found if (article := self.article(article_id))], first, total)

    def newest(self, count: int) -> list[Article]:
        """The newest articles, undated ones last."""
        newest = self._db.rows("SELECT id FROM article NOT INDEXED ORDER BY published DESC, path LIMIT ?", [count])
        return [article for (article_id,) in newest if (article := self.article(article_id))]

    def census(self) -> dict[str, Any]:
        """Counts and ranges, as they were at the commit: articles, passages, outlets, first and last date."""
        self._check_manifest()
        return dict(self._get("census"))

    def _count(self) -> dict[str, Any]:
        articles, outlets, first, last = self._db.rows(
            "SELECT count(*), count(DISTINCT nullif(source, '')), min(nullif(published, '')), max(nullif(published, '')) FROM article"
        )[0]
        passages = self._db.rows("SELECT count(*) FROM passage")[0][0]
        return {
            "articles": articles,
            "passages": passages,
            "outlets": outlets,
            "first_date": first or "",
            "last_date": last or "",
        }
