"""Access as people meet it: calls are refused while the list still shows the model, another model answers, the account
denies.
"""

from __future__ import annotations

from typing import Any

import pytest
from story_world import Answer, Result, Story, behaviour, no_such_model, until

RESPONSES, CHAT, EMBEDDINGS = "/v1/responses", "/v1/chat/completions", "/v1/embeddings"
ASKED = ["model_id", "visibility", "pricing", "rate_limits", "evals", "safety_review"]


def watch(
    story: Story, *parts: str, routes: tuple[str, ...] = ("retrieve", "responses", "chat"), **replaced: str
) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("0.50", "2.00")}
    story.configure(behaviour(*routes), *(parts or (story.entry(),)), **replaced)
    story.poll()


def refused(code: int = 404, error: str = "model_not_found", message: str = "No.") -> Answer:
    return Answer(code, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": error}})


def attest(story: Story, *checks: str) -> None:
    for check in checks:
        story.must("verify", "orion", check, "--by", "Ada L.", "--url", "https://example.test/proof")


def resume(story: Story, *arguments: str) -> Result:
    return story.run("resume", "orion", "--by", "Ada L.", "--reason", "looked at it", *arguments)


def told(story: Story) -> str:
    """Return every message so far, as one text."""
    story.deliver()
    return "\n".join(message.whole for message in story.messages())


def test_a_model_whose_every_call_is_refused_is_paused_within_two_polls_although_it_is_listed(story: Story):
    spared = 'callers = ["agent"]\non_pause = "deny_new"\ngrace = "72h"'
    watch(story, story.entry(more=spared))
    story.activate()
    assert story.gate("orion", "--caller", "agent") == 0
    story.provider.answers["GET", "/v1/models/orion-2"] = no_such_model()
    story.provider.refuse(no_such_model())
    story.poll(2)
    row = story.status()
    assert row["status"] == "paused"
    assert "calls to orion-2 are refused" in row["reason"]
    assert story.gate("orion", "--caller", "agent") == 1, "no price: nobody is spared"
    text = told(story)
    assert "calls to orion-2 are refused: retrieve, responses and chat answer 404 model_not_found" in text
    assert "the models list still shows it" in text
    assert all(name in text for name in ASKED)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (no_such_model(), "404 model_not_found"),
        (refused(403, message="Project `proj_1` does not have access to model `orion-2`"), "403 model_not_found"),
        (refused(400, "model_not_found"), "400 model_not_found"),
        (
            refused(403, "permission_denied", message="You are not allowed to sample from this model"),
            "403 permission_denied",
        ),
    ],
)
def test_one_call_that_an_entry_uses_is_enough(story: Story, answer: Answer, said: str):
    watch(story, story.entry(more='uses = ["v1/responses"]'))
    story.activate()
    story.provider.refuse(answer, RESPONSES)
    story.poll()
    assert story.status()["status"] == "active", "one poll of one route proves nothing"
    story.poll()
    assert story.status()["status"] == "paused"
    assert f"calls to orion-2 are refused: responses answers {said}" in story.status()["reason"]


def test_every_place_that_speaks_of_access_shows_the_same_routes_with_their_counts(story: Story):
    watch(story, story.entry(more='uses = ["v1/responses"]'))
    story.activate()
    story.deliver()
    story.provider.refuse(no_such_model(), RESPONSES)
    story.poll(2)
    shown = (
        "refused; reached: list (1 poll), retrieve (1 poll), chat (1 poll); "
        "refused: responses answers 404 model_not_found (2 polls)"
    )
    assert f"access {shown}" in " ".join(story.must("status", "orion").out.split()), "however wide its columns are"
    assert f"access {shown}" in story.must("why", "orion").out
    assert f"access {shown}" in story.run("gate", "orion", "--explain").out
    story.deliver()
    (pause,) = story.messages("PAUSED")
    assert f"Access          {shown}" in pause.whole
    assert "What changed    calls to orion-2 are refused\n" in pause.whole
    report = story.must("report", "orion").out
    assert "Access to the model is refused." in report
    for name, route in story.status()["access"]["routes"].items():
        line = next(line for line in report.splitlines() if line.startswith(f"| {name} | {route['state']} |"))
        assert f"| {route['polls']} |" in line
        assert f"| {route['answer']} | {route['source']} |" in line


