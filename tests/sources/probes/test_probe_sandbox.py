"""End to end: real sources poll the sandbox, the poller has confirmed, the registry pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from probe_world import FakeBudget

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, Owner, Surface
from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import Subject, Value
from monitor.core.ports import EventQuery, Source
from monitor.detection.outcome import Outcome
from monitor.sandbox import API_KEY, Fault, FaultKind, Sandbox, Target, TimelineModel, TimelineStep
from monitor.sandbox.gpt_5_6 import flagship
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.sources.kinds.behaviour import Route
from monitor.store import SqlStore, open_store, upgrade

LUNA = "gpt-5.6-luna"
EMBED = "text-embedding-9"
ROUTES = tuple(route for route in get_args(Route) if route != "embeddings")
FIRST = TimelineModel(id=LUNA, created=1783555200)
OTHERS = tuple(TimelineModel(id=f"m{n:02}", created=1) for n in range(11))

MADE = datetime.now(UTC).replace(microsecond=0)
"""The sandbox dates its batches by the clock of this machine."""


def step(*models: TimelineModel, **more: Any) -> TimelineStep:
    prices = {LUNA: flagship("0.2", "0.02", "0.25", "1.2")}
    return TimelineStep(date=date(2026, 7, 30), title="a day", polls=1000, lists=models, prices=prices, **more)


def start(*later: TimelineStep) -> tuple[TimelineStep, ...]:
    return (step(FIRST, *OTHERS, TimelineModel(id=EMBED, created=1, generates=False)), *later)


class World:
    """A configuration on a store of its own, real sources of a sandbox, and a clock that is set by hand."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, routes: tuple[str, ...], parameters: Mapping[str, object]
    ) -> None:
        self.sandbox = sandbox
        self.now = MADE
        surface = Surface(
            key="openai",
            base_url=sandbox.base_url,
            provider="openai",
            api_key="env:KEY",
            region_url=sandbox.region_url,
        )
        listed = source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai")
        page = source_spec(
            key="page", kind="pricing_page", every=timedelta(hours=1), url=sandbox.pricing_url, provider="openai"
        )
        probes = [
            source_spec(
                key=f"probes/{model}/{route}",
                kind="behaviour",
                every=timedelta(hours=6),
                surface="openai",
                options={"model": model, "route": route, "parameters": dict(parameters)},
            )
            for model, some in ((LUNA, routes), (EMBED, ("embeddings",)))
            for route in some
        ]
        entry = EntrySpec(
            key="luna", name="Luna", surfaces={"openai": LUNA}, owners=("platform",), checks=("test_call",)
        )
        self.conf = Configuration(
            surfaces={"openai": surface},
            sources={spec.key: spec for spec in (listed, page, *probes)},
            owners={"platform": Owner(key="platform", destinations=("env:ONE",))},
            entries={"luna": entry},
            version="1",
        )
        upgrade(f"sqlite:///{folder / 'monitor.db'}")
        self.store: SqlStore = open_store(str(folder / "monitor.db"))
        self.http = HttpClient(allow=["127.0.0.1"])
        self.budget = FakeBudget()
        deps = SourceDeps(http=self.http, surface=surface, secret=lambda _: API_KEY, budget=self.budget)
        sources: dict[str, Source] = {key: build(spec, deps) for key, spec in self.conf.sources.items()}
        use_cases = UseCases(self.store, self.conf, lambda: self.now, published=lambda: None)
        self.poller = use_cases.poller(lambda key: sources[key])
        self.operator = use_cases.operator
        use_cases.declare()

    def poll(self, *keys: str, after: timedelta = timedelta(minutes=2)) -> dict[str, Outcome]:
        self.now += after
        return {outcome.source: outcome for outcome in self.poller.poll(keys)}

    def probe(self, route: str) -> str:
        return f"probes/{EMBED if route == 'embeddings' else LUNA}/{route}"

    def facts(self, route: str) -> Mapping[str, Value]:
        with self.store.read() as reader:
            state = reader.source(self.probe(route))
            assert state is not None
            name = EMBED if route == "embeddings" else LUNA
            return dict(reader.facts(state.baseline).get(Subject("openai", name), {}))

    def activate(self) -> None:
        self.poll()
        self.operator.activate("luna", by="ann", reason="looks right", via={})

    @property
    def entry(self) -> Entry:
        with self.store.read() as reader:
            return reader.entries()["luna"]

    def events(self, type: str) -> list[Any]:
        with self.store.read() as reader:
            return [recorded.event for recorded in reader.events(EventQuery(type=type))]


