"""Answers and articles -> Markdown and HTML. The one sink through which article text reaches a page; it escapes everything.

Markdown goes to the chat, whose own sanitiser stops scripts but lets images, forms and styles call out: so every sign that
Markdown could read becomes a character reference, in one pass. HTML goes to the reader, which sanitises nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from index.clean import one_line
from index.records import Article
from qa.answer import Answer, Citation, Copy, Differ

# Every sign of ASCII that Markdown could read: all but plain punctuation, and of that what opens a list or a web address.
_SIGN = re.compile(
    r"""[^\w ,.;:'"?()%-]|_|^[-.:]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]|(?<=^\d\d\d\d)[.)]|(?<=www)\.""", re.ASCII | re.IGNORECASE
)


def markdown(text: str) -> str:
    """`text` as Markdown that shows exactly it, on one line: no markup, link, image or formula can come of it."""
    return _SIGN.sub(lambda sign: f"&#{ord(sign[0])};" if sign[0].isascii() else sign[0], one_line(text))


def answer(result: Answer) -> str:
    """An answer for the chat: what was read from the question; the headline quote, the supporting quotes, how it was found; or why there
    is none."""
    return "\n\n".join([*chips(result), _quotes(result) if result.quotes else _abstention(result), _how(result)])


def chips(result: Answer) -> list[str]:
    """A paragraph that says what was read from the question, each with a link that the page catches; none where nothing was."""
    links = {False: ("drop", "drop"), True: ("keep", "not used; take it up again")}
    parts = []
    for chip in result.chips:
        what, name = links[chip.dropped]
        parts.append(f"“{markdown(chip.words)}”: {markdown(chip.label)} ([{name}](#{what}={chip.id}))")
    return [f"Read from the question: {' · '.join(parts)}"] if parts else []


def _quotes(result: Answer) -> str:
    headline, *others = result.quotes
    parts = [f"> {markdown(headline.quote)} {_marker(headline)}", _source(headline)]
    parts += [_differ(one, result) for one in result.differ]
    if others:
        parts += ["Also in the archive", "\n".join(_list_item(citation) for citation in others)]
    return "\n\n".join(parts)


def _abstention(result: Answer) -> str:
    parts = [f"**The archive does not say.** {markdown(_sentence(result.reason))}"]
    if result.nearest:
        parts += ["Nearest, and not an answer", "\n".join(_list_item(citation) for citation in result.nearest)]
    return "\n\n".join(parts)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _list_item(citation: Citation) -> str:
    return f"- {markdown(citation.quote)} {_marker(citation)}  \n  {_source(citation)}"


def _source(citation: Citation) -> str:
    """The byline, who says it, and the other articles that print it, each a link."""
    says = f"{markdown(citation.speaker)}: *{markdown(citation.verb)}* · " if citation.speech else ""
    copies = ", ".join(_copy(copy, citation) for copy in citation.also)
    earliest = " (earliest)" if citation.earliest is citation.article else ""
    return f"{says}{_byline(citation.article)}{earliest}" + (f" · {also(citation)}: {copies}" if copies else "")


def also(citation: Citation) -> str:
    """In how many other outlets a quote stands: "also in 4 outlets"; in how many articles where they name none."""
    outlets, copies = len(citation.outlets), len(citation.also)
    if not outlets:
        return f"again in {copies} article{'s' if copies > 1 else ''}"
    return f"also in {outlets} outlet{'s' if outlets > 1 else ''}"


def _copy(copy: Copy, citation: Citation) -> str:
    earliest = " (earliest)" if copy.article is citation.earliest else ""
    return f"[{markdown(byline(copy.article))}](#p={copy.id}){earliest}"


def _differ(one: Differ, result: Answer) -> str:
    pair = [result.quotes[number - 1] for number in (one.first, one.second)]
    shown = "\n".join(f"- {markdown(quote.quote)} {_marker(quote)}{differs_how(one, quote)}" for quote in pair)
    return f"**{DIFFER[one.what]}**\n\n{shown}"


