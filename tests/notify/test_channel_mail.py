"""The channel against a real SMTP server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from notices import notice, paused

from monitor.core.notices import Reason
from monitor.core.ports import NotSent, Sent
from monitor.notify.channels import AppriseChannel


class Inbox:
    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answer = "250 taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, f"mailto://127.0.0.1:{port}?from=monitor@example.org&to=ops@example.org&mode=insecure"
    finally:
        controller.stop()


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_mail_carries_html_with_a_text_alternative(inbox: tuple[Inbox, str]) -> None:
    received, url = inbox
    assert isinstance(AppriseChannel(lambda destination: url, timeout=10).send(notice(), "platform#1"), Sent)
    (message,) = received.messages
    assert str(message["Subject"]).startswith("PAUSED GPT-5.6 Luna")
    assert str(message["To"]) == "ops@example.org"
    for said in (part(message, "html"), part(message, "plain")):
        assert "1.00 → 0.20 USD per 1M tokens, −80 %" in said
        assert "2026-07-30 17:34 UTC" in said
        assert "access-monitor why luna" in said
        assert "Notice 0199c0de-0000-7000-8000-000000000017" in said
    assert "<td" not in part(message, "plain")


def test_mails_of_one_incident_refer_to_one_root_and_say_that_a_machine_wrote_them(inbox: tuple[Inbox, str]) -> None:
    received, url = inbox
    channel = AppriseChannel(lambda destination: url, timeout=10)
    for reason in (Reason.PAUSED, Reason.RESUMED):
        channel.send(notice(paused(reason=reason, incident="luna-17")), "platform#1")
    pause, resumption = received.messages
    assert pause["References"] == resumption["References"] == "<luna-17@incident.access-monitor>"
    assert pause["In-Reply-To"] == pause["References"]
    assert {message["Auto-Submitted"] for message in received.messages} == {"auto-generated"}
    assert (pause["X-Priority"], resumption["X-Priority"]) == ("1", None)


def test_a_provider_s_text_adds_no_header_to_a_mail(inbox: tuple[Inbox, str]) -> None:
    received, url = inbox
    name = "Luna\r\nBcc: thief@example.org\r\n\r\n<script>"
    assert isinstance(
        AppriseChannel(lambda destination: url, timeout=10).send(notice(paused(name=name)), "platform#1"), Sent
    )
    (message,) = received.messages
    assert message["Bcc"] is None
    assert "<script>" not in part(message, "html")


def test_a_server_that_takes_no_mail_is_tried_again(inbox: tuple[Inbox, str]) -> None:
    received, url = inbox
    received.answer = "451 come back later"
    outcome = AppriseChannel(lambda destination: url, timeout=10).send(notice(), "platform#1")
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert received.messages == []
