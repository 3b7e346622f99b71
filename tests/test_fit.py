"""The rule that keeps the gate's questions out of any fitting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import SHARED

from eval import fit
from eval.dataset import SAMPLE_QUESTIONS, records
from eval.labels import check_apart
from index import terminal
from index.errors import UsageError


def queries(folder: Path, *texts: str) -> Path:
    folder.mkdir()
    lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
    (folder / "queries.jsonl").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f" {text}?"])
def test_a_question_of_the_gate_is_refused(tmp_path: Path, change: type[str]) -> None:
    """By name of its line, in capitals and with other marks too."""
    _, held = list(records(SAMPLE_QUESTIONS, ("question",)))[17]
    with pytest.raises(UsageError, match=r"queries.jsonl:2: the gate measures with this question"):
        check_apart(queries(tmp_path / "set", "is this another question", change(held["question"])))


def test_the_command_asks_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is embedded."""
    _, held = next(records(SAMPLE_QUESTIONS, ("question",)))
    folder = queries(tmp_path / "set", held["question"])
    assert terminal.main("fit", "", [fit.COMMAND], [str(folder)]) == 2
    assert "nothing may be fitted on it" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the outside data sets are not here")
@pytest.mark.parametrize("name", ["squad2_fit", "clapnq_fit"])
def test_what_the_weights_were_fitted_on_is_apart(name: str) -> None:
    """The folders that eval/README.md names."""
    check_apart(SHARED / "data" / name)
