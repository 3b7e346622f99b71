"""python -m eval.selection FOLDER...: the sentence that is chosen where the right passage is given, with a reader and without.

A folder has an answers.jsonl that names a paragraph or passage, or else a sentences.jsonl (sentences, gold), whose sections are made an
archive of their own. Right is a sentence that holds a quote of the evidence, or stands inside one. How well support tells questions that
the passage answers from those that it does not is given as AUROC, and as error rates at the threshold of qa/evidence.json.
--end-to-end gives no passage: the sentence is sought in what the search finds in the whole archive.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.metrics import roc_auc_score

from eval import ENCODINGS
from eval.archives import prepare
from eval.dataset import document_key, records
from eval.encodings import Kept
from eval.labels import gold_of, is_right
from eval.readings import Readings
from eval.sections import Given, hits_of, of_sections
from eval.significance import difference, interval
from index import Archive, terminal
from index.errors import UsageError
from index.terminal import Command
from qa.assistant import HITS
from qa.evidence import READ, Candidate, candidates, gather
from qa.reader import NONE, Reader, named


@dataclass(frozen=True, slots=True)
class _Found:
    """What was chosen: is it right, its F1 with the evidence by characters, do an answer's words stand in it, is its support enough."""

    right: bool = False
    overlap: float = 0.0
    says: bool = False
    support: float = 0.0
    above: bool = False
    milliseconds: float = 0.0


def _of_paragraphs(folder: Path) -> list[Given]:
    texts = {row["_id"]: row["text"] for _, row in records(folder / "queries.jsonl", ("_id", "text"))}
    rows = [row for _, row in records(folder / "answers.jsonl", ("_id", "evidence"))]
    return [
        Given(row["_id"], texts[row["_id"]], row.get("paragraph") or row.get("passage", ""), gold_of(row), row.get("answers", []))
        for row in rows
    ]


def _chosen(given: list[Given], archive: Archive, reader: Reader | None, end_to_end: bool) -> Iterator[_Found]:
    articles = {document_key(article): article for article in archive.articles()}
    for one in given:
        hits = archive.search(one.question, HITS) if end_to_end else hits_of(articles[one.document], one.question, archive)
        gathered, begun = gather(one.question, hits, archive), perf_counter()
        found = candidates(one.question, gathered, archive.encoder, reader, READ if end_to_end else None)
        yield _judged(one, found[0], 1000 * (perf_counter() - begun)) if found else _Found()


def _judged(given: Given, best: Candidate, milliseconds: float) -> _Found:
    text, right = " ".join(best.text.split()), is_right(best, given.gold)
    quotes = [quote for document, quote in given.gold if document == document_key(best.article) and (quote in text or text in quote)]
    overlap = max((2 * min(len(quote), len(text)) / (len(quote) + len(text)) for quote in quotes), default=0.0)
    says = any(" ".join(answer.split()).casefold() in text.casefold() for answer in given.answers)
    return _Found(right, overlap, says, best.support, best.support >= best.fit.threshold, milliseconds)


def _run(arguments: argparse.Namespace) -> int:
    reader = Readings(arguments.readings) if arguments.readings else named(arguments.reader)
    if reader is None:
        raise UsageError("a reader is compared with none: name one with --reader")
    for folder in arguments.folders:
        by_paragraphs = (folder / "answers.jsonl").is_file()
        source, given = (folder, _of_paragraphs(folder)) if by_paragraphs else of_sections(folder)
        opened = prepare(source, None)
        kept = Kept(opened.encoder, ENCODINGS)
        archive = Archive(opened.path, kept)
        asked = [one for one in given if not arguments.readings or reader.takes(one.question)][:: arguments.every]
        rows = {name: list(_chosen(asked, archive, by, arguments.end_to_end)) for name, by in ((NONE, None), (reader.name, reader))}
        kept.save()
        _print(folder.resolve().name, asked, rows)
    return 0


def _print(name: str, given: list[Given], rows: dict[str, list[_Found]]) -> None:
    scores = {}
    for reader, found in rows.items():
        answerable = [(one, it) for one, it in zip(given, found, strict=True) if one.gold]
        others = [it for one, it in zip(given, found, strict=True) if not one.gold]
        scores[reader] = {one.id: float(it.right) for one, it in answerable}
        mean = interval(list(scores[reader].values()))
        parts = [f"P@1 {mean.mean:.3f} [{mean.low:.3f}, {mean.high:.3f}] of {len(answerable):,}"]
        parts.append(f"quote-F1 {_share(it.overlap for _, it in answerable):.3f}")
        if any(one.answers for one, _ in answerable):
            parts.append(f"answer in quote {_share(it.says for one, it in answerable if one.answers):.3f}")
        if others:
            area = roc_auc_score([bool(one.gold) for one in given], [it.support for it in found])
            parts.append(f"AUROC {area:.3f}, false answers {_share(it.above for it in others):.3f}")
        parts.append(f"false abstentions {1 - _share(it.above for _, it in answerable):.3f}")
        half, most = np.quantile([it.milliseconds for it in found], [0.5, 0.95])
        print(f"{name}, reader {reader}: {', '.join(parts)}; {half:.0f} ms p50, {most:.0f} p95")
    without, beside = scores.values()
    change = difference(beside, without)
    print(f"{name}: {change.interval.mean:+.3f} [{change.interval.low:+.3f}, {change.interval.high:+.3f}], p {change.p:.4f}")


def _share(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="folders with an answers.jsonl or a sentences.jsonl")
    parser.add_argument("--reader", default="minilm", metavar="NAME", help="the reader to compare with none (default: minilm)")
    parser.add_argument("--readings", type=Path, metavar="FILE", help="of readers that did not know the article, in the reader's place")
    parser.add_argument("--end-to-end", action="store_true", help="give no passage: search the whole archive")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth question (default: 1)")


COMMAND = Command("selection", "Measure the choice of a sentence in a given passage.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.selection", __doc__, [COMMAND]))
