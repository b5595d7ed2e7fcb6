"""Preparing an entry and accepting it, as a person at a terminal does."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from cli_world import BY, LUNA, MINI, activate, am, data

from monitor.sandbox import Sandbox

REPRICED = date(2026, 7, 30)


def declare(config: Path, key: str, *lines: str) -> None:
    """Add settings to an entry of the configuration."""
    head = f'[[entry]]\nkey = "{key}"\n'
    text = config.read_text(encoding="utf-8")
    assert text.count(head) == 1
    config.write_text(text.replace(head, head + "".join(f"{line}\n" for line in lines)), encoding="utf-8")


@pytest.fixture
def repriced(config: Path, sandbox: Sandbox) -> Path:
    """Luna was active and is paused: its prices fell."""
    activate(sandbox)
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    for _ in range(3):
        am("poll")
    return config


def test_a_dry_run_names_what_is_missing_and_what_mends_it_and_records_nothing(config: Path) -> None:
    declare(config, MINI, 'checks = ["evals"]')
    am("poll")
    events = am("events", "--json").stdout
    said = am("activate", MINI, "--dry-run", expect=1).stdout
    assert said.endswith(
        f"missing: evals is blank (`access-monitor verify {MINI} evals --by YOU --from FILE --baseline ENTRY|MODEL`)\n"
    )
    rows = dict(line.split() for line in said.splitlines() if line.startswith("openai/"))
    assert (rows[f"openai/{MINI}/listed"], rows[f"openai/{MINI}/price.standard.short.input"]) == ("yes", "0.75")
    am("verify", MINI, "evals", "--by", "Ada L.", "--url", "https://ci.example.com/runs/812")
    position = data("status", MINI)[0]["position"]
    said = am("activate", MINI, "--dry-run").stdout
    assert f"activate {MINI} --by YOU" in said
    assert said.endswith(f"--expect {position}\n")
    assert am("events", "--json").stdout.startswith(events)
    am("activate", MINI, *BY, "--expect", str(position))


def test_who_accepts_says_who_and_why(config: Path) -> None:
    am("poll")
    assert "Missing option '--by'" in am("activate", MINI, "--reason", "x", expect=2).stderr
    assert "Missing option '--reason'" in am("resume", MINI, "--by", "Ada", expect=2).stderr
    am("activate", MINI, "--by", " ", "--reason", "x", expect=2)


def test_a_resumption_shows_what_was_accepted_beside_what_stands_before_and_when_it_is_done(repriced: Path) -> None:
    position = data("status", LUNA)[0]["position"]
    shown = am("resume", LUNA, "--dry-run").stdout
    checklist = am("checklist", LUNA).stdout
    row = f"openai/{LUNA}/price.standard.short.input "
    for said in (shown, checklist):
        (line,) = [line for line in said.splitlines() if line.startswith(row)]
        assert line.split()[1:] == ["1", "0.2"]
        assert "pins are as accepted." in said
    done = am("resume", LUNA, *BY).stdout
    assert done.splitlines()[-1].split()[1:3] == ["entry.resumed", LUNA]
    assert row in done
    assert shown.endswith(f"--expect {position}\n")


def test_the_checklist_names_the_environments_and_the_command_for_each_blank(config: Path) -> None:
    declare(config, MINI, 'checks = ["evals"]', 'checks_in = { staging = ["test_call", "evals"] }')
    am("poll")
    result = am("checklist", MINI)
    needed = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "yes, staging" in needed["evals"]
    assert " staging " in needed["test_call"]
    assert "Needed and not verified: evals, test_call." in result.stderr
    assert f"test_call: `access-monitor verify {MINI} test_call --by YOU --url …`" in result.stderr
    rows = {row["check"]: row for row in data("checklist", MINI)}
    assert rows["evals"]["required_in"] == ["production", "staging"]
    assert (rows["test_call"]["required"], rows["test_call"]["required_in"]) == (False, ["staging"])
    am("gate", MINI, "--env", "staging", expect=1)


def test_a_review_that_one_caller_needs_is_shown_as_needed_for_that_caller(config: Path) -> None:
    declare(config, MINI, 'touches = { scan = ["security_triage"], triage = ["security_triage"] }')
    am("poll")
    result = am("checklist", MINI)
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("safety_review")]
    assert "for scan, for triage" in row
    assert "Needed and not verified: safety_review." in result.stderr
    rows = {row["check"]: row for row in data("checklist", MINI)}
    assert (rows["safety_review"]["required"], rows["safety_review"]["required_for"]) == (False, ["scan", "triage"])
    report = am("report", MINI).stdout
    needed, others = report.split("Not required, and not verified either:")
    assert "| safety_review | blank |" in needed
    assert "| safety_review | blank |" not in others
    assert "| safety_review | for scan, for triage |" in report


def test_entries_paused_by_one_cause_are_shown_one_after_the_other(repriced: Path) -> None:
    paused = am("events", "--type", "entry.paused", "--json").stdout
    assert LUNA in paused
    position = data("why", LUNA)["chain"][0]["position"]
    assert "Nothing is missing" in am("resume", "--cause", str(position), "--dry-run").stdout
    assert data("status", LUNA)[0]["status"] == "paused"


def test_a_second_person_confirms_with_the_command_that_the_first_was_told(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(config, MINI, "approvers = 2")
    am("poll")
    asked = am("activate", MINI, *BY)
    assert "entry.approval_requested" in asked.stdout
    position = data("status", MINI)[0]["position"]
    assert f"activate {MINI} --by … --reason … --expect {position}" in asked.stderr
    approval = data("status", MINI)[0]["approval"]
    assert (approval["by"], approval["expect"]) == ("Ada L.", position)
    for command in ("status", "why"):
        assert f"Ada L. asked to activate it at position {approval['position']}" in am(command, MINI).stdout
    am("activate", MINI, *BY, expect=1)
    from_one_account = am("activate", MINI, "--by", "Bob K.", "--reason", "x", "--expect", str(position), expect=1)
    assert "two people are two accounts" in from_one_account.stderr
    monkeypatch.setattr(os, "getuid", lambda: 47_110_815)
    am("activate", MINI, "--by", "Bob K.", "--reason", "x", expect=1)
    am("activate", MINI, "--by", "Bob K.", "--reason", "x", "--expect", str(position))
    assert (row := data("status", MINI)[0])["status"] == "active"
    assert row["approval"] is None


def test_maintenance_is_announced_shown_and_ended(config: Path) -> None:
    am("poll")
    am("activate", MINI, *BY)
    glob = f"openai/{MINI}/price.*"
    opened = am("maintenance", MINI, "--until", "in 4h", "--change", glob, *BY).stdout
    position = int(opened.split()[0])
    (window,) = data("status", MINI)[0]["windows"]
    assert (window["position"], window["changes"], window["open"]) == (position, [glob], True)
    for command in (["status"], ["status", MINI], ["why", MINI]):
        assert "maintenance until" in am(*command).stdout or f"{glob} may move" in am(*command).stdout
    am("maintenance", MINI, "--close", str(position), *BY)
    assert data("why", MINI)["windows"] == []


@pytest.mark.parametrize("args", [("--until", "in 4h"), ("--change", "x"), ("--close", "1", "--until", "in 4h")])
def test_a_window_without_its_end_or_its_changes_is_wrong_usage(config: Path, args: tuple[str, ...]) -> None:
    am("maintenance", MINI, *args, *BY, expect=2)


def test_what_nothing_watches_is_shown_and_ends_with_1_where_that_was_asked_for(config: Path) -> None:
    declare(config, MINI, 'checks = ["evals"]')
    am("db", "upgrade")
    assert "registry is empty" in am("coverage").stderr
    am("poll")
    result = am("coverage", MINI)
    assert [MINI, "check", "evals", "unwatched"] in [line.split() for line in result.stdout.splitlines()]
    assert "Nothing watches 1 assumption now." in result.stderr
    am("coverage", MINI, "--exit-code", expect=1)
    am("verify", MINI, "evals", "--by", "Ada L.", "--url", "https://ci.example.com/runs/812")
    assert "Everything is watched." in am("coverage", MINI, "--exit-code").stderr
    rows = {row["name"]: row for row in data("coverage", MINI)}
    assert rows[f"openai/{MINI}/listed"]["sources"] == ["openai-models"]
    assert rows["evals"]["until"].endswith("Z")
    assert rows["evals"]["state"] == "attested"
    am("coverage", "gpt-5.4-mimi", expect=1)


def test_an_active_entry_that_production_is_denied_is_shown_as_denied(config: Path) -> None:
    declare(config, MINI, 'touches = ["agents"]')
    am("poll")
    am("verify", MINI, "safety_review", "--by", "Ada L.", "--url", "https://example.com/card")
    am("activate", MINI, *BY)
    assert data("status", MINI)[0]["production"]["allowed"] is True
    assert "denied in production" not in am("status").stdout + am("status", MINI).stdout + am("why", MINI).stdout
    assert "| Production now | allowed: active" in am("report", MINI).stdout
    text = config.read_text(encoding="utf-8").replace('touches = ["agents"]', 'touches = ["agents", "code_execution"]')
    config.write_text(text, encoding="utf-8")
    assert f"would deny {MINI}" in am("poll").stderr
    am("gate", MINI)
    assert f"deny {MINI}: unready: safety_review is stale" in am("config", "check", expect=10).stdout
    am("config", "accept", *BY)
    am("poll")
    am("gate", MINI, expect=1)
    (row,) = data("status", MINI)
    assert (row["status"], row["production"]["allowed"]) == ("active", False)
    assert row["production"]["reason"].startswith("unready: safety_review is stale")
    for command in (["status"], ["status", MINI], ["why", MINI]):
        assert "denied in production now, unready: safety_review is stale" in am(*command).stdout
    assert "| Production now | denied: unready: " in am("report", MINI).stdout
    assert data("status", MINI, "--at", row["since"])[0]["production"] is None


def test_a_file_without_an_end_is_refused_and_not_read_to_it(config: Path) -> None:
    am("poll")
    for check in ("evals", "logging", "test_call"):
        result = am("verify", MINI, check, "--by", "Ada L.", "--from", "/dev/zero", expect=1)
        assert "/dev/zero is larger than 20 MB; give --url" in result.stderr
