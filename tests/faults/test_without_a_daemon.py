"""The timer's alternative to the daemon: a poll that also sends, renews leases and signs, and is refused beside one."""

from __future__ import annotations

import json

from story_world import Story, until


def test_a_poll_that_delivers_does_what_a_daemon_does_once(story: Story) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.must("poll", "--deliver")
    story.activate()
    story.must("poll", "--deliver")
    told = len(story.messages())
    lease = story.folder / "lease" / "production.json"
    written = json.loads(lease.read_text())["metadata"]["version"]
    story.provider.prices = {"orion-2": ("2.00", "6.00")}
    story.must("poll")
    story.must("poll")
    assert story.gate() == 1, "the act that paused wrote the lease file"
    assert len(story.messages()) == told, "a poll alone sends nothing"
    story.must("poll", "--deliver")
    assert len(story.messages("PAUSED")) == 1
    assert int(json.loads(lease.read_text())["metadata"]["version"]) > int(written)
    story.must("poll", "--deliver")
    assert len(story.messages("PAUSED")) == 1
    with story.daemon() as daemon:
        until(lambda: daemon.lines("watching"), "the daemon watches")
        refused = story.run("poll", "--deliver")
        assert (refused.code, "Another daemon runs" in refused.err) == (1, True)
