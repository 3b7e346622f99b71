"""A message and the turns before it -> what it carries over. Rules over English, and what the archive knows of a word.

A message that stands alone carries nothing. One that does not (it opens with "and", asks what "he" said, has no name and only words that
the last turn's articles have) carries the telling words of the last question, which are added to its own. "And in Ostrey?" asks the same of
something else: it carries those that are no names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from index.archive import Archive
from index.bm25 import stem, words
from index.errors import ArchiveError
from index.query import MAX_QUERY
from qa.answer import Answer
from qa.question import content_words, telling_words

# A word is carried when it is this telling, of the most telling one of its question; a conversation gathers so many at most.
_TELLING = 0.3
_CARRIED = 12
# With so many telling words of its own, or fewer, a message may leave out what it is about.
_SHORT = 3
# The share of a nameless message's telling words, by weight, that what was found for the last question must have.
_SHARED = 0.5
_NEAR = 10
# A name is looked at in so many passages.
_PASSAGES = 3

_AND = re.compile(r"\W*(?:and|but|or|also|then|so|what about|how about|what else|who else|anything else|why not|how come)\b", re.IGNORECASE)
# As the subject of the question, it was named before.
_SUBJECT = re.compile(
    r"\b(?:did|does|do|is|was|were|are|has|had|have|will|would|can|can['’]t|could|should|must) "
    r"(he|she|it(?! (?:known|clear|true|likely|possible|certain|said|reported|agreed|decided) (?:that|whether|how|why|who|when|to)\b)"
    r"|they|that|this|these|those)\b",
    re.IGNORECASE,
)
# As an object, it is not named in its own clause.
_OBJECT = re.compile(
    r"\b(?:it(?! (?:was|is|had|has|would|did|could|will)\b)|him|them)\b|\b(?:that|there)\W*$"
    r"|\b(?:about|after|before|of|with|than|for|by|from|like) (?:that|this|these|those)\b",
    re.IGNORECASE,
)
# These may mean what stands before them.
_BOUND = re.compile(r"\b(?:it|he|she|they|his|hers?|its|theirs?)\b", re.IGNORECASE)
# "How much will it cost to mend the dam": it means the mending.
_EXPLETIVE = re.compile(r"\bit\b.*\b(?:to|that)\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\d{1,4}(?:st|nd|rd|th)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked, in a form that stands alone, and the ids of the articles that its answer cited."""

    question: str
    cited: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Turn:
        """The turn that an answer ended."""
        return cls(answer.question, tuple(dict.fromkeys(quote.article.id for quote in answer.quotes)))


@dataclass(frozen=True, slots=True)
class Carried:
    """The words that a message takes from the last turn, because of `message[start:end]`."""

    start: int
    end: int
    words: tuple[str, ...]


def stand_alone(message: str, history: Sequence[Turn], archive: Archive, dates: Iterable[tuple[int, int]] = ()) -> Carried | None:
    """What a message on one line carries over from the last turn; None where it stands alone.

    `dates` are the spans of its dates: they say nothing of what it is about, and take the place of the last turn's.
    """
    return _Pair(message, history[-1], archive, list(dates)).carried() if history else None


def is_name(word: str, archive: Archive) -> bool:
    """Whether the archive mostly writes a word with a capital, where it does not begin a sentence."""
    bare = re.sub(r"['’]s?$", "", word)
    if not bare or bare[0].isdigit():
        return False
    inside = re.compile(rf"(?<=[^\W_][ ,]){re.escape(bare)}(?:['’]?s)?\b", re.IGNORECASE)
    hits = archive.search(bare, _PASSAGES, legs=("bm25",))
    written = [match[0][0].isupper() for hit in hits for match in inside.finditer(archive.text(hit.passage))]
    return sum(written) > len(written) / 2


class _Pair:
    """A message and the turn before it."""

    def __init__(self, message: str, last: Turn, archive: Archive, dates: list[tuple[int, int]]) -> None:
        for start, end in dates:
            message = message[:start] + " " * (end - start) + message[end:]
        self.message, self.last, self.archive, self.dated = message, last, archive, bool(dates)
        self.telling = telling_words(message)

    def carried(self) -> Carried | None:
        """What is carried over; None where the message stands alone, or the last turn has nothing more to say."""
        needs = self._needs()
        found = self._carried_words() if needs else ()
        return Carried(*needs, found) if needs and found else None

    def _carried_words(self) -> tuple[str, ...]:
        own = {stem(word) for word in words(self.message)}
        found = [word for word in telling_words(self.last.question) if stem(word) not in own]
        if self.dated:
            found = [word for word in found if not _WHEN.fullmatch(word)]
        if self._replaces:
            found = [word for word in found if not is_name(word, self.archive)]
        weights = self._weights(found)
        found = [word for word in found if weights[word] >= _TELLING * max(weights.values())][:_CARRIED]
        room = MAX_QUERY - len(self.message)
        return tuple(found) if len(" ".join(found)) + 3 <= room else ()

    def _weights(self, of: Iterable[str]) -> dict[str, float]:
        return {word: sum(self.archive.term_weights(word).values()) for word in of}

    def _needs(self) -> tuple[int, int] | None:
        """Where the message shows that it does not stand alone; None where it does."""
        opening, subject = _AND.match(self.message), _SUBJECT.search(self.message)
        if subject and not (self._names and _EXPLETIVE.search(self.message, subject.start(1))):
            return subject.span(1)
        if opening and (not self._strange or len(self.telling) <= _SHORT):
            return opening.span()
        if self._strange:
            return None
        return self._pronoun() or ((0, len(self.message)) if self._leaves_out() else None)

    def _pronoun(self) -> tuple[int, int] | None:
        """A pronoun that means nothing in the message."""
        if (match := _OBJECT.search(self.message)) and not (self._names and _EXPLETIVE.search(self.message)):
            return match.span()
        match = _BOUND.search(self.message)
        return match.span() if match and not content_words(self.message[: match.start()]) else None

    def _leaves_out(self) -> bool:
        """Whether a message of which nothing is strange to the last turn is about no more than that."""
        if self._names and (len(self.telling) > _SHORT or not self._asked.issuperset(map(stem, self._names))):
            return False
        weights = self._weights(self.telling)
        shared = sum(weight for word, weight in weights.items() if stem(word) in self._known)
        return shared >= _SHARED * sum(weights.values())

    @cached_property
    def _replaces(self) -> bool:
        """Whether it asks the same of something else."""
        new = any(stem(word) not in self._asked for word in self._names)
        return new and len(self.telling) <= _SHORT and bool(_AND.match(self.message)) and not _SUBJECT.search(self.message)

    @cached_property
    def _names(self) -> list[str]:
        return [word for word in self.telling if is_name(word, self.archive)]

    @cached_property
    def _strange(self) -> bool:
        """Whether it has a name that the last turn does not."""
        return any(stem(word) not in self._known for word in self._names)

    @cached_property
    def _asked(self) -> set[str]:
        """The tokens of the last question."""
        return {stem(word) for word in words(self.last.question)}

    def _cited(self) -> Iterator[str]:
        """The articles that were cited, but for those that were removed since."""
        for one in self.last.cited:
            with suppress(ArchiveError):
                yield self.archive.article(one).id

    @cached_property
    def _known(self) -> set[str]:
        """The tokens of the last question, and of the articles that were cited or are found for it."""
        near = [hit.passage.article_id for hit in self.archive.search(self.last.question, _NEAR)]
        articles = [self.archive.article(one) for one in {*near, *self._cited()}]
        return self._asked.union(*({stem(word) for word in words(f"{one.title}\n{one.text}")} for one in articles))
