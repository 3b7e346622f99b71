"""D1, D3: hostile texts through the Library page: its list, reader and state, what is sent to it, looked for in it, taken out and put back.

The same is done in an archive of harmless texts and in one of hostile ones: an element of a kind that the first does not show is a finding.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import payloads
import pytest
from fakes import BagEncoder
from hostile import HARMLESS, Watch, articles, groups, names, squeezed
from rooms import serving

from index import Archive

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

PLACES = ("#finder", "#adding", "#articles", "#side", "#masthead")
DROP = """names => {
    const carried = new DataTransfer();
    for (const [name, text] of names) carried.items.add(new File([text], name));
    document.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: carried}));
}"""
GOTO = """asked => {
    history.replaceState(null, '', '?' + new URLSearchParams(asked));
    dispatchEvent(new PopStateEvent('popstate'));
}"""


class Library(Watch):
    """The Library page over an archive."""

    def __init__(self, browser: object, address: str, archive: Archive) -> None:
        super().__init__(browser, address, PLACES)
        self.archive = archive
        self.page.goto(f"{address}library")
        self.page.wait_for_selector("#side .state", timeout=60_000)
        self.page.wait_for_selector("#articles a.entry", timeout=60_000)

    def tour(self, texts: Sequence[str], allowed: set[str] | None = None) -> None:
        """Every place of the page, by everything that it does."""
        held = list(self.archive.articles())
        failed = [error.reason for error in self.archive.failed().values()]
        assert failed
        self.check(allowed, [*(one.title for one in held), *(one.source for one in held), *failed, *map(str.strip, names(texts))])
        for article in held:
            if article.source:
                self.read(article, allowed)
        self.send(names(texts), allowed)
        for some in groups(texts, 4):
            self.find(" ".join(some), allowed)

    def read(self, article: Any, allowed: set[str] | None) -> None:
        """Open it, take it out and put it back."""
        self.page.click(f'#articles a.entry[href="?article={html.escape(article.id)}"]')
        title = "title => document.querySelector('#side article h2')?.textContent === title"
        self.page.wait_for_function(title, arg=article.title)
        self.check(allowed, [f"{article.title} {article.source}", article.text])
        self.page.click("#side .remove")
        self.page.wait_for_selector("#articles .undo")
        self.check(allowed, [f"Removed: {article.title} Put back"])
        self.page.click("#articles .undo")
        self.page.wait_for_selector("#articles .undo", state="detached")
        self.page.wait_for_selector(f'#articles a.entry[href="?article={html.escape(article.id)}"]')
        self.check(allowed, [f"Put back: {article.title}"])

    def send(self, called: Sequence[str], allowed: set[str] | None) -> None:
        """Files that are taken, that are held already, and that are none of their kind."""
        sent = [[f"{name}{ending}", f"{name}\n\nIt fell.{at}"] for at, name in enumerate(called) for ending in (".txt", ".pdf")]
        sent += [[f"{called[0]}.exe", ""], [f"again {called[0]}.txt", sent[0][1]]]
        self.page.evaluate(DROP, sent)
        self.page.wait_for_selector("#adding .lines", timeout=60_000)
        self.check(allowed, [name for name, _ in sent])

    def find(self, text: str, allowed: set[str] | None) -> None:
        """In every box, by the address that a link can bring."""
        asked = dict.fromkeys(("find", "outlet", "since", "until", "order", "page", "article"), text)
        self.page.evaluate(GOTO, asked)
        said = f"no article {text} in the archive."
        self.page.wait_for_function("said => document.querySelector('#articles .said').textContent === said", arg=said)
        self.check(allowed, [said])
        assert squeezed(self.page.input_value("#finder [name=find]")) == squeezed(text)


def made(home: Path, texts: Sequence[str]) -> Archive:
    """An archive of texts in every field and name, and of files that failed."""
    home.mkdir()
    folder = articles(home / "articles", groups(texts, 6))
    for name in names(texts):
        (folder / f"{name}.pdf").write_text(name)
    archive = Archive(home / "archive", BagEncoder())
    archive.add([folder])
    return archive


def test_hostile_texts_in_the_library_are_shown_and_do_nothing(browser: object, memory: Path) -> None:
    """0 scripts, 0 outside requests, 0 elements that harmless texts do not have; all is shown. The control: what is planted is seen."""
    harmless, hostile = made(memory / "harmless", HARMLESS), made(memory / "hostile", payloads.ALL)
    with serving(harmless.path, toy=True) as address:
        plain = Library(browser, address, harmless)
        plain.tour(HARMLESS)
        plain.page.close()
    with serving(hostile.path, toy=True) as address:
        library = Library(browser, address, hostile)
        library.tour(payloads.ALL, plain.seen)
        assert library.catches(plain.seen, "#articles .list") >= 7
        library.page.close()
