"""A message of the chat: an answer as HTML that the sanitiser leaves as it is, and what it tells. tests/test_browser.py shows it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from odd import texts
from test_render import HOSTILE, article

from index.records import Why
from qa import message
from qa.answer import Answer, Chip, Differ, Searched
from qa.citation import Citation, Copy
from qa.said import Speech

SEARCHED = Searched(1, 2, {})
TAGS = set("div p span blockquote a strong em h3 ul li section details summary table thead tbody tr th td button".split())
ATTRIBUTES = set("class href title role type name value".split())


def cite(text: str, number: int = 1) -> Citation:
    return Citation(number, article(text), 0, len(text), text, Why(1, None, (text,)))


def whole(text: str) -> str:
    """An answer all of whose texts are the same."""
    quotes = (cite(text), replace(cite(text, 2), also=(Copy(article(text), 0, len(text)),)))
    chips = (Chip("dates", text, text, 0), Chip("outlets", text, text, 3, dropped=True))
    return message.whole(Answer(text, "", quotes, (), SEARCHED, 1.0, chips=chips, differ=(Differ(1, 2, "figure", 2),)), "?q=x")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_sign_of_an_article_becomes_markup(text: str) -> None:
    """The tags and attributes are ours, and Markdown passes the whole on as one block of HTML; an abstention as well."""
    refused = message.whole(Answer(text, text, (), (cite(text),), SEARCHED, 0.0), "?q=x")
    for shown in (whole(text), refused, message.problem(text), message.headline(Answer(text, "", (cite(text),), (), SEARCHED, 1.0))):
        assert set(re.findall(r"</?([a-zA-Z0-9]+)", shown)) <= TAGS
        assert set(re.findall(r'\b([a-z-]+)="', re.sub(r">[^<]*<", "><", shown))) <= ATTRIBUTES
        assert [token.type for token in MarkdownIt().parse(shown)] == ["html_block"]
        assert text in html.unescape(shown)


@given(texts)
def test_any_question_comes_back_from_a_message(text: str) -> None:
    """As it was searched for."""
    question = " ".join(text.split()) or "x"
    assert message.asked(message.whole(Answer(question, "", (), (), SEARCHED, 0.0), "?q=x")) == message.html.unescape(
        message.markdown(question)
    )


def test_a_message_tells_what_it_is_of() -> None:
    """The question, the address, the quotes by name, their articles, and the chips that were dropped."""
    shown = whole("Nine died.")
    assert message.asked(shown) == "Nine died."
    assert message.address(shown) == "?q=x"
    assert message.quoted(shown) == ["id.00:0-10"]
    assert message.cited(shown) == ("id",)
    assert message.dropped(shown) == {"outlets-3"}
    assert message.cited(message.whole(Answer("q", "none", (), (cite("Nine died."),), SEARCHED, 0.0), "?q=x")) == ()


def test_an_answer_quotes_first_and_an_abstention_says_so() -> None:
    """The headline is a block quote with its number, between its neighbours; without quotes the nearest are labelled."""
    text = "It rained. Iran confirmed it. It was late."
    cited = Citation(1, article(text), 11, 29, "Iran confirmed it.", Why(1, None, ("Iran",)))
    shown = message.whole(Answer("q", "", (cited,), (), SEARCHED, 1.0), "?q=q")
    assert shown.startswith(
        '<div class="answer"><p class="near">It rained.</p><blockquote><p><span class="quote">Iran confirmed it.</span> '
        '<a class="cite" href="#p=id.00:11-29"'
    )
    assert '</blockquote><p class="near">It was late.</p>' in shown
    assert "<td>1</td><td>Iran</td><td>1</td><td>not found</td>" in shown
    refused = message.whole(Answer("q", "nothing in it matches", (), (cited,), SEARCHED, 0.0), "?q=q")
    assert '<h3 class="none">The archive does not say.</h3><p class="reason">nothing in it matches</p>' in refused
    assert 'Searched 2 passages of <span class="articles">1</span> article.' in refused
    assert "Nearest, and not an answer" in refused
    assert "Copy as" not in refused


def test_a_limited_search_says_what_it_went_through() -> None:
    """The limits that were read, and how many articles have no date; nothing of a chip that was dropped."""
    chips = (Chip("dates", "published since 2020", "since 2020", 0), Chip("outlets", "from Wire", "Wire", 20, dropped=True))
    shown = message.whole(Answer("q", "none", (), (), Searched(1, 2, {}, 3, "since 2020"), 0.0, chips=chips), "?q=q", ["dates-0"])
    assert (
        'of <span class="articles">1</span> article <span class="limits">since 2020</span>.'
        ' <span class="undated">3</span> more have no date, and were left out.' in shown
    )
    assert '<a href="#drop=dates-0" role="button">ask without what was read from the question</a>' in shown


def test_copies_speakers_and_differences_are_shown() -> None:
    """The outlets with links, the earliest marked, who says it, and the two quotes that differ, the later named."""
    text = "Ida Kell said nine died."
    cited = Citation(
        1, replace(article(text), source="Wire", published="2017-03-15"), 0, 24, text, Why(1, 1, ()), speech=Speech((0, 8), (9, 13))
    )
    copy = Copy(replace(article(text), id="b", source="*Courier*", published="2017-03-14"), 0, 24)
    other = Citation(2, replace(article("Eleven died."), source="Post", published="2017-03-16"), 0, 12, "Eleven died.", Why(2, 2, ()))
    quotes = (replace(cited, also=(copy,)), other)
    shown = message.whole(Answer("q", "", quotes, (), SEARCHED, 1.0, differ=(Differ(1, 2, "figure", 2),)), "?q=q")
    assert '<div class="source">Ida Kell: <em>said</em> · <strong>Wire, 2017-03-15</strong>' in shown
    assert 'also in 1 outlet: <a class="copy" href="#p=b.00:0-24">&#42;Courier&#42;, 2017-03-14</a> (earliest)' in shown
    assert '<section class="differ"><h3>Sources differ: another figure</h3><ul><li><span class="quote">Ida Kell said nine died.' in shown
    assert "<strong>Post, 2017-03-16</strong> · later report says otherwise" in shown


def test_many_copies_are_folded_away() -> None:
    """Behind how many they are; three stand in the open."""
    text = "Nine died."
    copies = tuple(Copy(replace(article(text), id=f"b{n}", source=f"Outlet {n}"), 0, 10) for n in range(4))
    cited = Citation(1, article(text), 0, 10, text, Why(1, 1, ()), also=copies)
    folded = message.whole(Answer("q", "", (cited,), (), SEARCHED, 1.0), "?q=q")
    assert '<details><summary>also in 4 outlets</summary><a class="copy" href="#p=b0.00:0-10">' in folded
    few = message.whole(Answer("q", "", (replace(cited, also=copies[:3]),), (), SEARCHED, 1.0), "?q=q")
    assert 'also in 3 outlets: <a class="copy"' in few


def test_a_search_of_everything_says_of_what() -> None:
    """Its outlets and dates, beside the counts."""
    searched = replace(SEARCHED, held="from 2 outlets, published 2014-06-27 to 2017-03-16")
    shown = message.whole(Answer("q", "none", (), (), searched, 0.0), "?q=q")
    assert f'<span class="articles">1</span> article <span class="held">{searched.held}</span>.' in shown


def test_quotes_keep_their_numbers_where_two_that_differ_stand_before_others() -> None:
    """The first and the third are shown together, and the second comes after them."""
    told = article("1 died. 2 died. 3 died.")
    quotes = tuple(Citation(n, told, 8 * n - 8, 8 * n - 1, f"{n} died.", Why(1, 1, ())) for n in (1, 2, 3))
    shown = message.whole(Answer("q", "", quotes, (), SEARCHED, 1.0, differ=(Differ(1, 3, "figure", 3),)), "?q=q")
    assert message.quoted(shown) == [one.id for one in quotes]
