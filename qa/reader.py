"""Question + passages -> for each sentence the log-odds that it answers, against nothing in its passage doing so.

The default reader is the default model fine-tuned (qa/reader_minilm/README.md), run without torch. Any extractive question-answering
model or cross-encoder of transformers can be set in its place by name or folder, and with none everything else still works.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from index import terminal
from index.encoder import SentenceEncoder
from index.errors import ModelError

if TYPE_CHECKING:
    from index.minilm import Floats

DEFAULT_READER = "minilm"
NONE = "none"
# Log-odds are kept within it: beyond, a sentence is no more or less certain for a decision.
BOUND = 15.0
# Log-odds end here, as in the fit; uncut they rank as well (eval/README.md).
MOST = 4.0

_WEIGHTS = Path(__file__).parent / "reader_minilm" / "weights.safetensors"
_DIGEST = "930abaa53d3056b0f7a75029a4bd6a64bd022b70d5eebdf972c2ae85883775dd"
# Tokens of the heading, and of all that is read at once, as in training.
_HEADING, _LIMIT = 64, 384
# 999 of 1,000 questions of the training have at most so many tokens; of longer ones it knows nothing, and finds no answer to most.
_LONGEST = 32
# Readings of this process: the chat asks again for a thumb, and the evals the same of each configuration.
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Text:
    """A passage to read: the title of its article, and its sentences."""

    heading: str
    sentences: tuple[str, ...]


class Reader(Protocol):
    """Anything that reads passages with a question in mind."""

    name: str

    def takes(self, question: str) -> bool:
        """Whether it can be asked this."""

    def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        """For each text float32[its sentences], from -BOUND to BOUND: the log-odds that a sentence answers against none."""


def named(name: str | None = None) -> Reader | None:
    """The reader of a name, or of $CLIPPINGS_READER, or the default one; None where that is "none". A ModelError says what to do."""
    return _load(name or os.environ.get("CLIPPINGS_READER") or DEFAULT_READER)


def who_reads(question: str, name: str | None = None) -> str:
    """The name of the reader of that name as `named` has it; "none" where there is none, or it does not take the question."""
    reader = named(name)
    return reader.name if reader and reader.takes(question) else NONE


@cache
def _load(name: str) -> Reader | None:
    if name == NONE:
        return None
    if name == DEFAULT_READER and not _WEIGHTS.is_file():
        terminal.talk(f"answering without a reader: {_WEIGHTS} is missing; {_REMEDY}")
        return None
    if name == DEFAULT_READER:
        return FineTuned(_WEIGHTS)
    from qa.other_reader import OtherReader

    return OtherReader(name)


class FineTuned:
    """The default model with the layers of a file in place of its own, and two heads: over a sentence's mean, and over its tokens."""

    name = DEFAULT_READER

    def __init__(self, weights: Path) -> None:
        """Load the weights; a ModelError where they are not the published ones."""
        from index.minilm import MiniLM, tensors

        try:
            digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise ModelError(f"reader: {weights} cannot be read ({error.strerror}): {_REMEDY}") from error
        if digest != _DIGEST:
            raise ModelError(f"reader: {weights} is not the published file: {_REMEDY}")
        changed = tensors(weights)
        base = SentenceEncoder()
        assert base.digest  # never load weights that were not checked
        self._model = MiniLM(base.folder, changed)
        self._heads = {name.removeprefix("head."): tensor for name, tensor in changed.items() if name.startswith("head.")}
        self._first, self._between = self._model.marks
        self._held: dict[tuple[str, Text], Floats] = {}

    def takes(self, question: str) -> bool:
        """Whether the question is no longer than those that it was trained on."""
        return self._model.count([question])[0] <= _LONGEST

    def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        """As `Reader.read`; sentences beyond the first 384 tokens are not read, and have the lowest log-odds. What was read is kept."""
        held = {text: scores for text in texts if (scores := self._held.get((question, text))) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in held]
        held |= dict(zip(new, self._read(question, new), strict=True))
        if len(self._held) > _KEPT:
            self._held.clear()
        self._held |= {(question, text): scores for text, scores in held.items()}
        return [held[text] for text in texts]

    def _read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        (asked,) = self._model.tokens([question])
        rows = [self._row(asked, text) for text in texts]
        states = self._model.states([row.ids for row in rows], [row.kinds for row in rows])
        return [self._scores(row, of_row) for row, of_row in zip(rows, states, strict=True)]

    def _row(self, asked: list[int], text: Text) -> _Row:
        heading, *sentences = self._model.tokens([text.heading, *text.sentences])
        opening = [self._first, *asked, self._between]
        ids = [*opening, *heading[:_HEADING]]
        ends = [len(ids)]
        for sentence in sentences:
            ids += sentence[: _LIMIT - 1 - len(ids)]
            ends.append(len(ids))
        return _Row([*ids, self._between], [0] * len(opening) + [1] * (len(ids) + 1 - len(opening)), ends)

    def _scores(self, row: _Row, states: Floats) -> Floats:
        """float32[sentences] of a row, from the states of its tokens."""
        heads = self._heads
        means, tokens = states @ heads["sentence.weight"][0], states @ heads["token.weight"][0] + heads["token.bias"][0]
        nothing = states[0] @ heads["cls.weight"][0] + heads["cls.bias"][0]
        scores = np.full(len(row.ends) - 1, -BOUND, dtype=np.float32)
        for at, (first, last) in enumerate(pairwise(row.ends)):
            if first < last:
                answer = np.logaddexp.reduce(tokens[first:last])
                scores[at] = means[first:last].mean() + heads["sentence.bias"][0] + answer - nothing
        return scores.clip(-BOUND, MOST)


_REMEDY = 'take it from the repository again, or read with CLIPPINGS_READER="none"'


@dataclass(frozen=True, slots=True)
class _Row:
    """One text with its question in tokens: their ids and types, and where its sentences begin and the last one ends."""

    ids: list[int]
    kinds: list[int]
    ends: list[int]
