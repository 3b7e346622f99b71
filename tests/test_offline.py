"""D12: the suite, and the app, in a network namespace that has nothing but the loopback."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest
from conftest import NETWORKED
from fakes import BagEncoder
from namespace import alone

from index import Archive

# The pages are served, and asked.
_INSIDE = """
import json, sys, urllib.request
from pathlib import Path
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


def test_the_pages_answer_without_a_network(tmp_path: Path) -> None:
    """They start, are drawn, and answer; nothing is looked for elsewhere."""
    (tmp_path / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(tmp_path / "archive", BagEncoder()).add([tmp_path / "a.txt"])
    done = alone(_INSIDE, str(tmp_path / "archive"))
    assert done.returncode == 0, done.stderr
    assert "The ferry sank near Selwyn." in done.stdout


def test_the_suite_has_no_network() -> None:
    """Every other test ran without one, too."""
    if NETWORKED:
        pytest.skip(NETWORKED)
    with pytest.raises(OSError, match="unreachable") as failed:
        socket.create_connection(("192.0.2.1", 80), 1)
    assert failed.value.errno == errno.ENETUNREACH
