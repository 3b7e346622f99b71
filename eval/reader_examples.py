"""Questions with found passages -> batches of tokens to train a reader on. It knows nothing of the rest of this program.

A question comes with a passage that answers it, with passages that the search finds for it and that do not, and often with the first
one again, its answering sentences taken out: then it has all the words, and nothing in it answers.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

FOLDS = 5
_QUESTION, _LIMIT, _READ = 64, 320, 384
# Of the passages found, how many are drawn from, and how many are drawn.
_DEPTH, _OTHERS = 6, 3
# A name inside a question: not its first word, nor one that opens sentences.
_OPENERS = "The|In|A|An|It|This|He|She|They|What|Who|When|Where|How|Which|Why"
_NAME = re.compile(rf"(?<!^)\b(?!(?:{_OPENERS})\b)[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")

Question = dict[str, Any]
Span = tuple[int, int, int]


class Source:
    """The questions and passages of one set, in tokens, their articles dealt into folds."""

    def __init__(self, file: Path, tokenizer: Any) -> None:
        with gzip.open(file, "rt", encoding="utf-8") as data:
            held = json.load(data)
        self.name, self.passages, self.questions = held["name"], held["passages"], held["questions"]
        texts = [text for one in self.passages for text in (one["head"], *(one["text"][a:b] for a, b in one["sentences"]))]
        encoded = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
        self._own: dict[str, list[int]] = {}
        for number, one in enumerate(self.passages):
            one["head_ids"] = next(encoded).ids
            one["encoded"] = [next(encoded) for _ in one["sentences"]]
            self._own.setdefault(one["doc"], []).append(number)
        self._article = {one["doc"]: _article(self.name, one) for one in self.passages}
        articles = sorted(set(self._article.values()))
        random.Random(7).shuffle(articles)
        self._fold = {article: place % FOLDS for place, article in enumerate(articles)}
        self.names = [name[0] for question in self.questions for name in _NAME.finditer(question["text"])]

    def fold_of(self, doc: str) -> int:
        """The fold of a document's article; 0 for one that is not there."""
        return self._fold[self._article[doc]] if doc in self._article else 0

    def own(self, question: Question) -> list[int]:
        """The passages of the document that a question was asked of."""
        return self._own.get(question["doc"], [])

    def held_out(self, fold: int) -> list[Question]:
        """The questions about the articles of a fold."""
        return [one for one in self.questions if self.own(one) and self.fold_of(one["doc"]) == fold]

    def sentences(self, number: int) -> list[str]:
        """The sentences of a passage."""
        one = self.passages[number]
        return [one["text"][start:end] for start, end in one["sentences"]]

    def gold(self, question: Question, number: int) -> tuple[list[bool], Span | None]:
        """Of a passage: which of its sentences answer, and the sentence, first and last token of an answer that stands in one."""
        one, span = self.passages[number], None
        flags = [False] * len(one["sentences"])
        for doc, start, end in question["gold"]:
            first, last = start - one["start"], end - one["start"]
            for at, (opens, closes) in enumerate(one["sentences"]):
                if doc == one["doc"] and (opens <= first < closes or (first <= opens and last >= closes)):
                    flags[at] = True
                    offsets = one["encoded"][at].offsets
                    inside = [n for n, (a, b) in enumerate(offsets) if b > first - opens and a < last - opens]
                    if span is None and inside and opens <= first and last <= closes:
                        span = (at, inside[0], inside[-1])
        return flags, span


def _article(name: str, passage: dict[str, Any]) -> str:
    """What is left out together: paragraphs of an article of SQuAD share its title, reports of one story the first part of their key."""
    if name == "squad2_fit":
        return str(passage["title"])
    return str(passage["doc"]).partition("-")[0] if name == "newsroom" else str(passage["doc"])


