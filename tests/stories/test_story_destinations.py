"""Destinations by the installed command: a pause is one alert from its beginning to its end, and no secret shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from alert_stand_ins import KEY, StandIn, stand_in
from story_world import Story, until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def service() -> Iterator[StandIn]:
    with stand_in() as sink:
        yield sink


def begin(story: Story, service: StandIn, *, quiet: str = "") -> None:
    """Orion is active, its owner a group of one who has four kinds of destinations."""
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.environ |= {
        "PAGER_URL": f"pagerduty://{KEY}?url=http://{service.address}/v2/enqueue",
        "JIRA_URL": f"jsm://{KEY}?url=http://{service.address}/jsm/ops/integration/v2/alerts",
        "SIGNING_SECRET": SECRET,
    }
    hook = story.provider.hook()
    head = {
        f'destinations = ["{hook}"]': f"""destinations = [
          {{ url = "{hook}"{quiet} }},
          {{ url = "env:PAGER_URL", when = ["paused", "denied"] }},
          {{ url = "env:JIRA_URL", when = ["paused"] }},
          {{ url = "cloudevents+http://{service.address}/hook", secret = "env:SIGNING_SECRET" }},
          "append:notices/all.jsonl",
        ]""",
        "[network]": '[notify]\nfallback_owner = "everybody"\n[network]',
    }
    group = '\n[[owner]]\nkey = "everybody"\nowners = ["platform"]\n'
    entry = story.entry().replace('owners = ["platform"]', 'owners = ["everybody", "platform"]')
    story.configure(group, entry, **head)
    assert story.run("config", "check").code == 0
    story.poll()
    story.activate()


def alert(service: StandIn) -> list[str]:
    return list(service.alerts.values())


def test_a_pause_is_one_alert_from_its_beginning_to_its_end_and_no_secret_shows(story: Story, service: StandIn) -> None:
    begin(story, service)
    story.provider.prices = {"orion-2": ("2.00", "6.00")}
    story.poll(2)
    story.deliver()
    (key,) = service.alerts
    assert key.startswith("orion-")
    assert alert(service) == ["open"]
    story.must("ack", "orion", "--by", "Ada L.", "--note", "on it")
    story.deliver()
    assert alert(service) == ["acknowledged"]
    story.poll()
    story.must("resume", "orion", "--by", "Ada L.", "--reason", "accepted")
    story.deliver()
    assert alert(service) == ["closed"]

    paused = story.messages("PAUSED")
    assert len(paused) == 1, "who is named twice is told once"
    types = [request.json["type"] for request in service.received if request.path == "/hook"]
    assert "io.access-monitor.notice.paused.v1" in types
    assert types[-1] == "io.access-monitor.notice.resumed.v1"
    told = [json.loads(line)["reason"] for line in (story.folder / "notices/all.jsonl").read_text().splitlines()]
    assert [reason for reason in told if reason in ("paused", "acknowledged", "resumed")] == [
        "paused",
        "acknowledged",
        "resumed",
    ]
    printed = [
        *(
            story.must(*words).out
            for words in (("notices", "--json"), ("outbox", "--all", "--json"), ("config", "show"))
        ),
        story.must("events", "--limit", "1000", "--format", "jsonl").out,
        (story.folder / "monitor.db").read_bytes().decode("latin-1"),
    ]
    for text in printed:
        assert KEY not in text
        assert SECRET.removeprefix("whsec_") not in text


def test_what_can_wait_waits_through_quiet_hours_and_a_pause_does_not(story: Story, service: StandIn) -> None:
    # The whole day but for a minute that is half a day away.
    noisy = datetime.now(UTC) + timedelta(hours=12)
    quiet = f"{noisy + timedelta(minutes=1):%H:%M}-{noisy:%H:%M}"
    begin(story, service, quiet=f', quiet = "{quiet}", zone = "UTC"')
    story.provider.prices = {"orion-2": ("2.00", "6.00")}
    story.poll(2)
    with story.daemon():
        until(lambda: story.messages("PAUSED"), "the pause arrives")
        until(lambda: held(story), "the rest is held back")
        until(lambda: len(service.received) > 1, "other destinations get it at once")
    assert story.messages("AVAILABLE") == []
    assert "held back: quiet hours or a digest" in story.must("outbox").out
    assert story.must("doctor").code == 0


def held(story: Story) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = story.json("outbox")
    return [row for row in rows if row["held_back"] and row["destination"] == "platform#1"]
