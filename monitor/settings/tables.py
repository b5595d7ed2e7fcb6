"""The plain sections of the file: what each key is, its default and its unit. The tables that stand in lists are in
`schema`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.core.configuration import CheckRules, ConfirmationRules, GateRules
from monitor.core.request_log import Fields
from monitor.settings.fields import (
    BaseUrl,
    Database,
    Duration,
    Environment,
    Header,
    Host,
    Key,
    Listen,
    LogName,
    Money,
    Origin,
    ProxyAddress,
    Reference,
    Share,
    Span,
    Timezone,
    Url,
)
from monitor.sources.options import Distinct, Text

REQUEST = Fields()


class SettingsTable(BaseModel):
    """A TOML table; a key that it does not have is refused."""

    # Of each table only what the whole document needs is built; a validator of its own would take as long again at
    # every start.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class KeyedTable(SettingsTable):
    """One of a list of tables, known by its key."""

    key: Key = Field(examples=["name"])


class LoggingTable(SettingsTable):
    """What the fields of the team's own request log are called; dots lead into nested objects."""

    at: Text = Field(
        default=REQUEST.at, description="The time: RFC 3339 with a zone, or seconds or milliseconds since 1970."
    )
    model: Text = Field(default=REQUEST.model, description="The exact model id.")
    latency: Text = Field(default=REQUEST.latency, description="How long it took, in any unit.")
    input: Text = Field(default=REQUEST.input, description="Input tokens.")
    cached: Text = Field(default=REQUEST.cached, description="Input tokens read from the cache.")
    cache_write: str = Field(
        default=REQUEST.cache_write, description="Input tokens written to the cache; empty for none."
    )
    output: Text = Field(default=REQUEST.output, description="Output tokens.")
    cost: Text = Field(default=REQUEST.cost, description="What it cost, in USD.")
    error: Text = Field(default=REQUEST.error, description="What went wrong; null, false or empty where nothing did.")
    retries: Text = Field(default=REQUEST.retries, description="How often it was tried again.")
    tier: str = Field(default=REQUEST.tier, description="The processing mode; empty where the log has none.")
    cached_in_input: bool = Field(
        default=REQUEST.cached_in_input, description="Whether input counts cached and written tokens as well."
    )
    tolerance: Share = Field(
        default=REQUEST.tolerance, description="The share by which a logged cost may differ from price times tokens."
    )


LEASE_DIR = "var/lease"
AUDIT_KEY = "file:var/audit.key"
CONFIRMATION = ConfirmationRules()
GATE = GateRules()
CHECKS = CheckRules()


class DatabaseTable(SettingsTable):
    """Where everything is kept."""

    url: Database = Field(
        default="sqlite:///var/monitor.db",
        description="A path (relative to run.state_dir) or URL of SQLite, a URL of PostgreSQL, or a reference to one.",
    )


class RequirementTable(SettingsTable):
    """What it takes to confirm a change."""

    polls: int = Field(ge=1, le=1000, description="Good polls that show it.", examples=[3])
    span: Duration = Field(description="The least time between the first and the last of them.", examples=["30m"])


class ConfirmationTable(SettingsTable):
    """How many polls over how long confirm a change."""

    absence: RequirementTable = RequirementTable(polls=CONFIRMATION.absence.polls, span=CONFIRMATION.absence.span)
    change: RequirementTable = RequirementTable(polls=CONFIRMATION.change.polls, span=CONFIRMATION.change.span)
    gap: Duration = Field(default=CONFIRMATION.gap, description="Polls closer together count as one.")
    recheck: Span = Field(default=CONFIRMATION.recheck, description="When a pending change is polled again, jittered.")
    hold: Span = Field(default=CONFIRMATION.hold, description="How long a mass drop that only a list shows is held.")
    reached: Span = Field(
        default=CONFIRMATION.reached,
        description="How long a list has to miss a model that another route still reaches before that is confirmed.",
    )
    correction: Duration = Field(
        default=CONFIRMATION.correction,
        description="How long after its first listing another price is a correction of it; zero: never.",
    )


class BudgetTable(SettingsTable):
    """What paid checks may cost."""

    per_day: Money = Field(
        default=Decimal("1.00"), description="USD that the paid checks of one surface may spend in a day."
    )


