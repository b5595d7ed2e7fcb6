"""Which kinds of source there are: those of this package and those that other distributions bring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from monitor.core.configuration import SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources import kinds
from monitor.sources.kind import Factory, SourceDeps, SourceKind

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["BUILTIN", "GROUP", "Factory", "SourceDeps", "SourceKind", "build", "kind", "names", "source_spec"]

GROUP = "monitor.sources"
"""The group of entry points through which other distributions add kinds: name is the kind, value a `SourceKind` or a
`Factory` alone.
"""

BUILTIN: tuple[str, ...] = tuple(sorted(module.name for module in iter_modules(kinds.__path__)))
"""The kinds of this package."""


def names() -> tuple[str, ...]:
    """Return all kinds that a configuration may name."""
    return (*BUILTIN, *sorted(_added().names - set(BUILTIN)))


def kind(name: str, asking: str = "") -> SourceKind:
    """Return the kind of this name; `asking` is the source that a refusal names.

    Raises:
        ConfigurationError: it is unknown or claimed twice, or it cannot be loaded.
    """
    of = f" of source {asking}" if asking else ""
    points = [point for point in _added() if point.name == name]
    if name in BUILTIN and not points:
        return builtin(name)
    if name not in BUILTIN and len(points) == 1:
        return _loaded(points[0], of)
    if not points:
        who = f"source {asking} has" if asking else "there is"
        raise ConfigurationError(f"{who} the unknown `kind` {name!r}; known are {', '.join(names())}")
    claimants = ", ".join([*(["access-monitor"] if name in BUILTIN else []), *(point.value for point in points)])
    raise ConfigurationError(f"the kind {name!r}{of} is claimed by {claimants}; uninstall all but one of them")


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build the source that a specification describes.

    Raises:
        ConfigurationError: its kind is unknown or claimed twice, or a setting that the kind needs is missing or wrong.
    """
    return kind(spec.kind, spec.key).factory(spec, deps)


def source_spec(**fields: Any) -> SourceSpec:
    """Return the specification of one source with what its kind can do; `fields` are those of `SourceSpec`.

    Raises:
        ConfigurationError: its kind is unknown or claimed twice, or it cannot be loaded.
    """
    spec = SourceSpec(**fields)
    return kind(spec.kind, spec.key).able(spec)


@cache
def builtin(name: str) -> SourceKind:
    """Return a kind of this package."""
    kind: SourceKind = import_module(f"{kinds.__name__}.{name}").KIND
    return kind


def options(name: str) -> Mapping[str, FieldInfo]:
    """Return the keys of a kind of this package, as it declares them."""
    options = builtin(name).options
    return {} if options is None else options.model_fields


@cache
def _added() -> EntryPoints:
    """Return what other distributions add; looked up once, since it reads the metadata of all that is installed."""
    return entry_points(group=GROUP)


def _loaded(point: EntryPoint, of: str) -> SourceKind:
    try:
        loaded = point.load()
    except Exception as error:
        raise ConfigurationError(f"the kind {point.name!r}{of} cannot be loaded from {point.value}: {error}") from error
    return loaded if isinstance(loaded, SourceKind) else SourceKind(factory=loaded)
