"""What each route asks, and what it states of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from probe_world import NOW, M, chunk, completion, error, events, ok, probe, response

from monitor.core.facts import FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.behaviour.calls import PLANS


def test_a_model_that_is_retrieved_is_granted_and_costs_nothing() -> None:
    polled = probe("retrieve", ok({"id": M, "object": "model"}))
    assert polled.facts() == {"access.retrieve": "granted", "behaviour.retrieve.model": M}
    assert polled.requests[0].url.path == f"/v1/models/{M}"
    assert polled.budget.reserved == []


@pytest.mark.parametrize(("id", "path"), [("a/b:free", "/v1/models/a/b:free"), ("a?b#c d", "/v1/models/a%3Fb%23c%20d")])
def test_an_id_is_asked_for_as_it_stands(id: str, path: str) -> None:
    polled = probe("retrieve", ok({"id": id}))
    polled.source.spec = replace(polled.source.spec, options={"model": id, "route": "retrieve"})
    polled.poll()
    assert polled.requests[0].url.raw_path.decode() == path


def test_tokens_are_counted_without_generating() -> None:
    polled = probe("tokens", ok({"object": "response.input_tokens", "input_tokens": 7}))
    assert polled.facts() == {"access.tokens": "granted", "behaviour.tokens.input_tokens": 7}
    assert polled.requests[0].url.path == "/v1/responses/input_tokens"
    assert polled.budget.reserved == []


def test_a_response_states_who_answered_by_which_tier_and_under_which_limits() -> None:
    answer = ok(
        response(model=f"{M}-2026-08-01"),
        x_ratelimit_limit_requests="5000",
        x_ratelimit_limit_tokens="2000000",
        x_ratelimit_remaining_requests="4999",
    )
    assert probe("responses", answer).facts() == {
        "access.responses": "granted",
        "behaviour.responses.model": f"{M}-2026-08-01",
        "behaviour.responses.service_tier": "default",
        "behaviour.responses.usage": "input_tokens,input_tokens_details.cache_write_tokens,"
        "input_tokens_details.cached_tokens,"
        "output_tokens,output_tokens_details.reasoning_tokens,total_tokens",
        "limit.requests": 5000,
        "limit.tokens": 2000000,
    }


@pytest.mark.parametrize(
    ("programs", "stated"),
    [
        ({"cyber": "standard"}, "cyber standard"),
        ({"cyber": "daybreak_blue", "bio": "trusted"}, "bio trusted, cyber daybreak_blue"),
        ({"cyber": None}, None),
        ({}, None),
        (None, None),
        ("standard", None),
    ],
)
def test_a_response_states_its_access_programmes(programs: object, stated: str | None) -> None:
    facts = probe("responses", ok(response(access_programs=programs))).facts()
    assert facts.get("behaviour.responses.access_programs") == stated


def test_a_refusal_takes_no_access_programme_back() -> None:
    refused = probe("responses", error(404, "No.", code="model_not_found")).poll()
    assert "behaviour.responses.access_programs" in refused.silent


def test_limits_that_are_no_whole_numbers_are_not_stated() -> None:
    seen = probe("responses", ok(response(), x_ratelimit_limit_requests="many")).facts()
    assert not [field for field in seen if field.startswith("limit.")]


def test_a_call_is_the_smallest_and_is_not_stored() -> None:
    polled = probe("responses", ok(response()))
    polled.poll()
    assert polled.sent() == {"model": M, "input": "ping", "max_output_tokens": 16, "store": False}
    polled = probe("chat", ok(completion()))
    polled.poll()
    assert polled.sent() == {
        "model": M,
        "messages": [{"role": "user", "content": "ping"}],
        "max_completion_tokens": 16,
        "store": False,
    }


def test_parameters_go_where_each_endpoint_has_them_and_an_empty_one_is_left_out() -> None:
    parameters = {"effort": "low", "verbosity": "low", "seed": 7, "store": "", "max_output_tokens": 32}
    polled = probe("responses", ok(response()), parameters=parameters)
    polled.poll()
    assert polled.sent() == {
        "model": M,
        "input": "ping",
        "max_output_tokens": 32,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "seed": 7,
    }
    polled = probe("chat", ok(completion()), parameters={"effort": "low", "store": "", "max_tokens": 20})
    polled.poll()
    assert polled.sent() == {
        "model": M,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 20,
        "reasoning_effort": "low",
    }


def test_a_chat_states_its_fingerprint() -> None:
    seen = probe("chat", ok(completion())).facts()
    assert (seen["access.chat"], seen["behaviour.chat.fingerprint"]) == ("granted", "fp_1")


def test_an_answer_that_ran_out_of_room_was_granted_all_the_same() -> None:
    cut = response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}, output=[])
    assert probe("responses", ok(cut)).facts()["access.responses"] == "granted"


def test_an_answer_that_a_filter_cut_off_is_a_failure_to_poll() -> None:
    cut = response(status="incomplete", incomplete_details={"reason": "content_filter"})
    assert probe("responses", ok(cut)).failure().reason is FailureReason.INVALID_SHAPE


def test_embeddings_state_their_dimensions() -> None:
    body = {"object": "list", "model": M, "data": [{"embedding": [0.1, 0.2, 0.3]}], "usage": {"prompt_tokens": 1}}
    polled = probe("embeddings", ok(body))
    seen = polled.facts()
    assert (seen["access.embeddings"], seen["behaviour.embeddings.dimensions"]) == ("granted", 3)
    assert polled.sent()["encoding_format"] == "float"


def test_a_stream_is_measured_to_its_first_word() -> None:
    last = {
        "object": "chat.completion.chunk",
        "model": M,
        "choices": [],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1},
    }
    polled = probe("streaming", events(chunk(), chunk("po"), chunk("ng"), last))
    seen = polled.poll()
    assert isinstance(seen, Snapshot)
    facts = seen.facts[Subject("openai", M)]
    assert facts["access.streaming"] == "granted"
    assert facts["behaviour.streaming.usage"] == "completion_tokens,prompt_tokens"
    (measured,) = seen.measured
    assert measured.first_token is not None
    assert 0 < measured.first_token < measured.latency
    assert polled.sent()["stream"] is True
    assert polled.sent()["stream_options"] == {"include_usage": True}


USAGE = {"choices": [], "usage": {"prompt_tokens": 8}}
BROKEN: dict[str, tuple[httpx2.Response, FailureReason]] = {
    "without an end": (events(chunk("po"), USAGE, done=False), FailureReason.TRUNCATED),
    "without usage": (events(chunk("po")), FailureReason.INVALID_SHAPE),
    "no stream": (ok(completion()), FailureReason.INVALID_SHAPE),
    "an error in the middle": (events(chunk("po"), {"error": {"code": "server_error"}}), FailureReason.SERVER_ERROR),
    "nothing at all": (events(), FailureReason.INVALID_SHAPE),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_stream_that_is_not_whole_is_a_failure_to_poll(what: str) -> None:
    answer, reason = BROKEN[what]
    assert probe("streaming", answer).failure().reason is reason


@pytest.mark.parametrize(
    ("text", "valid"),
    [('{"ok": true}', True), ('{"ok": "yes"}', False), ("Sure!", False), ('{"ok":true,"x":1}', False)],
)
def test_a_structured_answer_is_held_to_its_schema(text: str, valid: bool) -> None:
    polled = probe("structured", ok(response(text)), parameters={"verbosity": "low"})
    seen = polled.facts()
    assert (seen["access.structured"], seen["behaviour.structured.valid"]) == ("granted", valid)
    form = polled.sent()["text"]
    assert form["verbosity"] == "low"
    assert form["format"]["strict"] is True


def test_a_structured_answer_without_room_says_nothing_of_its_shape() -> None:
    cut = response('{"o', status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    seen = probe("structured", ok(cut)).facts()
    assert seen["access.structured"] == "granted"
    assert "behaviour.structured.valid" not in seen


def test_structured_answers_and_tools_may_be_asked_of_chat() -> None:
    answer = completion()
    answer["choices"][0]["message"]["content"] = '{"ok": false}'
    polled = probe("structured", ok(answer), parameters={"endpoint": "chat"})
    assert polled.facts()["behaviour.structured.valid"] is True
    assert polled.requests[0].url.path.endswith("/chat/completions")
    answer = completion()
    answer["choices"][0]["message"]["tool_calls"] = [{"type": "function"}]
    polled = probe("tools", ok(answer), parameters={"endpoint": "chat"})
    assert polled.facts()["behaviour.tools.called"] is True


def test_a_tool_is_called() -> None:
    called = {"type": "function_call", "name": "report", "arguments": '{"ok":true}'}
    polled = probe("tools", ok(response(output=[called])))
    seen = polled.facts()
    assert (seen["access.tools"], seen["behaviour.tools.called"]) == ("granted", True)
    assert polled.sent()["tool_choice"] == "required"
    assert probe("tools", ok(response())).facts()["behaviour.tools.called"] is False


@pytest.mark.parametrize(
    ("route", "used", "said"),
    [
        ("flex", "flex", "granted"),
        ("flex", "default", "access_lost"),
        ("priority", "priority", "granted"),
        ("priority", "fast", "granted"),
        ("priority", "default", "access_lost"),
    ],
)
def test_a_tier_is_granted_only_where_it_is_echoed(route: str, used: str, said: str) -> None:
    polled = probe(route, ok(response(service_tier=used)))
    assert polled.facts()[f"access.{route}"] == said
    assert polled.sent()["service_tier"] == route


def test_an_answer_that_does_not_say_its_tier_says_nothing_of_a_tier() -> None:
    answer = response()
    del answer["service_tier"]
    assert probe("flex", ok(answer)).failure().reason is FailureReason.INVALID_SHAPE


def test_the_parameter_that_a_route_tries_may_be_what_is_refused() -> None:
    refusal = error(400, "Invalid service_tier argument: flex is not available for this model.", param="service_tier")
    said = {"behaviour.flex.refusal": "400 service_tier"}
    assert probe("flex", refusal).facts() == {"access.flex": "parameter_rejected", **said}
    policy = error(400, "Invalid service_tier argument: flex is not allowed for this project", param="service_tier")
    assert probe("flex", policy).facts() == {"access.flex": "policy", **said}


def refuse_as_gpt_5_6(request: httpx2.Request) -> httpx2.Response:
    sent: dict[str, Any] = __import__("json").loads(request.content)
    if "tools" in sent:
        return error(400, "Function tools with reasoning are not supported here.", param="reasoning_effort")
    if "max_tokens" in sent:
        return error(400, "Unsupported parameter.", param="max_tokens", code="unsupported_parameter")
    if "temperature" in sent:
        return error(400, "Unsupported value.", param="temperature", code="unsupported_value")
    return error(400, "Below minimum.", param="max_output_tokens", code="integer_below_min_value")


def test_the_contract_is_what_is_refused_and_costs_nothing_where_it_is() -> None:
    polled = probe("contract", refuse_as_gpt_5_6, parameters={"effort": "none"})
    assert polled.facts() == {
        "behaviour.contract.temperature": "rejected:unsupported_value",
        "behaviour.contract.max_tokens": "rejected:unsupported_parameter",
        "behaviour.contract.chat_tools": "rejected:reasoning_effort",
        "behaviour.contract.least_output": "rejected:integer_below_min_value",
    }
    assert len(polled.budget.reserved) == 4
    assert sum(polled.budget.settled) == 0
    assert "reasoning_effort" not in polled.sent(2)


def test_a_contract_that_is_no_longer_refused_is_accepted() -> None:
    def accept(request: httpx2.Request) -> httpx2.Response:
        return ok(completion() if "chat" in request.url.path else response())

    assert set(probe("contract", accept).facts().values()) == {"accepted"}


def test_a_contract_is_not_read_from_refusals_of_the_model() -> None:
    gone = error(404, f"The model `{M}` does not exist or you do not have access to it.", code="model_not_found")
    assert probe("contract", gone).failure().reason is FailureReason.NOT_FOUND


def cached(written: int, read: int, **more: object) -> httpx2.Response:
    answer = response(**more)
    answer["usage"]["input_tokens"] = 1500
    answer["usage"]["input_tokens_details"] = {"cached_tokens": read, "cache_write_tokens": written}
    return ok(answer)


def test_the_cache_is_written_and_then_read() -> None:
    answers = [cached(1400, 0), cached(0, 1400, prompt_cache_diagnostics={"type": "cache_hit"})]
    polled = probe("caching", answers)
    seen = polled.facts()
    assert {
        field: seen[field] for field in seen if "caching." in field and "tier" not in field and "usage" not in field
    } == {
        "behaviour.caching.model": M,
        "behaviour.caching.written": True,
        "behaviour.caching.read": True,
        "behaviour.caching.hit": True,
        "behaviour.caching.diagnostics": "cache_hit",
    }
    first, second = polled.sent(0), polled.sent(1)
    assert first["input"][0]["content"][0] == second["input"][0]["content"][0]
    assert first["input"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert second["prompt_cache_options"]["comparison_response_id"] == "resp_1"
    assert len(first["input"][0]["content"][0]["text"].split()) > 700


def test_a_miss_says_why() -> None:
    why = {"type": "cache_miss", "reason": "model_changed", "cache_missed_tokens": 1400}
    seen = probe("caching", [cached(1400, 0), cached(1400, 0, prompt_cache_diagnostics=why)]).facts()
    assert (seen["behaviour.caching.hit"], seen["behaviour.caching.diagnostics"]) == (False, "cache_miss:model_changed")


def test_every_look_at_the_cache_writes_a_prefix_of_its_own() -> None:
    polled = probe("caching", lambda _: cached(1400, 1400))
    polled.poll(NOW)
    polled.poll(NOW + timedelta(minutes=2))
    prefixes = {polled.sent(number)["input"][0]["content"][0]["text"] for number in range(4)}
    assert len(prefixes) == 2


def test_the_region_is_asked_at_its_own_host_with_the_same_key() -> None:
    polled = probe("region", ok(response()))
    assert polled.facts()["access.region"] == "granted"
    assert polled.requests[0].url.host == "eu.api.example"
    assert polled.requests[0].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    "answer",
    [
        error(401, "Please make your request to us.api.openai.com", code="incorrect_hostname"),
        ok(response(status="failed", output=[], error={"code": "data_residency_mismatch", "message": "No."})),
    ],
)
def test_the_wrong_region_is_a_loss_by_that_route(answer: httpx2.Response) -> None:
    facts = probe("region", answer).facts()
    assert facts.pop("behaviour.region.refusal") in ("401 incorrect_hostname", "200 data_residency_mismatch")
    assert facts == {"access.region": "region"}


def test_every_route_that_can_be_configured_has_a_plan() -> None:
    from typing import get_args

    from monitor.sources.kinds.behaviour import Route

    assert set(get_args(Route)) == {*PLANS, "batch"}


def test_stored_answers_are_read_anew_to_the_same_facts() -> None:
    polled = probe("caching", [cached(1400, 0), cached(0, 1400)])
    seen = polled.poll()
    assert isinstance(seen, Snapshot)
    again = polled.source.extract(seen.body, NOW)
    assert isinstance(again, Snapshot)
    assert again.facts == seen.facts


def test_what_is_no_stored_answer_is_a_failure() -> None:
    from monitor.core.facts import Body

    for content in (b"", b"[]", b'{"calls": [{}]}', b'{"calls": []}', b"\xff"):
        seen = probe("responses", ok({})).source.extract(Body(content=content, sha256="", size=0), NOW)
        assert isinstance(seen, PollFailure)


def test_a_fingerprint_that_an_answer_leaves_out_is_not_spoken_of() -> None:
    seen = probe("chat", ok(completion(system_fingerprint=None))).poll()
    assert isinstance(seen, Snapshot)
    assert "behaviour.chat.fingerprint" in seen.silent
    assert "limit.requests" not in seen.silent, "a granted answer that states no limits any more has said so"


def test_a_stream_that_counts_up_in_every_event_is_billed_by_the_last() -> None:
    counts = [{"prompt_tokens": 8, "completion_tokens": n, "total_tokens": 8 + n} for n in (0, 2)]
    polled = probe("streaming", events(chunk(usage=counts[0]), chunk("pong", usage=counts[1])))
    (measured,) = polled.poll().measured  # type: ignore[union-attr]
    assert measured.output_tokens == 2
