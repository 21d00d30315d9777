"""Requests as browsers, scripts and attackers send them, against an application that would take each of them."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from ringrift.errors import InvalidInput
from ringrift_assets.web.guard import COOKIE, Guard, Policy, is_loopback, policy_of

HERE = "http://127.0.0.1:3000"
TOKEN = "correct horse battery staple"
MUTATION = {"query": "mutation { wipeAssets { __typename } }"}


async def taken(request: Request) -> PlainTextResponse:
    return PlainTextResponse("taken")


async def connected(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("taken")
    await socket.close()


class Answer(NamedTuple):
    status: int  # for a WebSocket the code of its close, 1000 after it was served
    text: str
    headers: dict[str, str]


class Client:
    """Speaks ASGI to a guarded application, under the name of `base`."""

    def __init__(self, policy: Policy, base: str = HERE):
        routes = [
            WebSocketRoute("/{path:path}", connected),
            Route("/{path:path}", taken, methods=["GET", "POST", "DELETE"]),
        ]
        self.base, self._app = base, Guard(Starlette(routes=routes), policy)

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        return self._ask("http", "GET", path, headers)

    def post(self, path: str, body: object, headers: Mapping[str, str] = {}) -> Answer:
        return self._ask("http", "POST", path, {"Content-Type": "application/json", **headers}, json.dumps(body))

    def connect(self, headers: Mapping[str, str] = {}) -> Answer:
        return self._ask("websocket", "GET", "/graphql", headers)

    def _ask(self, kind: str, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        where, query = path.partition("?")[::2]
        lines = {"Host": urlsplit(self.base).netloc, **headers}
        scope = {
            "type": kind,
            "path": where,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), text.encode("latin-1")) for name, text in lines.items()],
            **({"method": method} if kind == "http" else {"subprotocols": []}),
        }
        asked = [
            {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": body.encode()}
        ]
        told: list[Message] = []

        async def receive() -> Message:
            return asked.pop(0)

        async def send(message: Message) -> None:
            told.append(message)

        asyncio.run(self._app(scope, receive, send))
        if kind == "websocket":
            return Answer(told[-1]["code"], told[-1].get("reason") or "", {})
        found = {name.decode(): text.decode() for name, text in told[0]["headers"]}
        return Answer(told[0]["status"], b"".join(part["body"] for part in told[1:]).decode(), found)


@pytest.fixture
def local() -> Client:
    """Of a server on loopback."""
    return Client(Policy())


@pytest.mark.parametrize("base", [HERE, "http://localhost:3000", "http://[::1]:3000", "http://LOCALHOST"])
def test_its_own_pages_and_scripts_pass(base):
    local = Client(Policy(), base)
    assert local.get("/assets/training_db").text == "taken"
    assert local.get("/graphql").text == "taken", "the page on which people write queries"
    assert local.post("/graphql", MUTATION).text == "taken"
    own = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    assert local.post("/graphql", MUTATION, headers=own).text == "taken"
    assert local.connect(own).status == 1000


def test_a_link_from_another_site_opens_a_page(local):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert local.get("/runs", headers=link).status == 200


@pytest.mark.parametrize("base", ["http://evil.example", "http://127.0.0.1.evil.example:3000", "http://10.0.0.1:3000"])
def test_a_name_that_someone_else_lets_point_here_does_not_pass(base):
    stranger = Client(Policy(), base)
    for answer in (stranger.get("/"), stranger.post("/graphql", MUTATION)):
        assert answer.status == 421 and "localhost" in answer.text


@pytest.mark.parametrize("host", ["", "[", "127.0.0.1@evil.example", "evil.example:127.0.0.1", "\xff"])
def test_a_broken_host_header_does_not_pass(local, host):
    assert local.get("/", headers={"Host": host}).status == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:3001",
        "http://localhost:3000",
        "http://127.0.0.1:3000.evil.example",
    ],
)
def test_pages_of_other_sites_may_not_ask(local, origin):
    asked = {"Origin": origin}
    for answer in (
        local.post("/graphql", MUTATION, headers=asked),
        local.post("/report_asset_materialization/training_db", {}, headers=asked),
        local.get("/download_debug/1", headers=asked),
    ):
        assert answer.status == 403 and "other sites" in answer.text
    assert local.connect(asked).status == 1008


def test_a_picture_or_script_tag_of_another_site_may_not_ask(local):
    tag = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert local.get("/logs/1", headers=tag).status == 403


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql"])
def test_no_query_is_asked_by_get(local, path):
    assert local.get(f"{path}?{urlencode(MUTATION)}").status == 405
    assert local.get(f"{path}?variables=1&qu%65ry=mutation").status == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_is_no_request(local, kind):
    assert local.post("/graphql", MUTATION, {"Content-Type": kind}).status == 415


def test_a_read_only_server_changes_nothing_and_leaves_queries_to_dagster():
    shown = Client(Policy(read_only=True))
    assert shown.post("/report_asset_check/training_db", {}).status == 403
    assert shown.post("/graphql", {"query": "{ version }"}).status == 200


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"anybody:{password}".encode()).decode()}


def test_a_server_for_others_asks_for_its_token_once():
    far = Client(Policy(token=TOKEN), "http://trainer.example:3000")
    refused = far.get("/")
    assert refused.status == 401 and refused.headers["www-authenticate"].startswith("Basic")
    assert TOKEN not in refused.text and "set-cookie" not in refused.headers
    assert far.connect().status == 1008
    let_in = far.get("/", basic(TOKEN))
    cookie, *attributes = let_in.headers["set-cookie"].split("; ")
    assert let_in.status == 200 and TOKEN not in cookie and {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    again = {"Cookie": cookie}
    assert far.post("/graphql", MUTATION, again).status == 200
    assert far.connect(again).status == 1000
    assert far.post("/graphql", MUTATION, {**again, "Origin": "http://evil.example"}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        basic(""),
        basic(TOKEN + "x"),
        basic(TOKEN[:-1]),
        {"Authorization": "Basic !"},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": "Basic"},
        {"Cookie": f"{COOKIE}="},
        {"Cookie": f"{COOKIE}={Policy().pass_key}"},
        {"Cookie": f"{COOKIE}={TOKEN}"},
    ],
)
def test_nothing_else_is_the_token(headers):
    assert Client(Policy(token=TOKEN), "http://trainer.example").get("/", headers=headers).status == 401


def test_beyond_loopback_a_token_is_needed():
    assert policy_of("127.0.0.1", {}) == Policy() == policy_of("localhost", {})
    assert policy_of("::1", {"RINGRIFT_UI_READ_ONLY": "1"}) == Policy(read_only=True)
    assert policy_of("0.0.0.0", {"RINGRIFT_UI_TOKEN": TOKEN}) == Policy(token=TOKEN)
    for host in ("0.0.0.0", "::", "trainer.example", ""):
        assert not is_loopback(host)
        with pytest.raises(InvalidInput, match="RINGRIFT_UI_TOKEN"):
            policy_of(host, {})
    with pytest.raises(InvalidInput, match="16 characters") as short:
        policy_of("127.0.0.1", {"RINGRIFT_UI_TOKEN": "secret"})
    assert "secret" not in str(short.value)