class MeasurementsTable(SettingsTable):
    """What is kept of single calls to models."""

    keep: Span = Field(default=timedelta(days=90), description="How long what a call took and cost is kept.")


class EvidenceTable(SettingsTable):
    """What is kept of what sources answered."""

    keep: Span = Field(
        default=timedelta(days=90),
        description="How long the bytes are kept that no event names; those that one names are kept for good.",
    )


class NetworkTable(SettingsTable):
    """Where sources may connect to."""

    allow: list[Host] = Field(
        default=[], description="Hosts on private or loopback addresses that sources may reach; none unless named."
    )


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ScopesTable(SettingsTable):
    """Who may what, of the people whom an identity provider or a proxy names."""

    gate: Annotated[list[Text], Distinct] = Field(default=[], description="Who may ask the gate.")
    read: Annotated[list[Text], Distinct] = Field(
        default=[],
        description='Who may read: e-mail addresses, names of a proxy, groups as in "group:platform"; "*" is everybody '
        "who signs in.",
    )
    operate: Annotated[list[Text], Distinct] = Field(default=[], description="Who may act on entries, and read.")
    admin: Annotated[list[Text], Distinct] = Field(
        default=[], description="Who may accept configurations, and all else."
    )


class OidcTable(SettingsTable):
    """An identity provider (OpenID Connect) by which people sign in."""

    issuer: Url | None = Field(
        default=None, description="Its issuer, as its tokens name it.", examples=["https://login.example.com"]
    )
    client_id: Text | None = Field(default=None, description="What it calls this server.")
    client_secret: Reference | None = Field(
        default=None, description="A reference to the secret that it gave this server; none for a public client."
    )
    groups_claim: Text = Field(default="groups", description="The claim of its tokens that lists a person's groups.")


class WebTable(SettingsTable):
    """The HTTP server."""

    listen: Listen = Field(
        default="127.0.0.1:8787", description="Host and port; with port 0 a free one, empty for no HTTP server."
    )
    tokens: list[Reference] = Field(
        default=[], description="References to bearer tokens; needed to listen elsewhere than on loopback."
    )
    origins: Annotated[list[Origin], Distinct] = Field(
        default=[],
        description="Origins of pages that may ask from a browser; none unless named.",
        examples=[["https://app.example.com"]],
    )
    public_url: BaseUrl | None = Field(
        default=None,
        description="Where people reach this server; messages of pauses then have a link to acknowledge them.",
        examples=["https://monitor.example.com"],
    )
    user_header: Header | None = Field(
        default=None,
        description="The header in which a proxy names who is signed in; a link in a message then asks for no name.",
        examples=["X-Forwarded-User"],
    )
    trusted_proxy: Annotated[list[ProxyAddress], Distinct, BeforeValidator(_one_or_several)] = Field(
        default=[],
        description="Addresses and networks of proxies whose user_header signs people in; none unless named.",
        examples=[["127.0.0.1"]],
    )
    oidc: OidcTable = OidcTable()
    scopes: ScopesTable = ScopesTable()


class GateTable(SettingsTable):
    """How long an answer of the gate may be relied on."""

    lease_dir: Text = Field(
        default=LEASE_DIR,
        description="The folder of the lease files, one for each environment; relative to run.state_dir.",
    )
    lease_mode: Literal["0600", "0640", "0644"] = Field(
        default="0600",
        description="Who may read the lease files: their owner, 0640 also its group, 0644 everybody on the host.",
    )
    environments: Annotated[list[Environment], Distinct] = Field(
        default=list(GATE.environments),
        description="Names of environments; only production is never answered for an unproven model.",
    )
    freshness: Span = Field(default=GATE.freshness, description="How old the last good poll of access facts may be.")
    price_freshness: Span = Field(
        default=GATE.price_freshness, description="How old the last good poll of prices may be."
    )
    lease: Span = Field(default=GATE.lease, description="How long an answer holds without a living monitor.")
    signing_key: Reference | None = Field(
        default=None, description="A reference to the Ed25519 key that signs the lease files served over HTTP."
    )


