"""The Ask page as a reader uses it, in headless Chromium: with a mouse, with keys, on a phone, and again the next day."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rooms import serving

from index import Archive
from index.articles import without_folder
from qa import ask as ask_archive
from qa import export, feedback, message, verify

Folder = Callable[[dict[str, str]], Path]

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.filterwarnings("default")]

KIRBY = "who confirmed Iranian operatives in Iraq"
FINE = "how much was vantrello fined by the regulator over the data theft?"
CHESS = "who won the chess olympiad in Zanzibar"


@pytest.fixture(scope="module")
def sample(sample: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A copy, which feedback may be added to."""
    return Archive(shutil.copytree(sample.path, tmp_path_factory.mktemp("asked") / "archive"))


@pytest.fixture(scope="module")
def address(sample: Archive) -> Iterator[str]:
    """The pages over it, in a process of their own."""
    with serving(sample.path) as address:
        yield address


@pytest.fixture
def page(browser: object, address: str) -> Iterator[object]:
    """The page, loaded; afterwards, no request may have gone anywhere else and no script may have failed."""
    yield from opened(browser, address, viewport={"width": 1360, "height": 860}, permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture
def phone(browser: object, address: str) -> Iterator[object]:
    yield from opened(browser, address, viewport={"width": 390, "height": 800}, has_touch=True)


def opened(browser: object, address: str, **options: object) -> Iterator[object]:
    page = browser.new_page(**options)
    page.set_default_timeout(60_000)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    visit(page, address)
    yield page
    page.close()
    assert [url for url in requests if not url.startswith((address, "data:", f"blob:{address}"))] == []
    assert [
        error for error in errors if not error.startswith("AbortError") and "Connection errored out" not in error
    ] == []  # a stream that a reload has ended


def visit(page: object, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#question textarea:enabled")


def ask(page: object, question: str) -> None:
    """Ask, and wait for the whole answer."""
    tools = page.locator("#chat .tools").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_function("tools => document.querySelectorAll('#chat .tools').length > tools", arg=tools)
    page.wait_for_selector("#question textarea:enabled")


def copied(page: object) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def said(page: object, what: str) -> None:
    page.wait_for_function("what => document.getElementById('status').textContent.includes(what)", arg=what)


def in_view(page: object, what: str) -> bool:
    panel, box = page.locator("#side .scroll").bounding_box(), page.locator(what).first.bounding_box()
    return panel["y"] <= box["y"] and box["y"] + box["height"] <= panel["y"] + panel["height"]


def test_a_citation_opens_its_article_with_the_sentence_marked(page: object) -> None:
    """Marked and in view, focus on its headline; Esc goes back to where the reader was."""
    ask(page, KIRBY)
    page.locator("#chat blockquote a.cite").click()
    page.wait_for_selector("#side article mark")
    assert page.locator("#side article mark").inner_text().startswith("Pentagon spokesman John Kirby confirmed")
    assert in_view(page, "#side article mark")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    page.wait_for_selector("#side .card")
    page.wait_for_function("document.activeElement.classList.contains('cite')")


def test_a_sentence_far_down_is_scrolled_into_view_with_its_neighbours(page: object) -> None:
    """The mark stands about a third of the way down the panel, with the paragraphs around it."""
    ask(page, "what is the full name of the TRCM that mediated the talks")
    cards = page.locator("#side .card")
    spans = [int(re.search(r":(\d+)-", cards.nth(at).get_attribute("href"))[1]) for at in range(cards.count())]
    cards.nth(spans.index(max(spans))).click()
    page.wait_for_selector("#side article mark")
    assert in_view(page, "#side article mark")
    panel, box = page.locator("#side .scroll").bounding_box(), page.locator("#side article mark").first.bounding_box()
    assert box["y"] - panel["y"] > 60 or page.locator("#side .scroll").evaluate("panel => panel.scrollTop") == 0


def test_the_article_of_a_citation_is_opened_in_the_library(page: object) -> None:
    """Among the others of its archive; going back opens the citation again."""
    ask(page, KIRBY)
    page.locator("#chat blockquote a.cite").click()
    page.wait_for_selector("#side article mark")
    title = page.inner_text("#side article h2")
    page.get_by_role("link", name="Open in library").click()
    page.wait_for_selector("#articles a.entry")
    page.wait_for_selector("#side article h2")
    assert page.inner_text("#side article h2") == title
    page.go_back()
    page.wait_for_selector("#side article mark")
    assert page.inner_text("#side article h2") == title


def test_the_quotes_of_an_answer_are_gone_through_by_button_and_key(page: object) -> None:
    """To either end and no further; each is said to be one of how many."""
    ask(page, FINE)
    page.locator("#chat blockquote a.cite").click()
    page.get_by_text("1 of 5", exact=True).wait_for()
    assert page.locator("#side .previous").is_disabled()
    page.locator("#side .next").click()
    page.get_by_text("2 of 5", exact=True).wait_for()
    for at in (3, 4, 5):
        page.keyboard.press("ArrowRight")
        page.get_by_text(f"{at} of 5", exact=True).wait_for()
        assert page.locator("#chat a.cite.current").inner_text() == str(at)
    assert page.locator("#side .next").is_disabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.get_by_text("4 of 5", exact=True).wait_for()


def test_a_citation_of_an_earlier_answer_goes_back_to_its_own_quotes(page: object) -> None:
    """Not to those of the latest one."""
    ask(page, KIRBY)
    ask(page, FINE)
    assert "Vantrello" in page.locator("#side .sources").inner_text()
    page.locator("#chat blockquote a.cite").first.click()
    page.wait_for_selector("#side article mark")
    page.locator("#side .back").click()
    page.wait_for_selector("#side .card")
    assert "Pentagon says" in page.locator("#side .sources").inner_text()
    assert page.locator("#side .card b").all_inner_texts()[:4] == ["confirmed", "Iranian", "operatives", "Iraq"]
    assert "Vantrello" not in page.locator("#side .sources").inner_text()


@pytest.mark.parametrize("name", ["open_passage", "sources"])
def test_what_is_closed_before_it_is_there_stays_closed(page: object, name: str) -> None:
    """The article, or the quotes of its answer, come when nobody waits for them any more."""
    ask(page, KIRBY)
    ask(page, FINE)
    held = []
    others = lambda request: held or name not in request.post_data  # noqa: E731
    page.route("**/component_server/", lambda route: route.continue_() if others(route.request) else held.append(route))
    with page.expect_request(lambda request: name in (request.post_data or "")):
        page.locator("#chat blockquote a.cite").first.click()
    page.keyboard.press("Escape")
    with page.expect_response("**/component_server/"):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert "Vantrello" in page.locator("#side .sources").inner_text()
    assert page.locator("#side .reader").is_hidden()
    page.locator("#chat blockquote a.cite").first.click()
    page.wait_for_selector("#side article mark")
    page.keyboard.press("Escape")
    page.wait_for_selector("#side .card")
    assert "Pentagon says" in page.locator("#side .sources").inner_text()


def test_the_address_brings_back_the_question_and_the_citation(page: object, browser: object, address: str) -> None:
    """In the same browser, and in one that has never been here; a follow-up comes with what it follows up."""
    ask(page, FINE)
    ask(page, "and how many customers were affected?")
    page.locator("#chat .answer").nth(1).locator("a.cite").first.click()
    page.wait_for_selector("#side article mark")
    shared, marked = page.url, page.locator("#side article mark").inner_text()
    answer = page.locator("#chat .answer").nth(1).inner_text()
    assert shared.count("q=") == 2
    assert "#p=" in shared
    stranger = browser.new_context().new_page()
    for opened in (page, stranger):
        opened.goto("about:blank")
        opened.goto(shared)
        opened.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
        opened.wait_for_selector("#side article mark")
        assert opened.locator("#side article mark").inner_text() == marked
        assert opened.locator("#chat .answer").nth(1).inner_text() == answer
        opened.wait_for_function("shared => location.href == shared", arg=shared)
    stranger.context.close()


def test_the_conversation_outlives_the_server(browser: object, sample: Archive) -> None:
    """It is the browser that keeps it, and what opens it again is the same the next day."""
    page = browser.new_context().new_page()
    with serving(sample.path) as address:
        visit(page, address)
        ask(page, KIRBY)
    with serving(sample.path, port=int(address.rstrip("/").rpartition(":")[2])) as again:
        visit(page, again)
        page.wait_for_selector("#chat .tools")
        assert "Kirby" in page.locator("#chat blockquote").inner_text()
    page.context.close()


def test_an_open_page_outlives_the_server_too(browser: object, sample: Archive) -> None:
    """What is asked meanwhile has no answer; as soon as there is a server again, the page is back by itself."""
    page = browser.new_context().new_page()
    with serving(sample.path) as address:
        visit(page, address)
        ask(page, KIRBY)
    page.evaluate("window.before = true")
    page.fill("#question textarea", FINE)
    page.press("#question textarea", "Enter")
    page.get_by_text("Connection to the server was lost").wait_for()
    with serving(sample.path, port=int(address.rstrip("/").rpartition(":")[2])):
        page.wait_for_function("!window.before")
        page.wait_for_selector("#chat .tools")
        page.wait_for_selector("#question textarea:enabled")
        ask(page, FINE)
        assert page.locator("#chat .tools").count() == 2
    page.context.close()


def test_the_conversation_is_there_after_a_reload(page: object, address: str) -> None:
    """Without an address too, as after a look at another page; New chat ends it, and Back goes back to it."""
    ask(page, KIRBY)
    ask(page, FINE)
    page.reload()
    page.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    visit(page, address)
    page.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    page.wait_for_function("location.search.includes('vantrello')")
    page.click("#new")
    page.wait_for_selector("#chat .answer", state="detached")
    assert page.url == address
    page.go_back()
    page.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    page.go_back()
    page.wait_for_selector("#question textarea:enabled")


def test_the_conversation_is_there_after_reloads_in_haste(page: object, address: str) -> None:
    """As soon as the answer is seen, and before what was saved is shown again."""
    ask(page, KIRBY)
    tools = page.locator("#chat .tools")
    page.fill("#question textarea", FINE)
    page.press("#question textarea", "Enter")
    tools.nth(1).wait_for()
    for after in (0, 100, 300, 600):
        page.goto(address, wait_until="commit")
        page.wait_for_timeout(after)
    tools.nth(1).wait_for()
    assert tools.count() == 2


def test_nothing_can_be_asked_before_the_conversation_is_back(page: object, address: str) -> None:
    """It would be overwritten by what comes back; then the question box is ready, with the focus in it."""
    held = []
    page.route("**/queue/join*", lambda route: held.append(route), times=1)
    page.goto(address)
    page.wait_for_selector("#question textarea:disabled")
    page.wait_for_timeout(500)
    assert page.locator("#question textarea").is_disabled()
    held[0].continue_()
    page.wait_for_selector("#question textarea:enabled")
    page.wait_for_function("document.activeElement.closest('#question')")
    ask(page, KIRBY)
    page.wait_for_function("document.activeElement.closest('#question')")
    assert page.locator("#chat .answer").count() == 1


def test_back_goes_to_the_question_before(page: object) -> None:
    """And closes an article first."""
    ask(page, KIRBY)
    ask(page, FINE)
    page.locator("#chat a.cite").last.click()
    page.wait_for_selector("#side article mark")
    page.go_back()
    page.wait_for_selector("#side .card")
    assert page.locator("#chat .answer").count() == 2
    page.go_back()
    page.wait_for_function("document.querySelectorAll('#chat .answer').length == 1")
    assert "Kirby" in page.locator("#chat blockquote").inner_text()
    page.go_back()
    page.wait_for_function("location.search.includes('q=')")  # the address of an empty page becomes that of what is shown
    assert page.locator("#chat .answer").count() == 1


def test_nothing_else_is_asked_while_an_answer_is_made(page: object) -> None:
    """A chip of an earlier answer has to wait, and says so; the answer that is made is not lost."""
    ask(page, "who confirmed Iranian operatives in Iraq in June 2014")
    chip = page.locator("#chat .chip a")
    assert chip.inner_text() == "ask without it"
    page.evaluate("""() => {
        const box = document.querySelector('#question textarea'), seen = new MutationObserver(() => {
            if (!box.disabled) return;
            seen.disconnect();
            document.querySelector('#chat .chip a').click();
            window.told = document.getElementById('status').textContent;
        });
        seen.observe(box, {attributes: true});
    }""")
    ask(page, FINE)
    assert page.evaluate("window.told") == "An answer is being made: wait for it."
    assert chip.inner_text() == "ask without it"
    assert page.locator("#chat .answer").count() == 2


def test_a_server_that_is_gone_is_told(page: object) -> None:
    """Nothing is shown in the place of an article."""
    ask(page, KIRBY)
    page.evaluate("() => { window.fetch = () => Promise.reject(new Error('gone')); }")
    page.locator("#chat a.cite").first.click()
    said(page, "The archive does not answer. Is Clippings still running?")
    assert "undefined" not in page.inner_text("#side")


def test_what_cannot_be_asked_is_read_out(page: object) -> None:
    """And so is why there is no answer."""
    ask(page, CHESS)
    said(page, "The archive does not say: ")
    page.fill("#question textarea", "x" * 2001)
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat .problem")
    said(page, page.inner_text("#chat .problem"))


def test_an_answer_is_copied_as_the_command_would_write_it(page: object, sample: Archive) -> None:
    """As footnotes and as Markdown, without a sign of the page's own markup; its link; one quote as a footnote."""
    answer = ask_archive(KIRBY, sample)
    nameless = [replace(one, article=replace(one.article, path=without_folder(one.article.path))) for one in answer.quotes]
    answer = replace(answer, quotes=tuple(nameless))
    ask(page, KIRBY)
    for name, form in (("Copy as footnotes", "footnote"), ("Copy as Markdown", "markdown")):
        page.get_by_role("button", name=name).click()
        said(page, "Copied.")
        assert copied(page) == export.FORMATS[form](answer)
        page.evaluate("document.getElementById('status').textContent = ''")
    page.get_by_role("button", name="Copy link").click()
    said(page, "Link copied.")
    assert copied(page) == page.url
    page.locator("#chat a.cite").nth(1).click()
    page.get_by_role("button", name="Copy as footnote", exact=True).click()
    said(page, "Copied.")
    assert copied(page).startswith(f"[1] “{answer.quotes[1].quote}”")


def test_a_saved_conversation_is_a_file_that_can_be_verified(page: object, sample: Archive) -> None:
    """Every quote of every answer, verbatim."""
    for question in (KIRBY, CHESS, FINE):
        ask(page, question)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the conversation").click()
    assert re.fullmatch(r"clippings-\d{4}-\d\d-\d\d\.md", download.value.suggested_filename)
    quotes = verify_file(download.value.path().read_bytes())
    assert [quote.text for quote in quotes] == [quote.quote for asked in (KIRBY, FINE) for quote in ask_archive(asked, sample).quotes]
    assert {verdict.outcome for verdict in verify.verify(quotes, sample)} == {"verbatim"}


def verify_file(data: bytes) -> list[object]:
    from qa import exported

    return exported.read("saved.md", data)


def test_a_thumb_is_kept_and_stays_pressed(page: object, sample: Archive) -> None:
    """Pressed again it is taken back; one that could not be kept is not pressed, and the page says so."""
    file = sample.path / feedback.FILE
    ask(page, KIRBY)
    up, down = page.get_by_role("button", name="A good answer", exact=True), page.get_by_role("button", name="Not a good answer")
    up.click()
    said(page, "Kept with the archive.")
    (given,) = feedback.read(sample)
    assert (given.question, given.liked) == (KIRBY, True)
    assert given.quote.startswith("Pentagon spokesman John Kirby confirmed")
    page.reload()
    page.wait_for_selector("#chat .tools")
    assert (up.get_attribute("aria-pressed"), down.get_attribute("aria-pressed")) == ("true", "false")
    up.click()
    said(page, "Taken back.")
    assert feedback.read(sample) == []
    file.unlink()
    file.mkdir()
    down.click()
    said(page, "Not kept")
    assert down.get_attribute("aria-pressed") == "false"
    file.rmdir()


def test_the_right_sentence_is_the_one_that_is_open_or_selected(page: object, sample: Archive) -> None:
    """For an answer that there is none as well."""
    ask(page, KIRBY)
    page.locator("#chat a.cite").nth(1).click()
    page.wait_for_selector("#side article mark")
    right = page.get_by_role("button", name="This is the right sentence")
    right.click()
    said(page, "Kept with the archive: “He called the men")
    assert right.get_attribute("aria-pressed") == "true"
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#side article p[data-start]:last-of-type'))")
    last = page.locator("#side article p").last.inner_text()
    right.click()
    said(page, last[:30])
    assert [(one.question, one.liked) for one in feedback.read(sample)] == [(KIRBY, True)] * 2
    assert feedback.read(sample)[1].quote == last
    (sample.path / feedback.FILE).unlink()


def test_what_the_archive_does_not_say_is_said(page: object) -> None:
    """With the nearest sentences labelled as not an answer, and the words that no article has."""
    ask(page, CHESS)
    page.get_by_text("The archive does not say.").first.wait_for()
    page.get_by_text("Nearest, and not an answer").wait_for()
    assert "“chess”" in page.locator("#chat .reason").inner_text()
    assert page.locator("#chat blockquote").count() == 0


def test_how_an_answer_was_found_can_be_unfolded(page: object) -> None:
    """The words that matched, the rank in each leg, what was searched."""
    ask(page, KIRBY)
    page.get_by_text("How this was found").click()
    shown = page.locator("#chat details").inner_text()
    assert "confirmed, Iranian, operatives, Iraq" in shown
    assert "169 passages of 64 articles" in shown


def test_a_prompt_of_the_empty_page_can_be_asked(page: object) -> None:
    """Each one shown is one that the archive answers; beside it is something to read."""
    page.locator("#side .card").first.click()
    page.wait_for_selector("#side article")
    assert page.locator("#side .right").is_hidden()
    page.get_by_text(KIRBY).first.click()
    page.wait_for_selector("#chat blockquote")


def test_what_to_ask_is_offered_of_what_the_archive_holds_by_now(browser: object, archive: Archive, folder: Folder) -> None:
    """Also what was added since the chat was opened."""
    dam = "---\ntitle: The dam at Orle cracked\n---\nThe dam at Orle cracked on Sunday."
    archive.add([folder({"dam.md": dam})])
    with serving(archive.path, toy=True) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#chat button:has-text('The dam at Orle cracked')")
        archive.add([folder({"ferry.md": dam.replace("dam", "ferry").replace("cracked", "sank")})])
        page.reload()
        page.click("#chat button:has-text('The ferry at Orle sank')")
        page.wait_for_selector("#chat blockquote:has-text('The ferry at Orle sank on Sunday.')")
        page.close()


def test_an_endless_question_gets_a_sentence_not_an_error(page: object) -> None:
    """And the next question is answered."""
    page.fill("#question textarea", "a" * 20_000)
    page.press("#question textarea", "Enter")
    page.locator("#chat .problem", has_text="the question has 20,000 characters").wait_for(timeout=60_000)
    ask(page, KIRBY)


@pytest.fixture
def refused(browser: object, address: str) -> Iterator[object]:
    """The page, for tests in which the server refuses something: the browser notes that as an error."""
    page = browser.new_page()
    visit(page, address)
    yield page
    page.close()


def refuse_one(page: object) -> None:
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full."}), times=1)


def test_a_full_queue_is_told_and_the_question_can_be_asked_again(refused: object) -> None:
    """It is in the box again; while an answer is given anew nothing is lost either."""
    page, question = refused, f"{KIRBY} & <b>in June 2014</b>"
    refuse_one(page)
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.locator("#chat .problem", has_text="too many questions may be waiting").wait_for()
    said(page, "too many questions may be waiting")
    page.wait_for_selector("#question textarea:enabled")
    assert page.input_value("#question textarea") == question
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat .tools")
    page.wait_for_selector("#question textarea:enabled")
    before = page.locator("#chat .answer").all_inner_texts()
    refuse_one(page)
    with page.expect_response("**/queue/join*"):
        page.locator("#chat .chip a").click()
    page.wait_for_selector("#question textarea:enabled")
    assert page.locator("#chat .answer").all_inner_texts() == before
    ask(page, FINE)


def test_a_question_within_limits_that_was_refused_is_in_the_box_alone(refused: object) -> None:
    """What it was limited to is not; a day that is half typed is no day."""
    page = refused
    refuse_one(page)
    page.get_by_role("button", name="Filters").click()
    page.fill("#limits [name=since]", "2014-01-01")
    page.fill("#question textarea", KIRBY)
    page.press("#question textarea", "Enter")
    page.locator("#chat .problem").wait_for()
    page.wait_for_selector("#question textarea:enabled")
    assert page.input_value("#question textarea") == KIRBY
    page.fill("#limits [name=since]", "")
    page.locator("#limits [name=since]").press_sequentially("05")
    page.press("#question textarea", "Enter")
    page.locator("#chat .problem", has_text="the first day").wait_for()


def test_a_full_queue_as_the_page_is_opened_loses_nothing(refused: object, address: str) -> None:
    """The conversation that was saved is shown, and goes on; what an address asks is said not to be answered."""
    refused.add_init_script("""window.full = true;
        const real = fetch;
        const refuses = to => full && `${to.url || to}`.includes('queue/join');
        window.fetch = (to, ...rest) => refuses(to) ? new Response('{}', {status: 503}) : real(to, ...rest);
    """)
    ask(refused, KIRBY)
    visit(refused, address)
    refused.wait_for_selector("#chat .tools")
    refused.evaluate("window.full = false")
    ask(refused, FINE)
    assert (refused.locator("#chat .tools").count(), refused.locator("#chat .problem").count()) == (2, 0)
    asking = refused.url
    refused.click("#new")
    refused.wait_for_selector("#chat .answer", state="detached")
    visit(refused, asking)
    refused.wait_for_selector("#chat .problem")


def test_an_answer_that_fails_in_the_middle_is_told(refused: object) -> None:
    """What was shown of it is not left as if the rest were on its way."""
    said = (("user", "who sank"), ("assistant", message.BEGUN))
    shown = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in said]
    events = [
        {"msg": "process_generating", "event_id": "x", "success": True, "output": {"data": [shown, ""]}},
        {"msg": "process_completed", "event_id": "x", "success": False, "output": {"error": None}},
        {"msg": "close_stream"},
    ]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    refused.route("**/queue/join*", lambda route: route.fulfill(json={"event_id": "x"}), times=1)
    refused.route("**/queue/data*", lambda route: route.fulfill(body=stream, content_type="text/event-stream"), times=1)
    refused.fill("#question textarea", "who sank")
    refused.press("#question textarea", "Enter")
    refused.wait_for_selector("#chat .problem")
    refused.wait_for_selector("#question textarea:enabled")
    assert refused.locator("#chat .pending").count() == 0
    ask(refused, KIRBY)


def test_new_chat_while_an_answer_is_made_stays_new(page: object) -> None:
    """The answer that was on its way does not come back; the next question is answered."""
    page.fill("#question textarea", KIRBY)
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat [data-testid=user]")
    page.click("#new")
    page.wait_for_selector("#chat [data-testid=user]", state="detached")
    time.sleep(3)
    assert page.locator("#chat [data-testid=user]").count() == 0
    ask(page, KIRBY)


def test_a_follow_up_is_understood_and_what_it_took_up_can_be_dropped(page: object) -> None:
    """Its answer is of the last turn's story; without it, the answer is given anew in its place."""
    ask(page, FINE)
    ask(page, "what would it have been without the discount?")
    assert "Vantrello" in page.locator("#chat [data-testid=bot]").nth(1).inner_text()
    page.locator("#chat a[href^='#drop=carried']").first.click()
    page.wait_for_selector("#chat a[href^='#keep=carried']")
    assert page.locator("#chat [data-testid=bot]").count() == 2
    page.wait_for_function("location.search.includes('drop=carried')")
    page.wait_for_selector("#question textarea:enabled")
    ask(page, KIRBY)
    assert "Pentagon spokesman John Kirby confirmed" in page.locator("#chat blockquote").last.inner_text()


def sources(page: object) -> set[str]:
    """The outlets that the last answer quotes."""
    return {one.partition(",")[0] for one in page.locator("#chat .answer").last.locator(".source > strong").all_inner_texts()}


def test_filters_limit_what_is_asked_and_go_with_its_address(page: object, browser: object, address: str) -> None:
    """Each question is answered from the outlet and days that are set, in a browser that was never here too; one click clears them."""
    ask(page, FINE)
    assert len(sources(page)) > 1
    page.get_by_role("button", name="Filters").click()
    page.select_option("#limits select", "Halyard Post")
    page.fill("#limits [name=since]", "2023-01-01")
    ask(page, FINE)
    assert sources(page) == {"Halyard Post"}
    assert page.locator("#chat .within").inner_text() == "from Halyard Post, since 2023-01-01"
    shared, answer = page.url, page.locator("#chat .answer").last.inner_text()
    assert "outlet=Halyard+Post&since=2023-01-01" in shared
    page.get_by_role("button", name="Copy link").last.click()
    said(page, "Link copied.")
    assert copied(page) == shared
    stranger = browser.new_context().new_page()
    stranger.goto(shared)
    stranger.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    page.reload()
    page.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    for opened in (page, stranger):
        opened.wait_for_selector("#question textarea:enabled")
        assert opened.locator("#chat .answer").last.inner_text() == answer
        assert opened.locator("#chosen .limit").all_inner_texts() == ["from Halyard Post", "since 2023-01-01"]
    stranger.context.close()
    page.goto(f"{address}library")
    visit(page, address)
    assert page.locator("#chosen .limit").count() == 2
    page.click("#chosen .limit >> nth=0")
    page.click("#new")
    page.wait_for_selector("#chat .answer", state="detached")
    page.get_by_text(KIRBY).first.click()
    page.wait_for_selector("#chat .tools")
    assert page.locator("#chat .within").inner_text() == page.locator("#chat .limits").text_content() == "since 2023-01-01"
    page.wait_for_selector("#question textarea:enabled")
    page.get_by_role("button", name="Clear filters").click()
    assert not page.locator("#chosen").is_visible()
    ask(page, KIRBY)
    assert page.locator("#chat .within").count() == 1
    page.locator("#chat .within").click()
    assert page.locator("#chosen .limit").all_inner_texts() == ["since 2023-01-01"]
    assert page.locator("#chat .answer").count() == 2


def test_going_back_goes_to_the_filters_of_that_answer(page: object) -> None:
    """What is set follows the answer that is shown; an article that is closed leaves it alone."""
    page.get_by_role("button", name="Filters").click()
    page.select_option("#limits select", "The Rosslyn Ledger")
    ask(page, KIRBY)
    page.get_by_role("button", name="Clear filters").click()
    page.select_option("#limits select", "Halyard Post")
    ask(page, FINE)
    page.fill("#limits [name=since]", "2023-01-01")
    page.locator("#chat a.cite").last.click()
    page.wait_for_selector("#side article mark")
    page.go_back()
    page.wait_for_selector("#side .card")
    assert page.locator("#chosen .limit").all_inner_texts() == ["from Halyard Post", "since 2023-01-01"]
    page.go_back()
    page.wait_for_function("document.querySelectorAll('#chat .answer').length == 1")
    assert page.locator("#chosen .limit").all_inner_texts() == ["from The Rosslyn Ledger"]


def test_days_the_wrong_way_round_are_told_in_a_line(page: object) -> None:
    """As they are set, and when something is asked all the same."""
    page.get_by_role("button", name="Filters").click()
    page.fill("#limits [name=since]", "2015-01-01")
    page.fill("#limits [name=until]", "2014-01-01")
    page.get_by_text("The first day is after the last day.").wait_for()
    page.fill("#question textarea", KIRBY)
    page.press("#question textarea", "Enter")
    page.locator("#chat .problem", has_text="the first day 2015-01-01 is after the last day 2014-01-01: nothing lies between.").wait_for()


def test_a_question_goes_back_into_the_box(page: object) -> None:
    """As it was typed, without what limited it; asked otherwise it is another question."""
    page.get_by_role("button", name="Filters").click()
    page.select_option("#limits select", "Halyard Post")
    typed = "how much was <Vantrello> fined, & *why*?"
    ask(page, typed)
    again = page.get_by_role("button", name="Ask this again, or otherwise")
    again.click()
    assert page.input_value("#question textarea") == typed
    assert page.evaluate("document.activeElement.closest('#question') !== null")
    page.keyboard.type(" And when?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#chat .tools').length == 2")
    assert again.count() == 2
    page.wait_for_function("location.search.includes('And+when')")
    page.click("#new")
    page.wait_for_selector("#chat .answer", state="detached")
    page.wait_for_selector("#question textarea:enabled")
    ask(page, KIRBY)
    assert again.count() == 1
    again.click()
    assert page.input_value("#question textarea") == KIRBY


def test_everything_can_be_done_by_keyboard(page: object) -> None:
    """From the question by Tab to a number, into the article, to its buttons and back; focus can always be seen."""
    page.focus("#question textarea")
    page.keyboard.type(KIRBY)
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat .tools")
    page.focus("#masthead")
    reached: list[str] = []
    name = "(e => e.getAttribute('aria-label') || (e.labels?.[0] || e).textContent.trim().slice(0, 40))(document.activeElement)"
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(name))
        ring = """(e => { const s = getComputedStyle(e), box = e.closest('#question');
          return s.outlineStyle != 'none' || s.boxShadow != 'none' || box && getComputedStyle(box, '::after').borderTopStyle == 'solid'
        })(document.activeElement)"""
        assert page.evaluate(f"document.activeElement == document.body || {ring}"), reached[-1]
    for wanted in ("Quote 1, The Rosslyn Ledger, 2014-06-27", "How this was found", "Copy as footnotes", "A good answer", "Question"):
        assert any(wanted in one for one in reached), (wanted, reached)
    page.locator("#chat a.cite").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.tagName == 'H2'")
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("(e => e.getAttribute('aria-label') || e.textContent.trim())(document.activeElement)"))
    assert {"Next quote", "Copy as footnote", "This is the right sentence"} <= set(reached), reached
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.classList.contains('cite')")


