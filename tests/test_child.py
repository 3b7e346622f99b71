"""Parsers at arm's length: a file that takes too much is refused in one line, and the next one is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import files
import pytest
from conftest import ROOT

from index.articles import worker
from index.articles.child import Child, Limits
from index.articles.source import RefusedError

PAGE = b"<html><body><article><p>The ferry sank off Selwyn on Tuesday night.</p></article></body></html>"
# Half a minute of lxml and trafilatura; a tenth of it is read.
SLOW = b"<!doctype html><html><body><p " + b" ".join(b"a%d=b" % number for number in range(200_000)) + b">"
LARGE = files.docx(files.paragraph("a" * 60) * 300_000)


@contextmanager
def reading(**limits: Any) -> Iterator[Child]:
    child = Child(Limits(**limits))
    try:
        yield child
    finally:
        child.close()


@pytest.mark.parametrize(
    ("limits", "kind", "data", "reason"),
    [
        ({"cpu": 1}, "html", SLOW, "took more than 1 s of the processor to read"),
        ({"wall": 0.5}, "html", SLOW, "took more than 0.5 s to read"),
        ({"memory": 120 << 20}, "docx", LARGE, "took more than 120 MB of memory to read"),
        ({"answer": 64}, "html", PAGE, "gives more than 64 bytes of text"),
    ],
    ids=["processor", "clock", "memory", "answer"],
)
def test_a_file_over_a_limit_is_refused_and_the_next_is_read(limits: dict[str, Any], kind: str, data: bytes, reason: str) -> None:
    """The reason is the limit; the process is another one, or the same."""
    with reading(**limits) as child:
        with pytest.raises(RefusedError) as error:
            child.read(kind, data)
        assert str(error.value) == reason
        assert child.read("markdown", b"It sank.") == {"title": "", "text": "It sank."}


def test_the_limits_are_what_refuses() -> None:
    """The control: the same small page within the limits is read, and so is the large Word file."""
    with reading() as child:
        assert child.read("html", PAGE)["text"] == "The ferry sank off Selwyn on Tuesday night."
        assert len(child.read("docx", files.docx(files.paragraph("a" * 60) * 1000))["text"]) == 62 * 1000 - 2


def test_a_child_that_was_killed_is_replaced() -> None:
    """Between two files nothing shows; during one, that one is refused."""
    with reading() as child:
        child.read("markdown", b"One.")
        assert child._process
        os.kill(child._process.pid, signal.SIGKILL)
        child._process.wait()
        assert child.read("markdown", b"Two.")["text"] == "Two."
        os.kill(child._process.pid, signal.SIGSTOP)
        os.kill(child._process.pid, signal.SIGKILL)
        with pytest.raises(RefusedError, match=r"its reader broke down \(SIGKILL\)"):
            child._ask(child._process, "markdown", b"Three.")
        child.close()
        assert child.read("markdown", b"Four.")["text"] == "Four."


def test_a_fresh_child_follows_after_some_files() -> None:
    """Before what a library leaks can reach the limit."""
    with reading(files=2) as child:
        pids = []
        for _ in range(4):
            process = child._running()
            child._left += 1
            pids.append(process.pid)
            child.read("markdown", b"One.")
        assert len(set(pids)) == 2


def test_what_a_library_raises_is_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; memory alone is told apart, because the process is spent."""
    monkeypatch.setitem(worker.READERS, "html", ("markdown", "no_such_reader"))
    assert worker._answer("html", b"")["refused"].startswith("cannot be parsed (AttributeError: ")


def test_a_fault_of_our_own_is_no_fault_of_the_file() -> None:
    """A child that ends by itself is an error with a traceback, not a rejected article."""
    with reading() as child, pytest.raises(RuntimeError, match="exit code 1"):
        child.read("no such kind", b"")


def test_the_child_imports_nothing_heavy_and_starts_only_when_needed() -> None:
    """It would cost half a second and hundreds of megabytes."""
    code = (
        "import sys; from index.articles import worker, child, sources, read; from pathlib import Path\n"
        "[read(one) for one in sources(Path('eval/questions.jsonl').with_name('articles') / 'no.txt') if hasattr(one, 'data')]\n"
        "before = child._CHILD._process, 'pypdf' in sys.modules, 'trafilatura' in sys.modules, 'lxml' in sys.modules\n"
        "from importlib import import_module; [import_module(f'index.articles.{module}') for module, _ in worker.READERS.values()]\n"
        "print(before, sorted({'torch', 'faiss', 'gradio', 'numpy', 'transformers', 'sklearn'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(None, False, False, False) []"


def test_a_killed_program_leaves_no_child() -> None:
    """Whatever ends the program ends the child, which reads until its input closes."""
    code = (
        "import os, signal, sys; from index.articles import child\n"
        "child.read('markdown', b'One.'); print(child._CHILD._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(200):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the child is still there")
