"""Whether a route answers differently than it did: a shift of latency or of the share of failed calls, beyond a stated
test.

Calls are taken in windows that do not overlap: the last whole span of `WINDOW` polls the route's own interval, counted
from the epoch, so that a restart neither moves nor repeats one. A window is held against up to `REFERENCE` calls before
it, no older than the last shift that was told: what is compared is the level of now with the level that its owners
know, and a return to the old level is a shift like any other.

* latency of granted calls: Mann-Whitney's U, two-sided, by the normal approximation with correction for ties and
  continuity, and a ratio of the medians of at least `RATIO`. Latencies wander, and successive ones are alike: the
  variance is inflated by (1 + r) / (1 - r), r being the correlation of successive ranks in the reference;
* the share of calls that were not granted: Fisher's exact test, two-sided, and a difference of at least `SHARE`.

Both at `ALPHA`. At the default interval of six hours a window is five days, so 73 of each are tested in a year: of
independent calls the tests alone make fewer than 73 x 2 x `ALPHA` = 0.0073 false alarms per (model, route) and year,
one in 137 years, and the least effects make them fewer still. `bench/drift.py` measures it.

Whether the routes answer differently than they did: what was measured is tested once a window, and a shift is told,
never acted upon.

Nothing is remembered but the log and the measurements: the last told shift of a route says since when its level holds,
and a window that was told is not told again, whoever asks and however often. In memory is only which windows need not
be tested again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import erfc, exp, lgamma, sqrt
from statistics import median
from typing import NamedTuple

from monitor.core import events as ev
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.events import Ledger, source_stream
from monitor.core.facts import BEHAVIOUR, Measurement
from monitor.core.ports import EventQuery, MeasurementQuery, Reader
from monitor.core.text import MILLISECONDS

WINDOW = 20
"""How many polls a window spans."""

LEAST = 12
"""How many calls a window must hold, and a reference, to be tested at all."""

REFERENCE = 200
"""How many calls a window is held against at most."""

ALPHA = 5e-5
"""How often one test may see a shift where there is none."""

RATIO = 1.5
"""How far apart the medians of two latencies must be, as a ratio, to be worth telling."""

SHARE = 0.2
"""How far apart two shares of failed calls must be to be worth telling."""

MOST_ALIKE = 0.9
"""The highest correlation of successive calls that is confirmed of a reference."""

LATENCY = "latency"
ERRORS = "errors"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From when until when a window is, the end not included."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftShift:
    """A shift of one route. `old` and `new` are median milliseconds, or shares of calls that were not granted as
    decimal strings.

    `test` is which test saw it, `p` how often it would without a shift, `calls` and `reference` how many calls it
    compared.
    """

    what: str
    old: int | str
    new: int | str
    test: str
    p: str
    calls: int
    reference: int


def window(every: timedelta, now: datetime) -> Span:
    """Return the last window that is over, of a route that is polled so often."""
    width = every * WINDOW
    since = _EPOCH + width * ((now - _EPOCH) // width - 1)
    return Span(since, since + width)


def shift(what: str, before: Sequence[Measurement], now: Sequence[Measurement]) -> DriftShift | None:
    """Return the shift of one kind between two series of calls, None where there is none to tell or too few calls to
    tell it from.
    """
    return _latency(before, now) if what == LATENCY else _errors(before, now)


def _latency(before: Iterable[Measurement], now: Iterable[Measurement]) -> DriftShift | None:
    old = [measurement.latency for measurement in before if not measurement.failed][-REFERENCE:]
    new = [measurement.latency for measurement in now if not measurement.failed]
    if min(len(old), len(new)) < LEAST:
        return None
    was, is_now = median(old), median(new)
    if max(was, is_now) < RATIO * max(min(was, is_now), 1):
        return None
    p = mann_whitney(old, new, inflation=inflation(old))
    if p > ALPHA:
        return None
    return DriftShift(
        what=LATENCY,
        old=round(was),
        new=round(is_now),
        test="Mann-Whitney U",
        p=f"{p:.1e}",
        calls=len(new),
        reference=len(old),
    )


def _errors(before: Sequence[Measurement], now: Sequence[Measurement]) -> DriftShift | None:
    before = before[-REFERENCE:]
    if min(len(before), len(now)) < LEAST:
        return None
    failed_before = sum(measurement.failed for measurement in before)
    failed_now = sum(measurement.failed for measurement in now)
    was, is_now = failed_before / len(before), failed_now / len(now)
    if abs(is_now - was) < SHARE:
        return None
    p = fisher(failed_before, len(before), failed_now, len(now))
    if p > ALPHA:
        return None
    return DriftShift(
        what=ERRORS,
        old=f"{was:.3f}",
        new=f"{is_now:.3f}",
        test="Fisher exact",
        p=f"{p:.1e}",
        calls=len(now),
        reference=len(before),
    )


def mann_whitney(one: Sequence[float], other: Sequence[float], *, inflation: float = 1.0) -> float:
    """Return the two-sided p of Mann-Whitney's U, by the normal approximation; 1 where all values are equal.

    `inflation` is by how much the variance exceeds that of independent values.
    """
    n, m = len(one), len(other)
    pool = [*one, *other]
    u = sum(_ranks(pool)[:n]) - n * (n + 1) / 2
    total = n + m
    ties = sum(count**3 - count for count in Counter(pool).values())
    variance = inflation * n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / sqrt(variance)
    return erfc(z / sqrt(2))


def inflation(values: Sequence[float]) -> float:
    """Return by how much the variance of a sum of these values, in order of time, exceeds that of independent ones: 1
    or more.
    """
    ranks = _ranks(values)
    middle = (len(ranks) + 1) / 2
    spread = sum((rank - middle) ** 2 for rank in ranks)
    if not spread:
        return 1.0
    r = sum((a - middle) * (b - middle) for a, b in pairwise(ranks)) / spread
    r = min(max(r, 0.0), MOST_ALIKE)
    return (1 + r) / (1 - r)


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1 on; equal values share the middle of theirs."""
    middle: dict[float, float] = {}
    place = 1
    for value, count in sorted(Counter(values).items()):
        middle[value] = place + (count - 1) / 2
        place += count
    return [middle[value] for value in values]


