"""HTML -> the article in it and the page's own metadata. Runs in the child process; the only file that imports trafilatura."""

from __future__ import annotations

from typing import Any

import trafilatura

from index.articles.source import RefusedError

# The page's own metadata, never a guess from a footer.
_DATES = {"original_date": True, "extensive_search": False}


# Trafilatura leaves out what a browser does not show, but for this.
_UNSHOWN = "//template"


def read(data: bytes) -> dict[str, Any]:
    """The fields of the article in a page in UTF-8, whatever encoding it states."""
    page = trafilatura.bare_extraction(
        data.decode(), with_metadata=True, include_comments=False, include_tables=False, prune_xpath=_UNSHOWN, date_extraction_params=_DATES
    )
    if page is None or not page.text:
        raise RefusedError("no article text found in the page")
    metadata = {"title": page.title, "source": page.sitename, "url": page.url, "published": page.date, "language": page.language}
    return {name: value or "" for name, value in metadata.items()} | {"text": _paragraphs(page.text)}


def read_fragment(data: bytes) -> str:
    """The text of a piece of HTML that is nothing but an article's body, as a feed carries it."""
    whole = f"<html><body><article>{data.decode()}</article></body></html>"
    page = trafilatura.bare_extraction(whole, with_metadata=False, include_comments=False, include_tables=False, favor_recall=True)
    return _paragraphs(page.text) if page and page.text else str(trafilatura.html2txt(whole))


def _paragraphs(text: str) -> str:
    return text.replace("\n", "\n\n")
