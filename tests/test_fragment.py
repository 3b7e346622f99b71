"""Links to the sentence on the live page, followed by a small reading of the specification."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.fragment import directive, link

FERRY = "The ferry sank off Selwyn. Nine died. It rained. The mayor, 61 - a sailor & diver - said: “No.” Nine died."


def found(text: str, written: str) -> tuple[str, int]:
    """What a browser marks, and where in the text with single spaces: the first place that fits."""
    page = " ".join(text.split()).casefold()
    parts = written.split(",")
    context = unquote(parts.pop(0)[:-1]).casefold() + " " if parts[0].endswith("-") else ""
    parts = [unquote(part).casefold() for part in parts]
    start = page.index(context + parts[0]) + len(context)
    end = page.index(parts[-1], start + len(parts[0])) + len(parts[-1]) if len(parts) > 1 else start + len(parts[0])
    return page[start:end], start


def test_what_means_something_in_a_directive_is_encoded() -> None:
    """Hyphen, comma and ampersand, and what is not ASCII."""
    start = FERRY.index("The mayor")
    assert directive(FERRY, start, FERRY.index(" Nine died.", start)) == (
        "The%20mayor%2C%2061%20%2D%20a%20sailor%20%26%20diver%20%2D%20said%3A%20%E2%80%9CNo.%E2%80%9D"
    )


def test_a_sentence_that_stands_twice_has_the_words_before_it() -> None:
    """The first one needs none; line breaks are spaces on a page."""
    assert directive(FERRY, 27, 37) == "Nine%20died."
    assert directive(FERRY, len(FERRY) - 10, len(FERRY)) == "%2D%20said%3A%20%E2%80%9CNo.%E2%80%9D-,Nine%20died."
    assert directive("It was\nlate.", 0, 12) == "It%20was%20late."


def test_a_long_or_broken_sentence_is_named_by_its_first_and_last_words() -> None:
    """The last words are as many as it takes to end in the right place."""
    long = "It was said that " + "the sea was calm " * 20 + "and the sea was calm"
    assert directive(long, 0, len(long)) == "It%20was%20said%20that,and%20the%20sea%20was%20calm"
    assert found(long, directive(long, 0, len(long))) == (long.casefold(), 0)
    broken = "The harbour master confirmed\nnine deaths after a search."
    assert directive(broken, 0, len(broken)) == "The%20harbour%20master%20confirmed,deaths%20after%20a%20search."


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("https://a.test/x?y=1", "https://a.test/x?y=1#:~:text=It%20sank."),
        ("https://a.test/x#part", "https://a.test/x#part:~:text=It%20sank."),
        ("https://a.test/x#:~:text=old", "https://a.test/x#:~:text=It%20sank."),
        ("https://a.test/a <b>", "https://a.test/a%20%3Cb%3E#:~:text=It%20sank."),
        ("https://a.test/é", "https://a.test/é#:~:text=It%20sank."),
    ],
)
def test_the_directive_goes_after_what_the_address_has(url: str, expected: str) -> None:
    """An older one goes, and so do signs that would end the address."""
    assert link(url, "It sank.", 0, 8) == expected


@given(st.lists(st.sampled_from(["the", "sea", "was", "-", "a,b", "Ünder", "\n", "calm"]), min_size=1, max_size=400), st.data())
def test_a_browser_finds_the_very_words(words: list[str], data: st.DataObject) -> None:
    """At the very place, unless the dozen words before them stand before the same words earlier too."""
    text = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start, end = len(" ".join(words[:first])) + bool(first), len(" ".join(words[: last + 1]))
    if not text[start:end].split():
        return
    written = directive(text, start, end)
    marked, place = found(text, written)
    before = " ".join(text[:start].split()).casefold()
    assert marked == " ".join(text[start:end].split()).casefold()
    expected, context = len(before) + bool(before), " ".join(before.split()[-12:])
    page = " ".join(text.split()).casefold()
    assert place == expected or page.index(f"{context} {marked.split(' ')[0]}") < expected - len(context) - 1


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_chromium_scrolls_to_the_sentence(browser: object) -> None:
    """One that stands twice, one across two paragraphs, a long one, one of signs: each comes into view, and no other paragraph does."""
    long = "At dawn the search " + "of the bay, the coast & the two-mile shoal " * 9 + "came to its end."
    paragraphs = [
        "Nine died.",
        FERRY,
        "Broken in the midst of it",
        "by a line that ends, and Nine died.",
        long,
        "“Nein,” sagte Müller – 100 %.",
    ]
    text = "\n\n".join(paragraphs)
    spans = {part: (text.rindex(part), text.rindex(part) + len(part)) for part in ("Nine died.", long, paragraphs[5], "No.”")}
    spans["across"] = (text.index("Broken"), text.index("that ends,") + 10)
    content = "".join(f"<p>{html.escape(part)}</p>" for part in paragraphs)
    page = browser.new_page(viewport={"width": 600, "height": 600})
    shown = "[...document.querySelectorAll('p')].map(p => p.getBoundingClientRect()).map(r => r.bottom > 0 && r.top < innerHeight)"
    page.route(
        re.compile("a.test"),
        lambda route: route.fulfill(body=f"<style>p {{ margin: 1500px 0 }}</style>{content}", content_type="text/html; charset=utf-8"),
    )
    for start, end in spans.values():
        page.goto("about:blank")
        page.goto(link("http://a.test/", text, start, end))
        page.wait_for_function("scrollY > 0", timeout=10_000)
        assert page.evaluate(shown).index(True) == text.count("\n\n", 0, start)
    page.close()
