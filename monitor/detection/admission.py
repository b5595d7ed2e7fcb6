"""Whether a poll may be compared with the baseline at all, and what of it is held.

Over 185 days of real lists, an empty or suddenly shortened answer with status 200 was as often a fault of the provider
as the truth. What is missing from such an answer is held: it is said, it renews nothing, and each absence that began in
it is confirmed only after it stood for the hold. What stands in the answer is judged as always.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.core import price
from monitor.core.changes import MASS
from monitor.core.facts import ITEMS, Fact, Facts, SourceState, Subject

MASS_SHARE = 0.2
SHRINK = 0.4

FLOOD = 1_000
FLOOD_FACTOR = 5
"""So many new subjects at once, and so many times those that are known, are no list of models that grew."""

CHANGES = 10_000
"""How many facts may differ in one poll; more are held as one, and taken as one."""

REVERSED = timedelta(days=30)
"""For how long a mass drop that was reversed makes the next hold of its source longer."""

LONGEST_HOLD = timedelta(hours=96)


class AdmissionVerdict(StrEnum):
    """Of a `HELD` poll what is missing, or what is new, is not confirmed before the hold has passed."""

    ACCEPTED = "accepted"
    HELD = "held"


EMPTY, MASS_DROP, SHRUNKEN = "empty", "mass_drop", "shrunken_page"
MASS_GAIN, MASS_CHANGE, TOO_MANY = "mass_gain", "mass_change", "too_many"
INCONSISTENT = "inconsistent"

DROPS = frozenset({EMPTY, MASS_DROP, SHRUNKEN})
"""The reasons to hold what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The verdict; for a held poll its reason, the known subjects that are missing from it or have lost a whole meter
    (`meters`, as fields), and how many are `new`.
    """

    verdict: AdmissionVerdict
    reason: str = ""
    missing: tuple[Subject, ...] = ()
    meters: tuple[str, ...] = ()
    new: tuple[Subject, ...] = ()

    @property
    def dropped(self) -> bool:
        """Whether it is a mass drop: the reason is what is missing."""
        return self.reason in DROPS

    @property
    def holds_absences(self) -> bool:
        """Whether what is missing is held: in a mass drop, and in an answer that is flooded, which may be another's
        list.
        """
        return self.dropped or self.floods

    @property
    def floods(self) -> bool:
        """Whether what is new is held."""
        return bool(self.new)


def hold(base: timedelta, reversals: int) -> timedelta:
    """Return how long a mass drop has to stand at a source of which so many were reversed lately."""
    return max(base, min(base * (1 << min(reversals, 16)), LONGEST_HOLD))


def late(state: SourceState, at: datetime, now: datetime) -> bool:
    """Return whether a poll that began at `at` is overtaken by one that was accepted already; it is dropped whole.

    A poll that is dated after `now` overtakes nothing: the clock was set back, and would blind the source until it
    catches up.
    """
    return state.accepted_at is not None and at <= state.accepted_at <= now


def admit(
    state: SourceState,
    baseline: Facts,
    facts: Facts,
    *,
    body_size: int | None,
    renamed: Set[Subject] = frozenset(),
    unclear: Set[Fact] = frozenset(),
    partial: bool = False,
) -> Admission:
    """Judge a poll against what is confirmed. `body_size` in bytes is given for pages only, None for lists and feeds.

    What only goes by another id now (`renamed`) is not missing, a meter of which any price is `unclear` has not
    vanished, and from an answer that is `partial` by nature nothing is missing.
    """
    if partial:
        return Admission(verdict=AdmissionVerdict.ACCEPTED)
    new = facts.keys() - baseline.keys() if baseline or state.baseline else frozenset()
    floods = len(new) > FLOOD and len(new) > FLOOD_FACTOR * len(baseline)
    flood = tuple(sorted(new)) if floods else ()
    if len(facts) > ITEMS:
        return Admission(verdict=AdmissionVerdict.HELD, reason=TOO_MANY, new=flood or tuple(sorted(facts)))
    missing = tuple(sorted(baseline.keys() - facts.keys() - renamed))
    meters = _meters(baseline, facts, {fact.field for fact in unclear})
    reason = _drop(state, baseline, facts, missing, meters, body_size)
    if meters:
        bereft = {s for s, fields in baseline.items() if s in facts and not meters.isdisjoint(fields)}
        missing = tuple(sorted(bereft.union(missing)))
    if not reason and not flood:
        return Admission(verdict=AdmissionVerdict.ACCEPTED)
    return Admission(
        verdict=AdmissionVerdict.HELD,
        reason=reason or MASS_GAIN,
        missing=missing,
        meters=tuple(sorted(meters)),
        new=flood,
    )


def _drop(
    state: SourceState,
    baseline: Facts,
    facts: Facts,
    missing: Collection[Subject],
    meters: Collection[str],
    body_size: int | None,
) -> str:
    """Return the reason to hold what is missing; empty where there is none."""
    if not baseline and (facts or state.baseline):  # an empty answer where emptiness is confirmed is no news
        return ""
    if not facts:
        return EMPTY
    if meters or (len(missing) >= MASS and len(missing) >= MASS_SHARE * len(baseline)):
        return MASS_DROP
    rows, baseline_rows = _rows(facts), _rows(baseline)
    shrunken = body_size is not None and (
        rows < (1 - SHRINK) * baseline_rows or body_size < (1 - SHRINK) * state.body_size
    )
    return SHRUNKEN if shrunken else ""


def _meters(baseline: Facts, facts: Facts, unclear: Set[str]) -> frozenset[str]:
    """Return the meters that several rows which stand had, and none has now."""
    counts: dict[str, int] = {}
    for subject, fields in baseline.items():
        if subject in facts:
            for field in fields.keys() - facts[subject].keys():
                if field.startswith(price.PREFIX) and field not in unclear:
                    counts[field] = counts.get(field, 0) + 1
    often = {field for field, count in counts.items() if count >= MASS}
    for fields in facts.values() if often else ():
        often -= fields.keys()
    return frozenset(often)


def _rows(facts: Facts) -> int:
    return sum(len(fields) for fields in facts.values())
