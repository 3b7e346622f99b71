"""Everything about one question: the gold, the words that it lacks, where each configuration ranks it, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eval import run
from eval.dataset import Dataset, Evidence, Question, document_key, passage_key
from eval.judged import is_gold
from eval.measure import right_outcome
from eval.run import Configured
from index.archive import DEPTH, Archive
from index.errors import UsageError
from index.query import matched_terms
from index.records import Hit
from index.terminal import shown
from qa.assistant import ask
from qa.question import content_words

_SHOWN = 10
_WIDTH = 90


def explain(name: str, dataset: Dataset, archive: Archive, configurations: Sequence[str]) -> str:
    """One question over some configurations, as text; a UsageError where the dataset has no such question."""
    question = next((one for one in dataset.questions if one.id == name), None)
    if question is None:
        raise UsageError(f"no question {name} in {dataset.name}: its first is {dataset.questions[0].id}")
    judged = run.qrels(dataset, archive).get(name, {})
    parts = [_asked(question), *_gold(question, dataset, archive)]
    for configuration in configurations:
        hits = Configured(archive, configuration).search(question.text, DEPTH)
        parts.append("\n".join(_ranking(configuration, question, hits, judged, archive)))
    if not dataset.by_document:
        parts.append("\n".join(_answer(question, archive, configurations[-1])))
    return "\n\n".join(parts)


def note(question: Question, dataset: Dataset, archive: Archive, configuration: str) -> str:
    """Where a configuration has the gold, however deep, and how many of the question's words its passages lack, in a few words."""
    judged = run.qrels(replace(dataset, questions=(question,)), archive)[question.id]
    hits = Configured(archive, configuration).search(question.text, DEPTH)
    missed = [_missed(question, _around(evidence, archive)).partition(":")[0] for evidence in question.evidence[:1]]
    return "; ".join([_where(_places(question, hits, judged, archive), hits), *missed])


def _asked(question: Question) -> str:
    return f"{question.id}  {question.kind}\n{question.text}".strip()


def _gold(question: Question, dataset: Dataset, archive: Archive) -> Iterator[str]:
    """The evidence, with the question's words that no passage of it has."""
    if dataset.by_document:
        yield "gold  " + ", ".join(f"{name} ({grade})" for name, grade in question.documents.items())
    for evidence in question.evidence:
        article = archive.article(evidence.article_id)
        copy = " (a copy)" if evidence.original else ""
        quote = " ".join(article.text[evidence.start : evidence.end].split())
        yield f"gold{copy}  {article.title} · {shown(article.path)}\n  “{quote}”\n  {_missed(question, _around(evidence, archive))}"
    if not question.answerable:
        yield "gold  none: the archive does not say"


def _around(evidence: Evidence, archive: Archive) -> str:
    """The title and the passages of a piece of evidence."""
    article = archive.article(evidence.article_id)
    passages = (one for one in archive.passages(article.id) if evidence.overlaps(article.id, one.start, one.end))
    return " ".join([article.title, *(article.text[one.start : one.end] for one in passages)])


def _missed(question: Question, text: str) -> str:
    words = content_words(question.text)
    missing = [word for word in words if word not in matched_terms(" ".join(words), text)]
    return f"{len(missing)} of {len(words)} words not in its passages{': ' if missing else ''}{', '.join(missing)}"


def _ranking(configuration: str, question: Question, hits: list[Hit], judged: dict[str, int], archive: Archive) -> Iterator[str]:
    places = _places(question, hits, judged, archive)
    yield f"{configuration}: {_where(places, hits) if judged else 'nothing to find'}"
    for rank, hit in enumerate(hits[:_SHOWN], start=1):
        article = archive.article(hit.passage.article_id)
        mark = "*" if rank in places else " "
        text = " ".join(archive.text(hit.passage).split())
        yield f"{mark}{rank:>3}  {article.source or shown(article.path)}, {article.published or 'no date'}: {article.title}"
        yield f"       {text[:_WIDTH]}{'…' if len(text) > _WIDTH else ''}"


def _answer(question: Question, archive: Archive, configuration: str) -> Iterator[str]:
    """What the assistant says over a configuration, and the support that was held against the threshold."""
    found = ask(question.text, Configured(archive, configuration))
    right = "rightly" if right_outcome(question, found) else "wrongly"
    reason = f": {found.reason}" if found.reason else ""
    yield f"answer over {configuration}: {found.outcome}, {right}; support {found.support:.3f} of {found.threshold:.3f}{reason}"
    for quote in found.quotes or found.nearest:
        mark = "*" if is_gold(question, quote) else " "
        yield f"{mark}  “{' '.join(quote.quote.split())}” · {quote.article.title}"


def _places(question: Question, hits: list[Hit], judged: dict[str, int], archive: Archive) -> list[int]:
    return [rank for rank, hit in enumerate(hits, start=1) if _is_gold(question, hit, judged, archive)]


def _where(places: list[int], hits: list[Hit]) -> str:
    return f"gold at rank {places[0]}" if places else f"gold not among {len(hits):,}"


def _is_gold(question: Question, hit: Hit, judged: dict[str, int], archive: Archive) -> bool:
    passage = hit.passage
    if question.documents:
        return bool(judged.get(document_key(archive.article(passage.article_id))))
    return passage_key(passage) in judged or any(one.overlaps(passage.article_id, passage.start, passage.end) for one in question.evidence)
