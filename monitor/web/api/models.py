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


class ApprovalDocument(ApiDocument):
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
    approval: ApprovalDocument | None
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
