"""What a rule of composition is made of: whom it is for, what is said, and the commit that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.events import Event
from monitor.core.facts import Fact
from monitor.core.notices import Difference, Reason
from monitor.registry.access_verdict import AccessVerdict
from monitor.registry.transitions import RegistryTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """The owners who hear of an event, and the entry for whose sake; `waiting` are the entries instead where it is
    about none of them.
    """

    owners: tuple[str, ...]
    entry: Entry | None = None
    waiting: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """The keys of the entries for whose sake they hear of it."""
        return self.waiting if self.entry is None else (self.entry.key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an item says beyond its events and its entry. Texts that are empty, and `evidence` that is None, are as the
    entry or the first event has them; source, page and evidence are those of `origin` where the first event has none.
    """

    since: datetime
    summary: str = ""
    brief: str = ""
    differences: tuple[Difference, ...] = ()
    polls: int = 0
    subject: str = ""
    evidence: str | None = None
    commands: tuple[str, ...] = ()
    by: str = ""
    denies_from: datetime | None = None
    origin: Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What a notice is composed on beyond its commit.

    Attributes:
        event: the event at a position of the log; None where there is none.
        page: the URL at which people see what a source states; empty where it has none.
        notified: the owners who are told what one is to be told: the members of a group.
        fallback_owner: who is told of what no owner is; empty for nobody.
    """

    event: Callable[[int], Event | None] = lambda _: None
    page: Callable[[str], str] = lambda _: ""
    notified: Callable[[str], tuple[str, ...]] = lambda owner: (owner,)
    fallback_owner: str = ""


ALONE = Background()
"""Nothing beyond the commit is known."""


class Commit:
    """What was committed, and how far it is composed: `spoken_of` holds, for each entry that an item is about, the
    facts that it speaks of. `access` judges access to the model of an entry as the commit leaves it.
    """

    def __init__(
        self,
        events: Sequence[Event],
        registry: RegistryTransaction,
        at: datetime,
        background: Background = ALONE,
        *,
        access: Callable[[str], AccessVerdict],
    ) -> None:
        self.access = access
        self.events = {event.position: event for event in events}
        self.background = background
        self.entries: Mapping[str, Entry] = registry.entries
        self._before = registry.before
        self.spoken_of: dict[str, set[Fact]] = {}
        self.at = at
        self._routes: dict[int | None, str] = {
            event.cause: event.data["note"]
            for event in events
            if event.type in (ev.ACCESS_LOST, ev.ACCESS_GAINED) and "note" in event.data
        }

    def was(self, key: str, *statuses: Status) -> bool:
        """Return whether the decision found an entry in one of these statuses."""
        entry = self._before.get(key)
        return entry is not None and entry.status in statuses

    def before(self, key: str) -> Entry | None:
        """Return an entry as the decision found it; None where it did not."""
        return self._before.get(key)

    def cause(self, event: Event) -> Event | None:
        """Return the event that another one follows from."""
        if event.cause is None:
            return None
        return self.events.get(event.cause) or self.background.event(event.cause)

    def routes(self, event: Event) -> str:
        """Return what every route says of the model whose access an event moved; empty where one route alone says
        anything.
        """
        return self._routes.get(event.position, "")


def nothing(commit: Commit, entry: Entry, event: Event) -> Iterable[Fact]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one kind of news is composed: whose owners hear of an event, under which reason, and what is said.

    Those of one entry are one item where they are told `together`. `speaks_of` names the facts that the item says what
    there is to say of.
    """

    reason: Reason
    recipients: Callable[[Commit, Event], Iterable[Recipients]]
    content: Callable[[Commit, Recipients, Sequence[Event]], Content]
    together: bool = False
    speaks_of: Callable[[Commit, Entry, Event], Iterable[Fact]] = nothing
