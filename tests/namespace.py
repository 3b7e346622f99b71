"""A program in a network namespace of its own, which has nothing but the loopback: nothing can be sent out, and nobody else can listen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

# Run first, inside: the loopback is up, and nothing else is there to be reached.
_ALONE = """
import fcntl, socket, struct, sys
with socket.socket() as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 1))
try:
    socket.create_connection(("192.0.2.1", 80), 1)
    sys.exit("there is a network")
except OSError as error:
    assert error.errno == 101, error
"""


def alone(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code there, as long as 300 s; the test is skipped where the kernel makes no namespace."""
    if shutil.which("unshare") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("unshare is not installed, and CI does without nothing")
        pytest.skip("unshare is not installed")
    possible = _run("true")
    if possible.returncode:
        pytest.skip(f"the kernel makes no network namespace here: {possible.stderr.strip()}")
    return _run(sys.executable, "-c", _ALONE + program, *arguments)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    return subprocess.run(["unshare", "-rn", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
