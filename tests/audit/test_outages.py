"""Outages since a time: the same rows as of the whole log, without those that had ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pipeline_world import LUNA, World

from monitor.audit.outages import OutageKind, outages
from monitor.core.facts import FailureReason

STEP = timedelta(minutes=20)


@pytest.fixture
def troubled(furnished: World) -> World:
    """Provide a world whose sources failed, for one reason and then another, recovered, were held back, and fail."""
    world, page, listed = furnished, furnished.sources["page"], furnished.sources["list"]
    for reason in (FailureReason.SERVER_ERROR, FailureReason.TIMEOUT):
        page.fail = reason
        world.polls(4, "page", every=STEP)
    page.fail = None
    world.polls(2, "page", every=STEP)
    shown = listed.facts
    listed.facts = {LUNA: shown[LUNA]}  # most of it is gone: held for review
    world.polls(3, "list", every=STEP)
    listed.facts = shown
    world.polls(2, "list", every=STEP)
    listed.fail = page.fail = FailureReason.SERVER_ERROR
    world.polls(4, every=STEP)
    listed.fail = None
    world.polls(2, every=STEP)
    return world


def test_since_a_time_are_the_rows_that_had_not_ended(troubled: World) -> None:
    with troubled.store.read() as reader:
        whole = outages(reader, troubled.now)
        assert {row.kind for row in whole} >= {OutageKind.DOWN, OutageKind.HELD}
        assert {row.ended_at is None for row in whole} == {True, False}
        times = [
            recorded.recorded_at + skew for recorded in reader.events() for skew in (-STEP / 2, STEP * 0, STEP / 2)
        ]
        for source in ("", "page", "list"):
            of_source = [row for row in whole if source in ("", row.subject)]
            for since in times:
                lasting = [row for row in of_source if row.ended_at is None or row.ended_at >= since]
                assert outages(reader, troubled.now, source=source, since=since) == lasting


def test_what_ended_after_until_had_not_ended(troubled: World) -> None:
    with troubled.store.read() as reader:
        first = next(row for row in outages(reader, troubled.now) if row.ended_at is not None)
        assert first.ended_at is not None
        middle = first.began_at + (first.ended_at - first.began_at) / 2
        rows = outages(reader, troubled.now, since=middle, until=middle)
        assert [(row.position, row.ended_at) for row in rows] == [(first.position, None)]


def test_what_had_ended_is_not_read(troubled: World) -> None:
    with troubled.store.read() as reader:
        whole = list(reader.events_of_outages())
        lasting = list(reader.events_of_outages(since=troubled.now))
        assert len(lasting) < len(whole)
        assert {recorded.event.position for recorded in lasting} == {
            row.position for row in outages(reader, troubled.now) if row.ended_at is None
        }
