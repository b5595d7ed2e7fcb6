"""The one composition root: everything is constructed here, in order, and nothing anywhere else constructs an adapter.

Parts are built when they are first used, so that a command that only reads pays for no SDK. This is one of two modules that read the clock.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor import logs
from monitor.clock import SteadyClock
from monitor.domain.configuration import Configuration, Owner
from monitor.pipeline.declare import declare
from monitor.pipeline.ports import Source
from monitor.settings import Settings, load, resolve
from monitor.store import SqlStore, open_store

if TYPE_CHECKING:
    from monitor.notify.channels import AppriseChannel
    from monitor.pipeline.attend import Attendant
    from monitor.pipeline.budget import DailyBudget
    from monitor.pipeline.maintenance import Maintenance
    from monitor.pipeline.operate import Operator
    from monitor.pipeline.poll import Poller
    from monitor.pipeline.relay import Relay
    from monitor.pipeline.replay import Recording, Replay
    from monitor.pipeline.tend import Tender
    from monitor.sources.http import HttpClient


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux has a clock that goes on while the machine is suspended; by any other, waking up looks like a clock that was set."""


def utc_now() -> datetime:
    """Read the time of day."""
    return datetime.fromtimestamp(time.time(), UTC)


def elapsed() -> float:
    """Count the seconds that pass, also while the machine is suspended where the system can tell."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


class Monitor:
    """A wired monitor over one configuration and one store."""

    def __init__(self, settings: Settings, store: SqlStore, stack: ExitStack, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.store = store
        self.clock = SteadyClock(utc_now, elapsed)
        self.elapsed = elapsed
        self._stack = stack
        self._environ = environ
        self._sources: dict[str, Source] = {}
        stack.callback(self._close_http)

    @property
    def configuration(self) -> Configuration:
        """What the core needs of the settings."""
        return self.settings.configuration

    def secret(self, reference: str) -> str:
        """The secret that a reference names, read anew each time.

        Raises:
            ConfigurationError: it is not there.
        """
        return resolve(reference, self._environ)

    def reconfigure(self, settings: Settings) -> None:
        """Go on under another configuration; what was built from the old one is built anew when it is next used."""
        self.settings = settings
        self._sources = {}
        self._close_http()
        for part in ("budget", "poller", "operator", "maintenance", "attendant", "tender", "channel", "relay"):
            self.__dict__.pop(part, None)

    def _close_http(self) -> None:
        client: HttpClient | None = self.__dict__.pop("http", None)
        if client is not None:
            client.close()

    @cached_property
    def http(self) -> HttpClient:
        """The one pool of connections."""
        from monitor.sources.http import HttpClient

        return HttpClient(allow=self.settings.network.allow)

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """The threads that look at sources side by side."""
        return self._pool(self.settings.run.workers, "look")

    @cached_property
    def senders(self) -> ThreadPoolExecutor:
        """The threads that send: their own, so that a slow destination never delays a look, and few, as Apprise has few."""
        return self._pool(4, "send")

    def _pool(self, threads: int, name: str) -> ThreadPoolExecutor:
        """Make a pool whose threads are waited for at the end, but not by a person who interrupts."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

        def end(kind: type[BaseException] | None, *_: object) -> None:
            interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
            pool.shutdown(wait=not interrupted, cancel_futures=interrupted)

        self._stack.push(end)
        return pool

    def source(self, key: str) -> Source:
        """The source of a key, built when first asked for.

        Raises:
            ConfigurationError: it cannot be built.
        """
        from monitor.sources.catalog import SourceDeps, build

        if key not in self._sources:
            spec = self.configuration.sources[key]
            deps = SourceDeps(
                http=self.http,
                surface=self.configuration.surfaces.get(spec.surface),
                secret=self.secret,
                budget=self.budget,
            )
            self._sources[key] = build(spec, deps)
        return self._sources[key]

    @cached_property
    def budget(self) -> DailyBudget:
        """What paid calls may cost."""
        from monitor.pipeline.budget import DailyBudget

        return DailyBudget(self.store, self.configuration, self.settings.budget)

    @cached_property
    def poller(self) -> Poller:
        """Looks and records."""
        from monitor.pipeline.poll import Poller

        return Poller(
            self.store,
            self.configuration,
            self.source,
            self.clock,
            published=self.publish,
            executor=self.executor,
        )

    @cached_property
    def operator(self) -> Operator:
        """What people do."""
        from monitor.pipeline.operate import Operator

        return Operator(self.store, self.configuration, self.clock, published=self.publish)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Windows in which changes are expected."""
        from monitor.pipeline.maintenance import Maintenance

        return Maintenance(self.store, self.configuration, self.clock, published=self.publish)

    @cached_property
    def attendant(self) -> Attendant:
        """What people say to notices."""
        from monitor.pipeline.attend import Attendant

        return Attendant(self.store, self.configuration, self.clock)

    @cached_property
    def tender(self) -> Tender:
        """What time does."""
        from monitor.pipeline.tend import Tender

        return Tender(self.store, self.configuration, published=self.publish, keep=self.settings.measurements.keep)

    @cached_property
    def channel(self) -> AppriseChannel:
        """How notices leave."""
        from monitor.notify.channels import AppriseChannel
        from monitor.notify.routing import Resolver

        notify = self.settings.notify
        zone = ZoneInfo(notify.timezone) if notify.timezone else None
        return AppriseChannel(Resolver(self._owners, self.secret), timeout=notify.timeout.total_seconds(), zone=zone)

    @cached_property
    def relay(self) -> Relay:
        """Delivers what is due."""
        from monitor.pipeline.relay import Relay

        return Relay(
            store=self.store,
            channel=self.channel,
            clock=self.clock,
            owners=self._owners,
            worker=socket.gethostname(),
            executor=self.senders,
            attempts=self.settings.notify.attempts,
        )

    def _owners(self) -> Mapping[str, Owner]:
        return self.configuration.owners

    def replay(
        self,
        recordings: Mapping[str, Sequence[Recording]],
        *,
        carry: Mapping[str, timedelta] | None = None,
        activate: bool = False,
    ) -> Replay:
        """A replay of recorded looks into this store; nothing is fetched, no secret is read, nothing is published.

        Raises:
            ConfigurationError: a source cannot be built.
        """
        from monitor.pipeline.replay import Replay

        sources = {key: self.source(key) for key in recordings}
        return Replay(self.store, self.configuration, sources, recordings, carry=carry, activate=activate)

    def declare(self) -> int:
        """Record the configuration in the log and judge what it changes; returns how many events that took."""
        return len(declare(self.store, self.configuration, self.clock, published=self.publish))

    def publish(self) -> tuple[str, ...]:
        """Write the lease files as the registry stands; returns the environments whose file is newer than this log, and says so.

        What is newer because another process has just committed is in the log by now, and no matter.

        Raises:
            MonitorError: the folder cannot be written.
        """
        from monitor.gate.lease_file import lease_documents, write_lease
        from monitor.pipeline.standing import standings

        rules = self.configuration.gate
        with self.store.read() as reader:
            now = self.clock()
            standing, head = standings(reader, self.configuration, now), reader.head()
        documents = lease_documents(standing, rules.environments, now, rules.lease, head)
        newer = write_lease(self.settings.lease_dir, documents, head)
        if newer:
            with self.store.read() as reader:
                newer = () if reader.head() > head else newer
        if newer:
            files = ", ".join(str(self.settings.lease_dir / f"{environment}.json") for environment in newer)
            logs.line(
                "lease files are newer than this log; delete them if the database was restored",
                level=logging.WARNING,
                files=files,
            )
        return newer


@contextmanager
def open_monitor(
    config: Path | None = None,
    database: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    durable: bool = True,
) -> Iterator[Monitor]:
    """The monitor under a configuration file (None: the usual places) and a database (None: the configured one).

    Only a scratch database, which nobody opens again, need not be `durable`.

    Raises:
        ConfigurationError: the configuration is wrong, or the database cannot be used.
        Unavailable: the database cannot be reached.
    """
    settings = load(config, environ, database)
    with ExitStack() as stack:
        store = open_store(database_url(settings, environ), durable=durable)
        stack.callback(store.close)
        yield Monitor(settings, store, stack, environ)


def database_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """The path or URL of the database; the setting may refer to it, since a URL holds a password.

    Raises:
        ConfigurationError: what it refers to is not there.
    """
    written = settings.database
    return resolve(written, environ) if written.startswith(("env:", "file:", "credential:")) else written
