"""The registry: the status of an entry, the one table of its transitions, and the fold that makes an entry of its events.

Rule 1: everything that changes an entry stands in this file. An entry is nothing but `apply` over the log, so the stored
projection and `replay` cannot differ; a decision that wants to change an entry writes an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from monitor.domain import events as ev
from monitor.domain import price
from monitor.domain.events import Event, Ledger
from monitor.domain.model import Subject, Value
from monitor.domain.windows import Window


class Status(StrEnum):
    """What the registry says of an entry."""

    WAITING = "waiting"
    EVALUATING = "evaluating"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


class CheckState(StrEnum):
    """A check is blank until someone or something verified it; a blank is shown as a blank."""

    BLANK = "blank"
    VERIFIED = "verified"
    STALE = "stale"
    FAILED = "failed"


FALLBACK_ENDS = "fallback_ends"
"""What an `entry.reminded` is about where the fallback of the entry is about to end."""


TRANSITIONS: Mapping[str, Mapping[Status, Status]] = {
    ev.ENTRY_VISIBLE: {Status.WAITING: Status.EVALUATING},
    ev.ENTRY_HIDDEN: {Status.EVALUATING: Status.WAITING},
    ev.ENTRY_ACTIVATED: {Status.EVALUATING: Status.ACTIVE},
    ev.ENTRY_PAUSED: {Status.ACTIVE: Status.PAUSED},
    ev.ENTRY_PAUSE_EXTENDED: {Status.PAUSED: Status.PAUSED},
    ev.ENTRY_RESUMED: {Status.PAUSED: Status.ACTIVE},
    ev.ENTRY_RETIRED: {
        Status.WAITING: Status.RETIRED,
        Status.EVALUATING: Status.RETIRED,
        Status.ACTIVE: Status.RETIRED,
        Status.PAUSED: Status.RETIRED,
    },
    ev.ENTRY_WITHDRAWN: {
        Status.WAITING: Status.WITHDRAWN,
        Status.EVALUATING: Status.WITHDRAWN,
        Status.ACTIVE: Status.WITHDRAWN,
        Status.PAUSED: Status.WITHDRAWN,
    },
}
"""Event type → status before → status after. What is not in here cannot happen."""


class IllegalTransition(Exception):
    """An event that the table does not allow: a defect, or a log that somebody wrote into."""

    def __init__(self, event: Event, status: Status) -> None:
        super().__init__(
            f"{event.type} at position {event.position} cannot follow on status {status} of {event.subject}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An assumption: the value of one fact when a person accepted it.

    `scope` is a surface, a provider, or `config` for our own side (base URL, project, model id, price id, source of a pin); `source/KEY`
    for a price as that page states it where the account's own costs state it, too.
    """

    scope: str
    name: str
    field: str
    value: Value

    @property
    def key(self) -> str:
        """How the pin is written in events and messages."""
        return f"{self.scope}/{self.name}/{self.field}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An item of the readiness checklist. `position` is the event that last moved it; `until` when it goes stale, where a date is set."""

    state: CheckState = CheckState.BLANK
    verified_at: datetime | None = None
    position: int | None = None
    by: str = ""
    url: str = ""
    note: str = ""
    evidence: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An acceptance that one person asked for: the event type it would be, who asked, the event that did, and what the entry's position was."""

    act: str
    by: str
    position: int
    expect: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A registry row, folded from the log.

    `declared` is the declaration as recorded (the fields of `EntrySpec`). `position` is the last event that could change a mind
    about the entry: what `--expect` is held against. `since` and `status_position` belong to the status. `deviations` maps the key of each pin that no longer
    holds to the value that is believed instead (None: gone). `pause` is the event of the running pause, `reminded` what was said ahead
    of its day (`agenda`), `acknowledged` the pause that somebody took on, `fallback_lost` the event by which its owners were told that no
    fallback is allowed any more, while none is. `waived` are the checks that the last acceptance went on without and that
    were not verified since. `observed` is the usage of a month as a sample of requests showed it, meter → tokens.
    """

    key: str
    status: Status
    since: datetime
    position: int
    status_position: int
    declared: Mapping[str, object]
    pins: tuple[Pin, ...] = ()
    unpinned: tuple[str, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    deviations: Mapping[str, Value | None] = field(default_factory=dict)
    pause: int | None = None
    reason: str = ""
    by: str = ""
    callers: tuple[str, ...] = ()
    reminded: tuple[str, ...] = ()
    approval: Approval | None = None
    windows: tuple[Window, ...] = ()
    observed: Mapping[str, int] = field(default_factory=dict)
    acknowledged: int | None = None
    waived: tuple[str, ...] = ()
    fallback_lost: int | None = None
    silenced_until: datetime | None = None

    @property
    def surfaces(self) -> Mapping[str, str]:
        """Surface key → exact model id (empty: not known yet), first the one the gate speaks for."""
        return dict(cast("Iterable[tuple[str, str]]", self.declared["surfaces"]))

    @property
    def surface(self) -> str:
        """The surface that the gate speaks for."""
        return next(iter(self.surfaces))

    @property
    def model_id(self) -> str:
        """The exact id there; empty while it is not known."""
        return self.surfaces[self.surface]

    @property
    def price_subject(self) -> Subject:
        """Whose price it goes by: the mapping from a model id is declared, never guessed."""
        return Subject(self.text("provider"), self.text("price_model") or self.model_id)

    @property
    def subjects(self) -> frozenset[Subject]:
        """Everything that facts may be about and concern this entry."""
        listed = {Subject(surface, model_id) for surface, model_id in self.surfaces.items() if model_id}
        provider = self.price_subject.scope
        named = {Subject(provider, model_id) for model_id in self.surfaces.values() if model_id}
        return frozenset(listed | named | ({self.price_subject} if self.price_subject.name else set()))

    @property
    def ours(self) -> Mapping[str, str]:
        """What of our own side the entry stands on: the key of a `config` pin → its declared value."""
        return cast("Mapping[str, str]", self.declared["ours"])

    @property
    def usage(self) -> Mapping[str, int]:
        """What production uses in a month, meter → tokens; empty where nobody said."""
        return cast("Mapping[str, int]", self.declared.get("usage", {}))

    @property
    def approvers(self) -> int:
        """How many people an acceptance takes."""
        return cast(int, self.declared.get("approvers", 1))

    @property
    def asked(self) -> Approval | None:
        """The acceptance that waits for a second person; what could change a mind ends it."""
        return self.approval if self.approval is not None and self.approval.expect == self.position else None

    @property
    def checks_in(self) -> Mapping[str, tuple[str, ...]]:
        """The checks that environments other than production require, as far as somebody said."""
        declared = cast("Mapping[str, Iterable[str]]", self.declared.get("checks_in", {}))
        return {environment: tuple(names) for environment, names in declared.items()}

    def check_age(self, name: str) -> timedelta | None:
        """How long a check of this entry may hold, None where nobody said."""
        seconds = cast("Mapping[str, int]", self.declared.get("check_age", {})).get(name)
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def price_shift(self) -> bool:
        """Whether the running pause is due to nothing but prices that moved."""
        return not self.by and bool(self.deviations) and all(is_price(key) for key in self.deviations)

    @property
    def touches(self) -> tuple[str, ...]:
        """The kinds of use that ask for a safety review."""
        return tuple(cast("Iterable[str]", self.declared.get("touches", ())))

    @property
    def uses(self) -> tuple[str, ...]:
        """The endpoints that it calls, as declared (`v1/responses`); empty where nobody said."""
        return tuple(cast("Iterable[str]", self.declared.get("uses", ())))

    @property
    def ignored(self) -> tuple[str, ...]:
        """The routes and account settings that are not pinned."""
        return tuple(cast("Iterable[str]", self.declared.get("ignore", ())))

    @property
    def alive(self) -> bool:
        """Whether the entry is still judged."""
        return self.status not in (Status.RETIRED, Status.WITHDRAWN)

    def text(self, name: str) -> str:
        """A declared text."""
        return cast(str, self.declared[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """A declared list of texts."""
        return tuple(cast("Iterable[str]", self.declared[name]))

    def seconds(self, name: str) -> timedelta | None:
        """A declared duration, None where none is declared."""
        value = self.declared[name]
        return None if value is None else timedelta(seconds=cast(int, value))


def is_price(pin_key: str) -> bool:
    """Whether a pin of this key is one of a price."""
    return not pin_key.startswith("config/") and pin_key.rpartition("/")[2].startswith(price.PREFIX)


def apply(entry: Entry | None, event: Event) -> Entry:
    """The entry after one of its own events.

    Raises:
        IllegalTransition: the table does not allow the event.
    """
    if event.type == ev.ENTRY_DECLARED:
        if entry is not None and entry.status is not Status.WITHDRAWN:
            raise IllegalTransition(event, entry.status)
        return Entry(
            key=event.subject,
            status=Status.WAITING,
            since=event.occurred_at,
            position=event.position,
            status_position=event.position,
            declared=event.data["declaration"],
        )
    if entry is None:
        raise IllegalTransition(event, Status.WITHDRAWN)
    if event.type == ev.ENTRY_REMINDED:  # tells what was told already, so it can change no mind
        entry = replace(entry, reminded=(*entry.reminded, event.data["key"]))
        # Who took a pause on relied on what stands in for it.
        return replace(entry, acknowledged=None) if event.data["what"] == FALLBACK_ENDS else entry
    if event.type == ev.ENTRY_FALLBACK_LOST:
        return replace(entry, fallback_lost=event.position, acknowledged=None)
    if event.type == ev.ENTRY_FALLBACK_RESTORED:
        return replace(entry, fallback_lost=None)
    if event.type == ev.ENTRY_APPROVAL_REQUESTED:
        said = event.data
        asked = Approval(act=said["act"], by=said["by"], position=event.position, expect=said["expect"])
        return replace(entry, approval=asked)
    if event.type == ev.NOTICE_ACKNOWLEDGED:
        return replace(entry, acknowledged=entry.pause)
    if event.type == ev.ENTRY_SILENCED:
        until = event.data["until"]
        return replace(entry, silenced_until=datetime.fromisoformat(until) if until else None)
    if event.type.startswith("check."):
        entry = replace(entry, checks={**entry.checks, event.data["check"]: _check(entry, event)})
        if entry.checks[event.data["check"]].state is CheckState.VERIFIED:
            entry = replace(entry, waived=tuple(name for name in entry.waived if name != event.data["check"]))
        if seen := event.data.get("logging", {}).get("usage"):
            entry = replace(entry, observed=dict(seen))
        # A check that was verified confirms what a person saw; only one that was lost can change a mind. How the fallback stands is asked of
        # the gate again when it matters.
        confirms = event.type in (ev.CHECK_VERIFIED, ev.CHECK_ATTESTED) or "fallback" in event.data
        return entry if confirms else replace(entry, position=event.position)
    entry = replace(entry, position=event.position)
    if event.type == ev.ENTRY_AMENDED:
        after = replace(entry, declared=event.data["declaration"])
        return after if after.text("fallback") == entry.text("fallback") else replace(after, fallback_lost=None)
    if event.type == ev.ENTRY_WINDOW_OPENED:
        return replace(entry, windows=(*entry.windows, _window(event)))
    if event.type == ev.ENTRY_WINDOW_CLOSED:
        return replace(entry, windows=tuple(one for one in entry.windows if one.position != event.data["window"]))
    return _moved(entry, event)


def _window(event: Event) -> Window:
    data = event.data
    return Window(
        position=event.position,
        start=datetime.fromisoformat(data["from"]),
        end=datetime.fromisoformat(data["until"]),
        changes=tuple(data["changes"]),
        by=data["by"],
        reason=data["reason"],
    )


def _moved(entry: Entry, event: Event) -> Entry:
    after = TRANSITIONS.get(event.type, {}).get(entry.status)
    if after is None:
        raise IllegalTransition(event, entry.status)
    if after is not entry.status:
        entry = replace(entry, status=after, since=event.occurred_at, status_position=event.position)
    data = event.data
    by = entry.by if event.type == ev.ENTRY_PAUSE_EXTENDED else ""  # the pause stays that of the person who ordered it
    entry = replace(entry, reason=data.get("reason", ""), by=data.get("by", by))
    if event.type in (ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED):
        return replace(
            entry,
            pins=tuple(Pin(**pin) for pin in data["pins"]),
            unpinned=tuple(data["unpinned"]),
            callers=tuple(data["callers"]),
            waived=tuple(data.get("waived", ())),
            deviations={},
            pause=None,
            approval=None,
        )
    if event.type in (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED):
        moved = {shift["pin"]: shift["new"] for shift in data["shifts"]}
        return replace(entry, deviations={**entry.deviations, **moved}, pause=entry.pause or event.position, waived=())
    return entry


def _check(entry: Entry, event: Event) -> Check:
    before = entry.checks.get(event.data["check"], Check())
    if event.type in (ev.CHECK_STALE, ev.CHECK_FAILED):
        state = CheckState.STALE if event.type == ev.CHECK_STALE else CheckState.FAILED
        return replace(before, state=state, position=event.position, note=event.data.get("reason", ""))
    until = event.data.get("until")
    return Check(
        state=CheckState.VERIFIED,
        verified_at=event.occurred_at,
        position=event.position,
        by=event.data.get("by", ""),
        url=event.data.get("url", ""),
        note=event.data.get("note", ""),
        evidence=event.evidence,
        until=datetime.fromisoformat(until) if until else None,
    )


def concerns(entry: Entry, event: Event) -> bool:
    """Whether a fact of the log is about what the entry stands on, so that an `--expect` from before it is out of date."""
    scope = event.data.get("surface") or event.data.get("provider")
    return entry.alive and scope is not None and Subject(scope, event.subject) in entry.subjects


def fold(entries: Mapping[str, Entry], event: Event) -> dict[str, Entry]:
    """The entries that an event changes, as they are after it."""
    if event.stream == ev.entry_stream(event.subject):
        return {event.subject: apply(entries.get(event.subject), event)}
    if event.type == ev.NOTICE_ACKNOWLEDGED:
        return {key: apply(entries[key], event) for key in event.data["entries"] if key in entries}
    return {key: replace(entry, position=event.position) for key, entry in entries.items() if concerns(entry, event)}


def replay(log: Iterable[Event]) -> dict[str, Entry]:
    """The registry as the log tells it."""
    entries: dict[str, Entry] = {}
    for event in log:
        entries.update(fold(entries, event))
    return entries


class Register(Ledger):
    """A ledger that keeps the registry at the state of the last written event, so that a decision sees its own effects."""

    def __init__(self, head: int, entries: Mapping[str, Entry]) -> None:
        super().__init__(head)
        self.entries = dict(entries)
        self._before = dict(entries)

    def write(self, event: Event) -> int:
        """Write one event and fold it into the registry."""
        position = super().write(event)
        self.entries.update(fold(self.entries, event))
        return position

    @property
    def moved(self) -> tuple[Entry, ...]:
        """The entries that are not as they were."""
        return tuple(entry for key, entry in self.entries.items() if entry is not self._before.get(key))
