"""The one composition root: everything is constructed here, in order, and nothing anywhere else constructs an adapter.

Parts are built when they are first used, so that a command that only reads pays for no SDK. This is one of two modules
that read the clock.
"""

from __future__ import annotations

import base64
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.app.clock import ServerTime, SteadyClock
from monitor.app.health import Health
from monitor.core import logs
from monitor.core.configuration import Configuration, Owner
from monitor.core.ports import SEALING, Clock, ConfigurationError, MonitorError, Source
from monitor.core.rests import StoredRests
from monitor.registry.configuration_effects import in_words, recorded
from monitor.settings import Settings, anchored, is_reference, load, resolve, restore
from monitor.store import SqlStore, open_store

if TYPE_CHECKING:
    from monitor.app.lease_files import LeaseFiles
    from monitor.app.nodes.engine import DispatchEngine
    from monitor.app.publication import Publisher
    from monitor.app.use_cases import UseCases
    from monitor.audit.replay import Replay
    from monitor.audit.translog.checkpoints import Checkpoint
    from monitor.audit.translog.sealing import Sealer
    from monitor.core.cache_writes import CacheWrite
    from monitor.core.configuration import SourceSpec
    from monitor.core.events import Event
    from monitor.core.facts import ReplayedRecording
    from monitor.detection.budget import DailyBudget, Fence
    from monitor.detection.poller import Poller
    from monitor.gate.recency import Recency
    from monitor.notify.alarm import Alarm
    from monitor.notify.channels import AppriseChannel
    from monitor.notify.relay import Relay
    from monitor.registry.acknowledging import Attendant
    from monitor.registry.acts import Acts, Attestation, AttestationRequest
    from monitor.registry.configuration_acceptance import Loading, LoadingEffect
    from monitor.registry.credentials import Credentials
    from monitor.registry.housekeeping import Tender
    from monitor.registry.operator import Operator
    from monitor.registry.unit_of_work import Rehearsal
    from monitor.sources.http import HttpClient


_ACCEPT = "`access-monitor config check` says why, `access-monitor config accept --by YOU --reason TEXT` accepts it."
_CONFIGURED = ("budget", "use_cases", "poller", "tender", "channel", "relay", "lease_files", "sealer", "publisher")
"""The parts of a monitor that are built from its configuration."""

