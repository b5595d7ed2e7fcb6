"""`audit` and `db check` as they are typed, on a database that the sandbox fed."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from cli_world import BY, LUNA, activate, am, data

from monitor.app.bootstrap import open_monitor
from monitor.core.leaves import LeafKind
from monitor.core.ports import SEALING, MonitorError
from monitor.gate.lease_file import lease_answers
from monitor.sandbox import Sandbox


@pytest.fixture
def polled(config: Path, sandbox: Sandbox) -> Path:
    """Provide the folder of a monitor that has polled, activated an entry and seen its prices drop."""
    activate(sandbox)
    return config.parent


def edited(folder: Path, sql: str) -> Path:
    """Copy the database and change the copy as somebody does who may write the file."""
    copy = folder / "copy.db"
    am("db", "backup", str(copy))
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(sql)
    return copy


def test_a_log_is_signed_verified_and_proved_by_commands_alone(polled: Path) -> None:
    checkpoint, key, proof = polled / "kept.checkpoint", polled / "kept.key", polled / "1.tlog-proof"
    checkpoint.write_text(am("audit", "checkpoint").stdout, encoding="utf-8")
    key.write_text(am("audit", "key").stdout)
    answer = data("audit", "verify", "--checkpoint", str(checkpoint), "--key", str(key))
    events = len(am("events", "--format", "jsonl", "--limit", "100000").stdout.splitlines())
    assert (answer["fits"], answer["events"], answer["covered"]) == (True, events, answer["leaves"])
    assert "verifies" in am("audit", "verify", "--key", key.read_text().strip()).stdout
    am("audit", "proof", "1", "--out", str(proof))
    assert proof.read_text(encoding="utf-8") == am("audit", "proof", "1").stdout
    shown = am("audit", "verify", "--proof", str(proof), "--key", str(key))
    assert json.loads(shown.stdout)["position"] == 1
    first = am("events", "--format", "jsonl", "--limit", "100000").stdout.splitlines()[0]
    assert json.loads(shown.stdout) == json.loads(first)
    assert data("db", "check")["fits"]


def test_the_signing_key_is_made_once_for_its_owner_alone(polled: Path) -> None:
    key = polled / "var/audit.key"
    assert not key.exists()
    am("audit", "checkpoint")
    before = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    am("poll")
    am("audit", "checkpoint")
    assert key.read_text() == before
    assert before.strip() not in am("audit", "key").stdout


def test_a_person_who_is_renamed_is_found_and_the_forgery_is_adopted_by_nothing(polled: Path) -> None:
    """Write access, a rename, and a rebuild: the whole of what an insider would do."""
    (line,) = am("events", "--type", "entry.activated", "--format", "jsonl").stdout.splitlines()
    position = json.loads(line)["position"]
    am("audit", "checkpoint")
    copy = edited(polled, f"UPDATE events SET actor = 'somebody else' WHERE position = {position}")
    result = am("audit", "verify", "--database", str(copy), expect=1)
    assert f"position {position}: the event is not the one that was recorded" in result.stdout
    assert f"position {position} is the first" in result.stderr
    assert f"position {position}" in am("db", "check", "--database", str(copy), expect=1).stdout
    assert f"position {position}" in am("db", "rebuild", "--database", str(copy), expect=1).stderr
    assert "does not fit" in am("audit", "proof", str(position), "--database", str(copy), expect=1).stderr


def test_a_projection_that_is_not_what_the_log_says_is_found_and_made_anew(polled: Path) -> None:
    other = "content = replace(content, '\"active\"', '\"paused\"')"
    copy = edited(polled, f"UPDATE entries SET status = 'paused', {other} WHERE key = '{LUNA}'")
    result = am("db", "check", "--database", str(copy), expect=1)
    assert f"entry {LUNA}" in result.stdout
    assert "db rebuild" in result.stderr
    assert am("audit", "verify", "--database", str(copy)).exit_code == 0
    assert f"{LUNA} had differed" in am("db", "rebuild", "--database", str(copy)).stdout
    assert data("db", "check", "--database", str(copy))["differing"] == []


def test_a_watch_moves_its_file_on_and_leaves_it_where_something_is_wrong(polled: Path, sandbox: Sandbox) -> None:
    kept = polled / "kept.checkpoint"
    kept.write_text(am("audit", "checkpoint").stdout, encoding="utf-8")
    before = kept.read_text(encoding="utf-8")
    am("pause", LUNA, *BY)
    am("audit", "watch", str(kept))
    assert kept.read_text(encoding="utf-8") == before  # nothing newer was signed
    am("audit", "checkpoint")
    am("audit", "watch", str(kept))
    after = kept.read_text(encoding="utf-8")
    assert int(after.splitlines()[1]) > int(before.splitlines()[1])
    copy = edited(polled, "DELETE FROM events WHERE position = (SELECT max(position) FROM events)")
    am("audit", "watch", str(kept), "--database", str(copy), expect=1)
    assert kept.read_text(encoding="utf-8") == after


def test_what_is_no_checkpoint_key_or_proof_is_said_in_a_sentence(polled: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"\xff\xfe")
    text = tmp_path / "text"
    text.write_text("hello\n")
    for words in (
        ("audit", "verify", "--checkpoint", str(tmp_path / "missing")),
        ("audit", "verify", "--checkpoint", str(nonsense)),
        ("audit", "verify", "--checkpoint", str(text)),
        ("audit", "verify", "--key", str(nonsense)),
        ("audit", "verify", "--key", str(text)),
        ("audit", "verify", "--key", "missing"),
        ("audit", "verify", "--proof", str(nonsense), "--key", "a+b+c"),
        ("audit", "verify", "--proof", str(text)),
        ("audit", "watch", str(tmp_path / "missing")),
        ("audit", "watch", str(text)),
        ("audit", "proof", "100000"),
        ("audit", "proof", "1"),
    ):
        result = am(*words, expect=1)
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
    am("audit", "proof", "0", expect=2)
    am("audit", "verify", "--proof", str(text), "--checkpoint", str(text), expect=2)


def test_without_a_database_there_is_nothing_to_verify_and_nothing_is_made(config: Path, tmp_path: Path) -> None:
    for words in (("audit", "verify"), ("audit", "checkpoint"), ("audit", "proof", "1"), ("db", "check")):
        am(*words, expect=78)
    am("audit", "verify", "--database", str(tmp_path / "none.db"), expect=78)
    assert not (config.parent / "var/audit.key").exists()
    assert not list(tmp_path.rglob("*.db"))


def test_an_auditor_needs_no_configuration(polled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tmp_path / "kept"
    checkpoint.write_text(am("audit", "checkpoint").stdout, encoding="utf-8")
    am("db", "backup", str(tmp_path / "copy.db"))
    monkeypatch.setenv("ACCESS_MONITOR_CONFIG", str(tmp_path / "missing.toml"))
    am("audit", "verify", "--database", str(tmp_path / "copy.db"), "--checkpoint", str(checkpoint))
    am("audit", "proof", "1", "--database", str(tmp_path / "copy.db"))
    am("db", "check", "--database", str(tmp_path / "copy.db"))


def test_a_lease_document_is_kept_when_it_answers_something_new(polled: Path) -> None:
    def kept() -> list[bytes]:
        with open_monitor() as monitor:
            with monitor.store.read() as reader:
                last = reader.tree.last_lease("production")
                assert last is not None
                count = sum(1 for _ in reader.tree.references(LeafKind.LEASE))
            monitor.publish()
            with monitor.store.read() as reader:
                assert sum(1 for _ in reader.tree.references(LeafKind.LEASE)) == count  # a renewal is none
            return [last.content, str(count).encode()]

    active, before = kept()
    am("pause", LUNA, *BY)
    paused, after = kept()
    assert int(after) > int(before)
    assert lease_answers(active) != lease_answers(paused)
    assert json.loads(paused)["flags"][LUNA]["defaultVariant"] == "paused"
    assert data("audit", "verify")["fits"]


def test_a_log_that_was_changed_is_a_trouble_of_the_daemon_until_it_fits_again(polled: Path) -> None:
    database = next(polled.rglob("*.db"))
    whole = polled / "whole.db"
    am("audit", "checkpoint")
    am("db", "backup", str(whole))
    copy = edited(polled, "UPDATE leaves SET hash = zeroblob(32) WHERE number = 3")
    shutil.copy(copy, database)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    with open_monitor() as monitor:
        with pytest.raises(MonitorError):
            monitor.seal()
        trouble = monitor.health.trouble(SEALING)
        assert trouble is not None
        assert "audit verify" in trouble.reason
    shutil.copy(whole, database)
    with open_monitor() as monitor:
        monitor.seal()
        assert monitor.health.trouble(SEALING) is None


def test_a_bundle_is_verified_with_openssl_and_sha256sum_alone(polled: Path, tmp_path: Path) -> None:
    """What its README tells a stranger to type, typed."""
    out = tmp_path / "luna.zip"
    assert "audit checkpoint" in am("audit", "export", LUNA, "--out", str(out), expect=1).stderr
    am("audit", "checkpoint")
    am("audit", "export", LUNA, "--out", str(out))
    am("audit", "export", LUNA, "--out", str(out), expect=1)
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(out) as bundle:
        bundle.extractall(folder)
    readme = (folder / "README.md").read_text()
    commands = re.findall(r"^    (.+)$", readme, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["openssl", "sha256sum"]
    for command in commands:
        if shutil.which(command.split()[0]) is None:
            pytest.skip(f"{command.split()[0]} is not installed: the bundle is not verified by it")
        result = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr + result.stdout
    (folder / "checkpoint/text").write_text("another text\n")
    assert subprocess.run(commands[0].split(), cwd=folder, capture_output=True, check=False).returncode != 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    exported = am("events", "--entry", LUNA, "--format", "jsonl", "--limit", "100000").stdout.splitlines()
    positions = {event["position"] for event in events}
    assert {json.loads(line)["position"] for line in exported} <= positions
    for event in events:
        assert {event["cause"], *event["data"].get("causes", ())} - {None} <= positions
        proof = folder / f"proofs/{event['position']}.tlog-proof"
        key = folder / "checkpoint/key.txt"
        assert json.loads(am("audit", "verify", "--proof", str(proof), "--key", str(key)).stdout) == event
        if event["evidence"]:
            assert (folder / "evidence" / event["evidence"].removeprefix("sha256:")).exists()
    page = (folder / "index.html").read_text()
    assert LUNA in page
    assert "<script" not in page


def test_a_bundle_holds_what_was_sent_and_no_secret(polled: Path, tmp_path: Path) -> None:
    am("pause", LUNA, *BY)
    with open_monitor() as monitor:
        while monitor.relay.tick():
            pass
    am("audit", "checkpoint")
    out = tmp_path / "all.zip"
    am("audit", "export", "--since", "2020-01-01", "--out", str(out))
    with zipfile.ZipFile(out) as bundle:
        assert bundle.testzip() is None
        content = {name: bundle.read(name) for name in bundle.namelist()}
    messages = [json.loads(line) for line in content["messages.jsonl"].splitlines()]
    assert messages
    assert all(message["body"] and message["destination"] for message in messages)
    secret = (polled / "var/audit.key").read_bytes().strip()
    keys = [path.read_bytes().strip() for path in polled.rglob("*key*") if path.is_file() and path.suffix != ".txt"]
    for name, found in content.items():
        assert secret not in found, name
        assert not any(len(key) > 8 and key in found for key in keys), name


def test_what_to_export_has_to_be_said_and_has_to_be_there(polled: Path, tmp_path: Path) -> None:
    am("audit", "checkpoint")
    am("audit", "export", "--out", str(tmp_path / "x.zip"), expect=2)
    am("audit", "export", LUNA, expect=2)
    am("audit", "export", "nobody", "--out", str(tmp_path / "x.zip"), expect=1)
    am("audit", "export", "--since", "in 4h", "--out", str(tmp_path / "x.zip"), expect=1)
    am("audit", "export", LUNA, "--out", str(tmp_path / "missing" / "x.zip"), expect=1)
    assert list(tmp_path.glob("x.zip")) == []


def test_events_go_into_a_parquet_file_whole(polled: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: no Parquet file is read here")
    out = tmp_path / "log.parquet"
    am("events", "--format", "parquet", "--out", str(out))
    am("events", "--format", "parquet", "--out", str(out), expect=1)
    rows = parquet.read_table(out).to_pylist()
    lines = [json.loads(line) for line in am("events", "--format", "jsonl", "--limit", "100000").stdout.splitlines()]
    assert [{**row, "data": json.loads(row["data"])} for row in rows] == [
        {
            **line,
            "occurred_at": datetime.fromisoformat(line["occurred_at"]),
            "recorded_at": datetime.fromisoformat(line["recorded_at"]),
        }
        for line in lines
    ]


def test_parquet_needs_a_file_and_the_library(polled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    am("events", "--format", "parquet", expect=2)
    am("events", "--out", str(tmp_path / "x"), expect=2)
    am("events", "--format", "parquet", "--out", str(tmp_path / "x"), "--follow", expect=2)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = am("events", "--format", "parquet", "--out", str(tmp_path / "x"), expect=78)
    assert "access-monitor[parquet]" in result.stderr
    assert not (tmp_path / "x").exists()
