"""What is open, how sources stand, what was sent, what differs: the commands that a person reads first."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import BY, LUNA, MINI, am, data

from monitor.app import bootstrap, doctor
from monitor.app.bootstrap import open_monitor
from monitor.cli import cli
from monitor.cli.names import complete_checks, complete_event_types
from monitor.cli.status import keep_showing
from monitor.core.event_types import EVENT_TYPES
from monitor.sandbox import Fault, FaultKind, Sandbox, Target
from monitor.store import dialects

REPRICED = date(2026, 7, 30)


@pytest.fixture
def active(config: Path, sandbox: Sandbox) -> Path:
    """Provide a registry in which Luna and its fallback are active."""
    assert am("poll")
    for _ in range(2):
        sandbox.advance()
        am("poll")
        am("poll")
    am("activate", LUNA, *BY)
    am("activate", MINI, *BY)
    return config


@pytest.fixture
def paused(active: Path, sandbox: Sandbox) -> Path:
    """Provide the same after Luna became cheaper."""
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll")
    am("poll")
    return active


def kinds(*words: str) -> list[tuple[str, str]]:
    return [(row["kind"], row["subject"]) for row in data("alerts", *words)]


def test_nothing_is_open_where_everything_is_accepted(active: Path) -> None:
    assert kinds() == []
    assert "Nothing is open" in am("alerts").stderr
    assert ("not_activated", "gpt-5.6-sol") in kinds("--all")


def test_a_pause_is_open_and_says_who_has_it_and_what_comes_next(paused: Path) -> None:
    (alert,) = data("alerts")
    assert (alert["kind"], alert["subject"], alert["acknowledged"]) == ("paused", LUNA, None)
    assert alert["production"].startswith("denied: ")
    assert alert["command"] == f"access-monitor ack {LUNA} --by YOU"
    am("ack", LUNA, "--by", "Bob", "--note", "on it")
    (alert,) = data("alerts")
    assert alert["acknowledged"]["by"] == "Bob"
    assert alert["acknowledged"]["note"] == "on it"
    (row,) = data("status", LUNA)
    assert row["acknowledged"] == alert["acknowledged"]
    assert "Bob: on it" in am("status", LUNA).stdout
    assert "acknowledged by Bob: on it" in am("status").stdout
    assert alert["command"].startswith(f"access-monitor resume {LUNA} --by YOU --reason WHY --expect ")
    shown = am("alerts").stdout
    assert "Bob: on it" in shown
    assert alert["command"] in shown


def test_who_paused_an_entry_has_the_pause_until_somebody_takes_it_on(active: Path) -> None:
    am("pause", LUNA, *BY)
    (alert,) = data("alerts")
    assert alert["acknowledged"] == {"by": BY[1], "at": alert["since"], "note": ""}
    assert alert["command"].startswith(f"access-monitor resume {LUNA}")
    assert BY[1] in am("alerts").stdout
    assert f"{BY[1]}, since" in am("status", LUNA).stdout
    assert "acknowledged by" not in am("status").stdout
    am("ack", LUNA, "--by", "Bob")
    assert [row["acknowledged"]["by"] for row in data("alerts")] == ["Bob"]
    am("resume", LUNA, *BY)
    am("pause", LUNA, *BY)
    assert [row["acknowledged"]["by"] for row in data("alerts")] == [BY[1]]


def test_sources_that_are_down_windows_and_silences_are_open(active: Path, sandbox: Sandbox) -> None:
    am("maintenance", LUNA, "--until", "in 4h", "--change", "openai/*/price.*", *BY)
    am("silence", MINI, "--for", "8h", *BY)
    sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.STATUS))
    am("poll", "openai-models", expect=1)
    assert kinds() == [("source_down", "openai-models"), ("window", LUNA), ("silence", MINI)]
    window = next(row for row in data("alerts") if row["kind"] == "window")
    assert window["until"] > window["since"]
    am(*window["command"].removeprefix("access-monitor ").split())
    lift = next(row for row in data("alerts") if row["kind"] == "silence")["command"]
    am(*lift.removeprefix("access-monitor ").split())
    assert kinds() == [("source_down", "openai-models")]


def test_a_window_that_has_not_begun_is_shown_only_where_everything_is(active: Path) -> None:
    am("maintenance", LUNA, "--from", "in 2h", "--until", "in 4h", "--change", "openai/*/price.*", *BY)
    assert kinds() == []
    assert ("window", LUNA) in kinds("--all")


def test_a_change_that_is_held_is_open_until_it_is_settled(active: Path, sandbox: Sandbox) -> None:
    sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.EMPTY_LIST))
    am("poll", "openai-models")
    (alert,) = data("alerts")
    assert (alert["kind"], alert["subject"]) == ("held", "openai-models")
    assert alert["until"]
    (row,) = data("sources", "openai-models")
    assert row["state"] == "held"
    assert {change["what"] for change in row["held"]} == {"no longer listed"}


def test_a_source_says_its_state_its_freshness_and_its_last_error(active: Path, sandbox: Sandbox) -> None:
    assert [(row["key"], row["state"]) for row in data("sources")] == [
        ("openai-models", "ok"),
        ("openai-pricing", "ok"),
    ]
    sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.STATUS))
    am("poll", "openai-models", expect=1)
    row = next(row for row in data("sources") if row["key"] == "openai-models")
    assert row["state"] == "down"
    assert row["error"].startswith("server_error: ")
    assert row["good_at"] < row["polled_at"] < row["fresh_until"]
    sandbox.clear()
    am("poll", "openai-models")
    row = next(row for row in data("sources") if row["key"] == "openai-models")
    assert row["state"] == "ok"
    assert row["error"].startswith("server_error: ")


def test_a_source_lists_what_is_pending_and_what_of_its_evidence_is_refused(active: Path, sandbox: Sandbox) -> None:
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll", "openai-pricing")
    (row,) = data("sources", "openai-pricing")
    assert {"gpt-5.6-luna"} <= {change["subject"] for change in row["pending"]}
    assert row["refused"] == []
    assert "standard input: 1 → 0.2" in am("sources", "openai-pricing").stdout
    assert ("pending", "openai-pricing") in kinds("--all")
    assert ("pending", "openai-pricing") not in kinds()


def test_a_source_that_is_not_configured_is_refused_with_the_one_that_was_meant(active: Path) -> None:
    assert "did you mean 'openai-models'" in am("sources", "openai-modells", expect=1).stderr


def test_notices_can_be_read_as_they_were_sent(paused: Path) -> None:
    newest, *older = data("notices")
    assert newest["reason"] == "paused"
    assert newest["subjects"][0] == LUNA
    assert older
    shown = am("notices", newest["id"]).stdout
    assert newest["title"] in shown
    assert all(line in shown for line in newest["text"].splitlines())
    assert len(data("notices", "--limit", "1")) == 1
    assert "access-monitor notices" in am("notices", "17.nobody", expect=1).stderr


def test_silences_name_author_reason_and_end(active: Path) -> None:
    assert data("silences") == []
    am("silence", LUNA, "--for", "8h", "--by", "Ada L.", "--reason", "migration tonight")
    (row,) = data("silences")
    assert (row["entry"], row["by"], row["reason"]) == (LUNA, "Ada L.", "migration tonight")
    am("silence", LUNA, "--lift", *BY)
    assert data("silences") == []


def test_the_registry_between_two_times(active: Path, sandbox: Sandbox) -> None:
    before = data("events", "--newest", "--limit", "1")["recorded_at"]
    assert data("diff", before, "now") == []
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll")
    am("poll")
    differences = {(row["entry"], row["what"]): (row["old"], row["new"]) for row in data("diff", before, "now")}
    assert differences[LUNA, "status"] == ("active", "paused")
    assert {entry for entry, _ in differences} >= {LUNA}
    assert {row["entry"] for row in data("diff", before, "now", LUNA)} == {LUNA}
    assert "did you mean" in am("diff", before, "now", "gpt-5.6-lun", expect=1).stderr
    assert "earlier time first" in am("diff", "now", before, expect=2).stderr


def test_why_answers_for_the_past(paused: Path) -> None:
    event = next(row for row in rows() if row["type"] == "entry.activated" and row["subject"] == LUNA)
    then = data("why", LUNA, "--at", event["recorded_at"])
    assert (then["status"], then["production"]) == ("active", None)
    assert then["chain"][0]["position"] == event["position"]
    assert data("why", LUNA)["status"] == "paused"
    assert "there was no entry" in am("why", LUNA, "--at", "2020-01-01", expect=1).stderr


def rows() -> list[dict[str, object]]:
    return [json.loads(line) for line in am("events", "--json").stdout.splitlines()]


def test_an_active_entry_that_production_is_denied_says_so_in_its_status(
    active: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "utc_now", lambda: datetime.now(UTC) + timedelta(days=2))
    row = next(row for row in data("status") if row["key"] == LUNA)
    assert row["production"]["allowed"] is False
    assert row["status"] == "active"
    assert row["production"]["brief"] == "access expired"
    assert "active, DENIED: access expired" in am("status").stdout
    assert "active, DENIED: access expired" in am("status", LUNA).stdout
    assert [(row["kind"], row["subject"]) for row in data("alerts") if row["kind"] == "denied"]


def test_a_watched_status_is_shown_anew_when_something_is_recorded(active: Path) -> None:
    stop, shown = threading.Event(), []
    with open_monitor() as monitor:

        def show() -> None:
            with monitor.store.read() as reader:
                shown.append(reader.entries()[LUNA].status.value)
            if len(shown) == 1:
                am("pause", LUNA, *BY)
            if shown[-1] == "paused":
                stop.set()

        keep_showing(show, monitor.store, stop)
    assert shown[0] == "active"
    assert shown[-1] == "paused"


@pytest.mark.parametrize("word", ["--json", "--at"])
def test_watching_is_for_people_and_for_now(active: Path, word: str) -> None:
    am("status", "--watch", word, *(["now"] if word == "--at" else []), expect=2)


COMMANDS = (
    ("alerts", "--all"),
    ("sources",),
    ("sources", "openai-pricing"),
    ("notices",),
    ("status",),
    ("events", "--newest", "--limit", "30"),
    ("diff", "1d ago", "now"),
    ("outbox", "--all"),
    ("checklist", LUNA),
    ("coverage",),
    ("prices", LUNA),
)


def test_every_table_fits_80_columns_and_cuts_nothing(
    paused: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    am("ack", LUNA, "--by", "Ada L.", "--note", "looking at the invoice of this month, then asking the vendor")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for words in COMMANDS:
        cli.main([*words], standalone_mode=False)
        shown = capsys.readouterr().out
        assert shown, words
        assert [line for line in shown.splitlines() if len(line) > 80] == [], words
        assert "…" not in shown, words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("status", "gpt-5.6"), {"gpt-5.6-sol", "gpt-5.6-terra", LUNA}),
        (("activate", "gpt-5.4"), {MINI}),
        (("gate", "gpt-5.4"), {MINI}),
        (("poll", "openai-m"), {"openai-models"}),
        (("sources", "openai-p"), {"openai-pricing"}),
        (("events", "--source", ""), {"openai-models", "openai-pricing"}),
        (("events", "--type", "entry.pause"), {"entry.paused", "entry.pause_extended"}),
        (("verify", LUNA, "safety"), {"safety_review"}),
        (("notify", "test", ""), {"platform"}),
        (("replay", "openai-m"), {"openai-models="}),
    ],
)
def test_names_are_completed(config: Path, words: tuple[str, ...], expected: set[str]) -> None:
    from click.shell_completion import ShellComplete

    *before, incomplete = words
    complete = ShellComplete(cli, {}, "access-monitor", "_ACCESS_MONITOR_COMPLETE")
    assert {item.value for item in complete.get_completions(list(before), incomplete)} == expected


def test_a_completion_without_a_configuration_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    monkeypatch.setenv("ACCESS_MONITOR_CONFIG", str(tmp_path / "none.toml"))
    assert ShellComplete(cli, {}, "access-monitor", "_X").get_completions(["status"], "") == []


def test_the_last_of_several_checks_is_completed(config: Path) -> None:
    import click

    ctx, param = click.Context(cli), click.Option(["--waive"])
    assert complete_checks(ctx, param, "evals,safety") == ["evals,safety_review"]
    assert complete_event_types(ctx, param, "") == list(EVENT_TYPES)


def test_the_doctor_finds_everything_in_order_and_sends_nothing(active: Path, sandbox: Sandbox) -> None:
    findings = {row["subject"]: row for row in data("doctor")}
    assert findings.keys() == {
        *("time zones", "disk", "clock", "database", "key openai", "destination platform#1", "lease folder"),
    }
    assert all(row["ok"] for row in findings.values())


def test_the_doctor_names_what_is_wrong_with_its_fix(active: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = active.parent / "api-key"
    key.write_text("sk-another\n")
    monkeypatch.setattr(doctor, "utc_now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    findings = {row["subject"]: row for row in data("doctor", expect=1)}
    assert "unauthorized" in findings["key openai"]["detail"]
    assert "sk-another" not in am("doctor", expect=1).output
    assert "set the clock" in findings["clock"]["detail"]
    assert findings["database"]["ok"]


def test_the_doctor_says_where_there_is_no_database_and_makes_none(config: Path) -> None:
    findings = {row["subject"]: row for row in data("doctor", expect=1)}
    assert "There is no database" in findings["database"]["detail"]
    assert findings["lease folder"]["ok"]
    assert not (config.parent / "monitor.db").exists()


def test_the_doctor_refuses_a_destination_that_nothing_can_send_to(active: Path) -> None:
    text = active.read_text()
    active.write_text(
        text.replace(text[text.index("destinations = [") :].splitlines()[0], 'destinations = ["env:NOWHERE"]')
    )
    findings = {row["subject"]: row for row in data("doctor", expect=1)}
    assert "NOWHERE" in findings["destination platform#1"]["detail"]


def test_a_copy_in_a_folder_that_cannot_be_written_to_is_read(
    active: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_monitor() as monitor:
        monitor.store.backup(tmp_path / "copy" / "monitor.db")
    copy = str(tmp_path / "copy" / "monitor.db")
    # Not by rights: nothing keeps the superuser, as whom tests may run, from writing.
    monkeypatch.setattr(dialects.os, "access", lambda path, mode: False)
    before = sorted((tmp_path / "copy").iterdir())
    assert {row["key"] for row in data("--database", copy, "status")} >= {LUNA}
    assert sorted((tmp_path / "copy").iterdir()) == before
    (tmp_path / "copy" / "monitor.db-wal").write_bytes(b"not written back yet")
    assert "monitor.db-wal holds what was not written" in am("--database", copy, "status", expect=78).stderr
