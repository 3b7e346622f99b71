"""python -m index add|remove|search|status: the commands that fill an archive and search it."""

from __future__ import annotations

import argparse
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index import terminal
from index.terminal import Command

if TYPE_CHECKING:
    from index import Archive, Hit


def _add_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="files or folders: txt, md, html, pdf, docx; jsonl, csv, RSS and Atom (several articles); .gz",
    )


def _add(arguments: argparse.Namespace) -> int:
    archive = terminal.open_archive(arguments.archive, arguments.model)
    with terminal.progress_bar() as report:
        added = archive.add(arguments.paths, report)
    for error in added.rejected:
        terminal.talk(f"not taken: {error}")
    for notice in added.notices:
        terminal.talk(f"note: {notice.path}: {notice.text}")
    counts = {"new": added.new, "changed": added.changed, "unchanged": added.unchanged, "removed": added.removed}
    if arguments.json:
        rejected = [{"path": error.path, "reason": error.reason} for error in added.rejected]
        notes = [{"path": notice.path, "note": notice.text} for notice in added.notices]
        terminal.print_json({**counts, "embedded": added.embedded, "rejected": rejected, "notes": notes})
    else:
        print(", ".join(f"{name} {count:,}" for name, count in counts.items()), end="")
        print(f"; embedded {added.embedded:,} passages" + (f"; not taken {len(added.rejected):,}" if added.rejected else ""))
    return 1 if added.rejected else 0


def _remove_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="files or folders that were added; they need not exist any more"
    )


def _remove(arguments: argparse.Namespace) -> int:
    removed = terminal.open_archive(arguments.archive, arguments.model).remove(arguments.paths)
    if arguments.json:
        terminal.print_json({"removed": removed})
    else:
        print(f"removed {removed:,}")
    return 0


def _search_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument("query", nargs="+", help="words or a question")
    parser.add_argument("-k", type=_positive, default=5, metavar="N", help="how many passages (default: 5)")
    parser.add_argument("--explain", action="store_true", help="show the rank in each leg and the words matched")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _search(arguments: argparse.Namespace) -> int:
    archive = terminal.open_archive(arguments.archive, arguments.model)
    hits = archive.search(" ".join(arguments.query), arguments.k)
    if arguments.json:
        terminal.print_json([_as_dict(archive, hit) for hit in hits])
    else:
        for rank, hit in enumerate(hits, start=1):
            _print_hit(archive, rank, hit, arguments.explain)
    if not hits:
        terminal.talk("nothing found")
    return 0


def _as_dict(archive: Archive, hit: Hit) -> dict[str, Any]:
    article = archive.article(hit.passage.article_id)
    names = {
        "title": article.title,
        "outlet": article.source,
        "date": article.published,
        "url": article.url,
        "path": article.path,
    }
    span = {"article": article.id, "start": hit.passage.start, "end": hit.passage.end}
    return {"text": archive.text(hit.passage), **span, **names, **asdict(hit.why)}


def _print_hit(archive: Archive, rank: int, hit: Hit, explain: bool) -> None:
    article = archive.article(hit.passage.article_id)
    print(f"{rank:2}  {article.title}")
    print(f"    {' · '.join(filter(None, [article.source, article.published, terminal.shown(article.path)]))}")
    if explain:
        print(f"    {terminal.ranks(hit.why)}; matched {', '.join(hit.why.terms) or 'no word'}")
    for paragraph in archive.text(hit.passage).split("\n"):
        print(textwrap.fill(paragraph, 100, initial_indent="    ", subsequent_indent="    "))


def _status_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)


def _status(arguments: argparse.Namespace) -> int:
    status = terminal.open_archive(arguments.archive, arguments.model).status()
    if arguments.json:
        terminal.print_json(status)
        return 0
    dates = f"{status['first_date']} to {status['last_date']}" if status["first_date"] else "no dates"
    print(f"archive   {terminal.shown(status['archive'])} {status['digest'][:6]}")
    print(f"articles  {status['articles']:,} from {status['outlets']:,} outlets, {dates}")
    print(f"passages  {status['passages']:,}")
    print(f"model     {status['model']} {status['weights'][:8]}")
    print(f"on disk   {status['bytes'] / 1e6:,.1f} MB")
    return 0


COMMANDS = (
    Command("add", "Add files and folders, or bring the archive up to date with them.", _add_options, _add),
    Command("remove", "Take articles out of the archive, by the files or folders that they came from.", _remove_options, _remove),
    Command("search", "Show the passages that match best.", _search_options, _search),
    Command("status", "Show what the archive holds.", _status_options, _status),
)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m index", __doc__, COMMANDS))
