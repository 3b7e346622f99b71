"""The runs that were kept: which are of an archive, what to call them, and their figures over time and side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval import RUNS, files
from eval.pages import BIN_NAMES, bins
from eval.report import short
from index.archive import Archive
from index.errors import UsageError

# Runs that are looked at, newest first, and questions of the shortest list.
_KEPT = 30
FEW = 20

Found = dict[str, Any]


def past(archive: Archive) -> dict[str, Found]:
    """name -> result of each run over this archive or over the same articles, newest first."""
    held = {archive.status()["digest"], os.path.realpath(archive.path)} if archive.exists else set()
    folders = sorted(RUNS.glob("*/result.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)[:_KEPT]
    read = {file.parent.name: _read(file.parent, file.stat().st_mtime_ns) for file in folders}
    return {name: found for name, found in read.items() if found and held & {found["archive"]["digest"], _place(found)}}


def _place(found: Found) -> str:
    return os.path.realpath(str(found["archive"]["archive"]))


@lru_cache(maxsize=_KEPT)
def _read(folder: Path, changed: int) -> Found | None:
    """A run that the page can show; None for one of another format. `changed` is the time that it was written."""
    try:
        found = files.read(folder)
    except UsageError:
        return None
    return found if "questions" in found else None


def label(name: str, found: Found) -> str:
    """A run in a line: when, over what, and its headline."""
    day, _, time = name.partition("T")
    figures = f"{len(found['questions']):,} questions · {found['headline']} {short(headline(found))}"
    return f"{day} {time.replace('-', ':')} · {found['dataset']}, {figures}"


def headline(found: Found) -> float:
    """The headline measure of the main configuration."""
    return float(found["configurations"][found["main"]]["mean"][found["headline"]])


def earlier(name: str, runs: Mapping[str, Found]) -> list[str]:
    """The runs before one over the same questions, newest first."""
    names = list(runs)
    return [one for one in names[names.index(name) + 1 :] if runs[one]["questions_sha256"] == runs[name]["questions_sha256"]]


def over_time(name: str, runs: Mapping[str, Found]) -> list[tuple[float, float]]:
    """(seconds of the clock, headline) of the runs over the same questions up to one, the oldest first."""
    names = [name, *earlier(name, runs)][::-1]
    return [((RUNS / one / "result.json").stat().st_mtime, headline(runs[one])) for one in names]


def ranks(found: Found) -> list[tuple[str, int]]:
    """(rank, questions): where the main configuration has the first relevant passage."""
    places = [one["ranks"][found["main"]] for one in found["questions"] if one["answerable"]]
    return list(zip(BIN_NAMES, bins(places), strict=True))


def is_mistake(question: Found) -> bool:
    """Answered where it should not be or not where it should, or answered with another sentence than the gold."""
    answer = question["answer"]
    return answer is not None and (answer["outcome"].startswith("false") or (question["answerable"] and not answer["quotes"][0]["gold"]))


def worst_first(found: Found) -> list[Found]:
    """Every question, by the headline measure of the main configuration, mistakes ahead of what was right; those without it come last."""
    scores = found["configurations"][found["main"]]["questions"]

    def order(question: Found) -> tuple[bool, float, bool]:
        score = scores.get(question["id"], {}).get(found["headline"], 0.0)
        return not question["answerable"], score, not is_mistake(question)

    return sorted(found["questions"], key=order)


SHOWN = {"worst": f"The worst {FEW}", "mistakes": "Mistakes", "all": "All"}


def listed(found: Found, which: str) -> Sequence[Found]:
    """The questions to show, by a name of SHOWN, worst first."""
    questions = worst_first(found)
    if which == "worst":
        return questions[:FEW]
    return list(filter(is_mistake, questions)) if which == "mistakes" else questions
