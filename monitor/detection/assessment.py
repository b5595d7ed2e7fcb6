"""What is decided of one poll so far: what each stage takes and returns more of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from monitor.core.changes import Change
from monitor.core.events import Event, Ledger
from monitor.core.facts import (
    Alternation,
    Fact,
    Facts,
    PendingChange,
    PollFailure,
    Snapshot,
    SourceState,
    Subject,
    Unchanged,
)
from monitor.detection.change_events import ChangeEvent
from monitor.detection.comparison import Comparison
from monitor.detection.confirmation import Confirmation, ConfirmedChange, Hold
from monitor.detection.context import AssessmentContext
from monitor.detection.routes import ALONE, Others


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is decided of one poll so far.

    Attributes:
        state: what is kept of the source after it.
        baseline: what is confirmed after it.
        pending: what is pending after it.
        verdict: as `Outcome` has it; empty while the poll is still being judged.
        detail: what is to be read beside the verdict.
        why: what the last stage did, and why, in words.
        closed: whether the stages that follow have nothing to decide.
        events: what is appended to the log, in order.
        kept_facts: the facts that events name by hash.
        kept_evidence: whether the bytes of the poll are kept.
        alternations: what turned lately, to be stored; None where that is as it was.
        turned: what turned lately, by fact; None where nothing differs or is pending, so that nothing can turn.
        turning: the differences of this poll that alternate.
        trigger: the event of a baseline that was taken as a whole.
        rebased: the event of a baseline that was read anew.
        renamed: the rows that go by another id now, old → new.
        comparison: what differs from the baseline, and what of it is admitted.
        hold: what the poll asks of each absence in it, where much is missing at once.
        others: what the other routes say of the models that it misses.
        confirmed: what it made of the differences, before prices that cannot be right are parted from it.
        accepted: the confirmed changes that the baseline moves by.
        doubted: the confirmed changes that cannot be right, each with the reason.
        changes: the confirmed changes with their events.
        held: whether the poll renews nothing.
        missing: the facts that are missing from a poll that is held for it, and verifies the rest; else None.
        calm: what alternates, and hurries nobody.
        poll_again: when to poll next for what is pending.
        ask: other sources that should be polled now.
    """

    state: SourceState
    baseline: Facts
    pending: tuple[PendingChange, ...] = ()
    verdict: str = ""
    detail: str = ""
    why: str = ""
    closed: bool = False
    events: tuple[Event, ...] = ()
    kept_facts: tuple[Facts, ...] = ()
    kept_evidence: bool = False
    alternations: tuple[Alternation, ...] | None = None
    trigger: int | None = None
    rebased: int | None = None
    renamed: Mapping[Subject, Subject] = field(default_factory=dict)
    comparison: Comparison | None = None
    turned: Mapping[Fact, Alternation] | None = None
    turning: tuple[Change, ...] = ()
    hold: Hold | None = None
    others: Others = ALONE
    confirmed: Confirmation | None = None
    accepted: tuple[ConfirmedChange, ...] = ()
    doubted: tuple[tuple[ConfirmedChange, str], ...] = ()
    changes: tuple[ChangeEvent, ...] = ()
    held: bool = False
    missing: frozenset[Fact] | None = None
    calm: frozenset[Fact] = frozenset()
    poll_again: datetime | None = None
    ask: tuple[str, ...] = ()

    @property
    def flooded(self) -> bool:
        """Whether what is new is held, in an answer of which the rest is judged."""
        return not self.closed and self.comparison is not None and self.comparison.admission.floods

    @property
    def suspects(self) -> int:
        """How many differences wait to be confirmed."""
        return sum(bool(change.seen) and change.quarantine is None for change in self.pending)

    @property
    def verifies(self) -> bool:
        """Whether the poll dates checks: not one that is held whole."""
        return not self.held or self.missing is not None


Stage: TypeAlias = Callable[[AssessmentContext, Assessment], Assessment]


def ledger_of(context: AssessmentContext, so_far: Assessment) -> Ledger:
    """Open a ledger that goes on where the events of the poll end."""
    return Ledger(context.head + len(so_far.events))


def written(so_far: Assessment, ledger: Ledger) -> Assessment:
    return replace(so_far, events=(*so_far.events, *ledger.events))


def good_poll(context: AssessmentContext) -> Snapshot | Unchanged:
    assert not isinstance(context.observation, PollFailure), "a failure is closed by its own stage"
    return context.observation


def compared(so_far: Assessment) -> Comparison:
    assert so_far.comparison is not None, "`compare` comes first"
    return so_far.comparison


def confirmed_of(so_far: Assessment) -> Confirmation:
    assert so_far.confirmed is not None, "`confirm` comes first"
    return so_far.confirmed
