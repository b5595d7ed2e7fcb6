"""Each fault as a client meets it, and that the truth is back when it is gone."""

from __future__ import annotations

import json
import threading
from time import perf_counter

import httpx2
import openai
import pytest
from sandbox_clients import Clients

from monitor.sandbox import Fault, FaultKind, Sandbox, Target
from monitor.sandbox.faults import read_fault

PING = [{"role": "user", "content": "ping"}]


def on_list(clients: Clients, kind: FaultKind, **fields: object) -> httpx2.Response:
    """Ask the list once under a fault that stands once, and see the truth again after it."""
    clients.sandbox.fault(read_fault({"target": "list", "kind": kind, "times": 1, **fields}))
    try:
        return clients.list()
    finally:
        assert len(clients.list().json()["data"]) == len(clients.sandbox.state.models)


@pytest.mark.parametrize(
    ("status", "code", "type"),
    [
        (400, "model_not_found", "invalid_request_error"),
        (401, "incorrect_hostname", "invalid_request_error"),
        (403, "model_not_found", "invalid_request_error"),
        (404, "model_not_found", "invalid_request_error"),
        (429, "rate_limit_exceeded", "rate_limit_error"),
        (429, "credit_balance_exhausted", "insufficient_quota"),
        (429, "organization_spend_limit_exceeded", "insufficient_quota"),
        (429, "project_spend_limit_exceeded", "insufficient_quota"),
        (429, "organization_usage_limit_exceeded", "insufficient_quota"),
        (503, "server_is_overloaded", "service_unavailable_error"),
        (503, "slow_down", "service_unavailable_error"),
    ],
)
def test_an_error_has_its_status_its_code_and_the_model_asked_for(
    clients: Clients, status: int, code: str, type: str
) -> None:
    clients.sandbox.fault(
        Fault(target=Target.RESPONSES, kind=FaultKind.STATUS, status=status, code=code, retry_after=7, times=1)
    )
    with pytest.raises(openai.APIStatusError) as refusal:
        clients.openai.responses.create(model="gpt-4.1", input="ping")
    error = refusal.value
    assert (error.status_code, error.code, error.type) == (status, code, type)
    assert error.response.headers["retry-after"] == "7"
    if code == "model_not_found":
        assert "gpt-4.1" in error.message
    assert clients.openai.responses.create(model="gpt-4.1", input="ping").output_text == "pong"


@pytest.mark.parametrize("target", [Target.LIST, Target.RETRIEVE, Target.RESPONSES, Target.CHAT])
def test_every_door_of_the_api_can_answer_500(clients: Clients, target: Target) -> None:
    clients.sandbox.fault(Fault(target=target, kind=FaultKind.STATUS))
    ask = {
        Target.LIST: lambda: clients.openai.models.list(),
        Target.RETRIEVE: lambda: clients.openai.models.retrieve("gpt-4.1"),
        Target.RESPONSES: lambda: clients.openai.responses.create(model="gpt-4.1", input="ping"),
        Target.CHAT: lambda: clients.openai.chat.completions.create(model="gpt-4.1", messages=PING),  # type: ignore[arg-type]
    }
    for door, request in ask.items():
        if door is target:
            with pytest.raises(openai.InternalServerError):
                request()
        else:
            request()


def test_an_error_of_the_page_is_plain_text_and_stays_until_it_is_cleared(clients: Clients) -> None:
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.STATUS, status=503, retry_after=30))
    for _ in range(3):
        answer = clients.page()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    clients.sandbox.clear(Target.PAGE)
    assert clients.page().status_code == 200


@pytest.mark.parametrize("target", [Target.LIST, Target.PAGE])
def test_a_hang_ends_in_the_clients_own_timeout_and_holds_up_nobody_else(clients: Clients, target: Target) -> None:
    clients.sandbox.fault(Fault(target=target, kind=FaultKind.HANG, times=1))
    ask = clients.list if target is Target.LIST else clients.page
    clients.http.timeout = 0.1
    with pytest.raises(httpx2.ReadTimeout):
        ask()
    clients.http.timeout = 5
    assert ask().status_code == 200


def test_a_hang_of_limited_length_ends_the_connection_without_an_answer(clients: Clients) -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        on_list(clients, FaultKind.HANG, seconds=0.05)


def test_stopping_does_not_wait_for_a_hang() -> None:
    sandbox = Sandbox().start()
    sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.HANG))
    with httpx2.Client(trust_env=False, timeout=0.1) as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.get(sandbox.pricing_url)
        sandbox.stop()  # the hang has no end of its own
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}


def test_a_reset_is_a_reset_and_not_a_quiet_end(clients: Clients) -> None:
    with pytest.raises(httpx2.ReadError) as failure:
        on_list(clients, FaultKind.RESET)
    assert "reset" in str(failure.value).lower()


