"""What reaches gradio and what does not: by HTTP, against the pages as they are served, and against the guard alone."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import namedtuple
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT
from fakes import BagEncoder
from rooms import serving

from index import Archive
from qa.web import body
from qa.web.guard import Guard, Hosts
from qa.web.uploads import Uploads

OURS = ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000"]
FOREIGN = [
    "evil.test", "evil.test:7860", "localhost.evil.test", "127.0.0.1.evil.test", "evil.test@127.0.0.1", "127.0.0.1@evil.test",
    "0.0.0.0", "10.0.0.1",
    "", " ", "127.0.0.1:80:80", "127.0.0.1/..", "[::1", "localhost#", "2130706433",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"]
ORIGINS = [
    "http://evil.test", "https://evil.test", "null", "", "file://", "http://127.0.0.1:1", "http://localhost", "http://127.0.0.1.evil.test",
    "http://evil.test#127.0.0.1", "chrome-extension://x", "http://[",
]  # fmt: skip
CLOSED = [
    "gradio_api/file=http://evil.test/", "gradio_api/file=https://evil.test/x", "gradio_api/file=//evil.test/x",
    "gradio_api/proxy=http://evil.test/",
    "gradio_api/proxy=https://x.hf.space/", "proxy=http://evil.test/", "monitoring", "monitoring/summary", "monitoring/x/dashboard",
    "docs", "redoc",
    "openapi.json", "gradio_api/openapi.json", "gradio_api/runs", "gradio_api/run-history/buckets",
    "gradio_api/deep_link?session_hash=x", "gradio_api/token",
    "gradio_api/user", "gradio_api/dev/reload", "gradio_api/startup-events", "gradio_api/vibe-code",
    "gradio_api/queue/status",
    "gradio_api/custom_component/x/client/component/index.js", "gradio_api/stream/x/1/1/playlist.m3u8", "gradio_api/mcp/",
    "svelte/svelte.js",
    "pwa_icon", "GRADIO_API/monitoring", "%6donitoring", "gradio_api%2fproxy=http://evil.test", ".git/config", "app.py", "index/store.db",
]  # fmt: skip
FILES = [
    "/etc/passwd", "../../../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc/passwd", "/proc/self/environ", "/proc/self/cmdline",
    "file:///etc/passwd",
    "C:/Windows/win.ini", "\\\\evil.test\\share", "app.py", "./app.py", "~/.ssh/id_rsa", "/dev/zero", "/dev/stdin", "%00",
    "x" * 5000, ".", "/", "",
    "/tmp", "data:text/html,x", "ftp://evil.test/x", "/etc/passwd%00.png", "..%5c..%5cetc%5cpasswd",
]  # fmt: skip


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application behind the guard: it answers with the body, and leaks what it can."""
    whole = b""
    while True:
        message = await receive()
        whole += message.get("body", b"")
        if not message.get("more_body", False):
            break
    leaks = [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-credentials", b"true"),
        (b"server", b"uvicorn"),
        (b"x-powered-by", b"x"),
    ]
    sent = json.dumps({name.decode(): value.decode() for name, value in scope["headers"]})
    await send({"type": "http.response.start", "status": 200, "headers": [*leaks, (b"x-seen", sent.encode())]})
    await send({"type": "http.response.body", "body": whole})


@pytest.fixture
def guarded(tmp_path: Path) -> Guard:
    return Guard(echo, Hosts.of("127.0.0.1"), Uploads(tmp_path, free=0))


def ask(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    """The answer of an application to one request; a header of "Host" replaces the usual one."""

    async def one() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path, **options)

    return asyncio.run(one())


# D4


def test_a_server_answers_to_its_own_names_alone(guarded: Guard) -> None:
    """With whatever port, for it may be forwarded; so that no page elsewhere reaches this one under a name of its own."""
    cases = [(host, method) for host in OURS + FOREIGN for method in METHODS]
    refused = [host for host, method in cases if ask(guarded, method, "/", headers={"host": host}).status_code == 421]
    assert refused == [host for host in FOREIGN for _ in METHODS]


