"""Secrets by reference, and what is shown of a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.ports import ConfigurationError
from monitor.settings import load, resolve, schema, show

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"


def test_a_reference_to_the_environment_is_its_variable(tmp_path):
    assert resolve("env:KEY", {"KEY": f" {SECRET}\n"}) == SECRET


def test_a_reference_to_a_file_is_its_content_read_anew_each_time(tmp_path):
    path = tmp_path / "key"
    path.write_text(SECRET + "\n")
    assert resolve(f"file:{path}", {}) == SECRET
    path.write_text("rotated\n")
    assert resolve(f"file:{path}", {}) == "rotated"


def test_a_credential_is_a_file_in_the_credentials_folder(tmp_path):
    (tmp_path / "KEY").write_text(SECRET)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert resolve("credential:KEY", environ) == SECRET


def test_where_a_variable_is_not_set_the_credential_of_its_name_is_read(tmp_path):
    (tmp_path / "KEY").write_text("from the folder")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert resolve("env:KEY", environ) == "from the folder"
    assert resolve("env:KEY", {**environ, "KEY": "from outside"}) == "from outside"


@pytest.mark.parametrize(
    ("reference", "environ", "said"),
    [
        ("env:KEY", {}, "env:KEY is not set: export KEY"),
        ("env:KEY", {"KEY": " "}, "env:KEY is empty"),
        ("env:KEY", {"KEY": "one\ntwo"}, "line break"),
        ("file:none", {}, "file:none is missing: .*/none does not exist"),
        ("file:.", {}, r"file:\. cannot be read"),
        ("credential:KEY", {}, "CREDENTIALS_DIRECTORY is not set"),
        ("credential:KEY", {"CREDENTIALS_DIRECTORY": "none"}, "credential:KEY is missing"),
    ],
)
def test_a_secret_that_is_not_there_is_named_by_its_reference_with_the_mend(
    reference, environ, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=said) as caught:
        resolve(reference, environ)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("literal", [SECRET, f"env:{SECRET}", "credential:../../etc/passwd", "vault:x", "hunter2", ""])
def test_what_is_no_reference_is_not_resolved_and_not_echoed(literal):
    with pytest.raises(ConfigurationError) as caught:
        resolve(literal, {})
    assert not literal or literal not in str(caught.value)


def test_no_secret_is_read_with_the_file(tmp_path):
    assert loaded(tmp_path, environ={}).configuration.surfaces["openai"].api_key == "env:OPENAI_API_KEY"


def test_what_is_shown_says_where_each_value_came_from(tmp_path):
    loaded(tmp_path, '[gate]\nlease = "60m"\n' + MINIMAL)
    path = tmp_path / "monitor.toml"
    rows = {row.key: row for row in show(load(path, {"ACCESS_MONITOR__GATE__FRESHNESS": "2h"}, "x.db"))}
    assert (rows["gate.lease"].value, rows["gate.lease"].origin) == ("1h", str(path))
    assert rows["gate.freshness"][1:] == ("2h", "environment variable ACCESS_MONITOR__GATE__FRESHNESS")
    assert rows["database.url"][1:] == (str(Path.cwd() / "x.db"), "--database")
    assert rows["gate.price_freshness"][1:] == ("1w", "default")
    assert rows["entry[0].owners"][1:] == (["platform"], str(path))
    assert rows["entry[0].tiers"][1:] == (["standard"], "default")
    json.dumps([*rows.values()])


def test_what_is_shown_holds_no_secret(tmp_path):
    text = MINIMAL.replace(
        '"env:SLACK_URL"',
        (
            '"slack://tokenaaa/tokenbbb/tokenccc", "mailtos://me:hunter2@mail.example", '
            '"https://hooks.example/services/T0/B0/ccc"'
        ),
    )
    settings = loaded(
        tmp_path, text, {"ACCESS_MONITOR__DATABASE__URL": "postgresql://u:hunter2@db.example/m?password=hunter2&x=1"}
    )
    shown = json.dumps(show(settings))
    for secret in ("tokenaaa", "tokenbbb", "hunter2", "T0/B0"):
        assert secret not in shown
        assert secret not in repr(settings.origins)
    assert "mailtos://mail.example/***" in shown
    assert "postgresql://u:***@db.example/m?password=***&x=1" in shown


def test_the_schema_describes_what_the_loader_takes(tmp_path):
    described = schema()
    assert set(described["properties"]) == {
        "database", "surface", "source", "confirmation", "budget", "measurements", "network", "web", "gate", "checks",
        "github", "audit", "evidence", "heartbeat", "notify", "run", "nodes",
        "logging", "owner", "entry", "deployment",
    }  # fmt: skip
    gate = described["$defs"]["GateTable"]
    assert gate["additionalProperties"] is False
    assert gate["properties"]["lease"]["default"] == "6h"
    assert described["$defs"]["EntryTable"]["required"] == ["key", "owners"]
    json.dumps(described)


def test_every_default_of_the_schema_is_one_that_the_loader_takes(tmp_path):
    lines = []
    for section, reference in schema()["properties"].items():
        table = schema()["$defs"].get(reference.get("$ref", "").rpartition("/")[2])
        if table is None:
            continue
        lines.append(f"[{section}]")
        for key, field in table["properties"].items():
            if (default := field.get("default")) is not None:
                given = {k: v for k, v in default.items() if v is not None} if isinstance(default, dict) else {}
                value = ", ".join(f"{k} = {json.dumps(v)}" for k, v in given.items())
                lines.append(f"{key} = {{{value}}}" if value else f"{key} = {json.dumps(default)}")
    spelled, bare = loaded(tmp_path, "\n".join(lines)), loaded(tmp_path, "")
    assert spelled.configuration == bare.configuration
    assert spelled.document == bare.document
