"""The kinds of sources as a file may name them: what each needs, what each may have, and how often it is polled unless
told.

Building a source is not done here; a kind that a plug-in brings is known by its entry point and checks its own options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from types import MappingProxyType

from monitor.core.configuration import OFFICIAL, THIRD_PARTY

ENTRY_POINTS = "monitor.sources"

ALWAYS = ("key", "kind", "every")
OPTIONS = ("routes", "models", "watch", "parts", "parameters", "makes_stale", "catalogue", "component")
"""Keys that only some kinds have; they become `SourceSpec.options`."""


OF_ACCOUNT = frozenset({"usage", "costs", "audit_log"})
"""The parts of an admin source that belong to the whole account; each other one is asked for with the id of a project.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which keys a `[[source]]` of this kind must (`needs`) and may have, and its defaults."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    every: timedelta
    trust: str = OFFICIAL

    @property
    def keys(self) -> tuple[str, ...]:
        return (*ALWAYS, *self.needs, *self.may)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "models_list": Kind(needs=("surface",), every=timedelta(minutes=5)),
        "pricing_page": Kind(needs=("url", "provider"), may=("trust",), every=timedelta(minutes=30)),
        "price_feed": Kind(
            needs=("format", "url"), may=("provider", "trust"), every=timedelta(hours=1), trust=THIRD_PARTY
        ),
        "behaviour": Kind(needs=("surface",), may=("routes", "models", "parameters"), every=timedelta(hours=6)),
        "admin": Kind(needs=("surface",), may=("parts",), every=timedelta(hours=1)),
        "document": Kind(
            needs=("url",), may=("watch", "surface", "provider", "trust", "makes_stale"), every=timedelta(hours=1)
        ),
        "deprecations_page": Kind(needs=("url", "provider"), may=("trust",), every=timedelta(hours=6)),
        "codex": Kind(needs=("surface",), may=("catalogue",), every=timedelta(hours=1)),
        "status_page": Kind(needs=("url",), may=("surface", "component"), every=timedelta(minutes=5)),
    }
)

PLUGIN = Kind(needs=(), every=timedelta(hours=1), trust=THIRD_PARTY)
"""What holds for a kind that a plug-in brings; which keys it has is not known here."""


def plugins() -> frozenset[str]:
    """Return the kinds that installed plug-ins bring."""
    return frozenset(point.name for point in entry_points(group=ENTRY_POINTS)) - KINDS.keys()
