"""Article -> passages, by offsets. Pure: the model's own token counter is handed in.

A passage is a run of whole sentences, as many as fit, and the next one starts again with the last sentence of the one
before, so that a sentence is never cut off from both its neighbours. Only a sentence that is longer than a whole passage
is cut, between words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from index.records import Article, Passage
from index.sentences import Span, sentences

# Part of an archive's fingerprint: raise it when the same article would give other passages.
VERSION = 1
# In the model's tokens, heading and special tokens included. eval/README.md has the sizes tried.
SIZE = 256
# [CLS] and [SEP], and one for a mark that some models put between two lines.
_SPECIAL = 3

Counter = Callable[[list[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Chunked:
    """An article, its heading and its passages, in order."""

    article: Article
    heading: str
    passages: list[Passage]

    @property
    def texts(self) -> list[str]:
        """What the legs index for each passage."""
        return [indexed_text(self.article, passage, self.heading) for passage in self.passages]


def heading(title: str, count: Counter, limit: int) -> str:
    """What of a title stands above each passage in the indexed text: as many words as fit into a quarter of it."""
    words = title.split()
    while words and count([" ".join(words)])[0] > limit // 4:
        words.pop()
    return " ".join(words)


def indexed_text(article: Article, passage: Passage, head: str) -> str:
    """What the legs index for a passage: the article's heading and the passage. What is quoted never has the heading."""
    return f"{head}\n{article.text[passage.start : passage.end]}".strip()


def passages(article: Article, head: str, count: Counter, limit: int, overlap: int = 1) -> list[Passage]:
    """The passages of `article`, in order, each at most `limit` tokens with `head` above it, overlapping by `overlap` sentences.

    Every character of the text that is not white space stands in at least one passage.
    """
    budget = limit - _SPECIAL - sum(count([head]) if head else [])
    spans = _fitting(article.text, sentences(article.text), count, budget)
    sizes = count([article.text[start:end] for start, end in spans])
    return [Passage(article.id, spans[first][0], spans[last - 1][1]) for first, last in _pack(sizes, budget, overlap)]


def _pack(sizes: list[int], budget: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Runs [first, last) of sentences whose sizes add up to at most `budget`; each run has at least one new sentence."""
    first = last = 0
    while last < len(sizes):
        new = last
        total = sum(sizes[first:new])
        while last < len(sizes) and (total + sizes[last] <= budget or last == new):
            if total + sizes[last] > budget:
                first, total = last, 0  # the carried sentences leave no room: go on without them
            total += sizes[last]
            last += 1
        yield first, last
        first = max(last - overlap, first + 1)


def _fitting(text: str, spans: list[Span], count: Counter, budget: int) -> list[Span]:
    """`spans`, with each that is larger than `budget` cut between words (inside one, where a single word is)."""
    sizes = count([text[start:end] for start, end in spans]) if spans else []
    fitting: list[Span] = []
    for (start, end), size in zip(spans, sizes, strict=True):
        fitting += [(start, end)] if size <= budget else _fitting(text, _halve(text, start, end), count, budget)
    return fitting


def _halve(text: str, start: int, end: int) -> list[Span]:
    middle = (start + end) // 2
    space = max(text.rfind(" ", start + 1, middle), text.rfind("\n", start + 1, middle))
    cut = space if space > 0 else max(middle, start + 1)
    while cut < end and text[cut].isspace():
        cut += 1
    halves = list(pairwise((start, cut, end)))
    return [(first, first + len(text[first:last].rstrip())) for first, last in halves if text[first:last].strip()]
