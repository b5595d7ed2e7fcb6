"""The commands on a real database, fed by the sandbox: poll, read, act, tell."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest
from cli_world import BY, LUNA, MINI, activate, am, data

from monitor.app.bootstrap import open_monitor
from monitor.cli import acts, plot
from monitor.cli.extract import read
from monitor.cli.poll import code
from monitor.core.ports import MonitorError
from monitor.core.price import TIERS, Meter, telling_order
from monitor.sandbox import Fault, FaultKind, Sandbox, Target

REPRICED = date(2026, 7, 30)


def test_polling_says_per_source_what_was_found(config: Path) -> None:
    assert [(row["source"], row["verdict"]) for row in data("poll")] == [
        ("openai-models", "baseline"),
        ("openai-pricing", "baseline"),
    ]
    again = am("poll", "openai-models")
    assert again.stdout.splitlines()[1].split() == ["openai-models", "nothing", "new"]


def test_a_source_that_is_not_configured_is_refused_with_those_that_are(config: Path) -> None:
    assert "openai-models" in am("poll", "openai-modells", expect=1).stderr


def test_a_believed_change_ends_with_10_where_that_was_asked_for(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    sandbox.advance()
    assert am("poll", "--exit-code").exit_code == 0  # suspected, not confirmed
    assert "confirmed" in am("poll", "--exit-code", expect=10).stdout
    am("poll", "--exit-code")


def test_many_changes_do_not_hide_what_they_did_to_an_entry(config: Path, sandbox: Sandbox) -> None:
    activate(sandbox)
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll")
    shown = am("poll")
    assert "entry.paused" in shown.stdout
    assert shown.stdout.count("price.changed") == 20
    assert "more: `access-monitor events --after" in shown.stderr


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(FaultKind.STATUS, 1), (FaultKind.HTML, 1), (FaultKind.NULL_DATA, 1), (FaultKind.EMPTY_LIST, 0)],
)
def test_a_source_that_could_not_be_read_ends_with_1(
    config: Path, sandbox: Sandbox, kind: FaultKind, expected: int
) -> None:
    am("poll")
    sandbox.fault(Fault(target=Target.LIST, kind=kind))
    am("poll", "--exit-code", expect=expected)


def test_a_missing_secret_ends_with_78_and_a_refused_one_with_1(config: Path) -> None:
    key = next(config.parent.glob("*key*"))
    key.write_text("sk-another\n")
    assert "unauthorized" in am("poll", "openai-models", expect=1).stdout
    key.unlink()
    assert "no_credential" in am("poll", "openai-models", expect=78).stdout


def test_a_provider_out_of_reach_ends_with_75(config: Path, sandbox: Sandbox) -> None:
    sandbox.stop()
    am("poll", expect=75)


@pytest.mark.parametrize(
    ("reasons", "confirmed", "expected"),
    [
        (set(), False, 0),
        (set(), True, 10),
        ({"unreachable"}, True, 75),
        ({"unreachable", "no_credential"}, False, 78),
        ({"unreachable", "server_error"}, True, 1),
        ({"no_credential", "not_json"}, False, 1),
    ],
)
def test_the_exit_code_of_poll_says_what_helps(reasons: set[str], confirmed: bool, expected: int) -> None:
    assert code(reasons, confirmed=confirmed) == expected


def test_status_prints_the_documented_fields(config: Path) -> None:
    am("db", "upgrade")
    assert data("status") == []
    assert "poll" in am("status").stderr
    am("poll")
    rows = data("status")
    assert list(rows[0])[:12] == [
        "key",
        "name",
        "use",
        "surface",
        "model_id",
        "status",
        "since",
        "position",
        "verified_at",
        "owners",
        "fallback",
        "reason",
    ]
    by_key = {row["key"]: row for row in rows}
    assert by_key[MINI]["status"] == "evaluating"
    assert by_key[MINI]["owners"] == ["platform"]
    assert by_key[MINI]["verified_at"].endswith("Z")
    assert by_key[LUNA]["status"] == "waiting"
    assert by_key[LUNA]["verified_at"] is None
    (alone,) = data("status", MINI)
    assert alone | {"production": None} == by_key[MINI] | {"production": None}  # until when is a second later now
    assert by_key[LUNA]["reason"] in am("status").stdout


def test_status_as_of_a_time_is_what_was_recorded_then(config: Path) -> None:
    am("poll")
    activated = am("activate", MINI, *BY)
    assert activated.stdout.split()[1:3] == ["entry.activated", MINI]
    before = json.loads(am("events", "--type", "entry.visible", "--json").stdout)
    rows = {row["key"]: row["status"] for row in data("status", "--at", before["recorded_at"])}
    assert rows[MINI] == "evaluating"
    assert {row["key"]: row["status"] for row in data("status", "--at", "now")}[MINI] == "active"
    assert data("status", "--at", "2020-01-01") == []
    assert "2020-01-01 00:00:00Z" in am("status", MINI, "--at", "2020-01-01", expect=1).stderr


def test_an_entry_that_does_not_exist_is_refused_with_those_that_do(config: Path) -> None:
    am("poll")
    for command in (["status"], ["why"], ["checklist"]):
        assert MINI in am(*command, "gpt-5.4-mimi", expect=1).stderr
    assert "did you mean 'gpt-5.4-mini'" in am("pause", "gpt-5.4-mimi", *BY, expect=1).stderr


def test_acts_say_who_why_and_from_where(config: Path) -> None:
    am("poll")
    am("activate", MINI, *BY)
    event = json.loads(am("events", "--type", "entry.activated", "--json").stdout)
    assert event["actor"] == event["data"]["by"] == "Ada L."
    assert event["data"]["reason"] == "evals passed"
    assert event["data"]["via"] == acts.via()
    assert acts.via()["user"] == pwd.getpwuid(os.getuid()).pw_name


def test_the_user_is_asked_of_the_kernel_and_not_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert acts.via()["user"] == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    "args",
    [("pause", MINI, "--by", "Ada"), ("pause", MINI, "--reason", "x"), ("pause", MINI, "--by", " ", "--reason", "x")],
)
def test_an_act_without_a_name_or_a_reason_is_wrong_usage(config: Path, args: tuple[str, ...]) -> None:
    am(*args, expect=2)


def test_an_entry_is_paused_resumed_and_retired(config: Path) -> None:
    am("poll")
    am("activate", MINI, *BY)
    am("pause", MINI, "--by", "Ada L.", "--reason", "answers degraded")
    assert "answers degraded" in am("why", MINI).stdout
    assert f"resume {MINI} --by" in am("why", MINI).stderr
    assert "it is paused" in am("pause", MINI, *BY, expect=1).stderr
    position = data("status", MINI)[0]["position"]
    assert f"--expect {position}" in am("resume", MINI, *BY, "--expect", "1", expect=1).stderr
    am("resume", MINI, *BY, "--expect", str(position))
    am("retire", MINI, *BY)
    assert data("status", MINI)[0]["status"] == "retired"


def test_what_one_cause_paused_is_resumed_together(config: Path) -> None:
    am("poll")
    am("activate", MINI, *BY)
    paused = am("pause", MINI, *BY).stdout.split()[0]
    am("resume", "--cause", "1", *BY, expect=1)
    am("resume", MINI, "--cause", paused, *BY, expect=2)
    am("resume", *BY, expect=2)
    assert "entry.resumed" in am("resume", "--cause", paused, *BY).stdout
    assert data("status", MINI)[0]["status"] == "active"


def test_activation_is_refused_with_everything_that_is_missing_and_changes_nothing(config: Path) -> None:
    am("poll")
    head = len(am("events", "--json").stdout.splitlines())
    assert "it waits for gpt-5.6-luna to be listed" in am("activate", LUNA, *BY, expect=1).stderr
    assert len(am("events", "--json").stdout.splitlines()) == head


def test_a_release_of_what_is_not_held_is_refused(config: Path) -> None:
    am("poll")
    am("release", "1", *BY, expect=1)


def test_the_checklist_shows_blanks_as_blanks_and_who_verified_the_rest(config: Path, tmp_path: Path) -> None:
    am("poll")
    rows = {row["check"]: row for row in data("checklist", MINI)}
    assert rows["evals"] == {
        **dict.fromkeys(["verified_at", "until", "by", "url", "note", "evidence", "position", "comparison"]),
        "check": "evals",
        "about": rows["evals"]["about"],
        "required": False,
        "asked": False,
        "waived": False,
        "required_in": [],
        "required_for": [],
        "state": "blank",
    }
    assert rows["pricing"]["state"] == "verified"
    report = tmp_path / "report.txt"
    report.write_text("passed, with sk-abcdefghijklmnopqrstuvwx\n")
    url = "https://ci.example.com/812"
    am("verify", MINI, "rate_limits", "--by", "Ada L.", "--url", url, "--note", "all passed", "--from", str(report))
    row = {row["check"]: row for row in data("checklist", MINI)}["rate_limits"]
    assert (row["state"], row["by"], row["url"], row["note"]) == ("verified", "Ada L.", url, "all passed")
    assert row["until"] > row["verified_at"]
    assert am("evidence", row["evidence"]).stdout == "passed, with [redacted]\n"


def test_a_check_that_does_not_exist_is_refused_with_those_that_do(config: Path) -> None:
    am("poll")
    said = am("verify", MINI, "eval", "--by", "Ada", "--note", "x", expect=1).stderr
    assert "did you mean 'evals'" in said
    assert "safety_review" in said


def test_why_leads_from_the_status_to_the_evidence(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    for _ in range(2):
        sandbox.advance()
        am("poll")
        am("poll")
    said = am("why", LUNA).stdout.splitlines()
    assert said[0].startswith(f"{LUNA} is evaluating since ")
    assert "entry.visible" in said[1]
    assert "because" in said[2]
    assert any("model.listed" in line and "[at openai-models evidence " in line for line in said)
    assert said[-1].strip() == "access reached; reached: list (2 polls)"
    hash = said[-2].rpartition("evidence ")[2].rstrip("]")
    assert LUNA in am("evidence", hash).stdout
    chain = data("why", LUNA)["chain"]
    assert [step["depth"] for step in chain] == sorted(step["depth"] for step in chain)


def test_evidence_is_the_bytes_received(config: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    am("poll")
    baseline = json.loads(am("events", "--type", "source.baseline*", "--source", "openai-models", "--json").stdout)
    result = am("evidence", baseline["evidence"])
    assert json.loads(result.stdout_bytes)["object"] == "list"
    out = tmp_path / "list.json"
    assert "bytes to" in am("evidence", baseline["evidence"][:15], "--out", str(out)).stderr
    assert out.read_bytes() == result.stdout_bytes


def test_two_bodies_are_compared_line_by_line_also_where_they_are_one_line(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    for _ in range(2):
        sandbox.advance()
        am("poll")
        am("poll")
    events = [json.loads(line) for line in am("events", "--source", "openai-models", "--json").stdout.splitlines()]
    old, new = events[0]["evidence"], next(one["evidence"] for one in events if one["type"] == "model.listed")
    added = [line for line in am("evidence", old, "--diff", new).stdout.splitlines() if line.startswith("+")]
    assert f'+   "id": "{LUNA}",' in added
    assert len(added) < 40
    assert am("evidence", old, "--diff", old).stdout == ""


def test_evidence_that_is_not_there_is_refused(config: Path) -> None:
    am("db", "upgrade")
    am("evidence", "0" * 64, expect=1)
    am("evidence", "latest", expect=2)
    am("evidence", "3f9a", expect=2)


def test_prices_are_shown_by_tier_band_and_meter_with_source_and_date(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    rows = data("prices", MINI)
    first = rows[0]
    assert (first["provider"], first["model"], first["tier"], first["context"], first["meter"]) == (
        "openai",
        MINI,
        "standard",
        "short",
        "input",
    )
    assert first["source"] == "openai-pricing"
    assert first["verified_at"].endswith("Z")
    assert am("prices", MINI).stdout.splitlines()[1].split()[:5] == [
        f"openai/{MINI}",
        "standard",
        "short",
        "text",
        "input",
    ]
    history = am("prices", MINI, "--history").stdout.splitlines()
    assert "source.baseline_recorded" in history[1]
    assert {row["type"] for row in data("prices", MINI, "--history")} == {"source.baseline_recorded"}
    am("prices", "no-such-model", expect=1)


def test_the_history_and_the_plot_show_each_move(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    sandbox.advance()
    am("poll")
    am("poll")  # Luna's first price is confirmed
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll")
    am("poll")
    assert "standard input: 1.00 → 0.20 USD per 1M tokens (−80 %)" in am("prices", LUNA, "--history").stdout
    line = next(line for line in am("prices", LUNA, "--plot").stdout.splitlines() if line.startswith("standard input "))
    assert "█" in line
    assert line.endswith("1.00 → 0.20")
    moves = data("prices", LUNA, "--history")
    assert {move["type"] for move in moves} == {"price.listed", "price.changed"}


def test_prices_are_read_standard_first_and_input_before_output() -> None:
    meters = [
        Meter("standard", "long", "text", "input"),
        Meter("batch", "short", "text", "input"),
        Meter("ultrafast", "short", "text", "input"),
        Meter("standard", "short", "text", "output"),
        Meter("standard", "short", "audio", "input"),
        Meter("standard", "short", "text", "input"),
    ]
    assert sorted(meters, key=lambda meter: telling_order(meter.field, TIERS)) == [
        meters[i] for i in (5, 3, 4, 0, 1, 2)
    ]


def test_a_delivery_is_shown_tested_and_sent_again(config: Path, sandbox: Sandbox) -> None:
    am("poll")
    waiting = data("outbox")
    assert [(row["state"], row["destination"], row["about"]) for row in waiting] == [
        ("waiting", "platform#1", f"visible {MINI}")
    ]
    assert am("notify", "test", "platform").stdout.splitlines()[1].split() == ["platform#1", "sent"]
    assert [message.text.split()[0] for message in sandbox.messages] == ["TEST"], "what waits does not go with it"
    waits, sent = data("outbox", "--all")
    assert (waits, sent["state"]) == (waiting[0], "sent")
    am("outbox", "redeliver", str(sent["id"]), expect=1)
    am("outbox", "redeliver", expect=2)
    am("outbox", "redeliver", "1", "--dead", expect=2)
    assert "No delivery is dead" in am("outbox", "redeliver", "--dead").stderr


def test_a_destination_that_is_gone_ends_the_test_with_1_and_is_dead(config: Path, sandbox: Sandbox) -> None:
    am("db", "upgrade")
    sandbox.fault(Fault(target=Target.WEBHOOK, kind=FaultKind.STATUS, status=404))
    assert data("notify", "test", "platform", expect=1)[0]["state"] == "dead"
    assert "--dead" in am("outbox").stderr
    sandbox.clear()
    assert "1 delivery due again" in am("outbox", "redeliver", "--dead").stderr
    assert data("outbox")[0]["state"] == "waiting"


def test_an_owner_that_is_not_configured_is_refused(config: Path) -> None:
    am("db", "upgrade")
    assert "platform" in am("notify", "test", "platforms", expect=1).stderr


def test_every_problem_of_a_configuration_is_said_and_the_end_is_78(config: Path) -> None:
    assert "is in order: 1 surface, 2 sources, 1 owner, 4 entries." in am("config", "check").stdout
    config.write_text(config.read_text().replace('every = "300ms"', 'every = "often"'))
    lines = am("config", "check", expect=78).stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("Error: ") for line in lines)
    am("status", expect=78)


def test_the_configuration_is_shown_without_secrets(config: Path, sandbox: Sandbox) -> None:
    rows = {row["key"]: row for row in data("config", "show")}
    assert rows["source[0].every"]["origin"] == str(config)
    assert sandbox.webhook_url not in am("config", "show").stdout
    assert json.loads(am("config", "schema").stdout)["$schema"].startswith("https://json-schema.org/")


def registry(*words: str) -> dict[str, dict[str, object]]:
    """Return what `status` says of each entry, less how long the answer holds, which counts from the question."""
    rows = {row["key"]: row for row in data(*(words or ("status",)))}
    for row in rows.values():
        del row["production"]["until"]
    return rows


def test_a_database_is_made_upgraded_copied_and_read(config: Path, tmp_path: Path) -> None:
    database = tmp_path / "other.db"
    assert "from nothing to revision" in am("db", "upgrade", "--database", str(database)).stdout
    assert "already" in am("db", "upgrade", "--database", f"sqlite:///{database}").stdout
    am("poll")
    copy = tmp_path / "copy.db"
    am("db", "backup", str(copy))
    am("db", "backup", str(copy), expect=1)
    assert registry("status", "--database", str(copy)) == registry()


def test_a_backup_of_an_older_schema_is_taken_before_it_is_upgraded(config: Path, tmp_path: Path) -> None:
    am("db", "upgrade")
    database = next(config.parent.glob("*.db"))
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE alembic_version")
    copy = tmp_path / "copy.db"
    am("db", "backup", str(copy))
    with sqlite3.connect(copy) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "alembic_version" not in names


def test_the_registry_is_made_anew_from_the_log(config: Path) -> None:
    am("poll")
    rows = registry()
    assert "nothing had differed" in am("db", "rebuild").stdout
    database = next(config.parent.glob("*.db"))
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM entries WHERE key = ?", (MINI,))
    assert registry().keys() == rows.keys() - {MINI}
    assert f"{MINI} had differed" in am("db", "rebuild").stdout
    assert registry() == rows


def test_the_gate_answers_from_the_help_listing_as_from_the_entry_point(config: Path) -> None:
    am("poll")
    assert "denied" in am("gate", MINI, expect=1).stdout
    am("activate", MINI, *BY)
    assert am("gate", MINI).stdout.startswith(f"allowed: {MINI}")
    assert data("gate", MINI, "--env", "staging")["allowed"] is True
    am("--config", str(config), "gate", "nobody", expect=75)
    am("gate", expect=2)


def test_what_an_extractor_reads_is_printed_in_the_documented_shape(tmp_path: Path, sandbox: Sandbox) -> None:
    import httpx2

    page = tmp_path / "pricing.md"
    page.write_bytes(httpx2.get(sandbox.pricing_url).content)
    shown = data("prices", "extract", str(page))
    assert (shown["format"], shown["extractor"].partition("/")[0]) == ("pricing_page", "pricing_page")
    documented = ["provider", "model", "tier", "context", "modality", "meter", "unit", "currency", "amount"]
    assert list(shown["rows"][0])[:9] == documented
    assert all(isinstance(row["amount"], str) for row in shown["rows"])
    assert any(row["model"] == MINI for row in shown["rows"])
    assert data("prices", "extract", str(page), "--as", "pricing_page") == shown
    table = am("prices", "extract", str(page)).stdout.splitlines()
    assert len(table) == len(shown["rows"]) + 1


def test_what_is_unreadable_is_said_with_its_reason_and_ends_with_1(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<html><title>Just a moment...</title>{'<p></p>' * 20}</html>")
    assert "name them with --provider" in am("prices", "extract", str(page), expect=1).stderr
    result = am("prices", "extract", str(page), "--provider", "openai", "--json", expect=1)
    shown = json.loads(result.stdout)
    assert shown["rows"] == []
    assert "challenge" in shown["refused"][0]["reason"]
    assert result.stderr.startswith(f"Error: {page} is unreadable as pricing_page: ")
    am("prices", "extract", str(page), "--as", "llm_prices", expect=1)
    assert "known are pricing_page" in am("prices", "extract", str(page), "--as", "mine", expect=2).stderr
    am("prices", "extract", str(tmp_path / "missing.md"), expect=2)


def test_the_format_of_a_feed_is_told_from_its_content() -> None:
    feed = {"prices": [{"id": "m", "vendor": "v", "name": "M", "input": 1, "output": 2.5, "input_cached": None}]}
    reading = read(json.dumps(feed).encode(), "", "openai")
    assert (reading.format, [str(row.amount) for row in reading.rows]) == ("llm_prices", ["1", "2.5"])
    assert read(b'{"something": "else"}', "", "openai").unreadable


def test_the_database_of_another_machine_is_read_with_the_option(config: Path, tmp_path: Path) -> None:
    am("poll")
    copy = tmp_path / "copy.db"
    shutil.copy(next(config.parent.glob("*.db")), copy)
    for extra in ("-wal", "-shm"):
        source = Path(f"{next(config.parent.glob('*.db'))}{extra}")
        if source.exists():
            shutil.copy(source, f"{copy}{extra}")
    assert registry("--database", str(copy), "status") == registry()


def test_a_plot_is_as_high_as_the_amount_and_blank_where_there_is_none() -> None:
    from datetime import UTC, datetime, timedelta
    from decimal import Decimal

    begin = datetime(2026, 1, 1, tzinfo=UTC)
    day = timedelta(days=1)
    steps = [
        plot.PlotStep(begin + day, Decimal(1)),
        plot.PlotStep(begin + 3 * day, Decimal("0.5")),
        plot.PlotStep(begin + 5 * day, None),
    ]
    assert plot.line(steps, begin, begin + 6 * day, 6) == "██▅▅  "
    assert plot.line([plot.PlotStep(begin, Decimal(0))], begin, begin + day, 2) == "▁▁"


def test_a_lease_file_that_a_lost_log_left_behind_is_replaced_by_the_next_act_and_said(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []

    def line(message: str, *, files: str = "", **_: object) -> None:
        if files:
            said.append((message, files))

    monkeypatch.setattr("monitor.app.bootstrap.logs.line", line)
    am("poll")
    assert said == []
    lease = next(tmp_path.rglob("production.json"))
    document = json.loads(lease.read_text())
    document["metadata"]["version"] = "9000"
    lease.write_text(json.dumps(document))
    am("activate", MINI, *BY)
    assert len(said) == 1
    assert "the log was set back" in said[0][0]
    assert str(lease) in said[0][1]
    after = json.loads(lease.read_text())
    assert int(after["metadata"]["version"]) < 9000
    assert after["metadata"]["epoch"] == document["metadata"]["epoch"] + 1
    assert after["flags"][MINI]["metadata"]["status"] == "active"


def test_a_message_that_overtakes_the_lease_file_of_its_commit_writes_it_or_says_until_when_it_allows(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    am("poll")
    am("activate", MINI, *BY)
    lease = next(tmp_path.rglob("production.json"))
    allowing = lease.read_text()
    am("pause", MINI, *BY)
    lease.write_text(allowing)
    with open_monitor(config, create=False) as monitor:
        assert monitor.lease_files.still_allowed(MINI) is None
        assert json.loads(lease.read_text())["flags"][MINI]["metadata"]["status"] == "paused"

        def unwritable() -> NoReturn:
            raise MonitorError("The lease file could not be written.")

        lease.write_text(allowing)
        monkeypatch.setattr(monitor.lease_files, "_write", unwritable)
        until = json.loads(allowing)["metadata"]["lease_until"]
        assert monitor.lease_files.still_allowed(MINI) == datetime.fromisoformat(until)


def results_of(*models: str) -> str:
    rows = [
        {
            "provider": {"id": f"openai:responses:{model}"},
            "success": True,
            "score": 1,
            "failureReason": 0,
            "note": "sk-" + "a" * 20,
        }
        for model in models
    ]
    return json.dumps({"results": {"version": 3, "results": rows, "stats": {}}})


def test_results_of_evals_are_read_shown_beside_the_baseline_and_kept(config: Path, tmp_path: Path) -> None:
    am("poll")
    file = tmp_path / "output.json"
    file.write_text(results_of(MINI, MINI, "gpt-4o"))
    words = ("verify", MINI, "evals", "--by", "Ada L.", "--from", str(file))
    said = am(*words, "--baseline", "gpt-4.1")
    table = [line.split() for line in said.stdout.splitlines()[1:]]
    assert table[0] == ["SUITE", "METRIC", MINI, "gpt-4.1", "SAMPLES"]
    assert table[1] == ["all", "pass", "rate", "1", "2", "/", "–"]
    assert "An empty cell is one where nothing ran" in said.stderr
    assert "Ignored, being of neither model: openai:responses:gpt-4o (1 result)" in said.stderr
    event = data(*words)
    assert event["data"]["evals"]["baseline"] is None
    assert "sk-aaa" not in am("evidence", event["evidence"]).stdout


def test_a_file_of_evals_that_no_runner_wrote_is_refused_with_the_runners(config: Path, tmp_path: Path) -> None:
    am("poll")
    file = tmp_path / "passed.txt"
    file.write_text("all passed")
    said = am("verify", MINI, "evals", "--by", "Ada L.", "--from", str(file), expect=1).stderr
    assert "passed.txt cannot be read as results of evals" in said
    assert "inspect-ai" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("more", [("--baseline", "x"), ("--called", "x"), ("--from", __file__)])
def test_what_only_evals_take_is_wrong_usage_elsewhere(config: Path, more: tuple[str, str]) -> None:
    am("verify", MINI, "rate_limits", "--by", "Ada L.", "--from", __file__, *more, expect=2)


def test_a_sample_of_the_request_log_is_held_against_the_registry(config: Path, tmp_path: Path) -> None:
    am("poll")
    prices = {
        row["meter"]: row["amount"]
        for row in data("prices", MINI)
        if row["tier"] == "standard" and row["context"] == "short"
    }
    file = tmp_path / "requests.jsonl"

    def written(cost: Decimal) -> None:
        usage = {"input_tokens": 10**6, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0}
        rows = [
            {
                "timestamp": f"2026-07-30T{hour}:00:00Z",
                "model": MINI,
                "latency_ms": 9,
                "usage": usage,
                "cost_usd": float(cost),
                "error": None,
                "retries": 0,
                "prompt": "p",
            }
            for hour in (10, 11)
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    words = ("verify", MINI, "logging", "--by", "Ada L.", "--from", str(file))
    written(Decimal(prices["input"]) * 2)
    assert "differs from the accepted price" in am(*words, expect=1).stderr
    written(Decimal(prices["input"]))
    said = am(*words).stdout
    assert "2 requests from 2026-07-30T10:00:00Z to 2026-07-30T11:00:00Z: 0 errors" in said
    assert "Observed usage, scaled to a month: input 1,440,000,000 tokens." in said
    row = {row["check"]: row for row in data("checklist", MINI)}["logging"]
    assert (row["state"], "prompt" in am("evidence", row["evidence"]).stdout) == ("verified", False)
    cost = next(row for row in data("prices", MINI, "--usage", "registry") if row["tier"] == "standard")
    assert (cost["known"], cost["usage"]) == ("observed", {"input": 1_440_000_000})
    assert Decimal(cost["cost"]) == Decimal(prices["input"]) * 1440
    assert (
        "For a month of the observed usage, input 1,440,000,000 tokens"
        in am("prices", MINI, "--usage", "registry").stderr
    )


def test_a_usage_that_nobody_knows_is_not_made_up(config: Path) -> None:
    am("poll")
    assert f"verify {MINI} logging" in am("prices", MINI, "--usage", "registry", expect=1).stderr
    assert "is none; write it out" in am("prices", f"openai/{MINI}", "--usage", "registry", expect=1).stderr


def test_the_names_of_the_fields_are_configured(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    am("poll")
    file = tmp_path / "requests.jsonl"
    file.write_text(json.dumps({"timestamp": "2026-07-30T10:00:00Z", "served_by": MINI}) + "\n")
    words = ("verify", MINI, "logging", "--by", "Ada L.", "--from", str(file))
    assert "model is missing" in am(*words, expect=1).stderr
    monkeypatch.setenv("ACCESS_MONITOR__LOGGING__MODEL", "served_by")
    said = am(*words, expect=1).stderr
    assert "model is missing" not in said
    assert "usage.input_tokens is missing" in said


def test_the_report_of_an_entry_is_markdown_or_one_html_file(config: Path) -> None:
    am("poll")
    plain = am("report", MINI).stdout
    assert plain.startswith("# GPT-5.4 mini: rollout report\n")
    assert "| model_id | yes | verified |" in plain
    whole = am("report", MINI, "--format", "html").stdout
    assert whole.startswith("<!doctype html>")
    assert whole.endswith("</html>\n")
    assert "no entry" in am("report", "gpt-9", expect=1).stderr
    am("report", MINI, "--format", "pdf", expect=2)
