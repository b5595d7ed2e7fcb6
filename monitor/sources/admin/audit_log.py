"""Who changed what: of each watched kind of event the last one. Names, addresses and mail addresses of people stay
outside, also of the evidence.

The audit log is a list of what happened and no state, so its answers are partial; each kind is one fact, and a newer
event is a changed setting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.core.events import rfc3339
from monitor.core.facts import SETTING, Refusal, Subject
from monitor.sources.admin.answers import AdminReading, Answers, Place
from monitor.sources.json_text import canonical_text
from monitor.sources.redaction import MASK, one_line

SUBJECT = "audit_log"

_PERSONAL = (
    (re.compile(rb"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+"), MASK.encode()),
    (
        re.compile(rb'("(?:ip_address|user_agent|ja3|ja4)"\s*:\s*)"[^"]*"'),
        rb'\1"' + MASK.encode() + b'"',
    ),
)


def impersonal(content: bytes) -> bytes:
    """Return an answer without mail addresses, IP addresses and browsers."""
    for shape, instead in _PERSONAL:
        content = shape.sub(instead, content)
    return content


def audit_log(answers: Answers, place: Place) -> AdminReading:
    """Return the last event of each watched kind: when, by whom, and what was asked for."""
    reading, subject = AdminReading(), Subject(place.surface, SUBJECT)
    last: dict[str, tuple[int, str, Mapping[str, object]]] = {}
    for question in ("audit_log", "tenant_audit_log"):
        for where, event in answers.items(question):
            kind, at = event.get("type"), event.get("effective_at")
            if not isinstance(kind, str) or not kind.isprintable() or not isinstance(at, int) or isinstance(at, bool):
                reading.refused.append(Refusal(where, "an event without its type or its time"))
                continue
            if place.project and _id(event.get("project")) not in ("", place.project):
                continue
            if kind not in last or (at, str(event.get("id"))) > last[kind][:2]:
                last[kind] = (at, str(event.get("id")), event)
    for kind, (at, _, event) in last.items():
        when = rfc3339(datetime.fromtimestamp(at, UTC))
        reading.state(subject, SETTING + kind, one_line(" ".join((when, _actor(event), _detail(event, kind))).strip()))
    return reading


def _actor(event: Mapping[str, object]) -> str:
    """Return who did it, by the id that the provider gave them."""
    actor = event.get("actor")
    if not isinstance(actor, dict):
        return "by an unnamed actor"
    door = actor.get(str(actor.get("type")))
    door = door if isinstance(door, dict) else {}
    person = _id(door.get("user")) or _id(door.get("service_account"))
    return f"by {person or _id(door) or actor.get('type') or 'an unnamed actor'}"


def _detail(event: Mapping[str, object], kind: str) -> str:
    """Return what the event carries under its own name: what it was about, and the values that were asked for."""
    details = event.get(kind)
    if not isinstance(details, dict):
        return ""
    changes = {key: value for key, value in details.items() if key != "id" and value not in (None, {}, [])}
    return " ".join(part for part in (_id(details), canonical_text(changes) if changes else "") if part)


def _id(found: object) -> str:
    value = found.get("id") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
