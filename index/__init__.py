"""Article files -> text -> passages -> vectors and postings -> ranked hits.

`Archive` is the way in; the records are what comes out. Nothing here knows of answers, evals or pages.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index.archive import Archive
    from index.records import Article, Filters, Hit, Passage

__all__ = ["Archive", "Article", "Filters", "Hit", "Passage"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: numpy and faiss take longer than `clippings --help` may."""
    if name not in __all__:
        raise AttributeError(f"module 'index' has no attribute {name!r}")
    return getattr(import_module("index.archive" if name == "Archive" else "index.records"), name)
