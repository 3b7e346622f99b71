"""Which articles to list, and in what order -> SQL over the table of articles. It knows no passages and no ranking."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Article, Filters

# Names of orders -> SQL. What has no date, outlet or title comes last; ties by id, so that pages never overlap.
ORDERS = {
    "newest": "published DESC, id",
    "oldest": "published = '', published, id",
    "title": "ltrim(folded(title), ' ''\"“‘«„([') , id",
    "outlet": "source = '', folded(source), published DESC, id",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """Part of a list: its articles, where in the list the first stands, from 0, and how many the whole list has."""

    articles: Sequence[Article]
    first: int
    total: int


def folded(text: str) -> str:
    """`text` for comparing: without case and accents."""
    if text.isascii():
        return text.lower()
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def where(words: str, filters: Filters, outlets: Sequence[str]) -> tuple[str, list[str]]:
    """The condition on a row of articles, and its values: each of `words` in title or outlet, and the filters. `outlets`: what the
    archive calls those of the filters."""
    conditions, values = ["1"], []
    if filters.since or filters.until:
        conditions.append("published BETWEEN ? AND ?")
        values += [filters.since or "0", filters.until or "9999-12-31"]
    if filters.outlets:
        conditions.append(f"source IN ({', '.join('?' * len(outlets))})")
        values += outlets
    found = folded(words).split()
    conditions += ["instr(folded(title || ' ' || source), ?) > 0"] * len(found)
    return " AND ".join(conditions), values + found
