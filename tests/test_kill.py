"""SIGKILL while adding, updating and taking out: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive

# Rewrites, deletes and makes files, and adds the folder; or rewrites some, and updates; or takes some out; again and again. It says
# what it tries and what was acknowledged. Files are named beside their folder, so that one that was taken out comes in again.
CHILD = """
import json, os, random, sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive
home, oracle, rng = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT), random.Random(int(sys.argv[3]))
articles, archive = home / "articles", Archive(home / "archive", BagEncoder())
articles.mkdir(exist_ok=True)
held = {}

def write(file):
    whole = home / "whole"  # a file that the kill cuts short would be the reader's own fault, not the archive's
    whole.write_text(" ".join(f"{file.stem} v{rng.randrange(10**9)} s{number}." for number in range(rng.randint(1, 9))))
    whole.replace(file)

def attempt(deed, *paths):
    global held
    held = {file.name: file.read_text() for file in articles.iterdir()}
    os.write(oracle, (json.dumps([deed.__name__, held]) + "\\n").encode())
    deed(*paths)
    os.write(oracle, b"ack\\n")

if not any(articles.iterdir()):
    write(articles / "a0.txt")
for change in range(10**6):
    files = sorted(articles.iterdir())
    deed = rng.choice([archive.add, archive.update, archive.remove]) if held else archive.add
    if deed == archive.remove:
        gone = rng.sample(files, min(len(files) - 1, rng.randint(1, 2)))
        if not gone:
            continue
        for file in gone: file.unlink()
        attempt(deed, gone)
        continue
    for file in rng.sample(files, min(len(files), 3)):
        if deed == archive.add and rng.random() < 0.3 and len(list(articles.iterdir())) > 1: file.unlink()
        else: write(file)
    if deed == archive.add:
        write(articles / f"a{rng.randrange(40)}.txt")
        attempt(deed, [articles, *articles.iterdir()])
    else:
        attempt(deed)
"""


def allowed(oracle: Path, before: dict[str, str]) -> tuple[list[dict[str, str]], int, str]:
    """The states that may be found after a kill: the last acknowledged one, and one that was tried since; how many were acknowledged;
    and what was tried since, "" for nothing.
    """
    states, acknowledged, tried = [before], 0, ""
    for line in oracle.read_text().splitlines():
        if line == "ack":
            states, acknowledged, tried = [states[-1]], acknowledged + 1, ""
        else:
            tried, state = json.loads(line)
            states = [states[-1], state]
    return states, acknowledged, tried


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


def kill_loop(home: Path, rounds: int, child_code: str = CHILD) -> tuple[int, Counter[str]]:
    """Kill the child `rounds` times; acknowledged deeds, and how many kills hit it inside each kind of deed, or "" between two."""
    state: dict[str, str] = {}
    total, inside = 0, Counter[str]()
    rng = random.Random(1)
    for number in range(rounds):
        oracle = home / "oracle"
        oracle.unlink(missing_ok=True)
        arguments = [sys.executable, "-c", child_code, str(home), str(oracle), str(number)]
        child = subprocess.Popen(arguments, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"})
        wanted = rng.choice([0, 0, 1, 2, 3])  # deeds that it may do first, and it starts with an add
        while child.poll() is None and not (oracle.exists() and oracle.read_bytes().count(b"\nack") >= wanted):
            time.sleep(0.005)
        time.sleep(rng.expovariate(12))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        states, acknowledged, tried = allowed(oracle, state)
        total += acknowledged
        inside[tried] += 1
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
        where = ", ".join(f"{inside[deed]} inside {deed}" for deed in ("add", "update", "remove"))
        sys.stdout.write(f"\n1,000 kills, {where}; {total:,} acknowledged: 0 lost, 0 mixed\n")


def test_the_loop_can_fail(tmp_path: Path) -> None:
    """A writer that acknowledges before it commits is caught."""
    add, ack = "    deed(*paths)\n", '    os.write(oracle, b"ack\\n")\n'
    assert add + ack in CHILD
    with pytest.raises(AssertionError, match="neither the acknowledged state"):
        kill_loop(tmp_path, 200, CHILD.replace(add + ack, ack + add))
