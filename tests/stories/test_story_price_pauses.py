"""The shortest story: a price moves, production is paused, the owner hears it."""

from __future__ import annotations

from story_world import Story, until


def test_a_price_that_moves_pauses_production_and_tells_the_owner(story: Story):
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.activate()
    assert story.gate() == 0
    with story.daemon():
        story.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: story.status()["status"] == "paused", "the entry is paused")
        until(lambda: story.messages("PAUSED"), "the owner is told")
        assert story.gate() == 1
    message = story.messages("PAUSED")[0]
    assert "Orion" in message.title
    assert "2.00" in message.text