def fisher(failed: int, calls: int, others_failed: int, others: int) -> float:
    """Return the two-sided p of Fisher's exact test: of all tables with these margins, those that are no likelier than
    this one.
    """
    margin, total = failed + others_failed, calls + others

    def chance(k: int) -> float:
        return exp(_choose(calls, k) + _choose(others, margin - k) - _choose(total, margin))

    observed = chance(failed)
    low, high = max(0, margin - others), min(margin, calls)
    return min(1.0, sum(p for k in range(low, high + 1) if (p := chance(k)) <= observed * (1 + 1e-9)))


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


SETTLED = timedelta(minutes=10)
"""How long after its end a window is tested: calls that began in it have ended and are written by then."""

MOST = 2 * REFERENCE
"""How many calls are read for a reference, failed ones included."""


class Drift:
    """Tests the windows of all behaviour sources as they end."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._tested: dict[str, datetime] = {}

    def shifts(
        self, reader: Reader, now: datetime, sources: Collection[str] | None = None
    ) -> list[tuple[SourceSpec, Span, DriftShift]]:
        """Return the shifts that are not told yet, of the named sources or of all."""
        result = []
        for key, spec in self._configuration.sources.items():
            if not spec.can.calls or (sources is not None and key not in sources):
                continue
            span = window(spec.every, now - SETTLED)
            if self._tested.get(key) == span.since:
                continue
            samples = self._test(reader, spec, span)
            if not samples:
                self._tested[key] = span.since
            result += [(spec, span, shift) for shift in samples]
        return result

    def _test(self, reader: Reader, spec: SourceSpec, span: Span) -> list[DriftShift]:
        now = list(reader.measurements(MeasurementQuery(source=spec.key, since=span.since, until=span.until)))
        if len(now) < LEAST:
            return []
        levels = []
        for what in (LATENCY, ERRORS):
            level = self._level(reader, spec, what)
            if level is None or level < span.since:
                levels.append(shift(what, self._before(reader, spec, level, span.since), now))
        return [shift for shift in levels if shift is not None]

    def _level(self, reader: Reader, spec: SourceSpec, what: str) -> datetime | None:
        """Return since when the level that owners know holds; None where none was ever told."""
        query = EventQuery(type=ev.BEHAVIOUR_CHANGED, source=spec.key, newest_first=True)
        changes = (record.event for record in reader.events(query))
        mine = field(spec, what)
        last = next((event for event in changes if event.data["field"] == mine and "window_since" in event.data), None)
        return None if last is None else datetime.fromisoformat(last.data["window_since"])

    def _before(self, reader: Reader, spec: SourceSpec, level: datetime | None, until: datetime) -> list[Measurement]:
        query = MeasurementQuery(source=spec.key, since=level, until=until, limit=MOST, newest_first=True)
        return list(reader.measurements(query))[::-1]


def field(spec: SourceSpec, what: str) -> str:
    """Return the field of a shift: `behaviour.chat.latency`."""
    return f"{BEHAVIOUR}{spec.route}.{what}"


def record_shift(ledger: Ledger, spec: SourceSpec, span: Span, shift: DriftShift) -> None:
    """Write the event of a shift."""
    ledger.add(
        ev.BEHAVIOUR_CHANGED,
        source_stream(spec.key),
        spec.model,
        at=span.since,
        source=spec.key,
        data={
            "surface": spec.surface,
            "field": field(spec, shift.what),
            "old": shift.old,
            "new": shift.new,
            "unit": MILLISECONDS if shift.what == LATENCY else "share of calls",
            "test": shift.test,
            "p": shift.p,
            "calls": shift.calls,
            "compared": shift.reference,
            "window_since": ev.rfc3339(span.since),
            "window_until": ev.rfc3339(span.until),
        },
    )
