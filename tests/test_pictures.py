"""The pages as they look: on a desk by day and by night, and on a phone. `make pictures` puts what is drawn here into docs/pictures."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from rooms import serving

from eval import files
from eval.result import Result
from index import Archive

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.filterwarnings("default")]

VIEWS = {
    "light": {"viewport": {"width": 1360, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1360, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}, "color_scheme": "light", "has_touch": True},
}
# Flat colours and text: more are not needed, and a picture is a fifth of its size.
_COLOURS = 128
_BYTES = 120_000


def ask(page: object) -> None:
    """An answer, and its article beside it."""
    page.wait_for_selector("#chat .tools", timeout=60_000)
    page.locator("#chat a.cite").nth(1).click()
    page.wait_for_selector("#side article mark")


def read(page: object) -> None:
    """The articles of some words, one of them open beside the list."""
    page.locator("#articles a.entry").first.click()
    page.wait_for_selector("#side article h2")


def look(page: object) -> None:
    """What a run found."""
    page.wait_for_selector("#questions summary", timeout=60_000)


# The address of each page, and what is done on it first.
PAGES: dict[str, tuple[str, Callable[[object], None]]] = {
    "ask": ("?q=who+confirmed+Iranian+operatives+in+Iraq", ask),
    "library": ("library?find=bank", read),
    "evaluate": ("evaluate", look),
}


@pytest.fixture(scope="module")
def address(sample: Archive, sample_result: Result, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages over the sample, beside a run that was kept."""
    home = tmp_path_factory.mktemp("pictures")
    run = home / "runs" / "2026-01-02T03-04-05"
    run.mkdir(parents=True)
    files.write(sample_result, run)
    with serving(sample.path, cwd=home) as address:
        yield address


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_shown(browser: object, address: str, tmp_path: Path, name: str, view: str) -> None:
    """It fits the window, is not empty, and its picture is small enough for the README."""
    query, prepare = PAGES[name]
    page = browser.new_page(**VIEWS[view], reduced_motion="reduce")
    page.goto(address + query)
    page.wait_for_selector("h1")
    prepare(page)
    page.wait_for_timeout(500)
    width = VIEWS[view]["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    assert len(drawn.getcolors(1 << 24)) > _COLOURS
    file = Path(os.environ.get("CLIPPINGS_PICTURES") or tmp_path) / f"{name}-{view}.png"
    drawn.quantize(_COLOURS).save(file, optimize=True)
    assert file.stat().st_size < _BYTES
