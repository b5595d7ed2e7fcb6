"""The ports: what the use cases ask of the world. Nothing is done here.

The three promises that the rest relies on: a `Source` returns failures and never raises them; one `Transaction` is open
at a time over the whole database, and what it wrote is seen whole or not at all; no transaction is open
while a `Source` polls or a `Channel` sends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

from monitor.core.baselines import Baselines
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.credentials import Credential
from monitor.core.entry import Entry
from monitor.core.events import Event, LogHead, Recorded
from monitor.core.facts import (
    Alternation,
    Body,
    Facts,
    Known,
    Measurement,
    NotDue,
    Observation,
    PendingChange,
    SourceState,
)
from monitor.core.leaves import KeptCheckpoint, KeptLease, Leaf, LeafKind, StoredEvent
from monitor.core.nodes import Node, Turn
from monitor.core.notices import EarlierMessage, Notice

Clock: TypeAlias = Callable[[], datetime]
"""Now, in UTC and aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The time of day was set: `by` how much (negative: back), `before` is what it would have been, `after` what it
    was.
    """

    by: timedelta
    before: datetime
    after: datetime


class MonitorError(Exception):
    """An operator's error: one sentence that names what, where, and the command that mends it.

    `exit_code` is what the command line ends with: 1 the answer is no or the work failed, 75 try again, 78 the
    configuration is wrong.
    """

    exit_code = 1

    @property
    def sentence(self) -> str:
        """What is wrong as a sentence of its own: some errors are written to stand behind a colon."""
        words = str(self)
        return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "?")) else ".")


class ConfigurationError(MonitorError):
    """The configuration, or a secret it refers to, is wrong or missing."""

    exit_code = 78


class Unavailable(MonitorError):
    """A needed service could not be reached; trying again may help."""

    exit_code = 75


class Refused(MonitorError):
    """An act that was refused before anything was changed."""


class Source(Protocol):
    """Something polled.

    `observe` polls once, within its own time and size limits, and returns what it saw, or why it saw nothing; it raises
    only `ConfigurationError` (a credential that is not there). `now` is when the poll begins. With `known`, a source
    may answer `Unchanged` where the bytes are the same and `now < known.valid_until`. One that has nothing to ask about
    yet answers `NotDue`. `extract` reads stored evidence
    anew, as if it had been received at `at`; it does no I/O.
    """

    spec: SourceSpec
    extractor: str

    def observe(self, now: datetime, known: Known | None) -> Observation | NotDue: ...

    def extract(self, body: Body, at: datetime) -> Observation: ...


class DeliveryState(StrEnum):
    """Where a delivery stands: `sending` is claimed by a relay until its lease ends."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt series to one destination: a row of the outbox.

    `destination` is a reference (`platform#1`: the first destination of the owner `platform`), never a resolved URL.
    `error` is redacted.
    """

    id: int
    notice: str
    owner: str
    destination: str
    state: DeliveryState
    attempts: int
    retry_at: datetime
    created_at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The channel took the message. `form`, `title` and `body` are what went out, links that act left out; `thread` is
    by what the service names the thread that it began or is in, where it has threads.
    """

    form: str = ""
    title: str = ""
    body: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """The channel did not. `permanent` failures are not tried again; `retry_after` is in seconds where the channel said
    so.
    """

    reason: str
    permanent: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message as it went out, to one destination; kept for good.

    Attributes:
        id: its number, by the order in which messages went out.
        notice: the notice that it carried.
        destination: the reference of the destination (`platform#1`).
        label: what to call it: its kind and host, no secret.
        at: when it was taken.
        incidents: the incidents that the notice is part of, the most serious first.
        form: `text`, `slack` or `html`, or that of a service of its own.
        title: the headline.
        body: the message; a link that acts stands in it as `[ack link]`.
        thread: by what the service names the thread that it began or is in; empty where it has none.
    """

    id: int
    notice: str
    owner: str
    destination: str
    label: str
    at: datetime
    incidents: tuple[str, ...]
    form: str
    title: str
    body: str
    thread: str = ""


STORING = "storing"
PUBLISHING = "publishing"
SEALING = "sealing"
"""What the daemon has to be able to do besides polling: write its database, write the lease files, sign checkpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the daemon cannot do: since when, and the sentence that says why."""

    since: datetime
    reason: str


class Channel(Protocol):
    """Sends one notice to one destination and says what became of it; it never raises and never retries."""

    def send(self, notice: Notice, destination: str) -> Sent | NotSent: ...

    def label(self, destination: str) -> str:
        """Return what to call the destination in logs and events: its kind and host, no secret
        (`slack://hooks.slack.com`).
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events: globs for `type` and `subject`; `since` and `until` bound `recorded_at` (until inclusive); `after`
    and `before` positions. `check` is the name of a check that the event is about, `actor` who wrote it; `acts` are the
    events that people wrote.

    A `source`, a `stream` or a `subject` without a glob also means what was recorded under the key that a source or an
    entry had before it was renamed.
    """

    type: str = ""
    subject: str = ""
    source: str = ""
    stream: str = ""
    check: str = ""
    actor: str = ""
    acts: bool = False
    cause: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None
    before: int | None = None
    limit: int | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementQuery:
    """Which measurements; an empty text is any, `since` is inclusive and `until` exclusive."""

    source: str = ""
    surface: str = ""
    model: str = ""
    route: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one call before it is made. `id` is the row that holds it, `amount` in USD."""

    id: int
    surface: str
    amount: Decimal


