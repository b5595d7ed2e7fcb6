"""A monitor without a network: sources that show what a test tells them to, a clock set by hand, a real store."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from event_shapes import wrong

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, Owner, SourceSpec, Surface
from monitor.core.entry import Entry
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.facts import (
    Body,
    Fact,
    FailureReason,
    Known,
    Observation,
    PendingChange,
    PollFailure,
    Refusal,
    Snapshot,
    SourceState,
    Subject,
    Unchanged,
    Value,
)
from monitor.core.notices import Notice
from monitor.core.ports import EventQuery, Store
from monitor.detection.outcome import Outcome
from monitor.detection.poller import Poller
from monitor.gate.decision import Standing
from monitor.gate.state import Production, standings
from monitor.registry import transitions
from monitor.registry.acceptance import Going, Problem, acceptance
from monitor.sources.catalog import source_spec
from monitor.store import open_store, upgrade

START = datetime(2026, 7, 1, tzinfo=UTC)
VIA = {"user": "ann", "host": "desk", "channel": "cli"}
LUNA = Subject("openai", "gpt-luna")
INPUT = "price.standard.short.input"
CACHED = "price.standard.short.cached_input"
OUTPUT = "price.standard.short.output"
PRICES: dict[str, Value] = {INPUT: "1", CACHED: "0.1", OUTPUT: "6"}

Shown = dict[Subject, dict[str, Value]]


def model(number: int) -> Subject:
    return Subject("openai", f"m{number:02}")


def listing(count: int = 11, *extra: Subject) -> Shown:
    return {subject: {"listed": True} for subject in (*(model(n) for n in range(count)), *extra)}


class FakeSource:
    """Shows `facts`, or fails with `fail`. `read` is the extractor: what its version makes of the stored facts."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.extractor = "fake/1"
        self.read: Callable[[Shown], Shown] = lambda facts: facts
        self.facts: Shown = {}
        self.silent: frozenset[str] = frozenset()
        self.unclear: frozenset[Fact] = frozenset()
        self.refused: tuple[Refusal, ...] = ()
        self.announcing = False
        self.size: int | None = None
        self.fail: FailureReason | None = None
        self.before: Callable[[], object] = lambda: None
        self.known: list[Known | None] = []

    def observe(self, now: datetime, known: Known | None) -> Observation:
        self.known.append(known)
        self.before()
        if self.fail is not None:
            return PollFailure(source=self.spec.key, at=now, reason=self.fail, detail="as told")
        rows = [[*subject, name, value] for subject, fields in self.facts.items() for name, value in fields.items()]
        unclear = [[*fact.subject, fact.field] for fact in self.unclear]
        parts = [self.refused] if self.refused else []  # what refuses nothing is as long as before
        content = json.dumps([sorted(rows, key=repr), sorted(unclear), sorted(self.silent), *parts]).encode()
        sha256 = hashlib.sha256(content).hexdigest()
        if known is not None and known.sha256 == sha256:
            return Unchanged(source=self.spec.key, at=now)
        return self.extract(Body(content=content, sha256=sha256, size=self.size or len(content)), now)

    def extract(self, body: Body, at: datetime) -> Snapshot:
        rows, unclear, silent, *parts = json.loads(body.content)
        facts: Shown = {}
        for scope, name, field, value in rows:
            facts.setdefault(Subject(scope, name), {})[field] = value
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts=self.read(facts),
            extractor=self.extractor,
            body=body,
            silent=frozenset(silent),
            announcing=self.announcing,
            unclear=frozenset(Fact(Subject(scope, name), field) for scope, name, field in unclear),
            refused=tuple(Refusal(where, reason, tuple(about)) for part in parts for where, reason, about in part),
        )

    def set(self, subject: Subject, **fields: Value | None) -> None:
        """Show a subject with fields changed (`None`: without); a price is named by its meter."""
        now = {**self.facts.get(subject, {})}
        for name, value in fields.items():
            field = f"price.standard.short.{name}" if name in ("input", "cached_input", "output") else name
            if value is None:
                now.pop(field, None)
            else:
                now[field] = value
        self.facts = {**self.facts, subject: now}
        if not now:
            del self.facts[subject]

    def drop(self, *subjects: Subject) -> None:
        self.facts = {subject: fields for subject, fields in self.facts.items() if subject not in subjects}


