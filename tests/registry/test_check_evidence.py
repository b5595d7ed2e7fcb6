"""The evidence beside a check is that of the poll that dates it."""

from __future__ import annotations

from datetime import timedelta

from pipeline_world import LUNA, World, listing, model

from monitor.audit import queries
from monitor.audit.queries import CheckRow
from monitor.core.events import Event
from monitor.core.facts import Subject

DAY = timedelta(days=1)


def _content(world: World, evidence: str) -> str:
    with world.store.read() as reader:
        body = reader.evidence(evidence)
    assert body is not None
    return body.content.decode()


def _row(world: World, name: str) -> CheckRow:
    with world.store.read() as reader:
        return next(row for row in queries.checks(reader, world.conf, "luna") if row.name == name)


def _verified(world: World, name: str) -> Event:
    return [one for one in world.events("check.verified", source="list") if one.data["check"] == name][-1]


def test_a_check_that_is_dated_anew_carries_the_bytes_of_that_poll(active: World) -> None:
    active.sources["list"].set(Subject("openai", "new"), listed=True)
    active.polls(2, "list")
    assert '"new"' not in _content(active, _row(active, "visibility").check.evidence), (
        "dated this morning, before it came"
    )
    active.poll("list", after=DAY)
    verified = _verified(active, "visibility")
    assert verified.occurred_at == active.now
    assert '"new"' in _content(active, verified.evidence)


def test_the_first_poll_of_a_day_is_read_whole(active: World) -> None:
    active.poll("list")
    assert active.sources["list"].known[-1] is not None
    active.poll("list", after=DAY)
    assert active.sources["list"].known[-1] is None


def test_a_poll_that_shows_other_bytes_does_not_date_the_evidence_beside_a_check(active: World) -> None:
    active.poll("list")
    row = _row(active, "visibility")
    assert row.verified_at == active.now, "the same bytes were seen again"
    active.sources["list"].facts = listing(11, LUNA, model(12))
    active.polls(2, "list")
    row = _row(active, "visibility")
    assert row.verified_at == row.check.verified_at
    assert '"m12"' not in _content(active, row.check.evidence)


def test_a_check_that_fails_carries_the_bytes_that_show_it(active: World) -> None:
    active.sources["list"].drop(LUNA)
    active.settle("list")
    failed = [one for one in active.events("check.failed") if one.data["check"] == "visibility"][-1]
    assert LUNA.name not in _content(active, failed.evidence)