class Budget(Protocol):
    """What paid calls may cost: the daily budget of each surface, shared by every process on the database."""

    def price(
        self,
        surface: str,
        model: str,
        tokens: Mapping[str, int],
        *,
        tier: str = "standard",
        at: datetime | None = None,
    ) -> Decimal | None:
        """Return what a call costs in USD by the prices the monitor has confirmed, meter → tokens, with those that were
        announced for a day that has come where `at` says what day it is; None if a price is not known.
        """

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation | None:
        """Set money aside; None where the surface has not so much left on the UTC day of `at`."""

    def settle(self, reservation: Reservation, spent: Decimal) -> None:
        """Replace what was set aside by what was spent. A reservation that is never settled stays spent: the call may
        have been made.
        """

    def left(self, surface: str, at: datetime) -> Decimal:
        """Return what a surface may still spend on the UTC day of `at`."""


class TreeReader(Protocol):
    """The tree over the log, and what each of its leaves is of by what is stored now."""

    def size(self) -> int:
        """Return how many leaves the tree has."""

    def tile(self, level: int, number: int, width: int) -> Sequence[bytes]:
        """Return the first `width` hashes of a tile (`merkle.Tiles`); fewer where it has fewer."""

    def leaves(self, first: int = 0) -> Iterator[Leaf]:
        """Return the leaves from `first` on, in order."""

    def leaf_of(self, position: int) -> Leaf | None:
        """Return the leaf of the event at a position; None where there is none."""

    def content(self, leaf: Leaf) -> bytes | None:
        """Return the bytes that a leaf would be the hash of by what is stored now; None where nothing is, or what is
        there could not have been written.
        """

    def events(self) -> Iterator[StoredEvent]:
        """Return the events as they are stored, in order."""

    def references(self, kind: LeafKind) -> Iterator[str]:
        """Return what is stored of a kind, by the reference that its leaf has."""

    def blobs(self) -> Iterator[tuple[str, bool]]:
        """Return every blob whose bytes are stored: its hash, and whether they are those that the hash names."""

    def checkpoints(self) -> Sequence[KeptCheckpoint]:
        """Return the checkpoints that are kept, the smallest tree first."""

    def last_checkpoint(self) -> KeptCheckpoint | None:
        """Return the checkpoint of the largest tree."""

    def signing_keys(self) -> Sequence[str]:
        """Return the public keys whose leaf is in the tree, as verifiers take them, the oldest first."""

    def last_lease(self, environment: str, at: datetime | None = None) -> KeptLease | None:
        """Return the lease document of an environment that was kept last, or last at a time."""


class EventReader(Protocol):
    """A log to be read event by event, wherever it is."""

    def head(self) -> int:
        """Return the last position; 0 for an empty log."""

    def events(self, query: EventQuery = EventQuery()) -> Iterator[Recorded]: ...

    def event(self, position: int) -> Recorded | None: ...

    def notice(self, id: str) -> Notice | None: ...

    def entries(self) -> Mapping[str, Entry]: ...


class EventStore(Protocol):
    """What holds such a log."""

    def read(self) -> AbstractContextManager[EventReader]: ...

    def changed(self) -> bool:
        """Return whether the log may have grown since the last call."""


