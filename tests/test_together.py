"""Several processes at one archive: writers that race, readers beside a writer; and one process that goes on for long."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive, commit

BEGINNING = """
import fcntl, json, os, random, sys, time
from pathlib import Path
from fakes import BagEncoder
from index import Archive, commit, local, store
from index.errors import ClippingsError
home = Path(sys.argv[1])
"""
# Adds the file that it is told, and waits for a word while it holds the lock.
WRITER = """
class Waiting(BagEncoder):
    def encode(self, texts, progress=None):
        print("inside", flush=True)
        sys.stdin.readline()
        return super().encode(texts, progress)

print("ready", flush=True)
for line in sys.stdin:
    try:
        Archive(home / "archive", Waiting()).add([Path(line.strip())])
        print("added", flush=True)
    except ClippingsError as error:
        print(error, flush=True)
"""


class Child:
    """A process that is talked to in lines."""

    def __init__(self, home: Path, code: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        command = [sys.executable, "-c", BEGINNING + code, str(home)]
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.hear() == "ready"

    def tell(self, line: object) -> None:
        """Say a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line that it says."""
        assert self.process.stdout
        return self.process.stdout.readline().rstrip("\n")

    def end(self) -> None:
        """Let it go, or make it."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Those that a test starts; they end with it."""
    started: list[Child] = []
    yield started
    for one in started:
        one.end()


def races(home: Path, children: list[Child], rounds: int, mutant: str = "") -> int:
    """Let two writers begin at once, again and again, and every fifth time kill the one that is inside; how many were killed."""
    wanted, killed = set(), 0
    children += [Child(home, mutant + WRITER), Child(home, mutant + WRITER)]
    for number in range(rounds):
        files = [home / f"{number}-{name}.txt" for name in "ab"]
        for file in files:
            file.write_text(f"Story {file.stem} is here.")
        for child, file in zip(children, files, strict=True):
            child.tell(file)
        said = [child.hear() for child in children]
        inside = said.index("inside")
        winner, loser = children[inside], children[1 - inside]
        assert f"another process ({winner.process.pid}) is adding to it" in said[1 - inside], said
        if number % 5 == 4:
            winner.process.send_signal(signal.SIGKILL)
            winner.process.wait()
            winner.end()
            children[inside] = Child(home, mutant + WRITER)
            killed += 1
        else:
            winner.tell("go on")
            assert winner.hear() == "added"
            wanted.add(files[inside].name)
        loser.tell(files[1 - inside])  # the lock went with whoever held it
        assert loser.hear() == "inside"
        loser.tell("go on")
        assert loser.hear() == "added"
        wanted.add(files[1 - inside].name)
    archive = Archive(home / "archive", BagEncoder())
    assert {Path(article.path).name for article in archive.articles()} == wanted
    assert archive.check().problems == []
    return killed


def test_of_two_writers_one_wins_and_the_other_is_told_who(memory: Path, children: list[Child]) -> None:
    """A few of the nightly races."""
    assert races(memory, children, 10) == 2


