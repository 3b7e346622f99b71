"""An add by the tasks of a Ray cluster: each takes a share of the articles, as `clippings add --shard I/N` does, and any may be run twice.

It knows of no engine, but that it must be one which several machines can write to. The only file that imports ray.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from index import articles
from index.archive import Archive
from index.changes import Added, Report, Shard
from index.errors import ArchiveError, ClippingsError, UsageError

# Seconds until a machine counts as not there: Ray itself waits for minutes.
_TIMEOUT = 10


def add(cluster: str, opens: Callable[[], Archive], paths: list[Path], count: int | None, report: Report) -> Added:
    """Bring the archive that `opens` gives up to date with files and folders, in `count` shares; None means one for each CPU.

    `cluster` is HOST:PORT of its head, or auto. Ray runs a share again whose process or machine died. An ArchiveError names the shares
    that could not be added, once the others are.
    """
    place = opens().path
    if isinstance(place, Path):
        raise UsageError(f"--ray: the machines of a cluster cannot share a folder ({place}): give --archive milvus://HOST:PORT/NAME")
    with _connected(cluster) as ray:
        count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
        task = ray.remote(scheduling_strategy="SPREAD")(_add_share)
        given = [articles.absolute(path) for path in paths]
        running = {task.remote(opens, given, Shard(number, count)): number for number in range(1, count + 1)}
        try:
            done, failed = _gathered(ray, running, report)
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt("what was taken is kept, and the next run goes on from there") from interrupt
    if failed:
        told = [f"share {', '.join(f'{number}/{count}' for number in sorted(shares))}: {reason}" for reason, shares in failed.items()]
        raise ArchiveError(f"{'; '.join(told)} (what else was taken is kept: run the same again)")
    return Added.together(done)


@contextmanager
def _connected(cluster: str) -> Iterator[Any]:
    """The module ray, connected as long as the block runs; a UsageError where that cannot be."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError("--ray: it needs Ray: pip install 'clippings[ray]'") from error
    host, _, port = cluster.rpartition(":")
    try:
        if host:
            socket.create_connection((host, int(port)), _TIMEOUT).close()
        ray.init(cluster, configure_logging=False, log_to_driver=False)
    except (OSError, RuntimeError) as error:  # not there; of another version of Ray or Python
        raise UsageError(f"--ray {cluster}: no cluster that can be used ({error}): see 'ray status' on its head") from error
    with redirect_stdout(sys.stderr):  # Ray says there that a process died
        try:
            yield ray
        finally:
            ray.shutdown()


def _add_share(opens: Callable[[], Archive], paths: list[Path], shard: Shard) -> Added | str:
    """What a task runs, on a machine of the cluster: what it did, or why it could not."""
    try:
        return opens().add(paths, shard=shard)
    except ClippingsError as error:
        return f"{platform.node()}: {error}"


def _gathered(ray: Any, running: dict[Any, int], report: Report) -> tuple[list[Added], dict[str, list[int]]]:
    """What the shares did, as they end; and reason -> the numbers of those that could not be added for it."""
    done: list[Added] = []
    failed: dict[str, list[int]] = {}
    waiting = list(running)
    report("adding", 0, len(running))
    while waiting:
        (ended,), waiting = ray.wait(waiting)
        try:
            told = ray.get(ended)
        except ray.exceptions.RayError as error:
            told = _reason(ray, error)
        if isinstance(told, str):
            failed.setdefault(told, []).append(running[ended])
        else:
            done.append(told)
        report("adding", len(running) - len(waiting), len(running))
    return done, failed


def _reason(ray: Any, error: Any) -> str:
    """Why a task did not come to its end, in a line; a fault of the program is raised again."""
    if "No module named" in str(error):
        return "a machine of the cluster lacks a package: pip install 'clippings[ray]' there, in the Python that its Ray runs in"
    if isinstance(error, ray.exceptions.RayTaskError):
        raise error
    return f"Ray tried again, and gave up: {str(error).splitlines()[0]}"
