"""What production is answered of each entry, in the few words that stand beside a status. Reading only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.core.entry import Status
from monitor.core.events import rfc3339
from monitor.gate.state import Production


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionAnswer:
    """What the gate answers production of one entry, when nobody in particular asks.

    Attributes:
        allowed: Whether it may be used.
        reason: Why, in a sentence.
        until: Until when the answer may be relied on.
        brief: What denies an active entry, in two or three words; empty where nothing does.
        callers: The callers that a running pause spares.
        callers_until: Until when they are spared; None without end.
    """

    allowed: bool
    reason: str
    until: datetime | None
    brief: str = ""
    callers: tuple[str, ...] = ()
    callers_until: datetime | None = None


def production_answers(gate: Production, keys: Iterable[str] | None = None) -> dict[str, ProductionAnswer]:
    """Return the answer for some rows of the registry, all of them unless told."""
    answers = {}
    for key in gate.entries if keys is None else keys:
        entry = gate.entries[key]
        answer = gate.answer(key)
        callers, until = gate.spared(key)
        answers[key] = ProductionAnswer(
            allowed=answer.allowed,
            reason=answer.reason,
            until=answer.expires_at,
            brief=gate.brief(key) if entry.status is Status.ACTIVE and not answer.allowed else "",
            callers=callers,
            callers_until=until,
        )
    return answers


def status_in_words(status: str, answer: ProductionAnswer | None) -> str:
    """Say a status with what production is answered, where the status alone would mislead: `active, DENIED: prices
    expired`, `paused, existing callers go on: support-agent until
    2026-08-02T17:34:21Z`.
    """
    if answer is None:
        return status
    if status == Status.ACTIVE and not answer.allowed:
        return f"{status}, DENIED: {answer.brief}"
    if answer.callers:
        end = f" until {rfc3339(answer.callers_until)}" if answer.callers_until else ""
        return f"{status}, existing callers go on: {', '.join(answer.callers)}{end}"
    return status
