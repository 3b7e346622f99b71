"""Texts that make exports go wrong, and answers made of them: for hypothesis."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from index.articles import Source, read
from index.errors import ArticleError
from index.records import Article, Why
from qa.answer import Answer, Searched
from qa.citation import Citation, Copy
from qa.said import Speech

_SNIPPETS = (
    "\n", "\n\n", "\n> ", "  \n", " \\\n", "\t", "\r\n", "`", "```\n", "| a |", "\n|-|\n", "\n---\n", "\n===\n", "1. ", "\n2) ", "# ", "> ",
    "*", "_", "**", "~~", "$x$", "[x](y)", "![x](y)", "<b>", "<!-- ", "-->", "&amp;", "&#10;", "http://a.test/?b=c&d", "\\", "“", "”", '"',
    "'", "'=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "＝1", ",", ";", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "é",
    "中文", "🙂", "e\u0301", "\u202e", "\x00", "\x1b[31m", "\ufeff", ", characters 0 to 1 of article a, SHA-256 b, digest v3-c",
    "It sank. Nine died.",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(_SNIPPETS), st.text(max_size=6), st.just("ferry ")), min_size=1, max_size=12).map("".join)


@st.composite
def records(draw: st.DrawFn) -> dict[str, str]:
    """An article as a line of JSON has it, with odd text in every field."""
    record = {name: draw(texts) for name in ("text", "title", "outlet")}
    return record | {"url": "https://a.test/" + draw(texts), "date": "2017-03-14"}


@st.composite
def articles(draw: st.DrawFn) -> Article:
    """An article as the archive would keep it, of a file with odd text in every field."""
    record = draw(records())
    try:
        return read(Source(f"/a/{draw(texts)}.jsonl#1".encode("utf-8", "replace").decode(), json.dumps(record).encode(), ".jsonl"))
    except ArticleError:
        return read(Source("/a/b.jsonl#1", json.dumps(record | {"text": "It sank | =1. Nine\ndied."}).encode(), ".jsonl"))


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer with up to three quotes, each any slice at all of an odd article, which may be said by and printed by anyone; or with
    none, and an odd reason."""
    quotes = []
    for number in range(1, draw(st.integers(1, 4))):
        article = draw(articles())
        start = draw(st.integers(0, len(article.text) - 1))
        end = draw(st.integers(start + 1, len(article.text)))
        also = [Copy(other, 0, 1) for other in draw(st.lists(articles(), max_size=1))]
        speech = Speech((0, end), (start, end)) if draw(st.booleans()) else None
        quotes.append(Citation(number, article, start, end, article.text[start:end], Why(1, None, ()), tuple(also), speech))
    reason = "" if quotes else draw(texts)
    return Answer(draw(texts), reason, tuple(quotes), (), Searched(1, 1, {}), 0.5)
