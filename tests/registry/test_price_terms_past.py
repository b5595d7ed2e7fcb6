"""The registry's fields of price now and as they were confirmed then, from what the log names and not
from today's page.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline_world import World

from monitor.audit import queries
from monitor.registry.terms import PricedEntry, priced


def _priced(world: World, at: datetime | None = None) -> PricedEntry:
    with world.store.read() as reader:
        return priced(reader, world.conf, queries.entries(reader, at=at), at=at)["luna"]


def test_the_price_of_a_past_time_is_the_one_that_was_believed_then(active: World) -> None:
    then = active.now
    active.sources["page"].set(active.entry().price_subject, input="2", cached_input="1")
    active.polls(2, "page")
    now = _priced(active).terms.bands[0]
    assert (now.input, now.cached_discount) == ("2", "0.5")
    past = _priced(active, then).terms.bands[0]
    assert (past.input, past.cached_discount) == ("1", "0.9")


def test_before_anything_was_read_the_price_was_a_blank(active: World) -> None:
    first = active.events("source.baseline_recorded")[0].occurred_at
    past = _priced(active, first - timedelta(seconds=1))
    assert (past.terms.bands[0].input, past.terms.sources, past.verified_at) == (None, (), None)


def test_a_price_that_is_only_suspected_is_not_the_registrys_price(active: World) -> None:
    active.sources["page"].set(active.entry().price_subject, input="2")
    active.poll("page")
    assert _priced(active).terms.bands[0].input == "1"
