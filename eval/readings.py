"""What readers found, kept in a file: one JSON line for each question and passage that was read, gzipped.

It takes the place of a reader, so that weights can be fitted on questions whose articles the reader of the day was not trained on.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.errors import UsageError
from index.minilm import Floats
from qa.reader import BOUND, MOST, Text


def key(question: str, sentences: Sequence[str]) -> str:
    """The name under which a reading is kept."""
    return hashlib.sha256("\n".join([question, *sentences]).encode()).hexdigest()[:16]


class Readings:
    """A reader that looks its readings up; a UsageError where the file is none of them."""

    def __init__(self, file: Path) -> None:
        self.name = file.name
        self._found: dict[str, list[float]] = {}
        self._questions: set[str] = set()
        try:
            with gzip.open(file, "rt", encoding="utf-8") as lines:
                for line in lines:
                    one = json.loads(line)
                    self._questions.add(one["question"])
                    self._found[one["key"]] = one["scores"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file}: not a file of readings ({error}): make it with eval/train_reader.py") from error

    def takes(self, question: str) -> bool:
        """Whether it was read for."""
        return question in self._questions

    def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        """As `qa.reader.Reader.read`."""
        return [np.array(self._found[key(question, text.sentences)], dtype=np.float32).clip(-BOUND, MOST) for text in texts]
