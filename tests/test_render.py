"""The one sink through which article text reaches a page. tests/test_browser.py shows what a browser makes of it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.clean import one_line
from index.records import Article, Why
from qa.answer import Answer, Citation, Copy, Differ, Searched
from qa.render import answer, article_html, markdown, source_cards
from qa.said import Speech

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=http://evil.test/x onerror=alert(1)>",
    "![x](http://evil.test/x)",
    "[x](javascript:alert(1))",
    "http://evil.test www.evil.test a@evil.test",
    "${alert(1)} {{7*7}} $x^2$ $$y$$",
    "*a* _b_ `c` ~~d~~ # e > f - g 1. h | i |",
    "<form><input name=q></form><style>*{display:none}</style>",
    "\" onmouseover=alert(1) x='",
    "&lt;b&gt; &#60;b&#62;",
]


def article(text: str) -> Article:
    return Article("id", text, text, text, 'https://x.example/?a=1&b="2"', "2014-06-27", "en", f"/a/{text}", "00")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_sign_of_an_article_reaches_the_chat_as_markup(text: str) -> None:
    """Every sign that could be is a character reference; what they stand for is the text itself."""
    escaped = markdown(text)
    assert html.unescape(escaped) == text
    assert re.fullmatch(r"""(?:[A-Za-z0-9 ,.;:'"?()%-]|&#\d+;)*""", escaped)


@pytest.mark.parametrize(
    "text", ["1. one", "12) two", "1986. It was", "- item", ": x", "www.evil.test", "WWW.evil.test", "*a*", "a_b_", "~~x~~"]
)
def test_what_markdown_would_read_is_escaped(text: str) -> None:
    """As CommonMark with tables, strike-through and bare addresses reads it: one paragraph of that text and nothing else."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children} <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children) == text
    assert not re.search(r"(?i)www\.|://|@", markdown(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_sign_of_an_article_reaches_the_reader_as_markup(text: str) -> None:
    """The only tags are ours; title, outlet and file name are escaped too."""
    tags = {"article", "h2", "p", "a", "mark"}
    page = article_html(article(text), 0, 3)
    assert set(re.findall(r"</?([a-z0-9]+)", page)) <= tags
    assert len(re.findall(r"<", page)) == len(re.findall(r"</?(?:article|h2|p|a|mark)\b", page))
    cards = source_cards([Citation(1, article(text), 0, len(text), text, Why(1, 1, ()))])
    assert set(re.findall(r"</?([a-z0-9]+)", cards)) <= {"ol", "li", "a", "span", "strong"}


@given(st.text())
def test_any_text_survives_the_chat_unchanged(text: str) -> None:
    """But for white space, which Markdown folds, and for invisible characters."""
    assert html.unescape(markdown(text)) == one_line(text)


def test_the_cited_span_is_marked_and_nothing_else() -> None:
    """Across a paragraph's end too, with a mark in each."""
    page = article_html(Article("i", "T", "One. Two.\n\nThree. Four.", "", "", "", "", "/p", ""), 5, 17)
    assert re.findall("<mark>(.*?)</mark>", page) == ["Two.", "Three."]
    assert re.sub("<[^>]+>", "|", page).count("One. ") == 1
    assert "<mark>" not in article_html(Article("i", "T", "One.", "", "", "", "", "/p", ""))


def test_an_answer_quotes_first_and_an_abstention_says_so() -> None:
    """The headline is a block quote with its marker; without quotes the nearest are labelled."""
    one = article("Iran confirmed it.")
    cited = Citation(1, one, 0, 18, "Iran confirmed it.", Why(1, None, ("Iran",)))
    searched = Searched(1, 2, {})
    shown = answer(Answer("q", "", (cited,), (), searched, 1.0))
    assert shown.startswith("> Iran confirmed it. [1](#p=id.00:0-18)")
    refused = answer(Answer("q", "nothing in it matches", (), (cited,), searched, 0.0))
    assert refused.startswith("**The archive does not say.** Nothing in it matches.")
    assert "Nearest, and not an answer" in refused


def test_copies_speakers_and_differences_are_shown() -> None:
    """The outlets with links, the earliest marked, who says it, and the two quotes that differ, the later named."""
    text = "Ida Kell said nine died."
    cited = Citation(
        1, replace(article(text), source="Wire", published="2017-03-15"), 0, 24, text, Why(1, 1, ()), speech=Speech((0, 8), (9, 13))
    )
    copy = Copy(replace(article(text), id="b", source="*Courier*", published="2017-03-14"), 0, 24)
    other = Citation(2, replace(article("Eleven died."), source="Post", published="2017-03-16"), 0, 12, "Eleven died.", Why(2, 2, ()))
    quotes = (replace(cited, also=(copy,)), other)
    shown = answer(Answer("q", "", quotes, (), Searched(1, 2, {}), 1.0, differ=(Differ(1, 2, "figure", 2),)))
    assert shown.startswith("> Ida Kell said nine died. [1](#p=id.00:0-24)\n\nIda Kell: *said* · **Wire, 2017-03-15**")
    assert "also in 1 outlet: [&#42;Courier&#42;, 2017-03-14](#p=b.00:0-24) (earliest)" in shown
    assert "**Sources differ: another figure**\n\n- Ida Kell said nine died. [1]" in shown
    assert "- Eleven died. [2](#p=id.00:0-12) · later report says otherwise, 2017-03-16" in shown
