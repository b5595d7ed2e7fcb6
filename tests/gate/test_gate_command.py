"""`access-monitor gate`: its exit codes, its words, and that no damage to a lease file ever reads as "allowed"."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gate_examples import HOUR, LEASE, NOW, RULES, at_position, registry, spared, standing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.__main__ import gate_arguments, main
from monitor.core.entry import Status
from monitor.gate.client import ask, clock, lease
from monitor.gate.decision import Readiness
from monitor.gate.lease_file import Document, lease_documents, write_lease
from monitor.settings import load

REGISTERED = registry(
    standing("luna"),
    spared("sol", fallback="terra"),
    standing("terra", model_ids=("shared",)),
    standing("nova", status=Status.EVALUATING, model_ids=("shared",)),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lease(tmp_path, lease_documents(REGISTERED, RULES, NOW, at_position(42)), at_position(42))
    return tmp_path


def gate(*arguments: object, now: datetime = NOW, **environ: str) -> int:
    return ask.run([str(argument) for argument in arguments], environ, lambda: now)


def damage(folder: Path, change: Callable[[Document], object]) -> Path:
    path = folder / "production.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_an_active_entry_is_allowed_and_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("luna", "--lease", folder / "production.json") == 0
    out, err = capsys.readouterr()
    assert out == "allowed: luna in production until 2026-11-22T10:35:00Z (active since position 17)\n"
    assert err == ""


def test_a_paused_entry_is_denied_and_ends_with_1_reason_and_fallback(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("sol", "--lease", folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        "denied: sol in production: paused: input price 0.20 → 0.25 (paused since position 17)",
        "fallback: terra",
    ]


def test_a_caller_that_the_pause_spares_is_allowed(folder: Path) -> None:
    assert gate("sol", "--lease", folder, "--caller", "support-agent") == 0
    assert gate("sol", "--lease", folder, "--caller=support-agent", now=NOW + 3 * HOUR) == 1
    assert gate("sol", "--lease", folder, "--caller", "newcomer") == 1


def test_json_has_the_shape_of_the_http_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("gpt-5.6-luna", "--lease", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "key": "gpt-5.6-luna",
        "allowed": True,
        "status": "active",
        "reason": "active: every assumption that was accepted holds and is fresh",
        "fallback": "",
        "position": 17,
        "expires_at": "2026-11-22T10:35:00Z",
    }


def test_explain_shows_every_condition_with_its_date(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("sol", "--lease", folder, "--explain") == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "  no  the status is active (it is paused)",
        "  no  the caller is an existing one, which a price pause lets go on until 2026-11-22T07:35:00Z",
        "  yes access is fresh until 2026-11-23T04:35:00Z",
        "  yes prices are fresh until 2026-11-29T04:35:00Z",
        "  yes the answer is leased until 2026-11-22T10:35:00Z",
        "  existing callers go on: support-agent",
        f"  from {folder}/production.json, written 2026-11-22T04:35:00Z at log position 42",
    ]
    assert gate("luna", "--lease", folder, "--explain", "--json", now=NOW + LEASE) == 1
    conditions = json.loads(capsys.readouterr().out)["conditions"]
    assert conditions[-1] == {"asks": "the answer is leased", "holds": False, "until": "2026-11-22T10:35:00Z"}
    assert [condition["holds"] for condition in conditions] == [True, True, True, False]


def test_explain_shows_since_when_a_status_is_and_which_checks_are_wanting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = {
        "production": Readiness(until=NOW + HOUR),
        "staging": Readiness(unready="test_call is blank"),
    }
    entry = standing(since=NOW - HOUR, access_until=NOW, readiness=lost)
    write_lease(tmp_path, lease_documents(registry(entry), RULES, NOW, at_position(42)), at_position(42))
    assert gate("luna", "--lease", tmp_path, "--explain") == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  yes the status is active (it is active) since 2026-11-22T03:35:00Z" in lines
    assert "  yes the required checks are verified until 2026-11-22T05:35:00Z" in lines
    assert gate("luna", "--lease", tmp_path, "--env", "staging", "--explain") == 1
    assert "  no  the required checks are verified: unready: test_call is blank" in capsys.readouterr().out.splitlines()
    gate("luna", "--lease", tmp_path, "--explain", "--json")
    assert json.loads(capsys.readouterr().out)["conditions"][0]["since"] == "2026-11-22T03:35:00Z"


def test_an_ended_lease_denies_and_says_that_the_monitor_has_not_renewed_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("luna", "--lease", folder, now=NOW + LEASE) == 1
    assert "the monitor has not renewed the lease, which ended 2026-11-22T10:35:00Z" in capsys.readouterr().out


def test_staging_may_use_what_is_being_evaluated_and_production_may_not(folder: Path) -> None:
    assert gate("nova", "--env", "staging", "--lease", folder) == 0
    assert gate("nova", "--lease", folder) == 1


def test_an_environment_without_a_file_is_judged_like_production(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("nova", "--env", "elsewhere", "--lease", folder) == 1
    assert gate("luna", "--env", "elsewhere", "--lease", folder, "--explain") == 0
    assert "elsewhere is judged like production" in capsys.readouterr().out


def test_the_file_of_another_environment_never_answers_for_production(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("nova", "--lease", folder / "staging.json") == 75
    assert "is the lease file of staging, not of production" in capsys.readouterr().err
    assert gate("nova", "--env", "staging", "--lease", folder / "production.json") == 1


def test_a_key_that_the_file_does_not_hold_is_not_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("gpt-9", "shared"):
        assert gate(key, "--lease", folder) == 75
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"{key} is not in {folder}/production.json")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00\x00"),
    "deep": lambda path: path.write_bytes(b"[" * 200_000),
    "huge": lambda path: os.truncate(path, lease.LARGEST + 1),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a list": lambda path: path.write_text("[]"),
    "null": lambda path: path.write_text("null"),
    "no flags": lambda path: path.write_text('{"flags": {}, "metadata": {}}'),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_invariant_8_the_gate_fails_safe(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "production.json"
    DAMAGES[name](path)
    assert gate("luna", "--lease", path) == 75
    out, err = capsys.readouterr()
    assert out == ""
    assert str(path) in err


def _flag(change: Callable[[Any], object]) -> Callable[[Document], object]:
    return lambda document: change(document["flags"]["luna"])


RULE = {"if": [{"<": [{"var": "$flagd.timestamp"}, 9_999_999_999]}, "active", "stale"]}

WRONG: dict[str, Callable[[Document], object]] = {
    "flags are a list": lambda document: document.update(flags=["luna"]),
    "the flag is a text": lambda document: document["flags"].update(luna="active"),
    "disabled": _flag(lambda flag: flag.update(state="DISABLED")),
    "no state": _flag(lambda flag: flag.pop("state")),
    "no variants": _flag(lambda flag: flag.pop("variants")),
    "a variant that is a text": _flag(lambda flag: flag["variants"].update(active="true")),
    "a variant that is 1": _flag(lambda flag: flag["variants"].update(active=1)),
    "no metadata": _flag(lambda flag: flag.pop("metadata")),
    "no status": _flag(lambda flag: flag["metadata"].pop("status")),
    "a paused status under an allowing rule": _flag(lambda flag: flag["metadata"].update(status="paused")),
    "an unheard-of status": _flag(lambda flag: flag["metadata"].update(status="ACTIVE")),
    "an allowing rule after freshness": _flag(
        lambda flag: (flag.update(targeting=RULE), flag["metadata"].update(access_until="2026-11-22T04:35:00Z"))
    ),
    "an allowing default": _flag(lambda flag: (flag.pop("targeting"), flag.update(defaultVariant="active"))),
    "a null default": _flag(lambda flag: flag.update(defaultVariant=None)),
    "no default": _flag(lambda flag: flag.pop("defaultVariant")),
    "a rule that always holds": _flag(lambda flag: flag.update(targeting={"if": [True, "active", "stale"]})),
    "a rule of unknown words": _flag(lambda flag: flag.update(targeting={"fractional": ["active", "stale"]})),
    "a limit that is a text": _flag(lambda flag: flag["targeting"]["if"][0]["<"].__setitem__(1, "9999999999")),
    "a limit that is true": _flag(lambda flag: flag["targeting"]["if"][0]["<"].__setitem__(1, True)),
    "no date of access": _flag(lambda flag: flag["metadata"].pop("access_until")),
    "no date of prices": _flag(lambda flag: flag["metadata"].pop("price_until")),
    "a date without a zone": _flag(lambda flag: flag["metadata"].update(access_until="2026-11-23T04:35:00")),
    "a date that is none": _flag(lambda flag: flag["metadata"].update(price_until="tomorrow")),
    "a date beyond time": lambda document: document["metadata"].update(written_at="0001-01-01T00:00:00+14:00"),
    "no lease": lambda document: document["metadata"].pop("lease_until"),
    "a lease that is a number": lambda document: document["metadata"].update(lease_until=9_999_999_999),
    "no environment": lambda document: document["metadata"].pop("environment"),
    "written by a clock far ahead": lambda document: document["metadata"].update(written_at="2027-11-22T04:35:00Z"),
    "a position that is true": _flag(lambda flag: flag["metadata"].update(position=True)),
    "a fallback without an end": _flag(lambda flag: flag["metadata"].update(declared_fallback=7)),
}


@pytest.mark.parametrize("name", WRONG)
def test_invariant_8_a_lease_file_that_says_something_wrong_never_allows(folder: Path, name: str) -> None:
    path = damage(folder, WRONG[name])
    assert gate("luna", "--lease", path) == 75


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_invariant_8_no_part_that_is_lost_or_swapped_makes_production_allow(folder: Path, data: st.DataObject) -> None:
    """One value of a denied entry's file is replaced at random: the gate may lose its answer, never turn it round."""
    document = json.loads((folder / "staging.json").read_text())
    flags = document["flags"]
    document["metadata"]["environment"] = "production"
    node: Any = flags["nova"]
    while isinstance(node, dict | list) and node:
        parent, key = node, data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        node = node[key]
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}))
    parent[key] = data.draw(st.one_of(junk, st.sampled_from(["production", "evaluating", "9999-12-31T23:59:59Z"])))
    path = folder / "swapped.json"
    path.write_text(json.dumps(document))
    assert gate("nova", "--lease", path) in (1, 75)


