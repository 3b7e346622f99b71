"""D11: clients that do nothing, read slowly or leave in the middle cost the others nothing."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from fakes import BagEncoder
from rooms import serving

from index import Archive

IDLE = 500
QUESTIONS = 20


async def asked(client: httpx.AsyncClient, number: int, session: str) -> str:
    """Join the queue with a question."""
    history = [{"role": "user", "content": [{"type": "text", "text": "where did the ferry sink"}]}]
    payload = {"fn_index": number, "data": [history], "session_hash": session}
    return str((await client.post("gradio_api/queue/join", json=payload)).json()["event_id"])


async def seconds(client: httpx.AsyncClient, number: int) -> list[float]:
    """What questions take, one after the other; each has its answer."""
    taken = []
    for at in range(QUESTIONS):
        start = time.perf_counter()
        await asked(client, number, f"s{at}")
        answer = await client.get("gradio_api/queue/data", params={"session_hash": f"s{at}"})
        assert "The ferry sank near Selwyn." in answer.text
        taken.append(time.perf_counter() - start)
    return taken


@asynccontextmanager
async def idle(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Streams that are open and read nothing."""
    async with AsyncExitStack() as stack:
        for at in range(IDLE):
            answer = await stack.enter_async_context(client.stream("GET", f"gradio_api/heartbeat/idle{at}"))
            assert answer.status_code == 200
        yield


def test_idle_clients_and_those_who_leave_cost_the_others_nothing(tmp_path: Path) -> None:
    """500 that listen, and 20 that hang up while they are answered."""
    (tmp_path / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(tmp_path / "archive", BagEncoder()).add([tmp_path / "a.txt"])

    async def measure(address: str) -> tuple[list[float], list[float], list[float]]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
            dependencies = (await client.get("config")).json()["dependencies"]
            number = next(one["id"] for one in dependencies if one["api_name"] == "answer")
            alone = await seconds(client, number)
            async with idle(client):
                beside = await seconds(client, number)
            for at in range(QUESTIONS):
                await asked(client, number, f"gone{at}")
                async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": f"gone{at}"}):
                    pass
            return alone, beside, await seconds(client, number)

    with serving(tmp_path / "archive", toy=True) as address:
        medians = [statistics.median(taken) for taken in asyncio.run(measure(address))]
    alone, beside, after = medians
    assert max(beside, after) < 3 * alone + 0.1, medians
