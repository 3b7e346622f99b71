"""Shares of one add: together they are the whole, each may be killed and run again, and several may run at once on a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import ROOT, Run
from fakes import BagEncoder

from index import Archive
from index.changes import Shard

Folder = Callable[[dict[str, str]], Path]

WORKER = """
import sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive, update
from index.changes import Shard
update._BATCH = 500
shard = Shard(int(sys.argv[3]), int(sys.argv[4]))
Archive(sys.argv[1], BagEncoder()).add([Path(sys.argv[2])], lambda stage, done, total: print(stage, done, flush=True), shard)
"""
COUNT = 4


@pytest.mark.parametrize("count", [1, 3, 8])
def test_each_article_is_in_one_share(count: int) -> None:
    """And the shares are about as large."""
    paths = [f"/archive/{n}.jsonl#{n}" for n in range(4000)]
    held = [[path for path in paths if Shard(number, count).has(path)] for number in range(1, count + 1)]
    assert sorted(path for one in held for path in one) == sorted(paths)
    assert min(map(len, held)) > 0.8 * len(paths) / count


def test_the_shares_of_an_add_are_the_whole(run: Run, folder: Folder) -> None:
    """What cannot be taken is named by one share, and kept by the others; what vanished goes with its own."""
    lines = [json.dumps({"id": str(n), "text": f"Story {n} is told."}) for n in range(20)]
    home = folder({"wire.jsonl": "\n".join([*lines, "{"]), "a.txt": "The ferry sank.", "empty.txt": "", "void.txt": ""})

    def shares(archive: str) -> list[dict[str, object]]:
        return [json.loads(run("add", "--json", "--archive", archive, "--shard", f"{n}/3", str(home))[1]) for n in (1, 2, 3)]

    run("add", "--archive", "whole", str(home))
    first = shares("shared")
    assert sum(int(str(one["new"])) for one in first) == 21
    assert max(int(str(one["new"])) for one in first) < 21
    whole, shared = (json.loads(run("status", "--json", "--archive", name)[1]) for name in ("whole", "shared"))
    for one in ("articles", "passages", "digest", "not_taken", "places"):
        assert whole[one] == shared[one], one
    assert len(shared["not_taken"]) == 3
    (home / "a.txt").unlink()
    assert [sum(int(str(one[name])) for one in shares("shared")) for name in ("removed", "embedded")] == [1, 0]


def test_what_was_taken_out_is_left_out_by_one_share(run: Run, folder: Folder) -> None:
    """A file, an article of another, and a line of it that cannot be read: the shares' counts are those of the whole."""
    lines = [json.dumps({"id": str(n), "text": f"Story {n}."}) for n in range(9)]
    home = folder({"wire.jsonl": "\n".join([*lines, "{"]), "a.txt": "The ferry."})
    run("add", str(home))
    run("remove", str(home / "a.txt"), str(home / "wire.jsonl#4"), str(home / "wire.jsonl:10"))
    left_out = [json.loads(run("add", "--json", "--shard", f"{n}/3", str(home))[1])["left_out"] for n in (1, 2, 3)]
    assert (sum(left_out), json.loads(run("add", "--json", str(home))[1])["left_out"]) == (3, 3)


@pytest.mark.parametrize("shard", ["0/4", "5/4", "4", "a/b", "1/"])
def test_a_share_that_is_none_is_one_line(run: Run, capsys: pytest.CaptureFixture[str], shard: str) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit):
        run("add", "--shard", shard, ".")
    assert f"'{shard}' is not I/N" in capsys.readouterr().err


@pytest.fixture
def address(milvus: str) -> Iterator[str]:
    """The address of an archive that is not there yet."""
    return f"{milvus}/shards_{uuid4().hex[:12]}"


def worker(address: str, home: Path, number: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", WORKER, address, str(home), str(number), str(COUNT)]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


def together(address: str, home: Path, articles: int) -> None:
    """Four workers at once, one of them killed amid its work and run again."""
    workers = [worker(address, home, number) for number in range(1, COUNT + 1)]
    assert workers[0].stdout
    for line in workers[0].stdout:
        if line.startswith("embedding") and line != "embedding 0\n":
            break
    workers[0].kill()
    workers.append(worker(address, home, 1))
    for one in workers:
        one.communicate()
    assert [one.returncode for one in workers] == [-9, 0, 0, 0, 0]
    archive = Archive(address, BagEncoder())
    census = archive.census()
    assert (census["articles"], census["passages"]) == (articles, articles)
    assert archive.check().problems == []


def stories(home: Path, count: int) -> Path:
    """Articles of one passage each, in ten files."""
    home.mkdir()
    for file in range(10):
        lines = [
            json.dumps({"id": str(n), "text": f"Story {n} of the ferry {n % 97} is told.", "source": f"Outlet {n % 7}"})
            for n in range(file, count, 10)
        ]
        (home / f"{file}.jsonl").write_text("\n".join(lines))
    return home


def test_a_worker_that_is_killed_and_run_again_leaves_the_right_rows(address: str, tmp_path: Path) -> None:
    """Each passage once: 1,000 of them, by four processes."""
    together(address, stories(tmp_path / "articles", 1000), 1000)


@pytest.mark.nightly
def test_the_same_with_twenty_thousand_passages(address: str, tmp_path: Path) -> None:
    """By four processes."""
    together(address, stories(tmp_path / "articles", 20_000), 20_000)
