"""python -m eval.bench_chat: how the chat bears its users, over the sample archive; `make bench-chat`.

Each figure is of a server in a process of its own, asked over HTTP from this machine, so that the clients' share of the processor is in it.
Two kinds of question: new ones, which nobody asked before (a word of their own makes each of them so), and known ones, asked once by
somebody else. An answer is crossed when it is not the one that `clippings ask` gives to that question.

The limits: p95 of 1 s for users who think and of 4 s for those who do not, SIGTERM obeyed within 5 s, 0 errors, 0 crossed, and none refused
but of a flood; a soak grows by 20 MB and 10 open files at most. What is over is named at the end, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from math import inf
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from eval.chat_load import Clients, Reply, Server, clients, serving
from eval.dataset import SAMPLE_ARTICLES, SAMPLE_QUESTIONS
from eval.result import commit
from index import terminal
from index.archive import Archive
from index.minilm import CORES
from index.records import Filters
from index.terminal import Command
from qa.web.programs import asked

USERS, THINKING, LISTENERS = 32, 3.0, 500
# Questions asked at once of a queue that holds 64.
_FLOOD = 160
# Answers of each run that are compared with those of `clippings ask`.
_COMPARED = 40
# The limits that are no 0, as they stand above.
MOST_THINKING, MOST_RUSH, MOST_END, MOST_GROWTH = 1.0, 4.0, 5.0, (20.0, 10.0)

# What was measured, what was found, and the most that it may be.
Figure = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """What some users got: seconds to each answer, errors, refusals, answers that were another question's; and the server's CPU, s."""

    name: str
    seconds: list[float]
    errors: list[str]
    refusals: list[str]
    crossed: int
    cpu: float

    @classmethod
    def of(cls, name: str, replies: Sequence[Reply], archive: Archive, cpu: float = 0.0) -> Run:
        """The replies: of each answer the question is compared, of some all else."""
        answered = [one for one in replies if one.answer is not None]
        crossed = [one for one in answered if one.answer and one.answer["question"] != one.question]
        compared = [one for one in answered[:: max(1, len(answered) // _COMPARED)] if one not in crossed]
        crossed += [one for one in compared if one.answer != asked(archive, one.question, Filters())]
        errors, refusals = [one.error for one in replies if one.error], [one.refused for one in replies if one.refused]
        return cls(name, [one.seconds for one in answered], errors, refusals, len(crossed), cpu)

    def percentile(self, percent: int) -> float:
        """Seconds within which so many of a hundred answers came."""
        return quantiles(self.seconds, n=100, method="inclusive")[percent - 1] if len(self.seconds) > 1 else sum(self.seconds)

    def held(self, p95: float = inf, refused: float = 0) -> list[Figure]:
        """What the run is held to, with the limits that are its own."""
        counts = [("errors", len(self.errors), 0.0), ("refused", len(self.refusals), refused), ("crossed", self.crossed, 0.0)]
        return [(f"{what}, {self.name}", found, most) for what, found, most in [("p95, s", self.percentile(95), p95), *counts]]

    def row(self) -> str:
        """The run as a row below HEAD."""
        times = [self.percentile(50), self.percentile(95), max(self.seconds, default=0.0), self.cpu / max(1, len(self.seconds))]
        counts = [len(self.seconds), len(self.errors), len(self.refusals), self.crossed]
        return f"| {' | '.join([self.name, *(f'{value:.2f}' for value in times), *(f'{number:,}' for number in counts)])} |"


HEAD = """\
| | p50, s | p95, s | most, s | CPU an answer, s | answers | errors | refused | crossed |
|---|---:|---:|---:|---:|---:|---:|---:|---:|"""


def sample_questions() -> list[str]:
    """The questions of the sample set."""
    return [json.loads(line)["question"] for line in SAMPLE_QUESTIONS.read_text(encoding="utf-8").splitlines()]


def new_questions(number: Iterator[int]) -> Iterator[str]:
    """Questions without end that were never asked: those of the sample, each with a word of its own."""
    questions = sample_questions()
    for one in number:
        yield f"{questions[one % len(questions)].rstrip('?')} zq{one:x}"


async def users(crowd: Clients, questions: Iterator[str], seconds: float, thinking: float, many: int = USERS) -> list[Reply]:
    """The replies that users got who ask for so many seconds, and think before each question."""
    until = perf_counter() + seconds

    async def user(number: int) -> list[Reply]:
        replies = []
        await asyncio.sleep(thinking * number / many)  # they did not all come at the same moment
        while perf_counter() < until:
            replies.append(await crowd.ask(next(questions)))
            await asyncio.sleep(thinking)
        return replies

    return [reply for replies in await asyncio.gather(*map(user, range(many))) for reply in replies]


async def flood(crowd: Clients, questions: Iterator[str]) -> list[Reply]:
    """The replies to more questions at once than the queue takes."""
    return list(await asyncio.gather(*(crowd.ask(next(questions)) for _ in range(_FLOOD))))


async def leaving(crowd: Clients, server: Server, questions: Iterator[str], many: int = USERS) -> tuple[float, float]:
    """Seconds of processor that it takes to answer so many questions, and that are spent on as many whose askers left after a second."""
    spent = []
    for leave_after in (None, 1.0):
        before = server.cpu
        await asyncio.gather(*(crowd.ask(next(questions), leave_after) for _ in range(many)))
        await crowd.ask(next(questions))  # asked last, answered when nothing is left before it
        spent.append(server.cpu - before)
    return spent[0], spent[1]


async def soak(
    crowd: Clients, server: Server, questions: Iterator[str], minutes: float, many: int = USERS
) -> tuple[list[Reply], list[list[float]]]:
    """The replies to users who think, and [minutes, megabytes, open files], sampled a hundred times."""
    samples: list[list[float]] = []
    started = perf_counter()

    async def watch() -> None:
        while True:
            samples.append([(perf_counter() - started) / 60, server.megabytes, server.descriptors])
            await asyncio.sleep(minutes * 60 / 100)

    watching = asyncio.create_task(watch())
    replies = await users(crowd, questions, minutes * 60, THINKING, many)
    watching.cancel()
    return replies, samples


def growth(samples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Megabytes and files by which the last quarter of a soak is above its second quarter."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    first, end = ([sum(one[at] for one in part) / len(part) for at in (1, 2)] for part in (second or samples[:1], last))
    return end[0] - first[0], end[1] - first[1]


def over(figures: Iterable[Figure]) -> str:
    """What is over its limit, in a line; "" where nothing is."""
    return "; ".join(f"{what}: {found:.4g}, at most {most:g}" for what, found, most in figures if not found <= most)


async def bench(server: Server, archive: Archive, seconds: float) -> list[Figure]:
    """Every run but the soak, printed as it is measured."""
    new, known = new_questions(count()), sample_questions()
    figures: list[Figure] = []

    async def run(name: str, replies: Awaitable[Sequence[Reply]], p95: float = inf, refused: float = 0) -> None:
        before = server.cpu
        found = Run.of(name, await replies, archive, server.cpu - before)
        print(found.row(), flush=True)
        for error in set(found.errors):
            terminal.talk(f"error: {error}")
        figures.extend(found.held(p95, refused))

    think, rush = f"{USERS} users who think for {THINKING:.0f} s", f"{USERS} users who do not think"

    async with clients(server) as crowd:
        await users(crowd, new, 1, 0, 2)
        await run(f"{think}, new questions", users(crowd, new, seconds, THINKING), MOST_THINKING)
        async with crowd.listeners(LISTENERS):
            await run(f"the same beside {LISTENERS} idle pages", users(crowd, new, seconds, THINKING), MOST_THINKING)
        await run(f"{rush}, new questions", users(crowd, new, seconds, 0), MOST_RUSH)
        for first in range(0, len(known), USERS):
            await asyncio.gather(*map(crowd.ask, known[first : first + USERS]))
        await run(f"{think}, known questions", users(crowd, cycle(known), seconds, THINKING), MOST_THINKING)
        await run(f"{rush}, known questions", users(crowd, cycle(known), seconds, 0), MOST_RUSH)
        await run(f"{_FLOOD} questions at once", flood(crowd, new), refused=inf)
        answered, left = await leaving(crowd, server, new)
        print(f"\nCPU for {USERS} questions: {answered:.1f} s; where all who asked leave after a second: {left:.1f} s")
        waiting = [asyncio.create_task(crowd.ask(next(new))) for _ in range(8)]
        await asyncio.sleep(0.5)
        took, code = await asyncio.to_thread(server.end)
        await asyncio.gather(*waiting)
        print(f"SIGTERM while 8 questions wait: ended after {took:.1f} s, exit code {code}")
    return [*figures, ("seconds after SIGTERM", took, MOST_END), ("exit code after SIGTERM", abs(code), 0)]


def machine() -> str:
    """The machine and the commit, in a line."""
    name = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{name}, {CORES} cores, load before {os.getloadavg()[0]:.1f}; Python {platform.python_version()}; commit {commit()}"


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines() if Path(file).is_file() else []


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60, help="how long each run takes (default: 60)")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="nothing but a soak, of so many minutes")


def _bench_chat(arguments: argparse.Namespace) -> int:
    terminal.talk(machine())
    with TemporaryDirectory(ignore_cleanup_errors=True) as home:
        archive = Archive(Path(home) / "archive")
        archive.add([SAMPLE_ARTICLES])
        archive.load()
        with serving(archive.folder) as server:
            if arguments.soak:
                return _judge(asyncio.run(_soak(server, archive, arguments.soak)))
            print(HEAD, flush=True)
            return _judge(asyncio.run(bench(server, archive, arguments.seconds)))


def _judge(figures: Sequence[Figure]) -> int:
    """Say whether all is within its limits; the exit code."""
    wrong = over(figures)
    print(f"\nover its limit: {wrong}" if wrong else f"\nall {len(figures)} figures are within their limits")
    return 1 if wrong else 0


async def _soak(server: Server, archive: Archive, minutes: float) -> list[Figure]:
    async with clients(server) as crowd:
        replies, samples = await soak(crowd, server, new_questions(count()), minutes)
    run = Run.of(f"{minutes:g} minutes, {USERS} users who think", replies, archive)
    print(f"{HEAD}\n{run.row()}\n\n| minute | MB | open files |\n|---:|---:|---:|")
    for minute, megabytes, files in samples[:: max(1, len(samples) // 10)]:
        print(f"| {minute:.0f} | {megabytes:.0f} | {files} |")
    more, files = growth(samples)
    print(f"\nthe last quarter above the second: {more:+.1f} MB, {files:+.1f} open files")
    return [*run.held(MOST_THINKING), *zip(("MB more", "open files more"), (more, files), MOST_GROWTH, strict=True)]


COMMANDS = (Command("bench-chat", "How the chat bears its users.", _options, _bench_chat),)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.bench_chat", __doc__ or "", COMMANDS))
