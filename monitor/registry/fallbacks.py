"""Whether what stands in for an entry may be used: the gate's own answer, for the check `fallback` and for the owners
of what rests on it. The check also asks whether it has what the entry uses.

Judged at every commit that moves an entry, and by time alone, since a fallback is denied by its age, too. A loss is
told once; what came back may be lost and told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.core import events as ev
from monitor.core.configuration import PRODUCTION
from monitor.core.entry import Check, CheckState, Entry, Status
from monitor.core.ports import GateAnswers
from monitor.registry import checklist
from monitor.registry.model_features import FallbackDifference, differences, lacking, model_features
from monitor.registry.transitions import RegistryTransaction

USED = frozenset({Status.ACTIVE, Status.PAUSED})
"""The entries whose callers may have to go on with a fallback."""


def judge(register: RegistryTransaction, gate: GateAnswers, at: datetime) -> None:
    """Write how the fallbacks of all entries stand, where that is not how they stood."""
    for key, entry in list(register.entries.items()):
        if not entry.alive:
            continue
        _check(register, key, gate, at)
        if entry.status in USED and entry.spec.fallback:
            _loss(register, entry, gate, at)


def checks(entry: Entry, gate: GateAnswers, at: datetime) -> Mapping[str, Check]:
    """Return the checks of an entry, with that of its fallback as the gate has it at this moment."""
    check = entry.checks.get(checklist.FALLBACK, Check())
    if not _ours(check) or not entry.spec.fallback:
        return entry.checks
    lack = missing(entry, gate)
    state = CheckState.FAILED if lack else CheckState.VERIFIED
    now = Check(state=state, verified_at=check.verified_at if lack else at, by=ev.SYSTEM, note=lack)
    return {**entry.checks, checklist.FALLBACK: now}


def wanting(entry: Entry, gate: GateAnswers) -> str:
    """Why no fallback of an entry is allowed, in words; empty where one is."""
    if gate.answer(entry.key).fallback:
        return ""
    denied = [f"{key} is denied in production: {gate.answer(key).reason}" for key in gate.fallbacks(entry.key)]
    return "; ".join(denied) or f"{entry.spec.fallback} is not in the registry"


def missing(entry: Entry, gate: GateAnswers) -> str:
    """Why no fallback of an entry will do, in words: none is allowed, or the one that is lacks what the entry uses.
    Empty where one will do; what nobody states of it is no reason.
    """
    if not (key := gate.answer(entry.key).fallback):
        return wanting(entry, gate)
    lacks = lacking(entry, model_features(gate.entries[key], gate.baselines))
    return f"{key} lacks what {entry.key} uses: {', '.join(lacks)}" if lacks else ""


def compared(entry: Entry, gate: GateAnswers) -> tuple[str, list[FallbackDifference]]:
    """Compare an entry with its fallback, the one that is allowed or else the one that is declared; the key is empty
    where it has none.
    """
    key = gate.answer(entry.key).fallback or next(iter(gate.fallbacks(entry.key)), "")
    if not key:
        return "", []
    mine, other = model_features(entry, gate.baselines), model_features(gate.entries[key], gate.baselines)
    return key, differences(entry, mine, other)


def _ours(check: Check) -> bool:
    """Whether no person speaks for the check: their word stands until its date."""
    return check.state is not CheckState.VERIFIED or check.by == ev.SYSTEM


def _check(register: RegistryTransaction, key: str, gate: GateAnswers, at: datetime) -> None:
    entry = register.entries[key]
    check = entry.checks.get(checklist.FALLBACK, Check())
    needed = any(checklist.FALLBACK in checklist.required(entry, name) for name in (PRODUCTION, *entry.spec.checks_in))
    declared = entry.spec.fallback
    if not _ours(check) or not (needed or check.state is CheckState.VERIFIED):
        return
    lack = missing(entry, gate) if declared else "no fallback is declared any more"
    if not lack:
        kind, note = ev.CHECK_VERIFIED, f"{gate.answer(key).fallback} is allowed"
        due = check.state is not CheckState.VERIFIED or check.note != note or _earlier(check, at)
    else:
        kind, note = ev.CHECK_FAILED, lack
        due = check.state is CheckState.VERIFIED or (bool(declared) and check.note != note)
    if due:
        _move(register, kind, entry, note, gate, at)


def _earlier(check: Check, at: datetime) -> bool:
    return check.verified_at is None or check.verified_at.date() < at.date()


def _move(register: RegistryTransaction, kind: str, entry: Entry, note: str, gate: GateAnswers, at: datetime) -> None:
    declared = entry.spec.fallback
    register.add_to_entry(
        kind,
        entry.key,
        at=at,
        cause=_cause(entry, gate),
        data={
            "check": checklist.FALLBACK,
            "fallback": declared,
            "url": "",
            "by": ev.SYSTEM,
            "until": None,
            "note" if kind == ev.CHECK_VERIFIED else "reason": note,
        },
    )


def _cause(entry: Entry, gate: GateAnswers) -> int:
    """Find what gave the nearest fallback of an entry its status; where it declares none, what it was declared by."""
    nearest = next(iter(gate.fallbacks(entry.key)), "")
    return gate.answer(nearest).position if nearest else entry.position


def _loss(register: RegistryTransaction, entry: Entry, gate: GateAnswers, at: datetime) -> None:
    allowed = gate.answer(entry.key).fallback
    if bool(allowed) is (entry.fallback_lost is None) or not (allowed or _counted_on(entry, gate)):
        return
    lost = wanting(entry, gate)
    register.add_to_entry(
        ev.ENTRY_FALLBACK_LOST if lost else ev.ENTRY_FALLBACK_RESTORED,
        entry.key,
        at=at,
        cause=_cause(entry, gate) if lost else entry.fallback_lost,
        data={"fallback": allowed or entry.spec.fallback, **({"reason": lost} if lost else {})},
    )


def _counted_on(entry: Entry, gate: GateAnswers) -> bool:
    """Whether a fallback of an entry was ever one that production could use: what nobody activated was never lost."""
    return any(
        gate.entries[key].pins and (gate.entries[key].status is not Status.ACTIVE or gate.known(key))
        for key in gate.fallbacks(entry.key)
    )
