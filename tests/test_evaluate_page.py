"""The Evaluate page: what it runs, what it reads of the runs that were kept, what it shows, and its use in headless Chromium."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from fakes import BagEncoder
from rooms import serving

from eval import drafts, history, sets, web, worker
from eval.dataset import SAMPLE_ARTICLES
from eval.files import changes
from eval.job import Job, State
from eval.pages import part
from index import Archive
from index.errors import ArchiveError, UsageError

Folder = Callable[[dict[str, str]], Path]

EVIL = (
    """</summary></details><img src="https://evil.example/x.png" onerror="document.title='broken'">"""
    "<script>document.title='broken'</script>${7*7}{{7*7}}"
)
HEAD = f"---\ntitle: '{EVIL.replace(chr(39), chr(39) * 2)}'\noutlet: Tide {EVIL}\n---\n"
FILES = {
    "ferry.txt": f"{HEAD}The ferry sank off Selwyn. Nine people died.",
    "dam.txt": "The dam cracked on Sunday. Nobody was hurt.",
}
QUESTIONS = [
    {
        "id": "q1",
        "question": "how many people died off Selwyn",
        "kind": "how many",
        "evidence": [{"article": "ferry.txt", "quote": "Nine people died."}],
    },
    {
        "id": "q2",
        "question": "what sank off Selwyn",
        "kind": f"who {EVIL}",
        "evidence": [{"article": "dam.txt", "quote": "Nobody was hurt."}],
    },
    {"id": "q3", "question": f"who won the chess {EVIL}", "kind": "unanswerable", "evidence": []},
]


def write_questions(archive: Archive, *records: dict[str, Any]) -> Path:
    file = sets.own_file(archive)
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return file


@pytest.fixture
def own(archive: Archive, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with questions of its own; runs are kept below tmp_path."""
    monkeypatch.chdir(tmp_path)
    archive.add([folder(FILES)])
    write_questions(archive, *QUESTIONS)
    return archive


def measured(archive: Archive, name: str = "2026-11-20T20-31-05") -> list[dict[str, Any]]:
    """What is said of a run with the archive's own questions."""
    said: list[dict[str, Any]] = []
    worker.work(archive, sets.OWN, Path("runs") / name, said.append)
    return said


# What can be measured


def test_an_archive_is_offered_its_own_questions_and_the_samples(archive: Archive, folder: Folder, sample_articles: Archive) -> None:
    """The sample's where all of its articles are there; none where nobody has written any."""
    archive.add([folder(FILES)])
    assert sets.offered(archive) == []
    write_questions(archive, *QUESTIONS)
    assert sets.offered(archive) == [sets.OWN]
    assert sets.size(sets.OWN, archive) == (2, 1)
    assert [question.id for question in sets.dataset(sets.OWN, archive).questions] == ["q1", "q2", "q3"]
    assert sets.offered(sample_articles) == [sets.SAMPLE]
    assert sets.dataset(sets.SAMPLE, sample_articles).is_sample
    assert sum(sets.size(sets.SAMPLE, sample_articles)) == 228


def test_a_sample_that_lacks_an_article_is_none(archive: Archive) -> None:
    """Its questions could not be measured."""
    archive.add(sorted(SAMPLE_ARTICLES.glob("*.txt"))[1:])
    assert sets.offered(archive) == []


