"""A source or an entry gets another key: production and history go on, and what is lost is said first."""

from __future__ import annotations

import signal

import pytest
from story_world import Story, until


@pytest.fixture
def active(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.must("poll")
    story.activate()
    return story


def edit(story: Story, old: str, new: str) -> None:
    text = story.config.read_text()
    assert text.count(old) == 1, old
    story.config.write_text(text.replace(old, new))


def test_a_renamed_source_pauses_nothing_and_goes_on_from_its_baseline(active: Story):
    edit(active, 'key = "openai-pricing"', 'key = "prices"\nwas = "openai-pricing"')
    checked = active.must("config", "check")
    assert "renames openai-pricing to prices" in checked.out
    active.must("poll")
    assert active.status()["status"] == "active"
    assert active.gate() == 0
    assert "first poll" not in checked.out
    events = active.events("--source", "prices")
    assert next(event["type"] for event in events if event["source"] == "prices") == "source.renamed"
    assert "openai-pricing" in {event["source"] for event in events}
    assert [event["type"] for event in events].count("source.baseline_recorded") == 1
    active.provider.prices = {"orion-2": ("0.50", "6.00")}
    active.poll(3)
    assert active.status()["status"] == "paused"


def test_a_renamed_entry_is_accepted_first_and_then_asked_for_by_its_new_key(active: Story):
    edit(active, 'key = "orion"', 'key = "hunter"\nwas = "orion"')
    checked = active.run("config", "check", "--json")
    assert checked.code == 10
    assert checked.json["withdraws"] == {"orion": "it was renamed to hunter"}
    assert checked.json["renames"] == [{"was": "orion", "key": "hunter"}]
    active.must("poll")
    assert (active.gate("orion"), active.status("orion")["status"]) == (0, "active")
    active.must("config", "accept", "--by", "Grace H.", "--reason", "a better name")
    active.must("poll")
    assert active.status("hunter")["status"] == "active"
    assert [active.gate(key) for key in ("hunter", "orion-2", "orion")] == [0, 0, 1]
    types = [event["type"] for event in active.events("--subject", "hunter")]
    assert types.index("entry.declared") < types.index("entry.activated") < types.index("entry.renamed")
    assert [check["state"] for check in active.json("checklist", "hunter") if check["check"] == "pricing"] == [
        "verified"
    ]
    rebuilt = active.must("db", "rebuild")
    assert "nothing had differed" in rebuilt.out


def test_a_daemon_takes_the_new_names_with_a_reload(active: Story):
    with active.daemon("--verbose") as daemon:
        until(lambda: daemon.lines("polled"))
        edit(active, 'key = "openai-pricing"', 'key = "prices"\nwas = "openai-pricing"')
        daemon.signal(signal.SIGHUP)
        until(lambda: daemon.lines("reloaded"))
        until(lambda: [line for line in daemon.lines("polled") if line["source"] == "prices"])
        assert daemon.stop() == 0
    verdicts = {line["verdict"] for line in daemon.lines("polled") if line["source"] == "prices"}
    assert "baseline" not in verdicts
    assert active.status()["status"] == "active"


def test_a_former_key_that_is_still_in_use_is_refused_before_anything_is_changed(active: Story):
    head = active.json("status")
    edit(active, 'key = "openai-pricing"', 'key = "openai-pricing"\nwas = "openai-models"')
    refused = active.run("config", "check")
    assert refused.code == 78
    assert "a key that another source has" in refused.err
    assert active.run("poll").code == 78
    edit(active, '\nwas = "openai-models"', "")
    assert [row["position"] for row in active.json("status")] == [row["position"] for row in head]
