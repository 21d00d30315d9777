"""Who may ask Dagster's web server what. Its own server takes commands from any page that a browser shows.

A page of another site can send requests to 127.0.0.1, under that address or under a name of its own that it lets point
there (DNS rebinding). So a request passes only under a name of this host, from a page of this server or from no page,
and changes anything only by POST of JSON, which a foreign page cannot send unasked. Beyond loopback it needs a token.
"""

import hashlib
import hmac
import ipaddress
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringrift.errors import InvalidInput

TOKEN_VARIABLE = "RINGRIFT_UI_TOKEN"
READ_ONLY_VARIABLE = "RINGRIFT_UI_READ_ONLY"
COOKIE = "ringrift_ui"
NAMES = ("127.0.0.1", "localhost", "::1")  # of a server on loopback
SHORTEST_TOKEN = 16
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the guard asks for.

    `token` is the password of a server that others can reach, None on loopback; `read_only` lets nothing be changed.
    """

    token: str | None = None
    read_only: bool = False

    @property
    def pass_key(self) -> str:
        """What the cookie of who has shown the token holds; the token does not follow from it."""
        return hmac.new((self.token or "").encode(), COOKIE.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status and the reason, in a line for the person who reads it."""

    status: int
    reason: str


def is_loopback(host: str) -> bool:
    """Whether an address or name to listen on can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def policy_of(host: str, environment: Mapping[str, str]) -> Policy:
    """The policy of a server that listens on `host`, with the token of RINGRIFT_UI_TOKEN.

    Raises InvalidInput where others could reach it and there is no token, and for a token too short to be one.
    """
    token, read_only = environment.get(TOKEN_VARIABLE), environment.get(READ_ONLY_VARIABLE) == "1"
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise InvalidInput(TOKEN_VARIABLE, "(not shown)", f"use {SHORTEST_TOKEN} characters or more, best random ones")
    if token is None and not is_loopback(host):
        raise InvalidInput(
            "--host",
            host,
            f"set {TOKEN_VARIABLE}, the password that people will be asked for, or listen on 127.0.0.1 and let them"
            " come by `ssh -L`",
            problem=f"{host!r} can be reached from other machines",
        )
    return Policy(token, read_only)


def refusal(policy: Policy, method: str, path: str, query: str, headers: Headers) -> Refusal | None:
    """Why a request does not pass, or None. A WebSocket's method is GET and its path's query is not looked at."""
    host = headers.get("host", "")
    if policy.token is None and _name(host) not in NAMES:
        return Refusal(421, f"this server answers as {', '.join(NAMES)} only")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return Refusal(403, "pages of other sites may not ask this server")
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
        return Refusal(403, "pages of other sites may not ask this server")
    if policy.token is not None and not _knows_token(policy, headers):
        return Refusal(401, f"the password is the server's {TOKEN_VARIABLE}")
    if method in SAFE_METHODS:
        asks = path.rstrip("/").endswith("/graphql") and "query" in QueryParams(query)
        return Refusal(405, "GraphQL is asked by POST") if asks else None
    if policy.read_only and not path.rstrip("/").endswith("/graphql"):  # there Dagster itself refuses mutations
        return Refusal(403, "this server is read-only")
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return Refusal(415, "use Content-Type: application/json")
    return None


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _knows_token(policy: Policy, headers: Headers) -> bool:
    """Whether the request brings the token as the password of Basic authentication, or the cookie got for it."""
    assert policy.token is not None
    if hmac.compare_digest(cookie_parser(headers.get("cookie", "")).get(COOKIE, "").encode(), policy.pass_key.encode()):
        return True
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        password = b64decode(given, validate=True).partition(b":")[2]
    except ValueError:
        return False
    return hmac.compare_digest(password, policy.token.encode())


class Guard:
    """An ASGI application before another one, which gets only what the policy lets pass."""

    def __init__(self, app: ASGIApp, policy: Policy):
        self._app, self._policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the refusal."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers, method = Headers(scope=scope), scope.get("method", "GET")
        query = scope["query_string"].decode("latin-1") if scope["type"] == "http" else ""
        found = refusal(self._policy, method, scope["path"], query, headers)
        if found is None:
            return await self._app(scope, receive, self._with_cookie(send))
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": found.reason})
        more = {"WWW-Authenticate": 'Basic realm="ringrift"'} if found.status == 401 else {}
        await PlainTextResponse(found.reason + "\n", found.status, more)(scope, receive, send)

    def _with_cookie(self, send: Send) -> Send:
        """`send` that gives the cookie along: browsers do not send a password with each WebSocket."""
        if self._policy.token is None:
            return send
        cookie = f"{COOKIE}={self._policy.pass_key}; HttpOnly; SameSite=Strict; Path=/".encode()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"set-cookie", cookie)]
            await send(message)

        return sending