def test_a_call_that_an_entry_does_not_use_pauses_nothing_and_informs(story: Story):
    watch(story, story.entry(more='uses = ["v1/responses"]'))
    story.activate()
    story.provider.refuse(no_such_model(), CHAT)
    story.poll(4)
    assert story.status()["status"] == "active"
    assert story.gate() == 0
    assert story.messages("PAUSED") == []
    assert [event["data"]["route"] for event in story.events("--type", "access.lost")] == ["chat"]


def test_a_call_that_an_entry_ignores_pauses_nothing_and_an_unknown_name_is_refused(story: Story):
    watch(story, story.entry(more='ignore = ["chat", "residency"]'))
    story.activate()
    story.provider.refuse(no_such_model(), CHAT)
    story.poll(4)
    assert story.status()["status"] == "active"
    story.configure(behaviour("retrieve"), story.entry(more='ignore = ["chatt"]'))
    refusal = story.run("poll")
    assert refusal.code == 78
    assert "chatt" in refusal.err
    assert "'chat'" in refusal.err


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"error": {"message": "oops", "type": "server_error"}}),
        Answer(503, "busy"),
        refused(429, "rate_limit_exceeded"),
        Answer(
            400,
            {
                "error": {
                    "message": "Unsupported parameter.",
                    "type": "invalid_request_error",
                    "param": "max_output_tokens",
                    "code": "unsupported_parameter",
                }
            },
        ),
        Answer(200, "<html>maintenance</html>"),
    ],
    ids=["500", "503", "429", "parameter", "html"],
)
def test_what_says_nothing_of_access_pauses_nothing(story: Story, answer: Answer):
    watch(story)
    story.activate()
    story.provider.refuse(answer)
    story.poll(4)
    assert story.status()["status"] == "active"
    assert story.events("--type", "access.*") == []


def test_credit_that_is_used_up_asks_for_a_call_and_billing(story: Story):
    watch(story)
    story.activate()
    empty = Answer(
        429, {"error": {"message": "Quota.", "type": "insufficient_quota", "code": "credit_balance_exhausted"}}
    )
    story.provider.refuse(empty)
    story.poll(2)
    assert story.status()["status"] == "paused"
    assert story.status()["asks"] == ["test_call", "billing"]
    assert story.status()["reason"].startswith("credit or a spend limit is used up, so calls to orion-2 are refused")
    story.provider.answers.clear()
    story.poll(3)
    refusal = resume(story)
    assert refusal.code == 1
    assert "billing is blank" in refusal.err
    assert "evals" not in refusal.err
    attest(story, "billing")
    assert resume(story).code == 0
    assert story.gate() == 0


def test_a_route_that_was_refused_from_the_start_is_a_failed_check_with_its_reason(story: Story):
    story.provider.refuse(no_such_model())
    watch(story, story.entry(more='checks = ["test_call"]'))
    rows = {row["check"]: row for row in story.json("checklist", "orion")}
    assert rows["test_call"]["state"] == "failed"
    assert rows["test_call"]["note"] == "responses and chat answer 404 model_not_found"
    refusal = story.run("activate", "orion", "--by", "Ada L.", "--reason", "a story")
    assert refusal.code == 1
    assert "test_call is failed" in refusal.err
    story.provider.answers.clear()
    story.poll(2)
    story.activate()


def test_an_entry_whose_every_call_is_refused_is_activated_only_by_name(story: Story):
    story.provider.refuse(no_such_model())
    watch(story)
    refusal = story.run("activate", "orion", "--by", "Ada L.", "--reason", "a story")
    assert refusal.code == 1
    assert "responses answers 404 model_not_found (--accept-loss responses" in refusal.err
    story.activate("orion", "--accept-loss", "responses,chat")
    story.poll(3)
    assert story.status()["status"] == "active"


def test_an_embedding_model_is_judged_by_its_embeddings_alone(story: Story):
    vector = Answer(200, {"object": "list", "model": "orion-2", "data": [{"embedding": [0.1, 0.2]}], "usage": {}})
    story.provider.answers["POST", EMBEDDINGS] = vector
    story.provider.refuse(no_such_model(), RESPONSES, CHAT)
    watch(story, story.entry(more='uses = ["v1/embeddings"]'), routes=("responses", "chat", "embeddings"))
    story.activate()
    story.provider.answers["POST", EMBEDDINGS] = no_such_model()
    story.poll()
    assert story.status()["status"] == "active", "routes that never were open agree with nothing"
    story.poll()
    assert "embeddings answers 404 model_not_found" in story.status()["reason"]
    assert "responses" not in story.status()["reason"]


