"""Question + hits -> the sentences that may answer it, best first, each with the support that it has.

Support is a probability from a logistic regression over four features of a sentence that anyone can read off. Its weights
stand below; `python -m eval.fit` makes them from labelled questions, answerable and not, and eval/README.md has its
error rates. A fused retrieval score takes no part in it: on a nonsense question that is as high as on a real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.archive import Archive
from index.bm25 import tokens
from index.records import Article, Hit
from index.sentences import sentences
from qa.question import has_cue, kind, topic

FEATURES = ("meaning", "words", "rank", "cue")
WEIGHTS = (4.08, 2.81, 4.65, 0.19)
INTERCEPT = -9.54
# Below this support the archive does not say.
THRESHOLD = 0.160

Features = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, `article.text[start:end]`, with its features and the passage that brought it.

    meaning: cosine of question and sentence. words: share of the question's tokens in the sentence and its article's title,
    weighted by inverse document frequency. rank: 1 / the rank of its passage. cue: 1 if it holds the kind of thing asked for.
    """

    article: Article
    start: int
    end: int
    hit: Hit
    features: Features

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
    found = _sentences(hits, archive)
    texts = [article.text[start:end] for article, start, end, _ in found]
    weights, asked = archive.term_weights(topic(question)), kind(question)
    scored = []
    for (article, start, end, rank), text, meaning in zip(found, texts, _cosines(question, texts, archive), strict=True):
        words = covered(weights, f"{article.title}\n{text}")
        features = (meaning, words, 1 / rank, float(has_cue(asked, text)))
        scored.append(Candidate(article, start, end, hits[rank - 1], features))
    return sorted(scored, key=lambda candidate: -candidate.support)


def _sentences(hits: Sequence[Hit], archive: Archive) -> list[tuple[Article, int, int, int]]:
    """The sentences of the hits, each once: article, start, end, and the rank, from 1, of the first hit that has it."""
    found: dict[tuple[str, int], tuple[Article, int, int, int]] = {}
    for rank, hit in enumerate(hits, start=1):
        article = archive.article(hit.passage.article_id)
        for first, last in sentences(article.text):
            # A sentence too long for a passage stands in several, a piece in each.
            start, end = max(first, hit.passage.start), min(last, hit.passage.end)
            if start < end:
                found.setdefault((article.id, start), (article, start, end, rank))
    return list(found.values())


def covered(weights: dict[str, float], text: str) -> float:
    """The share of the question's weight that stands in `text`, 0 to 1; 0 for a question of stop words alone."""
    standing = set(tokens(text))
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in standing) / total if total else 0.0


def _cosines(question: str, texts: list[str], archive: Archive) -> list[float]:
    vectors = archive.encoder.encode([question, *texts])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]
