"""Planned maintenance: what is expected to move informs, and pauses when the window ends and it still deviates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline_world import CACHED, INPUT, LUNA, OUTPUT, VIA, World, configuration

from monitor.audit import queries
from monitor.core.entry import Status
from monitor.core.events import Event
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.gate.decision import GateQuestion, decide
from monitor.registry.maintenance import Maintenance

HOUR = timedelta(hours=1)
PRICES = "openai/gpt-luna/price.*"


def _maintenance(world: World) -> Maintenance:
    return world.use_cases().maintenance


def _open(world: World, *changes: str, hours: float = 4, start: datetime | None = None, **more: Any) -> Event:
    said = {"by": "ann", "reason": "announced", "via": VIA} | more
    end = (start or world.now) + hours * HOUR
    return _maintenance(world).open("luna", start=start, end=end, changes=changes or (PRICES,), **said)


def _allowed(world: World) -> bool:
    rules = world.conf.gate
    return decide(world.standing(), GateQuestion(rules=rules, now=world.now)).allowed


def test_an_expected_change_informs_and_pauses_when_the_window_ends_and_it_still_deviates(active: World) -> None:
    opened = _open(active)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert (active.entry().status, _allowed(active)) == (Status.ACTIVE, True)
    notice = active.notices()[-1]
    assert notice.reason is Reason.CHANGED
    assert "expected until 2026-07-01T04:02:00Z (announced; ann)" in notice.items[0].summary
    active.now += 4 * HOUR
    active.tender.tend(active.now)
    closed, paused = active.events("entry.window_closed")[0], active.events("entry.paused")[0]
    assert (closed.cause, closed.data) == (
        opened.position,
        {"surface": "openai", "window": opened.position, "by": "system", "reason": "its end has passed"},
    )
    repriced = active.events("price.changed")[0]
    assert (paused.cause, paused.data["causes"]) == (repriced.position, [repriced.position])
    assert (paused.source, paused.evidence, active.notices()[-1].items[0].polls) == ("page", repriced.evidence, 2)
    assert (active.entry().status, active.entry().windows) == (Status.PAUSED, ())
    assert active.published
    assert active.notices()[-1].reason is Reason.PAUSED
    with active.store.read() as reader:
        assert repriced.position in [step.recorded.event.position for step in queries.why(reader, "luna")]
    active.poll("page")
    assert active.entry().checks["pricing"].state == "verified", "the next poll verifies what the pause made stale"
    active.resume()
    assert active.replayed() == dict(active.entries())


def test_what_is_as_it_was_when_the_window_ends_pauses_nothing(active: World) -> None:
    _open(active)
    for amount in ("7", "6"):
        active.sources["page"].set(LUNA, output=amount)
        active.polls(2, "page")
    active.now += 4 * HOUR
    assert active.tender.tend(active.now) == 1
    assert (active.types()[-1], active.entry().status) == ("entry.window_closed", Status.ACTIVE)
    assert active.tender.tend(active.now) == 0


def test_what_the_window_does_not_name_pauses_within_it(active: World) -> None:
    _open(active, f"openai/gpt-luna/{INPUT}")
    active.sources["page"].set(LUNA, input="2", output="7")
    active.polls(2, "page")
    assert active.entry().status is Status.PAUSED
    assert set(active.entry().deviations) == {f"openai/gpt-luna/{OUTPUT}"}


@pytest.mark.parametrize(("hours", "status"), [(-1, Status.PAUSED), (1, Status.ACTIVE)])
def test_a_window_counts_from_when_it_begins(active: World, hours: int, status: Status) -> None:
    _open(active, start=active.now + 2 * HOUR)
    active.now += (2 + hours) * HOUR
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert active.entry().status is status


def test_a_poll_after_the_end_pauses_even_before_time_closed_the_window(active: World) -> None:
    _open(active)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    active.now += 4 * HOUR
    active.sources["page"].set(LUNA, cached_input="0.2")
    active.polls(2, "page")
    assert active.entry().status is Status.PAUSED
    assert set(active.entry().deviations) == {f"openai/gpt-luna/{OUTPUT}", f"openai/gpt-luna/{CACHED}"}


def test_our_own_side_may_be_expected_to_move_as_well(active: World) -> None:
    _open(active, "config/openai/project")
    surface = configuration().surfaces["openai"]
    moved = type(surface)(
        key="openai", base_url=surface.base_url, provider="openai", api_key="env:KEY", project="proj_2"
    )
    active.configure(configuration(version="2", surfaces={"openai": moved}))
    assert active.entry().status is Status.ACTIVE
    active.now += 4 * HOUR
    active.tender.tend(active.now)
    assert active.entry().deviations == {"config/openai/project": "proj_2"}


def test_a_listing_that_is_lost_within_a_window_is_denied_all_the_same(active: World) -> None:
    _open(active, "openai/gpt-luna/listed")
    active.sources["list"].drop(LUNA)
    active.settle("list")
    assert (active.entry().status, _allowed(active)) == (Status.ACTIVE, False)


def test_a_person_ends_a_window_before_its_time(active: World) -> None:
    opened = _open(active)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    published = active.published
    events = _maintenance(active).close("luna", opened.position, by="bob", reason="done", via=VIA)
    assert [event.type for event in events][:2] == ["entry.window_closed", "entry.paused"]
    assert (events[0].actor, events[0].data["by"], active.published) == ("bob", "bob", published + 1)
    with pytest.raises(Refused, match="luna has no window of maintenance at position"):
        _maintenance(active).close("luna", opened.position, by="bob", reason="done", via=VIA)


def test_within_a_window_a_resumption_accepts_what_moved(active: World) -> None:
    _open(active)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    active.operator.pause("luna", by="ann", reason="accepting", via=VIA)
    active.resume()
    active.now += 4 * HOUR
    active.tender.tend(active.now)
    assert active.entry().status is Status.ACTIVE


def test_while_an_entry_is_paused_what_is_expected_extends_nothing_before_the_end(active: World) -> None:
    active.operator.pause("luna", by="ann", reason="x", via=VIA)
    _open(active)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert not active.events("entry.pause_extended")
    active.now += 4 * HOUR
    active.tender.tend(active.now)
    assert len(active.events("entry.pause_extended")) == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "over before it begins": ({"hours": -1}, "is over before it begins"),
    "over already": (
        {"start": datetime.fromisoformat("2026-06-01T00:00:00Z"), "hours": 1},
        "give --until a time to come",
    ),
    "too long": ({"hours": 24 * 32}, "31 days are the longest"),
    "everything": ({"changes": "*"}, "names no change but all of them"),
    "everything, otherwise": ({"changes": "*/*/*"}, "names no change but all of them"),
    "nothing": ({"changes": "openai/gpt-lunar/*"}, "matches no pin of luna; it pins openai/gpt-luna/listed"),
}


@pytest.mark.parametrize(("wrong", "said"), WRONG.values(), ids=WRONG)
def test_a_window_that_is_none_is_refused_in_a_sentence_and_changes_nothing(
    active: World, wrong: dict[str, Any], said: str
) -> None:
    wrong = dict(wrong)
    changes = [wrong.pop("changes")] if "changes" in wrong else []
    rows = active.all_rows()
    with pytest.raises(Refused) as refused:
        _open(active, *changes, **wrong)
    assert said in str(refused.value)
    assert active.all_rows() == rows


def test_there_is_nothing_to_expect_of_what_pins_nothing(furnished: World) -> None:
    with pytest.raises(Refused, match="luna is evaluating and pins nothing"):
        _open(furnished)


def test_a_window_of_an_entry_that_ended_is_left_alone(active: World) -> None:
    _open(active)
    active.operator.retire("luna", by="ann", reason="x", via=VIA)
    active.now += 4 * HOUR
    active.tender.tend(active.now)
    assert not active.events("entry.window_closed")
