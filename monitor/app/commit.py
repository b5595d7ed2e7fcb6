"""The one way in which a decision is committed: lock, entries, events, notices, and the gate's answers after it.

Event, registry status and outbox row are written here together, so that no use case can forget one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry
from monitor.core.events import Event
from monitor.core.notices import Notice
from monitor.core.ports import Clock, Store, Transaction
from monitor.gate.state import Production
from monitor.notify.compose import compose
from monitor.notify.destinations import notified, takers
from monitor.notify.pages import page
from monitor.notify.rules import Background
from monitor.registry import checklist, fallbacks
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Rehearsal, Rehearsed, UnitOfWork


class Commits:
    """Opens units of work over one store under one configuration; `begin` is the port `Begin`.

    `published` is called after every commit that changed what the gate says of an entry, before anything else is done.
    Without it units are rehearsals: each ends with `Rehearsed` and leaves everything as it was.
    """

    def __init__(
        self, store: Store, configuration: Configuration, clock: Clock, *, published: Callable[[], object] | None
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock
        self._published = published

    @contextmanager
    def begin(self, now: datetime | None = None) -> Iterator[UnitOfWork]:
        """Open a unit of work; see `Begin`."""
        with self._store.write() as tx:
            before = tx.entries()
            register = RegistryTransaction(tx.head(), before)
            unit = UnitOfWork(tx=tx, register=register, now=self._clock() if now is None else now)
            yield unit
            unit.notices = _write(tx, self._configuration, register, at=unit.now)
            if self._published is None:
                raise Rehearsed(Rehearsal(events=tuple(register.events), notices=unit.notices))
            answers_changed = unit.refresh or gate_answers_changed(register, before)
        if answers_changed:
            self._published()


def _write(
    tx: Transaction, configuration: Configuration, register: RegistryTransaction, *, at: datetime
) -> tuple[Notice, ...]:
    """Append what a decision wrote, project the registry, enqueue its notices."""
    gate = Production(tx, configuration, at, register.entries)
    if register.moved:
        fallbacks.judge(register, gate, at)
    if register.events:
        tx.append(register.events, at)
    for entry in register.moved:
        tx.put_entry(entry)
    for key in _made_stale(register, configuration):
        # A poll that shows nothing new verifies what is stale only if it is judged whole.
        if (state := tx.source(key)) is not None and not state.attention:
            tx.put_source(replace(state, attention=True))
    background = Background(
        event=partial(_event, tx),
        page=partial(page, configuration),
        notified=partial(notified, configuration.owners, configuration.fallback_owner),
        fallback_owner=configuration.fallback_owner,
    )
    notices = compose(register.events, register, gate, at, background)
    for notice in notices:
        owner = configuration.owners.get(notice.owner)
        tx.enqueue(notice, takers(tx, owner, notice) if owner else (), at)
    return notices


def _event(tx: Transaction, position: int) -> Event | None:
    recorded = tx.event(position)
    return None if recorded is None else recorded.event


def _made_stale(register: RegistryTransaction, configuration: Configuration) -> tuple[str, ...]:
    """Name the sources that can verify anew what a decision made stale."""
    stale = [
        (register.entries[ev.entry_key(event)], event.data["check"])
        for event in register.events
        if event.type == ev.CHECK_STALE
    ]
    if not stale:
        return ()
    return tuple(
        key
        for key, spec in configuration.sources.items()
        if any(entry.alive and name in checklist.fed_by(spec, entry) for entry, name in stale)
    )


def gate_answers_changed(register: RegistryTransaction, before: Mapping[str, Entry]) -> bool:
    """Return whether a decision changed what the gate says of an entry beyond its dates, so that leases are written
    anew.

    It goes by its status, its declaration (whom a pause spares, the fallback) and the states of its checks.
    """
    return any(entry.key not in before or _spoken(entry) != _spoken(before[entry.key]) for entry in register.moved)


def _spoken(entry: Entry) -> tuple[object, ...]:
    return entry.status, entry.spec, {name: check.state for name, check in entry.checks.items()}