def test_every_control_has_a_name_and_one_region_is_live(page: object, sample: Archive) -> None:
    """A heading of the first level, a name for the pages; no message is read with its markup; what is said is the quote and its source."""
    ask(page, KIRBY)
    names = """[...document.querySelectorAll('button, a[href], textarea, nav')].filter(e => e.checkVisibility()).filter(e =>
      !(e.getAttribute('aria-label') || e.textContent.trim() || e.title || (e.labels && e.labels.length))).map(e => e.outerHTML)"""
    assert page.evaluate(names) == []
    assert page.locator("h1").all_inner_texts() == ["Clippings"]
    # Gradio has one of its own, which says "Loading" while it does.
    live = "[...document.querySelectorAll('[aria-live]:not([aria-live=off], .sr-only)')].map(e => e.id)"
    assert page.evaluate(live) == ["status"]
    assert page.locator("#chat [data-testid=bot]").first.get_attribute("aria-label") == "Answer"
    said(page, "Pentagon spokesman John Kirby confirmed")
    said(page, f"{len(ask_archive(KIRBY, sample).quotes) - 1} more quotes")


def test_how_many_more_quotes_there_are_is_said_in_words_that_fit(browser: object, archive: Archive, folder: Folder) -> None:
    """None are not counted, and one is one."""
    tram = "The tram in Selwyn stopped. Nobody knew why. The tram in Selwyn stopped for an hour."
    archive.add([folder({"dam.md": "The dam at Orle cracked on Sunday.", "tram.md": tram})])
    with serving(archive.path, toy=True) as address:
        page = browser.new_page()
        visit(page, address)
        for question, more in (("dam at Orle cracked", ""), ("how long was the tram in Selwyn stopped", " 1 more quote.")):
            ask(page, question)
            said(page, question.split()[-1])
            assert page.locator("#chat .answer").last.locator("ul.quotes a.cite").count() == bool(more)
            text = page.locator("#status").text_content()
            assert text.endswith(more)
            assert ("more quote" in text) == bool(more)
        page.close()


