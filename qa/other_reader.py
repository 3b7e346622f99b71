"""Any reader of transformers, by name on the hub or by folder. Nothing is imported before one is asked for.

An extractive question-answering model marks a span: a sentence has the log-odds of the best span in it against none (Devlin et al.,
NAACL 2019, section 4.3). A cross-encoder, as sentence-transformers trains them, scores each sentence by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import ModelError
from qa.reader import BOUND, Text

if TYPE_CHECKING:
    from index.minilm import Floats

_LIMIT = 384


class OtherReader:
    """A model of transformers, run by torch; a ModelError where there is none of that name, or none that reads."""

    def __init__(self, name: str) -> None:
        from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.name = name
        try:
            kinds = AutoConfig.from_pretrained(name).architectures or [""]
            self._marks_spans = kinds[0].endswith("ForQuestionAnswering")
            if not self._marks_spans and not kinds[0].endswith("ForSequenceClassification"):
                raise ModelError(f"reader {name}: {kinds[0] or 'it'} neither marks spans nor scores pairs: name a reader, or none")
            model = AutoModelForQuestionAnswering if self._marks_spans else AutoModelForSequenceClassification
            self._model = model.from_pretrained(name, use_safetensors=True).eval()
            self._tokenizer = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"reader {name}: cannot be loaded ({reason}); name another with --reader, or none") from error

    def takes(self, question: str) -> bool:
        """Whether it leaves a token of room for a text."""
        tokens = self._tokenizer(question, add_special_tokens=False, verbose=False)["input_ids"]
        return len(tokens) + int(self._tokenizer.num_special_tokens_to_add(pair=True)) < _LIMIT

    def read(self, question: str, texts: Sequence[Text]) -> list[Floats]:
        """As `Reader.read`."""
        read = self._spans if self._marks_spans else self._pairs
        return [read(question, text).clip(-BOUND, BOUND) for text in texts]

    def _encoded(self, questions: list[str], texts: list[str], **options: Any) -> Any:
        return self._tokenizer(questions, texts, truncation="only_second", max_length=_LIMIT, return_tensors="pt", padding=True, **options)

    def _pairs(self, question: str, text: Text) -> Floats:
        logits = self._model(**self._encoded([question] * len(text.sentences), list(text.sentences))).logits
        scores: Floats = logits.detach().float().numpy()
        return scores[:, -1] - scores[:, 0] if scores.shape[1] > 1 else scores[:, 0]

    def _spans(self, question: str, text: Text) -> Floats:
        joined = "\n".join([text.heading, *text.sentences])
        encoded = self._encoded([question], [joined], return_offsets_mapping=True)
        offsets = encoded.pop("offset_mapping")[0].numpy()
        inside = np.array([part == 1 for part in encoded.sequence_ids(0)])
        found = self._model(**encoded)
        start, end = (logits.detach().float().numpy()[0] for logits in (found.start_logits, found.end_logits))
        begins = list(accumulate([len(text.heading) + 1, *(len(sentence) + 1 for sentence in text.sentences)]))
        scores = np.full(len(text.sentences), -BOUND, dtype=np.float32)
        for at, (first, last) in enumerate(pairwise(begins)):
            here = np.flatnonzero(inside & (offsets[:, 0] >= first) & (offsets[:, 1] < last))
            if len(here):
                pairs = start[here][:, None] + end[here]
                scores[at] = pairs[np.triu_indices(len(here))].max() - start[0] - end[0]
        return scores