@pytest.mark.nightly
def test_a_hundred_races_have_one_winner_each(memory: Path, children: list[Child], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost, and a lock never outlives its process."""
    killed = races(memory, children, 100)
    with capsys.disabled():
        sys.stdout.write(f"\n100 races of two writers: 100 with one winner, {killed} winners killed, 0 locks stuck, 0 articles lost\n")


def test_a_race_can_have_two_winners(memory: Path, children: list[Child]) -> None:
    """The negative control: without the lock."""
    with pytest.raises(AssertionError, match="inside"):
        races(memory, children, 5, "fcntl.flock = lambda *_: None\n")


PAIRS = 12
# Reads until it is told to stop: every answer has to be of one version.
READER = """
import select
reads, torn, errors, versions, seconds = 0, [], [], set(), []
archive = Archive(home / "archive", BagEncoder())
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.perf_counter()
    try:
        if reads % 10 == 0: archive = Archive(home / "archive", BagEncoder())
        with archive.snapshot():
            found = [archive.text(hit.passage) for hit in archive.search("story version", 100)]
            found = sorted(text for text in found if text.startswith("Story"))
            listed = sorted(article.text for article in archive.articles() if article.text.startswith("Story"))
        if found != listed or len({text.split()[-1] for text in found}) != 1 or len(found) != PAIRS:
            torn.append([found, listed])
        versions |= {text.split()[-1] for text in found}
        archive.search("story version", 3)
    except Exception as error:
        errors.append(repr(error))
    seconds.append(time.perf_counter() - began)
    reads += 1
p95 = sorted(seconds)[int(len(seconds) * 0.95)] if seconds else 0
print(json.dumps({"reads": reads, "torn": torn[:3], "errors": errors[:3], "versions": len(versions), "p95": p95}))
""".replace("PAIRS", str(PAIRS))


def read_beside(home: Path, children: list[Child], seconds: float, mutant: str = "") -> tuple[int, list[dict[str, object]]]:
    """Commit, merge and delete for some seconds beside four readers; the commits, and what each reader saw."""
    articles, rng, version = home / "articles", random.Random(3), 0
    archive = Archive(home / "archive", BagEncoder())

    def commit() -> None:
        for number in range(PAIRS):
            (articles / f"s{number}.txt").write_text(f"Story {number} has version v{version}.")
        (articles / f"filler{rng.randrange(20)}.txt").write_text(f"Filler {version}.")
        archive.add([articles])

    articles.mkdir()
    commit()
    children += [Child(home, mutant + READER) for _ in range(4)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        version += 1
        commit()
    for child in children:
        child.tell("stop")
    return version, [json.loads(child.hear()) for child in children]


@pytest.fixture
def merging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few segments are many."""
    monkeypatch.setattr(commit, "_MOST", 2)


@pytest.mark.usefixtures("merging")
def test_every_answer_beside_a_writer_is_of_one_commit(memory: Path, children: list[Child]) -> None:
    """A few seconds of the nightly minute."""
    commits, seen = read_beside(memory, children, 3)
    assert commits > 5
    assert all(one["reads"] and not one["torn"] and not one["errors"] for one in seen), seen


@pytest.mark.nightly
@pytest.mark.usefixtures("merging")
def test_a_minute_of_answers_beside_a_writer(memory: Path, children: list[Child], capsys: pytest.CaptureFixture[str]) -> None:
    """0 torn, 0 errors."""
    commits, seen = read_beside(memory, children, 60)
    assert all(not one["torn"] and not one["errors"] for one in seen), seen
    reads, versions = sum(int(str(one["reads"])) for one in seen), [one["versions"] for one in seen]
    slowest = max(float(str(one["p95"])) for one in seen) * 1000
    with capsys.disabled():
        sys.stdout.write(f"\n4 readers, {commits} commits in 60 s: {reads:,} reads, {versions} versions, p95 {slowest:.0f} ms: 0 torn\n")


MUTANTS = {
    "no snapshot": "import contextlib\nstore.Store.snapshot = lambda _: contextlib.nullcontext()\n",
    "no second look when a file is gone": "local._TRIES = 1\n",
}


@pytest.mark.usefixtures("merging")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_answer_can_be_torn(memory: Path, children: list[Child], mutant: str) -> None:
    """The negative controls: readers that do without are seen."""
    _, seen = read_beside(memory, children, 2, MUTANTS[mutant])
    assert any(one["torn"] or one["errors"] for one in seen), seen


# Adds, changes, takes out, searches; says every so often how much memory and how many files it has. Its words are few: up to 200,000
# are remembered with their stems.
SOAK = """
articles, rng = home / "articles", random.Random(5)
articles.mkdir()
archive = Archive(home / "archive", BagEncoder())
(articles / "0.txt").write_text("Story 0 is here.")
archive.add([articles])
print("ready", flush=True)
for number in range(int(sys.stdin.readline())):
    file = articles / f"{rng.randrange(60)}.txt"
    file.write_text(f"Story {rng.randrange(500)} of {file.stem} is here. " * rng.randint(1, 5))
    archive.add([articles, file]) if rng.random() < 0.5 else archive.update()
    if rng.random() < 0.3 and len(list(archive.articles())) > 5:
        other = rng.choice(list(archive.articles()))
        archive.remove([Path(other.path)])
        Path(other.path).unlink()
    for query in ("story", "here of 7", f"story {number % 500}"):
        archive.search(query)
    if number % 10 == 9:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        print(json.dumps([pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))]), flush=True)
print("done", flush=True)
"""


def soak(home: Path, children: list[Child], rounds: int, mutant: str = "") -> tuple[float, float]:
    """How many MiB and open files the second half of some rounds has more than the quarter before it, in the median."""
    children.append(Child(home, mutant + SOAK))
    children[-1].tell(rounds)
    seen = [json.loads(line) for line in iter(children[-1].hear, "done")]
    half = len(seen) // 2
    memory, files = (median(one[kind] for one in seen[half:]) - median(one[kind] for one in seen[half // 2 : half]) for kind in (0, 1))
    return memory, files


@pytest.mark.nightly
def test_a_long_run_needs_no_more_than_a_short_one(memory: Path, children: list[Child], capsys: pytest.CaptureFixture[str]) -> None:
    """3,000 rounds of add, update, remove and search: memory and open files stay as they are."""
    memory, files = soak(memory, children, 3000)
    with capsys.disabled():
        sys.stdout.write(f"\n3,000 rounds: {memory:+.1f} MiB and {files:+.0f} open files in the second half\n")
    assert memory < 3
    assert files < 30  # a merge more or less


@pytest.mark.nightly
@pytest.mark.parametrize(
    "mutant",
    [
        "kept = []\nstore.Store.close = lambda self: kept.append(self)\n",
        "kept, real = [], Archive.search\nArchive.search = lambda *args: kept.append(bytes(20_000)) or real(*args)\n",
    ],
    ids=["connections stay open", "searches are kept"],
)
def test_a_long_run_can_need_more(memory: Path, children: list[Child], mutant: str) -> None:
    """The negative controls."""
    memory, files = soak(memory, children, 200, mutant)
    assert memory >= 3 or files >= 30
