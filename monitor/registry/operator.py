"""What people do to the registry: activate, pause, resume, retire, release, verify.

Every act says who, why and from where, is refused with what is missing before anything is changed, and is one
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from monitor.core import events as ev
from monitor.core.check_names import CHECKS, EVALS, SAFETY_REVIEW
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EvalPlan
from monitor.core.events import Event
from monitor.core.facts import Body
from monitor.core.names import perhaps
from monitor.core.ports import AskGate, Clock, EventQuery, Reader, Refused, Store
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import check_expiry, checklist, evals, safety
from monitor.registry.acceptance import WITH_ALL, Acceptance, Going, acceptance, confirmed
from monitor.registry.attachments import EvalPaper, Held, Keep, Paper
from monitor.registry.lookup import find_entry, rows_of
from monitor.registry.transitions import TRANSITIONS
from monitor.registry.unit_of_work import Begin, UnitOfWork

Via = Mapping[str, str]
"""Where an act came from: the operating system's `user` and `host`, or the signed-in `identity`, and the `channel`
(`cli`, `api`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ActOfPerson:
    """Who acts, why and from where, and what they looked at: `expect` is the position that they name, `shown` that of
    what they are just being shown, for want of an `expect`.
    """

    by: str
    reason: str
    via: Via
    expect: int | None = None
    shown: int | None = None


ABOUT_THE_MODEL = frozenset({"evals", "safety_review", "logging", "pricing"})
"""The checks whose word is about the model, on whichever surface it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AttestedWord:
    """The word of a person for a check, and what it rests on."""

    check: str
    by: str
    via: Via
    url: str = ""
    note: str = ""
    body: Body | None = None
    paper: Paper | None = None

    @property
    def recorded(self) -> dict[str, object]:
        """What an event keeps of it."""
        return {"by": self.by, "url": self.url, "note": self.note, "via": dict(self.via)}


class Release(Protocol):
    """Lets in the price that the event at `position` held back; `by` says who, why and from where.

    Raises:
        Refused: no price is held back there.
    """

    def __call__(self, unit: UnitOfWork, position: int, by: Mapping[str, object]) -> None: ...


class Operator:
    """The acts. `begin` opens the unit of work that each of them is."""

    def __init__(
        self,
        store: Store,
        configuration: Configuration,
        clock: Clock,
        *,
        begin: Begin,
        release: Release,
        ask_gate: AskGate,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock
        self._begin = begin
        self._release = release
        self._ask_gate = ask_gate

    def activate(
        self,
        key: str,
        *,
        by: str,
        reason: str,
        via: Via,
        expect: int | None = None,
        going: Going = WITH_ALL,
    ) -> Event:
        """Accept what is confirmed now as the assumptions of an entry, and let production use it; or, where two people
        have to, ask for it. The pins of an active entry are replaced, and it stays active.

        Raises:
            Refused: the entry is not one that can be activated, something is missing, or something relevant happened
                after `expect`.
        """
        act = _ActOfPerson(by=by, reason=reason, via=via, expect=expect)
        return self._move(key, ev.ENTRY_ACTIVATED, act, accept=going)

    def resume(
        self,
        key: str,
        *,
        by: str,
        reason: str,
        via: Via,
        expect: int | None = None,
        shown: int | None = None,
        going: Going = WITH_ALL,
    ) -> Event:
        """Accept what is confirmed now after a pause; `shown` is the position of what the person is just being shown,
        for want of an `expect`.

        `going` holds the checks that the person goes on without, and the ways to the model that stay closed.

        Raises:
            Refused: as `activate`; a check that the pause asks for has to be verified since, and nothing else can be
                waived.
        """
        act = _ActOfPerson(by=by, reason=reason, via=via, expect=expect, shown=shown)
        return self._move(key, ev.ENTRY_RESUMED, act, accept=going)

    def preview(self, key: str, kind: str, going: Going = WITH_ALL) -> Acceptance:
        """Return what an act of this kind (`entry.activated`, `entry.resumed`) would accept now; nothing is changed.

        Raises:
            Refused: there is no such entry, it has another status, or something is waived that is not asked for.
        """
        with self._store.read() as reader:
            entry = find_entry(reader.entries(), key)
            _may(entry, kind)
            proposal = acceptance(reader, self._configuration, entry, self._clock(), self._ask_gate, going)
            _asked_for(entry, proposal, kind, going)
            return proposal

    def paused_by(self, cause: int) -> tuple[str, ...]:
        """List the entries whose running pause one event caused.

        Raises:
            Refused: it caused none.
        """
        with self._store.read() as reader:
            keys = tuple(
                key
                for key, entry in reader.entries().items()
                if entry.status is Status.PAUSED and entry.pause is not None and _caused(reader, entry.pause, cause)
            )
        if not keys:
            raise Refused(
                f"no paused entry was paused by position {cause}; `access-monitor status` shows what is paused"
            )
        return keys

    def pause(self, key: str, *, by: str, reason: str, via: Via, expect: int | None = None) -> Event:
        """Stop production from using an entry, by the word of a person.

        Raises:
            Refused: the entry is not active.
        """
        act = _ActOfPerson(by=by, reason=reason, via=via, expect=expect)
        return self._move(key, ev.ENTRY_PAUSED, act, causes=[], pin="", old=None, new=None, shifts=[])

    def retire(self, key: str, *, by: str, reason: str, via: Via, expect: int | None = None) -> Event:
        """End an entry for good.

        Raises:
            Refused: it has ended already.
        """
        return self._move(key, ev.ENTRY_RETIRED, _ActOfPerson(by=by, reason=reason, via=via, expect=expect))

    def release(self, position: int, *, by: str, reason: str, via: Via) -> tuple[Event, ...]:
        """Let a price in that was held back.

        Raises:
            Refused: no price is held back at this position.
        """
        with self._begin() as unit:
            self._release(unit, position, {"by": by, "reason": reason, "via": dict(via)})
        return tuple(unit.register.events)

    def verify(  # noqa: PLR0913 - public: who says it, and one keyword for each trace that the word may rest on
        self,
        key: str,
        check: str,
        *,
        by: str,
        via: Via,
        url: str = "",
        note: str = "",
        body: Body | None = None,
        paper: Paper | None = None,
        everywhere: bool = False,
    ) -> Event:
        """Attest a check; `body` is kept as evidence, and a `paper` is held against the entry first. Where the entry
        has a plan of evals, results fill its comparison, and attest the check once that is complete; what is returned
        is the last event written.

        With `everywhere` a word about the model itself holds on every surface of the entry.

        Raises:
            Refused: there is no such check, a source verifies it by itself, or the paper does not bear it out.
        """
        if check not in CHECKS:
            raise Refused(f"there is no check {check!r}{perhaps(check, CHECKS)}; the checks are: {', '.join(CHECKS)}")
        if not (url or note or body or paper):
            raise Refused(
                f"a word without a trace proves nothing: give --url, --note or --from for the check {check} of {key}"
            )
        word = _AttestedWord(check=check, by=by, via=via, url=url, note=note, body=body, paper=paper)
        with self._begin() as unit:
            entry = find_entry(unit.register.entries, key)
            keys = [key]
            if everywhere and check in ABOUT_THE_MODEL:
                keys += [row.key for row in rows_of(unit.register.entries, key) if _is_meant(row, entry, check)]
            last = [self._attest(unit, row, word) for row in dict.fromkeys(keys)]
            unit.refresh = True  # a required word that was renewed lengthens the lease
        return last[0]

    def _attest(self, unit: UnitOfWork, key: str, word: _AttestedWord) -> Event:
        """Write the word of a person for a check of one row, and return the last event of it."""
        tx, now, check = unit.tx, unit.now, word.check
        entry = find_entry(unit.register.entries, key)
        plan = entry.spec.evals if check == EVALS else None
        self._may_be_attested(tx, entry, check, url=word.url, planned=plan is not None)
        if check == EVALS and plan is None and not (word.url or word.paper):
            raise Refused(
                f"a note alone does not verify evals of {key}: give --from FILE with the results, or --url of them"
            )

        def keep(content: Body) -> str:
            return tx.put_evidence(content, f"attested by {word.by}", now)

        attachment = Held(keep(word.body) if word.body else "", {})
        if plan is not None:
            comparison = self._compared(unit, entry, plan, word, keep)
            if comparison is None:
                return unit.register.events[-1]
            attachment = comparison
        elif word.paper is not None:
            attachment = word.paper.hold(tx, self._configuration, entry, keep)
        until = now + check_expiry.attested(entry, check, self._configuration.checks)
        unit.register.add_to_entry(
            ev.CHECK_ATTESTED,
            key,
            at=now,
            actor=word.by,
            evidence=attachment.evidence,
            data={"check": check, "until": ev.rfc3339(until), **word.recorded, **attachment.data},
        )
        return unit.register.events[-1]

    def _may_be_attested(self, reader: Reader, entry: Entry, check: str, *, url: str, planned: bool) -> None:
        """Refuse the word of a person for what it cannot be about, or what a source verifies."""
        if not planned and not all(entry.spec.surfaces.values()):
            raise Refused(
                f"{entry.key} has no model id yet, so nothing can be attested of its model; give the entry its "
                "model_id in the configuration first"
            )
        specs = self._configuration.sources
        feeding = [spec.key for spec in specs.values() if check in checklist.fed_by(spec, entry)]
        if feeding and not checklist.attestable(check, entry, current_baselines(reader, specs)):
            raise Refused(
                f"the check {check} of {entry.key} can only be verified automatically, by "
                f"{', '.join(feeding)}, not attested; `access-monitor poll {feeding[0]}` polls now"
            )
        if lack := safety.wanting(entry, check, url):
            raise Refused(lack)

    def _compared(
        self,
        unit: UnitOfWork,
        entry: Entry,
        plan: EvalPlan,
        word: _AttestedWord,
        keep: Keep,
    ) -> Held | None:
        """Record the results that a person hands in for a plan of evals, and return the comparison once it is complete;
        None while something is missing.
        """
        files: object = []
        ignored: object = {}
        evidence = ""
        if isinstance(word.paper, EvalPaper):
            filled = word.paper.fill(unit.tx, self._configuration, entry, plan, keep)
            evidence, files, ignored = filled.evidence, filled.data["files"], filled.data["ignored"]
            unit.register.add_to_entry(
                ev.EVALS_RECORDED,
                entry.key,
                at=unit.now,
                actor=word.by,
                evidence=evidence,
                data={**word.recorded, **filled.data},
            )
        comparison = evals.matrix(unit.register.entries[entry.key], unit.register.entries)
        assert comparison is not None, "the entry has a plan"
        if comparison.missing and word.paper is not None:
            return None
        if comparison.missing:
            raise Refused(
                f"evals of {entry.key} are verified by results of every suite for both models, and "
                f"{', '.join(comparison.missing)} {'is' if len(comparison.missing) == 1 else 'are'} missing: give "
                "--from FILE, or go on without by `--waive evals` when the entry is activated or resumed"
            )
        return Held(evidence, {"evals": {**comparison.as_recorded(), "files": files, "ignored": ignored}})

    # -- how every act is carried out --------------------------------------

    def _move(self, key: str, kind: str, act: _ActOfPerson, *, accept: Going | None = None, **data: object) -> Event:
        """Carry out an act; one that accepts what is confirmed (`accept` holds what it may do without) pins it under
        the same lock.
        """
        with self._begin() as unit:
            tx, register, now = unit.tx, unit.register, unit.now
            entry = find_entry(register.entries, key)
            _may(entry, kind)
            _expected(tx, entry, act.shown if act.expect is None else act.expect)
            expected = act.expect
            cause = entry.position
            if accept is not None:
                data |= self._acceptance(tx, entry, kind, now, accept)
                confirms = confirmed(tx, entry, kind, data, by=act.by, via=act.via, expect=act.expect)
                data |= {"act": kind} if confirms is None else confirms
                if confirms is None:  # one person's word is a request, at the position that it is about
                    kind, expected = ev.ENTRY_APPROVAL_REQUESTED, entry.position
                elif confirms:
                    cause = int(str(confirms["request"]))
            register.add_to_entry(
                kind,
                key,
                at=now,
                actor=act.by,
                cause=cause,
                data={
                    **data,
                    "by": act.by,
                    "reason": act.reason,
                    "via": dict(act.via),
                    "expect": entry.position if expected is None else expected,
                    "versions": {"code": self._configuration.code, "configuration": self._configuration.version},
                },
            )
            return register.events[-1]

    def _acceptance(self, reader: Reader, entry: Entry, kind: str, now: datetime, going: Going) -> dict[str, object]:
        """Return the pins of an acceptance, or a refusal that names everything that is missing."""
        proposal = acceptance(reader, self._configuration, entry, now, self._ask_gate, going)
        _asked_for(entry, proposal, kind, going)
        if proposal.problems:
            asks = f"; its {proposal.asked_by} asks for {', '.join(proposal.asks)}" if proposal.asks else ""
            raise Refused(f"{entry.key} cannot be accepted yet{asks}: " + "; ".join(map(str, proposal.problems)))
        return {
            "pins": [asdict(pin) for pin in proposal.pins],
            "unpinned": list(proposal.unpinned),
            "callers": list(entry.spec.callers),
            "waived": sorted(going.waived),
            "losses": sorted(going.losses),
        }


def _is_meant(row: Entry, entry: Entry, check: str) -> bool:
    """Return whether a word about the model of one row is about that of another: results of evals are of one id."""
    if check == EVALS and entry.spec.evals is not None:
        return row.alive and row.spec.model_id == entry.spec.model_id
    return row.alive and bool(row.spec.model_id)


def _asked_for(entry: Entry, proposal: Acceptance, kind: str, going: Going) -> None:
    """Refuse to go on without what nobody asks for: a waiver says something of this pause, or it is a mistake."""
    needs = dict.fromkeys((*proposal.asks, *checklist.required(entry)))
    if safety.by_caller(entry):
        needs[SAFETY_REVIEW] = None
    if unasked := sorted(going.waived - needs.keys()):
        raise Refused(
            f"{', '.join(unasked)} cannot be waived: the "
            f"{'resumption' if kind == ev.ENTRY_RESUMED else 'activation'} of {entry.key} asks for "
            f"{', '.join(needs)}"
        )
    if unlost := sorted(going.losses - set(proposal.closed)):
        raise Refused(
            f"{', '.join(unlost)} cannot be accepted as lost: no route that {entry.key} uses is refused "
            "there; leave out --accept-loss"
        )


def _may(entry: Entry, kind: str) -> None:
    if entry.status in TRANSITIONS[kind]:
        return
    verb = kind.partition(".")[2]
    allowed = " or ".join(status for status in TRANSITIONS[kind])
    hint = {
        Status.WAITING: f"it waits for {entry.spec.model_id or 'a model id'} to be listed on {entry.spec.surface}",
        Status.EVALUATING: f"`access-monitor activate {entry.key}` comes first",
        Status.ACTIVE: f"`access-monitor activate {entry.key}` pins what is confirmed now",
        Status.PAUSED: f"`access-monitor resume {entry.key}` ends a pause",
    }.get(entry.status, "an ended entry is declared anew under another key")
    raise Refused(f"{entry.key} cannot be {verb}: it is {entry.status}, not {allowed}; {hint}")


def _expected(reader: Reader, entry: Entry, expect: int | None) -> None:
    if expect is None or entry.position <= expect <= reader.head():
        return
    if expect > reader.head():
        raise Refused(f"position {expect} is not in the log, which ends at {reader.head()}")
    later = reader.event(entry.position)
    what = "" if later is None else f": {later.event.type} of {later.event.subject} at position {later.event.position}"
    raise Refused(
        f"something happened to {entry.key} after position {expect}{what}; "
        f"see `access-monitor why {entry.key}`, then repeat with --expect {entry.position}"
    )


def _caused(reader: Reader, pause: int, cause: int) -> bool:
    events = reader.events(EventQuery(type="entry.pause*", after=pause - 1))
    first = reader.event(pause)
    stream = "" if first is None else first.event.stream
    return any(
        recorded.event.stream == stream and (cause in recorded.event.data["causes"] or cause == recorded.event.position)
        for recorded in events
    )
