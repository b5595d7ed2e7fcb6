"""A status page: open incidents, in every shape in which they are published, of everything or of one component."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from source_loopback import NOW, LoopbackServer

from monitor.core.facts import Body, FailureReason, Known, PollFailure, Snapshot, Subject, Unchanged
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.sources.status_page import read

COMPONENTS = [{"id": "c1", "name": "Responses"}, {"id": "c2", "name": "Codex API"}]

SUMMARY = {
    "page": {"id": "p", "name": "OpenAI", "url": "https://status.example/"},
    "components": [{**one, "status": "operational"} for one in COMPONENTS],
    "incidents": [
        {
            "id": "01A",
            "name": "Elevated error rates",
            "status": "investigating",
            "impact": "major",
            "components": [{"id": "c1", "name": "Responses"}],
        },
        {"id": "01B", "name": "Slow uploads", "status": "monitoring", "impact": "minor", "components": []},
    ],
    "scheduled_maintenances": [],
}
INCIDENTS = {
    "page": {"id": "p"},
    "incidents": [
        *SUMMARY["incidents"],  # type: ignore[misc]
        {"id": "00Z", "name": "Last week", "status": "resolved", "impact": "critical", "components": []},
    ],
}
WIDGET = {
    "page_title": "OpenAI",
    "ongoing_incidents": [
        {
            "id": "01A",
            "name": "Elevated error rates",
            "status": "investigating",
            "current_worst_impact": "partial_outage",
            "affected_components": [{"id": "c1", "name": "Responses", "current_status": "partial_outage"}],
        }
    ],
    "in_progress_maintenances": [],
    "scheduled_maintenances": [],
}
PROXY = {
    "summary": {
        "id": "p",
        "name": "OpenAI",
        "components": COMPONENTS,
        "affected_components": [{"component_id": "c1", "status": "degraded_performance"}],
        "ongoing_incidents": [
            {
                "id": "01A",
                "name": "Elevated error rates",
                "status": "identified",
                "component_impacts": [
                    {"component_id": "c1", "status": "degraded_performance"},
                    {"component_id": "c1", "status": "full_outage"},
                ],
            }
        ],
    }
}


def said(page: object, component: str = "") -> dict[str, object]:
    fields, _ = read(json.dumps(page).encode(), component)
    assert fields.pop("status_page") is True
    return dict(fields)


MAJOR = {"incident.01A": "major: Elevated error rates (investigating)"}
MINOR = {"incident.01B": "minor: Slow uploads (monitoring)"}


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (SUMMARY, {**MAJOR, **MINOR}),
        (INCIDENTS, {**MAJOR, **MINOR}),
        (WIDGET, {"incident.01A": "partial outage: Elevated error rates (investigating)"}),
        (PROXY, {"incident.01A": "full outage: Elevated error rates (identified)"}),
        ({"incidents": []}, {}),
    ],
    ids=["summary", "incidents", "widget", "proxy", "quiet"],
)
def test_the_open_incidents_of_every_shape(page: object, expected: dict[str, object]) -> None:
    assert said(page) == expected


@pytest.mark.parametrize(
    ("page", "component", "expected"),
    [
        (SUMMARY, "responses", {**MAJOR, **MINOR}),
        (SUMMARY, "Codex API", MINOR),
        (WIDGET, "Codex API", {}),
        (PROXY, "Responses", {"incident.01A": "full outage: Elevated error rates (identified)"}),
        (PROXY, "Codex API", {}),
    ],
)
def test_a_component_limits_them_to_those_that_name_it_or_none(
    page: object, component: str, expected: dict[str, object]
) -> None:
    assert said(page, component) == expected


def poll(page: object, component: str = "") -> Snapshot | PollFailure:
    options = {"component": component} if component else {}
    spec = source_spec(
        key="status", kind="status_page", every=timedelta(minutes=5), url="https://x.example/s", options=options
    )
    content = page if isinstance(page, bytes) else json.dumps(page).encode()
    source = build(spec, SourceDeps(http=HttpClient(), surface=None, secret=str))
    seen = source.extract(Body(content=content, sha256="0" * 64, size=len(content)), NOW)
    assert isinstance(seen, Snapshot | PollFailure)
    return seen


def test_the_subject_is_the_component_or_all_and_a_quiet_page_is_no_empty_answer() -> None:
    quiet, one = poll({"incidents": []}), poll({"incidents": []}, "Responses")
    assert isinstance(quiet, Snapshot)
    assert isinstance(one, Snapshot)
    assert quiet.facts == {Subject("status", "all"): {"status_page": True}}
    assert one.facts == {Subject("status", "Responses"): {"status_page": True}}


@pytest.mark.parametrize(
    ("page", "component", "reason"),
    [
        (b"<html>", "", FailureReason.NOT_JSON),
        ([], "", FailureReason.INVALID_SHAPE),
        ({"status": {"indicator": "none"}}, "", FailureReason.INVALID_SHAPE),
        ({"incidents": None}, "", FailureReason.INVALID_SHAPE),
        ({"incidents": [{"id": "x"}]}, "", FailureReason.INVALID_SHAPE),
        (SUMMARY, "Chat", FailureReason.INVALID_SHAPE),
    ],
)
def test_what_is_no_status_page_is_a_failure_and_never_all_clear(
    page: object, component: str, reason: FailureReason
) -> None:
    seen = poll(page, component)
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason


def test_a_component_that_the_page_does_not_have_is_named_with_those_that_it_has() -> None:
    seen = poll(SUMMARY, "Chat")
    assert isinstance(seen, PollFailure)
    assert "'Chat'" in seen.detail
    assert "Codex API, Responses" in seen.detail


def test_it_is_asked_conditionally_like_every_page(server: LoopbackServer, http: HttpClient) -> None:
    content = json.dumps(SUMMARY).encode()
    spec = source_spec(key="status", kind="status_page", every=timedelta(minutes=5), url=f"{server.url}/summary.json")
    source = build(spec, SourceDeps(http=http, surface=None, secret=str))
    server.script = lambda h: h.reply(content, ETag='"1"')
    seen = source.observe(NOW, None)
    assert isinstance(seen, Snapshot)
    again = source.observe(NOW, Known(sha256=seen.body.sha256, etag=seen.body.etag))
    assert again == Unchanged(source="status", at=NOW, etag='"1"')
    assert server.requests[1][1]["if-none-match"] == '"1"'
