"""Small configurations for the tests of settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monitor.settings import Settings, load

MINIMAL = """
[[surface]]
key = "openai"
base_url = "https://api.openai.com/v1"
api_key = "env:OPENAI_API_KEY"

[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"

[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]

[[entry]]
key = "luna"
surface = "openai"
model_id = "gpt-5.6-luna"
owners = ["platform"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "monitor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str = MINIMAL, environ: Mapping[str, str] | None = None) -> Settings:
    return load(written(folder, text), environ or {})
