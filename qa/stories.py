"""Hits -> stories: what several outlets print of one report counts once. Nothing here is about what the archive keeps.

Two articles are one story when the shorter is mostly a copy of the other and neither says something else: another figure, or a
denial. A passage of a copy takes no place among the hits, but for what only it has. A quote names the articles that print it too.
Compared are sets of five words in a row, exactly: at most some dozens of passages are at hand (Broder et al., "Syntactic
clustering of the Web", 1997, has the measure, containment; its sketches are for millions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from index.archive import Archive
from index.bm25 import STOP_WORDS, words
from index.records import Article, Hit, Passage
from index.sentences import Span, sentences, touching
from qa.citation import Citation, Copy
from qa.differ import differ, names, withdraws
from qa.disputes import disputed, latest_first
from qa.evidence import Candidate
from qa.numerals import numbers

# Passages searched first for each that is wanted, so that enough are left when copies are set aside.
FETCH = 3
_SHINGLE = 5
# The share of the shorter text's shingles that stand in the other: copies on the sample have .87 to 1.0, other articles at most .02.
_CONTAINED = 0.6
# Words of a lead, and the share of them that the leads of copies have in common.
_LEAD, _ALIKE = 40, 0.4
# Below this two passages have nothing in common, and their articles need not be compared.
_TOUCHES = 0.2
# The share of all their words, numerals aside, that versions of a sentence have in common (Jaccard).
_VERSION = 0.6
# A sentence of a copy says the same as one that shares this much of its words (Jaccard): an outlet's own style, no more.
_SAME = 0.75
_CREDIT = re.compile(
    r"^(?:This|The) (?:article|report|story) (?:was )?(?:first|originally) (?:appeared|published)|^\W*reuters?\W*$", re.IGNORECASE
)
# Words that the same sentence needs to have in two articles that are no copies; a shorter one may be chance.
_LONG = 8
# Characters; lines may be broken elsewhere in a copy, about every seventy.
_RUN = 24
Words = tuple[str, ...]
Shingles = frozenset[Words]


@lru_cache(maxsize=1_000)
def _words(text: str) -> Words:
    return tuple(word.casefold().replace("’", "'") for word in words(text))


@lru_cache(maxsize=200)
def _shingles(text: str) -> Shingles:
    tokens = _words(text)
    return frozenset(tokens[start : start + _SHINGLE] for start in range(max(1, len(tokens) - _SHINGLE + 1)))


def containment(one: str, other: str) -> float:
    """The share of the five-word shingles of the text that has fewer which stand in the other, 0 to 1."""
    first, second = _shingles(one), _shingles(other)
    return len(first & second) / min(len(first), len(second))


@lru_cache(maxsize=200)
def same_story(one: Article, other: Article) -> bool:
    """Whether two articles are one story: near copies, from the first words on, of which neither says something else than the other."""
    if containment(one.text, other.text) < _CONTAINED or not _begin_alike(one, other):
        return False
    earlier, later = sorted((one, other), key=lambda article: article.sort_day)
    return not _is_revised(earlier, later) and (earlier.published != later.published or not _is_revised(later, earlier))


def _begin_alike(one: Article, other: Article) -> bool:
    """Whether the leads share words: what follows up a report repeats its background under a lead of its own."""
    first, second = (frozenset(_words(article.text)[:_LEAD]) - STOP_WORDS for article in (one, other))
    return len(first & second) >= _ALIKE * min(len(first), len(second))


def _is_revised(earlier: Article, later: Article) -> bool:
    """Whether the later of two near copies gives another figure or another name, denies something, or takes it back."""
    old, new = (_own(article, than) for article, than in ((earlier, later), (later, earlier)))
    if any(withdraws(sentence) for sentence in [later.title, *new]) or (_figures_of(old, later) and _figures_of(new, earlier)):
        return True
    known = (_names_of(earlier), _names_of(later))
    return any(differ(sentence, version) or _rewritten(sentence, version, known) for sentence in old for version in new)


def _figures_of(own: list[str], than: Article) -> frozenset[float]:
    """The numbers of an article's own sentences that stand nowhere in another one."""
    return frozenset(number for sentence in own for number in numbers(sentence)) - numbers(than.text).keys()


def _rewritten(one: str, other: str, known: tuple[frozenset[str], frozenset[str]]) -> bool:
    """Whether they are versions of one sentence, and each has a number, or each a name, that the other has not."""
    first, second = ({word for word in _words(text) if not word[0].isdigit()} for text in (one, other))
    if len(first & second) < _VERSION * len(first | second):
        return False
    mine, theirs = numbers(one), numbers(other)
    if mine - theirs and theirs - mine:
        return True
    return bool((first & known[0]) - second and (second & known[1]) - first)


@lru_cache(maxsize=20)
def _names_of(article: Article) -> frozenset[str]:
    """The words that stand with a capital letter inside a sentence of an article."""
    text = article.text
    return frozenset(word for start, end in sentences(text) for name in names(text[start:end]) for word in _words(name))


def _own(article: Article, than: Article) -> list[str]:
    """The sentences that another article does not have word for word; where it is from is none of them."""
    theirs = {_words(than.text[start:end]) for start, end in sentences(than.text)}
    texts = (article.text[start:end] for start, end in sentences(article.text))
    return [text for text in texts if _words(text) not in theirs and not _CREDIT.search(text)]


