"""The readiness checklist: which checks an entry needs, which of them a source can verify, and for how long each holds.

Whether a blank may be ignored is never decided here: a required check is verified, or activation is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

from monitor.core import events as ev
from monitor.core import price
from monitor.core.baselines import UNKNOWN, Baselines, Unknown
from monitor.core.check_names import CHECKS, DEFAULT_REQUIRED, EVALS
from monitor.core.configuration import OFFICIAL, PRODUCTION, SourceSpec
from monitor.core.entry import CANDIDATE, Check, CheckState, Entry, Pin, Status
from monitor.core.facts import Subject, Value
from monitor.registry import caching, check_rules, safety
from monitor.registry.causes import ASKS, Cause, cause
from monitor.registry.transitions import RegistryTransaction

DEFAULT = DEFAULT_REQUIRED
"""What every entry needs before it may be active."""

ESSENTIAL_METERS = ("input", "output")

CODEX = "codex"
"""The check that a list of what Codex offers verifies."""

FALLBACK = "fallback"
"""The check that the gate's answer for the fallback of an entry verifies, which does not age."""

_BY_LIST = ("model_id", "visibility")
_BY_PRICE = ("pricing",)
_RATE_LIMITS = "rate_limits"


def required(entry: Entry, environment: str = PRODUCTION) -> tuple[str, ...]:
    """List the checks an entry needs in an environment, the default ones first; outside production only those that were
    declared for it.
    """
    if environment != PRODUCTION:
        return entry.spec.checks_in.get(environment, ())
    return tuple(dict.fromkeys((*DEFAULT, *entry.spec.checks, *safety.required(entry))))


def machine(entry: Entry, baselines: Baselines) -> dict[str, bool | Literal[Unknown.UNKNOWN]]:
    """Say what the sources can say of an entry's checks: verified, failed, or nothing."""
    watched = [surface for surface in entry.spec.surfaces if baselines.lists(surface)]
    listed = [
        baselines.listed(Subject(surface, entry.spec.surfaces[surface]))
        for surface in watched
        if entry.spec.surfaces[surface]
    ]
    priced = baselines.prices(entry.price_subject, entry.spec.tiers, entry.spec.region)
    wanted = {
        price.Meter(tier, price.SHORT, price.TEXT, meter).field
        for tier in entry.spec.tiers
        for meter in ESSENTIAL_METERS
    }
    if entry.status is Status.ACTIVE:  # else a pinned row that is gone would be dated anew by the rows that are left
        wanted |= {pin.field for pin in entry.pins if pin.field.startswith(price.PREFIX)}
    return {
        **{name: check_rules.verdict(name, entry, baselines) for name in check_rules.TABLE},
        caching.CHECK: caching.verdict(entry, baselines),
        CODEX: _offered(entry, baselines),
        "model_id": baselines.listed(Subject(entry.spec.surface, entry.spec.model_id))
        if entry.spec.model_id
        else UNKNOWN,
        # A surface that nothing watches says nothing; it stays unpinned, and is shown so.
        "visibility": _all(listed) if listed and len(listed) == len(watched) else UNKNOWN,
        # A row that is gone is a blank, not a failure: only its freshness runs out.
        "pricing": True if wanted <= priced.keys() else UNKNOWN,
    }


def _offered(entry: Entry, baselines: Baselines) -> bool | Literal[Unknown.UNKNOWN]:
    """Return whether Codex offers the model of a row: its own surface says it where it is one of Codex, else any
    catalogue of the provider.
    """
    surface, model_id = entry.spec.surface, entry.spec.model_id
    if not model_id:
        return UNKNOWN
    if any(CODEX in spec.can.verifies for spec in baselines.lists(surface)):
        return baselines.listed(Subject(surface, model_id))
    return baselines.offered(CODEX, entry.spec.provider, model_id)


def _all(values: Iterable[bool | Literal[Unknown.UNKNOWN]]) -> bool | Literal[Unknown.UNKNOWN]:
    values = list(values)
    if False in values:
        return False
    return UNKNOWN if UNKNOWN in values else True