class GithubTable(SettingsTable):
    """The answer to GitHub before it deploys."""

    webhook_secret: Reference | None = Field(
        default=None, description="A reference to the secret of the webhook; without it there is no such path."
    )
    token: Reference | None = Field(
        default=None, description="A reference to the installation token that the answer is given with."
    )
    api: BaseUrl = Field(default="https://api.github.com", description="The root of GitHub's API.")


class ChecksTable(SettingsTable):
    """How long a readiness check holds."""

    attested: Span = Field(default=CHECKS.attested, description="How long an attestation holds.")
    verified: Span = Field(
        default=CHECKS.verified, description="How long what a source verified holds after its last good poll."
    )


class AuditTable(SettingsTable):
    """Checkpoints of the log: who signs them, and where they go."""

    origin: LogName = Field(
        default="access-monitor", description="What checkpoints call the log; its id is added to it."
    )
    signing_keys: Annotated[list[Reference], Distinct] = Field(
        default=[AUDIT_KEY],
        min_length=1,
        description=(
            "References to the Ed25519 keys that sign, the current one first; the default file is made where it is "
            "missing."
        ),
    )
    every: Span = Field(
        default=timedelta(minutes=5), description="How often the daemon signs a checkpoint, where the log has grown."
    )
    folder: Text | None = Field(
        default=None,
        description="The folder that gets the checkpoint and the tiles of the tree, for any web server to serve.",
        examples=["/srv/log"],
    )
    entries: bool = Field(
        default=False, description="Whether the folder also gets what the leaves hold, names of people included."
    )
    file: Text | None = Field(
        default=None, description="A file that gets each checkpoint, as on another host.", examples=["/mnt/audit/log"]
    )
    url: Reference | None = Field(
        default=None, description="A reference to a URL that each checkpoint is sent to, by POST."
    )
    witness: BaseUrl | None = Field(
        default=None,
        description="The submission prefix of a witness (C2SP tlog-witness), which cosigns each checkpoint.",
        examples=["https://witness.example.com"],
    )
    witness_key: Text | None = Field(default=None, description="The verifier key of the witness.")


class HeartbeatTable(SettingsTable):
    """The watcher of the watcher."""

    url: Reference | None = Field(
        default=None, description="A reference to a URL that is fetched while the monitor works."
    )
    failure_url: Reference | None = Field(
        default=None,
        description="A reference to a URL that is fetched when the database or the lease files cannot be written.",
    )


class NotifyTable(SettingsTable):
    """How notices are delivered."""

    timeout: Span = Field(default=timedelta(seconds=10), description="How long one attempt may take.")
    attempts: int = Field(
        default=30, ge=1, le=1000, description="Attempts before a delivery is dead; 30 are about a day."
    )
    timezone: Timezone = Field(default="", description="Zone of the local times beside UTC; none unless named.")
    repeat: Duration = Field(
        default=timedelta(hours=4),
        description=("When a pause that nobody acknowledges is notified again, then ever more seldom; 0s for never."),
    )
    escalate_after: int = Field(
        default=2, ge=1, le=100, description="From which repeat on the owners' escalate_to is notified, too."
    )
    fallback_owner: str | None = Field(
        default=None,
        description="The owner who is notified of what has no other owner, and of every undelivered message.",
        examples=["oncall"],
    )


class NodesTable(SettingsTable):
    """Several daemons on one PostgreSQL database, which share the work."""

    engine: Literal["none", "procrastinate"] = Field(
        default="none", description="What spreads work over nodes; none: one daemon does it all."
    )
    shard: int = Field(default=200, ge=1, le=10_000, description="How many sources are polled as one job.")
    name: Key | None = Field(
        default=None, description="What this node is called, unlike every other; the host's name unless given."
    )


class RunTable(SettingsTable):
    """The daemon, and where its files are."""

    state_dir: Text | None = Field(
        default=None,
        description=(
            "The folder that relative paths count from; itself relative to the folder of this file, its default."
        ),
        examples=["/var/lib/access-monitor"],
    )
    workers: int = Field(
        default=8,
        ge=1,
        le=256,
        description="How many sources are polled side by side, and as many probes beside them.",
    )
    drain: Duration = Field(
        default=timedelta(seconds=20), description="How long running polls may finish when it is stopped."
    )
