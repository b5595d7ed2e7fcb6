"""Histories that several tests of a module look at are played once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from replayed import CARRY, HISTORIES, Played, history, play

PROVIDERS = """
[[surface]]
key = "mistral"
base_url = "https://api.mistral.ai/v1"
api_key = "env:MISTRAL_API_KEY"

[[surface]]
key = "fireworks"
base_url = "https://api.fireworks.ai/inference/v1"
api_key = "env:FIREWORKS_API_KEY"

[[source]]
key = "mistral-models"
kind = "models_list"
surface = "mistral"

[[source]]
key = "fireworks-models"
kind = "models_list"
surface = "fireworks"

[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]

[[entry]]
key = "large"
surface = "mistral"
model_id = "mistral-large-latest"
owners = ["platform"]

[[entry]]
key = "kimi"
surface = "fireworks"
model_id = "accounts/fireworks/models/kimi-k2p5"
owners = ["platform"]
"""


@pytest.fixture(scope="session")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a configuration of two providers whose histories hold only changes."""
    file = tmp_path_factory.mktemp("providers") / "monitor.toml"
    file.write_text(PROVIDERS, encoding="utf-8")
    return file


def _needed() -> None:
    if not HISTORIES.is_dir():
        pytest.skip(f"NO REAL HISTORIES: {HISTORIES} is absent, set ACCESS_MONITOR_SHARED")


@pytest.fixture(scope="module")
def openai(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Half a year of OpenAI's list under the shipped configuration, every entry activated when it may be."""
    _needed()
    return play(
        tmp_path_factory.mktemp("openai"),
        {"openai-models": history("mw_v1models_openai")},
        activate=True,
    )


@pytest.fixture(scope="module")
def llm_prices(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Ten months of one price feed, its changes carried."""
    _needed()
    return play(
        tmp_path_factory.mktemp("feed"),
        {"llm-prices": history("simonw_llm_prices_openai")},
        carry=timedelta(hours=6),
    )


@pytest.fixture(scope="module")
def mistral(tmp_path_factory: pytest.TempPathFactory, providers: Path) -> Played:
    _needed()
    return play(
        tmp_path_factory.mktemp("mistral"),
        {"mistral-models": history("mw_v1models_mistral")},
        config=providers,
        carry=CARRY,
        activate=True,
    )


@pytest.fixture(scope="module")
def fireworks(tmp_path_factory: pytest.TempPathFactory, providers: Path) -> Played:
    _needed()
    return play(
        tmp_path_factory.mktemp("fireworks"),
        {"fireworks-models": history("mw_v1models_fireworks")},
        config=providers,
        carry=CARRY,
        activate=True,
    )