def test_review_adds_to_the_archives_own_questions(own: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where --questions names no other file: what readers said is measured on the page from then on."""
    import cli
    from index import terminal
    from qa import ask, feedback

    monkeypatch.setattr(terminal, "open_archive", lambda path, model: Archive(path, BagEncoder()))
    feedback.record(own, ask("who broke the dam on Sunday", own), False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert cli.main(["eval", "--review", "--archive", str(own.path)]) == 0
    assert sets.size(sets.OWN, own) == (2, 2)
    assert drafts._waiting(own, sets.own_file(own)) == []


# A run


def test_a_run_says_how_far_it_is_and_leaves_the_archive_alone(own: Archive) -> None:
    """Each configuration over the answerable questions, then the answers to all; its files are those of the command."""
    before = own.status()
    said = measured(own)
    ends = {one["stage"]: (one["done"], one["total"]) for one in said}
    assert ends == {**dict.fromkeys(("bm25", "dense", "rrf", "hybrid"), (2, 2)), "answers": (3, 3)}
    assert next(one["done"] for one in said if one["stage"] == "answers") == 1
    assert own.status() == before
    assert {"report.html", "result.json", "per_query.csv", "qrels.trec", "run.hybrid.trec"} <= {
        file.name for file in Path("runs/2026-11-20T20-31-05").iterdir()
    }


def test_what_cannot_be_measured_is_said_in_one_line(own: Archive) -> None:
    """Without the folders of the server."""
    write_questions(own, QUESTIONS[0] | {"evidence": [{"article": "ferry.txt", "quote": "Ten died."}]})
    (said,) = measured(own)
    assert "questions.jsonl:1: question q1: its quote stands 0 times in ferry.txt" in said["error"]
    shown = web.words(State("failed", error=said["error"]))
    assert shown.startswith("Nothing was measured: questions.jsonl:1: question q1")
    assert str(own.path.parent) not in shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("no archive at /home/ida/a b: make one", "no archive at a b: make one"),
        ("./x/questions.jsonl:3: not a JSON object", "questions.jsonl:3: not a JSON object"),
        ("and/or is no path.", "and/or is no path"),
        ("'/home/ida/q.jsonl': not a file", "'q.jsonl': not a file"),
        ('no file "/home/ida/q 1.jsonl" here', 'no file "q 1.jsonl" here'),
        ("/home/ida smith/my archive/q.jsonl:3: no", "q.jsonl:3: no"),
        ("/home/ida's/q.jsonl:3: no", "q.jsonl:3: no"),
        ("[Errno 2] No such file: '/home/ida smith/x/q.jsonl'", "[Errno 2] No such file: 'q.jsonl'"),
        ("/home/ida/a.txt is not in ./b c/d.txt", "a.txt is not in d.txt"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
    ],
)
def test_an_error_names_no_folder(error: str, shown: str) -> None:
    """Only what lies in it."""
    assert web.plain(error) == shown


def opening(archive: Archive) -> list[Any]:
    """What the page is told as it opens: masthead, about, sets, progress, and on."""
    gr = MagicMock()
    web.draw(gr, archive)
    opened = next(call.args[1] for call in gr.on.call_args_list if call.args[0] is None)
    return opened()


def test_a_page_over_a_damaged_archive_says_what_is_wrong(own: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its articles, its runs or its questions cannot be read; what can be is shown."""
    assert "2 that the articles answer" in opening(own)[1]

    def damaged() -> None:
        raise ArchiveError(f"{own.path}/store.db: is damaged")

    for name in ("status", "known"):
        with monkeypatch.context() as patch:
            patch.setattr(own, name, damaged)
            assert "store.db: is damaged." in opening(own)[3]
    measured(own)
    with monkeypatch.context() as patch:
        patch.setattr(own, "known", damaged)
        _, about, _, said, *_, questions = opening(own)
    assert (about, "store.db: is damaged." in said) == ("", True)
    assert "Nobody was hurt." in questions


def command(code: str) -> list[str]:
    return [sys.executable, "-c", f"import json, sys, time\ndef say(**said): print(json.dumps(said), flush=True)\n{code}"]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of a run."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text("{}")
    return tmp_path / "run"


def wait_for(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_job_that_ends_is_done(kept: Path) -> None:
    """What it said last stays; what it made stays."""
    job = Job(command("say(stage='answers', done=1, total=3)\nsay(stage='answers', done=3, total=3)"), kept)
    wait_for(lambda: not job.running)
    assert (job.state.outcome, job.state.stage, job.state.done, job.state.total) == ("done", "answers", 3, 3)
    job.stop()
    assert (job.state.outcome, kept.exists()) == ("done", True)


def test_a_job_can_be_stopped(kept: Path) -> None:
    """At once, and nothing of it is kept."""
    job = Job(command("say(stage='answers', done=1, total=3)\ntime.sleep(600)"), kept)
    wait_for(lambda: job.state.total)
    assert job.running
    job.stop()
    assert (job.state.outcome, kept.exists()) == ("stopped", False)


def test_a_job_that_ends_as_it_is_stopped_is_done(kept: Path) -> None:
    """What is whole is kept."""
    job = Job([*command("import os\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"), str(kept / "go")], kept)
    job._stopped = True
    (kept / "go").touch()
    wait_for(lambda: not job.running)
    assert (job.state.outcome, kept.exists()) == ("done", True)


@pytest.mark.parametrize(
    ("code", "error"),
    [("say(error='questions.jsonl:1: it has no id')", "questions.jsonl:1: it has no id"), ("sys.exit(3)", "exit code 3")],
)
def test_a_job_that_fails_says_why(kept: Path, code: str, error: str) -> None:
    """One that broke off without a word, too."""
    job = Job(command(code), kept)
    wait_for(lambda: not job.running)
    assert job.state.outcome == "failed"
    assert error in job.state.error
    assert not kept.exists()


def test_what_a_library_prints_breaks_nothing(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Lines that are no JSON, or say something else, go to the terminal; the run is heard to its end."""
    odd = ["Loading weights", "3", "[1]", '{"stage": 1}', '{"error": "x", "code": 1}', "{" * 100_000, ""]
    code = f"for line in {odd!r}: print(line)\nsys.stdout.buffer.write(b'\\xff\\n')\nsay(stage='answers', done=2, total=3)"
    job = Job(command(code), kept)
    wait_for(lambda: not job.running)
    assert (job.state.outcome, job.state.done, kept.exists()) == ("done", 2, True)
    assert "Loading weights\n3\n" in capfd.readouterr().err


def test_how_far_a_run_is_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time left at the stage's pace: 50 of 200 questions in 20 s leave 60."""
    monkeypatch.setattr("eval.job.monotonic", lambda: 130.0)
    assert web.words(State(stage="answers", done=50, total=200, since=110.0)) == (
        "Asking as a reader would: 50 of 200 questions, about 60 s left."
    )
    assert web.words(State(stage="bm25", done=1, total=200, since=129.0)) == "Searching by bm25: 1 of 200 questions."
    assert web.words(State()) == "Getting ready."


# The runs that were kept


def test_the_runs_of_an_archive_are_found_again(own: Archive, tmp_path: Path, encoder: BagEncoder) -> None:
    """Newest first; one of another archive, or of another format, is none of them."""
    measured(own, "2026-11-20T20-31-05")
    measured(own, "2026-11-20T20-31-06")
    (tmp_path / "runs" / "odd").mkdir()
    (tmp_path / "runs" / "odd" / "result.json").write_text('{"configurations": {}}')
    (tmp_path / "b.txt").write_text("A tram stopped.")
    other = Archive(tmp_path / "other", encoder)
    other.add([tmp_path / "b.txt"])
    runs = history.past(own)
    assert list(runs) == ["2026-11-20T20-31-06", "2026-11-20T20-31-05"]
    assert history.past(other) == {}
    assert history.label("2026-11-20T20-31-05", runs["2026-11-20T20-31-05"]) == (
        "2026-11-20 20:31:05 · questions, 3 questions · MRR@10 .750"
    )


def test_runs_over_other_questions_are_not_compared(own: Archive) -> None:
    """Only those before a run, over the same questions; a difference is between shared questions, by hand."""
    measured(own, "1")
    write_questions(own, *QUESTIONS[:2])
    measured(own, "2")
    write_questions(own, *QUESTIONS)
    measured(own, "3")
    runs = history.past(own)
    assert [history.earlier(name, runs) for name in ("3", "2", "1")] == [["1"], [], []]
    assert [score for _, score in history.over_time("3", runs)] == [0.75, 0.75]
    old = json.loads(json.dumps(runs["1"]))
    old["configurations"]["hybrid"]["questions"]["q1"]["MRR@10"] = 0.0
    shown = part("compared", run=runs["3"], old=old, changes=changes(old, runs["3"]))
    assert "<td>+.500<td>" in shown
    assert "gained q1" in shown


def test_the_worst_question_comes_first(own: Archive) -> None:
    """The gold at rank 2 before the gold at rank 1; those without an answer last; mistakes are listed by themselves."""
    measured(own)
    (run,) = history.past(own).values()
    assert [one["id"] for one in history.worst_first(run)] == ["q2", "q1", "q3"]
    assert next(one["id"] for one in history.listed(run, "mistakes")) == "q2"
    assert len(history.listed(run, "worst")) == len(history.listed(run, "all")) == 3
    assert history.ranks(run) == [("1", 1), ("2", 1), ("3", 0), ("4", 0), ("5", 0), ("6–10", 0), ("> 10", 0)]


@pytest.mark.parametrize(
    ("answerable", "outcome", "gold", "mistake"),
    [
        (True, "answered", True, False),
        (True, "answered", False, True),
        (True, "false abstention", False, True),
        (False, "abstained", False, False),
        (False, "false answer", False, True),
    ],
)
def test_a_mistake_is_an_answer_that_is_wrong(answerable: bool, outcome: str, gold: bool, mistake: bool) -> None:
    """Or none where there is one; a right abstention is none."""
    answer = {"outcome": outcome, "quotes": [{"gold": gold}] if "answer" in outcome else []}
    assert history.is_mistake({"answerable": answerable, "answer": answer}) is mistake
    assert not history.is_mistake({"answerable": answerable, "answer": None})


# What is shown


def test_a_question_shows_its_quotes_beside_the_gold(own: Archive) -> None:
    """All of it as text, whatever stands in questions and articles."""
    measured(own)
    (run,) = history.past(own).values()
    shown = part("questions", run=run, listed=history.listed(run, "all"))
    assert '<blockquote class="gold">Nine people died.</blockquote>' in shown
    assert "Nobody was hurt." in shown
    assert "None: the archive does not say." in shown
    assert "<img" not in shown
    assert "<script" not in shown
    assert shown.count("&lt;img src=") > 4
    assert "<img" not in web.summary(run)


def test_the_figures_are_those_of_the_run(own: Archive) -> None:
    """The means with their intervals, the counts of the answers, the archive by its digest."""
    measured(own)
    (run,) = history.past(own).values()
    shown = web.summary(run)
    hybrid = run["configurations"]["hybrid"]
    assert f"{hybrid['mean']['hit@1']:.3f}"[1:] in shown
    assert "<small>.500 to 1.000</small>" in shown
    assert f"<dd>{run['abstention']['answered']} of 2</dd>" in shown
    assert "Rank of the first right passage: 1 at 1, 1 at 2, 0 at 3" in shown
    assert "by kind of question: how many 1.000, who" in shown
    assert own.status()["digest"][:12] in shown
    assert str(own.path.parent) not in shown


def test_an_archive_without_questions_is_told_how_to_get_some() -> None:
    """By commands that there are."""
    shown = part("about", sets={})
    assert "has no questions" in shown
    assert "clippings eval --review" in shown
    assert "clippings eval --draft 20" in shown
    assert "2 that the articles answer, and 1 that they do not" in part("about", sets={"own": (2, 1)})


def test_a_broken_file_of_questions_is_an_error_with_its_line(own: Archive) -> None:
    """Before anything is measured."""
    sets.own_file(own).write_text("{")
    with pytest.raises(UsageError, match=r"questions\.jsonl:1: not a JSON object"):
        sets.size(sets.OWN, own)


# In the browser, with the real model


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive that has three questions of its own, and one that has none."""
    home = tmp_path_factory.mktemp("evaluate")
    (home / "articles").mkdir()
    for name, text in FILES.items():
        (home / "articles" / name).write_text(text)
    for name in ("own", "bare"):
        Archive(home / name).add([home / "articles"])
    write_questions(Archive(home / "own"), *QUESTIONS)
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with serving(home / "own", cwd=home) as address:
        yield f"{address}evaluate"


@pytest.fixture
def page(browser: object, address: str) -> Iterator[object]:
    """The page, opened; afterwards, nothing was asked of any other server and no script has failed or run of the articles."""
    opened = browser.new_page(viewport={"width": 1360, "height": 900})
    requests: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.get_by_role("button", name="Run the evals").wait_for()
    yield opened
    assert opened.title() != "broken"
    opened.close()
    assert [url for url in requests if not url.startswith((address.removesuffix("evaluate"), "data:", "blob:"))] == []
    assert errors == []


def run_evals(page: object) -> None:
    """By the keyboard."""
    page.locator("#run-evals:enabled").focus()
    page.keyboard.press("Enter")
    page.locator("#stop-evals").wait_for()
    page.locator("#progress", has_text="The run is done.").wait_for(timeout=120_000)


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_a_run_is_watched_and_its_worst_question_opened(page: object, home: Path) -> None:
    """Its figures and plots, the answer beside the gold; then a second run, compared with the first."""
    run_evals(page)
    page.locator("#figures tr.main").wait_for()
    assert page.locator("p[role=status]").inner_text() == "The run is done."
    page.locator("#evaluate :is(svg.marks, canvas)").nth(1).wait_for()
    worst = page.locator("#questions summary").first
    assert "what sank off Selwyn" in worst.inner_text()
    worst.focus()
    page.keyboard.press("Enter")
    pair = page.locator("#questions details[open] .pair section")
    assert pair.nth(1).locator("blockquote").inner_text() == "Nobody was hurt."
    answered, gold = (pair.nth(at).bounding_box() for at in (0, 1))
    assert abs(answered["y"] - gold["y"]) < 2
    run_evals(page)
    page.get_by_label("Compared with").click()
    page.get_by_role("option").nth(1).click()
    page.get_by_text("compared with the earlier run").wait_for()
    assert len(list((home / "runs").glob("*/result.json"))) == 2


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_a_run_outlives_its_page_and_can_be_stopped(page: object, home: Path) -> None:
    """A page that is opened meanwhile sees it run, and may stop it; nothing of it is kept."""
    before = len(list((home / "runs").glob("2*")))
    many = [record | {"id": f"{record['id']}-{number}"} for number in range(200) for record in QUESTIONS]
    write_questions(Archive(home / "own"), *many)  # enough that it cannot end by itself meanwhile
    page.locator("#run-evals:enabled").click()
    page.locator("#stop-evals").wait_for()
    page.reload()
    page.locator("#stop-evals").wait_for()
    assert not page.locator("#run-evals").is_enabled()
    page.locator("#stop-evals").click()
    page.locator("#progress", has_text="The run was stopped").wait_for()
    page.locator("#run-evals:enabled").wait_for()
    assert len(list((home / "runs").glob("2*"))) == before
    write_questions(Archive(home / "own"), *QUESTIONS)


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_the_page_fits_a_phone(page: object) -> None:
    """Nothing sticks out to the right, with a question open; what is pressed is large enough for a thumb."""
    if not page.locator("#questions summary").count():
        run_evals(page)
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator("#questions summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in (page.locator("#run-evals"), page.locator("#questions summary").first):
        assert target.bounding_box()["height"] >= 44


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_an_archive_without_questions_cannot_be_run(browser: object, home: Path) -> None:
    """The page says what to do."""
    with serving(home / "bare", cwd=home) as address:
        opened = browser.new_page()
        opened.goto(f"{address}evaluate")
        opened.get_by_text("This archive has no questions").wait_for()
        assert not opened.locator("#run-evals").is_enabled()
        opened.close()
