"""The model without torch: the same vectors, for its own family only, and for few texts only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from conftest import HEAVY, ROOT
from safetensors.numpy import save_file

from eval.dataset import SAMPLE_ARTICLES
from index import Archive, encoder, minilm
from index.encoder import SentenceEncoder
from index.errors import ModelError

# What texts hold that a tokenizer may trip over: nothing, accents, other scripts, one word without end, marks of the model.
ODD = [
    "", " \n", "a", "é ü 😀 中文 東京 ﬁ ½ \u200b zero", "İstanbul ŞİŞLİ Straße", "x" * 500, "[MASK] [CLS] hi [SEP]",
    "\x00\x01 control \ufeff", "नमस्ते दुनिया", "عربى", "a\u0301b combining", "word " * 600, "C:\\temp <b>AT&T</b> 1,600.5 don’t",
]  # fmt: skip


@pytest.fixture
def texts(sample: Archive) -> list[str]:
    """Odd ones, and titles, paragraphs and whole articles of the sample."""
    return ODD + [text for article in list(sample.articles())[:15] for text in (article.title, article.text.split("\n")[0], article.text)]


@pytest.fixture(scope="module")
def model() -> SentenceEncoder:
    return SentenceEncoder()


def toy(folder: Path, changes: dict[str, dict[str, Any]] | None = None, kind: type = np.float32) -> Path:
    """A model folder of the family, of three words, with some fields of its files changed."""
    files: dict[str, Any] = {
        "modules.json": [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")],
        "config.json": {"architectures": ["BertModel"], "hidden_act": "gelu", "max_position_embeddings": 512},
        "1_Pooling/config.json": {"word_embedding_dimension": 2, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
        "config_sentence_transformers.json": {},
        "tokenizer.json": {},
    }
    for name, content in files.items():
        change = (changes or {}).get(name, {})
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(change.get("all", content | change if isinstance(content, dict) else content)))
    save_file({"embeddings.word_embeddings.weight": np.ones((3, 2), dtype=kind)}, folder / "model.safetensors")
    return folder


@pytest.mark.model
def test_without_torch_the_vectors_are_those_of_sentence_transformers(
    model: SentenceEncoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each text alone or among others; a text longer than the model reads is cut at the same token."""
    monkeypatch.setattr(encoder, "_FEW", 10**9)
    ours, theirs = model.encode(texts), model._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert (ours * theirs).sum(axis=1).min() >= 0.99999
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(np.concatenate([model.encode([text]) for text in texts]) - ours).max() < 1e-5


@pytest.mark.model
def test_without_torch_the_tokens_counted_are_those_of_sentence_transformers(model: SentenceEncoder, texts: list[str]) -> None:
    """Past the longest text that is read too, so that no passage is cut unseen."""
    theirs = model._model.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    assert model.count(texts) == [len(tokens) for tokens in theirs]
    assert (model.dimension, model.max_tokens) == (model._model.get_embedding_dimension(), model._model.max_seq_length)