def test_a_foreign_page_can_send_nothing(guarded: Guard) -> None:
    """Whatever the route and the method; what is read has no word that lets it read."""
    paths = ["/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/component_server", "/"]
    for origin, path, method in product(ORIGINS, paths, METHODS):
        answer = ask(guarded, method, path, headers={"origin": origin}, content=b"{}")
        assert answer.status_code == 403 or method in ("GET", "HEAD"), (origin, path, method)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_that_says_so_is_believed(guarded: Guard, site: str) -> None:
    """A form of another site may come without an origin."""
    assert ask(guarded, "POST", "/gradio_api/run/x", headers={"sec-fetch-site": site}, content=b"{}").status_code == 403


def test_what_the_pages_and_programs_send_is_taken(guarded: Guard) -> None:
    """From the page's own origin, or from none."""
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    for headers in ({}, own):
        answer = ask(guarded, "POST", "/gradio_api/run/x", headers=headers, content=b'{"data": []}')
        assert (answer.status_code, answer.content) == (200, b'{"data": []}')


def test_without_the_guard_all_of_that_is_answered() -> None:
    """The control: what the tests above ask is answered by what stands behind it."""
    for headers in ({"host": "evil.test"}, {"origin": "http://evil.test"}):
        answer = ask(echo, "POST", "/gradio_api/upload", headers=headers)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


def test_a_websocket_is_closed(guarded: Guard) -> None:
    """The pages use none."""
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [(b"host", b"127.0.0.1"), (b"origin", b"http://evil.test")]}
    asyncio.run(guarded(scope, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("host", "names", "ours", "foreign"),
    [
        ("0.0.0.0", (), ["192.168.1.5", "[fe80::1]:7860", "localhost", "127.0.0.1"], ["newsroom.local", "evil.test", ""]),
        ("0.0.0.0", ("Newsroom.local",), ["newsroom.local:7860", "10.0.0.1"], ["evil.test"]),
        ("192.168.1.5", (), ["192.168.1.5"], ["192.168.1.6", "localhost"]),
        ("::1", ("desk",), ["desk", "[::1]:1"], ["0.0.0.0"]),
    ],
)
def test_the_names_of_a_server(host: str, names: tuple[str, ...], ours: list[str], foreign: list[str]) -> None:
    """An address in figures cannot be pointed here by a page elsewhere, so a server on all addresses answers to each."""
    hosts = Hosts.of(host, names)
    assert [name for name in ours + foreign if hosts.has(name)] == ours


def test_every_answer_says_what_a_browser_may_not_do(guarded: Guard) -> None:
    """The refusals too; and nothing of what is behind."""
    for answer in (ask(guarded, "GET", "/"), ask(guarded, "GET", "/none"), ask(guarded, "GET", "/", headers={"host": "evil.test"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert not {"server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials"} & set(answer.headers)


def test_a_proxy_is_believed_in_one_thing(guarded: Guard) -> None:
    """That a page is read over https; who asks, and under which name, is not a header's to say."""
    claims = {"x-forwarded-host": "evil.test", "forwarded": "host=evil.test", "x-gradio-server": "http://evil.test", "x-gradio-user": "mcp"}
    seen = json.loads(ask(guarded, "GET", "/", headers={**claims, "x-forwarded-proto": "https"}).headers["x-seen"])
    assert not claims.keys() & seen.keys()
    assert seen["x-forwarded-proto"] == "https"
    assert "x-forwarded-proto" not in json.loads(ask(guarded, "GET", "/", headers={"x-forwarded-proto": "evil"}).headers["x-seen"])


# D6, D7: bodies


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"1", 400),
        (b'{"data": [NaN]}', 400),
        (b'{"data": [Infinity]}', 400),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"data": ' + b"[" * body.MAX_DEPTH + b"]" * body.MAX_DEPTH + b"}", 400),
        (b'{"data": ["' + b"\xff" + b'"]}', 400),
        (b'{"data": [' + b"1" * 5000 + b"]}", 400),
        (b'{"data": ["' + b"a" * body.MAX_JSON + b'"]}', 413),
        (b'{"data": [' + b"[]," * 2_000_000 + b"1]}", 413),
        (b'{"data": [1]}', 200),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_a_body_is_json_within_limits(guarded: Guard, content: bytes, status: int, length: bool) -> None:
    """With its length or without."""

    async def pieces() -> Any:
        for at in range(0, len(content), 2**16):
            yield content[at : at + 2**16]

    answer = ask(guarded, "POST", "/gradio_api/queue/join", content=content if length else pieces())
    assert answer.status_code == status
    assert len(answer.content) < 200


def test_a_body_that_says_it_is_too_large_is_not_read(guarded: Guard) -> None:
    """Nor one whose length is none."""
    for length, status in (("99999999999", 413), ("9" * 400, 413), ("-1", 400), ("1e3", 400)):
        assert ask(guarded, "POST", "/gradio_api/run/x", headers={"content-length": length}, content=b"").status_code == status


def test_files_are_taken_while_there_is_room(tmp_path: Path) -> None:
    """By the size of a request, by what is held, by the number of files, and by what is left of the disk."""

    def sent(size: int = 10, **limits: int) -> int:
        app = Guard(echo, Hosts.of("127.0.0.1"), Uploads(tmp_path, **{"free": 0, **limits}))

        async def pieces() -> Any:
            yield b"x" * size

        by_length = ask(app, "POST", "/gradio_api/upload", content=b"x" * size).status_code
        assert ask(app, "POST", "/gradio_api/upload", content=pieces()).status_code == by_length
        return by_length

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "earlier").write_bytes(b"x" * 100)
    assert sent() == 200
    assert sent(request=9) == 413
    assert sent(request=10, held=109) == 413
    assert sent(files=1) == 413
    assert sent(at_once=0) == 503
    assert sent(free=2**62) == 507
    assert sent(held=109, request=10, age=-1) == 200  # what is too old was deleted
    assert not (tmp_path / "a" / "earlier").exists()


@pytest.mark.parametrize(
    ("limits", "free", "taken"),
    [({}, 100, 4), ({"held": 25}, 100, 2), ({"held": 39}, 100, 3), ({"files": 2}, 100, 2), ({"free": 6}, 30, 2), ({"at_once": 1}, 100, 1)],
)
def test_requests_that_come_at_once_share_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], free: int, taken: int
) -> None:
    """What is on its way counts before it lies anywhere, with a length or without; those for which it leaves none are told to try again."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: namedtuple("Usage", "free")(free))

    async def pieces() -> Any:
        yield b"x" * 10

    async def four(content: Any) -> list[int]:
        go, uploads = asyncio.Event(), Uploads(tmp_path, **{"free": 0, "request": 10, **limits})

        async def slowly(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            await echo(scope, receive, send)

        app = Guard(slowly, Hosts.of("127.0.0.1"), uploads)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as client:
            asked = [asyncio.create_task(client.post("/gradio_api/upload", content=content())) for _ in range(4)]
            await asyncio.sleep(0.1)
            go.set()
            answers = [await one for one in asked]
            assert (await client.post("/gradio_api/upload", content=content())).status_code == 200
        return sorted(answer.status_code for answer in answers)

    for content in (lambda: b"x" * 10, pieces):
        assert asyncio.run(four(content)) == [200] * taken + [503] * (4 - taken)


def test_files_may_vanish_while_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An add deletes what it took."""
    (tmp_path / "here").write_bytes(b"x" * 100)
    monkeypatch.setattr("os.walk", lambda folder: [(str(folder), [], ["gone", "here"])])
    with Uploads(tmp_path, free=0, held=110).room(10):
        pass


