"""A kind of source as one object: what its table may say, its defaults, what it can do, and how it is built.

The kinds of this package stand in `kinds`, one module each; another distribution brings one under the entry point group
of `catalog`. Both are the same to the rest of the program, which asks what a source can do and never of which kind it
is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from monitor.core.cache_writes import CacheWrite
from monitor.core.configuration import THIRD_PARTY, Capabilities, SourceSpec, Surface
from monitor.core.ports import Budget, ConfigurationError, Source
from monitor.core.rests import MemoryRests, Rests

if TYPE_CHECKING:
    from pydantic import BaseModel

    from monitor.sources.http import HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeps:
    """What a source is built from.

    `secret` resolves a reference (`env:…`) when it is first needed, or raises ConfigurationError. Without a `budget`
    nothing that costs money is called. `elapsed` is a clock that only goes forward, in seconds, for what calls take,
    `written` says what a source that reads the prompt cache late would read, `rests` keeps for how long a provider is
    not asked.
    """

    http: HttpClient
    surface: Surface | None
    secret: Callable[[str], str]
    budget: Budget | None = None
    elapsed: Callable[[], float] = monotonic
    written: Callable[[SourceSpec, datetime], CacheWrite | None] = lambda spec, now: None
    rests: Rests = field(default_factory=MemoryRests)


Factory: TypeAlias = Callable[[SourceSpec, SourceDeps], Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the rest of a configuration says around a `[[source]]` table.

    Attributes:
        surface: The surface that the table names; None where it names none.
        models: The models that entries have on that surface, in their order; where the table names a provider and no
            surface, those that they have of the provider.
        kinds: The kinds of all sources of that surface.
        url: The address that the table states; empty where it states none.
        place: What makes a relative path absolute.
    """

    surface: Surface | None = None
    models: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    url: str = ""
    place: Callable[[str], str] = str


Options: TypeAlias = Mapping[str, Any]
"""What a table states of the keys that only its kind has."""

Finding: TypeAlias = tuple[str, str]
"""The key of the table that is wrong, and what is wrong as the end of a sentence with its mend."""


def _one(spec: SourceSpec, around: Surroundings) -> Iterable[SourceSpec]:
    return (spec,)


def _fine(options: Options, around: Surroundings) -> Iterable[Finding]:
    return ()


NOTHING = Capabilities()
"""What a source informs of, it may inform of; it lists, prices and verifies nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """What a kind of source is.

    Attributes:
        factory: What builds a source from its spec.
        options: The keys that a table of this kind has beyond `key`, `kind` and `every`; one without a default must be
            stated. None where any
            key may stand there and the factory checks them.
        every: How often it is polled unless told.
        trust: Whose word it is unless told.
        capabilities: What a source of it can do, the same for all or worked out from the spec.
        sources: The sources that one table makes.
        check: What is wrong with a well-formed table, given what stands around it.
    """

    factory: Factory
    options: type[BaseModel] | None = None
    every: timedelta = timedelta(hours=1)
    trust: str = THIRD_PARTY
    capabilities: Capabilities | Callable[[SourceSpec], Capabilities] = NOTHING
    sources: Callable[[SourceSpec, Surroundings], Iterable[SourceSpec]] = _one
    check: Callable[[Options, Surroundings], Iterable[Finding]] = _fine

    def declared(self, spec: SourceSpec, around: Surroundings) -> Iterator[SourceSpec]:
        """Return the sources that a table makes, each with what it can do."""
        return (self.able(source) for source in self.sources(spec, around))

    def able(self, spec: SourceSpec) -> SourceSpec:
        """Return the spec of one source with what it can do."""
        can = self.capabilities if isinstance(self.capabilities, Capabilities) else self.capabilities(spec)
        return replace(spec, can=can)


def web(owner: str, setting: str, url: str) -> None:
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
