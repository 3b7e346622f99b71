"""RSS 0.9 to 2.0, RDF and Atom -> their entries. Runs in the child process.

An entry is a record like a JSON line: id, title, text (HTML), source, url, published, language. It does not know what a feed
left out: most carry a summary, and link to the rest.
"""

from __future__ import annotations

import html
from typing import Any

from lxml import etree

from index.articles.source import RefusedError
from index.articles.xml import parse

_ROOTS = ("rss", "rdf", "feed")
_ENTRIES = ("item", "entry")
# Ours -> the names of RSS, Atom and their common extensions, the fullest first.
_NAMES = {
    "id": ("guid", "id"),
    "title": ("title",),
    "text": ("encoded", "content", "description", "summary"),
    "published": ("pubdate", "published", "date", "issued", "updated"),
}


def read(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """Each entry of a feed in UTF-8 with the line that it starts on."""
    root = parse(data, "utf-8")
    if _name(root) not in _ROOTS:
        raise RefusedError(f"neither RSS nor Atom: its root is <{_name(root)}>")
    head = next((node for node in root if _name(node) == "channel"), root)
    common = {"source": _text(_first(head, "title")), "language": _text(_first(head, "language")) or root.get(_XML_LANGUAGE, "")}
    entries = [node for node in root.iter() if _name(node) in _ENTRIES]
    if not entries:
        raise RefusedError("a feed without entries")
    return [(node.sourceline, common | _entry(node)) for node in entries]


_XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def _entry(node: Any) -> dict[str, str]:
    found = {ours: next(filter(None, (_value(_first(node, name), ours) for name in names)), "") for ours, names in _NAMES.items()}
    return found | {"url": _link(node)}


def _value(node: Any, ours: str) -> str:
    """The text of a field; HTML where it is the article's text, whichever way the feed carries it."""
    if node is None:
        return ""
    kind = node.get("type", "html")
    if ours == "text" and len(node):
        return str(etree.tostring(node, encoding="unicode", with_tail=False))
    return html.escape(_text(node)) if ours == "text" and kind in ("text", "text/plain") else _text(node)


def _link(node: Any) -> str:
    links = [child for child in node if _name(child) == "link"]
    addresses = [child.get("href") for child in links if child.get("rel", "alternate") == "alternate"]
    return next(filter(None, [*addresses, *map(_text, links)]), "")


def _first(node: Any, name: str) -> Any:
    return next((child for child in node if _name(child) == name), None)


def _name(node: Any) -> str:
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""


def _text(node: Any) -> str:
    return "" if node is None else "".join(node.itertext()).strip()
