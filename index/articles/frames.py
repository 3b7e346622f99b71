"""What goes through a pipe between two processes: frames, each its length in 8 bytes and then that many bytes."""

from __future__ import annotations

from typing import Any, cast

from index.articles.source import RefusedError

_LENGTH = 8


def send(stream: Any, data: bytes) -> None:
    """Write a frame."""
    stream.write(len(data).to_bytes(_LENGTH, "big"))
    stream.write(data)
    stream.flush()


def receive(stream: Any, limit: int = 1 << 40) -> bytes | None:
    """Read a frame; None where the stream ends before it does. Refused where it is longer than `limit` bytes."""
    size = int.from_bytes(stream.read(_LENGTH), "big")
    if size > limit:
        raise RefusedError(f"gives more than {limit:,} bytes of text")
    data = cast(bytes, stream.read(size))
    return data if size and len(data) == size else None
