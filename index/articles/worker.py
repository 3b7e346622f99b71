"""The child process of index/articles/child.py: python -m index.articles.worker MEMORY CPU.

Frames come in on stdin, two for each file: the kind of reader, and the bytes. One goes out on stdout for each: JSON, with what was
read or why it was refused.
"""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from index.articles.frames import receive, send
from index.articles.source import RefusedError

# kind -> (module, function); each module is imported with the first file of its kind.
READERS = {
    "html": ("page", "read"),
    "fragment": ("page", "read_fragment"),
    "markdown": ("markdown", "read"),
    "pdf": ("pdf", "read"),
    "docx": ("word", "read"),
    "feed": ("feed", "read"),
}


def main(memory: int, cpu: int) -> None:
    """Read files until stdin ends, each within `memory` bytes of address space and `cpu` seconds.

    The hard limit is twice as high: libxml2 may answer a refused allocation with half a document, so what came near it is not used.
    """
    requests, answers = sys.stdin.buffer, _quiet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which then closes stdin
    logging.disable()
    _limit(resource.RLIMIT_AS, 2 * memory)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    spent = False
    while not spent and (kind := receive(requests)) is not None:
        try:
            data = receive(requests)
            _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + cpu)
            answer, spent = _answer(kind.decode(), data or b""), False
            frame = json.dumps(answer).encode()
            if _peak() > memory:
                raise MemoryError
        except MemoryError:
            frame, spent = json.dumps({"refused": f"took more than {memory >> 20:,} MB of memory to read", "spent": True}).encode(), True
        send(answers, frame)


def _quiet() -> BinaryIO:
    """Stdout, for answers alone: what a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _peak() -> int:
    """The most address space that this process has had, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmPeak:")[2].split()[0]) << 10


def _answer(kind: str, data: bytes) -> dict[str, Any]:
    module, function = READERS[kind]
    try:
        return {"read": getattr(import_module(f"index.articles.{module}"), function)(data)}
    except RefusedError as error:
        return {"refused": str(error)}
    except MemoryError:
        raise
    except Exception as error:  # whatever a library makes of a hostile file: the file is at fault, and the next one may be sound
        return {"refused": f"cannot be parsed ({type(error).__name__}: {str(error)[:200]})"}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
