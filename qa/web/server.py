"""Serving an application until it is told to stop: a signal ends it politely, within seconds, and with exit code 0."""

from __future__ import annotations

import atexit
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from index.errors import UsageError
from qa.web.connection import Connection

# For what runs; then it is cut off. The rest of five seconds is for closing.
_DRAIN_SECONDS = 4
# Each client is an open file, and so is each part of an archive; some systems allow 256 until they are asked.
_OPEN_FILES = 4096


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; a UsageError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = f"{host}:{port} cannot be listened on, perhaps because it is in use"
        raise UsageError(f"{reason}: choose another with --port") from error


def run(app: ASGIApp, listening: socket.socket, ready: Callable[[], None], ending: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. `ready` is called when requests are answered, and `ending` when no new ones are: it ends what would
    never end by itself."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=Connection,
        ws="none",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    _open_more_files()
    # uvicorn raises the signal again once it has ended: by then it has been obeyed.
    before = {number: signal.signal(number, lambda *_: None) for number in uvicorn.server.HANDLED_SIGNALS}
    try:
        _Server(config, ready, ending).run([listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_more_files() -> None:
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def leave() -> None:
    """End the process with exit code 0 where a thread still works on what nobody waits for any more: Python would wait for it."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        atexit._run_exitfuncs()  # what was begun for a page ends with it
        os._exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)
