"""Each example surface, copied as it stands, polls a list in the form of its own provider and finds its model there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from source_loopback import LoopbackServer, server, shared

from monitor.cli import cli

__all__ = ["server"]

FOLDER = Path(__file__).parents[2] / "config" / "surfaces"
EXAMPLES = sorted(FOLDER.glob("*.toml"))

Page = dict[str, Any] | list[Any]


def openai(id: str, **fields: Any) -> Page:
    """Return the list of whoever copies OpenAI's."""
    models = [{"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "x"} for name in ("other", id)]
    return {"object": "list", "data": [{**model, **fields} for model in models]}


LISTS: dict[str, Callable[[str], dict[str, Page]]] = {
    "anthropic": lambda id: {
        "": {
            "data": [{"type": "model", "id": "claude-opus-5", "display_name": "Claude Opus 5"}],
            "has_more": True,
            "first_id": "claude-opus-5",
            "last_id": "claude-opus-5",
        },
        "after_id=claude-opus-5": {
            "data": [{"type": "model", "id": id, "display_name": "Claude", "created_at": "2025-10-01T00:00:00Z"}],
            "has_more": False,
            "first_id": id,
            "last_id": id,
        },
    },
    "azure": lambda id: {
        "": openai(id, status="succeeded", capabilities={"inference": True}, deprecation={"inference": 1_800_000_000})
    },
    "bedrock": lambda id: {"": openai(id, owned_by="system")},
    "deepinfra": lambda id: {"": openai(id, root="x", parent=None, metadata={"context_length": 131072, "tags": []})},
    "fireworks": lambda id: {"": openai(id, kind="HF_BASE_MODEL", supports_chat=True, context_length=131072)},
    "gemini": lambda id: {"": openai(id, owned_by="google", display_name="Gemini")},
    "groq": lambda id: {"": openai(id, active=True, context_window=131072, public_apps=None)},
    "litellm": lambda id: {"": openai(id, owned_by="openai")},
    "mistral": lambda id: {
        "": openai(id, capabilities={"completion_chat": True}, aliases=["x"], deprecation=None, type="base")
    },
    "ollama": lambda id: {"": openai(id, owned_by="library")},
    "openrouter": lambda id: {
        "": {"data": [{"id": id, "canonical_slug": id, "name": "x", "pricing": {"prompt": "0.000001"}}]}
    },
    "together": lambda id: {"": [{"id": id, "object": "model", "type": "chat", "pricing": {"input": 0.15}}]},
    "vertex": lambda id: {
        "": {
            "publisherModels": [{"name": "publishers/google/models/other", "versionId": "default"}],
            "nextPageToken": "Cg5nZW1pbmk",
        },
        "pageToken=Cg5nZW1pbmk": {"publisherModels": [{"name": id, "versionId": "default", "launchStage": "GA"}]},
    },
    "vllm": lambda id: {"": openai(id, max_model_len=131072, permission=[{"id": "modelperm-1"}], root="/models/x")},
    "xai": lambda id: {"": openai(id, owned_by="xai")},
}
"""Example → the pages of its list by their query, with its model among others."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_copied_example_finds_its_model_in_the_list_of_its_provider(
    path: Path, server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = path.read_text(encoding="utf-8")
    place = re.search(r'base_url = "https?://[^/]+([^"]*)"', text)
    model = re.search(r'^model_id = "([^"]+)"', text, re.MULTILINE)
    assert place is not None
    assert model is not None
    pages = LISTS[path.stem](model[1])

    def script(handler: Any) -> None:
        where, _, query = handler.path.partition("?")
        found = where == place[1] + "/models" and query in pages
        handler.reply(json.dumps(pages[query]).encode() if found else b"{}", 200 if found else 404)

    server.script = script
    for name in re.findall(r"env:(\w+)", text):
        monkeypatch.setenv(name, "https://example.com/key")
    token = tmp_path / "token"
    token.write_text("ya29.token", encoding="utf-8")
    text = re.sub(r'file:[^"]+', f"file:{token}", text.replace(place[0], f'base_url = "{server.url}{place[1]}"'))
    text += "" if "[network]" in text else '\n[network]\nallow = ["127.0.0.1"]\n'
    copy = tmp_path / "monitor.toml"
    copy.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/monitor.db"\n{text}', encoding="utf-8")

    polled = CliRunner().invoke(cli, ["poll", f"{path.stem}-models", "--config", str(copy)])
    assert polled.exit_code == 0, polled.output
    status = CliRunner().invoke(cli, ["status", "--json", "--config", str(copy)])
    (row,) = json.loads(status.stdout)
    assert (row["model_id"], row["status"]) == (model[1], "evaluating")
    assert len(server.requests) == len(pages)


def test_the_recorded_list_with_prefixed_ids_shows_the_model_of_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shared() / "cases" / "13-prefixed-id" / "list.jsonl"
    if not case.exists():
        pytest.skip(f"NO CASES: {case} is absent (set ACCESS_MONITOR_SHARED)")
    for name in ("GEMINI_API_KEY", "SLACK_URL"):
        monkeypatch.setenv(name, "https://example.com/key")
    config = ["--config", str(FOLDER / "gemini.toml"), "--format", "jsonl"]
    result = CliRunner().invoke(cli, ["replay", f"gemini-models={case}", *config])
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert "entry.visible" in [event["type"] for event in events]
