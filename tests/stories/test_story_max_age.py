"""A gate that asks the world first: `gate KEY --max-age`, on the monitor's own host."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx2
import pytest
from story_world import Answer, Request, Story, behaviour, no_such_model, until

MODELS, RESPONSES = "/v1/models", "/v1/responses"


@pytest.fixture
def active(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(behaviour("retrieve", "responses"), story.entry())
    story.poll()
    story.activate()
    return story


def asked(story: Story, *arguments: str) -> dict[str, Any]:
    return dict(story.run("gate", "orion", "--json", "--max-age", *arguments).json)


def test_what_was_polled_lately_enough_is_not_polled_again_and_what_is_older_is(active: Story):
    calls = len(active.provider.requests)
    answer = asked(active, "1h")
    assert (answer["allowed"], answer["polled"]) == (True, [])
    assert len(active.provider.requests) == calls
    answer = asked(active, "0s")
    assert answer["allowed"] is True
    assert answer["polled"] == ["openai-models", "openai-pricing", "openai-behaviour/orion-2/retrieve"]
    assert answer["unasked"] == ["openai-behaviour/orion-2/responses"]
    done = active.run("gate", "orion", "--max-age", "0s", "--explain")
    assert done.code == 0
    assert "polled: openai-models" in done.out
    assert "--paid" in done.err


def test_a_difference_that_is_pending_denies_the_answer_and_pauses_nothing(active: Story):
    active.provider.prices = {"orion-2": ("1.50", "6.00")}
    answer = asked(active, "0s")
    assert answer["allowed"] is False
    assert answer["reason"] == "pending: standard input: 1.00 → 1.50 at openai-pricing (1 poll)"
    assert answer["pending"] == ["standard input: 1.00 → 1.50 at openai-pricing (1 poll)"]
    assert active.status()["status"] == "active"
    assert active.gate() == 0, "whoever does not ask for it is answered from what is confirmed"
    assert asked(active, "1h")["allowed"] is False, "it is pending, whoever polled it"
    active.provider.prices = {"orion-2": ("1.00", "6.00")}
    assert asked(active, "0s")["allowed"] is True


def test_what_it_confirms_pauses_as_every_poll_does(active: Story):
    active.provider.prices = {"orion-2": ("1.50", "6.00")}
    assert asked(active, "0s")["status"] == "active"
    answer = asked(active, "0s")
    assert (answer["allowed"], answer["status"]) == (False, "paused")
    assert active.status()["status"] == "paused"


def test_routes_that_cost_money_are_called_only_where_that_is_allowed(active: Story):
    calls = active.provider.count(RESPONSES)
    active.provider.answers["POST", RESPONSES] = no_such_model()
    assert asked(active, "0s")["allowed"] is True
    assert active.provider.count(RESPONSES) == calls
    answer = asked(active, "0s", "--paid")
    assert active.provider.count(RESPONSES) == calls + 1
    assert answer["allowed"] is False
    assert answer["pending"] == [
        "orion-2 access.responses: granted → access_lost at openai-behaviour/orion-2/responses (1 poll)"
    ]
    assert active.status()["status"] == "active"


def test_free_routes_that_miss_the_model_call_nothing_that_costs_money(active: Story):
    calls = active.provider.count(RESPONSES)
    active.provider.models = ["orion-1"]
    answer = asked(active, "0s")
    assert answer["allowed"] is False
    assert active.provider.count(RESPONSES) == calls


def test_what_cannot_be_read_denies_and_says_which(active: Story):
    active.provider.answers["GET", "/pricing.md"] = Answer(503, "busy")
    done = active.run("gate", "orion", "--max-age", "0s")
    assert done.code == 1
    assert "not verified: openai-pricing (" in done.out
    assert asked(active, "1h")["allowed"] is True, "it was read within the hour"
    assert active.status()["status"] == "active"


def test_a_model_that_no_entry_holds_is_not_known_and_wrong_usage_is_said(active: Story):
    assert active.run("gate", "nobody", "--max-age", "1h").code == 75
    for words, why in (
        (["--max-age", "soon"], "is not a duration"),
        (["--max-age", "1h", "--lease", "x.json"], "leave --lease and --public-key out"),
        (["--paid"], "--max-age"),
        (["--max-age"], "needs a value"),
    ):
        done = active.run("gate", "orion", *words)
        assert (done.code, done.out) == (2, "")
        assert why in done.err
    assert active.run("gate", "orion-2", "--max-age", "1h").code == 0, "by its model id, too"


def test_without_a_database_here_nothing_is_answered(story: Story):
    story.configure(story.entry())
    done = story.run("gate", "orion", "--max-age", "1h")
    assert done.code == 78
    assert "database" in done.err


def test_beside_a_running_daemon_it_answers_as_well_and_http_takes_no_such_parameter(active: Story):
    with active.daemon() as daemon:
        assert asked(active, "0s")["allowed"] is True
        with httpx2.Client(trust_env=False) as http:
            answer = http.get(f"{daemon.url}/v1/gate/orion", params={"max_age": "0s", "max-age": "0s"}).json()
        assert answer["allowed"] is True
        assert "polled" not in answer


GITHUB = """
[github]
webhook_secret = "env:WEBHOOK"
token = "env:TOKEN"
api = "{api}"

[[deployment]]
key = "shop"
repository = "example/shop"
github_environment = "production"
entries = ["orion"]
max_age = "{age}"
"""


@pytest.mark.parametrize(("age", "state"), [("1h", "approved"), ("1ms", "rejected")])
def test_githubs_rule_asks_the_world_first(active: Story, age: str, state: str):
    given: list[Any] = []

    def take(request: Request) -> Answer:
        given.append(request.body)
        return Answer(204, "")

    callback = "/repos/example/shop/actions/runs/7/deployment_protection_rule"
    active.provider.answers["POST", callback] = take
    active.environ |= {"WEBHOOK": "webhook-secret", "TOKEN": "token"}
    rule = GITHUB.format(api=active.provider.url, age=age)
    active.configure(rule, active.entry(), **{'every = "1s"': 'every = "1h"'})
    before = active.provider.count("/pricing.md")
    with active.daemon() as daemon:
        until(lambda: active.provider.count("/pricing.md") > before, "the daemon has polled the page")
        active.provider.prices = {"orion-2": ("1.50", "6.00")}
        question = {
            "environment": "production",
            "deployment_callback_url": active.provider.url + callback,
            "repository": {"full_name": "example/shop"},
        }
        body = json.dumps(question).encode()
        headers = {
            "X-GitHub-Event": "deployment_protection_rule",
            "X-Hub-Signature-256": "sha256=" + hmac.new(b"webhook-secret", body, hashlib.sha256).hexdigest(),
        }
        with httpx2.Client(trust_env=False) as http:
            taken = http.post(f"{daemon.url}/v1/github/deployment-protection", content=body, headers=headers)
        assert taken.status_code == 202
        until(lambda: given, "GitHub is answered")
    assert given[0]["state"] == state
    assert ("pending: standard input: 1.00 → 1.50" in given[0]["comment"]) is (state == "rejected")