def test_retrieve_alone_says_it_where_no_call_is_watched_and_not_where_calls_are_served(story: Story):
    watch(story)
    story.activate()
    story.provider.answers["GET", "/v1/models/orion-2"] = no_such_model()
    story.poll(5)
    assert story.status()["status"] == "active", "it is nearer to production that calls are served"
    story.configure(behaviour("retrieve"), story.entry())
    story.poll(3)
    assert story.status()["status"] == "paused"


def answered_by(model: str) -> Any:
    def answer(request: Any) -> Answer:
        return Answer(
            200,
            {
                "id": "resp_1",
                "object": "response",
                "status": "completed",
                "model": model,
                "system_fingerprint": f"fp_{model}",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "ok"}]}],
                "usage": {"input_tokens": 8, "output_tokens": 1},
            },
        )

    return answer


def test_another_model_that_answers_pauses_for_everybody(story: Story):
    story.provider.answers["POST", RESPONSES] = answered_by("orion-2-2026-04-01")
    spared = 'pause_on = "worse"\ncallers = ["agent"]\non_pause = "deny_new"\ngrace = "72h"'
    watch(story, story.entry(more=spared))
    story.activate()
    story.provider.answers["POST", RESPONSES] = answered_by("orion-2-2026-05-01")
    story.poll()
    assert story.status()["status"] == "active"
    story.poll()
    row = story.status()
    assert row["status"] == "paused"
    assert row["reason"] == (
        "another model answers: responses is answered by orion-2-2026-05-01, accepted was orion-2-2026-04-01"
    )
    assert row["asks"] == ASKED
    assert story.gate("orion", "--caller", "agent") == 1


ADMIN = """
[[source]]
key = "account"
kind = "admin"
surface = "openai"
parts = ["model_permissions", "spend_limit"]
every = "1s"
"""
KEYS = 'admin_key = "env:ADMIN_KEY"\nproject = "proj_1"\n'
PROJECT = "/v1/organization/projects/proj_1"


def account(story: Story, mode: str, models: list[str], enforcement: str = "inactive") -> None:
    limit = {
        "object": "organization.spend_limit",
        "threshold_amount": 500000,
        "currency": "USD",
        "interval": "month",
        "enforcement": {"status": enforcement},
    }
    policy = {"object": "project.model_permissions", "mode": mode, "model_ids": models}
    project = {"object": "organization.project", "id": "proj_1", "name": "p", "status": "active"}
    for path, body in (
        (PROJECT, project),
        (f"{PROJECT}/model_permissions", policy),
        (f"{PROJECT}/spend_limit", limit),
        ("/v1/organization/spend_limit", limit),
    ):
        story.provider.answers["GET", path] = Answer(200, body)


@pytest.mark.parametrize(
    ("before", "after", "said", "asked"),
    [
        (("deny_list", ["orion-1"]), ("deny_list", ["orion-1", "orion-2"]), "on the deny list", ASKED),
        (("allow_list", ["orion-1", "orion-2"]), ("allow_list", ["orion-1"]), "not on the allow list", ASKED),
        (
            ("deny_list", ["orion-1"], "inactive"),
            ("deny_list", ["orion-1"], "enforcing"),
            "spend limit of the account is enforced",
            ["test_call", "billing"],
        ),
    ],
    ids=["deny", "allow", "spend"],
)
def test_an_account_that_denies_pauses_although_calls_are_still_served(
    story: Story, before: Any, after: Any, said: str, asked: list[str]
):
    story.environ["ADMIN_KEY"] = "sk-admin-story-0123456789"
    account(story, *before)
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(behaviour("responses"), ADMIN, story.entry(), surface=KEYS)
    story.poll()
    story.activate()
    account(story, *after)
    story.poll(2)
    row = story.status()
    assert row["status"] == "paused"
    assert said in row["reason"]
    assert row["asks"] == asked
    assert said in told(story)


def lose_and_find(story: Story) -> None:
    story.provider.models = ["orion-1"]
    story.poll(3)
    assert story.status()["status"] == "paused"
    story.provider.models = ["orion-1", "orion-2"]


