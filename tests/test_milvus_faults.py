"""What goes wrong with a server is one line that says what, where and what to do; what was kept stays, and a rerun goes on from there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import milvus_server
import pytest
from conftest import ROOT, Run
from fakes import BagEncoder

from index import Archive, update
from index.encoder import Vectors
from index.errors import ArchiveError, ArticleError, UsageError
from index.milvus import MilvusEngine, client
from index.milvus.catalogue import MilvusCatalogue
from index.milvus.client import Client
from index.milvus.writer import note_id

Folder = Callable[[dict[str, str]], Path]

CHILD = """
import sys
from pathlib import Path
from fakes import BagEncoder
from index import Archive, update
update._BATCH = 1
Archive(sys.argv[1], BagEncoder()).add([Path(sys.argv[2])], lambda stage, done, total: print(stage, done, flush=True))
"""


@pytest.fixture
def core(milvus: str, tmp_path: Path) -> Iterator[milvus_server.Core]:
    """A server of its own, to be killed."""
    if os.environ.get("MILVUS_URI"):
        pytest.skip("a server that others use is not killed")
    server = milvus_server.Core(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    monkeypatch.setattr(client, "_TIMEOUT", 0.5)
    monkeypatch.setattr(client, "_CONNECT", 0.5)
    monkeypatch.setattr(client, "_PAUSES", (0.1,))


@pytest.mark.parametrize("command", [("search", "ferry"), ("ask", "a ferry?"), ("status",), ("check",), ("update",), ("add", ".")])
@pytest.mark.usefixtures("milvus", "brief")
def test_a_server_that_is_down_is_one_line(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    """With its address, and exit code 2."""
    (tmp_path / "a.txt").write_text("The ferry sank.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"milvus://127.0.0.1:{free.getsockname()[1]}/news"
    code, out, err = run(*command, "--archive", address)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"clippings: {re.escape(address)}: no Milvus answers there: start it, .*\n", err), err


@pytest.mark.usefixtures("milvus", "brief")
def test_a_server_that_does_not_answer_is_one_line() -> None:
    """It takes the call, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"milvus://127.0.0.1:{silent.getsockname()[1]}/news"
        with pytest.raises(ArchiveError, match=rf"^{address}: no Milvus answers there|did not answer in"):
            Archive(address, BagEncoder()).search("ferry")


@pytest.mark.parametrize(
    "address", ["milvus://", "milvus://host", "milvus://host/a b", "milvus://host/a/b", "ftp://host/news", "milvus://host:x/news"]
)
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    """Before anything is connected."""
    with pytest.raises(UsageError, match=r"give milvus://HOST:PORT/COLLECTION"):
        Archive(address, BagEncoder())


