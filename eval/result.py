"""What one eval found: runs and scores, on what, by what; from the archive to numbers, and nothing about how they look."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

from eval import judged, measure, run, significance, stories
from eval.dataset import Dataset
from eval.dialogue import Dialogue, dialogue
from eval.encodings import Kept
from eval.explain import note
from eval.measure import MEASURES, QUOTE_F1, Abstention, Scores
from eval.run import MAIN, Qrels, Run
from eval.significance import Difference, Interval
from eval.stories import Stories
from index import Archive
from index.changes import Report
from index.records import Article

# Questions that the screen names.
WORST = 3
_LIBRARIES = ("torch", "sentence-transformers", "faiss-cpu", "rank-bm25", "PyStemmer", "ir-measures", "scipy", "numpy", "onnxruntime")


@dataclass(frozen=True)
class Result:
    """All that one eval found. The first run is the baseline.

    `notes` say of the worst questions where their gold is; `articles` are those that hold evidence, by id.
    `dialogue` is what was read from questions, over the sample set.
    `stories` are the labelled pairs, over the sample set.
    """

    dataset: Dataset
    status: Mapping[str, Any]
    commit: str
    qrels: Qrels
    runs: Sequence[Run]
    scores: Mapping[str, Scores]
    notes: Mapping[str, str] = field(default_factory=dict)
    articles: Mapping[str, Article] = field(default_factory=dict)
    dialogue: Dialogue | None = None
    stories: Stories | None = None

    @property
    def baseline(self) -> Run:
        """The run that the others are compared with."""
        return self.runs[0]

    @property
    def main(self) -> Run:
        """The run of the product's configuration, or the last one where that was not run: the one that answers."""
        return _main(self.runs)

    @property
    def headline(self) -> str:
        """The measure that configurations are compared by: that of the published tables where documents are ranked."""
        return "nDCG@10" if self.dataset.by_document else "MRR@10"

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of what was measured of the main run, in the order of the files; the others have those of retrieval."""
        return (*MEASURES, QUOTE_F1) if self.main.answers else tuple(MEASURES)

    def mean(self, configuration: str, name: str) -> float:
        """The mean of a measure over the answerable questions."""
        return mean(self.of(configuration, name).values())

    def of(self, configuration: str, name: str) -> dict[str, float]:
        """question -> a measure."""
        return {question: row[name] for question, row in self.scores[configuration].items()}

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """configuration -> the interval of the headline measure."""
        return {one.name: significance.interval(list(self.of(one.name, self.headline).values())) for one in self.runs}

    @cached_property
    def differences(self) -> dict[str, tuple[Difference, float]]:
        """configuration -> its difference in the headline measure from the baseline, and the p-value corrected for all of them."""
        old = self.of(self.baseline.name, self.headline)
        found = {one.name: significance.difference(self.of(one.name, self.headline), old) for one in self.runs[1:]}
        adjusted = significance.holm([one.p for one in found.values()])
        return {name: (one, p) for (name, one), p in zip(found.items(), adjusted, strict=True)}

    @cached_property
    def abstention(self) -> Abstention | None:
        """How the main run's answers tell what the archive says from what it does not."""
        return measure.abstention(self.dataset, self.main.answers) if self.main.answers else None

    def by_kind(self) -> dict[str, float]:
        """kind -> the headline measure of the main run."""
        rows: dict[str, list[float]] = {}
        for question in self.dataset.answerable:
            rows.setdefault(question.kind, []).append(self.scores[self.main.name][question.id][self.headline])
        return {kind: mean(values) for kind, values in rows.items() if kind}

    def worst(self, count: int) -> list[str]:
        """The questions with the lowest headline measure of the main run, lowest first; ties in the order of the file."""
        found = self.of(self.main.name, self.headline)
        return sorted(found, key=lambda question: found[question])[:count]

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON, question by question."""
        return {
            "dataset": self.dataset.name,
            "headline": self.headline,
            "questions_sha256": self.dataset.digest,
            "archive": dict(self.status),
            "commit": self.commit,
            "seed": significance.SEED,
            "resamples": significance.RESAMPLES,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
            "main": self.main.name,
            "configurations": {one.name: self._configuration(one) for one in self.runs},
            "by_kind": self.by_kind(),
            "abstention": asdict(self.abstention) if self.abstention else None,
            "dialogue": self.dialogue.as_dict() if self.dialogue else None,
            "stories": asdict(self.stories) if self.stories else None,
            "questions": list(judged.questions(self)),
        }

    def _configuration(self, one: Run) -> dict[str, Any]:
        compared = self.differences.get(one.name)
        hits = measure.evidence_hits(one.evidence)
        return {
            "mean": means(self.scores[one.name]),
            "interval": asdict(self.intervals[one.name]),
            "against_baseline": {**asdict(compared[0]), "p_adjusted": compared[1]} if compared else None,
            "ms_per_question": one.milliseconds,
            "evidence": means(hits) if hits else None,
            "questions": self.scores[one.name],
            "outcomes": {question: answer.outcome for question, answer in one.answers.items()},
        }


def _main(runs: Sequence[Run]) -> Run:
    return next((one for one in runs if one.name == MAIN), runs[-1])


def means(scores: Scores) -> dict[str, float]:
    """measure -> mean over the questions of `scores`."""
    return {name: mean(row[name] for row in scores.values()) for name in next(iter(scores.values()), {})}


def evaluate(dataset: Dataset, archive: Archive, names: Sequence[str], encodings: Path, report: Report) -> Result:
    """Every configuration named over a dataset; the answers of the main one too where its judgements are spans."""
    archive.load()
    wanted = run.qrels(dataset, archive)
    kept = Kept(archive.encoder, encodings)
    runs = [run.search(dataset, archive, name, _stepper(report, name, len(wanted))) for name in names]
    main = _main(runs)
    if not dataset.by_document:
        main.answers.update(run.answers(dataset, archive, main.name, kept, _stepper(report, "answers", len(dataset.questions))))
    configured = run.Configured(Archive(archive.path, kept), main.name)
    spoken = dialogue(dataset, configured, main.answers, report) if dataset.is_sample else None
    kept.save()
    scores = {one.name: measure.scores(dataset, wanted, one) for one in runs}
    result = Result(dataset, archive.status(), commit(), wanted, runs, scores)
    asked = {question.id: question for question in dataset.answerable}
    notes = {name: note(asked[name], dataset, archive, result.main.name) for name in result.worst(WORST)}
    cited = {evidence.article_id for question in dataset.questions for evidence in question.evidence}
    pairs = stories.measure(archive) if dataset.is_sample else None
    held = {name: archive.article(name) for name in cited}
    return replace(result, notes=notes, articles=held, dialogue=spoken, stories=pairs)


def _stepper(report: Report, stage: str, total: int) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        report(stage, done, total)

    return step


def commit() -> str:
    """The commit of this code, with + where the tree differs from it; "none" outside a repository."""
    here = Path(__file__).parent
    try:
        named = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=here, capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return "none"
    return named.stdout.strip()
