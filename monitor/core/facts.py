"""The words of polling: subjects, facts, snapshots and failed polls. No rule of judgement lives here.

A failure is not a snapshot: `diff` takes two sets of facts, so "the page was down" has no way to become
"every model vanished". A poll has three possible values for each fact: stated, stated to be absent, and not spoken of
(`Snapshot.silent`, `Snapshot.unclear`); the third never moves anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int | bool
"""What a fact may hold. Amounts are decimal strings, dates RFC 3339, nested values canonical JSON; never a float."""


class Subject(NamedTuple):
    """Whom a fact is about.

    `scope` is the key of the surface for what a models list, a probe or an admin setting says, the provider for prices
    and announced ends, the source's own key for documents and status pages. The same name at two scopes is two
    subjects: resellers carry hundreds of names at other prices.
    """

    scope: str
    name: str


class Fact(NamedTuple):
    """The address of one fact: one field of one subject."""

    subject: Subject
    field: str


Facts: TypeAlias = Mapping[Subject, Mapping[str, Value]]
"""All facts of one source at one time."""

LISTED = "listed"
"""The field that says a model stands in a models list."""

SHUTDOWN_DATE = "shutdown_date"
"""The field of a model's announced end, whatever its provider calls it; `YYYY-MM-DD`."""

ACCESS = "access."
"""`access.<route>`: how a route answered for a model; `GRANTED`, or the meaning of its refusal (`domain/taxonomy`)."""

GRANTED = "granted"

REJECTED = "parameter_rejected"
"""The meaning of a call that was refused for its own parameters."""

CONTRACT = "contract"
"""The route whose calls are made to be refused: which parameters a model takes."""

BEHAVIOUR = "behaviour."
"""`behaviour.<route>.<what>`: what a route did with a call that it took."""

LIMIT = "limit."
"""`limit.<what>`: a rate limit of a model, a whole number."""

SETTING = "setting."
"""`setting.<what>`: how the account or project is set; the subject is the setting, its scope the surface."""

PARAGRAPH = "paragraph."
"""`paragraph.<digest>`: one paragraph of a document, or one remark of a page that bears prices in prose."""

WATCHED = "watch."
"""`watch.<marker>`: whether a document holds a text that somebody watches for."""

REPLACEMENT = "replacement"
"""The field that names the model to move to, in its provider's words."""

DEPRECATION = "deprecation."
"""`deprecation.<what>`: what a deprecations page says of a model beside its end and replacement; `listed` where a row
of it names the model.
"""

ANNOUNCED = "announced."
"""`announced.<field>@<date>`: a value that a source states for a later day. It is told and reminded of, never applied
by itself.
"""

ALIAS_TARGET = "alias.target"
"""The id that an alias points to, as its source spells it; empty where it is called an alias and no more is said."""

STAGE = "stage"
"""The field that says how far a model is released, `PREVIEW` or `GENERAL`: what its own page states of it, and of our
own side what a person states in the entry.
"""

PREVIEW = "preview"

GENERAL = "general"

INCIDENT = "incident."
"""`incident.<id>`: an open incident of a component of a provider's status page, in its own words."""


ENDPOINT = "endpoint."
"""`endpoint.<path>`: whether the page of a model says that the endpoint serves it, `SUPPORTED` or `NOT_SUPPORTED`."""

SUPPORTED = "supported"

NOT_SUPPORTED = "not supported"

_REFUSAL = ".refusal"
_MODEL = ".model"


def refusal(route: str) -> str:
    """Name the field that says how a route was refused, in the provider's words: `404 model_not_found`."""
    return f"{BEHAVIOUR}{route}{_REFUSAL}"


def is_refusal(field: str) -> bool:
    """Say whether a field tells how a route was refused."""
    return field.startswith(BEHAVIOUR) and field.endswith(_REFUSAL)


def answering(route: str) -> str:
    """Name the field that says which model a route's answer names."""
    return f"{BEHAVIOUR}{route}{_MODEL}"


def is_answering(field: str) -> bool:
    """Say whether a field tells which model answered."""
    return field.startswith(BEHAVIOUR) and field.endswith(_MODEL)


def answered_route(field: str) -> str:
    """Return the route whose answers a field of `answering` is about."""
    return field.removeprefix(BEHAVIOUR).removesuffix(_MODEL)


def is_fingerprint(field: str) -> bool:
    """Say whether a field tells the build behind an answer, which informs and is worth no poll of its own: a fleet
    that is rolled out answers with several of them for weeks.
    """
    return field.startswith(BEHAVIOUR) and field.endswith(".fingerprint")


