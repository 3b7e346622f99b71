"""Sentence -> its figures: how many, of what. Pure rules over English; numerals and number words alike.

Left out are numbers that count nothing: times of day, dates, years, ages, ordinals. So is a figure that the sentence itself
withdraws: in "21 people died, not 23" and in "rose from 21 to 23" only the new one is said to be so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.bm25 import STOP_WORDS, stem
from index.bm25 import words as index_words
from qa.numerals import SCALES, Number, read, tokens
from qa.question import kind

_ROUGH = frozenset("about around some nearly almost roughly approximately estimated over than most".split())
_MONTHS = frozenset(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_CLOCK = frozenset("am pm a.m p.m c f st nd rd th s".split())
_CURRENCIES = {"$": "dollar", "£": "pound", "€": "euro", "dlrs": "dollar", "stg": "pound"}
_MONEY = frozenset("crown florin dollar pound euro yen franc mark rupee peso krona dirham yuan rouble ruble cent".split())
_MEASURES = frozenset(
    "percent yard metre meter centimetre millimetre kilometre kilometer km mile foot feet inch tonne ton kilo kg hectare acre litre degree "
    "knot second minute hour day week fortnight month year decade time page bag barrel point".split()
)
# What happened to those who are counted, or what a sum of money is: a figure of one is not a figure of another.
_ROLES = {
    "dead": "die dies died dead death deaths dying kill kills killed killing toll fatalities perished drowned",
    "hurt": "injured injures injuring injuries hurt wounded wounding",
    "missing": "missing unaccounted",
    "saved": "survived survivors survive rescued rescuing",
    "ill": "ill infected infections sick sickened infecting",
    "affected": "affected caught stolen stole",
    "arrested": "arrested arrests detained",
    "moved": "evacuated moved displaced homeless",
    "cost": "cost costs costing price bill budget budgeted",
    "loan": "loan loans lend lent lending borrow borrowed",
    "fine": "fine fined penalty fines",
    "loss": "loss losses lost lose",
    "profit": "profit profits earned",
    "relief": "relief rebuilding aid",
    "reward": "reward",
    "compensation": "compensation compensate",
    "value": "value valued worth",
    "bid": "bid bids offered offer",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
_VOTES = frozenset(map(stem, "vote voted voting passed rejected result majority ballot score".split()))
_ANYONE = frozenset({"peopl", "person", "other", "more", "dead", "bodi"})
_BREAKS = frozenset('.,;:()[]—–"“”‘!?')
_JOINS = frozenset("and or but while with including".split())
_LEADS = frozenset("to at reached reach was is are were of by hit stands stood put".split())
_NO_NOUN = STOP_WORDS | frozenset(
    "on from after before who which were had have has said when where since under up down out off still".split()
)
_WITHDRAWN = re.compile(
    r"(?:\bnot|\bfrom|\binstead of|\brather than|\bthan the|\bup from|\bdown from|\bagainst|\bpreviously)\s+(?:the\s+)?$"
)
_SPELL = r"(?:hour|day|night|week|month|year|game|match|share)"
_RATE = re.compile(
    rf"\b(?:(?:each|every|per) {_SPELL}|a (?!hour|night){_SPELL}\b(?! (?:ago|after|later|before|earlier|late)))\b", re.IGNORECASE
)
_AGE = re.compile(r"(?:\baged?|\b(?:boy|girl|man|woman|child) of)\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it counts: `value` (a pair for a vote of 21 to 12), its unit, its role ("" where none is recognised).

    `decimals` are those it is given to, at its own scale; `rough` is one that calls itself about so much.
    """

    value: float | tuple[float, float]
    unit: str
    role: str
    scale: float
    decimals: int
    rough: bool


def figures(sentence: str) -> list[Figure]:
    """The figures that a sentence gives, in its order."""
    found = tokens(sentence)
    words = [match.group().casefold().replace("’", "'") for match in found]
    numbers = [number for number in read(found, words) if not _counts_nothing(sentence, found, words, number)]
    pairs = {number.last + 2: number for number in numbers}
    votes = [(pairs[number.first], number) for number in numbers if number.first in pairs and words[number.first - 1] == "to"]
    scores = [pair for pair in votes if not sentence[: found[pair[0].first].start()].rstrip().endswith("from")]
    inside = {number for pair in scores for number in pair}
    said = [number for number in numbers if not _withdrawn(sentence, found, number)]
    rate = _RATE.search(sentence) is not None
    places = {place for number in said for place in range(number.first, number.last + 1)}
    voted = [Figure((one.value, other.value), "to", "", 1, 0, False) for one, other in scores if one in said]
    return voted + [_figure(words, one, places, rate) for one in said if one not in inside]


