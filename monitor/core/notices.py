"""What someone is told: the content of a notice, before any channel gives it a form.

A notice is made in the transaction that decides, from what that transaction knows, and never looked up again: a message
sent hours later still says what was true when it was decided. Wording and markup are the business of `notify`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why someone is told; the most serious reason of a notice's items is its headline."""

    PAUSED = "paused"  # production is denied now
    PAUSE_EXTENDED = "pause_extended"  # it was already, and another assumption fell
    FALLBACK_LOST = "fallback_lost"  # what should stand in for it is denied as well, or about to end
    UNACKNOWLEDGED = "unacknowledged"  # it is paused, and nobody said that they take it on
    TROUBLE = "trouble"  # the monitor itself cannot record what it sees, or publish what it decided
    HELD = "held"  # something was seen that is not confirmed yet: a mass drop, an implausible price
    BLIND = "blind"  # a source has not been read for too long
    STALE = "stale"  # a check passed its age
    VISIBLE = "visible"  # an entry that waited can be evaluated
    REMINDER = "reminder"  # a day that is known ahead comes
    CHANGED = "changed"  # something moved that pauses nothing
    UNDELIVERED = "undelivered"  # another destination could not be reached
    RECOVERED = "recovered"  # what was in trouble works again, what was lost is there again
    TEST = "test"


PAUSING = frozenset({Reason.PAUSED, Reason.PAUSE_EXTENDED})
"""Reasons that tell of a pause when it comes or goes on."""

SERIOUS = frozenset(
    {
        Reason.PAUSED,
        Reason.PAUSE_EXTENDED,
        Reason.FALLBACK_LOST,
        Reason.UNACKNOWLEDGED,
        Reason.TROUBLE,
        Reason.HELD,
        Reason.BLIND,
        Reason.STALE,
        Reason.UNDELIVERED,
    }
)
"""Reasons that are worth waking someone for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that moved: `what` is the field, `old` and `new` are None where there was or is none."""

    subject: str
    what: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to tell, about one entry, or about a source or model that no entry is for.

    `status` is the entry's status after the decision. What follows is the gate's own answer at that moment: `denied`
    says whether production is denied it to everybody, and `refusal` why the gate says no; `spared` are the callers that
    may go on until `spared_until`; `fallback` is what the gate names instead, else the entry's declared fallback, and
    `fallback_allowed` says which. `since` is the first poll that showed the change, `polls` how many good polls
    confirmed it, `position` the event to ask `why` about, `evidence` the stored bytes. `commands` are the exact
    commands to run next, in order, `asks` the checks that a pause asks for before it may be resumed. `lease_until` is
    set at sending where the lease files cannot be written: until then they still allow what is denied.
    """

    reason: Reason
    subject: str
    position: int
    since: datetime
    entry: str = ""
    name: str = ""
    status: str = ""
    source: str = ""
    summary: str = ""
    asks: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    polls: int = field(default=0, metadata={"stored": "looks"})
    evidence: str = ""
    denied: bool = False
    refusal: str = ""
    spared: tuple[str, ...] = ()
    spared_until: datetime | None = None
    lease_until: datetime | None = None
    fallback: str = ""
    fallback_allowed: bool = False
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one owner is told of one decision. `id` is the same at every attempt, so that a reader can see a repeat."""

    id: str
    owner: str
    at: datetime
    items: tuple[Item, ...]

    @property
    def reason(self) -> Reason:
        """The most serious reason among the items, in the order of `Reason`."""
        return min((item.reason for item in self.items), key=list(Reason).index)
