"""Question -> hits -> sentences that answer -> cited answer -> page.

`ask` is the way in and `Answer` what comes out. Nothing here knows of SQLite, faiss or the browser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.answer import Answer
    from qa.assistant import ask
    from qa.citation import Citation

__all__ = ["Answer", "Citation", "ask"]
_HOMES = {"Answer": "qa.answer", "Citation": "qa.citation", "ask": "qa.assistant"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, for the same reason as in `index`."""
    if name not in _HOMES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
