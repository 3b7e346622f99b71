"""Hostile texts through every sink of the pages, in headless Chromium: nothing runs, calls out or poses, and all of it is shown as it is.

Many payloads share an article, so that a few questions show them all. What may stand on a page is what stands there when the texts are
harmless: any other kind of element is a finding. The controls show that each detector sees what it is there for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import payloads
import pytest
from fakes import BagEncoder
from hostile import HARMLESS, Watch, articles, groups, names
from rooms import serving

from index import Archive
from index.records import Article

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


ROUNDS = [HARMLESS, *groups(payloads.ALL, 6)]
PLACES = ("#chat", "#side", "#masthead")


class Chat(Watch):
    """The Ask page."""

    def ask(self, question: str) -> None:
        """Ask, and wait for the answer."""
        before = self.page.locator("#chat [data-testid=bot]").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        answer = self.page.locator("#chat [data-testid=bot]").nth(before)
        answer.locator(r"text=/Searched [\d,]+ passages/").wait_for(state="attached", timeout=120_000)
        self.page.wait_for_selector("#question textarea:enabled", timeout=60_000)

    def open(self, word: str, archive: Archive) -> Article:
        """Open the first of the sources that has a word; its article."""
        card = self.page.locator("#side .card", has_text=word).first
        article = archive.article(card.get_attribute("href", timeout=60_000)[3:].partition(".")[0])
        card.click()
        title = "title => [...document.querySelectorAll('#side article h2')].some(one => one.textContent === title)"
        self.page.wait_for_function(title, arg=article.title, timeout=60_000)
        return article


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    home = tmp_path_factory.mktemp("hostile")
    archive = Archive(home / "archive", BagEncoder())
    archive.add([articles(home / "articles", ROUNDS)])
    return archive


@pytest.fixture(scope="module")
def address(archive: Archive) -> Iterator[str]:
    with serving(archive.path, toy=True) as address:
        yield address


@pytest.fixture
def watch(browser: object, address: str) -> Iterator[Chat]:
    watch = Chat(browser, address, PLACES)
    watch.page.goto(address)
    watch.page.wait_for_selector("#question textarea", timeout=60_000)
    yield watch
    watch.page.close()


def test_hostile_texts_are_shown_and_do_nothing(watch: Chat, archive: Archive) -> None:
    """D1, D3: 0 scripts, 0 outside requests, 0 elements that a harmless text does not have; every payload is to be read."""
    assert len(payloads.ALL) >= 51
    allowed: set[str] = set()
    for question in ("Marker0 began with a calm sea", "Zanzibar chess olympiad", "Namesake0 began", "and what of the harbour wall?"):
        watch.ask(question)
        allowed |= watch.kinds()
        watch.open(" ", archive)
        allowed |= watch.kinds()
    for number, texts in enumerate(ROUNDS[1:], start=1):
        watch.ask(f"Marker{number} began with {' and '.join(texts)}")
        stored = watch.open(f"Marker{number} ", archive)
        assert stored.source
        watch.check(allowed, [*texts, stored.title, stored.source])
    for group, some in enumerate(groups(names([text for texts in ROUNDS for text in texts]), 4)):
        watch.ask(f"Namesake{group} began")
        watch.check(allowed, some)


def test_the_detectors_detect(browser: object) -> None:
    """The control: the same texts, unescaped on a page of no protection. What is not caught needs a renderer to become what it is."""
    watch = Watch(browser, "none:", ["#chat"])
    watch.page.set_content("<div id=chat><p>harmless</p></div>")
    plain, caught = watch.kinds(), {"scripts": 0, "outside": 0, "posing": 0}
    outside = [text for text in payloads.OUTSIDE if "http-equiv=refresh" not in text]  # it would take the page away
    for kind, texts in (("scripts", payloads.SCRIPTS), ("outside", outside), ("posing", payloads.POSING)):
        for text in texts:
            watch.ran.clear()
            watch.outside.clear()
            watch.page.set_content(f"<div id=chat><p>{text}</p></div>", wait_until="domcontentloaded")
            watch.page.wait_for_timeout(100)
            if kind == "posing":
                caught[kind] += bool(watch.kinds() - plain)
            else:
                caught[kind] += bool({"scripts": watch.ran, "outside": watch.outside}[kind])
    watch.page.close()
    assert caught["scripts"] >= 15
    assert caught["outside"] >= 11
    assert caught["posing"] >= 7


def test_the_policy_alone_stops_scripts_and_requests(watch: Chat) -> None:
    """Were the escaping to fail: the same texts as markup run nothing and call nobody. A page may still be led elsewhere."""
    for text in (text for text in payloads.ALL if "http-equiv=refresh" not in text):
        watch.page.evaluate("text => document.querySelector('#side').insertAdjacentHTML('beforeend', text)", text)
    watch.page.wait_for_timeout(1000)
    assert watch.ran == []
    assert watch.outside == []


def test_a_link_to_the_original_is_http_and_tells_it_nothing(browser: object, tmp_path: Path) -> None:
    """D2: any other scheme is no link."""
    urls = [
        "https://courier.example/a",
        "javascript:ran(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        " jAvAsCrIpT:ran(1)",
        "//evil.test/x",
        "vbscript:x",
    ]
    words = ["ferry sank", "dam burst", "mayor resigned", "bridge opened", "harvest failed", "court ruled", "storm passed"]
    lines = [
        {"text": f"The {what} at sign{at} place.", "title": what, "url": url}
        for at, (what, url) in enumerate(zip(words, urls, strict=True))
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    archive = Archive(tmp_path / "archive", BagEncoder())
    archive.add([tmp_path / "a.jsonl"])
    with serving(archive.path, toy=True) as address:
        watch = Chat(browser, address, PLACES)
        watch.page.goto(address)
        watch.page.wait_for_selector("#question textarea", timeout=60_000)
        links = []
        for at in range(len(urls)):
            watch.page.click("#new")  # each by itself, and no follow-up
            watch.page.wait_for_selector("#chat [data-testid=bot]", state="detached")
            watch.ask(f"what {words[at]} at sign{at} place")
            watch.open(f"sign{at} ", archive)
            found = "all => all.map(one => [one.getAttribute('href'), one.rel, one.target])"
            links += watch.page.locator("#side article a[href*=':']").evaluate_all(found)
        watch.page.close()
    assert links == [["https://courier.example/a", "noopener noreferrer", "_blank"]]
    assert (watch.ran, watch.outside) == ([], [])
