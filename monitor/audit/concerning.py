"""Which events of the log concern one entry, and which say certain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.entry_spec import AT, load
from monitor.core.event_types import in_words
from monitor.core.events import Event, Recorded
from monitor.core.facts import Subject
from monitor.core.names import no_such
from monitor.core.ports import EventQuery, EventReader, Refused
from monitor.registry.lookup import find_entry, find_row

_DECLARING = (ev.ENTRY_DECLARED, ev.ENTRY_RENAMED, ev.ENTRY_AMENDED)


@dataclass(frozen=True, slots=True)
class OfEntry:
    """Chooses all that concerns an entry: what befell it, its models and prices, what its owners were sent, who asked.

    Attributes:
        entry: its key, or that of one of its rows: then what befell the others is left out.
        rows: the keys of its rows, those included that they had before they were renamed.
        models: every model that it ever had, and whose price it ever went by: of a surface or of a provider.
    """

    entry: str
    rows: frozenset[str]
    models: frozenset[Subject]
    _sent: dict[str, bool] = field(default_factory=dict)

    def __call__(self, event: Event, reader: EventReader) -> bool:
        """Return whether an event concerns it."""
        kind = event.stream.partition("/")[0]
        if row := ev.entry_key(event):
            return row in self.rows
        if kind == "gate":
            surface = event.data.get("surface", "")
            return event.subject in self.rows or f"{event.subject}{AT}{surface}" in self.rows
        if kind == "notice":
            return self._told(event, reader)
        scopes = [str(event.data[key]) for key in ("surface", "provider") if event.data.get(key)]
        return any(model.name == event.subject and (not scopes or model.scope in scopes) for model in self.models)

    def queries(self, base: EventQuery) -> list[EventQuery]:
        """Return questions that together mean everything that concerns it and that `base` means, and more."""
        if base.subject or base.stream:
            return [base]
        notices = (ev.NOTICE_DELIVERED, ev.NOTICE_DEAD, ev.NOTICE_ACKNOWLEDGED)
        names = {*self.rows, *(row.partition(AT)[0] for row in self.rows), *(model.name for model in self.models)}
        return [
            *(replace(base, stream=ev.entry_stream(row)) for row in sorted(self.rows)),
            *(replace(base, subject=name) for name in sorted(names)),
            *of_types((type for type in notices if not base.type or fnmatchcase(type, base.type)), base),
        ]

    def _told(self, event: Event, reader: EventReader) -> bool:
        if "entries" in event.data:
            return not self.rows.isdisjoint(event.data["entries"])
        if event.subject not in self._sent:
            notice = reader.notice(event.subject)
            items = () if notice is None else notice.items
            self._sent[event.subject] = any(item.entry in self.rows for item in items)
        return self._sent[event.subject]


def of_entry(reader: EventReader, key: str) -> OfEntry:
    """Choose what concerns an entry, on all its surfaces unless its key names one.

    Raises:
        Refused: there is no such entry.
    """
    entries = reader.entries()
    row = find_entry(entries, find_row(entries, key))
    rows = {row.key} if AT in key else {other.key for other in entries.values() if other.spec.entry == row.spec.entry}
    models: set[Subject] = set()
    for of in tuple(rows):
        for type in _DECLARING:
            for record in reader.events(EventQuery(type=type, stream=ev.entry_stream(of))):
                rows.add(ev.entry_key(record.event))  # the key that it had before it was renamed
                spec = load(record.event.data["declaration"])
                ids = {*spec.surfaces.values(), spec.price_model} - {""}
                models |= {Subject(surface, id) for surface, id in spec.surfaces.items() if id}
                models |= {Subject(spec.provider, id) for id in ids}
    return OfEntry(key, frozenset(rows), frozenset(models))


LATEST = 10_000
"""How many of the latest events are searched for a name like one that nobody knows."""


def find_actor(reader: EventReader, name: str) -> str:
    """Return the name of somebody who wrote an event.

    Raises:
        Refused: nobody of this name did.
    """
    if name in ("", ev.SYSTEM) or any(True for _ in reader.events(EventQuery(actor=name, acts=True, limit=1))):
        return name
    people = {recorded.event.actor for recorded in reader.events(EventQuery(acts=True))}
    raise Refused(no_such("actor", name, people, f"the log has acts of: {', '.join(sorted(people)) or 'nobody'}"))


def find_subject(reader: EventReader, name: str) -> str:
    """Return what an event of the log is about; a pattern is any.

    Raises:
        Refused: no event is about this.
    """
    if not name or set("*?") & set(name) or any(True for _ in reader.events(EventQuery(subject=name, limit=1))):
        return name
    latest = reader.events(EventQuery(newest_first=True, limit=LATEST))
    subjects = {recorded.event.subject for recorded in latest} | reader.entries().keys()
    raise Refused(no_such("subject", name, subjects - {""}, "`access-monitor events` shows what the log is about"))


def passing(reader: EventReader, query: EventQuery, entry: OfEntry | None, text: Saying | None) -> Iterator[Recorded]:
    """Yield the events that a query means, that concern an entry and that say a text, while they are read."""
    unbounded = replace(query, limit=None)
    if entry is not None:
        chosen = merged(reader, entry.queries(unbounded), newest_first=query.newest_first)
    elif text is not None:
        chosen = reader.events(unbounded)
    else:
        yield from reader.events(query)
        return
    tests = [test for test in (entry, text) if test is not None]
    passed = (recorded for recorded in chosen if all(test(recorded.event, reader) for test in tests))
    yield from islice(passed, query.limit)


@dataclass(frozen=True, slots=True)
class Saying:
    """Chooses events that say all of some words, in small letters; wherever: type, subject, source, actor, or data."""

    words: tuple[str, ...]

    def __call__(self, event: Event, reader: EventReader) -> bool:
        """Return whether an event says them."""
        parts = (event.type, event.subject, event.source, event.actor, in_words(event), *_texts(event.data))
        text = "\n".join(parts).casefold()
        return all(word in text for word in self.words)


def saying(text: str) -> Saying:
    """Choose events that say every word of a text."""
    return Saying(tuple(text.casefold().split()))


def _texts(value: Any) -> Iterator[str]:
    """Yield everything that data state, without the names under which they do."""
    if isinstance(value, Mapping):
        values: Iterable[Any] = value.values()
    elif isinstance(value, list | tuple):
        values = value
    else:
        yield str(value)
        return
    for inner in values:
        yield from _texts(inner)
