"""Archives of any size to measure speed on: Zipf-like articles, questions about them, and a cheap encoder that stands in for the model.

What is drawn is the same for the same seed. It knows nothing of retrieval quality: no figure over such text says how good an answer is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.bm25 import STOP_WORDS, tokens
from index.encoder import Progress, Vectors

# A million passages of news have about as many word types; rank r is drawn in proportion to 1 / (r + 2.7), Mandelbrot's form of Zipf's law.
TYPES = 300_000
_SHIFT = 2.7
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "an", "er", "il")]
_ARTICLES_PER_FILE = 5000
# Of an article's words, this share comes from the few that it is about.
_ABOUT = 0.3


def word(rank: int) -> str:
    """The word of a rank: function words first, then made of syllables, shorter ones first."""
    functions = sorted(STOP_WORDS)
    if rank < len(functions):
        return functions[rank]
    rest, parts = rank + len(_SYLLABLES), []
    while rest:
        rest, part = divmod(rest, len(_SYLLABLES))
        parts.append(_SYLLABLES[part])
    return "".join(parts)


class Writer:
    """Draws articles and questions."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        weights = 1 / (np.arange(TYPES) + _SHIFT)
        self._chances = np.cumsum(weights / weights.sum())
        self._words = [word(rank) for rank in range(TYPES)]

    def _draw(self, count: int) -> NDArray[np.int64]:
        return np.searchsorted(self._chances, self._rng.random(count)).clip(max=TYPES - 1)

    def article(self) -> str:
        """Some 450 words in sentences of 8 to 24, in paragraphs of four."""
        lengths = self._rng.integers(8, 25, size=int(self._rng.integers(16, 41)))
        about = self._rng.integers(100, TYPES, size=12)
        drawn = self._draw(int(lengths.sum()))
        drawn = np.where(self._rng.random(len(drawn)) < _ABOUT, about[self._rng.integers(12, size=len(drawn))], drawn)
        sentences = [" ".join(self._words[rank] for rank in part).capitalize() + "." for part in np.split(drawn, lengths.cumsum()[:-1])]
        return "\n\n".join(" ".join(sentences[at : at + 4]) for at in range(0, len(sentences), 4))

    def question(self, text: str) -> str:
        """Six words of a passage, as they come."""
        found = text.split()
        start = int(self._rng.integers(max(1, len(found) - 6)))
        return " ".join(found[start : start + 6])


def write_articles(folder: Path, count: int, seed: int = 1) -> None:
    """`count` articles below a new folder, as JSON lines in files of some thousand."""
    writer = Writer(seed)
    folder.mkdir(parents=True)
    for first in range(0, count, _ARTICLES_PER_FILE):
        with (folder / f"{first:08}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(first, min(first + _ARTICLES_PER_FILE, count)):
                day = f"{2000 + number % 20}-{number % 12 + 1:02}-{number % 28 + 1:02}"
                metadata = {"source": f"Courier {number % 50}", "published": day}
                record = {"_id": str(number), "title": f"Story {number}", "text": writer.article(), "metadata": metadata}
                file.write(json.dumps(record) + "\n")


class StandIn:
    """An `Encoder` that adds up a random direction for each word: near texts share words. It costs little and means nothing.

    Its vectors spread over their dimensions as the default model's do: the variance along the k-th principal direction falls as
    1 / (k + 5), which gives a participation ratio of 91 of 384; of 28,000 passages of news and science embedded by the model it is 91.
    Spread evenly, each vector would be about as far from all others, and no codes shorter than the vectors could tell them apart.
    """

    name = "stand-in"
    digest = hashlib.sha256(b"stand-in, 2").hexdigest()
    dimension = 384
    max_tokens = 256
    _BUCKETS = 1 << 16

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        spread = np.sqrt(1 / (np.arange(self.dimension) + 5))
        principal = np.linalg.qr(rng.standard_normal((self.dimension, self.dimension)))[0]
        self._directions = (rng.standard_normal((self._BUCKETS, self.dimension)) * spread @ principal).astype(np.float32)
        self._rows: dict[str, int] = {}

    def count(self, texts: list[str]) -> list[int]:
        """Two tokens for each word, about what the default model's tokenizer gives unusual ones."""
        return [2 * len(text.split()) for text in texts]

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[n, 384], unit length."""
        vectors = np.array([self._directions[self._of(text)].sum(axis=0) for text in texts], dtype=np.float32)
        if progress:
            progress(len(texts))
        scaled: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return scaled

    def _of(self, text: str) -> list[int]:
        return [self._row(token) for token in tokens(text)]

    def _row(self, token: str) -> int:
        if token not in self._rows:
            self._rows[token] = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest()) % self._BUCKETS
        return self._rows[token]


def questions(texts: list[str], count: int = 200, seed: int = 2) -> Iterator[str]:
    """Questions about some of the texts."""
    writer = Writer(seed)
    for at in np.linspace(0, len(texts) - 1, count).astype(int).tolist():
        yield writer.question(texts[at])
