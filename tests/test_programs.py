"""For programs: the endpoints over HTTP, as gradio's client and an MCP client use them; the examples of the documents run as written."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import ROOT, Run
from gradio_client import Client
from gradio_client.exceptions import AppError
from rooms import serving

from index import Archive, Filters
from qa.assistant import ask

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("default")]

DATES = "give a day (2014-06-27), a month (2014-06) or a year (2014)"
KIRBY = "who confirmed Iranian operatives in Iraq"


@pytest.fixture(scope="module")
def address(sample: Archive) -> Iterator[str]:
    with serving(sample.path) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def examples(language: str) -> list[str]:
    """The blocks of the document in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs/programs.md").read_text(encoding="utf-8"), re.DOTALL)


def without_path(value: Any) -> Any:
    """What a program gets of what the command line prints."""
    if isinstance(value, dict):
        named = {name: without_path(one) for name, one in value.items() if name != "path"}
        return named | ({"file": value["path"].rpartition("/")[2]} if "path" in value else {})
    return [without_path(one) for one in value] if isinstance(value, list) else value


def test_nothing_but_ask_and_search_is_open(client: Client) -> None:
    """Whatever the pages do, programs cannot."""
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {"/ask", "/search"}


def test_pages_and_programs_wait_in_one_queue(sample: Archive) -> None:
    """Or each kind of event would have two answers made at a time, and they would wait for each other unseen."""
    listed = "import app, json, sys; from pathlib import Path; from index import Archive; built = app.build(Archive(Path(sys.argv[1])))\n"
    listed += "print(json.dumps([[one.name, one.concurrency_id, one.queue] for one in built.fns.values()]))"
    done = subprocess.run([sys.executable, "-c", listed, str(sample.path)], cwd=ROOT, capture_output=True, text=True, check=True)
    events = [one for one in json.loads(done.stdout) if one[0] in ("ask", "search", "answer", "acted", "visited", "offered")]
    assert {tuple(one[1:]) for one in events} == {("answering", True)}
    assert {one[0] for one in events} == {"ask", "search", "answer", "acted", "visited", "offered"}


def test_ask_gives_the_answer_that_the_command_line_writes(client: Client, sample: Archive) -> None:
    """Chips, copies, differences and all; and of each file its name alone."""
    for question in (KIRBY, "who won the chess olympiad in Zanzibar", "how many died in the ferry disaster, according to the Courier?"):
        expected = without_path(json.loads(json.dumps(ask(question, sample).as_dict())))
        assert client.predict(question, api_name="/ask") == expected
        assert str(ROOT) not in json.dumps(expected)


def test_ask_takes_filters(client: Client, sample: Archive) -> None:
    """They limit the articles as those of the command line do."""
    answer = client.predict(KIRBY, outlets=["northwire"], since="2014-09", until="2014", api_name="/ask")
    limits = Filters(("northwire",), "2014-09-01", "2014-12-31")
    assert answer == without_path(json.loads(json.dumps(ask(KIRBY, sample, limits).as_dict())))
    assert {quote["outlet"] for quote in (*answer["quotes"], *answer["nearest"])} <= {"Northwire"}


def test_search_gives_hits_with_their_spans_and_ranks(client: Client, sample: Archive) -> None:
    """Each text is that span of that article, and the order is that of the archive's own search."""
    hits = client.predict("Quds Force advisers", k=4, api_name="/search")
    for hit, own in zip(hits, sample.search("Quds Force advisers", 4), strict=True):
        article = sample.article(hit["article"])
        assert hit["text"] == article.text[hit["start"] : hit["end"]] == sample.text(own.passage)
        assert (hit["title"], hit["outlet"], hit["date"]) == (article.title, article.source, article.published)
        assert (hit["bm25"], hit["dense"], hit["terms"]) == (own.why.bm25, own.why.dense, list(own.why.terms))
        assert "score" not in hit
        assert "path" not in hit
        assert "/" not in hit["file"].partition("#")[0]


