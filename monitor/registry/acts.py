"""What people do, by the names that they use: an entry and a surface instead of a row, a span instead of a time.

Commands, pages and the API all act through here, so that none of them does or refuses what another would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.core.check_names import EVALS
from monitor.core.entry_spec import AT
from monitor.core.events import Event
from monitor.core.facts import Body
from monitor.core.moments import Moment
from monitor.core.ports import Clock, Refused, Store
from monitor.registry.acceptance import WITH_ALL, Acceptance, Going
from monitor.registry.acknowledging import Attendant
from monitor.registry.attachments import Paper
from monitor.registry.lookup import find_row
from monitor.registry.maintenance import Maintenance
from monitor.registry.operator import Operator, Via


class IncompleteAct(Refused):
    """What was asked for says too little, or two things at once."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and from where."""

    by: str
    via: Via


@dataclass(frozen=True, slots=True, kw_only=True)
class ActTarget:
    """The entry that an act is about, by its key, and of an entry on several surfaces which of them; the first without
    one.
    """

    entry: str
    surface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActResult:
    """What an act recorded, and the key of the row that it was done to; empty where it was done to none."""

    events: tuple[Event, ...]
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What a person attests a check with; see `Operator.verify`."""

    check: str
    url: str = ""
    note: str = ""
    body: Body | None = None
    paper: Paper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Maintenance: from when (now unless said) until when which pins may move; or the window that ends, by its
    position.

    Raises:
        IncompleteAct: the end or the changes are missing, or something is said of a window that is to end.
    """

    start: Moment | None = None
    end: Moment | None = None
    changes: tuple[str, ...] = ()
    close: int | None = None

    def __post_init__(self) -> None:
        if self.close is not None and (self.start or self.end or self.changes):
            raise IncompleteAct("--close ends a window; it takes no --from, --until or --change.")
        if self.close is None and (self.end is None or not self.changes):
            raise IncompleteAct("A window needs --until, and a --change for what is expected to move.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRequest:
    """How long an entry is to be silent, or that its silence ends.

    Raises:
        IncompleteAct: neither is asked for, or both are.
    """

    span: timedelta | None = None
    lift: bool = False

    def __post_init__(self) -> None:
        if (self.span is None) == (not self.lift):
            raise IncompleteAct("Say how long with --for, or end a silence with --lift.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file that somebody hands in: what it is called, and its bytes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRequest:
    """What a person attests a check with, before the files are read. `baseline` and `called` are about files of evals;
    see `EvalPaper`.

    Raises:
        IncompleteAct: it says something of files that are not there, or has more files than the check takes.
    """

    check: str
    url: str = ""
    note: str = ""
    files: Sequence[AttachedFile] = ()
    baseline: str = ""
    called: str = ""

    def __post_init__(self) -> None:
        if (self.baseline or self.called) and (self.check != EVALS or not self.files):
            raise IncompleteAct(
                "--baseline and --called are about the files of evals; leave them out, or give --from FILE."
            )
        if len(self.files) > 1 and self.check != EVALS:
            raise IncompleteAct(f"Only evals take several files; give one --from for {self.check}.")


class Acts:
    """The acts; each raises `Refused` with what is missing, before anything is changed."""

    def __init__(
        self, store: Store, clock: Clock, *, operator: Operator, attendant: Attendant, maintenance: Maintenance
    ) -> None:
        self._store = store
        self._clock = clock
        self._operator = operator
        self._attendant = attendant
        self._maintenance = maintenance

    def row(self, target: ActTarget) -> str:
        """Return the key of the row that is meant; an unknown entry is left to the act to refuse.

        Raises:
            UnknownSurface: the entry is not on this surface.
        """
        with self._store.read() as reader:
            return find_row(reader.entries(), target.entry, target.surface)

    def preview(self, target: ActTarget, kind: str, going: Going = WITH_ALL) -> Acceptance:
        """Return what an act of this kind (`entry.activated`, `entry.resumed`) would accept now; nothing is changed.

        Raises:
            Refused: see `Operator.preview`.
        """
        return self._operator.preview(self.row(target), kind, going)

    def activate(
        self, target: ActTarget, actor: Actor, *, reason: str, expect: int | None = None, going: Going = WITH_ALL
    ) -> ActResult:
        """Accept what is confirmed now, and let production use the entry; see `Operator.activate`."""

        def act(key: str) -> Event:
            return self._operator.activate(key, by=actor.by, reason=reason, via=actor.via, expect=expect, going=going)

        return self._done(target, act)

    def resume(
        self,
        target: ActTarget,
        actor: Actor,
        *,
        reason: str,
        expect: int | None = None,
        shown: int | None = None,
        going: Going = WITH_ALL,
    ) -> ActResult:
        """Let production use a paused entry again; see `Operator.resume`."""

        def act(key: str) -> Event:
            return self._operator.resume(
                key, by=actor.by, reason=reason, via=actor.via, expect=expect, shown=shown, going=going
            )

        return self._done(target, act)

    def pause(self, target: ActTarget, actor: Actor, *, reason: str, expect: int | None = None) -> ActResult:
        """Stop the use of an entry."""
        return self._done(
            target, lambda key: self._operator.pause(key, by=actor.by, reason=reason, via=actor.via, expect=expect)
        )

    def retire(self, target: ActTarget, actor: Actor, *, reason: str, expect: int | None = None) -> ActResult:
        """End an entry for good."""
        return self._done(
            target, lambda key: self._operator.retire(key, by=actor.by, reason=reason, via=actor.via, expect=expect)
        )

    def verify(self, target: ActTarget, actor: Actor, attestation: Attestation) -> ActResult:
        """Attest a check; what is about the model itself counts on every surface unless one is named."""

        def act(key: str) -> Event:
            return self._operator.verify(
                key,
                attestation.check,
                by=actor.by,
                via=actor.via,
                url=attestation.url,
                note=attestation.note,
                body=attestation.body,
                paper=attestation.paper,
                everywhere=not target.surface and AT not in target.entry,
            )

        return self._done(target, act)

    def acknowledge(self, target: ActTarget, actor: Actor, *, note: str = "") -> ActResult:
        """Take on a pause; the entry may also be a notice, by its id."""
        return self._done(target, lambda key: self._attendant.acknowledge(key, by=actor.by, note=note, via=actor.via))

    def silence(self, target: ActTarget, actor: Actor, request: SilenceRequest, *, reason: str) -> ActResult:
        """Mute notices about an entry for a time, or end that."""
        until = None if request.span is None else self._clock() + request.span

        def act(key: str) -> Event:
            return self._attendant.silence(key, until=until, by=actor.by, reason=reason, via=actor.via)

        return self._done(target, act)

    def maintain(self, target: ActTarget, actor: Actor, announced: Announcement, *, reason: str) -> ActResult:
        """Announce maintenance in which changes are expected; or end it, and what deviates then pauses the entry."""
        key, now = self.row(target), self._clock()
        if announced.close is not None:
            events = self._maintenance.close(key, announced.close, by=actor.by, reason=reason, via=actor.via)
            return ActResult(events=events, key=key)
        assert announced.end is not None
        opened = self._maintenance.open(
            key,
            start=None if announced.start is None else announced.start.resolve(now),
            end=announced.end.resolve(now),
            changes=announced.changes,
            by=actor.by,
            reason=reason,
            via=actor.via,
        )
        return ActResult(events=(opened,), key=key)

    def release(self, position: int, actor: Actor, *, reason: str) -> ActResult:
        """Let a price in that was held back."""
        return ActResult(events=self._operator.release(position, by=actor.by, reason=reason, via=actor.via))

    def _done(self, target: ActTarget, act: Callable[[str], Event]) -> ActResult:
        key = self.row(target)
        return ActResult(events=(act(key),), key=key)
