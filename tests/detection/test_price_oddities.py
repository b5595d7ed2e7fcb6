"""Cross-checks between meters: told with what moved, and nothing is held back for them."""

from __future__ import annotations

from pipeline_world import LUNA, VIA, World

from monitor.core.entry import Status


def test_a_batch_price_above_standard_is_believed_at_once_and_noted_in_its_event(active: World) -> None:
    active.sources["page"].set(LUNA, **{"price.batch.short.input": "1.5"})
    active.polls(2, "page")
    assert active.events("price.quarantined") == []
    assert active.events("price.listed")[-1].data["note"] == "batch input is 1.50, above standard input of 1.00"
    assert active.entry().status is Status.ACTIVE


def test_an_oddity_of_a_tier_in_use_is_told_with_the_news_of_it(active: World) -> None:
    active.sources["page"].set(LUNA, **{"price.standard.long.input": "0.5"})
    active.polls(2, "page")
    assert active.notices()[-1].items[0].summary == "standard input is 1.00, above standard long input of 0.50"


def test_an_oddity_that_a_pausing_change_makes_stands_in_its_pause(active: World) -> None:
    active.sources["page"].set(LUNA, **{"price.priority.short.output": "7"})
    active.polls(2, "page")
    active.sources["page"].set(LUNA, output="8")
    active.polls(2, "page")
    assert active.entry().status is Status.PAUSED
    assert active.notices()[-1].items[0].summary == "standard output is 8.00, above priority output of 7.00"


def test_usual_prices_carry_no_note(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert "note" not in active.events("price.changed")[-1].data
    assert active.notices()[-1].items[0].summary == ""


def test_a_price_that_a_person_lets_in_is_checked_beside_the_others_as_well(active: World) -> None:
    active.sources["page"].set(LUNA, **{"price.priority.short.output": "7"})
    active.polls(2, "page")
    active.sources["page"].set(LUNA, output="601")
    active.polls(2, "page")
    held = active.events("price.quarantined")[0].position
    changed, *_ = active.operator.release(held, by="ann", reason="they announced it", via=VIA)
    assert changed.data["note"] == "standard output is 601.00, above priority output of 7.00"
