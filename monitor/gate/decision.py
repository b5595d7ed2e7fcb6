"""May this environment use this model now? One pure function, which fails safe.

The answer is worked out in `verdict`, which the command line shares; here stand the shapes, the resolution of keys and
the walk to a fallback. No caller state is kept: what is answered depends on the registry, the environment, the caller's
name and the time, so that a lease file can say the same without us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from monitor.core.configuration import GateRules
from monitor.core.entry import DENY, DENY_NEW, Status
from monitor.core.entry_spec import AT
from monitor.gate.client.verdict import PRODUCTION, UNREGISTERED, GateVerdict, judge

AMBIGUOUS = "ambiguous"

_ENDED = frozenset({Status.RETIRED, Status.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestion:
    """Who asks and when: an environment and a caller (empty: nobody in particular), under the rules of the gate."""

    rules: GateRules
    now: datetime
    environment: str = PRODUCTION
    caller: str = ""

    @property
    def evaluates(self) -> bool:
        """Whether the environment may use entries that are being evaluated; one that nobody configured is judged like
        production.
        """
        return self.environment in self.rules.environments and self.environment != PRODUCTION

    @property
    def judged_as(self) -> str:
        """The environment whose required checks count."""
        return self.environment if self.evaluates else PRODUCTION

    @property
    def lease_until(self) -> datetime:
        """Until when an answer may be relied on at most."""
        return self.now + self.rules.lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the checks that an environment requires stand: when the first of them passes its date (None: none has one),
    and which are not verified, in words.

    `reviewed` are the callers who alone need a safety review: it holds until `review_until` (None: it has no date), or
    `unreviewed` says in words how it stands.
    """

    until: datetime | None = None
    unready: str = ""
    reviewed: tuple[str, ...] = ()
    review_until: datetime | None = None
    unreviewed: str = ""

    def lacks_review(self, caller: str) -> bool:
        """Return whether this caller needs a safety review that is not verified."""
        return bool(self.unreviewed) and caller in self.reviewed

    def asked_by(self, caller: str) -> Readiness:
        """Return how the checks stand for one caller: with the safety review where this caller needs one."""
        if caller not in self.reviewed:
            return self
        dates = [at for at in (self.until, self.review_until) if at is not None]
        unready = ", ".join(words for words in (self.unready, self.unreviewed) if words)
        return replace(self, until=min(dates, default=None), unready=unready)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the gate needs to know of one entry.

    `surface` is where it is judged, `base_url` where its calls go. `model_id` is the id there, empty while it is not
    known; `model_ids` are those that the key also answers for, of which a row of an earlier version may have several.
    `position` is the event that gave the status, and `reason` says in one sentence why the entry is not allowed.
    `access_until` and `price_until` end the freshness of its facts, None was never verified. `price_shift` says that
    the running pause is due to price shifts only; `callers` are those that a `deny_new` spares until `grace_until`
    (None: without end). `readiness` holds the environments that require checks, `since` when the status began.
    `access` is the verdict of access to its model, route by route, in words. `served` is which model answers each
    route, as it was pinned; empty where nothing is.
    """

    key: str
    name: str
    model_ids: tuple[str, ...]
    status: Status
    position: int
    surface: str = ""
    base_url: str = ""
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
    access: str = ""

    @property
    def entry(self) -> str:
        """The key under which the entry was declared."""
        return self.key.partition(AT)[0]

    def ready(self, question: GateQuestion) -> Readiness:
        """Return how the checks stand that the environment requires; one that nobody configured requires what
        production does.
        """
        return self.readiness.get(question.judged_as, Readiness())

    @property
    def spares(self) -> bool:
        """Whether the running pause denies new callers only."""
        return self.status is Status.PAUSED and self.on_pause == DENY_NEW and self.price_shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """A model id that several entries hold, so that it names none of them; `surfaces` says on which each does where
    that alone tells them apart.
    """

    key: str
    entries: tuple[str, ...]
    surfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSurfaces:
    """An entry or model id that is registered, and not on the surface that was asked: where it is instead."""

    key: str
    surface: str
    surfaces: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The sentence that says so, without a full stop."""
        return f"{self.key} is on {' and '.join(self.surfaces)}, not on {self.surface}"


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


