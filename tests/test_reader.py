"""The reader: the same as torch gives, what it refuses, and that everything works without it and with another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Run
from fakes import HashReader, hashed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.fit import COMMAND
from eval.readings import Readings, key
from index import Archive, terminal
from index.encoder import SentenceEncoder
from index.errors import ModelError, QuestionError, UsageError
from index.minilm import Floats, tensors
from index.sentences import sentences
from qa import ask, evidence, reader
from qa.assistant import HITS
from qa.other_reader import OtherReader
from qa.reader import BOUND, MOST, FineTuned, Text, named

Folder = Callable[[dict[str, str]], Path]

WEIGHTS = Path(reader.__file__).parent / "reader_minilm" / "weights.safetensors"
FERRY = Text("Ferry sinks", ("The ferry sank off Selwyn.", "The harbour master, Ida Kell, confirmed nine deaths.", "It rained."))
DAM = Text("Dam cracks", ("The valley was emptied at dawn.", "Nobody was hurt."))


@pytest.fixture
def read_by(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> HashReader:
    """The toy reader in the place of any other, over two articles in `archive`."""
    archive.add(
        [
            folder(
                {
                    "ferry.txt": "The ferry sank off Selwyn on Tuesday. Harbour master Ida Kell confirmed nine deaths.\nIt rained.",
                    "dam.txt": "The dam cracked on Sunday. The valley was emptied at dawn. Nobody was hurt.",
                }
            )
        ]
    )
    fake = HashReader()
    monkeypatch.setattr("qa.assistant.named", lambda name: fake)
    return fake


def test_the_reader_decides(archive: Archive, read_by: HashReader) -> None:
    """What else is counted weighs less than the log-odds between a good sentence and a bad one."""
    question = "what happened to the ferry"
    answer = ask(question, archive)
    assert read_by.read_texts
    texts = [article.text for article in archive.articles()]
    read = {text[start:end]: hashed(f"{question}\n{text[start:end]}") for text in texts for start, end in sentences(text)}
    assert len(read) == 6
    headline = (answer.quotes or answer.nearest)[0]
    assert read[headline.quote] > sorted(read.values())[2]


MANY = {f"{number}.txt": f"Report {number} says that the ferry sank. {'It rained. ' * number}" for number in range(6)}


def test_the_passages_that_promise_most_are_read(archive: Archive, folder: Folder) -> None:
    """Not those that were found first, where others have more of the question's words; the sentences of the rest are no candidates."""
    archive.add([folder(MANY | {"who.txt": "It was the clerk who confirmed that the ferry sank."})])
    question, fake = "who confirmed that the ferry sank", HashReader()
    hits = sorted(archive.search(question, 7), key=lambda hit: "confirmed" in archive.text(hit.passage))
    assert len(hits) == 7
    gathered = evidence.gather(question, [replace(hit, score=1.0) for hit in hits], archive)
    ranked = evidence.candidates(question, gathered, archive.encoder, fake, 3)
    assert len(fake.read_texts) == 3
    assert fake.read_texts[-1].sentences == ("It was the clerk who confirmed that the ferry sank.",)
    assert {one.text for one in ranked} == {sentence for text in fake.read_texts for sentence in text.sentences}


def test_an_answer_reads_half_of_what_is_found(archive: Archive, folder: Folder, read_by: HashReader) -> None:
    """Five passages of ten."""
    archive.add([folder(MANY | {f"again {name}": text for name, text in MANY.items()})])
    ask("which report says that the ferry sank", archive)
    assert len(read_by.read_texts) == evidence.READ == HITS // 2


