"""Whether the routes answer differently than they did: what was measured is tested once a window, and a shift is told, never acted upon.

Nothing is remembered but the log and the measurements: the last told shift of a route says since when its level holds, and a window that was
told is not told again, whoever asks and however often. In memory is only which windows need not be tested again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from monitor.domain import drift, policy, tell
from monitor.domain import events as ev
from monitor.domain.configuration import Configuration, SourceSpec
from monitor.domain.drift import ERRORS, LATENCY, Shift, Span
from monitor.domain.events import source_stream
from monitor.domain.model import BEHAVIOUR, Measurement
from monitor.domain.notice import Difference, Reason
from monitor.domain.registry import Register
from monitor.pipeline.ports import EventQuery, MeasurementQuery, Reader

SETTLED = timedelta(minutes=10)
"""How long after its end a window is tested: calls that began in it have ended and are written by then."""

MOST = 2 * drift.REFERENCE
"""How many calls are read for a reference, failed ones included."""


class Drift:
    """Tests the windows of all behaviour sources as they end."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._tested: dict[str, datetime] = {}

    def shifts(
        self, reader: Reader, now: datetime, sources: Collection[str] | None = None
    ) -> list[tuple[SourceSpec, Span, Shift]]:
        """The shifts that are not told yet, of the named sources or of all."""
        found = []
        for key, spec in self._configuration.sources.items():
            if spec.kind != "behaviour" or (sources is not None and key not in sources):
                continue
            span = drift.window(spec.every, now - SETTLED)
            if self._tested.get(key) == span.since:
                continue
            seen = self._test(reader, spec, span)
            if not seen:
                self._tested[key] = span.since
            found += [(spec, span, shift) for shift in seen]
        return found

    def _test(self, reader: Reader, spec: SourceSpec, span: Span) -> list[Shift]:
        now = list(reader.measurements(MeasurementQuery(source=spec.key, since=span.since, until=span.until)))
        if len(now) < drift.LEAST:
            return []
        seen = []
        for what in (LATENCY, ERRORS):
            level = self._level(reader, spec, what)
            if level is None or level < span.since:
                seen.append(drift.shift(what, self._before(reader, spec, level, span.since), now))
        return [shift for shift in seen if shift is not None]

    def _level(self, reader: Reader, spec: SourceSpec, what: str) -> datetime | None:
        """Since when the level that owners know holds; None where none was ever told."""
        asked = EventQuery(type=ev.BEHAVIOUR_CHANGED, source=spec.key, newest_first=True)
        told = (one.event for one in reader.events(asked))
        mine = field(spec, what)
        last = next((event for event in told if event.data["field"] == mine and "window_since" in event.data), None)
        return None if last is None else datetime.fromisoformat(last.data["window_since"])

    def _before(self, reader: Reader, spec: SourceSpec, level: datetime | None, until: datetime) -> list[Measurement]:
        asked = MeasurementQuery(source=spec.key, since=level, until=until, limit=MOST, newest_first=True)
        return list(reader.measurements(asked))[::-1]


def field(spec: SourceSpec, what: str) -> str:
    """The field of a shift: `behaviour.chat.latency`."""
    return f"{BEHAVIOUR}{spec.route}.{what}"


def tell_shift(register: Register, spec: SourceSpec, span: Span, shift: Shift) -> list[tell.Told]:
    """Write the event of a shift; returns what the owners of the entries on this route are told."""
    old, new = shift.spoken
    name = field(spec, shift.what)
    note = f"{new} where it was {old}, over {shift.calls} calls against {shift.reference} before ({shift.test}, p = {shift.p})"
    position = register.add(
        ev.BEHAVIOUR_CHANGED,
        source_stream(spec.key),
        spec.model,
        at=span.since,
        source=spec.key,
        data={
            "surface": spec.surface,
            "field": name,
            "old": shift.old,
            "new": shift.new,
            "unit": "ms" if shift.what == LATENCY else "share of calls",
            "test": shift.test,
            "p": shift.p,
            "calls": shift.calls,
            "compared": shift.reference,
            "window_since": ev.rfc3339(span.since),
            "window_until": ev.rfc3339(span.until),
        },
    )
    return [
        tell.Told(
            owners=entry.texts("owners"),
            item=tell.entry_item(
                register,
                entry.key,
                reason=Reason.CHANGED,
                position=position,
                since=span.since,
                looks=shift.calls,
                source=spec.key,
                summary=note,
                differences=(Difference(subject=spec.model, what=name, old=old, new=new),),
            ),
        )
        for entry in register.entries.values()
        if entry.alive and policy.depends_on(entry, spec)
    ]
