"""A disk that is really full, and one that cannot be written to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive
from index.database import Database
from index.errors import ArchiveError

BEGINNING = """
import contextlib, gc, io, json, os, shutil, sys
from pathlib import Path
import faiss
import cli
from fakes import BagEncoder
from index import Archive, terminal
terminal.open_archive = lambda path, model: Archive(path, BagEncoder())
disk, articles = Path("disk"), Path("articles")

def run(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main([*arguments, "--archive", "disk/archive"])
    gc.collect()  # closes its connection, as a process does that ends
    return code, out.getvalue(), err.getvalue()
"""
# Adds an article to an archive on a disk with so many pages left, looks, makes room, adds again; for each number of pages.
FULL = """
def fill(pages):
    with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True: ballast.write(bytes(4096))
    os.truncate(disk / "ballast", max(0, (disk / "ballast").stat().st_size - 4096 * pages))

def texts():
    archive = Archive(disk / "archive", BagEncoder())
    for article in archive.articles():
        assert archive.article(archive.search(article.text)[0].passage.article_id) == article
    found = sorted(article.text for article in archive.articles())
    del archive
    gc.collect()
    return found

articles.mkdir()
(articles / "0.txt").write_text("Story 0 is here.")
assert run("add", "articles")[0] == 0
ends, there = [], ["Story 0 is here."]
for pages in json.loads(sys.argv[1]):
    new = f"Story {pages + 1} is here, of the ferry and the dam."
    fill(pages)
    (articles / f"{pages + 1}.txt").write_text(new)
    code, _, said = run("add", "articles")
    found = texts()
    assert found == (sorted([*there, new]) if code == 0 else there) or found == sorted([*there, new]), (pages, code, said, found)
    assert code == 0 or (code == 2 and said.count("\\n") == 1 and "what was committed stays" in said), (pages, code, said)
    assert run("search", "Story 0")[0] == 0
    (disk / "ballast").unlink()
    assert (again := run("add", "articles"))[0] == 0, (pages, again)
    there = sorted([*there, new])
    assert texts() == there
    assert run("check")[0] == 0
    ends.append(said or "added")
print(json.dumps(ends))
"""


def on_small_disk(home: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a mount namespace of its own, where home/disk is a tmpfs of 3 MB."""
    (home / "disk").mkdir()
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    mount = ["sh", "-c", 'mount -t tmpfs -o size=3m none disk && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*unshare, *mount, "true"], cwd=home, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [*unshare, *mount, sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=home, env=environment, check=False, capture_output=True, text=True)


def test_a_full_disk_keeps_what_was_committed(tmp_path: Path) -> None:
    """One clear line; everything committed is found on a disk with no byte left; after room is made, the same add does it."""
    done = on_small_disk(tmp_path, BEGINNING + FULL, json.dumps(list(range(0, 60, 4))))
    assert done.returncode == 0, done.stderr[-3000:]
    ends = json.loads(done.stdout)
    assert "added" in ends
    assert sum("No space left on device" in end or "disk" in end for end in ends) > 5, ends


@pytest.mark.nightly
def test_a_disk_with_any_room_left_keeps_what_was_committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From none to 100 pages."""
    done = on_small_disk(tmp_path, BEGINNING + FULL, json.dumps(list(range(100))))
    assert done.returncode == 0, done.stderr[-3000:]
    ends = Counter("added" if end == "added" else "refused" for end in json.loads(done.stdout))
    with capsys.disabled():
        sys.stdout.write(f"\nfull disk, 0 to 99 pages left: {dict(ends)}, all that was committed found, every next add done\n")


MUTANTS = {
    "errors of the disk as they come": "from index import writer\nwriter.on_disk = lambda _: contextlib.nullcontext()\n",
    "a reader that must write": "from index.database import Database\nDatabase._stamp_now = lambda _: None\n",
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_full_disk_can_lose_something(tmp_path: Path, mutant: str) -> None:
    """Each of these is caught."""
    done = on_small_disk(tmp_path, BEGINNING + MUTANTS[mutant] + FULL, json.dumps(list(range(60))))
    assert done.returncode == 1
    assert "Error" in done.stderr


def test_an_archive_that_cannot_be_written_to_is_read(tmp_path: Path) -> None:
    """A folder that is mounted for reading alone: search, status and check answer; add says why not."""
    code = """
import subprocess
articles.mkdir()
(articles / "0.txt").write_text("Story 0 is here.")
assert run("add", "articles")[0] == 0
subprocess.run(["mount", "-o", "remount,ro", "disk"], check=True)
for command in (["search", "story"], ["status"], ["check"]):
    assert run(*command)[0] == 0, run(*command)
code, _, said = run("add", "articles")
assert (code, said.count("\\n")) == (2, 1), said
print(said)
"""
    done = on_small_disk(tmp_path, BEGINNING + code)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Read-only file system" in done.stdout


def test_a_file_that_is_read_as_it_stands_is_opened_anew_when_it_changes(
    archive: Archive, folder: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its owner, who may write, adds to it; what changes under a reader's feet is said."""
    real = Database._connect
    monkeypatch.setattr(Database, "_connect", lambda self, mode: real(self, "ro&vfs=none" if mode == "ro" else mode))
    home = folder({"0.txt": "Story 0 is here."})
    archive.add([home])
    reader = Archive(archive.path, BagEncoder())
    assert len(reader.search("story")) == 1
    folder({"1.txt": "Story 1 is here."})
    archive.add([home])
    assert len(reader.search("story")) == 2
    folder({"2.txt": "Story 2 is here."})
    with pytest.raises(ArchiveError, match="changed while it was read"), reader.snapshot():
        archive.add([home])
