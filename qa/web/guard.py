"""What stands between the network and gradio: it decides which requests are answered, and what every answer says to the browser.

A pure ASGI middleware, the outermost one. It knows nothing of questions or articles. A request passes when it names this server, comes from
one of its own pages (or from no page at all), asks for a route that the pages use, and sends no more than they would. Whatever
newer versions of gradio add stays closed until it is named here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web import body
from qa.web.door import Door
from qa.web.refusal import RefusedError
from qa.web.uploads import Uploads

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_NAME = r"[\w.-]+"
# The routes of gradio that its pages and its clients use, each matched whole; the pages themselves are added to them.
_OPEN = {
    "GET": (
        "/", "/config/?", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", r"/(?:assets|static)/[\w./-]{1,200}",
        "/gradio_api/(?:info/?|app_id/?|theme.css|queue/data|upload_progress)",
        f"/gradio_api/heartbeat/{_NAME}", f"/gradio_api/call/{_NAME}/{_NAME}", "/gradio_api/file=.+",
    ),
    "POST": (
        "/gradio_api/(?:queue/join|component_server/?|cancel|reset/?|upload)",
        f"/gradio_api/(?:run|call)/{_NAME}/?",
    ),
}  # fmt: skip
_MCP = r"/gradio_api/mcp(?:/.*)?"

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
# Of scripts, gradio's own files, and the inline ones of its page by their digests: no handler or script that a text smuggles in. It
# compiles the pages' scripts at run time, hence 'unsafe-eval', and styles every element by attribute, hence 'unsafe-inline' for styles.
_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{digests}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# Gradio builds addresses from what proxies say, so only the one thing that a page behind one needs is let through.
_UNTRUSTED = re.compile(rb"forwarded|x-forwarded-.*|x-gradio-server|x-gradio-user|x-direct-url")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that a server answers to, in lower case; any address in figures too where it listens on all of them.

    A page elsewhere can point a name of its own at this server (DNS rebinding), but not an address.
    """

    names: frozenset[str]
    any_address: bool = False

    @classmethod
    def of(cls, host: str, names: Collection[str] = ()) -> Hosts:
        """Those of a server that listens on `host`, and the `names` that its users type."""
        more = frozenset(name.lower() for name in names)
        if host in LOOPBACK:
            return cls(LOOPBACK | more)
        everywhere = host in ("0.0.0.0", "::", "")  # noqa: S104
        return cls((LOOPBACK if everywhere else frozenset({host.lower()})) | more, everywhere)

    def has(self, header: str) -> bool:
        """Whether a Host header names this server, with whatever port."""
        try:
            parts = urlsplit(f"//{header}")
            name = parts.hostname or ""
            _ = parts.port  # a ValueError where it is none
        except ValueError:
            return False
        if parts.netloc != header or "@" in header:
            return False
        return name in self.names or (self.any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """The middleware. `pages`: their paths without slashes; `door`: who may enter, everybody where there is none."""

    def __init__(
        self, app: ASGIApp, hosts: Hosts, uploads: Uploads, pages: Collection[str] = (), mcp: bool = False, door: Door | None = None
    ):
        self._app = app
        self._hosts = hosts
        self._uploads = uploads
        self._door = door
        reading = [*_OPEN["GET"], *(f"/{re.escape(page)}/?" for page in pages if page), *([_MCP] if mcp else [])]
        writing = [*_OPEN["POST"], *([_MCP] if mcp else [])]
        self._open = {"GET": _any_of(reading), "HEAD": _any_of(reading), "POST": _any_of(writing), "DELETE": _any_of([_MCP] if mcp else [])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":  # the pages use none
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = _Answer(send, scope["path"])
            try:
                await self._pass(scope, receive, answer)
            except RefusedError as refusal:
                await answer.refuse(refusal)

    async def _pass(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = Headers(scope=scope)
        self._check_source(scope["method"], headers)
        if self._door and not await self._door.lets_in(scope, receive, answer):
            return
        self._check_route(scope)
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if _trusted(name, value, scope["path"])]}
        if scope["method"] != "POST":
            await self._app(scope, receive, answer)
        elif scope["path"] != "/gradio_api/upload":
            await self._app(scope, await body.json_only(scope, receive), answer)
        else:
            with self._uploads.room(body.declared(scope, self._uploads.request)):
                await self._app(scope, body.counted(receive, self._uploads.request), answer)

    def _check_source(self, method: str, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._hosts.has(hosts[0]):
            raise RefusedError(421, "This server does not go by that name.")
        if method in ("GET", "HEAD"):
            return
        if any(_server(origin) != hosts[0].lower() for origin in headers.getlist("origin")) or headers.get(
            "sec-fetch-site", "none"
        ) not in ("same-origin", "none"):
            raise RefusedError(403, "This server takes nothing from the pages of others.")

    def _check_route(self, scope: Scope) -> None:
        path = scope["path"]
        if scope["method"] not in self._open:
            raise RefusedError(405, "There is no such method here.")
        if not self._open[scope["method"]].fullmatch(path):
            raise RefusedError(404, "There is no such page.")
        if path.startswith("/gradio_api/file=") and not self._uploads.may_be_read(Path(path.partition("=")[2])):
            raise RefusedError(404, "There is no such file.")


def _any_of(patterns: Collection[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.ASCII)


def _trusted(name: bytes, value: bytes, path: str) -> bool:
    """Whether gradio sees a header. Pages are asked for uncompressed, so that their inline scripts can be digested."""
    if name == b"accept-encoding":
        return path.startswith(("/assets/", "/static/", "/gradio_api/"))
    return not _UNTRUSTED.fullmatch(name) or (name, value) == (b"x-forwarded-proto", b"https")


class _Answer:
    """`send`, with the headers that every answer has; the inline scripts of a page are allowed by their digests."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._path = path
        self._start: Message | None = None
        self._page = bytearray()
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            if not _is_page(message):
                await self._begin("")
        elif self.begun:
            await self._send(message)
        else:
            self._page += message.get("body", b"")
            if not message.get("more_body", False):
                await self._begin(_digests(bytes(self._page)))
                await self._send({"type": "http.response.body", "body": bytes(self._page)})

    async def refuse(self, refusal: RefusedError) -> None:
        """Say why, unless an answer has begun."""
        if not self.begun:
            await refusal.response()({"type": "http"}, _nothing, self)

    async def _begin(self, digests: str) -> None:
        assert self._start
        self.begun = True
        if self._start["status"] == 500 and self._path.startswith("/gradio_api/run/"):
            self._start["status"] = 422  # a listener that raised, or was not even reached: ours raise only on what their page does not send
        self._start.setdefault("headers", [])
        headers = MutableHeaders(scope=self._start)
        for name in [name for name in headers if name.startswith("access-control-") or name in ("server", "x-powered-by")]:
            del headers[name]
        headers.update({**_HEADERS, "content-security-policy": _CSP.format(digests=digests)})
        await self._send(self._start)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _is_page(start: Message) -> bool:
    return Headers(raw=start.get("headers", [])).get("content-type", "").startswith("text/html")


def _digests(page: bytes) -> str:
    found = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE_SCRIPT.findall(page))
    return "".join(f" 'sha256-{digest}'" for digest in found)


def _server(origin: str) -> str:
    """The server of an origin, with its port; nothing of what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
