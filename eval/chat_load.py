"""The chat as its users load it: a server in a process of its own, and clients that wait in the same queue as browsers do.

It knows the queue's protocol: a question is POSTed to /gradio_api/queue/join, its answer comes as server-sent events.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import IO, Any

import httpx

from index.errors import ClippingsError

_ROOT = Path(__file__).parent.parent
_API = "/gradio_api"
# Seconds after which a question that was never answered counts as an error.
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a question: its answer; or that it was refused, in these words; or what went wrong. `seconds` until then."""

    question: str
    seconds: float
    answer: dict[str, Any] | None = None
    refused: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """The chat, running."""

    process: subprocess.Popen[str]
    address: str

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        return int(self._proc("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def descriptors(self) -> int:
        """Its open files and connections."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    @property
    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        return sum(map(int, self._proc("stat").rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text(encoding="utf-8")

    def end(self) -> tuple[float, int]:
        """Ask it to end, by SIGTERM: the seconds that it took, and its exit code; negative where it had to be killed."""
        started = perf_counter()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        return perf_counter() - started, code


@contextmanager
def serving(
    archive: Path, program: Sequence[str] = (sys.executable, "app.py"), environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """The chat over an archive, on a free port of this machine alone; it ends with the block. Tests have a program of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*program, "--archive", str(archive.resolve()), "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603 - a command of our own
        command, cwd=_ROOT, env={**os.environ, **(environment or {})}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    try:
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if f":{port}" in line:
                break
        else:
            raise ClippingsError(f"the chat did not start: {''.join(said).strip()}")
        Thread(target=_drain, args=[process.stderr], daemon=True).start()  # a pipe that nobody reads would stop it
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)


def _drain(talk: IO[str]) -> None:
    with talk:
        for _ in talk:
            pass


class Clients:
    """All users of a server; each question has a session of its own, as each open page has."""

    def __init__(self, http: httpx.AsyncClient, endpoint: int) -> None:
        self._http, self._endpoint = http, endpoint

    async def ask(self, question: str, leave_after: float | None = None) -> Reply:
        """Ask, and wait for the answer; or go away some seconds after the question was taken."""
        started, session = perf_counter(), uuid.uuid4().hex
        body = {"data": [question, None, None, None], "fn_index": self._endpoint, "session_hash": session}

        def reply(**what: Any) -> Reply:
            return Reply(question, perf_counter() - started, **what)

        try:
            joined = await self._http.post(f"{_API}/queue/join", json=body)
            if joined.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return reply(refused=str(joined.json().get("detail", "")))
            joined.raise_for_status()
            async with asyncio.timeout(_PATIENCE if leave_after is None else leave_after):
                return reply(**await self._told(session))
        except TimeoutError:
            return reply(error="left" if leave_after is not None else f"no answer in {_PATIENCE:.0f} s")
        except (httpx.HTTPError, ValueError) as error:
            return reply(error=f"{type(error).__name__} {error}".strip())

    async def _told(self, session: str) -> dict[str, Any]:
        async with self._http.stream("GET", f"{_API}/queue/data", params={"session_hash": session}) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    return {"answer": output["data"][0]} if message["success"] else {"error": str(output.get("error"))}
                if message.get("msg") == "unexpected_error":
                    return {"error": str(message.get("message"))}
        return {"error": "the stream ended without an answer"}

    @asynccontextmanager
    async def listeners(self, count: int) -> AsyncIterator[None]:
        """So many pages, open and idle: each holds a stream of heartbeats."""
        opened = [asyncio.create_task(self._listen()) for _ in range(count)]
        try:
            for first in opened:
                await asyncio.sleep(0)
                if first.done():
                    first.result()
            yield
        finally:
            for one in opened:
                one.cancel()
            ended = await asyncio.gather(*opened, return_exceptions=True)
            lost = [one for one in ended if isinstance(one, Exception)]
            if lost:
                raise ClippingsError(f"{len(lost)} of {count} idle pages were disconnected: {lost[0]!r}")

    async def _listen(self) -> None:
        async with self._http.stream("GET", f"{_API}/heartbeat/{uuid.uuid4().hex}", timeout=None) as stream:
            stream.raise_for_status()
            async for _ in stream.aiter_bytes():
                pass
        raise httpx.ReadError("the stream of heartbeats ended")


@asynccontextmanager
async def clients(server: Server) -> AsyncIterator[Clients]:
    """Clients of a server, with a connection for each request: one that is kept, and closed meanwhile, would look like an error."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.address, timeout=_PATIENCE, limits=limits, trust_env=False) as http:
        config = (await http.get("/config")).json()
        endpoint = next(one["id"] for one in config["dependencies"] if one["api_name"] == "ask")
        yield Clients(http, endpoint)
