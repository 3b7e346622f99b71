"""The pages, served by a process of their own, for tests that open them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT


@contextmanager
def serving(archive: Path, *options: str, port: int = 0, cwd: Path = ROOT) -> Iterator[str]:
    """The address of the pages over an archive, served from a folder, at some free port or at this one; the process ends with the block."""
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--archive", str(archive), "--port", str(port), *options]
    server = subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True)
    assert server.stderr
    talk = []
    try:
        for line in server.stderr:
            talk.append(line)
            if "Clippings is at" in line:
                break
        else:
            raise AssertionError(f"the pages did not start: {''.join(talk)}")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stderr.close()