def configuration(**changes: Any) -> Configuration:
    """Return one surface with a list, an official page, an aggregator, and one entry."""
    sources = (
        source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai"),
        source_spec(
            key="page", kind="pricing_page", every=timedelta(minutes=30), provider="openai", url="https://p.example/"
        ),
        source_spec(
            key="feed",
            kind="price_feed",
            every=timedelta(hours=1),
            format="llm_prices",
            url="https://f.example/",
            trust="third_party",
        ),
    )
    base = Configuration(
        surfaces={
            "openai": Surface(
                key="openai", base_url="https://api.example/v1", provider="openai", api_key="env:KEY", project="proj_1"
            )
        },
        sources={spec.key: spec for spec in sources},
        owners={"platform": Owner(key="platform", destinations=("env:ONE", "env:TWO"))},
        entries={"luna": entry_spec()},
        version="1",
        code="test",
    )
    return replace(base, **changes)


def document(conf: Configuration) -> dict[str, Any]:
    """Return what the log would keep of a configuration that no file declares; `settings.kept` makes the real one."""
    sources = {key: replace(spec, url=spec.shown_url) for key, spec in conf.sources.items()}
    tables = {"surface": conf.surfaces, "source": sources, "owner": conf.owners, "entry": conf.entries}
    declared = {name: [asdict(row) for row in rows.values()] for name, rows in tables.items()}
    sections = {"confirmation": asdict(conf.confirmation), "checks": asdict(conf.checks)}
    plain: dict[str, Any] = json.loads(json.dumps({**declared, **sections}, default=str))
    return plain


def entry_spec(key: str = "luna", model_id: str = "gpt-luna", **changes: Any) -> EntrySpec:
    base = EntrySpec(key=key, name=key.title(), surfaces={"openai": model_id}, owners=("platform",))
    return replace(base, **changes)


