"""Words of a message -> outlets of the archive. Pure rules over English.

An outlet is read only behind or before words that make it the source: "according to the Courier", "in the Harbour Courier", "did the
Gazette report", "the Ledger's coverage". What is told to an outlet, or asked about it, is none. A name may be shortened to its last words.
One word in small letters may be an ordinary one, and counts least: with "the" where it is shortened or the outlet's own name has it, and
before no other noun, so that "independent experts", "stories of the week" and "coverage of sport" are none; shortened, only behind
"according to" and the like. Where several outlets end so, each of them is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from qa.question import CONNECTING

_WORD = re.compile(r"[^\W_]+(?:[.&-][^\W_]+)*|&")
_REPORTS = (
    "report|reports|reported|write|writes|wrote|say|says|said|publish|published|print|printed|claim|claimed|describe|described|estimate"
    "|estimated"
)
_PIECES = "reports?|articles?|stories|story|coverage|accounts?|version|reporters?|correspondents?|reporting"
# The end of what stands before a name: words that are enough, and words that ask for a name which can be nothing else.
_BEFORE = re.compile(
    rf"\b(?:according to|(?:reported|published|printed|covered|quoted|carried|seen) (?:by|in)|(?:{_PIECES}) (?:of|by|from|in))(?: the)? $",
    re.IGNORECASE,
)
_BEFORE_A_WORD = re.compile(
    rf"\b(?:according to|(?:reported|published|printed|covered|quoted|carried|seen) by|(?:{_PIECES}) by)(?: the)? $", re.IGNORECASE
)
_BEFORE_A_NAME = re.compile(r"(?<!shares )(?<!stake )(?<!jobs )(?<!job )(?<!interest )\b(?:in|from)(?: the)? $", re.IGNORECASE)
_DID = re.compile(r"\b(?:did|does|has|had)(?: the)? $", re.IGNORECASE)
_THE = re.compile(r"\bthe $", re.IGNORECASE)
# The start of what stands after one.
_AFTER = re.compile(rf"(?:['’]s)? (?:{_PIECES})\b", re.IGNORECASE)
_SAYS = re.compile(rf" (?:first |later |also |originally )?(?:{_REPORTS})\b", re.IGNORECASE)
# "The independent report", "the independent claims".
_NOUN = re.compile(rf" (?:{_PIECES}|claims?|estimates?)\b", re.IGNORECASE)
_GOES_ON = rf" (?!(?:{CONNECTING}|did|does|do|was|were|is|are|has|have|had|will|would|can|could|should)\b)"
_LONGER_NAME = re.compile(rf"(?i:{_GOES_ON})[A-Z][a-z]")
_LONGER = re.compile(rf"{_GOES_ON}[^\W_]", re.IGNORECASE)
# Where it is somebody to speak to or about, it is no source.
_TOLD = re.compile(r"\b(?:at|to|told|for|with|against|of|over|about|who|by|owns|sued)(?: the)? $", re.IGNORECASE)
# A shortened name is no end of a longer one that the archive does not have.
_ALONE = re.compile(r"\b(?:the|to|by|in|from|of|did|and|or) $", re.IGNORECASE)
_AND = re.compile(r"(?:,|,? and|,? or)(?: the)? ", re.IGNORECASE)

Names = Mapping[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """What `message[start:end]` names as the source: outlets, as the archive has them."""

    start: int
    end: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    """A name at `message[start:end]`. plain: of several words, or written with a capital. full: not shortened."""

    start: int
    end: int
    names: tuple[str, ...]
    plain: bool
    full: bool

    @property
    def has_article(self) -> bool:
        """Whether "the" belongs before it: where it is shortened, and where the name itself has one."""
        return not self.full or all(name.casefold().startswith("the ") for name in self.names)


def read(message: str, outlets: Iterable[str]) -> list[Source]:
    """Every source that is named, in order; none where an outlet is named that is no source: it may be the one to ask about, or another."""
    found: list[Source] = []
    for mention in _mentions(message, *_known(outlets)):
        before, after = message[: mention.start], message[mention.end :]
        if found and _AND.fullmatch(message[found[-1].end : mention.start]) and _is_whole(before, after, mention):
            names = tuple(dict.fromkeys((*found[-1].names, *mention.names)))
            found[-1] = Source(found[-1].start, mention.end, names)
        elif cue := _cue(before, after, mention):
            found.append(Source(mention.start - cue[0], mention.end + cue[1], mention.names))
        elif mention.plain and mention.full:
            return []
    return found


def _cue(before: str, after: str, mention: _Mention) -> tuple[int, int] | None:
    """How many characters before and after a name make it a source; None where nothing does."""
    if _is_whole(before, after, mention):
        pattern = _BEFORE if mention.plain else _BEFORE_A_WORD
        if cue := pattern.search(before):
            return len(cue[0]), 0
        if mention.plain and not after.startswith(("'s", "’s")) and not _LONGER.match(after) and (cue := _BEFORE_A_NAME.search(before)):
            return len(cue[0]), 0
    if not (mention.plain or mention.full):
        return None
    the = _THE.search(before)
    if not mention.plain and the and _NOUN.match(after):
        return None
    says = _SAYS.match(after)
    if says and (the or mention.plain or not mention.has_article) and (cue := _DID.search(before)):
        return len(cue[0]), says.end()
    if (cue := _AFTER.match(after) or says) and not _TOLD.search(before) and (the or mention.plain):
        return len(the[0]) if the else 0, cue.end()
    return None


def _is_whole(before: str, after: str, mention: _Mention) -> bool:
    """Whether a name is no part of a longer one, and one word in small letters no ordinary one."""
    if mention.plain:
        return not _LONGER_NAME.match(after)
    return not _LONGER.match(after) and (_THE.search(before) is not None or not mention.has_article)


def _known(outlets: Iterable[str]) -> tuple[Names, Names]:
    """The words of each name, and those of each end of one -> the outlets that it may mean."""
    full: dict[tuple[str, ...], tuple[str, ...]] = {}
    ends: dict[tuple[str, ...], tuple[str, ...]] = {}
    for outlet in sorted(filter(None, outlets)):
        words = tuple(word for _, word in _words(outlet))
        words = words[1:] if words[:1] == ("the",) and len(words) > 1 else words
        if words:
            full[words] = (*full.get(words, ()), outlet)
        for start in range(1, len(words)):
            if words[start - 1] != "and":
                ends[words[start:]] = (*ends.get(words[start:], ()), outlet)
    return full, ends


def _words(text: str) -> list[tuple[re.Match[str], str]]:
    return [(match, "and" if match[0] == "&" else match[0].casefold()) for match in _WORD.finditer(text)]


def _mentions(message: str, full: Names, ends: Names) -> Iterator[_Mention]:
    """The names in a message, the longest at each place. A full name means only itself."""
    found, known = _words(message), {**ends, **full}
    words, longest, place = tuple(word for _, word in found), max(map(len, known), default=0), 0
    while place < len(words):
        sizes = range(min(longest, len(words) - place), 0, -1)
        size = next((size for size in sizes if words[place : place + size] in known), 0)
        if size:
            start, end = found[place][0].start(), found[place + size - 1][0].end()
            names = known[words[place : place + size]]
            mention = _Mention(start, end, names, size > 1 or message[start].isupper(), words[place : place + size] in full)
            if mention.full or _ALONE.search(message[:start]):
                yield mention
        place += size or 1
