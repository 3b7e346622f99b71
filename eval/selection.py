"""python -m eval.selection FOLDER...: the sentence that is chosen where the right passage is given, with a reader and without.

A folder has an answers.jsonl that names a paragraph or passage, or else a sentences.jsonl (sentences, gold), whose sections are made an
archive of their own. Right is a sentence that holds a quote of the evidence, or stands inside one. The second figure is how well support
tells questions that the passage answers from those that it does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import roc_auc_score

from eval import RUNS
from eval.__main__ import prepare
from eval.dataset import document_key, records
from eval.encodings import Kept
from eval.fit import gold_of, is_right
from eval.readings import Readings
from eval.significance import difference, interval
from index import Archive, Article, Hit, terminal
from index.chunk import heading, indexed_text
from index.errors import UsageError
from index.records import Why
from index.terminal import Command
from qa.evidence import candidates, gather
from qa.reader import NONE, Reader, named


@dataclass(frozen=True, slots=True)
class _Given:
    """A question, the document that it is asked of, and the document's quotes that answer it."""

    id: str
    question: str
    document: str
    gold: list[tuple[str, str]]


def _of_paragraphs(folder: Path) -> list[_Given]:
    texts = {row["_id"]: row["text"] for _, row in records(folder / "queries.jsonl", ("_id", "text"))}
    rows = [row for _, row in records(folder / "answers.jsonl", ("_id", "evidence"))]
    return [_Given(row["_id"], texts[row["_id"]], row.get("paragraph") or row["passage"], gold_of(row)) for row in rows]


def _of_sections(folder: Path) -> tuple[Path, list[_Given]]:
    """A BEIR folder whose corpus has the sections of a sentences.jsonl, and its questions."""
    made, given = RUNS / "sections" / folder.resolve().name, []
    (made / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [row for _, row in records(folder / "sentences.jsonl", ("_id", "question", "sentences", "gold"))]
    with (made / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for row in rows:
            gold = [(row["_id"], " ".join(row["sentences"][at].split())) for at in row["gold"]]
            given.append(_Given(row["_id"], row["question"], row["_id"], gold))
            lines.write(json.dumps({"_id": row["_id"], "title": row.get("title", ""), "text": "\n".join(row["sentences"])}) + "\n")
    (made / "queries.jsonl").write_text("".join(json.dumps({"_id": one.id, "text": one.question}) + "\n" for one in given))
    (made / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{one.id}\t{one.id}\t1\n" for one in given))
    return made, given


def _hits(article: Article, question: str, archive: Archive) -> list[Hit]:
    """All passages of an article as if each had been found first."""
    passages, head = archive.passages(article.id), heading(article.title, archive.encoder.count, archive.encoder.max_tokens)
    vectors = archive.encoder.encode([question, *(indexed_text(article, one, head) for one in passages)])
    return [Hit(one, 1.0, Why(None, None, ()), float(vector @ vectors[0])) for one, vector in zip(passages, vectors[1:], strict=True)]


def _chosen(given: list[_Given], archive: Archive, reader: Reader | None) -> Iterator[tuple[bool, float]]:
    """Of each question, whether the best sentence holds a quote of its evidence, or stands inside one, and the support of that."""
    articles = {document_key(article): article for article in archive.articles()}
    for one in given:
        article = articles[one.document]
        best = candidates(one.question, gather(one.question, _hits(article, one.question, archive), archive), archive.encoder, reader)[0]
        yield is_right(best, one.gold), best.support


def _run(arguments: argparse.Namespace) -> int:
    reader = Readings(arguments.readings) if arguments.readings else named(arguments.reader)
    if reader is None:
        raise UsageError("a reader is compared with none: name one with --reader")
    for folder in arguments.folders:
        by_paragraphs = (folder / "answers.jsonl").is_file()
        source, given = (folder, _of_paragraphs(folder)) if by_paragraphs else _of_sections(folder)
        opened = prepare(source, None)
        kept = Kept(opened.encoder, RUNS / "encodings")
        archive = Archive(opened.path, kept)
        asked = [one for one in given if not arguments.readings or reader.takes(one.question)][:: arguments.every]
        rows = {name: list(_chosen(asked, archive, by)) for name, by in ((NONE, None), (reader.name, reader))}
        kept.save()
        _print(folder.resolve().name, asked, rows)
    return 0


def _print(name: str, given: list[_Given], rows: dict[str, list[tuple[bool, float]]]) -> None:
    scores = {}
    for reader, found in rows.items():
        scores[reader] = {one.id: float(right) for one, (right, _) in zip(given, found, strict=True) if one.gold}
        mean, labels = interval(list(scores[reader].values())), [bool(one.gold) for one in given]
        area = f", AUROC {roc_auc_score(labels, [support for _, support in found]):.3f}" if len(set(labels)) == 2 else ""
        print(f"{name}, reader {reader}: P@1 {mean.mean:.3f} [{mean.low:.3f}, {mean.high:.3f}] of {len(scores[reader]):,}{area}")
    without, beside = scores.values()
    change = difference(beside, without)
    print(f"{name}: {change.interval.mean:+.3f} [{change.interval.low:+.3f}, {change.interval.high:+.3f}], p {change.p:.4f}")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="folders with an answers.jsonl or a sentences.jsonl")
    parser.add_argument("--reader", default="minilm", metavar="NAME", help="the reader to compare with none (default: minilm)")
    parser.add_argument("--readings", type=Path, metavar="FILE", help="of readers that did not know the article, in the reader's place")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth question (default: 1)")


COMMAND = Command("selection", "Measure the choice of a sentence in a given passage.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.selection", __doc__, [COMMAND]))
