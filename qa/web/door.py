"""Who may enter: names and passwords from a file, a page to log in on, sessions by cookie, and HTTP Basic for programs.

It stands before every route, so that none can be forgotten. Passwords are compared in constant time; who is wrong too often waits.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import html
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from index.errors import UsageError
from qa.web import body
from qa.web.refusal import RefusedError

MIN_PASSWORD = 8
_COOKIE = "clippings-session"
_SESSION_SECONDS = 12 * 3600
_MAX_SESSIONS = 1000
# So many wrong tries at a name are free; each further one doubles the wait, up to the longest. From one address, at whatever names, it is
# more of them: behind a proxy everybody has the same one.
_FREE_TRIES = 5
_FREE_NAMES = 50
_LONGEST_WAIT = 60
_MAX_TRIERS = 10_000
# A path of this server: browsers take "//x" and "/\\x" for other servers.
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*", re.ASCII)

# The form names no address: so it is sent to that of the page, whose fragment (the citation of a link) the browser takes along, and on from
# there.
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Clippings</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><style>
body{{font:1rem/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}}
form{{display:grid;gap:.8rem;width:min(20rem,90vw)}} h1{{font:400 1.6rem/1.3 Charter,Georgia,serif;margin:0}}
label{{display:grid;gap:.2rem}} input,button{{font:inherit;padding:.5rem .7rem;border:1px solid GrayText;border-radius:.4rem}}
button{{background:#0f766e;border-color:#0f766e;color:#fff;cursor:pointer}} p{{margin:0}}
</style></head><body><main><form method="post"><h1>Clippings</h1><p role="alert">{says}</p>
<label>Name <input name="username" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<input type="hidden" name="next" value="{next}"><button>Log in</button></form></main></body></html>"""


def accounts(file: Path) -> dict[str, str]:
    """The names of a file and their passwords, "name:password" a line; a UsageError where it cannot be trusted or read."""
    try:
        if file.stat().st_mode & 0o077:
            raise UsageError(f"{file}: others can read it: run 'chmod 600' on it")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: it should have a line 'name:password' for everyone who may enter") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        name, _, password = line.strip().partition(":")
        if not name or name.startswith("#"):
            continue
        if len(password) < MIN_PASSWORD or name in found:
            raise UsageError(f"{file}:{number}: a line is 'name:password', each name once, each password {MIN_PASSWORD} characters or more")
        found[name] = password
    if not found:
        raise UsageError(f"{file}: nobody may enter: give it a line 'name:password'")
    return found


class Door:
    """Lets in who has a session or gives a name and its password."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._key = secrets.token_bytes()
        self._known = {name: self._digest(password) for name, password in known.items()}
        self._sessions: OrderedDict[bytes, float] = OrderedDict()
        self._wrong: OrderedDict[tuple[str, bytes], tuple[int, float]] = OrderedDict()

    async def lets_in(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether a request may pass; where it may not, it was answered here. A RefusedError where it has to wait."""
        headers, path = Headers(scope=scope), scope["path"].rstrip("/")
        if path == "/login":
            response = await self._log_in(scope, receive, headers)
        elif path == "/logout":
            response = self._log_out(headers)
        elif self._has_session(headers) or self._is_known(scope, headers):
            return True
        else:
            response = _stopped(scope, headers)
        await response(scope, receive, send)
        return False

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")

    def _has_session(self, headers: Headers) -> bool:
        token = self._digest(_token(headers))
        if self._sessions.get(token, 0) < time.monotonic():
            self._sessions.pop(token, None)
            return False
        return True

    def _is_known(self, scope: Scope, headers: Headers) -> bool:
        """Whether the Authorization header of a program is right."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        return self._is_right(_client(scope), name, password)

    def _is_right(self, client: str, name: str, password: str) -> bool:
        """A RefusedError where this address has to wait with this name, or with any."""
        limits = {(client, self._digest(name)): _FREE_TRIES, (client, b""): _FREE_NAMES}
        wait = max(self._wrong.get(key, (0, 0.0))[1] for key in limits) - time.monotonic()
        if wait > 0:
            raise RefusedError(429, "Too many wrong passwords: wait a little.", wait=int(wait) + 1)
        right = hmac.compare_digest(self._known.get(name, self._key), self._digest(password))
        for key, free in limits.items():
            if right:
                self._wrong.pop(key, None)
            else:
                self._count(key, free)
            if self._wrong.get(key, (0, 0.0))[0] > _FREE_TRIES:  # of one name no more than the free tries count against the others
                break
        return right

    def _count(self, key: tuple[str, bytes], free: int) -> None:
        tries = self._wrong.get(key, (0, 0.0))[0] + 1
        delay = min(2 ** (tries - free), _LONGEST_WAIT) if tries >= free else 0
        self._wrong[key] = (tries, time.monotonic() + delay)
        self._wrong.move_to_end(key)
        while len(self._wrong) > _MAX_TRIERS:
            self._wrong.popitem(last=False)

    async def _log_in(self, scope: Scope, receive: Receive, headers: Headers) -> Response:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["method"] != "POST":
            return _page("", query)
        form = parse_qs((await body.read(scope, receive, 1 << 16)).decode("latin-1"), encoding="utf-8")
        name, password = (form.get(field, [""])[0] for field in ("username", "password"))
        try:
            if not self._is_right(_client(scope), name.strip(), password):
                return _page("That name and password do not fit.", form, 401)
        except RefusedError as refusal:
            if not _by_hand(headers):
                raise
            return _page(str(refusal), form, refusal.status, refusal.headers)
        response = RedirectResponse(_next(form), 303) if _by_hand(headers) else JSONResponse({"success": True})
        self._begin_session(response, headers)
        return response

    def _begin_session(self, response: Response, headers: Headers) -> None:
        token = secrets.token_urlsafe(32)
        self._sessions[self._digest(token)] = time.monotonic() + _SESSION_SECONDS
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        secure = headers.get("x-forwarded-proto") == "https"
        response.set_cookie(_COOKIE, token, max_age=_SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)

    def _log_out(self, headers: Headers) -> Response:
        self._sessions.pop(self._digest(_token(headers)), None)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(_COOKIE)
        return response


def _token(headers: Headers) -> str:
    return cookie_parser(headers.get("cookie", "")).get(_COOKIE, "")


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _by_hand(headers: Headers) -> bool:
    """Whether a person's browser asks for a page."""
    return "text/html" in headers.get("accept", "")


def _stopped(scope: Scope, headers: Headers) -> Response:
    if scope["method"] == "GET" and _by_hand(headers):
        address = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        return RedirectResponse(f"/login?next={quote(address, safe='')}", 303)
    # A browser would ask for a password of its own, in the middle of the page.
    challenge = {} if "sec-fetch-mode" in headers else {"www-authenticate": 'Basic realm="Clippings", charset="UTF-8"'}
    return JSONResponse({"error": "Log in first."}, 401, headers=challenge)


def _next(form: Mapping[str, list[str]]) -> str:
    address = form.get("next", ["/"])[0]
    return address if _OWN_PATH.fullmatch(address) else "/"


def _page(says: str, form: Mapping[str, list[str]], status: int = 200, more: Mapping[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", **(more or {})}
    return HTMLResponse(_PAGE.format(says=says, next=html.escape(_next(form))), status, headers=headers)
