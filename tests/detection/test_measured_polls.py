"""What the calls of a poll took is written with the poll, whatever it came to, and dropped when it is old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pipeline_world import World

from monitor.core.facts import GRANTED, Body, FailureReason, Measurement, PollFailure, Snapshot
from monitor.registry.housekeeping import Keeping

MINUTE = timedelta(minutes=1)


def measurement(world: World, **more: object) -> Measurement:
    kept = {
        "source": "list",
        "surface": "openai",
        "model": "gpt-luna",
        "route": "chat",
        "at": world.now,
        "outcome": GRANTED,
        "latency": 800,
        **more,
    }
    return Measurement(**kept)  # type: ignore[arg-type]


def kept(world: World) -> list[Measurement]:
    with world.store.read() as reader:
        return list(reader.measurements())


def snapshot(world: World, measured: tuple[Measurement, ...]) -> Snapshot:
    facts = world.baseline("list")
    body = Body(content=b"{}", sha256="00", size=2)
    return Snapshot(source="list", at=world.now, facts=facts, extractor="fake/1", body=body, measured=measured)


def test_what_a_good_poll_and_a_failed_one_took_is_kept(furnished: World) -> None:
    world = furnished
    world.now += MINUTE
    good, bad = measurement(world), measurement(world, outcome="blocked", latency=30_000)
    world.poller.record("list", snapshot(world, (good,)))
    world.now += MINUTE
    failure = PollFailure(source="list", at=world.now, reason=FailureReason.TIMEOUT, detail="slow", measured=(bad,))
    world.poller.record("list", failure)
    assert kept(world) == [good, bad]


def test_what_a_poll_took_is_kept_also_where_the_poll_comes_too_late(furnished: World) -> None:
    world = furnished
    paid = measurement(world, cost="0.001")
    late = snapshot(world, (paid,))
    world.poll("list")
    world.now += MINUTE
    assert world.poller.record("list", late).verdict == "late"
    assert kept(world) == [paid]


def test_a_poll_that_is_not_recorded_leaves_no_measurement(furnished: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = furnished
    world.now += MINUTE
    before = world.all_rows()

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("monitor.app.commit._write", broken)
    with pytest.raises(ZeroDivisionError):
        world.poller.record("list", snapshot(world, (measurement(world),)))
    assert kept(world) == []
    assert world.all_rows() == before


def test_measurements_are_dropped_when_they_are_older_than_they_are_kept_at_most_once_a_day(furnished: World) -> None:
    world = furnished
    old, new = measurement(world, at=world.now - timedelta(days=91)), measurement(world)
    with world.store.write() as tx:
        tx.put_measurements([old, new])
    tender = world.use_cases().tender(keeping=Keeping(measurements=timedelta(days=90), evidence=timedelta(days=90)))
    tender.tend(world.now)
    assert kept(world) == [new]
    with world.store.write() as tx:
        tx.put_measurements([old])
    tender.tend(world.now + timedelta(hours=1))
    assert kept(world) == [old, new]
    tender.tend(world.now + timedelta(days=1))
    assert kept(world) == [new]


def test_nothing_is_dropped_where_nobody_said_how_long_it_is_kept(furnished: World) -> None:
    world = furnished
    old = measurement(world, at=world.now - timedelta(days=900))
    with world.store.write() as tx:
        tx.put_measurements([old])
    world.tender.tend(world.now)
    assert kept(world) == [old]