def _counts_nothing(sentence: str, found: Sequence[re.Match[str]], words: Sequence[str], number: Number) -> bool:
    """A time, a date, a year, an age, or one that stands for somebody: "one of them"."""
    token = found[number.first]
    before, after = words[number.first - 1] if number.first else "", words[number.last + 1] if number.last + 1 < len(words) else ""
    tail = (token["tail"] or "").casefold()
    if tail and tail not in SCALES and tail != "%":
        return True
    if before == "." and number.first > 1:
        before = words[number.first - 2]
    if before in _MONTHS or after in _MONTHS or after in _CLOCK or sentence[token.end() :].startswith("-"):
        return True
    if token["digits"] and number.scale == 1 and re.fullmatch(r"(?:1[5-9]|20)\d\d", token["digits"]) and after not in {"people", *_MONEY}:
        return True
    if number.first == 0 and token["digits"] and (after == "." or sentence[token.end() :].lstrip()[:1].isupper()):
        return True  # a place in a list
    alone = number.first == number.last
    return (
        (alone and words[number.first] in {"one", "zero"})
        or (before == "," and after == ",")
        or _AGE.search(sentence[: token.start()]) is not None
    )


def _withdrawn(sentence: str, found: Sequence[re.Match[str]], number: Number) -> bool:
    return _WITHDRAWN.search(sentence[: found[number.first].start()].casefold()) is not None


def _figure(words: Sequence[str], number: Number, others: set[int], rate: bool) -> Figure:
    after = _after(words, number.last + 1, others)
    rough = number.rough or any(word in _ROUGH for word in words[max(0, number.first - 2) : number.first])
    before = _before(words, number.first, others)
    unit = _unit(number, after, before)
    role = "rate" if rate else next((_ROLE_OF[word] for word in [*after, *before] if word in _ROLE_OF), "")
    return Figure(number.value, unit, role, number.scale, number.decimals, rough)


def _after(words: Sequence[str], start: int, others: set[int]) -> list[str]:
    """The words that follow a number in its own phrase, ten at most."""
    phrase = []
    for place in range(start, min(start + 10, len(words))):
        if words[place] in _BREAKS | _JOINS or place in others:
            break
        phrase.append(words[place])
    return phrase


def _before(words: Sequence[str], end: int, others: set[int]) -> list[str]:
    """The words that stand before a number, nearest first: four, or where it is what something rose to or was, back to the last figure."""
    far = any(word in _LEADS for word in words[max(0, end - 3) : end])
    phrase = []
    for place in range(end - 1, -1 if far else max(-1, end - 5), -1):
        if place in others or words[place] in _BREAKS - {","}:
            break
        phrase.append(words[place])
    return phrase


def _unit(number: Number, after: Sequence[str], before: Sequence[str]) -> str:
    if number.sign:
        return _CURRENCIES[number.sign]
    if after[:1] in (["%"], ["pct"], ["percent"]) or after[:2] == ["per", "cent"]:
        return "percent"
    named = [word for word in after if word not in {"other", "more", "further", "of", "the", "its", "their"}]
    if named and (unit := _CURRENCIES.get(named[0], named[0].removesuffix("s"))) in _MONEY | _MEASURES:
        return unit
    if named and named[0] not in _ROLE_OF and named[0].isalpha() and named[0] not in _NO_NOUN:
        noun = stem(named[0])
        return "" if noun in _ANYONE else noun
    if "number" in before:
        counted = list(reversed(before[: before.index("number")]))
        if counted[:1] == ["of"] and len(counted) > 1:
            return "" if stem(counted[1]) in _ANYONE else stem(counted[1])
    return ""


def is_asked_for(figure: Figure, question: str) -> bool:
    """Whether a question asks for what a figure gives: it names what is counted or what happened to them, and not a person, day or place.

    "How much" and "how long" ask for money and measures, where nothing that happened is named; words of voting ask for a vote.
    """
    asked = kind(question)
    if asked in ("who", "when", "where"):
        return False
    words = [word.casefold() for word in index_words(question)]
    roles, named = {_ROLE_OF[word] for word in words if word in _ROLE_OF}, set(map(stem, words))
    if isinstance(figure.value, tuple):
        return bool(named & _VOTES)
    if figure.role in roles or (figure.unit and stem(figure.unit) in named):
        return True
    measured = is_money(figure.unit) or is_measure(figure.unit)
    return asked == "how many" and "many" not in words and not roles and measured


def is_money(unit: str) -> bool:
    """Whether it is a currency."""
    return unit in _MONEY


def is_measure(unit: str) -> bool:
    """Whether it measures rather than counts: metres, days, percent."""
    return unit in _MEASURES


def same_value(one: Figure, other: Figure) -> bool:
    """Whether two figures can be one: equal, one rounded to the other, or within a tenth where one calls itself rough."""
    if isinstance(one.value, tuple) or isinstance(other.value, tuple):
        return one.value == other.value
    if one.rough or other.rough:
        return abs(one.value - other.value) <= 0.1 * max(one.value, other.value)
    if one.scale == other.scale and one.decimals != other.decimals:
        fewer = min(one.decimals, other.decimals)
        return round(one.value / one.scale, fewer) == round(other.value / other.scale, fewer)
    return one.value == other.value