@pytest.mark.parametrize("back", [timedelta(minutes=6), timedelta(days=400)])
def test_invariant_8_a_clock_that_was_set_back_revives_no_lease(
    folder: Path, back: timedelta, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("luna", "--lease", folder, now=NOW - back) == 75
    assert "set the clock" in capsys.readouterr().err


def test_a_clock_that_is_seconds_behind_the_writers_is_no_reason_to_deny(folder: Path) -> None:
    assert gate("luna", "--lease", folder, now=NOW - timedelta(seconds=20)) == 0


def test_the_rule_denies_even_where_a_slow_clock_makes_the_dates_poll_fresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = registry(standing(access_until=NOW - timedelta(seconds=10)))
    write_lease(tmp_path, lease_documents(stale, RULES, NOW, at_position(1)), at_position(1))
    assert gate("luna", "--lease", tmp_path, now=NOW - timedelta(seconds=20)) == 1
    assert "stale: access was last verified to hold until 2026-11-22T04:34:50Z" in capsys.readouterr().out


def test_a_fallback_must_be_allowed_for_the_same_caller_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registered = registry(
        standing("luna", status=Status.RETIRED, fallback="sol"),
        spared("sol", fallback="terra"),
        standing("terra", fallback="luna", access_until=NOW + HOUR),
    )
    write_lease(tmp_path, lease_documents(registered, RULES, NOW, at_position(1)), at_position(1))
    for caller, now, fallback in (
        ("support-agent", NOW, "sol"),
        ("newcomer", NOW, "terra"),
        ("newcomer", NOW + HOUR, "none that is allowed"),
    ):
        assert gate("luna", "--lease", tmp_path, "--caller", caller, now=now) == 1
        assert capsys.readouterr().out.splitlines()[1] == f"fallback: {fallback}"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["luna", "sol"],
        [""],
        ["luna", "--lease"],
        ["luna", "--env="],
        ["luna", "--bogus"],
        ["luna", "--env", "../production"],
        ["luna", "--env", ".."],
    ],
)
def test_wrong_usage_ends_with_2_and_the_usage_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(*arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert ask.USAGE in err


def test_help_shows_examples_and_needs_no_lease_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate("--help") == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert all(option in text for option in ("--env", "--caller", "--explain", "--json", "--lease", "--config"))


def test_the_lease_is_sought_as_option_then_variable_then_configuration(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert gate("luna") == 75
    assert gate("luna", ACCESS_MONITOR_LEASE=str(folder)) == 0
    assert gate("luna", ACCESS_MONITOR_LEASE=str(folder / "production.json")) == 0
    assert gate("luna", "--lease", elsewhere, ACCESS_MONITOR_LEASE=str(folder)) == 75
    assert gate("luna", ACCESS_MONITOR_LEASE=str(elsewhere), ACCESS_MONITOR__GATE__LEASE_DIR=str(folder)) == 75
    assert gate("luna", ACCESS_MONITOR__GATE__LEASE_DIR=str(folder)) == 0
    named = elsewhere / "named.toml"
    named.write_text(f'[gate]\nlease_dir = "{folder}"\n')
    assert gate("luna", "--config", named) == 0
    assert gate("luna", ACCESS_MONITOR_CONFIG=str(named)) == 0
    (elsewhere / "config").mkdir()
    named.rename(elsewhere / "config" / "monitor.toml")
    assert gate("luna") == 0
    named.write_text("")
    assert gate("luna", ACCESS_MONITOR_CONFIG=str(named)) == 75
    folder.rename(elsewhere / "lease")
    (elsewhere / "var").mkdir()
    (elsewhere / "lease").rename(elsewhere / "var" / "lease")
    assert gate("luna", ACCESS_MONITOR_CONFIG=str(named)) == 0


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("", {}),
        ('[run]\nstate_dir = "../"\n', {}),
        ('[run]\nstate_dir = "~/state"\n[gate]\nlease_dir = "out"\n', {}),
        ('[gate]\nlease_dir = "~/out"\n', {}),
        ('[run]\nstate_dir = "/a"\n[gate]\nlease_dir = "../b"\n', {}),
        ('[run]\nstate_dir = "../"\n', {"ACCESS_MONITOR__RUN__STATE_DIR": "here"}),
        ('[run]\nstate_dir = "there"\n', {"ACCESS_MONITOR__GATE__LEASE_DIR": "out"}),
        ('[gate]\nlease_dir = "/abs"\n', {}),
    ],
)
def test_the_lease_is_sought_where_the_monitor_writes_it(
    tmp_path: Path,
    text: str,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "etc/monitor.toml"
    path.parent.mkdir()
    path.write_text(text)
    monkeypatch.chdir(tmp_path)
    for named in (str(path), "etc/monitor.toml", "etc/../etc/monitor.toml"):
        assert gate("luna", "--config", named, **environ) == 75
        assert f"{load(Path(named), environ).lease_dir / 'production.json'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [None, "[gate", "[gate]\nlease_dir = 3\n", "gate = 1\n", "[gate]\nlease_dir = ''\n"]
)
def test_a_wrong_configuration_ends_with_78_and_names_the_file(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "monitor.toml"
    if content is not None:
        path.write_text(content)
    assert gate("luna", "--config", path) == 78
    assert str(path) in capsys.readouterr().err


def test_global_options_may_stand_before_the_command() -> None:
    assert gate_arguments(["gate", "luna"]) == ["luna"]
    assert gate_arguments(["--config", "gate", "--json", "gate", "gate"]) == ["--config", "gate", "--json", "gate"]
    assert gate_arguments(["--database=x.db", "--config=c", "gate"]) == ["--database=x.db", "--config=c"]
    for other in ([], ["status", "gate"], ["--help", "gate"], ["--version"], ["--config"]):
        assert gate_arguments(other) is None


def test_the_command_answers_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = clock.now()
    registered = registry(
        standing("luna", access_until=now + HOUR, price_until=now + HOUR), standing("sol", status=Status.RETIRED)
    )
    write_lease(tmp_path, lease_documents(registered, RULES, now, at_position(1)), at_position(1))
    for key, code in (("luna", 0), ("sol", 1), ("terra", 75)):
        monkeypatch.setattr(sys, "argv", ["access-monitor", "--json", "gate", key, "--lease", str(tmp_path)])
        assert main() == code
    assert [json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()] == ["luna", "sol"]


def test_the_command_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys; sys.argv = ['access-monitor', 'gate', 'luna', '--explain', '--json', '--lease', sys.argv[1]]\n"
        "from monitor.__main__ import main\n"
        "main(); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n{code}",
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split("\n")[-2].split()}
    assert loaded.isdisjoint(
        {"dataclasses", "typing", "pathlib", "argparse", "tomllib", "logging", "click", "inspect", "decimal", "socket"}
    )
    assert "monitor" in loaded