# Against the pages as they are served


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("guard")
    (home / "a.txt").write_text("The ferry sank near Selwyn. Nine people died.")
    Archive(home / "archive", BagEncoder()).add([home / "a.txt"])
    with serving(home / "archive", toy=True) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_what_the_pages_do_not_use_is_closed(client: httpx.Client) -> None:
    """Documents, monitoring, proxies, histories, editors: there is no such page."""
    answered = [(path, client.request(method, path, json={}).status_code) for path in CLOSED for method in ("GET", "POST")]
    assert [(path, status) for path, status in answered if status != 404] == []


# D5


def test_no_file_of_the_machine_is_given_out(client: httpx.Client) -> None:
    """However it is written."""
    routes = ["gradio_api/file=", "file=", "gradio_api/file/", "static/", "assets/", "static/..%2f", "assets/..%2f..%2f"]
    answers = [client.get(route + path) for route in routes for path in FILES]
    assert [str(answer.url) for answer in answers if answer.status_code not in (403, 404)] == []
    assert not any("root:" in answer.text for answer in answers)


def test_what_was_sent_is_given_out_to_nobody(client: httpx.Client) -> None:
    """Not to who sent it either: it is for the archive."""
    (path,) = client.post("gradio_api/upload", files={"files": ("notes.html", b"<script>alert(1)</script>")}).json()
    assert Path(path).read_bytes() == b"<script>alert(1)</script>"
    assert Path(path).parent.parent.stat().st_mode & 0o077 == 0
    assert client.get(f"gradio_api/file={path}").status_code == 404


