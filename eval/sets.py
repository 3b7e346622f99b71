"""Which questions there are to measure an archive with: the sample's, where it holds the sample's articles, and its own.

An archive's own stand in its folder, in questions.jsonl, to which `clippings eval --review` adds.
"""

from __future__ import annotations

from pathlib import Path

from eval.dataset import SAMPLE_QUESTIONS, UNANSWERABLE, Dataset, from_questions, records, sample
from index.archive import Archive

SAMPLE, OWN = "sample", "own"


def own_file(archive: Archive) -> Path:
    """Where an archive's own questions stand, there or not."""
    return archive.folder / "questions.jsonl"


def offered(archive: Archive) -> list[str]:
    """The names of the sets that can be asked, its own first; none where there are none."""
    return [*([OWN] if own_file(archive).is_file() else []), *([SAMPLE] if _holds_sample(archive) else [])]


def _holds_sample(archive: Archive) -> bool:
    wanted = {str(one["article"]) for _, record in records(SAMPLE_QUESTIONS, ("evidence",)) for one in record["evidence"]}
    return archive.exists and wanted <= {path.rpartition("/")[2] for path in archive.known()}


def size(name: str, archive: Archive) -> tuple[int, int]:
    """How many answerable questions a set has, and how many others; a UsageError where its file cannot be read."""
    kinds = [record["kind"] for _, record in records(_file(name, archive), ("kind",))]
    return len(kinds) - kinds.count(UNANSWERABLE), kinds.count(UNANSWERABLE)


def dataset(name: str, archive: Archive) -> Dataset:
    """The questions of a set, with their evidence found in the archive; a UsageError names the line that is none."""
    file = _file(name, archive)
    return (sample(archive) if name == SAMPLE else from_questions(file, archive, file.stem)).of_kind(None)


def _file(name: str, archive: Archive) -> Path:
    return SAMPLE_QUESTIONS if name == SAMPLE else own_file(archive)