def test_a_truncated_body_has_fewer_bytes_than_it_announced(clients: Clients) -> None:
    with pytest.raises(httpx2.RemoteProtocolError, match=r"incomplete|without sending"):
        on_list(clients, FaultKind.TRUNCATED, keep=0.5)


def test_a_broken_gzip_cannot_be_decoded(clients: Clients) -> None:
    with pytest.raises(httpx2.DecodingError):
        on_list(clients, FaultKind.BROKEN_GZIP)


def test_a_cut_gzip_fits_its_length_and_holds_only_the_beginning(clients: Clients) -> None:
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.CUT_GZIP, times=1))
    with clients.http.stream("GET", clients.sandbox.pricing_url) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(packed)
    assert packed[:2] == b"\x1f\x8b"
    assert len(packed) < len(clients.page().content)


def test_a_slow_drip_brings_the_whole_truth_in_its_time(clients: Clients) -> None:
    true = clients.page().text
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.DRIP, seconds=0.3, times=1))
    began = perf_counter()
    assert clients.page().text == true
    assert perf_counter() - began >= 0.25


def test_a_redirect_leads_where_it_was_told_to_and_there_is_a_page(clients: Clients) -> None:
    answer = on_list(clients, FaultKind.REDIRECT)
    assert (answer.status_code, answer.headers["location"]) == (302, "/login")
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.REDIRECT, times=1))
    followed = clients.http.get(clients.sandbox.pricing_url, follow_redirects=True)
    assert followed.status_code == 200
    assert followed.url.path == "/login"
    assert "<html" in followed.text
    elsewhere = on_list(clients, FaultKind.REDIRECT, location="https://example.org/")
    assert elsewhere.headers["location"] == "https://example.org/"


def test_a_web_page_comes_with_200_where_a_list_was_due(clients: Clients) -> None:
    answer = on_list(clients, FaultKind.HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


def test_broken_json_and_json_of_another_shape_come_with_200(clients: Clients) -> None:
    broken = on_list(clients, FaultKind.BROKEN_JSON)
    assert broken.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    other = on_list(clients, FaultKind.WRONG_SHAPE)
    assert other.status_code == 200
    assert "data" not in other.json()


def test_a_list_can_be_empty_null_shrunken_or_say_that_there_is_more(clients: Clients) -> None:
    whole = [model.id for model in clients.sandbox.state.models]
    assert on_list(clients, FaultKind.EMPTY_LIST).json()["data"] == []
    assert on_list(clients, FaultKind.NULL_DATA).json()["data"] is None
    shrunken = on_list(clients, FaultKind.SHRUNKEN, keep=0.75).json()
    assert [model["id"] for model in shrunken["data"]] == whole[: int(len(whole) * 0.75)]
    assert "has_more" not in shrunken
    more = on_list(clients, FaultKind.HAS_MORE).json()
    assert more["has_more"] is True
    assert 0 < len(more["data"]) < len(whole)


def test_a_partial_page_ends_within_its_tables_and_an_empty_shell_has_headings_alone(clients: Clients) -> None:
    true = clients.page().text
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.PARTIAL_PAGE, keep=0.6, times=1))
    partial = clients.page().text
    assert true.startswith(partial)
    assert 0.55 < len(partial) / len(true) < 0.65
    clients.sandbox.fault(Fault(target=Target.PAGE, kind=FaultKind.EMPTY_SHELL, times=1))
    shell = clients.page().text
    assert "### Standard pricing data" in shell
    assert "|" not in shell


def test_a_distorted_answer_carries_no_validators_and_a_conditional_poll_meets_the_fault_too(clients: Clients) -> None:
    etag = clients.list().headers["etag"]
    clients.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.EMPTY_LIST, times=1))
    answer = clients.list(If_None_Match=etag)
    assert answer.status_code == 200
    assert "etag" not in answer.headers
    assert "last-modified" not in answer.headers


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"target": "page", "kind": "empty_list"}, "can only happen to the list"),
        ({"target": "list", "kind": "empty_shell"}, "can only happen to the page"),
        ({"target": "list", "kind": "status", "times": 0}, "at least one request"),
        ({"target": "list", "kind": "status", "status": 200}, "not the status of an error"),
        ({"target": "list", "kind": "shrunken", "keep": 1}, "keep is a share"),
        ({"target": "list", "kind": "hang", "seconds": -1}, "cannot be negative"),
        ({"target": "list", "kind": "redirect", "location": "/\r\nx: y"}, "one line"),
        ({"target": "list", "kind": "status", "times": True}, "times cannot be True"),
        ({"target": "list", "kind": "status", "status": "500"}, "status cannot be '500'"),
        ({"target": "list", "kind": "status", "until": 3}, "no field 'until'"),
        ({"target": "moon", "kind": "status"}, "moon"),
        ({"target": "list", "kind": "meteor"}, "meteor"),
        ({"kind": "status"}, "needs a target"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(data: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_fault(data)
