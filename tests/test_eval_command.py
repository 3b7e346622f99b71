"""`clippings eval` as an engineer types it. The toy encoder stands in for the model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from eval import gate

Folder = Callable[[dict[str, str]], Path]

QUESTIONS = [
    {
        "id": "q1",
        "question": "how many died off Selwyn",
        "kind": "how many",
        "evidence": [{"article": "ferry.txt", "quote": "Nine people died."}],
    },
    {"id": "q2", "question": "who was hurt by the dam", "kind": "who", "evidence": [{"article": "dam.txt", "quote": "Nobody was hurt."}]},
    {"id": "q3", "question": "who won the chess", "kind": "unanswerable", "evidence": []},
]


@pytest.fixture
def own(run: Run, folder: Folder, tmp_path: Path) -> Run:
    """An archive at ./archive and my.jsonl with questions about it."""
    files = {"ferry.txt": "The ferry sank off Selwyn. Nine people died.", "dam.txt": "The dam cracked on Sunday. Nobody was hurt."}
    run("add", str(folder(files)))
    (tmp_path / "my.jsonl").write_text("\n".join(map(json.dumps, QUESTIONS)))
    return run


def test_own_questions_over_an_own_archive(own: Run, tmp_path: Path) -> None:
    """The screen, and the files beside it."""
    code, out, err = own("eval", "--questions", "my.jsonl", "--out", "first")
    assert code == 0
    assert out.startswith("archive my ")
    assert "2 answerable + 1 not" in out
    assert "gate" not in out
    assert "first/" in err
    names = {file.name for file in (tmp_path / "first").iterdir()}
    assert names == {
        "qrels.trec",
        "per_query.csv",
        "result.json",
        "report.html",
        *(f"run.{name}.trec" for name in ("bm25", "dense", "rrf", "hybrid")),
    }


def test_a_row_has_what_was_measured_of_it(own: Run, tmp_path: Path) -> None:
    """Retrieval for answerable questions; quotes and outcomes for the configuration that answers."""
    own("eval", "--questions", "my.jsonl", "--out", "first")
    with (tmp_path / "first" / "per_query.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    for row in rows:
        answers, judged = row["configuration"] == "hybrid", row["answerable"] == "True"
        filled = [bool(row[name]) for name in ("MRR@10", "quote-F1", "outcome")]
        assert filled == [judged, judged and answers, answers]


def test_the_archive_is_left_as_it_was(own: Run) -> None:
    """Measuring adds nothing to it."""
    before = own("status", "--json")[1]
    own("eval", "--questions", "my.jsonl", "--out", "first")
    assert own("status", "--json")[1] == before


def test_a_quote_that_is_not_there_names_its_line(own: Run, tmp_path: Path) -> None:
    """And the quote; nothing is measured."""
    wrong = QUESTIONS[1] | {"evidence": [{"article": "dam.txt", "quote": "Two were hurt."}]}
    (tmp_path / "my.jsonl").write_text("\n".join(map(json.dumps, [QUESTIONS[0], wrong])))
    code, out, err = own("eval", "--questions", "my.jsonl")
    assert (code, out) == (2, "")
    assert "my.jsonl:2: question q2: its quote stands 0 times in dam.txt, not once: 'Two were hurt.'" in err
    assert not (tmp_path / "runs").exists()


def test_some_configurations_of_some_questions(own: Run) -> None:
    """The first named is the baseline."""
    code, out, _ = own("eval", "--questions", "my.jsonl", "--config", "hybrid", "bm25", "--kind", "who", "--json")
    found = json.loads(out)
    assert code == 0
    assert list(found["configurations"]) == ["hybrid", "bm25"]
    assert found["configurations"]["hybrid"]["against_baseline"] is None
    assert list(found["configurations"]["bm25"]["questions"]) == ["q2"]


def test_one_question(own: Run) -> None:
    """Its gold, and each configuration's first ten."""
    code, out, _ = own("eval", "--questions", "my.jsonl", "--query", "q1", "--config", "bm25", "dense")
    assert code == 0
    assert "“Nine people died.”" in out
    assert "bm25: gold at rank 1" in out
    assert own("eval", "--questions", "my.jsonl", "--query", "q9")[0] == 2


def test_two_runs(own: Run) -> None:
    """Compared from their folders."""
    own("eval", "--questions", "my.jsonl", "--out", "a", "--config", "bm25")
    own("eval", "--questions", "my.jsonl", "--out", "b", "--config", "bm25")
    code, out, _ = own("eval", "--compare", "a", "b")
    assert code == 0
    assert "+/=/- 0/2/0" in out
    assert own("eval", "--questions", "my.jsonl", "--out", "a")[0] == 2


def test_the_gate_is_over_the_sample_set(own: Run) -> None:
    """Nothing else is pinned or held."""
    code, _, err = own("eval", "--questions", "my.jsonl", "--gate")
    assert (code, "the gate is over the whole sample set" in err) == (2, True)
    assert own("eval", "--kind", "who", "--update")[0] == 2


def test_the_gate_says_no_with_its_exit_code(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the sample set with the toy encoder: pinned, passed, then failed by a pinned result that was better."""
    monkeypatch.setattr(gate, "PINNED", tmp_path / "gate.json")
    options = ("eval", "--config", "bm25")
    assert run(*options, "--gate", "--out", "0")[0] == 2
    assert "gate       pinned" in run(*options, "--update", "--out", "1")[1]
    code, out, _ = run(*options, "--gate", "--out", "2")
    assert (code, "PASS" in out) == (0, True)
    pinned = json.loads(gate.PINNED.read_text())
    pinned["scores"]["bm25 MRR@10"] = dict.fromkeys(pinned["scores"]["bm25 MRR@10"], 1.0)
    gate.PINNED.write_text(json.dumps(pinned))
    code, out, _ = run(*options, "--gate", "--out", "3")
    assert (code, "FAIL" in out) == (1, True)
    assert run(*options, "--out", "4")[0] == 0


def test_evals_that_change_nothing_embed_nothing(own: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, only the questions that are searched with."""
    from fakes import BagEncoder

    encoded: list[str] = []
    embed = BagEncoder.encode
    monkeypatch.setattr(BagEncoder, "encode", lambda self, texts, progress=None: encoded.extend(texts) or embed(self, texts, progress))
    own("eval", "--questions", "my.jsonl", "--config", "hybrid", "--out", "a")
    first = set(encoded)
    encoded.clear()
    own("eval", "--questions", "my.jsonl", "--config", "hybrid", "--out", "b")
    assert "Nine people died." in first
    assert set(encoded) == {"ready", "how many died off Selwyn", "who was hurt by the dam"}
