"""Who may ask the console for what: every request passes here before anything looks at it.

The loopback interface is shared by all users of a machine and by every page in a browser. So a
request names the right host, comes from no other site, and carries the token: as bearer, or for
reading as a cookie, from which the token cannot be made. Browsers send a cookie to every port of a
host, hence it is not the token itself, and nothing is changed for who shows it alone.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = "/healthz"
"""Answered to anybody: that the console is there."""

READING = ("GET", "HEAD")
LONGEST_BODY = 1 << 16  # bytes
NAMES = ("127.0.0.1", "localhost", "[::1]")

CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
FRAMED = "'self' http://localhost:* http://127.0.0.1:* https: vscode-webview:"
"""Where a notebook may show the console in a frame."""


@dataclass(frozen=True)
class Access:
    """What the console gives to whom.

    Parameters
    ----------
    token : str
        Secret of who started the console.
    port : int
        Port that a request must name.
    allow_run : bool
        Whether anything may be changed.
    framed : bool
        Whether a page of this machine may show the console in a frame, as a notebook does. The
        frame gets no cookie; so the files of the pages, which tell nothing, need no token then.
    """

    token: str
    port: int
    allow_run: bool = False
    framed: bool = False

    @property
    def cookie_name(self) -> str:
        """Name of the cookie: consoles on several ports keep theirs apart."""
        return f"pystamps-hpc-{self.port}"

    @property
    def cookie(self) -> str:
        """What the cookie holds; it lets read."""
        return hmac.new(self.token.encode(), b"read", hashlib.sha256).hexdigest()

    @property
    def hosts(self) -> frozenset[str]:
        """The values of ``Host`` that are answered."""
        names = {f"{name}:{self.port}" for name in NAMES}
        return frozenset({*names, *NAMES} if self.port == 80 else names)


class Guard:
    """Middleware that refuses what :class:`Access` does not give, and marks every answer.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    access : Access
        What is given.
    pages : frozenset of str
        Paths of the files of the pages.
    """

    def __init__(self, app: ASGIApp, access: Access, pages: frozenset[str]) -> None:
        self.app = app
        self.access = access
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        arrives = scope["path"] == "/" and self._is_token(_query_token(scope))

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message), arrives)
            await send(message)

        refusal = next(self._refusals(scope, headers, arrives), None)
        await (refusal or self.app)(scope, receive, marked)

    def _refusals(self, scope: Scope, headers: Headers, arrives: bool) -> Iterator[Response]:
        """Yield why a request is refused; nothing if it is not."""
        path, method = scope["path"], scope["method"]
        if headers.get("host", "") not in self.access.hosts:
            yield _refused(
                403, f"this console answers to localhost:{self.access.port} alone; use the same "
                "port number on both ends of the tunnel"
            )  # fmt: skip
        if path == OPEN and method in READING:
            return
        if _from_elsewhere(scope, headers, self.access):
            yield _refused(403, "the request comes from another site")
        bearer = self._is_token(headers.get("authorization", "").removeprefix("Bearer "))
        if method in READING:
            public = self.access.framed and path in self.pages
            if not (bearer or arrives or public or self._has_cookie(headers)):
                yield _unknown(path)
            return
        if method != "POST":
            yield _refused(405, "the console knows GET and POST alone")
        if not self.access.allow_run:
            yield _refused(
                403, "the console only reads: start it with --allow-run to change things"
            )
        if not bearer:
            yield _refused(
                401, "to change things, open the address that the console printed when it started"
            )
        if not headers.get("content-length", "").isdecimal():
            yield _refused(411, "the length of the request is missing")
        elif int(headers["content-length"]) > LONGEST_BODY:
            yield _refused(413, "the request is too long")

    def _mark(self, headers: MutableHeaders, arrives: bool) -> None:
        """Say what a browser may do with an answer; keep who has arrived with the token."""
        ancestors = FRAMED if self.access.framed else "'none'"
        headers["Content-Security-Policy"] = CONTENT.format(ancestors=ancestors)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers.setdefault("Cache-Control", "no-store")
        if arrives:
            headers.append(
                "Set-Cookie",
                f"{self.access.cookie_name}={self.access.cookie}; HttpOnly; SameSite=Strict; "
                "Path=/",
            )

    def _is_token(self, word: str) -> bool:
        return hmac.compare_digest(word.encode(), self.access.token.encode())

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.access.cookie_name)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(
            morsel.value.encode(), self.access.cookie.encode()
        )


def _query_token(scope: Scope) -> str:
    query: str = scope.get("query_string", b"")[:1000].decode("latin-1")
    return parse_qs(query).get("token", [""])[0]


def _from_elsewhere(scope: Scope, headers: Headers, access: Access) -> bool:
    """Whether a browser says that another site has made the request.

    A page at another port of the same host counts as another site, although browsers send it the
    cookie. To open the first page from a link is no harm.
    """
    if "origin" in headers:
        return headers["origin"] not in {f"http://{host}" for host in access.hosts}
    opened = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
    return not opened and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _unknown(path: str) -> Response:
    text = "open the address that the console printed when it started: it holds the token"
    if path.startswith("/api/"):
        return _refused(401, text)
    return PlainTextResponse(f"{text}\n", 401)


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)
