"""`codex`: the catalogue of models that Codex offers, from a file or from the installed program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import Field

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import Finding, Options, SourceDeps, SourceKind, Surroundings
from monitor.sources.options import OfSurface, Text


class CodexOptions(OfSurface):
    """The keys of a catalogue."""

    catalogue: Text | None = Field(
        default=None,
        description=(
            "A file with the catalogue of Codex, relative to run.state_dir; without it the installed codex is asked."
        ),
    )


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the catalogue."""
    from monitor.sources.codex import Codex

    if deps.surface is None:
        raise ConfigurationError(
            f"source {spec.key} is a codex and needs `surface`, the key of a [[surface]] of its own"
        )
    return Codex(spec, deps.surface)


def _sources(spec: SourceSpec, around: Surroundings) -> Iterator[SourceSpec]:
    placed = {name: around.place(path) for name, path in spec.options.items() if name == "catalogue"}
    # Whose models it speaks of: the entries of that provider on other surfaces ask it whether Codex offers them.
    provider = "" if around.surface is None else around.surface.provider
    yield replace(spec, provider=spec.provider or provider, options={**spec.options, **placed})


def _check(options: Options, around: Surroundings) -> Iterator[Finding]:
    if "models_list" in around.kinds and around.surface is not None:
        yield (
            "surface",
            f"is that of a models_list ({around.surface.key}), and what Codex offers says nothing of the API; "
            "give it a [[surface]] of its own",
        )


KIND = SourceKind(
    factory=build,
    options=CodexOptions,
    trust=OFFICIAL,
    capabilities=Capabilities(lists=True, route="codex", verifies=frozenset({"codex"})),
    sources=_sources,
    check=_check,
)