def test_a_model_that_was_lost_and_came_back_is_resumed_only_after_what_access_asks_for(story: Story):
    watch(story, story.entry(), routes=("retrieve",))
    story.activate()
    story.provider.answers["GET", "/pricing.md"] = Answer(503, "busy")
    lose_and_find(story)
    story.poll(3)
    refusal = resume(story)
    assert refusal.code == 1
    assert all(name in refusal.err for name in ASKED)
    assert "pricing is stale" in refusal.err, "an old date does not count"
    dry = story.run("resume", "orion", "--dry-run")
    assert dry.code == 1
    assert f"The pause asks for: {', '.join(ASKED)}." in dry.out
    asked = [row["check"] for row in story.json("checklist", "orion") if row["asked"]]
    assert sorted(asked) == sorted(ASKED)
    del story.provider.answers["GET", "/pricing.md"]
    story.poll()
    attest(story, "rate_limits", "evals", "safety_review")
    assert resume(story).code == 0
    assert story.gate() == 0


def test_a_named_person_may_go_on_without_and_only_without_what_is_asked_for(story: Story):
    watch(story, story.entry(more='checks = ["evals"]'), routes=("retrieve",))
    attest(story, "evals")
    story.activate()
    lose_and_find(story)
    story.poll(3)
    before = story.events()
    for name in ("fallback", "nonsense"):
        refusal = resume(story, "--waive", f"evals,{name}")
        assert refusal.code == 1
        assert len(refusal.err.strip().splitlines()) == 1
        assert name in refusal.err
    assert story.events() == before
    attest(story, "rate_limits")
    assert resume(story, "--waive", "evals").code == 1, "safety_review is still asked for"
    assert resume(story, "--waive", "evals", "--waive", "safety_review").code == 0
    assert story.gate() == 0, "what was waived closes nothing"
    (event,) = story.events("--type", "entry.resumed")
    assert event["data"]["waived"] == ["evals", "safety_review"]
    assert story.status()["waived"] == ["evals", "safety_review"]
    assert "waived evals, safety_review" in story.must("why", "orion").out
    assert "evals, safety_review" in story.must("status", "orion").out
    assert {row["check"] for row in story.json("checklist", "orion") if row["waived"]} == {"evals", "safety_review"}
    attest(story, "evals")
    assert story.status()["waived"] == ["safety_review"]


def test_a_price_asks_for_pricing_and_a_price_and_access_for_both_and_deny_everybody(story: Story):
    watch(story, story.entry(more='callers = ["agent"]\non_pause = "deny_new"\ngrace = "72h"'))
    story.activate()
    story.provider.prices["orion-2"] = ("2.00", "6.00")
    story.poll(2)
    assert story.status()["asks"] == ["pricing"]
    assert story.gate("orion", "--caller", "agent") == 0
    assert story.gate() == 1
    story.provider.refuse(no_such_model())
    story.poll(2)
    assert story.status()["asks"] == ASKED, "all that moved while it lasted"
    assert story.gate("orion", "--caller", "agent") == 1


def test_a_resumption_that_leaves_a_refused_route_behind_says_so_by_name(story: Story):
    watch(story)
    story.activate()
    story.provider.refuse(no_such_model(), CHAT)
    story.poll(3)
    attest(story, "rate_limits", "evals", "safety_review")
    refusal = resume(story)
    assert refusal.code == 1
    assert "chat answers 404 model_not_found (--accept-loss chat" in refusal.err
    assert resume(story, "--accept-loss", "responses").code == 1
    assert resume(story, "--accept-loss", "chat").code == 0
    story.poll(2)
    assert story.status()["status"] == "active"


def test_a_model_without_an_id_cannot_be_attested(story: Story):
    story.provider.models = ["orion-1"]
    entry = story.entry().replace('model_id = "orion-2"\n', "")
    story.configure(entry)
    story.poll()
    refusal = story.run("verify", "orion", "evals", "--by", "Ada L.", "--url", "https://example.test/proof")
    assert refusal.code == 1
    assert "model id" in refusal.err


def test_a_daemon_pauses_by_itself_and_tells_the_owner(story: Story):
    watch(story)
    story.activate()
    with story.daemon():
        story.provider.refuse(no_such_model())
        until(lambda: story.status()["status"] == "paused", "the entry is paused")
        until(lambda: story.messages("PAUSED"), "the owner is told")
    assert "404 model_not_found" in story.messages("PAUSED")[0].text


