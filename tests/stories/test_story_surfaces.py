"""An entry on several surfaces: each is judged, accepted, paused and asked for apart."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from story_world import Result, Story

BOTH = 'surfaces = {{openai = "orion-2", codex = "{codex}"}}'
CODEX = """
[[surface]]
key = "codex"
base_url = "{url}/codex"
{provider}
[[source]]
key = "codex-catalogue"
kind = "codex"
surface = "codex"
catalogue = "{folder}/catalogue.json"
every = "1s"
"""


def entry(key: str, surfaces: str, more: str = "") -> str:
    return f'\n[[entry]]\nkey = "{key}"\nname = "Orion"\n{surfaces}\nowners = ["platform"]\n{more}\n'


def both(codex: str = "orion-2", key: str = "orion", more: str = "") -> str:
    return entry(key, BOTH.format(codex=codex), more)


def offer(story: Story, *models: str, needs: str = "0.40.0") -> None:
    """Write the catalogue of Codex."""
    items = [{"slug": model, "visibility": "list", "minimal_client_version": needs} for model in models]
    (story.folder / "catalogue.json").write_text(
        json.dumps({"models": [*items, {"slug": "other", "visibility": "list"}]})
    )


def watch(
    story: Story, *parts: str, provider: str = 'provider = "openai"', offered: tuple[str, ...] = ("orion-2",)
) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("0.50", "2.00")}
    offer(story, *offered)
    codex = CODEX.format(url=story.provider.url, folder=story.folder, provider=provider)
    story.configure(codex, *parts)
    story.poll(2)


def act(story: Story, *words: str) -> Result:
    return story.run(*words, "--by", "Ada L.", "--reason", "a story")


def statuses(story: Story, key: str = "orion") -> dict[str, str]:
    row = story.status(key)
    return {surface: values["status"] for surface, values in row["surfaces"].items()}


def test_an_activation_is_of_one_surface_and_names_the_others_that_wait(story: Story):
    watch(story, both())
    assert statuses(story) == {"openai": "evaluating", "codex": "evaluating"}
    done = act(story, "activate", "orion")
    assert done.code == 0
    assert "activate orion --surface codex" in done.err
    assert statuses(story) == {"openai": "active", "codex": "evaluating"}
    assert (story.gate("orion"), story.gate("orion", "--surface", "codex")) == (0, 1)
    done = act(story, "activate", "orion", "--surface", "codex")
    assert done.code == 0
    assert "--surface" not in done.err
    for key, *words in (
        ["orion", "--surface", "codex"],
        ["orion@codex"],
        ["orion", "--surface", "openai"],
        ["orion@openai"],
    ):
        assert story.gate(key, *words) == 0, (key, words)
    events = story.events("--type", "entry.activated")
    assert [(event["subject"], event["stream"], event["data"]["surface"]) for event in events] == [
        ("orion", "entry/orion", "openai"),
        ("orion", "entry/orion@codex", "codex"),
    ]
    row = story.status()
    assert (row["surface"], row["status"]) == ("openai", "active")
    assert row["surfaces"]["codex"]["key"] == "orion@codex"


@pytest.mark.parametrize("declared", ['provider = "openai"', ""], ids=["stated", "blank"])
def test_codex_lost_leaves_the_api_and_the_reverse(story: Story, declared: str):
    watch(story, both(more='checks = ["codex"]'), provider=declared)
    act(story, "activate", "orion")
    act(story, "activate", "orion@codex")
    assert statuses(story) == {"openai": "active", "codex": "active"}
    offer(story, "orion-1")
    story.poll(3)
    assert statuses(story) == {"openai": "active", "codex": "paused"}
    assert (story.gate("orion"), story.gate("orion@codex")) == (0, 1)
    story.deliver()
    assert [message.title for message in story.messages("PAUSED") if "Orion on codex" in message.title]
    assert act(story, "ack", "orion", "--surface", "codex").code == 2, "an acknowledgement takes no reason"
    assert story.run("ack", "orion", "--surface", "codex", "--by", "Ada L.").code == 0
    offer(story, "orion-2")
    story.poll(3)
    for check in ("rate_limits", "evals", "safety_review"):
        story.must("verify", "orion", check, "--surface", "codex", "--by", "Ada L.", "--url", "https://example.test/x")
    resumed = act(story, "resume", "orion", "--surface", "codex")
    assert resumed.code == 0, resumed.err
    story.provider.models = ["orion-1"]
    story.poll(4)
    assert statuses(story) == {"openai": "paused", "codex": "active"}
    assert (story.gate("orion"), story.gate("orion@codex")) == (1, 0)


def test_two_entries_on_different_surfaces_hold_one_id(story: Story):
    other = entry("helper", 'surface = "codex"\nmodel_id = "orion-2"')
    watch(story, story.entry(), other)
    act(story, "activate", "orion")
    assert story.gate("orion-2", "--surface", "openai") == 0
    assert story.gate("orion-2", "--surface", "codex") == 1, "helper is being evaluated"
    act(story, "activate", "helper")
    assert story.gate("orion-2", "--surface", "codex") == 0
    assert story.gate("orion-2@codex") == 0
    with story.daemon() as daemon:
        for surface, allowed in (("openai", True), ("codex", True), ("", False), ("nowhere", False)):
            answer = _get(f"{daemon.url}/v1/gate/orion-2?surface={surface}")
            assert answer["allowed"] is allowed, answer
            body = json.dumps({"context": {"surface": surface}}).encode()
            flag = _get(f"{daemon.url}/ofrep/v1/evaluate/flags/orion-2", body)
            assert flag["value"] is allowed, flag
    assert "ambiguous" in _get_reason(story, "orion-2")


def _get(url: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def _get_reason(story: Story, key: str) -> str:
    with story.daemon() as daemon:
        return str(_get(f"{daemon.url}/v1/gate/{key}")["reason"])


def test_the_keys_of_the_lease_name_the_surfaces(story: Story):
    watch(story, both(), story.entry("single", "orion-1"))
    act(story, "activate", "orion")
    act(story, "activate", "single")
    lease = json.loads((story.folder / "lease" / "production.json").read_text())
    assert {"orion", "orion@openai", "orion@codex", "single"} <= lease["flags"].keys()
    assert "single@openai" not in lease["flags"]
    assert lease["flags"]["orion"]["metadata"]["surface"] == "openai"
    assert lease["metadata"]["surface/codex"] == f"{story.provider.url}/codex"


def test_an_unknown_surface_is_one_sentence_that_names_those_there_are(story: Story):
    watch(story, both(), story.entry("single", "orion-1"))
    commands = [
        ["status", "orion"],
        ["why", "orion"],
        ["checklist", "orion"],
        ["report", "orion"],
        ["gate", "orion"],
        ["ack", "orion", "--by", "Ada L."],
        ["silence", "orion", "--for", "1h", "--by", "Ada L.", "--reason", "x"],
        ["maintenance", "orion", "--until", "in 1h", "--change", "*/orion-2/*", "--by", "Ada L.", "--reason", "x"],
        ["verify", "orion", "evals", "--by", "Ada L.", "--url", "https://example.test"],
        *([act, "orion", "--by", "Ada L.", "--reason", "x"] for act in ("activate", "pause", "resume", "retire")),
    ]
    head = len(story.events())
    for command in commands:
        done = story.run(*command, "--surface", "azure")
        assert done.code == 2, (command, done)
        assert "orion is on openai and codex, not on azure" in done.err
        assert len(done.err.strip().splitlines()) == 1
    assert story.run("status", "orion@azure").code == 2
    assert story.run("gate", "single@azure").code == 2
    assert len(story.events()) == head


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (entry("orion@codex", 'surface = "openai"'), '"@"'),
        (both(more='codex_version = "new"'), "is no version"),
        (entry("orion", 'surfaces = {openai = "orion-2", azure = "orion-2"}'), "'azure', which is not declared"),
    ],
    ids=["at", "version", "surface"],
)
def test_a_declaration_that_is_wrong_is_refused_in_one_sentence(story: Story, table: str, words: str):
    watch(story, table)
    done = story.run("config", "check")
    assert done.code == 78
    assert words in done.err


def test_what_is_attested_of_the_model_holds_on_every_surface(story: Story):
    watch(story, both(more='checks = ["evals", "residency"]'))
    proof = ("--by", "Ada L.", "--url", "https://example.test/x")
    story.must("verify", "orion", "evals", *proof)
    story.must("verify", "orion", "residency", *proof)

    def state(key: str, check: str) -> str:
        return next(row["state"] for row in story.json("checklist", key) if row["check"] == check)

    assert {key: state(key, "evals") for key in ("orion", "orion@codex")} == dict.fromkeys(
        ("orion", "orion@codex"), "verified"
    )
    assert (state("orion", "residency"), state("orion@codex", "residency")) == ("verified", "blank")
    story.must("verify", "orion", "residency", "--surface", "codex", *proof)
    assert state("orion@codex", "residency") == "verified"


def test_a_fleet_that_is_too_old_for_a_model_is_denied_there_in_words(story: Story):
    watch(story, both(more='codex_version = "0.48"'))
    act(story, "activate", "orion")
    act(story, "activate", "orion@codex")
    assert story.gate("orion@codex") == 0
    offer(story, "orion-2", needs="0.60.0")
    story.poll(3)
    assert statuses(story) == {"openai": "active", "codex": "paused"}
    reason = story.status()["surfaces"]["codex"]["reason"]
    assert "0.60.0" in reason
    assert "0.48" in reason
    refused = act(story, "activate", "orion@codex")
    assert refused.code == 1


def test_a_model_that_needs_a_newer_codex_is_not_activated(story: Story):
    watch(story, both(more='codex_version = "0.30"'))
    refused = act(story, "activate", "orion@codex")
    assert refused.code == 1
    assert "0.40.0" in refused.err
    assert act(story, "activate", "orion").code == 0


def test_the_check_codex_of_an_api_entry_is_fed_by_the_catalogue_of_its_provider(story: Story):
    watch(story, story.entry(more='checks = ["codex"]'), offered=("orion-2",))
    assert act(story, "activate", "orion").code == 0
    row = next(row for row in story.json("checklist", "orion") if row["check"] == "codex")
    assert (row["state"], row["by"]) == ("verified", "system")


def test_a_catalogue_of_another_provider_says_nothing(story: Story):
    watch(story, story.entry(more='checks = ["codex"]'), provider='provider = "acme"')
    refused = act(story, "activate", "orion")
    assert refused.code == 1
    assert "codex is blank" in refused.err


def test_a_fallback_is_sought_on_the_same_surface_first(story: Story):
    watch(
        story,
        both(more='fallback = "mini"'),
        entry("mini", 'surfaces = {openai = "orion-1", codex = "orion-1"}'),
        offered=("orion-1", "orion-2"),
    )
    for key in ("mini", "mini@codex"):
        assert act(story, "activate", key).code == 0

    def fallback(key: str) -> str:
        return str(story.json("gate", key)["fallback"])

    assert (fallback("orion"), fallback("orion@codex")) == ("mini", "mini@codex")
    assert act(story, "pause", "mini@codex").code == 0
    assert fallback("orion@codex") == "mini"


def test_surfaces_that_change_places_keep_what_was_accepted(story: Story):
    watch(story, both())
    for key in ("orion", "orion@codex"):
        assert act(story, "activate", key).code == 0
    assert act(story, "pause", "orion@codex").code == 0
    turned = entry("orion", 'surfaces = {codex = "orion-2", openai = "orion-2"}')
    codex = CODEX.format(url=story.provider.url, folder=story.folder, provider='provider = "openai"')
    story.configure(codex, turned)
    checked = story.run("config", "check")
    assert checked.code == 10, "what `orion` alone means is denied afterwards"
    story.must("config", "accept", "--by", "Ada L.", "--reason", "Codex comes first")
    story.poll()
    assert statuses(story) == {"codex": "paused", "openai": "active"}
    assert story.status()["surface"] == "codex"
    assert story.gate("orion@openai") == 0
