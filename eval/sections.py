"""Questions that are asked of one document: the sentences of a section with those that answer, and its passages as if they were found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from eval import RUNS
from eval.dataset import records
from index import Archive, Article, Hit
from index.chunk import heading, indexed_text
from index.records import Why


@dataclass(frozen=True, slots=True)
class Given:
    """A question, the document that it is asked of, the document's quotes that answer it, and the words that do, where they are known."""

    id: str
    question: str
    document: str
    gold: list[tuple[str, str]]
    answers: list[str] = field(default_factory=list)


def of_sections(folder: Path) -> tuple[Path, list[Given]]:
    """A BEIR folder whose corpus has the sections of a sentences.jsonl, and its questions."""
    made, given = RUNS / "sections" / folder.resolve().name, []
    (made / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [row for _, row in records(folder / "sentences.jsonl", ("_id", "question", "sentences", "gold"))]
    with (made / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for row in rows:
            gold = [(row["_id"], " ".join(row["sentences"][at].split())) for at in row["gold"]]
            given.append(Given(row["_id"], row["question"], row["_id"], gold))
            lines.write(json.dumps({"_id": row["_id"], "title": row.get("title", ""), "text": "\n".join(row["sentences"])}) + "\n")
    (made / "queries.jsonl").write_text("".join(json.dumps({"_id": one.id, "text": one.question}) + "\n" for one in given))
    (made / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{one.id}\t{one.id}\t1\n" for one in given))
    return made, given


def hits_of(article: Article, question: str, archive: Archive) -> list[Hit]:
    """All passages of an article as if each had been found first."""
    passages, head = archive.passages(article.id), heading(article.title, archive.encoder.count, archive.encoder.max_tokens)
    vectors = archive.encoder.encode([question, *(indexed_text(article, one, head) for one in passages)])
    return [Hit(one, 1.0, Why(None, None, ()), float(vector @ vectors[0])) for one, vector in zip(passages, vectors[1:], strict=True)]
