"""The daemon's own web server over a world: what browsers and raw sockets are tried against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline_world import PRICES, START, VIA, World, configuration, entry_spec, listing, world_of
from signed_world import HostOfWorld

from monitor.app.health import Health
from monitor.core.configuration import Owner
from monitor.core.credentials import AccessScope
from monitor.core.events import DOCUMENT_CHANGED, GATE_DENIED, PRICE_REPORTED, Event, gate_stream
from monitor.core.facts import GRANTED, FailureReason, Measurement, Subject
from monitor.core.nodes import Node
from monitor.detection.shards import shards
from monitor.settings import Settings, load
from monitor.web.ports import Host
from monitor.web.server import bound

LONG = timedelta(days=3650)

SCRIPT = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
"""What runs where text of others is taken for markup."""

MARKUP = "<img src=x onerror=window.hacked=1>"
"""The same in a key, which holds no slash."""


@contextmanager
def served(host: Host, read_file: Callable[[], Settings]) -> Iterator[str]:
    """Provide the address of the daemon's web server over a monitor, on a port that is free."""
    with bound(host, Health(), LONG, read_file) as server:
        server.start()
        yield server.url


@contextmanager
def served_world(world: World, folder: Path) -> Iterator[str]:
    """Provide the address of the server over a world, at the world's time; without tokens, as on loopback."""
    file = folder / "served.toml"
    file.write_text('[web]\nlisten = "127.0.0.1:0"\n')
    with served(HostOfWorld(world, load(file, {}), {}), lambda: load(file, {})) as url:
        yield url


def token_of(world: World, name: str, *scopes: AccessScope) -> str:
    """Make a token of a world and return its secret."""
    return world.use_cases().credentials.add(name, scopes, until=None, by="root", via=VIA).secret


@contextmanager
def hostile_world() -> Iterator[World]:
    """Provide a world whose every text that somebody else writes holds a script: names, ids, keys, documents, errors,
    reasons and notes.
    """
    model = Subject("openai", SCRIPT)
    entry = entry_spec(MARKUP, SCRIPT, name=SCRIPT, use=SCRIPT, owners=(MARKUP,), callers=(SCRIPT,))
    owner = Owner(key=MARKUP, destinations=("env:ONE",))
    with world_of(configuration(entries={MARKUP: entry}, owners={MARKUP: owner})) as world:
        world.sources["list"].facts = listing(11, model)
        world.sources["page"].facts = {model: dict(PRICES)}
        world.poll()
        world.activate(MARKUP)
        world.now += timedelta(hours=1)
        world.sources["page"].set(model, input="2", output="7")
        world.polls(2, "page")
        use_cases = world.use_cases()
        use_cases.attendant.acknowledge(MARKUP, by=SCRIPT, note=SCRIPT, via=VIA)
        until = world.now + timedelta(hours=4)
        use_cases.attendant.silence(MARKUP, until=until, by=SCRIPT, reason=SCRIPT, via=VIA)
        use_cases.operator.verify(MARKUP, "evals", by=SCRIPT, via=VIA, url="https://proof.example/", note=SCRIPT)
        world.sources["feed"].fail = FailureReason.SERVER_ERROR
        world.polls(2, "feed")
        _append(world, [_document_change(SCRIPT), _use(MARKUP, SCRIPT)])
        _call(world, SCRIPT)
        _join(world, SCRIPT)
        yield world


@contextmanager
def large_world(entries: int = 500, events: int = 50_000, paused: int = 3) -> Iterator[World]:
    """Provide a world of many entries, a few of which are paused, and a log of at least so many events."""
    keys = [f"entry-{number:03}" for number in range(entries)]
    models = {key: Subject("openai", f"model-{key}") for key in keys}
    specs = {key: entry_spec(key, models[key].name) for key in keys}
    with world_of(configuration(entries=specs)) as world:
        world.sources["list"].facts = listing(11, *models.values())
        world.sources["page"].facts = {model: dict(PRICES) for model in models.values()}
        world.poll()
        for key in keys[: 2 * paused]:
            world.activate(key)
        for key in keys[:paused]:
            world.sources["page"].set(models[key], input="2")
        world.polls(2, "page")
        rest = range(world.head, events)
        _append(
            world, [_report(models[keys[n % entries]], n) if n % 2 else _use(keys[n % entries], "app") for n in rest]
        )
        yield world


def _append(world: World, events: list[Event]) -> None:
    """Write events that no use case would write in such a number."""
    with world.store.write() as tx:
        first = tx.head() + 1
        tx.append([replace(event, position=first + n) for n, event in enumerate(events)], world.now)


def _call(world: World, text: str) -> None:
    """Measure calls of the first source over five days, some of which were not granted."""
    calls = [
        Measurement(
            source=next(iter(world.conf.sources)),
            surface=text,
            model=text,
            route=text,
            at=world.now - timedelta(hours=number),
            outcome=GRANTED if number % 7 else "rate_limited",
            latency=400 + 37 * (number * number % 23),
            cost="0.0000036",
        )
        for number in range(120)
    ]
    with world.store.write() as tx:
        tx.put_measurements(calls)


def _join(world: World, name: str) -> None:
    """Have two nodes, one of which polls every source and the other is silent."""
    node = Node(name=name, role=name, version=name, configuration="", started_at=START, heartbeat_at=world.now)
    turns = world.store.turns
    turns.heartbeat(node)
    turns.heartbeat(replace(node, name=f"{name} 2", heartbeat_at=START, version="2", clock_off=-90))
    turns.lease(name, world.now, world.now + LONG)
    names = list(shards(world.conf))
    turns.plan(dict.fromkeys(names, world.now))
    for turn in names:
        turns.claim(turn, name, world.now)


def _document_change(text: str) -> Event:
    return _event(DOCUMENT_CHANGED, "source/page", "page", {"added": [text], "removed": [text], "more": 0}, "page")


def _use(entry: str, caller: str) -> Event:
    data = {"environment": "production", "caller": caller, "status": "evaluating", "reason": "not active", "count": 1}
    return _event(GATE_DENIED, gate_stream("production"), entry, data)


def _report(model: Subject, number: int) -> Event:
    data = {
        "provider": model.scope,
        "tier": "standard",
        "context": "short",
        "modality": "text",
        "meter": "input",
        "unit": "1M tokens",
        "currency": "USD",
        "old": f"{number % 7 + 1}",
        "new": f"{number % 7 + 2}",
    }
    return _event(PRICE_REPORTED, "source/feed", model.name, data, "feed")


def _event(type: str, stream: str, subject: str, data: dict[str, Any], source: str = "") -> Event:
    return Event(position=1, type=type, stream=stream, subject=subject, occurred_at=START, source=source, data=data)
