"""Notices as signed CloudEvents on a webhook of one's own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from alert_stand_ins import StandIn, stand_in
from notices import AT, listed, notice, paused
from standardwebhooks import Webhook

from monitor.core.notices import Digest, Notice, OverItem
from monitor.core.ports import NotSent, Sent
from monitor.notify.channels import AppriseChannel
from monitor.notify.cloud_events import LARGEST
from monitor.notify.service import Means

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret, of 32 bytes or so").decode()
NOW = datetime(2026, 7, 30, 18, 0, 0, 900_000, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[StandIn]:
    with stand_in() as sink:
        yield sink


def send(service: StandIn, message: Notice, secret: str = SECRET) -> Sent | NotSent:
    means = Means(timeout=(5, 5), clock=lambda: NOW, secret=secret)
    url = f"cloudevents+http://{service.address}/hooks/hunter2"
    return AppriseChannel(lambda destination: url, timeout=10, means=lambda destination: means).send(
        message, "platform#1"
    )


def test_the_published_vector_of_standard_webhooks() -> None:
    signed = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), '{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_an_event_whose_signature_holds_for_its_bytes(service: StandIn) -> None:
    assert isinstance(send(service, notice(paused(incident="luna-17"))), Sent)
    (request,) = service.received
    assert request.path == "/hooks/hunter2"
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    id = request.headers["webhook-id"]
    assert request.headers["webhook-signature"] == Webhook(SECRET).sign(id, NOW, request.body.decode())
    event = request.json
    assert event["id"] == id == notice().id
    assert (event["specversion"], event["datacontenttype"]) == ("1.0", "application/json")
    assert event["type"] == "io.access-monitor.notice.paused.v1"
    assert event["subject"] == "luna"
    assert event["time"] == "2026-07-30T17:36:02Z"
    data = event["data"]
    assert data["title"].startswith("PAUSED GPT-5.6 Luna")
    assert data["items"][0]["state"] == "PAUSED"
    assert data["items"][0]["differences"][0] == {
        "subject": "gpt-5.6-luna",
        "what": "price.standard.short.input",
        "old": "1",
        "new": "0.2",
    }


def test_a_repeat_has_the_same_id(service: StandIn) -> None:
    service.answers = [(500, "", {})]
    assert isinstance(send(service, notice()), NotSent)
    send(service, notice())
    first, second = service.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_while_a_secret_is_rotated_both_sign(service: StandIn) -> None:
    send(service, notice(), secret=f"{OTHER} {SECRET}")
    (request,) = service.received
    signatures = request.headers["webhook-signature"].split(" ")
    id, text = request.headers["webhook-id"], request.body.decode()
    assert signatures == [Webhook(secret).sign(id, NOW, text) for secret in (OTHER, SECRET)]


@pytest.mark.parametrize("secret", ["hunter2", "whsec_hunter2", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_secret_that_is_none_is_refused_for_good_and_not_shown(service: StandIn, secret: str) -> None:
    outcome = send(service, notice(), secret=secret)
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert "no key of Standard Webhooks; make one of whsec_ and at least 24 random bytes" in outcome.reason
    assert "hunter2" not in outcome.reason
    assert service.received == []


def test_nothing_goes_out_unsigned(service: StandIn) -> None:
    outcome = send(service, notice(), secret="")
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert "is a webhook whose events are signed; write {" in outcome.reason
    assert service.received == []


@pytest.mark.parametrize(
    ("status", "body", "headers", "permanent", "retry_after"),
    [
        (410, "", {}, True, None),
        (400, "", {}, True, None),
        (429, "", {"Retry-After": "60"}, False, 60.0),
        (503, "", {}, False, None),
        (200, '{"ok": false, "error": "queue is full"}', {}, False, None),
    ],
)
def test_an_answer_is_taken_at_its_word(
    service: StandIn, status: int, body: str, headers: dict[str, str], permanent: bool, retry_after: float | None
) -> None:
    service.answers = [(status, body, headers)]
    outcome = send(service, notice())
    assert isinstance(outcome, NotSent)
    assert (outcome.permanent, outcome.retry_after) == (permanent, retry_after)


def test_an_event_stays_within_what_intermediaries_forward(service: StandIn) -> None:
    items = [listed(number, summary="word " * 90) for number in range(500)]
    send(service, notice(*items))
    (request,) = service.received
    assert len(request.body) <= LARGEST
    data = request.json["data"]
    assert data["items_left_out"] == 500 - len(data["items"])


def test_a_digest_names_the_notices_that_it_holds_and_what_is_over(service: StandIn) -> None:
    digest = Digest(
        notices=("17.platform", "18.platform"), over=(OverItem(item=paused(), ended_at=AT),), checkpoint="log\n"
    )
    send(service, replace(notice(listed(1)), digest=digest))
    data = service.received[0].json["data"]
    assert data["notices"] == ["17.platform", "18.platform"]
    assert data["checkpoint"] == "log\n"
    assert (data["over"][0]["entry"], data["over"][0]["ended_at"]) == ("luna", "2026-07-30T17:36:02Z")
