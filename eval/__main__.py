"""python -m eval: how well the archive is searched and its questions answered, over the sample set or a BEIR folder."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from index import terminal
from index.terminal import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from eval.report import Result
    from index import Archive
    from index.changes import Report

_ARCHIVES = Path("runs/archives")


def _options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser, "an archive that has the articles already (default: one of its own, below ./runs)")
    parser.set_defaults(archive=None)
    terminal.json_option(parser)
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv) instead")


def _eval(arguments: argparse.Namespace) -> int:
    named = arguments.archive and terminal.open_archive(arguments.archive, arguments.model)
    result = evaluate(named or prepare(arguments.dataset, arguments.model), arguments.dataset)
    from eval import report

    if arguments.json:
        terminal.print_json(report.as_dict(result))
    else:
        print(report.screen(result))
    return 0


def prepare(dataset: Path | None, model: str | None) -> Archive:
    """The archive of the sample set or of a BEIR folder, kept below ./runs and brought up to date."""
    from eval.dataset import SAMPLE_ARTICLES, beir
    from index.archive import VERSIONS

    source = SAMPLE_ARTICLES
    if dataset:
        beir(dataset)  # a folder of another kind is refused before anything is embedded
        source = dataset / "corpus.jsonl"
    place = hashlib.sha256(f"{source.resolve()} {model} {VERSIONS}".encode()).hexdigest()[:6]
    archive = terminal.open_archive(_ARCHIVES / f"{dataset.resolve().name if dataset else 'sample'}-{place}", model)
    with terminal.progress_bar() as bar:
        added = archive.add([source], bar)
    for error in added.rejected:
        terminal.talk(f"not taken: {error}")
    return archive


def evaluate(archive: Archive, folder: Path | None = None) -> Result:
    """Every configuration over the sample set, and the answers too; or over the BEIR folder given."""
    from eval import dataset, measure, run
    from eval.report import Result

    questions = dataset.beir(folder) if folder else dataset.sample(archive)
    archive.load()
    judged = run.qrels(questions, archive)
    with terminal.progress_bar() as bar:
        runs = [run.search(questions, archive, name, _stepper(bar, name, len(judged))) for name in run.CONFIGURATIONS]
        answers = None if folder else run.answers(questions, archive, _stepper(bar, "answers", len(questions.questions)))
    scores = {one.name: measure.per_question(judged, one.ranked) for one in runs}
    abstention = measure.abstention(questions, answers) if answers else None
    return Result(questions, archive.status(), _commit(), judged, runs, scores, abstention)


def _stepper(bar: Report, stage: str, total: int) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        bar(stage, done, total)

    return step


def _commit() -> str:
    """The commit of this code, with + where the tree differs from it; "none" outside a repository."""
    here = Path(__file__).parent
    try:
        named = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=here, capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return "none"
    return named.stdout.strip()


COMMANDS = (Command("eval", "Measure retrieval and answers over the sample set, or over a BEIR folder.", _options, _eval),)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval", __doc__, COMMANDS))
