"""D11: clients that never end what they begin hold nothing for long: not a connection, nor the place of another's upload."""

from __future__ import annotations

import asyncio
import re
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from fakes import BagEncoder

from eval.chat_load import Server
from eval.chat_load import serving as serving_in_earnest
from index import Archive
from qa.web import body
from qa.web.refusal import RefusedError

pytestmark = pytest.mark.filterwarnings("default")

# The chat with the toy encoder, which waits a second where it would wait longer; or, for the control, as uvicorn waits by itself.
_HASTY = """
import sys
from fakes import BagEncoder
from index import Archive, terminal
from qa.web import body, connection, server
connection.HEAD_SECONDS = connection.TAKE_SECONDS = body.GRACE = 1.0
if sys.argv.pop(1) == "patient":
    from uvicorn.protocols.http.h11_impl import H11Protocol
    server.Connection, body.GRACE = H11Protocol, float("inf")
terminal.open_archive = lambda path, model: Archive(path, BagEncoder())
import app
sys.exit(terminal.main("app.py", "", app.COMMANDS, sys.argv[1:]))
"""
HALF_OPEN, SLOW = 200, 4
POST = b"POST /gradio_api/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\nContent-Type: %s\r\n\r\n"
FORM = b"multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("slow")
    (home / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(home / "archive", BagEncoder()).add([home / "a.txt"])
    return home / "archive"


@contextmanager
def hasty(archive: Path, temper: str) -> Iterator[Server]:
    """The server; it begins where 256 open files are allowed until more are asked for."""
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "CLIPPINGS_READER": "none"}
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    try:
        with serving_in_earnest(archive, [sys.executable, "-c", _HASTY, temper], environment) as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
            yield server
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


class Client:
    """A client that sends what begins a request, then drips; it reads nothing until the end."""

    def __init__(self, address: str, begins: bytes, drips: bytes = b"x") -> None:
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        self._socket = socket.socket()
        self._socket.connect((host, int(port)))
        self._socket.setblocking(False)
        self._drips = drips
        self._socket.send(begins)

    def drip(self) -> None:
        try:
            self._socket.send(self._drips)
        except OSError:  # hung up on, or nothing more fits
            return

    def hung_up(self) -> bool:
        """Whether the server has ended the connection; what the kernels hold of its answers comes first."""
        self._socket.setblocking(False)
        read = 0
        try:
            while read < 16_000_000 and (some := self._socket.recv(65_536)):
                read += len(some)
                self._socket.settimeout(0.5)
        except (BlockingIOError, TimeoutError):
            return False
        except ConnectionResetError:
            return True
        return read < 16_000_000

    def close(self) -> None:
        self._socket.close()


def clients(address: str) -> dict[str, list[Client]]:
    """Some of each kind; what they would like to hold."""
    asset = re.search(r"assets/[\w./-]+\.js", httpx.get(address).text)
    assert asset
    get = f"GET /{asset[0]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    begins = {
        "silent": (HALF_OPEN, b"", b""),
        "half a head": (HALF_OPEN, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"x"),
        "after an answer": (SLOW, b"GET /none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGE", b"x"),
        "after a refusal": (SLOW, POST % (b"none", FORM), b"x"),
        "a question": (SLOW, POST % (b"queue/join", b"application/json"), b" "),
        "an upload": (SLOW, POST % (b"upload", FORM) + b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n', b"x"),
        "reads nothing": (SLOW, get * 400, b""),
        "a stream": (SLOW, b"GET /gradio_api/heartbeat/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b""),
    }
    return {kind: [Client(address, begin, drips) for _ in range(count)] for kind, (count, begin, drips) in begins.items()}


def outcome(address: str) -> tuple[set[str], int, float]:
    """The kinds of which any is still open after four seconds; what another's upload gets then; the longest wait of another meanwhile."""
    slow, waits = clients(address), []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        start = time.monotonic()
        assert httpx.get(f"{address}/config", timeout=10).status_code == 200
        waits.append(time.monotonic() - start)
        for client in (one for kind in slow.values() for one in kind):
            client.drip()
        time.sleep(0.1)
    status = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x")}).status_code
    left = {kind for kind, some in slow.items() if not all(one.hung_up() for one in some)}
    for client in (one for kind in slow.values() for one in kind):
        client.close()
    return left, status, max(waits)


def test_slow_clients_are_hung_up_on(archive: Path) -> None:
    """Whatever they are slow in, but for who listens to a stream that says little; and others are answered meanwhile."""
    with hasty(archive, "hasty") as server:
        files = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        left, status, wait = outcome(server.address)
    assert files[0] >= min(4096, files[1])
    assert (left, status) == ({"a stream"}, 200)
    assert wait < 3


def test_without_limits_they_stay(archive: Path) -> None:
    """The control: the same clients at a server that waits as uvicorn does."""
    with hasty(archive, "patient") as server:
        left, status, _ = outcome(server.address)
    stay = {"silent", "half a head", "after an answer", "after a refusal", "a question", "an upload", "reads nothing", "a stream"}
    assert (left, status) == (stay, 503)


@pytest.mark.parametrize(("pace", "comes"), [(1_000, True), (100_000, False)])
def test_a_body_has_to_keep_up(monkeypatch: pytest.MonkeyPatch, pace: int, comes: bool) -> None:
    """2,000 bytes in half a second come whole where 1,000 a second have to, and are refused in a sentence where 100,000 have to."""
    monkeypatch.setattr(body, "GRACE", 0.3)
    monkeypatch.setattr(body, "PACE", pace)
    assert asyncio.run(read(5, 400)) == (b"x" * 2_000 if comes else "408, close: The request comes too slowly.")


async def read(pieces: int, size: int) -> bytes | str:
    async def sent() -> AsyncIterator[dict[str, object]]:
        for left in reversed(range(pieces)):
            await asyncio.sleep(0.1)
            yield {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

    try:
        return await body.read({"type": "http", "headers": []}, sent().__anext__, 10_000)
    except RefusedError as refusal:
        return f"{refusal.status}, {refusal.headers['connection']}: {refusal}"
