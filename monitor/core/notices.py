"""What someone is told: the content of a notice, before any channel gives it a form.

A notice is made in the transaction that decides, from what that transaction knows, and never looked up again: a message
sent hours later still says what was true when it was decided. Wording and markup are the business of `notify`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why someone is told; the most serious reason of a notice's items is its headline. The values are stored."""

    PAUSED = "paused"  # production is denied now
    PAUSE_EXTENDED = "pause_extended"  # it was already, and another pinned value changed
    FALLBACK_LOST = "fallback_lost"  # what should stand in for it is denied as well, or about to end
    UNACKNOWLEDGED = "unacknowledged"  # it is paused, and nobody has acknowledged it
    TROUBLE = "trouble"  # the monitor itself cannot record what it sees, or publish what it decided
    HELD = "held"  # something was seen that is not confirmed yet: a mass drop, an implausible price
    BLIND = "blind"  # a source has not been read for too long
    STALE = "stale"  # a check expired: production is denied where it is required
    APPROVAL = "approval"  # one person asked for an acceptance that takes two
    VISIBLE = "visible"  # an entry that waited can be evaluated, or was activated
    REMINDER = "reminder"  # a day that is known ahead comes
    CHANGED = "changed"  # something moved that pauses nothing
    UNDELIVERED = "undelivered"  # another destination could not be reached
    ENDED = "ended"  # what was told is over: an entry that was retired, a false alarm, a request that lapsed
    ACKNOWLEDGED = "acknowledged"  # somebody has the pause in hand
    RESUMED = "resumed"  # a person let production use it again
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


ENDING = frozenset({Reason.RESUMED, Reason.RECOVERED, Reason.ENDED})
"""Reasons that tell that something is over which was told before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that moved: `what` is the field, `old` and `new` are None where there was or is none."""

    subject: str
    what: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What happened to an entry, or to what an item is about, after its notice was composed: in words, and when.

    `over` says that what the item tells has ended by it.
    """

    at: datetime
    text: str
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has acknowledged a pause, when, and their note."""

    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to tell, about one entry, or about a source or model that no entry is for.

    What follows from the gate is its own answer: `denied` says whether production is denied it to everybody, and
    `refusal` why the gate says no; `spared` are the callers that may go on until `spared_until`; `fallback` is what the
    gate names instead, else the entry's declared fallback, and `fallback_allowed` says which. It is the answer after
    the decision, and asked anew before each attempt to send.

    Attributes:
        subject: the model, source or destination that it is about.
        position: the event to ask `why` about.
        since: the first poll that showed the change.
        entry: the key of the entry; empty where it is about none.
        name: the public name of the entry.
        status: the status of the entry after the decision.
        model: the exact model id of the entry; `provider` and `surface` are where it is called.
        incident: what this item is part of, from its beginning to its end: `luna-17` names a pause.
        pause: the incident of the pause that runs; empty where the entry is not paused.
        url: the page on which it can be seen.
        brief: what changed in the few words that a headline has room for; empty where the differences say it.
        by: the person whose act it tells.
        access: how each route to the model stands, where it is paused and not every route is open.
        asks: the checks that a pause asks for before the entry may be resumed.
        polls: how many good polls confirmed it.
        evidence: the bytes as received, by their hash.
        denies_from: when production is denied the entry if nothing else happens.
        commands: the exact commands to run next, in order.
        urgent: it must not wait, although its reason could: a message that is not delivered was urgent.
        lease_until: set at sending where the lease files cannot be written: until then they still allow what is denied.
        holder: set at sending: who has acknowledged the running pause, since when, and their note.
        since_then: set at sending: what happened after the notice was composed.
    """

    reason: Reason
    subject: str
    position: int
    since: datetime
    entry: str = ""
    name: str = ""
    status: str = ""
    model: str = ""
    provider: str = ""
    surface: str = ""
    incident: str = ""
    pause: str = ""
    source: str = ""
    url: str = ""
    by: str = ""
    summary: str = ""
    brief: str = ""
    access: str = ""
    asks: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    polls: int = field(default=0, metadata={"stored": "looks"})
    evidence: str = ""
    denied: bool = False
    refusal: str = ""
    spared: tuple[str, ...] = ()
    spared_until: datetime | None = None
    denies_from: datetime | None = None
    fallback: str = ""
    fallback_allowed: bool = False
    commands: tuple[str, ...] = ()
    urgent: bool = False
    lease_until: datetime | None = None
    holder: Acknowledgement | None = None
    since_then: Since | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierMessage:
    """The message that began an incident at a destination: when it went out, its title, and by what the service names
    its thread.
    """

    at: datetime
    title: str
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverItem:
    """What began and ended while it was held back."""

    item: Item
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What was held back at a destination and is sent as one message: the ids of the notices, and what of them is over
    by now. `checkpoint` is the signed note of the log as it stands: in a message it is out of reach of who may write
    the database.
    """

    notices: tuple[str, ...]
    over: tuple[OverItem, ...] = ()
    checkpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one owner is told of one decision. `id` is the same at every attempt, so that a reader can see a repeat.

    `earlier` is set at sending, where the destination got a message of the same incident before, and so is `digest`,
    where several notices are sent as one; one of which all is over has no items. So is `ack_url`, the link by which its
    pauses can be acknowledged: whoever has it can, so it is neither stored nor shown.
    """

    id: str
    owner: str
    at: datetime
    items: tuple[Item, ...]
    earlier: EarlierMessage | None = None
    digest: Digest | None = None
    ack_url: str = field(default="", repr=False)

    @property
    def reason(self) -> Reason:
        """The most serious reason among the items, in the order of `Reason`."""
        return min((item.reason for item in self.items), key=list(Reason).index, default=Reason.ENDED)

    @property
    def incidents(self) -> tuple[str, ...]:
        """What the items are part of, the most serious first; the notice itself where that is nothing else."""
        order = list(Reason)
        items = sorted(self.items, key=lambda item: order.index(item.reason))
        return tuple(dict.fromkeys(item.incident for item in items if item.incident)) or (f"notice-{self.id}",)
