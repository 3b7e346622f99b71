"""The report as a page: every figure of its result, nothing of articles or questions run, and nothing asked of any network."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval import measure, pages
from eval.dataset import UNANSWERABLE, Dataset, Evidence, Question
from eval.report import short
from eval.result import Result
from eval.run import Run
from eval.significance import Interval
from index import Archive
from index.records import Article, Why
from qa.answer import Answer, Searched
from qa.citation import Citation

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

EVIL = """</summary></details></script><script>document.title = 'broken'</script><img src="https://evil.example/x.png" onerror=alert(1)>"""
STORM = "Nine people died & two were “missing”."
TEXT = f"{STORM} The mast fell. {EVIL} It rained."
ARTICLE = Article("a1", f"Ferry {EVIL}", TEXT, f"Tide {EVIL}", "https://evil.example/", "2019-03-06", "en", "ferry.txt", "0" * 64)


def citation(quote: str) -> Citation:
    start = TEXT.index(quote)
    return Citation(1, ARTICLE, start, start + len(quote), quote, Why(1, None, ()))


def answer(*quotes: str, nearest: tuple[str, ...] = ()) -> Answer:
    reason = "" if quotes else f"no article has the word {EVIL}"
    return Answer("q", reason, tuple(map(citation, quotes)), tuple(map(citation, nearest)), Searched(1, 1, {}), 0.4)


def asked(name: str, text: str, kind: str, *quotes: str) -> Question:
    return Question(name, text, kind, tuple(Evidence("a1", TEXT.index(one), TEXT.index(one) + len(one)) for one in quotes))


QUESTIONS = (
    asked("q1", "how many died", "how many", STORM),
    asked("q2", f"what fell {EVIL}", f"what {EVIL}", "The mast fell."),
    asked("q10", "did it rain", "whether", "It rained."),
    asked("q3", "who won the chess", UNANSWERABLE),
)
QRELS = {"q1": {"p1": 1}, "q2": {"p2": 1}, "q10": {"p3": 1}}
ANSWERS = {"q1": answer(STORM, EVIL), "q2": answer(nearest=(EVIL,)), "q10": answer("The mast fell."), "q3": answer(STORM)}

NOTES = {"q10": f"gold at rank 7 {EVIL}"}


@pytest.fixture
def make(archive: Archive, folder: Callable[[dict[str, str]], Path]) -> Callable[[Dataset, list[Run]], Result]:
    """A result of runs over a dataset, measured as an eval measures it."""
    archive.add([folder({"ferry.txt": "Nine people died."})])

    def result(dataset: Dataset, runs: list[Run]) -> Result:
        judged = {question.id: QRELS[question.id] for question in dataset.answerable}
        scores = {one.name: measure.scores(dataset, judged, one) for one in runs}
        return Result(dataset, archive.status(), "abc1234", judged, runs, scores, NOTES, {"a1": ARTICLE})

    return result


@pytest.fixture
def result(make: Callable[[Dataset, list[Run]], Result]) -> Result:
    """bm25 finds the first relevant at 1, 3 and nowhere; hybrid at 2, 1 and 7."""
    first = {"q1": ["p1"], "q2": ["x", "y", "p2"], "q10": []}
    second = {"q1": ["x", "p1"], "q2": ["p2"], "q10": [*"abcdef", "p3"]}
    runs = [Run("bm25", first, 0.4), Run("hybrid", second, 12.3, answers=ANSWERS)]
    return make(Dataset("storms <&>", QUESTIONS, "f" * 64, by_document=False), runs)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] not in ("script", "style"):
            self.text.append(data)


def plain(page: str) -> str:
    """What is left of it without tags, in words."""
    return " ".join(re.sub("<.*?>", " ", page).split())


def outside(page: str) -> list[str]:
    """Whatever the page would ask for elsewhere, or run because an element says so."""
    elements = Elements(page).found
    asks = [
        value or ""
        for _, attributes in elements
        for name, value in attributes.items()
        if (name in ("src", "srcset", "href", "action", "data", "poster") and not (value or "").startswith("data:"))
        or name.startswith("on")
    ]
    styles = "".join(re.findall(r"<style>.*?</style>", page, re.DOTALL))
    return [*asks, *re.findall(r"url\(|@import", styles)]


def test_hostile_text_is_shown_and_never_run(result: Result) -> None:
    """In a question, its kind, a quote, a title, an outlet, a reason and the name of the set: as text, all of it."""
    page = pages.page(result)
    assert EVIL not in page
    shown = "".join(Elements(page).text)
    for text in (
        f"what fell {EVIL}",
        f"Ferry {EVIL}",
        f"Tide {EVIL}",
        f"no article has the word {EVIL}",
        NOTES["q10"],
        "storms <&>",
        STORM,
    ):
        assert text in shown
    assert [tag for tag, _ in Elements(page).found].count("script") == 1
    assert not {"img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in Elements(page).found}


def test_nothing_is_asked_of_any_network(result: Result) -> None:
    """No address in it is followed, and its policy forbids what it does not hold itself."""
    page = pages.page(result)
    assert outside(page) == []
    assert "default-src 'none'" in page
    assert outside(f"{page}{EVIL}") == ["https://evil.example/x.png", "alert(1)"]


def test_the_policy_names_the_script(result: Result) -> None:
    """By its digest: another one in the page would not run."""
    page = pages.page(result)
    script = page[page.index("<script>") + 8 : page.index("</script>")]
    (named,) = re.findall(r"script-src '(.*?)'", page)
    assert html.unescape(named) == pages._sha256(script)


def row(page: str, configuration: str) -> str:
    """The text of a configuration's row in the first table."""
    found = re.search(rf'<tr><th scope="row">{configuration}\b.*?(?=<tr>|</tbody>)', page, re.DOTALL)
    assert found
    return plain(found[0])


