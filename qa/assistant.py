"""ask(): the one road from question to answer; answering() walks it for a page, which shows the headline first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from time import perf_counter
from typing import Any

from index.archive import Archive
from index.clean import how_many
from index.query import matched_terms
from index.records import Article, Filters, Hit, Reach, Why
from qa import evidence, reading, stories
from qa.answer import Answer, Differ, Searched
from qa.citation import Citation
from qa.disputes import differences
from qa.evidence import Candidate
from qa.followup import Turn
from qa.question import telling_words, topic
from qa.reader import named
from qa.said import asks_who_says, speech_for, spoken

# Passages looked at, of which evidence.READ are read (eval/README.md).
HITS = 10
QUOTES = 5
# A supporting quote has at least this share of the headline's support.
_SUPPORTING = 0.25


def ask(
    message: str,
    archive: Archive,
    filters: Filters | None = None,
    reader: str | None = None,
    history: Sequence[Turn] = (),
    without: Collection[str] = (),
) -> Answer:
    """The archive's answer to a message after the turns of a history: up to five quotes, or none and the reason.

    `reader` is a name for `qa.reader.named`. Dates and outlets of the message limit the articles, and a follow-up takes up the last turn:
    but for the chips that `without` names by their id or kind. A QuestionError where nothing is asked, a UsageError where an outlet of the
    filters is none of the archive's.
    """
    *_, answer = answering(message, archive, filters, reader, history, without)
    return answer


def answering(
    message: str,
    archive: Archive,
    filters: Filters | None = None,
    reader: str | None = None,
    history: Sequence[Turn] = (),
    without: Collection[str] = (),
) -> Iterator[Answer]:
    """What `ask` gives, and before it, where there is an answer, its headline alone: the same quote, without what else prints it."""
    started = perf_counter()
    with archive.snapshot():  # passages, articles and counts of one commit
        read = reading.read(message, archive, filters, history, without)
        question, asked, filters = read.question, read.asked, read.filters
        reach, held = archive.reach(filters), "" if filters != Filters() else _held(archive.census())
        wide = list[Hit]()
        hits = stories.distinct(_fetched(question, archive, filters, wide), archive, HITS)
        found = perf_counter()
        beyond = archive.search(question, stories.FETCH * HITS) if wide and filters != Filters() else []
        near = [archive.article(name) for name in dict.fromkeys(hit.passage.article_id for hit in [*wide, *beyond])]
        gathered = evidence.gather(question, hits, archive)
        missing = archive.unknown(telling_words(question), filters)
        stronger = _stronger(beyond, archive, filters)
    ranked = evidence.candidates(asked, gathered, archive.encoder, named(reader), evidence.READ)
    support = ranked[0].support if ranked else 0.0
    threshold = ranked[0].fit.threshold if ranked else 0.0
    answered = bool(ranked) and support >= threshold

    def answer(quotes: tuple[Citation, ...], nearest: tuple[Citation, ...], differ: tuple[Differ, ...], reason: str = "") -> Answer:
        seconds = {"search": found - started, "answer": perf_counter() - found}
        searched = Searched(reach.articles, reach.passages, seconds, reach.undated, str(filters), 0 if answered else stronger, held)
        return Answer(question, reason, quotes, nearest, searched, support, threshold, read.chips, differ)

    chosen = stories.quotable(ranked, QUOTES, _SUPPORTING, asked)
    if not answered:
        nearest = _cite(chosen[:3], question, near)
        reason = _why_not(question, ranked, missing, reach, str(filters))
        yield answer((), nearest, (), "; ".join(filter(None, [reason, _outside(stronger)])))
        return
    yield answer(_cite(chosen[:1], question, ()), (), ())
    quotes = _cite(_by_speaker(chosen) if asks_who_says(question) else chosen, question, near)
    yield answer(quotes, (), differences(quotes, asked))


def _fetched(question: str, archive: Archive, filters: Filters, wide: list[Hit]) -> Iterator[Hit]:
    """The hits, best first, searched as they are asked for, twice as many each time; `wide` has all that were searched."""
    count = stories.FETCH * HITS
    while True:
        more = archive.search(question, count, filters)[len(wide) :]
        wide += more
        yield from more
        if len(wide) < count:
            return
        count *= 2


def _cite(chosen: Sequence[Candidate], question: str, near: Sequence[Article]) -> tuple[Citation, ...]:
    cited = (
        Citation(
            number, one.article, one.start, one.end, one.text,
            Why(one.hit.why.bm25, one.hit.why.dense, matched_terms(topic(question), one.text)),
            speech=speech_for(question, one.article.text, one.start, one.end),
        )
        for number, one in enumerate(chosen, start=1)
    )  # fmt: skip
    return tuple(stories.with_copies(citation, near) for citation in cited)


def _by_speaker(chosen: Sequence[Candidate]) -> list[Candidate]:
    """The headline; then what its speaker says besides, and what others say, speakers and their quotes by date; then the rest as it was."""
    names = [_name(one) for one in chosen]
    days = [one.article.sort_day for one in chosen]
    began = {name: min(day for other, day in zip(names, days, strict=True) if other == name) for name in names}
    others = [at for at in range(1, len(chosen)) if names[at]]
    others.sort(key=lambda at: (names[at] != names[0], began[names[at]], names[at], days[at]))
    return [chosen[at] for at in (0, *others, *(at for at in range(1, len(chosen)) if not names[at]))]


def _name(one: Candidate) -> str:
    """Whom a sentence gives as its speaker, by the last word of a name: "spokesman John Kirby" and "Kirby" are one. "" for nobody."""
    speech = spoken(one.article.text, one.start, one.end)
    speaker = one.article.text[slice(*speech.speaker)] if speech else ""
    last = speaker.split()[-1:]
    return (last[0] if last and last[0][0].isupper() else speaker).casefold().removeprefix("the ")


def _stronger(hits: Sequence[Hit], archive: Archive, limits: Filters) -> int:
    """As `Searched.stronger` has it, of the hits of a search without limits."""
    above = takewhile(lambda hit: not limits.admits(archive.article(hit.passage.article_id)), hits)
    return sum(bool(hit.why.terms) for hit in above)


def _held(census: Mapping[str, Any]) -> str:
    """The outlets and dates of an archive, in words."""
    outlets = f"from {how_many(census['outlets'], 'outlet')}" if census["outlets"] else ""
    dates = f"published {census['first_date']} to {census['last_date']}" if census["first_date"] else ""
    return ", ".join(filter(None, [outlets, dates]))


def _outside(stronger: int) -> str:
    lie = "lies" if stronger == 1 else "lie"
    return f"{how_many(stronger, 'stronger passage')} {lie} outside these limits" if stronger else ""


def _why_not(question: str, ranked: Sequence[Candidate], missing: Sequence[str], reach: Reach, limits: str) -> str:
    """Why there is no answer: no article passes, nothing to look for, words that none has of those that pass, or no sentence that comes
    close enough."""
    if limits and not reach.passages:
        return f"it has no article {limits}"
    if not telling_words(question):
        return "the question has no word to look for: say who or what it is about"
    if missing:
        articles = f"no article {limits}".rstrip()
        return f"{articles} has the word{'s' if len(missing) > 1 else ''} {', '.join(f'“{word}”' for word in missing)}"
    if not ranked:
        return f"nothing {limits or 'in it'} matches the question"
    if limits:
        return f"no sentence of the articles {limits} comes close enough to answering it"
    return "it has the words of the question, but no sentence that comes close enough to answering it"