class FailureReason(StrEnum):
    """Why a poll failed. None of them says anything about a model, a price or access."""

    UNAUTHORIZED = "unauthorized"  # 401: about us, not about a model
    FORBIDDEN = "forbidden"  # 403 on the whole answer
    NOT_FOUND = "not_found"  # 404 on the whole answer
    RATE_LIMITED = "rate_limited"  # 429
    HTTP_ERROR = "http_error"  # any other 4xx
    SERVER_ERROR = "server_error"  # 5xx
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # DNS, connection refused or reset
    TLS = "tls"
    REDIRECTED = "redirected"  # to another host or to another document
    BLOCKED_ADDRESS = "blocked_address"  # resolves to a private address that nobody allowed
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"  # fewer bytes than announced, broken compression, a list that goes on
    NOT_JSON = "not_json"  # HTML or broken JSON where JSON was due
    INVALID_SHAPE = "invalid_shape"  # JSON, but not of the shape this source has
    UNREADABLE = "unreadable"  # a page without a table that the extractor recognises
    NO_CREDENTIAL = "no_credential"  # the referenced secret is not there
    MISCONFIGURED = "misconfigured"  # no source can be built from what the configuration says
    PROBE_REJECTED = "probe_rejected"  # the call was refused for its own parameters, which says nothing about access
    OVER_BUDGET = "over_budget"  # the call could cost more than the budget of its surface has left today


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The bytes of an answer, kept as evidence.

    `sha256` is of the bytes as received and decides "unchanged"; `content` is the redacted form that is stored and that
    facts are read from. `etag` and `last_modified` are sent back on the next poll.
    """

    content: bytes
    sha256: str
    size: int
    content_type: str = ""
    url: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one call to a model took. Kept beside the log for a while, never in it; nothing is paused on it.

    `outcome` is the meaning of the answer (`domain/taxonomy`), `latency` and `first_token` are wall time in
    milliseconds, `retries` is what the client sent again, tokens are as the provider counted them and `cost` is a
    decimal string in USD, priced from the monitor's own facts; None is what the answer did not say.
    """

    source: str
    surface: str
    model: str
    route: str
    at: datetime
    outcome: str
    latency: int
    first_token: int | None = None
    retries: int = 0
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost: str | None = None
    request: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is not what was hoped for: a call of the contract is made to be refused."""
        return self.outcome not in ((GRANTED, REJECTED) if self.route == CONTRACT else (GRANTED,))


ITEMS = 100_000
"""How many subjects a source may have; an answer with more is never taken."""

ANYTHING = "*"
"""What a refused part may speak of where that cannot be told: of every subject."""


class Refusal(NamedTuple):
    """A part of an answer that was not understood: where it stands, and why it was refused.

    `about` are the names that stand in it, or `ANYTHING`: of these subjects the answer may say more than was read.
    """

    where: str
    reason: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one source said at one time.

    `at` is when the request began. `silent` are fields the whole answer does not speak of (a list without shutdown
    dates); `unclear` are single facts it states in two ways. `valid_until` is when the same bytes would yield other
    facts (a dated price takes effect). A `partial` answer speaks of what happened and of nothing else: what it does not
    name (a model that nobody was billed for this week) is neither gone nor seen. An `announcing` one takes back nothing
    of a subject that it does not name any more.
    """

    source: str
    at: datetime
    facts: Facts
    extractor: str
    body: Body
    silent: frozenset[str] = frozenset()
    unclear: frozenset[Fact] = frozenset()
    valid_until: datetime | None = None
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    measured: tuple[Measurement, ...] = ()
    partial: bool = False
    announcing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The same bytes as at the last accepted poll (a 304, or an equal hash), so the same facts."""

    source: str
    at: datetime
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """A poll that yielded nothing. `detail` is one redacted line for an operator; `retry_after` is in seconds.

    A `swollen` answer was read far enough to know that it has more items than a source may have. `refusal` is how a
    call was refused for no reason that is understood (`412 PRECONDITION_FAILED`); empty for any other failure.
    """

    source: str
    at: datetime
    reason: FailureReason
    detail: str
    retry_after: float | None = None
    swollen: bool = False
    refusal: str = ""
    body: Body | None = None
    measured: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDue:
    """A poll that asked nothing, since what it would ask about is not there yet: no observation and no failure, of
    which nothing is recorded. `until` is when it is due; None where that is not known.
    """

    source: str
    until: datetime | None = None


Observation: TypeAlias = Snapshot | Unchanged | PollFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRecording:
    """One recorded poll: the body as received, or why there is none."""

    at: datetime
    body: Body | None = None
    failure: FailureReason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the next poll may rely on: the last accepted body of a source, for conditional requests and hashes."""

    sha256: str
    etag: str = ""
    last_modified: str = ""
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is kept of a source between polls; one row, rewritten.

    `baseline` is the hash of the facts that are confirmed, `evidence` names the stored body of a poll that showed just
    them. `good_at` is the last good poll that renews freshness; `accepted_at` the start of the last accepted one, held
    or not. `attention` asks that the next poll be judged even if its body did not change (a streak runs, an entry waits
    for a verification).
    """

    key: str
    extractor: str = ""
    baseline: str = ""
    evidence: str = ""
    subjects: int = 0
    body_sha256: str = ""
    body_size: int = 0
    etag: str = ""
    last_modified: str = ""
    valid_until: datetime | None = None
    accepted_at: datetime | None = None
    good_at: datetime | None = None
    looked_at: datetime | None = None
    outage: str = ""
    outage_since: datetime | None = None
    outage_position: int | None = None
    anomaly: str = ""
    anomaly_since: datetime | None = None
    anomaly_position: int | None = None
    stale_position: int | None = None
    heartbeat_at: datetime | None = None
    attention: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """A difference that is not confirmed yet: how often, since when and until when it was seen.

    `value` is None for an absence. One that was first missed in a held poll has to last until `held_until`, whatever
    later polls miss; `anomaly` is the position of the event that said so, also for what first appeared in that poll.
    With `seen` 0 nothing is suspected: the source stopped stating the confirmed `value` clearly, so that its freshness
    is no longer renewed. `before` is the start of the last poll that still showed the old value. `counted_at` is the
    last poll that counted (polls closer together than the gap count as one). `quarantine` is the position of the event
    that held the value back.
    """

    source: str
    fact: Fact
    value: Value | None
    seen: int
    first_at: datetime
    counted_at: datetime
    before: datetime | None = None
    evidence: str = ""
    quarantine: int | None = None
    anomaly: int | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternation:
    """A fact that turns between values: how often it came back within a day, from which `other` value, and when last.

    `other` is None for an absence. `said_at` is when an event last said so, `told_at` when owners last heard of it;
    None where they never did.
    """

    source: str
    fact: Fact
    other: Value | None
    turns: int
    at: datetime
    said_at: datetime | None = None
    told_at: datetime | None = None
