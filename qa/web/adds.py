"""The adds of each page: what runs, and what became of its files. The server keeps it, so that a page that is left and opened again has it.

It knows nothing of gradio. What a page sends may be anything; it goes by a name that its tab made up, which nobody else can guess.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from index import Archive
from index.changes import KEEPING
from index.errors import ClippingsError
from qa.page import plainly
from qa.web import markup
from qa.web.kept import MAX_FILES, REFUSED, Kept, Line, Sent, Session

Told = dict[str, Any]

_NAME = re.compile(r"[0-9a-f]{32}")
# Adds that go on at a time, one after the other, of all pages; pages that are remembered, and lines of each.
_RUNNING = 64
_PAGES = 100
_LINES = 2 * MAX_FILES


class _Add:
    """One that goes on."""

    def __init__(self) -> None:
        self.stage = ("", 0, 0)

    def report(self, stage: str, done: int, total: int) -> None:
        if stage != KEEPING:
            self.stage = (stage, done, total)


@dataclass
class _Page:
    """What a page sent: `over` counts the adds that have ended, `found` has the lines of the last of them, and their HTML."""

    session: Session = field(default_factory=Session)
    running: list[_Add] = field(default_factory=list)
    found: list[tuple[int, str]] = field(default_factory=list)
    over: int = 0

    def end(self, add: _Add, lines: int, html: str) -> None:
        self.running.remove(add)
        self.found.append((lines, html))
        self.over += 1
        while len(self.found) > 1 and sum(count for count, _ in self.found) > _LINES:
            del self.found[0]

    def after(self, seen: Any) -> list[str]:
        """The HTML of the adds that ended after the first `seen`."""
        new = self.over - seen if isinstance(seen, int) and 0 <= seen <= self.over else self.over
        return [html for _, html in self.found[max(0, len(self.found) - new) :]]


class Adds:
    """Those of all pages. `may_come_back`: the paths of articles that were taken out and can be put back."""

    def __init__(self, archive: Archive, kept: Kept, may_come_back: Callable[[], Collection[str]]) -> None:
        self._archive = archive
        self._kept = kept
        self._may_come_back = may_come_back
        self._guard = threading.Lock()
        self._pages: OrderedDict[str, _Page] = OrderedDict()

    def begin(self, asked: Any) -> Told:
        """Begin to add the `files` of a `page`. It goes on to its end, whoever waits for it, but not beyond that of the process."""
        name, sent, add = _name(asked), _sent(asked), _Add()
        with self._guard:
            if not name or sum(len(page.running) for page in self._pages.values()) >= _RUNNING:
                return {"error": "Too many files are being added: try again when that is done."}
            if not sent:
                return {}
            page = self._page(name)
            page.running.append(add)
        threading.Thread(target=self._run, args=[page, add, sent], daemon=True).start()
        return {}

    def told(self, asked: Any) -> Told:
        """How far the adds of a `page` are, and what became of those after the first `seen`: HTML; and how many are over by now."""
        with self._guard:
            page = self._pages.get(_name(asked), _Page())
            running = "".join(markup.progress(*add.stage) for add in page.running)
            return {"running": running, "found": page.after(asked.get("seen") if isinstance(asked, dict) else 0), "seen": page.over}

    def _page(self, name: str) -> _Page:
        page = self._pages.setdefault(name, _Page())
        self._pages.move_to_end(name)
        if len(self._pages) > _PAGES:
            del self._pages[next(one for one, other in self._pages.items() if not other.running)]
        return page

    def _run(self, page: _Page, add: _Add, sent: Sequence[Sent]) -> None:
        found = [Line(one.name, REFUSED, "the server failed: its terminal says more") for one in sent]
        try:
            found = self._kept.add(sent, page.session, add.report)
        except ClippingsError as error:
            found = [Line(one.name, REFUSED, plainly(error, self._archive)) for one in sent]
        finally:
            html = ""
            try:
                html = markup.lines(found, self._titles(found))
            finally:
                with self._guard:
                    page.end(add, len(found), html)
        self._kept.sweep(self._may_come_back())

    def _titles(self, found: Sequence[Line]) -> dict[str, str]:
        titles = {}
        for line in found:
            if line.article:
                try:
                    titles[line.article] = self._archive.article(line.article).title
                except ClippingsError:  # taken out again meanwhile
                    continue
        return titles


def _name(asked: Any) -> str:
    name = asked.get("page") if isinstance(asked, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _sent(asked: Any) -> list[Sent]:
    """What a page says that it sent."""
    told = asked.get("files") if isinstance(asked, dict) else None
    found = []
    for one in told[:MAX_FILES] if isinstance(told, list) else []:
        if isinstance(one, dict):
            size = one.get("size")
            found.append(Sent(str(one.get("name"))[:500], size if isinstance(size, int) else 0, _text(one, "handle"), _text(one, "reason")))
    return found


def _text(one: dict[str, Any], name: str) -> str:
    value = one.get(name)
    return value[:200] if isinstance(value, str) else ""
