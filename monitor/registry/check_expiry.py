"""Checks that sources verified and have not verified again for too long: time alone makes them stale, and production is
denied.

That a source goes blind is recorded ahead of it, at half its freshness (`housekeeping`); this is the denial itself.

How old a check may get before it no longer counts. An entry may lengthen an age, never shorten one or switch it off.

What the models list and the prices verify goes by the freshness of the gate, so that checklist and gate go stale
together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core.configuration import CheckRules, Configuration, GateRules, SourceSpec
from monitor.core.entry import CheckState, Entry
from monitor.core.ports import Reader
from monitor.registry import checklist
from monitor.registry.freshness import Freshness
from monitor.registry.transitions import RegistryTransaction

Aged = Mapping[str, Mapping[str, datetime]]
"""Entry → check → the last poll that verified it."""

MISSED = 2
"""What a source verifies that is polled seldom ages only after as many of its polls were missed."""


def aged(
    reader: Reader,
    configuration: Configuration,
    entries: Mapping[str, Entry],
    now: datetime,
    *,
    sources: Collection[str] | None = None,
    cadence: Mapping[str, timedelta] | None = None,
) -> Aged:
    """List the checks of these entries whose age has passed; of all, or of those that the named sources feed. `cadence`
    lengthens the age of what a source feeds.
    """
    fresh = Freshness(reader, configuration)
    aged_checks: dict[str, dict[str, datetime]] = {}
    for key, entry in entries.items():
        if not entry.alive:
            continue
        for name, check in sorted(entry.checks.items()):
            if check.state is not CheckState.VERIFIED or check.until is not None or name == checklist.FALLBACK:
                continue
            feeding = _feeding(configuration, entry, name)
            if sources is not None and not any(spec.key in sources for spec in feeding):
                continue
            last = max(at for at in (check.verified_at, _seen(fresh, entry, name)) if at is not None)
            slack = [(cadence or {}).get(spec.key, timedelta(0)) for spec in feeding]
            if (
                name not in BY_FRESHNESS
            ):  # what goes by freshness is denied by the gate then, however seldom it is polled
                slack += [MISSED * spec.every for spec in feeding]
            if now - last > max(verified(entry, name, configuration.gate, configuration.checks), *slack):
                aged_checks.setdefault(key, {})[name] = last
    return aged_checks


def awaited(reader: Reader, configuration: Configuration) -> list[str]:
    """List the sources that cost nothing and whose next poll may verify a check that is stale."""
    living = [entry for entry in reader.entries().values() if entry.alive]
    return [
        spec.key
        for spec in configuration.sources.values()
        if not spec.paid and any(checklist.awaits(entry, spec) for entry in living)
    ]


def _feeding(configuration: Configuration, entry: Entry, name: str) -> list[SourceSpec]:
    return [spec for spec in configuration.sources.values() if name in checklist.fed_by(spec, entry)]


def _seen(fresh: Freshness, entry: Entry, name: str) -> datetime | None:
    """Return the last poll that confirmed it and left no row in the log."""
    match BY_FRESHNESS.get(name):
        case "freshness":
            return fresh.access(entry)
        case "price_freshness":
            return fresh.price(entry)
        case _:
            return None


def expire(register: RegistryTransaction, past: Aged, now: datetime) -> None:
    """Let aged checks go stale."""
    for key, names in past.items():
        for name, last in names.items():
            reason = f"no poll has verified it since {ev.rfc3339(last)}"
            grounds = checklist.Grounds(reason=reason, because="age", since=last)
            checklist.move(register, ev.CHECK_STALE, key, name, grounds, at=now)


BY_FRESHNESS = {"model_id": "freshness", "visibility": "freshness", "pricing": "price_freshness"}
"""Check → the limit of the gate, and of an entry, that it goes by while a source verifies it."""


def attested(entry: Entry, name: str, rules: CheckRules) -> timedelta:
    """How long the word of a person holds."""
    return max(rules.attested, entry.spec.check_age.get(name) or rules.attested)


def verified(entry: Entry, name: str, gate: GateRules, rules: CheckRules) -> timedelta:
    """How long a check holds after the last poll that verified it."""
    by = BY_FRESHNESS.get(name)
    least: timedelta = rules.verified if by is None else getattr(gate, by)
    longer = entry.spec.check_age.get(name) if by is None else getattr(entry.spec, by)
    return max(least, longer or least)
