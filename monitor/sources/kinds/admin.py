"""`admin`: the account's own settings and bills, read with an admin key; a table makes one source for each part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, get_args

from pydantic import Field

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import Finding, Options, SourceDeps, SourceKind, Surroundings, web
from monitor.sources.options import Distinct, OfSurface

Part = Literal[
    "project", "rate_limits", "model_permissions", "service_tiers", "hosted_tools", "data_retention", "spend_limit",
    "usage", "costs", "audit_log",
]  # fmt: skip
OF_ACCOUNT = frozenset({"usage", "costs", "audit_log"})
"""The parts that belong to the whole account; each other one is asked for with the id of a project."""


class AdminOptions(OfSurface):
    """The keys of an account."""

    parts: Annotated[list[Part], Distinct] | None = Field(
        default=None, description="The parts of the account that an admin source reads; all by default.", min_length=1
    )


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build the source of one part."""
    from monitor.sources.admin import PARTS, AdminSource

    surface, part = deps.surface, spec.option("part")
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is an admin and needs `surface`, the key of a [[surface]]")
    web(f"surface {surface.key}", "base_url", surface.base_url)
    if part not in PARTS:
        raise ConfigurationError(f"source {spec.key} has the unknown part {part!r}; known are {', '.join(PARTS)}")
    if PARTS[part].of_project and not surface.project:
        raise ConfigurationError(
            f"source {spec.key} reads what belongs to a project, and surface {surface.key} names none; "
            f'give that surface project = "proj_…" or leave {part} out of `parts`'
        )
    return AdminSource(spec, surface, deps.http, deps.secret)


def _sources(spec: SourceSpec, around: Surroundings) -> Iterator[SourceSpec]:
    assert around.surface is not None, "a table of this kind names a surface"
    url = f"{around.surface.base_url}/organization"  # what a check or a price that it verified shows as its source
    for part in spec.options.get("parts", get_args(Part)):
        yield replace(spec, key=f"{spec.key}/{part}", provider=around.surface.provider, url=url, options={"part": part})


def _capabilities(spec: SourceSpec) -> Capabilities:
    part = spec.option("part")
    return Capabilities(states=part, prices=part == "costs", billed=part == "costs")


def _check(options: Options, around: Surroundings) -> Iterator[Finding]:
    surface = around.surface
    if surface is None:
        return
    named = f"names the surface {surface.key!r}, which has no"
    if not surface.admin_key:
        yield "surface", f'{named} admin key; give that admin_key = "env:NAME"'
    elif not surface.project and (
        of_project := [part for part in options.get("parts", get_args(Part)) if part not in OF_ACCOUNT]
    ):
        yield (
            "surface",
            f"{named} project, and {', '.join(of_project)} belong to one; "
            'give that surface project = "proj_…" or leave them out of parts',
        )


KIND = SourceKind(
    factory=build,
    options=AdminOptions,
    trust=OFFICIAL,
    capabilities=_capabilities,
    sources=_sources,
    check=_check,
)
