"""The vocabulary of the log as one table: of each event type its stream, what its data hold, and its words for people.

The names are constants of `events`; what an event does to an entry stands in `registry/transitions`, by the same names.
Every key of a payload is relied on by others (docs/events.md); a new one may be added, none is renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NotRequired, TypeAlias, TypedDict

from monitor.core import event_words
from monitor.core import events as ev
from monitor.core.events import Event
from monitor.core.facts import Value

Json: TypeAlias = dict[str, Any]


class Stream(StrEnum):
    """What the streams of the log are of: the part of a stream's name before the slash."""

    SOURCE = "source"
    ENTRY = "entry"
    NOTICE = "notice"
    CONFIG = "config"
    CLOCK = "clock"
    DAEMON = "daemon"
    GATE = "gate"
    TOKEN = "token"


# -- what the data hold --------------------------------------------------------


class BaselineData(TypedDict):
    """The first poll of a source."""

    subjects: int
    held: NotRequired[int]
    baseline: str
    extractor: str
    reason: NotRequired[str]


class RenameData(TypedDict):
    """A source that goes on under another key: what it was called, and the baseline that it goes on from."""

    was: str
    subjects: int
    baseline: str
    extractor: str


class FailureData(TypedDict):
    """A poll that could not be read."""

    reason: str
    detail: str
    incident: NotRequired[str]


class RecoveryData(TypedDict):
    """The end of an outage."""

    reason: str
    since: str | None


class AnomalyData(TypedDict):
    """What was held back of a poll."""

    reason: str
    detail: NotRequired[str]
    seen: NotRequired[int]
    known: NotRequired[int]
    missing: NotRequired[list[str]]
    missing_count: NotRequired[int]
    new: NotRequired[list[str]]
    new_count: NotRequired[int]
    facts: NotRequired[list[Any]]
    facts_count: NotRequired[int]
    meters: NotRequired[Any]
    limit: NotRequired[int]
    moved_count: NotRequired[int]
    concerns: NotRequired[list[Json]]
    until: NotRequired[str | None]
    incident: NotRequired[str]


class RefusedData(TypedDict):
    """Parts of an answer that were read and are no longer understood: the first of them, and the first few with it."""

    where: str
    reason: str
    parts: list[Json]
    count: int
    models: list[str]
    models_count: int
    concerns: NotRequired[list[Json]]


class StaleData(TypedDict):
    """A source without a good poll for too long."""

    reason: str
    last_good: str | None
    denied_at: NotRequired[str]
    denies: NotRequired[list[str]]
    unseen: NotRequired[list[str]]
    incident: NotRequired[str]


class ConfirmedData(TypedDict):
    """A change of a fact at one source, once enough polls showed it."""

    looks: NotRequired[int]
    last_with_old: NotRequired[str | None]
    baseline: NotRequired[str]
    extractor: NotRequired[str]


class ModelData(ConfirmedData):
    """A model of a surface, or of a provider."""

    surface: NotRequired[str | None]
    provider: NotRequired[str]


class FieldData(ModelData):
    """A field of a model or setting that moved."""

    field: str
    old: Value | None
    new: Value | None


class DriftData(FieldData):
    """A behaviour that moved: a fact, or the distribution of what many calls took, which a test compared."""

    test: NotRequired[str]
    p: NotRequired[str]
    unit: NotRequired[str]
    calls: NotRequired[int]
    compared: NotRequired[int]
    window_since: NotRequired[str]
    window_until: NotRequired[str]


class LifecycleData(ModelData):
    """The end of a model, endpoint or feature; the date is None where it is withdrawn. A day without its precision is
    firm.
    """

    date: str | None
    old: str | None
    precision: NotRequired[str]
    old_precision: NotRequired[str]
    kind: NotRequired[str]
    trust: NotRequired[str]
    note: NotRequired[str]
    corroborates: NotRequired[list[str]]
    notice_date: NotRequired[str]
    replacement: NotRequired[str]
    replacement_kind: NotRequired[str]
    status: NotRequired[str]