Opened = Callable[..., World]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    worlds: list[World] = []

    def open_world(
        steps: tuple[TimelineStep, ...] | None = None,
        routes: tuple[str, ...] = ("retrieve", "responses"),
        parameters: Mapping[str, object] | None = None,
    ) -> World:
        world = World(tmp_path, Sandbox(steps or start()).start(), routes, parameters or {})
        worlds.append(world)
        return world

    yield open_world
    for world in worlds:
        world.store.close()
        world.http.close()
        world.sandbox.stop()


@pytest.mark.parametrize("route", [*ROUTES, "embeddings"])
def test_every_route_works_against_the_sandbox(opened: Opened, route: str) -> None:
    world = opened(routes=ROUTES)
    seen = world.poll(world.probe(route))[world.probe(route)]
    assert seen.verdict == "baseline", seen.detail
    facts = world.facts(route)
    if route == "batch":
        assert facts == {"behaviour.batch.created": True}
        for _ in range(4):
            world.poll(world.probe(route))
        facts = world.facts(route)
    if route == "contract":
        assert {value for value in facts.values() if not str(value).startswith("rejected:")} == set()
        assert len(facts) == 4
    else:
        assert facts[f"access.{route}"] == "granted"
    proof = {
        "caching": ("hit", True),
        "structured": ("valid", True),
        "tools": ("called", True),
        "batch": ("model", LUNA),
    }
    if route in proof:
        name, value = proof[route]
        assert facts[f"behaviour.{route}.{name}"] == value
    if route == "caching":
        assert facts["behaviour.caching.written"] is True
        assert facts["behaviour.caching.diagnostics"] == "cache_hit"
    if route in ("responses", "chat"):
        assert facts["limit.requests"] == 5000
    assert world.budget.money <= 1


def test_list_and_retrieve_that_agree_pause_within_two_polls(opened: Opened) -> None:
    world = opened(start(TimelineStep(date=date(2026, 8, 1), title="gone", polls=1000, unlists=(LUNA,))))
    world.activate()
    world.sandbox.advance()
    first = world.poll("list")
    assert first["list"].verdict == "suspect"
    assert {"probes/gpt-5.6-luna/retrieve", "probes/gpt-5.6-luna/responses"} <= first.keys()
    assert world.entry.status is Status.PAUSED, "two routes at once need no second poll"
    world.poll("list", after=timedelta(seconds=90))
    signals = {event.data["route"]: event.data["signals"] for event in world.events("access.lost")}
    assert {(one["route"], one["says"]) for one in signals["list"]} == {
        ("list", "lost"),
        ("retrieve", "lost"),
        ("responses", "lost"),
    }


@pytest.mark.parametrize(
    ("refused", "meaning"),
    [
        ((404, "model_not_found"), "access_lost"),
        ((403, "model_not_found"), "policy"),
        ((429, "credit_balance_exhausted"), "quota"),
    ],
)
def test_listed_is_not_callable(opened: Opened, refused: tuple[int, str], meaning: str) -> None:
    world = opened(start(step(replace(FIRST, refused=refused))))
    world.activate()
    world.sandbox.advance()
    for _ in range(4):
        world.poll(after=timedelta(minutes=11))
    assert world.entry.status is Status.PAUSED
    assert world.entry.deviations == {f"openai/{LUNA}/access.responses": meaning}
    (lost,) = world.events("access.lost")
    assert lost.data["route"] == "responses"
    assert {(one["route"], one["says"]) for one in lost.data["signals"]} == {
        ("responses", "lost"),
        ("list", "granted"),
        ("retrieve", "granted"),
    }


