"""Question + hits -> the sentences that may answer it, best first, each with the support that it has.

Two logistic regressions over features that anyone can read off. One ranks the sentences; its features compare those of one question.
The other says how probably a sentence answers; its features mean the same for every question, so a fused retrieval score takes no
part in it: on a nonsense question that is as high as on a real one. Weights and thresholds stand in evidence.json, with a
reader and without; `python -m eval.fit` makes them from labelled questions, and eval/README.md has their error rates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.archive import Archive
from index.bm25 import tokens
from index.records import Article, Hit
from index.sentences import sentences
from qa.question import has_cue, kind, topic
from qa.reader import NONE, Reader, Text

FITTED = Path(__file__).with_name("evidence.json")
# Features of the ranking, and of the support. "reads" is the reader's log-odds, or without one the cosine of question and sentence.
RANKING = ("reads", "words", "cue", "found")
SUPPORT = ("reads", "words", "near")

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights by feature, with an "intercept" for the support, and the support below which the archive does not say."""

    ranking: Mapping[str, float]
    support: Mapping[str, float]
    threshold: float


@cache
def fitted(with_reader: bool) -> Fit:
    """The fit in evidence.json for a reader, or for none."""
    return Fit(**json.loads(FITTED.read_text(encoding="utf-8"))["reader" if with_reader else NONE])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, `article.text[start:end]`, with its features and the passage that brought it.

    reads: the reader's log-odds that it answers; without a reader, its cosine with the question. words: share of the question's
    tokens in it and its article's title, weighted by inverse document frequency. cue: 1 if it holds the kind of thing asked for.
    found: the score of its passage less the best passage's. near: the cosine of the question and the nearest passage.
    """

    article: Article
    start: int
    end: int
    hit: Hit
    features: Features
    fit: Fit

    @property
    def text(self) -> str:
        """The sentence, verbatim."""
        return self.article.text[self.start : self.end]

    @property
    def score(self) -> float:
        """What orders the candidates of one question."""
        return sum(weight * self.features[name] for name, weight in self.fit.ranking.items())

    @property
    def support(self) -> float:
        """How probably this sentence answers the question, 0 to 1."""
        values = {**self.features, "intercept": 1.0}
        return 1 / (1 + math.exp(-sum(weight * values[name] for name, weight in self.fit.support.items())))


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit with its article and the spans of its sentences; one too long for a passage stands in several, a piece in each."""

    hit: Hit
    article: Article
    spans: list[tuple[int, int]]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self.article.text[start:end] for start, end in self.spans)


def candidates(question: str, hits: Sequence[Hit], archive: Archive, reader: Reader | None) -> list[Candidate]:
    """Every sentence of the hits once, best first; ties in the order of the hits. A question that the reader does not take is not read."""
    reader = reader if reader and reader.takes(question) else None
    found = [_found(hit, archive) for hit in hits]
    weights, asked, fit = archive.term_weights(topic(question)), kind(question), fitted(reader is not None)
    best, near = (max((getattr(hit, name) for hit in hits), default=0.0) for name in ("score", "cosine"))
    scored: dict[tuple[str, int], Candidate] = {}
    for one, reads in zip(found, _read(question, found, archive, reader), strict=True):
        for (start, end), text, read in zip(one.spans, one.texts, reads, strict=True):
            features = {
                "reads": read,
                "words": covered(weights, f"{one.article.title}\n{text}"),
                "cue": float(has_cue(asked, text)),
                "found": one.hit.score - best,
                "near": near,
            }
            scored.setdefault((one.article.id, start), Candidate(one.article, start, end, one.hit, features, fit))
    return sorted(scored.values(), key=lambda candidate: -candidate.score)


def _found(hit: Hit, archive: Archive) -> _Found:
    article, passage = archive.article(hit.passage.article_id), hit.passage
    cut = [(max(start, passage.start), min(end, passage.end)) for start, end in sentences(article.text)]
    return _Found(hit, article, [(start, end) for start, end in cut if start < end])


def _read(question: str, found: Sequence[_Found], archive: Archive, reader: Reader | None) -> list[list[float]]:
    """For each passage, what "reads" is of each of its sentences."""
    if reader:
        return [scores.tolist() for scores in reader.read(question, [Text(one.article.title, one.texts) for one in found])]
    vectors = archive.encoder.encode([question, *(text for one in found for text in one.texts)])
    cosines = iter((vectors[1:] @ vectors[0]).tolist())
    return [[next(cosines) for _ in one.spans] for one in found]


def covered(weights: dict[str, float], text: str) -> float:
    """The share of the question's weight that stands in `text`, 0 to 1; 0 for a question of stop words alone."""
    standing = set(tokens(text))
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in standing) / total if total else 0.0
