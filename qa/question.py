"""Message -> a question that can be asked, and the kind of thing it asks for. Pure rules over English."""

from __future__ import annotations

import re

from index.bm25 import STOP_WORDS, words
from index.query import check_query

# They say what is asked for; no sentence answers by holding them.
_QUESTION_WORDS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|many|much|do|does|did|has|have|had)(?:['’](?:s|d|re|ve|ll))?\b",
    re.IGNORECASE,
)
# These ask nothing by themselves.
_ABOUT = re.compile(r"\b(?:what|how) about\b", re.IGNORECASE)

# Alternatives of a pattern: what may follow a name or a date that is whole, as no noun and no verb of its own may.
CONNECTING = (
    "and|or|but|to|until|till|through|of|in|on|at|by|for|from|with|about|the|an?|this|that|there|it|he|she|they|we|i|you"
    "|who|whom|whose|what|which|when|where|why|how"
)

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_NUMBER_WORDS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|half|million|billion"

# kind -> what a question of that kind looks like; the first that fits counts.
_KINDS = {
    "said": r"\b(?:say|said|says|claim\w*|deny|denied|denies|promis\w*|warn\w*|tell|told)\b"
    r"|\b(?:accus\w*|respond\w*|react\w*|announc\w*|argue\w*|admit\w*)\b",
    "how many": r"\bhow (?:many|much|long|old|large|big|high|far|often)\b"
    r"|\b(?:number|percentage|share|amount|cost|toll|price|total) of\b"
    r"|\bwhat (?:was|is) the (?:\w+ )?(?:cost|toll|price|total|figure|rate|fine|score)\b",
    "who": r"\bwho(?:m|se)?\b|\bwhich (?:man|woman|person|official|minister|company|group|country|outlet)\b",
    "when": r"\bwhen\b|\bwhat (?:year|date|day|month|time)\b|\bwhich (?:year|day|month)\b",
    "where": r"\bwhere\b|\b(?:what|which) (?:town|city|country|place|village|island|street|building)\b",
}
_ASKS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _KINDS.items()}
# kind -> what a sentence that answers it tends to hold.
_CUES = {
    "said": re.compile(r"[\"“”]|\b(?:said|says|told|denied|claimed|promised|warned|added|admitted|insisted|called)\b"),
    "how many": re.compile(rf"\d|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE),
    "who": re.compile(
        r"(?<!^)(?<![.!?] )\b[A-Z][a-z]+ (?:[a-z]{2,3} )?[A-Z][a-z]+|\b(?:Mr|Mrs|Ms|Dr|Gen|Sgt|Col)\b|^[A-Z][a-z]+ [A-Z][a-z]+"
    ),
    "when": re.compile(
        rf"\b(?:{_MONTHS}|{_DAYS}|yesterday|today|tonight)\b|\b(?:1[6-9]|20)\d\d\b|\b\d{{1,2}}[:.]\d\d\b|\b\d{{1,2}} ?[ap]\.?m\b",
        re.IGNORECASE,
    ),
    "where": re.compile(r"\b(?:in|at|near|outside|on|from|off|inside|to) (?:the )?[A-Z]"),
}

# They stand in no name and in every story.
_VAGUE = frozenset(
    "first last next later more else really actually early late exactly again then now one ones ever so he she i we you him her his its "
    "them about after before than from off out up down over under were been being would could should can may must".split()
)

_LATEST = re.compile(
    r"\b(?:in the end|final(?:ly)?|eventual(?:ly)?|ultimate(?:ly)?|latest|most recent(?:ly)?|so far|by now|turned out|end(?:ed)? up)\b",
    re.IGNORECASE,
)
# Broader than what puts a later figure before the headline: here it only weighs.
_NOW = re.compile(rf"{_LATEST.pattern}|\b(?:now|revised?|corrected|in fact|actual(?:ly)?|really|true)\b", re.IGNORECASE)
_FIRST = re.compile(
    r"\b(?:at first|first (?:said|reported|thought|told|estimate\w*|figure|toll|count)|original(?:ly)?|initial(?:ly)?|earliest)\b",
    re.IGNORECASE,
)


def on_one_line(message: str) -> str:
    """The question in a message, on one line; a QuestionError says why there is none."""
    question = " ".join(message.split())
    check_query(question)
    return question


def topic(question: str) -> str:
    """The question without its question words: who confirmed it -> confirmed it. WHO, in capitals among others, is the agency."""
    spoken = question.lower() if question.isupper() else question
    return " ".join(_QUESTION_WORDS.sub(lambda word: word[0] if word[0] == "WHO" else " ", spoken).split())


def content_words(question: str) -> list[str]:
    """The words of the topic that are not mere function words, each once."""
    return list(dict.fromkeys(word for word in words(topic(question)) if word.casefold() not in STOP_WORDS))


def telling_words(question: str) -> list[str]:
    """The content words that may say what a question is about, each once."""
    return [word for word in content_words(question) if word.casefold() not in _VAGUE]


def kind(question: str) -> str:
    """What a question asks for: said, how many, who, when, where, or nothing of these ("")."""
    opening = re.match(r"\W*(who|when|where|how many|how much)\b", question, re.IGNORECASE)
    if opening:
        return {"how much": "how many"}.get(opening[1].lower(), opening[1].lower())
    return next((name for name, pattern in _ASKS.items() if pattern.search(question)), "")


def is_question(message: str) -> bool:
    """Whether a message asks for something by itself, as "and in Ostrey?" does not."""
    return _QUESTION_WORDS.search(_ABOUT.sub(" ", message)) is not None


def wants_latest(question: str) -> bool:
    """Whether a question asks how something was in the end, or is by now."""
    return _LATEST.search(question) is not None


def when_of_a_story(question: str) -> int:
    """Which of several reports a question is about: 1 for how it was in the end, -1 for how it was at first, 0 where it does not say."""
    return 1 if _NOW.search(question) else -1 if _FIRST.search(question) else 0


def has_cue(kind_of_question: str, sentence: str) -> bool:
    """Whether a sentence holds the kind of thing asked for; true where no kind was recognised."""
    pattern = _CUES.get(kind_of_question)
    return pattern is None or pattern.search(sentence) is not None
