"""The login page in a browser, which says otherwise than a client where a form is from."""

from __future__ import annotations

import pytest
import test_door

archive_path, address = test_door.archive_path, test_door.address

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


def test_a_browser_logs_in(browser: object, address: str) -> None:
    """And the page is there."""
    page = browser.new_page()
    page.goto(address)
    page.fill("input[name=username]", test_door.IDA[0])
    page.fill("input[name=password]", test_door.IDA[1])
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("#question textarea", timeout=60_000)
    page.close()