Resolved: TypeAlias = "Standing | Ambiguous | OtherSurfaces | None"
"""What a key names."""


def resolve(key: str, standings: Mapping[str, Standing], surface: str = "") -> Resolved:
    """Return what a key names on a surface: the row of the entry with this key, else the one entry that holds this
    model id there. `KEY@SURFACE` names the surface as well.

    Without a surface an entry is meant where it stands first. The key of an entry that is no longer declared yields to
    a living entry that holds it as a model id: entries are often called as their models, and renamed later.
    """
    by_key = _by_key(key, standings, surface)
    withdrawn = isinstance(by_key, Standing) and by_key.status is Status.WITHDRAWN
    if isinstance(by_key, Standing) and not withdrawn:
        return by_key
    by_id = _by_id(key, standings, surface)
    if withdrawn:
        return by_id if isinstance(by_id, Standing) and by_id.status not in _ENDED else by_key
    if isinstance(by_id, Standing | Ambiguous):
        return by_id
    name, at, named = key.rpartition(AT)
    by_address = _by_id(name, standings, named) if at and surface in ("", named) else None
    return by_address if isinstance(by_address, Standing | Ambiguous) else by_key or by_id or by_address


def _by_key(key: str, standings: Mapping[str, Standing], surface: str) -> Standing | OtherSurfaces | None:
    """Return the row of an entry that a key names; None where no entry has the key."""
    exact = standings.get(key)
    if exact is not None and surface in ("", exact.surface) and exact.status is not Status.WITHDRAWN:
        return exact
    entry, at, named = key.partition(AT)
    first = standings.get(entry)
    wanted = surface or named
    if first is None or not wanted:
        return exact
    if at and surface not in ("", named):
        return OtherSurfaces(key=entry, surface=surface, surfaces=(named,))
    row = first if first.surface == wanted else standings.get(f"{entry}{AT}{wanted}")
    if row is not None:
        return row
    rows = (standing for standing in standings.values() if standing.entry == entry)
    return OtherSurfaces(key=entry, surface=wanted, surfaces=tuple(standing.surface for standing in rows))


def _by_id(key: str, standings: Mapping[str, Standing], surface: str) -> Resolved:
    """Return what holds a model id on a surface, of several surfaces of one entry the first; None where nothing does.

    Entries that have ended hold an id only while no living one does: who moved a model to another entry
    would otherwise never get an answer for its id again.
    """
    everywhere = [standing for standing in standings.values() if key and key in standing.model_ids]
    holders = [standing for standing in everywhere if surface in ("", standing.surface)]
    holders = [standing for standing in holders if standing.status not in _ENDED] or holders
    if not surface:
        first = {standing.entry for standing in holders if standing.key == standing.entry}
        holders = [standing for standing in holders if standing.key == standing.entry or standing.entry not in first]
    if len(holders) > 1:
        holders.sort(key=lambda standing: standing.key)
        apart = len({standing.surface for standing in holders}) == len(holders)
        return Ambiguous(
            key=key,
            entries=tuple(standing.key for standing in holders),
            surfaces=tuple(standing.surface for standing in holders) if apart else (),
        )
    if holders:
        return holders[0]
    elsewhere = tuple(dict.fromkeys(standing.surface for standing in everywhere))
    return OtherSurfaces(key=key, surface=surface, surfaces=elsewhere) if elsewhere else None


def named_keys(standings: Mapping[str, Standing]) -> tuple[str, ...]:
    """List every key under which something may be asked for: the entries and rows, the model ids, and `ID@SURFACE` and
    `ENTRY@SURFACE` where the name alone does not tell which row is meant.
    """
    keys = dict.fromkeys(standings)
    holders: dict[str, list[Standing]] = {}
    entries: dict[str, list[Standing]] = {}
    for standing in standings.values():
        entries.setdefault(standing.entry, []).append(standing)
        for model_id in filter(None, standing.model_ids):
            holders.setdefault(model_id, []).append(standing)
    keys |= dict.fromkeys(holders)
    for name, rows in (*entries.items(), *holders.items()):
        if len({row.surface for row in rows}) > 1:
            keys |= dict.fromkeys(f"{name}{AT}{row.surface}" for row in rows)
    return tuple(keys)


