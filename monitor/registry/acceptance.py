"""What a person accepts by an activation or a resumption: the pins that would stand, beside those that stood, and what
is missing.

Reading only, so that it can be shown before the act and is worked out anew, under the writer's lock, within it.

The second approver: where an entry wants two, what one person accepts is a request until another person accepts the
same.

The same means: the same act, at the same position, with the same pins. Two people are two names and two identities:
two accounts of the operating system, or two signed-in ones. Anybody can type two names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core import access
from monitor.core import events as ev
from monitor.core.baselines import UNKNOWN, Baselines
from monitor.core.changes import same
from monitor.core.check_names import EVALS
from monitor.core.configuration import Configuration
from monitor.core.entry import CheckState, Entry, Pin, Status
from monitor.core.facts import GRANTED, Fact, Subject, Value, refusal
from monitor.core.ports import AskGate, Reader, Refused
from monitor.core.text import value_in_words
from monitor.detection.routes import CODEX, LIST, answer
from monitor.registry import check_expiry, checklist, evals, fallbacks
from monitor.registry import pins as pinning
from monitor.registry.freshness import Freshness

_RESTS_ON: Mapping[str, str] = {
    "evals": "--from FILE --baseline ENTRY|MODEL",
    "logging": "--from FILE",
}
"""Check → what its word rests on, where that is a file that is read; else a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that stands against an acceptance, and what mends it: a command in backquotes, or what to do first."""

    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.mend})" if self.mend else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One pin as it was accepted and as it would be; None where it was, or would be, none."""

    pin: str
    accepted: Value | None
    now: Value | None

    @property
    def moved(self) -> bool:
        """Whether accepting it changes anything."""
        if self.accepted is None or self.now is None:
            return self.accepted is not self.now
        return not same(self.pin.rpartition("/")[2], self.accepted, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What an acceptance at `position` comes to; it may be carried out while there are no `problems`.

    `asks` are the checks that the running pause asks for, whether the entry lists them or not, or before anybody
    accepted the entry its lost listing, as `asked_by` says; `closed` are the ways to the model that are closed, each of
    which has to be accepted by name.
    """

    position: int
    pins: tuple[Pin, ...]
    unpinned: tuple[str, ...]
    compared: tuple[Compared, ...]
    problems: tuple[Problem, ...]
    asks: tuple[str, ...] = ()
    asked_by: str = ""
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """What a person goes on without: checks that are not verified (`waived`), and ways to the model that are closed
    (`losses`).
    """

    waived: frozenset[str] = frozenset()
    losses: frozenset[str] = frozenset()


WITH_ALL = Going()
"""Going on without nothing: the usual acceptance."""


def acceptance(
    reader: Reader,
    configuration: Configuration,
    entry: Entry,
    now: datetime,
    ask_gate: AskGate,
    going: Going = WITH_ALL,
) -> Acceptance:
    """Return what would be accepted now, and everything that is missing; `going` is what may be."""
    waived = going.waived
    fresh = Freshness(reader, configuration)
    entry = replace(entry, checks=fallbacks.checks(entry, ask_gate(reader, configuration, now), now))
    wanting = checklist.missing(entry, now=now, waived=waived)
    problems = [
        Problem(what=_wanting(reader, entry, name, state), mend=mend(configuration, entry, name, state))
        for name, state in wanting.items()
    ]
    pins, unpinned, disputed = pinning.pins(entry, fresh.baselines)
    closed = pinning.closed(entry, fresh.baselines)
    problems += [
        Problem(what=_refused(entry, way, key, fresh.baselines), mend=f"--accept-loss {way} goes on without it")
        for way, key in closed.items()
        if way not in going.losses and not (way in _LISTED and wanting.keys() & {"model_id", "visibility"})
    ]
    problems += [
        Problem(what=f"{field} is disputed ({', '.join(f'{source} says {value}' for source, value in statements)})")
        for field, statements in disputed.items()
    ]
    problems += _suspected(reader, fresh.baselines, entry, pins)
    problems += _stale(fresh, configuration, entry, now, waived | wanting.keys())
    return Acceptance(
        position=entry.position,
        pins=pins,
        unpinned=unpinned,
        compared=compare(entry.pins, pins),
        problems=tuple(problems),
        asks=checklist.asked(entry),
        asked_by="pause" if entry.status is Status.PAUSED else "lost listing",
        closed=tuple(closed),
    )


def compare(accepted: tuple[Pin, ...], now: tuple[Pin, ...]) -> tuple[Compared, ...]:
    """Pins side by side, those that were accepted first and in their order."""
    before, after = ({pin.key: pin.value for pin in pins} for pins in (accepted, now))
    return tuple(Compared(pin=key, accepted=before.get(key), now=after.get(key)) for key in before | after)


def _wanting(reader: Reader, entry: Entry, name: str, state: CheckState) -> str:
    """Say how a check stands that is not verified; of evals with a plan also what is missing."""
    comparison = evals.matrix(entry, reader.entries()) if name == EVALS else None
    lacks = f", missing {', '.join(comparison.missing)}" if comparison is not None and comparison.missing else ""
    return f"{name} is {state}{lacks}"


def mend(configuration: Configuration, entry: Entry, name: str, state: CheckState) -> str:
    """Say what verifies a check: the command to run, or what the configuration lacks."""
    feeding = [spec.key for spec in configuration.sources.values() if name in checklist.fed_by(spec, entry)]
    rests_on = "--from FILE" if name == EVALS and entry.spec.evals is not None else _RESTS_ON.get(name, "--url …")
    attest = f"`access-monitor verify {entry.key} {name} --by YOU {rests_on}`"
    look = f"`access-monitor poll {' '.join(feeding)}`"
    if name == "model_id" and not entry.spec.model_id:
        return "give the entry its model_id in the configuration"
    if name in ("model_id", "visibility"):
        if not feeding:
            return f"the configuration has no models_list of the surface {entry.spec.surface}; add one"
        correct = ", or correct its model_id in the configuration" if state is CheckState.FAILED else ""
        return f"{look} polls the models list{correct}"
    if name == "pricing":
        return f"{look} reads the official page, or {attest}" if feeding else attest
    if name == "fallback":
        declared = entry.spec.fallback
        return (
            f"`access-monitor checklist {entry.key}` says why, or {attest}"
            if declared
            else f"give the entry a fallback, or {attest}"
        )
    return look if feeding else attest


_LISTED = frozenset({LIST, CODEX})


def _refused(entry: Entry, way: str, key: str, known: Baselines) -> str:
    """Why a way to the model is closed, in words."""
    pin = Pin.of(key, GRANTED)
    now = known.current(pin, entry)
    if access.setting(pin.field) is not None:
        return access.in_words(way, pin.name, None if now is UNKNOWN else now)
    if way in _LISTED:
        return f"{pin.name} is missing from the list of {pin.scope}"
    texts = {refusal(way): text for _, text in known.statements(Fact(Subject(pin.scope, pin.name), refusal(way)))}
    return f"{way} answers {answer(way, None if now is UNKNOWN else now, texts)}"


def _suspected(reader: Reader, known: Baselines, entry: Entry, pins: tuple[Pin, ...]) -> list[Problem]:
    facts = {fact for pin in pins for fact in pinning.facts(pin, entry)}
    return [
        Problem(
            what=f"{pending_change.fact.subject.name} {pending_change.fact.field} may be changing to "
            f"{value_in_words(pending_change.value)} by {pending_change.source} "
            f"since {ev.rfc3339(pending_change.first_at)}",
            mend=f"wait until it is confirmed or gone, or `access-monitor poll {pending_change.source}`",
        )
        for pending_change in reader.pending_changes()
        if pending_change.seen
        and pending_change.quarantine is None
        and pending_change.fact in facts
        and any(spec.key == pending_change.source for spec in known.authorities(pending_change.fact.subject))
    ]


def _stale(
    fresh: Freshness, configuration: Configuration, entry: Entry, now: datetime, named: frozenset[str]
) -> list[Problem]:
    """List what was not polled for too long, though time has not made its check stale yet."""
    return [
        Problem(
            what=f"{name} was last verified {ev.rfc3339(at)}",
            mend=mend(configuration, entry, name, CheckState.STALE),
        )
        for name, at in (("visibility", fresh.access(entry)), ("pricing", fresh.price(entry)))
        if name not in named
        and at is not None
        and now - at > check_expiry.verified(entry, name, configuration.gate, configuration.checks)
    ]


COMMANDS = {ev.ENTRY_ACTIVATED: "activate", ev.ENTRY_RESUMED: "resume"}
"""The act that is asked for → the command that confirms it."""


def confirmed(
    reader: Reader,
    entry: Entry,
    kind: str,
    accepted: Mapping[str, object],
    *,
    by: str,
    via: Mapping[str, str],
    expect: int | None,
) -> dict[str, object] | None:
    """Return what an act records besides where it may be carried out now: the request that it confirms. None: it is
    itself a request.

    Raises:
        Refused: the person has asked already, acts from the account that asked, or did not say what was seen.
    """
    if entry.spec.approvers < 2:
        return {}
    approval = entry.asked
    request = None if approval is None or approval.act != kind else reader.event(approval.position)
    if approval is None or request is None or _accepted(request.event.data) != _accepted(accepted):
        return None
    command = f"`access-monitor {COMMANDS[kind]} {entry.key} --by … --reason … --expect {approval.expect}`"
    if _person(by) == _person(approval.by):
        raise Refused(
            f"{approval.by} has requested this already, at position {approval.position}; another person confirms it "
            f"with {command}"
        )
    account = identity(via)
    if account == identity(request.event.data["via"]):
        raise Refused(
            f"{account} requested this at position {approval.position}, as {approval.by}: two people are two accounts, "
            f"so {by} confirms it from another account with {command}"
        )
    if expect is None:
        raise Refused(
            f"{approval.by} requested this at position {approval.position}; another person confirms it with {command}"
        )
    return {"requested_by": approval.by, "request": approval.position}


def _accepted(data: Mapping[str, object]) -> tuple[object, ...]:
    """Return what has to be the same in both words: the pins, and what both go on without."""
    return data["pins"], data.get("waived", []), data.get("losses", [])


def identity(via: Mapping[str, str]) -> str:
    """Return the account that an act came from: the signed-in identity, else the operating system's `user@host`."""
    return via.get("identity") or f"{via.get('user', '')}@{via.get('host', '')}"


def _person(name: str) -> str:
    return " ".join(name.split()).casefold()