def test_the_figures_are_those_of_the_result(result: Result) -> None:
    """By hand: MRR@10 (1 + 1/3 + 0) / 3 and (1/2 + 1 + 1/7) / 3; better on two questions of three, worse on one."""
    page = pages.page(result)
    hit1, hit5, rank, gain = (short(result.mean("hybrid", name)) for name in measure.MEASURES)
    bounds = f"{short(result.intervals['hybrid'].low)} – {short(result.intervals['hybrid'].high)}"
    p = short(result.differences["hybrid"][1])
    assert (hit1, hit5, rank) == (".333", ".667", ".548")
    assert row(page, "hybrid") == f"hybrid main {hit1} {hit5} {rank} {bounds} {gain} 2 / 0 / 1 {p} 12.3"
    assert row(page, "bm25").startswith("bm25 baseline .333 .667 .444 ")


def test_what_was_measured_is_said(result: Result) -> None:
    """Counts, digests, commit, seed, versions."""
    shown = plain("".join(Elements(pages.page(result)).text))
    about = result.as_dict()
    assert "3 answerable questions and 1 that the archive does not answer, over 1 articles in 1 passages" in shown
    for fact in (result.status["digest"], result.status["weights"], "f" * 64, "abc1234", str(about["seed"]), *about["versions"].values()):
        assert fact in shown
    assert "Answered 2 of 3 (1 false abstentions); abstained on 0 of 1" in shown
    assert f"quote-F1, how far the two are the same characters, is {short(result.mean('hybrid', 'quote-F1'))}" in shown


def test_ranks_of_the_first_relevant_are_counted(result: Result) -> None:
    """At 2, 1 and 7; and at 1, 3 and nowhere. Below the tenth counts with not found."""
    assert pages.histogram(result, result.main) == [1, 1, 0, 0, 0, 1, 0]
    assert pages.histogram(result, result.baseline) == [1, 0, 1, 0, 0, 0, 1]
    deep = replace(result.main, ranked=result.main.ranked | {"q1": [*"abcdefghij", "p1"]})
    assert pages.histogram(result, deep) == [1, 0, 0, 0, 0, 1, 1]


def test_the_worst_question_is_first(result: Result) -> None:
    """And the one without a score last."""
    assert [question.id for question in pages.worst_first(result)] == ["q10", "q1", "q2", "q3"]


def test_outcomes_name_the_mistakes() -> None:
    """Answered or abstained where that is right."""
    found = [pages.outcome(question, ANSWERS[question.id]) for question in QUESTIONS]
    assert found == ["answered", "false abstention", "answered", "false answer"]


@pytest.mark.parametrize(
    ("low", "high", "scale", "ticks"),
    [
        (0.61, 0.79, (6, 8), [0.6, 0.7, 0.8]),
        (0.05, 0.95, (0, 10), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1.0, 1.0, (9, 10), [0.9, 1]),
        (0.0, 0.0, (0, 1), [0, 0.1]),
    ],
)
def test_an_axis_holds_its_intervals(low: float, high: float, scale: tuple[int, int], ticks: list[float]) -> None:
    """In whole tenths, with some width, within 0 and 1."""
    found = pages.Scale.over([Interval((low + high) / 2, low, high)])
    assert (found.low, found.high) == scale
    assert found.ticks == pytest.approx(ticks)
    assert found.at(scale[0] / 10) == "0.00%"
    assert found.at(scale[1] / 10) == "100.00%"


def test_a_set_without_answers_or_kinds_has_neither(make: Callable[[Dataset, list[Run]], Result]) -> None:
    """As a BEIR folder: judged documents, gold sentences in the passages, one configuration."""
    question = Question("q1", "how many died", "", documents={"p1": 1, "p9": 0})
    ranked = {"q1": ["x", "p1"]}
    page = pages.page(make(Dataset("beir", (question,), "f" * 64, by_document=True), [Run("bm25", ranked, 1.0, {"q1": [False, True]})]))
    shown = plain(page)
    assert "Passages that hold a gold sentence" in shown
    assert "Hits@4 Hits@10 MRR@10 Questions bm25 1.000 1.000 .500 1" in plain(page)
    assert "<code>p1</code>" in page
    assert "<code>p9</code>" not in page
    assert not {"Kind", "Outcome", "quote-F1"} & set(Elements(page).text)
    assert "all alike" in shown


