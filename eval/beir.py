"""A BEIR folder as a question set: Thakur et al., "BEIR", NeurIPS Datasets and Benchmarks 2021. Judgements are whole documents."""

from __future__ import annotations

import csv
from pathlib import Path

from eval.dataset import Dataset, Question, digest_of, document_key, records
from index.archive import Archive
from index.errors import UsageError


def beir(folder: Path) -> Dataset:
    """A BEIR folder: queries.jsonl and qrels/*.tsv (test.tsv where there are several); only judged queries count.

    An answers.jsonl beside them (_id, evidence with quotes) gives each question the sentences that answer it.
    """
    qrels_files = sorted((folder / "qrels").glob("*.tsv"))
    for needed in (folder / "corpus.jsonl", folder / "queries.jsonl"):
        if not needed.is_file():
            raise UsageError(f"{folder}: not a BEIR folder, it has no {needed.name}")
    if not qrels_files:
        raise UsageError(f"{folder}: not a BEIR folder, it has no qrels/*.tsv")
    file = next((one for one in qrels_files if one.stem == "test"), qrels_files[0])
    judged: dict[str, dict[str, int]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines, delimiter="\t"), start=2):
            try:
                judged.setdefault(row["query-id"], {})[row["corpus-id"]] = int(float(row["score"]))
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(f"{file}:{number}: not a judgement: query-id, corpus-id and score, with a header") from error
    texts = {str(record["_id"]): str(record["text"]) for _, record in records(folder / "queries.jsonl", ("_id", "text"))}
    if unasked := judged.keys() - texts.keys():
        raise UsageError(f"{file}: query {min(unasked)} is judged, and not in queries.jsonl")
    quotes = _quotes(folder / "answers.jsonl")
    questions = tuple(
        Question(query, texts[query], "", documents=grades, quotes=quotes.get(query, ()))
        for query, grades in judged.items()
        if any(grades.values())
    )
    if not questions:
        raise UsageError(f"{file}: no query has a relevant document")
    judged_by = [file, folder / "queries.jsonl", *filter(Path.is_file, [folder / "answers.jsonl"])]
    return Dataset(folder.resolve().name, questions, digest_of(*judged_by), by_document=True)


def check_held(dataset: Dataset, archive: Archive) -> list[str]:
    """The relevant documents of a BEIR folder that the archive does not have, each counted as missed; a UsageError where it has none."""
    held = {document_key(article) for article in archive.articles()}
    wanted = {name for question in dataset.questions for name, grade in question.documents.items() if grade}
    if wanted and not wanted & held:
        raise UsageError(f"{archive.path} has none of the documents of {dataset.name}: add its corpus.jsonl, or leave --archive out")
    return sorted(wanted - held)


def _quotes(file: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    if not file.is_file():
        return {}
    found = {}
    for line, record in records(file, ("_id", "evidence")):
        try:
            quotes = tuple((str(one["doc"]), "".join(one["quote"].split())) for one in record["evidence"])
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{file}:{line}: evidence is a list of doc and quote") from error
        found[str(record["_id"])] = tuple((doc, quote) for doc, quote in quotes if quote)
    return found
