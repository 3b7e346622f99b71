"""What an add has to do: the files given, compared by content with what the archive knows. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from index import articles
from index.errors import ArticleError, UsageError
from index.records import Article

# Told the stage, how much of it is done, and of how much.
Report = Callable[[str, int, int], None]
# path -> (article id, sha256), as the archive has them.
Known = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Notice:
    """What was found out about a file, or one article of it, that was taken all the same: its encoding, pages without text."""

    path: str
    text: str


@dataclass
class Added:
    """What an add did: counts of articles, the passages that were embedded, what was not taken, with reasons, and what to know."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    rejected: list[ArticleError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def note(self, path: str) -> articles.Note:
        """A function that takes down a notice about `path`."""
        return lambda text: self.notices.append(Notice(path, text))


@dataclass(frozen=True, slots=True)
class Found:
    """The files at some paths, and the folders among them that could not be listed."""

    paths: list[Path]
    files: list[Path]
    closed: list[ArticleError]


def find(paths: list[Path]) -> Found:
    """What there is at `paths`; a UsageError where there is nothing to read."""
    files, closed = articles.find(paths)
    if not files and not closed:
        raise UsageError(f"no files in {', '.join(map(str, paths))}; nothing was changed ('clippings remove' takes articles out)")
    return Found([articles.absolute(path) for path in paths], files, closed)


def compare(found: Found, known: Known, report: Report) -> tuple[Added, list[Article], list[str]]:
    """The counts, the articles to take, and the ids of those that vanished from the paths.

    A file, line or folder that cannot be read is counted as rejected, and whatever it gave earlier stays.
    """
    added = Added(rejected=list(found.closed))
    take: list[Article] = []
    seen: set[str] = set()
    earlier = {Path(articles.file_of(path)) for path in known}
    unread: set[Path] = {Path(error.path) for error in found.closed}
    for done, file in enumerate(found.files, start=1):
        rejected = len(added.rejected)
        for source in articles.sources(file, added.note(str(file))):
            path, article = _consider(source, known, added)
            seen.add(path)
            take += [article] if article else []
        if len(added.rejected) > rejected:
            unread.add(file)
            if file in earlier:
                added.rejected[rejected:] = [_stays(error) for error in added.rejected[rejected:]]
        report("reading", done, len(found.files))
    given = set(found.paths)
    vanished = [
        article_id for path, (article_id, _) in known.items() if path not in seen and _within(path, given) and not _within(path, unread)
    ]
    added.removed = len(vanished)
    return added, take, vanished


def _consider(source: articles.Source | ArticleError, known: Known, added: Added) -> tuple[str, Article | None]:
    """The path of a source, and its article where it has to be taken; counted in `added`."""
    try:
        if isinstance(source, ArticleError):
            raise source
        earlier = known.get(source.path)
        if earlier and earlier[1] == source.sha256:
            added.unchanged += 1
            return source.path, None
        article = articles.read(source, added.note(source.path))
    except ArticleError as error:
        added.rejected.append(error)
        return error.path, None
    added.changed += bool(earlier)
    added.new += not earlier
    return source.path, article


def _stays(error: ArticleError) -> ArticleError:
    return ArticleError(error.path, f"{error.reason}; what it gave earlier stays in the archive")


def within(known: Known, paths: list[Path]) -> list[str]:
    """The ids of the articles at or below some paths, which need not exist any more; a UsageError where there are none."""
    places = {articles.absolute(path) for path in paths}
    found = [article_id for path, (article_id, _) in known.items() if _within(path, places)]
    if not found:
        raise UsageError(f"no article of the archive is from {', '.join(map(str, paths))}; nothing was changed")
    return found


def _within(path: str, places: set[Path]) -> bool:
    """Whether an article's file lies at or below one of `places`."""
    file = Path(articles.file_of(path))
    return not places.isdisjoint((file, *file.parents))
