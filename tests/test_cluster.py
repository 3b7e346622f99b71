"""Shares of an add as tasks of a Ray cluster: a real one, of one machine, beside the core of Milvus, where nothing else can be reached."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from fakes import BagEncoder
from namespace import alone

from index import Archive
from index.changes import Added, Notice
from index.errors import ArticleError

# Both servers, and then each command by itself as users give it; a line of JSON for each: exit code, stdout, stderr.
_INSIDE = """
import json, os, subprocess, tempfile
from pathlib import Path
import milvus_server
os.environ.pop("MILVUS_URI", None)
os.environ["RAY_TASK_MAX_RETRIES"] = "1"  # of the three that Ray makes, each later than the one before
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["RAY_ADDRESS"] = f"127.0.0.1:{port}"  # what "auto" finds, and not the cluster of another
short = tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True)  # Ray's sockets are in it, and their names may have 107 bytes
command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats", "--include-dashboard=false",
    f"--port={port}", "--num-cpus=2", "--object-store-memory=80000000", f"--temp-dir={short.name}"]
home, program = Path(sys.argv[1]), sys.argv[2]
with short, milvus_server.serving(home) as milvus, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as head:
    try:
        for line in head.stdout:
            if "Ray runtime started" in line:
                break
        for arguments in json.loads(sys.argv[3]):
            arguments = [one.replace("MILVUS", milvus).replace("RAY", f"127.0.0.1:{port}") for one in arguments]
            done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=home, capture_output=True, text=True)
            print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
    finally:
        head.terminate()
        head.stdout.read()
"""
# `clippings` with a toy encoder, which kills the process that it runs in: once, where a file named fatal is there, or whenever it may not.
_PROGRAM = """
import os, signal, sys
from pathlib import Path
import cli
from fakes import BagEncoder
from index import Archive, terminal

class Fatal(BagEncoder):
    def encode(self, texts, progress=None):
        if self.name == "bare":
            import no_such_package
        if self.name == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            os.rename(HOME / "fatal", HOME / "killed")
        except FileNotFoundError:
            return super().encode(texts, progress)
        os.kill(os.getpid(), signal.SIGKILL)

