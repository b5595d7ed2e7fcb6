"""What a models list says of its models, and which lists are none."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_loopback import NOW, LoopbackServer

from monitor.core.configuration import Surface
from monitor.core.facts import Body, Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.core.ports import ConfigurationError
from monitor.sources.catalog import source_spec
from monitor.sources.http import HttpClient
from monitor.sources.models_list import ListProblem, ModelsList, read

SPEC = source_spec(key="openai-models", kind="models_list", every=timedelta(minutes=5), surface="openai")
OFFLINE = HttpClient()
SURFACE = Surface(
    key="openai", base_url="http://nobody.invalid/v1", provider="openai", project="proj_1", api_key="env:KEY"
)


def source(
    http: HttpClient | None = None, surface: Surface = SURFACE, secret: Any = lambda _: "sk-key-of-tests"
) -> ModelsList:
    return ModelsList(SPEC, surface, http or OFFLINE, secret)


def observed(payload: object) -> Any:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return source().extract(Body(content=content, sha256="", size=len(content)), NOW)


def listed(*items: object, **more: object) -> Any:
    return observed({"object": "list", "data": list(items), **more})


def model(id: str, **fields: object) -> dict[str, object]:
    return {"id": id, "object": "model", **fields}


def about(snapshot: Snapshot, id: str) -> dict[str, object]:
    return dict(snapshot.facts[Subject("openai", id)])


def test_a_list_states_what_stands_in_it() -> None:
    seen = listed(model("gpt-5.6-luna", created=1783555200, owned_by="system", shutdown_date="2027-01-14"))
    assert about(seen, "gpt-5.6-luna") == {
        "listed": True,
        "created": 1783555200,
        "owned_by": "system",
        "shutdown_date": "2027-01-14",
    }
    assert seen.extractor == "models_list/1"


def test_only_an_id_is_needed() -> None:
    assert about(observed({"data": [{"id": "a"}]}), "a") == {"listed": True}


def test_a_bare_array_is_a_list() -> None:
    assert set(observed([{"id": "a"}, {"id": "b"}]).facts) == {Subject("openai", "a"), Subject("openai", "b")}


def test_models_are_a_list_only_where_all_items_have_ids() -> None:
    assert len(observed({"models": [{"id": "a"}]}).facts) == 1
    assert observed({"models": [{"id": "a"}, {"name": "models/b"}]}).reason is FailureReason.INVALID_SHAPE


def test_an_empty_list_is_left_to_admission() -> None:
    seen = listed()
    assert isinstance(seen, Snapshot)
    assert seen.facts == {}


UNREADABLE: dict[str, tuple[object, FailureReason]] = {
    "null data": ({"object": "list", "data": None}, FailureReason.INVALID_SHAPE),
    "no data": ({"object": "list"}, FailureReason.INVALID_SHAPE),
    "an object for data": ({"data": {"id": "a"}}, FailureReason.INVALID_SHAPE),
    "no object": ("models", FailureReason.INVALID_SHAPE),
    "more to come": ({"data": [{"id": "a"}], "has_more": True}, FailureReason.TRUNCATED),
    "only bad items": ({"data": [{"id": ""}, {"id": 7}, {}, None]}, FailureReason.INVALID_SHAPE),
    "html": (b"<html>hello</html>", FailureReason.NOT_JSON),
    "half of it": (b'{"data": [{"id": "a"}, {"id"', FailureReason.NOT_JSON),
    "not UTF-8": (b'{"data": [{"id": "\xff"}]}', FailureReason.NOT_JSON),
    "nothing": (b"", FailureReason.NOT_JSON),
    "nesting without end": (b'{"data":' + b"[" * 100_000, FailureReason.NOT_JSON),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_whole_list_is_a_failure(what: str) -> None:
    payload, reason = UNREADABLE[what]
    seen = observed(payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason


def test_an_error_with_200_says_what_the_provider_said() -> None:
    seen = observed({"error": {"message": "Upstream is resting", "code": "nap"}})
    assert "Upstream is resting (nap)" in seen.detail


@pytest.mark.parametrize("bad", [{}, {"id": None}, {"id": ""}, {"id": "  "}, {"id": 3}, {"id": "a\x00b"}, "gpt", None])
def test_an_item_without_an_id_is_refused_and_the_others_stand(bad: object) -> None:
    seen = listed(model("a"), bad, model("c"))
    assert {subject.name for subject in seen.facts} == {"a", "c"}
    assert [refusal.where for refusal in seen.refused] == ["data[1]"]


def test_the_order_of_a_list_means_nothing() -> None:
    items = [model(name, owned_by=name) for name in "abc"]
    assert listed(*items).facts == listed(*reversed(items)).facts


def test_equal_duplicates_are_one_model() -> None:
    assert listed(model("a", owned_by="x"), model("a", owned_by="x")).unclear == frozenset()


@pytest.mark.parametrize("second", [{"owned_by": "y"}, {}, {"owned_by": None}])
def test_what_duplicates_state_differently_is_unclear_and_no_fact(second: dict[str, object]) -> None:
    seen = listed(model("a", owned_by="x", size=1), model("a", size=1, **second), model("a", owned_by="x", size=1))
    assert seen.unclear == {Fact(Subject("openai", "a"), "owned_by")}
    assert about(seen, "a") == {"listed": True, "size": 1}


def test_extra_fields_are_kept_without_floats() -> None:
    seen = listed(
        model("a", temperature=0.30, whole=1.0, fast=True, caps={"b": [1, 0.5], "a": None}, nothing=None, tiny=1e-7)
    )
    assert about(seen, "a") == {
        "listed": True,
        "temperature": "0.3",
        "whole": 1,
        "fast": True,
        "caps": '{"a":null,"b":[1,"0.5"]}',
        "tiny": "0.0000001",
    }


def test_a_number_of_a_billion_digits_is_kept_short() -> None:
    assert about(observed(b'{"data":[{"id":"a","x":1e999999999}]}'), "a")["x"] == "1E+999999999"


def test_what_changes_without_meaning_is_no_fact() -> None:
    noise = dict.fromkeys(
        ["permission", "root", "parent", "description", "benchmarks", "pricing", "top_provider", "per_request_limits"],
        "x",
    )
    assert about(listed(model("a", **noise)), "a") == {"listed": True}


def test_a_field_of_the_provider_can_neither_unlist_a_model_nor_price_it() -> None:
    seen = listed(model("a", **{"listed": False, "price.standard.short.input": "0"}))
    assert about(seen, "a") == {"listed": True}


@pytest.mark.parametrize(
    ("key", "stated"),
    [
        ("shutdown_date", "2026-08-31"),
        ("deprecation_date", "2026-08-31"),
        ("deprecation", "2026-08-31T12:00:00Z"),
        ("expiration_date", 1788134400),
    ],
)
def test_every_spelling_of_an_end_is_one_field(key: str, stated: object) -> None:
    seen = listed(model("a", **{key: stated}), model("b"))
    assert about(seen, "a")["shutdown_date"] == "2026-08-31"
    assert "shutdown_date" not in about(seen, "b"), "the list speaks of ends, and states none for this one"
    assert seen.silent == frozenset()


def test_a_list_without_any_date_is_silent_about_ends() -> None:
    assert listed(model("a"), model("b")).silent == {"shutdown_date"}


def test_a_null_date_is_a_statement() -> None:
    assert listed(model("a", shutdown_date=None), model("b")).silent == frozenset()


@pytest.mark.parametrize("stated", ["soon", "2026-13-01", "20260831", True, ["2026-08-31"], 7])
def test_an_end_that_is_no_date_is_unknown(stated: object) -> None:
    seen = listed(model("a", shutdown_date=stated))
    assert seen.unclear == {Fact(Subject("openai", "a"), "shutdown_date")}
    assert seen.refused[0].where == "data[0]"


def test_the_model_to_move_to_is_a_fact() -> None:
    assert about(listed(model("a", deprecation_replacement_model="b")), "a")["replacement"] == "b"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["id", "data", "models", "deprecation", "has_more", "error", "x"]), inner)
        ),
    )
)
def test_no_json_makes_the_reader_raise_anything_but_a_reason(payload: object) -> None:
    with contextlib.suppress(ListProblem):
        for fields in read(json.dumps(payload).encode(), "openai").facts.values():
            assert all(isinstance(value, int) or value.encode() for value in fields.values() if value != "")


@pytest.fixture
def ambient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set an environment that would send the SDK elsewhere."""
    for name, value in {
        "OPENAI_API_KEY": "sk-of-the-environment",
        "OPENAI_ADMIN_KEY": "sk-admin-of-the-environment",
        "OPENAI_BASE_URL": "http://elsewhere.invalid/v1",
        "OPENAI_ORG_ID": "org-of-the-environment",
        "OPENAI_PROJECT_ID": "proj_of_the_environment",
        "OPENAI_CUSTOM_HEADERS": "X-Stray: 1\nAuthorization: Bearer stray",
        "HTTP_PROXY": "http://elsewhere.invalid:3128",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("ambient")
def test_nothing_of_the_environment_reaches_a_request(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b'{"data":[]}')
    for project in ("proj_1", ""):
        surface = Surface(
            key="openai", base_url=server.url + "/v1", provider="openai", project=project, api_key="env:KEY"
        )
        assert isinstance(source(http, surface).observe(NOW, None), Snapshot)
    (path, first), (_, second) = server.requests
    assert path == "/v1/models"
    assert first["authorization"] == "Bearer sk-key-of-tests"
    assert first["openai-project"] == "proj_1"
    assert "openai-project" not in second
    assert not {"x-stray", "openai-organization"} & (set(first) | set(second))


@pytest.mark.usefixtures("ambient")
def test_a_surface_without_a_key_is_asked_without_one(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b'{"data":[]}')
    surface = Surface(key="local", base_url=server.url, provider="local")
    assert isinstance(source(http, surface).observe(NOW, None), Snapshot)
    assert "authorization" not in server.requests[0][1]


def test_a_missing_key_is_an_error_of_the_configuration_and_nothing_is_sent(
    server: LoopbackServer, http: HttpClient
) -> None:
    def missing(_: str) -> str:
        raise ConfigurationError("OPENAI_API_KEY is not set")

    with pytest.raises(ConfigurationError):
        source(http, Surface(key="s", base_url=server.url, provider="p", api_key="env:KEY"), missing).observe(NOW, None)
    assert server.requests == []


@pytest.mark.parametrize("key", ["", " \n", "sk-\u00fcmlaut", "two\nlines"])
def test_a_key_that_no_header_may_carry_is_an_error_of_the_configuration(key: str) -> None:
    with pytest.raises(ConfigurationError, match="surface openai") as error:
        source(secret=lambda _: key).observe(NOW, None)
    assert not key.strip() or key not in str(error.value)


def test_a_key_may_end_in_the_newline_of_its_file(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b'{"data":[]}')
    source(
        http, Surface(key="s", base_url=server.url, provider="p", api_key="env:KEY"), lambda _: "sk-in-a-file\n"
    ).observe(NOW, None)
    assert server.requests[0][1]["authorization"] == "Bearer sk-in-a-file"


def test_a_key_is_resolved_once_and_anew_after_it_was_refused(server: LoopbackServer, http: HttpClient) -> None:
    keys = iter(["sk-first-key", "sk-second-key"])
    polled = source(http, Surface(key="s", base_url=server.url, provider="p", api_key="env:KEY"), lambda _: next(keys))
    for status in (200, 401, 200, 200):
        server.script = lambda h, status=status: h.reply(b'{"data":[]}', status)
        polled.observe(NOW, None)
    sent = [headers["authorization"].removeprefix("Bearer ") for _, headers in server.requests]
    assert sent == ["sk-first-key", "sk-first-key", "sk-second-key", "sk-second-key"]


def test_a_failing_poll_is_sent_once(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b"{}", 429, Retry_After="1", X_Should_Retry="true")
    source(http, Surface(key="s", base_url=server.url, provider="p")).observe(NOW, None)
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["mw_v1models_openai", "mw_v1models_mistral", "mw_v1models_fireworks"])
def test_recorded_lists_are_read_whole(history: Callable[[str], list[dict[str, Any]]], name: str) -> None:
    good = [line["payload"] for line in history(name) if line["status"] == "ok"]
    for payload in good[:: max(1, len(good) // 60)]:
        seen = observed(payload)
        assert isinstance(seen, Snapshot)
        assert {subject.name for subject in seen.facts} == {item["id"] for item in payload["data"]}
        assert seen.refused == ()


def test_recorded_duplicates_at_mistral_leave_only_differing_fields_unclear(
    history: Callable[[str], list[dict[str, Any]]],
) -> None:
    seen = [observed(line["payload"]) for line in history("mw_v1models_mistral") if line["status"] == "ok"]
    unclear = {fact.field for snapshot in seen for fact in snapshot.unclear}
    assert unclear
    assert "listed" not in unclear
