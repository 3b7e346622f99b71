"""Commands as a user types them, and what they say when something is wrong. The toy encoder stands in for the model."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

Folder = Callable[[dict[str, str]], Path]


def test_add_twice_says_what_it_did(run: Run, folder: Folder) -> None:
    """Counts, and the passages embedded."""
    home = str(folder({"a.txt": "The ferry sank.", "b.md": "The dam cracked."}))
    assert run("add", home) == (0, "new 2, changed 0, unchanged 0, removed 0; embedded 2 passages\n", "")
    assert run("add", home) == (0, "new 0, changed 0, unchanged 2, removed 0; embedded 0 passages\n", "")
    assert json.loads(run("add", "--json", home)[1]) == {
        "new": 0, "changed": 0, "unchanged": 2, "removed": 0, "renamed": 0, "embedded": 0, "left_out": 0, "waiting": 0,
        "rejected": [], "notes": [],
    }  # fmt: skip


def test_what_is_not_taken_is_named_and_the_exit_code_says_so(run: Run, folder: Folder) -> None:
    """The rest is taken."""
    code, out, err = run("add", str(folder({"a.txt": "The ferry sank.", "b.doc": "x", "c.jsonl": "{"})))
    assert (code, out) == (1, "new 1, changed 0, unchanged 0, removed 0; embedded 1 passages; not taken 2\n")
    assert len(err.splitlines()) == 2
    assert "b.doc: not a format" in err
    assert "c.jsonl:1: not a JSON line" in err


def test_search_and_status(run: Run, folder: Folder) -> None:
    """For people and for programs."""
    run("add", str(folder({"a.txt": "The ferry sank.", "b.txt": "The dam cracked."})))
    code, out, _ = run("search", "ferry", "--explain", "-k", "1")
    assert code == 0
    assert "bm25 rank 1, dense rank 1; matched ferry" in out
    (hit,) = json.loads(run("search", "--json", "-k", "1", "ferry")[1])
    assert (hit["text"], hit["bm25"], hit["terms"]) == ("The ferry sank.", 1, ["ferry"])
    assert "articles  2" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["articles"] == 2


@pytest.mark.parametrize(("leg", "says"), [("bm25", "bm25 rank 1, dense not found"), ("dense", "bm25 not found, dense rank 1")])
def test_search_by_one_leg(run: Run, folder: Folder, leg: str, says: str) -> None:
    """The other one is not asked."""
    run("add", str(folder({"a.txt": "The ferry sank.", "b.txt": "The dam cracked."})))
    code, out, _ = run("search", "ferry", "--leg", leg, "--explain", "-k", "1")
    assert (code, says in out) == (0, True)


def test_a_model_that_is_only_the_usual_one_is_no_fault(run: Run, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIPPINGS_MODEL stands for every command: for those that use no model it means nothing."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    monkeypatch.setenv("CLIPPINGS_MODEL", "bag")
    assert run("search", "ferry", "--leg", "bm25")[0] == 0


def test_ask(run: Run, folder: Folder) -> None:
    """For people and for programs; an abstention is an answer too."""
    run("add", str(folder({"a.txt": "The ferry sank near Selwyn. It rained."})))
    code, out, err = run("ask", "where", "was", "it", "the", "ferry", "sank", "--explain")
    assert (code, "[1] The ferry sank near Selwyn." in out) == (0, True)
    assert "    after: It rained.\n" in out
    assert [part.split()[0] for part in err.split(" · ")] == ["start", "load", "search", "answer", "CPU"]
    assert json.loads(run("ask", "--json", "where was it the ferry sank")[1])["quotes"][0]["text"] == "The ferry sank near Selwyn."
    _, out, _ = run("ask", "ferry rained")
    assert out.count("    after: It rained.\n") == out.count("    before: The ferry sank near Selwyn.\n") == 1
    code, out, _ = run("ask", "chess in Oslo")
    assert (code, out.startswith("The archive does not say: ")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "empty"], "no files in empty; nothing was changed"),
        (["remove", "none"], "no article of the archive is from none; nothing was changed"),
        (["remove", "none", "--archive", "none"], "no archive at none"),
        (["add", "none"], "none: no such file or folder; nothing was changed"),
        (["add", "articles", "--model", "other"], "was made with model bag"),
        (["search", "ferry", "--model", "other"], "leave --model and CLIPPINGS_MODEL out"),
        (["search", "ferry", "--model", "bag", "--leg", "bm25"], "--leg bm25 uses no model: leave --model bag out"),
        (["ask", "a" * 20_000], "the question has 20,000 characters"),
        (["ask", "?"], "the question is empty"),
        (["search", "?!"], "the question is empty"),
        (["search", "a" * 20_000], "the question has 20,000 characters"),
        (["add", "articles", "--archive", "articles/a.txt"], "no archive can be made there"),
        (["ask", "ferry", "--archive", "none"], "no archive at none: make one with 'clippings add FOLDER'"),
        (["status", "--archive", "none"], "no archive at none"),
        (["chat", "--archive", "none"], "no archive at none"),
        (["eval", "--dataset", "empty"], "not a BEIR folder, it has no corpus.jsonl"),
        (["eval", "--config", "bm26"], "no configuration 'bm26': there are bm25, dense, rrf, hybrid"),
        (["eval", "--questions", "none"], "none: cannot be read as UTF-8 text"),
        (["eval", "--questions", "articles/a.txt"], "a.txt:1: not a JSON object"),
        (["eval", "--draft", "0"], "ask for 1 or more"),
        (["eval", "--query", "q1", "--json"], "print text: leave --json out"),
        (["eval", "--lower", "because"], "give both"),
        (["eval", "--out", "articles"], "not empty, and nothing is overwritten"),
        (["eval", "--compare", "none", "empty"], "not the result of an eval"),
    ],
)
def test_bad_input_gets_one_line_and_changes_nothing(run: Run, folder: Folder, tmp_path: Path, arguments: list[str], says: str) -> None:
    """What, where, and what to do; exit code 2."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    before = run("status", "--json")[1]
    (tmp_path / "empty").mkdir()
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert err.startswith("clippings: ")
    assert run("status", "--json")[1] == before


def test_a_port_in_use_is_said(run: Run, folder: Folder) -> None:
    """And another can be named."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = run("chat", "--port", str(taken.getsockname()[1]))
    assert (code, err.count("\n")) == (2, 1)
    assert "choose another with --port" in err
