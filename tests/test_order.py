"""The order in which things reach the disk: nothing is named, committed or acknowledged before what it stands on is there.

This is a proof of order, not a power cut: a file that was synced is taken to be on the disk.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT

# Makes an archive two folders deep, changes it so that segments are merged and deleted, takes an article out.
CHILD = """
import os, stat, sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive, blocks, commit, segment
from index.database import Database
from index.store import Store
home, commit._MOST = Path(sys.argv[1]), 1
archive, articles = Archive(home / "new" / "archive", BagEncoder()), home / "articles"
for number in range(3):
    (articles / f"{number}.txt").write_text(f"Story {number} is here.")
    archive.add([articles])
    os.write(1, b"ACK")
archive.remove([articles / "1.txt"])
os.write(1, b"ACK")
"""
CALLS = "write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,openat"
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += \d")


@dataclass
class Disk:
    """What of an archive is not on the disk: files whose bytes, and folders whose names, were not synced; and what broke the order."""

    root: str
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    acknowledged: int = 0

    def see(self, line: str) -> None:
        """Take in a line of strace -y."""
        found = _LINE.match(line)
        if not found:
            return
        call, arguments = found.groups()
        if call == "write" and '"ACK"' in arguments:
            self.acknowledged += 1
            self._expect("acknowledged", self.files | self.folders)
            self.deleted.clear()
            return
        folders, names = re.findall(r"\d+<([^>]*)>", arguments), re.findall(r'"([^"]*)"', arguments)
        if call in ("write", "pwrite64", "writev", "ftruncate", "fsync", "fdatasync"):
            paths = folders[:1]
        else:
            paths = [name if name.startswith("/") else f"{folders[0]}/{name}" for name in names]
        ours = paths and (paths[-1].startswith(self.root) or paths[-1] == str(Path(self.root).parent))
        if ours and not paths[-1].endswith(("-shm", "/lock")):
            self._happens(call, paths, created="O_CREAT" in arguments)

    def _happens(self, call: str, paths: list[str], created: bool) -> None:
        path = paths[-1]
        if call == "ftruncate" and path.endswith("-wal"):  # it was copied into the database, and may come back
            self.files.discard(path)
        elif call in ("write", "pwrite64", "writev", "ftruncate"):
            if path.endswith("-wal"):
                self._expect("committed", {one for one in self.files | self.folders if "/seg" in one})
                self.broken += [f"committed after a segment was deleted: {one}" for one in self.deleted]
            self.files.add(path)
        elif call in ("fsync", "fdatasync"):
            self.files.discard(path)
            self.folders.discard(path)
        elif call in ("mkdir", "openat"):
            if call == "mkdir" or (created and path not in self.known):
                self.folders.add(str(Path(path).parent))
            self.known.add(path)
        elif call.startswith("rename") and "/tmp-gone" not in path:
            self._expect("named", {one for one in self.files | self.folders if one.startswith(paths[0])})
            self.folders.add(str(Path(path).parent))
        elif call.startswith("rename"):  # a segment that is to be deleted
            self._expect("deleted", {one for one in self.files if one.endswith("-wal")})
            self.deleted.add(paths[0])
        else:
            self.known.discard(path)
            self.files.discard(path)

    def _expect(self, deed: str, dirty: set[str]) -> None:
        if dirty:
            self.broken.append(f"{deed} before these were synced: {', '.join(sorted(one.removeprefix(self.root) for one in dirty))}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "articles").mkdir()
    if not shutil.which("strace"):
        pytest.skip("no strace: the order of syncs cannot be watched")
    if subprocess.run(["strace", "-o", os.devnull, "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace may not watch a process here")
    return tmp_path


def watched(home: Path, mutant: str = "") -> Disk:
    """The disk, after the child's calls."""
    before, after = CHILD.split("home, commit", 1)
    arguments = ["strace", "-f", "-y", "-s", "8", "-e", f"trace={CALLS}", "-o", str(home / "trace"), sys.executable, "-c"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    code = f"{before}\n{mutant}\nhome, commit{after}"
    subprocess.run([*arguments, code, str(home)], env=environment, check=True, stdout=subprocess.DEVNULL)
    disk = Disk(f"{home}/new")
    for line in (home / "trace").read_text().splitlines():
        disk.see(line)
    assert disk.acknowledged == 4
    return disk


def test_what_is_named_committed_or_acknowledged_is_on_the_disk(home: Path) -> None:
    """Files before the folder's name, the folder's name before the commit, the commit before an old segment goes, all before the word."""
    assert watched(home).broken == []


MUTANTS = {
    "files are not synced": (
        "named",
        "real = os.fsync\nos.fsync = lambda fd: real(fd) if stat.S_ISDIR(os.fstat(fd).st_mode) else None",
    ),
    "folders are not synced": ("committed", "segment.sync_folder = lambda folder: None"),
    "a new folder's own name is not synced": (
        "acknowledged",
        "import index.writer\nindex.writer.make_folder = lambda folder: folder.mkdir(parents=True, exist_ok=True)",
    ),
    "a segment is named, then synced": (
        "named",
        """
sync, real = blocks._sync, os.fsync
def later(file):
    os.fsync = lambda fd: None
    digests = sync(file)
    os.fsync = real
    return digests
blocks._sync = later
def publish(passing, final):
    passing.rename(final)
    for file in final.iterdir(): sync(file)
    segment.sync_folder(final)
    segment.sync_folder(final.parent)
segment._publish = publish
""",
    ),
    "an old segment is deleted, then the commit comes": (
        "committed after",
        """
real = Store.commit
def commit(store, change, anew=None):
    segment.collect(store.path.parent / "seg", {one.name for one in change.segments})
    real(store, change, anew)
Store.commit = commit
""",
    ),
    "SQLite does not sync": (
        "acknowledged",
        """
real = Database._connect
def connect(self, mode):
    connection = real(self, mode)
    connection.execute("PRAGMA synchronous=OFF")
    return connection
Database._connect = connect
""",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_order_is_seen(home: Path, mutant: str) -> None:
    """Each of these is caught, by the rule that it breaks."""
    deed, code = MUTANTS[mutant]
    assert any(line.startswith(deed) for line in watched(home, code).broken)
