"""May this environment use this model now? One pure function, which fails safe.

The answer is worked out in `verdict`, which the command line shares; here stand the shapes, the resolution of keys and
the walk to a fallback. No caller state is kept: what is answered depends on the registry, the environment, the caller's
name and the time, so that a lease file can say the same without us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.core.entry import Status
from monitor.gate.client.verdict import PRODUCTION, UNREGISTERED, GateVerdict, judge

DENY = "deny"
DENY_NEW = "deny_new"

AMBIGUOUS = "ambiguous"

_ENDED = frozenset({Status.RETIRED, Status.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the checks that an environment requires stand: when the first of them passes its date (None: none has one),
    and which are not verified, in words.
    """

    until: datetime | None = None
    unready: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the gate needs to know of one entry.

    `model_ids` are the ids that the key also answers for; `position` is the event that gave the status, and `reason`
    says in one sentence why the entry is not allowed. `model_id` is the one on the surface that the gate speaks for,
    empty while it is not known. `access_until` and `price_until` end the freshness of its facts, None was never
    verified. `price_shift` says that the running pause is due to price shifts only; `callers` are those that a
    `deny_new` spares until `grace_until`. `readiness` holds the environments that require checks, `since` when the
    status began. `served` is which model answers each route, as it was pinned; empty where nothing is.
    """

    key: str
    name: str
    model_ids: tuple[str, ...]
    status: Status
    position: int
    model_id: str = ""
    reason: str = ""
    fallback: str = ""
    access_until: datetime | None = None
    price_until: datetime | None = None
    on_pause: str = DENY
    price_shift: bool = False
    grace_until: datetime | None = None
    callers: tuple[str, ...] = ()
    readiness: Mapping[str, Readiness] = field(default_factory=dict)
    since: datetime | None = None
    served: Mapping[str, str] = field(default_factory=dict)

    def ready(self, environment: str, environments: tuple[str, ...]) -> Readiness:
        """Return how the checks stand that an environment requires; one that nobody configured requires what production
        does.
        """
        judged = environment if evaluable(environment, environments) else PRODUCTION
        return self.readiness.get(judged, Readiness())

    @property
    def grace(self) -> datetime | None:
        """When the grace of the running pause ends; None where the pause spares nobody."""
        if self.status is Status.PAUSED and self.on_pause == DENY_NEW and self.price_shift:
            return self.grace_until
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """A model id that several entries hold, so that it names none of them."""

    key: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of the gate. `fallback` is the first entry along the chain of fallbacks that is itself allowed, empty
    if none is.

    `position` is the event that gave the status, 0 where there is no entry. Until `expires_at` the answer may be relied
    on.
    """

    key: str
    allowed: bool
    status: str
    reason: str
    fallback: str
    position: int
    expires_at: datetime | None


def resolve(key: str, standings: Mapping[str, Standing]) -> Standing | Ambiguous | None:
    """Return the entry of this key, else the one entry that holds this model id.

    Entries that have ended hold an id only while no living one does: who moved a model to another entry
    would otherwise never get an answer for its id again.
    """
    if key in standings:
        return standings[key]
    holders = [standing for standing in standings.values() if key and key in standing.model_ids]
    holders = [standing for standing in holders if standing.status not in _ENDED] or holders
    if len(holders) > 1:
        return Ambiguous(key=key, entries=tuple(sorted(standing.key for standing in holders)))
    return holders[0] if holders else None


def evaluable(environment: str, environments: tuple[str, ...]) -> bool:
    """Return whether the environment may use entries that are being evaluated; one that nobody configured is judged
    like production.
    """
    return environment in environments and environment != PRODUCTION


def verdict(
    standing: Standing,
    environment: str,
    environments: tuple[str, ...],
    caller: str,
    now: datetime,
    lease: timedelta,
) -> GateVerdict:
    """Return the conditions for one entry, without its fallback."""
    ready = standing.ready(environment, environments)
    return judge(
        status=standing.status.value,
        reason=standing.reason,
        evaluable=evaluable(environment, environments),
        access_until=standing.access_until,
        price_until=standing.price_until,
        grace_until=standing.grace,
        spared=bool(caller) and caller in standing.callers,
        lease_until=now + lease,
        now=now,
        checks_until=ready.until,
        unready=ready.unready,
        since=standing.since,
    )


def spared(
    standing: Standing, environments: tuple[str, ...], now: datetime, lease: timedelta
) -> tuple[tuple[str, ...], datetime | None]:
    """Return the callers that may go on in production through a running pause, and until when; none where it spares
    nobody.
    """
    if standing.grace is None:
        return (), None
    callers = tuple(
        caller for caller in standing.callers if verdict(standing, PRODUCTION, environments, caller, now, lease).allowed
    )
    checks = standing.ready(PRODUCTION, environments).until
    return callers, min(standing.grace, checks or standing.grace) if callers else None


def decide(
    standing: Standing | Ambiguous | None,
    environment: str,
    environments: tuple[str, ...],
    caller: str,
    now: datetime,
    lease: timedelta,
    standings: Mapping[str, Standing] | None = None,
) -> Answer:
    """Allow or deny.

    In production only an active and fresh entry is allowed, or a paused one to the callers that a `deny_new` spares.
    The fallback is sought in `standings`; without them there is none.
    """
    if standing is None:
        reason = "unregistered: no entry has this key, and none holds it as a model id"
        return _refusal("", UNREGISTERED, reason, now + lease)
    if isinstance(standing, Ambiguous):
        reason = f"ambiguous: {' and '.join(standing.entries)} hold this model id; ask by the key of one of them"
        return _refusal(standing.key, AMBIGUOUS, reason, now + lease)
    judged = verdict(standing, environment, environments, caller, now, lease)
    fallback = fallback_of(standing, environment, environments, caller, now, lease, standings or {})
    return answered(standing, judged, fallback)


def answered(standing: Standing, judged: GateVerdict, fallback: str) -> Answer:
    """Return the answer that a verdict on an entry makes, with the key of its fallback."""
    return Answer(
        key=standing.key,
        allowed=judged.allowed,
        status=standing.status.value,
        reason=judged.reason,
        fallback=fallback,
        position=standing.position,
        expires_at=judged.until,
    )


def answer(
    key: str,
    standings: Mapping[str, Standing],
    environment: str,
    environments: tuple[str, ...],
    caller: str,
    now: datetime,
    lease: timedelta,
) -> Answer:
    """Resolve the key and decide; the answer carries the key that was asked for."""
    decided = decide(resolve(key, standings), environment, environments, caller, now, lease, standings)
    return replace(decided, key=key)


def _refusal(key: str, status: str, reason: str, until: datetime) -> Answer:
    return Answer(
        key=key,
        allowed=False,
        status=status,
        reason=reason,
        fallback="",
        position=0,
        expires_at=until.replace(microsecond=0),
    )


def fallback_of(
    standing: Standing,
    environment: str,
    environments: tuple[str, ...],
    caller: str,
    now: datetime,
    lease: timedelta,
    standings: Mapping[str, Standing],
) -> str:
    """Return the first entry along the chain of fallbacks that is allowed itself; empty where none is."""
    visited = {standing.key}
    following = standings.get(standing.fallback)
    while following is not None and following.key not in visited:
        if verdict(following, environment, environments, caller, now, lease).allowed:
            return following.key
        visited.add(following.key)
        following = standings.get(following.fallback)
    return ""