class PriceData(ConfirmedData):
    """A price: its identity and both amounts as decimal strings, None where there is none.

    `by`, `reason` and `via` are of whoever let it in.
    """

    provider: str
    tier: str
    context: str
    modality: str
    meter: str
    condition: NotRequired[str]
    unit: str
    currency: str
    old: str | None
    new: str | None
    trust: NotRequired[str]
    date: NotRequired[str]
    note: NotRequired[str]
    correction: NotRequired[bool]
    corroborates: NotRequired[list[str]]
    alias_from: NotRequired[str]
    alias_to: NotRequired[str]
    renamed_from: NotRequired[str]
    renamed_to: NotRequired[str]
    by: NotRequired[str]
    reason: NotRequired[str]
    via: NotRequired[Json]


class HoldData(PriceData):
    """A price that was held back (`old`) and is stated no more; `new` is the confirmed one, which stands."""

    model: str


class AccessData(TypedDict):
    """A registered model that is reached, or not any more: by which route first, and what each route says."""

    surface: str
    route: str
    signals: list[Json]
    note: NotRequired[str]


class DocumentData(ConfirmedData):
    """Paragraphs that came and went; `more` counts those that are not shown."""

    added: list[str]
    removed: list[str]
    more: int
    markers: NotRequired[Any]
    about: NotRequired[Json]


class EntryData(TypedDict):
    """What befell the row of an entry on one surface; versions before 0.3.0 named none."""

    surface: NotRequired[str]


class DeclarationData(EntryData):
    """An entry as it is declared (`entry_spec`); `changed` are the keys that differ from the declaration before.

    `carried` is the state that a row goes on from which stood under another key (`registry/row_state`), `was` the key
    that its entry had before.
    """

    declaration: Json
    versions: Json
    changed: NotRequired[list[str]]
    carried: NotRequired[Json]
    was: NotRequired[str]


class ReasonData(EntryData):
    """Nothing but why."""

    reason: str


class SightData(EntryData):
    """The model of an entry that came into a list or left it."""

    model_id: str
    since: NotRequired[str | None]
    looks: NotRequired[int | None]
    versions: NotRequired[Json]
    reason: NotRequired[str]
    asks: NotRequired[list[str]]


class ActData(TypedDict):
    """What a person did, and by which way."""

    by: str
    reason: str
    via: NotRequired[Json]


class RetirementData(EntryData, ActData):
    """`expect` is the position that the person had in view."""

    expect: NotRequired[int]
    versions: NotRequired[Json]


class AcceptanceData(RetirementData):
    """What a person accepted: pins, what is unpinned, who uses it in production, checks waived and routes lost."""

    pins: list[Json]
    unpinned: list[str]
    callers: list[str]
    waived: NotRequired[list[str]]
    losses: NotRequired[list[Any]]
    requested_by: NotRequired[str]
    request: NotRequired[int]
    act: NotRequired[str]


class WindowData(EntryData, ActData):
    """A maintenance window that ends; `window` is the position of the event that opened it."""

    window: int


OpeningData = TypedDict(
    "OpeningData",
    {
        "surface": NotRequired[str],
        "by": str,
        "reason": str,
        "via": Json,
        "from": str,
        "until": str,
        "changes": list[str],
        "pins": list[Any],
    },
)
"""A maintenance window: expected changes of these pins between two times."""


class PauseData(EntryData):
    """Why an entry is paused: the pin that weighs most, and every shift; `by` and `via` where a person paused it.

    `worse` is true of a pause that became worse than it was: an acknowledgement of it no longer counts.
    """

    causes: list[int]
    shifts: list[Json]
    reason: str
    pin: str
    old: Value | None
    new: Value | None
    since: NotRequired[str]
    looks: NotRequired[int | None]
    notes: NotRequired[list[str]]
    access_lost: NotRequired[list[str]]
    versions: NotRequired[Json]
    worse: NotRequired[bool]
    by: NotRequired[str]
    via: NotRequired[Json]
    expect: NotRequired[int]


class ReminderData(EntryData):
    """What owners were told ahead of its day."""

    key: str
    what: str
    date: str
    days: int
    text: str
    since: NotRequired[str | None]
    looks: NotRequired[int | None]
    owners: NotRequired[list[str]]
    escalated: NotRequired[list[str]]


class FallbackData(EntryData):
    """The fallback that is not allowed any more, or is again."""

    fallback: str
    reason: NotRequired[str]


class SilenceData(EntryData, ActData):
    """`until` is empty where a silence was ended."""

    until: str | None


