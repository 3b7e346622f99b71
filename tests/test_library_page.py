"""The Library page as its users see it, in headless Chromium: find, sort, filter, read, add, take out, put back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooms import serving

from index import Archive

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.filterwarnings("default")]

STORM = '---\ntitle: "Lighthouse keeper <b>retires</b>"\noutlet: Tide & Times\ndate: 2031-02-03\n---\n\nMarta Ilves kept the light.\n'


@pytest.fixture(scope="module")
def address(sample: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages over a copy of the sample archive: what is done here stays here."""
    archive = tmp_path_factory.mktemp("library") / "archive"
    shutil.copytree(sample.path, archive)
    with serving(archive) as address:
        yield address


@pytest.fixture
def page(browser: object, address: str) -> Iterator[object]:
    """The page, loaded; afterwards, no request may have gone anywhere else and no script may have failed."""
    opened = browser.new_page(viewport={"width": 1360, "height": 860})
    requests: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{address}library")
    opened.wait_for_selector("#articles a.entry")
    yield opened
    opened.close()
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert errors == []


def titles(page: object) -> list[str]:
    return page.locator("#articles a.entry strong").all_inner_texts()


def wait_count(page: object, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#articles .count')?.textContent.startsWith(text)", arg=text)


def test_articles_are_found_sorted_and_filtered(page: object) -> None:
    """By words, order, outlet and dates; the address keeps it, and brings it back."""
    wait_count(page, "64 articles, 1 to 50")
    page.click("#articles .pages button >> text=Next")
    wait_count(page, "64 articles, 51 to 64")
    page.fill("#finder [name=find]", "karrow bank")
    page.wait_for_function("document.querySelectorAll('#articles a.entry').length < 10")
    assert all("karrow" in title.lower() for title in titles(page))
    page.fill("#finder [name=find]", "")
    page.select_option("#finder [name=order]", "title")
    wait_count(page, "64 articles, 1 to 50")
    page.wait_for_function("location.search === '?order=title'")
    assert titles(page)[0] < titles(page)[-1]
    page.select_option("#finder [name=outlet]", "Meridian Post")
    page.fill("#finder [name=since]", "2023-01-01")
    page.wait_for_function(
        "[...document.querySelectorAll('#articles .byline')].every(one => one.textContent.startsWith('Meridian Post, 202'))"
    )
    found = titles(page)
    assert found
    page.reload()
    page.wait_for_selector("#articles a.entry")
    assert (titles(page), page.input_value("#finder [name=outlet]")) == (found, "Meridian Post")
    page.fill("#finder [name=find]", "zebra")
    wait_count(page, "No article fits")


def test_an_article_is_read_beside_the_list_by_keys_alone(page: object) -> None:
    """/ goes to the search, arrows to an article, Enter opens it, Esc goes back to where the reader was."""
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    title = page.evaluate("document.activeElement.querySelector('strong').textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("#side article")
    assert page.inner_text("#side article h2") == title == titles(page)[1]
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    page.wait_for_selector("#side .state")
    assert page.evaluate("document.activeElement.querySelector('strong').textContent") == title


def test_the_address_of_an_article_comes_back_by_itself(page: object, browser: object, address: str) -> None:
    """In another window, and with the browser's own back and forward; one that is gone is told."""
    page.locator("#articles a.entry").nth(3).click()
    page.wait_for_selector("#side article")
    title = page.inner_text("#side article h2")
    page.go_back()
    page.wait_for_selector("#side .state")
    page.go_forward()
    page.wait_for_selector("#side article")
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector("#side article")
    assert other.inner_text("#side article h2") == title
    assert other.get_attribute("#articles a.entry[aria-current]", "href") == page.url.partition("library")[2]
    other.goto(f"{address}library?article=nothing")
    other.get_by_text("no article nothing in the archive.").wait_for()
    other.close()


def add(page: object, *files: Path) -> str:
    page.set_input_files("#finder input[type=file]", [str(file) for file in files])
    page.wait_for_selector("#adding .lines", timeout=120_000)
    return page.inner_text("#adding")


def test_files_are_added_taken_out_and_put_back(page: object, tmp_path: Path) -> None:
    """A line for each; the list, the count and the article follow; hostile titles are text."""
    (tmp_path / "storm.txt").write_text(STORM)
    (tmp_path / "bad.pdf").write_text("no")
    (tmp_path / "big.txt").write_bytes(b"rain " * 4_200_000)
    lines = add(page, tmp_path / "storm.txt", tmp_path / "bad.pdf", tmp_path / "big.txt")
    assert "1 taken, 0 unchanged, 2 not taken" in lines
    assert "bad.pdf not taken: its content is not a PDF file" in lines
    assert "big.txt not taken: 21.0 MB: at most 20 MB a file" in lines
    wait_count(page, "65 articles")
    page.wait_for_function("document.querySelector('#masthead').textContent.includes('65 articles')")
    assert titles(page)[0] == "Lighthouse keeper <b>retires</b>"
    page.click("#adding a.entry")
    page.wait_for_selector("#side article")
    assert page.inner_text("#side article h2") == "Lighthouse keeper <b>retires</b>"

    page.click("#side .remove")
    page.wait_for_selector("#articles .undo")
    wait_count(page, "64 articles")
    page.wait_for_function("document.querySelector('#masthead').textContent.includes('64 articles')")
    assert page.evaluate("document.activeElement.className") == "undo"
    page.keyboard.press("Enter")
    wait_count(page, "65 articles")
    page.wait_for_function("document.querySelector('#masthead').textContent.includes('65 articles')")
    assert page.locator("#articles .undo").count() == 0

    page.locator("#articles a.entry").first.click()
    page.wait_for_selector("#side article")
    page.click("#side .remove")
    page.wait_for_selector("#articles .undo")
    page.reload()
    wait_count(page, "64 articles")
    assert page.locator("#articles .undo").count() == 0


def test_files_can_be_dropped(page: object) -> None:
    """Anywhere on the page."""
    page.evaluate("""async () => {
        const carried = new DataTransfer();
        carried.items.add(new File(['Dropped\\n\\nIt fell from the sky.'], 'dropped.txt'));
        for (const kind of ['dragover', 'drop'])
            document.querySelector('#side').dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried}));
    }""")
    page.wait_for_selector("#adding .lines", timeout=120_000)
    assert "dropped.txt taken" in page.inner_text("#adding")
    page.click("#adding a.entry")
    page.click("#side .remove")
    page.wait_for_selector("#articles .undo")


def test_more_files_than_are_taken_are_not_sent(page: object, tmp_path: Path) -> None:
    """Not one of them: a line says how many are taken at a time."""
    for number in range(201):
        (tmp_path / f"{number}.txt").write_text("Rain.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "upload" in request.url else None)
    page.set_input_files("#finder input[type=file]", [str(file) for file in tmp_path.iterdir()])
    page.wait_for_function("document.querySelector('#finder .sending').textContent.startsWith('201 files: at most 200 at a time')")
    assert sent == []


def test_a_file_that_is_refused_says_why(page: object, tmp_path: Path) -> None:
    """In the words of the server, and in no bubble; where it is busy alone it is asked again, six times for one drop."""
    asked: list[str] = []

    def refuse(route: object) -> None:
        name = route.request.post_data.partition('filename="')[2].partition('"')[0]
        asked.append(name)
        status = 413 if name == "much.txt" else 507 if name == "full.txt" else 503
        if name == "busy.txt" and len(asked) > 3:
            route.continue_()
        else:
            route.fulfill(status=status, json={"error": f"There is no room for {status}."}, headers={"retry-after": "0.01"})

    page.route("**/gradio_api/upload", refuse)
    for name in ("busy", "much", "full", "long"):
        (tmp_path / f"{name}.txt").write_text(f"It rained, and the {name} one stayed.")
    lines = add(page, *(tmp_path / f"{name}.txt" for name in ("busy", "much", "full", "long")))
    assert "busy.txt taken" in lines
    for name, status in (("much", 413), ("full", 507), ("long", 503)):
        assert f"{name}.txt not taken: There is no room for {status}\n" in f"{lines}\n"
    assert [asked.count(f"{name}.txt") for name in ("busy", "much", "full", "long")] == [4, 1, 1, 4]
    assert page.locator(".toast-body").count() == 0
    page.click("#adding a.entry")
    page.click("#side .remove")
    page.wait_for_selector("#articles .undo")


def river(folder: Path, name: str, many: int) -> Path:
    """A file that takes a while: so many articles."""
    lines = (f'{{"text": "On day {day} the river {name} stood {day} inches high. {"Rain fell. " * 60}"}}\n' for day in range(many))
    (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder / f"{name}.jsonl"


def test_the_lines_of_an_add_are_not_lost(page: object, browser: object, address: str, tmp_path: Path) -> None:
    """By a second drop while it goes on, one of another page, or leaving the page: all of it is there when the page is opened again."""
    (tmp_path / "bad.pdf").write_text("no")
    add(page, tmp_path / "bad.pdf")
    page.set_input_files("#finder input[type=file]", str(river(tmp_path, "Isk", 300)))
    page.wait_for_selector("#adding progress[aria-label^='Embedding']", timeout=120_000)
    (tmp_path / "worse.pdf").write_text("never")
    page.set_input_files("#finder input[type=file]", str(tmp_path / "worse.pdf"))
    page.wait_for_function("document.querySelectorAll('#adding progress').length === 2")
    assert "bad.pdf not taken" in page.inner_text("#adding")
    other = browser.new_page()
    other.goto(f"{address}library")
    other.wait_for_selector("#articles a.entry")
    other.set_input_files("#finder input[type=file]", str(tmp_path / "bad.pdf"))
    other.wait_for_function("document.querySelector('#adding .running').textContent.startsWith('Waiting')")
    page.goto(address)
    page.goto(f"{address}library")
    page.wait_for_selector("#adding progress")
    assert "bad.pdf not taken" in page.inner_text("#adding")
    page.wait_for_function("document.querySelectorAll('#adding .lines').length === 3", timeout=240_000)
    assert page.locator("#adding strong").all_inner_texts() == ["bad.pdf", "Isk.jsonl", "worse.pdf"]
    assert page.locator("#adding progress").count() == 0
    other.wait_for_selector("#adding .lines", timeout=120_000)
    assert other.locator("#adding strong").all_inner_texts() == ["bad.pdf"]
    other.close()


def test_questions_are_answered_while_files_are_added(page: object, browser: object, address: str, tmp_path: Path) -> None:
    """An add takes no place in the queue."""
    asking = browser.new_page()
    asking.goto(address)
    asking.wait_for_selector("#question textarea", timeout=120_000)
    page.set_input_files("#finder input[type=file]", str(river(tmp_path, "Kess", 800)))
    page.wait_for_selector("#adding progress", timeout=120_000)
    asking.fill("#question textarea", "who confirmed Iranian operatives in Iraq")
    asking.press("#question textarea", "Enter")
    asking.wait_for_selector("#chat blockquote", timeout=120_000)
    assert page.locator("#adding progress").count() == 1, "the add was over too soon to say anything"
    asking.close()
    page.wait_for_selector("#adding .lines", timeout=240_000)
    assert "800 articles" in page.inner_text("#adding")


def test_the_archive_is_checked_on_demand(page: object) -> None:
    """Its state stands beside the list."""
    for fact in ("Articles", "Passages", "all-MiniLM-L6-v2", "Last change", "MB", "Not checked since this page was opened."):
        assert fact in page.inner_text("#side .state")
    page.click("#side .check")
    page.get_by_text("Whole: everything is what was written.").wait_for(timeout=120_000)


def test_what_a_check_found_is_not_lost(page: object) -> None:
    """Where the state is drawn anew meanwhile, and afterwards."""
    held: list[object] = []

    def hold(route: object) -> None:
        held.append(route) if '"check"' in route.request.post_data else route.continue_()

    def drawn_anew(button: str) -> None:
        page.evaluate("document.querySelector('#side .checked').dataset.old = 'yes'")
        page.click(button)
        page.wait_for_selector("#side .checked:not([data-old])", state="attached")

    page.route("**/gradio_api/component_server/", hold)
    page.click("#side .check")
    page.wait_for_function("document.querySelector('#side .check').disabled")
    page.locator("#articles a.entry").first.click()
    page.wait_for_selector("#side article")
    drawn_anew("#side .remove")
    assert page.inner_text("#side .checked").startswith("Checking")
    assert page.is_disabled("#side .check")
    held[0].continue_()
    page.get_by_text("Whole: everything is what was written.").wait_for(timeout=120_000)
    assert page.is_enabled("#side .check")
    drawn_anew("#articles .undo")
    assert page.inner_text("#side .checked").startswith("Whole")


def test_the_library_fits_a_phone(browser: object, address: str) -> None:
    """The article is a sheet over the list, and closes; so is the state; what is touched is large enough."""
    phone = browser.new_page(viewport={"width": 390, "height": 800})
    phone.goto(f"{address}library")
    phone.locator("#articles a.entry").first.click(timeout=120_000)
    phone.wait_for_selector("#side article")
    phone.click("#side .close")
    phone.wait_for_selector("#side article", state="hidden")
    phone.click("#finder .about")
    phone.wait_for_selector("#side .state")
    phone.click("#side .close")
    phone.wait_for_selector("#side .state", state="hidden")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    touched = "#finder .button, #finder select, #finder input:not([type=file]), #articles a.entry, #articles .pages button"
    assert phone.evaluate("name => Math.min(...[...document.querySelectorAll(name)].map(one => one.offsetHeight))", touched) >= 44
    phone.close()


def test_the_article_that_was_chosen_last_is_shown(page: object) -> None:
    """Whichever comes last; and none where the reader went back before it came."""
    held = []
    page.route("**/component_server/", lambda route: held.append(route) if not held else route.continue_())
    links = page.locator("#articles a.entry")
    last = titles(page)[1]
    links.nth(0).click()
    links.nth(1).click()
    page.locator("#side article h2", has_text=last).wait_for()
    with page.expect_response("**/component_server/"):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("#side article h2").inner_text() == last
    held.clear()
    links.nth(0).click()
    page.locator("#side .back").click()
    with page.expect_response("**/component_server/"):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("#side .reader").is_hidden()
