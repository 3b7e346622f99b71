"""A connection to a client, which has its time: whoever keeps the server waiting without end is hung up on, and frees what they held.

Uvicorn's own waits for ever for the head of a request, and for an answer to be taken. How fast a body has to come is body.py's matter; a
stream that is open and read may stay.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds for the whole head of a request, from when it could begin; and for taking what waits to be sent (of 64 kB, three quarters).
HEAD_SECONDS = 20.0
TAKE_SECONDS = 60.0


class Connection(H11Protocol):
    """uvicorn's, for its option `http`, with limits."""

    _head: asyncio.TimerHandle | None = None
    _take: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """The head of the first request is awaited."""
        super().connection_made(transport)
        self._await_head()

    def on_response_complete(self) -> None:
        """The head of the next request is awaited."""
        super().on_response_complete()
        self._await_head()

    def pause_writing(self) -> None:
        """More waits to be sent than is held."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """The client took what waited."""
        super().resume_writing()
        _end(self._take)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        super().connection_lost(exc)
        _end(self._head)
        _end(self._take)

    def _await_head(self) -> None:
        _end(self._head)
        self._head = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _await_taking(self) -> None:
        _end(self._take)
        self._take = self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def _hang_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else one is being answered, and the next is awaited after that
            self.timeout_keep_alive_handler()
            self._await_taking()


def _end(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
