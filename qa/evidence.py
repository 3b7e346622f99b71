"""Question + hits -> the sentences that may answer it, best first, each with the support that it has.

Support is a probability from a logistic regression over four features of a sentence that anyone can read off. Its weights
stand below; `python -m eval.fit` makes them from labelled questions, answerable and not, and eval/README.md has its
error rates. A fused retrieval score takes no part in it: on a nonsense question that is as high as on a real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.archive import Archive
from index.bm25 import tokens
from index.records import Article, Hit
from index.sentences import Span, sentences
from qa.question import has_cue, kind, topic

FEATURES = ("meaning", "words", "around", "cue")
WEIGHTS = (5.67, 1.36, 4.03, 0.12)
INTERCEPT = -8.89
# Below this support the archive does not say.
THRESHOLD = 0.146


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, `article.text[start:end]`, with its features and the passage that brought it.

    meaning: cosine of question and sentence. words: share of the question's tokens in the sentence, weighted by inverse
    document frequency. around: the same in its passage and title. cue: 1 if it holds the kind of thing asked for.
    """

    article: Article
    start: int
    end: int
    hit: Hit
    features: tuple[float, float, float, float]

    @property
    def text(self) -> str:
        """The sentence, verbatim."""
        return self.article.text[self.start : self.end]

    @property
    def support(self) -> float:
        """How probably this sentence answers the question, 0 to 1."""
        total = INTERCEPT + sum(weight * feature for weight, feature in zip(WEIGHTS, self.features, strict=True))
        return 1 / (1 + math.exp(-total))


def candidates(question: str, hits: Sequence[Hit], archive: Archive) -> list[Candidate]:
    """Every sentence of the hits once, by falling support; ties in the order of the hits."""
    found: dict[tuple[str, Span], tuple[Article, Hit]] = {}
    for hit in hits:
        article = archive.article(hit.passage.article_id)
        for span in passage_sentences(article, hit):
            found.setdefault((article.id, span), (article, hit))
    if not found:
        return []
    spans = [span for _, span in found]
    texts = [article.text[start:end] for (start, end), (article, _) in zip(spans, found.values(), strict=True)]
    weights = archive.term_weights(topic(question))
    meanings = _cosines(question, texts, archive)
    asked = kind(question)
    scored = []
    for (start, end), (article, hit), text, meaning in zip(spans, found.values(), texts, meanings.tolist(), strict=True):
        context = f"{article.title}\n{article.text[hit.passage.start : hit.passage.end]}"
        features = (meaning, covered(weights, text), covered(weights, context), float(has_cue(asked, text)))
        scored.append(Candidate(article, start, end, hit, features))
    return sorted(scored, key=lambda candidate: -candidate.support)


def passage_sentences(article: Article, hit: Hit) -> list[Span]:
    """The spans, in the article, of the sentences that a hit's passage is made of."""
    start, end = hit.passage.start, hit.passage.end
    return [(start + first, start + last) for first, last in sentences(article.text[start:end])]


def covered(weights: dict[str, float], text: str) -> float:
    """The share of the question's weight that stands in `text`, 0 to 1; 0 for a question of stop words alone."""
    standing = set(tokens(text))
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in standing) / total if total else 0.0


def _cosines(question: str, texts: list[str], archive: Archive) -> NDArray[np.float32]:
    vectors = archive.encoder.encode([question, *texts])
    return np.asarray(vectors[1:] @ vectors[0])
