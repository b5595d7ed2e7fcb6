"""Which models end when, by whom it is said: the models list of a surface beside its provider's deprecations page.

Reading only. What two sources say differently is shown side by side; neither overrules the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from monitor.core.configuration import Configuration
from monitor.core.facts import DEPRECATION, REPLACEMENT, SHUTDOWN_DATE, Fact, Subject
from monitor.core.ports import Reader, Refused
from monitor.registry.freshness import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What one source says of the end of a model.

    `days` are left until it, negative once it is past. `listed` says whether the model still stands in a list of its
    provider's surfaces, None where none is watched. `agrees` says whether all sources state the same day. `entries`
    hold the model; `verified_at` is when the day was last seen.
    """

    provider: str
    model: str
    source: str
    trust: str
    day: date
    days: int
    replacement: str
    status: str
    notice_date: str
    listed: bool | None
    agrees: bool
    entries: tuple[str, ...]
    verified_at: datetime | None


def ends(reader: Reader, configuration: Configuration, now: datetime, name: str = "") -> list[End]:
    """Return the ends that are announced of an entry's models or of a model; without a name those ahead and those of
    entries. The next first.

    Raises:
        Refused: no source announces an end of what is named.
    """
    dates = list(_said(reader, configuration, now))
    entry = reader.entries().get(name)
    if entry is not None:
        models = {subject.name for subject in entry.subjects}
        dates = [end for end in dates if name in end.entries and end.model in models]
    elif name:
        dates = [end for end in dates if name in (end.model, f"{end.provider}/{end.model}")]
    else:
        dates = [end for end in dates if end.days >= 0 or end.entries]
    if name and not dates:
        raise Refused(f"no source announces an end of {name!r}; `access-monitor lifecycle` shows those that are")
    first: dict[tuple[str, str], date] = {}
    for end in dates:
        first[end.provider, end.model] = min(first.get((end.provider, end.model), end.day), end.day)
    return sorted(dates, key=lambda end: (first[end.provider, end.model], end.provider, end.model, end.day, end.source))


def _said(reader: Reader, configuration: Configuration, now: datetime) -> Iterator[End]:
    fresh = Freshness(reader, configuration)
    entries = {key: entry for key, entry in sorted(reader.entries().items()) if entry.alive}
    providers = {key: surface.provider for key, surface in configuration.surfaces.items()}
    dates = [
        (spec, subject, fields, day)
        for spec in configuration.sources.values()
        for subject, fields in (fresh.baselines.baseline(spec.key) or {}).items()
        if SHUTDOWN_DATE in fields and (day := _day(fields[SHUTDOWN_DATE])) is not None
    ]
    days: dict[tuple[str, str], set[date]] = {}
    for _, subject, _, day in dates:
        days.setdefault((providers.get(subject.scope, subject.scope), subject.name), set()).add(day)
    for spec, subject, fields, day in dates:
        provider = providers.get(subject.scope, subject.scope)
        lists = [
            fresh.baselines.listed(Subject(key, subject.name)) for key, whose in providers.items() if whose == provider
        ]
        stated_lists = [listed for listed in lists if isinstance(listed, bool)]
        yield End(
            provider=provider,
            model=subject.name,
            source=spec.key,
            trust=spec.trust,
            day=day,
            days=(day - now.date()).days,
            replacement=str(fields.get(REPLACEMENT, "")),
            status=str(fields.get(f"{DEPRECATION}status", "")),
            notice_date=str(fields.get(f"{DEPRECATION}notice_date", "")),
            listed=any(stated_lists) if stated_lists else None,
            agrees=len(days[provider, subject.name]) == 1,
            entries=tuple(dict.fromkeys(entry.spec.entry for entry in entries.values() if subject in entry.subjects)),
            verified_at=fresh.seen(spec, Fact(subject, SHUTDOWN_DATE)),
        )


def _day(value: object) -> date | None:
    """Return the day of a stated date; a plug-in may state what is none."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