_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux has a clock that goes on while the machine is suspended; by any other, waking up looks like a clock that was
set.
"""


def utc_now() -> datetime:
    """Read the time of day."""
    return datetime.fromtimestamp(time.time(), UTC)


def elapsed() -> float:
    """Count the seconds that pass, also while the machine is suspended where the system can tell."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The configuration that a monitor goes by.

    `unaccepted` says in a sentence why that is not the file's; empty where it is. `before` is what production went by
    so far, None where that is the same.
    """

    settings: Settings
    before: Configuration | None = None
    unaccepted: str = ""


class Monitor:
    """A wired monitor over one configuration and one store."""

    def __init__(self, settings: Settings, store: SqlStore, stack: ExitStack, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.chosen = Chosen(settings)
        self.store = store
        self.server_time = ServerTime(store.turns.time, elapsed) if settings.nodes.engine else None
        self.clock = SteadyClock(self.server_time or utc_now, elapsed)
        self.elapsed = elapsed
        self.health = Health(elapsed)
        self.unattended = False
        self.fence: Callable[[str], Fence] | None = None
        self._stack = stack
        self._environ = environ
        self._sources: dict[str, Source] = {}
        stack.callback(self._close_http)

    @property
    def node_name(self) -> str:
        """What this process is called among those that share the database."""
        return self.settings.nodes.name or socket.gethostname()

    @property
    def configuration(self) -> Configuration:
        """What the core needs of the settings."""
        return self.settings.configuration

    def secret(self, reference: str) -> str:
        """Return the secret that a reference names, read anew each time.

        Raises:
            ConfigurationError: it is not there.
        """
        return resolve(reference, self._environ, self.settings.folder)

    def choose(self, settings: Settings) -> Chosen:
        """Return a configuration to go by; or, where it takes something from production that nobody accepted, the last
        accepted one.

        Raises:
            ConfigurationError: it takes something from production, and there is no accepted one to go on with.
        """
        with self.store.read() as reader:
            last = recorded(reader)
        if last is None or last.version == settings.configuration.version:
            return Chosen(settings)
        before = self.accepted(settings)
        assessment = self.assess(settings)
        if assessment.loads:
            return Chosen(settings, before=(before or settings).configuration)
        would = f"{settings.path} would {in_words(assessment.taken)}, which nobody has accepted"
        if before is None:
            raise ConfigurationError(f"{would}: {_ACCEPT}")
        return Chosen(before, unaccepted=f"{would}; the configuration accepted before goes on: {_ACCEPT}")

    def go_by(self, chosen: Chosen) -> None:
        """Go on under a configuration that was chosen."""
        self.chosen = chosen
        self.reconfigure(chosen.settings)

    def assess(self, settings: Settings) -> LoadingEffect:
        """Return what loading a configuration would do to what production is answered."""
        with self.store.read() as reader:
            return self._loading(settings).assess(reader, self.clock())

    def accept(
        self, settings: Settings, *, by: str, reason: str, via: Mapping[str, str], expect: int | None
    ) -> Event | None:
        """Record that what a configuration takes from production is meant; None where it takes nothing.

        Raises:
            Refused: something moved after `expect`.
        """
        begin = self.use_cases.begin
        return self._loading(settings).accept(begin, by=by, reason=reason, via=via, expect=expect)

    def _loading(self, settings: Settings) -> Loading:
        from monitor.gate.state import Production
        from monitor.registry.configuration_acceptance import Loading

        before = self.accepted(settings) or settings
        return Loading(before.configuration, settings.configuration, Production)

    def accepted(self, settings: Settings) -> Settings | None:
        """Return the configuration that the log recorded last; None where it recorded none that this version could go
        by.

        Where things lie says `settings`, the file at hand; secrets are taken from there, or from what runs.
        """
        with self.store.read() as reader:
            last = recorded(reader)
        if last is None or last.document is None:
            return None
        try:
            return restore(last.document, settings, self.settings)
        except ConfigurationError:
            return None

    def reconfigure(self, settings: Settings) -> None:
        """Go on under another configuration; what was built from the old one is built anew when it is next used."""
        self.settings = settings
        self._sources = {}
        self._close_http()
        for part in (
            "budget",
            "use_cases",
            "poller",
            "tender",
            "channel",
            "relay",
            "lease_files",
            "sealer",
            "publisher",
        ):
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
        """The threads that poll sources side by side."""
        return self._pool(self.settings.run.workers, "poll")

    @cached_property
    def senders(self) -> ThreadPoolExecutor:
        """The threads that send: their own, so that a slow destination never delays a poll, and enough for many that
        hang at a time; one is begun only when it is needed.
        """
        return self._pool(100, "send")

    def _pool(self, threads: int, name: str) -> ThreadPoolExecutor:
        """Make a pool whose threads are waited for at the end, but not by a person who interrupts."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

        def end(kind: type[BaseException] | None, *_: object) -> None:
            interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
            pool.shutdown(wait=not interrupted, cancel_futures=interrupted)

        self._stack.push(end)
        return pool

    def source(self, key: str) -> Source:
        """Return the source of a key, built when first asked for.

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
                budget=self.budget if self.fence is None else self.budget.fenced(self.fence(key)),
                written=self._written,
                rests=StoredRests(self.store),
            )
            self._sources[key] = build(spec, deps)
        return self._sources[key]

    def _written(self, spec: SourceSpec, now: datetime) -> CacheWrite | None:
        from monitor.detection.late_reads import awaiting

        with self.store.read() as reader:
            return awaiting(reader, spec, now)

    @cached_property
    def budget(self) -> DailyBudget:
        """What paid calls may cost."""
        from monitor.detection.budget import DailyBudget

        return DailyBudget(self.store, self.configuration, self.settings.budget)

    @cached_property
    def use_cases(self) -> UseCases:
        """What can be done to the store; whatever moves the gate's answers writes the lease files anew."""
        from monitor.app.use_cases import UseCases

        return UseCases(self.store, self.configuration, self.clock, published=self.after_commit)

    @cached_property
    def poller(self) -> Poller:
        """Polls and records."""
        return self.use_cases.poller(self.source, self.executor)

    def poll_first(self, key: str, max_age: timedelta, *, paid: bool = False) -> Recency:
        """Poll what an entry rests on and what was not polled within `max_age`, before its gate is answered.

        Raises:
            MonitorError: the store cannot be read or written.
        """
        from monitor.gate.recency import PollFirst

        return PollFirst(self.store, self.configuration, self.poller, self.clock)(key, max_age, paid=paid)

    @property
    def operator(self) -> Operator:
        """What people do."""
        return self.use_cases.operator

    @property
    def acts(self) -> Acts:
        """What people do, by the names that they use."""
        return self.use_cases.acts

    def attestation(self, request: AttestationRequest) -> Attestation:
        """Return what a person attests a check with, its files read.

        Raises:
            Refused: a file is not what the check takes.
            MonitorError: a file is too large to be kept.
        """
        from monitor.app.attaching import attestation_of

        return attestation_of(request, self.settings.logging, self.clock())

    def rehearse(self, act: Callable[[Acts], object]) -> Rehearsal:
        """Return what an act would record and tell; nothing is changed.

        Raises:
            Refused: as the act.
        """
        return self.use_cases.rehearse(lambda use_cases: act(use_cases.acts))

    @property
    def attendant(self) -> Attendant:
        """What people say to notices."""
        return self.use_cases.attendant

    @property
    def credentials(self) -> Credentials:
        """What lets people and programs in over HTTP."""
        return self.use_cases.credentials

    @cached_property
    def tender(self) -> Tender:
        """What time does."""
        from monitor.registry.housekeeping import Keeping

        settings = self.settings
        return self.use_cases.tender(
            keeping=Keeping(measurements=settings.measurements.keep, evidence=settings.evidence.keep),
            shared=bool(settings.nodes.engine),
        )

    @cached_property
    def channel(self) -> AppriseChannel:
        """How notices leave."""
        from monitor.notify.channels import CONNECT_TIMEOUT, AppriseChannel
        from monitor.notify.routing import Resolver
        from monitor.notify.service import Means

        notify = self.settings.notify
        zone = ZoneInfo(notify.timezone) if notify.timezone else None
        timeout, resolver = notify.timeout.total_seconds(), Resolver(self._owners, self.secret)

        def means(destination: str) -> Means:
            return Means(
                timeout=(timeout, min(CONNECT_TIMEOUT, timeout)),
                clock=self.clock,
                folder=self.settings.folder,
                secret=resolver.signing(destination),
            )

        return AppriseChannel(resolver, timeout=timeout, zone=zone, templates=self._templates, means=means)

    @cached_property
    def alarm(self) -> Alarm:
        """Tells owners what the database cannot be asked to tell."""
        from monitor.notify.alarm import Alarm

        return Alarm(lambda: self.channel, self._owners_of_entries, self.senders)

    def _owners_of_entries(self) -> Sequence[Owner]:
        from monitor.notify.destinations import notified

        owners, fallback = self.configuration.owners, self.configuration.fallback_owner
        named = [owner for entry in self.configuration.entries.values() for owner in entry.owners]
        keys = (key for name in (*named, *filter(None, [fallback])) for key in notified(owners, fallback, name))
        return [owners[key] for key in dict.fromkeys(keys)]

    @cached_property
    def relay(self) -> Relay:
        """Delivers what is due."""
        from monitor.gate.state import Production
        from monitor.notify.relay import Relay

        return Relay(
            store=self.store,
            channel=self.channel,
            clock=self.clock,
            owners=self._owners,
            worker=self.node_name,
            executor=self.senders,
            attempts=self.settings.notify.attempts,
            still_allowed=self.lease_files.still_allowed,
            gate=lambda reader, now: Production(reader, self.configuration, now),
            fallback_owner=lambda: self.configuration.fallback_owner,
            public_url=self.settings.web.public_url,
        )

    def _templates(self, owner: str) -> Mapping[str, str]:
        known = self._owners().get(owner)
        return {} if known is None else known.templates

    def _owners(self) -> Mapping[str, Owner]:
        return self.configuration.owners

    def replay(
        self,
        recordings: Mapping[str, Sequence[ReplayedRecording]],
        *,
        carry: Mapping[str, timedelta] | None = None,
        activate: bool = False,
    ) -> Replay:
        """Return a replay of recorded looks into this store; nothing is fetched, no secret is read, nothing is
        published.

        Raises:
            ConfigurationError: a source cannot be built.
        """
        from monitor.app.use_cases import UseCases
        from monitor.audit.replay import Replay

        sources = {key: self.source(key) for key in recordings}

        def use_cases(configuration: Configuration, clock: Clock) -> UseCases:
            return UseCases(self.store, configuration, clock, published=lambda: None)  # nobody reads its leases

        return Replay(self.store, self.configuration, sources, recordings, use_cases, carry=carry, activate=activate)

    def engine(self) -> DispatchEngine:
        """Return what spreads work over nodes.

        Raises:
            ConfigurationError: it is not installed.
        """
        from monitor.app.nodes.engine import engine_of

        return engine_of(self.settings.nodes.engine, self.store)

    def declare(self) -> int:
        """Record the configuration in the log and judge what it changes; returns how many events that took."""
        return len(self.use_cases.declare(self.chosen.before))

    @cached_property
    def lease_files(self) -> LeaseFiles:
        """What production is told where it reads files."""
        from monitor.app.lease_files import LeaseFiles

        settings = self.settings
        return LeaseFiles(
            self.store,
            settings.configuration,
            self.clock,
            self.health,
            folder=settings.lease_dir,
            mode=settings.lease_mode,
        )

    def publish(self) -> None:
        """Write the lease files as the registry stands; raises as `LeaseFiles.publish`."""
        self.lease_files.publish()

    def seal(self) -> tuple[Checkpoint, list[MonitorError]]:
        """Sign a checkpoint where the log has grown, and bring the last one everywhere; return it, and what went wrong
        on the way.

        Raises:
            ConfigurationError: a signing key is not there.
            Rewritten: the log was changed behind an earlier checkpoint, so none is signed.
        """
        from monitor.audit.translog.sealing import Rewritten

        try:
            checkpoint = self.sealer.seal()
            failures = self.publisher.publish(checkpoint)
            for failure in failures:
                if isinstance(failure, Rewritten):
                    raise failure
        except Rewritten as error:
            self.health.failing(SEALING, str(error), self.clock())
            raise
        self.health.works(SEALING)
        return checkpoint, failures

    @cached_property
    def sealer(self) -> Sealer:
        """Signs checkpoints."""
        from monitor.audit.translog.sealing import Sealer

        return Sealer(self.store, self.clock, self.settings.audit.origin, self._signing_secrets)

    def _signing_secrets(self) -> list[str]:
        audit = self.settings.audit
        if audit.makes_key:
            for reference in audit.signing_keys:
                make_key(self.settings.folder / reference.removeprefix("file:"))
        return [self.secret(reference) for reference in audit.signing_keys]

    @cached_property
    def publisher(self) -> Publisher:
        """Brings checkpoints to where they are out of reach."""
        from monitor.app.publication import Places, Publisher
        from monitor.audit.translog.notes import verifier_key

        audit = self.settings.audit
        places = Places(
            folder=audit.folder,
            entries=audit.entries,
            file=audit.file,
            url=self.secret(audit.url) if audit.url else "",
            witness=audit.witness,
            witness_key=verifier_key(audit.witness_key) if audit.witness_key else None,
        )
        return Publisher(self.store, places)

    def after_commit(self) -> None:
        """Write the lease files after what was committed. A daemon, which tries again every second, goes on when they
        cannot be.

        Raises:
            MonitorError: as `publish`, for everybody else.
        """
        try:
            self.publish()
        except MonitorError:
            if not self.unattended:
                raise


