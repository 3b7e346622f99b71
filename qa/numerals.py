"""Words of a sentence -> the numbers that stand in it, as numerals or spelt. Pure rules over English."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<sign>[$£€])?(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<tail>[^\W\d_]+|[:]\d\d|%)?|[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]"
)
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_WORDS = {word: value for value, word in enumerate(_UNITS.split())}
_TENS = {word: 10 * place for place, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_ORDINALS = {
    word: value
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1)
}
SCALES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "mln": 1e6, "m": 1e6, "billion": 1e9, "bln": 1e9, "bn": 1e9, "trillion": 1e12,
}  # fmt: skip
_SPELT_SCALES = {"dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
# What may stand before one of these, in place of a number; it says that the number is rough.
_PARTS = {("a", "quarter", "of", "a"): 0.25, ("three", "quarters", "of", "a"): 0.75, ("half", "a"): 0.5, ("a",): 1.0}
_AND_A_HALF = ("and", "a", "half")


@dataclass(frozen=True, slots=True)
class Number:
    """`value` at words first to last, with the scale and decimals that it is given to; `rough` is one that nobody counted."""

    value: float
    scale: float
    decimals: int
    first: int
    last: int
    sign: str
    rough: bool = False


def tokens(sentence: str) -> list[re.Match[str]]:
    """Its words, numerals and signs; `sign`, `digits` and `tail` are the parts of a numeral: £2.4m."""
    return list(_TOKEN.finditer(sentence))


def read(found: Sequence[re.Match[str]], words: Sequence[str]) -> list[Number]:
    """The numbers in the tokens of a sentence, which are `words` in small letters."""
    numbers: list[Number] = []
    place = 0
    while place < len(words):
        number = _numeral(found[place], words, place) if found[place]["digits"] else _spelt(words, place)
        if number:
            numbers.append(number)
        place = number.last + 1 if number else place + 1
    return numbers


def _numeral(token: re.Match[str], words: Sequence[str], place: int) -> Number:
    """1,914; 2.4m; 1.5 million."""
    digits, last = token["digits"].replace(",", ""), place
    scale = SCALES.get((token["tail"] or "").casefold(), 1.0)
    while last + 1 < len(words) and words[last + 1] in SCALES:
        last += 1
        scale *= SCALES[words[last]]
    return Number(float(digits) * scale, scale, len(digits.partition(".")[2]), place, last, token["sign"] or "")


def _spelt(words: Sequence[str], place: int) -> Number | None:
    """Twenty-three; two hundred and fifty thousand; two and a half million; and, roughly, a dozen, or a quarter of a million."""
    opening = next((part for part in _PARTS if _stands(part, words, place) and _has_scale(words, place + len(part))), None)
    value, end = (_PARTS[opening], place + len(opening)) if opening else (_below_hundred(words[place]), place + 1)
    if value is None:
        return None
    whole, scale, decimals, rough = 0.0, 1.0, 0, opening is not None
    while end < len(words):
        more = end + (words[end] == "and")
        if _stands(_AND_A_HALF, words, end):
            value, decimals, end = value + scale / 2, 1, end + 3
        elif words[end] in _SPELT_SCALES:
            scale, rough, end = _SPELT_SCALES[words[end]], rough or words[end] == "dozen", end + 1
            whole, value = (whole + value * scale, 0.0) if scale >= 1000 else (whole, value * scale)
        elif scale >= 100 and more < len(words) and (added := _below_hundred(words[more])) is not None:
            value, scale, rough, end = value + added, 1.0, False, more + 1
        else:
            break
    return Number(whole + value, scale, decimals, place, end - 1, "", rough)


def _stands(part: tuple[str, ...], words: Sequence[str], place: int) -> bool:
    return tuple(words[place : place + len(part)]) == part


def _has_scale(words: Sequence[str], place: int) -> bool:
    return place < len(words) and words[place] in _SPELT_SCALES


def _below_hundred(word: str) -> float | None:
    tens, _, unit = word.partition("-")
    if tens in _TENS and (not unit or unit in _WORDS):
        return float(_TENS[tens] + _WORDS.get(unit, 0))
    return float(_WORDS[word]) if word in _WORDS else None


def numbers(sentence: str) -> Counter[float]:
    """Every number that stands in a sentence, whatever it counts; an ordinal as half less, so that the ninth is none of nine."""
    found = tokens(sentence)
    words = [match.group().casefold() for match in found]
    places = [_ORDINALS[word] - 0.5 for word in words if word in _ORDINALS]
    return Counter([number.value for number in read(found, words)] + places)
