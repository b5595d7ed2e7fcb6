"""The eight invariants of the design, each against the whole pipeline on a real store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline_world import (
    CACHED,
    INPUT,
    LUNA,
    OUTPUT,
    VIA,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    world_of,
)
from sqlalchemy import text

from monitor.app.use_cases import UseCases
from monitor.audit import queries
from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.core.facts import Body, FailureReason, Known, Observation, PollFailure, Subject
from monitor.core.notices import Notice
from monitor.core.ports import Refused, Sent, Store, Transaction
from monitor.gate.decision import GateQuestion, decide
from monitor.notify.destinations import destinations
from monitor.notify.relay import Relay

DAY = timedelta(days=1)


# -- 1 ---------------------------------------------------------------------


@pytest.mark.parametrize("reason", FailureReason)
def test_invariant_1_a_failure_to_poll_is_not_an_observation(active: World, reason: FailureReason) -> None:
    before, confirmed, at = active.entry(), active.baselines(), active.head
    for source in active.sources.values():
        source.fail = reason
    active.polls(5, every=timedelta(minutes=20))
    assert active.types(after=at) == ["source.failed"] * 3
    assert active.baselines() == confirmed
    assert active.entry() == before
    assert not active.pending_changes()
    for source in active.sources.values():
        source.fail = None
    active.poll()
    assert active.types(after=at + 3) == ["source.recovered"] * 3


def test_invariant_1_a_source_that_raises_is_a_failure_and_stops_no_other(active: World) -> None:
    def explode() -> None:
        raise KeyError("sk-secret")

    active.sources["list"].before = explode
    outcomes = {outcome.source: outcome for outcome in active.poll()}
    assert outcomes["list"].verdict == "failed"
    assert outcomes["page"].verdict == "unchanged"
    failed = active.events("source.failed")[-1]
    assert failed.data["reason"] == "invalid_shape"
    assert "sk-secret" not in json.dumps(dict(failed.data))


@pytest.mark.parametrize("shown", [{}, listing(4)], ids=["empty", "truncated"])
def test_invariant_1_an_empty_or_truncated_list_is_held(active: World, shown: Any) -> None:
    at, confirmed = active.head, active.baseline("list")
    active.sources["list"].facts = shown
    active.polls(20, "list", every=timedelta(hours=1))
    assert active.types(after=at) == ["source.anomaly"]
    assert active.baseline("list") == confirmed
    assert active.entry().status is Status.ACTIVE


# -- 2 ---------------------------------------------------------------------


def test_invariant_2_a_baseline_moves_only_with_the_events_that_explain_the_move(active: World) -> None:
    """After every step, the baseline is the one that the newest event of its source names."""
    page, listed = active.sources["page"], active.sources["list"]

    def explained() -> None:
        for key, state in active.states().items():
            named = [event.data["baseline"] for event in active.events(source=key) if "baseline" in event.data]
            assert state.baseline == named[-1], key

    steps: list[Callable[[], object]] = [
        lambda: page.set(LUNA, output="7"),
        lambda: listed.drop(LUNA),
        lambda: page.set(LUNA, output="0"),
        lambda: listed.set(Subject("openai", "new"), listed=True, owned_by="x"),
        lambda: setattr(page, "extractor", "fake/2"),
        lambda: page.set(LUNA, output="9"),
    ]
    moved = set()
    for step in steps:
        step()
        for _ in range(4):
            active.poll(after=timedelta(minutes=11))
            explained()
            moved.add(active.state("page").baseline)
    assert len(moved) >= 3


# -- 3 ---------------------------------------------------------------------


class Killed(Exception):
    """The process died in the middle of a transaction."""


class Frail:
    """A store whose transactions die with the n-th statement that writes."""

    def __init__(self, store: Store, fatal: int) -> None:
        self._store = store
        self.left = fatal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._store.write() as tx:
            yield FrailTransaction(tx, self)  # type: ignore[misc]


class FrailTransaction:
    def __init__(self, tx: Transaction, frail: Frail) -> None:
        self._tx = tx
        self._frail = frail

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if not name.startswith(("put_", "append", "enqueue", "drop_")):
            return found

        def statement(*args: Any, **kwargs: Any) -> Any:
            self._frail.left -= 1
            result = found(*args, **kwargs)
            if self._frail.left == 0:
                raise Killed(name)
            return result

        return statement


def _dies_at_every_statement(world: World, act: Callable[[Store], object]) -> int:
    """Kill `act` at each of its statements; returns how many there were before it went through."""
    before, published = world.all_rows(), world.published
    for fatal in range(1, 100):
        try:
            act(Frail(world.store, fatal))  # type: ignore[arg-type]
        except Killed:
            assert world.all_rows() == before
            assert world.published == published, "the leases were told of what was never committed"
            continue
        assert world.all_rows() != before
        return fatal - 1
    raise AssertionError("it never went through")


def test_invariant_3_event_status_baseline_and_outbox_row_of_a_poll_are_one_commit(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.poll("page")
    active.now += timedelta(minutes=2)
    statements = _dies_at_every_statement(active, lambda store: active.another_poller(store).poll(["page"]))
    assert statements >= 6  # facts, streaks, events, entry, notice, source
    assert active.types()[-3:] == ["price.changed", "entry.paused", "check.stale"]
    assert active.baseline("page")[LUNA][OUTPUT] == "7"
    assert active.entry().status is Status.PAUSED
    assert len(active.notices()) == 3  # visible, activated, paused
    assert active.replayed() == active.entries()


def test_invariant_3_a_declaration_is_one_commit(world: World) -> None:
    conf = configuration(version="2", entries={"luna": entry_spec(), "sol": entry_spec("sol", "gpt-sol")})
    _dies_at_every_statement(world, lambda store: UseCases(store, conf, world.clock, published=world.publish).declare())
    assert set(world.entries()) == {"luna", "sol"}


def test_invariant_3_an_act_of_a_person_is_one_commit(furnished: World) -> None:

    def act(store: Store) -> object:
        operator = furnished.use_cases(store).operator
        return operator.activate("luna", by="ann", reason="ok", via=VIA)

    _dies_at_every_statement(furnished, act)
    assert furnished.entry().status is Status.ACTIVE


# -- 4 ---------------------------------------------------------------------


def test_invariant_4_no_transaction_is_open_while_a_source_polls(active: World) -> None:
    wrote = []

    def write() -> None:
        with active.store.write() as tx:  # would wait for ever, then raise, if the poller held the writer's lock
            wrote.append(tx.head())

    for source in active.sources.values():
        source.before = write
    active.sources["page"].set(LUNA, output="7")
    active.polls(2)
    assert len(wrote) == 6
    assert active.entry().status is Status.PAUSED


def test_invariant_4_no_transaction_is_open_while_a_channel_sends(active: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    class Channel:
        def __init__(self) -> None:
            self.statuses: list[Status] = []

        def send(self, notice: Notice, destination: str) -> Sent:
            with active.store.write() as tx:
                self.statuses.append(tx.entries()["luna"].status)
            return Sent()

        def label(self, destination: str) -> str:
            return "test://"

    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    channel = Channel()
    with ThreadPoolExecutor(2) as executor:
        relay = Relay(
            store=active.store,
            channel=channel,
            clock=active.clock,
            owners=lambda: active.conf.owners,
            worker="one",
            executor=executor,
            attempts=3,
        )
        assert relay.tick() == len(active.notices()) * len(destinations(active.conf.owners["platform"]))
    assert set(channel.statuses) == {Status.PAUSED}  # and the commit came before the message


# -- 5 ---------------------------------------------------------------------


def test_invariant_5_the_database_refuses_to_change_what_the_pipeline_recorded(active: World) -> None:
    engine = active.store.engine  # type: ignore[attr-defined]
    recorded = active.events()
    for statement in (
        "UPDATE events SET data = '{}' WHERE type = 'entry.activated'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 1",
    ):
        with pytest.raises(Exception, match="log"), engine.begin() as connection:
            connection.execute(text(statement))
    assert active.events() == recorded


# -- 6 ---------------------------------------------------------------------


def test_invariant_6_a_blank_stays_blank() -> None:
    """An entry without an id gets none from a list that shows one of its name, and no price from a family name."""
    blank = entry_spec("luna", "")
    with world_of(configuration(entries={"luna": blank})) as world:
        world.sources["page"].facts = {LUNA: {INPUT: "1", OUTPUT: "6"}}
        world.sources["list"].facts = listing(11)
        world.poll()
        world.sources["list"].set(Subject("openai", "luna"), listed=True)
        world.sources["list"].set(LUNA, listed=True)
        world.polls(3)
        entry = world.entry()
        assert (entry.spec.model_id, entry.status, entry.pins, dict(entry.checks)) == ("", Status.WAITING, (), {})
        told = {(item.entry, item.subject) for notice in world.notices() for item in notice.items}
        assert told == {("", "luna"), ("", LUNA.name)}, "an id that no entry declares is named by itself"
        with pytest.raises(Refused, match="waits for a model id"):
            world.activate()


def test_invariant_6_the_price_of_a_dated_snapshot_is_not_taken_from_its_family() -> None:
    dated = Subject("openai", "gpt-luna-2026-07-01")
    with world_of(configuration(entries={"luna": entry_spec("luna", dated.name)})) as world:
        furnish(world)
        world.sources["list"].set(dated, listed=True)
        world.polls(3)
        with pytest.raises(Refused, match="pricing is blank"):
            world.activate()
        mapped = entry_spec("luna", dated.name, price_model="gpt-luna")
        world.configure(configuration(version="2", entries={"luna": mapped}))
        world.polls(2)
        assert {pin["name"] for pin in world.activate().data["pins"] if pin["field"] == INPUT} == {"gpt-luna"}


# -- 7 ---------------------------------------------------------------------


def test_invariant_7_every_value_carries_source_evidence_and_date_and_goes_stale(active: World) -> None:
    with active.store.read() as reader:
        row = queries.status(reader, active.conf)[0]
        assert row.verified_at == active.now
        for price in queries.prices(reader, active.conf, queries.price_subjects(reader, active.conf, "luna")):
            assert price.source in ("page", "feed")
            assert price.url
            assert price.verified_at == active.now
            body = reader.evidence(price.evidence)
            assert body is not None
            assert price.amount.encode() in body.content
        for check in queries.checks(reader, active.conf, "luna"):
            assert check.check.evidence
            assert check.verified_at == active.now
    verified = active.now
    for source in active.sources.values():
        source.fail = FailureReason.TIMEOUT
    active.poll(after=timedelta(hours=2))
    assert active.standing().access_until == verified + DAY
    assert active.standing().price_until == verified + 7 * DAY
    answer = decide(active.standing(), GateQuestion(rules=GateRules(), now=verified + DAY))
    assert (answer.allowed, answer.status) == (False, "active")
    assert answer.reason.startswith("stale")
    with active.store.read() as reader:
        assert queries.status(reader, active.conf)[0].verified_at == verified


def test_invariant_7_a_check_that_a_person_attested_has_a_date_at_which_it_ends() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        with pytest.raises(Refused, match="evals is blank"):
            world.activate()
        world.attest("evals")
        world.activate()
        attested = world.now
        assert world.entry().checks["evals"].until == attested + 90 * DAY
        world.now += 90 * DAY
        world.poll()
        assert world.standing().readiness["production"].until == attested + 90 * DAY
        assert world.tender.tend(world.now) == 1
        assert world.events()[-1].type == "check.stale"
        assert world.notices()[-1].items[0].denied


# -- 8 ---------------------------------------------------------------------


def test_invariant_8_the_gate_allows_only_what_a_person_activated_and_what_is_fresh(world: World) -> None:
    def allowed(at: datetime | None = None) -> bool:
        return decide(world.standing(), GateQuestion(rules=GateRules(), now=at or world.now)).allowed

    assert not allowed(), "waiting"
    furnish(world)
    assert not allowed(), "evaluating"
    world.activate()
    assert allowed()
    assert not allowed(world.now + 2 * DAY), "stale"
    world.sources["page"].set(LUNA, output="7", cached_input="0.2")
    world.polls(2)
    assert not allowed(), "paused"
    world.poll()
    assert not allowed(), "nothing resumes by itself"
    world.resume()
    assert allowed()
    assert {pin.value for pin in world.entry().pins if pin.field == CACHED} == {"0.2"}
    world.operator.retire("luna", by="ann", reason="over", via=VIA)
    assert not allowed(), "retired"


def test_invariant_8_an_entry_that_left_the_configuration_is_denied(active: World) -> None:
    active.configure(replace(active.conf, version="2", entries={}))
    assert active.entry().status is Status.WITHDRAWN
    answer = decide(active.standing(), GateQuestion(rules=GateRules(), now=active.now))
    assert not answer.allowed


def test_an_observation_of_someone_elses_making_may_carry_the_body_of_its_failure(active: World) -> None:
    """The bytes of a challenge page are kept with the failure, so that a person can see what was received."""

    class Challenged:
        spec = active.conf.sources["page"]
        extractor = "fake/1"

        def observe(self, now: datetime, known: Known | None) -> Observation:
            body = Body(content=b"<html>prove that you are human</html>", sha256="0" * 64, size=37)
            return PollFailure(
                source="page", at=now, reason=FailureReason.UNREADABLE, detail="no table in it", body=body
            )

    active.sources["page"] = Challenged()  # type: ignore[assignment]
    active.poll("page")
    with active.store.read() as reader:
        body = reader.evidence(active.events("source.failed")[-1].evidence)
    assert body is not None
    assert b"human" in body.content