class VerifiedLog(Protocol):
    """What a verification asks of a log, wherever it is."""

    @property
    def tree(self) -> TreeReader:
        """The tree over the log."""

    def log_head(self) -> LogHead:
        """Return which log this is, its epoch, and its last position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvidence:
    """A piece of evidence as it was first brought: by which source, when, and how many bytes were received. `pruned`
    says that its description alone is left.
    """

    hash: str
    source: str
    at: datetime
    size: int
    pruned: bool = False


class Reader(EventReader, VerifiedLog, Protocol):
    """A consistent view of the store; never waits for writers."""

    def daemon_seen_at(self) -> datetime | None:
        """Return when the daemon last saw that the database can be written; None before its first time."""

    def events_of_checks(self, until: datetime) -> Iterator[Recorded]:
        """Return what moved checks up to a time, in order, without a verification that another one of the same check
        followed: sources verify theirs every day, and only the last counts.
        """

    def events_of_outages(
        self, source: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Recorded]:
        """Return what began and ended outages of sources, of all or of one, up to a time, in order, without those that
        had ended before `since`.
        """

    def event_types(self) -> Mapping[str, tuple[int, int]]:
        """Return how many events of each type there are, and the position of the last."""

    def source(self, key: str) -> SourceState | None: ...

    def sources(self) -> Mapping[str, SourceState]: ...

    def pending_changes(self, source: str = "") -> Sequence[PendingChange]:
        """Return the streaks of a source; of all sources without one."""

    def alternations(self, source: str) -> Sequence[Alternation]:
        """Return the facts of a source that turned lately."""

    def facts(self, hash: str) -> Facts:
        """Return a fact blob by its hash; the empty hash is no facts. Immutable, so implementations may cache it."""

    def evidence(self, hash: str) -> Body | None:
        """Return stored bytes by `sha256:…` or by a prefix of at least eight digits; None where there are none, also
        where they were pruned.
        """

    def credentials(self) -> Sequence[Credential]:
        """Return all tokens, the revoked ones as well, and the links and sessions that were not dropped, oldest
        first.
        """

    def kept_evidence(self) -> Iterator[KeptEvidence]:
        """Return every piece of evidence without its bytes, in the order in which they were first brought."""

    def unreferenced_evidence(self, before: datetime) -> Sequence[KeptEvidence]:
        """Return the evidence that was first brought before a time, still has its bytes, and is named by no event, no
        pending change and no source.
        """

    def notices(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Notice]:
        """Return the notices that were composed between two times, the newest first."""

    def deliveries(self, *states: DeliveryState, notice: str = "") -> Sequence[Delivery]:
        """Return rows of the outbox, oldest first; all without a state, those of all notices unless one is named."""

    def first_message(self, destination: str, incident: str) -> tuple[str, EarlierMessage] | None:
        """Return the notice and the message by which an incident began at a destination."""

    def sent_messages(self, *, notice: str = "", destination: str = "", incident: str = "") -> Iterator[SentMessage]:
        """Return what went out, oldest first; an empty text is any."""

    def measurements(self, query: MeasurementQuery = MeasurementQuery()) -> Iterator[Measurement]:
        """Return what calls took, oldest first."""

    def spent(self, surface: str, day: date) -> Decimal:
        """Return what was reserved or spent on a surface on a UTC day, in USD."""

    def turns(self) -> Sequence[Turn]:
        """Return the turns that nodes share, by name; none where there is one daemon."""

    def nodes(self) -> Sequence[Node]:
        """Return the nodes, by name."""

    def working_state(self, name: str) -> str:
        """Return what was kept under a name beside the log; empty where nothing is."""

    def due(self, now: datetime) -> bool:
        """Return whether the outbox holds a delivery that could be claimed."""


class GateAnswer(Protocol):
    """What the gate says: `fallback` is what may be used instead, empty if nothing may; `position` the event that gave
    the status.
    """

    @property
    def allowed(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    @property
    def fallback(self) -> str: ...

    @property
    def position(self) -> int: ...


class GateAnswers(Protocol):
    """What the gate says to production at one moment."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries that it speaks of."""

    @property
    def baselines(self) -> Baselines:
        """What is confirmed at that moment."""

    def answer(self, key: str) -> GateAnswer:
        """Answer whether production may use this entry, when nobody in particular asks."""

    def fallbacks(self, key: str) -> tuple[str, ...]:
        """List the entries that stand in for one, nearest first, whether they are allowed or not."""

    def asked(self, name: str, caller: str) -> GateAnswer:
        """Answer whether this caller may use what it asks for by an entry's key or by a model id."""

    def known(self, key: str) -> bool:
        """Return whether access to an entry's model was ever verified: else it is denied for want of a poll, not for a
        loss.
        """


class AskGate(Protocol):
    """Asks the gate; `entries` are those of a decision that is being made, those of the store unless given."""

    def __call__(
        self, reader: Reader, configuration: Configuration, now: datetime, entries: Mapping[str, Entry] | None = None
    ) -> GateAnswers: ...


