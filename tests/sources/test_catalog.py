"""Which kinds of source there are, and what each needs of the configuration."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from source_loopback import NOW

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import Body, Snapshot, Subject
from monitor.core.ports import ConfigurationError
from monitor.sources import catalog, pricing_page
from monitor.sources.catalog import BUILTIN, SourceDeps, build, source_spec
from monitor.sources.feed import PriceFeed
from monitor.sources.http import HttpClient
from monitor.sources.models_list import ModelsList

OFFLINE = HttpClient()


def spec(kind: str, **changes: Any) -> SourceSpec:
    fields: dict[str, Any] = {"url": "https://x.example/p", "format": "llm_prices", "provider": "openai"}
    return source_spec(key="watched", kind=kind, every=timedelta(minutes=5), **{**fields, **changes})


def deps(base_url: str = "https://x.example/v1", asked: list[str] | None = None) -> SourceDeps:
    def secret(reference: str) -> str:
        (asked if asked is not None else []).append(reference)
        raise ConfigurationError(f"{reference} is not set")

    surface = Surface(key="openai", base_url=base_url, provider="openai", api_key="env:KEY")
    return SourceDeps(http=OFFLINE, surface=surface, secret=secret)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Entry points that another distribution adds."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(catalog, "_added", lambda: EntryPoints(points))
    return points


def test_a_source_is_built_by_its_kind() -> None:
    assert isinstance(build(spec("price_feed"), deps()), PriceFeed)
    assert isinstance(build(spec("models_list"), deps()), ModelsList)


def test_a_pricing_page_is_built_with_the_page_extractor() -> None:
    page = b"""# Pricing

Prices per 1M tokens.

| Model | Input | Cached input | Output |
| --- | --- | --- | --- |
| gpt-5.6-luna | $0.20 | $0.02 | $1.20 |
"""
    source = build(spec("pricing_page"), deps())
    seen = source.extract(Body(content=page, sha256="", size=len(page)), NOW)
    assert isinstance(seen, Snapshot)
    assert seen.facts[Subject("openai", "gpt-5.6-luna")]["price.standard.short.output"] == "1.2"
    assert seen.extractor == source.extractor == pricing_page.EXTRACTOR


def test_a_pricing_page_needs_a_provider() -> None:
    with pytest.raises(ConfigurationError, match="needs `provider`"):
        build(spec("pricing_page", provider=""), deps())


def test_building_resolves_no_secret() -> None:
    asked: list[str] = []
    source = build(spec("models_list"), deps(asked=asked))
    assert asked == []
    with pytest.raises(ConfigurationError, match="env:KEY is not set"):
        source.observe(NOW, None)


def test_an_unknown_kind_names_the_source_and_the_known_kinds(added: list[EntryPoint]) -> None:
    added.append(EntryPoint("weather", "elsewhere:build", catalog.GROUP))
    with pytest.raises(ConfigurationError) as error:
        build(spec("models"), deps())
    assert all(word in str(error.value) for word in ("watched", "'models'", "weather", *BUILTIN))


def test_another_distribution_may_add_a_kind(added: list[EntryPoint]) -> None:
    added.append(EntryPoint("feed_too", "monitor.sources.kinds.price_feed:build", catalog.GROUP))
    assert isinstance(build(spec("feed_too"), deps()), PriceFeed)


@pytest.mark.parametrize("values", [["a:b", "c:d"]])
def test_a_kind_that_two_add_is_refused_by_name(added: list[EntryPoint], values: list[str]) -> None:
    added.extend(EntryPoint("twice", value, catalog.GROUP) for value in values)
    with pytest.raises(ConfigurationError, match="watched is claimed by a:b, c:d"):
        build(spec("twice"), deps())


def test_a_builtin_kind_cannot_be_taken_over(added: list[EntryPoint]) -> None:
    added.append(EntryPoint("price_feed", "evil:build", catalog.GROUP))
    with pytest.raises(ConfigurationError, match="access-monitor, evil:build"):
        build(spec("price_feed"), deps())


def test_a_kind_that_does_not_load_is_an_error_of_the_configuration(added: list[EntryPoint]) -> None:
    added.append(EntryPoint("broken", "no_such_module_anywhere:build", catalog.GROUP))
    with pytest.raises(ConfigurationError, match="no_such_module_anywhere"):
        build(spec("broken"), deps())


@pytest.mark.parametrize("url", ["", "x.example/p", "ftp://x.example/", "https://", "http://[", "http://x:99999/"])
def test_what_is_no_address_on_the_web_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="watched needs `url`"):
        build(spec("price_feed", url=url), deps())
    with pytest.raises(ConfigurationError, match="surface openai needs `base_url`"):
        build(spec("models_list"), deps(base_url=url))


def test_a_models_list_needs_a_surface() -> None:
    with pytest.raises(ConfigurationError, match="needs `surface`"):
        build(spec("models_list"), SourceDeps(http=OFFLINE, surface=None, secret=str))


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'csv'.*llm_prices"):
        build(spec("price_feed", format="csv"), deps())


def test_the_sdk_is_not_loaded_before_a_models_list_is_built() -> None:
    program = "import sys, monitor.sources.catalog; print(sorted({'openai', 'httpx2', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
