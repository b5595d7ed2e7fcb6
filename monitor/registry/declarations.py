"""Loading a configuration into the log: entries declared, amended and withdrawn, and our own side's moves judged like a
provider's.

All or nothing, in one transaction. A configuration that is the one recorded already writes nothing.

An entry on several surfaces is a row of the registry on each, and it is here that its declaration is split. A row whose
surface stood under another key before goes on from there: its event carries the state (`row_state`).

Kept apart from the fold because it alone knows the configuration: what the rest of it says of an entry
(`EntrySpec.provider`, `EntrySpec.config_pins`) is filled in once, here, and never worked out again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.core import events as ev
from monitor.core.accepted_configuration import differences
from monitor.core.baselines import SOURCES, Baselines, stands
from monitor.core.check_names import AMENDMENT, EVALS, SAFETY_REVIEW
from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.entry import Check, CheckState, Entry, Status
from monitor.core.entry_spec import AT, EntrySpec, changed, dump, rows
from monitor.core.events import CONFIG_STREAM, Event
from monitor.core.facts import STAGE
from monitor.core.ports import AskGate, Reader, Refused, Store
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import checklist, evals, pins, policy, row_state, safety
from monitor.registry.causes import ASKS, Cause
from monitor.registry.checklist import CODEX
from monitor.registry.configuration_effects import LEFT, Act, Take, accepted, covers, in_words, recorded, takes
from monitor.registry.earlier_acceptances import with_its_on_pause
from monitor.registry.origins import Origins
from monitor.registry.renames import Continued, renames
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Begin


def declare(
    store: Store,
    configuration: Configuration,
    begin: Begin,
    ask_gate: AskGate,
    *,
    before: Configuration | None = None,
) -> tuple[Event, ...]:
    """Record a configuration and judge what it changes; returns what was written.

    With `before`, the configuration that production goes by, one that takes something from production has to be
    accepted.

    Raises:
        Refused: it is not accepted; nothing was written.
    """
    with store.read() as reader:
        if _recorded(reader) == configuration.version and _all_declared(reader, configuration):
            return ()
    with begin() as unit:
        tx, now = unit.tx, unit.now
        named = renames(tx, configuration)
        tried = RegistryTransaction(tx.head(), tx.entries())
        judge(tx, tried, configuration, now)
        if before is not None:
            after = ask_gate(named.view(tx), configuration, now, tried.entries)
            taken = takes(ask_gate(tx, before, now), after)
            _accepted(tx, configuration, taken)
            unit.refresh = True  # what the gate goes by may have moved without any entry
            if denied := {take.entry: take.reason for take in taken if take.act is Act.DENIES}:
                tried = RegistryTransaction(tx.head(), tx.entries())
                judge(tx, tried, configuration, now, denied)  # once more, since its first event says so
        unit.register.extend(tried.events)
        named.carry(tx)
        for key in configuration.sources:
            if (state := tx.source(key)) is not None and not state.attention:
                tx.put_source(replace(state, attention=True))
    return tuple(unit.register.events)


def _accepted(reader: Reader, configuration: Configuration, taken: tuple[Take, ...]) -> None:
    last = recorded(reader)
    given = None if last is None else accepted(last, configuration)
    if taken and not covers(given, taken, reader.entries()):
        raise Refused(
            f"The configuration would {in_words(taken)}, which nobody has accepted: see `access-monitor config check`."
        )


def judge(
    reader: Reader,
    register: RegistryTransaction,
    configuration: Configuration,
    now: datetime,
    denied: Mapping[str, str] | None = None,
) -> None:
    """Write what a configuration changes into `register`. `denied` are the entries that it alone denies to production,
    with the reason.
    """
    trigger = _changed(reader, register, configuration, now, denied or {})
    named = renames(reader, configuration)
    named.write(register, reader, now, trigger)
    reader = named.view(reader)
    known = current_baselines(reader, configuration.sources)
    declared = {row.key: row for row in _rows(configuration)}
    before = dict(register.entries)
    for row in declared.values():
        continued = named.continued(before, row) or _carried(before, row, declared)
        _row(reader, register, row, continued, configuration, known, now, trigger)
    for key, entry in list(register.entries.items()):
        if entry.alive and key not in declared:
            _withdrawn(register, entry, named.successor(entry.spec.entry), now, trigger)
        elif entry.alive:
            _uncompare(register, entry, now, trigger)


def _rows(configuration: Configuration) -> Iterator[EntrySpec]:
    """Yield every row that a configuration declares."""
    for spec in configuration.entries.values():
        yield from (_declared(row, spec, configuration) for row in rows(spec))


def _carried(before: Mapping[str, Entry], row: EntrySpec, declared: Mapping[str, EntrySpec]) -> Continued | None:
    """Return what a row goes on from where that is not what stands under its key: the row, or the whole entry of an
    earlier version, that held its surface; a blank one where its key was that of a surface which moved to another key.
    """
    own = before.get(row.key)
    if own is not None and own.status is not Status.WITHDRAWN and set(own.spec.surfaces) == {row.surface}:
        return None
    holders = (
        entry for entry in before.values() if entry.spec.entry == row.entry and row.surface in entry.spec.surfaces
    )
    holder = next((entry for entry in holders if entry.status is not Status.WITHDRAWN), None)
    if holder is not None:
        return Continued(carried=row_state.part(holder, row), origin=holder.key)
    displaced = (
        own is not None
        and own.alive
        and any(
            other.entry == row.entry and other.key != row.key and other.surface in own.spec.surfaces
            for other in declared.values()
        )
    )
    if own is None or not displaced:
        return None
    blank = Entry(
        key=row.key, status=Status.WAITING, since=own.since, position=0, status_position=own.position, spec=row
    )
    return Continued(carried=blank, origin=row.key)


def _recorded(reader: Reader) -> str:
    last = recorded(reader)
    return "" if last is None else last.version


def _all_declared(reader: Reader, configuration: Configuration) -> bool:
    entries = reader.entries()
    return all(row.key in entries for spec in configuration.entries.values() for row in rows(spec))


def _changed(
    reader: Reader,
    register: RegistryTransaction,
    configuration: Configuration,
    now: datetime,
    denied: Mapping[str, str],
) -> int | None:
    last = recorded(reader)
    if last is not None and last.version == configuration.version:
        return None
    before = {} if last is None or last.document is None else last.document
    given = None if last is None else accepted(last, configuration)
    return register.add(
        ev.CONFIG_CHANGED,
        CONFIG_STREAM,
        CONFIG_STREAM,
        at=now,
        cause=None if given is None else given.position,
        data={
            "version": configuration.version,
            "code": configuration.code,
            "changed": [difference.path for difference in differences(before, configuration.document)],
            "document": configuration.document,
            **({"denies": dict(denied)} if denied else {}),
        },
    )


def _withdrawn(register: RegistryTransaction, entry: Entry, successor: str, now: datetime, trigger: int | None) -> None:
    """Write that an entry left the configuration, or goes on under another key."""
    reason = f"it was renamed to {successor}" if successor else LEFT
    register.add_to_entry(ev.ENTRY_WITHDRAWN, entry.key, at=now, cause=trigger, data={"reason": reason})


def _row(  # noqa: PLR0913 - what is declared, what it goes on from, and what both are judged on
    tx: Reader,
    register: RegistryTransaction,
    spec: EntrySpec,
    continued: Continued | None,
    configuration: Configuration,
    known: Baselines,
    now: datetime,
    trigger: int | None,
) -> None:
    entry = register.entries.get(spec.key)
    fresh = entry is None or entry.status is Status.WITHDRAWN
    # What the declaration is compared with: a renamed row is the one that it was, in the new names.
    renamed = continued is not None and continued.renamed
    before = continued.carried if continued is not None and renamed else entry
    if before is not None:
        spec = with_its_on_pause(before, spec, configuration)
    data: dict[str, object] = {
        "surface": spec.surface,
        "declaration": dump(spec),
        "versions": {"code": configuration.code, "configuration": configuration.version},
    }
    declared = ev.ENTRY_DECLARED
    if continued is not None:
        data["carried"] = row_state.dump(continued.carried, continued.origin)
        if (was := continued.origin.partition(AT)[0]) != spec.entry:
            declared, data["was"] = ev.ENTRY_RENAMED, was
    if fresh:
        position = register.add_to_entry(declared, spec.key, at=now, cause=trigger, data=data)
    elif before is not None and (continued is not None or (before.alive and before.spec != spec)):
        data["changed"] = changed(before.spec, spec)
        position = register.add_to_entry(ev.ENTRY_AMENDED, spec.key, at=now, cause=trigger, data=data)
    else:
        return
    if before is not None and (renamed or not fresh):
        if continued is None or renamed:
            _unverify(register, before, spec, position, now)
        _unreview(register, before, spec, position, now)
    versions = {"code": configuration.code, "configuration": configuration.version}
    judgement = policy.Trigger(at=now, position=position, origin=Origins(tx, known, register).of, versions=versions)
    policy.judge(register, spec.key, known, judgement)


def _unverify(register: RegistryTransaction, before: Entry, spec: EntrySpec, position: int, now: datetime) -> None:
    """Let the checks of an entry that nobody has accepted yet go stale where they were about another model, host or
    page.

    An accepted one has pins for this: it is paused. What a person said while the id was blank was about no model.
    """
    ours = spec.config_pins
    owned = {key: key.rpartition("/")[2] for key in before.spec.config_pins}
    moved = {
        name
        for key, name in owned.items()
        if (value := before.spec.config_pins[key]) and not stands(name, value, ours.get(key))
    }
    named = any("/model_id@" in key and value and before.spec.config_pins.get(key) == "" for key, value in ours.items())
    released = STAGE in moved
    moved.discard(STAGE)
    only_prices = moved <= {"url", SOURCES}
    for name in sorted({*before.checks, EVALS}):
        check = before.checks.get(name, Check())
        if not checklist.holds(name, before):
            continue
        if named and check.by != ev.SYSTEM:
            reason = "the model id was given since, so it cannot have been about this model"
        elif moved and not before.pins and (name == "pricing" or not only_prices):
            reason = "what it was about changed"
        elif released and not before.pins and name in ASKS[Cause.STAGE]:
            reason = f"its stage is {spec.stage} now, and was {before.spec.stage}"
        else:
            continue
        grounds = checklist.Grounds(cause=position, reason=reason)
        checklist.move(register, ev.CHECK_STALE, before.key, name, grounds, at=now)


def _unreview(register: RegistryTransaction, before: Entry, spec: EntrySpec, position: int, now: datetime) -> None:
    """Let a safety review go stale that was not about everything that the entry touches now, whether
    accepted or not.
    """
    more = safety.widened(before.spec, spec)
    if not more or not _verified(register, before.key, SAFETY_REVIEW):
        return
    reason = f"the entry now touches {', '.join(more)}, which the review was not about"
    grounds = checklist.Grounds(cause=position, reason=reason, because=AMENDMENT)
    checklist.move(register, ev.CHECK_STALE, before.key, SAFETY_REVIEW, grounds, at=now)


def _uncompare(register: RegistryTransaction, entry: Entry, now: datetime, trigger: int | None) -> None:
    """Let the evals of an entry go stale whose plan asks for more than was handed in. Once it was accepted, only a plan
    of its own that changed does: what it was compared with may move on.
    """
    if not _verified(register, entry.key, EVALS):
        return
    before = register.before.get(entry.key)
    comparison = evals.matrix(entry, register.entries)
    amended = before is not None and before.spec.evals != entry.spec.evals
    if comparison is None or not comparison.missing or (entry.pins and not amended):
        return
    grounds = checklist.Grounds(
        cause=entry.position if trigger is None else trigger,
        reason=f"its evals lack {', '.join(comparison.missing)}",
        because=AMENDMENT,
    )
    checklist.move(register, ev.CHECK_STALE, entry.key, EVALS, grounds, at=now)


def _verified(register: RegistryTransaction, key: str, name: str) -> bool:
    check = register.entries[key].checks.get(name)
    return check is not None and check.state is CheckState.VERIFIED


def _declared(spec: EntrySpec, entry: EntrySpec, configuration: Configuration) -> EntrySpec:
    """Return a row of an entry with what the rest of the configuration says of it."""
    provider = _provider(spec, entry, configuration)
    stands_on: list[tuple[str, str, str]] = [(spec.entry, "provider", provider)]
    if spec.stage:
        stands_on.append((spec.entry, STAGE, spec.stage))
    feeding: list[str] = []
    for key in spec.surfaces:
        surface = configuration.surfaces[key]
        stands_on += [(key, "base_url", surface.base_url), (key, "project", surface.project)]
    for source in configuration.sources.values():
        if source.lists and source.surface in spec.surfaces:
            feeding.append(source.key)
        elif source.prices and source.trust == OFFICIAL and source.provider in ("", provider):
            feeding.append(source.key)
            stands_on.append((source.key, "url", source.shown_url))
    stands_on.append((spec.entry, SOURCES, " ".join(sorted(feeding))))
    ours = pins.ours(spec.entry, spec.surfaces, spec.price_model, stands_on)
    offered = _offered_by_codex(configuration) & set(entry.surfaces)
    # Beside a row on Codex, which answers it, the check would let Codex deny the API.
    checks = tuple(name for name in spec.checks if name != CODEX or not offered or spec.surface in offered)
    region = configuration.surfaces[spec.surface].region
    return replace(spec, provider=provider, region=region, config_pins=ours, checks=checks)


def _provider(spec: EntrySpec, entry: EntrySpec, configuration: Configuration) -> str:
    """Return whose prices a row goes by: those of its surface's provider, or of the first surface's where nothing
    official states any of the former.
    """
    own = configuration.surfaces[spec.surface].provider
    official = (source for source in configuration.sources.values() if source.prices and source.trust == OFFICIAL)
    first = spec.surface == entry.surface
    return (
        own
        if first or any(source.provider == own for source in official)
        else configuration.surfaces[entry.surface].provider
    )


def _offered_by_codex(configuration: Configuration) -> set[str]:
    """Name the surfaces that a catalogue of Codex speaks for."""
    return {source.surface for source in configuration.sources.values() if CODEX in source.can.verifies}
