"""What the Library page asks of the archive, and what it is told: plain values in, plain values out. It knows nothing of gradio.

Whatever a page sends may be anything: what is no text is none, what is no number is 0. An error that a user can mend is told in one
line, without a path of the server. It reads through a connection of its own: a long list keeps no question waiting.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any

from index import Archive
from index.errors import ArchiveError, ClippingsError
from index.filtering import filters
from index.listing import ORDERS
from index.undo import Removed
from qa import render
from qa.page import plainly
from qa.web import markup
from qa.web.kept import Kept

Told = dict[str, Any]

COUNT = 50
# What a page may ask for, in characters: no title has more.
_MAX_WORDS = 500
# Removals that can be undone: those of the open pages, as far as anyone goes.
_MOST = 500


def _telling(answer: Callable[..., Told]) -> Callable[..., Told]:
    """`answer`, or {"error": what is wrong}."""

    @wraps(answer)
    def told(self: Shelf, asked: Any = None) -> Told:
        try:
            return answer(self, asked)
        except ClippingsError as error:
            return {"error": f"{plainly(error, self._archive)}."}

    return told


class Shelf:
    """The archive, for those who look after it. `kept`: the files that it keeps itself."""

    def __init__(self, archive: Archive, kept: Kept) -> None:
        self._chats = archive
        self._archive = Archive(archive.path, archive.encoder)
        self._kept = kept
        self._removed: OrderedDict[str, Removed] = OrderedDict()
        self._checking = threading.Lock()

    @_telling
    def listing(self, asked: Any) -> Told:
        """A page of the list, or the last there is: its number from 0, its HTML, and in words how many there are. Asked: find, order,
        outlet, since, until, page."""
        wanted = asked if isinstance(asked, dict) else {}
        words, outlet, since, until = (_text(wanted.get(name)) for name in ("find", "outlet", "since", "until"))
        limits = filters([outlet] if outlet else [], since or None, until or None)
        order = _text(wanted.get("order"))
        order = order if order in ORDERS else "newest"
        page = wanted.get("page")
        first = COUNT * page if isinstance(page, int) and 0 < page < 10**9 else 0
        listed = self._archive.listed(words, limits, order, first, COUNT)
        if listed.total and not listed.articles:  # the list has become shorter
            listed = self._archive.listed(words, limits, order, (listed.total - 1) // COUNT * COUNT, COUNT)
        everything = not (words.strip() or outlet or since or until)
        return {
            "page": listed.first // COUNT,
            "html": markup.listing(listed, COUNT),
            "count": markup.counted(listed, everything),
        }

    @_telling
    def article(self, asked: Any) -> Told:
        """An article as the chat shows it."""
        article = self._archive.article(_text(asked))
        return {"id": article.id, "title": article.title, "html": render.article_html(article)}

    @_telling
    def state(self, asked: Any) -> Told:
        """What the archive is, and which outlets it has to choose from."""
        archive = self._archive
        facts = archive.census() | {"model": archive.encoder.name, "changed": archive.changed(), "bytes": archive.size()}
        return {"html": markup.state(facts, archive.failed(), archive.places()), "outlets": markup.outlets(self._chats.outlets())}

    @_telling
    def check(self, asked: Any) -> Told:
        """Whether the archive is whole: everything is read. By a connection of its own, which nobody else waits for."""
        if not self._checking.acquire(blocking=False):
            raise ArchiveError("it is being checked already: wait for that")
        try:
            checked = Archive(self._archive.path, self._archive.encoder).check()
        finally:
            self._checking.release()
        if checked.whole:
            return {"line": "Whole: everything is what was written."}
        problems = "; ".join(plainly(ArchiveError(problem), self._archive) for problem in checked.problems[:3])
        return {"line": f"Not whole: {problems}. ‘clippings check --repair’ mends what can be."}

    @_telling
    def remove(self, asked: Any) -> Told:
        """Take an article out, at once; and the token with which it comes back."""
        removed = self._archive.take_out(_text(asked))
        self._kept.left(removed.article.path)
        token = secrets.token_urlsafe(16)
        self._removed[token] = removed
        while len(self._removed) > _MOST:
            self._removed.popitem(last=False)
        return {"token": token, "title": removed.article.title}

    @_telling
    def put_back(self, asked: Any) -> Told:
        """Put back what was taken out under a token."""
        token = _text(asked)
        removed = self._removed.get(token)
        if removed is None:
            raise ArchiveError("there is no way back for that article any more: add its file again")
        self._archive.put_back(removed)
        self._removed.pop(token, None)
        return {"id": removed.article.id, "title": removed.article.title}

    def may_come_back(self) -> list[str]:
        """The paths of the articles that were taken out and can be put back."""
        return [removed.article.path for removed in list(self._removed.values())]


def _text(value: Any) -> str:
    return value[:_MAX_WORDS] if isinstance(value, str) else ""
