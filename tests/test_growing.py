"""The chat beside a writer: what another process adds is answered from the next question on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import test_browser

from index import Archive

# The server over this module's own copy of the sample, started as that file starts it.
address, page = test_browser.address, test_browser.page

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def sample(sample: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(shutil.copytree(sample.path, tmp_path_factory.mktemp("growing") / "archive"))


def test_what_is_added_meanwhile_is_answered_and_counted(
    page: object, browser: object, address: str, sample: Archive, tmp_path: Path
) -> None:
    """By the page that is open, with its next answer, and by one that is opened later before its first."""
    assert "64 articles" in page.inner_text("#masthead")
    test_browser.ask(page, "who painted the lighthouse of Quillhaven")
    page.get_by_role("heading", name="The archive does not say.").wait_for(timeout=60_000)
    (tmp_path / "lighthouse.txt").write_text("---\ndate: 2031-05-06\n---\nOrla Wrenfield painted the lighthouse of Quillhaven in a week.")
    assert sample.add([tmp_path / "lighthouse.txt"]).new == 1
    test_browser.ask(page, "who painted the lighthouse of Quillhaven")
    page.locator("#chat blockquote", has_text="Orla Wrenfield painted").wait_for(timeout=60_000)
    page.wait_for_function("document.querySelector('#masthead').innerText.includes('65 articles')")
    assert "to 2031-05-06" in page.inner_text("#masthead")
    later = browser.new_page()
    later.goto(address)
    later.wait_for_function("document.querySelector('#masthead')?.innerText.includes('65 articles')")
    later.close()
