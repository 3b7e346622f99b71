"""A result -> a folder that any other tool can check: TREC runs and qrels, a CSV row a question, JSON. And two folders compared.

    FOLDER/qrels.trec  run.<configuration>.trec  per_query.csv  result.json  report.html

A document name with white space in it, which TREC's format cannot carry, has it percent-encoded. Scores in a run are 1 / rank: the
order is what was measured.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eval import ENCODINGS, RUNS, pages
from eval.dataset import Dataset
from eval.report import short, with_interval
from eval.result import Result, evaluate
from eval.significance import Difference, difference, holm
from index.archive import Archive
from index.changes import Report
from index.errors import UsageError

_SAFE = "!#$&'()*+,/:;=?@[]"


def named() -> Path:
    """The folder of a run that begins now."""
    return RUNS / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")


def measured(dataset: Dataset, archive: Archive, configurations: Sequence[str], folder: Path, report: Report) -> Result:
    """Evaluate, and write what was found into the folder of a run."""
    claim(folder)
    result = evaluate(dataset, archive, configurations, ENCODINGS, report)
    write(result, folder)
    return result


def claim(folder: Path) -> None:
    """Make the folder of a run, before anything is measured; a UsageError where it cannot be made or has something in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: not empty, and nothing is overwritten: name another with --out")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made ({error.strerror}): name another folder with --out") from error


def write(result: Result, folder: Path) -> None:
    """Write everything about a result into the folder of a run."""
    try:
        (folder / "qrels.trec").write_text("".join(_qrels(result)), encoding="utf-8")
        for run in result.runs:
            (folder / f"run.{run.name}.trec").write_text("".join(_run(run.name, run.ranked)), encoding="utf-8")
        with (folder / "per_query.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(_rows(result))
        (folder / "result.json").write_text(json.dumps(result.as_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / "report.html").write_text(pages.page(result), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: cannot be written ({error.strerror}): name another folder with --out") from error


def _name(name: str) -> str:
    return quote(name, safe=_SAFE)


def _qrels(result: Result) -> Iterator[str]:
    for question, judged in result.qrels.items():
        yield from (f"{_name(question)} 0 {_name(name)} {grade}\n" for name, grade in judged.items())


def _run(tag: str, ranked: dict[str, list[str]]) -> Iterator[str]:
    for question, names in ranked.items():
        yield from (f"{_name(question)} Q0 {_name(name)} {rank} {1 / rank:.9f} {tag}\n" for rank, name in enumerate(names, start=1))


def _rows(result: Result) -> Iterator[list[Any]]:
    yield ["question", "kind", "answerable", "configuration", *result.measures, "outcome", "text"]
    for question in result.dataset.questions:
        for run in result.runs:
            scores = result.scores[run.name].get(question.id, {})
            outcome = run.answers[question.id].outcome if run.answers else ""
            measured = [scores.get(name, "") for name in result.measures]
            yield [question.id, question.kind, question.answerable, run.name, *measured, outcome, question.text]


def read(folder: Path) -> dict[str, Any]:
    """The result.json of a run's folder; a UsageError where there is none."""
    file = folder / "result.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: not the result of an eval ({error}): name a folder that 'clippings eval' wrote") from error
    if not isinstance(found, dict) or "configurations" not in found:
        raise UsageError(f"{file}: not the result of an eval: it has no configurations")
    return found


def compared(old: Path, new: Path) -> str:
    """What changed between two results over the same questions, configuration by configuration, as text."""
    first, second = read(old), read(new)
    if first["questions_sha256"] != second["questions_sha256"]:
        raise UsageError(f"{old} and {new} are over different questions: nothing can be compared")
    found = changes(first, second)
    if not found:
        raise UsageError(f"{old} and {new} have no configuration in common")
    lines = [f"{first['dataset']}, {first['headline']}: {old} (commit {first['commit']}) -> {new} (commit {second['commit']})"]
    for name, (one, p, shift) in found.items():
        earlier, later = (run["configurations"][name]["mean"][run["headline"]] for run in (first, second))
        lines.append(
            f"{name:<10}{short(earlier)} -> {short(later)}  {with_interval(one.interval)}  "
            f"+/=/- {one.better}/{one.same}/{one.worse}  p(adj) {short(p)}{shift}"
        )
    return "\n".join(lines)


def changes(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Difference, float, str]]:
    """configuration that two results share -> the difference of the headline measure, its p-value corrected for all, what was lost and
    gained."""
    names = [name for name in first["configurations"] if name in second["configurations"]]
    pairs = {name: (_scores(first, name), _scores(second, name)) for name in names}
    found = {name: difference(later, earlier) for name, (earlier, later) in pairs.items()}
    adjusted = holm([one.p for one in found.values()])
    return {name: (one, p, moved(*pairs[name])) for (name, one), p in zip(found.items(), adjusted, strict=True)}


def _scores(result: dict[str, Any], configuration: str) -> dict[str, float]:
    return {question: row[result["headline"]] for question, row in result["configurations"][configuration]["questions"].items()}


def moved(old: Mapping[str, float], new: Mapping[str, float]) -> str:
    """The questions whose score fell to 0 and those whose score rose from it, in brackets; nothing where there are none."""
    shared = [question for question in old if question in new]
    lost = [question for question in shared if old[question] > 0 and new[question] == 0]
    gained = [question for question in shared if old[question] == 0 and new[question] > 0]
    parts = [f"{word} {' '.join(found)}" for word, found in (("lost", lost), ("gained", gained)) if found]
    return f" ({'; '.join(parts)})" if parts else ""
