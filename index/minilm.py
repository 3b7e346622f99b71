"""Texts -> unit vectors without torch, for models of the default one's family; the only file that imports tokenizers, onnx and onnxruntime.

Importing sentence-transformers costs 5 s of CPU, most of a cold question. Here the model's own weights are put into an ONNX graph, ready
in 0.2 s; the vectors are the same to 1e-6. The family: a BERT with absolute positions and the exact GELU, in float32, whose token
vectors are averaged and brought to length 1, as the model folder's own files say. It knows nothing of digests.

Devlin et al., "BERT", NAACL 2019; Vaswani et al., "Attention Is All You Need", NIPS 2017; Reimers and Gurevych,
"Sentence-BERT", EMNLP 2019.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from index.errors import ModelError

# Before the import, which begins to tell its makers what is run, and where: nothing may leave this machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

Floats = NDArray[np.float32]

_STORED = {"F32": "<f4", "F16": "<f2"}
# The first ONNX that has attention as an operator, and its file format.
_OPSET, _IR = 23, 11
# Those that this process may use.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
# Each works on a text by itself, and all questions share them.
_WORKERS = ThreadPoolExecutor(CORES)


def fits(folder: Path) -> bool:
    """Whether the model in a folder is of the family."""
    try:
        modules = [module["type"].rsplit(".", 1)[-1] for module in _json(folder / "modules.json")]
        bert, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling/config.json")
        reader, prompts = _json(folder / "sentence_bert_config.json"), _json(folder / "config_sentence_transformers.json")
        return (
            modules == ["Transformer", "Pooling", "Normalize"]
            and bert["architectures"] == ["BertModel"]
            and (bert["hidden_act"], bert.get("position_embedding_type", "absolute")) == ("gelu", "absolute")
            and {name for name, on in pooling.items() if name.startswith("pooling_mode_") and on} == {"pooling_mode_mean_tokens"}
            and 2 < int(reader["max_seq_length"]) <= bert["max_position_embeddings"]
            and not reader.get("do_lower_case")
            and not prompts.get("default_prompt_name")
            and (folder / "tokenizer.json").is_file()
            and "embeddings.word_embeddings.weight" in tensors(folder / "model.safetensors", {"F32"})
        )
    except (OSError, ValueError, KeyError, TypeError):  # a file or a field that the family has is not there
        return False


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def tensors(file: Path, stored: Collection[str] = _STORED) -> dict[str, Floats]:
    """name -> float32 tensor, of those `stored` as F32, which are mapped, and F16, which are widened; others are left out.

    The format of safetensors: u64 n, n bytes of JSON, then the numbers. Its own reader copies all 90 MB, 0.04 s, and a question needs half
    of them.
    """
    raw = np.memmap(file, mode="r")
    start = 8 + int(raw[:8].view("<u8")[0])
    header = json.loads(raw[8:start].tobytes())
    return {
        name: raw[start:][slice(*entry["data_offsets"])]
        .view(_STORED[entry["dtype"]])
        .reshape(entry["shape"])
        .astype(np.float32, copy=False)
        for name, entry in header.items()
        if entry.get("dtype") in stored
    }


class MiniLM:
    """A model of the family, read from its folder; `changed` tensors stand in for its own: those of a model fine-tuned from it."""

    def __init__(self, folder: Path, changed: Mapping[str, Floats] | None = None) -> None:
        self._folder, config = folder, _json(folder / "config.json")
        self.dimension = int(config["hidden_size"])
        self.max_tokens = int(_json(folder / "sentence_bert_config.json")["max_seq_length"])
        self._shape = config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"]
        self._weights = tensors(folder / "model.safetensors") | dict(changed or {})
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special ones left out."""
        return [len(encoding) for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def encode(self, texts: list[str]) -> Iterator[Floats]:
        """float32[1, dimension] for each text, in order, of length 1."""
        ids = [self._ids(encoding.ids) for encoding in self._tokenizer.encode_batch(texts)]
        for states in self.states(ids, [[0] * len(text) for text in ids]):
            total = states.sum(axis=0, keepdims=True)  # brought to length 1, a sum is a mean
            yield total / np.linalg.norm(total)

    @property
    def marks(self) -> tuple[int, int]:
        """The ids that stand before the first of two texts that are read together, and after each of them: [CLS] and [SEP]."""
        first, after = self._tokenizer.encode("").ids
        return first, after

    def tokens(self, texts: list[str]) -> list[list[int]]:
        """The token ids of each text, special ones left out."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def _ids(self, ids: list[int]) -> list[int]:
        """The token ids of a text, cut to what the model reads, with the last one, [SEP], kept."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def states(self, texts: list[list[int]], kinds: list[list[int]]) -> Iterator[Floats]:
        """float32[tokens, dimension] for each text, in order: the last layer, from token ids and their types.

        A type, 0 or 1, says which of two texts that are read together a token is of.
        """
        word, position, kind = (self._tensor(f"embeddings.{name}_embeddings.weight") for name in ("word", "position", "token_type"))
        session = self._session

        def state(ids: list[int], kinds: list[int]) -> Floats:
            states: Floats = session.run(None, {"embedded": word[ids] + position[: len(ids)] + kind[kinds]})[0]
            return states

        return _WORKERS.map(state, texts, kinds)

    def _tensor(self, name: str) -> Floats:
        if name not in self._weights:
            raise ModelError(f"model {self._folder}: model.safetensors has no {name} in float32")
        return self._weights[name]

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return _session(self._tensor, *self._shape)


def _session(tensor: Callable[[str], Floats], layers: int, heads: int, eps: float) -> onnxruntime.InferenceSession:
    """From "embedded", float32[tokens, dimension], the sums of embeddings, to the last layer, of the same shape; on one core.

    `tensor` gives the weights by the names of the model's file.
    """
    nodes, used = list[NodeProto](), dict[str, Floats]()

    def held(name: str) -> str:
        used[name] = tensor(name)
        return name

    def put(kind: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"{len(nodes)}"], **attributes))
        return f"{len(nodes) - 1}"

    def linear(x: str, name: str) -> str:
        return put("Gemm", x, held(f"{name}.weight"), held(f"{name}.bias"), transB=1)

    def norm(x: str, name: str) -> str:
        return put("LayerNormalization", x, held(f"{name}.LayerNorm.weight"), held(f"{name}.LayerNorm.bias"), epsilon=eps)

    x = norm("embedded", "embeddings")
    for number in range(layers):
        layer = f"encoder.layer.{number}."
        q, k, v = (put("Unsqueeze", linear(x, f"{layer}attention.self.{name}"), "batch") for name in ("query", "key", "value"))
        seen = put("Squeeze", put("Attention", q, k, v, q_num_heads=heads, kv_num_heads=heads), "batch")
        x = norm(put("Add", x, linear(seen, f"{layer}attention.output.dense")), f"{layer}attention.output")
        inner = put("Gelu", linear(x, f"{layer}intermediate.dense"))
        x = norm(put("Add", x, linear(inner, f"{layer}output.dense")), f"{layer}output")
    shape = ("tokens", len(tensor("embeddings.LayerNorm.bias")))
    first, last = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("embedded", x))
    given = [numpy_helper.from_array(np.zeros(1, np.int64), "batch"), *(_elsewhere(*one) for one in used.items())]
    graph = helper.make_graph(nodes, "bert", [first], [last], given)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_external_initializers(list(used), [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in used.values()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"], enable_fallback=False)


def _elsewhere(name: str, tensor: Floats) -> TensorProto:
    """A tensor of a graph whose numbers are handed over beside it."""
    proto = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=tensor.shape, data_location=TensorProto.EXTERNAL)
    proto.external_data.add(key="location", value="weights")
    return proto
