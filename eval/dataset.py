"""A question set of this project's own format; eval/beir.py has the other. Judgements are spans of articles, or whole documents.

The format is one JSON object a line: id, question, kind, and evidence: a list of article and quote, empty where the kind is
unanswerable. Evidence in a syndicated copy names the place in that list of what it is a `copy_of`. A follow-up names the id of the
question that it `follows`. An article is named by the end of its path. A quote that is missing, or stands twice in its article, is an
error that names the line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from index.archive import Archive
from index.articles import file_of
from index.bm25 import words
from index.errors import UsageError
from index.records import Article, Passage

HERE = Path(__file__).parent
SAMPLE_ARTICLES = HERE / "articles"
SAMPLE_QUESTIONS = HERE / "questions.jsonl"
UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of an article that answers a question; a passage is relevant when it overlaps it. A copy knows its original."""

    article_id: str
    start: int
    end: int
    original: Evidence | None = None

    def overlaps(self, article_id: str, start: int, end: int) -> bool:
        """Whether a span of an article shares a character with this one."""
        return article_id == self.article_id and start < self.end and self.start < end

    def passages(self, archive: Archive) -> list[str]:
        """The names of the passages that overlap it, in the order of the article."""
        passages = archive.passages(self.article_id)
        return [passage_key(one) for one in passages if self.overlaps(one.article_id, one.start, one.end)]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its kind, and what answers it: spans in our format, graded documents in BEIR's.

    `follows` is the id of the question that a follow-up was asked after. `quotes` are the sentences that a folder's answers.jsonl names as
    evidence: document and sentence, with white space deleted.
    """

    id: str
    text: str
    kind: str
    evidence: tuple[Evidence, ...] = ()
    documents: dict[str, int] = field(default_factory=dict)
    quotes: tuple[tuple[str, str], ...] = ()
    follows: str = ""

    @property
    def answerable(self) -> bool:
        """Whether the archive says it."""
        return self.kind != UNANSWERABLE


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions with their judgements. `by_document`: passages count as their documents, each by its best one."""

    name: str
    questions: tuple[Question, ...]
    digest: str
    by_document: bool

    @property
    def is_sample(self) -> bool:
        """Whether it is this project's own, whole."""
        return self.digest == digest_of(SAMPLE_QUESTIONS)

    @property
    def answerable(self) -> tuple[Question, ...]:
        """The questions that the archive answers."""
        return tuple(question for question in self.questions if question.answerable)

    def of_kind(self, kind: str | None) -> Dataset:
        """The questions of one kind; all of them for None. A UsageError where none of them is answerable: nothing could be measured."""
        if kind is None and self.answerable:
            return self
        questions = tuple(question for question in self.questions if kind in (None, question.kind))
        kept = replace(self, questions=questions, digest=hashlib.sha256(f"{self.digest} {kind}".encode()).hexdigest())
        if not kept.answerable:
            kinds = ", ".join(dict.fromkeys(question.kind for question in self.answerable if question.kind)) or "no kinds"
            raise UsageError(f"{self.name} has no answerable question{f' of kind {kind!r}: it has {kinds}' if kind else ''}")
        return kept


def sample(archive: Archive) -> Dataset:
    """This project's questions, with their evidence found in `archive`."""
    return from_questions(SAMPLE_QUESTIONS, archive, "sample")


def from_questions(file: Path, archive: Archive, name: str) -> Dataset:
    """Questions in our format; a UsageError names the line that is none, or whose quote cannot be found."""
    finder = _Finder(archive)
    questions: dict[str, Question] = {}
    for line, record in records(file, ("id", "question", "kind", "evidence")):
        place = f"{file}:{line}: question {record['id']}"
        question = _question(record, finder, place)
        if question.id in questions:
            raise UsageError(f"{place} stands there twice: give one of them another id")
        questions[question.id] = question
    if not questions:
        raise UsageError(f"{file}: it has no questions")
    return Dataset(name, tuple(questions.values()), digest_of(file), by_document=False)


def _question(record: dict[str, Any], finder: _Finder, place: str) -> Question:
    if not all(isinstance(record[name], str) for name in ("id", "question", "kind")) or not isinstance(record["evidence"], list):
        raise UsageError(f"{place}: id, question and kind are texts, and evidence is a list")
    kind, text = record["kind"], record["question"].strip()
    if not words(text):
        raise UsageError(f"{place} is empty: write one, or delete the line")
    if record["id"].split() != [record["id"]]:
        raise UsageError(f"{place}: an id is one word, for the files of a run")
    if bool(record["evidence"]) == (kind == UNANSWERABLE):
        raise UsageError(f"{place} is of kind {kind!r} and has {len(record['evidence'])} quotes: only {UNANSWERABLE} ones have none")
    spans: list[Evidence] = []
    for one in record["evidence"]:
        try:
            original = spans[_place(one["copy_of"])] if "copy_of" in one else None
            span = finder.span(place, str(one["article"]), str(one["quote"]))
            spans.append(replace(span, original=original and (original.original or original)))
        except (KeyError, IndexError, TypeError) as error:
            raise UsageError(f"{place}: evidence has an article, a quote, and perhaps the place of what it is a copy_of") from error
    return Question(record["id"], text, kind, tuple(spans), follows=str(record.get("follows", "")))


def _place(number: object) -> int:
    if type(number) is not int or number < 0:
        raise IndexError(number)
    return number


class _Finder:
    """Finds the span of a quote in an archive's articles."""

    def __init__(self, archive: Archive) -> None:
        self._articles = {article.path: article for article in archive.articles()}

    def span(self, place: str, name: str, quote: str) -> Evidence:
        article = self._article(place, name)
        places = article.text.count(quote)
        if places != 1:
            raise UsageError(f"{place}: its quote stands {places} times in {name}, not once: {quote[:60]!r}")
        start = article.text.index(quote)
        return Evidence(article.id, start, start + len(quote))

    def _article(self, place: str, name: str) -> Article:
        named = [article for path, article in self._articles.items() if path == name or path.endswith(f"/{name}")]
        if len(named) != 1:
            raise UsageError(f"{place}: {len(named)} articles of the archive are named {name}, not one")
        return named[0]


def records(file: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file with their line numbers; a UsageError names the line that is none, or that lacks a needed field."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as UTF-8 text ({error})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            json.dumps(record, ensure_ascii=False).encode()  # half a character is no text
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{file}:{number}: not a JSON object: {error}") from error
        if not isinstance(record, dict):
            raise UsageError(f"{file}:{number}: not a JSON object")
        missing = [name for name in needed if name not in record]
        if missing:
            raise UsageError(f"{file}:{number}: it has no {', '.join(missing)}")
        yield number, record


def digest_of(*files: Path) -> str:
    """What tells one state of the files of a set from another: SHA-256."""
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def passage_key(passage: Passage) -> str:
    """A passage's name in a run."""
    return f"{passage.article_id}:{passage.start}-{passage.end}"


def document_key(article: Article) -> str:
    """A document's name in a run: its key in corpus.jsonl."""
    return article.path.removeprefix(file_of(article.path)).removeprefix("#")
