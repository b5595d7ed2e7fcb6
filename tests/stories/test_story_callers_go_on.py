"""Readiness and prices as people meet them: who goes on after a price shift, whose use needs a review, what the page of
a model says, and pinning anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from story_world import Answer, Story, behaviour

PAGE = (Path(__file__).parents[1] / "sources" / "data" / "model_page.md").read_text(encoding="utf-8")
CALLED = 'callers = ["support-agent"]'


def watch(story: Story, more: str = CALLED) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("0.50", "2.00")}
    story.configure(story.entry(more=more))
    story.poll()
    story.activate()


def reprice(story: Story, input: str, output: str) -> None:
    story.provider.prices["orion-2"] = (input, output)
    story.poll(2)


def lease_rule(story: Story) -> str:
    [lease] = story.folder.rglob("production.json")
    return json.dumps(json.loads(lease.read_text())["flags"]["orion"]["targeting"])


def test_a_price_that_falls_by_80_percent_lets_the_named_callers_go_on(story: Story):
    watch(story)
    reprice(story, "0.20", "1.20")
    assert story.status()["status"] == "paused"
    assert story.gate("orion", "--caller", "support-agent") == 0
    assert story.gate("orion") == story.gate("orion", "--caller", "newcomer") == 1
    assert "grace_until" not in story.must("gate", "orion", "--caller", "support-agent", "--json").out


def test_a_price_that_rises_gives_them_72_hours(story: Story):
    watch(story)
    reprice(story, "2.00", "6.00")
    explained = story.must("gate", "orion", "--caller", "support-agent", "--explain").out
    assert "yes the caller is an existing one, which a price pause lets go on until" in explained
    assert story.gate("orion") == 1


def test_a_model_that_vanishes_is_denied_to_everybody(story: Story):
    watch(story)
    story.provider.models = ["orion-1"]
    story.poll(4)
    assert story.gate("orion", "--caller", "support-agent") == 1


def test_on_pause_deny_is_kept_where_it_is_stated(story: Story):
    watch(story, CALLED + '\non_pause = "deny"')
    reprice(story, "0.20", "1.20")
    assert story.gate("orion", "--caller", "support-agent") == 1


def test_a_use_that_needs_a_review_is_denied_to_its_caller_alone(story: Story):
    watch(story, 'touches = { vuln-scanner = ["vulnerability_work"] }')
    assert story.gate("orion") == story.gate("orion", "--caller", "support-agent") == 0
    denied = story.run("gate", "orion", "--caller", "vuln-scanner")
    assert denied.code == 1
    assert "safety_review is blank" in denied.out
    assert "vuln-scanner" in lease_rule(story)
    refused = story.run("verify", "orion", "safety_review", "--by", "Ada L.", "--note", "read it")
    assert refused.code == 1
    story.must("verify", "orion", "safety_review", "--by", "Ada L.", "--url", "https://cards.example/orion.pdf")
    assert story.gate("orion", "--caller", "vuln-scanner") == 0


def test_an_active_entry_is_pinned_anew_without_a_pause(story: Story):
    watch(story)
    since = story.status()["since"]
    story.configure(behaviour("retrieve"), story.entry(more=CALLED))
    story.poll()
    shown = story.json("activate", "orion", "--dry-run")
    [new] = [row for row in shown["pins"] if row["pin"].endswith("access.retrieve")]
    assert (new["accepted"], new["now"]) == (None, "granted")
    story.must("activate", "orion", "--by", "Ada L.", "--reason", "looked again")
    assert all(row["accepted"] == row["now"] for row in story.json("activate", "orion", "--dry-run")["pins"])
    row = story.status()
    assert (row["status"], row["since"]) == ("active", since)
    assert not story.events("--type", "entry.paused")


def test_integration_requires_the_list_that_comes_before_any_work(story: Story):
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry(more='checks = "integration"'))
    story.poll()
    needed = {row["check"] for row in story.json("checklist", "orion") if row["required"]}
    assert needed == {
        "model_id", "visibility", "pricing", "test_call", "billing", "rate_limits", "logging", "fallback", "evals"
    }  # fmt: skip


@pytest.mark.parametrize("uses", ["v1/responses", "v1/chat/completions"])
def test_an_endpoint_that_the_page_of_the_model_does_not_support_fails_a_check_and_is_told(story: Story, uses: str):
    page = PAGE.replace("orion-small", "orion-2")
    story.provider.answers["GET", "/models/orion-2.md"] = Answer(200, page)
    source = f'[[source]]\nkey = "pages"\nkind = "model_page"\nurl = "{story.provider.url}/models/{{model}}.md"\n'
    story.provider.models = ["orion-1", "orion-2"]
    story.configure(source + 'provider = "openai"\n', story.entry(more=f'uses = ["{uses}"]\nstage = "general"'))
    story.poll()
    rows = {row["check"]: row for row in story.json("checklist", "orion")}
    supported = uses == "v1/responses"
    assert rows["endpoints"]["state"] == ("verified" if supported else "failed")
    assert story.status()["stages"] == {"configuration": "general", "pages/orion-2": "preview"}
    story.deliver()
    text = "\n".join(message.whole for message in story.messages())
    assert ("v1/chat/completions is not supported" in text) is not supported
