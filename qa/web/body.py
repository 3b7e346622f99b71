"""How much a request may send, and what of JSON: what gradio would choke on is refused before it is asked."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from qa.web.refusal import RefusedError

# A page sends its whole conversation with each question: some 8 kB a turn.
MAX_JSON = 4 * 2**20
MAX_DEPTH = 32
# Seconds that every body has, and bytes that each further second has to bring.
GRACE = 20.0
PACE = 8_000


def declared(scope: Scope, limit: int) -> int:
    """How many bytes a request says it has: its limit where it does not say; a RefusedError where it has more."""
    length = Headers(scope=scope).get("content-length", str(limit))
    if not (length.isascii() and length.isdigit()):
        raise RefusedError(400, "The request has no length.", closes=True)
    if len(length) > 18 or int(length) > limit:
        raise _too_large(limit)
    return int(length)


def counted(receive: Receive, limit: int) -> Receive:
    """`receive`, which raises a RefusedError where more comes than `limit` bytes, or they come too slowly."""
    seen, begun, more = 0, monotonic(), True

    async def count() -> Message:
        nonlocal seen, more
        try:
            async with asyncio.timeout(GRACE + seen / PACE - (monotonic() - begun) if more else None):
                message = await receive()
        except TimeoutError as error:
            raise RefusedError(408, "The request comes too slowly.", closes=True) from error
        seen, more = seen + len(message.get("body", b"")), message.get("more_body", False)
        if seen > limit:
            raise _too_large(limit)
        return message

    return count


async def read(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes; a RefusedError where it has more."""
    declared(scope, limit)
    limited, found = counted(receive, limit), bytearray()
    while True:
        message = await limited()
        found += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(found)


async def json_only(scope: Scope, receive: Receive) -> Receive:
    """`receive`, for a body that was read and is a JSON object of what JSON has; a RefusedError where it is not."""
    whole = await read(scope, receive, MAX_JSON)
    try:
        value = json.loads(whole, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "The request is not JSON.") from error
    if not isinstance(value, dict):
        raise RefusedError(400, "The request is not a JSON object.")
    if _deep(value):
        raise RefusedError(400, "The request is nested too deeply.")
    return _again(whole, receive)


def _too_large(limit: int) -> RefusedError:
    size = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit:,} bytes"
    return RefusedError(413, f"The request is too large: at most {size} are taken.", closes=True)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return False
    return True


def _again(whole: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read, and then what else there is to know of the client."""
    body: list[Message] = [{"type": "http.request", "body": whole, "more_body": False}]

    async def first_the_body() -> Message:
        return body.pop() if body else await receive()

    return first_the_body
