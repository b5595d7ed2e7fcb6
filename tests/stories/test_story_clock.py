"""The time of day is set while the daemon runs: polls, messages and leases go on, and the log keeps the old time until
the new one has stood.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from story_world import Daemon, Story, until

WRAPPER = Path(__file__).with_name("clock_wrapper.py")
HOUR, DAY = 3600, 86400


class Clock:
    """The time of day of a daemon."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        changed = self._file.with_suffix(".new")
        changed.write_text(str(seconds))
        changed.replace(self._file)  # never read half written


@contextmanager
def watching(story: Story, clock: Clock, **environ: str) -> Iterator[Daemon]:
    wrapper = (sys.executable, str(WRAPPER), str(clock._file))
    with story.daemon(wrapper=wrapper, **environ) as daemon:
        until(lambda: ready(daemon) == 200, "it is ready")
        yield daemon


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "offset")


@pytest.fixture
def active(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    # Shorter leases are renewed sooner than in five minutes.
    story.configure(story.entry(), **{'lease_dir = "': 'lease = "2s"\nlease_dir = "'})
    story.poll()
    story.activate()
    return story


def ready(daemon: Daemon) -> int:
    try:
        with urllib.request.urlopen(f"{daemon.lines('watching')[0]['http']}/readyz", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def memory(daemon: Daemon) -> int:
    """Bytes that it holds."""
    fields = Path(f"/proc/{daemon.process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def lease(story: Story) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((story.folder / "lease" / "production.json").read_text())
    return document["metadata"]


def goes_on(story: Story, daemon: Daemon) -> None:
    """Both sources are polled again, the lease is renewed, a change is told, and it says so of itself."""
    for path in ("/v1/models", "/pricing.md"):
        polls = story.provider.count(path)
        until(lambda path=path, polls=polls: story.provider.count(path) > polls + 1, f"{path} is polled again")
    written = lease(story)["written_at"]
    until(lambda: lease(story)["written_at"] != written, "the lease is renewed")
    messages = len(story.messages())
    price = f"{len(story.provider.requests)}.00"
    story.provider.prices = {"orion-2": (price, "6.00")}
    until(lambda: len(story.messages()) > messages, "the change is told")
    until(lambda: ready(daemon) == 200, "it is ready")


def near(text: str, seconds: float = 0) -> bool:
    """Return whether a time is that of the test's own clock, moved by so many seconds."""
    return abs(datetime.fromisoformat(text) - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(minutes=10)


@pytest.mark.parametrize("seconds", [-2 * HOUR, 60 * DAY])
def test_a_clock_that_was_set_stops_nothing_and_is_said_once(active: Story, clock: Clock, seconds: int):
    with watching(active, clock) as daemon:
        goes_on(active, daemon)
        before = memory(daemon)
        clock.set(seconds)
        until(lambda: daemon.lines("the clock was set"), "the step is said")
        goes_on(active, daemon)
        assert memory(daemon) - before < 60 * 2**20
        assert daemon.stop() == 0
    (step,) = active.events("--type", "clock.stepped")
    assert abs(step["data"]["by"] - seconds) <= 2
    assert near(step["data"]["from"])
    assert near(step["data"]["to"], seconds)
    assert all(near(event["recorded_at"]) and near(event["occurred_at"]) for event in active.events())
    assert near(lease(active)["written_at"])
    assert len(daemon.lines("the clock was set")) == 1


def test_a_glitch_of_ten_days_leaves_no_date_behind(active: Story, clock: Clock):
    with watching(active, clock) as daemon:
        clock.set(10 * DAY)
        until(lambda: daemon.lines("the clock was set"), "the step is said")
        goes_on(active, daemon)
        clock.set(0)
        until(lambda: len(daemon.lines("the clock was set")) == 2, "the step back is said")
        goes_on(active, daemon)
        assert daemon.stop() == 0
    there, back = active.events("--type", "clock.stepped")
    assert abs(there["data"]["by"] + back["data"]["by"]) <= 2
    assert all(near(event["recorded_at"]) and near(event["occurred_at"]) for event in active.events())
    assert active.json("outbox") == []


def test_a_change_that_is_pending_is_not_confirmed_by_a_clock_that_was_set_forward(active: Story, clock: Clock):
    active.config.write_text(active.config.read_text().replace('span = "0s"', 'span = "1d"'))
    with watching(active, clock) as daemon:
        active.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(
            lambda: [line for line in daemon.lines("polled") if line["verdict"] == "suspect"], "the change is pending"
        )
        clock.set(3 * DAY)
        until(lambda: daemon.lines("the clock was set"), "the step is said")
        polls = active.provider.count("/pricing.md")
        until(lambda: active.provider.count("/pricing.md") > polls + 4, "the page is polled again")
    assert active.status()["status"] == "active"
    assert active.events("--type", "price.changed") == []


def test_small_differences_are_followed_and_not_said(active: Story, clock: Clock):
    with watching(active, clock) as daemon:
        for seconds in (20, -20):
            clock.set(seconds)
            polls = active.provider.count("/pricing.md")
            until(lambda polls=polls: active.provider.count("/pricing.md") > polls + 2, "the page is polled again")
        goes_on(active, daemon)
        assert daemon.stop() == 0
    assert active.events("--type", "clock.stepped") == []


def test_a_database_from_the_future_stops_nothing(active: Story, clock: Clock):
    clock.set(10 * DAY)
    with watching(active, clock) as daemon:
        active.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: active.messages("PAUSED"), "the change is told")
        assert daemon.stop() == 0
    with active.daemon() as daemon:
        goes_on(active, daemon)
