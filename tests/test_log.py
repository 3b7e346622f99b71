"""A write-ahead log that a killed writer left, and that is then damaged: what is found is a whole commit, or damage that is named."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder
from test_kill import found

from index import Archive
from index.errors import ClippingsError

# Adds in one commit an article, and ends before the log is copied into the database.
CHILD = """
import os, sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive, commit, update
from index.database import Database
from index.store import Change, Store
update._BATCH, commit._MOST = 1, int(sys.argv[2])
Database.close = lambda self: os._exit(0) if self._write else None
Archive(Path(sys.argv[1]) / "archive", BagEncoder()).add([Path(sys.argv[1]) / "articles"])
"""
COUNT = 8


def left(home: Path, most: int, mutant: str = "") -> Path:
    """An archive of one article whose log has a commit for each of seven more; `most` segments are merged."""
    articles = home / "articles"
    articles.mkdir(parents=True)
    (articles / "a0.txt").write_text("a0 is here.")
    Archive(home / "archive", BagEncoder()).add([articles])
    for number in range(1, COUNT):
        (articles / f"a{number}.txt").write_text(f"a{number} is here.")
    code = CHILD.replace("Database.close", f"{mutant}\nDatabase.close", 1)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    subprocess.run([sys.executable, "-c", code, str(home), str(most)], env=environment, check=True)
    assert (home / "archive" / "store.db-wal").stat().st_size > 10_000
    return home / "archive"


def cut(log: Path, rng: random.Random) -> None:
    os.truncate(log, rng.randrange(log.stat().st_size))


def flip(log: Path, rng: random.Random) -> None:
    held = bytearray(log.read_bytes())
    held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
    log.write_bytes(held)


def zero(log: Path, rng: random.Random) -> None:
    held, place = log.read_bytes(), rng.randrange(log.stat().st_size)
    log.write_bytes(held[:place] + bytes(len(held[place : place + 4096])) + held[place + 4096 :])


def swap(log: Path, rng: random.Random) -> None:
    """Two frames, a page and 24 bytes each, change their places."""
    held, width = log.read_bytes(), 4096 + 24
    one, two = sorted(rng.sample(range((len(held) - 32) // width), 2))
    first, second = (slice(32 + width * number, 32 + width * (number + 1)) for number in (one, two))
    log.write_bytes(held[: first.start] + held[second] + held[first.stop : second.start] + held[first] + held[second.stop :])


DAMAGE: dict[str, Callable[[Path, random.Random], object]] = {
    "cut short": cut,
    "a bit flipped": flip,
    "a page of zeros": zero,
    "frames swapped": swap,
    "gone": lambda log, rng: log.unlink(),
    "garbage": lambda log, rng: log.write_bytes(rng.randbytes(log.stat().st_size)),
    "its index gone": lambda log, rng: (cut(log, rng), log.with_name("store.db-shm").unlink()),
}
# What may be found: the articles of each commit, for they come in the order of their names.
STATES = [{f"a{number}.txt": f"a{number} is here." for number in range(count)} for count in range(1, COUNT + 1)]


def damaged(path: Path, damage: str, rng: random.Random) -> str:
    """Damage a copy, look, and go on; what was found."""
    copy = path.with_name("copy") / "archive"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(path, copy)
    DAMAGE[damage](copy / "store.db-wal", rng)
    archive = Archive(copy, BagEncoder())
    try:
        state = found(archive)
        end = "all commits" if state == STATES[-1] else "earlier commits"
        assert archive.check().problems == []
    except ClippingsError:
        mended = Archive(copy, BagEncoder()).repair()
        assert not any(line.startswith("lost") for line in mended.done)
        state, end = found(Archive(copy, BagEncoder())), "damage that is named, and mended"
    assert state in STATES, f"{damage}: {sorted(state)}"
    again = Archive(copy, BagEncoder())
    again.add([path.parent / "articles"])
    assert found(again) == STATES[-1]
    assert again.check().problems == []
    return end


@pytest.mark.parametrize("most", [2, 100], ids=["merged", "not merged"])
def test_a_damaged_log_gives_a_whole_commit_or_damage_that_is_named(memory: Path, most: int) -> None:
    """Each kind of damage a few times, where earlier segments are still there and where they are not."""
    path, rng = left(memory, most), random.Random(1)
    ends = Counter(damaged(path, damage, rng) for damage in DAMAGE for _ in range(2))
    assert ends["damage that is named, and mended" if most == 2 else "earlier commits"]
    assert most == 2 or not ends["damage that is named, and mended"]


@pytest.mark.nightly
@pytest.mark.parametrize("most", [2, 100], ids=["merged", "not merged"])
def test_a_log_damaged_in_a_thousand_ways(memory: Path, most: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Never two commits mixed."""
    path, rng = left(memory, most), random.Random(2)
    ends = Counter(damaged(path, damage, rng) for damage in DAMAGE for _ in range(72))
    with capsys.disabled():
        sys.stdout.write(f"\n{sum(ends.values())} damaged logs: {dict(ends)}, 0 mixed\n")


def test_a_damaged_log_can_give_a_mixture(memory: Path) -> None:
    """The negative control: articles in one commit, their passages and segments in another."""
    mutant = """
real = Store.commit
def commit(store, change, anew=None):
    real(store, Change(change.remove, change.add, [], store.segments()))
    real(store, Change([], [], change.passages, change.segments))
Store.commit = commit
"""
    path, rng = left(memory, 100, mutant), random.Random(1)
    with pytest.raises((AssertionError, IndexError)):
        Counter(damaged(path, "cut short", rng) for _ in range(20))
