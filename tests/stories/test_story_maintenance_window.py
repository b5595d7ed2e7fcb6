"""Maintenance windows: a price moves where that was expected, the window ends, and what still deviates pauses once, for
the price's own sake.
"""

from __future__ import annotations

from typing import Any

import pytest
from story_world import Story, until

OLD, NEW, NEWER = ("1.00", "6.00"), ("2.00", "6.00"), ("2.00", "7.00")
INPUT, OUTPUT = "openai/orion-2/price.standard.short.input", "openai/orion-2/price.standard.short.output"


@pytest.fixture
def active(story: Story) -> Story:
    """Provide an entry that is active at its old price."""
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": OLD}
    story.configure(story.entry())
    story.poll()
    story.activate()
    return story


def expect(story: Story, *changes: str, end: str = "in 1h") -> int:
    """Open a window and return its position."""
    globs = [word for change in changes or ("openai/*/price.*",) for word in ("--change", change)]
    story.must("maintenance", "orion", "--until", end, *globs, "--by", "Ada L.", "--reason", "announced")
    return int(story.events("--type", "entry.window_opened")[-1]["position"])


def close(story: Story, position: int) -> None:
    story.must("maintenance", "orion", "--close", str(position), "--by", "Ada L.", "--reason", "done")


def reprice(story: Story, prices: tuple[str, str] = NEW) -> dict[str, Any]:
    """Let the page state other prices until they are confirmed, and return the last change."""
    story.provider.prices = {"orion-2": prices}
    story.poll(2)
    return story.events("--type", "price.changed")[-1]


def only_pause(story: Story) -> dict[str, Any]:
    (pause,) = story.events("--type", "entry.pause*")
    return pause


def check(story: Story, name: str = "pricing") -> dict[str, Any]:
    return next(row for row in story.json("checklist", "orion") if row["check"] == name)


def resume(story: Story) -> None:
    story.must("resume", "orion", "--by", "Ada L.", "--reason", "accepted")
    assert story.gate() == 0


def test_a_window_that_is_closed_pauses_once_on_the_price_that_moved_within_it(active: Story):
    window = expect(active)
    changed = reprice(active)
    assert (active.status()["status"], active.gate()) == ("active", 0)
    close(active, window)
    pause = only_pause(active)
    assert (pause["cause"], pause["data"]["causes"]) == (changed["position"], [changed["position"]])
    assert (pause["source"], pause["evidence"]) == ("openai-pricing", changed["evidence"])
    assert active.gate() == 1
    assert "price.changed" in active.must("why", "orion").out
    active.poll()
    assert check(active)["state"] == "verified"
    assert only_pause(active) == pause
    resume(active)


def test_a_window_that_ends_by_time_is_noticed_by_whoever_polls(active: Story):
    expect(active, end="in 5s")
    changed = reprice(active)

    def paused() -> bool:
        active.poll(1, "openai-models")
        return bool(active.status()["status"] == "paused")

    until(paused, "the window ends")
    pause = only_pause(active)
    assert (pause["cause"], pause["source"], pause["evidence"]) == (
        changed["position"],
        "openai-pricing",
        changed["evidence"],
    )
    active.poll()
    assert check(active)["state"] == "verified"
    assert only_pause(active) == pause
    resume(active)


def test_a_running_daemon_pauses_once_tells_once_and_polls_what_that_made_stale(active: Story):
    expect(active, end="in 5s")
    changed = reprice(active)
    with active.daemon():
        until(lambda: active.status()["status"] == "paused", "the window ends")
        until(lambda: check(active)["state"] == "verified", "the price is verified anew")
        until(lambda: active.messages("PAUSED"), "the owner is told")
        resume(active)
    assert only_pause(active)["cause"] == changed["position"]
    (message,) = active.messages("PAUSED")
    assert "source openai-pricing, 2 polls" in message.text


def test_while_another_window_expects_it_the_end_of_one_pauses_nothing(active: Story):
    short, long = expect(active, INPUT), expect(active)
    reprice(active)
    close(active, short)
    assert active.status()["status"] == "active"
    close(active, long)
    assert only_pause(active)["data"]["pin"] == INPUT


def test_what_no_window_names_pauses_within_it_and_what_was_expected_adds_to_it_at_the_end(active: Story):
    window = expect(active, INPUT)
    reprice(active, NEWER)
    pause = only_pause(active)
    assert [shift["pin"] for shift in pause["data"]["shifts"]] == [OUTPUT]
    close(active, window)
    extended = active.events("--type", "entry.pause_extended")[-1]
    assert [shift["pin"] for shift in extended["data"]["shifts"]] == [INPUT]
    moved = {event["data"]["meter"]: event["position"] for event in active.events("--type", "price.changed")}
    assert (pause["cause"], extended["cause"]) == (moved["output"], moved["input"])
    reason = active.status()["reason"]
    assert reason.index("input: 1.00 → 2.00") < reason.index("output: 6.00 → 7.00"), (
        "the newest first, and none is lost"
    )
    assert reason in active.run("gate", "orion").out


def test_a_price_that_is_back_when_the_window_ends_pauses_nothing(active: Story):
    window = expect(active)
    reprice(active)
    reprice(active, OLD)
    close(active, window)
    assert (active.events("--type", "entry.pause*"), active.status()["status"]) == ([], "active")


def test_an_amendment_that_finds_a_deviation_names_the_price_that_moved(story: Story):
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": OLD}
    story.configure(story.entry(more='pause_on = "worse"'))
    story.poll()
    story.activate()
    changed = reprice(story, ("0.50", "6.00"))
    assert story.status()["status"] == "active"
    story.configure(story.entry(more='pause_on = "any"'))
    story.must("config", "accept", "--by", "Ada L.", "--reason", "a better price is to be looked at as well")
    story.poll()
    pause = only_pause(story)
    assert (pause["cause"], pause["source"], pause["evidence"]) == (
        changed["position"],
        "openai-pricing",
        changed["evidence"],
    )
    story.poll()
    assert check(story)["state"] == "verified"
    resume(story)
