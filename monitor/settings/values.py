"""What a loaded configuration is to the rest of the program: frozen values, checked, without a secret in them.

`Settings.configuration` is what the core needs; the other values are for the adapters and the daemon. `build` makes
them from a checked document, with the digest that names this declaration in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from monitor import __version__
from monitor.core.accepted_configuration import Document as KeptDocument
from monitor.core.accepted_configuration import digest
from monitor.core.check_names import expanded
from monitor.core.configuration import (
    Attention,
    CheckRules,
    Configuration,
    ConfirmationRules,
    Deployment,
    DestinationRules,
    GateRules,
    Owner,
    Requirement,
)
from monitor.core.cost import usage
from monitor.core.credentials import AccessScope
from monitor.core.entry_spec import EntrySpec, EvalPlan
from monitor.core.request_log import Fields
from monitor.settings.fields import address
from monitor.settings.places import place
from monitor.settings.schema import Document, EntryTable, OwnerTable
from monitor.settings.sources import Neighbourhood, former, held, specs, surface
from monitor.settings.tables import AUDIT_KEY, RequirementTable, WebTable
from monitor.settings.templates import written_templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """An identity provider: its issuer, what it calls this server, the reference of the secret (empty for none), and
    the claim that lists groups.
    """

    issuer: str
    client_id: str
    client_secret: str
    groups_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where the HTTP server listens. Without a `host` there is none, and with port 0 it takes a free one.

    `tokens` are references; without them `host` is a loopback address. `origins` are those of pages that may ask.
    `public_url` is where people reach it, empty where they do not, and `user_header` names the header in which a proxy
    says who is signed in, which counts from the `proxies` alone. `scopes` says who may what of the people whom a proxy
    or `oidc` names.
    """

    host: str
    port: int
    tokens: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    public_url: str = ""
    user_header: str = ""
    proxies: tuple[str, ...] = ()
    oidc: Oidc | None = None
    scopes: Mapping[AccessScope, tuple[str, ...]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Where people reach the server, without a slash at its end; empty where its port is not known before it
        starts.
        """
        if self.public_url or not (self.host and self.port):
            return self.public_url.rstrip("/")
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Github:
    """References to the webhook's secret (empty: nobody asks) and to the token of the answer, the API's root, and what
    may be deployed where.
    """

    api: str
    webhook_secret: str = ""
    token: str = ""
    deployments: tuple[Deployment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Hosts on private or loopback addresses that sources may reach, in lower case."""

    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """References to the URLs that are told that the monitor works, and that it cannot write; empty where nobody asked
    for it.
    """

    url: str = ""
    failure_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Checkpoints: what they call the log, the references of the keys that sign, how often, and where they go.

    `url` is a reference. `makes_key` says that the key is the program's own, to be made where it is missing.
    """

    origin: str
    signing_keys: tuple[str, ...]
    makes_key: bool
    every: timedelta
    folder: Path | None = None
    entries: bool = False
    file: Path | None = None
    url: str = ""
    witness: str = ""
    witness_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """How deliveries are tried: the time for one attempt, how many attempts, and the zone for local times (empty: UTC
    only).
    """

    timeout: timedelta
    attempts: int
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The daemon: how many sources are polled side by side, and how long running polls may finish at a stop."""

    workers: int
    drain: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Several daemons on one database: what spreads the work (empty: there is one), and what this node is called
    (empty: as its host).
    """

    engine: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """How long what calls to models took and cost is kept."""

    keep: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBytes:
    """How long the bytes of evidence are kept that no event names."""

    keep: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One loaded configuration.

    `folder` is what relative paths count from, absolute. `database` is a path, a URL or a reference to one, as written.
    `signing_key` is a reference, empty where leases are not signed. `budget` is in USD per day and surface. `document`
    is what is in effect, for `show` alone; `origins` maps a key to where its value came from and lacks what is a
    default.
    """

    path: Path
    folder: Path
    configuration: Configuration
    database: str
    lease_dir: Path
    lease_mode: int
    signing_key: str
    github: Github
    web: Web
    network: Network
    audit: Audit
    heartbeat: Heartbeat
    notify: Notify
    run: Run
    nodes: Nodes
    logging: Fields
    budget: Decimal
    measurements: Measurements
    evidence: KeptBytes
    document: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, str] = field(repr=False)


