"""Question + hits -> the sentences that may answer it, best first, each with the support that it has.

Two logistic regressions over features that anyone can read off. One ranks the sentences; its features compare those of one question.
The other says how probably a sentence answers; its features mean the same for every question, so a fused retrieval score takes no
part in it: on a nonsense question that is as high as on a real one. Weights and thresholds stand in evidence.json, with a
reader and without; `python -m eval.fit` makes them from labelled questions, and eval/README.md has their error rates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.archive import Archive
from index.bm25 import tokens
from index.encoder import Encoder
from index.records import Article, Hit
from index.sentences import sentences
from qa.question import has_cue, kind, topic, when_of_a_story
from qa.reader import NONE, Reader, Text

FITTED = Path(__file__).with_name("evidence.json")
# Features of the ranking, and of the support. "reads" is the reader's log-odds, or without one the cosine of question and sentence.
RANKING = ("reads", "words", "cue", "found", "order")
SUPPORT = ("reads", "words", "near")

# Of the passages found, so many are read: those whose sentences promise most by everything else (eval/README.md).
READ = 5

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights by feature, with an "intercept" for the support, and the support below which the archive does not say.

    held_out: of questions that were not fitted on, how often the best sentence is right, and how well the support tells.
    """

    ranking: Mapping[str, float]
    support: Mapping[str, float]
    threshold: float
    held_out: Mapping[str, float]

    def score(self, features: Features) -> float:
        """What orders the sentences of one question."""
        return sum(weight * features[name] for name, weight in self.ranking.items())


@cache
def fitted(with_reader: bool) -> Fit:
    """The fit in evidence.json for a reader, or for none."""
    return Fit(**json.loads(FITTED.read_text(encoding="utf-8"))["reader" if with_reader else NONE])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, `article.text[start:end]`, with its features and the passage that brought it.

    reads: the reader's log-odds that it answers; without a reader, its cosine with the question. words: share of the question's
    tokens in it and its article's title, weighted by inverse document frequency. cue: 1 if it holds the kind of thing asked for.
    found: the score of its passage less the best passage's. order: where its article is among those found by date, -.5 for the first and
    .5 for the last, turned round where the question asks for the first, 0 where it asks for neither. near: the cosine of the question and
    the nearest passage. All are counted among the hits looked into.
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
        return self.fit.score(self.features)

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


_Seen = list[tuple[_Found, list[Features]]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the archive has of some hits: their articles and sentences, and how telling each token of the question is."""

    found: list[_Found]
    weights: Mapping[str, float]


def gather(question: str, hits: Sequence[Hit], archive: Archive) -> Gathered:
    """Everything of the archive that `candidates` needs: reading it takes ten times as long, and others may use the archive meanwhile."""
    return Gathered([_found(hit, archive) for hit in hits], archive.term_weights(topic(question)))


def candidates(question: str, gathered: Gathered, encoder: Encoder, reader: Reader | None, most: int | None = None) -> list[Candidate]:
    """Every sentence of the hits once, best first; ties in the order of the hits. A question that the reader does not take is not read.

    `most`: only of so many of the hits, those that promise most before anything is read.
    """
    reader = reader if reader and reader.takes(question) else None
    fit = fitted(reader is not None)
    seen = list(zip(gathered.found, _features(question, gathered), strict=True))
    chosen = seen if most is None else _promising(seen, fit, most)
    reads = _read(question, [one for one, _ in chosen], encoder, reader)
    scored: dict[tuple[str, int], Candidate] = {}
    for (one, features), numbers in zip(chosen, reads, strict=True):
        for (start, end), own, number in zip(one.spans, features, numbers, strict=True):
            scored.setdefault((one.article.id, start), Candidate(one.article, start, end, one.hit, {**own, "reads": number}, fit))
    return sorted(scored.values(), key=lambda candidate: -candidate.score)


def _promising(seen: _Seen, fit: Fit, most: int) -> _Seen:
    """The `most` passages whose best sentence scores highest with "reads" at 0, in their order."""
    taken: set[tuple[str, int]] = set()
    promise = []
    for one, features in seen:
        new = [own for (start, _), own in zip(one.spans, features, strict=True) if (one.article.id, start) not in taken]
        taken |= {(one.article.id, start) for start, _ in one.spans}
        promise.append(max((fit.score({**own, "reads": 0.0}) for own in new), default=-math.inf))
    return [seen[at] for at in sorted(sorted(range(len(seen)), key=lambda at: -promise[at])[:most])]


def _found(hit: Hit, archive: Archive) -> _Found:
    article, passage = archive.article(hit.passage.article_id), hit.passage
    cut = [(max(start, passage.start), min(end, passage.end)) for start, end in sentences(article.text)]
    return _Found(hit, article, [(start, end) for start, end in cut if start < end])


def _features(question: str, gathered: Gathered) -> Iterator[list[Features]]:
    """For each passage the features but "reads" of its sentences."""
    found, weights, asked = gathered.found, gathered.weights, kind(question)
    order = _order(question, [one.article for one in found])
    best, near = (max((getattr(one.hit, name) for one in found), default=0.0) for name in ("score", "cosine"))
    for one in found:
        of_hit = {"found": one.hit.score - best, "order": order[one.article.published], "near": near}
        yield [
            {"words": covered(weights, f"{one.article.title}\n{text}"), "cue": float(has_cue(asked, text)), **of_hit} for text in one.texts
        ]


def _order(question: str, articles: Sequence[Article]) -> dict[str, float]:
    """day -> the feature "order" of the articles of that day; those without a date stand in the middle."""
    days, sign = sorted({article.published for article in articles} - {""}), when_of_a_story(question)
    return {"": 0.0} | {day: sign * (place / (len(days) - 1) - 0.5) if len(days) > 1 else 0.0 for place, day in enumerate(days)}


def _read(question: str, found: Sequence[_Found], encoder: Encoder, reader: Reader | None) -> list[list[float]]:
    """For each passage, what "reads" is of each of its sentences."""
    if reader:
        return [scores.tolist() for scores in reader.read(question, [Text(one.article.title, one.texts) for one in found])]
    vectors = encoder.encode([question, *(text for one in found for text in one.texts)])
    cosines = iter((vectors[1:] @ vectors[0]).tolist())
    return [[next(cosines) for _ in one.spans] for one in found]


def covered(weights: Mapping[str, float], text: str) -> float:
    """The share of the question's weight that stands in `text`, 0 to 1; 0 for a question of stop words alone."""
    standing = set(tokens(text))
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in standing) / total if total else 0.0
