"""Questions x configurations -> runs: the ranked names of passages or documents for each question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter

from eval.dataset import Dataset, Question, document_key, passage_key
from index.archive import LEGS, Archive
from index.fusion import Fusion, reciprocal_rank, weighted_sum
from index.records import Hit
from qa.answer import Answer
from qa.assistant import ask

# Name -> the legs that search and how they are fused.
CONFIGURATIONS: dict[str, tuple[tuple[str, ...], Fusion]] = {
    "bm25": (("bm25",), weighted_sum),
    "dense": (("dense",), weighted_sum),
    "rrf": (LEGS, reciprocal_rank),
    "hybrid": (LEGS, weighted_sum),
}
_DEPTH = {"passages": 10, "documents": 100}

Qrels = dict[str, dict[str, int]]
Ranked = dict[str, list[str]]
Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What one configuration found for each question, best first, and its milliseconds a question.

    `evidence` says of the first ten passages, for questions that have quotes, which hold one of them whole. White space does not
    count, as in the script behind the MultiHop-RAG paper.
    """

    name: str
    ranked: Ranked
    milliseconds: float
    evidence: dict[str, list[bool]]


def search(dataset: Dataset, archive: Archive, configuration: str, step: Step = lambda: None) -> Run:
    """Run every answerable question through a configuration."""
    legs, fuse = CONFIGURATIONS[configuration]
    depth = _DEPTH["documents" if dataset.by_document else "passages"]
    ranked: Ranked = {}
    evidence: dict[str, list[bool]] = {}
    questions = [question for question in dataset.questions if question.answerable]
    seconds = 0.0
    for question in questions:
        started = perf_counter()
        hits = archive.search(question.text, depth, legs=legs, fuse=fuse)
        seconds += perf_counter() - started
        ranked[question.id] = _names(hits, archive, dataset.by_document)
        if question.quotes:
            found = ("".join(archive.text(hit.passage).split()) for hit in hits[:10])
            evidence[question.id] = [any(quote in text for quote in question.quotes) for text in found]
        step()
    return Run(configuration, ranked, 1000 * seconds / max(1, len(questions)), evidence)


def _names(hits: Iterable[Hit], archive: Archive, by_document: bool) -> list[str]:
    if not by_document:
        return [passage_key(hit.passage) for hit in hits]
    return list(dict.fromkeys(document_key(archive.article(hit.passage.article_id)) for hit in hits))


def qrels(dataset: Dataset, archive: Archive) -> Qrels:
    """Judgements for each answerable question: graded documents, or 1 for each passage that overlaps its evidence."""
    answerable = (question for question in dataset.questions if question.answerable)
    return {question.id: question.documents or _relevant(question, archive) for question in answerable}


def _relevant(question: Question, archive: Archive) -> dict[str, int]:
    return {
        passage_key(passage): 1
        for evidence in question.evidence
        for passage in archive.passages(evidence.article_id)
        if evidence.overlaps(passage.article_id, passage.start, passage.end)
    }


def answers(dataset: Dataset, archive: Archive, step: Step = lambda: None) -> dict[str, Answer]:
    """The assistant's answer to every question, the unanswerable ones too, each asked by itself."""
    given = {}
    for question in dataset.questions:
        given[question.id] = ask(question.text, archive)
        step()
    return given
