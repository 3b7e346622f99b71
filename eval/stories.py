"""How well copies collapse and differences are told, over labelled pairs: the share of each kind that is treated as it should be.

stories.jsonl has pairs of articles of the sample archive, a story or not; where a line has `changes` instead of `other`, the other article
is the first one with those changes, each of a text that stands in it once. differ.jsonl has pairs of sentences and what they
differ in: a figure, a denial, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from eval.dataset import HERE, records
from index.archive import Archive
from index.errors import UsageError
from index.records import Article
from qa.differ import differ
from qa.stories import same_story

STORIES = HERE / "stories.jsonl"
DIFFER = HERE / "differ.jsonl"


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, and those that are not, in words."""

    right: int
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.right}/{self.right + len(self.wrong)}"


@dataclass(frozen=True, slots=True)
class Stories:
    """Of the labelled pairs: copies that collapse, others kept apart; differences that are told, and pairs without one left alone."""

    collapsed: Share
    apart: Share
    told: Share
    silent: Share


def measure(archive: Archive) -> Stories:
    """The shares over the labelled pairs; the articles are those of `archive`."""
    articles = {article.path.rpartition("/")[2]: article for article in archive.articles()}
    pairs = list(_pairs(articles))
    sentences = [(row["one"], row["other"], row["differ"]) for _, row in records(DIFFER, ("one", "other", "differ"))]

    def stories(copies: bool) -> Share:
        return _share((same_story(one, other) == copies, why) for one, other, same, why in pairs if same is copies)

    def differences(any_there: bool) -> Share:
        return _share((differ(one, other) == what, f"{one} | {other}") for one, other, what in sentences if bool(what) is any_there)

    return Stories(collapsed=stories(True), apart=stories(False), told=differences(True), silent=differences(False))


def _share(judged: Iterator[tuple[bool, str]]) -> Share:
    rows = list(judged)
    return Share(sum(right for right, _ in rows), tuple(why for right, why in rows if not right))


def _pairs(articles: dict[str, Article]) -> Iterator[tuple[Article, Article, bool, str]]:
    for line, row in records(STORIES, ("one", "same", "why")):
        place = f"{STORIES}:{line}"
        one = _article(articles, row["one"], place)
        other = _changed(one, row, place) if "changes" in row else _article(articles, row["other"], place)
        yield one, other, row["same"], f"{row['one']}: {row['why']}"


def _article(articles: dict[str, Article], name: str, place: str) -> Article:
    if name not in articles:
        raise UsageError(f"{place}: the archive has no {name}")
    return articles[name]


def _changed(one: Article, row: dict[str, Any], place: str) -> Article:
    text = one.text
    for old, new in row["changes"]:
        if text.count(old) != 1:
            raise UsageError(f"{place}: it stands {text.count(old)} times in {row['one']}, not once: {old[:60]!r}")
        text = text.replace(old, new)
    title = row.get("title", one.title)
    return replace(one, id=f"{one.id}-changed", title=title, text=text, source="another outlet", published=row["published"])