def test_a_retired_model_is_told_from_one_that_is_only_gone(opened: Opened) -> None:
    world = opened(start(step(replace(FIRST, listed=False, refused=(404, "deprecated")))))
    world.activate()
    world.sandbox.advance()
    for _ in range(3):
        world.poll(after=timedelta(minutes=2))
    assert world.entry.status is Status.PAUSED
    assert world.facts("retrieve")["access.retrieve"] == "retired"


def test_a_probe_that_is_rejected_for_its_parameters_moves_nothing(opened: Opened) -> None:
    world = opened(parameters={})
    world.activate()
    bad = replace(
        world.conf.sources[world.probe("responses")],
        options={**_options("responses"), "parameters": {"temperature": 2}},
    )
    source = build(
        bad,
        SourceDeps(
            http=world.http, surface=world.conf.surfaces["openai"], secret=lambda _: API_KEY, budget=world.budget
        ),
    )
    for _ in range(4):
        world.now += timedelta(minutes=11)
        outcome = world.poller.record(bad.key, source.observe(world.now, None))
        assert outcome.verdict == "failed"
        assert outcome.detail.startswith("probe_rejected")
    assert world.entry.status is Status.ACTIVE
    assert world.events("access.*") == world.events("behaviour.*") == []
    assert [event.data["reason"] for event in world.events("source.failed")] == ["probe_rejected"]


def _options(route: str) -> dict[str, object]:
    return {"model": LUNA, "route": route}


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.TRUNCATED,
        FaultKind.BROKEN_GZIP,
        FaultKind.CUT_GZIP,
        FaultKind.RESET,
        FaultKind.HTML,
        FaultKind.REDIRECT,
        FaultKind.BROKEN_JSON,
        FaultKind.WRONG_SHAPE,
    ],
)
def test_a_fault_on_the_way_fails_one_poll_and_the_other_sources_go_on(opened: Opened, kind: FaultKind) -> None:
    world = opened()
    world.activate()
    world.sandbox.fault(Fault(target=Target.RESPONSES, kind=kind))
    for _ in range(3):
        seen = world.poll(after=timedelta(minutes=11))
        assert seen[world.probe("responses")].verdict == "failed"
        assert seen[world.probe("retrieve")].verdict != "failed"
        assert seen["list"].verdict != "failed"
    assert world.entry.status is Status.ACTIVE
    assert len(world.events("source.failed")) == 1


def test_a_batch_whose_request_fails_inside_is_lost_when_it_is_over(opened: Opened) -> None:
    world = opened(start(step(replace(FIRST, refused=(403, "model_not_found")))), routes=("batch",))
    world.poll(world.probe("batch"))
    world.sandbox.advance()
    for _ in range(12):
        world.poll(world.probe("batch"), after=timedelta(minutes=11))
    assert world.facts("batch")["access.batch"] == "policy"


def test_a_project_that_does_not_live_in_the_region_is_lost_by_that_route_alone(opened: Opened) -> None:
    world = opened(
        start(TimelineStep(date=date(2026, 8, 1), title="moved", polls=1000, regional=False)), routes=("region", "chat")
    )
    world.poll()
    world.sandbox.advance()
    for _ in range(4):
        world.poll(after=timedelta(minutes=11))
    assert (world.facts("region")["access.region"], world.facts("chat")["access.chat"]) == ("region", "granted")
    assert [event.data["route"] for event in world.events("access.lost")] == ["region"]


def test_a_refused_call_takes_back_neither_limits_nor_what_an_answer_says_of_itself(opened: Opened) -> None:
    world = opened(start(step(replace(FIRST, refused=(403, "model_not_found")))), routes=("responses", "chat"))
    world.activate()
    before = world.facts("responses")
    assert before["limit.requests"] == 5000
    world.sandbox.advance()
    for _ in range(4):
        world.poll(after=timedelta(minutes=11))
    assert world.facts("responses") == {
        **before,
        "access.responses": "policy",
        "behaviour.responses.refusal": "403 model_not_found",
    }
    assert world.events("limit.changed") == []
    assert {event.data["field"] for event in world.events("behaviour.changed")} == {"access.responses", "access.chat"}
