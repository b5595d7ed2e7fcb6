"""Sources and entries that a configuration calls by new keys: what is kept under the old key goes on under the new one.

Events keep the key that they were written with; the store finds them under both (`Reader.events`). Here is what moves:
the rows of a source (`carry`), and the state of a registry row with its pins (`Renames.continued`). Until the rows are
moved, `Renames.view` shows them as they will be, so that loading a configuration can be judged before it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from monitor.core.baselines import CONFIG, SOURCES
from monitor.core.configuration import Configuration
from monitor.core.content import facts_name
from monitor.core.entry import Entry, Pin, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import SOURCE_RENAMED, source_stream
from monitor.core.facts import Alternation, Fact, Facts, PendingChange, SourceState, Subject
from monitor.core.names import no_such
from monitor.core.ports import Reader, Transaction
from monitor.registry import row_state
from monitor.registry.transitions import RegistryTransaction

_OF_SURFACES = frozenset({"base_url", "project"})
_OF_A_SOURCE = "url"
"""The fields of `config` pins that are named after a surface or a source; any other is named after the entry, and
`SOURCES` lists sources in its value.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """A row that goes on from another one.

    Attributes:
        carried: Its state.
        origin: The key of the row that it was.
        renamed: Whether it is the same row in new names: its own, or those of sources that it rests on.
    """

    carried: Entry
    origin: str
    renamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """What a configuration renames that the store still has under the old key.

    Attributes:
        sources: New key → old key of sources.
        entries: New key → old key of entries.
        scopes: Old key → new key of sources that name the scope of their facts after themselves.
    """

    sources: Mapping[str, str]
    entries: Mapping[str, str]
    scopes: Mapping[str, str]

    def view(self, reader: Reader) -> Reader:
        """Return a reader to which the sources go by their new keys already."""
        return cast(Reader, _RenamedReader(reader, self)) if self.sources else reader

    def write(self, register: RegistryTransaction, reader: Reader, now: datetime, cause: int | None) -> None:
        """Write one `source.renamed` for each renamed source, with the baseline that it goes on from."""
        view = self.view(reader)
        for key, was in self.sources.items():
            state = view.source(key) or SourceState(key=key)
            register.add(
                SOURCE_RENAMED,
                source_stream(key),
                key,
                at=now,
                source=key,
                cause=cause,
                evidence=state.evidence,
                data={
                    "was": was,
                    "subjects": state.subjects,
                    "baseline": state.baseline,
                    "extractor": state.extractor,
                },
            )

    def carry(self, tx: Transaction) -> None:
        """Move the rows of renamed sources, measurements included."""
        view = self.view(tx)
        for key, was in self.sources.items():
            state = view.source(key)
            rows = (view.pending_changes(key), view.alternations(key))
            facts = view.facts(state.baseline) if state is not None and was in self.scopes else None
            tx.rename_source(was, key)
            if facts is not None:
                tx.put_facts(facts)
            if state is not None:
                tx.put_source(state)
            tx.put_pending_changes(key, rows[0])
            tx.put_alternations(key, rows[1])

    def continued(self, before: Mapping[str, Entry], row: EntrySpec) -> Continued | None:
        """Return what a declared row goes on from; None where neither its key nor that of its sources moved."""
        own, was = before.get(row.key), self.entries.get(row.entry, "")
        holder = own if own is not None and own.status is not Status.WITHDRAWN else None
        if holder is None and was:
            holder = next((entry for entry in before.values() if _holds(entry, was, row.surface)), None)
        if holder is None or not (was or self.sources):
            return None
        carried = self._translated(holder, row)
        return None if carried == holder else Continued(carried=carried, origin=holder.key, renamed=True)

    def successor(self, key: str) -> str:
        """Return the new key of an entry that had this one; empty where it has none."""
        return next((new for new, old in self.entries.items() if old == key), "")

    def _translated(self, holder: Entry, row: EntrySpec) -> Entry:
        """Return a row under its own key, with its pins and its declaration in the new names."""
        pins = {pin.key: self._pin(pin, holder, row) for pin in holder.pins}
        ours = [self._pin(Pin.of(key, value), holder, row) for key, value in holder.spec.config_pins.items()]
        moved = replace(
            holder,
            key=row.key,
            spec=replace(holder.spec, key=row.key, config_pins={pin.key: str(pin.value) for pin in ours}),
            pins=tuple(pins.values()),
            deviations={pins[key].key if key in pins else key: value for key, value in holder.deviations.items()},
            approval=holder.approval if holder.key == row.key else None,
        )
        return moved if set(holder.spec.surfaces) == {row.surface} else row_state.part(moved, row)

    def _pin(self, pin: Pin, holder: Entry, row: EntrySpec) -> Pin:
        new = {was: key for key, was in self.sources.items()}
        if pin.scope != CONFIG:
            scopes = {source_stream(was): source_stream(key) for was, key in new.items()} | dict(self.scopes)
            return replace(pin, scope=scopes.get(pin.scope, pin.scope))
        if pin.field in _OF_SURFACES:
            return pin
        if pin.field == _OF_A_SOURCE:
            return replace(pin, name=new.get(pin.name, pin.name))
        if pin.field == SOURCES:
            pin = replace(pin, value=" ".join(sorted(new.get(key, key) for key in str(pin.value).split())))
        return replace(pin, name=row.entry) if pin.name == holder.spec.entry else pin


