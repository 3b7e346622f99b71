"""Variants: each changes what it says, and nothing afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import BagEncoder
from test_eval import write_beir

from eval import ablate, run
from eval.dataset import Dataset
from index import Archive

VARIANTS = {variant.name: variant for variant in ablate.variants()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_beir(tmp_path / "set")


@pytest.fixture
def made(home: Path, archive: Archive) -> Archive:
    archive.add([home / "corpus.jsonl"])
    return archive


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if not variant.embed])
def test_a_variant_runs_and_leaves_no_trace(name: str, made: Archive, home: Path, encoder: BagEncoder) -> None:
    """The product as it is measures the same before and after, and the archive made for it is gone."""
    before = ablate.measured(VARIANTS["as it is"], home, made, encoder)
    found = ablate.measured(VARIANTS[name], home, made, encoder)
    assert found.keys() == before.keys()
    assert ablate.measured(VARIANTS["as it is"], home, made, encoder) == before
    assert not ablate.FOLDER.exists() or not any(ablate.FOLDER.iterdir())


@pytest.mark.parametrize(("name", "titled"), [("overlap of 0 sentences", True), ("no title in passages", False)])
def test_a_variant_reaches_the_code(name: str, titled: bool, made: Archive, home: Path, encoder: BagEncoder) -> None:
    """Whether a title stands above what is embedded."""
    encoder.encoded.clear()
    ablate.measured(VARIANTS[name], home, made, encoder)
    assert any("Dam\n" in text for text in encoder.encoded) is titled


def test_no_variant_is_without_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the sample articles, some passage or some score is another."""
    monkeypatch.chdir(tmp_path)
    encoder = BagEncoder(max_tokens=256)
    archive = Archive(tmp_path / "archive", encoder)
    archive.add([ablate.SAMPLE_ARTICLES])
    seen: list[object] = []

    def noted(questions: Dataset, searched: Archive, configuration: str) -> run.Run:
        configured = run.Configured(searched, configuration)
        seen.append([(hit.passage, hit.score) for one in questions.questions[:5] for hit in configured.search(one.text, 100)])
        return run.Run(configuration, {}, 0.0)

    monkeypatch.setattr(run, "search", noted)
    found = {}
    for name, variant in VARIANTS.items():
        if not variant.embed:
            seen.clear()
            ablate.measured(variant, None, archive, encoder)
            found[name] = list(seen)
    assert [name for name, rows in found.items() if rows == found["as it is"]] == ["as it is"]


def test_the_table_has_a_row_for_each_variant(made: Archive, home: Path, encoder: BagEncoder) -> None:
    """The product first, its difference from itself 0."""
    found = {name: ablate.measured(VARIANTS[name], home, made, encoder) for name in ("as it is", "k1 0.9, b 0.4", "reciprocal rank fusion")}
    lines = ablate.table(found).splitlines()
    assert lines[0].startswith("| nDCG@10 | bm25 | dense | hybrid |")
    assert lines[2].startswith("| as it is |")
    assert "| +.000 [+.000, +.000] | 0/2/0 |" in lines[2]
    assert any(line.startswith("| Hits@4 |") for line in lines)


def test_near_duplicates_collapse(archive: Archive, tmp_path: Path, home: Path, encoder: BagEncoder) -> None:
    """A copy of a passage takes no place of its own; another passage does."""
    text = "The ferry sank off Selwyn in the night of Sunday with nine people aboard"
    (tmp_path / "articles").mkdir()
    for name, body in (("a", text), ("b", f"{text} again"), ("c", "The ferry was raised off Selwyn")):
        (tmp_path / "articles" / f"{name}.txt").write_text(f"{body}.")
    archive.add([tmp_path / "articles"])
    collapsed = ablate.Collapsed(archive, "hybrid")
    assert len(archive.search("ferry off Selwyn")) == 3
    assert len(collapsed.search("ferry off Selwyn")) == 2
