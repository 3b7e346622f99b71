"""The chat under load, in short: a server whose every answer takes half a second, so that what waits, is refused or cancelled is known.

`make bench-chat` measures the real one; the soak of half an hour is nightly.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from math import inf, nan
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from eval import bench_chat
from eval.bench_chat import MOST_GROWTH, MOST_RUSH, MOST_THINKING, Run, flood, growth, new_questions, over, soak, users
from eval.chat_load import Reply, Server, clients
from eval.chat_load import serving as serving_in_earnest
from index import Archive
from index.errors import ClippingsError

pytestmark = pytest.mark.filterwarnings("default")

# Serves with a toy encoder and no reader. Each question is noted, and takes the seconds that are given.
_SLOW = """
import sys, time
from pathlib import Path
from fakes import BagEncoder
from index import Archive, terminal
from qa.web import programs
seconds, notes = float(sys.argv.pop(1)), Path(sys.argv.pop(1))
terminal.open_archive = lambda path, model: Archive(path, BagEncoder())
real = programs.answer
def slow(question, *rest):
    with notes.open("a") as file:
        file.write(question + "\\n")
    time.sleep(seconds)
    return real(question, *rest)
programs.answer = slow
import app
sys.exit(terminal.main("app.py", "", app.COMMANDS, sys.argv[1:]))
"""


class Slow:
    """A server of slow answers, and what it was asked."""

    def __init__(self, archive: Archive, notes: Path, seconds: float) -> None:
        self.archive, self.notes = archive, notes
        program = [sys.executable, "-c", _SLOW, str(seconds), str(notes)]
        self._serving = serving_in_earnest(archive.path, program, {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "CLIPPINGS_READER": "none"})
        self.server = self._serving.__enter__()

    @property
    def asked(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def end(self) -> None:
        self._serving.__exit__(None, None, None)


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive(tmp_path_factory.mktemp("load") / "archive", BagEncoder())
    archive.add([ROOT / "eval/articles"])
    return archive


@pytest.fixture(scope="module")
def slow(articles: Archive) -> Iterator[Slow]:
    """Half a second an answer, two at a time: four a second."""
    served = Slow(articles, articles.path.with_name("slow"), 0.5)
    yield served
    served.end()


@pytest.fixture(scope="module")
def quick(articles: Archive) -> Iterator[Slow]:
    served = Slow(articles, articles.path.with_name("quick"), 0.0)
    yield served
    served.end()


def test_every_user_gets_the_answers_to_their_own_questions(quick: Slow) -> None:
    """Sixteen at once, without a pause: no error, nobody refused, no answer that is another's or other than that of the command line."""

    async def load() -> list[Reply]:
        async with clients(quick.server) as crowd:
            return await users(crowd, new_questions(count()), 3, 0, 16)

    run = Run.of("", asyncio.run(load()), quick.archive)
    assert len(run.seconds) >= 16
    assert (run.errors, run.refusals, run.crossed) == ([], [], 0)


def test_a_crossed_answer_is_seen(articles: Archive) -> None:
    """One that was given to another question, and one to this question that is another than it should be."""
    right, other = (bench_chat.asked(articles, question, bench_chat.Filters()) for question in ("who sank the ferry", "who resigned"))
    replies = [
        Reply("who sank the ferry", 1, right),
        Reply("who sank the ferry", 1, other),
        Reply("who resigned", 1, other | {"quotes": []}),
    ]
    assert other["quotes"]
    assert Run.of("", replies, articles).crossed == 2


def test_a_full_queue_refuses_politely(slow: Slow) -> None:
    """64 wait; the rest are told so at once, in a sentence, and later ones are answered."""
    bench = bench_chat._FLOOD

    async def load() -> tuple[list[Reply], Reply]:
        async with clients(slow.server) as crowd:
            replies = await flood(crowd, new_questions(count(1_000)))
            return replies, await crowd.ask("who sank the ferry")

    replies, later = asyncio.run(load())
    refused = [one for one in replies if one.refused]
    assert [one.error for one in replies if one.error] == []
    assert 64 <= bench - len(refused) <= 64 + 20
    assert {one.refused for one in refused} == {"Too many questions are waiting: try again in a minute."}
    assert max(one.seconds for one in refused) < min(10, max(one.seconds for one in replies))
    assert later.answer


def test_questions_of_those_who_left_are_not_answered(slow: Slow) -> None:
    """Only what was being answered already goes on; nothing of the rest is begun."""

    async def load() -> Reply:
        async with clients(slow.server) as crowd:
            left = await asyncio.gather(*(crowd.ask(f"who left {number}", leave_after=0.4) for number in range(24)))
            assert {one.error for one in left} <= {"left", ""}
            return await crowd.ask("who came last")

    assert asyncio.run(load()).answer
    begun = [question for question in slow.asked if question.startswith("who left")]
    assert 1 <= len(begun) <= 12