def test_gold_that_no_answer_cites_is_shown(make: Callable[[Dataset, list[Run]], Result]) -> None:
    """As the article has it."""
    data = Dataset("x", QUESTIONS[:1], "f" * 64, by_document=False)
    page = pages.page(make(data, [Run("bm25", {"q1": []}, 1.0, answers={"q1": answer()})]))
    assert STORM in Elements(page).text


def test_three_thousand_questions_fit(make: Callable[[Dataset, list[Run]], Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """In ten million bytes, with four configurations and answers of five quotes of 150 characters each."""
    article = replace(ARTICLE, title="Ferry toll rises to nine, with two missing", source="Kessmouth Packet", text="nine died " * 15)
    questions = tuple(replace(QUESTIONS[0], id=f"q{number}") for number in range(3000))
    monkeypatch.setitem(globals(), "QRELS", {question.id: {"p1": 1} for question in questions})
    given = replace(answer(), quotes=(Citation(1, article, 0, 150, article.text, Why(1, 1, ())),) * 5)
    ranked, answers = {one.id: ["p1"] for one in questions}, {one.id: given for one in questions}
    runs = [*(Run(name, ranked, 1.0) for name in ("bm25", "dense", "rrf")), Run("hybrid", ranked, 1.0, answers=answers)]
    assert len(pages.page(make(Dataset("x", questions, "f" * 64, by_document=False), runs)).encode()) < 10_000_000


@pytest.fixture
def chromium() -> Iterator[object]:
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and CI does without nothing")
        pytest.skip("Chromium is not installed")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def open_page(chromium: object, file: Path, page: str) -> tuple[object, list[str], list[str]]:
    """A page from a file, with the network off; and what it asks for, and what the console says, from the first moment on."""
    file.write_text(page, encoding="utf-8")
    opened = chromium.new_page(offline=True, viewport={"width": 1200, "height": 900})
    requests: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(file.as_uri())
    return opened, requests, said


@pytest.fixture
def opened(chromium: object, result: Result, tmp_path: Path) -> Iterator[object]:
    """The report; afterwards, nothing but its file was asked for, and the console is empty."""
    page, requests, said = open_page(chromium, tmp_path / "report.html", pages.page(result))
    yield page
    assert (requests, said) == ([(tmp_path / "report.html").as_uri()], [])


def order(page: object) -> list[str]:
    return page.locator("#questions > table > tbody > tr:visible > td:first-child").all_inner_texts()


def sorts(page: object) -> dict[str, str]:
    heads = page.locator("#questions > table > thead th[aria-sort]")
    return {heads.nth(at).inner_text().split()[0]: heads.nth(at).get_attribute("aria-sort") for at in range(heads.count())}


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_the_page_sorts_filters_and_opens(opened: object) -> None:
    """Offline, by mouse and by keys; what is sorted by is what aria-sort says; what has no figure stays last."""
    page = opened
    assert page.title() == "Eval: storms <&>"
    assert (order(page), sorts(page)) == (["q10", "q1", "q2", "q3"], {"hybrid": "ascending"})
    page.get_by_role("button", name="hybrid").click()
    assert (order(page), sorts(page)) == (["q2", "q1", "q10", "q3"], {"hybrid": "descending"})
    page.get_by_role("button", name="Id", exact=True).press("Enter")
    assert (order(page), sorts(page)) == (["q1", "q2", "q3", "q10"], {"Id": "ascending"})
    page.get_by_role("button", name="Id", exact=True).press("Enter")
    assert (order(page), sorts(page)) == (["q10", "q3", "q2", "q1"], {"Id": "descending"})
    page.get_by_role("button", name="hybrid").click()
    assert (order(page), sorts(page)) == (["q10", "q1", "q2", "q3"], {"hybrid": "ascending"})
    page.get_by_label("Filter").fill("False")
    assert order(page) == ["q2", "q3"]
    assert page.locator("#shown").inner_text() == "2 of 4"
    page.get_by_label("Filter").fill("how many")
    quote = page.locator("#questions blockquote", has_text=STORM).first
    assert not quote.is_visible()
    page.get_by_text("how many died").click()
    assert quote.is_visible()


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_the_page_fits_a_phone(opened: object) -> None:
    """Nothing sticks out to the right, with every question open."""
    opened.set_viewport_size({"width": 390, "height": 800})
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("guarded", [True, False])
def test_the_policy_stops_what_an_escape_would_let_through(chromium: object, result: Result, tmp_path: Path, guarded: bool) -> None:
    """Unescaped text runs no script and asks for no image; without the policy it does both, and that is seen."""
    page = pages.page(result).replace("</main>", f"{EVIL}</main>")
    if not guarded:
        page = page.replace("Content-Security-Policy", "none")
    opened, _, said = open_page(chromium, tmp_path / "report.html", page)
    assert opened.title() == ("Eval: storms <&>" if guarded else "broken")
    stopped = [text for text in said if "Content Security Policy" in text and "evil.example" in text]
    assert (len(stopped), "net::ERR_INTERNET_DISCONNECTED" in " ".join(said)) == ((1, False) if guarded else (0, True))
