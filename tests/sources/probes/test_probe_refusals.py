"""Refusals through the real source: which of them is a fact about access, and which only a failed poll."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from probe_world import KEY, NOW, M, completion, error, ok, probe, response

from monitor.core.configuration import Surface
from monitor.core.facts import FailureReason, PollFailure, Snapshot
from monitor.core.rests import StoredRests
from monitor.sources.behaviour import BehaviourSource
from monitor.store import open_store

GONE = f"The model `{M}` does not exist or you do not have access to it."
QUOTA = {"type": "insufficient_quota"}

LOSSES: dict[str, tuple[httpx2.Response, str, str]] = {
    "404": (error(404, GONE, code="model_not_found"), "access_lost", "404 model_not_found"),
    "400": (
        error(400, f"The requested model '{M}' does not exist.", code="model_not_found", param="model"),
        "access_lost",
        "400 model_not_found",
    ),
    "403": (
        error(403, f"Project `proj_1` does not have access to model `{M}`", code="model_not_found"),
        "policy",
        "403 model_not_found",
    ),
    "retired": (
        error(404, f"The model `{M}` has been deprecated, learn more here: x", code="model_not_found"),
        "retired",
        "404 model_not_found",
    ),
    "verification": (
        error(404, f"Your organization must be verified to use the model `{M}`.", code="model_not_found"),
        "policy",
        "404 model_not_found",
    ),
    "country": (
        error(403, "Country, region, or territory not supported", code="unsupported_country_region_territory"),
        "region",
        "403 unsupported_country_region_territory",
    ),
    "host": (
        error(401, "Please make your request to us.api.openai.com", code="incorrect_hostname"),
        "region",
        "401 incorrect_hostname",
    ),
    "credit": (error(429, "Quota.", code="credit_balance_exhausted", **QUOTA), "quota", "429 credit_balance_exhausted"),
    "spend limit": (
        error(429, "Quota.", code="organization_spend_limit_exceeded", **QUOTA),
        "quota",
        "429 organization_spend_limit_exceeded",
    ),
    "project's spend limit": (
        error(429, "Quota.", code="project_spend_limit_exceeded", **QUOTA),
        "quota",
        "429 project_spend_limit_exceeded",
    ),
    "ceiling": (
        error(429, "Quota.", code="organization_usage_limit_exceeded", **QUOTA),
        "quota",
        "429 organization_usage_limit_exceeded",
    ),
    "programme": (error(403, "This needs the Daybreak program."), "blocked", "403"),
    "failed inside": (
        ok(response(status="failed", output=[], error={"code": "bio_policy", "message": "No."})),
        "blocked",
        "200 bio_policy",
    ),
}


@pytest.mark.parametrize("what", LOSSES)
def test_a_refusal_of_the_model_is_a_fact(what: str) -> None:
    answer, meaning, said = LOSSES[what]
    polled = probe("responses", answer)
    assert polled.facts() == {"access.responses": meaning, "behaviour.responses.refusal": said}


@pytest.mark.parametrize("code", ["x" * 61, "bad\u202ecode", ""])
def test_a_code_that_is_no_word_is_not_quoted(code: str) -> None:
    polled = probe("responses", error(403, "This needs the Daybreak program.", code=code))
    assert polled.facts()["behaviour.responses.refusal"] == "403"


FAILURES: dict[str, tuple[httpx2.Response, FailureReason]] = {
    "no key": (error(401, "Missing bearer authentication in header"), FailureReason.UNAUTHORIZED),
    "bad key": (error(401, "Incorrect API key provided.", code="invalid_api_key"), FailureReason.UNAUTHORIZED),
    "address": (error(401, "IP not authorized"), FailureReason.UNAUTHORIZED),
    "scope": (error(401, "Missing scopes: model.request"), FailureReason.UNAUTHORIZED),
    "rate": (error(429, "Rate limit", code="rate_limit_exceeded", type="rate_limit_error"), FailureReason.RATE_LIMITED),
    "ramp as 429": (error(429, "Slow", code="slow_down", type="rate_limit_error"), FailureReason.RATE_LIMITED),
    "ramp as 503": (error(503, "Slow", code="slow_down", type="service_unavailable_error"), FailureReason.SERVER_ERROR),
    "overload": (error(503, "Busy", code="server_is_overloaded"), FailureReason.SERVER_ERROR),
    "server": (error(500, "Sorry", type="server_error"), FailureReason.SERVER_ERROR),
    "parameter": (error(400, "No.", code="unsupported_value", param="temperature"), FailureReason.PROBE_REJECTED),
    "effort": (
        error(400, "Unsupported value: 'none'.", code="unsupported_value", param="reasoning.effort"),
        FailureReason.PROBE_REJECTED,
    ),
    "something": (error(400, "No."), FailureReason.HTTP_ERROR),
    "a proxy's 403": (httpx2.Response(403, text="<html><title>Blocked</title></html>"), FailureReason.FORBIDDEN),
    "a proxy's 404": (httpx2.Response(404, json={"detail": "Not Found"}), FailureReason.NOT_FOUND),
    "a page": (httpx2.Response(200, text="<html><title>Sign in</title></html>"), FailureReason.NOT_JSON),
    "nothing": (httpx2.Response(200, content=b""), FailureReason.NOT_JSON),
    "half": (httpx2.Response(200, content=b'{"object": "resp'), FailureReason.NOT_JSON),
    "another shape": (ok({"result": "ok"}), FailureReason.INVALID_SHAPE),
    "an array": (ok([]), FailureReason.INVALID_SHAPE),
    "an error inside 200": (
        ok({"error": {"message": "Upstream is resting", "code": "nap"}}),
        FailureReason.INVALID_SHAPE,
    ),
    "still running": (ok(response(status="in_progress")), FailureReason.INVALID_SHAPE),
    "failed inside: rate": (
        ok(response(status="failed", error={"code": "rate_limit_exceeded", "message": "x"})),
        FailureReason.RATE_LIMITED,
    ),
    "failed inside: server": (
        ok(response(status="failed", error={"code": "server_error", "message": "x"})),
        FailureReason.SERVER_ERROR,
    ),
    "elsewhere": (httpx2.Response(302, headers={"location": "https://other.example/login"}), FailureReason.REDIRECTED),
}


@pytest.mark.parametrize("what", FAILURES)
def test_everything_else_is_a_failure_to_poll(what: str) -> None:
    answer, reason = FAILURES[what]
    seen = probe("responses", answer).failure()
    assert seen.reason is reason
    assert len(seen.measured) == 1


@pytest.mark.parametrize("body", ["chat", "retrieve", "tokens", "embeddings"])
def test_an_answer_of_another_shape_is_never_granted(body: str) -> None:
    for answer in (
        ok({"object": "?"}),
        ok({"choices": [], "data": [], "id": ""}),
        ok({"id": None, "input_tokens": "7"}),
    ):
        assert probe(body, answer).failure().reason is FailureReason.INVALID_SHAPE


def test_a_retry_after_of_an_hour_is_passed_on() -> None:
    limited = error(429, "Rate limit", code="rate_limit_exceeded", retry_after="3600")
    assert probe("responses", limited).failure().retry_after == 3600
    dated = error(503, "Busy", retry_after="Mon, 23 Nov 2026 13:00:00 GMT")
    assert probe("responses", dated).failure().retry_after == 3600


def test_until_the_hour_is_over_nothing_is_sent() -> None:
    limited = error(429, "Rate limit", code="rate_limit_exceeded", retry_after="3600")
    polled = probe("responses", [limited, ok(response())])
    polled.poll()
    for minutes, left in ((1, 3540), (59, 60)):
        seen = polled.poll(NOW + timedelta(minutes=minutes))
        assert isinstance(seen, PollFailure)
        assert (seen.reason, seen.retry_after, seen.measured) == (FailureReason.RATE_LIMITED, left, ())
    assert len(polled.requests) == 1
    assert isinstance(polled.poll(NOW + timedelta(minutes=60)), Snapshot)


def test_a_clock_that_was_set_back_does_not_prolong_the_wait() -> None:
    limited = error(429, "Rate limit", code="rate_limit_exceeded", retry_after="3600")
    polled = probe("responses", [limited, ok(response())])
    polled.poll()
    assert isinstance(polled.poll(NOW - timedelta(days=1)), Snapshot)


def test_a_key_is_read_anew_after_it_was_refused() -> None:
    keys = iter(["sk-first-of-the-keys", "sk-second-of-the-keys"])
    polled = probe("responses", [error(401, "No.", code="invalid_api_key"), ok(response())])
    polled.source = BehaviourSource(
        polled.source.spec,
        Surface(key="openai", base_url="https://api.example/v1", provider="openai", api_key="env:KEY"),
        polled.source._http,
        lambda _: next(keys),
        budget=polled.budget,
        elapsed=lambda: 0.0,
    )
    polled.poll()
    polled.poll()
    assert [one.headers["authorization"] for one in polled.requests] == [
        "Bearer sk-first-of-the-keys",
        "Bearer sk-second-of-the-keys",
    ]


def test_a_refusal_of_its_own_parameters_names_what_to_mend() -> None:
    refused = error(400, "Unsupported value: 'none'.", code="unsupported_value", param="reasoning.effort")
    detail = probe("responses", refused, parameters={"effort": "none"}).failure().detail
    assert "Unsupported value: 'none'." in detail
    assert "`parameters`" in detail


def test_a_failing_call_is_sent_once() -> None:
    polled = probe(
        "responses", error(429, "Quota.", code="credit_balance_exhausted", retry_after="1", x_should_retry="true")
    )
    polled.poll()
    assert len(polled.requests) == 1


def test_no_secret_is_kept_or_shown() -> None:
    quoting = error(401, f"Incorrect API key provided: {KEY}.", code="invalid_api_key")
    seen = probe("responses", quoting).failure()
    assert seen.body is not None
    assert KEY not in seen.detail
    assert KEY.encode() not in seen.body.content
    granted = probe("responses", ok(response(KEY)), headers={"X-Team": "env:TEAM"}, key_header="api-key").poll()
    assert isinstance(granted, Snapshot)
    assert KEY.encode() not in granted.body.content


def test_a_secret_with_a_quote_in_it_is_not_kept_either() -> None:
    secret = 'sk"with\\signs'
    polled = probe("responses", ok(response(f"you sent {secret}")))
    polled.source._sdk._secret = lambda _: secret
    seen = polled.poll()
    assert isinstance(seen, Snapshot)
    assert b"signs" not in seen.body.content


def test_evidence_is_the_answer_with_the_headers_that_matter() -> None:
    seen = probe("responses", ok(response(), x_request_id="req_1", set_cookie="session=1")).poll()
    assert isinstance(seen, Snapshot)
    (call,) = json.loads(seen.body.content)["calls"]
    assert (call["status"], call["headers"]["x-request-id"]) == (200, "req_1")
    assert "set-cookie" not in call["headers"]
    assert call["body"]["output"][0]["content"][0]["text"] == "pong"


def test_key_header_and_further_headers_are_sent_and_no_other_authorization() -> None:
    polled = probe("chat", ok(completion()), key_header="api-key", headers={"X-Title": "monitor", "X-Team": "env:TEAM"})
    polled.poll()
    headers = polled.requests[0].headers
    assert (headers["api-key"], headers["x-title"], headers["x-team"]) == (KEY, "monitor", KEY)
    assert "authorization" not in headers
    streamed = probe("streaming", ok({}), key_header="api-key")
    streamed.poll()
    assert "authorization" not in streamed.requests[0].headers


def test_a_measurement_says_what_the_call_took() -> None:
    seen = probe("responses", ok(response(), x_request_id="req_7")).poll()
    assert isinstance(seen, Snapshot)
    (one,) = seen.measured
    assert (one.source, one.surface, one.model, one.route, one.at) == (
        f"probes/{M}/responses",
        "openai",
        M,
        "responses",
        NOW,
    )
    assert (one.outcome, one.latency, one.request) == ("granted", 100, "req_7")
    assert (one.input_tokens, one.cached_tokens, one.cache_write_tokens, one.output_tokens) == (10, 0, 0, 2)
    assert one.cost == "0.0000044"


def test_a_refused_call_is_measured_with_its_meaning() -> None:
    seen = probe("responses", error(404, GONE, code="model_not_found")).poll()
    assert [one.outcome for one in seen.measured] == ["access_lost"]  # type: ignore[union-attr]


def test_a_call_without_an_answer_is_measured_as_transient() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    seen = probe("responses", broken).failure()
    assert isinstance(seen, PollFailure)
    assert (seen.reason, [one.outcome for one in seen.measured]) == (FailureReason.UNREACHABLE, ["transient"])


def test_a_provider_that_asked_to_wait_is_let_wait_after_a_restart_and_on_every_node(tmp_path: Path) -> None:
    limited = error(429, "Rate limit", code="rate_limit_exceeded", retry_after="3600")
    store = open_store(str(tmp_path / "monitor.db"))
    polled, following = probe("responses", [limited, ok(response())]), probe("responses", [ok(response())])
    for each in (polled, following):
        each.source._rests = StoredRests(store)
    failure = polled.failure()
    later = following.poll(NOW + timedelta(minutes=1))
    assert isinstance(later, PollFailure)
    assert (later.reason, later.detail, later.retry_after) == (failure.reason, failure.detail, 3540)
    assert following.requests == []
    assert isinstance(following.poll(NOW + timedelta(minutes=60)), Snapshot)
    with store.read() as reader:
        assert reader.working_state(f"rest {polled.source.spec.key}") == ""
    store.close()
