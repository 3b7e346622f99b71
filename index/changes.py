"""What an add has to do: the files given, compared by content with what the archive knows. It writes nothing."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from index import articles
from index.errors import ArticleError, UsageError
from index.places import Places, given, lies_in, names, wanted
from index.records import Article

# Told the stage, how much of it is done, and of how much. A stage of its own counts the articles that are committed, beside the others.
Report = Callable[[str, int, int], None]
KEEPING = "keeping"


@dataclass(frozen=True, slots=True)
class Memory:
    """What the archive knows: path -> (article id, sha256), what could not be taken, and the places that it was given."""

    known: Mapping[str, tuple[str, str]]
    failed: Mapping[str, ArticleError]
    places: Places


@dataclass(frozen=True, slots=True)
class Notice:
    """What was found out about a file, or one article of it, that was taken all the same: its encoding, pages without text."""

    path: str
    text: str


@dataclass
class Added:
    """What an add did: counts of articles, the passages that were embedded, what was not taken, with reasons, and what to know.

    `waiting` counts what could not be taken earlier and has not changed since: it was not tried again. `left_out` counts files that were
    taken out by `remove` and lie in a folder that is kept up to date.
    """

    new: int = 0
    changed: int = 0
    renamed: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    left_out: int = 0
    waiting: int = 0
    rejected: list[ArticleError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def note(self, path: str) -> articles.Note:
        """A function that takes down a notice about `path`."""
        return lambda text: self.notices.append(Notice(path, text))

    @classmethod
    def together(cls, shares: Iterable[Added]) -> Added:
        """What the shares of an add did; a notice about a file that several of them read is one."""
        whole = cls()
        for share in shares:
            for name, value in vars(share).items():
                setattr(whole, name, getattr(whole, name) + value)
        whole.notices = list(dict.fromkeys(whole.notices))
        return whole


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do: articles to take, ids of those that vanished, and everything that cannot be taken, here or elsewhere.

    `donors` name for an article another one, of the archive, that was made of the same bytes: its vectors can be used again.
    """

    added: Added
    take: list[Article]
    vanished: list[str]
    failed: Mapping[str, ArticleError]
    donors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of articles by their paths: number `number`, from 1, of `count`. Each article is in one, whoever asks."""

    number: int = 1
    count: int = 1

    def has(self, path: str) -> bool:
        """Whether the article, or the error, at a path is in this share."""
        return zlib.crc32(os.fsencode(path)) % self.count == self.number - 1


ALL = Shard()


@dataclass(frozen=True, slots=True)
class Found:
    """The files at some paths, the folders among them that could not be listed, and the share of their articles that is looked at."""

    paths: list[Path]
    files: list[Path]
    closed: list[ArticleError]
    shard: Shard = ALL


def find(paths: list[Path]) -> Found:
    """What there is at `paths`; a UsageError where there is nothing to read at one of them."""
    for path in paths:
        if not any(articles.find([path])):
            raise UsageError(f"no files in {path}; nothing was changed ('clippings remove' takes articles out)")
    files, closed = articles.find(paths)
    return Found([articles.absolute(path) for path in paths], files, closed)


def with_places(found: Found, places: Places) -> Found:
    """What was found, and what there is at the places below that a walk passes by: a hidden folder that was named, the files that an
    archive keeps itself. Without them, what they gave would count as vanished."""
    scope = names(found.paths)
    below = [Path(path) for path, wanted in places.items() if wanted and path not in scope and lies_in(path, scope)]
    files, closed = articles.find([path for path in below if os.path.exists(path)])  # noqa: PTH110 - never raises
    every = {error.path: error for error in [*found.closed, *closed]}
    return replace(found, files=list(dict.fromkeys([*found.files, *files])), closed=list(every.values()))


def find_again(places: Places) -> Found:
    """What there is now at the places that were given.

    One that is missing or empty, as where a disk is not mounted, is named, and what it gave stays.
    """
    paths = [Path(path) for path, wanted in places.items() if wanted]
    if not paths:
        raise UsageError("the archive was given no file or folder to keep up to date: 'clippings add FOLDER'")
    there = [path for path in paths if os.path.exists(path) and any(articles.find([path]))]  # noqa: PTH110 - never raises
    files, closed = articles.find(there)
    reason = "not there, or empty, now; its articles stay ('clippings remove' takes them out)"
    return Found(there, files, closed + [ArticleError(str(path), reason) for path in paths if path not in there])


def compare(found: Found, memory: Memory, report: Report) -> Plan:
    """What has to be done about the files found.

    A file, line or folder that cannot be read is rejected, and whatever it gave earlier stays.
    """
    added = Added()
    memory = replace(memory, places=given(memory.places, found.paths))
    take: list[Article] = []
    seen: set[str] = set()
    tried: list[ArticleError] = list(found.closed)
    for done, file in enumerate(found.files, start=1):
        notes: list[str] = []
        before = len(take), len(tried)
        for source in _belonging(file, memory, found.shard, added, notes.append):
            article = _consider(source, memory, added, tried)
            seen.add(source.path)
            take += [article] if article else []
        if len(take) > before[0] or not all(_waits(error, memory) for error in tried[before[1] :]):
            added.notices += [Notice(str(file), text) for text in notes]  # of a file that did not change they were told before
        report("reading", done, len(found.files))
    scope, unread = names(found.paths), names(map(_unread, tried))
    start = os.path.commonpath(scope) if scope else ""  # most of a large archive lies elsewhere, and this says so at once
    vanished = [
        article_id
        for path, (article_id, _) in memory.known.items()
        if path.startswith(start) and path not in seen and found.shard.has(path) and lies_in(path, scope) and not lies_in(path, unread)
    ]
    added.removed = len(vanished)
    donors = _donors(take, memory, set(vanished), added)
    own = [error for error in tried if found.shard.has(error.path)]
    _sort_out(own, memory, added)
    others = {path: error for path, error in memory.failed.items() if not found.shard.has(path)}
    failed = elsewhere(memory.failed, found.paths) | others | {error.path: error for error in own}
    return Plan(added, take, vanished, failed, donors)


def _belonging(file: Path, memory: Memory, shard: Shard, added: Added, note: articles.Note) -> Iterator[articles.Source | ArticleError]:
    """The articles of a file in this share, without those that were taken out; and what cannot be read of it, in whatever share."""
    if not wanted(str(file), memory.places):
        added.left_out += shard.has(str(file))
        return
    for source in articles.sources(file, note, memory.failed.get(str(file))):
        if not isinstance(source, ArticleError) and not shard.has(source.path):
            continue
        if wanted(source.path, memory.places):
            yield source
        else:
            added.left_out += shard.has(source.path)


def _consider(source: articles.Source | ArticleError, memory: Memory, added: Added, tried: list[ArticleError]) -> Article | None:
    """The article of a source, where it has to be taken; counted in `added`, or put with what cannot be."""
    if isinstance(source, ArticleError):
        tried.append(source)
        return None
    earlier, failed = memory.known.get(source.path), memory.failed.get(source.path)
    if earlier and earlier[1] == source.sha256:
        added.unchanged += 1
        return None
    if failed and failed.sha256 == source.sha256:
        tried.append(failed)
        return None
    try:
        article = articles.read(source, added.note(source.path))
    except ArticleError as error:
        line = error.path.removeprefix(source.path).removeprefix(":")
        tried.append(ArticleError(source.path, f"line {line}: {error.reason}" if line else error.reason, error.sha256))
        return None
    added.changed += bool(earlier)
    added.new += not earlier
    return article


def _donors(take: list[Article], memory: Memory, vanished: set[str], added: Added) -> dict[str, str]:
    """article id -> the id of one made of the same bytes. A new article that has those of a vanished one counts as renamed."""
    by_content: dict[str, list[str]] = {article.sha256: [] for article in take}
    for article_id, sha256 in memory.known.values():
        if sha256 in by_content:
            by_content[sha256].append(article_id)
    donors = {}
    for article in take:
        same = by_content[article.sha256]
        gone = next((one for one in same if one in vanished), None)
        if same:
            donors[article.id] = gone or same[0]
        if gone and article.path not in memory.known:
            vanished.discard(gone)
            added.renamed, added.new, added.removed = added.renamed + 1, added.new - 1, added.removed - 1
    return donors


def _sort_out(tried: list[ArticleError], memory: Memory, added: Added) -> None:
    """What is new among what cannot be taken is named; what was known and has not changed is counted."""
    earlier = {articles.file_of(path) for path in memory.known} if tried else set()
    for error in tried:
        if _waits(error, memory):
            added.waiting += 1
        else:
            stays = error.path in memory.known if _unread(error) == Path(error.path) != _file(error) else str(_file(error)) in earlier
            added.rejected.append(
                ArticleError(error.path, f"{error.reason}; what it gave earlier stays in the archive") if stays else error
            )


def _waits(error: ArticleError, memory: Memory) -> bool:
    """Whether it is known, and the bytes at fault have not changed."""
    known = memory.failed.get(error.path)
    return bool(error.sha256) and known is not None and known.sha256 == error.sha256


def elsewhere(failed: Mapping[str, ArticleError], places: Collection[Path | str]) -> dict[str, ArticleError]:
    """What could not be taken, without that at or below some places."""
    scope = names(places)
    return {path: error for path, error in failed.items() if not lies_in(path, scope) and not lies_in(str(_file(error)), scope)}


def _unread(error: ArticleError) -> Path:
    """What an error leaves unread: one article of several in a file, where it names that; else the file."""
    return Path(error.path) if articles.file_of(error.path) != error.path else _file(error)


def _file(error: ArticleError) -> Path:
    """The file of an error, which may be about a line of it."""
    return Path(articles.file_of(error.path.rpartition(":")[0] if error.path.rpartition(":")[2].isdecimal() else error.path))
