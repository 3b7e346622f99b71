"""D12: the suite, and the app, in a network namespace that has nothing but the loopback."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import NETWORKED, ROOT
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


# A question is embedded, and a passage read.
_RUN = """
from index.encoder import SentenceEncoder
from qa.reader import Text, named
SentenceEncoder().encode(["did the ferry sink"])
named("minilm").read("did the ferry sink", [Text("Ferry sinks", ("The ferry sank.",))])
"""


@pytest.mark.model
@pytest.mark.parametrize(("code", "kept"), [(_RUN, False), ("import onnxruntime" + _RUN, True)], ids=["as it is", "the control"])
def test_what_runs_the_models_tells_nobody(tmp_path: Path, code: str, kept: bool) -> None:
    """ONNX Runtime by itself keeps an id of the machine, and what it is to send to its makers, in the user's folder.

    Not where a variable says that software is being tested: hence none of them.
    """
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"), str(tmp_path))
    environment = {"PATH": os.environ["PATH"]} | places
    subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, env=environment, check=True)
    assert bool(list(tmp_path.iterdir())) is kept


def test_the_suite_has_no_network() -> None:
    """Every other test ran without one, too."""
    if NETWORKED:
        pytest.skip(NETWORKED)
    with pytest.raises(OSError, match="unreachable") as failed:
        socket.create_connection(("192.0.2.1", 80), 1)
    assert failed.value.errno == errno.ENETUNREACH
