"""From nothing to a first watched entry: what `init` writes, and what it never does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cli_world import am, data

from monitor.sandbox import Sandbox
from monitor.sandbox.provider import API_KEY

LITELLM = """
model_list:
  - model_name: fast
    litellm_params:
      model: openai/gpt-5.4-mini
      api_key: os.environ/TEAM_KEY
  - model_name: eu
    litellm_params:
      model: acme/orion-2
      api_base: https://eu.acme.example/v1
      api_key: literal-that-is-secret
  - model_name: nowhere
    litellm_params: {model: bedrock/claude}
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin in an empty folder, with no configuration named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACCESS_MONITOR_CONFIG", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def written(path: str = "config/monitor.toml") -> dict[str, Any]:
    return tomllib.loads(Path(path).read_text())


def test_three_commands_lead_to_a_watched_entry(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    am("init", "--base-url", sandbox.base_url, "--owner", "platform=env:SLACK_URL")
    am("poll")
    rows = data("status")
    assert "gpt-5.4-mini" in {row["model_id"] for row in rows}
    assert {row["status"] for row in rows} == {"evaluating"}
    text = Path("config/monitor.toml").read_text()
    assert API_KEY not in text
    assert text.startswith("#")


def test_a_litellm_configuration_becomes_a_surface_for_each_door(tmp_path: Path) -> None:
    Path("litellm.yaml").write_text(LITELLM)
    result = am("init", "--from", "litellm.yaml", "--owner", "ops=json://hooks.example/secret-token", "--out", "m.toml")
    assert "bedrock/claude has no api_base" in result.stderr
    document = written("m.toml")
    assert [(row["key"], row["base_url"], row["api_key"]) for row in document["surface"]] == [
        ("openai", "https://api.openai.com/v1", "env:TEAM_KEY"),
        ("acme", "https://eu.acme.example/v1", "env:ACME_API_KEY"),
    ]
    assert [(row["surface"], row["model_id"]) for row in document["entry"]] == [
        ("openai", "gpt-5.4-mini"),
        ("acme", "orion-2"),
    ]
    assert document["owner"] == [{"key": "ops", "destinations": ["env:OPS_URL"]}]
    text = Path("m.toml").read_text()
    assert "secret" not in text.replace("Secrets", "")
    am("--config", "m.toml", "config", "check")


def test_code_is_read_for_the_models_that_it_names(tmp_path: Path) -> None:
    source = Path("src/app")
    source.mkdir(parents=True)
    (source / "a.py").write_text('x = 1\nclient.responses.create(model="gpt-5.6-luna")\nname = "gpt-not-a-model"\n')
    (source / "b.ts").write_text("const call = { model: 'gpt-5.4-mini' };\n")
    (source / "notes.md").write_text('model = "gpt-in-prose"\n')
    am("init", "--from", "src", "--out", "m.toml")
    assert [row["model_id"] for row in written("m.toml")["entry"]] == ["gpt-5.4-mini", "gpt-5.6-luna"]
    assert "app/a.py:2" in Path("m.toml").read_text()


def test_nothing_is_replaced_and_nothing_half_is_left(tmp_path: Path) -> None:
    Path("m.toml").write_text("mine\n")
    Path("src").mkdir()
    assert "not replaced" in am("init", "--from", "src", "--out", "m.toml", expect=1).stderr
    assert Path("m.toml").read_text() == "mine\n"
    assert "names no model" in am("init", "--from", "src", "--out", "other.toml", expect=1).stderr
    Path("bad.yaml").write_text("a: [")
    am("init", "--from", "bad.yaml", "--out", "other.toml", expect=78)
    am("init", "--from", "src", "--owner", "platform", "--out", "other.toml", expect=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "m.toml", "src"]


def test_without_a_key_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in am("init", "--base-url", "http://127.0.0.1:9/v1", expect=78).stderr
