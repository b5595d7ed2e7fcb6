"""Destinations by the command line: what is wrong with one is said before the night, and a test sends itself alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_stand_ins import KEY, StandIn, stand_in
from cli_world import am, data

from monitor.sandbox import Sandbox


@pytest.fixture
def service() -> Iterator[StandIn]:
    with stand_in() as sink:
        yield sink


def destinations(config: Path, sandbox: Sandbox, written: str, more: str = "") -> None:
    """Put other destinations into the configuration of the sandbox."""
    text = config.read_text()
    before = f"destinations = [{json.dumps(sandbox.webhook_url)}]"
    assert before in text
    config.write_text(text.replace(before, f"destinations = [{written}]") + more)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            '"mailtoo://ada:hunter2@mail.example"',
            'has the scheme "mailtoo", which no service has; did you mean \'mailto',
        ),
        ('"slack://hunter2"', "is no whole slack:// URL; compare it with https://"),
        (
            '{ url = "pagerduty://@hunter2", when = ["paused"] }',
            "holds no key of the service; write it as in pagerduty",
        ),
        ('"append:/etc/hunter2"', "is a file outside of the state folder; write it as in"),
        ('{ url = "cloudevents+https:///hunter2", secret = "env:S" }', "is a webhook without a host; write it as in"),
        ('"https:///hunter2"', "is a webhook without a host; write it as https://host/path"),
    ],
)
def test_a_literal_destination_that_cannot_be_sent_to_is_refused_in_one_sentence_without_its_secret(
    config: Path, sandbox: Sandbox, written: str, said: str
) -> None:
    destinations(config, sandbox, written)
    (line,) = am("config", "check", expect=78).stderr.splitlines()
    assert said in line, line
    assert "owner[0].destinations[0] ('platform')" in line
    assert "hunter2" not in line
    assert data("config", "check", expect=78)["problems"] == [line.removeprefix("Error: ")]


def test_what_a_reference_names_is_not_read_by_the_check(config: Path, sandbox: Sandbox) -> None:
    destinations(config, sandbox, '"env:NOWHERE", { url = "env:NOWHERE_EITHER", when = ["paused"] }')
    assert "is in order" in am("config", "check").stdout


def test_a_test_of_a_group_reaches_every_kind_of_destination(
    config: Path, sandbox: Sandbox, service: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAGER_URL", f"pagerduty://{KEY}?url=http://{service.address}/v2/enqueue")
    monkeypatch.setenv("JIRA_URL", f"jsm://{KEY}?url=http://{service.address}/jsm/ops/integration/v2/alerts")
    monkeypatch.setenv("SIGNING", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    destinations(
        config,
        sandbox,
        f"""
          {{ url = "env:PAGER_URL", when = ["paused"], quiet = "00:00-23:59", zone = "UTC" }},
          "env:JIRA_URL",
          {{ url = "cloudevents+http://{service.address}/hook", secret = "env:SIGNING" }},
          "append:told/notices.jsonl",
        """,
        '\n[[owner]]\nkey = "everybody"\nowners = ["platform"]\n',
    )
    am("poll")
    rows: list[dict[str, Any]] = data("notify", "test", "everybody")
    assert [(row["destination"], row["state"]) for row in rows] == [
        (f"platform#{place}", "sent") for place in range(1, 5)
    ]
    assert set(service.alerts.values()) == {"closed"}, "a test leaves no alert open"
    (event,) = [request.json for request in service.received if request.path == "/hook"]
    assert event["type"] == "io.access-monitor.notice.test.v1"
    (file,) = tmp_path.rglob("notices.jsonl")
    assert json.loads(file.read_text())["reason"] == "test"
    waiting = [row["destination"] for row in data("outbox")]
    assert waiting == ["platform#2", "platform#3", "platform#4"], "the pager takes pauses alone, and nothing was sent"
    shown = "".join(am(*words).output for words in (("notices",), ("outbox", "--all"), ("events",), ("config", "show")))
    assert KEY not in shown
    assert "MfKQ9r8" not in shown
    for row in data("notices"):
        am("notices", row["id"])


def test_what_is_held_back_is_shown_as_that(config: Path, sandbox: Sandbox) -> None:
    destinations(config, sandbox, f'{{ url = {json.dumps(sandbox.webhook_url)}, quiet = "00:00-23:59", zone = "UTC" }}')
    am("poll")
    assert [row["held_back"] for row in data("outbox")] == [False], "no relay has looked at it yet"
