"""Text -> sentence spans. Pure, lossless, one pass; it knows nothing of articles or passages.

Made for English news: titles and ranks before names, initials, initialisms that may or may not end a sentence, quotation
marks after the stop, datelines, decimals. The libraries tried on real news break sentences at "Lt. Gen." or at unbalanced
curly quotes; tests/test_sentences.py keeps the cases.
"""

from __future__ import annotations

import re

Span = tuple[int, int]

# A stop, the quotes and brackets that close with it, then white space and something that can open a sentence.
_STOP = re.compile(r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+(?=\s+["'“‘«(\[]*[^\W_a-z])""")
# A line that neither ends in a stop nor is as long as a wrapped line stands alone: a heading, a label, a list item.
_LINE_BREAK = re.compile(r"\n[ \t]*\n\s*|\n")
_WRAPPED = 50
_STOPPED = re.compile(r"""[.!?…]["'”’»)\]]*$""")

_BEFORE_NAMES = frozenset(
    "mr mrs ms mx dr prof gen lt col sgt capt cpl maj adm cmdr cdr brig pvt sen rep gov pres rev hon fr supt insp det messrs "
    "vs v cf eg ie approx".split()
)
_BEFORE_NUMBERS = frozenset("no nos vol vols fig figs art sec ch p pp".split())
_MAY_END = frozenset(
    "st mt ft co inc ltd corp plc llc bros jr sr etc dept est ave blvd rd al a.m p.m am pm "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun "
    "ala ariz ark calif colo conn del fla ga ill ind kan ky la mass md mich minn miss mo mont neb nev okla ore pa tenn tex "
    "va vt wash wis wyo".split()
)
# An initial or an initialism: J. Smith, U.S. troops.
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
# Words that rarely follow an abbreviation inside a sentence with a capital letter, so a sentence starts there.
_STARTER = re.compile(
    r"""["'“‘«(\[]*(?:The|They|Their|There|These|Those|This|That|He|She|It|Its|His|Her|We|Our|You|I|In|On|At|By|For|From|"""
    r"""To|With|But|And|Or|So|Yet|A|An|If|As|When|While|Where|Who|What|Why|How|Was|Were|Is|Are|Did|Do|Does|Has|Have|Had|"""
    r"""After|Before|Since|Until|Although|Though|However|Nobody|Some|Many|Most|Both|Each|All|No|Not|Now|Then|Later|Earlier|"""
    r"""Last|Next|Mr|Mrs|Ms|Dr|Asked|Officials|Police|Critics|Residents|Analysts|Reports)\b"""
)
# "Is it over?" Kirby asked: the quotation ends, the sentence does not.
_ATTRIBUTION = re.compile(r"(?:[^\W\d_]\w*\s+){1,3}(?:said|says|asked|asks|told|wrote|writes|added|shouted|replied|cried)\b")


def sentences(text: str) -> list[Span]:
    """The spans of the sentences of `text`, in order, without the white space around them.

    They do not overlap, and whatever lies between them is white space: nothing is lost.
    """
    return [span for start, end in _lines(text) for span in _split(text, start, end)]


def touching(text: str, start: int, end: int) -> list[Span]:
    """The sentences that share a character with `text[start:end]`."""
    return [span for span in sentences(text) if span[0] < end and start < span[1]]


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """The sentence before `text[start:end]` and the one after it, or the rest of one that is cut there; "" at either end of the text."""
    spans = sentences(text)
    before = max((span for span in spans if span[0] < start), default=(0, 0))
    after = min((span for span in spans if span[1] > end), default=(0, 0))
    return text[before[0] : min(before[1], start)].strip(), text[max(after[0], end) : after[1]].strip()


def _lines(text: str) -> list[Span]:
    """Stretches inside which sentences are looked for: paragraphs, cut at line breaks that are not mere wrapping."""
    spans, start = [], 0
    for match in _LINE_BREAK.finditer(text):
        if match.group().count("\n") > 1 or not _is_wrapped(text, match.start(), match.end()):
            spans.append((start, match.start()))
            start = match.end()
    return [*spans, (start, len(text))]


def _is_wrapped(text: str, end: int, following: int) -> bool:
    """Whether the line that ends at `end` goes on in the next: in lower case, after an abbreviation, or being as long as lines get."""
    line = text[text.rfind("\n", 0, end) + 1 : end].strip()
    if text[following : following + 1].islower():
        return True
    if _STOPPED.search(line):
        return line.endswith(".") and _is_abbreviation(_last_word(line, 0, len(line) - 1))
    return len(line) >= _WRAPPED and not line.endswith(":")


def _is_abbreviation(word: str) -> bool:
    return word.lower() in _BEFORE_NAMES | _BEFORE_NUMBERS | _MAY_END or _INITIALS.fullmatch(word) is not None


def _split(text: str, start: int, end: int) -> list[Span]:
    """Sentence spans of one stretch."""
    spans = []
    for match in _STOP.finditer(text, start, end):
        if match.end() < end and _ends_sentence(text, start, match):
            spans.append(_strip(text, start, match.end()))
            start = match.end()
    return [span for span in [*spans, _strip(text, start, end)] if span[0] < span[1]]


def _ends_sentence(text: str, start: int, stop: re.Match[str]) -> bool:
    following = _next_word(text, stop.end())
    if stop.group() != ".":
        return not (stop.group()[0] in "?!" and len(stop.group()) > 1 and _ATTRIBUTION.match(text, following))
    word = _last_word(text, start, stop.start())
    if word.lower() in _BEFORE_NAMES:
        return False
    if word.lower() in _BEFORE_NUMBERS and text[following].isdigit():
        return False
    if word.lower() in _MAY_END or _INITIALS.fullmatch(word):
        return _STARTER.match(text, following) is not None
    return not _is_list_number(text, start, stop.start(), word)


def _last_word(text: str, start: int, end: int) -> str:
    """The word before a stop, looked for in at most 40 characters so that the whole stays linear."""
    words = text[max(start, end - 40) : end].split()
    return words[-1].lstrip("\"'“‘«([") if words else ""


def _next_word(text: str, position: int) -> int:
    while text[position].isspace():
        position += 1
    return position


def _is_list_number(text: str, start: int, end: int, word: str) -> bool:
    """`1. The council ...`: the number at the head of a line belongs to what follows."""
    return word.isdigit() and len(word) < 3 and not text[start : end - len(word)].strip()


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
