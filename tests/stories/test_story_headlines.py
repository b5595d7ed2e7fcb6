"""What people are told is true when it is sent: every name in a headline, every "allowed" and "denied" is the gate's
own answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from story_world import Answer, Message, Story, until

ORION = ("1.00", "6.00")


def entries(story: Story, *, orion: str = "", lyra: str = "", vega: str = "") -> tuple[str, ...]:
    """Orion, whose fallback is Lyra, whose fallback is Vega; each with further lines."""
    return (
        story.entry(more=f'fallback = "lyra"\n{orion}'),
        story.entry("lyra", "lyra-1", name="Lyra", more=f'fallback = "vega"\n{lyra}'),
        story.entry("vega", "vega-1", name="Vega", more=vega),
    )


def provide(story: Story) -> None:
    story.provider.models = ["orion-2", "lyra-1", "vega-1"]
    story.provider.prices = {"orion-2": ORION, "lyra-1": ("0.50", "3.00"), "vega-1": ("0.40", "2.00")}


def reprice(story: Story, *models: str) -> None:
    """Let these models cost twice as much, until that is confirmed."""
    prices = story.provider.prices
    story.provider.prices = {
        model: (f"{2 * float(prices[model][0]):.2f}", prices[model][1]) if model in models else prices[model]
        for model in prices
    }
    story.poll(2)


def told(story: Story) -> list[Message]:
    """Return the messages that arrived since this was asked last."""
    before = len(story.messages())
    story.deliver()
    return story.messages()[before:]


def resume(story: Story, key: str) -> None:
    story.must("resume", key, "--by", "Ada L.", "--reason", "accepted")


def checked(story: Story, name: str = "fallback") -> dict[str, Any]:
    return next(row for row in story.json("checklist", "orion") if row["check"] == name)


def answer(story: Story, key: str = "orion") -> dict[str, Any]:
    given: dict[str, Any] = story.json("gate", key)
    return given


def again(story: Story) -> bool:
    """Return whether Orion's pause was told again although it had been acknowledged."""
    return any("since its fallback was lost" in message.text for message in story.messages("PAUSED Orion"))


def test_a_fallback_that_dies_is_told_once_a_loss_and_ends_the_acknowledgement(story: Story):
    provide(story)
    head = '\n[notify]\nrepeat = "1s"\n'
    lyra = story.entry("lyra", "lyra-1", name="Lyra").replace('owners = ["platform"]', 'owners = ["others"]')
    others = f'\n[[owner]]\nkey = "others"\ndestinations = ["{story.provider.hook("others")}"]\n'
    story.configure(head, others, story.entry(more='fallback = "lyra"'), lyra)
    story.poll()
    story.activate("lyra")
    story.activate()
    reprice(story, "orion-2")
    assert (answer(story)["allowed"], answer(story)["fallback"]) == (False, "lyra")
    story.must("ack", "orion", "--by", "Ada L.")
    (paused,) = [message for message in told(story) if message.reason == "PAUSED"]
    assert paused.title.startswith("PAUSED Orion (openai/orion-2): ")
    assert "Lyra" not in paused.title
    assert paused.offers("lyra")

    reprice(story, "lyra-1")
    with story.daemon():
        until(lambda: again(story), "the pause is told again")
    (lost,) = story.messages("FALLBACK LOST")
    assert (lost.reason, lost.destination) == ("FALLBACK LOST", "platform")
    assert lost.title.startswith("FALLBACK LOST Orion")
    assert not lost.offers("lyra")
    assert all(message.destination == "others" for message in story.messages("PAUSED Lyra"))
    assert answer(story)["fallback"] == ""

    story.poll()
    resume(story, "lyra")
    assert answer(story)["fallback"] == "lyra"
    told(story)
    reprice(story, "lyra-1")
    told(story)
    of_orion = [
        message
        for message in story.messages()
        if "Orion" in message.title and "fallback lyra" in message.title and "PAUSED" not in message.title
    ]
    states = [state for message in of_orion for state in ("FALLBACK LOST", "RECOVERED") if state in message.title]
    assert states == [
        "FALLBACK LOST",
        "RECOVERED",
        "FALLBACK LOST",
    ]