HOME = Path.cwd()
terminal.open_archive = lambda path, model: Archive(path, Fatal(model or "bag"))
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def told(milvus_core: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each command told: name -> exit code, stdout, stderr; and "whole", the same articles in a folder."""
    if importlib.util.find_spec("ray") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Ray is not installed, and CI does without nothing")
        pytest.skip("Ray is not installed: pip install 'clippings[ray]'")
    home = tmp_path_factory.mktemp("cluster")
    articles = home / "articles"
    articles.mkdir()
    lines = [json.dumps({"id": str(n), "text": f"Story {n} of the ferry is told."}) for n in range(40)]
    (articles / "wire.jsonl").write_text("\n".join([*lines, "{"]))
    (articles / "page.html").write_text(f"<html><body><article><p>{'The dam cracked on Sunday. ' * 20}</p></article></body></html>")
    (articles / "empty.txt").write_text("")
    (home / "fatal").touch()
    at = ["--archive", "MILVUS/news", "--json"]
    commands = {
        "add": ["add", *at, "--ray", "RAY", "--shards", "3", "articles"],
        "status": ["status", *at],
        "check": ["check", *at],
        "again": ["add", *at, "--ray", "auto", "--shards", "5", "articles"],
        "lost": ["add", *at, "--ray", "RAY", "nowhere"],
        "bare": ["add", "--archive", "MILVUS/bare", "--model", "bare", "--ray", "RAY", "--shards", "1", "articles"],
        "deadly": ["add", "--archive", "MILVUS/deadly", "--model", "deadly", "--ray", "RAY", "--shards", "1", "articles"],
    }
    done = alone(_INSIDE, str(home), _PROGRAM, json.dumps(list(commands.values())))
    assert done.returncode == 0, done.stderr
    whole = Archive(home / "whole", BagEncoder())
    return dict(zip(commands, map(json.loads, done.stdout.splitlines()), strict=True)) | {
        "added": whole.add([articles]), "whole": whole.status(), "killed": (home / "killed").exists()
    }  # fmt: skip


def test_the_tasks_of_a_cluster_add_the_whole(told: dict[str, Any]) -> None:
    """The same articles, passages and digest as one add into a folder, and the same report; what cannot be taken is named once."""
    code, out, err = told["add"]
    said, added = json.loads(out), told["added"]
    assert (code, said["new"], said["embedded"], len(said["rejected"]) + said["waiting"]) == (1, 41, added.embedded, 2), err
    status = json.loads(told["status"][1])
    for one in ("articles", "passages", "digest", "not_taken", "places"):
        assert status[one] == told["whole"][one], one
    assert json.loads(told["check"][1])["whole"] is True


def test_a_share_whose_process_died_is_run_again(told: dict[str, Any]) -> None:
    """The first process that embedded was killed before it kept anything; nothing is missing."""
    assert told["killed"]
    assert json.loads(told["status"][1])["articles"] == 41


def test_what_is_there_is_not_taken_again(told: dict[str, Any]) -> None:
    """By another number of shares, too; what cannot be taken is counted, once."""
    code, out, err = told["again"]
    said = json.loads(out)
    assert (code, said["new"], said["unchanged"], said["embedded"], said["waiting"], said["rejected"]) == (1, 0, 41, 0, 2, []), err


def test_shares_that_fail_are_named(told: dict[str, Any]) -> None:
    """In one line, with the machine and the reason. Where no number is given, there are as many shares as CPUs."""
    code, out, err = told["lost"]
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("clippings: ")]
    assert line.startswith(f"clippings: share 1/2, 2/2: {socket.gethostname()}: ")
    assert "nowhere: no such file or folder" in line


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bare", "a machine of the cluster lacks a package: pip install 'clippings[ray]'"),
        ("deadly", "Ray tried again, and gave up: The wor"),
    ],
)
def test_so_are_those_that_cannot_run(told: dict[str, Any], name: str, reason: str) -> None:
    """Where something is not installed, and where the process dies again and again."""
    code, out, err = told[name]
    assert (code, out) == (2, "")
    assert f"clippings: share 1/1: {reason}" in err
    assert "Traceback" not in err


def test_a_cluster_that_does_not_answer_is_one_line(run: Run) -> None:
    """At once: Ray itself waits for minutes."""
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{free.getsockname()[1]}"
        code, out, err = run("add", "--archive", "milvus://127.0.0.1:1/news", "--ray", address, ".")
    assert (code, out) == (2, "")
    assert err.startswith(f"clippings: --ray {address}: no cluster that can be used (")


def test_without_ray_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = run("add", "--archive", "milvus://127.0.0.1:1/news", "--ray", "auto", ".")
    assert (code, err) == (2, "clippings: --ray: it needs Ray: pip install 'clippings[ray]'\n")


def test_a_folder_is_not_shared_by_machines(run: Run) -> None:
    """Before a cluster is looked for."""
    code, _, err = run("add", "--archive", "news", "--ray", "127.0.0.1:1", ".")
    assert code == 2
    assert "(news): give --archive milvus://HOST:PORT/NAME" in err


@pytest.mark.parametrize("address", ["head", "local", "head:", "ray://head:80", "head:6379/x"])
def test_an_address_that_is_none_is_one_line(run: Run, capsys: pytest.CaptureFixture[str], address: str) -> None:
    """Ray would start a cluster of its own for some."""
    with pytest.raises(SystemExit):
        run("add", "--ray", address, ".")
    assert f"{address!r} is not HOST:PORT of a Ray cluster" in capsys.readouterr().err


def test_shares_are_all_or_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """--shards is for all of them, --shard for one."""
    assert "--shards goes with --ray" in run("add", "--shards", "4", ".")[2]
    with pytest.raises(SystemExit):
        run("add", "--ray", "auto", "--shard", "1/4", ".")
    assert "not allowed with" in capsys.readouterr().err


def test_what_shares_did_is_one_report(tmp_path: Path) -> None:
    """Sums, all that was rejected as it comes from another process, and a notice about a file once."""
    notice, error = Notice("wire.csv", "read as cp1252"), ArticleError("a.txt", "is empty", "00")
    shares = [Added(new=2, embedded=3, rejected=[error], notices=[notice]), Added(new=1, left_out=1, notices=[notice])]
    whole = Added.together(pickle.loads(pickle.dumps(shares)))
    assert (whole.new, whole.embedded, whole.left_out, whole.notices) == (3, 3, 1, [notice])
    assert [(one.path, one.reason, one.sha256, str(one)) for one in whole.rejected] == [("a.txt", "is empty", "00", "a.txt: is empty")]
