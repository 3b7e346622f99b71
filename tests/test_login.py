"""The login page in a browser, which says otherwise than a client where a form is from."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_door
from fakes import BagEncoder

from index import Archive
from qa.citation import span_id

archive_path, address = test_door.archive_path, test_door.address

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


def test_a_browser_logs_in(browser: object, address: str) -> None:
    """And the page is there."""
    page = browser.new_page()
    page.goto(address)
    log_in(page)
    page.close()


def log_in(page: object, password: str = test_door.IDA[1]) -> None:
    page.fill("input[name=username]", test_door.IDA[0])
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("#question textarea:enabled" if password == test_door.IDA[1] else "[role=alert]:has-text('do not fit')")


def test_a_link_to_a_citation_leads_there_by_the_login(browser: object, archive_path: Path, address: str) -> None:
    """Also after a wrong password."""
    (article,) = Archive(archive_path, BagEncoder()).newest(1)
    shared = f"{address}?q=ferry+sank#p={span_id(article, 0, 27)}"
    page = browser.new_context().new_page()
    page.goto(shared)
    log_in(page, "wrong horse")
    log_in(page)
    page.wait_for_selector("#side article mark")
    assert page.url == shared
    page.context.close()


def test_who_is_not_logged_in_any_more_can_do_so_from_the_page(browser: object, address: str) -> None:
    """A question, an article and the list of articles lead to the login, and back."""
    page = browser.new_context().new_page()
    page.goto(address)
    log_in(page)
    page.fill("#question textarea", "ferry sank near Selwyn")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat .tools")
    for tried in (lambda: page.press("#question textarea", "Enter"), lambda: page.locator("#side .card").first.click()):
        page.wait_for_selector("#question textarea:enabled")
        page.fill("#question textarea", "nine people died")
        page.context.clear_cookies()
        tried()
        page.locator("#status a", has_text="Log in again").click()
        log_in(page)
        page.wait_for_selector("#chat .tools")
        assert "q=ferry" in page.url
    page.goto(f"{address}library")
    page.wait_for_selector("#articles a.entry")
    page.context.clear_cookies()
    page.locator("#articles a.entry").first.click()
    page.locator("#articles .said a", has_text="Log in again").click()
    page.wait_for_selector("input[name=password]")
    page.context.close()