@contextmanager
def open_monitor(
    config: Path | None = None,
    database: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    durable: bool = True,
    create: bool = True,
) -> Iterator[Monitor]:
    """Provide the monitor under a configuration file (None: the usual places) and a database (None: the configured
    one).

    Only a scratch database, which nobody opens again, need not be `durable`. Without `create` nothing is made: neither
    a database nor a folder nor a newer schema.

    Raises:
        NoDatabase: there is no database, and none may be made.
        ConfigurationError: the configuration is wrong, or the database cannot be used.
        Unavailable: the database cannot be reached.
    """
    settings = load(config, environ, database)
    with monitor_over(settings, environ, durable=durable, create=create) as monitor:
        monitor.go_by(monitor.choose(settings))
        yield monitor


@contextmanager
def monitor_over(
    settings: Settings, environ: Mapping[str, str], *, durable: bool = True, create: bool = False
) -> Iterator[Monitor]:
    """Provide the monitor under these settings, whether or not they would be taken; raises what `open_monitor` does."""
    with ExitStack() as stack:
        store = open_store(database_url(settings, environ), durable=durable, migrate=create)
        stack.callback(store.close)
        yield Monitor(settings, store, stack, environ)


def database_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Return the path or URL of the database; the setting may refer to it, since a URL holds a password.

    Raises:
        ConfigurationError: what it refers to is not there, or a database stands only where version 0.2.0 would have
            polled.
    """
    written = settings.database
    if is_reference(written):
        written = resolve(written, environ, settings.folder)
    url = anchored(written, settings.folder)
    try:
        before = anchored(written, Path())
    except OSError:  # the working directory is gone
        return url
    if before != url and not os.path.exists(url) and os.path.isfile(before):
        raise ConfigurationError(
            f"There is no database at {url}, but there is one at {before}, where version 0.2.0 kept it: "
            f'write state_dir = "{os.getcwd()}" into [run] of {settings.path}, or move that database.'
        )
    return url


def make_key(path: Path) -> None:
    """Make a signing key where there is none; only its owner may read it.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigurationError(
            f"The signing key {path} cannot be made ({error.strerror}): let this user write there, or set "
            "audit.signing_keys."
        ) from None
    logs.line("a key that signs checkpoints was made", path=path)
