"""SIGKILL while adding: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive

# Rewrites, removes and adds files, and adds the folder, again and again; says what it tries and what was acknowledged.
CHILD = """
import json, os, random, sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive
home, oracle, rng = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT), random.Random(int(sys.argv[3]))
articles, archive = home / "articles", Archive(home / "archive", BagEncoder())
articles.mkdir(exist_ok=True)
for change in range(10**6):
    for _ in range(rng.randint(1, 5)):
        file = articles / f"a{rng.randrange(40)}.txt"
        if rng.random() < 0.2 and len(list(articles.iterdir())) > 1: file.unlink(missing_ok=True)
        else:
            whole = home / "whole"  # a file that the kill cuts short would be the reader's own fault, not the archive's
            whole.write_text(" ".join(f"{file.stem} v{rng.randrange(10**9)} s{number}." for number in range(rng.randint(1, 9))))
            whole.replace(file)
    state = {file.name: file.read_text() for file in articles.iterdir()}
    os.write(oracle, (json.dumps(state) + "\\n").encode())
    archive.add([articles])
    os.write(oracle, b"ack\\n")
"""


def allowed(oracle: Path, before: dict[str, str]) -> tuple[list[dict[str, str]], int]:
    """The states that may be found after a kill: the last acknowledged one, and one that was tried since; and the acknowledgements."""
    states, acknowledged = [before], 0
    for line in oracle.read_text().splitlines():
        acknowledged += line == "ack"
        states = [states[-1]] if line == "ack" else [states[-1], json.loads(line)]
    return states, acknowledged


def found(archive: Archive) -> dict[str, str]:
    """What the archive holds, each article found by search too; nothing where the first add was killed before it made one."""
    if not archive.exists:
        return {}
    state = {Path(article.path).name: article.text for article in archive.articles()}
    for name in state:
        best = archive.search(name.removesuffix(".txt"), 1)[0]
        assert Path(archive.article(best.passage.article_id).path).name == name
    assert archive.census()["passages"] == sum(len(archive.passages(article.id)) for article in archive.articles())
    return state


def kill_loop(home: Path, rounds: int, child_code: str = CHILD) -> tuple[int, int]:
    """Kill the child `rounds` times; acknowledged commits, and kills that hit it between a try and its acknowledgement."""
    state: dict[str, str] = {}
    total = inside = 0
    rng = random.Random(1)
    for number in range(rounds):
        oracle = home / "oracle"
        oracle.unlink(missing_ok=True)
        arguments = [sys.executable, "-c", child_code, str(home), str(oracle), str(number)]
        child = subprocess.Popen(arguments, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"})
        while not oracle.exists() and child.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.expovariate(8))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        states, acknowledged = allowed(oracle, state)
        total, inside = total + acknowledged, inside + (len(states) > 1)
        state = found(Archive(home / "archive", BagEncoder()))
        assert state in states, f"round {number}: neither the acknowledged state nor the one that was tried"
    return total, inside


def test_ten_kills_lose_nothing(tmp_path: Path) -> None:
    """The loop of the nightly test, in seconds."""
    total, _ = kill_loop(tmp_path, 10)
    assert total > 0


@pytest.mark.nightly
def test_a_thousand_kills_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 acknowledged commits lost, 0 mixed states."""
    total, inside = kill_loop(tmp_path, 1000)
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 kills, {inside} inside an add, {total:,} commits acknowledged: 0 lost, 0 mixed\n")


def test_the_loop_can_fail(tmp_path: Path) -> None:
    """A writer that acknowledges before it commits is caught."""
    add, ack = "    archive.add([articles])\n", '    os.write(oracle, b"ack\\n")\n'
    assert add + ack in CHILD
    with pytest.raises(AssertionError, match="neither the acknowledged state"):
        kill_loop(tmp_path, 200, CHILD.replace(add + ack, ack + add))