def verdict(standing: Standing, question: GateQuestion) -> GateVerdict:
    """Return the conditions for one entry, without its fallback.

    The safety review that this caller needs is asked only where the answer would be yes: what denies everybody has one
    reason, whoever asks, since a lease file that denies does not tell callers apart.
    """
    caller = question.caller
    every = standing.ready(question)

    def judged(ready: Readiness, reviewed: bool) -> GateVerdict:
        return judge(
            status=standing.status.value,
            reason=standing.reason,
            evaluable=question.evaluates,
            access_until=standing.access_until,
            price_until=standing.price_until,
            spares=standing.spares,
            grace_until=standing.grace_until,
            spared=reviewed and bool(caller) and caller in standing.callers,
            lease_until=question.lease_until,
            now=question.now,
            checks_until=ready.until,
            unready=ready.unready,
            since=standing.since,
        )

    anybody = judged(every, True)
    if caller not in every.reviewed or not anybody.allowed:
        return anybody
    return judged(every.asked_by(caller), not every.lacks_review(caller))


def spared(standing: Standing, question: GateQuestion) -> tuple[tuple[str, ...], datetime | None]:
    """Return the callers that may go on through a running pause, whoever asks, and until when (None: without end); none
    where it spares nobody.
    """
    if not standing.spares:
        return (), None
    callers = tuple(
        caller for caller in standing.callers if verdict(standing, replace(question, caller=caller)).allowed
    )
    checks = standing.ready(question).until
    ends = [at for at in (standing.grace_until, checks) if at is not None]
    return callers, min(ends, default=None) if callers else None


def decide(standing: Resolved, question: GateQuestion, standings: Mapping[str, Standing] | None = None) -> Answer:
    """Allow or deny.

    In production only an active and fresh entry is allowed, or a paused one to the callers that a `deny_new` spares.
    The fallback is sought in `standings`; without them there is none.
    """
    if standing is None:
        reason = "unregistered: no entry has this key, and none holds it as a model id"
        return _refusal("", UNREGISTERED, reason, question)
    if isinstance(standing, OtherSurfaces):
        return _refusal(standing.key, UNREGISTERED, f"unregistered: {standing.reason}", question)
    if isinstance(standing, Ambiguous):
        reason = f"ambiguous: {' and '.join(standing.entries)} hold this model id; ask by the key of one of them"
        if standing.surfaces:
            reason += f", or name the surface, {' or '.join(standing.surfaces)}"
        return _refusal(standing.key, AMBIGUOUS, reason, question)
    fallback = fallback_of(standing, question, standings or {})
    return answered(standing, verdict(standing, question), fallback)


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


def answer(key: str, standings: Mapping[str, Standing], question: GateQuestion) -> Answer:
    """Resolve the key and decide; the answer carries the key that was asked for."""
    return replace(decide(resolve(key, standings), question, standings), key=key)


def _refusal(key: str, status: str, reason: str, question: GateQuestion) -> Answer:
    return Answer(
        key=key,
        allowed=False,
        status=status,
        reason=reason,
        fallback="",
        position=0,
        expires_at=question.lease_until.replace(microsecond=0),
    )


def fallback_of(standing: Standing, question: GateQuestion, standings: Mapping[str, Standing]) -> str:
    """Return the first entry along the chain of fallbacks that is allowed itself; empty where none is."""
    return next(
        (following.key for following in fallbacks_of(standing, standings) if verdict(following, question).allowed),
        "",
    )


def fallbacks_of(standing: Standing, standings: Mapping[str, Standing]) -> Iterator[Standing]:
    """Yield what stands in for an entry, nearest first: each fallback on the surface of the entry, if it is there, then
    where the fallback stands first.
    """
    passed = {standing.entry}
    following = standing.fallback
    while following in standings and following not in passed:
        passed.add(following)
        first = standings[following]
        there = standings.get(f"{following}{AT}{standing.surface}")
        if there is not None and first.surface != standing.surface:
            yield there
        yield first
        following = first.fallback
