"""Two sentences -> do they say different things about the same: another figure for what is counted, or a denial of what is said?

Rules, made to be right rather than complete: a difference that is none, pointed at, is a fault; one that is missed is not.
Both sentences have to be about the same thing by the words that they share, names above all, and to be unambiguous about it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from index.bm25 import STOP_WORDS, stem, words
from qa.figures import Figure, figures, is_asked_for, is_measure, is_money, same_value

Difference = Literal["", "figure", "denial"]

# Words that say nothing about what a sentence is about.
_COMMON = STOP_WORDS | frozenset(
    stem(word)
    for word in (
        "its from after before when while who which what where whom whose he she his her him them we our us you your i me my has have "
        "had been were do does did would could should may might can about over under more most some any all both each few many much "
        "other another than up down out off said says say saying told tell asked according reported added announced confirmed admitted "
        "denied deny claimed insisted people person persons number figure total count one two three first last new also only just "
        "still now later earlier year years month months week weeks day days monday tuesday wednesday thursday friday saturday sunday "
        "january february march april june july august september october november december rose risen put known least mr mrs ms dr so "
        "four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty million "
        "billion thousand hundred per cent percent"
    ).split()
)
# Not a denial of anything but of an answer.
_NO_COMMENT = re.compile(
    r"\b(?:would not|wouldn['’]t|did not|didn['’]t|could not|couldn['’]t|will not|cannot|declined to|refused to|not) "
    r"(?:say|answer|comment|discuss|speculate|be drawn|reply|respond|name|give|identify|elaborate|describe|disclose)\w*\b"
    r"|\bno comment\b|\bdeclined\b|\bnot (?:only|just|least|yet|far|known|clear)\b|\bno (?:doubt|later|more|fewer|less|longer)\b"
    r"|, (?:and )?not [^,.;]*",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|untrue|false)\b|n['’]t\b", re.IGNORECASE)
# Offers and appeals are rejected too, and nothing is denied by that.
_DENIES = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|disput(?:es|ed|ing)|refut(?:es|ed|ing)"
    r"|(?:reject|dismiss)(?:s|es|ed|ing)? (?:\w+ )?(?:claim|report|suggestion|allegation|accusation|charge|account)s?)\b"
    r"(?P<what>[^.,;:“”\"!?]*)",
    re.IGNORECASE,
)
_AFFIRMS = re.compile(
    r"\b(?:admit\w*|confirm\w*|conced\w*|acknowledg\w*|accept\w*|found|finds|proved|proven|shows?|showed)\b", re.IGNORECASE
)
_WITHDRAWS = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|withdr[ae]w\w*|retract\w*|correct(?:s|ed|ion)|clarif\w*|earlier version|in fact|wrongly|mistaken\w*)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[^.:]{0,40}:\s")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_NAME = re.compile(r"(?<![.!?“\"] )(?<!^)\b[^\W\d_a-z][^\W\d_]*[a-z]\b")
# The share of what is denied that has to stand in the other sentence.
_DENIED = 0.6
# Two sentences that share this much of all their words (Jaccard) are versions of one.
_VERSION, _LONG = 0.6, 5


def differ(one: str, other: str) -> Difference:
    """What two sentences, each of another article, differ in, if anything."""
    first, second = _read(one), _read(other)
    if first.tokens == second.tokens:
        return ""
    if _apart(first, second):
        return "figure"
    return "denial" if _denies(first, second) or _denies(second, first) else ""


def asks(question: str, one: str, other: str) -> bool:
    """Whether a question asks for the figures that two sentences differ in: the toll stands beside who the captain was."""
    return any(is_asked_for(figure, question) for pair in _apart(_read(one), _read(other)) for figure in pair)


def withdraws(sentence: str) -> bool:
    """Whether a sentence denies something, or takes it back."""
    return _WITHDRAWS.search(sentence) is not None


def names(sentence: str) -> list[str]:
    """Its words with a capital letter, but for one that opens it."""
    return [name for name in _NAME.findall(sentence) if stem(name) not in _COMMON]


class _Read:
    """A sentence with what the rules ask of it."""

    def __init__(self, sentence: str) -> None:
        sentence = _LABEL.sub("", sentence)
        self.tokens = [stem(word) for word in words(sentence)]
        self.content = frozenset(token for token in self.tokens if token not in _COMMON and not token[0].isdigit())
        self.names = frozenset(map(stem, names(sentence)))
        self.opening = frozenset(self.tokens[:1]) - _COMMON
        self.figures = figures(sentence)
        spoken = _NO_COMMENT.sub(" ", sentence)
        self.is_negative = _NEGATIVE.search(spoken) is not None
        denied = [frozenset(stem(word) for word in words(found["what"])) - _COMMON for found in _DENIES.finditer(spoken)]
        self.denied = [what for what in denied if what]
        self.years = frozenset(_YEAR.findall(sentence))
        self.affirms = _AFFIRMS.search(sentence) is not None


_read = lru_cache(maxsize=2_000)(_Read)


def _apart(one: _Read, other: _Read) -> list[tuple[Figure, Figure]]:
    """The figures of the same thing that are not the same."""
    return [
        (mine, theirs)
        for mine, theirs in _keys(one.figures, other.figures)
        if _same_subject(one, other, mine, theirs) and not _is_given(mine, other) and not _is_given(theirs, one)
    ]


def _is_given(figure: Figure, sentence: _Read) -> bool:
    """Whether a sentence has that figure too, be it of something else: then nothing is sure."""
    return any(same_value(figure, one) for one in sentence.figures)


def _keys(ones: Sequence[Figure], others: Sequence[Figure]) -> list[tuple[Figure, Figure]]:
    """Pairs of figures that count the same thing, where each sentence has one figure of that thing and no second."""
    pairs = [(mine, theirs) for mine in ones for theirs in others if _same_thing(mine, theirs)]
    mine_times = Counter(mine for mine, _ in pairs)
    their_times = Counter(theirs for _, theirs in pairs)
    return [(mine, theirs) for mine, theirs in pairs if mine_times[mine] == their_times[theirs] == 1]


def _same_thing(one: Figure, other: Figure) -> bool:
    if "rate" in (one.role, other.role):
        return False
    if is_money(one.unit) or is_money(other.unit) or is_measure(one.unit) or is_measure(other.unit):
        return one.unit == other.unit and one.role == other.role
    if one.role and other.role and one.role != other.role:
        return False
    if one.unit and other.unit:
        return one.unit == other.unit
    return bool(one.role) and one.role == other.role


def _same_subject(one: _Read, other: _Read, mine: Figure, theirs: Figure) -> bool:
    """Whether they speak of the same people or places, of which nothing but that figure differs or it has a role of its own."""
    shared, names = one.content & other.content, _names_of(one, other)
    if not names or (one.years != other.years and (not mine.role or (one.years and other.years)) and not isinstance(mine.value, tuple)):
        return False
    if _versions(one, other):
        return True
    told = isinstance(mine.value, tuple) or (bool(mine.role) and not is_measure(mine.unit))
    return told and bool(shared - names - {mine.unit, theirs.unit})


def _names_of(one: _Read, other: _Read) -> frozenset[str]:
    """The names that two sentences share; one that opens a sentence is known by the other."""
    return (one.names & (other.names | other.opening)) | (other.names & one.opening)


def _versions(one: _Read, other: _Read) -> bool:
    shared = one.content & other.content
    return len(shared) >= _LONG and len(shared) >= _VERSION * len(one.content | other.content)


def _denies(one: _Read, other: _Read) -> bool:
    """Whether one sentence denies what the other says."""
    if other.is_negative or other.denied:
        return False
    if one.is_negative and _versions(one, other):
        return True
    names = _names_of(one, other)
    return any(_is_said(what, other, names) for what in one.denied)


def _is_said(denied: frozenset[str], other: _Read, names: frozenset[str]) -> bool:
    """Whether most of what is denied stands in a sentence, and in one about the same people or places."""
    shared = denied & other.content
    if len(shared) < _DENIED * len(denied):
        return False
    return len(shared) > 2 or (len(shared) > 1 and bool(names)) or (other.affirms and len(names) > 1 and bool(shared))
