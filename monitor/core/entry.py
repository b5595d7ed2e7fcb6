"""An entry of the registry: its status, pins and checks, as the log makes it. What changes one stands in
`registry/transitions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.core import price
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import GENERAL, STAGE, Subject, Value
from monitor.core.maintenance_windows import Window


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


DENY = "deny"
"""The `on_pause` by which a pause denies everybody."""

DENY_NEW = "deny_new"
"""The `on_pause` by which a price shift denies new callers only."""

RISE_GRACE = timedelta(hours=72)
"""How long the callers go on where a pinned price rose and no `grace` is stated."""

FALLBACK_ENDS = "fallback_ends"
"""What an `entry.reminded` is about where the fallback of the entry is about to end."""

PAUSE_REPEATED = "pause"
"""What it is about where nobody acknowledged a pause."""

UNLISTED = "unlisted"
"""What it is about where a list misses a model that another route still reaches."""

LISTED_AGAIN = "listed_again"
"""What it is about where such a list has the model again."""

UNPINNED = "unpinned"
"""What it is about where an earlier version accepted an entry, and more is known now than it pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An assumption: the value of one fact when a person accepted it.

    `scope` is a surface, a provider, or `config` for our own side (base URL, project, model id, price id, source of a
    pin); `source/KEY` for a price as that page states it where the account's own costs state it, too.
    """

    scope: str
    name: str
    field: str
    value: Value

    @property
    def key(self) -> str:
        """How the pin is written in events and messages."""
        return f"{self.scope}/{self.name}/{self.field}"

    @classmethod
    def of(cls, key: str, value: Value) -> Pin:
        """Return the pin that is written so; the name between its scope and its field may hold slashes."""
        scope, _, rest = key.partition("/")
        name, _, field = rest.rpartition("/")
        return cls(scope=scope, name=name, field=field, value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An item of the readiness checklist. `position` is the event that last moved it; `until` when it goes stale, where
    a date is set.
    """

    state: CheckState = CheckState.BLANK
    verified_at: datetime | None = None
    position: int | None = None
    by: str = ""
    url: str = ""
    note: str = ""
    evidence: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalCell:
    """One metric of one suite for one model, as a person handed it in at a time (`at`), with the file it stands in.

    `side` is `CANDIDATE` or `BASELINE`; `samples` is None where the runner does not say how many ran.
    """

    side: str
    model: str
    suite: str
    metric: str
    score: str
    samples: int | None
    at: datetime
    by: str
    evidence: str


CANDIDATE = "candidate"
BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An acceptance that one person asked for: the event type it would be, who asked, the event that did, and what the
    entry's position was.
    """

    act: str
    by: str
    position: int
    expect: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A registry row, folded from the log.

    `spec` is what was declared of it last. `position` is the last event that could change a mind about the entry: what
    `--expect` is held against. `since` and `status_position` belong to the status. `deviations` maps the key of each
    pin that no longer holds to the value that is confirmed instead (None: gone). `pause` is the event of the running
    pause, `reminded` what was said ahead of its day (`agenda`), `acknowledged` the pause that somebody took on,
    `escalated` whoever besides its owners was told of the running one, `fallback_lost` the event by which its owners
    were told that no fallback is allowed any more, while none is.
    `waived` are the checks that the last acceptance went on without and that were not verified since, `asks` those that
    the loss of its listing asks for again until the entry is accepted. `observed` is the usage of a month as a sample
    of requests showed it, meter → tokens, `evals` the results that fill its plan of evals. `risen_at` is when a
    pinned price was first higher during the running pause; kept only where no `grace` is stated, which begins with the
    pause.
    """

    key: str
    status: Status
    since: datetime
    position: int
    status_position: int
    spec: EntrySpec = field(metadata={"stored": "declared"})
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
    evals: tuple[EvalCell, ...] = ()
    acknowledged: int | None = None
    escalated: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    fallback_lost: int | None = None
    silenced_until: datetime | None = None
    risen_at: datetime | None = None

    @property
    def price_subject(self) -> Subject:
        """Whose price it goes by: the mapping from a model id is declared, never guessed."""
        return Subject(self.spec.provider, self.spec.price_model or self.spec.model_id)

    @property
    def model_names(self) -> frozenset[str]:
        """The names of `subjects`, wherever they are."""
        return frozenset((*self.spec.surfaces.values(), self.price_subject.name)) - {""}

    @property
    def subjects(self) -> frozenset[Subject]:
        """Everything that facts may be about and concern this entry."""
        listed = {Subject(surface, model_id) for surface, model_id in self.spec.surfaces.items() if model_id}
        provider = self.price_subject.scope
        named = {Subject(provider, model_id) for model_id in self.spec.surfaces.values() if model_id}
        return frozenset(listed | named | ({self.price_subject} if self.price_subject.name else set()))

    @property
    def endpoints(self) -> frozenset[Subject]:
        """The endpoints that it calls, as its provider's page of ends names them."""
        return frozenset(Subject(self.price_subject.scope, path) for path in self.spec.uses)

    @property
    def asked(self) -> Approval | None:
        """The acceptance that waits for a second person; what could change a mind ends it."""
        return self.approval if self.approval is not None and self.approval.expect == self.position else None

    @property
    def price_shift(self) -> bool:
        """Whether the running pause is due to nothing but prices that moved, or a model that left its preview: it works
        as before, and what has to be looked at anew is limits and prices.
        """
        moved = self.deviations.items()
        return not self.by and bool(moved) and all(is_price(key) or _left_preview(key, now) for key, now in moved)

    @property
    def grace_until(self) -> datetime | None:
        """Until when the running pause spares the callers: for the `grace` that is stated, else for `RISE_GRACE` after
        a pinned price rose; None where it has no end, since none rose.
        """
        if self.spec.grace is not None:
            return self.since + self.spec.grace
        pinned = {pin.key: pin.value for pin in self.pins}
        if self.risen_at is None and not any(rises(key, pinned.get(key), now) for key, now in self.deviations.items()):
            return None
        return (self.risen_at or self.since) + RISE_GRACE

    @property
    def alive(self) -> bool:
        """Whether the entry is still judged."""
        return self.status not in (Status.RETIRED, Status.WITHDRAWN)


def _left_preview(pin_key: str, now: Value | None) -> bool:
    return pin_key.rpartition("/")[2] == STAGE and now == GENERAL


def rises(pin_key: str, accepted: Value | None, now: Value | None) -> bool:
    """Return whether a pin is a price that is higher now than what was accepted."""
    prices = isinstance(accepted, str) and isinstance(now, str) and is_price(pin_key)
    return prices and price.amount(str(now)) > price.amount(str(accepted))


def is_price(pin_key: str) -> bool:
    """Return whether a pin of this key is one of a price."""
    return not pin_key.startswith("config/") and pin_key.rpartition("/")[2].startswith(price.PREFIX)
