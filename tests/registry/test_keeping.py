"""What the housekeeping drops once a day, and what it says of it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World

from monitor.core import events as ev
from monitor.core.logs import LOGGER
from monitor.registry.housekeeping import Keeping

DAY = timedelta(days=1)


def test_answers_that_no_event_names_are_pruned_once_a_day_and_counted(
    furnished: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A price that showed once leaves bytes that nothing names; a confirmed one leaves bytes that its event names."""
    world = furnished
    world.sources["page"].set(LUNA, input="3")
    world.poll("page")
    world.sources["page"].set(LUNA, input="1")
    world.polls(2, "page")
    world.sources["page"].set(LUNA, input="2")
    world.polls(3, "page")
    confirmed = world.events(ev.PRICE_CHANGED)[-1].evidence
    with world.store.read() as reader:
        before = {kept.hash for kept in reader.kept_evidence()}
    tender = world.use_cases().tender(keeping=Keeping(measurements=90 * DAY, evidence=10 * DAY))
    with caplog.at_level(logging.INFO, LOGGER.name):
        tender.tend(world.now + 9 * DAY)
        assert not caplog.records
        tender.tend(world.now + 11 * DAY)
        tender.tend(world.now + 11 * DAY + timedelta(hours=1))
    (record,) = [record for record in caplog.records if "pruned" in record.message]
    with world.store.read() as reader:
        pruned = {kept.hash for kept in reader.kept_evidence() if kept.pruned}
        assert reader.evidence(confirmed) is not None
    assert pruned
    assert pruned < before
    assert record.fields["pieces"] == len(pruned)  # type: ignore[attr-defined]
    assert record.fields["bytes"] > 0  # type: ignore[attr-defined]