def test_a_chain_of_fallbacks_is_lost_with_its_last_link(story: Story):
    provide(story)
    story.configure(*entries(story))
    story.poll()
    for key in ("vega", "lyra", "orion"):
        story.activate(key)
    story.deliver()
    reprice(story, "lyra-1")
    story.deliver()
    assert answer(story)["fallback"] == "vega"
    reprice(story, "vega-1")
    assert answer(story)["fallback"] == ""
    story.deliver()
    titles = [message.title for message in story.messages() if "AVAILABLE" not in message.title]
    assert titles[0].startswith("PAUSED Lyra (openai/lyra-1): ")
    assert titles[1].startswith("PAUSED Vega (openai/vega-1): ")
    assert titles[1].endswith("; also 2 FALLBACK LOST"), "news of others is counted, and named below"
    text = story.messages("PAUSED Vega")[0].text
    assert "nothing is allowed instead" in text
    (lost,) = (line for line in text.splitlines() if "its fallback lyra" in line)
    assert lost.index("lyra is denied") < lost.index("0.50 → 1.00") < lost.index("vega is denied"), "each link, and why"


def test_invariant_9_two_that_one_cause_pauses_do_not_offer_each_other(story: Story):
    provide(story)
    story.configure(*entries(story))
    story.poll()
    for key in ("lyra", "orion"):
        story.activate(key)
    reprice(story, "orion-2", "lyra-1")
    story.deliver()
    (message,) = story.messages("PAUSED")
    assert message.title.partition(":")[0] in ("PAUSED Lyra, Orion", "PAUSED Orion, Lyra")
    assert not message.offers("lyra")
    assert [event["subject"] for event in story.events("--type", "entry.fallback_lost")] == ["orion"]


def test_a_fallback_that_nobody_can_read_any_more_is_not_offered(story: Story):
    provide(story)
    other = f"""
[[surface]]
key = "other"
base_url = "{story.provider.url}/other"
provider = "openai"
api_key = "env:PROVIDER_KEY"

[[source]]
key = "other-models"
kind = "models_list"
surface = "other"
every = "1s"
"""
    lyra = story.entry("lyra", "lyra-1", name="Lyra").replace('surface = "openai"', 'surface = "other"')
    story.provider.answers["GET", "/other/models"] = lambda request: story.provider.answer(
        replace(request, path="/v1/models")
    )
    story.configure(other, story.entry(more='fallback = "lyra"'), lyra, **{"[gate]\n": '[gate]\nfreshness = "20s"\n'})
    for key in ("lyra", "orion"):
        story.poll()
        story.activate(key)
    story.provider.answers["GET", "/other/models"] = Answer(500, {"error": {"message": "down"}})

    def lost() -> bool:
        story.poll()
        return bool(story.events("--type", "entry.fallback_lost"))

    until(lost, "the fallback is denied by its age")
    assert (story.gate("lyra"), story.gate("orion")) == (1, 0)
    reprice(story, "orion-2")
    (paused,) = [message for message in told(story) if message.reason == "PAUSED"]
    assert not paused.offers("lyra")


def test_invariant_9_who_may_go_on_is_what_the_gate_says(story: Story):
    provide(story)
    spares = 'callers = ["agent", "batch"]\non_pause = "deny_new"\ngrace = "3h"'
    story.configure(*entries(story, orion=spares))
    story.poll()
    for key in ("lyra", "orion"):
        story.activate(key)
    reprice(story, "orion-2")
    (message,) = [one for one in told(story) if one.reason == "PAUSED"]
    assert "agent, batch stay allowed" in message.text
    assert (story.gate("orion", "--caller", "agent"), story.gate()) == (0, 1)


def test_a_newly_listed_id_is_named_by_itself(story: Story):
    provide(story)
    story.configure(story.entry(), story.entry("nova", "", name="Nova").replace('model_id = ""\n', ""))
    story.poll()
    story.activate()
    story.provider.models = [*story.provider.models, "nova-7"]
    reprice(story, "orion-2")
    story.deliver()
    named = [message for message in story.messages() if "nova-7" in message.whole]
    assert all(message.title.startswith("CHANGED nova-7") for message in named)
    assert "where nova waits for a model id" in named[0].text
    assert "Nova" not in named[0].whole


def test_a_required_fallback_is_verified_by_the_gate_and_never_denies_what_was_accepted(story: Story):
    provide(story)
    story.configure(*entries(story, orion='checks = ["fallback"]'))
    story.poll()
    refused = story.run("activate", "orion", "--by", "Ada L.", "--reason", "now")
    assert (refused.code, checked(story)["state"]) == (1, "failed")
    assert "lyra is denied in production" in checked(story)["note"]
    story.activate("lyra")
    assert checked(story)["state"] == "verified"
    story.activate()
    story.must("pause", "lyra", "--by", "Ada L.", "--reason", "odd answers")
    assert (checked(story)["state"], story.gate()) == ("failed", 0)
    assert "odd answers" in checked(story)["note"]
    reprice(story, "orion-2")
    story.poll()
    refused = story.run("resume", "orion", "--by", "Ada L.", "--reason", "now")
    assert refused.code == 1
    assert "fallback is failed" in refused.err
    resume(story, "lyra")
    resume(story, "orion")
