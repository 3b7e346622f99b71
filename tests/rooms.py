"""The pages, served by a process of their own, for tests that open them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT

# The toy encoder in place of the model: it starts at once, and its answers can be worked out by hand.
_TOY = """
import sys
from fakes import BagEncoder
from index import Archive, terminal
terminal.open_archive = lambda path, model: Archive(path, BagEncoder())
import app
sys.exit(terminal.main("app.py", "", app.COMMANDS, sys.argv[1:]))
"""


@contextmanager
def serving(archive: Path, *options: str, port: int = 0, cwd: Path = ROOT, toy: bool = False) -> Iterator[str]:
    """The address of the pages over an archive, served from a folder, at some free port or at this one; the process ends with the block."""
    with started(archive, *options, port=port, cwd=cwd, toy=toy) as (_, address):
        yield address


@contextmanager
def started(
    archive: Path, *options: str, port: int = 0, cwd: Path = ROOT, toy: bool = False
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that does so, and the address; `toy`: with the toy encoder."""
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    program = ["-c", _TOY] if toy else [str(ROOT / "app.py")]
    command = [sys.executable, *program, "--archive", str(archive), "--port", str(port), *options]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    server = subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr
    talk = []
    try:
        for line in server.stderr:
            talk.append(line)
            if "Clippings is at" in line:
                break
        else:
            raise AssertionError(f"the pages did not start: {''.join(talk)}")
        assert "Warning" not in "".join(talk)
        threading.Thread(target=talk.extend, args=(server.stderr,), daemon=True).start()  # a full pipe would stop the server
        yield server, f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stderr.close()