def fed_by(spec: SourceSpec, entry: Entry) -> tuple[str, ...]:
    """List the checks that a poll of this source can verify for an entry."""
    if spec.surface in entry.spec.surfaces and spec.model in ("", entry.spec.surfaces[spec.surface]):
        by_list = (*_BY_LIST, *({CODEX} & spec.can.verifies)) if spec.lists else ()
        return (*by_list, *check_rules.fed_by(spec, entry), *(_BY_PRICE if spec.prices else ()))
    priced = entry.price_subject
    if spec.trust != OFFICIAL or not (spec.prices and spec.provider in ("", priced.scope)):
        return (CODEX,) if offers(spec, entry) else ()
    named = spec.model in ("", priced.name, *entry.spec.surfaces.values())
    return (*check_rules.fed_by(spec, entry), *_BY_PRICE) if named else ()


def offers(spec: SourceSpec, entry: Entry) -> bool:
    """Whether a source is a catalogue of Codex that says whether Codex offers the model of a row on another surface."""
    return (
        spec.lists
        and CODEX in spec.can.verifies
        and spec.provider == entry.spec.provider
        and spec.surface != entry.spec.surface
    )


def asked(entry: Entry) -> tuple[str, ...]:
    """List the checks that a running pause asks for, whether the entry lists them or not: of all that moved while it
    lasted, and of a pause by a person what is required and not verified. Before anybody accepted the entry, they are
    those that a loss of its listing asks for.
    """
    if not (entry.deviations or entry.asks or entry.status is Status.PAUSED):
        return ()
    pinned = {pin.key: pin for pin in entry.pins}
    names = {name for key, now in entry.deviations.items() if key in pinned for name in _asks(pinned[key], now, entry)}
    names.update(name for name in entry.asks if name in required(entry))
    if entry.status is Status.PAUSED and entry.by:
        names.update(name for name in required(entry) if not _is_verified(name, entry))
    return tuple(name for name in dict.fromkeys((*chain(*ASKS.values()), *CHECKS)) if name in names)


def _asks(pin: Pin, now: Value | None, entry: Entry) -> Iterable[str]:
    """List the checks that a pin that moved asks for."""
    match why := cause(pin, now):
        case Cause.OURS:
            return required(entry)
        case Cause.CHECK:
            return check_rules.checks_of(pin)
    return ASKS[why]


def made_stale(moved: Iterable[tuple[Pin, Value | None]], entry: Entry) -> tuple[str, ...]:
    """List the verified checks that no longer hold once these pins moved to these values: those that the pause asks
    for. A check that a source says no to fails by itself.
    """
    touched: set[str] = set()
    for pin, now in moved:
        touched.update(_asks(pin, now, entry), check_rules.checks_of(pin))
        if cause(pin, now) is Cause.OURS:
            touched |= set(entry.checks)  # another host, project or id: nothing that was verified was about it
    return _verified(touched, entry)


def asked_by_loss(entry: Entry) -> tuple[str, ...]:
    """List the checks that a loss of its listing asks for again of an entry that nobody accepted yet."""
    return tuple(name for name in ASKS[Cause.ACCESS] if name in required(entry))


def lost_with_the_model(entry: Entry) -> tuple[str, ...]:
    """List the verified checks that no longer hold once the model of an entry that nobody accepted yet is gone from its
    list: what was verified of a model has to be verified anew of the one that comes back under its id.
    """
    return _verified(ASKS[Cause.ACCESS], entry)


def holds(name: str, entry: Entry) -> bool:
    """Return whether there is something to lose of a check: it is verified, or results of the model fill a part of the
    comparison that it needs.
    """
    return _is_verified(name, entry) or (name == EVALS and any(cell.side == CANDIDATE for cell in entry.evals))


def _verified(names: Iterable[str], entry: Entry) -> tuple[str, ...]:
    return tuple(name for name in sorted(names) if holds(name, entry))


def _is_verified(name: str, entry: Entry) -> bool:
    return entry.checks.get(name, Check()).state is CheckState.VERIFIED


