"""Checks that sources verified and have not verified again for too long: time alone makes them stale, and production is denied.

That a source goes blind is told ahead of it, at half its freshness (`tend`); this is the denial itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from monitor.domain import ages, checklist, tell
from monitor.domain import events as ev
from monitor.domain.configuration import Configuration, SourceSpec
from monitor.domain.notice import Reason
from monitor.domain.registry import CheckState, Entry, Register, Status
from monitor.pipeline.ports import Reader
from monitor.pipeline.standing import Freshness

Aged = Mapping[str, Mapping[str, datetime]]
"""Entry → check → the last look that verified it."""

MISSED = 2
"""What a source verifies that is polled seldom ages only after as many of its looks were missed."""


def aged(
    reader: Reader,
    configuration: Configuration,
    entries: Mapping[str, Entry],
    now: datetime,
    *,
    sources: Collection[str] | None = None,
    cadence: Mapping[str, timedelta] | None = None,
) -> Aged:
    """The checks of these entries whose age has passed; of all, or of those that the named sources feed. `cadence` lengthens the age of what a source feeds."""
    fresh = Freshness(reader, configuration)
    found: dict[str, dict[str, datetime]] = {}
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
                name not in ages.BY_FRESHNESS
            ):  # what goes by freshness is denied by the gate then, however seldom it is polled
                slack += [MISSED * spec.every for spec in feeding]
            if now - last > max(ages.verified(entry, name, configuration.gate, configuration.checks), *slack):
                found.setdefault(key, {})[name] = last
    return found


def awaited(reader: Reader, configuration: Configuration) -> list[str]:
    """The sources that cost nothing and whose next poll may verify a check that is stale."""
    living = [entry for entry in reader.entries().values() if entry.alive]
    return [
        spec.key
        for spec in configuration.sources.values()
        if not spec.paid and any(checklist.awaits(entry, spec) for entry in living)
    ]


def _feeding(configuration: Configuration, entry: Entry, name: str) -> list[SourceSpec]:
    return [spec for spec in configuration.sources.values() if name in checklist.fed_by(spec, entry)]


def _seen(fresh: Freshness, entry: Entry, name: str) -> datetime | None:
    """The last look that confirmed it and left no row in the log."""
    match ages.BY_FRESHNESS.get(name):
        case "freshness":
            return fresh.access(entry)
        case "price_freshness":
            return fresh.price(entry)
        case _:
            return None


def expire(register: Register, past: Aged, now: datetime) -> list[tell.Told]:
    """Let aged checks go stale; the owners of active entries are told that production is denied."""
    told = []
    for key, names in past.items():
        entry = register.entries[key]
        position = 0
        for name, last in names.items():
            reason = f"no look has verified it since {ev.rfc3339(last)}"
            position = checklist.move(register, ev.CHECK_STALE, key, name, at=now, reason=reason)
        if entry.status is Status.ACTIVE:
            told.append(_told(register, key, names, position))
    return told


def _told(register: Register, key: str, names: Mapping[str, datetime], position: int) -> tell.Told:
    entry = register.entries[key]
    since = min(names.values())
    item = tell.entry_item(
        register,
        key,
        reason=Reason.STALE,
        position=position,
        since=since,
        summary=f"no look has verified {', '.join(names)} since {ev.rfc3339(since)}",
    )
    return tell.Told(owners=entry.texts("owners"), item=item)
