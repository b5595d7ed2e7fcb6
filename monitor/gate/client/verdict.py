"""The conditions of the gate on plain values: the one place where "allowed" is worked out.

The command line's `gate` answers from a lease file in a few milliseconds, so this module imports nothing but
`datetime`: a dataclass or an enum here would cost more than the whole answer does. The shapes that the rest of the
monitor works with stand in `gate`.
"""

from __future__ import annotations

from datetime import UTC, datetime

PRODUCTION = "production"

ACTIVE = "active"
EVALUATING = "evaluating"
PAUSED = "paused"
STALE = "stale"
GRACE = "grace"

ACCESS_FRESH = "access is fresh"
PRICES_FRESH = "prices are fresh"
CHECKS_VERIFIED = "the required checks are verified"
UNREGISTERED = "unregistered"

_DENIED = {
    "waiting": "waiting: the model is not confirmed to be visible",
    EVALUATING: "evaluating: nobody has accepted its assumptions yet",
    PAUSED: "paused: an assumption that was accepted no longer holds",
    "retired": "retired: a person ended its use",
    "withdrawn": "withdrawn: the entry left the configuration",
}

_ALLOWED = {
    ACTIVE: "active: every assumption that was accepted holds and is fresh",
    EVALUATING: "evaluating: may be used outside production",
}

_SPARED = "the caller is an existing one, which a price pause lets go on"


class Condition:
    """One requirement of an answer: what it asks, whether it holds, the reason to give where not, until when it holds,
    and since when it is as it is where that is known.
    """

    __slots__ = ("asks", "holds", "reason", "since", "until")

    def __init__(
        self, asks: str, holds: bool, reason: str, until: datetime | None = None, since: datetime | None = None
    ) -> None:
        self.asks = asks
        self.holds = holds
        self.reason = reason
        self.until = until
        self.since = since


class GateVerdict:
    """What the conditions add up to. `variant` names the outcome as the lease file does; `until` is when it may change
    by itself.
    """

    __slots__ = ("allowed", "conditions", "reason", "until", "variant")

    def __init__(
        self, allowed: bool, variant: str, reason: str, until: datetime, conditions: tuple[Condition, ...]
    ) -> None:
        self.allowed = allowed
        self.variant = variant
        self.reason = reason
        self.until = until
        self.conditions = conditions


def judge(  # noqa: PLR0913 - one keyword for each thing that the judgement rests on, and it rests on nothing else
    *,
    status: str,
    reason: str,
    evaluable: bool,
    access_until: datetime | None,
    price_until: datetime | None,
    spares: bool,
    grace_until: datetime | None,
    spared: bool,
    lease_until: datetime,
    now: datetime,
    checks_until: datetime | None = None,
    unready: str = "",
    since: datetime | None = None,
) -> GateVerdict:
    """Return whether an entry may be used at `now`.

    `evaluable` says that the environment may use what is still being evaluated; `spares` that a running pause, which
    only price shifts caused, denies new callers only, `grace_until` until when (None: without end), and `spared`
    whether the caller is one that had the entry before. `access_until` and `price_until` are when each kind of fact
    stops being fresh; None was never verified. `checks_until` is when the first check that the environment requires
    passes its date (None: none has one), `unready` names those that are not verified. `since` is when the status began,
    to explain it.

    Every limit counts in whole seconds, rounded down: the timestamp that a flagd rule sees has no fraction, and file
    and function shall change their answer at the same instant.
    """
    lease = _dated("the answer is leased", lease_until, now, "", "the monitor has not renewed the lease, which ended")
    access = _dated(
        ACCESS_FRESH,
        access_until,
        now,
        "stale: nothing confirms access",
        "stale: access was last verified to hold until",
    )
    graced = status == PAUSED and spares
    if graced and spared:
        # Whichever of these fails, the pause is why: once a date has passed the lease file no longer tells the callers
        # apart.
        denial = reason or _DENIED[PAUSED]
        until = None if grace_until is None else _whole(grace_until)
        grace = Condition(_SPARED, until is None or now < until, denial, until)
        # What the pause itself made stale is why there is a grace: only the dates of the checks count.
        rest = [access, *_checks(checks_until, "", now)]
        denied = [Condition(condition.asks, condition.holds, denial, condition.until) for condition in rest]
        allowed = "paused after a price shift; existing callers may go on"
        return _sum(GRACE, PAUSED, allowed, (grace, *denied, lease), lease_until)
    usable = status == ACTIVE or (evaluable and status == EVALUATING)
    wanted = "active or evaluating" if evaluable else "active"
    denial = "" if usable else reason or _DENIED.get(status, f"its status is {status}")
    conditions = [Condition(f"the status is {wanted} (it is {status})", usable, denial, since=since)]
    if graced:
        until = None if grace_until is None else _whole(grace_until)
        conditions.append(Condition(_SPARED, False, denial, until))
    conditions.append(access)
    if status != EVALUATING:
        # Blanks are being filled while an entry is evaluated: there is no accepted price that could go stale.
        conditions.append(
            _dated(
                PRICES_FRESH,
                price_until,
                now,
                "stale: nothing confirms its prices",
                "stale: its prices were last verified to hold until",
            )
        )
    conditions += _checks(checks_until, unready if usable else "", now)
    conditions.append(lease)
    return _sum(status, STALE if usable else status, _ALLOWED.get(status, ""), tuple(conditions), lease_until)


def _checks(until: datetime | None, unready: str, now: datetime) -> list[Condition]:
    """Return the checks that the environment requires; no condition where nothing of them limits the answer."""
    if unready:
        return [Condition(CHECKS_VERIFIED, False, f"unready: {unready}")]
    if until is None:
        return []
    return [_dated(CHECKS_VERIFIED, until, now, "", "stale: a required check was verified until")]


def _sum(
    allowing: str, denying: str, reason: str, conditions: tuple[Condition, ...], lease_until: datetime
) -> GateVerdict:
    """Allow while every condition holds; a denial is good until the lease ends."""
    for condition in conditions:
        if not condition.holds:
            return GateVerdict(False, denying, condition.reason, _whole(lease_until), conditions)
    until = min(condition.until for condition in conditions if condition.until is not None)
    return GateVerdict(True, allowing, reason, until, conditions)


def _dated(asks: str, until: datetime | None, now: datetime, never: str, ended: str) -> Condition:
    """Return a requirement that ends: `never` is the reason where it has no date, `ended` the reason before the date
    that passed.
    """
    if until is None:
        return Condition(asks, False, never)
    until = _whole(until)
    holds = now < until
    return Condition(asks, holds, "" if holds else f"{ended} {rfc3339(until)}", until)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0) if at.microsecond else at


def rfc3339(at: datetime) -> str:
    """Return an aware time as it is written everywhere: UTC, whole seconds, `2026-07-30T17:34:21Z`."""
    return _whole(at).astimezone(UTC).isoformat().replace("+00:00", "Z")
