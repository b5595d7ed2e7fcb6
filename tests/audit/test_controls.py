"""The map of controls: which events bear on which control, and the counts of a log."""

from __future__ import annotations

import json
from pathlib import Path

from cli_world import am
from pipeline_world import LUNA, World

from monitor.audit.controls import CONTROLS, control_map
from monitor.core.event_types import EVENT_TYPES
from monitor.core.events import ENTRY_PAUSED, MODEL_CHANGED

ASKED_FOR = ("OWASP AISVS 1.0, 3.2.3", "Article 12", "Article 19", "Article 26(6)", "ISO/IEC 42001")


def test_each_named_event_is_one_that_the_program_writes() -> None:
    for control in CONTROLS:
        assert control.events, control.name
        assert set(control.events) <= EVENT_TYPES.keys(), control.name
        assert len(set(control.events)) == len(control.events), control.name


def test_each_control_says_what_the_events_do_not_show() -> None:
    names = [control.name for control in CONTROLS]
    assert len(set(names)) == len(names)
    for asked in ASKED_FOR:
        assert any(asked in name for name in names), asked
    for control in CONTROLS:
        for text in (control.asks, control.shows, control.lacks):
            assert text.endswith("."), control.name
            assert not {"compliant", "compliance", "guarantees", "proves"} & set(text.lower().split()), control.name


def test_the_counts_are_those_of_the_log(furnished: World) -> None:
    world = furnished
    world.activate()
    world.sources["list"].drop(LUNA)
    world.settle("list")
    paused = world.events(ENTRY_PAUSED)
    assert paused
    with world.store.read() as reader:
        found = control_map(reader)
    assert found.since == world.events()[0].occurred_at
    counts = {counted.type: counted for row in found.rows for counted in row.counts}
    assert counts[ENTRY_PAUSED].count == len(paused)
    assert counts[ENTRY_PAUSED].last is not None
    assert counts[ENTRY_PAUSED].last >= paused[-1].occurred_at
    assert (counts[MODEL_CHANGED].count, counts[MODEL_CHANGED].last) == (0, None)


def test_the_report_has_it_in_each_form(tmp_path: Path) -> None:
    config = tmp_path / "monitor.toml"
    config.write_text(
        '[[surface]]\nkey = "openai"\nbase_url = "https://api.example.com/v1"\n'
        '[[owner]]\nkey = "platform"\ndestinations = ["env:SLACK_URL"]\n'
        '[[entry]]\nkey = "luna"\nsurface = "openai"\nmodel_id = "gpt-luna"\nowners = ["platform"]\n',
        encoding="utf-8",
    )
    base = ("--config", str(config), "--database", str(tmp_path / "monitor.db"))
    am(*base, "db", "upgrade")
    am(*base, "poll")
    text = am(*base, "report", "luna").stdout
    page = am(*base, "report", "luna", "--format", "html").stdout
    answer = json.loads(am(*base, "report", "luna", "--json").stdout)
    rows = answer["controls"]["rows"]
    declared = next(event for row in rows for event in row["events"] if event["type"] == "entry.declared")
    assert (declared["count"], bool(declared["last"])) == (1, True)
    assert answer["sections"][0]["title"] == "Status"
    for control in CONTROLS:
        assert control.name in text
        assert control.name in page
    assert "entry.declared 1" in text
    assert "This is no statement of conformity" in page
    assert "two formats" in am(*base, "report", "luna", "--json", "--format", "md", expect=2).stderr
