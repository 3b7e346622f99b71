"""A sentence -> who says it: the speaker and the speech verb, each a slice of the text. Pure rules over English news.

"He said" is whom the sentence before names as the one who speaks, where nobody else speaks there and it shows a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.sentences import Span, sentences

_VERBS = (
    "said|says|told|tells|added|adds|confirmed|confirms|denied|denies|claimed|claims|announced|announces|admitted|admits|insisted|insists|"
    "warned|warns|argued|argues|promised|promises|accused|accuses|replied|replies|declared|declares|stated|states|maintained|rejected|rejects|"
    "acknowledged|acknowledges|conceded|concedes|predicted|predicts|estimated|estimates|reported|reports|declined|declines|refused|refuses|"
    "pledged|apologised|apologized|dismissed|disputed|wrote|writes|recalled|repeated|disclosed|agreed|asked"
)
_VERB = re.compile(rf"\b(?:{_VERBS})\b(?! of\b)")
_PRONOUN = re.compile(
    r"\b(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Ww]e|I|[Yy]ou|[Ww]ho|and|but|or)(?: (?:has|have|had|also|later|then|did not|would not))*\s+$"
)
_ASKED = re.compile(
    r"\b(?:says?|said|tells?|told|according to|(?:confirm|claim|admit|insist|warn|predict|reject|respond|react)(?:s|ed|ted)?|"
    r"den(?:y|ies|ied)|repl(?:y|ies|ied)|(?:announc|argu|promis|accus|acknowledg|conced)e[sd]?)\b",
    re.IGNORECASE,
)
_ACCORDING = re.compile(r"\b[Aa]ccording to\b")
_QUOTED = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)")
_TITLE = r"(?:(?:Mr|Mrs|Ms|Dr|Sir|Dame|Lord|Lady|Judge|Col|Gen|Maj|Capt|Sgt|Lt|Brig|Det|Insp|Prof|Rev|Sen|Rep|Gov|St)\.? )*"
_NO_NAME = (
    "The|A|An|He|She|It|They|We|I|You|His|Her|Its|Their|Our|My|This|That|These|Those|There|In|On|At|By|For|From|To|With|But|And|Or|So|If|As|"
    "When|While|Where|Who|What|After|Before|Asked|Nobody|Neither|Some|Several|Many|Most|Both|Each|One|Two|Three|Four|No|Not|Another|"
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|April|May|June|July|August|September|October|November|December"
)
_CAPITAL = rf"(?!(?:{_NO_NAME})\b)[^\W\d_a-z][\w’'-]*\.?"
_NAME = rf"{_TITLE}{_CAPITAL}(?: (?:(?:of|for|the|de|van|von|al|and|&) )*{_CAPITAL})*"
_LINK = "and|or|but|that|which|who|whom|was|were|is|are|had|has|have|in|on|at|by|for|from|to|with|over|as|when|while|after|before|than|not"
_ROLE = (
    r"(?:(?:[Aa]n?|[Tt]he|[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[Oo]ne|[Tt]wo|[Tt]hree|[Ss]ome|[Ss]everal|[Aa]nother) )?"
    rf"(?:(?!(?:{_LINK})\b)[^\W\d_][\w’'-]* ){{0,3}}?"
)
_HEADS = (
    "[Pp]olice|[Oo]fficials?|spokes(?:man|woman|person|people)|ministry|minister|government|president|company|firm|agency|council|court|report|"
    "inquiry|union|lawyers?|doctors?|witness(?:es)?|investigators?|authorities|authority|residents?|relatives?|analysts?|sources?|service|"
    "hospital|bank|governor|mayor|army|military|office|department|officers?|engineers?|economists?|researchers?|scientists?|auditors?|"
    "prosecutors?|judges?|neighbours?|survivors?|chairman|chairwoman|director|leader|secretary|editor|magazine|paper|group|clerk|commander"
)
_SPEAKER = rf"(?:{_ROLE}(?:{_HEADS})\b|{_ROLE}{_NAME})"
# Characters before a verb in which its subject is looked for, so that a sentence without end stays cheap.
_REACH = 300
# "..., said Ida Kell, the harbour master": the speaker follows.
_FOLLOWS = re.compile(rf"\s+(?P<speaker>{_SPEAKER})")
_ROLE_AND_NAME = re.compile(rf"\s+{_ROLE}(?:{_HEADS}), (?P<speaker>{_NAME})")
_NAMED = re.compile(rf"\s+(?P<speaker>{_NAME})")
# "Ida Kell, 58, the harbour master, said", "police said": the speaker stands before, with or without who that is.
_STANDS_BEFORE = re.compile(
    rf"(?<![\w’'-])(?P<speaker>{_SPEAKER})(?P<about>(?: (?:for|of|from|at|with) [^,“”\"]*)?(?:,[^“”\"]*,)?| (?:who|which) [^,“”\"]*)"
    r"\s+(?:(?:has|have|had|also|later|then|flatly|repeatedly|again|once|first|only|finally|already|went on to) )*$"
)
# "Its managing director, Noel Garrabrant, said": the name is the better answer.
_NAME_WITHIN = re.compile(rf"[^,]*, (?P<speaker>{_NAME})(?:,[^,]*)?,$")
_PREPOSITION = re.compile(
    r"\b(?:in|at|on|of|from|by|for|near|to|with|after|before|over|than|into|about|under)\s+(?:the\s+)?$", re.IGNORECASE
)
# He or she before a verb.
_WHO = re.compile(r"\b(?P<who>[Hh]e|[Ss]he)(?: (?:has|had|also|later|then))*\s+$")
# About a speaker's name, what only a person has: who he is, how old, an office.
_PERSON = re.compile(
    r"\b(?:he|she|who|whose|Mr|Mrs|Ms|Dr|Sir|Dame|Judge|(?:spokes|chair)(?:man|woman)|minister|governor|mayor|director|executive|chief|head"
    r"|leader|president|secretary|analyst|prosecutor|lawyer|doctor|engineer|owner|manager|commander|commissioner|master|officer|captain"
    r"|councillor)\b|, \d\d,"
)
_AROUND = 60
_TITLES = {"he": re.compile(r"\b(?:Mr|Sir|Lord)\b"), "she": re.compile(r"\b(?:Mrs|Ms|Miss|Dame|Lady)\b")}
# Sentences of "he said" in a row.
_ROW = 3
_INVERTED = frozenset("said says added adds wrote writes replied asked warned told".split())


@dataclass(frozen=True, slots=True)
class Speech:
    """Who says it and how: `text[speaker]` and `text[verb]`, as (start, end)."""

    speaker: Span
    verb: Span


def asks_who_says(question: str) -> bool:
    """Whether a question asks who said something, or what somebody said."""
    return _ASKED.search(question) is not None


def speech_for(question: str, text: str, start: int, end: int) -> Speech | None:
    """Who says the sentence `text[start:end]`, where the question asks who says something; else None."""
    return spoken(text, start, end) if asks_who_says(question) else None


def spoken(text: str, start: int, end: int) -> Speech | None:
    """Who says the sentence `text[start:end]`, there or in the sentence before, and how; None where that is not sure."""
    sentence = text[start:end]
    if found := speech(sentence):
        return Speech(_shifted(found.speaker, start), _shifted(found.verb, start))
    if not (pronoun := _by_pronoun(sentence)):
        return None
    speaker = _named_before(text, start, pronoun[0])
    return Speech(speaker, _shifted(pronoun[1], start)) if speaker else None


def _by_pronoun(sentence: str) -> tuple[str, Span] | None:
    """He or she, and the span of the first speech verb, where that is its subject and no name stands before."""
    told = _unquoted(sentence)
    verb = _VERB.search(told)
    subject = _WHO.search(told, max(0, verb.start() - _REACH), verb.start()) if verb else None
    if not verb or not subject or re.search(_NAME, told[: subject.start()]):
        return None
    return subject["who"].casefold(), verb.span()


def _named_before(text: str, start: int, who: str) -> Span | None:
    """The span of the person who speaks in the sentence before `start`, or in the one that he or she goes on from."""
    before = [span for span in sentences(text) if span[1] <= start][-_ROW:]
    for first, last in reversed(before):
        sentence = text[first:last]
        found = speech(sentence)
        if found:
            return _shifted(found.speaker, first) if _is_one_person(sentence, found, who) else None
        pronoun = _by_pronoun(sentence)
        if not pronoun or pronoun[0] != who:
            return None
    return None


def _is_one_person(sentence: str, found: Speech, who: str) -> bool:
    """Whether a speaker is shown to be a person whom he or she may mean, and nobody else speaks in the sentence."""
    start, end = found.speaker
    around = _unquoted(sentence)[max(0, start - _AROUND) : end + _AROUND]
    title = _TITLES["she" if who == "he" else "he"]
    named = re.search(rf"{_CAPITAL}$", sentence[start:end])
    return bool(
        named and _PERSON.search(around) and not title.search(sentence[start:end]) and not speech(sentence[max(end, found.verb[1]) :])
    )


def _unquoted(sentence: str) -> str:
    """A sentence with blanks for what is quoted in it."""
    return _QUOTED.sub(lambda quoted: " " * (len(quoted[0]) - 1) + quoted[0][-1], sentence)


def speech(sentence: str) -> Speech | None:
    """The first speaker and speech verb of a sentence; None where there is no verb, or its speaker is a mere "he" or not recognised."""
    told = _unquoted(sentence)
    for verb in _VERB.finditer(told):
        if _PRONOUN.search(told, max(0, verb.start() - _REACH), verb.start()):
            return None
        found = _after(told, verb, _FOLLOWS, ("”", '"')) or _before(told, verb) or _after(told, verb, _NAMED, (",",))
        if found:
            return Speech(found, verb.span())
    for according in _ACCORDING.finditer(told):
        if follows := _FOLLOWS.match(told, according.end()):
            return Speech(follows.span("speaker"), according.span())
    return None


def _after(told: str, verb: re.Match[str], pattern: re.Pattern[str], closed: tuple[str, ...]) -> Span | None:
    """The speaker that follows a verb, where what is said stands before it and is closed by one of some signs."""
    if verb.group() not in _INVERTED or not told[: verb.start()].rstrip().endswith(closed):
        return None
    found = _ROLE_AND_NAME.match(told, verb.end()) or pattern.match(told, verb.end())
    return found.span("speaker") if found else None


def _before(told: str, verb: re.Match[str]) -> Span | None:
    """The speaker that stands before a verb, as its subject."""
    place = max(0, verb.start() - _REACH)
    while found := _STANDS_BEFORE.search(told, place, verb.start()):
        if not _PREPOSITION.search(told, place, found.start("speaker")):
            within = _NAME_WITHIN.match(found["about"])
            return _shifted(within.span("speaker"), found.start("about")) if within else found.span("speaker")
        place = found.start("speaker") + 1
    return None


def _shifted(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by
