"""For programs, hostile texts are data: endpoints and tools give them unchanged; and odd input gets one line that tells nothing else."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import payloads
import pytest
from fakes import BagEncoder
from gradio_client import Client
from hostile import articles, groups
from rooms import serving

from index import Archive, Filters
from qa.web import programs

pytestmark = pytest.mark.filterwarnings("default")

ROUNDS = groups(payloads.ALL, 6)
HAS_MCP = importlib.util.find_spec("mcp") is not None or os.environ.get("CI") == "true"
GIVES_AWAY = re.compile(r"/tmp/|/home/|/root|/work|site-packages|Traceback|\.py\b|\d+\.\d+\.\d+|pydantic|Error\(")
FILE = '{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}'
ODD = [
    "null", "true", "-1", "1e400", str(10**400), "[]", "{}", "[[]]", "[null]", '{"a": 1}', '""', '" "', '"/etc/passwd"', '"<script>"', FILE,
    '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"2014-99-99"', json.dumps("x" * 1_000_000), json.dumps(["x"] * 100_000),
    json.dumps(["x" * 1_000_000]),
]  # fmt: skip
CALLS = {"ask": ['"ferry"', "null", "null", "null"], "search": ['"ferry"', "3", "null", "null", "null"]}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    home = tmp_path_factory.mktemp("programs")
    archive = Archive(home / "archive", BagEncoder())
    archive.add([articles(home / "articles", ROUNDS)])
    return archive


@pytest.fixture(scope="module")
def address(archive: Archive) -> Iterator[str]:
    with serving(archive.path, *(["--mcp"] if HAS_MCP else []), toy=True) as address:
        yield address


def questions() -> list[str]:
    return [f"Marker{number} began with {' and '.join(texts)}" for number, texts in enumerate(ROUNDS)]


def right(archive: Archive, question: str) -> tuple[Any, Any]:
    """What both endpoints have to give, as JSON has it; every text of a round is in it."""
    limits = Filters()
    given = programs.asked(archive, question, limits), programs.found(archive, question, 3, limits)
    return tuple(json.loads(json.dumps(given)))


def test_endpoints_give_hostile_texts_unchanged(archive: Archive, address: str) -> None:
    """In the question, quotes, titles, outlets, addresses and names of files."""
    client, told = Client(address, verbose=False), ""
    for question in questions():
        given = client.predict(question, api_name="/ask"), client.predict(question, 3, api_name="/search")
        assert given == right(archive, question)
        told += json.dumps(given, ensure_ascii=False)
    assert [text for text in payloads.ALL if json.dumps(" ".join(text.split()), ensure_ascii=False)[1:-1] not in told] == []


@pytest.mark.skipif(not HAS_MCP, reason="the extra 'mcp' is not installed")
def test_tools_give_hostile_texts_unchanged(archive: Archive, address: str) -> None:
    """As JSON, and nothing beside it; and of what is wrong, one line."""
    for question, given in zip(questions(), asyncio.run(used(address)), strict=True):
        assert given == right(archive, question)


async def used(address: str) -> list[tuple[Any, ...]]:
    """What tools give to each question."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    found = []
    async with (
        streamable_http_client(f"{address}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        for question in questions():
            calls = ("ask", {"question": question}), ("search", {"query": question, "k": 3})
            found.append(tuple([json.loads((await session.call_tool(*call)).content[0].text) for call in calls]))
        for odd in ({}, {"question": None}, {"question": {"a": 1}}, {"question": "x", "k": [3]}, {"question": "x" * 3_000}):
            wrong = await session.call_tool("ask", odd)
            assert not GIVES_AWAY.search(wrong.content[0].text), wrong
            assert "\n" not in wrong.content[0].text, wrong
    return found


def told(client: httpx.Client, name: str, data: str) -> str:
    """What comes of a call, whatever its data."""
    called = client.post(f"gradio_api/call/{name}", content=f'{{"data": {data}}}', headers={"content-type": "application/json"})
    assert called.status_code < 500, called.text
    return client.get(f"gradio_api/call/{name}/{called.json()['event_id']}").text if called.status_code == 200 else called.text


def test_odd_input_gets_one_short_line(address: str) -> None:
    """Each kind of value in each place, and calls of too few or too many; what came is not said again at length."""
    with httpx.Client(base_url=address, timeout=60) as client:
        for name, usual in CALLS.items():
            datas = [[*usual[:place], odd, *usual[place + 1 :]] for place in range(len(usual)) for odd in ODD]
            for data in [*datas, [], usual * 20]:
                answer = told(client, name, f"[{', '.join(data)}]")
                if not answer.startswith("event: complete"):
                    assert not GIVES_AWAY.search(answer.replace("/etc/passwd", "")), answer
                    assert len(answer) < 2_000, (name, [one[:40] for one in data], answer[:200])
                    assert answer.strip().count("\n") <= 1


def test_what_a_machine_gives_away_is_seen() -> None:
    """The control."""
    for leak in ('File "app.py", line 3', "/tmp/clippings-x/a", "gradio 6.31.0", "Traceback (most recent call last)", "KeyError('x')"):
        assert GIVES_AWAY.search(leak)


def test_descriptions_give_nothing_away(address: str) -> None:
    """Neither of endpoints nor of tools."""
    paths = ["info", "info?all_endpoints=true", *(["mcp/schema", "mcp/none"] if HAS_MCP else [])]
    for path in paths:
        told = httpx.get(f"{address}gradio_api/{path}", timeout=30).text
        assert not GIVES_AWAY.search(told.replace("127.0.0.1", "")), path
