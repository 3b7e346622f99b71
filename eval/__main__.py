"""python -m eval: how well an archive is searched and its questions answered, over the sample set, a BEIR folder or your own questions."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eval import RUNS
from index import terminal
from index.errors import UsageError
from index.terminal import Command

if TYPE_CHECKING:
    from eval.dataset import Dataset
    from eval.result import Result
    from index import Archive


def _options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser, "an archive that has the articles already (default: one of its own, below ./runs)")
    parser.set_defaults(archive=None)
    terminal.json_option(parser)
    over = parser.add_argument_group("what to measure on (default: the sample set)").add_mutually_exclusive_group()
    over.add_argument("--dataset", type=Path, metavar="DIR", help="a BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv)")
    over.add_argument(
        "--questions", type=Path, metavar="FILE", help="your own questions, over --archive (or $CLIPPINGS_ARCHIVE, or ./archive)"
    )
    what = parser.add_argument_group("what to measure")
    what.add_argument("--config", nargs="+", metavar="NAME", help="these configurations only, the first as the baseline")
    what.add_argument("--kind", help="the questions of one kind only")
    what.add_argument("--out", type=Path, metavar="DIR", help="a new folder for the files (default: ./runs/<the time>)")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--gate", action="store_true", help="is the sample set as good as it was? exit with 1 where a measure dropped")
    one.add_argument("--update", action="store_true", help="pin this result for the gate")
    one.add_argument("--query", metavar="ID", help="measure nothing: show everything about one question")
    one.add_argument("--compare", nargs=2, type=Path, metavar="RUN", help="measure nothing: compare the folders of two runs")
    one.add_argument("--draft", type=int, metavar="N", help="measure nothing: print N passages of the archive to write questions about")
    one.add_argument("--review", action="store_true", help="measure nothing: turn the chat's feedback into questions of the archive")
    parser.add_argument("--lower", metavar="WHY", help="with --update: pin lower figures too, and say why")


def _eval(arguments: argparse.Namespace) -> int:
    _check_together(arguments)
    if arguments.compare:
        from eval import files

        print(files.compared(*arguments.compare))
        return 0
    if arguments.draft is not None or arguments.review:
        return _write_questions(arguments)
    configurations = _configurations(arguments)
    archive = _archive(arguments)
    dataset = _dataset(arguments, archive)
    if arguments.query is not None:
        from eval.explain import explain

        print(explain(arguments.query, dataset, archive, configurations))
        return 0
    return _measure(arguments, dataset, archive, configurations)


def _check_together(arguments: argparse.Namespace) -> None:
    """A UsageError for options that do not go together."""
    text_only = arguments.query is not None or arguments.compare or arguments.draft is not None or arguments.review
    if arguments.json and text_only:
        raise UsageError("--query, --compare, --draft and --review print text: leave --json out")
    if arguments.lower and not arguments.update:
        raise UsageError("--lower says why --update may pin lower figures: give both")
    if (arguments.gate or arguments.update) and (arguments.dataset or arguments.questions or arguments.kind):
        raise UsageError("the gate is over the whole sample set: leave --dataset, --questions and --kind out")


def _write_questions(arguments: argparse.Namespace) -> int:
    from eval import drafts, sets

    archive = terminal.open_archive(arguments.archive or _own_archive(), arguments.model)
    if arguments.review:
        drafts.review(archive, arguments.questions or sets.own_file(archive))
    else:
        print(drafts.draft(archive, arguments.draft))
    return 0


def _own_archive() -> Path:
    return Path(os.environ.get("CLIPPINGS_ARCHIVE") or "archive")


def _configurations(arguments: argparse.Namespace) -> list[str]:
    from eval.run import CONFIGURATIONS

    names = list(dict.fromkeys(arguments.config or CONFIGURATIONS))
    unknown = [name for name in names if name not in CONFIGURATIONS]
    if unknown:
        raise UsageError(f"no configuration {unknown[0]!r}: there are {', '.join(CONFIGURATIONS)}")
    return names


def _archive(arguments: argparse.Namespace) -> Archive:
    if arguments.archive or arguments.questions:
        return terminal.open_archive(arguments.archive or _own_archive(), arguments.model)
    from eval.archives import prepare

    return prepare(arguments.dataset, arguments.model)


def _dataset(arguments: argparse.Namespace, archive: Archive) -> Dataset:
    from eval import dataset
    from eval.beir import beir, check_held

    if arguments.dataset:
        found = beir(arguments.dataset)
        if missing := check_held(found, archive):
            terminal.talk(f"not in the archive, and counted as missed: {len(missing):,} relevant documents ({', '.join(missing[:3])}, ...)")
    elif arguments.questions:
        found = dataset.from_questions(arguments.questions, archive, arguments.questions.stem)
    else:
        found = dataset.sample(archive)
    return found.of_kind(arguments.kind)


def _measure(arguments: argparse.Namespace, dataset: Dataset, archive: Archive, configurations: list[str]) -> int:
    from eval import files, report
    from index.progress import progress_bar

    out = arguments.out or files.named()
    with progress_bar() as bar:
        result = files.measured(dataset, archive, configurations, out, bar)
    if arguments.json:
        terminal.print_json(result.as_dict())
    else:
        print(report.screen(result))
    passed = _gate(arguments, result) if not (arguments.dataset or arguments.questions or arguments.kind) else True
    terminal.talk(f"written    {out}/{{report.html, result.json, per_query.csv, qrels.trec, run.*.trec}}")
    return 0 if passed else 1


def _gate(arguments: argparse.Namespace, result: Result) -> bool:
    """Pin the result, or hold it against what is pinned; false where it fails and that was asked for."""
    from eval import gate

    say = terminal.talk if arguments.json else print
    if arguments.update:
        lowered = gate.pin(result, arguments.lower)
        say("; ".join(["gate       pinned", *lowered]))
        return True
    try:
        pinned = gate.read()
        checks = gate.check(result, pinned)
    except UsageError as error:
        if arguments.gate:
            raise
        say(f"gate       not held: {error}")
        return True
    say(gate.line(checks, result, pinned))
    return not arguments.gate or all(one.passed for one in checks)


def _bench_options(parser: argparse.ArgumentParser) -> None:
    over = parser.add_mutually_exclusive_group()
    sizes = [10_000, 100_000, 1_000_000]
    over.add_argument("--sizes", nargs="+", type=int, default=sizes, metavar="N", help="archives of about so many generated passages")
    over.add_argument("--dataset", type=Path, metavar="DIR", help="a BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv) instead")
    parser.add_argument(
        "--others", type=Path, metavar="PYTHON", help="the Python of an environment that has Haystack, LlamaIndex and txtai (make bench)"
    )
    parser.add_argument("--archive", metavar="ADDRESS", help="the same on a server too: milvus://HOST:PORT/NAME, which gets NAME_SIZE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="a new folder for the files (default: ./runs/bench-<the time>)")


def _bench(arguments: argparse.Namespace) -> int:
    if min(arguments.sizes) < 1000:
        raise UsageError("--sizes: at least 1,000 passages")
    if arguments.archive and "://" not in arguments.archive:
        raise UsageError(
            f"--archive {arguments.archive}: the benchmark makes its own folders; give the address of a server, or leave it out"
        )
    from eval.bench import bench

    out = arguments.out or RUNS / f"bench-{datetime.now().strftime('%Y-%m-%dT%H-%M-%S')}"
    print(bench(arguments.sizes, arguments.dataset, arguments.others, out, arguments.archive))
    terminal.talk(f"written    {out}/{{bench.json, questions.svg, memory.svg, times.svg, disk.svg}}")
    return 0


COMMANDS = (
    Command("eval", "Measure retrieval and answers over the sample set, a BEIR folder or your own questions.", _options, _eval),
    Command("bench", "Measure speed and memory as an archive grows, beside what a user would pick instead.", _bench_options, _bench),
)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval", __doc__, COMMANDS))
