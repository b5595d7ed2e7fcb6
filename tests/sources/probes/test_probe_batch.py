"""The batch route: made at one poll, read at later ones, and `completed` is not success."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
from probe_world import NOW, FakeBudget, M, Probe, error, ok, probe

from monitor.core.facts import FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.behaviour.batch import MARK, PAGES, REMEMBERED

MARKER = f"probes/{M}/batch"


def batch(status: str, *, hours: float = 1, **more: object) -> dict[str, Any]:
    made = int((NOW - timedelta(hours=hours)).timestamp())
    counts = {"total": 1, "completed": 0, "failed": 0}
    row = {"id": "batch_1", "status": status, "created_at": made, "metadata": {MARK: MARKER}, "request_counts": counts}
    return {**row, **more}


def counted(completed: int, failed: int) -> dict[str, int]:
    return {"total": 1, "completed": completed, "failed": failed}


def provider(*rows: object, errors: str = "", refusal: httpx2.Response | None = None) -> Probe:
    def answer(request: httpx2.Request) -> httpx2.Response:
        match (request.method, request.url.path.removeprefix("/v1/").split("/")):
            case ("GET", ["batches"]):
                return ok({"object": "list", "data": list(rows), "has_more": False})
            case ("POST", ["files"]):
                return refusal or ok({"id": "file_1", "object": "file"})
            case ("POST", ["batches"]):
                return refusal or ok(batch("validating", hours=0))
            case ("GET", ["files", "file_e", "content"]):
                return httpx2.Response(200, text=errors)
            case ("POST", ["batches", "batch_1", "cancel"]):
                return ok(batch("cancelling"))
        raise AssertionError(f"nobody asks for {request.method} {request.url}")

    return probe("batch", answer)


def calls(polled: Probe) -> list[str]:
    return [f"{one.method} {one.url.path.removeprefix('/v1/')}" for one in polled.requests]


def test_the_first_poll_makes_a_batch_of_one_request_and_says_only_that() -> None:
    polled = provider()
    assert polled.facts() == {"behaviour.batch.created": True}
    assert calls(polled) == ["GET batches", "POST files", "POST batches"]
    upload = polled.requests[1].content.decode()
    line = json.loads(next(one for one in upload.splitlines() if one.startswith("{")))
    assert line["url"] == "/v1/responses"
    assert line["body"] == {"model": M, "input": "ping", "max_output_tokens": 16, "store": False}
    assert 'name="purpose"\r\n\r\nbatch' in upload
    assert polled.sent(2)["metadata"] == {MARK: MARKER}


def test_what_a_batch_may_cost_is_set_aside_and_stays_spent() -> None:
    polled = provider()
    polled.poll()
    assert len(polled.budget.reserved) == 1
    assert polled.budget.settled == []


def test_a_batch_that_runs_is_waited_for_and_no_second_one_is_made() -> None:
    for status in ("validating", "in_progress", "finalizing"):
        polled = provider(batch(status))
        assert polled.facts() == {"behaviour.batch.created": True}
        assert calls(polled) == ["GET batches"]


def test_a_running_batch_with_an_answered_line_is_granted() -> None:
    running = batch("in_progress", request_counts=counted(1, 0), model=f"{M}-2026-08-01")
    assert provider(running).facts() == {
        "access.batch": "granted",
        "behaviour.batch.created": True,
        "behaviour.batch.model": f"{M}-2026-08-01",
    }


def test_a_batch_that_was_answered_is_granted_and_not_repeated_before_its_time() -> None:
    polled = provider(batch("completed", request_counts=counted(1, 0)))
    assert polled.facts() == {"access.batch": "granted"}
    assert calls(polled) == ["GET batches"]
    late = provider(batch("completed", hours=6, request_counts=counted(1, 0)))
    assert late.facts() == {"access.batch": "granted", "behaviour.batch.created": True}
    assert "POST batches" in calls(late)


def line(status: int, body: object) -> str:
    return json.dumps({"custom_id": "probe", "response": {"status_code": status, "body": body}, "error": None}) + "\n"


GONE = {
    "error": {"message": f"The model `{M}` does not exist", "type": "invalid_request_error", "code": "model_not_found"}
}


def failed(status: int, body: object, *, lines: int = 1) -> Probe:
    row = batch("completed", request_counts=counted(0, 1), error_file_id="file_e")
    return provider(row, errors=line(status, body) * lines)


def test_completed_with_every_request_failed_is_what_its_error_file_says() -> None:
    for lines in (1, 2):
        assert failed(404, GONE, lines=lines).facts()["access.batch"] == "access_lost"


def test_a_failed_request_that_says_nothing_of_access_is_a_failure_to_poll() -> None:
    refused = {"error": {"message": "No.", "code": "unsupported_value", "param": "reasoning.effort"}}
    assert failed(400, refused).failure().reason is FailureReason.PROBE_REJECTED
    assert failed(500, {}).failure().reason is FailureReason.SERVER_ERROR
    silent = provider(batch("completed", request_counts=counted(0, 1)))
    assert isinstance(silent.poll(), PollFailure)


def test_a_batch_that_failed_validation_is_what_its_first_error_says() -> None:
    errors = {"object": "list", "data": [{"code": "model_not_found", "message": "No such model.", "line": 1}]}
    assert provider(batch("failed", errors=errors)).facts()["access.batch"] == "access_lost"


def test_a_batch_that_ran_out_of_time_is_cancelled_and_unknown() -> None:
    polled = provider(batch("in_progress", hours=25))
    assert polled.failure().reason is FailureReason.TIMEOUT
    assert calls(polled) == ["GET batches", "POST batches/batch_1/cancel"]


def test_the_batches_of_others_are_left_alone() -> None:
    others = [batch("in_progress", metadata=other) for other in (None, {}, {MARK: "another/probe"})]
    polled = provider(*others, {"id": 7}, "x", batch("in_progress", id=None))
    assert polled.facts() == {"behaviour.batch.created": True}
    assert "POST batches" in calls(polled)


def test_what_ended_long_ago_says_nothing_of_now() -> None:
    old = batch("completed", hours=REMEMBERED / timedelta(hours=1) + 1, request_counts=counted(1, 0))
    assert provider(old).facts() == {"behaviour.batch.created": True}


def test_a_refused_batch_is_a_fact_and_costs_nothing() -> None:
    quota = error(429, "Quota.", code="credit_balance_exhausted", type="insufficient_quota")
    assert provider(refusal=quota).facts() == {
        "access.batch": "quota",
        "behaviour.batch.refusal": "429 credit_balance_exhausted",
    }


def test_a_provider_without_batches_is_a_failure_to_poll() -> None:
    assert (
        probe("batch", httpx2.Response(404, json={"detail": "Not Found"})).failure().reason is FailureReason.NOT_FOUND
    )
    assert probe("batch", ok({"object": "list"})).failure().reason is FailureReason.INVALID_SHAPE


def test_stored_batches_are_read_anew_to_the_same_facts() -> None:
    polled = failed(404, GONE)
    seen = polled.poll()
    assert isinstance(seen, Snapshot)
    again = polled.source.extract(seen.body, NOW)
    assert isinstance(again, Snapshot)
    assert again.facts[Subject("openai", M)] == seen.facts[Subject("openai", M)]


def test_our_batch_is_found_behind_the_hundreds_of_a_busy_account() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" and "after" not in request.url.params:
            return ok({"data": [{**batch("completed"), "id": "batch_9", "metadata": None}], "has_more": True})
        assert dict(request.url.params) == {"limit": "100", "after": "batch_9"}, "nobody makes a second batch"
        return ok({"data": [batch("completed", hours=2, request_counts=counted(1, 0))], "has_more": False})

    polled = probe("batch", answer)
    assert polled.facts() == {"access.batch": "granted"}
    assert calls(polled) == ["GET batches", "GET batches"]


def test_the_search_for_our_batch_ends_where_the_others_are_too_old_and_after_some_pages() -> None:
    def polled(hours: float) -> Probe:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST":
                return ok({"id": "file_1"})
            return ok({"data": [{**batch("completed", hours=hours), "metadata": None}], "has_more": True})

        return probe("batch", answer)

    past = polled(REMEMBERED / timedelta(hours=1) + 1)
    assert past.facts() == {"behaviour.batch.created": True}
    assert calls(past).count("GET batches") == 1
    endless = polled(1)
    assert endless.facts() == {"behaviour.batch.created": True}
    assert calls(endless).count("GET batches") == PAGES


def test_what_cannot_be_paid_for_uploads_no_file() -> None:
    polled = probe("batch", lambda _: ok({"object": "list", "data": []}), budget=FakeBudget(money=Decimal(0)))
    assert polled.failure().reason is FailureReason.OVER_BUDGET
    assert calls(polled) == ["GET batches"]


def test_a_batch_that_only_began_takes_back_nothing_of_how_the_last_one_ended() -> None:
    seen = provider().poll()
    assert isinstance(seen, Snapshot)
    assert {"access.batch", "behaviour.batch.model"} <= seen.silent
    ended = provider(batch("completed", request_counts=counted(1, 0))).poll()
    assert isinstance(ended, Snapshot)
    assert "access.batch" not in ended.silent