def verify(
    register: RegistryTransaction,
    key: str,
    spec: SourceSpec,
    baselines: Baselines,
    *,
    at: datetime,
    evidence: Callable[[], str],
) -> None:
    """Date what this poll verified: the first time, after it was lost, and once a day.

    `evidence` keeps the poll's own bytes and names them; it is called where a check is moved, since hardly any poll
    moves one.
    """
    entry = register.entries[key]
    verdicts = machine(entry, baselines)
    names = fed_by(spec, entry)
    fields = (baselines.baseline(spec.key) or {}).get(entry.price_subject, {})
    if not any(field.startswith(price.PREFIX) for field in fields):
        # What states no price of the model dates none that another source states.
        names = tuple(name for name in names if name not in _BY_PRICE)
    for name in names:
        check = entry.checks.get(name, Check())
        if verdicts[name] is True and (
            check.state is not CheckState.VERIFIED or check.verified_at is None or check.verified_at.date() < at.date()
        ):
            grounds = Grounds(source=spec.key, url=spec.shown_url, evidence=evidence())
            move(register, ev.CHECK_VERIFIED, key, name, grounds, at=at)
        elif verdicts[name] is False and (reason := _lost(name, entry, baselines)) and _fails(name, check, reason):
            grounds = Grounds(source=spec.key, url=spec.shown_url, evidence=evidence(), reason=reason)
            move(register, ev.CHECK_FAILED, key, name, grounds, at=at)


def _fails(name: str, check: Check, reason: str) -> bool:
    """Whether a no is news for a check. A route that was refused is a no at the first poll, and says more once another
    is; a model that is not listed yet is awaited.
    """
    if name not in check_rules.TABLE:
        return check.state in (CheckState.VERIFIED, CheckState.STALE)
    return check.state is not CheckState.FAILED or check.note != reason


def _lost(name: str, entry: Entry, baselines: Baselines) -> str:
    if name in (*_BY_LIST, CODEX):
        return "not listed"
    if name == caching.CHECK:
        return "; ".join(caching.failing(entry, baselines))
    return check_rules.refused(name, entry, baselines) or "what it rests on is not so any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What moves a check: the event before it (`cause`), or the poll of a source, with the bytes that it kept and the
    `url` at which people find it; of a check that is lost, `reason` says why in words.

    `because` is what the check was lost to where its owners hear of that by itself: `date`, `age` (not verified after
    `since`), `amendment` or `document`.
    """

    source: str = ""
    url: str = ""
    cause: int | None = None
    evidence: str = ""
    reason: str = ""
    because: str = ""
    since: datetime | None = None


def move(register: RegistryTransaction, kind: str, key: str, name: str, grounds: Grounds, *, at: datetime) -> int:
    """Write that the system moved a check, and return the position."""
    data = {"check": name, "url": grounds.url, "by": ev.SYSTEM, "until": None}
    data |= {"because": grounds.because} if grounds.because else {}
    data |= {"since": ev.rfc3339(grounds.since)} if grounds.since is not None else {}
    return register.add_to_entry(
        kind,
        key,
        at=at,
        source=grounds.source,
        cause=grounds.cause,
        evidence=grounds.evidence,
        data={**data, "reason": grounds.reason} if grounds.reason else data,
    )


def attestable(name: str, entry: Entry, baselines: Baselines) -> bool:
    """Whether a person may attest a check that a source feeds: prices, and limits that no answer states."""
    return name in _BY_PRICE or (name == _RATE_LIMITS and machine(entry, baselines)[name] is UNKNOWN)


def awaits(entry: Entry, spec: SourceSpec) -> bool:
    """Whether a poll of this source could verify a stale check, even one that shows nothing new. A failed one needs
    news.
    """
    return entry.alive and any(
        entry.checks.get(name, Check()).state is CheckState.STALE for name in fed_by(spec, entry)
    )


def missing(entry: Entry, *, now: datetime, waived: frozenset[str] = frozenset()) -> dict[str, CheckState]:
    """List the checks that production requires or a running pause asks for, and that are not verified, or whose date
    has passed.
    """
    wanting: dict[str, CheckState] = {}
    for name in dict.fromkeys((*required(entry), *asked(entry))):
        check = entry.checks.get(name, Check())
        if name in waived:
            continue
        if check.state is not CheckState.VERIFIED:
            wanting[name] = check.state
        elif check.until is not None and check.until <= now:
            wanting[name] = CheckState.STALE
    return wanting
