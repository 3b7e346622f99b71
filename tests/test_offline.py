"""D12: the app, in a network namespace of its own that has nothing but the loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import BagEncoder

from index import Archive

# Run inside: the loopback is up, and nothing else is there to be reached; then the pages are served and asked.
_INSIDE = """
import fcntl, json, socket, struct, sys, urllib.request
from pathlib import Path
with socket.socket() as control:
    request = struct.pack("16sh", b"lo", 1)
    fcntl.ioctl(control, 0x8914, request)
try:
    socket.create_connection(("192.0.2.1", 80), 1)
    sys.exit("there is a network")
except OSError as error:
    assert error.errno == 101, error
from rooms import serving
with serving(Path(sys.argv[1]), toy=True) as address:
    page = urllib.request.urlopen(address).read().decode()
    config = json.load(urllib.request.urlopen(address + "config"))
    asked = next(one for one in config["dependencies"] if one["api_name"] == "answer")
    said = {"type": "text", "text": "where did the ferry sink"}
    event = {"fn_index": asked["id"], "session_hash": "s", "data": [[{"role": "user", "content": [said]}]]}
    post = urllib.request.Request(address + "gradio_api/queue/join", json.dumps(event).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(post)
    print(urllib.request.urlopen(address + "gradio_api/queue/data?session_hash=s").read().decode())
"""


def isolated(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    return subprocess.run(["unshare", "-rn", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_the_pages_answer_without_a_network(tmp_path: Path) -> None:
    """They start, are drawn, and answer; nothing is looked for elsewhere."""
    if shutil.which("unshare") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("unshare is not installed, and CI does without nothing")
        pytest.skip("unshare is not installed")
    possible = isolated("true")
    if possible.returncode:
        pytest.skip(f"the kernel makes no network namespace here: {possible.stderr.strip()}")
    (tmp_path / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(tmp_path / "archive", BagEncoder()).add([tmp_path / "a.txt"])
    done = isolated(sys.executable, "-c", _INSIDE, str(tmp_path / "archive"))
    assert done.returncode == 0, done.stderr
    assert "The ferry sank near Selwyn." in done.stdout
