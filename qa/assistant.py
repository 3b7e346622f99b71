"""ask(): the one road from question to answer."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from index.archive import Archive, matched_terms
from index.bm25 import STOP_WORDS, words
from index.records import Filters, Why
from qa import evidence
from qa.answer import Answer, Citation, Searched
from qa.evidence import Candidate
from qa.question import stand_alone, topic

# Five hold the evidence of 0.90 of the sample questions, ten of 0.92, at half the time (eval/README.md).
HITS = 5
QUOTES = 5
# A supporting quote has at least this share of the headline's support.
_SUPPORTING = 0.5


def ask(message: str, archive: Archive, filters: Filters | None = None) -> Answer:
    """The archive's answer to a message: up to five quotes, or none and the reason. A QuestionError where nothing is asked."""
    question = stand_alone(message)
    started = perf_counter()
    hits = archive.search(question, HITS, filters)
    found = perf_counter()
    ranked = evidence.candidates(question, hits, archive)
    support = ranked[0].support if ranked else 0.0
    answered = support >= evidence.THRESHOLD
    chosen = _cite([one for one in ranked[:QUOTES] if one.support >= _SUPPORTING * support], question)
    reason = "" if answered else _why_not(question, ranked)
    census = archive.census()
    seconds = {"search": found - started, "answer": perf_counter() - found}
    searched = Searched(census["articles"], census["passages"], seconds)
    return Answer(question, reason, chosen if answered else (), () if answered else chosen[:3], searched, support)


def _cite(chosen: Sequence[Candidate], question: str) -> tuple[Citation, ...]:
    return tuple(
        Citation(
            number, one.article, one.start, one.end, one.text,
            Why(one.hit.why.bm25, one.hit.why.dense, matched_terms(topic(question), one.text)),
        )
        for number, one in enumerate(chosen, start=1)
    )  # fmt: skip


def _why_not(question: str, ranked: Sequence[Candidate]) -> str:
    """Why there is no answer: the words that none of the passages found has, or else that no sentence comes close enough."""
    asked = [word for word in words(topic(question)) if word.casefold() not in STOP_WORDS]
    found = {term for one in ranked for term in one.hit.why.terms}
    missing = [word for word in dict.fromkeys(asked) if word not in found]
    if not ranked:
        return "nothing in it matches the question"
    if missing:
        return f"no passage found has {', '.join(f'“{word}”' for word in missing)}"
    return "its passages have the words of the question, but no sentence that answers it"