def test_every_quote_stands_between_its_neighbours(page: object) -> None:
    """Also in an earlier answer, and while an article takes the place of the cards."""
    ask(page, KIRBY)
    ask(page, FINE)
    page.locator("#chat blockquote a.cite").last.click()
    page.wait_for_selector("#side article mark")
    near = page.locator("#chat li .near").all()
    assert len({one.evaluate("one => [...document.querySelectorAll('.answer')].indexOf(one.closest('.answer'))") for one in near}) == 2
    assert all(one.is_visible() for one in near)


def contrast(page: object, what: str) -> float:
    """The least contrast of the texts that match with what lies behind them (WCAG 2.2, 1.4.3)."""
    return page.evaluate(
        """what => { const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number), light = c => { const [r, g, b] = c.slice(0, 3)
        .map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
        return Math.min(...[...document.querySelectorAll(what)].filter(e => e.checkVisibility()).map(e => {
          let back = e; while (back.parentElement && (rgb(getComputedStyle(back).backgroundColor)[3] ?? 1) < 1) back = back.parentElement;
          const [a, b] = [light(rgb(getComputedStyle(e).color)), light(rgb(getComputedStyle(back).backgroundColor))];
          return (Math.max(a, b) + .05) / (Math.min(a, b) + .05); })); }""",
        what,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_light_and_dark(page: object, scheme: str) -> None:
    """4.5 to 1 at least, that of what is subdued too."""
    page.emulate_media(color_scheme=scheme)
    page.reload()
    ask(page, KIRBY)
    for what in (
        "#chat .near",
        "#chat .source",
        "#chat .quote",
        "#masthead p",
        "#keys",
        "#side .byline",
        "#side .context",
        "#side .context b",
        "#chat .tools button",
    ):
        assert contrast(page, what) >= 4.5, what
    page.get_by_role("button", name="Filters").click()
    page.fill("#limits [name=since]", "2015-01-01")
    page.fill("#limits [name=until]", "2014-01-01")
    page.wait_for_selector("#chosen .wrong:not(:empty)")
    for what in ("#chosen .wrong", "#chosen button", "#limits :is(span, select, input)", "#chat .edit"):
        assert contrast(page, what) >= 4.5, what
    page.locator("#chat a.cite").first.click()
    page.wait_for_selector("#side article mark")
    assert contrast(page, "#side article :is(mark, p, h2)") >= 4.5


def test_the_page_fits_a_phone(phone: object) -> None:
    """The article is a sheet over the chat, with what it needs at its foot; it closes by a button, and by going back."""
    ask(phone, KIRBY)
    phone.locator("#chat blockquote a.cite").tap()
    phone.wait_for_selector("#side article mark")
    phone.wait_for_function("!document.querySelector('#side').getAnimations({subtree: true}).length")
    assert in_view(phone, "#side article mark")
    for name in ("Previous quote", "Next quote", "Copy as footnote", "This is the right sentence"):
        box = phone.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["y"] > 400
        assert box["y"] + box["height"] <= 800
    phone.click("#side .close")
    time.sleep(0.4)
    assert not phone.locator("#side article mark").is_visible()
    phone.locator("#chat a.cite").nth(1).tap()
    phone.wait_for_selector("#side article mark")
    phone.go_back()
    time.sleep(0.4)
    assert not phone.locator("#side article mark").is_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_thumb_reaches_everything_on_a_phone(phone: object) -> None:
    """Targets of 44 pixels, 32 for the numbers in the text; on a desk 24 at least."""
    ask(phone, KIRBY)
    assert phone.locator("#chat li .near").first.is_visible()
    ask(phone, f"{KIRBY} in June 2014")
    phone.get_by_role("button", name="Filters").tap()
    phone.select_option("#limits select", "The Rosslyn Ledger")
    targets = (
        ("#chat .tools > *", 44),
        ("#save", 44),
        ("#filter", 44),
        ("#chat .edit", 44),
        ("#chosen button", 44),
        ("#limits label > :last-child", 44),
        ("#new", 44),
        ("#chat a.cite", 32),
        ("#chat .chip a", 44),
        ("#chat summary", 44),
    )
    for what, least in targets:
        assert phone.locator(what).count()
        for one in phone.locator(what).all():
            box = one.bounding_box()
            assert min(box["width"], box["height"]) >= least, (what, box)


def test_what_another_has_saved_is_not_markup(page: object, address: str) -> None:
    """The question in an address is a text like any other."""
    hostile = "<img src=x onerror=alert(1)> ![x](http://evil.test/x) ferry"
    page.goto(f"{address}?{__import__('urllib.parse').parse.urlencode({'q': hostile})}")
    page.wait_for_selector("#chat .tools")
    assert page.locator("#chat [data-testid=user]").inner_text() == hostile
    assert page.locator("#chat img").count() == 0
    assert json.dumps(page.url).count("evil.test") == 1
