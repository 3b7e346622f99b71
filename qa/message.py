"""Answer -> a message of the chat, and what a message tells, back. Pure.

A message is escaped HTML on one line, which Markdown takes as it is, and the chat's sanitiser after it. That leaves no data- or aria-
attribute: what the page needs to know of an answer stands in classes and links, and qa/page.js gives the labels.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence

from index.clean import how_many
from index.records import Article
from qa.answer import Answer, Chip, Differ
from qa.citation import Citation, Copy
from qa.render import DIFFER, also, byline, markdown, neighbours

_THUMBS = (("up", "A good answer"), ("down", "Not a good answer"))

# More links to copies than these are folded away.
_INLINE = 3

# In a message that is the headline of an answer alone.
BEGUN = '<p class="pending">Looking for what else the archive has.</p>'


def headline(result: Answer) -> str:
    """A message with the headline of an answer alone, while the rest is looked for."""
    return _answer([*_chips(result), _headline(result.quotes[0]), BEGUN])


def is_begun(content: str) -> bool:
    """Whether a message is such a first step: what was to follow did not come."""
    return BEGUN in content


def whole(result: Answer, address: str, without: Collection[str] = ()) -> str:
    """A message with an answer: what was read from the question; the headline, what supports it; or why there is none, and what is near.

    `address` is the query that asks this again. `without` are the chips without which there would be an answer.
    """
    parts = _quotes(result) if result.quotes else _abstention(result, without)
    return _answer([*_chips(result), *parts, _how(result), _tools(result, address)])


def problem(said: str) -> str:
    """A message that says what is wrong with a question."""
    return _answer([f'<p class="problem">{markdown(said)}</p>'])


def within(address: str, limits: str) -> str:
    """What stands under a question that was asked within limits: these in words, and the query that chooses them again."""
    return f'<a class="within" href="{html.escape(address)}" role="button">{markdown(limits)}</a>'


def limits(message: str) -> str:
    """The query that chooses the limits of a question again, or ""."""
    return _linked("within", message)


def asked(message: str) -> str:
    """The question that an answer is to, in a form that stands alone; "" where nothing could be asked."""
    found = re.search(r'<span class="asked">(.*?)</span>', message)
    return html.unescape(found[1]) if found else ""


def address(message: str) -> str:
    """The query that asks for an answer again, or ""."""
    return _linked("address", message)


def _linked(name: str, message: str) -> str:
    found = re.search(rf'<a class="{name}" href="(\?[^"]*)"', message)
    return html.unescape(found[1]) if found else ""


def dropped(message: str) -> set[str]:
    """The ids of the chips that an answer was made without."""
    return set(re.findall(r'href="#keep=([a-z]+-\d+)"', message))


def cited(message: str) -> tuple[str, ...]:
    """The ids of the articles that an answer quotes, each once; none where it is an abstention."""
    found = re.findall(r'<a class="cite" href="#p=([^."]+)\.', message) if "<blockquote>" in message else []
    return tuple(dict.fromkeys(found))


def quoted(message: str) -> list[str]:
    """The names of the spans that an answer numbers, in that order: its quotes, or what is near."""
    found = re.findall(r'<a class="cite" href="#p=([^"]+)"[^>]*>(\d+)</a>', message)
    return list(dict.fromkeys(name for name, _ in sorted(found, key=lambda one: int(one[1]))))


def _answer(parts: Sequence[str]) -> str:
    return f'<div class="answer">{"".join(parts)}</div>'


def _chips(result: Answer) -> list[str]:
    chips = " ".join(map(_chip, result.chips))
    return [f'<p class="chips">Read from the question: {chips}</p>'] if chips else []


def _chip(chip: Chip) -> str:
    what, does = ("keep", "not used; take it up again") if chip.dropped else ("drop", "ask without it")
    said = f"“{markdown(chip.words)}”: {markdown(chip.label)}"
    return f'<span class="chip {what}">{said} <a href="#{what}={chip.id}" role="button">{does}</a></span>'


def _quotes(result: Answer) -> list[str]:
    first, *others = result.quotes
    seen = {first.article.id}
    parts = [_headline(first), *(_differ(one, result) for one in result.differ)]
    if others:
        parts += ["<h3>Also in the archive</h3>", _list(others, seen)]
    return parts


def _headline(citation: Citation) -> str:
    before, after = (f'<p class="near">{markdown(text)}</p>' if text else "" for text in neighbours(citation))
    return f"{before}<blockquote><p>{_quote(citation)}</p></blockquote>{after}{_source(citation)}"


def _quote(citation: Citation) -> str:
    return f'<span class="quote">{markdown(citation.quote)}</span> {_cite(citation)}'


def _cite(citation: Citation) -> str:
    """A link that the page catches. Its fragment names the span, so that it works in a restored chat too."""
    return f'<a class="cite" href="#p={citation.id}" title="{html.escape(byline(citation.article))}">{citation.number}</a>'


def _list(citations: Sequence[Citation], seen: set[str]) -> str:
    """Quotes with where they are from; the title of an article that was named above is not said again."""
    items = []
    for citation in citations:
        items.append(f"<li>{_in_context(citation)}{_source(citation, citation.article.id not in seen)}</li>")
        seen.add(citation.article.id)
    return f'<ul class="quotes">{"".join(items)}</ul>'


def _in_context(citation: Citation) -> str:
    """A quote between its neighbours: the cards beside the conversation show those of one answer, while no article is open."""
    before, after = (f'<span class="near">{markdown(text)}</span>' if text else "" for text in neighbours(citation))
    return " ".join(filter(None, [before, _quote(citation), after]))


def _source(citation: Citation, titled: bool = True) -> str:
    """Who says it, outlet and date, title, and the other articles that print it, each a link; many are folded away."""
    says = f"{markdown(citation.speaker)}: <em>{markdown(citation.verb)}</em>" if citation.speech else ""
    earliest = " (earliest)" if citation.earliest is citation.article else ""
    named = f"<strong>{markdown(byline(citation.article))}</strong>{earliest}"
    title = markdown(citation.article.title) if titled else ""
    links = ", ".join(_copy(copy, citation) for copy in citation.also)
    folded = f"<details><summary>{also(citation)}</summary>{links}</details>" if len(citation.also) > _INLINE else ""
    copies = f"{also(citation)}: {links}" if links and not folded else ""
    return f'<div class="source">{" · ".join(filter(None, [says, named, title, copies]))}{folded}</div>'


def _copy(copy: Copy, citation: Citation) -> str:
    earliest = " (earliest)" if copy.article is citation.earliest else ""
    return f'<a class="copy" href="#p={copy.id}">{markdown(byline(copy.article))}</a>{earliest}'


def _differ(one: Differ, result: Answer) -> str:
    pair = [result.quotes[number - 1] for number in (one.first, one.second)]
    shown = "".join(f'<li>{_quote(quote)}<p class="source">{_when(quote.article, quote.number == one.later)}</p></li>' for quote in pair)
    return f'<section class="differ"><h3>{DIFFER[one.what]}</h3><ul>{shown}</ul></section>'


def _when(article: Article, is_later: bool) -> str:
    later = " · later report says otherwise" if is_later else ""
    return f"<strong>{markdown(byline(article))}</strong>{later}"


def _abstention(result: Answer, without: Collection[str]) -> list[str]:
    parts = ['<h3 class="none">The archive does not say.</h3>', f'<p class="reason">{markdown(result.reason)}</p>']
    if without:
        link = f'<a href="#drop={",".join(without)}" role="button">ask without what was read from the question</a>'
        parts.append(f'<p class="instead">There is an answer beyond that limit: {link}</p>')
    parts.append(f"<p>{_searched(result)}</p>")
    if result.nearest:
        nearest = _list(result.nearest, set())
        parts.append(f'<section class="nearest"><h3>Nearest, and not an answer</h3>{nearest}</section>')
    return parts


def _searched(result: Answer) -> str:
    searched = result.searched
    undated = f' <span class="undated">{searched.undated:,}</span> more have no date, and were left out.' if searched.undated else ""
    which = "limits" if searched.limits else "held"
    limits = f' <span class="{which}">{markdown(of)}</span>' if (of := searched.limits or searched.held) else ""
    number, articles = how_many(searched.articles, "article").split()
    return f'Searched {how_many(searched.passages, "passage")} of <span class="articles">{number}</span> {articles}{limits}.{undated}'


def _how(result: Answer) -> str:
    """How this was found, folded away: the words matched and the rank in each leg, quote by quote."""
    rows = "".join(map(_row, result.quotes or result.nearest))
    head = "<tr><th>Quote</th><th>Words matched</th><th>Rank by words</th><th>Rank by meaning</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
    searched = f"<p>{_searched(result)}</p>" if result.quotes else ""
    searched_for = f'<p>Searched for “<span class="asked">{markdown(result.question)}</span>”, by words and by meaning.</p>'
    return f"<details><summary>How this was found</summary>{searched_for}{table}{searched}</details>"


def _row(citation: Citation) -> str:
    why = citation.why
    ranks = (f"{rank}" if rank else "not found" for rank in (why.bm25, why.dense))
    cells = [str(citation.number), markdown(", ".join(why.terms)) or "none", *ranks]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _tools(result: Answer, query: str) -> str:
    copies = (("footnote", "Copy as footnotes"), ("markdown", "Copy as Markdown")) if result.quotes else ()
    tools = [f'<button type="button" name="copy" value="{form}">{says}</button>' for form, says in copies]
    tools.append(f'<a class="address" href="{html.escape(query)}" role="button">Copy link</a>')
    for value, says in _THUMBS:
        tools.append(f'<button type="button" name="thumb" value="{value}" title="{says}"><span class="vh">{says}</span></button>')
    return f'<p class="tools">{"".join(tools)}</p>'
