"""Every call that changes a file of the archive fails once, in eight ways: what is there afterwards is the old or the new commit."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder
from test_kill import found

from index import Archive
from index.errors import ClippingsError

# A way to fail: the errno, or what tests/fault.c does instead, whether every later call fails too, and the calls that can fail so.
SHORT, TORN, KILL = -1, -2, -3
WRITES, NAMES = {"write", "pwrite"}, {"open", "mkdir", "rename"}
ALL = WRITES | NAMES | {"fsync", "truncate", "unlink"}
WAYS: dict[str, tuple[int, bool, set[str]]] = {
    "disk full": (errno.ENOSPC, False, WRITES | NAMES | {"truncate"}),
    "disk full from here on": (errno.ENOSPC, True, WRITES | NAMES | {"truncate"}),
    "I/O error": (errno.EIO, False, ALL),
    "I/O errors from here on": (errno.EIO, True, ALL),
    "too many open files": (errno.EMFILE, False, {"open"}),
    "not allowed": (errno.EACCES, False, NAMES | {"unlink"}),
    "half is written": (SHORT, False, WRITES),
    "half is written, then killed": (TORN, False, WRITES),
    "killed": (KILL, False, ALL),
}

# Runs commands of the command line, each in a child of its own, for what is imported once need not be imported a thousand times.
SERVER = """
import ctypes, json, os, sys, traceback
import faiss, numpy
import cli
from fakes import BagEncoder
from index import Archive, commit, terminal
from index.archive import Archive as _
from index.articles import source

terminal.open_archive = lambda path, model: Archive(path, BagEncoder())
shim = ctypes.CDLL(None)

