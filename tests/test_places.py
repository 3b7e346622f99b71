"""Hostile names, links, pipes and devices: named, shown escaped, never followed out of the folder.

Not tried here: a folder mounted inside itself, which a link cannot imitate; and what is closed to the user, where the tests run as root.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from pathlib import Path

import pytest
from conftest import Run
from files import taken

from index.articles import find
from index.terminal import shown

NAMES = [
    "new\nline.txt",
    "escape\x1b]0;owned\x07.txt",
    "c1\x9b31m.txt",
    "right\u202etxt.exe.txt",
    "-rf.txt",
    "..\\up.txt",
    "CON.txt",
    "....txt",
    "a#b.txt",
    "<b>&amp;.txt",
    "x" * 251 + ".txt",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_is_stored_as_it_is_and_shown_escaped(run: Run, tmp_path: Path, name: str) -> None:
    """In lines for people and in JSON, from which a program gets it back exactly."""
    home = tmp_path / "articles"
    home.mkdir()
    (home / name).write_text("The ferry sank.")
    if name.startswith("."):  # hidden
        assert find([home]) == ([], [])
        return
    assert run("add", "articles")[0] == 0
    out = run("search", "ferry")[1]
    assert shown(name) in out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    text = run("search", "--json", "ferry")[1]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert Path(json.loads(text)[0]["path"]).name == name


def test_a_name_that_forges_a_line_of_the_log_does_not(run: Run, tmp_path: Path) -> None:
    """Neither in what is not taken, nor in a usage error, nor by a title."""
    home = tmp_path / "articles"
    home.mkdir()
    (home / "x\nnot taken: all.exe").write_text("")
    (home / "a.jsonl").write_text(
        json.dumps({"text": "The ferry sank.", "title": "Ferry\x1b[2J\x9b2J\nnot taken: y", "outlet": "C\x1b]0;x\x07"})
    )
    _, _, err = run("add", "articles")
    assert err.count("\n") == 1
    assert "x\\nnot taken: all.exe: not a format" in err
    assert "\x1b" not in run("search", "ferry", "--explain")[1]
    assert run("add", "no\x1b[2J")[2].startswith("clippings: no\\x1b[2J: no such file")


def test_a_name_that_reads_as_an_article_of_another_file_is_refused(tmp_path: Path) -> None:
    """Adding the other file would take it for one of its own."""
    (tmp_path / "a.csv#1.txt").write_text("It sank.")
    assert taken(tmp_path / "a.csv#1.txt") == ([], [": its name reads as an article of a.csv: rename it"])


def test_only_regular_files_inside_the_folder_are_opened(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes, sockets, devices, loops and links that leave are named at once, and the batch goes on."""
    home, outside = tmp_path / "articles", tmp_path / "outside.txt"
    home.mkdir()
    outside.write_text("A secret.")
    (home / "good.txt").write_text("The ferry sank.")
    os.mkfifo(home / "pipe.txt")
    monkeypatch.chdir(home)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.txt")
    monkeypatch.chdir(tmp_path)
    (home / "loop.txt").symlink_to("loop.txt")
    (home / "gone.txt").symlink_to("nothing.txt")
    (home / "zero.txt").symlink_to("/dev/zero")
    (home / "leaves.txt").symlink_to(outside)
    (home / "up").symlink_to("..")
    (home / "inside.txt").symlink_to("good.txt")
    os.link(home / "good.txt", home / "hard.txt")
    start = time.monotonic()
    code, out, err = run("add", "articles")
    assert time.monotonic() - start < 5
    assert (code, out.split(",")[0], out.rstrip().rpartition("; ")[2]) == (1, "new 3", "not taken 7")
    assert "secret" not in run("search", "secret")[1]
    said = dict(line.removeprefix(f"not taken: {home}/").split(": ", 1) for line in err.splitlines())
    assert said == {
        "up": "a link to a folder is not followed: name the folder itself",
        "leaves.txt": "a link out of the folder is not followed: name the file itself",
        "zero.txt": "a link out of the folder is not followed: name the file itself",
        "pipe.txt": "not a regular file",
        "socket.txt": "not a regular file",
        "loop.txt": "cannot be read: Too many levels of symbolic links",
        "gone.txt": "cannot be read: No such file or directory",
    }
    assert "new 1" in run("add", "articles/leaves.txt")[1]  # named, it is followed


def test_a_file_swapped_for_a_pipe_after_the_look_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened is looked at again. The control: the first look alone lets it through."""
    (tmp_path / "a.txt").write_text("It sank.")
    os.mkfifo(tmp_path / "pipe")
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: str(tmp_path / "pipe") if str(path).endswith("a.txt") else real(path))
    assert taken(tmp_path / "a.txt") == ([], [": not a regular file"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_is_closed_is_named(run: Run, tmp_path: Path) -> None:
    """A file and a folder without permission."""
    home = tmp_path / "articles"
    (home / "closed").mkdir(parents=True)
    (home / "a.txt").write_text("It sank.")
    (home / "a.txt").chmod(0)
    (home / "closed").chmod(0)
    _, _, err = run("add", "articles")
    (home / "closed").chmod(0o700)
    assert "a.txt: cannot be read: Permission denied" in err
    assert "closed: the folder cannot be listed: Permission denied" in err
