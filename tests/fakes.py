"""Stand-ins that obey the real protocols, so that exact ranks can be asserted without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from index.bm25 import tokens
from index.encoder import Progress, Vectors

if TYPE_CHECKING:
    from index.minilm import Floats
    from qa.reader import Text


class HashReader:
    """Scores that a sentence's and the question's digest give; it takes what has no exclamation mark, and counts what it read."""

    name = "hash"

    def __init__(self) -> None:
        self.read_texts: list[Text] = []

    def takes(self, question: str) -> bool:
        return "!" not in question

    def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        self.read_texts += texts
        return [np.array([hashed(f"{question}\n{one}") for one in text.sentences], dtype=np.float32) for text in texts]


def hashed(text: str) -> float:
    """-10 to 10."""
    return int(hashlib.md5(text.encode()).hexdigest()[:4], 16) / 0xFFFF * 20 - 10


class BagEncoder:
    """Hashed bag of words: texts that share words are near. It counts the texts that it encoded."""

    def __init__(self, name: str = "bag", dimension: int = 64, max_tokens: int = 40) -> None:
        self.name = name
        self.digest = hashlib.sha256(name.encode()).hexdigest()
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        "".join(texts).encode()  # as the real tokenizer, no lone surrogate
        self.encoded += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for token in tokens(text):
                vectors[row, int(hashlib.md5(token.encode()).hexdigest(), 16) % self.dimension] += 1
        if progress:
            progress(len(texts))
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
