"""python -m qa ask|verify: the archive's answer, in quotes; and whether quotes that left the house still stand."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from index import terminal
from index.clean import how_many
from index.terminal import Command

if TYPE_CHECKING:
    from qa.answer import Answer
    from qa.citation import Citation


def _ask_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    form = parser.add_mutually_exclusive_group()
    terminal.json_option(form)
    form.add_argument(
        "--format", choices=("footnote", "markdown", "json", "csv"), help="write the answer for use elsewhere; json is --json"
    )
    terminal.filter_options(parser)
    parser.add_argument("--plain", action="store_true", help="read no dates and outlets from the question")
    parser.add_argument("question", nargs="*", help="the question, in your own words")
    out = "a new file for the answer, in the format that its ending names (.txt, .md, .json, .csv); for --batch .csv or .jsonl"
    parser.add_argument("--out", type=Path, metavar="FILE", help=out)
    batch = "a .csv with a column 'question' (and id, since, until, outlet), a .jsonl, or a .txt with one a line; goes on where it stopped"
    parser.add_argument("--batch", type=Path, metavar="FILE", help=f"ask the questions of a file: {batch}")
    parser.add_argument("--reader", metavar="NAME", help='a reader, by name or folder; "none": without (default: $CLIPPINGS_READER)')
    parser.add_argument("--explain", action="store_true", help="show why each quote was found, and where the time went")


def _ask(arguments: argparse.Namespace) -> int:
    from qa import commands
    from qa.assistant import ask
    from qa.question import on_one_line
    from qa.reading import KINDS

    if arguments.batch:
        return commands.batch(arguments)
    form = commands.chosen_format(arguments)
    question = on_one_line(" ".join(arguments.question))  # a bad question is refused before seconds are spent on the model
    filters = terminal.filters(arguments)
    started = perf_counter()
    seconds = {"start": started - terminal.STARTED}
    archive = terminal.open_archive(arguments.archive, arguments.model)
    archive.load()
    seconds["load"] = perf_counter() - started
    answer = ask(question, archive, filters, arguments.reader, without=KINDS if arguments.plain else ())
    if form:
        commands.deliver(answer, form, arguments.out)
    else:
        _print(answer, arguments.explain)
        if not answer.quotes and answer.searched.limits:
            _print_beyond(ask(question, archive, reader=arguments.reader, without=KINDS))
    if arguments.explain:
        parts = {**seconds, **answer.searched.seconds}
        terminal.talk(" · ".join(f"{name} {value:.2f} s" for name, value in [*parts.items(), ("CPU", process_time())]))
    return 0


def _print(answer: Answer, explain: bool) -> None:
    from qa import render

    if not answer.quotes:
        print(f"The archive does not say: {answer.reason}.")
        if answer.nearest:
            print("\nNearest, and not an answer:")
    for citation in answer.quotes or answer.nearest:
        _print_quote(citation, explain)
        if answer.quotes:
            _print_neighbours(citation)
    for one in answer.differ:
        print(f"\n{render.differ(one)}")
    print(f"\nSearched {how_many(answer.searched.passages, 'passage')} of {answer.searched}.")
    for chip in answer.chips:
        if not chip.dropped:
            print(f"Read “{chip.words}” as: only articles {chip.label} (--plain reads nothing).")


def _print_beyond(wider: Answer) -> None:
    """After an abstention: what there is of an answer in the articles that the limits left out."""
    if wider.quotes:
        first = wider.quotes[0]
        article = " · ".join(filter(None, [first.article.source, first.article.published, first.article.title]))
        print(f"There is an answer outside these limits: {article}")


def _print_quote(citation: Citation, explain: bool) -> None:
    from qa import render

    article = citation.article
    mark = f"[{citation.number}] "
    print("\n" + _wrapped(citation.quote, mark))
    print(f"    {' · '.join(filter(None, [article.source, article.published, article.title]))}")
    print(f"    {terminal.shown(article.path)}, characters {citation.start:,} to {citation.end:,}")
    if citation.speech:
        print(f"    {citation.speaker}: {citation.verb}")
    if citation.also:
        print(_wrapped(render.copies(citation), "    "))
    if explain:
        words = ", ".join(citation.why.terms) or "no word"
        print(f"    passage: {terminal.ranks(citation.why)}; sentence: {words} matched")


def _print_neighbours(citation: Citation) -> None:
    from qa import render

    for where, sentence in zip(("before", "after"), render.neighbours(citation), strict=True):
        if sentence:
            print(_wrapped(sentence, f"    {where}: "))


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=indent, subsequent_indent="    ")


def _verify_options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    terminal.json_option(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what 'ask' wrote: .txt, .md, .json, .jsonl or .csv")


def _verify(arguments: argparse.Namespace) -> int:
    from qa import commands

    return commands.verify(arguments)


COMMANDS = (
    Command("ask", "Answer a question, or a file of them, with quotes from the archive.", _ask_options, _ask),
    Command("verify", "Say whether exported quotes are still what their articles say.", _verify_options, _verify),
)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m qa", __doc__, COMMANDS))