class CheckData(EntryData):
    """A check that moved: who or what verified it, or why it does not hold any more."""

    check: str
    by: str
    url: str
    until: str | None
    note: NotRequired[str]
    reason: NotRequired[str]
    because: NotRequired[str]
    since: NotRequired[str | None]
    fallback: NotRequired[str]
    evals: NotRequired[Json]
    logging: NotRequired[Json]
    via: NotRequired[Json]


class EvalData(EntryData):
    """Results of evals that a person handed in: cells of the comparison, the files, and the results of other models."""

    by: str
    via: Json
    note: str
    url: str
    cells: list[Json]
    files: list[Json]
    ignored: Json


class DeliveryData(TypedDict):
    """What became of one delivery; no destination holds a secret. `link` is the digest of the token of the link by
    which the message can be acknowledged.
    """

    destination: str
    owner: str
    reference: str
    attempts: int
    error: NotRequired[str]
    link: NotRequired[str]


class AcknowledgementData(TypedDict):
    """Who took the pauses of these entries on."""

    by: str
    entries: list[str]
    note: str
    via: Json


class ConfigurationData(TypedDict):
    """A configuration that was loaded: the paths of the keys that differ, and all of it without secrets."""

    version: str
    code: str
    changed: list[str]
    document: Json
    denies: NotRequired[Json]


class ConfigurationAcceptanceData(ActData):
    """A configuration that a person accepted, with what it takes: entry → why."""

    version: str
    sha256: str
    changed: list[str]
    expect: int
    pauses: Json
    withdraws: Json
    denies: Json


ClockData = TypedDict("ClockData", {"by": int, "from": str, "to": str})
"""A clock that was set: by how many seconds, from when to when."""


class StartData(TypedDict):
    """A daemon that starts after none ran, or in another version than the last one: when that was seen to be alive, and
    the version of the program.
    """

    last_seen: str | None
    code: str


class UseData(TypedDict):
    """Who asked the gate, and how often."""

    environment: str
    caller: str
    status: str
    reason: str
    count: int
    day: NotRequired[str]
    surface: NotRequired[str]


class TokenData(TypedDict):
    """A token of the HTTP server that a person made, revoked, or made a link of; never the secret."""

    by: str
    via: Json
    scopes: NotRequired[list[str]]
    until: NotRequired[str | None]


# -- the table -----------------------------------------------------------------

