"""The gate: what fails it, what does not, and three planted regressions that must."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from eval import dataset, gate, measure, run
from eval.encodings import Kept
from eval.result import Result
from eval.significance import difference
from index import Archive, bm25, chunk
from index.archive import LEGS
from index.chunk import Counter
from index.errors import UsageError
from index.fusion import Ranking, weighted_sum
from index.records import Article, Passage
from index.sentences import sentences
from qa import evidence


def checked(old: list[float], new: list[float]) -> gate.Check:
    before, now = ({f"q{n}": score for n, score in enumerate(scores)} for scores in (old, new))
    return gate.Check("hybrid MRR@10", before, now, difference(now, before))


@pytest.mark.parametrize(
    ("old", "new", "passes"),
    [
        ([1.0] * 100, [1.0] * 100, True),  # nothing changed
        ([1.0] * 100, [0.995] * 100, True),  # worse everywhere, by less than matters
        ([1.0] * 100, [0.98] * 100, False),  # worse everywhere, by more
        ([1.0] * 101, [0.0] + [1.0] * 100, True),  # one question lost of a hundred and one: less than .01
        ([0.5] * 100, [0.0] * 12 + [1.0] * 8 + [0.5] * 80, True),  # a drop of .02 that 20 questions cannot tell from nothing
        ([1.0] * 100, [0.0] * 10 + [1.0] * 90, False),  # ten lost
        ([0.0] * 100, [1.0] * 100, True),  # better
    ],
)
def test_a_drop_must_matter_and_be_told_from_nothing(old: list[float], new: list[float], passes: bool) -> None:
    """Both: larger than .01, and an interval that lies below 0."""
    assert checked(old, new).passed is passes


def test_the_gate_names_the_questions() -> None:
    """Those that are found no more, and those that are found now."""
    assert str(checked([1, 0.5, 0, 0], [0, 0.5, 0.25, 0])).endswith("(lost q0; gained q2)")


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gate, "PINNED", tmp_path / "gate.json")
    return tmp_path / "gate.json"


def result(scores: list[float], digest: str = "d") -> Result:
    """One configuration over one question for each score."""
    asked = tuple(dataset.Question(f"q{n}", "who", "who") for n in range(len(scores)))
    rows = {question.id: {"MRR@10": score} for question, score in zip(asked, scores, strict=True)}
    runs = [run.Run("hybrid", {question.id: [] for question in asked}, 1.0)]
    return Result(dataset.Dataset("x", asked, digest, False), {"digest": "a", "weights": "w"}, "c", {}, runs, {"hybrid": rows})


def test_pinning_refuses_to_lower_a_floor(pinned: Path) -> None:
    """Unless it is told why; the reason is kept."""
    gate.pin(result([1, 1]), None)
    with pytest.raises(UsageError, match=r"lower hybrid MRR@10 1\.000 -> 0\.500: say why, in words"):
        gate.pin(result([1, 0]), None)
    assert json.loads(pinned.read_text())["scores"] == {"hybrid MRR@10": {"q0": 1.0, "q1": 1.0}}
    assert gate.pin(result([1, 0]), "a question was wrong") == ["hybrid MRR@10 1.000 -> 0.500"]
    assert json.loads(pinned.read_text())["lowered"] == "a question was wrong"


def test_pinning_without_a_configuration_lowers_it(pinned: Path) -> None:
    """What is left out is held no more."""
    gate.pin(result([1, 1]), None)
    other = result([1, 1])
    other.runs[0] = run.Run("bm25", other.runs[0].ranked, 1.0)  # type: ignore[index]
    other.scores["bm25"] = other.scores["hybrid"]  # type: ignore[index]
    with pytest.raises(UsageError, match="would lower hybrid MRR@10"):
        gate.pin(other, None)


def test_other_questions_are_not_held_against_these(pinned: Path) -> None:
    """It says how to pin them; nor is there a gate before anything is pinned."""
    with pytest.raises(UsageError, match="nothing is pinned"):
        gate.read()
    gate.pin(result([1, 1]), None)
    with pytest.raises(UsageError, match="pinned with other questions"):
        gate.check(result([1, 1], digest="e"), gate.read())


def test_answering_everything_fails_the_gate() -> None:
    """What it gains among the answerable does not pay for what it loses among the others."""
    old, new = dict.fromkeys("abcd", 1.0), dict.fromkeys("abcd", 0.0)
    assert not gate.Check("abstained", old, new, difference(new, old)).passed


def test_the_gate_says_what_it_was_pinned_with(pinned: Path) -> None:
    """Another model or archive is named; it does not fail by itself."""
    gate.pin(result([1, 1]), None)
    now = result([1, 1])
    now.status["weights"] = "other"  # type: ignore[index]
    checks = gate.check(now, gate.read())
    assert gate.line(checks, now, gate.read()).splitlines()[0] == "gate       pinned with another model"
    assert all(check.passed for check in checks)


# The planted regressions, over the real model and the sample set.


@pytest.fixture(scope="module")
def kept(sample: Archive, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(sample.encoder, tmp_path_factory.mktemp("encodings"))


def failed(archive: Archive, planted: AbstractContextManager[Any]) -> list[str]:
    """What fails the gate when the archive is searched with a fault in place."""
    with planted:
        questions = dataset.sample(archive)
        judged = run.qrels(questions, archive)
        runs = [run.search(questions, archive, name) for name in ("bm25", "hybrid")]
    scores = {one.name: measure.scores(questions, judged, one) for one in runs}
    found = Result(questions, archive.status(), "", judged, runs, scores)
    return [check.name for check in gate.check(found, gate.read()) if not check.passed]


@pytest.mark.model
def test_the_sample_set_passes_the_gate(sample_result: Result) -> None:
    """Every configuration, the quotes and the abstentions, against what is pinned."""
    checks = gate.check(sample_result, gate.read())
    assert {check.name for check in checks} == set(gate.read()["scores"])
    assert all(check.passed for check in checks), gate.line(checks, sample_result, gate.read())


@pytest.mark.model
def test_an_assistant_that_never_abstains_fails_the_gate(sample: Archive, sample_result: Result, tmp_path: Path) -> None:
    """Though it answers more of the answerable."""
    questions = dataset.sample(sample)
    held = evidence.fitted(True)
    with patch("qa.evidence.fitted", lambda with_reader: replace(held, threshold=0.0)):
        answers = run.answers(questions, sample, "hybrid", Kept(sample.encoder, tmp_path))
    runs = [replace(one, answers=answers) if one.name == "hybrid" else one for one in sample_result.runs]
    found = replace(sample_result, runs=runs)
    assert [check.name for check in gate.check(found, gate.read()) if not check.passed] == ["hybrid abstained"]


@pytest.mark.model
def test_without_a_fault_nothing_fails(sample: Archive) -> None:
    """The negative control of the three below."""
    assert failed(Archive(sample.path, sample.encoder), nullcontext()) == []


@pytest.mark.model
def test_a_k1_of_0_fails_the_gate(sample: Archive) -> None:
    """How often a word stands in a passage counts no more."""
    fault = patch("index.generation.BM25", partial(bm25.BM25, k1=0))
    assert "bm25 MRR@10" in failed(Archive(sample.path, sample.encoder), fault)


@pytest.mark.model
def test_fusion_from_the_bottom_fails_the_gate(sample: Archive) -> None:
    """The worst passage first."""

    def upside_down(words: Ranking, meaning: Ranking) -> dict[int, float]:
        return {row: -score for row, score in weighted_sum(words, meaning).items()}

    fault = patch.dict(run.CONFIGURATIONS, hybrid=(LEGS, upside_down))
    assert failed(Archive(sample.path, sample.encoder), fault) == ["hybrid MRR@10"]


@pytest.mark.model
def test_a_chunker_that_drops_every_tenth_sentence_fails_the_gate(kept: Kept, tmp_path: Path) -> None:
    """A tenth of the evidence cannot be found."""
    whole = chunk.passages

    def holes(article: Article, head: str, count: Counter, limit: int) -> list[Passage]:
        dropped = sentences(article.text)[9::10]
        pieces = whole(article, head, count, limit)
        for start, end in dropped:
            cut = [
                (Passage(one.article_id, one.start, start), Passage(one.article_id, end, one.end))
                if one.start <= start and end <= one.end
                else (one,)
                for one in pieces
            ]
            pieces = [piece for group in cut for piece in group if article.text[piece.start : piece.end].strip()]
        return pieces

    archive = Archive(tmp_path / "archive", kept)
    with patch.object(chunk, "passages", holes):
        archive.add([dataset.SAMPLE_ARTICLES])
    assert {"bm25 MRR@10", "hybrid MRR@10"} <= set(failed(archive, nullcontext()))