def obey(job):
    os.dup2(os.open(job["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    trace = os.open(job["trace"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if job["trace"] else -1
    for name, value in job["settings"].items():
        setattr(commit, name, value)
    exec(job["mutant"], {})
    shim.fault_arm(job["root"].encode(), ctypes.c_long(job["at"]), job["how"], job["always"], trace)
    try:
        return cli.main(job["arguments"])
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stderr.flush()

for line in sys.stdin:
    child = os.fork()
    if not child:
        os._exit(obey(json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

MANY = {f"a{number}.txt": f"a{number} sank off Selwyn. The a{number} was raised." for number in range(6)}
LATER = {name: text for name, text in MANY.items() if name > "a1.txt"} | {"a3.txt": "a3 was sold.", "a9.txt": "a9 came. It stayed."}


@dataclass
class Scenario:
    """A command over an archive that earlier commands made; `settings` of index/commit.py make it merge."""

    earlier: Sequence[dict[str, str]]
    now: dict[str, str]
    command: Sequence[str]
    settings: dict[str, int] = field(default_factory=dict)


SCENARIOS = {
    "first add": Scenario([], MANY, ["add", "articles"]),
    "add": Scenario([MANY], LATER, ["add", "articles"]),
    "update": Scenario([MANY], LATER, ["update"]),
    "remove": Scenario([MANY], MANY, ["remove", "articles/a2.txt"]),
    "merge": Scenario([MANY, MANY | {"b1.txt": "b1 came."}], LATER, ["add", "articles"], {"_MOST": 1}),
    "repair": Scenario([MANY], MANY, ["check", "--repair"]),
}


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/fault.c, compiled."""
    if not sys.platform.startswith("linux") or not shutil.which("cc"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no C compiler, or not Linux: no call can be made to fail")
    library = tmp_path_factory.mktemp("shim") / "fault.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, ROOT / "tests" / "fault.c", "-ldl"], check=True)
    return library


class Faults:
    """One scenario, run again and again from the same start."""

    old: dict[str, str]
    new: dict[str, str]
    trace: list[str]
    calls: list[str]

    def __init__(self, home: Path, shim: Path, name: str, mutant: str = "") -> None:
        self.home, self.scenario, self.mutant = home, SCENARIOS[name], mutant
        self.path, self.start = home / "archive", home / "start"
        for files in self.scenario.earlier:
            write(home / "articles", files)
            Archive(self.path, BagEncoder()).add([home / "articles"])
        if name == "repair":
            vectors = next(self.path.glob("seg/*/vectors.faiss"))
            vectors.write_bytes(vectors.read_bytes()[:-6] + b"spoilt")
        if self.path.exists():
            self.path.rename(self.start)
        write(home / "articles", self.scenario.now)
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment = {**os.environ, **threads, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LD_PRELOAD": str(shim)}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER], cwd=home, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def try_out(self, name: str) -> None:
        """Note the calls, and what is there before and after them, where none fails."""
        self.old = {} if name == "first add" else held(self.start, damaged=name == "repair")
        code, _ = self.run(0, 0, False, self.home / "trace")
        assert code == 0, (self.home / "err").read_text()
        self.trace = (self.home / "trace").read_text().splitlines()
        self.calls = [line.split()[0] for line in self.trace]
        self.new = held(self.path)

    def run(self, at: int, how: int, always: bool, trace: Path | None = None) -> tuple[int, str]:
        """Run the command; call number `at` fails. Its exit code, or -signal, and what it said."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.start.exists():
            shutil.copytree(self.start, self.path)
        job = {
            "root": str(self.path), "at": at, "how": how, "always": always, "trace": str(trace or ""), "err": str(self.home / "err"),
            "arguments": self.scenario.command, "settings": self.scenario.settings, "mutant": self.mutant,
        }  # fmt: skip
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps(job) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline()), (self.home / "err").read_text()

    def fail(self, at: int, way: str) -> str:
        """Run with a fault, look, and go on: "old" or "new"."""
        how, always, _ = WAYS[way]
        code, said = self.run(at, how, always)
        place = f"{way} at call {at} ({self.calls[at - 1]}): exit code {code}: {said[-2000:]}"
        killed = how in (TORN, KILL)
        assert code == -signal.SIGKILL if killed else code in (0, 1, 2), place
        if code == 2:
            assert (said.count("\n"), said[:11]) == (1, "clippings: "), place
        damaged = self.scenario.command[0] == "check"
        state = held(self.path, damaged)
        assert state in (self.old, self.new), f"mixed: {place}"
        if code == 0 or (code == 1 and not damaged):
            assert state == self.new, f"acknowledged and not there: {place}"
        if not damaged:
            assert Archive(self.path, BagEncoder()).check().problems == [] if self.path.exists() and self.old else True, place
        self.go_on(place)
        return "new" if state == self.new else "old"

    def go_on(self, place: str) -> None:
        """The same command again, with no fault, does it."""
        archive = Archive(self.path, BagEncoder())
        if self.scenario.command[0] == "check":
            archive.repair()
        elif self.scenario.command[0] == "remove":
            (self.home / "articles" / "a2.txt").rename(self.home / "a2.txt")
            archive.add([self.home / "articles"])
            (self.home / "a2.txt").rename(self.home / "articles" / "a2.txt")
        else:
            archive.add([self.home / "articles"])
        assert held(self.path) == self.new, place
        assert archive.check().problems == [], place

    def close(self) -> None:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()


def write(home: Path, files: dict[str, str]) -> None:
    """Make a folder hold exactly these files."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for name, text in files.items():
        (home / name).write_text(text)


def held(path: Path, damaged: bool = False) -> dict[str, str]:
    """The articles by name; each is found by a search, but where the vectors are spoilt."""
    archive = Archive(path, BagEncoder())
    if not damaged:
        return found(archive)
    return {Path(article.path).name: article.text for article in archive.articles()}


Start = Callable[..., Faults]


@pytest.fixture
def start(memory: Path, shim: Path) -> Iterator[Start]:
    """Start a scenario."""
    started = []

    def start(name: str, mutant: str = "") -> Faults:
        started.append(faults := Faults(memory, shim, name, mutant))
        faults.try_out(name)
        return faults

    yield start
    for one in started:
        one.close()


def cases(calls: Sequence[str]) -> list[tuple[int, str]]:
    """Each call, numbered from 1, in each way that it can fail."""
    return [(at, way) for at, call in enumerate(calls, start=1) for way, (_, _, which) in WAYS.items() if call in which]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_call_that_fails_leaves_the_old_or_the_new_commit(start: Start, name: str) -> None:
    """A sample of the nightly loop."""
    faults = start(name)
    for at, way in cases(faults.calls)[::61]:
        faults.fail(at, way)


@pytest.mark.nightly
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_call_that_fails_leaves_the_old_or_the_new_commit(start: Start, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every call in every way: 0 mixed states."""
    faults = start(name)
    ends = Counter(faults.fail(at, way) for at, way in cases(faults.calls))
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {len(faults.calls)} calls, {sum(ends.values()):,} faults: {dict(ends)}, 0 mixed\n")


# What is wrong -> how, and at the writes to which files, it comes to light; and the code.
MUTANTS = {
    "numpy's own file, which says nothing of its last write": (
        "I/O error",
        ".npy",
        "import numpy; from index import segment; segment._save = numpy.save",
    ),
    "faiss's own file, which says nothing of it either": (
        "I/O error",
        ".faiss",
        "import faiss; from index import dense; dense._write = lambda index, path: faiss.write_index(index, str(path))",
    ),
    "what goes and what comes in two commits": (
        "killed",
        "-wal",
        """
from index.store import Change, Store
real = Store.commit
def commit(store, change, anew=None):
    real(store, Change(change.remove, [], [], store.segments()))
    real(store, Change([], change.add, change.passages, change.segments))
Store.commit = commit
""",
    ),
    "errors of the disk as they come": (
        "disk full",
        ".npy",
        "import contextlib; from index import writer; writer.on_disk = lambda _: contextlib.nullcontext()",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_loop_can_fail(start: Start, mutant: str) -> None:
    """Each of these is caught."""
    way, file, code = MUTANTS[mutant]
    faults = start("add", code)
    hits = [at for at, line in enumerate(faults.trace, start=1) if "write" in line and line.endswith(file)]
    with pytest.raises((AssertionError, ValueError, IndexError, ClippingsError)):
        Counter(faults.fail(at, way) for at in reversed(hits))
