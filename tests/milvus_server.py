"""A Milvus for tests: the server that MILVUS_URI names, or the core of it that `make test` installs, on 127.0.0.1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Where the Makefile puts tests/milvus_core.txt.
LIBRARIES = Path(sys.prefix) / "milvus" / "milvus_lite" / "lib"


class Core:
    """The core over a file, on a port of its own; it can be killed, and started again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [str(LIBRARIES / "milvus"), str(self._home / "core.db"), f"127.0.0.1:{self.port}", "ERROR"]
        with (self._home / "log").open("ab") as log:
            environment = {**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)}
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the core did not start: {(self._home / 'log').read_text()[-500:]}")

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of a server without a collection's name, as long as the block runs."""
    if address := os.environ.get("MILVUS_URI"):
        yield address.rstrip("/")
        return
    core = Core(home)
    try:
        yield f"milvus://127.0.0.1:{core.port}"
    finally:
        core.kill()
