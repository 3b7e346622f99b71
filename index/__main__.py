"""python -m index add|update|remove|search|status|check: the commands that fill an archive and search it."""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from index import terminal
from index.clean import how_many
from index.errors import UsageError
from index.terminal import Command

if TYPE_CHECKING:
    from index import Archive, Hit
    from index.changes import Added


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
    shard = "only the Ith of N shares of the articles, so that N machines add to a server at once"
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help=shard)
    ray = "add all shares by the machines of a Ray cluster: HOST:PORT of its head, or auto"
    chosen.add_argument("--ray", type=_cluster, metavar="ADDRESS", help=ray)
    parser.add_argument("--shards", type=_positive, metavar="N", help="with --ray: how many shares (default: as many as it has CPUs)")


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N, as 1/4 to 4/4")
    return int(number), int(count)


def _cluster(text: str) -> str:
    if text != "auto" and not re.fullmatch(r"[^/:]+:\d{1,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT of a Ray cluster, or auto")
    return text


def _add(arguments: argparse.Namespace) -> int:
    from index.changes import Shard
    from index.progress import progress_bar

    opens = partial(terminal.open_archive, arguments.archive, arguments.model)
    if arguments.shards and not arguments.ray:
        raise UsageError("--shards goes with --ray; one share is --shard I/N")
    with progress_bar() as report:
        if arguments.ray:
            from index import cluster

            added = cluster.add(arguments.ray, opens, arguments.paths, arguments.shards, report)
        else:
            added = opens().add(arguments.paths, report, Shard(*arguments.shard))
    return _report(added, arguments.json)


def _archive_and_json(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)


def _update(arguments: argparse.Namespace) -> int:
    from index.progress import progress_bar

    archive = terminal.open_archive(arguments.archive, arguments.model)
    with progress_bar() as report:
        added = archive.update(report)
    return _report(added, arguments.json)


def _report(added: Added, as_json: bool) -> int:
    """Print what an add did; the exit code, 1 where something could not be taken."""
    for error in added.rejected:
        terminal.talk(f"not taken: {error}")
    for notice in added.notices:
        terminal.talk(f"note: {notice.path}: {notice.text}")
    if added.waiting:
        terminal.talk(f"not taken: {added.waiting:,} that could not be taken earlier and have not changed: 'clippings status' names them")
    if added.left_out:
        terminal.talk(f"left out: {added.left_out:,} that 'clippings remove' took out; add them by name to take them in again")
    names = ("new", "changed", "unchanged", "removed", *(["renamed"] if added.renamed or as_json else []))
    counts = {name: getattr(added, name) for name in names}
    if as_json:
        rejected = [{"path": error.path, "reason": error.reason} for error in added.rejected]
        notes = [{"path": notice.path, "note": notice.text} for notice in added.notices]
        more = {"embedded": added.embedded, "left_out": added.left_out, "waiting": added.waiting, "rejected": rejected, "notes": notes}
        terminal.print_json(counts | more)
    else:
        print(", ".join(f"{name} {count:,}" for name, count in counts.items()), end="")
        not_taken = len(added.rejected) + added.waiting
        print(f"; embedded {added.embedded:,} passages" + (f"; not taken {not_taken:,}" if not_taken else ""))
    return 1 if added.rejected or added.waiting else 0


