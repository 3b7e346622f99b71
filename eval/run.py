"""Questions x configurations -> runs: the ranked names of passages or documents for each question, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from time import perf_counter

from eval.dataset import Dataset, Question, document_key, passage_key
from eval.encodings import Kept
from index.archive import LEGS, Archive
from index.fusion import Fusion, reciprocal_rank, weighted_sum
from index.records import Filters, Hit
from qa.answer import Answer
from qa.assistant import ask

# Name -> the legs that search and how they are fused. The first is the baseline of the screen.
CONFIGURATIONS: dict[str, tuple[tuple[str, ...], Fusion]] = {
    "bm25": (("bm25",), weighted_sum),
    "dense": (("dense",), weighted_sum),
    "rrf": (LEGS, reciprocal_rank),
    "hybrid": (LEGS, weighted_sum),
}
# The configuration that the product uses.
MAIN = "hybrid"
# Passages searched for: what folds, into documents or into the original of a copy, has to leave ten names.
_DEPTH = {"passages": 20, "documents": 100}
_NAMES = 10

Qrels = dict[str, dict[str, int]]
Ranked = dict[str, list[str]]
Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What one configuration found for each answerable question, best first, and its milliseconds a question.

    `evidence` says of the first ten passages, for questions that have quotes, which are of a quote's document and hold it whole.
    White space does not count, as in the script behind the MultiHop-RAG paper. `answers` are the assistant's over this configuration,
    to every question, where it was asked.
    """

    name: str
    ranked: Ranked
    milliseconds: float
    evidence: dict[str, list[bool]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)


class Configured(Archive):
    """An archive that searches by one configuration, whoever asks."""

    def __init__(self, archive: Archive, configuration: str) -> None:
        super().__init__(archive.path, archive.encoder)
        self._configuration = CONFIGURATIONS[configuration]

    def search(
        self, query: str, k: int = 10, filters: Filters | None = None, legs: Collection[str] = LEGS, fuse: Fusion = weighted_sum
    ) -> list[Hit]:
        """As `Archive.search`, by this configuration's legs and fusion instead of those given."""
        return super().search(query, k, filters, *self._configuration)


class _Answering(Configured):
    """The same with the cosine of every hit, whatever leg found it: support is counted with it, as where both legs search."""

    def search(
        self, query: str, k: int = 10, filters: Filters | None = None, legs: Collection[str] = LEGS, fuse: Fusion = weighted_sum
    ) -> list[Hit]:
        """As `Configured.search`."""
        hits = super().search(query, k, filters, legs, fuse)
        vectors = self.encoder.encode([query, *(self.text(hit.passage) for hit in hits)])
        return [replace(hit, cosine=hit.cosine or float(vector @ vectors[0])) for hit, vector in zip(hits, vectors[1:], strict=True)]


def search(dataset: Dataset, archive: Archive, configuration: str, step: Step = lambda: None) -> Run:
    """Run every answerable question through a configuration."""
    configured = Configured(archive, configuration)
    depth = _DEPTH["documents" if dataset.by_document else "passages"]
    ranked: Ranked = {}
    evidence: dict[str, list[bool]] = {}
    seconds = 0.0
    for question in dataset.answerable:
        started = perf_counter()
        hits = configured.search(question.text, depth)
        seconds += perf_counter() - started
        ranked[question.id] = names(question, hits, archive, dataset.by_document)
        if question.quotes:
            evidence[question.id] = [_holds(question, hit, archive) for hit in hits[:10]]
        step()
    return Run(configuration, ranked, 1000 * seconds / max(1, len(ranked)), evidence)


def _holds(question: Question, hit: Hit, archive: Archive) -> bool:
    text, document = "".join(archive.text(hit.passage).split()), document_key(archive.article(hit.passage.article_id))
    return any(document == doc and quote in text for doc, quote in question.quotes)


def names(question: Question, hits: Iterable[Hit], archive: Archive, by_document: bool = False) -> list[str]:
    """The names of hits, each once, at its best rank: of documents, or of passages, with a copy's under its original's name."""
    if by_document:
        return list(dict.fromkeys(document_key(archive.article(hit.passage.article_id)) for hit in hits))
    return list(dict.fromkeys(_story(question, hit, archive) for hit in hits))[:_NAMES]


def _story(question: Question, hit: Hit, archive: Archive) -> str:
    passage = hit.passage
    for evidence in question.evidence:
        if evidence.original and evidence.overlaps(passage.article_id, passage.start, passage.end):
            return next(iter(evidence.original.passages(archive)))
    return passage_key(passage)


def qrels(dataset: Dataset, archive: Archive) -> Qrels:
    """Judgements for each answerable question: graded documents, or 1 for each passage that overlaps its evidence.

    Evidence in a copy of a story is the original's: it adds nothing that a perfect ranking would have to find twice.
    """
    return {question.id: question.documents or relevant(question, archive) for question in dataset.answerable}


def relevant(question: Question, archive: Archive) -> dict[str, int]:
    """The names of the passages that overlap a question's evidence, each with a 1."""
    originals = (evidence for evidence in question.evidence if not evidence.original)
    return {name: 1 for evidence in originals for name in evidence.passages(archive)}


def answers(dataset: Dataset, archive: Archive, configuration: str, kept: Kept, step: Step = lambda: None) -> dict[str, Answer]:
    """The assistant's answer to every question over a configuration, each asked by itself."""
    configured = _Answering(Archive(archive.path, kept), configuration)
    given = {}
    for question in dataset.questions:
        given[question.id] = ask(question.text, configured)
        step()
    return given
