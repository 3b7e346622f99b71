"""An encoder that keeps what it encoded, in a file, so that an eval embeds a sentence once and not once for each question."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from index.encoder import Encoder, Progress, Vectors
from index.errors import UsageError


class Kept:
    """An `Encoder` over another; `save` writes FOLDER/<model's digest>.npz, from which the next one starts."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.name, self.digest = encoder.name, encoder.digest
        self.dimension, self.max_tokens = encoder.dimension, encoder.max_tokens
        self._encoder = encoder
        self._file = folder / f"{encoder.digest[:16]}.npz"
        self._vectors: dict[str, Vectors] = {}
        if self._file.is_file():
            with np.load(self._file) as held:
                self._vectors = dict(zip(held["keys"].tolist(), held["vectors"], strict=True))
        self._saved = len(self._vectors)

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text."""
        return self._encoder.count(texts)

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[n, d], unit length: those not met before are embedded, the others looked up."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._vectors}
        if new:
            self._vectors.update(zip(new, self._encoder.encode(list(new.values()), progress), strict=True))
        return np.array([self._vectors[key] for key in keys], dtype=np.float32).reshape(len(texts), self.dimension)

    def save(self) -> None:
        """Write what was added, under another name first: a file that stands is whole."""
        if len(self._vectors) == self._saved:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            passing = self._file.with_name(f"tmp-{os.getpid()}.npz")
            np.savez(passing, keys=np.array(list(self._vectors)), vectors=np.array(list(self._vectors.values())))
            passing.replace(self._file)
        except OSError as error:
            raise UsageError(f"{self._file}: cannot be written ({error.strerror})") from error
