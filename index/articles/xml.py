"""XML from outside -> its root, with nothing expanded and nothing fetched. Runs in the child process."""

from __future__ import annotations

from typing import Any

from lxml import etree

from index.articles.source import RefusedError


def parse(data: bytes, encoding: str | None = None) -> Any:
    """The root of a document, in the encoding that it declares or in another; Refused where it is not well-formed.

    Its own entities are refused too: expanded they can be a bomb or another file, and left out they would be missing text.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, encoding=encoding)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError(f"not well-formed XML: {error}") from error
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise RefusedError("it declares entities of its own, which are not expanded here")
    return root
