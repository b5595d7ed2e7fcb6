"""Which event made what deviates what it is now: a pause names it, whoever finds the deviation, and however long after.

The log is read only where an entry is paused, which hardly any judgement does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain

from monitor.core import events as ev
from monitor.core import price
from monitor.core.baselines import CONFIG, Baselines
from monitor.core.changes import same
from monitor.core.configuration import SourceSpec
from monitor.core.entry import Entry, Pin
from monitor.core.events import Event, entry_stream, source_stream
from monitor.core.facts import LISTED, Fact, Subject, Value
from monitor.core.ports import EventQuery, Reader
from monitor.registry.policy import Origin
from monitor.registry.transitions import RegistryTransaction


class Origins:
    """The events of the log, and of the decision that is being made, by what they gave its value."""

    def __init__(self, reader: Reader, baselines: Baselines, register: RegistryTransaction) -> None:
        self._reader = reader
        self._baselines = baselines
        self._register = register

    def of(self, entry: Entry, pin: Pin, new: Value | None) -> Origin | None:
        """Find the latest event that made a pinned fact what it is now (None: gone): its own change, else the baseline
        that it came with.

        For our own side it is the amendment. None where the log has no such event.
        """
        if pin.scope == CONFIG:
            amended = self._newest(lambda event: True, type=ev.ENTRY_AMENDED, stream=entry_stream(entry.key))
            return None if amended is None else _origin(amended)
        events = [event for spec in self._stating(entry, pin, new) if (event := self._given(spec, entry, pin, new))]
        latest = max(events, key=lambda event: event.position, default=None)
        if latest is None:
            return None
        judged = self._newest(lambda event: event.cause == latest.position, type="access.*", subject=pin.name)
        return replace(_origin(latest), position=(judged or latest).position)

    def _stating(self, entry: Entry, pin: Pin, new: Value | None) -> Iterator[SourceSpec]:
        """List the sources whose baselines hold the value that deviates."""
        if pin.field == LISTED:
            yield from self._baselines.lists(pin.scope)
            return
        statements: Iterable[tuple[SourceSpec, Value]] = self._baselines.statements(
            Fact(Subject(pin.scope, pin.name), pin.field)
        )
        if pin.field.startswith(price.PREFIX):
            subject = Subject(entry.price_subject.scope, pin.name)
            prices = [
                (spec, amount)
                for spec, field, amount in self._baselines.price_statements(subject, region=None)
                if field == pin.field
            ]
            own = [statement for statement in prices if source_stream(statement[0].key) == pin.scope]
            statements = own or prices
        yield from (spec for spec, value in statements if same(pin.field, value, new))

    def _given(self, spec: SourceSpec, entry: Entry, pin: Pin, new: Value | None) -> Event | None:
        """Find the event of one source by which a fact has this value."""
        provider = entry.price_subject.scope
        change = self._newest(lambda event: _about(event, pin, provider), subject=pin.name, source=spec.key)
        if change is not None and same(pin.field, _value(change, pin), new):
            return change
        return self._newest(lambda event: True, type=ev.BASELINE_RECORDED, source=spec.key)

    def _newest(
        self, wanted: Callable[[Event], bool], *, type: str = "", stream: str = "", subject: str = "", source: str = ""
    ) -> Event | None:
        query = EventQuery(type=type, stream=stream, subject=subject, source=source, newest_first=True)
        written = (
            event
            for event in reversed(self._register.events)
            if fnmatchcase(event.type, type or "*")
            and stream in ("", event.stream)
            and subject in ("", event.subject)
            and source in ("", event.source)
        )
        stored = (recorded.event for recorded in self._reader.events(query))
        return next((event for event in chain(written, stored) if wanted(event)), None)


def _about(event: Event, pin: Pin, provider: str) -> bool:
    """Whether an event says what a pinned fact is."""
    data = event.data
    if pin.field.startswith(price.PREFIX):
        if event.type not in (ev.PRICE_LISTED, ev.PRICE_CHANGED, ev.PRICE_REMOVED) or data["provider"] != provider:
            return False
        return price.Meter.named_in(data).field == pin.field
    if pin.scope not in (data.get("surface"), data.get("provider")):
        return False
    if pin.field == LISTED:
        return event.type in (ev.MODEL_LISTED, ev.MODEL_UNLISTED)
    return bool(data.get("field") == pin.field)


def _value(event: Event, pin: Pin) -> Value | None:
    """Return what an event says that a pinned fact is now."""
    if pin.field == LISTED:
        return True if event.type == ev.MODEL_LISTED else None
    value: Value | None = event.data.get("new")
    return value


def _origin(event: Event) -> Origin:
    return Origin(
        position=event.position,
        at=event.occurred_at,
        source=event.source,
        evidence=event.evidence,
        polls=event.data.get("looks", 0),
        note=event.data.get("note", ""),
    )
