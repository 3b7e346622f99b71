"""D1, D3: hostile texts on the Evaluate page and in the report of `clippings eval`: questions, kinds, ids, articles, names of all, plots.

The same run is shown for harmless texts and for hostile ones: an element of a kind that the first does not bring is a finding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import lxml.html
import payloads
import pytest
from fakes import BagEncoder
from hostile import HARMLESS, Watch, articles, groups, names, squeezed
from rooms import serving

from eval import dataset, files, history, pages, web
from eval.job import State
from eval.run import CONFIGURATIONS
from index import Archive

PLACES = ("#evaluate", "#masthead", "#vg-tooltip-element")
OPENED = "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"
# Bring a plot into view, once it is no longer being drawn anew.
STILL = """async plot => {
    const drawn = () => document.querySelectorAll('#evaluate svg.marks')[plot];
    for (let last = null; last === null || last !== drawn(); await new Promise(after => setTimeout(after, 300))) last = drawn();
    drawn().scrollIntoView();
}"""
# A little above the foot of each bar of a plot, in the order of the plots.
BARS = """plot => [...document.querySelectorAll('#evaluate svg.marks')[plot].querySelectorAll('[aria-roledescription=bar]')]
    .map(one => one.getBoundingClientRect()).map(box => [box.x + box.width / 2, box.bottom - 2])"""


class Measured:
    """A run over an archive of texts, as `clippings eval` writes it; and copies that are named by texts, as their configurations are."""

    def __init__(self, home: Path, texts: Sequence[str]) -> None:
        rounds = groups(texts, 6)
        self.home, self.archive = home, Archive(home / "archive", BagEncoder())
        self.archive.add([articles(home / "articles", rounds)])
        kept = {article.text.partition(" ")[0]: article for article in self.archive.articles()}
        self.questions = []
        for at, text in enumerate(texts):
            article = kept[f"Marker{at // 6}"]
            quote = article.text[: article.text.index(", they said.")]
            asked = {"id": f"{at}-{'_'.join(text.split())}", "question": f"what of Marker{at // 6} {text}", "kind": text}
            self.questions.append(asked | {"evidence": [{"article": article.path, "quote": quote}]})
            self.questions.append({"id": f"un{at}", "question": f"zebra {text}", "kind": "unanswerable", "evidence": []})
        file = self.archive.folder / "questions.jsonl"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in self.questions))
        called = dataset.from_questions(file, self.archive, " ".join(texts))
        files.measured(called, self.archive, list(CONFIGURATIONS), home / "runs" / "2026", lambda stage, done, total: None)
        self.result = json.loads((home / "runs" / "2026" / "result.json").read_text())
        self.copy(texts)

    def copy(self, texts: Sequence[str]) -> None:
        """A run for each name that holds texts, its configurations but one called by texts."""
        called = [" ".join(some) for some in groups(texts, 6)]
        found, self.runs = self.result, {}
        bm25 = found["configurations"]["bm25"]
        found["configurations"] = {"hybrid": found["configurations"]["hybrid"], **dict.fromkeys(called, bm25)}
        for question in found["questions"]:
            question["ranks"] |= dict.fromkeys(called, 1) if question["ranks"] else {}
        for at, name in enumerate(names(texts)):
            folder = self.home / "runs" / f"{at}{name}"
            folder.mkdir()
            self.runs[folder.name] = found | {"dataset": name}
            (folder / "result.json").write_text(json.dumps(self.runs[folder.name]))
            os.utime(folder / "result.json", (2e9 + at, 2e9 + at))

    @property
    def shown(self) -> list[str]:
        """What is to be read of its questions."""
        gold = [evidence["quote"] for one in self.questions for evidence in one["evidence"]]
        return [one[name] for one in self.questions for name in ("id", "question", "kind")] + gold + [
            cited["title"] for one in self.result["questions"] for cited in one["gold"]]  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measured, Measured]:
    """A harmless one and a hostile one."""
    harmless, hostile = (tmp_path_factory.mktemp(name) for name in ("harmless", "hostile"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPPINGS_READER", "none")
        patch.chdir(harmless)
        return Measured(harmless, HARMLESS), Measured(hostile, payloads.ALL)


def tour(watch: Watch, measured: Measured, address: str, allowed: set[str] | None) -> None:
    """The newest run with all its questions, then beside an earlier one; every plot pointed at."""
    page = watch.page
    page.goto(f"{address}evaluate")
    page.locator("#figures tr.main").wait_for(timeout=60_000)
    page.locator("#shown-questions").get_by_label("All").check()
    page.locator("#questions ol > li").nth(len(measured.questions) - 1).wait_for()
    page.evaluate(OPENED)
    watch.check(allowed, [*measured.shown, *measured.result["configurations"]])
    page.locator("#evaluate svg.marks").nth(1).wait_for()
    page.evaluate(STILL, 1)
    bars, pointed = page.evaluate(BARS, 1)[::5], set()
    for x, y in bars:
        page.mouse.move(x, y)
        page.wait_for_selector("#vg-tooltip-element.visible")
        pointed.add(squeezed(page.text_content("#vg-tooltip-element tr:last-child .value")))
        assert page.locator("#vg-tooltip-element :not(table, tbody, tr, td)").count() == 0
    watch.check(allowed, [])
    assert len(pointed) == len(bars) > 0
    assert pointed <= {squeezed(one["kind"]) for one in measured.questions}
    page.get_by_label("Compared with").click()
    labels = [history.label(name, run) for name, run in measured.runs.items()]
    page.get_by_role("option").nth(1).wait_for()
    watch.check(allowed, labels[:-1])
    page.get_by_role("option").nth(1).click()
    page.get_by_text("compared with the earlier run").wait_for()
    watch.check(allowed, list(measured.result["configurations"]))
    assert page.input_value("#shown-run input") == labels[-1]


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_hostile_texts_on_the_evaluate_page_are_shown_and_do_nothing(browser: object, both: tuple[Measured, Measured]) -> None:
    """0 scripts, 0 outside requests, 0 elements that harmless texts do not have; all is shown. The control: what is planted is seen."""
    allowed: set[str] | None = None
    for measured in both:
        with serving(measured.archive.path, cwd=measured.home, toy=True) as address:
            watch = Watch(browser, address, PLACES)
            tour(watch, measured, address, allowed)
            if allowed is not None:
                assert watch.catches(allowed, "#questions ol") >= 7
            allowed = watch.seen
            watch.page.close()


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_hostile_texts_in_a_report_are_shown_and_do_nothing(browser: object, both: tuple[Measured, Measured]) -> None:
    """Opened from the disk, whole and filtered."""
    allowed: set[str] | None = None
    for measured in both:
        watch = Watch(browser, "file:", ["body"])
        watch.page.goto((measured.home / "runs" / "2026" / "report.html").as_uri())
        watch.page.evaluate(OPENED)
        watch.check(allowed, measured.shown)
        watch.page.fill("#filter", measured.questions[-2]["question"])
        assert watch.page.inner_text("#shown") == f"1 of {len(measured.questions)}"
        watch.check(allowed, measured.shown)
        title = squeezed(watch.page.title())
        assert all(squeezed(one["kind"]) in title for one in measured.questions if one["evidence"])
        if allowed is not None:
            assert watch.catches(allowed, "tbody") >= 7
        allowed = watch.seen
        watch.page.close()


def test_why_nothing_was_measured_is_text() -> None:
    """Whatever a file of questions says."""
    for text in payloads.ALL:
        shown = pages.part("progress", state=State("failed"), words=web.words(State("failed", error=text)))
        (line,) = lxml.html.fragments_fromstring(shown)
        assert (line.tag, len(line)) == ("p", 0)
        assert line.text == f"Nothing was measured: {web.plain(text)}."
