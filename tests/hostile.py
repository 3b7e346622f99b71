"""Pages that show hostile texts, watched: what ran, what left, which elements harmless texts do not bring, and what is to be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import payloads

HARMLESS = ["a calm sea", "the harbour wall", "nine people"]
# Every kind of element in some places: its name, its attributes' names, and where it leads.
KINDS = """places => [...document.querySelectorAll(places.map(place => place + ' *').join() + ', body > *')].map(one => [
    one.tagName, one.getAttributeNames().filter(name => !/^aria-|^d$/.test(name)).sort().join(' '),
    (one.getAttribute('href') || one.getAttribute('src') || '').split(/[=:]/)[0].slice(0, 20)].join('|'))"""


def groups(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[at : at + size] for at in range(0, len(texts), size)]


def names(texts: Sequence[str]) -> list[str]:
    """Names of files, without their endings, that hold as many texts as a name can."""
    found = [""]
    for text in texts:
        text = text.replace("/", "\u2215").replace("\n", " ")
        if len((found[-1] + text).encode()) > 230:
            found.append("")
        found[-1] += text[:200]
    return found


def articles(home: Path, rounds: Sequence[Sequence[str]]) -> Path:
    """An article for each round, its texts in every field, and files that are named by them."""
    home.mkdir()
    lines = [
        {"_id": f"{number} {texts[0]}", "text": f"Marker{number} began with {' and '.join(texts)}, they said.\n\nThen it rained.",
         "title": " ".join(texts),
         "outlet": " ".join(texts), "author": " ".join(texts), "date": texts[0], "url": f"http://{texts[0]}"}
        for number, texts in enumerate(rounds)
    ]  # fmt: skip
    (home / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for number, name in enumerate(names([text for texts in rounds for text in texts])):
        (home / f"{name}.txt").write_text(f"Namesake{number // 4} began on a calm day, they said. It ended as sign {number}.")
    return home


def squeezed(text: str) -> str:
    """A text without white space, of which a page shows what it likes."""
    return "".join(text.split())


class Watch:
    """A page, what ran in it, what it asked for elsewhere and the kinds of elements seen. `places`: selectors of all that it shows."""

    def __init__(self, browser: object, address: str, places: Sequence[str]) -> None:
        self.page = browser.new_page(viewport={"width": 1360, "height": 860})
        self.places = list(places)
        self.outside: list[str] = []
        self.ran: list[str] = []
        self.seen: set[str] = set()
        self.page.expose_function("ran", lambda *_: self.ran.append("ran"))
        self.page.on("dialog", lambda dialog: (self.ran.append("dialog"), dialog.dismiss()))
        self.page.on("popup", lambda popup: self.outside.append(popup.url))
        # Only what is about to leave: the browser tells of requests that its policy stops, too.
        self.page.route(lambda url: not url.startswith((address, "data:", "blob:", "about:")), self._leaves)

    def _leaves(self, route: object) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def shown(self) -> str:
        """All its text, squeezed."""
        return squeezed(
            self.page.evaluate("places => places.map(place => document.querySelector(place)?.textContent).join(' ')", self.places)
        )

    def kinds(self) -> set[str]:
        return set(self.page.evaluate(KINDS, self.places))

    def check(self, allowed: set[str] | None, texts: Sequence[str]) -> None:
        """0 scripts, 0 outside requests, 0 elements of a kind that is not `allowed` (None: any is), and all texts to be read."""
        assert self.ran == []
        assert self.outside == []
        # Read once: the page may be drawing still, and what it shows a moment later is not what was looked at.
        kinds = self.kinds()
        self.seen |= kinds
        assert allowed is None or kinds - allowed == set()
        shown = self.shown()
        assert [text for text in texts if squeezed(text) not in shown] == []

    def catches(self, allowed: set[str], place: str) -> int:
        """How many of the payloads that pose are seen to be elements, where they are planted as markup at a place."""
        caught = 0
        for text in payloads.POSING:
            self.page.evaluate("([place, text]) => document.querySelector(place).insertAdjacentHTML('beforeend', text)", [place, text])
            caught += bool(self.kinds() - allowed)
            self.page.evaluate("place => { while (document.querySelector(place).childElementCount) "
                               "document.querySelector(place).lastElementChild.remove(); }", place)  # fmt: skip
        return caught