def build(path: Path, document: Document, origins: Mapping[str, str], kept: KeptDocument) -> Settings:
    """Make the values; the document has passed every check, and `kept` is what the log keeps of it."""
    folder = place(document.run.state_dir or "", path.parent)
    neighbourhood = Neighbourhood(document)
    made = [(row, tuple(specs(row, neighbourhood, lambda path: str(place(path, folder))))) for row in document.source]
    configuration = Configuration(
        surfaces={row.key: surface(row) for row in document.surface},
        sources={spec.key: spec for _, sources in made for spec in sources},
        shard=document.nodes.shard,
        former_sources={key: was for row, sources in made for key, was in former(row, sources).items()},
        former_entries={row.key: row.was for row in document.entry if row.was},
        owners={row.key: _owner(row, document.notify.timezone, folder) for row in document.owner},
        fallback_owner=document.notify.fallback_owner or "",
        entries={row.key: _entry(row) for row in document.entry},
        confirmation=ConfirmationRules(
            absence=_requirement(document.confirmation.absence),
            change=_requirement(document.confirmation.change),
            gap=document.confirmation.gap,
            recheck=document.confirmation.recheck,
            hold=document.confirmation.hold,
            reached=document.confirmation.reached,
            correction=document.confirmation.correction,
        ),
        gate=GateRules(
            environments=tuple(document.gate.environments),
            freshness=document.gate.freshness,
            price_freshness=document.gate.price_freshness,
            lease=document.gate.lease,
        ),
        checks=CheckRules(attested=document.checks.attested, verified=document.checks.verified),
        attention=Attention(repeat=document.notify.repeat, escalate_after=document.notify.escalate_after),
        document=kept,
        version=digest(kept)[:12],
        code=__version__,
    )
    return Settings(
        path=path,
        folder=folder,
        configuration=configuration,
        database=document.database.url,
        lease_dir=place(document.gate.lease_dir, folder),
        lease_mode=int(document.gate.lease_mode, 8),
        signing_key=document.gate.signing_key or "",
        github=Github(
            api=document.github.api,
            webhook_secret=document.github.webhook_secret or "",
            token=document.github.token or "",
            deployments=tuple(
                Deployment(
                    repository=row.repository,
                    github_environment=row.github_environment,
                    environment=row.environment,
                    entries=tuple(row.entries),
                    max_age=row.max_age,
                )
                for row in document.deployment
            ),
        ),
        web=_web(document.web),
        network=Network(allow=frozenset(document.network.allow)),
        audit=_audit(document, folder),
        heartbeat=Heartbeat(url=document.heartbeat.url or "", failure_url=document.heartbeat.failure_url or ""),
        notify=Notify(
            timeout=document.notify.timeout, attempts=document.notify.attempts, timezone=document.notify.timezone
        ),
        logging=Fields(**dict(document.logging)),
        run=Run(workers=document.run.workers, drain=document.run.drain),
        nodes=Nodes(
            engine="" if document.nodes.engine == "none" else document.nodes.engine,
            name=document.nodes.name or "",
        ),
        budget=document.budget.per_day,
        measurements=Measurements(keep=document.measurements.keep),
        evidence=KeptBytes(keep=document.evidence.keep),
        document=MappingProxyType(document.model_dump(mode="python", exclude_none=True)),
        origins=MappingProxyType(dict(origins)),
    )


def _web(table: WebTable) -> Web:
    host, port = address(table.listen) if table.listen else ("", 0)
    oidc = table.oidc
    return Web(
        host=host,
        port=port,
        tokens=tuple(table.tokens),
        origins=tuple(table.origins),
        public_url=table.public_url or "",
        user_header=table.user_header or "",
        proxies=tuple(table.trusted_proxy),
        oidc=None
        if oidc.issuer is None
        else Oidc(
            issuer=oidc.issuer,
            client_id=oidc.client_id or "",
            client_secret=oidc.client_secret or "",
            groups_claim=oidc.groups_claim,
        ),
        scopes={scope: tuple(getattr(table.scopes, scope)) for scope in AccessScope},
    )


def _audit(document: Document, folder: Path) -> Audit:
    table = document.audit
    return Audit(
        origin=table.origin,
        signing_keys=tuple(table.signing_keys),
        makes_key=table.signing_keys == [AUDIT_KEY],
        every=table.every,
        folder=None if table.folder is None else place(table.folder, folder),
        entries=table.entries,
        file=None if table.file is None else place(table.file, folder),
        url=table.url or "",
        witness=table.witness or "",
        witness_key=table.witness_key or "",
    )


def _owner(row: OwnerTable, zone: str, folder: Path) -> Owner:
    return Owner(
        key=row.key,
        destinations=tuple(written if isinstance(written, str) else written.url for written in row.destinations),
        escalate_to=row.escalate_to or "",
        templates={form: str(place(path, folder)) for form, path in written_templates(row).items()},
        members=tuple(row.owners or ()),
        rules={
            number: DestinationRules(
                when=frozenset(table.when or ()),
                quiet=table.quiet,
                digest=table.digest,
                zone=table.zone or zone or "UTC",
                secret=table.secret or "",
            )
            for number, table in enumerate(row.destinations, 1)
            if not isinstance(table, str)
        },
    )


def _entry(row: EntryTable) -> EntrySpec:
    settings = {
        field.name: _frozen(value)
        for field in fields(EntrySpec)
        if (value := getattr(row, field.name, None)) is not None
    }
    by_caller = row.touches if isinstance(row.touches, dict) else {}
    settings |= {
        "checks": expanded(row.checks),
        "checks_in": {environment: expanded(names) for environment, names in (row.checks_in or {}).items()},
        "touches": () if isinstance(row.touches, dict) else tuple(row.touches),
        "touches_by": {caller: tuple(kinds) for caller, kinds in by_caller.items()},
        "evals": None if row.evals is None else EvalPlan(**_frozen(dict(row.evals))),
        "on_pause": row.on_pause or ("deny_new" if row.callers else "deny"),
    }
    counts = usage((name, str(count)) for name, count in row.usage.items()) if row.usage else {}
    return EntrySpec(**{**settings, "name": row.name or row.key, "surfaces": dict(held(row)), "usage": counts})


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _requirement(table: RequirementTable) -> Requirement:
    return Requirement(polls=table.polls, span=table.span)