def test_a_server_that_went_away_is_found_again(core: milvus_server.Core, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that was open while the server was killed and came back: reads are made again. On a busy machine it is long in coming."""
    monkeypatch.setattr(client, "_PAUSES", (0.5,) * 60)
    archive = Archive(f"milvus://127.0.0.1:{core.port}/news", BagEncoder())
    archive.add([folder({"a.txt": "The ferry sank off Selwyn."})])
    core.kill()
    back = threading.Timer(0.5, core.start)
    back.start()
    try:
        assert len(archive.search("ferry")) == 1
    finally:
        back.join()


def test_a_page_of_many_is_read_again(milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes away between two of them ends nothing, and no row is missing or twice."""
    from pymilvus.client.iterator.query_iterator import QueryIterator
    from pymilvus.exceptions import MilvusException

    archive = Archive(f"{milvus}/test_{uuid4().hex[:12]}", BagEncoder())
    archive.add([folder({"wire.jsonl": "\n".join(json.dumps({"id": str(n), "text": f"Story {n}."}) for n in range(1500))})])
    real, fails = QueryIterator.next, [False, True, False]

    def page(self: QueryIterator) -> object:
        if fails and fails.pop(0):
            raise MilvusException(message="unavailable")
        return real(self)

    monkeypatch.setattr(QueryIterator, "next", page)
    monkeypatch.setattr(MilvusCatalogue, "noted", lambda *_: {})
    assert (len(archive.known()), fails) == (1500, [])


def test_a_server_that_is_killed_in_an_add_loses_nothing(core: milvus_server.Core, folder: Folder) -> None:
    """The add ends with one line; what it had taken stays, and the next one takes the rest."""
    home = folder({f"{n}.txt": f"Story {n} is told here." for n in range(40)})
    address = f"milvus://127.0.0.1:{core.port}/news"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, address, str(home)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout
    for line in child.stdout:
        if line == "keeping 12\n":
            core.kill()
            break
    said = child.communicate()[1].strip().splitlines()[-1]
    assert re.match(r"index.errors.ArchiveError: milvus://.*: .*; what was kept stays", said), said
    core.start()
    archive = Archive(address, BagEncoder())
    kept = sum(bool(sha256) for _, sha256 in archive.known().values())
    assert kept >= 12
    added = archive.add([home])
    assert added.unchanged == kept
    assert (archive.census()["articles"], archive.census()["passages"], archive.check().problems) == (40, 40, [])


def test_an_add_that_is_killed_is_mended_by_the_next(milvus: str, folder: Folder) -> None:
    """SIGKILL, wherever it is: each article and passage is there once."""
    home, address = folder({f"{n}.txt": f"Story {n} is told here." for n in range(40)}), f"{milvus}/test_{uuid4().hex[:12]}"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    for stop in ("keeping 0\n", "keeping 7\n", "keeping 11\n"):
        child = subprocess.Popen([sys.executable, "-c", CHILD, address, str(home)], env=environment, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        assert stop in child.stdout
        child.kill()
        child.wait()
        child.stdout.close()
    archive = Archive(address, BagEncoder())
    archive.add([home])
    assert (archive.census()["articles"], archive.census()["passages"], archive.check().problems) == (40, 40, [])


def test_a_server_too_old_for_bm25_is_refused(milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the schema, and forgets the function: found out before anything is added."""
    from pymilvus import MilvusClient

    archive = Archive(f"{milvus}/too_old", BagEncoder())
    monkeypatch.setattr(MilvusClient, "search", lambda *_, **__: [[]])
    with pytest.raises(ArchiveError, match=r"too_old: this Milvus is too old for BM25: 2\.5 or newer is needed"):
        archive.add([folder({"a.txt": "The ferry sank."})])
    assert not archive.exists


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("auth check failure, please check token", "set CLIPPINGS_MILVUS_TOKEN"),
        ("PrivilegeQuery: permission deny to reader", "set CLIPPINGS_MILVUS_TOKEN"),
        ("PermissionDenied", "set CLIPPINGS_MILVUS_TOKEN"),
        ("deadline exceeded", "did not answer in 60 s"),
        ("can not find authors_notes", "Milvus says: can not find authors_notes"),
    ],
)
def test_what_a_server_refuses_is_one_line(milvus: str, monkeypatch: pytest.MonkeyPatch, said: str, line: str) -> None:
    """A wrong token names the variable that has it; a slow answer how long was waited."""
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    def refuse(*_: object, **__: object) -> None:
        raise MilvusException(message=said)

    monkeypatch.setattr(MilvusClient, "has_collection", refuse)
    monkeypatch.setattr(client, "_PAUSES", (0.0,))
    with pytest.raises(ArchiveError, match=line):
        Client(f"{milvus}/news").exists  # noqa: B018 - asking is the test


def test_two_first_adds_at_once_keep_each_other_s_notes(milvus: str) -> None:
    """Each found nothing noted when it began."""
    engine = MilvusEngine(f"{milvus}/test_{uuid4().hex[:12]}")
    with engine.writer(BagEncoder()) as one, engine.writer(BagEncoder()) as other:
        for writer in (one, other):
            assert (writer.failed(), writer.places()) == ({}, {})
        for path, writer in (("/a", one), ("/b", other)):
            writer.note({path: ArticleError(path, "no text")})
            writer.remember({path: True})
    with engine.reading() as catalogue:
        assert (sorted(catalogue.failed()), catalogue.places()) == (["/a", "/b"], {"/a": True, "/b": True})


@pytest.mark.parametrize(("kind", "other", "left"), [("notes", "add", ["Courier"]), ("articles", "remove", [])])
def test_an_outlet_is_named_as_long_as_it_has_articles(
    milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch, kind: str, other: str, left: list[str]
) -> None:
    """One writer takes out one of its articles; before it forgets the outlet another adds one, or before it is done takes out the rest."""
    home = folder({f"{name}.md": f"---\nsource: Courier\n---\nThe {name} sank." for name in ("ferry", "barge")})
    one, two = (Archive(address, BagEncoder()) for address in [f"{milvus}/test_{uuid4().hex[:12]}"] * 2)
    one.add([home / "ferry.md", *([home / "barge.md"] if other == "remove" else [])])
    real, waiting = Client.delete, [other]

    def delete(self: Client, name: str, field: str, values: list[str]) -> None:
        if (name, field) == (kind, "id") and (name == "articles" or note_id("outlet", "Courier") in values) and waiting:
            getattr(two, waiting.pop())([home / "barge.md"])
        real(self, name, field, values)

    monkeypatch.setattr(Client, "delete", delete)
    one.remove([home / "ferry.md"])
    assert (waiting, one.outlets()) == ([], left)


def test_vectors_are_of_the_version_that_was_read(milvus: str, folder: Folder) -> None:
    """Not of another of the same length, which another writer put there since."""
    home, engine = folder({"a.txt": "The ferry sank."}), MilvusEngine(f"{milvus}/test_{uuid4().hex[:12]}")
    archive = Archive(engine.path, BagEncoder())
    archive.add([home])
    (article,) = archive.articles()
    with engine.writer(BagEncoder()) as writer:
        passages = writer.passages(article.id)
        assert writer.article(article.id) == article
        assert list(writer.vectors(passages)) == passages
        (home / "a.txt").write_text("The trams left.")
        archive.add([home])
        assert writer.vectors(passages) == {}


def test_a_repair_that_is_broken_off_keeps_what_it_made(milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch by batch, as an add does: no message holds all that was damaged."""
    address = f"{milvus}/test_{uuid4().hex[:12]}"
    archive = Archive(address, BagEncoder())
    archive.add([folder({f"{n}.txt": f"Story {n} is told here." for n in range(3)})])
    Client(address).delete("passages", "article_id", [one.id for one in archive.articles()])
    real, left = BagEncoder.encode, [None] * 2

    def encode(self: BagEncoder, *arguments: Any) -> Vectors:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return real(self, *arguments)

    monkeypatch.setattr(update, "_BATCH", 1)
    monkeypatch.setattr(BagEncoder, "encode", encode)
    with pytest.raises(KeyboardInterrupt):
        archive.repair()
    assert len(archive.check().problems) == 1


def test_an_article_may_have_more_passages_than_milvus_gives_at_once(milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are there to be put back."""
    archive = Archive(f"{milvus}/test_{uuid4().hex[:12]}", BagEncoder(max_tokens=12))
    archive.add([folder({"long.txt": " ".join(f"Sentence {n} is one of many in it." for n in range(20))})])
    (article,) = archive.articles()
    count = archive.reach().passages
    monkeypatch.setattr(Client.some, "__defaults__", (count - 1,))
    assert len(archive.take_out(article.id).vectors) == count > 2
