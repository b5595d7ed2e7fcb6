"""The gate's answer to one question, from a view of the registry: what `GET /v1/gate/{key}` and OFREP
both speak from.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from email.utils import format_datetime
from urllib.parse import quote

from monitor.core import logs
from monitor.core.entry_spec import AT
from monitor.gate.client.verdict import PRODUCTION, rfc3339
from monitor.gate.decision import Answer, GateQuestion, Standing, answered, decide, fallback_of, resolve, verdict
from monitor.gate.uses import JudgedRow
from monitor.web.memory import RegistrySnapshot

_URL = "/:?&=@%#+,;~"
"""What stands in a URL as it is."""

UNKNOWN = "unknown"
"""The status, and the variant, while the registry cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """Who asks: the environment, the name of the caller where it gave one, and the surface that it is about to call;
    without one that on which the entry stands first.
    """

    environment: str = PRODUCTION
    caller: str = ""
    surface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The answer; what the lease file calls the outcome (`stale` for an active entry whose facts are, `grace` for a
    spared caller); and the row of the registry that it is about, None where it is about none.
    """

    answer: Answer
    variant: str
    row: JudgedRow | None = None


def decided(view: RegistrySnapshot, key: str, asking: GateRequest, now: datetime) -> GateResult:
    """Allow or deny."""
    if view.trouble:
        return _unknown(key, view.trouble, now)
    question = GateQuestion(
        rules=view.configuration.gate, now=now, environment=asking.environment, caller=asking.caller
    )
    try:
        standing = resolve(key, view.standings, asking.surface)
        if isinstance(standing, Standing):
            judged = verdict(standing, question)
            answer = replace(answered(standing, judged, fallback_of(standing, question, view.standings)), key=key)
            row = JudgedRow(entry=standing.key.partition(AT)[0], surface=standing.surface)
            return GateResult(answer=answer, variant=judged.variant, row=row)
        answer = replace(decide(standing, question), key=key)
        return GateResult(answer=answer, variant=answer.status)
    except Exception as error:
        # A defect; but an error in its place makes OFREP clients use their caller's default, which may be "allowed".
        logs.line("gate failed", level=logging.ERROR, key=key, error=f"{type(error).__name__}: {error}")
        return _unknown(key, "the answer could not be worked out", now)


def _unknown(key: str, trouble: str, now: datetime) -> GateResult:
    answer = Answer(
        key=key,
        allowed=False,
        status=UNKNOWN,
        reason=f"unknown: {trouble}",
        fallback="",
        position=0,
        expires_at=now.replace(microsecond=0),
    )
    return GateResult(answer=answer, variant=UNKNOWN)


def lifecycle_headers(view: RegistrySnapshot, result: GateResult) -> dict[str, str]:
    """Return the headers that say when the model of an answer ends (`Deprecation` of RFC 9745, `Sunset` of RFC 8594);
    none where no official source states a firm day.
    """
    row = None if result.row is None else _row_key(view, result.row)
    end = None if row is None else view.ends.get(row)
    if row is None or end is None:
        return {}
    rel = 'rel="deprecation sunset"'
    links = [f"</entries/{quote(row)}>; {rel}", *([f"<{quote(end.url, safe=_URL)}>; {rel}"] if end.url else [])]
    return {
        "Deprecation": f"@{int(end.announced_at.timestamp())}",
        "Sunset": format_datetime(datetime.combine(end.day, time(), UTC), usegmt=True),
        "Link": ", ".join(links),
    }


def _row_key(view: RegistrySnapshot, row: JudgedRow) -> str | None:
    return next((key for key in (row.entry, f"{row.entry}{AT}{row.surface}") if _is_row(view, key, row)), None)


def _is_row(view: RegistrySnapshot, key: str, row: JudgedRow) -> bool:
    standing = view.standings.get(key)
    return standing is not None and standing.surface == row.surface


def as_json(given: Answer) -> dict[str, object]:
    """Return the shape that `access-monitor gate --json` prints, too."""
    return {
        "key": given.key,
        "allowed": given.allowed,
        "status": given.status,
        "reason": given.reason,
        "fallback": given.fallback,
        "position": given.position,
        "expires_at": None if given.expires_at is None else rfc3339(given.expires_at),
    }
