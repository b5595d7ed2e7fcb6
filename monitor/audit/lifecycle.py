"""Which models and endpoints end when, by whom it is said: the models list of a surface beside its provider's page of
ends and what third parties collect.

Reading only. What two sources say differently is shown side by side; neither overrules the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.ends import AnnouncedEnd, Precision
from monitor.core.events import LIFECYCLE_ANNOUNCED
from monitor.core.facts import DEPRECATION, REPLACEMENT, SHUTDOWN_DATE, Fact, Subject
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.registry.freshness import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What one source says of the end of a model.

    Attributes:
        kind: `model`, `endpoint` or `feature`; `model` is its name.
        day: The day, which is that of the end where `precision` is firm.
        days: How many are left until it, negative once it is past; None where it is not firm.
        replacement: What to move to, in the words of the source; `replacement_kind` says whether that is one id that
            stands in (`drop_in`), several (`options`) or words (`note`), and is empty where the source does not say.
        listed: Whether the model still stands in a list of its provider's surfaces; None where none is watched.
        agrees: Whether no other source contradicts it.
        entries: The keys of the entries that hold the model or call the endpoint.
        fallback_of: The keys of those that such an entry is the fallback of.
        verified_at: When the day was last seen.
    """

    provider: str
    model: str
    kind: str
    source: str
    trust: str
    day: date
    precision: Precision
    days: int | None
    replacement: str
    replacement_kind: str
    status: str
    notice_date: str
    listed: bool | None
    agrees: bool
    entries: tuple[str, ...]
    fallback_of: tuple[str, ...]
    verified_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmEnd:
    """The day on which a model ends by an official source, since when that is announced, and the page that says so
    (empty: it has none).
    """

    day: date
    announced_at: datetime
    url: str


def firm_ends(reader: Reader, configuration: Configuration, now: datetime) -> dict[str, FirmEnd]:
    """Return the firm ends that official sources announce of the models of living rows, by the keys of these: the
    earliest of several.
    """
    by_row: dict[str, FirmEnd] = {}
    announced = [
        end
        for end in _said(reader, configuration, now)
        if end.kind == "model" and end.precision is Precision.FIRM and end.trust == OFFICIAL and end.entries
    ]
    rows = reader.entries()
    for end in sorted(announced, key=lambda end: end.day, reverse=True):
        firm = FirmEnd(
            day=end.day,
            announced_at=_announced_at(reader, end, now),
            url=configuration.sources[end.source].shown_url,
        )
        for key, row in rows.items():
            if row.alive and row.spec.entry in end.entries and row.spec.model_id == end.model:
                by_row[key] = firm
    return by_row


def _announced_at(reader: Reader, end: End, now: datetime) -> datetime:
    """Return since when an end is announced: by the source's own words, else since it was first seen."""
    try:
        return datetime.combine(date.fromisoformat(end.notice_date), time(), UTC)
    except ValueError:
        query = EventQuery(type=LIFECYCLE_ANNOUNCED, subject=end.model, source=end.source, newest_first=True, limit=1)
        return next((recorded.event.occurred_at for recorded in reader.events(query)), end.verified_at or now)


def ends(reader: Reader, configuration: Configuration, now: datetime, name: str = "") -> list[End]:
    """Return the ends that are announced of an entry's models or of a model; without a name those ahead and those of
    entries. The next first.

    Raises:
        Refused: no source announces an end of what is named.
    """
    dates = list(_said(reader, configuration, now))
    entry = reader.entries().get(name)
    if entry is not None:
        models = {subject.name for subject in entry.subjects | entry.endpoints}
        dates = [end for end in dates if name in end.entries and end.model in models]
    elif name:
        dates = [end for end in dates if name in (end.model, f"{end.provider}/{end.model}")]
    else:
        dates = [end for end in dates if end.days is None or end.days >= 0 or end.entries]
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
    statements = [
        (spec, subject, fields, end)
        for spec in configuration.sources.values()
        for subject, fields in (fresh.baselines.baseline(spec.key) or {}).items()
        if (end := AnnouncedEnd.of(fields.get(SHUTDOWN_DATE))) is not None
    ]
    ends: dict[tuple[str, str], set[AnnouncedEnd]] = {}
    for _, subject, _, end in statements:
        ends.setdefault((providers.get(subject.scope, subject.scope), subject.name), set()).add(end)
    for spec, subject, fields, end in statements:
        provider = providers.get(subject.scope, subject.scope)
        lists = [
            fresh.baselines.listed(Subject(key, subject.name)) for key, whose in providers.items() if whose == provider
        ]
        stated_lists = [listed for listed in lists if isinstance(listed, bool)]
        concerned = tuple(
            dict.fromkeys(entry.spec.entry for entry in entries.values() if subject in entry.subjects | entry.endpoints)
        )
        yield End(
            provider=provider,
            model=subject.name,
            kind=str(fields.get(f"{DEPRECATION}kind", "model")),
            source=spec.key,
            trust=spec.trust,
            day=end.day,
            precision=end.precision,
            days=(end.day - now.date()).days if end.firm else None,
            replacement=str(fields.get(REPLACEMENT, "")),
            replacement_kind=str(fields.get(f"{DEPRECATION}replacement_kind", "")),
            status=str(fields.get(f"{DEPRECATION}status", "")),
            notice_date=str(fields.get(f"{DEPRECATION}notice_date", "")),
            listed=any(stated_lists) if stated_lists else None,
            agrees=_agree(ends[provider, subject.name]),
            entries=concerned,
            fallback_of=tuple(
                dict.fromkeys(entry.spec.entry for entry in entries.values() if entry.spec.fallback in concerned)
            ),
            verified_at=fresh.seen(spec, Fact(subject, SHUTDOWN_DATE)),
        )


def _agree(ends: set[AnnouncedEnd]) -> bool:
    """Return whether ends of one model do not contradict each other: one firm day, and no earliest one behind it."""
    firm = {end.day for end in ends if end.firm}
    return len(firm) <= 1 and all(end.day <= day for end in ends for day in firm)