def test_idle_pages_change_nothing(quick: Slow) -> None:
    """A hundred of them, each with its open stream: none is lost, and nobody waits for them."""

    async def load() -> tuple[list[Reply], list[Reply]]:
        async with clients(quick.server) as crowd:
            alone = await users(crowd, new_questions(count(2_000)), 2, 0.2, 8)
            async with crowd.listeners(100):
                return alone, await users(crowd, new_questions(count(3_000)), 2, 0.2, 8)

    alone, beside = (Run.of("", replies, quick.archive) for replies in asyncio.run(load()))
    assert (beside.errors, beside.refusals, beside.crossed) == ([], [], 0)
    assert beside.percentile(95) < 2 * alone.percentile(95) + 1


def test_a_listener_that_is_lost_is_told(quick: Slow) -> None:
    """Or idle pages that were all turned away would change nothing either."""

    async def load() -> None:
        async with clients(quick.server) as crowd:
            crowd._http.base_url = "http://127.0.0.1:9/"
            async with crowd.listeners(3):
                await asyncio.sleep(0.5)

    with pytest.raises(ClippingsError, match="3 of 3 idle pages"):
        asyncio.run(load())


def test_memory_and_files_are_flat_in_short(quick: Slow) -> None:
    """Twenty seconds: no file that stays open, and no memory that grows with each question."""
    replies, samples = asyncio.run(soaked(quick.server, 1 / 3, 8))
    megabytes, files = growth(samples)
    assert not [one for one in replies if one.error or one.refused]
    assert files < 10
    assert megabytes < 40


def test_growth_is_seen() -> None:
    """From the second quarter to the last: what is loaded at first is no leak."""
    assert growth([[0, 100, 9], [1, 300, 20], [2, 310, 22], [3, 330, 25]]) == (30, 5)


def made_up(seconds: float, errors: int = 0, refused: int = 0, crossed: int = 0) -> Run:
    return Run("users", [seconds] * 10, ["lost"] * errors, ["busy"] * refused, crossed, 1.0)


@pytest.mark.parametrize(
    ("run", "limits", "wrong"),
    [
        (made_up(1.0), {"p95": MOST_THINKING}, ""),
        (made_up(1.01), {"p95": MOST_THINKING}, "p95, s, users: 1.01, at most 1"),
        (made_up(4.0), {"p95": MOST_RUSH}, ""),
        (made_up(4.2), {"p95": MOST_RUSH}, "p95, s, users: 4.2, at most 4"),
        (made_up(99.0), {}, ""),
        (made_up(0.1, errors=1), {}, "errors, users: 1, at most 0"),
        (made_up(0.1, refused=96), {"refused": inf}, ""),
        (made_up(2.0, 1, 2, 3), {"p95": 1.0}, "p95, s, users: 2, at most 1; errors, users: 1, at most 0; "
                                              "refused, users: 2, at most 0; crossed, users: 3, at most 0"),
    ],
)  # fmt: skip
def test_figures_are_held_to_their_limits(run: Run, limits: dict[str, float], wrong: str) -> None:
    """What is over is named; a flood may be refused."""
    assert over(run.held(**limits)) == wrong


def test_what_is_over_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure that is none is over too."""
    soaked = [(what, found, most) for what, found, most in zip(("MB more", "open files more"), (20.5, 3), MOST_GROWTH, strict=True)]
    assert bench_chat._judge(soaked) == 1
    assert capsys.readouterr().out.strip() == "over its limit: MB more: 20.5, at most 20"
    assert bench_chat._judge([("seconds after SIGTERM", 4.9, bench_chat.MOST_END), ("p95", nan, 1.0)]) == 1
    assert bench_chat._judge([("seconds after SIGTERM", 4.9, bench_chat.MOST_END)]) == 0


@pytest.mark.nightly
@pytest.mark.model
def test_memory_and_files_are_flat_for_half_an_hour(sample: Archive) -> None:
    """32 users who think, new questions: nothing grows once the caches are full, and no answer is crossed."""
    with serving_in_earnest(sample.path) as server:
        replies, samples = asyncio.run(soaked(server, 30, bench_chat.USERS))
    run = Run.of("", replies, sample)
    megabytes, files = growth(samples)
    assert (run.errors, run.refusals, run.crossed) == ([], [], 0)
    assert files < 10
    assert megabytes < 20


async def soaked(server: Server, minutes: float, many: int) -> tuple[list[Reply], list[list[float]]]:
    async with clients(server) as crowd:
        return await soak(crowd, server, new_questions(count(10_000)), minutes, many)


@pytest.mark.parametrize("waiting", [0, 6])
def test_sigterm_ends_it_in_five_seconds(articles: Archive, waiting: int) -> None:
    """With exit code 0, whether or not somebody waits; those who do are told."""
    served = Slow(articles, articles.path.with_name(f"ending-{waiting}"), 0.5)

    async def load() -> tuple[float, int]:
        async with clients(served.server) as crowd:
            asked = [asyncio.create_task(crowd.ask(f"who waits {number}")) for number in range(waiting)]
            await asyncio.sleep(1)
            ended = await asyncio.to_thread(served.server.end)
            assert all(one.answer or one.error for one in await asyncio.gather(*asked))
            return ended

    try:
        seconds, code = asyncio.run(load())
    finally:
        served.end()
    assert (code, seconds < 6) == (0, True)


def test_bench_chat_has_options_and_help() -> None:
    """It starts without what it measures."""
    done = subprocess.run([sys.executable, "-m", "eval.bench_chat", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--soak" in done.stdout