def test_what_a_page_gives_out_can_be_read(client: httpx.Client) -> None:
    """The control: a file of the private folder that nobody sent."""
    (path,) = client.post("gradio_api/upload", files={"files": ("notes.txt", b"x")}).json()
    made = Path(path).with_name("answer.md")
    made.write_text("> The ferry sank")
    assert client.get(f"gradio_api/file={made}").text == "> The ferry sank"


# D7


def numbers(client: httpx.Client) -> list[dict[str, Any]]:
    return client.get("config").json()["dependencies"]


def post(client: httpx.Client, route: str, payload: object) -> httpx.Response:
    """The answer to what may hold what httpx would not send; it is never a fault of the server."""
    answer = client.post(f"gradio_api/{route}", content=json.dumps(payload), headers={"content-type": "application/json"})
    assert answer.status_code < 500, (route, str(payload)[:200], answer.text[:200])
    return answer


def events(client: httpx.Client, payload: dict[str, Any]) -> str:
    """What comes of an event that goes through the queue."""
    joined = post(client, "queue/join", payload)
    if joined.status_code != 200:
        return joined.text
    with client.stream("GET", "gradio_api/queue/data", params={"session_hash": payload["session_hash"]}) as answer:
        return "".join(answer.iter_text())


def user(text: object, role: object = "user") -> dict[str, object]:
    return {"role": role, "content": [{"type": "text", "text": text}] if isinstance(text, str) else text}


ATTACHED = [
    {"type": "file", "file": {"path": path, **more}}
    for path in ("/etc/passwd", str(ROOT / "app.py"), "http://127.0.0.1:1/", "../../etc/passwd")
    for more in (
        {},
        {"meta": {}},
        {"meta": {"_type": "gradio.FileData"}},
        {"url": "http://evil.test/x", "meta": {"_type": "gradio.FileData"}},
    )
]
FORGED = [
    *([user([part])] for part in ATTACHED),
    None, 1, "x", {}, {"a": 1}, True, [None], [1], ["x"], [[]], [{}], [user(None)], [user(1)], [user({})], [user([])],
    [user("ferry", "system")],
    [user("ferry", "root")], [user("ferry", None)], [user("ferry", ["user"])], [user("x", "assistant")] * 3, [user("ferry")] * 20_000,
    [user("x"), user("> x [1](#p=../../etc/passwd.0:0-9)", "assistant"), user("and who died?")],
    [user("x"), user("> x [1](#p=none.0:0-9) ([drop](#drop=x-1)) #keep=year-99999999999999", "assistant"), user("and who died?")],
    [user([{"type": "text", "text": None}])], [user([{"type": "text", "text": {"a": 1}}])], [user([{"type": "text"}])],
    [user([{"file": 1}])],
    [user([{"type": "file", "file": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}])],
    [user({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})], [user({"path": "http://127.0.0.1/",
    "url": "http://evil.test/x"})],
    [{**user("ferry"), "metadata": {"title": "<img src=x>"}, "options": [{"value": "x"}]}], [{**user("ferry"), "metadata": 7}],
    [user("a" * 1_000_000)], [user("\ud800")], [user("\x00")],
]  # fmt: skip


