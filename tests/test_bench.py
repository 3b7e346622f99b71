"""The benchmark: its texts, its pictures, and one whole run over a small archive."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from conftest import Run

from eval import bench, curves, peers, synthetic
from index import Archive
from index.bm25 import words

SVG = "{http://www.w3.org/2000/svg}"


def test_articles_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    """So that two runs measure the same."""
    for name in ("one", "other"):
        synthetic.write_articles(tmp_path / name, 20)
    assert (tmp_path / "one/00000000.jsonl").read_bytes() == (tmp_path / "other/00000000.jsonl").read_bytes()


def test_their_words_follow_zipf() -> None:
    """Rank r in proportion to 1 / (r + 2.7), ranks from 0; the words that an article is about are rare ones."""
    writer = synthetic.Writer()
    counts = [count for _, count in Counter(word.lower() for _ in range(300) for word in words(writer.article())).most_common()]
    assert counts[9] / counts[0] == pytest.approx(2.7 / 11.7, rel=0.15)
    assert counts[99] / counts[0] == pytest.approx(2.7 / 101.7, rel=0.25)


def test_no_two_ranks_have_one_word() -> None:
    """Else the vocabulary is smaller than it says."""
    assert len({synthetic.word(rank) for rank in range(50_000)}) == 50_000


def test_a_question_stands_in_its_passage() -> None:
    """Six words of it, or all where it has fewer."""
    texts = ["one two three four five six seven eight", "only three words"]
    first, second = synthetic.questions(texts, 2)
    assert first in texts[0]
    assert len(first.split()) == 6
    assert second == texts[1]


def test_a_picture_has_a_point_for_each_figure() -> None:
    """Where it belongs: ten times the passages and a hundred times the time are one and two decades."""
    svg = ElementTree.fromstring(curves.picture("a < b", "ms", {"x": [(10, 1), (100, 100)], "y": [(10, 1)]}))
    circles = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in svg.iter(f"{SVG}circle")]
    assert circles == [(64.0, 316.0), (544.0, 40.0), (64.0, 316.0)]
    assert next(svg.iter(f"{SVG}title")).text == "a < b"
    labels = [float(one.get("y", "")) for one in svg.iter(f"{SVG}text") if one.text in ("x", "y")]
    assert abs(labels[0] - labels[1]) >= 15


def test_a_peer_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last line of its error, in its row; the others go on."""
    (tmp_path / "plan.json").write_text(json.dumps({"model": bench.STAND_IN}))
    own = {"passages": 1000, "open_s": 0.1, "memory_mb": 9.0} | {
        f"{leg}_{end}": 1.0 for leg in ("bm25", "dense", "hybrid") for end in ("p50_ms", "p95_ms")
    }
    monkeypatch.setattr(bench, "STEPS", ("build", "embed"))
    child = bench._child
    monkeypatch.setattr(bench, "_child", lambda command, what: own if "-m" in command else child(command, what))
    found = bench.run(tmp_path, None)
    assert all("passages.jsonl" in found[name]["failed"] for name in ("rank_bm25", "bm25s"))
    assert list(bench._systems(found))[3][:2] == ["rank_bm25", found["rank_bm25"]["failed"]]


def test_the_command(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything on a small archive: each figure is there, the dense leg finds what a scan finds, and the pictures are pictures."""
    monkeypatch.setattr(bench, "MODEL_UP_TO", 0)
    code, out, _ = run("bench", "--sizes", "1000", "--out", str(tmp_path / "out"))
    assert code == 0
    assert all(f"| {name} |" in out for name in ("clippings, hybrid", *bench.PEERS))
    written = json.loads((tmp_path / "out/bench.json").read_text())["sizes"][0]
    assert written["clippings"]["passages"] == pytest.approx(1000, rel=0.1)
    assert written["clippings"]["recall@10"] == pytest.approx(1, abs=0.01)
    assert all(written[name]["p50_ms"] > 0 for name in bench.PEERS)
    for name in bench.pictures([written]):
        ElementTree.parse(tmp_path / "out" / name)
    assert not (tmp_path / "out/archives").exists()


def test_the_command_on_a_server(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, milvus: str) -> None:
    """Its curve stands beside the local one, and it is left empty."""
    monkeypatch.setattr(bench, "MODEL_UP_TO", 0)
    monkeypatch.setattr(bench, "PEERS", ())
    address = f"{milvus}/bench_{uuid4().hex[:8]}"
    code, out, _ = run("bench", "--sizes", "1000", "--archive", address, "--out", str(tmp_path / "out"))
    assert (code, out.count("| on a server, ")) == (0, 3)
    written = json.loads((tmp_path / "out/bench.json").read_text())["sizes"][0]
    assert written["server"]["hybrid_p50_ms"] > 0
    assert "on a server, hybrid" in (tmp_path / "out/questions.svg").read_text()
    assert Archive(f"{address}_1000").census()["articles"] == 0


def test_a_benchmark_over_a_folder_of_ones_own_is_refused(run: Run) -> None:
    """It would be filled with what a generator wrote."""
    code, out, err = run("bench", "--archive", "mine")
    assert (code, out, err.startswith("clippings: --archive mine: the benchmark makes its own folders")) == (2, "", True)


def test_too_small_is_refused(run: Run) -> None:
    """A time of microseconds measures the clock."""
    assert run("bench", "--sizes", "10")[::2] == (2, "clippings: --sizes: at least 1,000 passages\n")


def test_the_middle_of_times() -> None:
    """In milliseconds."""
    assert peers.milliseconds([0.001, 0.002, 0.003]) == pytest.approx({"p50_ms": 2, "p95_ms": 2.9, "questions": 3})
