"""What a reader is trained on and measured with: gold sentences, what is taken out, and the choice in a given passage."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from fakes import BagEncoder

from eval import dataset, reader_data, selection
from eval.labels import check_apart
from eval.readings import key
from index import Archive, terminal
from index.encoder import SentenceEncoder

PASSAGES = [
    {"_id": "p1", "title": "Ferry", "text": "The ferry Selwyn sank on Tuesday. Ida Kell confirmed nine deaths. It rained."},
    {"_id": "p2", "title": "Dam", "text": "The dam cracked on Sunday. Ida Kell was not there."},
]
QUESTIONS = [
    ("q1", "who confirmed nine deaths", [{"doc": "p1", "quote": "Ida Kell", "start": 34}], "p1"),
    ("q2", "who confirmed the crack", [], "p2"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A BEIR folder in SQuAD's manner, and archives with the toy encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "open_archive", lambda path, model: Archive(path, BagEncoder()))
    home = tmp_path / "clapnq_fit"
    (home / "qrels").mkdir(parents=True)
    write(home / "corpus.jsonl", PASSAGES)
    write(home / "queries.jsonl", [{"_id": name, "text": text} for name, text, _, _ in QUESTIONS])
    write(
        home / "answers.jsonl",
        [{"_id": name, "evidence": gold, "paragraph": doc, "unanswerable": not gold, "answers": []} for name, _, gold, doc in QUESTIONS],
    )
    (home / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tp1\t1\nq2\tp2\t1\n")
    return home


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("\n".join(map(json.dumps, rows)))


def collected(folder: Path, tmp_path: Path) -> dict[str, Any]:
    assert terminal.main("reader_data", "", [reader_data.COMMAND], [str(tmp_path / "out"), str(folder)]) == 0
    with gzip.open(tmp_path / "out" / "clapnq_fit.json.gz", "rt") as data:
        found: dict[str, Any] = json.load(data)
    return found


def test_questions_are_collected_with_what_is_found(folder: Path, tmp_path: Path) -> None:
    """Passages in sentences, gold as spans of documents."""
    held = collected(folder, tmp_path)
    texts = [one["text"] for one in held["passages"]]
    assert [texts.index(one["text"]) for one in PASSAGES] == [held["questions"][0]["found"][0], held["questions"][1]["found"][0]]
    assert [one["gold"] for one in held["questions"]] == [[["p1", 34, 42]], []]
    assert held["passages"][held["questions"][0]["found"][0]]["sentences"][1] == [34, 65]


@pytest.mark.model
def test_what_answers_is_labelled_and_can_be_taken_out(folder: Path, tmp_path: Path) -> None:
    """Across many draws: a row with the answering sentence has it marked, and one without has none; the span is the answer's tokens."""
    from tokenizers import Tokenizer

    from eval.reader_examples import Examples, Source, collate

    collected(folder, tmp_path)
    tokenizer = Tokenizer.from_file(str(SentenceEncoder().folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    source = Source(tmp_path / "out" / "clapnq_fit.json.gz", tokenizer)
    examples = Examples([source], {"clapnq_fit": 4}, tokenizer, None, 1)
    name = tokenizer.encode("Ida Kell", add_special_tokens=False).ids
    answered = tokenizer.encode("confirmed nine deaths.", add_special_tokens=False).ids
    seen = set()
    for epoch in range(40):
        examples.begin(epoch)
        rows = examples[0]
        for row in rows:
            holds = str(answered)[1:-1] in str(row.ids[row.asked :])
            seen.add((holds, any(row.gold)))
            assert holds or not any(row.gold)
            if row.span != (0, 0):
                assert row.ids[row.span[0] : row.span[1] + 1] == name
        batch = collate([rows])
        assert batch.by_question(batch.gold).sum() == batch.gold.sum()
    assert {(True, True), (False, False)} <= seen


@pytest.mark.model
def test_the_third_stage_ends_halfway(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights are the mean of those that it began with and those that it came to, and it moved."""
    from safetensors.torch import load_file

    from eval import train_reader

    collected(folder, tmp_path)
    base = tiny_model(tmp_path / "base")
    small = replace(train_reader._STAGES[3], times={"clapnq_fit": 1}, epochs=1)
    for name, stage in {"first": 1, "whole": 2, "halfway": 3}.items():
        monkeypatch.setitem(train_reader._STAGES, stage, replace(small, halfway=stage == 3))
        start = ["--start", str(tmp_path / "first" / "weights.safetensors")] if stage > 1 else []
        train_reader.main([str(tmp_path / "out"), str(base), str(tmp_path / name), "--stage", str(stage), "--workers", "0", *start])
    first, whole, halfway = (load_file(tmp_path / name / "weights.safetensors") for name in ("first", "whole", "halfway"))
    assert any((first[name] != whole[name]).any() for name in first)
    for name, tensor in halfway.items():
        assert (tensor.float() - (first[name].float() + whole[name].float()) / 2).abs().max() < 1e-3


def tiny_model(folder: Path) -> Path:
    """A base to train on: the default model's tokenizer, and a BERT of one layer and eight numbers a token."""
    from transformers import BertConfig, BertModel

    size = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8}
    BertModel(BertConfig(**size), add_pooling_layer=False).save_pretrained(folder)
    copy(SentenceEncoder().folder / "tokenizer.json", folder)
    return folder


@pytest.mark.model
@pytest.mark.parametrize("arguments", ["--stage 3", "--start weights.safetensors", "--stage 2 --start out/weights.safetensors"])
def test_a_stage_begins_where_it_should(arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first with the base, the others with weights, which are not written over."""
    from eval import train_reader

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        train_reader.main(["data", "base", "out", *arguments.split()])


def test_the_choice_in_a_given_passage_is_measured(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By readings that know the answer, one question of one."""
    rows = [
        {"question": "who confirmed nine deaths", "key": key("who confirmed nine deaths", sentences(0)), "scores": [-9, 9, -9]},
        {"question": "who confirmed the crack", "key": key("who confirmed the crack", sentences(1)), "scores": [-9, -9]},
    ]
    with gzip.open(tmp_path / "r.gz", "wt") as lines:
        lines.write("\n".join(map(json.dumps, rows)))
    assert terminal.main("selection", "", [selection.COMMAND], [str(folder), "--readings", str(tmp_path / "r.gz")]) == 0
    said = capsys.readouterr().out
    figures = "P@1 1.000 [1.000, 1.000] of 1, quote-F1 0.410, AUROC 1.000, false answers 0.000, false abstentions 0.000; "
    assert f"clapnq_fit, reader r.gz: {figures}" in said


def sentences(passage: int) -> list[str]:
    return [f"{one}." for one in PASSAGES[passage]["text"].removesuffix(".").split(". ")]


def test_a_reader_is_compared_with_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And not none with none."""
    assert terminal.main("selection", "", [selection.COMMAND], [str(folder), "--reader", "none"]) == 2
    assert "name one with --reader" in capsys.readouterr().err


def test_the_newsroom_is_sound() -> None:
    """Every quote stands where it is said to, no question is one of the gate, and the README has the counts."""
    home = Path(dataset.__file__).with_name("newsroom")
    rows = {name: [row for _, row in dataset.records(home / f"{name}.jsonl", ("_id",))] for name in ("corpus", "queries", "answers")}
    texts = {row["_id"]: row["text"] for row in rows["corpus"]}
    quotes = [(row["_id"], one) for row in rows["answers"] for one in row["evidence"]]
    assert not [(name, one) for name, one in quotes if texts[one["doc"]][one["start"] : one["end"]] != one["quote"]]
    assert all(row["unanswerable"] != bool(row["evidence"]) and row["paragraph"] in texts for row in rows["answers"])
    assert [row["_id"] for row in rows["answers"]] == [row["_id"] for row in rows["queries"]]
    check_apart(home)
    answerable = sum(not row["unanswerable"] for row in rows["answers"])
    readme = (home / "README.md").read_text(encoding="utf-8")
    for count in (len(texts), len(rows["queries"]), answerable, len(rows["queries"]) - answerable):
        assert f"{count:,}" in readme