def _remove_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="files, folders or ids of articles; they need not exist any more"
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
    terminal.filter_options(parser)
    parser.add_argument("query", nargs="+", help="words or a question")
    legs = "bm25: by words alone, dense: by meaning alone (default: both, fused)"
    parser.add_argument("--leg", nargs=1, choices=("bm25", "dense"), default=("bm25", "dense"), help=legs)
    parser.add_argument("-k", type=_positive, default=5, metavar="N", help="how many passages (default: 5)")
    parser.add_argument("--explain", action="store_true", help="show the rank in each leg and the words matched")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _search(arguments: argparse.Namespace) -> int:
    filters = terminal.filters(arguments)
    if "dense" not in arguments.leg and arguments.model != os.environ.get("CLIPPINGS_MODEL"):
        raise UsageError(f"--leg bm25 uses no model: leave --model {arguments.model} out")
    archive = terminal.open_archive(arguments.archive, arguments.model)
    with archive.snapshot():  # hits and their articles of one commit
        reach = archive.reach(filters)
        hits = archive.search(" ".join(arguments.query), arguments.k, filters, arguments.leg)
        if arguments.json:
            terminal.print_json([archive.as_dict(hit) for hit in hits])
        else:
            for rank, hit in enumerate(hits, start=1):
                _print_hit(archive, rank, hit, arguments.explain)
    if not hits:
        terminal.talk("nothing found" if reach.passages else f"nothing found: there is no article {filters}")
    if reach.undated:
        terminal.talk(f"left out: {how_many(reach.undated, 'article')} without a date")
    return 0


def _print_hit(archive: Archive, rank: int, hit: Hit, explain: bool) -> None:
    article = archive.article(hit.passage.article_id)
    print(f"{rank:2}  {article.title}")
    print(f"    {' · '.join(filter(None, [article.source, article.published, terminal.shown(article.path)]))}")
    if explain:
        print(f"    {terminal.ranks(hit.why)}; matched {', '.join(hit.why.terms) or 'no word'}")
    for paragraph in archive.text(hit.passage).split("\n"):
        print(textwrap.fill(paragraph, 100, initial_indent="    ", subsequent_indent="    "))


def _status(arguments: argparse.Namespace) -> int:
    status = terminal.open_archive(arguments.archive, arguments.model).status()
    if arguments.json:
        terminal.print_json(status)
        return 0
    dates = f"{status['first_date']} to {status['last_date']}" if status["first_date"] else "no dates"
    print(f"archive   {terminal.shown(status['archive'])} {status['digest'][:6]}")
    print(f"articles  {status['articles']:,} from {how_many(status['outlets'], 'outlet')}, {dates}")
    print(f"passages  {status['passages']:,}")
    print(f"model     {status['model']} {status['weights'][:8]}")
    recall = status["recall@10"]
    print(f"dense leg {'exact' if recall is None else f'approximate, recall@10 {recall:.3f}'}")
    if status["bytes"] is not None:
        print(f"on disk   {status['bytes'] / 1e6:,.1f} MB")
    for label, lines in (("from", status["places"]), ("left out", status["left_out"])):
        print("".join(f"{label:<10}{terminal.shown(line)}\n" for line in lines), end="")
    for path, reason in status["not_taken"].items():
        print(f"not taken {terminal.shown(f'{path}: {reason}')}")
    return 0


def _check_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument("--repair", action="store_true", help="make again from the text what is damaged, and name what is lost")


def _check(arguments: argparse.Namespace) -> int:
    from index.progress import progress_bar

    archive = terminal.open_archive(arguments.archive, arguments.model)
    with progress_bar() as report:
        checked = archive.repair(report) if arguments.repair else archive.check()
    if arguments.json:
        terminal.print_json({"whole": checked.whole, "problems": checked.problems, "done": checked.done})
    else:
        for line in (*checked.problems, *checked.done):
            print(terminal.shown(line))
        print("whole" if checked.whole else "not whole" if arguments.repair else "not whole: 'clippings check --repair' mends what can be")
    return 0 if checked.whole else 1


COMMANDS = (
    Command("add", "Add files and folders, or bring the archive up to date with them.", _add_options, _add),
    Command("update", "Bring the archive up to date with everything that it was given.", _archive_and_json, _update),
    Command("remove", "Take articles out of the archive, by the files or folders that they came from.", _remove_options, _remove),
    Command("search", "Show the passages that match best.", _search_options, _search),
    Command("status", "Show what the archive holds, where it is from, and what could not be taken.", _archive_and_json, _status),
    Command("check", "Say whether the archive is whole, and repair it.", _check_options, _check),
)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m index", __doc__, COMMANDS))