DIFFER = {"figure": "Sources differ: another figure", "denial": "Sources differ: one denies it", "": ""}


def differs_how(one: Differ, quote: Citation) -> str:
    """What is said of the later of two quotes that differ, nothing of the other."""
    return f" · later report says otherwise, {quote.article.published}" if quote.number == one.later else ""


def _marker(citation: Citation) -> str:
    """A link that the page catches: its fragment names the span, so it works in a restored chat too."""
    return f"[{citation.number}](#p={citation.id})"


def byline(article: Article) -> str:
    """Outlet and date, what there is of them; the file where there is neither."""
    return ", ".join(filter(None, [article.source, article.published])) or one_line(article.path.rpartition("/")[2])


def _byline(article: Article) -> str:
    return f"**{markdown(byline(article))}** · {markdown(article.title)}"


def _how(result: Answer) -> str:
    """How this was found, folded away: the words matched and the rank in each leg, quote by quote."""
    rows = ["| | words matched | by words | by meaning |", "|-|-|-|-|"]
    for citation in result.quotes or result.nearest:
        why = citation.why
        ranks = (f"rank {rank}" if rank else "not found" for rank in (why.bm25, why.dense))
        rows.append("| " + " | ".join([str(citation.number), markdown(", ".join(why.terms)) or "none", *ranks]) + " |")
    searched = f"Searched {result.searched.passages:,} passages of {result.searched.articles:,} articles."
    table = "\n".join(rows) if len(rows) > 2 else ""
    return f"<details><summary>How this was found</summary>\n\n{table}\n\n{searched}\n\n</details>"


def article_html(article: Article, start: int = 0, end: int = 0) -> str:
    """An article as escaped HTML, `text[start:end]` marked; the mark is never carried across paragraphs' ends."""
    paragraphs = "".join(_paragraph(article.text, first, last, start, end) for first, last in _paragraphs(article.text))
    facts = " · ".join(html.escape(fact) for fact in (article.source, article.published) if fact)
    link = f'<a href="{html.escape(article.url)}" target="_blank" rel="noopener noreferrer">original</a>' if article.url else ""
    name = html.escape(one_line(article.path.rpartition("/")[2]))
    byline_ = " · ".join(filter(None, [facts, name, link]))
    return f'<article><h2 tabindex="-1">{html.escape(article.title)}</h2><p class="byline">{byline_}</p>{paragraphs}</article>'


def _paragraphs(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+", text) if match[0].strip()]


def _paragraph(text: str, first: int, last: int, start: int, end: int) -> str:
    inside_start, inside_end = max(first, start), min(last, end)
    if inside_start >= inside_end:
        return f"<p>{html.escape(text[first:last])}</p>"
    before, marked, after = (html.escape(text[a:b]) for a, b in ((first, inside_start), (inside_start, inside_end), (inside_end, last)))
    return f'<p class="near">{before}<mark>{marked}</mark>{after}</p>'


def masthead(census: Mapping[str, Any]) -> str:
    """The name of the page, and what the archive behind it holds."""
    facts = [f"{census['articles']:,} articles", f"{census['outlets']:,} outlets" if census["outlets"] else ""]
    dates = f"{census['first_date']} to {census['last_date']}" if census["first_date"] else ""
    return f"<header><h1>Clippings</h1><p>{html.escape(' · '.join(filter(None, [*facts, dates])))}</p></header>"


def source_cards(citations: Sequence[Citation]) -> str:
    """The quotes of an answer as a list of links into their articles, for the reader beside the chat."""
    cards = "".join(
        f'<li><a class="card" href="#p={citation.id}"><span class="number">{citation.number}</span>'
        f'<span class="body"><strong>{html.escape(citation.article.title)}</strong>'
        f'<span class="byline">{html.escape(byline(citation.article))}</span>'
        f'<span class="quote">{html.escape(citation.quote)}</span></span></a></li>'
        for citation in citations
    )
    return f"<ol>{cards}</ol>"
