"""The chat as a reader uses it, in headless Chromium: ask, click the citation, see the sentence marked."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from rooms import serving

from index import Archive

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def address(sample: Archive) -> Iterator[str]:
    """The chat over the sample archive, in a process of its own."""
    with serving(sample.path) as address:
        yield address


@pytest.fixture
def page(browser: object, address: str) -> Iterator[object]:
    """The page, loaded; afterwards, no request may have gone anywhere else and no script may have failed."""
    opened = browser.new_page(viewport={"width": 1360, "height": 860})
    requests: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#question textarea")
    yield opened
    opened.close()
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert errors == []


def ask(page: object, question: str) -> None:
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")


def test_a_citation_opens_its_article_with_the_sentence_marked(page: object) -> None:
    """Marked and in view, focus on its headline; Esc goes back to where the reader was."""
    ask(page, "who confirmed Iranian operatives in Iraq")
    marker = page.locator("#chat blockquote a[href^='#p=']").first
    marker.click(timeout=60_000)
    mark = page.locator("#side mark")
    mark.wait_for()
    assert mark.inner_text().startswith("Pentagon spokesman John Kirby confirmed")
    panel, box = page.locator("#side .panel").bounding_box(), mark.bounding_box()
    assert panel["y"] <= box["y"] <= panel["y"] + panel["height"]
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    page.wait_for_selector("#side .card")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("#p=")


def test_a_sentence_far_down_is_scrolled_into_view(page: object) -> None:
    """The mark stands about a third of the way down the panel."""
    ask(page, "what is the full name of the TRCM that mediated the talks")
    page.wait_for_selector("#side .card", timeout=60_000)
    cards = page.locator("#side .card")
    spans = [int(re.search(r":(\d+)-", cards.nth(at).get_attribute("href"))[1]) for at in range(cards.count())]
    cards.nth(spans.index(max(spans))).click()
    page.wait_for_selector("#side mark")
    panel, box = page.locator("#side .panel").bounding_box(), page.locator("#side mark").first.bounding_box()
    assert panel["y"] <= box["y"] <= panel["y"] + panel["height"] - 20


def test_what_the_archive_does_not_say_is_said(page: object) -> None:
    """With the nearest sentences labelled as not an answer."""
    ask(page, "who won the chess olympiad in Zanzibar")
    page.get_by_text("The archive does not say.").wait_for(timeout=60_000)
    page.get_by_text("Nearest, and not an answer").wait_for()
    assert page.locator("#chat blockquote").count() == 0


def test_a_prompt_of_the_empty_page_can_be_asked(page: object) -> None:
    """Each one shown is one that the archive answers."""
    page.get_by_text("who confirmed Iranian operatives in Iraq").first.click()
    page.wait_for_selector("#chat blockquote", timeout=60_000)


def test_an_endless_question_gets_a_sentence_not_an_error(page: object) -> None:
    """And the next question is answered."""
    ask(page, "a" * 20_000)
    page.get_by_text("the question has 20,000 characters").wait_for(timeout=60_000)
    ask(page, "who confirmed Iranian operatives in Iraq")
    page.wait_for_selector("#chat blockquote", timeout=60_000)


def test_new_chat_while_an_answer_is_made_stays_new(page: object) -> None:
    """The answer that was on its way does not come back; the next question is answered."""
    ask(page, "who confirmed Iranian operatives in Iraq")
    page.wait_for_selector("#chat [data-testid=user]")
    page.click("#new")
    page.wait_for_selector("#chat [data-testid=user]", state="detached")
    time.sleep(3)
    assert page.locator("#chat [data-testid=user]").count() == 0
    ask(page, "who confirmed Iranian operatives in Iraq")
    page.wait_for_selector("#chat blockquote", timeout=60_000)


def test_a_follow_up_is_understood_and_what_it_took_up_can_be_dropped(page: object) -> None:
    """Its answer is of the last turn's story; without it, the answer is given anew in its place."""
    ask(page, "how much was vantrello fined by the regulator over the data theft?")
    page.wait_for_selector("#chat blockquote", timeout=60_000)
    ask(page, "what would it have been without the discount?")
    drop = page.locator("#chat a[href^='#drop=carried']")
    drop.wait_for(timeout=60_000)
    assert "Vantrello" in page.locator("#chat [data-testid=bot]").nth(1).inner_text()
    drop.click()
    page.wait_for_selector("#chat a[href^='#keep=carried']", timeout=60_000)
    assert page.locator("#chat [data-testid=bot]").count() == 2
    ask(page, "who confirmed Iranian operatives in Iraq")
    page.get_by_text("Pentagon spokesman John Kirby confirmed").first.wait_for(timeout=60_000)


def test_the_page_fits_a_phone(browser: object, address: str) -> None:
    """The article is a sheet over the chat, and closes."""
    phone = browser.new_page(viewport={"width": 390, "height": 800})
    phone.goto(address)
    phone.wait_for_selector("#question textarea")
    ask(phone, "who confirmed Iranian operatives in Iraq")
    phone.locator("#chat blockquote a[href^='#p=']").first.click(timeout=60_000)
    phone.wait_for_selector("#side mark")
    phone.click("#side .close")
    time.sleep(0.3)
    assert not phone.locator("#side mark").is_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()
