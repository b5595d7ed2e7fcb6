"""Pages in a browser on the monitor's machine: none that nobody named may ask the gate, or write a
name into the log.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from story_world import Daemon, Story

FLAG = "/ofrep/v1/evaluate/flags/orion"
GATE = "/v1/gate/orion?caller=a-page"
CONTEXT = json.dumps({"context": {"targetingKey": "a-page"}})
TOKEN = "gate-token-0123456789"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str


def ask(daemon: Daemon, method: str, path: str, body: str | None = None, **headers: str) -> Reply:
    """Send one request with exactly these headers; `_` in a name stands for a hyphen."""
    connection = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="Host" in given, skip_accept_encoding=True)
    for name, value in given.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode())
    connection.close()
    return reply


def begin(story: Story, web: str = "") -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry(), **{'listen = "127.0.0.1:0"\n': f'listen = "127.0.0.1:0"\n{web}'})
    story.poll()
    story.activate()


def refused(reply: Reply, status: int) -> None:
    """Check that it is a refusal in one sentence, also for a program."""
    assert reply.status == status, reply
    problem = json.loads(reply.text)
    assert problem["status"] == status
    assert problem["detail"] == problem["errorDetails"]
    assert problem["detail"].count(". ") == 0
    assert "json" in reply.headers["content-type"]
    assert "access-control-allow-origin" not in reply.headers


def callers(story: Story) -> set[str]:
    """Return who stands in the log as having asked, once the daemon has written everything."""
    return {event["data"]["caller"] for event in story.events("--type", "gate.*")}


FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"},
    {"Referer": "https://evil.example/page"},
)


def test_no_page_asks_or_writes_a_name_into_the_log(story: Story):
    begin(story)
    with story.daemon() as daemon:
        port = urlsplit(daemon.url).port
        for headers in FOREIGN:
            refused(ask(daemon, "GET", GATE, **headers), 403)
            refused(ask(daemon, "GET", "/v1/lease/production.json", **headers), 403)
            refused(ask(daemon, "POST", FLAG, CONTEXT, Content_Type="application/json", **headers), 403)
        for type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            reply = ask(daemon, "POST", FLAG, CONTEXT, **({"Content_Type": type} if type else {}))
            assert reply.status == 415
        preflight = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
        refused(ask(daemon, "OPTIONS", FLAG, Access_Control_Request_Headers="content-type", **preflight), 403)
        for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "[::2]"):
            refused(ask(daemon, "GET", GATE, Host=name), 421)
            refused(ask(daemon, "GET", GATE, Host=name, Origin=f"http://{name}", Sec_Fetch_Site="same-origin"), 421)
            refused(ask(daemon, "GET", "/healthz", Host=name), 421)
        for name in (
            "localhost",
            f"localhost:{port}",
            "LOCALHOST:80",
            "127.0.0.1",
            "127.5.6.7:9",
            "[::1]",
            f"[::1]:{port}",
        ):
            assert ask(daemon, "GET", "/v1/gate/orion?caller=program", Host=name).status == 200
        own = {"Origin": daemon.url, "Sec_Fetch_Site": "same-origin"}
        assert ask(daemon, "GET", "/v1/gate/orion?caller=program", **own).status == 200
        assert ask(daemon, "GET", "/v1/gate/orion?caller=program", Sec_Fetch_Site="none").status == 200
    assert callers(story) == {"program"}


def test_a_page_that_is_named_asks_by_ofrep(story: Story):
    begin(story, 'origins = ["https://app.example", "http://localhost:3000"]\n')
    with story.daemon() as daemon:
        for origin in ("https://app.example", "http://localhost:3000"):
            cross = {"Origin": origin, "Sec_Fetch_Site": "cross-site"}
            preflight = ask(
                daemon, "OPTIONS", FLAG, Access_Control_Request_Method="POST",
                Access_Control_Request_Headers="content-type", **cross,
            )  # fmt: skip
            assert preflight.status == 204
            assert preflight.headers["access-control-allow-origin"] == origin
            assert "POST" in preflight.headers["access-control-allow-methods"]
            assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
            assert preflight.headers["vary"] == "Origin"
            answer = ask(daemon, "POST", FLAG, CONTEXT, Content_Type="application/json", **cross)
            assert (answer.status, json.loads(answer.text)["value"]) == (200, True)
            assert answer.headers["access-control-allow-origin"] == origin
            flags = ask(daemon, "POST", FLAG.rpartition("/")[0], CONTEXT, Content_Type="application/json", **cross)
            assert flags.status == 200
            assert "ETag" in flags.headers["access-control-expose-headers"]
        for origin in ("https://app.example.evil.example", "http://app.example", "https://app.example:8443"):
            refused(ask(daemon, "POST", FLAG, CONTEXT, Content_Type="application/json", Origin=origin), 403)
        refused(ask(daemon, "GET", GATE, Sec_Fetch_Site="cross-site"), 403)


def test_with_tokens_any_name_will_do_and_the_token_decides(story: Story):
    begin(story, 'tokens = ["env:GATE_TOKEN"]\norigins = ["https://app.example"]\n')
    story.environ["GATE_TOKEN"] = TOKEN
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with story.daemon() as daemon:
        assert ask(daemon, "GET", GATE, Host="monitor.example", **bearer).status == 200
        refused(ask(daemon, "GET", GATE, Host="monitor.example"), 401)
        refused(ask(daemon, "GET", GATE, Host="monitor.example", Origin="https://evil.example", **bearer), 403)
        cross = {"Origin": "https://app.example", "Sec_Fetch_Site": "cross-site"}
        preflight = ask(
            daemon, "OPTIONS", FLAG, Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="authorization,content-type", **cross,
        )  # fmt: skip
        assert preflight.status == 204
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        answer = ask(daemon, "POST", FLAG, CONTEXT, Content_Type="application/json", **cross)
        assert answer.status == 401
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        answer = ask(daemon, "POST", FLAG, CONTEXT, Content_Type="application/json", **cross, **bearer)
        assert (answer.status, json.loads(answer.text)["value"]) == (200, True)


def test_the_names_of_callers_are_bounded_in_length_and_in_letters(story: Story):
    begin(story)
    with story.daemon() as daemon:
        assert ask(daemon, "GET", f"/v1/gate/orion?caller={'x' * 5000}").status == 200
        assert ask(daemon, "GET", "/v1/gate/orion?caller=%1b%5b31mred%0a%e2%80%aeverse").status == 200
    names = callers(story)
    assert len(names) == 2
    assert all(len(name) <= 100 and name.isprintable() for name in names)


@pytest.mark.parametrize("origin", ["*", "null", "app.example", "https://app.example/page", "https://*.app.example"])
def test_an_origin_that_is_none_is_refused_in_one_sentence(story: Story, origin: str):
    begin(story)
    story.config.write_text(story.config.read_text().replace("[web]\n", f'[web]\norigins = ["{origin}"]\n'))
    check = story.run("config", "check")
    assert check.code == 78
    assert "web.origins[0]" in check.err
