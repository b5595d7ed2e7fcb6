"""What a loaded configuration is to the rest of the program: frozen values, checked, without a secret in them.

`Settings.configuration` is what the core needs; the other values are for the adapters and the daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.domain.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where the HTTP server listens. Without a `host` there is none, and with port 0 it takes a free one.

    `tokens` are references; without them `host` is a loopback address.
    """

    host: str
    port: int
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Hosts on private or loopback addresses that sources may reach, in lower case."""

    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A reference to the URL that is told that the monitor is alive; empty where nobody asked for it."""

    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """How deliveries are tried: the time for one attempt, how many attempts, and the zone for local times (empty: UTC only)."""

    timeout: timedelta
    attempts: int
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The daemon: how many sources are looked at side by side, and how long running looks may finish at a stop."""

    workers: int
    drain: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One loaded configuration.

    `database` is a path, a URL or a reference to one, as written. `budget` is in USD per day and surface. `document` is what is in
    effect, for `show` alone; `origins` maps a key to where its value came from and lacks what is a default.
    """

    path: Path
    configuration: Configuration
    database: str
    lease_dir: Path
    web: Web
    network: Network
    heartbeat: Heartbeat
    notify: Notify
    run: Run
    budget: Decimal
    document: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, str] = field(repr=False)
