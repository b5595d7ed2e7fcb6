"""PagerDuty and Jira Service Management: one alert an incident, raised, acknowledged and closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from alert_stand_ins import KEY, StandIn, stand_in
from notices import AT, listed, notice, paused

from monitor.core.notices import Acknowledgement, Digest, Notice, Reason, Since
from monitor.core.ports import NotSent, Sent
from monitor.notify.channels import AppriseChannel
from monitor.notify.service import Means

INCIDENT = "luna-17"
NOW = datetime(2026, 7, 30, 18, 0, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[StandIn]:
    with stand_in() as sink:
        yield sink


def url_of(kind: str, service: StandIn) -> str:
    if kind == "pagerduty":
        return f"pagerduty://{KEY}?url=http://{service.address}/v2/enqueue"
    return f"jsm://{KEY}?url=http://{service.address}/jsm/ops/integration/v2/alerts"


def channel(url: str) -> AppriseChannel:
    return AppriseChannel(
        lambda destination: url, timeout=10, means=lambda destination: Means(timeout=(5, 5), clock=lambda: NOW)
    )


def send(kind: str, service: StandIn, *items: Any, message: Notice | None = None) -> Sent | NotSent:
    return channel(url_of(kind, service)).send(message or notice(*items), "platform#1")


KINDS = pytest.mark.parametrize("kind", ["pagerduty", "jsm"])


@KINDS
def test_a_pause_opens_an_alert_that_is_acknowledged_and_closed_under_one_key(kind: str, service: StandIn) -> None:
    for reason, status, state in (
        (Reason.PAUSED, "paused", "open"),
        (Reason.PAUSE_EXTENDED, "paused", "open"),
        (Reason.ACKNOWLEDGED, "paused", "acknowledged"),
        (Reason.UNACKNOWLEDGED, "paused", "acknowledged"),
        (Reason.RESUMED, "active", "closed"),
    ):
        assert isinstance(send(kind, service, paused(reason=reason, incident=INCIDENT, status=status)), Sent)
        assert service.alerts == {INCIDENT: state}, reason


@KINDS
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (Reason.STALE, Reason.RECOVERED),
        (Reason.BLIND, Reason.RECOVERED),
        (Reason.HELD, Reason.ENDED),
        (Reason.FALLBACK_LOST, Reason.RECOVERED),
        (Reason.UNDELIVERED, Reason.RECOVERED),
        (Reason.TROUBLE, Reason.RECOVERED),
        (Reason.APPROVAL, Reason.ENDED),
        (Reason.PAUSED, Reason.ENDED),
    ],
)
def test_whatever_is_raised_is_closed_by_its_end(kind: str, service: StandIn, begin: Reason, end: Reason) -> None:
    send(kind, service, paused(reason=begin, incident=INCIDENT, status="active"))
    assert service.alerts == {INCIDENT: "open"}
    send(kind, service, paused(reason=end, incident=INCIDENT, status="active"))
    assert service.alerts == {INCIDENT: "closed"}


@KINDS
@pytest.mark.parametrize("reason", [Reason.RECOVERED, Reason.ENDED, Reason.CHANGED, Reason.REMINDER])
def test_what_happens_within_a_pause_does_not_close_its_alert(kind: str, service: StandIn, reason: Reason) -> None:
    send(kind, service, paused(incident=INCIDENT))
    send(kind, service, paused(reason=reason, incident=INCIDENT, pause=INCIDENT, status="paused"))
    assert service.alerts == {INCIDENT: "open"}


@KINDS
def test_a_source_that_is_read_again_closes_its_alert_though_the_entry_is_paused(kind: str, service: StandIn) -> None:
    send(kind, service, paused(reason=Reason.BLIND, incident="openai-pricing-9", status="active"))
    send(kind, service, paused(reason=Reason.RECOVERED, incident="openai-pricing-9", status="paused", pause=INCIDENT))
    assert service.alerts == {"openai-pricing-9": "closed"}


@KINDS
@pytest.mark.parametrize("reason", [Reason.CHANGED, Reason.REMINDER, Reason.VISIBLE, Reason.TEST])
def test_news_without_an_end_is_raised_low_and_stays_open_nowhere(kind: str, service: StandIn, reason: Reason) -> None:
    send(kind, service, paused(reason=reason, incident="", status="active"))
    raised, _ = service.received
    urgency = raised.json["payload"]["severity"] if kind == "pagerduty" else raised.json["priority"]
    assert urgency in ("info", "P5")
    assert set(service.alerts.values()) == {"closed"}


@KINDS
def test_news_of_its_own_about_a_pause_that_somebody_has_is_raised_like_any_other(kind: str, service: StandIn) -> None:
    holder = Acknowledgement(by="ann", at=AT)
    send(kind, service, paused(reason=Reason.CHANGED, incident="", pause=INCIDENT, holder=holder))
    assert set(service.alerts.values()) == {"closed"}


@KINDS
def test_each_incident_of_a_message_is_an_alert_of_its_own(kind: str, service: StandIn) -> None:
    items = [paused(incident="luna-17"), paused(entry="sol", name="Sol", incident="sol-18", position=18)]
    send(kind, service, *items, listed(1))
    still_open = {key for key, state in service.alerts.items() if state == "open"}
    assert still_open == {"luna-17", "sol-18"}
    titles = [
        request.json["payload"]["summary"] if kind == "pagerduty" else request.json["message"]
        for request in service.received
        if "payload" in request.json or "message" in request.json
    ]
    assert titles[0].startswith("PAUSED GPT-5.6 Luna")
    assert titles[1].startswith("PAUSED Sol")


@KINDS
def test_a_pause_that_waited_and_is_over_opens_nothing(kind: str, service: StandIn) -> None:
    over = paused(incident=INCIDENT, status="active", since_then=Since(at=AT, text="resumed by ann", over=True))
    send(kind, service, over)
    assert "open" not in service.alerts.values()


@KINDS
def test_a_pause_that_waited_and_that_somebody_has_is_acknowledged_there_too(kind: str, service: StandIn) -> None:
    send(kind, service, paused(incident=INCIDENT, holder=Acknowledgement(by="ann", at=AT)))
    assert service.alerts == {INCIDENT: "acknowledged"}


@KINDS
def test_a_digest_of_what_is_over_raises_nothing(kind: str, service: StandIn) -> None:
    empty = replace(notice(), items=(), digest=Digest(notices=("17.platform",)))
    outcome = send(kind, service, message=empty)
    assert isinstance(outcome, Sent)
    assert outcome.body.startswith("No alert was raised or closed.")
    assert service.received == []


@KINDS
@pytest.mark.parametrize(
    ("status", "headers", "permanent", "retry_after"),
    [
        (400, {}, True, None),
        (401, {}, True, None),
        (403, {}, True, None),
        (404, {}, True, None),
        (422, {}, True, None),
        (408, {}, False, None),
        (429, {"Retry-After": "120"}, False, 120.0),
        (429, {}, False, None),
        (500, {}, False, None),
        (503, {"Retry-After": "30"}, False, 30.0),
    ],
)
def test_an_answer_is_taken_at_its_word(
    kind: str, service: StandIn, status: int, headers: dict[str, str], permanent: bool, retry_after: float | None
) -> None:
    service.answers = [(status, '{"message":"no"}', headers)]
    outcome = send(kind, service, paused(incident=INCIDENT))
    assert isinstance(outcome, NotSent)
    assert (outcome.permanent, outcome.retry_after) == (permanent, retry_after)
    assert str(status) in outcome.reason
    assert KEY not in repr(outcome)


@KINDS
def test_what_is_kept_of_it_says_what_was_done_and_holds_no_key(kind: str, service: StandIn) -> None:
    outcome = send(kind, service, paused(incident=INCIDENT))
    assert isinstance(outcome, Sent)
    assert outcome.form == kind
    assert outcome.body.startswith("trigger luna-17: PAUSED GPT-5.6 Luna")
    assert "Run next" in outcome.body
    assert KEY not in repr(outcome)


@KINDS
def test_nobody_there_is_tried_again_and_names_no_key(kind: str, service: StandIn) -> None:
    url = url_of(kind, service).replace(str(service.port), "1")
    outcome = channel(url).send(notice(paused(incident=INCIDENT)), "platform#1")
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert KEY not in outcome.reason


@KINDS
def test_a_long_message_fits_the_limits_of_the_service(kind: str, service: StandIn) -> None:
    long = paused(incident="x" * 400, name="Luna " * 100, summary="word " * 5000, commands=("c" * 5000,) * 5)
    assert isinstance(send(kind, service, long), Sent)
    (key,) = service.alerts
    assert len(key) == 255


def test_an_event_for_pagerduty_says_what_whom_and_since_when(service: StandIn) -> None:
    send("pagerduty", service, paused(incident=INCIDENT, url="https://page.example/p", provider="openai"))
    event = service.received[0].json
    assert event["routing_key"] == KEY
    assert (event["event_action"], event["dedup_key"]) == ("trigger", INCIDENT)
    payload = event["payload"]
    assert (payload["severity"], payload["component"], payload["class"]) == ("critical", "luna", "PAUSED")
    assert payload["timestamp"] == "2026-07-30T17:34:21Z"
    assert payload["custom_details"]["run next"].startswith("access-monitor why luna")
    assert event["links"][0]["href"] == "https://page.example/p"


def test_an_alert_for_jira_says_what_whom_and_what_to_run(service: StandIn) -> None:
    send("jsm", service, paused(incident=INCIDENT))
    request = service.received[0]
    assert request.headers["authorization"] == f"GenieKey {KEY}"
    assert (request.json["alias"], request.json["priority"], request.json["entity"]) == (INCIDENT, "P1", "luna")
    assert "access-monitor why luna" in request.json["description"]


def test_a_url_as_apprise_has_it_is_taken_too(service: StandIn) -> None:
    url = f"pagerduty://{KEY}@api/gateway/luna?severity=error&url=http://{service.address}/v2/enqueue"
    assert isinstance(channel(url).send(notice(paused(incident=INCIDENT)), "platform#1"), Sent)
    payload = service.received[0].json["payload"]
    assert (payload["source"], payload["component"], payload["severity"]) == ("gateway", "luna", "error")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("pagerduty://", "holds no key of the service; write it as in pagerduty://INTEGRATION_KEY"),
        ("jsm://", "holds no key of the service; write it as in jsm://API_KEY"),
        (
            f"pagerduty://{KEY}?region=mars",
            "names a region that PagerDuty does not have; write ?region=us or ?region=eu",
        ),
        (f"jsm://{KEY}?url=nonsense", "has a ?url= that is none"),
    ],
)
def test_a_url_that_cannot_work_is_refused_for_good_with_the_fix(url: str, said: str) -> None:
    outcome = channel(url).send(notice(), "platform#1")
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert outcome.reason.startswith(f"destination platform#1 {said}")
    assert KEY not in outcome.reason


def test_the_regions_of_pagerduty_and_the_names_in_logs() -> None:
    names = [channel(url).label("platform#1") for url in (f"pagerduty://{KEY}", f"pagerduty://{KEY}?region=eu")]
    assert names == ["pagerduty://events.pagerduty.com", "pagerduty://events.eu.pagerduty.com"]
    assert channel(f"jsm://{KEY}").label("platform#1") == "jsm://api.atlassian.com"
