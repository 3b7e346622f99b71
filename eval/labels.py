"""The labels of a folder's answers.jsonl: which sentences answer a question; and that none of its questions is the gate's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.dataset import SAMPLE_QUESTIONS, document_key, records
from index.bm25 import words
from index.errors import UsageError
from qa.evidence import Candidate


def gold_of(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Document and quote of each piece of evidence in a line of answers.jsonl; none where nothing answers."""
    return [] if answer.get("unanswerable") else [(one["doc"], " ".join(one["quote"].split())) for one in answer["evidence"]]


def is_right(candidate: Candidate, gold: list[tuple[str, str]]) -> bool:
    """Whether a sentence holds a quote of its document, or stands inside one; white space does not count."""
    document, text = document_key(candidate.article), " ".join(candidate.text.split())
    return any(document == doc and (quote in text or text in quote) for doc, quote in gold)


def check_apart(folder: Path) -> None:
    """A UsageError where a folder's queries hold a question that the gate measures with."""
    held = {_plain(row["question"]) for _, row in records(SAMPLE_QUESTIONS, ("question",))}
    for line, row in records(folder / "queries.jsonl", ("_id", "text")):
        if _plain(row["text"]) in held:
            raise UsageError(
                f"{folder / 'queries.jsonl'}:{line}: the gate measures with this question, so nothing may be fitted on it: {row['text']}"
            )


def _plain(question: str) -> str:
    return " ".join(words(question.casefold()))
