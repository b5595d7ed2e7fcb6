"""What a row carries to another: everything that it is but its place, so that a new field is never forgotten."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta

from pipeline_world import entry_spec

from monitor.core.entry import CANDIDATE, Check, CheckState, Entry, EvalCell, Pin, Status
from monitor.core.events import ENTRY_DECLARED, Event, entry_stream
from monitor.core.maintenance_windows import Window
from monitor.registry import row_state

AT = datetime(2026, 7, 30, 17, 34, 21, 5, tzinfo=UTC)
SPEC = entry_spec()

FULL = Entry(
    key="luna",
    status=Status.PAUSED,
    since=AT,
    position=17,
    status_position=16,
    spec=SPEC,
    pins=(Pin(scope="openai", name="gpt-luna", field="listed", value=True),),
    unpinned=("openai/gpt-luna/rate_limits",),
    checks={"evals": Check(state=CheckState.VERIFIED, verified_at=AT, position=3, by="Ada L.", until=AT)},
    deviations={"openai/gpt-luna/listed": None},
    pause=16,
    reason="it is gone",
    by="Ada L.",
    callers=("support-agent",),
    reminded=("pause 1",),
    windows=(Window(position=4, start=AT, end=AT + timedelta(hours=1), changes=("price",), by="Bo", reason="planned"),),
    observed={"input": 12},
    acknowledged=16,
    escalated=("oncall",),
    waived=("logging",),
    fallback_lost=15,
    silenced_until=AT,
    evals=(
        EvalCell(
            side=CANDIDATE,
            model="gpt-luna",
            suite="tool_use",
            metric="pass",
            score="0.9",
            samples=20,
            at=AT,
            by="Ada L.",
            evidence="sha256:00",
        ),
    ),
    asks=("pricing",),
    risen_at=AT,
)
OF_THE_ROW = {"key", "spec", "position", "approval"}


def test_every_field_of_an_entry_is_carried_but_those_that_are_the_rows_own() -> None:
    plain = {field.name for field in fields(Entry)} - OF_THE_ROW
    defaults = {field.name: field.default for field in fields(Entry) if field.default is not MISSING}
    assert all(getattr(FULL, name) != defaults.get(name) for name in plain), "a field is not tried here"
    carried = json.loads(json.dumps(row_state.dump(FULL)))
    event = Event(
        position=40, type=ENTRY_DECLARED, stream=entry_stream("luna@eu"), subject="luna", occurred_at=AT, data={}
    )
    row = row_state.load("luna@eu", SPEC, event, carried)
    assert {name: getattr(row, name) for name in plain} == {name: getattr(FULL, name) for name in plain}
    assert (row.key, row.spec, row.position, row.approval) == ("luna@eu", SPEC, 40, None)
