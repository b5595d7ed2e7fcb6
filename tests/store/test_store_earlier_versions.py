"""Databases that versions 0.1.0 and 0.2.0 made: they are brought up to date, read, checked, and polled on under the
configuration of their time.

`databases/README.md` says how each was made.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.core import zstd
from monitor.sandbox import Sandbox

STORED = Path(__file__).parent / "databases"

STATUSES = {
    "gpt-4.1": "retired",
    "gpt-5": "paused",
    "gpt-5.4-mini": "withdrawn",
    "gpt-5.5": "evaluating",
    "gpt-5.6-luna": "active",
    "gpt-5.6-sol": "paused",
    "gpt-6": "waiting",
}
TERRA = {"0.1.0": "paused", "0.2.0": "active"}
"""Its prices dropped in a maintenance window, which 0.1.0 had none of."""


@dataclass(frozen=True)
class Old:
    """A database of an earlier version, unpacked, with the configuration of its time."""

    version: str
    folder: Path

    def run(self, *words: str, expect: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(self.folder / "monitor.toml"), *words])
        assert result.exit_code == expect, (words, result.exit_code, result.output, result.stderr)
        return result

    def data(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", expect=expect).stdout)

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.folder / "monitor.db") as database:
            return database.execute(query).fetchall()

    def copy(self, folder: Path) -> Old:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Old(self.version, folder)


def unpacked(version: str, folder: Path) -> Old:
    packed = (STORED / f"{version}.db.zst").read_bytes()
    (folder / "monitor.db").write_bytes(zstd.decompress(packed))
    shutil.copy(STORED / f"{version}.toml", folder / "monitor.toml")
    (folder / "api-key").write_text("sk-sandbox\n")
    return Old(version, folder)


@pytest.fixture(scope="module", params=["0.1.0", "0.2.0"])
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Old:
    """Provide the database after the upgrade; no test changes it."""
    old = unpacked(request.param, tmp_path_factory.mktemp("upgraded"))
    old.run("db", "upgrade")
    return old


def test_its_log_gets_a_tree_and_everything_in_it_verifies(upgraded: Old) -> None:
    (events,) = upgraded.rows("SELECT count(*) FROM events")[0]
    assert upgraded.rows("SELECT count(*) FROM leaves WHERE kind = 'event'") == [(events,)]
    assert upgraded.data("db", "check")["fits"]


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_a_command_that_reads_names_the_upgrade_and_changes_nothing(version: str, tmp_path: Path) -> None:
    old = unpacked(version, tmp_path)
    before = (tmp_path / "monitor.db").read_bytes()
    assert "access-monitor db upgrade" in old.run("status", expect=78).stderr
    assert (tmp_path / "monitor.db").read_bytes() == before


def test_the_registry_is_as_the_earlier_version_left_it(upgraded: Old) -> None:
    rows = {row["key"]: row for row in upgraded.data("status")}
    assert {key: row["status"] for key, row in rows.items()} == {**STATUSES, "gpt-5.6-terra": TERRA[upgraded.version]}
    assert rows["gpt-5"]["reason"] == "a regression in production (Bob K.)"
    assert rows["gpt-5.6-luna"]["owners"] == ["platform", "night"]
    assert rows["gpt-5.6-sol"]["reason"].startswith("standard.short.input: 5 → 4")


def test_every_event_is_read_and_nothing_was_added(upgraded: Old) -> None:
    lines = [json.loads(line) for line in upgraded.run("events", "--format", "jsonl").stdout.splitlines()]
    assert [line["position"] for line in lines] == [
        position for (position,) in upgraded.rows("SELECT position FROM events ORDER BY position")
    ]
    kinds = Counter(line["type"] for line in lines)
    assert kinds["entry.activated"] == 6
    assert kinds["entry.resumed"] == kinds["entry.retired"] == kinds["entry.withdrawn"] == 1
    assert kinds["check.attested"] == {"0.1.0": 2, "0.2.0": 1}[upgraded.version]
    assert kinds["notice.delivered"] >= 1
    assert kinds["price.changed"] > 50
    assert kinds["entry.window_opened"] == (upgraded.version != "0.1.0")


@pytest.mark.parametrize("entry", [*STATUSES, "gpt-5.6-terra"])
def test_why_explains_every_status(upgraded: Old, entry: str) -> None:
    assert entry in upgraded.run("why", entry).stdout


def test_why_names_who_paused_and_who_resumed(upgraded: Old) -> None:
    assert "Bob K." in upgraded.run("why", "gpt-5").stdout
    assert "Ada L." in upgraded.run("why", "gpt-5.6-luna").stdout


def test_an_attestation_keeps_who_gave_it_and_where_the_evidence_is(upgraded: Old) -> None:
    said = upgraded.run("checklist", "gpt-5.5").stdout
    assert "safety_review" in said
    assert "Bob K." in said


def test_the_bytes_that_were_received_are_there(upgraded: Old) -> None:
    hashes = {
        row[0] for row in upgraded.rows("SELECT evidence FROM events WHERE evidence <> '' AND evidence IS NOT NULL")
    }
    assert hashes
    for name in sorted(hashes):
        assert upgraded.run("evidence", str(name)).stdout_bytes


def test_the_projection_made_anew_from_the_log_is_the_same(upgraded: Old, tmp_path: Path) -> None:
    again = upgraded.copy(tmp_path / "again")
    before = again.data("status")
    assert "nothing had differed from it" in again.run("db", "rebuild").stdout

    def lasting(rows: Any) -> Any:
        return [{key: value for key, value in row.items() if key != "production"} for row in rows]

    assert lasting(again.data("status")) == lasting(before)


def test_what_was_sent_and_what_waits_is_read(upgraded: Old) -> None:
    deliveries = upgraded.data("outbox", "--all")
    states = Counter(row["state"] for row in deliveries)
    assert states["waiting"] >= 2
    assert states["sent"] >= 1
    assert any("gpt-5.6-luna" in str(row) for row in deliveries)
    upgraded.run("outbox")


def test_the_gate_denies_what_is_not_active(upgraded: Old) -> None:
    rows = {row["key"]: row for row in upgraded.data("status")}
    assert all(not row["production"]["allowed"] for key, row in rows.items() if row["status"] != "active")


def test_its_configuration_is_read_with_one_warning(upgraded: Old, caplog: pytest.LogCaptureFixture) -> None:
    upgraded.run("config", "show")
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "[belief] is now [confirmation]" in said


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as running:
        for _ in range(6):
            running.timeline.advance()
        yield running


def test_polls_go_on_and_are_recorded_after_what_was_there(upgraded: Old, provider: Sandbox, tmp_path: Path) -> None:
    """The provider stands at another address than then, which a person has to accept, since it is an assumption of the
    active entries.
    """
    old = upgraded.copy(tmp_path / "on")
    path = old.folder / "monitor.toml"
    text = path.read_text()
    then = text.split('base_url = "')[1].split("/v1")[0]
    path.write_text(text.replace(then, provider.url))
    (head,) = old.rows("SELECT max(position) FROM events")[0]
    old.run("config", "check", expect=10)
    old.run("config", "accept", "--by", "Ada L.", "--reason", "the sandbox moved")
    polled = {row["source"]: row["verdict"] for row in old.data("poll", "openai-models", "openai-pricing")}
    assert polled == {"openai-models": "unchanged", "openai-pricing": "unchanged"}
    kinds = {kind for (kind,) in old.rows(f"SELECT type FROM events WHERE position > {head}")}
    assert {"config.accepted", "config.changed"} <= kinds
    assert "nothing had differed from it" in old.run("db", "rebuild").stdout
    assert {row["key"]: row["status"] for row in old.data("status")}["gpt-5.6-luna"] == "paused"
