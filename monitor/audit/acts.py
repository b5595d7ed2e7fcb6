"""What people did: who, from where, and what they had in view. Reading only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.audit.concerning import find_actor, of_entry
from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.entry import CheckState, Pin
from monitor.core.event_types import in_words
from monitor.core.events import Recorded, entry_key
from monitor.core.ports import EventQuery, Reader
from monitor.registry.lookup import find_row, unknown_entry

ACCEPTANCES = (ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED, ev.ENTRY_APPROVAL_REQUESTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAct:
    """One act of a person.

    Attributes:
        act: The type of its event.
        by: Who, as they named themselves or signed in.
        account: The account that it was done from, of the operating system or signed in; `host` and `channel` are where
            and by which way.
        seen_position: The position of the log that they had in view, where they said so.
        row: The row of the registry, where it is about one.
        what: What happened, in words.
    """

    position: int
    at: datetime
    act: str
    subject: str
    row: str
    by: str
    reason: str
    account: str
    host: str
    channel: str
    seen_position: int | None
    evidence: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """An acceptance, with what was accepted: pins and their values, what was unknown, checks waived and losses taken.

    `requested_by` is who asked for it, where it took two people, by the event `request`; `callers` are those in
    production that were named.
    """

    act: PersonAct
    pins: Mapping[str, Any] = field(default_factory=dict)
    unpinned: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    losses: tuple[Any, ...] = ()
    requested_by: str = ""
    request: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedFile:
    """A file that an attestation rests on: the hash of its bytes as they are kept and as they were handed in."""

    evidence: str
    format: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRow:
    """A check that a person attested, and what it rests on. `holds` says whether the check still rests on it."""

    act: PersonAct
    check: str
    url: str
    note: str
    until: datetime | None
    files: tuple[AttestedFile, ...]
    holds: bool


def acts(
    reader: Reader, *, by: str = "", entry: str = "", since: datetime | None = None, until: datetime | None = None
) -> list[PersonAct]:
    """Return what a person did, or everybody, of everything or of an entry, in order.

    Raises:
        Refused: nobody of this name did anything, or there is no such entry.
    """
    query = EventQuery(acts=True, actor=find_actor(reader, by), since=since, until=until)
    concerned = of_entry(reader, entry) if entry else None
    return [
        _act(recorded) for recorded in reader.events(query) if concerned is None or concerned(recorded.event, reader)
    ]


def approvals(reader: Reader, name: str, *, at: datetime | None = None) -> list[ApprovalRow]:
    """Return every acceptance of an entry, or of the entries that hold a model or go by its price, up to a time; with
    what of it a person let in that was held back.

    Raises:
        Refused: no entry has this name, holds this model or goes by its price.
    """
    entries = reader.entries()
    keys = [row for row in [find_row(entries, name)] if row in entries]
    keys = keys or [key for key, entry in entries.items() if name in _models(entry)]
    if not keys:
        raise unknown_entry(name, entries)
    concerned = [of_entry(reader, key) for key in keys]
    rows = sorted({row for of in concerned for row in of.rows})
    models = {model for of in concerned for model in of.models}
    queries = [
        query for row in rows for query in of_types(ACCEPTANCES, EventQuery(stream=ev.entry_stream(row), until=at))
    ]
    queries += [EventQuery(type="price.*", subject=model.name, acts=True, until=at) for model in models]
    return [
        _approval(recorded)
        for recorded in merged(reader, queries)
        if entry_key(recorded.event) or any(of(recorded.event, reader) for of in concerned)
    ]


def attestations(reader: Reader, *, entry: str = "", at: datetime | None = None) -> list[AttestationRow]:
    """Return every attestation of a check, of every entry or of one, up to a time, with the files that it rests on.

    Raises:
        Refused: there is no such entry.
    """
    concerned = of_entry(reader, entry) if entry else None
    queries = of_types((ev.CHECK_ATTESTED, ev.EVALS_RECORDED), EventQuery(until=at))
    recorded = [
        recorded for recorded in merged(reader, queries) if concerned is None or concerned(recorded.event, reader)
    ]
    resting = _resting(reader, recorded, at)
    return [_attestation(reader, event, holds=event.event.position in resting) for event in recorded]


def _resting(reader: Reader, recorded: Iterable[Recorded], at: datetime | None) -> set[int]:
    """Return the positions of the attestations that still count: the check, or a cell of the evals, rests on them."""
    from monitor.audit.queries import entries

    rows = entries(reader, at=at)
    last = {(row, name): check for row, entry in rows.items() for name, check in entry.checks.items()}
    cells = {(row, cell.evidence) for row, entry in rows.items() for cell in entry.evals}
    resting = set()
    for event in (each.event for each in recorded):
        row = entry_key(event)
        if event.type == ev.EVALS_RECORDED:
            holds = any((row, file["evidence"]) in cells for file in event.data["files"])
        else:
            check = last.get((row, event.data["check"]))
            holds = check is not None and check.position == event.position and check.state is CheckState.VERIFIED
        if holds:
            resting.add(event.position)
    return resting


def _models(entry: Any) -> set[str]:
    subjects = entry.subjects
    return {subject.name for subject in subjects} | {f"{subject.scope}/{subject.name}" for subject in subjects}


def _act(recorded: Recorded) -> PersonAct:
    event = recorded.event
    via = event.data.get("via") or {}
    return PersonAct(
        position=event.position,
        at=event.occurred_at,
        act=event.type,
        subject=event.subject,
        row=entry_key(event),
        by=event.actor,
        reason=str(event.data.get("reason") or event.data.get("note") or ""),
        account=str(via.get("user") or via.get("identity", "")),
        host=str(via.get("host", "")),
        channel=str(via.get("channel", "")),
        seen_position=event.data.get("expect"),
        evidence=event.evidence,
        what=in_words(event),
    )


def _approval(recorded: Recorded) -> ApprovalRow:
    data = recorded.event.data
    pins = {Pin(**pin).key: pin["value"] for pin in data.get("pins", ())}
    if not pins and "meter" in data:
        pins = {"old": data["old"], "new": data["new"]}
    return ApprovalRow(
        act=_act(recorded),
        pins=pins,
        unpinned=tuple(data.get("unpinned", ())),
        callers=tuple(data.get("callers", ())),
        waived=tuple(data.get("waived", ())),
        losses=tuple(data.get("losses", ())),
        requested_by=str(data.get("requested_by", "")),
        request=data.get("request"),
    )


def _attestation(reader: Reader, recorded: Recorded, *, holds: bool) -> AttestationRow:
    data = recorded.event.data
    files = data.get("files") or data.get("evals", {}).get("files") or ()
    named = {str(file["evidence"]): str(file.get("format", "")) for file in files}
    if recorded.event.evidence:
        named.setdefault(recorded.event.evidence, "")
    until = data.get("until")
    return AttestationRow(
        act=_act(recorded),
        check=str(data.get("check", "evals")),
        url=str(data.get("url", "")),
        note=str(data.get("note", "")),
        until=datetime.fromisoformat(until) if until else None,
        files=tuple(_file(reader, evidence, format) for evidence, format in named.items()),
        holds=holds,
    )


def _file(reader: Reader, evidence: str, format: str) -> AttestedFile:
    body = reader.evidence(evidence)
    return AttestedFile(
        evidence=evidence,
        format=format,
        sha256="" if body is None else body.sha256,
        size=None if body is None else body.size,
    )
