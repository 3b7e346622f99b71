"""Question + hits -> the sentences that may answer it, best first, each with the support that it has.

Support is a probability from a logistic regression over five features of a sentence that anyone can read off. Its weights
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

FEATURES = ("meaning", "words", "around", "rank", "cue")
WEIGHTS = (4.90, 2.00, 1.59, 1.71, 1.60)
INTERCEPT = -5.0
# Below this support the archive does not say.
THRESHOLD = 0.15

Features = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, `article.text[start:end]`, with its features and the passage that brought it.

    meaning: cosine of question and sentence. words: share of the question's tokens in the sentence and its article's title,
    weighted by inverse document frequency. around: the same in the sentence and its two neighbours. rank: 1 / the rank of its
    passage. cue: 1 if it holds the kind of thing asked for.
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
    weights, asked = archive.term_weights(topic(question)), kind(question)
    meanings = _cosines(question, [one.text for one in found], archive)
    scored = [
        Candidate(
            one.article,
            one.start,
            one.end,
            one.hit,
            (
                meaning,
                covered(weights, f"{one.article.title}\n{one.text}"),
                covered(weights, one.around),
                1 / one.rank,
                float(has_cue(asked, one.text)),
            ),
        )
        for one, meaning in zip(found, meanings, strict=True)
    ]
    return sorted(scored, key=lambda candidate: -candidate.support)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of a hit, the text of it and its neighbours, and the rank of the hit, from 1."""

    article: Article
    start: int
    end: int
    text: str
    around: str
    hit: Hit
    rank: int


def _sentences(hits: Sequence[Hit], archive: Archive) -> list[_Sentence]:
    """The sentences of the hits, each once, under the first hit that has it."""
    found: dict[tuple[str, int], _Sentence] = {}
    for rank, hit in enumerate(hits, start=1):
        article = archive.article(hit.passage.article_id)
        passage = archive.text(hit.passage)
        spans = sentences(passage)
        for at, (first, last) in enumerate(spans):
            around = passage[spans[max(0, at - 1)][0] : spans[min(at + 1, len(spans) - 1)][1]]
            start, end = hit.passage.start + first, hit.passage.start + last
            found.setdefault((article.id, start), _Sentence(article, start, end, passage[first:last], around, hit, rank))
    return list(found.values())


def covered(weights: dict[str, float], text: str) -> float:
    """The share of the question's weight that stands in `text`, 0 to 1; 0 for a question of stop words alone."""
    standing = set(tokens(text))
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in standing) / total if total else 0.0


def _cosines(question: str, texts: list[str], archive: Archive) -> list[float]:
    vectors = archive.encoder.encode([question, *texts])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]
