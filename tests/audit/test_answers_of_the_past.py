"""What the gate answered at a time, from kept lease documents; and since when no daemon had run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.audit.gate_history import PastAnswer, past_answer
from monitor.audit.outages import outages, stopped_at
from monitor.core.ports import Refused
from monitor.gate.lease_file import lease_answers, lease_bytes, lease_documents
from monitor.gate.state import standings
from monitor.registry.timekeeping import record_absence

HOUR = timedelta(hours=1)


def publish(world: World) -> None:
    """Keep the lease documents that answer something new, as the daemon does after a commit."""
    with world.store.write() as tx:
        documents = lease_documents(standings(tx, world.conf, world.now), world.conf.gate, world.now, tx.log_head())
        for environment, document in documents.items():
            written, last = lease_bytes(document), tx.tree.last_lease(environment)
            if last is None or lease_answers(last.content) != lease_answers(written):
                tx.keep_lease(environment, written, world.now)


class Raised(NamedTuple):
    """A world in which an entry was activated, and paused by a price."""

    world: World
    began: datetime
    paused: datetime


@pytest.fixture(scope="module")
def raised() -> Iterator[Raised]:
    """Provide a world in which a price rose, so that one caller goes on for three days, and then the pause ended."""
    spec = entry_spec(callers=("support",), on_pause="deny_new")
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        publish(world)
        world.now += HOUR
        world.activate()
        publish(world)
        began = world.now
        world.now += 2 * HOUR
        world.sources["page"].set(LUNA, input="2")
        world.polls(2, "page")
        publish(world)
        yield Raised(world, began, world.now)


def asked(raised: Raised, at: datetime, **who: str) -> PastAnswer:
    with raised.world.store.read() as reader:
        return past_answer(reader, "luna", at, **who)


def test_it_is_the_answer_that_held_then_whoever_asks(raised: Raised) -> None:
    before = asked(raised, raised.paused - HOUR)
    assert (before.allowed, before.status, before.judged_as) == (True, "active", "production")
    during = asked(raised, raised.paused + HOUR)
    assert (during.allowed, during.status) == (False, "paused")
    assert during.reason.startswith("standard input: 1.00 → 2.00")
    assert asked(raised, raised.paused + HOUR, caller="support").allowed
    assert not asked(raised, raised.paused + HOUR, caller="other").allowed
    assert before.document != during.document
    assert before.written_at <= raised.paused - HOUR


def test_a_grace_ends_on_its_day_though_nothing_was_published_then(raised: Raised) -> None:
    assert asked(raised, raised.paused + timedelta(days=2), caller="support").allowed
    assert not asked(raised, raised.paused + timedelta(days=4), caller="support").allowed


def test_each_environment_has_its_own_and_an_unknown_one_is_judged_by_production(raised: Raised) -> None:
    first = raised.began - timedelta(seconds=1)
    assert (asked(raised, first).allowed, asked(raised, first, environment="staging").allowed) == (False, True)
    assert asked(raised, first, environment="nowhere").judged_as == "production"


def test_what_was_not_published_is_refused_in_one_sentence(raised: Raised) -> None:
    with pytest.raises(Refused, match="no lease document was kept by 2020-"):
        asked(raised, raised.world.now.replace(year=2020))
    with raised.world.store.read() as reader, pytest.raises(Refused, match="sol is not in the lease document sha256:"):
        past_answer(reader, "sol", raised.world.now)
    with pytest.raises(Refused, match="luna is on openai, not on codex"):
        asked(raised, raised.world.now, surface="codex")


def test_a_lease_ends_while_no_daemon_runs(raised: Raised) -> None:
    raised.world.store.check_writable(raised.began)
    inside, late = raised.began + HOUR, raised.began + raised.world.conf.gate.lease + HOUR
    raised.world.now = raised.began + timedelta(days=30)
    assert asked(raised, inside).allowed
    with raised.world.store.read() as reader:
        assert stopped_at(reader, late) == raised.began
    answer = asked(raised, late, caller="support")
    assert (answer.allowed, answer.reason.startswith("the lease ended: no daemon ran since")) == (False, True)
    record_absence(raised.world.store, "test", raised.world.now)
    assert not asked(raised, late, caller="support").allowed


@pytest.mark.parametrize(
    ("gap", "code", "recorded"),
    [(timedelta(seconds=30), "test", False), (2 * HOUR, "test", True), (timedelta(seconds=30), "test-2", True)],
)
def test_a_start_is_recorded_after_an_absence_and_in_another_version(gap: timedelta, code: str, recorded: bool) -> None:
    with world_of() as world:
        furnish(world)
        world.store.check_writable(world.now)
        world.store.check_writable()  # as `doctor` does: it is no daemon
        world.now += gap
        record_absence(world.store, code, world.now)
        assert len(world.events("daemon.started")) == recorded
        with world.store.read() as reader:
            spans = [row.length(world.now) for row in outages(reader, world.now, source="daemon") if row.ended_at]
        assert spans == ([gap] if gap > HOUR else [])


def test_before_the_first_daemon_nothing_is_recorded() -> None:
    with world_of(replace(configuration(), code="first")) as world:
        record_absence(world.store, "first", world.now)
        assert world.events("daemon.started") == []
