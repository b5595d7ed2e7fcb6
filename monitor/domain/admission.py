"""Whether a look may be compared with the baseline at all.

Over 185 days of real lists, an empty or suddenly shortened answer with status 200 was as often a fault of the
provider as the truth. Such an answer is held: it is said, it renews nothing, and it is believed only after it stood for `Belief.hold`.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.model import Facts, SourceState, Subject

MASS = 3
MASS_SHARE = 0.2
SHRINK = 0.4


class Verdict(StrEnum):
    """A `HELD` look is counted, but not believed before the hold has passed."""

    ACCEPTED = "accepted"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The verdict; for a held look its reason and the known subjects that are missing from it."""

    verdict: Verdict
    reason: str = ""
    missing: tuple[Subject, ...] = ()


def late(state: SourceState, at: datetime, now: datetime) -> bool:
    """Whether a look that began at `at` is overtaken by one that was accepted already; it is dropped whole.

    A look that is dated after `now` overtakes nothing: the clock was set back, and would blind the source until it catches up.
    """
    return state.accepted_at is not None and at <= state.accepted_at <= now


def admit(
    state: SourceState,
    baseline: Facts,
    facts: Facts,
    *,
    body_size: int | None,
    renamed: Set[Subject] = frozenset(),
    partial: bool = False,
) -> Admission:
    """Judge a look against what is believed. `body_size` in bytes is given for pages only, None for lists and feeds.

    What only goes by another id now (`renamed`) is not missing, and from an answer that is `partial` by nature nothing is.
    """
    if partial:
        return Admission(verdict=Verdict.ACCEPTED)
    missing = tuple(sorted(baseline.keys() - facts.keys() - renamed))
    if not baseline and (facts or state.baseline):  # an empty answer where emptiness is believed is no news
        return Admission(verdict=Verdict.ACCEPTED)
    if not facts:
        return Admission(verdict=Verdict.HELD, reason="empty", missing=missing)
    if len(missing) >= MASS and len(missing) >= MASS_SHARE * len(baseline):
        return Admission(verdict=Verdict.HELD, reason="mass_drop", missing=missing)
    rows, known = _rows(facts), _rows(baseline)
    if body_size is not None and (rows < (1 - SHRINK) * known or body_size < (1 - SHRINK) * state.body_size):
        return Admission(verdict=Verdict.HELD, reason="shrunken_page", missing=missing)
    return Admission(verdict=Verdict.ACCEPTED)


def _rows(facts: Facts) -> int:
    return sum(len(fields) for fields in facts.values())