def test_a_sentence_of_two_passages_is_judged_by_the_first(archive: Archive, folder: Folder) -> None:
    """Whatever the reader finds of it in the second, where it does not count."""
    archive.add([folder({"a.txt": "The ferry sank off Selwyn.", "b.txt": "The captain confirmed it."})])
    (one, other) = (hit for hit in archive.search("who confirmed the ferry sank", 2))

    class Second(HashReader):
        """Finds nothing at first, and everything when it reads a text again."""

        def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
            found = [np.full(len(text.sentences), 4 if text in texts[:at] else -1, dtype=np.float32) for at, text in enumerate(texts)]
            self.read_texts += texts
            return found

    hits = [replace(hit, score=1.0) for hit in (one, replace(one), other)]
    gathered = evidence.gather("who confirmed the ferry sank", hits, archive)
    ranked = evidence.candidates("who confirmed the ferry sank", gathered, archive.encoder, Second())
    assert [one.features["reads"] for one in ranked] == [-1, -1]


def test_a_question_that_it_does_not_take_is_answered_without_it(archive: Archive, read_by: HashReader) -> None:
    """By the fit for none."""
    held = {name: evidence.fitted(name).threshold for name in (True, False)}
    assert ask("who confirmed nine deaths", archive).threshold == held[True]
    read_by.read_texts.clear()
    assert ask("who confirmed nine deaths!", archive).threshold == held[False]
    assert read_by.read_texts == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(max_size=200))
def test_whatever_it_reads_a_quote_is_a_slice(archive: Archive, read_by: HashReader, message: str) -> None:
    """And stands where the citation says."""
    try:
        answer = ask(f"ferry {message}", archive)
    except QuestionError:
        return
    assert answer.quotes + answer.nearest
    for citation in answer.quotes + answer.nearest:
        assert archive.article(citation.article.id).text[citation.start : citation.end] == citation.quote


def test_with_none_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name, and by the variable."""
    monkeypatch.setattr(reader, "FineTuned", lambda weights: pytest.fail("loaded"))
    assert named() is None
    assert named("none") is None


def test_missing_weights_are_said_and_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line."""
    monkeypatch.setattr(reader, "_WEIGHTS", tmp_path / "weights.safetensors")
    reader._load.cache_clear()
    assert named("minilm") is None
    reader._load.cache_clear()
    said = capsys.readouterr().err
    assert said.startswith("answering without a reader: ")
    assert said.count("\n") == 1


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """One bit is enough; nothing of them is loaded."""
    data = bytearray(WEIGHTS.read_bytes())
    data[-1] ^= 1
    damaged = tmp_path / "weights.safetensors"
    damaged.write_bytes(data)
    with pytest.raises(ModelError, match=r"weights.safetensors is not the published file: take it from the repository again") as error:
        FineTuned(damaged)
    assert "\n" not in str(error.value)


def test_an_unknown_reader_is_one_line(run: Run, folder: Folder, tmp_path: Path) -> None:
    """Said by the command, with what to do."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    code, _, err = run("ask", "--reader", str(tmp_path / "nowhere"), "did the ferry sink")
    assert code == 2
    assert "nowhere: cannot be loaded" in err
    assert err.count("\n") == 1


@pytest.fixture(scope="module")
def fine_tuned() -> FineTuned:
    return FineTuned(WEIGHTS)


@pytest.mark.model
def test_it_gives_what_torch_gives(fine_tuned: FineTuned) -> None:
    """To 1e-4, by transformers' own model and a plain reading of the heads."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    folder = SentenceEncoder().folder
    held = {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}
    bert = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False).eval()
    bert.load_state_dict(load_file(folder / "model.safetensors") | held, strict=False)
    question = "who confirmed nine deaths"
    asked, heading, *sentences = fine_tuned._model.tokens([question, FERRY.heading, *FERRY.sentences])
    ids = [101, *asked, 102, *heading, *(token for sentence in sentences for token in sentence), 102]
    kinds = [0] * (len(asked) + 2) + [1] * (len(ids) - len(asked) - 2)
    with torch.no_grad():
        x = bert(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).last_hidden_state[0]
        start, expected = len(asked) + 2 + len(heading), []
        for sentence in sentences:
            states = x[start : start + len(sentence)]
            mean = states.mean(0) @ held["head.sentence.weight"][0] + held["head.sentence.bias"][0]
            tokens = states @ held["head.token.weight"][0] + held["head.token.bias"][0]
            null = x[0] @ held["head.cls.weight"][0] + held["head.cls.bias"][0]
            expected.append(float(mean + torch.logsumexp(tokens, 0) - null))
            start += len(sentence)
    assert np.allclose(fine_tuned.read(question, [DAM, FERRY])[1], np.minimum(expected, MOST), atol=1e-4)
    assert int(np.argmax(expected)) == 1