@cache
def _empty_database() -> Path:
    """Return a migrated database, made once: a copy costs far less than the migrations."""
    folder = Path(tempfile.mkdtemp(prefix="monitor-core-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder / 'empty.db'}")
    return folder / "empty.db"


class World:
    """Everything that a configuration needs to run on one store."""

    def __init__(self, store: Store, conf: Configuration) -> None:
        self.store = store
        self.now = START
        self.published = 0
        self.sources: dict[str, FakeSource] = {}
        self.configure(conf)

    def configure(self, conf: Configuration, **kept: Any) -> tuple[Event, ...]:
        """Go on under another configuration and record it; the log keeps all of it, or the `document` that is given."""
        self.conf = conf = replace(conf, document=kept.get("document") or document(conf))
        self.sources = {
            key: self.sources[key] if key in self.sources else FakeSource(spec) for key, spec in conf.sources.items()
        }
        self.poller = self.another_poller()
        self.operator = self.use_cases().operator
        self.tender = self.use_cases().tender()
        return self.use_cases().declare()

    def another_poller(self, store: Store | None = None) -> Poller:
        return self.use_cases(store).poller(lambda key: self.sources[key])

    def use_cases(self, store: Store | None = None) -> UseCases:
        return UseCases(store or self.store, self.conf, self.clock, published=self.publish)

    def clock(self) -> datetime:
        return self.now

    def publish(self) -> None:
        self.published += 1

    # -- doing -------------------------------------------------------------

    def poll(self, *keys: str, after: timedelta = timedelta(minutes=2)) -> list[Outcome]:
        """Let time pass, then look at the named sources or at all."""
        self.now += after
        return self.poller.poll(keys)

    def polls(self, count: int, *keys: str, every: timedelta = timedelta(minutes=2)) -> list[Outcome]:
        return [outcome for _ in range(count) for outcome in self.poll(*keys, after=every)]

    def settle(self, *keys: str) -> list[Outcome]:
        """Look until whatever is shown is confirmed: absences need half an hour."""
        return self.polls(4, *keys, every=timedelta(minutes=11))

    def activate(self, key: str = "luna", *, losses: frozenset[str] = frozenset(), **more: Any) -> Event:
        going = Going(losses=losses)
        return self.operator.activate(key, by="ann", reason="looks right", via=VIA, going=going, **more)

    def resume(self, key: str = "luna", *, waived: frozenset[str] = frozenset(), **more: Any) -> Event:
        going = Going(waived=waived)
        return self.operator.resume(key, by="ann", reason="fine", via=VIA, going=going, **more)

    def attest(self, check: str, key: str = "luna") -> Event:
        return self.operator.verify(key, check, by="ann", via=VIA, url="https://proof.example/")

    # -- asking ------------------------------------------------------------

    def events(self, type: str = "", **query: Any) -> list[Event]:
        with self.store.read() as reader:
            return [recorded.event for recorded in reader.events(EventQuery(type=type, **query))]

    def types(self, after: int = 0) -> list[str]:
        return [event.type for event in self.events(after=after)]

    @property
    def head(self) -> int:
        with self.store.read() as reader:
            return reader.head()

    def entry(self, key: str = "luna") -> Entry:
        return self.entries()[key]

    def entries(self) -> Mapping[str, Entry]:
        with self.store.read() as reader:
            return reader.entries()

    def state(self, key: str) -> SourceState:
        with self.store.read() as reader:
            state = reader.source(key)
        assert state is not None
        return state

    def states(self) -> Mapping[str, SourceState]:
        with self.store.read() as reader:
            return reader.sources()

    def pending_changes(self, source: str = "") -> Sequence[PendingChange]:
        with self.store.read() as reader:
            return reader.pending_changes(source)

    def baseline(self, key: str) -> Shown:
        with self.store.read() as reader:
            state = reader.source(key)
            found = reader.facts(state.baseline) if state is not None else {}
            return {subject: dict(fields) for subject, fields in found.items()}

    def baselines(self) -> dict[str, Shown]:
        return {key: self.baseline(key) for key in self.conf.sources}

    def notices(self) -> list[Notice]:
        """Return all notices, once each, in order."""
        with self.store.read() as reader:
            ids = dict.fromkeys(delivery.notice for delivery in reader.deliveries())
            return [notice for id in ids if (notice := reader.notice(id)) is not None]

    def problems(self, key: str = "luna") -> tuple[Problem, ...]:
        with self.store.read() as reader:
            return acceptance(reader, self.conf, reader.entries()[key], self.now, Production).problems

    def standing(self, key: str = "luna") -> Standing:
        with self.store.read() as reader:
            return standings(reader, self.conf, self.now)[key]

    def all_rows(self) -> tuple[object, ...]:
        """Return everything the store holds that a decision may write, to see that nothing is half done."""
        with self.store.read() as reader:
            return (
                [recorded.event for recorded in reader.events()],
                dict(reader.entries()),
                dict(reader.sources()),
                list(reader.pending_changes()),
                list(reader.deliveries()),
            )

    def replayed(self) -> dict[str, Entry]:
        return transitions.replay(self.events())


@contextmanager
def world_of(conf: Configuration | None = None) -> Iterator[World]:
    """Provide a world on a database of its own, under a configuration that is declared already; nothing was looked at
    yet.
    """
    with tempfile.TemporaryDirectory(prefix="monitor-core-") as folder:
        path = Path(folder) / "monitor.db"
        shutil.copy(_empty_database(), path)
        store = open_store(str(path))
        try:
            made = World(store, conf or configuration())
            yield made
            faults = [fault for event in made.events() for fault in wrong(event.type, event.stream, event.data)]
            assert not faults, faults
        finally:
            store.close()


def furnish(world: World) -> None:
    """Show twelve models and the prices of one, and poll once: the first polls are baselines."""
    world.sources["list"].facts = listing(11, LUNA)
    if "page" in world.sources:
        world.sources["page"].facts = {
            LUNA: dict(PRICES),
            Subject("openai", "m00"): {INPUT: "2", OUTPUT: "8"},
        }
    if "feed" in world.sources:
        world.sources["feed"].facts = {LUNA: dict(PRICES), Subject("other", "gpt-luna"): {INPUT: "3", OUTPUT: "9"}}
    world.poll()
