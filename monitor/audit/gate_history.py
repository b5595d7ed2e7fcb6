"""What the gate answered: by the lease documents as they were published, and whom it denied. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from monitor.audit.concerning import of_entry
from monitor.audit.outages import stopped_at
from monitor.audit.reading import merged
from monitor.core import events as ev
from monitor.core.entry_spec import AT
from monitor.core.moments import utc
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.gate.client.lease import Lease, LeaseError, parse
from monitor.gate.client.verdict import GRACE, PRODUCTION, rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAnswer:
    """What the gate answered a caller at a time.

    `document` is the hash of the lease document that said so, `written_at` when it was first written, at which position
    of the log. `judged_as` is the environment whose document it is. `stopped_since` is since when no daemon ran: its
    last lease may have ended.
    """

    key: str
    allowed: bool
    status: str
    reason: str
    fallback: str
    position: int
    at: datetime
    judged_as: str
    document: str
    written_at: datetime
    log_position: int
    stopped_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """What one caller was denied on one day: how often, since when, and why it was the last time.

    `day` is None in what was recorded without one; `cause` is the event that gave the entry its status.
    """

    position: int
    day: str | None
    first_at: datetime
    subject: str
    surface: str
    environment: str
    caller: str
    count: int
    status: str
    reason: str
    cause: int | None


def past_answer(
    reader: Reader, key: str, at: datetime, *, environment: str = PRODUCTION, caller: str = "", surface: str = ""
) -> PastAnswer:
    """Return what the gate answered a caller at a time, from the lease document that held then.

    A document is kept when its answers are new. It was renewed until the next one was kept, so that its ends moved on;
    only the end of a grace is a date of its own.

    Raises:
        Refused: no document was kept by then, or the key is not in it.
    """
    published = reader.tree.last_lease(environment, at) or reader.tree.last_lease(PRODUCTION, at)
    if published is None:
        raise Refused(f"no lease document was kept by {utc(at)}: none was published yet, or by a version before 0.3.0")
    name = f"the lease document {published.record.document[:15]}"
    written: Any = parse(name, published.content)
    try:
        first = Lease(name, written, environment, published.record.at)
        since = at - first.written_at
        lease = Lease(name, _renewed(written, first.written_at, since), environment, at)
        flag = lease.flag(key, surface)
        answer: Mapping[str, Any] = lease.answer(flag, caller, asked=key)
    except LeaseError as error:
        raise Refused(str(error)) from None
    stopped = stopped_at(reader, at)
    ended = stopped is not None and at - stopped > first.lease_until - first.written_at
    reason = f"the lease ended: no daemon ran since {utc(stopped)}" if ended and stopped else str(answer["reason"])
    return PastAnswer(
        key=key,
        allowed=bool(answer["allowed"]) and not ended,
        status=str(answer["status"]),
        reason=reason,
        fallback="" if ended else str(answer["fallback"]),
        position=int(answer["position"]),
        at=at,
        judged_as=first.environment,
        document=published.record.document,
        written_at=first.written_at,
        log_position=int(first.version),
        stopped_since=stopped,
    )


def denials(
    reader: Reader,
    *,
    entry: str = "",
    caller: str | None = None,
    environment: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Denial]:
    """Return whom the gate denied what, in the order in which it was recorded; without a caller everybody, and with an
    empty one those who gave no name.

    What was denied today is recorded when the day is over, or the daemon ends.

    Raises:
        Refused: there is no such entry.
    """
    concerned = of_entry(reader, entry) if entry else None
    stream = ev.gate_stream(environment) if environment else ""
    query = EventQuery(type=ev.GATE_DENIED, stream=stream, since=since, until=until)
    names = () if concerned is None else {*concerned.rows, *(row.partition(AT)[0] for row in concerned.rows)}
    rows = []
    for recorded in merged(reader, [replace(query, subject=name) for name in sorted(names)] or [query]):
        event, data = recorded.event, recorded.event.data
        if caller not in (None, data["caller"]) or (concerned is not None and not concerned(event, reader)):
            continue
        rows.append(
            Denial(
                position=event.position,
                day=data.get("day"),
                first_at=event.occurred_at,
                subject=event.subject,
                surface=str(data.get("surface", "")),
                environment=data["environment"],
                caller=data["caller"],
                count=data["count"],
                status=data["status"],
                reason=data["reason"],
                cause=event.cause,
            )
        )
    return rows


_RENEWED = ("access_until", "price_until", "checks_until")


def _renewed(document: Mapping[str, Any], written_at: datetime, by: timedelta) -> dict[str, Any]:
    """Return a document as it was renewed that much later: what had not ended when it was written had not ended then
    either, or another document would have been kept.
    """
    metadata = document["metadata"]
    renewed = {"written_at": metadata["written_at"], "lease_until": _later(metadata["lease_until"], written_at, by)}
    flags = {key: _renewed_flag(flag, written_at, by) for key, flag in document["flags"].items()}
    return {**document, "flags": flags, "metadata": {**metadata, **renewed}}


def _renewed_flag(flag: Mapping[str, Any], written_at: datetime, by: timedelta) -> dict[str, Any]:
    metadata = flag["metadata"]
    renewed = {name: _later(metadata[name], written_at, by) for name in _RENEWED if name in metadata}
    grace = metadata.get("grace_until") if GRACE in flag["variants"] else None
    latest = None if grace is None else int(datetime.fromisoformat(grace).timestamp())
    seconds = int(by.total_seconds())
    targeting = _moved_rule(flag.get("targeting"), seconds, latest, int(written_at.timestamp()))
    return {**flag, "metadata": {**metadata, **renewed}, **({"targeting": targeting} if "targeting" in flag else {})}


def _moved_rule(rule: Any, seconds: int, latest: int | None, written: int) -> Any:
    """Return a rule with its times moved on, no limit past `latest`; what had passed when it was written stays."""
    if isinstance(rule, dict) and isinstance(limit := rule.get("<"), list):
        later = limit[1] + seconds
        return {"<": [limit[0], later if latest is None else min(later, latest)]}
    if isinstance(rule, dict) and isinstance(since := rule.get(">="), list):
        return {">=": [since[0], since[1] + seconds if since[1] > written else since[1]]}
    if isinstance(rule, dict):
        return {name: _moved_rule(inner, seconds, latest, written) for name, inner in rule.items()}
    if isinstance(rule, list):
        return [_moved_rule(inner, seconds, latest, written) for inner in rule]
    return rule


def _later(text: str, written_at: datetime, by: timedelta) -> str:
    at = datetime.fromisoformat(text)
    return rfc3339(at + by) if at > written_at else text