def test_a_pause_that_goes_on_says_every_route_once(story: Story):
    watch(story)
    story.activate()
    story.provider.refuse(no_such_model())
    story.poll(3)
    assert [event["type"] for event in story.events("--type", "entry.pause*")] == [
        "entry.paused",
        "entry.pause_extended",
    ]
    assert story.status()["reason"].count("calls to orion-2 are refused") == 1


def odd(status: int = 412) -> Answer:
    return Answer(status, {"error": {"message": "The moon is full.", "type": "error", "code": "PRECONDITION_FAILED"}})


def test_calls_that_are_all_refused_for_no_reason_that_anybody_knows_are_lost_access(story: Story):
    watch(story)
    story.activate()
    story.provider.refuse(odd(), RESPONSES)
    story.poll(5)
    assert story.status()["status"] == "active", "chat is served"
    story.provider.refuse(odd(), CHAT)
    story.poll(4)
    row = story.status()
    assert row["status"] == "paused"
    assert "answer 412 PRECONDITION_FAILED" in row["reason"]
    assert row["asks"] == ASKED
    assert row["access"]["state"] == "refused"
    assert row["access"]["routes"]["chat"]["answer"] == "412 PRECONDITION_FAILED"
    explained = story.run("gate", "orion", "--explain")
    assert explained.code == 1
    assert "chat answers 412 PRECONDITION_FAILED" in explained.out
    assert {event["data"]["new"] for event in story.events("--type", "behaviour.changed")} >= {"unknown"}
    story.provider.answers.clear()
    story.poll(3)
    assert {event["data"]["route"] for event in story.events("--type", "access.gained")} == {"responses", "chat"}
    assert story.status()["access"]["state"] == "reached"
    assert story.status()["status"] == "paused", "nothing resumes by itself"


@pytest.mark.parametrize("status", [401, 408, 409, 425, 429])
def test_a_status_that_says_nothing_of_the_call_loses_nothing_however_often_it_comes(story: Story, status: int):
    watch(story)
    story.activate()
    story.provider.refuse(odd(status))
    story.poll(5)
    assert story.status()["status"] == "active"
    assert story.events("--type", "access.*") == []


def test_a_list_and_a_retrieve_that_lack_a_model_wait_while_its_calls_are_served(story: Story):
    watch(story)
    story.activate()
    story.provider.models = ["orion-1"]
    story.poll(5)
    row = story.status()
    assert row["status"] == "active"
    assert row["access"]["state"] == "reached"
    states = {name: route["state"] for name, route in row["access"]["routes"].items()}
    assert states == {"list": "pending", "retrieve": "pending", "responses": "reached", "chat": "reached"}
    assert "list" in story.must("why", "orion").out.splitlines()[-1]


def test_the_verdict_shows_what_nothing_watches_and_what_the_account_allows_or_denies(story: Story):
    story.environ["ADMIN_KEY"] = "sk-admin-story-0123456789"
    account(story, "deny_list", ["orion-1"])
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    used = story.entry(more='uses = ["v1/responses", "v1/embeddings"]')
    story.configure(behaviour("responses"), ADMIN, used, surface=KEYS)
    story.poll()
    story.activate()
    routes = story.status()["access"]["routes"]
    assert (routes["embeddings"]["state"], routes["embeddings"]["source"]) == ("unknown", "")
    assert routes["model_permissions"]["state"] == "allowed"
    rows = {row["name"]: row["state"] for row in story.json("coverage", "orion")}
    assert rows["openai/orion-2/access.embeddings"] == "unwatched"
    account(story, "deny_list", ["orion-1", "orion-2"])
    story.poll(2)
    access = story.status()["access"]
    assert access["state"] == "denied"
    assert access["routes"]["responses"]["state"] == "reached"
    assert access["routes"]["model_permissions"]["answer"] == "on the deny list"
    assert "denied: model_permissions (on the deny list)" in story.must("status", "orion").out
    shown = story.run("resume", "orion", "--dry-run").out
    (line,) = [line for line in shown.splitlines() if "access.model_permissions" in line and "granted" in line]
    assert line.split("granted")[1].strip() == "not pinned", "it denies, and is no blank"


def test_a_loss_is_accepted_only_of_what_is_lost(story: Story):
    watch(story)
    before = story.events()
    for name in ("chat", "nonsense"):
        refusal = story.run("activate", "orion", "--by", "Ada L.", "--reason", "a story", "--accept-loss", name)
        assert refusal.code in (1, 2)
        assert len(refusal.err.strip().splitlines()) == 1
        assert name in refusal.err
    assert story.events() == before
