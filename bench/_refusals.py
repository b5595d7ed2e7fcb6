"""A model that is refused from one moment on, under the shipped configuration: how long until the gate denies it.

The real poller, operator and gate on a virtual clock, driven as the daemon does: each source at its interval with the
daemon's jitter, what is pending sooner, what an outcome asks for at once. The list goes on showing the model.
"""

from __future__ import annotations

import heapq
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _common import ROOT
from _histories import LIST, SECOND, SURFACE, Absence, Route

from monitor.app.daemon import RECHECK_SPREAD, SPREAD
from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, Owner, SourceSpec, Surface
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import (
    LISTED,
    Body,
    FailureReason,
    Known,
    Observation,
    PollFailure,
    Snapshot,
    Subject,
)
from monitor.core.ports import Source
from monitor.gate.state import production
from monitor.settings import load
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store

SHIPPED = ROOT / "config" / "monitor.toml"
MODEL = "gpt-5.6-luna"
"""The model of the shipped configuration whose routes every simulated one gets."""

START = datetime(2026, 11, 1, tzinfo=UTC)
APART = timedelta(hours=1)
BATCH = 10
BEFORE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """How long after its first refused call each model was denied; sorted."""

    delays: tuple[timedelta, ...]

    @property
    def median(self) -> timedelta:
        return self.delays[len(self.delays) // 2]

    @property
    def worst(self) -> timedelta:
        return self.delays[-1]


class ShownList:
    """A list that shows the same models at every poll."""

    extractor = "simulated/1"

    def __init__(self, models: list[str]) -> None:
        self._facts = {Subject(SURFACE, model): {LISTED: True} for model in models}

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Show them."""
        return self.extract(Body(content=b"list", sha256="list", size=4), now)

    def extract(self, body: Body, at: datetime) -> Snapshot:
        """Return what is shown."""
        return Snapshot(source=LIST, at=at, facts=self._facts, extractor=self.extractor, body=body)


class Unpaid(Route):
    """A route that costs more than the budget of its surface has left."""

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Fail as a probe does that may not call."""
        return PollFailure(source=self.spec.key, at=now, reason=FailureReason.OVER_BUDGET, detail="nothing is left")


def refused(draws: int, seed: str) -> Refused:
    """Let one model after the other be refused, at random moments and under random jitter; of every second one the
    budget is used up before, so that its free routes alone can say so.
    """
    chance = random.Random(seed)
    delays: list[timedelta] = []
    while len(delays) < draws:
        delays += _batch(min(BATCH, draws - len(delays)), chance)
    return Refused(delays=tuple(sorted(delays)))


def _batch(count: int, chance: random.Random) -> list[timedelta]:
    """Play some models in one store; each commit costs more the more entries there are."""
    began = {f"model-{number}": START + number * APART + BEFORE + chance.random() * BEFORE for number in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "play.db"), durable=False)
        try:
            simulation = _Simulation(store, began, chance)
            return [
                simulation.denied(model, at, paid=number % 2 == 0) - at
                for number, (model, at) in enumerate(began.items())
            ]
        finally:
            store.close()


class _Simulation:
    def __init__(self, store: SqlStore, began: dict[str, datetime], chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self._now = START
        shipped = load(SHIPPED, {}, None).configuration
        self._specs = dict(_specs(list(began), shipped))
        self._sources: dict[str, Source] = {LIST: ShownList(list(began))}
        for key, spec in self._specs.items():
            if key != LIST:
                self._sources[key] = Route(spec, [_from(began[spec.model], spec.model)], timedelta(0))
        self._configuration = Configuration(
            surfaces={SURFACE: Surface(key=SURFACE, base_url="https://provider.example/v1", provider=SURFACE)},
            sources=self._specs,
            owners={"team": Owner(key="team", destinations=())},
            entries={
                model: EntrySpec(key=model, name=model, surfaces={SURFACE: model}, owners=("team",)) for model in began
            },
            confirmation=shipped.confirmation,
        )
        use_cases = UseCases(store, self._configuration, self._clock, published=lambda: None)
        self._poller = use_cases.poller(self._sources.__getitem__)
        self._operator = use_cases.operator
        use_cases.declare()

    def _clock(self) -> datetime:
        now, self._now = self._now, self._now + SECOND / 10  # a poll that another one asked for begins after it
        return now

    def denied(self, model: str, began: datetime, *, paid: bool) -> datetime:
        """Return when production was first denied a model whose calls are refused from `began` on."""
        keys = [key for key, spec in self._specs.items() if spec.model in ("", model)]
        self._now = start = began.replace(minute=0, second=0, microsecond=0)
        self._poller.poll(keys)
        by = {"by": "bench", "via": {"channel": "bench"}}
        self._operator.verify(model, "pricing", url="https://prices.example/", **by)
        self._operator.activate(model, reason="accepted", **by)
        assert not self._is_denied(model), "it is allowed until its calls are refused"
        for key in keys:
            if self._specs[key].paid and not paid:
                self._sources[key] = Unpaid(self._specs[key], (), timedelta(0))
        due = {key: start + self._chance.random() * self._specs[key].every for key in keys}
        queue = [(at, key) for key, at in due.items()]
        heapq.heapify(queue)
        while True:
            at, key = heapq.heappop(queue)
            if at != due[key]:
                continue  # it was asked for sooner
            self._now = at
            due[key] = at + self._jittered(self._specs[key].every, SPREAD)
            heapq.heappush(queue, (due[key], key))
            for outcome in self._poller.poll_once([key]):
                if outcome.again is not None:
                    again = at + self._jittered(max(outcome.again - at, timedelta(0)), RECHECK_SPREAD)
                    if again < due[outcome.source]:
                        due[outcome.source] = again
                        heapq.heappush(queue, (again, outcome.source))
            if at >= began and self._is_denied(model):
                return self._now

    def _is_denied(self, model: str) -> bool:
        with self._store.read() as reader:
            return not production(reader, self._configuration, self._now)[model].allowed

    def _jittered(self, span: timedelta, spread: float) -> timedelta:
        return span * self._chance.uniform(1 - spread, 1 + spread)


def _specs(models: list[str], shipped: Configuration) -> Iterator[tuple[str, SourceSpec]]:
    """Return the list and the routes of each model, as often as the shipped configuration polls them."""
    listed = next(spec for spec in shipped.sources.values() if spec.lists)
    yield LIST, source_spec(key=LIST, kind="models_list", every=listed.every, surface=SURFACE)
    routes = {spec.route: spec.every for spec in shipped.sources.values() if spec.can.calls and spec.model == MODEL}
    for model in models:
        for route, every in routes.items():
            key = f"probes/{model}/{route}"
            options = {"model": model, "route": route}
            yield key, source_spec(key=key, kind="behaviour", every=every, surface=SURFACE, options=options)


def _from(began: datetime, model: str) -> Absence:
    return Absence(model=model, since=began, until=None, watched=timedelta(days=30), polls=(began,))
