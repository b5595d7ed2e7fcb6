"""Which polls are one job: shards of sources that share an interval, and each paid probe by itself.

A poll that finds nothing writes nothing; as a job of its own it would write two kilobytes. Sources of one host stand
together, so that what one host may be asked at a time is shared out by the few nodes that ask it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.nodes import AGAIN

PROBE = "probe "
"""How the name of a turn begins that is one paid probe."""

SHORT = timedelta(seconds=10)
"""Up to here an interval is kept to the letter: nobody is spared anything by a tenth of it."""

SPREAD = 0.1
"""Jitter, as a share of an interval: sources of one host are not all asked in the same second."""


def host_of(configuration: Configuration, spec: SourceSpec) -> str:
    """Return whom a poll of a source asks, so that the sources of one host share what one host may take."""
    surface = configuration.surfaces.get(spec.surface)
    return urlsplit(spec.url or (surface.base_url if surface is not None else "")).netloc or spec.key


def shards(configuration: Configuration) -> dict[str, tuple[str, ...]]:
    """Return the turns of a configuration: name → the keys of its sources."""
    turns: dict[str, tuple[str, ...]] = {}
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, spec in configuration.sources.items():
        if spec.paid:
            turns[PROBE + key] = (key,)
        else:
            # What calls models may hang for a minute, and keeps no page waiting.
            group = "calls" if spec.can.calls else "polls"
            groups[f"{group} {spec.every.total_seconds():g}s"].append((host_of(configuration, spec), key))
    for group, members in groups.items():
        keys = [key for _, key in sorted(members)]
        for number, first in enumerate(range(0, len(keys), configuration.shard), 1):
            turns[f"{group} {number}"] = tuple(keys[first : first + configuration.shard])
    return turns


def turn_of(key: str, spec: SourceSpec) -> str:
    """Return the turn by which a source is polled sooner than it would be."""
    return (PROBE if spec.paid else AGAIN) + key


def next_due(name: str, every: timedelta, run: int, begun_at: datetime) -> datetime:
    """Return when a turn is due after a run. After the first, when all began at once, they are spread over half of the
    interval.
    """
    if every <= SHORT:
        return begun_at + every
    if run == 1:
        return begun_at + every * (0.5 + _share(name) / 2)
    return begun_at + every * random.uniform(1 - SPREAD, 1 + SPREAD)


def _share(name: str) -> float:
    return int.from_bytes(sha256(name.encode()).digest()[:4]) / 2**32