def renames(reader: Reader, configuration: Configuration) -> Renames:
    """Find what a configuration renames and the store has under the old key alone."""
    states, rows = reader.sources(), reader.entries()
    sources = {key: was for key, was in configuration.former_sources.items() if was in states and key not in states}
    living = {entry.spec.entry for entry in rows.values() if entry.alive}
    entries = {key: was for key, was in configuration.former_entries.items() if was in living and key not in living}
    named = {*configuration.surfaces, *(surface.provider for surface in configuration.surfaces.values())}
    scopes = {was: key for key, was in sources.items() if was not in named}
    return Renames(sources=sources, entries=entries, scopes=scopes)


def unknown_names(reader: Reader, configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Yield each new key whose former one (`was`) the store has never had, and a sentence that says so: a name that is
    mistyped there would begin an empty history without a word. A store that holds nothing yet knows no names.
    """
    sources = reader.sources().keys()
    entries = {entry.spec.entry for entry in reader.entries().values()}
    for what, former, known in (
        ("source", configuration.former_sources, sources),
        ("entry", configuration.former_entries, entries),
    ):
        for key, was in former.items():
            if known and was not in known and key not in known:
                yield key, no_such(what, was, known, "correct `was`, or leave it out")


def _holds(entry: Entry, key: str, surface: str) -> bool:
    return entry.spec.entry == key and surface in entry.spec.surfaces and entry.alive


class _RenamedReader:
    """A reader to which renamed sources go by their new keys; everything else is the reader's own."""

    def __init__(self, reader: Reader, named: Renames) -> None:
        self._reader = reader
        self._named = named
        self._facts: dict[str, Facts] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def source(self, key: str) -> SourceState | None:
        if (was := self._named.sources.get(key)) is None:
            return None if key in self._named.sources.values() else self._reader.source(key)
        state = self._reader.source(was)
        return None if state is None else self._moved(state, key)

    def sources(self) -> Mapping[str, SourceState]:
        new = {was: key for key, was in self._named.sources.items()}
        states = self._reader.sources()
        return {
            new.get(key, key): self._moved(state, new[key]) if key in new else state for key, state in states.items()
        }

    def pending_changes(self, source: str = "") -> Sequence[PendingChange]:
        new = {was: key for key, was in self._named.sources.items()}
        rows = self._reader.pending_changes(self._named.sources.get(source, source))
        return [replace(row, source=new.get(row.source, row.source), fact=self._fact(row.fact)) for row in rows]

    def alternations(self, source: str) -> Sequence[Alternation]:
        rows = self._reader.alternations(self._named.sources.get(source, source))
        return [replace(row, source=source, fact=self._fact(row.fact)) for row in rows]

    def facts(self, hash: str) -> Facts:
        return self._facts[hash] if hash in self._facts else self._reader.facts(hash)

    def _moved(self, state: SourceState, key: str) -> SourceState:
        if not state.baseline or state.key not in self._named.scopes:
            return replace(state, key=key)
        facts = {self._subject(subject): fields for subject, fields in self._reader.facts(state.baseline).items()}
        name = facts_name(facts)
        self._facts[name] = facts
        return replace(state, key=key, baseline=name)

    def _fact(self, fact: Fact) -> Fact:
        return fact._replace(subject=self._subject(fact.subject))

    def _subject(self, subject: Subject) -> Subject:
        return Subject(self._named.scopes.get(subject.scope, subject.scope), subject.name)
