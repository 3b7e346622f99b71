"""Text and articles -> Markdown and HTML. The one sink through which article text reaches a page; it escapes everything.

Markdown, and the HTML within it, goes to the chat, whose own sanitiser stops scripts but lets images, forms and styles call out: so every
sign that either could read becomes a character reference, in one pass. HTML goes to the reader, which sanitises nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from index.clean import how_many, one_line
from index.query import places
from index.records import Article
from index.sentences import around
from qa.answer import Differ
from qa.citation import Citation, span_id, version

# Every sign of ASCII that Markdown could read: all but plain punctuation, and of that what opens a list or a web address.
_SIGN = re.compile(
    r"""[^\w ,.;:'"?()%-]|_|^[-.:]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]|(?<=^\d\d\d\d)[.)]|(?<=www)\.""", re.ASCII | re.IGNORECASE
)


def markdown(text: str) -> str:
    """`text` as Markdown, or HTML between tags, that shows exactly it, on one line: no markup, link, image or formula can come of it."""
    return _SIGN.sub(lambda sign: f"&#{ord(sign[0])};" if sign[0].isascii() else sign[0], one_line(text))


def also(citation: Citation) -> str:
    """In how many other outlets a quote stands: "also in 4 outlets"; in how many articles where they name none."""
    outlets, copies = len(citation.outlets), len(citation.also)
    if not outlets:
        return f"again in {how_many(copies, 'article')}"
    return f"also in {how_many(outlets, 'outlet')}"


DIFFER = {"figure": "Sources differ: another figure", "denial": "Sources differ: one denies it", "": ""}


def differ(one: Differ) -> str:
    """What two quotes differ in, by their numbers, and which is the later one."""
    return f"{DIFFER[one.what]}: [{one.first}] and [{one.second}]" + (f"; [{one.later}] is the later report" if one.later else "")


def copies(citation: Citation) -> str:
    """Where else a quote stands, by date, and which is the earliest; "" where it stands once."""
    if not citation.also:
        return ""
    own = " (the earliest)" if citation.earliest is citation.article else ""
    listed = (f"{byline(copy.article)}{' (the earliest)' * (copy.article is citation.earliest)}" for copy in citation.also)
    return f"{also(citation)}{own}: {'; '.join(listed)}"


def byline(article: Article) -> str:
    """Outlet and date, what there is of them; the file where there is neither."""
    return ", ".join(filter(None, [article.source, article.published])) or one_line(article.path.rpartition("/")[2])


def neighbours(citation: Citation) -> tuple[str, str]:
    """The sentence before a quote and the one after it; "" at either end of its article."""
    return around(citation.article.text, citation.start, citation.end)


def article_html(article: Article, start: int = 0, end: int = 0) -> str:
    """An article as escaped HTML, `text[start:end]` marked; the mark is never carried across paragraphs' ends.

    Its name, and the offset at which each paragraph begins, stand in data- attributes, so that what a reader selects can be found again.
    """
    paragraphs = "".join(_paragraph(article.text, first, last, start, end) for first, last in _paragraphs(article.text))
    facts = " · ".join(html.escape(fact) for fact in (article.source, article.published) if fact)
    name = html.escape(one_line(article.path.rpartition("/")[2]))
    byline_ = " · ".join(filter(None, [facts, name, _original(article.url)]))
    head = f'<h2 tabindex="-1">{html.escape(article.title)}</h2><p class="byline">{byline_}</p>'
    return f'<article data-version="{html.escape(version(article))}">{head}{paragraphs}</article>'


def _original(url: str) -> str:
    """A link to the page that an article was, named by its host; nothing where the address is none of the web."""
    web = re.match(r"https?://(?:[^/?#\\]*@)?([^/?#\\@]+)(?=[/?#]|$)", url, re.IGNORECASE)
    return f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{html.escape(web[1])}</a>' if web else ""


def _paragraphs(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+", text) if match[0].strip()]


def _paragraph(text: str, first: int, last: int, start: int, end: int) -> str:
    inside_start, inside_end = max(first, start), min(last, end)
    if inside_start >= inside_end:
        return f'<p data-start="{first}">{html.escape(text[first:last])}</p>'
    before, marked, after = (html.escape(text[a:b]) for a, b in ((first, inside_start), (inside_start, inside_end), (inside_end, last)))
    return f'<p class="near" data-start="{first}">{before}<mark>{marked}</mark>{after}</p>'


def masthead(census: Mapping[str, Any]) -> str:
    """The name of the page, and what the archive behind it holds."""
    return f"<header><h1>Clippings</h1><p>{html.escape(holds(census))}</p></header>"


def holds(census: Mapping[str, Any]) -> str:
    """What an archive holds, in a line: "64 articles · 40 outlets · 2014-06-27 to 2024-11-14"."""
    facts = [how_many(census["articles"], "article"), how_many(census["outlets"], "outlet") if census["outlets"] else ""]
    dates = f"{census['first_date']} to {census['last_date']}" if census["first_date"] else ""
    return " · ".join(filter(None, [*facts, dates]))


def source_cards(citations: Sequence[Citation]) -> str:
    """Quotes between their neighbours, as a list of links into their articles, for the reader beside the chat.

    In each the words of the question are marked.
    """
    return f"<ol>{''.join(map(_card, citations))}</ol>"


def _card(citation: Citation) -> str:
    before, after = map(html.escape, neighbours(citation))
    context = f'{before} <span class="quote">{_matched(citation.quote, citation.why.terms)}</span> {after}'
    return (
        f'<li><a class="card" href="#p={citation.id}"><span class="number">{citation.number}</span>'
        f'<span class="body"><strong>{html.escape(citation.article.title)}</strong>'
        f'<span class="byline">{html.escape(byline(citation.article))}</span>'
        f'<span class="context">{context}</span></span></a></li>'
    )


def _matched(text: str, terms: Sequence[str]) -> str:
    """Escaped text with the words that match a term in bold."""
    parts, end = [], 0
    for start, after in places(terms, text):
        parts.append(f"{html.escape(text[end:start])}<b>{html.escape(text[start:after])}</b>")
        end = after
    return "".join([*parts, html.escape(text[end:])])


def article_links(articles: Sequence[Article]) -> str:
    """Articles as a list of links into the reader."""
    items = (
        f'<li><a class="card" href="#p={span_id(article, 0, 0)}"><span class="body"><strong>{html.escape(article.title)}</strong>'
        f'<span class="byline">{html.escape(byline(article))}</span></span></a></li>'
        for article in articles
    )
    return f"<ol>{''.join(items)}</ol>"
