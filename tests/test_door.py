"""Who may enter when the pages are not for this machine alone; and how serving begins and ends."""

from __future__ import annotations

import base64
import contextlib
import re
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Run
from fakes import BagEncoder
from rooms import serving, started

from index import Archive
from index.errors import UsageError
from qa.web import door

Folder = Callable[[dict[str, str]], Path]
IDA = ("ida", "correct horse: battery")
PAGE = {"accept": "text/html"}


def written(home: Path, text: str, mode: int = 0o600) -> Path:
    file = home / "users"
    file.write_text(text)
    file.chmod(mode)
    return file


# How it begins


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "newsroom.local", "127.0.0.2"])
def test_other_machines_are_not_let_in_without_accounts(run: Run, folder: Folder, host: str) -> None:
    """Refused before anything is loaded, with what to do."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    code, out, err = run("chat", "--host", host)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--auth FILE" in err


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("ida:correct horse\n", 0o644, "others can read it: run 'chmod 600'"),
        ("ida:correct horse\n", 0o640, "others can read it"),
        ("", 0o600, "nobody may enter"),
        ("# ida:correct horse\n", 0o600, "nobody may enter"),
        ("ida\n", 0o600, "users:1: a line is 'name:password'"),
        ("\nida:short\n", 0o600, "users:2: a line is"),
        ("ida:correct horse\nida:battery staple\n", 0o600, "users:2: a line is"),
    ],
)
def test_accounts_that_cannot_be_trusted_are_refused(tmp_path: Path, text: str, mode: int, says: str) -> None:
    """With the file and the line, and without the password."""
    with pytest.raises(UsageError, match=re.escape(says)) as error:
        door.accounts(written(tmp_path, text, mode))
    assert "correct" not in str(error.value)


def test_accounts_are_read(tmp_path: Path) -> None:
    """A password may hold what it likes."""
    file = written(tmp_path, "# the desk\n\nida:correct horse: battery\n jo:éèêëïüñß \n")
    assert door.accounts(file) == {"ida": "correct horse: battery", "jo": "éèêëïüñß"}
    with pytest.raises(UsageError, match="none: cannot be read"):
        door.accounts(tmp_path / "none")


# Who enters


@pytest.fixture(scope="module")
def archive_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("door")
    (home / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(home / "archive", BagEncoder()).add([home / "a.txt"])
    return home / "archive"


@pytest.fixture(scope="module")
def address(archive_path: Path) -> Iterator[str]:
    """The pages with two accounts."""
    users = written(archive_path.parent, f"{':'.join(IDA)}\njo:battery staple\n")
    with serving(archive_path, "--auth", str(users), toy=True) as address:
        yield address


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_every_route_but_the_login_needs_it(address: str) -> None:
    """Whatever gradio has, by every method; an account opens what a page or a program uses."""
    source = Path(find_spec("gradio").origin).with_name("routes.py").read_text()
    found = re.findall(r'@(app|router)\.\w+\(\s*f?"([^"]*)"', source)
    paths = {("/gradio_api" if owner == "router" else "") + re.sub(r"\{[^}]*\}", "1", path) for owner, path in found}
    assert len(paths) > 80
    with httpx.Client(base_url=address) as client:
        for path in sorted({*paths, "/library", "/none", "/gradio_api/mcp/"} - {"/login", "/login/", "/logout"}):
            for method in ("GET", "POST"):
                assert client.request(method, path).status_code == 401, (method, path)
        assert client.get("config", headers=basic(*IDA)).status_code == 200
        assert client.get("gradio_api/info", headers=basic(*IDA)).status_code == 200


def test_a_person_logs_in_on_a_page_and_goes_on(address: str) -> None:
    """To the address that was asked for; the cookie is for this server's pages alone; logging out ends it."""
    with httpx.Client(base_url=address, headers=PAGE) as client:
        asked = client.get("/?q=ferry")
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2F%3Fq%3Dferry")
        page = client.get(asked.headers["location"])
        assert 'name="next" value="/?q=ferry"' in page.text
        entered = client.post("/login", data={"username": IDA[0], "password": IDA[1], "next": "/?q=ferry"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/?q=ferry")
        assert {"httponly", "samesite=lax", "path=/"} <= set(entered.headers["set-cookie"].lower().split("; "))
        assert client.get("/?q=ferry").status_code == 200
        cookie = dict(client.cookies)
        assert client.get("/logout").headers["location"] == "/login"
    with httpx.Client(base_url=address, headers=PAGE, cookies=cookie) as client:
        assert client.get("/").status_code == 303


def test_a_cookie_over_https_is_for_https_alone(address: str) -> None:
    """Where a proxy says that it is."""
    data = {"username": IDA[0], "password": IDA[1]}
    entered = httpx.post(f"{address}login", data=data, headers={"x-forwarded-proto": "https"})
    assert (entered.status_code, entered.json()) == (200, {"success": True})
    assert "secure" in entered.headers["set-cookie"].lower().split("; ")


@pytest.mark.parametrize(
    "wrong", ["//evil.test", "/\\evil.test", "http://evil.test", "javascript:alert(1)", "", "/\t/evil.test", "/a\r\nset-cookie: a=b"]
)
def test_a_login_leads_nowhere_else(address: str, wrong: str) -> None:
    """Only to a page of this server."""
    entered = httpx.post(f"{address}login", data={"username": IDA[0], "password": IDA[1], "next": wrong}, headers=PAGE)
    assert entered.headers["location"] == "/"
    assert "a=b" not in entered.headers.get("set-cookie", "")


def test_the_login_page_shows_an_address_as_text(address: str) -> None:
    """It is an attribute."""
    page = httpx.get(f"{address}login", params={"next": '/"><script>alert(1)</script>'})
    assert "<script" not in page.text


@pytest.mark.parametrize(
    "headers",
    [
        basic("ida", "wrong"), basic("none", IDA[1]), basic("", ""), basic("ida", ""), {"authorization": "Basic"},
        {"authorization": "Basic \xff"},
        {"authorization": "Basic !"}, {"authorization": "Bearer x"}, {"cookie": "clippings-session="}, {"cookie": "clippings-session=x"},
        {"cookie": "clippings-session=\x80"}, {"cookie": "=;=;;"},
    ],
)  # fmt: skip
def test_what_is_not_right_is_wrong(headers: dict[str, str]) -> None:
    """Whatever it looks like: no session, no account."""
    app = door.Door(dict([IDA]))
    assert _status(app, headers) == 401
    assert _status(app, basic(*IDA)) == 200


def _status(app: door.Door, headers: dict[str, str], client: str = "10.0.0.1") -> int:
    """What a door answers: 200 where it lets in."""
    import asyncio

    from qa.web.refusal import RefusedError

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/config", "query_string": b"", "headers": raw, "client": (client, 1)}
    try:
        return 200 if asyncio.run(app.lets_in(scope, None, send)) else int(sent[0]["status"])
    except RefusedError as refusal:
        return refusal.status


def test_who_is_wrong_too_often_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer each time, up to a minute, even with the right password; others do not; a right one clears it."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    app, waits = door.Door(dict([IDA])), []
    for _ in range(15):
        assert _status(app, basic("ida", "wrong")) == 401
        started_at = now
        while _status(app, basic(*IDA)) == 429:
            now += 1
        waits.append(now - started_at)
        app._wrong["10.0.0.1", app._digest("ida")] = (len(waits), 0.0)
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert _status(app, basic("ida", "wrong")) == 401
    assert _status(app, basic(*IDA), client="10.0.0.2") == 200


def test_who_is_wrong_too_often_keeps_no_other_name_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy they come from one address; from that no end of names can be tried either, and what is held of them has an end."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    app = door.Door({**dict([IDA]), "jo": "battery staple"})
    assert [_status(app, basic("ida", "wrong")) for _ in range(6)] == [401] * 5 + [429]
    assert _status(app, basic("jo", "battery staple")) == 200
    tried = [_status(app, basic(f"name {number}", "wrong")) for number in range(60)]
    assert tried == [401] * 50 + [429] * 10
    assert _status(app, basic("jo", "battery staple"), client="10.0.0.2") == 200
    monkeypatch.setattr(door, "_MAX_TRIERS", 10)
    for number in range(20):
        assert _status(app, basic("ida", "wrong"), client=f"10.0.1.{number}") == 401
    assert len(app._wrong) == 10


def test_who_goes_on_guessing_at_one_name_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of it, a try a minute."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    app = door.Door({**dict([IDA]), "jo": "battery staple"})
    for _ in range(200):
        assert _status(app, basic("ida", "wrong")) == 401
        now += 61
    assert _status(app, basic("ida", "wrong")) == 401
    assert _status(app, basic("jo", "battery staple")) == 200


def test_a_person_who_has_to_wait_is_told_on_a_page(address: str) -> None:
    """And when; a program gets what it can read."""
    wrong = {"username": "nobody", "password": "wrong horse", "next": "/library"}
    told = [httpx.post(f"{address}login", data=wrong, headers=PAGE) for _ in range(6)][-1]
    assert told.status_code == 429
    assert int(told.headers["retry-after"]) >= 1
    assert '<p role="alert">Too many wrong passwords: wait a little.</p>' in told.text
    assert 'name="next" value="/library"' in told.text
    assert httpx.post(f"{address}login", data=wrong).json() == {"error": "Too many wrong passwords: wait a little."}


def test_a_password_is_compared_in_constant_time() -> None:
    """A name that is known and a password that is nearly right take no longer to refuse; a comparison sign by sign would."""
    app = door.Door({"ida": "a" * 2000})

    def seconds(name: str, password: str) -> float:
        spent = []
        for _ in range(3000):
            app._wrong.clear()
            start = time.perf_counter_ns()
            app._is_right("x", name, password)
            spent.append(time.perf_counter_ns() - start)
        return statistics.median(spent)

    near, far, nobody = seconds("ida", "a" * 1999 + "b"), seconds("ida", "b" * 2000), seconds("none", "b" * 2000)
    assert max(near, far, nobody) < 1.5 * min(near, far, nobody)
    assert {"compare_digest", "digest"} <= set(door.Door._is_right.__code__.co_names) | set(door.Door._digest.__code__.co_names)


# How it ends


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_five_seconds(archive_path: Path, sign: signal.Signals) -> None:
    """With exit code 0, though pages are open; what is being answered is answered; nothing stays in the temporary folder."""
    with started(archive_path, toy=True) as (server, address):
        (kept,) = httpx.post(f"{address}gradio_api/upload", files={"files": ("a.txt", b"x")}).json()
        config = httpx.get(f"{address}config").json()
        listening = threading.Event()

        def listen(number: int) -> None:
            with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", f"{address}gradio_api/heartbeat/{number}", timeout=20) as stream:
                for _ in stream.iter_lines():
                    listening.set()

        for number in range(5):
            threading.Thread(target=listen, args=(number,), daemon=True).start()
        assert listening.wait(10)
        asked = next(one for one in config["dependencies"] if one["api_name"] == "answer")
        history = [{"role": "user", "content": [{"type": "text", "text": "where did the ferry sink"}]}]
        payload = {"fn_index": asked["id"], "data": [history], "session_hash": "s"}
        assert httpx.post(f"{address}gradio_api/queue/join", json=payload).status_code == 200
        with httpx.stream("GET", f"{address}gradio_api/queue/data", params={"session_hash": "s"}, timeout=20) as stream:
            start = time.monotonic()
            server.send_signal(sign)
            told = "".join(stream.iter_text())
        assert server.wait(timeout=10) == 0
        assert time.monotonic() - start < 10  # under two where the machine has nothing else to do
        assert "process_completed" in told
        assert '"success":true' in told
        assert not Path(kept).parents[1].exists()
