"""What readings share in memory is right after whatever moves it: a poll, another process, a reload, the clock."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pipeline_world import LUNA, World, entry_spec, world_of

from monitor.audit import queries
from monitor.core.entry import Entry
from monitor.core.ports import SeenAt
from monitor.gate.decision import Standing
from monitor.gate.state import standing
from monitor.registry.freshness import Freshness
from monitor.store import SqlStore

HOUR = timedelta(hours=1)

ELSEWHERE = """
import sys
from datetime import datetime
from monitor.core.ports import SeenAt
from monitor.store import open_store
store = open_store(sys.argv[1])
store.touch([SeenAt(source=key, at=datetime.fromisoformat(sys.argv[2])) for key in ("list", "page")])
store.close()
"""


def dates(world: World, now: datetime | None = None) -> tuple[datetime | None, datetime | None]:
    """Return when access and price of the entry were last confirmed, by a reading of its own."""
    with world.store.read() as reader:
        fresh = Freshness(reader, world.conf, now or world.now)
        entry = reader.entries()["luna"]
        return fresh.access(entry), fresh.price(entry)


def path_of(world: World) -> str:
    assert isinstance(world.store, SqlStore)
    return str(world.store.engine.url.database).removeprefix("file:")


def touch(world: World) -> None:
    world.store.touch([SeenAt(source=key, at=world.now) for key in ("list", "page")])


def test_a_touch_is_seen_by_the_next_reading(active: World) -> None:
    before = dates(active)
    active.now += HOUR
    assert dates(active) == before
    touch(active)
    assert dates(active) == (active.now, active.now) != before
    assert active.standing().access_until == active.now + active.conf.gate.freshness


def test_a_touch_of_another_process_is_seen_by_the_next_reading(active: World) -> None:
    before, path = dates(active), path_of(active)
    active.now += HOUR
    command = [sys.executable, "-c", ELSEWHERE, path, active.now.isoformat()]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    assert dates(active) == (active.now, active.now) != before


def test_a_commit_that_writes_no_event_is_seen_by_the_next_reading(active: World) -> None:
    verified_at = active.entry().checks["pricing"].verified_at
    active.now += HOUR
    touch(active)
    assert dates(active) == (active.now, active.now)
    with sqlite3.connect(path_of(active)) as bare:
        bare.execute("UPDATE sources SET good_at = NULL WHERE key = 'page'")
    bare.close()
    assert dates(active) == (active.now, verified_at)


def test_a_price_that_is_pending_dates_the_entry_by_the_poll_before_it(active: World) -> None:
    active.now += HOUR
    touch(active)
    before = dates(active)[1]
    active.sources["page"].set(LUNA, input="99")
    active.poll("page", after=HOUR)
    assert active.pending_changes("page")
    assert dates(active)[1] == before
    active.polls(2, "page")
    assert active.standing().status == "paused"


def test_an_act_is_seen_by_the_next_reading(active: World) -> None:
    assert active.standing().status == "active"
    active.operator.pause("luna", by="ann", reason="so", via={"user": "ann", "host": "h", "channel": "cli"})
    assert (active.standing().status, active.standing().reason) == ("paused", "so (ann)")


def test_a_configuration_that_is_loaded_anew_has_its_own_standings(active: World) -> None:
    before = active.standing()
    rules = replace(active.conf.gate, freshness=active.conf.gate.freshness + HOUR)
    active.conf = replace(active.conf, gate=rules)
    assert before.access_until is not None
    assert active.standing().access_until == before.access_until + HOUR
    sources = {key: spec for key, spec in active.conf.sources.items() if key != "list"}
    active.conf = replace(active.conf, sources=sources)
    assert active.standing().access_until is None  # nothing watches its surface any more


def test_polls_dated_after_now_confirm_nothing_though_they_did_before(active: World) -> None:
    active.now += HOUR
    touch(active)
    whole = dates(active)
    earlier = active.now - HOUR
    assert dates(active, earlier) == (None, active.entry().checks["pricing"].verified_at)
    with active.store.read() as reader:
        entry = reader.entries()["luna"]
        undated = Freshness(reader, active.conf, earlier).undated()
        assert (undated.access(entry), undated.price(entry)) == whole
    assert dates(active) == whole


def test_an_entry_of_a_decision_has_its_own_dates(active: World) -> None:
    with active.store.read() as reader:
        registered = reader.entries()["luna"]
        fresh = Freshness(reader, active.conf, active.now)
        elsewhere: Entry = replace(registered, spec=entry_spec(model_id="gpt-elsewhere", owners=("platform",)), pins=())
        assert fresh.access(registered) is not None
        assert fresh.access(elsewhere) is None
        assert standing(elsewhere, fresh, active.conf).access_until is None
        assert standing(registered, fresh, active.conf).access_until is not None


def test_two_stores_in_one_process_do_not_share_dates(active: World) -> None:
    whole = dates(active)
    with world_of() as other:
        assert dates(other) == (None, None)
        assert dates(active) == whole
        assert dates(other) == (None, None)


def test_the_registry_of_a_time_is_as_it_was(active: World) -> None:
    at = active.now
    with active.store.read() as reader:
        before = queries.status(reader, active.conf, at=at)
    active.now += HOUR
    touch(active)
    with active.store.read() as reader:
        fresh = Freshness(reader, active.conf, active.now)
        assert queries.status(reader, active.conf, at=at, fresh=fresh) == before
        assert queries.status(reader, active.conf, fresh=fresh)[0].verified_at == active.now


def test_no_more_standings_are_kept_than_their_limit(active: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.gate import state

    last: dict[str, object] = {}
    monkeypatch.setattr(state, "_LAST", last)
    monkeypatch.setattr(state, "_MOST", 3)
    with active.store.read() as reader:
        fresh, entry = Freshness(reader, active.conf, active.now), reader.entries()["luna"]
        made: list[Standing] = []
        for number in range(10):
            made.append(standing(replace(entry, key=f"entry-{number}"), fresh, active.conf))
            assert len(last) <= 3
    assert [published.key for published in made] == [f"entry-{number}" for number in range(10)]