@pytest.mark.model
def test_each_text_is_read_by_itself(fine_tuned: FineTuned) -> None:
    """Whatever is read beside it, and in the order given; none is an empty list, and a text without sentences is empty."""
    question = "was anybody hurt"
    together = fine_tuned.read(question, [FERRY, DAM, Text("Nothing", ()), FERRY])
    alone = [fine_tuned.read(question, [text])[0] for text in (FERRY, DAM)]
    assert [len(scores) for scores in together] == [3, 2, 0, 3]
    assert np.allclose(together[0], alone[0], atol=1e-4)
    assert np.allclose(together[1], alone[1], atol=1e-4)
    assert fine_tuned.read(question, []) == []


@pytest.mark.model
def test_what_does_not_fit_is_not_read(fine_tuned: FineTuned) -> None:
    """Sentences beyond the limit have the lowest log-odds; a longer question than it knows is not taken."""
    scores = fine_tuned.read("was anybody hurt", [Text("", ("The dam broke in the night. " * 100, "Nobody was hurt."))])[0]
    assert scores[0] > -BOUND
    assert scores[1] == -BOUND
    assert fine_tuned.takes("word " * 32)
    assert not fine_tuned.takes("word " * 33)


@pytest.mark.model
@pytest.mark.parametrize("kind", ["ForQuestionAnswering", "ForSequenceClassification", "ForMaskedLM"])
def test_another_reader_is_taken_by_its_folder(tmp_path: Path, kind: str) -> None:
    """A model that marks spans or scores pairs reads; a third kind is refused by name."""
    import transformers

    base = SentenceEncoder().folder
    config = transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    getattr(transformers, f"Bert{kind}")(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / name).write_bytes((base / name).read_bytes())
    if kind == "ForMaskedLM":
        with pytest.raises(ModelError, match="BertForMaskedLM neither marks spans nor scores pairs"):
            OtherReader(str(tmp_path))
        return
    other = OtherReader(str(tmp_path))
    scores = other.read("who confirmed nine deaths", [FERRY, DAM])
    assert [len(one) for one in scores] == [3, 2]
    assert all(np.abs(one).max() < BOUND for one in scores)
    assert other.takes("word " * 380)
    assert [len(one) for one in other.read("word " * 380, [FERRY])] == [3]
    assert not other.takes("word " * 381)


def test_weights_of_16_bits_are_widened(tmp_path: Path) -> None:
    """Each number as it is."""
    from safetensors.numpy import save_file

    save_file({"a": np.array([1.5, -2], np.float16), "b": np.array([3], np.float32)}, tmp_path / "w")
    found = tensors(tmp_path / "w")
    assert {name: (tensor.dtype, tensor.tolist()) for name, tensor in found.items()} == {
        "a": (np.float32, [1.5, -2]),
        "b": (np.float32, [3]),
    }


def test_readings_take_a_readers_place(tmp_path: Path) -> None:
    """For the questions and passages that they have."""
    import gzip

    file = tmp_path / "readings.jsonl.gz"
    with gzip.open(file, "wt") as lines:
        lines.write(json.dumps({"question": "q", "key": key("q", DAM.sentences), "scores": [-99, 2]}))
    held = Readings(file)
    assert held.takes("q")
    assert not held.takes("other")
    assert held.read("q", [DAM])[0].tolist() == [-BOUND, 2]


def test_a_file_of_something_else_is_no_readings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, before anything is embedded."""
    (tmp_path / "a.gz").write_text("{}")
    with pytest.raises(UsageError, match="not a file of readings"):
        Readings(tmp_path / "a.gz")
    assert terminal.main("fit", "", [COMMAND], [str(tmp_path), "--readings", str(tmp_path / "a.gz")]) == 2
    assert "not a file of readings" in capsys.readouterr().err
