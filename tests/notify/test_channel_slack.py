"""The channel against a real Slack-shaped webhook that takes, throttles, fails, hangs and is gone."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import pytest
from notices import notice
from slack_sink import PATH, Sink

from monitor.core.ports import ConfigurationError, NotSent, Sent
from monitor.notify.channels import AppriseChannel
from monitor.notify.routing import NotConfigured

TIMEOUT = 5.0


def channel(url: str, timeout: float = TIMEOUT) -> AppriseChannel:
    return AppriseChannel(lambda destination: url, timeout=timeout)


def test_a_webhook_receives_text_and_blocks(sink: Sink) -> None:
    assert isinstance(channel(sink.url).send(notice(), "platform#1"), Sent)
    (payload,) = sink.received
    assert payload["text"].startswith("PAUSED GPT-5.6 Luna")
    assert payload["blocks"][0]["type"] == "header"
    assert "1.00 → 0.20 USD per 1M tokens, −80 %" in payload["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("schema", ["slackhook", "http"])
def test_a_webhook_on_any_host_can_be_written_in_two_ways(sink: Sink, schema: str) -> None:
    assert isinstance(channel(f"{schema}://127.0.0.1:{sink.port}/hooks/abc?x=1").send(notice(), "platform#1"), Sent)
    assert len(sink.received) == 1


def test_refused_blocks_are_sent_again_as_text_alone(sink: Sink) -> None:
    sink.refuse_blocks = True
    assert isinstance(channel(sink.url).send(notice(), "platform#1"), Sent)
    assert [sorted(payload) for payload in sink.received] == [["blocks", "text", "unfurl_links"], ["text"]]


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (500, "server_error", NotSent(reason="HTTP 500 server_error")),
        (502, "<html>bad gateway</html>", NotSent(reason="HTTP 502")),
        (403, "invalid_token", NotSent(reason="HTTP 403 invalid_token", permanent=True)),
        (404, "no_service", NotSent(reason="HTTP 404 no_service", permanent=True)),
        (410, "channel_is_archived", NotSent(reason="HTTP 410 channel_is_archived", permanent=True)),
        (302, "", NotSent(reason="HTTP 302")),
    ],
)
def test_a_refusal_says_whether_trying_again_can_help(sink: Sink, status: int, text: str, outcome: NotSent) -> None:
    sink.answers = [(status, text, {"Location": "http://127.0.0.1:9/"} if status == 302 else {})]
    assert channel(sink.url).send(notice(), "platform#1") == outcome
    assert len(sink.received) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), ("soon", None), ("-1", None), ("inf", None), ("nan", None)]
)
def test_a_throttling_webhook_says_when_to_come_back(sink: Sink, header: str, seconds: float | None) -> None:
    sink.answers = [(429, "rate_limited", {"Retry-After": header})]
    outcome = channel(sink.url).send(notice(), "platform#1")
    assert outcome == NotSent(reason="HTTP 429 rate_limited", retry_after=seconds)


def test_a_payload_refused_even_without_blocks_is_not_sent_for_ever(sink: Sink) -> None:
    sink.answers = [(400, "invalid_payload", {}), (400, "invalid_payload", {})]
    assert channel(sink.url).send(notice(), "platform#1") == NotSent(reason="HTTP 400 invalid_payload", permanent=True)


def test_a_hanging_webhook_is_left_within_the_timeout(sink: Sink) -> None:
    sink.hanging = True
    outcome = channel(sink.url, timeout=0.4).send(notice(), "platform#1")
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert outcome.reason in ("no answer in time", "no answer within 0.4 s")


def test_an_answer_that_never_ends_is_left_within_the_timeout(sink: Sink) -> None:
    sink.dripping = True
    channel(sink.url, timeout=0.5).send(notice(), "platform#1")
    assert not sink.released.is_set(), "it was left while the answer was still going on"


def test_an_unreachable_webhook_is_tried_again_and_its_address_is_not_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = channel(f"http://127.0.0.1:{taken.getsockname()[1]}{PATH}").send(notice(), "platform#1")
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert "SECRET" not in outcome.reason


@pytest.mark.parametrize("option", ["retry=3&wait=0", "optional=yes"])
def test_nothing_in_a_url_hides_a_failure_or_repeats_an_attempt(sink: Sink, option: str) -> None:
    sink.answers = [(500, "server_error", {})]
    url = f"slackhook://127.0.0.1:{sink.port}{PATH}?{option}"
    assert channel(url).send(notice(), "platform#1") == NotSent(reason="HTTP 500 server_error")
    assert len(sink.received) == 1


def test_another_service_gets_text_and_its_gone_address_is_permanent(sink: Sink) -> None:
    json_url = f"json://127.0.0.1:{sink.port}/SECRETPATH"
    assert isinstance(channel(json_url).send(notice(), "platform#1"), Sent)
    assert sink.received[0]["title"].startswith("PAUSED GPT-5.6 Luna")
    assert "Impact" in sink.received[0]["message"]
    sink.answers = [(500, "no", {}), (404, "no", {})]
    failed, gone = (channel(json_url).send(notice(), "platform#1") for _ in range(2))
    assert isinstance(failed, NotSent)
    assert isinstance(gone, NotSent)
    assert (failed.permanent, gone.permanent) == (False, True)
    assert "SECRETPATH" not in failed.reason + gone.reason


@pytest.mark.parametrize("url", ["nosuch://x/y", "not a url", ""])
def test_an_url_that_apprise_does_not_know_is_permanent_and_not_told(url: str) -> None:
    outcome = channel(url).send(notice(), "platform#1")
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert "platform#1" in outcome.reason
    assert not url or url not in outcome.reason


def fails(error: Exception) -> Callable[[str], str]:
    def resolve(destination: str) -> str:
        raise error

    return resolve


def test_a_missing_secret_is_tried_again_and_named() -> None:
    outcome = AppriseChannel(fails(ConfigurationError("env:SLACK_URL is not set"))).send(notice(), "platform#1")
    assert outcome == NotSent(reason="destination platform#1 cannot be resolved: env:SLACK_URL is not set")


def test_a_destination_no_longer_configured_is_permanent() -> None:
    outcome = AppriseChannel(fails(NotConfigured("platform#9 is not in the configuration"))).send(
        notice(), "platform#9"
    )
    assert isinstance(outcome, NotSent)
    assert outcome.permanent


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://hooks.slack.com/services/T0000/B0000/abcdefSECRET", "slack://hooks.slack.com"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://hooks.slack.com"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack://slack.com"),
        ("http://127.0.0.1:8080/services/T000/B000/SECRET", "slack://127.0.0.1"),
        ("https://chat.example.com/hooks/SECRET", "slack://chat.example.com"),
        ("mailtos://user:SECRET@smtp.example.com?to=x@example.org", "mailtos://smtp.example.com"),
        ("discord://123456789/SECRETSECRETSECRET", "discord://discord.com"),
        ("tgram://123456789:SECRET_hijklmnop/12315544/", "tgram://telegram.org"),
        ("ntfy://SECRETTOPIC", "ntfy://ntfy.sh"),
        ("nosuch://SECRET", "platform#1"),
    ],
)
def test_a_label_is_kind_and_host_and_never_a_secret(url: str, label: str) -> None:
    assert channel(url).label("platform#1") == label


def test_a_label_of_what_cannot_be_resolved_is_the_reference() -> None:
    assert AppriseChannel(fails(ConfigurationError("gone"))).label("platform#1") == "platform#1"


def test_no_log_line_holds_an_address(sink: Sink) -> None:
    lines: list[str] = []

    class LeaseCache(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, keeper = logging.getLogger(), LeaseCache(level=logging.INFO)
    before = root.level
    root.addHandler(keeper)
    root.setLevel(logging.INFO)
    try:
        sink.answers = [(500, "server_error", {}), (404, "no", {})]
        channel(sink.url).send(notice(), "platform#1")
        channel(f"json://127.0.0.1:{sink.port}{PATH}").send(notice(), "platform#1")
        channel("nosuch://XXXSECRETXXX").send(notice(), "platform#1")
        logging.getLogger("probe").info("still listening")
    finally:
        root.removeHandler(keeper)
        root.setLevel(before)
    assert len(sink.received) == 2
    assert lines == ["still listening"]
