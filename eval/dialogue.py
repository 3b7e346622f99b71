"""What is read from questions: filters, and what follow-ups carry over. Over the sample set, and two sets of labels that belong to it.

followups.jsonl has questions that `follow` another, or are asked `after` one that has nothing to do with them; each has the evidence of
the question that it is the `same_as`. filters.jsonl has messages with the chips that they should give: words -> what they limit to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from eval import measure, run
from eval.dataset import Dataset, Question, records
from eval.significance import Difference, difference
from index.archive import Archive
from index.changes import Report
from index.records import Filters
from qa import reading
from qa.answer import Answer, Chip
from qa.assistant import ask
from qa.followup import Turn
from qa.reading import Read

HERE = Path(__file__).parent
_MEASURE = "hit@5"
_DEPTH = 20
PerQuestion = dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """The hit@5 of some questions as they are typed, and as they are read; how many carried something over.

    `headlines`: in how many answers, as read, the headline overlaps the evidence; None where they were only searched for.
    """

    typed: PerQuestion
    read: PerQuestion
    carried: int
    headlines: int | None = None

    @property
    def difference(self) -> Difference:
        """Read against typed, question by question."""
        return difference(self.read, self.typed)

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        found = self.difference.interval
        return {
            "questions": len(self.typed), "carried": self.carried, "typed": mean(self.typed.values()), "read": mean(self.read.values()),
            "difference": [found.mean, found.low, found.high], "headlines": self.headlines,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chips:
    """Chips of labelled messages: how many were read, how many should have been, how many are both; messages, and those with none."""

    read: int
    labelled: int
    right: int
    messages: int
    without: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Follow-ups of the sample set and of our own, questions after another topic, questions with a filter; and the chips."""

    pairs: Mapping[str, Asked]
    chips: Chips

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {"hit@5": {name: one.as_dict() for name, one in self.pairs.items()}, "chips": asdict(self.chips)}


def dialogue(dataset: Dataset, archive: Archive, answers: Mapping[str, Answer], report: Report) -> Dialogue:
    """All of it over the sample set; `answers` are those to its questions, each asked by itself."""
    asked = {question.id: question for question in dataset.questions}
    turns = {name: Turn.of(answer) for name, answer in answers.items()}
    follow = [(question, turns[question.follows]) for question in dataset.answerable if question.follows]
    own, after = _own(asked, turns, archive, report)
    first = [question for question in dataset.answerable if not question.follows]
    others = first[len(first) // 2 :] + first[: len(first) // 2]  # of other threads: the questions of one stand together
    after += [(question, turns[other.id]) for question, other in zip(first, others, strict=True)]
    plain = [(question, _read(question, archive)) for question in first]
    return Dialogue(
        {
            "follow-ups": _answered(follow, archive, report),
            "other follow-ups": _answered(own, archive, report),
            "after another topic": _asked(after, archive, report),
            "with a filter": _scored([(question, read) for question, read in plain if read.chips], archive, report),
        },
        _chips(archive),
    )


def _own(
    asked: Mapping[str, Question], turns: Mapping[str, Turn], archive: Archive, report: Report
) -> tuple[list[tuple[Question, Turn]], list[tuple[Question, Turn]]]:
    """The follow-ups of followups.jsonl, each with the turn before it, which may be one of them; and the questions on another topic."""
    known, follow, after = dict(turns), [], []
    labelled = list(records(HERE / "followups.jsonl", ("id", "question", "same_as")))
    for number, (_, record) in enumerate(labelled, start=1):
        report("follow-ups", number, len(labelled))
        question = replace(asked[record["same_as"]], id=record["id"], text=record["question"])
        if "after" in record:
            after.append((question, known[record["after"]]))
            continue
        last = known[record["follows"]]
        follow.append((question, last))
        known[question.id] = Turn.of(ask(question.text, archive, history=[last]))
    return follow, after


def _asked(pairs: Iterable[tuple[Question, Turn]], archive: Archive, report: Report) -> Asked:
    return _scored([(question, _read(question, archive, [last])) for question, last in pairs], archive, report)


def _answered(pairs: Sequence[tuple[Question, Turn]], archive: Archive, report: Report) -> Asked:
    answers = [(question, ask(question.text, archive, history=[last])) for question, last in pairs]
    return replace(_asked(pairs, archive, report), headlines=sum(measure.headline_hit(*one) for one in answers))


def _read(question: Question, archive: Archive, history: Sequence[Turn] = ()) -> Read:
    return reading.read(question.text, archive, history=history)


def _scored(pairs: Sequence[tuple[Question, Read]], archive: Archive, report: Report) -> Asked:
    typed = _hits([(question, Read(question.text, question.text, Filters())) for question, _ in pairs], archive, report)
    return Asked(typed, _hits(pairs, archive, report), sum(any(chip.kind == "carried" for chip in read.chips) for _, read in pairs))


def _hits(pairs: Sequence[tuple[Question, Read]], archive: Archive, report: Report) -> PerQuestion:
    judged = {question.id: run.relevant(question, archive) for question, _ in pairs}
    ranked = {}
    for number, (question, read) in enumerate(pairs, start=1):
        ranked[question.id] = run.names(question, archive.search(read.question, _DEPTH, read.filters), archive)
        report("as read", number, len(pairs))
    return {question: row[_MEASURE] for question, row in measure.per_question(judged, ranked).items()}


def _chips(archive: Archive) -> Chips:
    read = labelled = right = messages = without = 0
    for _, record in records(HERE / "filters.jsonl", ("id", "question", "chips")):
        wanted, found = record["chips"], list(map(_meaning, reading.read(record["question"], archive).chips))
        read, labelled, right = read + len(found), labelled + len(wanted), right + sum(wanted.get(words) == what for words, what in found)
        messages, without = messages + 1, without + (not wanted)
    return Chips(read, labelled, right, messages, without)


def _meaning(chip: Chip) -> tuple[str, str]:
    return chip.words, chip.label.removeprefix("published ")
