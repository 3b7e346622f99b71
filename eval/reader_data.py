"""python -m eval.reader_data OUT DIR...: what a reader is trained on: questions, with the passages found for them.

Each folder becomes OUT/<its name>.json.gz, which eval/train_reader.py reads on a machine that need not have this program's archive.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import Any

from eval.archives import prepare
from eval.dataset import document_key, records
from eval.labels import check_apart
from index import Archive, terminal
from index.chunk import heading
from index.sentences import sentences
from index.terminal import Command

# At least as many as eval/train_reader.py reads of them.
_FOUND = 12

Key = tuple[str, int, int]


def _passages(archive: Archive) -> tuple[list[dict[str, Any]], dict[Key, int]]:
    """Every passage with its sentences as spans of it, and the place of each in that list."""
    listed: list[dict[str, Any]] = []
    places: dict[Key, int] = {}
    for article in archive.articles():
        spans = sentences(article.text)
        head = heading(article.title, archive.encoder.count, archive.encoder.max_tokens)
        for one in archive.passages(article.id):
            cut = [(max(start, one.start) - one.start, min(end, one.end) - one.start) for start, end in spans]
            places[one.article_id, one.start, one.end] = len(listed)
            listed.append(
                {
                    "doc": document_key(article), "title": article.title, "head": head, "start": one.start,
                    "text": article.text[one.start : one.end], "sentences": [span for span in cut if span[0] < span[1]],
                }
            )  # fmt: skip
    return listed, places


def _gold(answer: dict[str, Any], texts: dict[str, str]) -> list[tuple[str, int, int]]:
    """Document and span of each piece of evidence: the place of its quote that is nearest to the one given."""
    found = []
    for one in [] if answer.get("unanswerable") else answer["evidence"]:
        text, quote = texts.get(one["doc"], ""), one["quote"]
        places = [at for at in range(len(text)) if text.startswith(quote, at)]
        if places:
            start = min(places, key=lambda at: abs(at - one["start"]))
            found.append((one["doc"], start, start + len(quote)))
    return found


def _collected(folder: Path) -> dict[str, Any]:
    archive = prepare(folder, None)
    passages, places = _passages(archive)
    texts = {document_key(article): article.text for article in archive.articles()}
    asked = {row["_id"]: row["text"] for _, row in records(folder / "queries.jsonl", ("_id", "text"))}
    questions = []
    for _, answer in records(folder / "answers.jsonl", ("_id", "evidence")):
        hits = archive.search(asked[answer["_id"]], _FOUND)
        questions.append(
            {
                "id": answer["_id"], "text": asked[answer["_id"]], "answers": answer.get("answers", []),
                "doc": answer.get("paragraph") or answer.get("passage"), "gold": _gold(answer, texts),
                "found": [places[hit.passage.article_id, hit.passage.start, hit.passage.end] for hit in hits],
            }
        )  # fmt: skip
    return {"name": folder.name, "passages": passages, "questions": questions}


def _run(arguments: argparse.Namespace) -> int:
    arguments.out.mkdir(parents=True, exist_ok=True)
    for folder in arguments.folders:
        check_apart(folder)
        file = arguments.out / f"{folder.resolve().name}.json.gz"
        with gzip.open(file, "wt", encoding="utf-8") as data:
            json.dump(_collected(folder.resolve()), data, ensure_ascii=False)
        terminal.talk(f"written {file}")
    return 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder for the files")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="BEIR folders with an answers.jsonl")


COMMAND = Command("reader_data", "Collect what a reader is trained on.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.reader_data", __doc__, [COMMAND]))
