"""The example surfaces of other providers: each is a configuration that would be taken as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import cli
from monitor.settings import load
from monitor.sources.catalog import SourceDeps, build
from monitor.sources.http import HttpClient

FOLDER = Path(__file__).parents[2] / "config" / "surfaces"
EXAMPLES = sorted(FOLDER.glob("*.toml"))
PROVIDERS = {
    "anthropic", "azure", "bedrock", "deepinfra", "fireworks", "gemini", "groq", "litellm", "mistral", "ollama",
    "openrouter", "together", "vertex", "vllm", "xai",
}  # fmt: skip


def test_the_widely_used_providers_have_an_example() -> None:
    assert {path.stem for path in EXAMPLES} == PROVIDERS


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_passes_config_check_and_says_that_it_was_not_tried(path: Path) -> None:
    result = CliRunner().invoke(cli, ["config", "check", "--config", str(path)])
    assert result.exit_code == 0, result.output
    assert "NOT TRIED LIVE" in path.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_source_of_an_example_can_be_built(path: Path) -> None:
    configuration = load(path, {}).configuration
    http = HttpClient()
    for spec in configuration.sources.values():
        build(spec, SourceDeps(http=http, surface=configuration.surfaces.get(spec.surface), secret=lambda _: "key"))
    http.close()
    kinds = {spec.kind for spec in configuration.sources.values()}
    assert {"models_list"} <= kinds <= {"models_list", "behaviour", "deprecations_page"}


def test_probes_are_made_for_the_named_models_and_what_is_free_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "monitor.toml"
    path.write_text(
        """
[[surface]]
key = "s"
base_url = "https://s.example/v1"
region_url = "https://eu.s.example/v1"
[[source]]
key = "probes"
kind = "behaviour"
surface = "s"
routes = ["region", "chat", "retrieve"]
models = ["a", "b"]
parameters = { a = { effort = "low", store = "" } }
[[owner]]
key = "o"
destinations = ["env:X"]
"""
        + "".join(
            f'[[entry]]\nkey = "{name}"\nsurface = "s"\nmodel_id = "{name}"\nowners = ["o"]\n'
            for name in ("a", "b", "c")
        ),
        encoding="utf-8",
    )
    sources = load(path, {}).configuration.sources
    assert list(sources) == [f"probes/{model}/{route}" for route in ("retrieve", "chat", "region") for model in "ab"]
    assert sources["probes/a/chat"].options["parameters"] == {"effort": "low", "store": ""}
    assert sources["probes/b/chat"].options["parameters"] == {}