@dataclass(frozen=True, slots=True)
class Row:
    """A question and a passage in tokens: `where` names the sentence of each, or -1; `span` is the answer's, 0 and 0 for none."""

    ids: list[int]
    asked: int
    where: list[int]
    gold: list[bool]
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as tensors: int[rows, tokens], bool[rows, sentences], int[rows, 2], and the question of each row."""

    ids: Tensor
    kinds: Tensor
    where: Tensor
    mask: Tensor
    gold: Tensor
    real: Tensor
    span: Tensor
    question: Tensor

    def to(self, device: str) -> Batch:
        """The same on a device."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def at(self, rows: Tensor) -> Batch:
        """Some rows, cut to the longest of them."""
        length = int(self.mask[rows].sum(1).max())
        tokens = (tensor[rows, :length] for tensor in (self.ids, self.kinds, self.where, self.mask))
        return Batch(*tokens, *(tensor[rows] for tensor in (self.gold, self.real, self.span, self.question)))

    def by_question(self, values: Tensor) -> Tensor:
        """[questions, passages x sentences], from [rows, sentences]; zeros where a question has fewer passages."""
        counts = torch.bincount(self.question)
        places = torch.arange(len(self.question), device=values.device) - (counts.cumsum(0) - counts)[self.question]
        spread = values.new_zeros(len(counts), int(counts.max()), values.shape[1])
        spread[self.question, places] = values
        return spread.flatten(1)


def collate(groups: Sequence[Sequence[Row]]) -> Batch:
    """The rows of some questions, padded."""
    rows = [row for group in groups for row in group]
    shape = len(rows), max(len(row.ids) for row in rows)
    ids, kinds, where = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    gold, real = (np.zeros((len(rows), max(len(row.gold) for row in rows)), bool) for _ in range(2))
    for at, row in enumerate(rows):
        size = len(row.ids)
        ids[at, :size], where[at, :size], kinds[at, row.asked : size] = row.ids, row.where, 1
        gold[at, : len(row.gold)], real[at, : len(row.gold)] = row.gold, True
    mask = np.arange(shape[1]) < np.array([len(row.ids) for row in rows])[:, None]
    question = np.array([at for at, group in enumerate(groups) for _ in group])
    return Batch(*map(torch.from_numpy, (ids, kinds, where, mask, gold, real, np.array([row.span for row in rows]), question)))


