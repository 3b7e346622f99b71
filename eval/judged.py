"""A result, question by question: where the gold stands, what was answered beside it, and what that came to.

`questions` gives what JSON and the pages have of it: texts, so that a run can be read when its archive is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eval import measure
from eval.dataset import Question
from eval.run import Run
from qa.answer import Answer
from qa.citation import Citation
from qa.render import byline

if TYPE_CHECKING:
    from eval.result import Result


def rank(result: Result, run: Run, question: str) -> int | None:
    """Where a run has the first that is relevant to a question, 1 for the top; None where it has none."""
    judged = result.qrels[question]
    return next((place for place, name in enumerate(run.ranked[question], start=1) if judged.get(name)), None)


def outcome(question: Question, answer: Answer) -> str:
    """What an answer came to: answered or abstained, or which of the two mistakes it made."""
    if measure.right_outcome(question, answer):
        return answer.outcome
    return "false abstention" if question.answerable else "false answer"


def is_gold(question: Question, quote: Citation) -> bool:
    """Whether a quote overlaps the evidence."""
    return any(one.overlaps(quote.article.id, quote.start, quote.end) for one in question.evidence)


def questions(result: Result) -> Iterator[dict[str, Any]]:
    """Every question in the order of its file; "answer" is None where no configuration answered."""
    for question in result.dataset.questions:
        given = result.main.answers.get(question.id)
        yield {
            "id": question.id,
            "text": question.text,
            "kind": question.kind,
            "answerable": question.answerable,
            "gold": list(_gold(question, result)),
            "ranks": {run.name: rank(result, run, question.id) for run in result.runs} if question.answerable else {},
            "note": result.notes.get(question.id, ""),
            "answer": _answer(question, given) if given else None,
        }


def _gold(question: Question, result: Result) -> Iterator[dict[str, Any]]:
    for one in question.evidence:
        article = result.articles[one.article_id]
        quote = article.text[one.start : one.end]
        yield {"quote": quote, "title": article.title, "byline": byline(article), "copy": one.original is not None}


def _answer(question: Question, given: Answer) -> dict[str, Any]:
    return {
        "outcome": outcome(question, given),
        "support": given.support,
        "reason": given.reason,
        "quotes": [_quote(question, one) for one in given.quotes],
        "nearest": [_quote(question, one) for one in given.nearest],
    }


def _quote(question: Question, one: Citation) -> dict[str, Any]:
    return {"quote": one.quote, "title": one.article.title, "byline": byline(one.article), "gold": is_gold(question, one)}