Words: TypeAlias = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event.

    Attributes:
        name: As it stands in the log.
        stream: What its stream is of.
        data: What its data hold; a key that is not required is left out where it says nothing.
        words: What happened in one line, without the subject.
    """

    name: str
    stream: Stream
    data: type[Any]
    words: Words = event_words.plain


def _table(*types: EventType) -> Mapping[str, EventType]:
    return MappingProxyType({event_type.name: event_type for event_type in types})


def _of(stream: Stream, data: type[Any], *names: str, words: Words = event_words.plain) -> tuple[EventType, ...]:
    return tuple(EventType(name=name, stream=stream, data=data, words=words) for name in names)


CHECK_EVENTS = (ev.CHECK_VERIFIED, ev.CHECK_ATTESTED, ev.CHECK_STALE, ev.CHECK_FAILED)
"""What moves a check, and names it in its data."""

OUTAGE_EVENTS = (ev.SOURCE_FAILED, ev.SOURCE_STALE, ev.SOURCE_ANOMALY, ev.SOURCE_REFUSED)
"""What begins a time in which a source could not be seen, or not all of it."""

OUTAGE_ENDS = (ev.SOURCE_RECOVERED, ev.SOURCE_FAILED)
"""What ends the time that its cause began; a failure for another reason begins the next one."""

EVENT_TYPES: Mapping[str, EventType] = _table(
    *_of(Stream.SOURCE, BaselineData, ev.BASELINE_RECORDED, words=event_words.of_a_price),
    *_of(Stream.SOURCE, RenameData, ev.SOURCE_RENAMED),
    *_of(Stream.SOURCE, FailureData, ev.SOURCE_FAILED),
    *_of(Stream.SOURCE, RecoveryData, ev.SOURCE_RECOVERED),
    *_of(Stream.SOURCE, AnomalyData, ev.SOURCE_ANOMALY),
    *_of(Stream.SOURCE, StaleData, ev.SOURCE_STALE),
    *_of(Stream.SOURCE, HoldData, ev.SOURCE_HOLD_ENDED, words=event_words.of_a_hold),
    *_of(Stream.SOURCE, RefusedData, ev.SOURCE_REFUSED, words=event_words.of_a_refusal),
    *_of(Stream.SOURCE, ModelData, ev.MODEL_LISTED, ev.MODEL_UNLISTED),
    *_of(Stream.SOURCE, FieldData, ev.MODEL_CHANGED, ev.LIMIT_CHANGED, ev.SETTING_CHANGED, ev.INCIDENT_CHANGED),
    *_of(Stream.SOURCE, DriftData, ev.BEHAVIOUR_CHANGED),
    *_of(
        Stream.SOURCE,
        PriceData,
        ev.PRICE_LISTED,
        ev.PRICE_CHANGED,
        ev.PRICE_REMOVED,
        ev.PRICE_REPORTED,
        ev.PRICE_QUARANTINED,
        ev.PRICE_ANNOUNCED,
        words=event_words.of_a_price,
    ),
    *_of(Stream.SOURCE, AccessData, ev.ACCESS_GAINED, ev.ACCESS_LOST),
    *_of(Stream.SOURCE, DocumentData, ev.DOCUMENT_CHANGED),
    *_of(
        Stream.SOURCE,
        LifecycleData,
        ev.LIFECYCLE_ANNOUNCED,
        ev.LIFECYCLE_MOVED,
        ev.LIFECYCLE_WITHDRAWN,
        words=event_words.of_an_end,
    ),
    *_of(Stream.ENTRY, DeclarationData, ev.ENTRY_DECLARED, ev.ENTRY_RENAMED, ev.ENTRY_AMENDED),
    *_of(Stream.ENTRY, ReasonData, ev.ENTRY_WITHDRAWN),
    *_of(Stream.ENTRY, SightData, ev.ENTRY_VISIBLE, ev.ENTRY_HIDDEN),
    *_of(Stream.ENTRY, AcceptanceData, ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED, ev.ENTRY_APPROVAL_REQUESTED),
    *_of(Stream.ENTRY, PauseData, ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED),
    *_of(Stream.ENTRY, RetirementData, ev.ENTRY_RETIRED),
    *_of(Stream.ENTRY, ReminderData, ev.ENTRY_REMINDED),
    *_of(Stream.ENTRY, FallbackData, ev.ENTRY_FALLBACK_LOST, ev.ENTRY_FALLBACK_RESTORED),
    *_of(Stream.ENTRY, OpeningData, ev.ENTRY_WINDOW_OPENED),
    *_of(Stream.ENTRY, WindowData, ev.ENTRY_WINDOW_CLOSED),
    *_of(Stream.ENTRY, SilenceData, ev.ENTRY_SILENCED),
    *_of(Stream.ENTRY, CheckData, *CHECK_EVENTS),
    *_of(Stream.ENTRY, EvalData, ev.EVALS_RECORDED, words=event_words.of_evals),
    *_of(Stream.NOTICE, DeliveryData, ev.NOTICE_DELIVERED, ev.NOTICE_DEAD),
    *_of(Stream.NOTICE, AcknowledgementData, ev.NOTICE_ACKNOWLEDGED),
    *_of(Stream.CONFIG, ConfigurationData, ev.CONFIG_CHANGED),
    *_of(Stream.CONFIG, ConfigurationAcceptanceData, ev.CONFIG_ACCEPTED),
    *_of(Stream.CLOCK, ClockData, ev.CLOCK_STEPPED, words=event_words.of_the_clock),
    *_of(Stream.DAEMON, StartData, ev.DAEMON_STARTED, words=event_words.of_a_start),
    *_of(Stream.GATE, UseData, ev.GATE_DENIED, ev.GATE_FIRST_USED),
    *_of(Stream.TOKEN, TokenData, ev.TOKEN_CREATED, ev.TOKEN_REVOKED, ev.TOKEN_LINKED),
)
"""Name → event type: all that there are."""


def in_words(event: Event) -> str:
    """Say what happened, without the subject: `standard input: 1.00 → 0.20 USD per 1M tokens (−80 %)`."""
    event_type = EVENT_TYPES.get(event.type)  # a log that a later version wrote may hold others
    return (event_words.plain if event_type is None else event_type.words)(event.data)
