"""The one sink through which article text reaches a page. tests/test_browser.py shows what a browser makes of it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.bm25 import words
from index.clean import one_line
from index.records import Article, Why
from qa.citation import Citation
from qa.render import article_html, markdown, source_cards

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
    cards = source_cards([Citation(1, article(text), 0, len(text), text, Why(1, 1, ("alert", "img", "x", "b", "evil")))])
    assert set(re.findall(r"</?([a-z0-9]+)", cards)) <= {"ol", "li", "a", "span", "strong", "b"}
    assert "<b " not in cards


@given(st.text())
def test_any_text_survives_the_chat_unchanged(text: str) -> None:
    """But for white space, which Markdown folds, and for invisible characters."""
    assert html.unescape(markdown(text)) == one_line(text)


def card(text: str, terms: tuple[str, ...]) -> str:
    """The quote in its card."""
    shown = source_cards([Citation(1, article(text), 0, len(text), text, Why(1, 1, terms))])
    return re.search('<span class="quote">(.*)</span> </span></span></a>', shown, re.DOTALL)[1]


def test_the_words_of_the_question_are_marked_in_a_card() -> None:
    """In any form, as often as they stand there, and no part of another word."""
    text = "Iran's men confirmed it: operatives, 1,600 in the U.S.Iran & <Iraq>. Iranian confirmations."
    assert card(text, ("Iran", "confirm", "operative", "1600", "iraq")) == (
        "<b>Iran&#x27;s</b> men <b>confirmed</b> it: <b>operatives</b>, <b>1,600</b> in the U.S.<b>Iran</b> &amp; &lt;<b>Iraq</b>&gt;. "
        "Iranian <b>confirmations</b>."
    )
    assert card("Nine died.", ()) == "Nine died."


@given(st.text(min_size=1), st.data())
def test_a_card_shows_the_quote_to_the_character(text: str, data: st.DataObject) -> None:
    """Whatever is marked in it: words of the text, and others."""
    here = [*words(text), "x", "the"]
    shown = card(text, tuple(data.draw(st.lists(st.sampled_from(here)))))
    assert html.unescape(re.sub("</?b>", "", shown)) == text


def test_the_cited_span_is_marked_and_nothing_else() -> None:
    """Across a paragraph's end too, with a mark in each."""
    page = article_html(Article("i", "T", "One. Two.\n\nThree. Four.", "", "", "", "", "/p", ""), 5, 17)
    assert re.findall("<mark>(.*?)</mark>", page) == ["Two.", "Three."]
    assert re.sub("<[^>]+>", "|", page).count("One. ") == 1
    assert "<mark>" not in article_html(Article("i", "T", "One.", "", "", "", "", "/p", ""))


def test_a_link_to_the_page_is_one_of_the_web_or_none() -> None:
    """Named by its host; another scheme runs or reads something."""
    assert '<a href="https://x.example/?a=1&amp;b=&quot;2&quot;" target="_blank" rel="noopener noreferrer">x.example</a>' in article_html(
        article("x")
    )
    assert ">evil.test</a>" in article_html(replace(article("x"), url="https://x.example@evil.test/"))
    for url in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x.example", "", "https://", "https://a@", " https://x"):
        assert "<a " not in article_html(replace(article("x"), url=url)), url


def test_what_is_selected_can_be_found_again() -> None:
    """Each paragraph says at which character it begins, and the article which version it is."""
    page = article_html(Article("i", "T", "One. Two.\n\n\U0001f600 Three.", "", "", "", "", "/p", "abcdef0123"), 0, 4)
    assert 'data-version="i.abcdef01"' in page
    assert re.findall(r'data-start="(\d+)"', page) == ["0", "11"]
