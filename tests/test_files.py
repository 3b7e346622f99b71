"""The files of a run: any other tool gets the same figures from them; two runs compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest
import pytrec_eval

from eval import dataset, files, run
from eval.result import Result, evaluate
from index import Archive
from index.errors import UsageError

Folder = Callable[[dict[str, str]], Path]

ARTICLES = {
    f"{place}.txt": f"The ferry sank off {place}. {n} people died. The mayor of {place} wept."
    for n, place in enumerate(["Selwyn", "Kessmouth", "Tolland", "Drayholt"], 11)
}


def result_of(archive: Archive, home: Path, tmp_path: Path, configurations: list[str]) -> Result:
    archive.add([home])
    asked = [
        {
            "id": "q1",
            "question": "how many died off Tolland",
            "kind": "how many",
            "evidence": [{"article": "Tolland.txt", "quote": "13 people died."}],
        },
        {
            "id": "q2",
            "question": "who wept, a mayor",
            "kind": "who",
            "evidence": [{"article": "Drayholt.txt", "quote": "The mayor of Drayholt wept."}],
        },
        {"id": "q3", "question": "zebra", "kind": "who", "evidence": [{"article": "Selwyn.txt", "quote": "The mayor of Selwyn wept."}]},
        {"id": "q4", "question": "who won", "kind": "unanswerable", "evidence": []},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, asked)))
    data = dataset.from_questions(file, archive, "x")
    return evaluate(data, archive, configurations, tmp_path / "encodings", lambda stage, done, total: None)


@pytest.fixture
def result(archive: Archive, folder: Folder, tmp_path: Path) -> Result:
    return result_of(archive, folder(ARTICLES), tmp_path, list(run.CONFIGURATIONS))


def trec(file: Path, value: int) -> dict[str, dict[str, float]]:
    """A TREC file as question -> document -> the number in a column."""
    found: dict[str, dict[str, float]] = {}
    for line in file.read_text().splitlines():
        columns = line.split()
        found.setdefault(columns[0], {})[columns[2]] = float(columns[value])
    return found


def rescored(folder: Path, configuration: str) -> dict[str, float]:
    """The means by pytrec_eval, from the files alone; a judged question without a row in the run scores 0."""
    judged = {question: {name: int(grade) for name, grade in rows.items()} for question, rows in trec(folder / "qrels.trec", 3).items()}
    evaluator = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.10", "recip_rank", "success.1,5"})
    rows = evaluator.evaluate(trec(folder / f"run.{configuration}.trec", 4))
    names = {"hit@1": "success_1", "hit@5": "success_5", "MRR@10": "recip_rank", "nDCG@10": "ndcg_cut_10"}
    return {name: mean(rows[question][theirs] if question in rows else 0.0 for question in judged) for name, theirs in names.items()}


@pytest.mark.parametrize("configuration", run.CONFIGURATIONS)
def test_a_second_library_gets_the_same_figures(result: Result, tmp_path: Path, configuration: str) -> None:
    """From the TREC files, to 1e-6."""
    files.claim(tmp_path / "out")
    files.write(result, tmp_path / "out")
    for name, value in rescored(tmp_path / "out", configuration).items():
        assert value == pytest.approx(result.mean(configuration, name), abs=1e-6), name


@pytest.mark.model
def test_a_second_library_gets_the_same_figures_of_the_sample(sample_result: Result, tmp_path: Path) -> None:
    """Also over 170 questions, the real model and every configuration."""
    files.claim(tmp_path / "out")
    files.write(sample_result, tmp_path / "out")
    for configuration in run.CONFIGURATIONS:
        for name, value in rescored(tmp_path / "out", configuration).items():
            assert value == pytest.approx(sample_result.mean(configuration, name), abs=1e-6), (configuration, name)


def test_a_changed_file_gives_other_figures(result: Result, tmp_path: Path) -> None:
    """The negative control: the second library reads what was written."""
    files.claim(tmp_path / "out")
    files.write(result, tmp_path / "out")
    file = tmp_path / "out" / "run.bm25.trec"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if " Q0 " in line and line.split()[3] != "1"))
    assert rescored(tmp_path / "out", "bm25")["hit@1"] != pytest.approx(result.mean("bm25", "hit@1"), abs=1e-6)


def test_every_question_has_a_row(result: Result, tmp_path: Path) -> None:
    """Of each configuration, with its scores; an unanswerable one with its outcome alone."""
    files.claim(tmp_path / "out")
    files.write(result, tmp_path / "out")
    with (tmp_path / "out" / "per_query.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(run.CONFIGURATIONS)
    found = {(row["question"], row["configuration"]): row for row in rows}
    assert float(found["q1", "bm25"]["MRR@10"]) == result.scores["bm25"]["q1"]["MRR@10"]
    assert found["q4", "hybrid"]["MRR@10"] == ""
    assert found["q4", "hybrid"]["outcome"] in ("answered", "abstained")


def test_a_result_says_what_it_was_made_of(result: Result, tmp_path: Path) -> None:
    """Archive, model and questions by digest, versions, seed, commit."""
    files.claim(tmp_path / "out")
    files.write(result, tmp_path / "out")
    found = files.read(tmp_path / "out")
    assert found["archive"]["digest"] == result.status["digest"]
    assert found["archive"]["weights"] == result.status["weights"]
    assert found["questions_sha256"] == result.dataset.digest
    assert found["seed"] > 0
    assert found["commit"]
    assert set(found["versions"]) >= {"python", "torch", "faiss-cpu", "ir-measures"}


def test_nothing_is_overwritten(result: Result, tmp_path: Path) -> None:
    """A folder with something in it is refused."""
    files.claim(tmp_path / "out")
    files.write(result, tmp_path / "out")
    with pytest.raises(UsageError, match="not empty, and nothing is overwritten"):
        files.claim(tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        files.claim(tmp_path / "file" / "below")


def test_two_runs_compare(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """Question by question, with those that were lost."""
    result = result_of(archive, folder(ARTICLES), tmp_path, ["bm25", "hybrid"])
    files.claim(tmp_path / "old")
    files.write(result, tmp_path / "old")
    result.runs[1].ranked["q2"] = []
    result.scores["hybrid"]["q2"] = dict.fromkeys(result.scores["hybrid"]["q2"], 0.0)
    files.claim(tmp_path / "new")
    files.write(result, tmp_path / "new")
    head, bm25, hybrid = files.compared(tmp_path / "old", tmp_path / "new").splitlines()
    assert head.startswith("x, MRR@10: ")
    assert "+/=/- 0/3/0" in bm25
    assert "+/=/- 0/2/1" in hybrid
    assert hybrid.endswith("(lost q2)")


def test_runs_over_other_questions_are_not_compared(result: Result, tmp_path: Path) -> None:
    """Nor a folder that holds none, nor two without a configuration in common."""
    for name in ("a", "b"):
        files.claim(tmp_path / name)
        files.write(result, tmp_path / name)
    found = json.loads((tmp_path / "b" / "result.json").read_text())
    (tmp_path / "b" / "result.json").write_text(json.dumps(found | {"questions_sha256": "0"}))
    with pytest.raises(UsageError, match="over different questions"):
        files.compared(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "result.json").write_text(json.dumps(found | {"configurations": {}}))
    with pytest.raises(UsageError, match="no configuration in common"):
        files.compared(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match="not the result of an eval"):
        files.compared(tmp_path / "a", tmp_path / "nowhere")