@pytest.mark.model
def test_many_texts_get_the_vectors_of_few(model: SentenceEncoder, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16 too, where the processor has it: an archive may hold both, in the order of the texts, and progress adds up."""
    monkeypatch.setattr(encoder, "_FEW", 10**9)
    few, done = model.encode(texts), list[int]()
    monkeypatch.setattr(encoder, "_FEW", 0)
    many = model.encode(texts, done.append)
    assert (few * many).sum(axis=1).min() >= 0.9999
    assert np.linalg.norm(many, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert sum(done) == len(texts)
    monkeypatch.setattr(encoder, "_has_bfloat16", lambda _: False)
    assert np.abs(model.encode(texts) - few).max() < 1e-5


@pytest.mark.model
def test_few_texts_do_without_torch_and_many_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their characters, the limit included."""
    model, sizes = SentenceEncoder(), list[int]()
    monkeypatch.setattr(encoder, "_FEW", 10)
    monkeypatch.setattr(SentenceEncoder, "_by_torch", lambda self, texts: sizes.append(len(texts)) or [np.zeros((len(texts), 384))])
    for texts in (["12345", "67890"], ["12345", "67890", "1"], []):
        assert model.encode(texts).shape == (len(texts), 384)
    assert sizes == [3]


@pytest.mark.model
@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["ask", "who confirmed Iranian operatives in Iraq"], HEAVY),
        (["search", "Quds Force advisers"], HEAVY),
        (["add", str(SAMPLE_ARTICLES)], {"torch", "sentence_transformers", "transformers", "tokenizers", "faiss"}),
    ],
)
def test_a_question_loads_no_torch_and_a_second_add_no_model(sample: Archive, arguments: list[str], absent: set[str]) -> None:
    """The whole command, from the shell, over the sample archive."""
    command = [*arguments, "--archive", str(sample.path)]
    code = f"import sys, cli\nassert cli.main({command!r}) == 0\nprint(*{absent!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_model_of_the_family_is_known_by_its_files(tmp_path: Path) -> None:
    """What the default model's folder says."""
    assert minilm.fits(toy(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"modules.json": {"all": [{"type": "models.Transformer"}, {"type": "models.Pooling"}]}},
        {"modules.json": {"all": [{"type": f"models.{name}"} for name in ("Transformer", "Pooling", "Dense", "Normalize")]}},
        {"config.json": {"architectures": ["MPNetForMaskedLM"]}},
        {"config.json": {"hidden_act": "relu"}},
        {"config.json": {"position_embedding_type": "relative_key"}},
        {"config.json": {"all": []}},
        {"1_Pooling/config.json": {"pooling_mode_cls_token": True}},
        {"1_Pooling/config.json": {"pooling_mode_mean_tokens": False}},
        {"sentence_bert_config.json": {"max_seq_length": None}},
        {"sentence_bert_config.json": {"max_seq_length": 1024}},
        {"sentence_bert_config.json": {"do_lower_case": True}},
        {"config_sentence_transformers.json": {"default_prompt_name": "query"}},
    ],
)
def test_torch_is_used_for_any_other_model(tmp_path: Path, changes: dict[str, dict[str, Any]]) -> None:
    """One field of one file is enough."""
    assert not minilm.fits(toy(tmp_path, changes))


@pytest.mark.parametrize("missing", ["modules.json", "1_Pooling/config.json", "tokenizer.json", "model.safetensors"])
def test_torch_is_used_where_a_file_is_missing(tmp_path: Path, missing: str) -> None:
    """Rather than guess what it would say."""
    (toy(tmp_path) / missing).unlink()
    assert not minilm.fits(tmp_path)


def test_torch_is_used_for_weights_of_16_bits(tmp_path: Path) -> None:
    """Only float32 goes without it."""
    assert not minilm.fits(toy(tmp_path, kind=np.float16))


def test_weights_that_lack_a_layer_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first that is missed."""
    monkeypatch.setattr(minilm, "Tokenizer", Mock())
    shape = {"hidden_size": 2, "num_hidden_layers": 1, "num_attention_heads": 1, "layer_norm_eps": 1e-12}
    model = minilm.MiniLM(toy(tmp_path, {"config.json": shape}))
    with pytest.raises(ModelError, match=r"model\.safetensors has no embeddings\.position_embeddings\.weight in float32"):
        model.states([[0]], [[0]])


def test_a_model_of_another_family_goes_through_sentence_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the texts are."""

    class Other:
        def get_embedding_dimension(self) -> int:
            return 2

        def encode(self, texts: list[str], **_: Any) -> np.ndarray:
            return np.array([[len(text), 0] for text in texts])

    model = SentenceEncoder(str(toy(tmp_path, {"config.json": {"hidden_act": "relu"}})))
    monkeypatch.setitem(model.__dict__, "_model", Other())
    assert model.encode(["a", "bcd", "ef"]).tolist() == [[1, 0], [3, 0], [2, 0]]


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx512_f": True, "avx512_bf16": False}, False), ({}, False)],
)
def test_bfloat16_is_used_where_the_processor_has_it(capabilities: dict[str, bool], expected: bool) -> None:
    """Elsewhere it would be slower than float32."""
    assert encoder._has_bfloat16(capabilities) is expected
