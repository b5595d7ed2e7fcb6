"""Whether a route answers differently than it did: a shift of latency or of the share of failed calls, beyond a stated test.

Calls are taken in windows that do not overlap: the last whole span of `WINDOW` looks at the route's own interval, counted from the epoch, so that
a restart neither moves nor repeats one. A window is held against up to `REFERENCE` calls before it, no older than the last shift that was told: what
is compared is the level of now with the level that its owners know, and a return to the old level is a shift like any other.

* latency of granted calls: Mann-Whitney's U, two-sided, by the normal approximation with correction for ties and continuity, and a ratio of the medians of
  at least `RATIO`. Latencies wander, and successive ones are alike: the variance is inflated by (1 + r) / (1 - r), r being the correlation of successive
  ranks in the reference;
* the share of calls that were not granted: Fisher's exact test, two-sided, and a difference of at least `SHARE`.

Both at `ALPHA`. At the default interval of six hours a window is five days, so 73 of each are tested in a year: of independent calls the tests
alone make fewer than 73 x 2 x `ALPHA` = 0.0073 false alarms per (model, route) and year, one in 137 years, and the least effects make them fewer
still. `bench/drift.py` measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import erfc, exp, lgamma, sqrt
from statistics import median
from typing import NamedTuple

from monitor.domain.model import Measurement

WINDOW = 20
"""How many looks a window spans."""

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
"""The highest correlation of successive calls that is believed of a reference."""

LATENCY = "latency"
ERRORS = "errors"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From when until when a window is, the end not included."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A shift of one route. `old` and `new` are median milliseconds, or shares of calls that were not granted as decimal strings.

    `test` is which test saw it, `p` how often it would without a shift, `calls` and `reference` how many calls it compared.
    """

    what: str
    old: int | str
    new: int | str
    test: str
    p: str
    calls: int
    reference: int

    @property
    def spoken(self) -> tuple[str, str]:
        """Both levels in words."""
        if self.what == LATENCY:
            return f"{self.old} ms", f"{self.new} ms"
        return f"{float(self.old):.0%} of calls", f"{float(self.new):.0%} of calls"


def window(every: timedelta, now: datetime) -> Span:
    """The last window that is over, of a route that is looked at so often."""
    width = every * WINDOW
    since = _EPOCH + width * ((now - _EPOCH) // width - 1)
    return Span(since, since + width)


def shift(what: str, before: Sequence[Measurement], now: Sequence[Measurement]) -> Shift | None:
    """The shift of one kind between two series of calls, None where there is none to tell or too few calls to tell it from."""
    return _latency(before, now) if what == LATENCY else _errors(before, now)


def _latency(before: Iterable[Measurement], now: Iterable[Measurement]) -> Shift | None:
    old = [one.latency for one in before if not one.failed][-REFERENCE:]
    new = [one.latency for one in now if not one.failed]
    if min(len(old), len(new)) < LEAST:
        return None
    was, is_now = median(old), median(new)
    if max(was, is_now) < RATIO * max(min(was, is_now), 1):
        return None
    p = mann_whitney(old, new, inflation=inflation(old))
    if p > ALPHA:
        return None
    return Shift(
        what=LATENCY,
        old=round(was),
        new=round(is_now),
        test="Mann-Whitney U",
        p=f"{p:.1e}",
        calls=len(new),
        reference=len(old),
    )


def _errors(before: Sequence[Measurement], now: Sequence[Measurement]) -> Shift | None:
    before = before[-REFERENCE:]
    if min(len(before), len(now)) < LEAST:
        return None
    failed_before = sum(one.failed for one in before)
    failed_now = sum(one.failed for one in now)
    was, is_now = failed_before / len(before), failed_now / len(now)
    if abs(is_now - was) < SHARE:
        return None
    p = fisher(failed_before, len(before), failed_now, len(now))
    if p > ALPHA:
        return None
    return Shift(
        what=ERRORS,
        old=f"{was:.3f}",
        new=f"{is_now:.3f}",
        test="Fisher exact",
        p=f"{p:.1e}",
        calls=len(now),
        reference=len(before),
    )


def mann_whitney(one: Sequence[float], other: Sequence[float], *, inflation: float = 1.0) -> float:
    """The two-sided p of Mann-Whitney's U, by the normal approximation; 1 where all values are equal.

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
    """By how much the variance of a sum of these values, in order of time, exceeds that of independent ones: 1 or more."""
    ranks = _ranks(values)
    middle = (len(ranks) + 1) / 2
    spread = sum((rank - middle) ** 2 for rank in ranks)
    if not spread:
        return 1.0
    r = sum((a - middle) * (b - middle) for a, b in pairwise(ranks)) / spread
    r = min(max(r, 0.0), MOST_ALIKE)
    return (1 + r) / (1 - r)


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value from 1 on; equal values share the middle of theirs."""
    middle: dict[float, float] = {}
    place = 1
    for value, count in sorted(Counter(values).items()):
        middle[value] = place + (count - 1) / 2
        place += count
    return [middle[value] for value in values]


def fisher(failed: int, calls: int, others_failed: int, others: int) -> float:
    """The two-sided p of Fisher's exact test: of all tables with these margins, those that are no likelier than this one."""
    margin, total = failed + others_failed, calls + others

    def chance(k: int) -> float:
        return exp(_choose(calls, k) + _choose(others, margin - k) - _choose(total, margin))

    seen = chance(failed)
    low, high = max(0, margin - others), min(margin, calls)
    return min(1.0, sum(p for k in range(low, high + 1) if (p := chance(k)) <= seen * (1 + 1e-9)))


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
