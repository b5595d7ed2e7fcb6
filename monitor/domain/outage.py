"""Saying that looking fails, or that what was seen cannot be taken at its word, and that it is over.

Once per outage, once per anomaly. Nothing in here has access to a baseline, so no failure can move one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from monitor.domain import events as ev
from monitor.domain.admission import Admission
from monitor.domain.configuration import SourceSpec
from monitor.domain.events import Ledger, source_stream
from monitor.domain.model import PollFailure, SourceState

NAMED = 50
"""How many missing subjects an anomaly names; the rest is counted."""


def failed(
    ledger: Ledger,
    spec: SourceSpec,
    state: SourceState,
    failure: PollFailure,
    evidence: str,
    incident: Callable[[], str],
) -> SourceState:
    """Record a failure to look: the first of an outage, and again when the reason changes. `incident` is asked for then."""
    state = replace(state, looked_at=failure.at)
    if state.outage == failure.reason:
        return state
    position = ledger.add(
        ev.SOURCE_FAILED,
        source_stream(spec.key),
        spec.key,
        at=failure.at,
        source=spec.key,
        cause=state.outage_position,
        evidence=evidence,
        data={"reason": str(failure.reason), "detail": failure.detail, **quoted(incident())},
    )
    return replace(
        state, outage=str(failure.reason), outage_since=state.outage_since or failure.at, outage_position=position
    )


def recovered(ledger: Ledger, spec: SourceSpec, state: SourceState, at: datetime) -> SourceState:
    """Record that a source can be read again, if it could not."""
    if not state.outage:
        return state
    _over(ledger, spec, state.outage, state.outage_since, state.outage_position, at)
    return replace(state, outage="", outage_since=None, outage_position=None)


def anomaly(
    ledger: Ledger,
    spec: SourceSpec,
    state: SourceState,
    admission: Admission,
    at: datetime,
    *,
    known: int,
    seen: int,
    evidence: str,
    incident: str,
) -> SourceState:
    """Record that an answer is held back. `known` and `seen` count subjects, `incident` is what its provider says of it."""
    names = [subject.name for subject in admission.missing]
    position = ledger.add(
        ev.SOURCE_ANOMALY,
        source_stream(spec.key),
        spec.key,
        at=at,
        source=spec.key,
        evidence=evidence,
        data={
            "reason": admission.reason,
            "known": known,
            "seen": seen,
            "missing": names[:NAMED],
            "missing_count": len(names),
            **quoted(incident),
        },
    )
    return replace(state, anomaly=admission.reason, anomaly_since=at, anomaly_position=position)


def quoted(incident: str) -> dict[str, object]:
    """What an event of a source holds of an open incident; nothing where there is none."""
    return {"incident": incident} if incident else {}


def settled(ledger: Ledger, spec: SourceSpec, state: SourceState, at: datetime, *, stood: bool) -> SourceState:
    """End an anomaly. One that stood is believed, and its changes name it as their cause; any other was nothing."""
    if not state.anomaly:
        return state
    if not stood:
        _over(ledger, spec, state.anomaly, state.anomaly_since, state.anomaly_position, at)
    return replace(state, anomaly="", anomaly_since=None, anomaly_position=None)


def _over(
    ledger: Ledger, spec: SourceSpec, reason: str, since: datetime | None, cause: int | None, at: datetime
) -> None:
    ledger.add(
        ev.SOURCE_RECOVERED,
        source_stream(spec.key),
        spec.key,
        at=at,
        source=spec.key,
        cause=cause,
        data={"reason": reason, "since": None if since is None else ev.rfc3339(since)},
    )