class Transaction(Reader, Protocol):
    """The one writer. Everything in it is committed together, or nothing is."""

    def append(self, events: Sequence[Event], now: datetime) -> Sequence[Recorded]:
        """Append at `head() + 1 …`, in order.

        Raises:
            Conflict: an event's position is not the next one.
        """

    def advance_epoch(self, beyond: int) -> None:
        """Begin an epoch later than this one and than ours: the log was set back, and what was said of its future is
        void.
        """

    def put_source(self, state: SourceState) -> None: ...

    def rename_source(self, was: str, key: str) -> None:
        """Move the rows of a source to another key: its state, pending changes, alternations and measurements."""

    def put_pending_changes(self, source: str, pending_changes: Iterable[PendingChange]) -> None:
        """Replace all streaks of a source."""

    def put_alternations(self, source: str, rows: Iterable[Alternation]) -> None:
        """Replace all alternations of a source."""

    def put_entry(self, entry: Entry) -> None: ...

    def put_measurements(self, measured: Iterable[Measurement]) -> None: ...

    def forget_measurements(self, before: datetime) -> int:
        """Drop the measurements made before a time, and the spending of the days before it; returns how many
        measurements. Neither is a part of the log.
        """

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation:
        """Write down money that is set aside."""

    def settle_spending(self, reservation: Reservation, spent: Decimal) -> None: ...

    def hold_turn(self, name: str, run: int, due_at: datetime) -> bool:
        """Put a turn off until this time at the earliest; False, and nothing changed, where another run of it has
        begun.
        """

    def put_working_state(self, name: str, content: str, at: datetime | None = None) -> None:
        """Keep a text under a name beside the log, as of a time; an empty one, which needs none, is forgotten."""

    def drop_entries(self) -> None:
        """Forget the registry projection, to rebuild it from the log."""

    def put_facts(self, facts: Facts) -> str:
        """Store a canonical blob and return its hash; storing it twice is storing it once."""

    def put_evidence(self, body: Body, source: str, now: datetime) -> str:
        """Store the body under the hash of its content and return `sha256:…`."""

    def prune_evidence(self, evidence: Iterable[KeptEvidence], after: int) -> Sequence[KeptEvidence]:
        """Drop the bytes of evidence that was unreferenced when `after` was the last position; what is named since is
        left. The description stays. Return what was pruned.
        """

    def enqueue(self, notice: Notice, destinations: Sequence[str], now: datetime) -> None:
        """Store the notice and one waiting delivery for each destination; a notice id that is there already is left as
        it is.
        """

    def claim(
        self, now: datetime, until: datetime, limit: int, worker: str, notices: Collection[str] = ()
    ) -> Sequence[Delivery]:
        """Take due deliveries (waiting with `retry_at <= now`, or sending with an ended lease) until `until`, oldest
        first; with `notices` only those of these.
        """

    def free_claims(self, worker: str) -> int:
        """Give back what a dead worker of this name had claimed."""

    def settle(self, *deliveries: Delivery) -> None:
        """Write state, attempts, retry_at and error of deliveries, and end their claims."""

    def keep_sent(self, message: SentMessage) -> None:
        """Keep a message as it went out; its `id` is given by the store."""

    def keep_lease(self, environment: str, document: bytes, at: datetime) -> None:
        """Keep a lease document whose answers are new."""

    def keep_checkpoint(self, checkpoint: KeptCheckpoint) -> None:
        """Keep a signed note about the tree."""

    def keep_signing_key(self, key: str, at: datetime) -> None:
        """Write into the tree that a key, as verifiers take it, signs from here on."""

    def put_credential(self, credential: Credential) -> None:
        """Keep a new token, link or session."""

    def revoke_token(self, name: str, at: datetime) -> bool:
        """End the living token of a name and drop its links and sessions; return whether there was one."""

    def drop_credential(self, digest: str) -> bool:
        """Drop a link or a session; return whether it was there, so that a link is used once."""

    def drop_ended_credentials(self, at: datetime) -> None:
        """Drop the links and sessions whose end has passed."""

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Write when credentials were last used, by digest."""


class Conflict(Exception):
    """The head moved: an event was not appended at the position it was decided for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAt:
    """A good poll of an unchanged source: it renews freshness and nothing else."""

    source: str
    at: datetime
    etag: str = ""
    last_modified: str = ""


class Store(Protocol):
    """The database behind one contract; `tests/store` is its exam."""

    def read(self) -> AbstractContextManager[Reader]: ...

    def write(self) -> AbstractContextManager[Transaction]:
        """Begin the one write transaction: commit at the end of the block, roll back on an exception.

        Raises:
            Unavailable: the database is locked, full, read-only or out of reach.
        """

    def touch(self, polls: Sequence[SeenAt]) -> None:
        """Write freshness in one batch: `good_at`, `looked_at` and `accepted_at` move forward, never
        back. No log rows.
        """

    def check_writable(self, seen_at: datetime | None = None) -> None:
        """Write, and so see that a decision could be recorded now: that the daemon was alive at a time, or what stands
        there already.

        Raises:
            MonitorError: nothing can be written.
        """

    def changed(self) -> bool:
        """Return whether another process has committed since the last call."""

    def close(self) -> None: ...