class Examples(Dataset[list[Row]]):
    """Questions about articles that are not of the fold left out, with passages; another draw in each epoch.

    `times` says how often the questions of a set are gone through in an epoch; .1 takes a tenth of them.
    """

    def __init__(self, sources: Sequence[Source], times: Mapping[str, float], tokenizer: Any, fold: int | None, seed: int) -> None:
        self._sources, self._times = sources, times
        self._tokenizer, self._fold, self._seed = tokenizer, fold, seed
        self._first, self._between, self._asks = (tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]", "?"))
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Draw the questions of an epoch."""
        draw, self._epoch = random.Random(f"{self._seed} {epoch}"), epoch
        self._items: list[tuple[Source, Question]] = []
        for source in self._sources:
            kept = [one for one in source.questions if source.own(one) and source.fold_of(one["doc"]) != self._fold]
            whole, part = divmod(self._times[source.name], 1)
            self._items += [(source, one) for one in [*kept * int(whole), *draw.sample(kept, round(part * len(kept)))]]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: int) -> list[Row]:
        source, question = self._items[place]
        draw = random.Random(hash((place, self._epoch, self._seed)))
        answering = [number for number in source.own(question) if any(source.gold(question, number)[0])]
        main = draw.choice(answering or source.own(question))
        changed = _exchanged(question["text"], source, main, draw) if answering and draw.random() < 0.15 else None
        asked = self._asked(changed or question["text"], draw)
        others = self._others(source, question, draw)
        rows = (
            []
            if answering and not changed and others and draw.random() < 0.1
            else [self._row(source, question, main, asked, changed, draw)]
        )
        if answering and not changed and draw.random() < 0.5:
            rows.append(self._ablated(source, question, main, asked, draw))
        rows += [self._row(source, question, number, asked, changed, draw) for number in others]
        return [row for row in rows if row] or [self.whole(source, main, question)]

    def _asked(self, text: str, draw: random.Random) -> list[int]:
        """A question's tokens, often without its question mark, sometimes without a tenth of its words, as people type them."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids[:_QUESTION]
        if ids[-1:] == [self._asks] and draw.random() < 0.4:
            ids = ids[:-1]
        if draw.random() < 0.5:
            ids = [token for token in ids if draw.random() > 0.1] or ids
        return ids

    def _others(self, source: Source, question: Question, draw: random.Random) -> list[int]:
        """Passages of other documents that were found, and that hold no answer by chance."""
        answers = [answer.lower() for answer in question["answers"]] if question["gold"] else []
        found = [number for number in question["found"] if source.passages[number]["doc"] != question["doc"]]
        found = [number for number in found if source.fold_of(source.passages[number]["doc"]) != self._fold]
        found = [one for one in found if not any(answer in source.passages[one]["text"].lower() for answer in answers)][:_DEPTH]
        return draw.sample(found, min(len(found), _OTHERS))

    def _row(
        self, source: Source, question: Question, number: int, asked: list[int], changed: str | None, draw: random.Random
    ) -> Row | None:
        flags, span = source.gold(question, number)
        if changed:
            flags, span = [False] * len(flags), None
        keep = list(range(len(flags)))
        if len(keep) > 2 and draw.random() < 0.3:  # a shorter run of sentences around one that answers
            size = draw.randint(1, len(keep) - 1)
            centre = draw.choice([at for at in keep if flags[at]] or keep)
            first = max(0, min(centre - draw.randint(0, size), len(keep) - size))
            keep = keep[first : first + size]
        return self._assembled(source, number, asked, keep, flags, span, draw)

    def _ablated(self, source: Source, question: Question, number: int, asked: list[int], draw: random.Random) -> Row | None:
        flags, _ = source.gold(question, number)
        keep = [at for at, answers in enumerate(flags) if not answers]
        return self._assembled(source, number, asked, keep, [False] * len(flags), None, draw)

    def _assembled(
        self, source: Source, number: int, asked: list[int], keep: list[int], flags: list[bool], span: Span | None, draw: random.Random
    ) -> Row | None:
        """The title stands above four passages of five."""
        head = source.passages[number]["head_ids"] if draw.random() < 0.8 else []
        return self._put(source.passages[number]["encoded"], asked, head, keep, flags, span, _LIMIT)

    def whole(self, source: Source, number: int, question: Question) -> Row:
        """A passage as the program reads it, unlabelled."""
        one = source.passages[number]
        asked = self._tokenizer.encode(question["text"], add_special_tokens=False).ids[:_QUESTION]
        keep = list(range(len(one["encoded"])))
        row = self._put(one["encoded"], asked, one["head_ids"], keep, [False] * len(keep), None, _READ)
        assert row is not None
        return row

    def _put(
        self, encoded: list[Any], asked: list[int], head: list[int], keep: list[int], flags: list[bool], span: Span | None, limit: int
    ) -> Row | None:
        ids = [self._first, *asked, self._between, *head]
        where, answer = [-1] * len(ids), (0, 0)
        gold: list[bool] = []
        for at in keep:
            tokens = encoded[at].ids[: limit - 1 - len(ids)]
            if not tokens:
                break
            if span and span[0] == at and span[2] < len(tokens):
                answer = (len(ids) + span[1], len(ids) + span[2])
            where += [len(gold)] * len(tokens)
            ids += tokens
            gold.append(flags[at])
        return Row([*ids, self._between], len(asked) + 2, [*where, -1], gold, answer) if gold else None


def _exchanged(text: str, source: Source, number: int, draw: random.Random) -> str | None:
    """The question with a name or a number exchanged, so that its passage no longer answers it; None where there is nothing to exchange."""
    found = [*_NAME.finditer(text), *_NUMBER.finditer(text)]
    if not found:
        return None
    one = draw.choice(found)
    new = _another_number(one[0], draw) if _NUMBER.fullmatch(one[0]) else _another_name(source, number, draw)
    return None if new.lower() in one[0].lower() or one[0].lower() in new.lower() else text[: one.start()] + new + text[one.end() :]


def _another_number(old: str, draw: random.Random) -> str:
    digits = int(re.sub(r"\D", "", old))
    if 1000 <= digits < 3000:  # a year
        return str(digits + draw.choice([-1, 1]) * draw.randint(1, 40))
    return str(max(1, int(digits * draw.choice([0.3, 0.5, 2, 3])) + draw.randint(1, 9)))


def _another_name(source: Source, number: int, draw: random.Random) -> str:
    """One of the passage itself, or of any question."""
    here = [name[0] for name in _NAME.finditer(source.passages[number]["text"])]
    return draw.choice(here if here and draw.random() < 0.5 else source.names)
