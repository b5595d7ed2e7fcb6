"""OFREP 0.3.0, as the published client and the protocol's traps want it: nothing that is denied ever reads as the
caller's default.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from gate_examples import HOUR, LEASE, NOW, spared, standing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_world import JSON, World

from monitor.core.entry import Status
from monitor.core.ports import Unavailable
from monitor.web import memory

FLAGS = "/ofrep/v1/evaluate/flags"
REASONS = {"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"}


def test_an_evaluation_is_the_one_of_the_protocol(world: World) -> None:
    assert world.ofrep("luna", env="production") == {
        "key": "luna",
        "value": True,
        "reason": "TARGETING_MATCH",
        "variant": "active",
        "metadata": {
            "status": "active",
            "position": 17,
            "reason": "active: every assumption that was accepted holds and is fresh",
            "fallback": "",
            "expires_at": "2026-11-22T10:35:00Z",
        },
    }


@pytest.mark.parametrize(
    ("key", "variant"),
    [("sol", "paused"), ("old", "stale"), ("nova", "evaluating"), ("gpt-9", "unregistered"), ("shared", "ambiguous")],
)
def test_a_denial_is_an_evaluation_to_false_with_a_reason_of_the_protocol(world: World, key: str, variant: str) -> None:
    flag = world.ofrep(key)
    assert (flag["key"], flag["value"], flag["variant"]) == (key, False, variant)
    assert flag["reason"] in REASONS
    assert all(isinstance(value, bool | str | int | float) for value in flag["metadata"].values())


def test_the_caller_is_the_targeting_key_unless_the_context_names_one(world: World) -> None:
    assert world.ofrep("sol", targetingKey="support-agent")["variant"] == "grace"
    assert world.ofrep("sol", targetingKey="pod-7", caller="support-agent")["value"] is True
    assert world.ofrep("sol", targetingKey="support-agent", caller="newcomer")["value"] is False


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"{}", b"null", b'{"context":null}', b'{"context":{}}', b"\xef\xbb\xbf{}"]
)
@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_a_body_without_a_word_in_it_is_a_context(world: World, body: bytes, content_type: str) -> None:
    response = world.http.post(f"{FLAGS}/luna", content=body, headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["value"]) == (200, True)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ],
)
def test_what_is_not_said_to_be_json_is_refused_and_counted_nowhere(world: World, content_type: str) -> None:
    body = b'{"context": {"targetingKey": "a-page"}}'
    for path in (f"{FLAGS}/sol", FLAGS):
        response = world.http.post(path, content=body, headers={"Content-Type": content_type} if content_type else {})
        assert response.status_code == 415
        assert "application/json" in response.json()["errorDetails"]
    assert world.endpoints.uses.take() == {}


@pytest.mark.parametrize(
    "context", [{"env": 5}, {"env": None}, {"env": ["staging"]}, {"env": ""}, {"env": "elsewhere"}]
)
def test_an_environment_that_is_no_text_is_judged_as_production(world: World, context: dict[str, Any]) -> None:
    assert world.ofrep("nova", **context)["value"] is False
    assert world.ofrep("luna", **context)["value"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"\xff\xfe\x00", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b'"luna"', "PARSE_ERROR"),
        (b"[" * 50_000, "PARSE_ERROR"),
        (b'{"n":' + b"9" * 10_000 + b"}", "PARSE_ERROR"),
        (b" " * 70_000, "PARSE_ERROR"),
        (b'{"context":[]}', "INVALID_CONTEXT"),
        (b'{"context":"prod"}', "INVALID_CONTEXT"),
    ],
)
def test_what_cannot_be_understood_is_400_with_code_and_details(world: World, body: bytes, code: str) -> None:
    for path, expected in (
        (f"{FLAGS}/luna", {"key", "errorCode", "errorDetails"}),
        (FLAGS, {"errorCode", "errorDetails"}),
    ):
        response = world.http.post(path, content=body, headers=JSON)
        assert response.status_code == 400
        assert response.json().keys() == expected
        assert response.json()["errorCode"] == code


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_sent_the_answer_is_one_that_clients_understand(world: World, body: bytes | str) -> None:
    response = world.http.post(f"{FLAGS}/sol", content=body, headers=JSON)
    assert response.status_code in (200, 400)
    answer = response.json()
    assert answer["key"] == "sol"
    assert answer.get("value", False) is False
    assert ("variant" in answer) != ("errorDetails" in answer)


def test_while_the_registry_cannot_be_read_a_flag_is_false_and_bulk_names_what_was_known(world: World) -> None:
    known = {flag["key"] for flag in world.http.post(FLAGS, headers=JSON).json()["flags"]}
    world.broken = Unavailable("The database is away.")
    world.elapsed += memory.PATIENCE + memory.STEP
    flag = world.ofrep("luna")
    assert (flag["value"], flag["variant"], flag["reason"]) == (False, "unknown", "UNKNOWN")
    bulk = world.http.post(FLAGS, headers=JSON)
    assert bulk.status_code == 200
    assert {one["key"]: one["value"] for one in bulk.json()["flags"]} == dict.fromkeys(known, False)


def test_bulk_holds_every_key_as_the_single_evaluation_has_it(world: World) -> None:
    answer = world.http.post(FLAGS, json={"context": {"env": "staging", "targetingKey": "support-agent"}}).json()
    assert answer["metadata"] == {"version": "42"}
    keys = [flag["key"] for flag in answer["flags"]]
    assert sorted(keys) == sorted(
        ["luna", "gpt-5.6-luna", "sol", "gpt-5.6-sol", "terra", "nova", "shared", "openai/gpt-4o", "old", "gpt-5.6-old"]
    )
    for flag in answer["flags"]:
        assert flag == world.ofrep(flag["key"], env="staging", targetingKey="support-agent")


def bulk(world: World, etag: str = "", **context: str) -> httpx2.Response:
    headers = {"If-None-Match": etag} if etag else {}
    return world.http.post(f"{FLAGS}?flagConfigEtag=x", json={"context": context}, headers=headers)


def test_bulk_is_304_without_a_body_while_nothing_changed(world: World) -> None:
    etag = bulk(world).headers["etag"]
    world.now += timedelta(seconds=30)
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = bulk(world, sent)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_bulk_is_another_for_another_version_or_context(world: World) -> None:
    etag = bulk(world).headers["etag"]
    assert bulk(world, etag, env="staging").status_code == 200
    assert bulk(world, etag, targetingKey="support-agent").status_code == 200
    world.commit()
    assert bulk(world, etag).status_code == 200


def test_bulk_is_never_confirmed_past_a_change_that_time_alone_made(world: World) -> None:
    world.commit(standing("luna", access_until=NOW + HOUR))
    etag = bulk(world).headers["etag"]
    assert bulk(world, etag).status_code == 304
    world.now = NOW + HOUR
    answer = bulk(world, etag)
    assert answer.status_code == 200
    assert next(flag for flag in answer.json()["flags"] if flag["key"] == "luna")["value"] is False


def test_bulk_is_given_anew_before_the_lease_of_what_the_caller_has_is_over(world: World) -> None:
    etag = bulk(world).headers["etag"]
    world.now = NOW + LEASE / 2
    assert bulk(world, etag).status_code == 200


def test_bulk_is_given_anew_when_a_good_poll_has_moved_an_end_without_an_event(world: World) -> None:
    world.standings["luna"] = standing("luna", access_until=NOW + HOUR)
    etag = bulk(world).headers["etag"]
    world.standings["luna"] = standing("luna", access_until=NOW + 2 * HOUR)
    world.elapsed += memory.RENEWAL
    assert bulk(world, etag).status_code == 200


class TestThePublishedClient:
    """`openfeature-provider-ofrep`; the caller's default is the dangerous one, so that falling back to it is seen as
    "allowed".
    """

    def allowed(self, world: World, key: str, caller: str = "", **attributes: Any) -> bool:
        ofrep = pytest.importorskip(
            "openfeature.contrib.provider.ofrep", reason="openfeature-provider-ofrep, the real client, is not installed"
        )
        from openfeature import api
        from openfeature.evaluation_context import EvaluationContext

        provider = ofrep.OFREPProvider(world.server.url, headers_factory=lambda: {"Authorization": "Bearer token"})
        provider.session.trust_env = False
        api.set_provider(provider)
        try:
            context = EvaluationContext(caller or None, attributes)
            return api.get_client().get_boolean_value(key, True, context)
        finally:
            provider.session.close()
            api.clear_providers()

    def test_is_told_yes_for_an_active_entry_and_its_model_id(self, world: World) -> None:
        assert self.allowed(world, "luna")
        assert self.allowed(world, "gpt-5.6-luna")

    @pytest.mark.parametrize("key", ["sol", "old", "nova", "openai/gpt-4o", "shared", "gpt-9", "no/such", "a:b"])
    def test_is_told_no_for_everything_else_whatever_its_default(self, world: World, key: str) -> None:
        assert not self.allowed(world, key)

    def test_tells_who_asks_and_where(self, world: World) -> None:
        assert self.allowed(world, "sol", "support-agent")
        assert self.allowed(world, "nova", env="staging")
        assert self.allowed(world, "openai/gpt-4o", env="staging")

    def test_is_told_no_while_the_registry_cannot_be_read(self, world: World) -> None:
        world.broken = Unavailable("The database is away.")
        assert not self.allowed(world, "luna")

    def test_is_told_no_as_soon_as_an_entry_is_paused(self, world: World) -> None:
        assert self.allowed(world, "luna")
        world.commit(spared("luna"), standing("terra", status=Status.RETIRED))
        assert not self.allowed(world, "luna")

    def test_passes_its_token(self, world: World) -> None:
        world.protect("token")
        assert self.allowed(world, "luna")
        assert not self.allowed(world, "sol")
