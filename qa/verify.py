"""Exported quotes + the archive as it is now -> a verdict on each: is it still what its article says, where it says?

verbatim    it stands there
moved       it stands elsewhere in the article
gone        the article is there, and does not have it any more
missing     the article is not in the archive any more
altered     the export was changed: the quote and its own digest do not agree

It reads one commit, and loads no model.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from index import Archive, Article
from index.sentences import sentences, touching
from qa.citation import digest, label
from qa.exported import Quoted

OUTCOMES = ("verbatim", "moved", "gone", "missing", "altered")
# Of these the archive still says what was quoted.
STANDING = frozenset(OUTCOMES[:2])

# A sentence of which this share of words is the quote's, in order, is what became of it; longer quotes take too long to compare.
_ALIKE, _COMPARED = 0.5, 400

_NO_WORD_BEFORE, _NO_WORD_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_NO_NUMBER_BEFORE, _NO_NUMBER_AFTER = r"(?<![0-9][.,])", r"(?![.,]?[0-9])"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a quote. It stands, or stood, in the article at `path`; that is "" where it is missing.

    verbatim, moved: characters start to end, now. gone: what became of the sentence, or else what stands in its place, is `now`, at start
    to end. altered: `now` is what was exported, as far as the archive still has that version of the article.
    `changed`, of a quote that stands: whether its article has other bytes, outlet, title or date than when it was exported.
    """

    quote: Quoted
    outcome: str
    path: str = ""
    start: int = 0
    end: int = 0
    now: str = ""
    changed: bool = False


def verify(quotes: Sequence[Quoted], archive: Archive) -> list[Verdict]:
    """A verdict on each quote, in order. Articles are found by id, by the SHA-256 of their bytes, by path."""
    with archive.snapshot():
        shelf = _Shelf(archive)
        return [_verdict(quote, shelf.find(quote)) for quote in quotes]


class _Shelf:
    """The articles of an archive by id, by digest and by path."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        known = archive.known()
        self._ids = {path: article_id for path, (article_id, _) in known.items()}
        self._copies: defaultdict[str, list[str]] = defaultdict(list)
        for article_id, sha256 in known.values():
            self._copies[sha256].append(article_id)
        self._all = frozenset(self._ids.values())

    def find(self, quote: Quoted) -> list[Article]:
        """The articles that a quote may be of, the likeliest first."""
        by_path = [self._ids[quote.path]] if quote.path in self._ids else []
        found = dict.fromkeys([quote.article, *self._copies.get(quote.sha256, []), *by_path])
        return [self._archive.article(article_id) for article_id in found if article_id in self._all]


def _verdict(quote: Quoted, articles: Sequence[Article]) -> Verdict:
    if not quote.intact:
        return _altered(quote, articles)
    standing = [(article, start) for article in articles if (start := _nearest(quote, article)) >= 0]
    if standing:
        article, start = next((one for one in standing if one[1] == quote.start), standing[0])
        outcome = "verbatim" if start == quote.start else "moved"
        return Verdict(quote, outcome, article.path, start, start + len(quote.text), changed=_has_changed(article, quote))
    if not articles:
        return Verdict(quote, "missing")
    start, end = _became(quote, articles[0].text)
    return Verdict(quote, "gone", articles[0].path, start, end, articles[0].text[start:end])


def _has_changed(article: Article, quote: Quoted) -> bool:
    return digest(quote.text, quote.start, quote.end, article.sha256, label(article)) != quote.digest


def _altered(quote: Quoted, articles: Sequence[Article]) -> Verdict:
    for article in articles:
        if article.sha256 == quote.sha256:
            return Verdict(quote, "altered", article.path, quote.start, quote.end, article.text[max(quote.start, 0) : max(quote.end, 0)])
    return Verdict(quote, "altered", articles[0].path if articles else "")


def _nearest(quote: Quoted, article: Article) -> int:
    """Where the quote stands nearest to its old place; -1 where it stands nowhere.

    In another version of the article no word or number at its ends goes on: "21 died." does not stand in "121 died."
    """
    if quote.text not in article.text:
        return -1
    first, last, whole = quote.text[:1], quote.text[-2:], re.escape(quote.text)
    if article.sha256 != quote.sha256:
        before = (_NO_WORD_BEFORE if first.isalnum() else "") + (_NO_NUMBER_BEFORE if first.isdigit() else "")
        after = (_NO_WORD_AFTER if last[-1:].isalnum() else "") + (_NO_NUMBER_AFTER if re.search(r"[0-9][.,]?$", last) else "")
        whole = before + whole + after
    found = (match.start() for match in re.finditer(f"(?={whole})", article.text))
    return min(found, key=lambda start: abs(start - quote.start), default=-1)


def _became(quote: Quoted, text: str) -> tuple[int, int]:
    """The span of the sentence that is most like the quote; else of those that stand in its place, which may be none."""
    spans, words = sentences(text), quote.text.split()
    if spans and len(words) <= _COMPARED:
        matcher = SequenceMatcher(None, (), words, autojunk=False)
        alike = [_likeness(matcher, text[start:end].split()) for start, end in spans]
        if max(alike) >= _ALIKE:
            return spans[alike.index(max(alike))]
    there = touching(text, quote.start, quote.end)
    return (there[0][0], there[-1][1]) if there else (len(text), len(text))


def _likeness(matcher: SequenceMatcher[str], words: list[str]) -> float:
    matcher.set_seq1(words)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio)  # cheap, and never below the ratio itself
    return matcher.ratio() if all(bound() >= _ALIKE for bound in bounds) else 0.0
