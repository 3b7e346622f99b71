"""New questions for an eval set: passages to write them about, and the chat's feedback, confirmed by a person one at a time.

Both come out in the project's question format (eval/dataset.py). `draft` gives text. `review` talks on the terminal and adds to a
file; it knows what a reader said of an answer, never whether that is right: nothing is written that was not confirmed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.dataset import UNANSWERABLE, records
from index import terminal
from index.archive import Archive
from index.clean import one_line
from index.errors import UsageError
from index.records import Article, Passage
from index.sentences import sentences
from qa import feedback
from qa.feedback import Feedback
from qa.question import kind

# Feedback that was turned down, by id: it is never asked about again.
DECIDED = "feedback-decided.txt"
_QUOTE = 300

Draft = tuple[Article, str, str]


def draft(archive: Archive, count: int) -> str:
    """`count` passages spread evenly over the articles, a line each to write a question into; fewer where there are fewer."""
    if count < 1:
        raise UsageError(f"{count} passages cannot be drafted: ask for 1 or more")
    found = [drafts for article in archive.articles() if (drafts := list(_drafts(article, archive)))]
    if not found:
        raise UsageError(f"{archive.path} has no passages to draft from: add articles with 'clippings add FOLDER'")
    spread = _spread([len(drafts) for drafts in found], count)
    chosen = [found[place][number] for place, numbers in enumerate(spread) for number in numbers]
    if len(chosen) < count:
        terminal.talk(f"the archive has {len(chosen)} passages with a sentence to quote, not {count}")
    return "\n".join(_line(f"d{number:03}", "", "", [one[:2]], passage=one[2]) for number, one in enumerate(chosen, start=1))


def _drafts(article: Article, archive: Archive) -> Iterator[Draft]:
    """Each passage of an article that has a sentence to quote: the article, the quote, the passage."""
    spans = sentences(article.text)
    for passage in archive.passages(article.id):
        if quote := _quote(article, passage, spans):
            yield article, quote, article.text[passage.start : passage.end]


def _quote(article: Article, passage: Passage, spans: Sequence[tuple[int, int]]) -> str:
    """The longest whole sentence of a passage below 300 characters that stands once in its article; "" where there is none."""
    inside = [article.text[start:end] for start, end in spans if passage.start <= start and end <= passage.end]
    return max((one for one in inside if len(one) < _QUOTE and article.text.count(one) == 1), key=len, default="")


def _spread(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Which of its passages each article gives: one each before a second, and both articles and passages evenly apart."""
    given = [0] * len(sizes)
    while count and (left := [place for place, size in enumerate(sizes) if given[place] < size]):
        step = min(count, len(left))
        for turn in range(step):
            given[left[turn * len(left) // step]] += 1
        count -= step
    # From another place in each article, or all drafts would be about openings.
    return [
        sorted((place + turn * size // most) % size for turn in range(most))
        for place, (size, most) in enumerate(zip(sizes, given, strict=True))
    ]


def _line(name: str, question: str, kind_: str, evidence: Sequence[tuple[Article, str]], **more: str) -> str:
    quotes = [{"article": article.path, "quote": quote} for article, quote in evidence]
    return json.dumps({"id": name, "question": question, "kind": kind_, "evidence": quotes, **more}, ensure_ascii=False)


def review(archive: Archive, file: Path) -> None:
    """Ask on the terminal about each thumb that is not decided yet, and add what is confirmed to `file` at once."""
    articles = {article.path: article for article in archive.articles()}
    waiting = _waiting(archive, file)
    done: Counter[str] = Counter()
    try:
        for number, one in enumerate(waiting, start=1):
            print(f"\n[{number} of {len(waiting)}] {one_line(one.question)}")
            done[_decide(one, articles, archive, file)] += 1
    except EOFError:  # the reader quits, or there is nobody to ask
        print()
    print(f"added {done['added']}, rejected {done['rejected']}, left {len(waiting) - done['added'] - done['rejected']}")


def _waiting(archive: Archive, file: Path) -> list[Feedback]:
    """The feedback that is neither in the file nor turned down."""
    asked = {str(record["id"]) for _, record in records(file, ("id",))} if file.exists() else set()
    decided = archive.folder / DECIDED
    rejected = set(decided.read_text(encoding="utf-8").split()) if decided.exists() else set()
    return [one for one in feedback.read(archive) if one.id not in rejected and _name(one) not in asked]


def _name(one: Feedback) -> str:
    return f"f-{one.id}"


def _decide(one: Feedback, articles: dict[str, Article], archive: Archive, file: Path) -> str:
    """Ask about one thumb: `added`, `rejected` or `left`. An EOFError where the reader quits."""
    print(f"thumb {'up' if one.liked else 'down'}: {_shown(one)}")
    if problem := _problem(one, articles):
        print(f"Skipped: {problem}.")
        return "left"
    if one.liked and one.quote:
        answer = _choice("Does this quote answer it? [y]es / [n]o / [s]kip / [q]uit", "yns")
        if answer == "n":
            feedback.append(archive.folder / DECIDED, one.id)
            return "rejected"
        found = (articles[one.article], one.quote) if answer == "y" else None
    else:
        prompt = "Does the archive answer it at all? [n]o, add as unanswerable / [e]dit: paste the quote that does / [s]kip / [q]uit"
        answer = _choice(prompt, "nes")
        if answer == "n":
            return _add(file, _line(_name(one), one_line(one.question), UNANSWERABLE, []))
        found = _pasted(list(articles.values())) if answer == "e" else None
    return _add(file, _line(_name(one), one_line(one.question), _kind(one.question), [found])) if found else "left"


def _shown(one: Feedback) -> str:
    return f"“{one_line(one.quote)}” {one_line(one.article)}" if one.quote else "“The archive does not say.”"


def _problem(one: Feedback, articles: dict[str, Article]) -> str:
    """Why nothing can be asked about a thumb's quote; "" where it can."""
    if not one.quote:
        return ""
    if one.article not in articles:
        return "that article is no longer in the archive"
    places = articles[one.article].text.count(one.quote)
    if not places:
        return "that article has changed since, and the quote no longer stands there"
    return f"the quote stands {places} times in its article, so it cannot be evidence" if places > 1 and one.liked else ""


def _add(file: Path, line: str) -> str:
    feedback.append(file, line)
    return "added"


def _choice(prompt: str, letters: str) -> str:
    """One of the letters; an EOFError for q, as for the end of input."""
    while True:
        answer = input(f"{prompt}: ").strip().lower()[:1]
        if answer == "q":
            raise EOFError
        if answer and answer in letters:
            return answer
        print(f"Type {', '.join(letters)} or q.")


def _kind(question: str) -> str:
    """The kind of thing asked for: what is typed, or else the guess."""
    guess = kind(question)
    while True:
        answer = one_line(input(f"Kind{f' [{guess}]' if guess else ' (who, when, where, how many, said, or your own word)'}: ")) or guess
        if answer and answer != UNANSWERABLE:
            return answer
        print("It has a quote, so it is of some other kind." if answer else "Type a word or two.")


def _pasted(articles: Sequence[Article]) -> tuple[Article, str] | None:
    """The article and its own words for a quote that is pasted, in which white space may differ; None for an empty line."""
    while words := one_line(input("Paste it on one line (empty: skip): ")).split():
        pattern = re.compile(r"\s+".join(map(re.escape, words)))
        found = [(article, match[0]) for article in articles for match in pattern.finditer(article.text)]
        if len(found) == 1:
            return found[0]
        holders = len({article.path for article, _ in found})
        print(
            f"It stands {len(found)} times in {holders} articles: paste more of it."
            if found
            else "No article has it: paste it as it stands."
        )
    return None
