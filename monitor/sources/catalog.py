"""Which kinds of source there are, and how each is built. The one place that knows them all.

Kinds import what they need when one of them is built: the SDK alone takes longer to load than a poll.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.ports import Budget, ConfigurationError, Source

if TYPE_CHECKING:
    from monitor.sources.http import HttpClient

GROUP = "monitor.sources"
"""The group of entry points through which other distributions add kinds: name is the kind, value a `Factory`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeps:
    """What a source is built from.

    `secret` resolves a reference (`env:…`) when it is first needed, or raises ConfigurationError. Without a `budget`
    nothing that costs money is called. `elapsed` is a clock that only goes forward, in seconds, for what calls take.
    """

    http: HttpClient
    surface: Surface | None
    secret: Callable[[str], str]
    budget: Budget | None = None
    elapsed: Callable[[], float] = monotonic


Factory: TypeAlias = Callable[[SourceSpec, SourceDeps], Source]


def _models_list(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.models_list import ModelsList

    surface = deps.surface
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is a models_list and needs `surface`, the key of a [[surface]]")
    _web(f"surface {surface.key}", "base_url", surface.base_url)
    return ModelsList(spec, surface, deps.http, deps.secret)


def _pricing_page(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources import pricing_page
    from monitor.sources.page import PricingPage

    _web(f"source {spec.key}", "url", spec.url)
    if not spec.provider:
        raise ConfigurationError(f"source {spec.key} is a pricing_page and needs `provider`, whose prices it states")
    return PricingPage(spec, deps.http, extract_rows=pricing_page.extract, extractor=pricing_page.EXTRACTOR)


def _price_feed(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.feed import FORMATS, PriceFeed

    _web(f"source {spec.key}", "url", spec.url)
    if spec.format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise ConfigurationError(f"source {spec.key} has the unknown `format` {spec.format!r}; known are {known}")
    return PriceFeed(spec, deps.http)


def _admin(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.admin import PARTS, AdminSource

    surface, part = deps.surface, spec.option("part")
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is an admin and needs `surface`, the key of a [[surface]]")
    _web(f"surface {surface.key}", "base_url", surface.base_url)
    if part not in PARTS:
        raise ConfigurationError(f"source {spec.key} has the unknown part {part!r}; known are {', '.join(PARTS)}")
    if PARTS[part].of_project and not surface.project:
        raise ConfigurationError(
            f"source {spec.key} reads what belongs to a project, and surface {surface.key} names none; "
            f'give that surface project = "proj_…" or leave {part} out of `parts`'
        )
    return AdminSource(spec, surface, deps.http, deps.secret)


def _deprecations_page(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources import deprecations
    from monitor.sources.web_page import Page

    _web(f"source {spec.key}", "url", spec.url)
    if not spec.provider:
        raise ConfigurationError(f"source {spec.key} is a deprecations_page and needs `provider`, whose models end")
    return Page(spec, deps.http, reader=deprecations.snapshot, extractor=deprecations.EXTRACTOR)


def _document(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.document import document

    _web(f"source {spec.key}", "url", spec.url)
    return document(spec, deps.http)


def _codex(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.codex import Codex

    if deps.surface is None:
        raise ConfigurationError(
            f"source {spec.key} is a codex and needs `surface`, the key of a [[surface]] of its own"
        )
    return Codex(spec, deps.surface)


def _status_page(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.status_page import StatusPage

    _web(f"source {spec.key}", "url", spec.url)
    return StatusPage(spec, deps.http)


def _behaviour(spec: SourceSpec, deps: SourceDeps) -> Source:
    from monitor.sources.behaviour import BehaviourSource

    surface = deps.surface
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is a behaviour and needs `surface`, the key of a [[surface]]")
    _web(f"surface {surface.key}", "base_url", surface.base_url)
    if spec.route == "region":
        _web(f"surface {surface.key}, whose route region source {spec.key} tries,", "region_url", surface.region_url)
    return BehaviourSource(spec, surface, deps.http, deps.secret, budget=deps.budget, elapsed=deps.elapsed)


BUILTIN: dict[str, Factory] = {
    "models_list": _models_list,
    "pricing_page": _pricing_page,
    "price_feed": _price_feed,
    "admin": _admin,
    "deprecations_page": _deprecations_page,
    "document": _document,
    "codex": _codex,
    "status_page": _status_page,
    "behaviour": _behaviour,
}


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build the source that a specification describes.

    Raises:
        ConfigurationError: its kind is unknown or claimed twice, or a setting that the kind needs is missing or wrong.
    """
    return _factory(spec)(spec, deps)


def _factory(spec: SourceSpec) -> Factory:
    added = _added()
    recorded_changes = [point for point in added if point.name == spec.kind]
    builtin = BUILTIN.get(spec.kind)
    if builtin and not recorded_changes:
        return builtin
    if not builtin and len(recorded_changes) == 1:
        return _loaded(spec, recorded_changes[0])
    if not builtin and not recorded_changes:
        known = ", ".join(sorted({*BUILTIN, *added.names}))
        raise ConfigurationError(f"source {spec.key} has the unknown `kind` {spec.kind!r}; known are {known}")
    claimants = ", ".join([*(["access-monitor"] if builtin else []), *(point.value for point in recorded_changes)])
    raise ConfigurationError(
        f"the kind {spec.kind!r} of source {spec.key} is claimed by {claimants}; uninstall all but one of them"
    )


@cache
def _added() -> EntryPoints:
    """Return what other distributions add; looked up once, since it reads the metadata of all that is installed."""
    return entry_points(group=GROUP)


def _loaded(spec: SourceSpec, point: EntryPoint) -> Factory:
    try:
        factory: Factory = point.load()
    except Exception as error:
        raise ConfigurationError(
            f"the kind {spec.kind!r} of source {spec.key} cannot be loaded from {point.value}: {error}"
        ) from error
    return factory


def _web(owner: str, setting: str, url: str) -> None:
    """Refuse what is no address on the web.

    Raises:
        ConfigurationError: not http or https, or without a host.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        fine = False
    if not fine:
        raise ConfigurationError(f"{owner} needs `{setting}`, an http or https URL")
