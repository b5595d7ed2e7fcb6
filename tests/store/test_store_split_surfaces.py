"""A database in which one row held several surfaces: the first load of the same configuration makes a row of each, and
takes nothing from anybody.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.app.bootstrap import open_monitor
from monitor.cli import cli
from monitor.core import zstd
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.events import Recorded
from monitor.gate.decision import GateQuestion, Standing, answer
from monitor.gate.state import standings
from monitor.registry.transitions import replay

STORED = Path(__file__).parent / "databases"
LUNA, SOL, LATE, PAUSED, ENDED, GONE = "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.5", "gpt-5", "gpt-4.1", "gpt-5.4-mini"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide the configuration beside the database that 0.2.0 left, brought up to date and not loaded."""
    path = tmp_path / "monitor.toml"
    shutil.copy(STORED / "0.2.0-surfaces.toml", path)
    (tmp_path / "monitor.db").write_bytes(zstd.decompress((STORED / "0.2.0-surfaces.db.zst").read_bytes()))
    (tmp_path / "api-key").write_text("sk-sandbox\n")
    assert CliRunner().invoke(cli, ["--config", str(path), "db", "upgrade"]).exit_code == 0
    return path


def load(config: Path) -> tuple[Mapping[str, Entry], list[Recorded], dict[str, bool], dict[str, bool]]:
    """Load the configuration; return the entries, the events that this wrote, and what production was allowed before
    and after, a minute after the last event of 0.2.0.
    """
    with open_monitor(config, create=False) as monitor:
        with monitor.store.read() as reader:
            head = reader.head()
            last = reader.event(head)
            assert last is not None
            then = last.recorded_at + timedelta(minutes=1)
            before = standings(reader, monitor.configuration, then)
        monitor.declare()
        with monitor.store.read() as reader:
            entries = reader.entries()
            log = list(reader.events())
            after = standings(reader, monitor.configuration, then)
            assert replay(record.event for record in log) == entries
        question = GateQuestion(rules=monitor.configuration.gate, now=then)

        def allowed(known: Mapping[str, Standing]) -> dict[str, bool]:
            return {key: answer(key, known, question).allowed for key in known}

        return entries, log[head:], allowed(before), allowed(after)


def test_nobody_loses_anything(config: Path) -> None:
    entries, written, before, after = load(config)
    assert {record.event.type for record in written} == {"config.changed", "entry.declared", "entry.amended"}
    assert [key for key, allowed in before.items() if allowed] == [LUNA]
    assert [key for key, allowed in after.items() if allowed] == [LUNA, f"{LUNA}@codex"]
    statuses = {LUNA: "active", SOL: "paused", LATE: "evaluating", PAUSED: "paused", ENDED: "retired"}
    assert {key: entry.status.value for key, entry in entries.items() if key != GONE} == {
        key: status for entry, status in statuses.items() for key in (entry, f"{entry}@codex")
    }
    assert f"{GONE}@codex" not in entries
    assert all(len(entry.spec.surfaces) == 1 for key, entry in entries.items() if key != GONE)


def test_each_row_has_its_part(config: Path) -> None:
    entries, *_ = load(config)
    api, codex = entries[LUNA], entries[f"{LUNA}@codex"]
    scopes = [{pin.scope for pin in row.pins if pin.field == "listed"} for row in (api, codex)]
    assert scopes == [{"openai"}, {"codex"}]
    prices = [{pin for pin in row.pins if pin.field.startswith("price.")} for row in (api, codex)]
    assert prices[0] == prices[1] != set()
    for row in (api, codex):
        assert {pin.key: pin.value for pin in row.pins if pin.scope == "config"} == row.spec.config_pins
        assert (row.checks["evals"].state, row.checks["evals"].by) == (CheckState.VERIFIED, "Ada L.")
    lost, stood = entries[f"{SOL}@codex"], entries[SOL]
    assert list(lost.deviations) == [f"codex/{SOL}/listed"]
    assert (stood.status, dict(stood.deviations)) == (Status.PAUSED, {})
    assert lost.pause == stood.pause


def test_what_befell_the_whole_entry_is_the_history_of_every_row(config: Path) -> None:
    load(config)
    with open_monitor(config, create=False) as monitor:
        monitor.declare()
    for surface in ("openai", "codex"):
        said = CliRunner().invoke(cli, ["--config", str(config), "why", PAUSED, "--surface", surface])
        assert "Bob K." in said.stdout, said.output
    rows = json.loads(CliRunner().invoke(cli, ["--config", str(config), "status", "--json"]).stdout)
    assert {row["key"] for row in rows} == {LUNA, SOL, LATE, PAUSED, ENDED, GONE}
    (luna,) = (row for row in rows if row["key"] == LUNA)
    assert luna["surfaces"].keys() == {"openai", "codex"}


def test_loading_it_once_more_writes_nothing(config: Path) -> None:
    load(config)
    _, written, *_ = load(config)
    assert written == []


def test_a_surface_that_leaves_with_the_same_load_leaves_the_other_alone(config: Path) -> None:
    text = config.read_text().replace(f'{{openai = "{LUNA}", codex = "{LUNA}"}}', f'{{openai = "{LUNA}"}}')
    config.write_text(text)
    entries, *_, after = load(config)
    assert entries[LUNA].status is Status.ACTIVE
    assert f"{LUNA}@codex" not in entries
    assert after[LUNA]
