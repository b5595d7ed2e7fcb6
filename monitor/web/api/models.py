"""What the API answers, field by field. The answers are validated against these models, and the description is written
from them, so that neither can say what the other does not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Amount = Annotated[str, Field(description="A decimal number as text, so that no digit is lost.")]
Key = Annotated[str, Field(description="An entry's key, or `ENTRY@SURFACE` for its row on another surface.")]


class ApiDocument(BaseModel):
    """What all answers have in common: nothing stands in them that the description does not name."""

    model_config = ConfigDict(extra="forbid")


class ProductionDocument(ApiDocument):
    """What the gate answers production of an entry, when nobody in particular asks."""

    allowed: bool
    reason: str
    until: Time | None
    brief: str = Field(description="What denies an active entry, in two or three words; empty where nothing does.")
    callers: list[str] = Field(description="The callers that a running pause spares.")
    callers_until: Time | None


class RouteDocument(ApiDocument):
    """What one route to a model says of access."""

    state: str
    polls: int
    since: Time | None
    answer: str
    source: str
    pinned: bool


class AccessDocument(ApiDocument):
    """The verdict of access, route by route."""

    state: str
    routes: dict[str, RouteDocument]


class WindowDocument(ApiDocument):
    """A maintenance window, in which the changes named do not pause."""

    position: int
    from_: Time = Field(alias="from")
    until: Time
    changes: list[str]
    by: str
    reason: str
    open: bool


class PendingApprovalDocument(ApiDocument):
    """An acceptance that waits for a second person."""

    act: str
    by: str
    position: int
    expect: int


class CacheWriteDocument(ApiDocument):
    """What one kind of cache write costs."""

    amount: Amount
    multiple: Amount | None


class BandDocument(ApiDocument):
    """The text prices of one tier and context band, in USD per 1M tokens; null is a blank."""

    tier: str
    context: str
    input: Amount | None
    output: Amount | None
    cached_input: Amount | None
    cached_discount: Amount | None
    cache_writes: dict[str, CacheWriteDocument]


class AcknowledgementDocument(ApiDocument):
    """Who took something on."""

    by: str
    at: Time
    note: str


class SilenceDocument(ApiDocument):
    """An entry of which nothing but pauses is told for a while."""

    entry: str
    since: Time
    until: Time
    by: str
    reason: str
    position: int


class RegistryRowDocument(ApiDocument):
    """An entry on one surface."""

    key: Key
    name: str
    use: str
    surface: str
    model_id: str
    status: str
    since: Time
    position: int = Field(description="What `--expect` of activate and resume takes.")
    verified_at: Time | None
    owners: list[str]
    fallback: str
    reason: str
    approval: PendingApprovalDocument | None
    windows: list[WindowDocument]
    asks: list[str]
    waived: list[str]
    access: AccessDocument | None
    acknowledged: AcknowledgementDocument | None = Field(description="Who took the running pause on.")
    silence: SilenceDocument | None
    production: ProductionDocument | None = Field(description="Null of the past, whose answers are not in the log.")
    family: str | None
    release: str | None
    stage: str | None
    stages: dict[str, str]
    announcement: str | None
    price_model: str | None
    modes: list[str]
    prices: list[BandDocument]
    disputed: list[str]
    price_verified_at: Time | None
    price_urls: list[str]


class RegistryEntryDocument(RegistryRowDocument):
    """An entry; `surfaces` where it stands on several, each with its own status."""

    surfaces: dict[str, RegistryRowDocument] | None = None


class EventDocument(ApiDocument):
    """An event of the log."""

    position: int
    id: str
    type: str
    stream: str
    subject: str
    source: str
    occurred_at: Time
    recorded_at: Time
    actor: str
    cause: int | None
    evidence: str
    data: dict[str, Any]


class ChainStepDocument(EventDocument):
    """An event of a chain of causes."""

    depth: int


class WhyDocument(ApiDocument):
    """What brought an entry to its status: events, the nearest first."""

    key: Key
    status: str
    since: Time
    reason: str
    chain: list[ChainStepDocument]


class EventsDocument(ApiDocument):
    """A page of the log; `next` is the address of the page after it, null at the end."""

    events: list[EventDocument]
    next: str | None


class CheckDocument(ApiDocument):
    """A readiness check; null is blank."""

    check: str
    about: str
    required: bool
    required_in: list[str]
    asked: bool
    waived: bool
    required_for: list[str]
    state: str
    verified_at: Time | None
    until: Time | None
    by: str | None
    url: str | None
    note: str | None
    evidence: str | None
    position: int | None


class PriceDocument(ApiDocument):
    """A confirmed price: who states it, since when, and how it stands to the official one."""

    provider: str
    model: str
    tier: str
    context: str
    modality: str
    meter: str
    unit: str
    currency: str
    amount: Amount
    source: str
    trust: str
    url: str
    since: Time | None
    verified_at: Time | None
    position: int | None
    evidence: str | None
    condition: str | None = Field(description="The region or hours for which it is stated; null without one.")
    agreement: str
    official: Amount | None
    of_official: Amount | None
    stale: bool
    stale_because: str | None


class PendingDocument(ApiDocument):
    """A difference of a source that is not confirmed yet."""

    subject: str
    what: str
    polls: int
    since: Time
    until: Time | None
    held: bool
    position: int | None
    release: bool


class RefusalDocument(ApiDocument):
    """A part of a source that was not understood."""

    where: str
    reason: str


class SourceDocument(ApiDocument):
    """How a source stands; `every` is in seconds."""

    key: str
    kind: str
    trust: str
    url: str
    state: Literal["down", "stale", "held", "unpolled", "ok"]
    since: Time | None
    good_at: Time | None
    polled_at: Time | None
    fresh_until: Time | None
    every: float
    error: str
    error_at: Time | None
    subjects: int
    pending: list[PendingDocument]
    held: list[PendingDocument]
    anomaly: str
    position: int | None
    refused: list[RefusalDocument] | None = Field(description="Null where it was not asked for: ask for one source.")
    node: str | None = Field(description="The node that polled it last; null where there is one daemon.")


class NodeDocument(ApiDocument):
    """How a node stands, where several share the work."""

    name: str
    role: str
    state: Literal["silent", "ticking", "working"]
    version: str
    started_at: Time
    heartbeat_at: Time
    sources: int = Field(description="How many sources it polled last.")
    polls: int = Field(description="How many polls it made since it joined.")
    problems: int = Field(description="How many of its jobs overran or raised.")
    clock_off: int = Field(description="Seconds that its clock is ahead of the server's.")
    differs: list[Literal["version", "configuration"]] = Field(
        description="What it has otherwise than the node that ticks."
    )


class StepDocument(ApiDocument):
    """The act that comes next: its name, and fields of it besides a reason."""

    act: str
    fields: dict[str, str | bool | int]


class AlertDocument(ApiDocument):
    """An open matter, and what to type next."""

    kind: str
    subject: str
    since: Time | None
    what: str
    command: str
    until: Time | None
    production: str
    acknowledged: AcknowledgementDocument | None
    position: int | None
    step: StepDocument | None = Field(description="The same as an act; null where it is to read, or to poll.")


class MessageDocument(ApiDocument):
    """A message as it went out."""

    destination: str
    at: Time
    form: str
    title: str
    body: str


class DeliveryDocument(ApiDocument):
    """What became of a notice at one destination."""

    id: int
    destination: str
    state: str
    attempts: int
    error: str


class NoticeDocument(ApiDocument):
    """What somebody was told."""

    id: str
    owner: str
    at: Time
    reason: str
    subjects: list[str]
    title: str
    text: str
    messages: list[MessageDocument]
    deliveries: list[DeliveryDocument]


class PersonActDocument(ApiDocument):
    """What a person did, from where, and which position of the log they had in view."""

    position: int
    at: Time
    act: str = Field(description="The type of the event.")
    subject: str
    row: Key | None
    by: str
    reason: str | None
    account: str | None = Field(description="Of the operating system, or signed in.")
    host: str | None
    channel: str | None
    seen_position: int | None
    evidence: str | None
    what: str


class ApprovalDocument(PersonActDocument):
    """An acceptance, with what was accepted."""

    pins: dict[str, Any]
    unpinned: list[str]
    callers: list[str]
    waived: list[str]
    losses: list[Any]
    requested_by: str | None
    request: int | None


class AttestedFileDocument(ApiDocument):
    """A file: the hash of its bytes as they are kept (`evidence`) and as they were handed in."""

    evidence: str
    format: str | None
    sha256: str | None
    size: int | None


class AttestationDocument(PersonActDocument):
    """An attestation of a check, and the files that it rests on."""

    check: str
    url: str | None
    note: str | None
    until: Time | None
    files: list[AttestedFileDocument]
    holds: bool = Field(description="Whether the check still rests on it.")


class PauseDocument(ApiDocument):
    """A pause, how long it lasted or has lasted, and who ended it."""

    position: int
    entry: str
    row: Key
    surface: str | None
    began_at: Time
    ended_at: Time | None
    seconds: int
    began_by: str
    ended_by: str | None
    ended: str | None = Field(description="The type of the event that ended it.")
    ended_position: int | None
    ended_reason: str | None
    reason: str
    pin: str | None
    old: Any
    new: Any
    causes: list[int]
    extended: list[int]


class OutageDocument(ApiDocument):
    """A time in which a source, or the monitor itself, could not see."""

    kind: Literal["down", "stale", "held", "refused", "stopped", "clock"]
    subject: str = Field(description="The source; `daemon` or `clock` for the monitor itself.")
    began_at: Time
    ended_at: Time | None = Field(description="Null while it lasts, and where the log does not say that it ended.")
    seconds: int
    what: str
    last_good_at: Time | None
    position: int | None
    ended_position: int | None
    evidence: str | None


class ConfigurationAcceptanceDocument(ApiDocument):
    """Who accepted a configuration."""

    position: int
    at: Time
    by: str
    reason: str


class ProvenanceDocument(ApiDocument):
    """Which configuration and which version of the program decided an event."""

    position: int
    type: str
    subject: str
    actor: str
    recorded_at: Time
    code: str | None
    configuration: str | None
    extractor: str | None
    stated: bool = Field(description="Whether the event itself names both; else they were recorded last before it.")
    sha256: str | None
    loaded: int | None
    loaded_at: Time | None
    changed: list[str]
    accepted: ConfigurationAcceptanceDocument | None
    document: dict[str, Any] = Field(description="The configuration without secrets.")


class GateDocument(ApiDocument):
    """What the gate answers a caller, or answered at a time (`at` and below)."""

    key: str
    allowed: bool
    status: str
    reason: str
    fallback: str
    position: int
    expires_at: Time | None
    at: Time | None = None
    judged_as: str | None = Field(None, description="The environment whose lease document it is.")
    document: str | None = Field(None, description="The hash of the lease document that said so.")
    written_at: Time | None = None
    log_position: int | None = None
    stopped_since: Time | None = Field(None, description="Since when no daemon ran then.")


class DenialDocument(ApiDocument):
    """What a caller was denied on a day, and how often."""

    position: int
    day: str | None
    first_at: Time
    subject: str
    surface: str | None
    environment: str
    caller: str
    count: int
    status: str
    reason: str
    cause: int | None


class EvidenceDocument(ApiDocument):
    """Bytes that a source sent, as they are kept: redacted, else untouched."""

    hash: str
    sha256: str = Field(description="Of the bytes as they were received.")
    size: int
    content_type: str
    url: str
    text: str | None = Field(description="Null where they are no text; `/evidence/HASH` gives the bytes.")


class CoverageDocument(ApiDocument):
    """What watches a pin or a check."""

    entry: str
    kind: str
    name: str
    state: str
    sources: list[str]
    read_at: Time | None
    until: Time | None


class EndDocument(ApiDocument):
    """An announced end of a model, an endpoint or a feature, which `model` names."""

    provider: str
    model: str
    kind: Literal["model", "endpoint", "feature"]
    date: Annotated[str, Field(json_schema_extra={"format": "date"})]
    precision: Literal["firm", "earliest", "after"]
    days: int | None = Field(description="Null where the date is not firm: nothing is counted down to it.")
    replacement: str | None
    replacement_kind: Literal["drop_in", "options", "note"] | None
    status: str | None
    notice_date: str | None
    listed: bool | None
    agrees: bool
    entries: list[str]
    fallback_of: list[str]
    source: str
    trust: str
    verified_at: Time | None


class DifferenceDocument(ApiDocument):
    """What differs in the registry between two times."""

    entry: str
    what: str
    old: str | None
    new: str | None
    position: int


class ProblemDocument(ApiDocument):
    """Why there is no answer, in one sentence (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    title: str
    status: int
    detail: str