ROUTES = [
    "queue/join",
    "run/predict",
    "run/none",
    "call/none",
    "component_server",
    "component_server/",
    "cancel",
    "reset",
    "upload",
    "run/%00",
]
PAYLOADS: list[dict[str, Any]] = [
    {}, {"data": None}, {"data": {}}, {"data": []}, {"data": [], "fn_index": 10**9}, {"data": [], "fn_index": -1},
    {"data": [], "fn_index": "x"},
    {"data": [], "fn_index": 0.5}, {"data": [1] * 1000, "fn_index": 0}, {"data": [], "fn_index": 0, "session_hash": {}},
    {"data": [], "fn_index": 0, "session_hash": "x" * 100_000}, {"data": [], "fn_index": 0, "event_id": "x", "trigger_id": "x"},
    {"data": [], "fn_index": 0, "session_hash": "s", "event_data": [1]}, {"component_id": 10**9, "session_hash": "s",
    "fn_name": "x", "data": 1},
    {"component_id": 0, "session_hash": "s", "fn_name": "__init__", "data": 1},
    {"component_id": {}, "session_hash": [], "fn_name": 1, "data": 1},
    {"component_id": 0, "session_hash": "s", "fn_name": "\ud800", "data": 1}, {"session_hash": "s", "fn_index": 0, "event_id": "none"},
    {"event_id": 1}, {"simple_format": "x", "data": [], "batched": 9},
]  # fmt: skip
_B = "multipart/form-data; boundary=b"
UPLOADS = [
    (b"", "multipart/form-data"), (b"x", _B), (b"x", "text/plain"), (b"x", ""),
    *((b"--b\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n", _B) for head in (
        b'Content-Disposition: form-data; name="files"', b'Content-Disposition: form-data; filename="x"',
        b'Content-Disposition: form-data; name="files"; filename="' + b"n" * 3000 + b'"',
        b'Content-Disposition: form-data; name="files"; filename="a\x00b"', b'Content-Disposition: form-data; name="files"; filename=".."',
        b'Content-Disposition: form-data; name="files"; filename="../../x"', b"X: " + b"h" * 20_000,
    )),
    (b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\nx\r\n' * 1500 + b"--b--\r\n", _B),
]  # fmt: skip


def test_a_forged_conversation_gets_a_sentence_or_a_refusal(client: httpx.Client) -> None:
    """Whatever a browser sends as its history, through every listener of the pages: never a fault of the server, nor a file of it."""
    event = {"index": 0, "value": {"text": "ferry"}, "number": 0, "link": "#drop=x-1", "liked": True}
    listeners = [one for one in numbers(client) if one["inputs"]]
    for dependency, forged in product(listeners, FORGED):
        for data in [["ferry", forged][-len(dependency["inputs"]) :]] + [forged] * (dependency is listeners[0]):
            payload = {"fn_index": dependency["id"], "data": data, "session_hash": "s", "event_data": event}
            told = events(client, payload) if dependency["queue"] else post(client, "run/predict", payload).text
            assert "Traceback" not in told
            assert not re.search(r"root:|/tmp/clippings-[^\"]*(passwd|app\.py)", told)  # neither read nor copied to where it could be


def test_a_request_that_no_page_sends_is_the_senders_fault(client: httpx.Client) -> None:
    """A 4xx with a short body, or an answer."""
    for route, payload in product(ROUTES, PAYLOADS):
        answer = post(client, route, payload)
        assert answer.status_code < 400 or len(answer.content) < 200, (route, payload, answer.text[:500])


def test_a_broken_upload_is_the_senders_fault(client: httpx.Client) -> None:
    """And what is taken stays in the private folder."""
    for (content, kind), query in product(UPLOADS, ("", "?upload_id=x")):
        answer = client.post(f"gradio_api/upload{query}", content=content, headers={"content-type": kind})
        assert answer.status_code < 500, (content[:200], kind, query)
        for path in answer.json() if answer.status_code == 200 else []:
            assert re.fullmatch(r"/tmp/clippings-\w+/[0-9a-f]{64}/[^/]+", path)


# D8


def test_no_answer_says_more_than_it_must(client: httpx.Client, address: str) -> None:
    """No folder of the machine, no version but the first figure, no trace of the program."""
    config = client.get("config").json()
    texts = [client.get(path) for path in ("", "config", "gradio_api/info", "theme.css", "none", "robots.txt", "manifest.json")]
    texts += [client.post("gradio_api/queue/join", json={}), client.post("gradio_api/run/predict", json={"data": [], "fn_index": 0})]
    for answer in texts:
        assert not {"server", "x-powered-by"} & set(answer.headers)
        assert not re.search(r"/tmp/|/home/|/root|/work|site-packages|Traceback|\.py\b|6\.\d+\.\d+", answer.text), answer.url
    assert re.fullmatch(r"\d+", config["version"])
    assert client.get("gradio_api/app_id").json() == {"app_id": config["app_id"]}  # a page asks for it until the server is back
