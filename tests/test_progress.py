"""How far an add is, on a terminal and in a log; and Ctrl-C in the midst of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive, progress
from index.changes import KEEPING
from index.progress import progress_bar

Folder = Callable[[dict[str, str]], Path]

# Adds with two passages to a commit; before a third one it says so on stdout, and waits to be told to go on.
CHILD = """
import sys, cli
from fakes import BagEncoder
from index import Archive, terminal, update
class Waiting(BagEncoder):
    calls = 0
    def encode(self, texts, progress=None):
        self.calls += 1
        if self.calls == 3:
            print("third", flush=True)
            sys.stdin.readline()
        return super().encode(texts, progress)
update._BATCH = 2
terminal.open_archive = lambda path, model: Archive(path, Waiting())
sys.exit(cli.main(sys.argv[1:]))
"""


def begun(archive: Archive, home: Path, stderr: int) -> subprocess.Popen[str]:
    """An add in a process of its own, with two commits of two articles behind it."""
    command = [sys.executable, "-c", CHILD, "add", "--archive", str(archive.path), str(home)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, process_group=0,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # what runs in the background is told to ignore it
    )  # fmt: skip
    assert child.stdout
    assert child.stdout.readline() == "third\n"
    return child


@pytest.fixture
def home(folder: Folder) -> Path:
    return folder({f"{number}.txt": f"Story {number} is here." for number in range(6)})


def test_an_interrupted_add_keeps_what_it_committed_and_says_so(archive: Archive, home: Path) -> None:
    """A real SIGINT: one line, exit code 130, and the next add goes on from there."""
    child = begun(archive, home, subprocess.PIPE)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, "")
    assert err == "clippings: interrupted; 4 articles were taken and are kept, and the next run goes on from there\n"
    again = Archive(archive.path, BagEncoder()).update()
    assert (again.new, again.unchanged, again.embedded) == (2, 4, 2)


def test_a_terminal_gets_a_bar_that_is_written_over_in_place(archive: Archive, home: Path) -> None:
    """One line, as wide as the terminal; gone at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    child = begun(archive, home, theirs)
    os.close(theirs)
    out, _ = child.communicate("go on\n", timeout=30)
    drawn = bytearray()
    try:
        while more := os.read(ours, 65536):
            drawn += more
    except OSError:  # how a terminal ends
        pass
    os.close(ours)
    assert (child.returncode, out) == (0, "new 6, changed 0, unchanged 0, removed 0; embedded 6 passages\n")
    assert b"\n" not in drawn
    frames = drawn.decode().split("\r")
    assert max(map(len, frames)) <= 100
    assert frames[-2:] == [" " * len(frames[-2]), ""]
    bar = r"embedding   0%\|.*\| 0/6 passages, .*passages/s, .* left, 0 of 6 articles kept"
    assert [frame for frame in frames if re.fullmatch(bar, frame.strip())]


def test_a_log_gets_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done of all, the pace, the time left and the articles kept; nothing that only a terminal understands."""
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(clock)))
    with progress_bar() as report:
        report(KEEPING, 0, 50)
        report("embedding", 0, 5000)
        report("embedding", 1000, 5000)
        report(KEEPING, 10, 50)
        report("embedding", 2000, 5000)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"embedding 1,000 of 5,000 passages, +[\d.]+ passages/s, \d\d:\d\d left, 0 of 50 articles kept", first)
    assert re.fullmatch(r"embedding 2,000 of 5,000 passages, +[\d.]+ passages/s, \d\d:\d\d left, 10 of 50 articles kept", second)


def test_a_log_gets_a_line_each_half_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And none about a short add."""
    assert progress._PAUSE == 30
    seconds = 0.0
    monkeypatch.setattr("tqdm.std.time", lambda: seconds)
    with progress_bar() as report:
        for done in range(101):
            report("embedding", done, 100)
            seconds += 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" passages,")[0] for line in lines] == [f"embedding {done} of 100" for done in (30, 60, 90)]
    assert lines[0].endswith("1.00 passages/s, 01:10 left")


@pytest.mark.parametrize("stage", ["reading", "writing"])
def test_an_interrupt_at_any_stage_tells_what_is_kept(archive: Archive, home: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Before anything is committed, and between a commit and the next step."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("index.update.compare" if stage == "reading" else "index.segment.collect", interrupt)
    with pytest.raises(KeyboardInterrupt, match=f"{0 if stage == 'reading' else 6} articles were taken and are kept"):
        archive.add([home])


def test_an_add_reports_what_it_has_done(archive: Archive, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stage by stage; articles count as kept from their commit on."""
    monkeypatch.setattr("index.update._BATCH", 2)
    told: list[tuple[str, int, int]] = []
    archive.add([home], lambda *stage: told.append(stage))
    assert [done for stage, done, total in told if (stage, total) == (KEEPING, 6)] == [0, 2, 4]
    assert [done for stage, done, total in told if (stage, total) == ("embedding", 6)] == [0, 2, 2, 4, 4, 6]
