"""What the Library page shows, as escaped HTML: the list, the state of the archive, and what became of each file sent. Pure."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from index.clean import how_many, one_line
from index.errors import ArticleError
from index.listing import Listed
from qa.render import byline
from qa.web.kept import REFUSED, TAKEN, UNCHANGED, Line

_STAGES = {"reading": "Reading files", "splitting": "Splitting articles", "embedding": "Embedding passages"}
_SIGNS = {TAKEN: "✓", UNCHANGED: "=", REFUSED: "✗"}
# So many failures are listed; 'clippings status' has all.
_FAILURES = 200


def listing(listed: Listed, count: int) -> str:
    """A list of articles, each a link to itself, and the way to the pages before and after; `count` articles to a page."""
    rows = "".join(
        f'<li><a class="entry" href="?article={html.escape(article.id)}"><strong>{html.escape(article.title)}</strong>'
        f'<span class="byline">{html.escape(byline(article))}</span></a></li>'
        for article in listed.articles
    )
    page, last = listed.first // count, max(0, listed.total - 1) // count
    buttons = "".join(
        f'<button type="button" data-page="{to}"{"" if there else " disabled"}>{label}</button>'
        for label, to, there in (("Previous", page - 1, page > 0), ("Next", page + 1, page < last))
    )
    pages = f'<nav class="pages" aria-label="Pages">{buttons}<span>page {page + 1:,} of {last + 1:,}</span></nav>' if last else ""
    return f'<ol start="{listed.first + 1}">{rows}</ol>{pages}' if rows else ""


def counted(listed: Listed, everything: bool) -> str:
    """How many there are, in words: plain text."""
    if not listed.total:
        return "The archive is empty: add files." if everything else "No article fits: use fewer words, or take a filter away."
    last = listed.first + len(listed.articles)
    shown = f", {listed.first + 1:,} to {last:,} shown" if len(listed.articles) < listed.total else ""
    return f"{how_many(listed.total, 'article')}{shown}"


def outlets(names: Sequence[str]) -> str:
    """Options of a choice."""
    options = "".join(f"<option>{html.escape(name)}</option>" for name in sorted(names, key=str.casefold))
    return f'<option value="">All outlets</option>{options}'


def state(facts: Mapping[str, Any], failed: Mapping[str, ArticleError], places: Mapping[str, bool]) -> str:
    """The archive: what it holds, what made it, when it changed, its size; and what could not be taken."""
    dates = f"{facts['first_date']} to {facts['last_date']}" if facts["first_date"] else "none"
    rows = {
        "Articles": f"{facts['articles']:,}",
        "Outlets": f"{facts['outlets']:,}",
        "Dates": dates,
        "Passages": f"{facts['passages']:,}",
        "Model": Path(facts["model"]).name,
        "Last change": datetime.fromtimestamp(facts["changed"]).astimezone().strftime("%Y-%m-%d %H:%M"),
        "On disk": "unknown" if facts["bytes"] is None else f"{facts['bytes'] / 1e6:,.1f} MB",
    }
    table = "".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in rows.items())
    check = '<p class="checked" role="status">Not checked since this page was opened.</p><button type="button" class="check">Check</button>'
    about = f'<h2 tabindex="-1">The archive</h2><dl>{table}<dt>Whole</dt><dd>{check}</dd></dl>'
    return f'<div class="state">{about}{failures(failed, places)}</div>'


def failures(failed: Mapping[str, ArticleError], places: Mapping[str, bool]) -> str:
    """What could not be taken from the files and folders that the archive is kept up to date with, and why."""
    if not failed:
        return ""
    rows = "".join(
        f"<li><strong>{html.escape(one_line(shown(path, places)))}</strong> {html.escape(error.reason)}</li>"
        for path, error in list(failed.items())[:_FAILURES]
    )
    more = f"<p>And {len(failed) - _FAILURES:,} more: ‘clippings status’ names them.</p>" if len(failed) > _FAILURES else ""
    return f"<h3>Could not be taken ({len(failed):,})</h3><ul>{rows}</ul>{more}"


def shown(path: str, places: Mapping[str, bool]) -> str:
    """A path from the place on that was given to add: nothing above that is told."""
    above = [place for place, wanted in places.items() if wanted and path.startswith((f"{place}{os.sep}", f"{place}:", f"{place}#"))]
    start = len(os.path.dirname(max(above, key=len, default=path)))  # noqa: PTH120 - not a path where a line number stands behind it
    return path[start:].lstrip(os.sep)


def progress(stage: str, done: int, total: int) -> str:
    """How far an add is: a bar that says so."""
    label = _STAGES.get(stage, "Waiting")
    counts = f"{label}: {done:,} of {total:,}" if total else f"{label} …"
    bar = f'<progress max="{max(total, 1)}" value="{done}" aria-label="{label}"></progress>'
    return f'<p class="progress" aria-live="off">{bar}<span>{counts}</span></p>'


def lines(found: Sequence[Line], titles: Mapping[str, str]) -> str:
    """What became of the files that were sent, in the order in which they were; `titles` of their articles, by id."""
    rows = "".join(_line(line, titles) for line in found)
    counts = [f"{sum(line.outcome == outcome for line in found):,} {outcome}" for outcome in _SIGNS]
    return f'<p class="sum">{", ".join(counts)}</p><ul class="lines">{rows}</ul>' if found else ""


def _line(line: Line, titles: Mapping[str, str]) -> str:
    kind = line.outcome.replace(" ", "-")
    title = titles.get(line.article)
    link = f'<a class="entry" href="?article={html.escape(line.article)}">{html.escape(title)}</a>' if title else ""
    told = ": ".join(filter(None, [line.outcome, html.escape(line.detail)]))
    parts = " · ".join(filter(None, [told, link]))
    name = html.escape(one_line(line.name))
    return f'<li class="{kind}"><span aria-hidden="true">{_SIGNS[line.outcome]}</span> <strong>{name}</strong> {parts}</li>'
