"""The monitor as the benches wire it: the real poller, sources and store, over a server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, Owner, Surface
from monitor.core.entry_spec import EntrySpec
from monitor.core.ports import Source
from monitor.detection.poller import Poller
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.store import SqlStore, open_store

WORKERS = 8
"""Polls side by side: the default of the configuration."""

EVERY = timedelta(minutes=5)


def pages(urls: list[str]) -> Configuration:
    """Return a pricing page a source."""
    specs = [source_spec(key=url, kind="pricing_page", every=EVERY, provider="openai", url=url) for url in urls]
    return Configuration(sources={spec.key: spec for spec in specs})


def lists(base_urls: list[str]) -> Configuration:
    """Return a surface and its models list for each base URL."""
    surfaces = {url: Surface(key=url, base_url=url, provider="openai", api_key="env:KEY") for url in base_urls}
    specs = [source_spec(key=url, kind="models_list", every=EVERY, surface=url) for url in base_urls]
    return Configuration(surfaces=surfaces, sources={spec.key: spec for spec in specs})


def both(base_url: str, page_url: str) -> Configuration:
    """Return one models list and one pricing page, with entries that rest on them and an owner who is told."""
    surface = Surface(key="openai", base_url=base_url, provider="openai", api_key="env:KEY")
    sources = (
        source_spec(key="list", kind="models_list", every=EVERY, surface="openai"),
        source_spec(key="page", kind="pricing_page", every=EVERY, provider="openai", url=page_url),
    )
    entries = [
        EntrySpec(key=model, name=model, surfaces={"openai": model}, owners=("team",))
        for model in (f"model-{number}" for number in range(20))
    ]
    return Configuration(
        surfaces={"openai": surface},
        sources={spec.key: spec for spec in sources},
        owners={"team": Owner(key="team", destinations=("env:TEAM",))},
        entries={entry.key: entry for entry in entries},
    )


@contextmanager
def watching(
    configuration: Configuration, folder: Path, clock: Callable[[], datetime]
) -> Iterator[tuple[Poller, SqlStore]]:
    """Provide a poller over a new store in `folder`."""
    store = open_store(str(folder / "monitor.db"))
    http = HttpClient(allow=["127.0.0.1"])

    @cache
    def source(key: str) -> Source:
        spec = configuration.sources[key]
        deps = SourceDeps(
            http=http, surface=configuration.surfaces.get(spec.surface), secret=lambda _: "no-secret-at-all"
        )
        return build(spec, deps)

    try:
        with ThreadPoolExecutor(WORKERS) as executor:
            use_cases = UseCases(store, configuration, clock, published=lambda: None)
            use_cases.declare()
            yield use_cases.poller(source, executor), store
    finally:
        http.close()
        store.close()