@pytest.mark.parametrize(
    ("endpoint", "call", "line"),
    [
        ("ask", {"question": "  "}, "the question is empty: type a few words"),
        ("ask", {"question": 3}, "question: give a text"),
        ("ask", {"question": None}, "question: give a text"),
        ("ask", {"question": "x" * 3_000}, "the question has 3,000 characters: at most 2,000, so ask for one thing"),
        ("ask", {"question": "x", "since": "20x4"}, "since '20x4': not a date: " + DATES),
        ("ask", {"question": "who", "since": 2014}, "since: give a text"),
        ("ask", {"question": "who", "since": "2015", "until": "2014"}, "since 2015 is after until 2014: nothing lies between"),
        ("ask", {"question": "who", "outlets": "Northwire"}, "outlets: give a list of names"),
        ("ask", {"question": "who", "outlets": [""]}, "outlet: give the name of an outlet"),
        ("search", {"query": "Quds", "k": 0}, "k: give a number from 1 to 100"),
        ("search", {"query": "Quds", "k": True}, "k: give a number from 1 to 100"),
        ("search", {"query": ["Quds"]}, "query: give a text"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_one_line(client: Client, endpoint: str, call: dict[str, Any], line: str) -> None:
    """In a program's words: options have no dashes there."""
    with pytest.raises(AppError) as raised:
        client.predict(**call, api_name=f"/{endpoint}")
    assert str(raised.value) == line


def test_an_outlet_that_is_none_is_answered_with_the_nearest(client: Client) -> None:
    with pytest.raises(AppError, match=r"^outlet Nortwire: no article is from there; the nearest of \d+ outlets: Northwire"):
        client.predict("Quds", outlets=["Nortwire"], api_name="/search")


@pytest.mark.parametrize(("endpoint", "wanted"), [("ask", 4), ("search", 5)])
def test_a_call_with_too_few_values_is_told_so(address: str, endpoint: str, wanted: int) -> None:
    """Not only that something was wrong."""
    started = httpx.post(f"{address}gradio_api/call/{endpoint}", json={"data": []})
    told = httpx.get(f"{address}gradio_api/call/{endpoint}/{started.json()['event_id']}", timeout=60).text
    assert f"{endpoint}: {wanted} values wanted, 0 given" in told


def test_the_examples_for_python_run_as_written(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each prints what it promises."""
    whole = "\n".join(examples("python")).replace("http://127.0.0.1:7860/", address)
    exec(whole, {})
    printed = capsys.readouterr().out
    assert "Pentagon spokesman John Kirby confirmed on Friday" in printed
    assert "The Rosslyn Ledger | 2014-06-27" in printed
    assert len(printed.splitlines()) >= 3


def test_the_example_for_a_shell_runs_as_written(address: str) -> None:
    (script,) = examples("bash")
    done = subprocess.run(["bash", "-c", script.replace("http://127.0.0.1:7860/", address)], capture_output=True, text=True, timeout=120)
    assert "event: complete" in done.stdout
    assert "Pentagon spokesman John Kirby confirmed on Friday" in done.stdout


def test_without_the_extra_mcp_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, before anything is loaded."""
    monkeypatch.setattr("qa.web.programs.importlib.util.find_spec", lambda name: None)
    code, _, err = run("chat", "--mcp")
    assert (code, err) == (2, "clippings: --mcp needs the extra 'mcp', which is not installed: pip install 'clippings[mcp]'\n")


@pytest.mark.skipif(importlib.util.find_spec("mcp") is None and os.environ.get("CI") != "true", reason="the extra 'mcp' is not installed")
def test_an_mcp_client_gets_the_same_cited_answers(sample: Archive) -> None:
    """Two tools, each argument described; answers in JSON, and what is wrong with a call as the tool's error."""
    with serving(sample.path, "--mcp") as address:
        tools, answer, hits, wrong = asyncio.run(use_tools(f"{address}gradio_api/mcp/"))
    assert {tool.name for tool in tools} == {"ask", "search"}
    for tool in tools:
        assert all(one["description"] for one in tool.inputSchema["properties"].values())
    assert json.loads(answer.content[0].text) == without_path(json.loads(json.dumps(ask(KIRBY, sample).as_dict())))
    assert [hit["dense"] for hit in json.loads(hits.content[0].text)] == [hit.why.dense for hit in sample.search("Quds Force", 2)]
    assert wrong.isError
    assert wrong.content[0].text == "the question is empty: type a few words"


async def use_tools(address: str) -> tuple[Any, ...]:
    """The tools that a client of the protocol finds, and what three calls give."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(address) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        return (
            (await session.list_tools()).tools,
            await session.call_tool("ask", {"question": KIRBY}),
            await session.call_tool("search", {"query": "Quds Force", "k": 2}),
            await session.call_tool("ask", {"question": " "}),
        )