def distinct(hits: Iterable[Hit], archive: Archive, k: int) -> list[Hit]:
    """The first `k` hits that tell something new, in their order.

    A passage of a copy is left out where every sentence of it stands in the passages above; one that has sentences of its own is cut to
    the run of those, and takes no place of the `k` unless they are most of it. No hit after the last place is asked for.
    """
    kept: list[Hit] = []
    places = 0
    for hit in hits:
        fresh = _fresh(hit, kept, archive)
        if fresh is None:
            continue
        kept.append(fresh)
        places += 2 * _size(fresh) > _size(hit)
        if places == k:
            break
    return kept


def _size(hit: Hit) -> int:
    return hit.passage.end - hit.passage.start


def _fresh(hit: Hit, kept: Sequence[Hit], archive: Archive) -> Hit | None:
    """A hit cut to what none above it of a copy of its article says; None where that is nothing."""
    above = _copied(hit, kept, archive)
    if not above:
        return hit
    article = archive.article(hit.passage.article_id)
    told = {_words(text) for one in above for text in _texts(archive.article(one.passage.article_id), _within(one, archive))}
    new = [span for span in _within(hit, archive) if not _is_told(article.text[slice(*span)], told)]
    if not new:
        return None
    return replace(hit, passage=Passage(article.id, max(new[0][0], hit.passage.start), min(new[-1][1], hit.passage.end)))


def _copied(hit: Hit, kept: Sequence[Hit], archive: Archive) -> list[Hit]:
    """The hits above that share a run of text with this one and whose article is a copy of its."""
    article, text = archive.article(hit.passage.article_id), archive.text(hit.passage)
    others = (one for one in kept if one.passage.article_id != article.id and containment(text, archive.text(one.passage)) >= _TOUCHES)
    return [one for one in others if same_story(article, archive.article(one.passage.article_id))]


def _within(hit: Hit, archive: Archive) -> list[Span]:
    """The sentences that share a character with the passage of a hit."""
    return touching(archive.article(hit.passage.article_id).text, hit.passage.start, hit.passage.end)


def _texts(article: Article, spans: Sequence[Span]) -> list[str]:
    return [article.text[start:end] for start, end in spans]


def _is_told(sentence: str, told: set[Words]) -> bool:
    """Whether one of some sentences says it, in these words or nearly; or it says only where the story is from."""
    tokens = _words(sentence)
    return tokens in told or _CREDIT.search(sentence) is not None or any(_is_version(tokens, other) for other in told)


def _is_version(one: Words, other: Words) -> bool:
    first, second = set(one), set(other)
    return len(first & second) >= _SAME * len(first | second)


def quotable(ranked: Sequence[Candidate], k: int, share: float, question: str) -> list[Candidate]:
    """Of the first `k` sentences that no better one says already, those with a share of the best one's support.

    The latest that differs from the best one has a place among them, whatever its support: a figure that is asked for is not shown without
    the other. It goes first where the question asks for the last one.
    """
    kept = [one for one in _once(ranked, k) if one.support >= share * ranked[0].support]
    others = [one for one in ranked if disputed(ranked[0], one, question)]
    if others and not any(one in others for one in kept):
        kept = [*kept[: k - 1], max(others, key=lambda one: one.article.published)]
    return latest_first(kept, question)


def _once(ranked: Sequence[Candidate], k: int) -> list[Candidate]:
    kept: list[Candidate] = []
    for one in ranked:
        if len(kept) == k:
            break
        if not any(_repeats(one, above) for above in kept):
            kept.append(one)
    return kept


def _repeats(one: Candidate, above: Candidate) -> bool:
    """Whether a sentence stands above already: in its own article the very words, as a standfirst and the body have them."""
    if one.article.id == above.article.id:
        return _words(one.text) == _words(above.text)
    return _print(_words(above.text), one.article, above.article, _words(one.text))


def _print(tokens: Words, other: Article, article: Article, theirs: Words) -> bool:
    """Whether a sentence of another article is a sentence of an article again: word for word, or nearly in a copy of it."""
    if tokens == theirs:
        return len(tokens) >= _LONG or same_story(article, other)
    return _is_version(tokens, theirs) and same_story(article, other)


def with_copies(citation: Citation, articles: Sequence[Article]) -> Citation:
    """A citation with where other articles print its sentence, by date, those without one last."""
    found = (_copy(citation, other) for other in articles if other.id != citation.article.id and _may_print(citation.quote, other.text))
    return replace(citation, also=tuple(sorted(filter(None, found), key=lambda copy: (copy.article.sort_day, copy.article.id))))


def _may_print(quote: str, text: str) -> bool:
    """Whether some run of a sentence's characters stands in a text: what has none is not read sentence by sentence."""
    return any(quote[start : start + _RUN] in text for start in range(0, max(1, len(quote) - _RUN), _RUN // 2))


def _copy(citation: Citation, other: Article) -> Copy | None:
    tokens = _words(citation.quote)
    spans = (span for span in sentences(other.text) if _print(tokens, other, citation.article, _words(other.text[slice(*span)])))
    span = next(spans, None)
    return Copy(other, *span) if span else None
