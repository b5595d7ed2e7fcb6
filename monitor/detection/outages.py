"""Saying that polling fails, or that what was seen cannot be taken at its word, and that it is over.

Once per outage, once per anomaly. Nothing in here has access to a baseline, so no failure can move one.

What the provider's own status page says while one of its sources cannot be read, or shows what cannot be taken at its
word.

It is quoted, and nothing more: an incident explains a failure, moves nothing, and is no news by itself. Read from the
store only when there is something to explain. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.core import events as ev
from monitor.core.changes import Change
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.events import Ledger, source_stream
from monitor.core.facts import INCIDENT, Fact, PollFailure, Refusal, SourceState, Subject
from monitor.core.ports import Reader
from monitor.core.price import PREFIX
from monitor.detection.admission import Admission

NAMED = 50
"""How many subjects or facts an anomaly names; the rest is counted."""


def failed(
    ledger: Ledger,
    spec: SourceSpec,
    state: SourceState,
    failure: PollFailure,
    evidence: str,
    incident: str,
) -> SourceState:
    """Record a failure to poll: the first of an outage, and again when the reason changes."""
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
        data={"reason": str(failure.reason), "detail": failure.detail, **quoted(incident)},
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


def read_again(ledger: Ledger, spec: SourceSpec, state: SourceState, at: datetime) -> None:
    """Record that a source which was stale is read again."""
    _over(ledger, spec, ev.NO_GOOD_POLL, state.good_at, state.stale_position, at)


def anomaly(
    ledger: Ledger,
    spec: SourceSpec,
    state: SourceState,
    reason: str,
    at: datetime,
    *,
    data: Mapping[str, object],
    evidence: str = "",
) -> SourceState:
    """Record that an answer, or a part of it, is held back, and for which reason; `data` says what."""
    position = ledger.add(
        ev.SOURCE_ANOMALY,
        source_stream(spec.key),
        spec.key,
        at=at,
        source=spec.key,
        evidence=evidence,
        data={"reason": reason, **data},
    )
    return replace(state, anomaly=reason, anomaly_since=at, anomaly_position=position)


def of_admission(admission: Admission, *, known: int, seen: int) -> dict[str, object]:
    """Return what the event of an anomaly holds of a poll: how many subjects were `known` and `seen`, and the first of
    those that are missing or new.
    """
    data: dict[str, object] = {"known": known, "seen": seen}
    if not admission.floods or admission.missing:
        data |= {"missing": _names(admission.missing), "missing_count": len(admission.missing)}
    if admission.meters:
        data |= {"meters": [field.removeprefix(PREFIX) for field in admission.meters[:NAMED]]}
    if admission.floods:
        data |= {"new": _names(admission.new), "new_count": len(admission.new)}
    return data


def of_concern(
    changes: Iterable[Change] = (), *, subjects: Iterable[Subject] = ()
) -> dict[str, list[dict[str, object]]]:
    """Return what the event of an anomaly holds of what entries stand on, whole `subjects` or single facts; nothing
    where they stand on none of it.
    """
    concerns: list[dict[str, object]] = [
        {"scope": subject.scope, "subject": subject.name} for subject in sorted(subjects)
    ]
    concerns += [
        {
            "scope": change.fact.subject.scope,
            "subject": change.fact.subject.name,
            "field": change.fact.field,
            "old": change.old,
            "new": change.new,
        }
        for change in changes
    ]
    return {"concerns": concerns} if concerns else {}


def refused(
    ledger: Ledger,
    spec: SourceSpec,
    parts: Sequence[Refusal],
    unread: Collection[Fact],
    *,
    at: datetime,
    evidence: str,
    relied: Callable[[Fact], bool],
) -> int:
    """Record that parts of an answer which were read are no longer understood; the facts that they stated are
    `unread`.
    """
    subjects = sorted({fact.subject for fact in unread})
    return ledger.add(
        ev.SOURCE_REFUSED,
        source_stream(spec.key),
        spec.key,
        at=at,
        source=spec.key,
        evidence=evidence,
        data={
            "where": parts[0].where,
            "reason": parts[0].reason,
            "parts": [{"where": part.where, "reason": part.reason} for part in parts[:NAMED]],
            "count": len(parts),
            "models": _names(subjects),
            "models_count": len(subjects),
            **of_concern(subjects={fact.subject for fact in unread if relied(fact)}),
        },
    )


def of_alternation(changes: Sequence[Change], turns: Mapping[Fact, int]) -> dict[str, object]:
    """Return what the event of a source that contradicts itself holds: the first facts that alternate, each with both
    values.
    """
    return {
        "facts": [
            {
                "subject": change.fact.subject.name,
                "field": change.fact.field,
                "values": [change.old, change.new],
                "turns": turns[change.fact],
            }
            for change in changes[:NAMED]
        ],
        "facts_count": len(changes),
    }


def _names(subjects: Sequence[Subject]) -> list[str]:
    return [subject.name for subject in subjects[:NAMED]]


def quoted(incident: str) -> dict[str, object]:
    """Return what an event of a source holds of an open incident; nothing where there is none."""
    return {"incident": incident} if incident else {}


def settled(ledger: Ledger, spec: SourceSpec, state: SourceState, at: datetime, *, stood: bool) -> SourceState:
    """End an anomaly. Of one that stood the changes name it as their cause; any other was nothing."""
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


def incident(reader: Reader, configuration: Configuration, spec: SourceSpec) -> str:
    """Return the open incidents on the surface of a source, in the words of its provider; empty where there is none.

    A status page that names no surface is about all of them. One that cannot be read itself is not quoted, nor is an
    incident that a poll since then did not show any more.
    """
    if not spec.surface or spec.can.incidents:
        return ""
    names: dict[str, None] = {}
    for page in configuration.sources.values():
        if not page.can.incidents or page.surface not in ("", spec.surface):
            continue
        state = reader.source(page.key)
        if state is None or not state.baseline or state.outage or state.stale_position is not None:
            continue
        going = {
            pending_change.fact for pending_change in reader.pending_changes(page.key) if pending_change.value is None
        }
        for subject, fields in sorted(reader.facts(state.baseline).items()):
            for field, value in sorted(fields.items()):
                if field.startswith(INCIDENT) and (subject, field) not in going:
                    names[str(value)] = None
    return "; ".join(names)
