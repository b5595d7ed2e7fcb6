"""The shape of the file: every table, key, type, default and unit, and in which order file, environment and options
count.

How one value is read is in `fields`, what holds between tables in `rules`. Nothing here reads a file or the process's
environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from monitor.settings.fields import (
    BaseUrl,
    Checks,
    ClientVersion,
    Day,
    Destination,
    Endpoint,
    Environment,
    Header,
    Key,
    QuietHours,
    Reference,
    Repository,
    Span,
    Tier,
    TimeOfDay,
    Timezone,
    Touches,
    Url,
    Usage,
    When,
)
from monitor.settings.tables import (
    AuditTable,
    BudgetTable,
    ChecksTable,
    ConfirmationTable,
    DatabaseTable,
    EvidenceTable,
    GateTable,
    GithubTable,
    HeartbeatTable,
    KeyedTable,
    LoggingTable,
    MeasurementsTable,
    NetworkTable,
    NodesTable,
    NotifyTable,
    RunTable,
    SettingsTable,
    WebTable,
)
from monitor.sources import catalog
from monitor.sources.options import Distinct, ModelId, Text, Trust

PRODUCTION = "production"

ALTERNATIVE = "|"
"""With it begins, in the place of a finding, the name of one of the shapes that a value may have; no key does."""

PREFIX = "ACCESS_MONITOR__"
DELIMITER = "__"


class SurfaceTable(KeyedTable):
    """A door to models."""

    base_url: BaseUrl = Field(examples=["https://api.openai.com/v1"])
    provider: Key | None = Field(default=None, description="Whose prices its models go by; the key unless given.")
    api_key: Reference | None = Field(default=None, description="A reference to the key of a project.")
    admin_key: Reference | None = Field(default=None, description="A reference to an admin key, for kind admin.")
    project: Header | None = Field(default=None, description="The project that the key belongs to.")
    key_header: Header | None = Field(
        default=None,
        description="The header that carries the key, where it is not Authorization.",
        examples=["api-key"],
    )
    headers: dict[str, Text] = Field(
        default={}, description="Further headers of every request; values literal or references."
    )
    region_url: BaseUrl | None = Field(
        default=None,
        description="The regional host that the route region tries.",
        examples=["https://eu.api.openai.com/v1"],
    )
    region: Text | None = Field(
        default=None,
        description="The region in which calls are processed, as pricing pages name it: its prices count.",
        examples=["eu"],
    )


class CommonSourceTable(KeyedTable):
    """Something polled. Which keys a kind has says the kind; one that a plug-in brings may have more."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    was: Key | None = Field(
        default=None, description="Its key before it was renamed; what is known under that key goes on under this one."
    )
    kind: str = Field(examples=list(catalog.BUILTIN))
    every: Span | None = Field(default=None, description="How often it is polled; each kind has its own default.")
    surface: str | None = Field(default=None, examples=["openai"])
    provider: Key | None = Field(default=None, description="Whose prices it states.", examples=["openai"])
    url: Url | None = Field(default=None, examples=["https://developers.openai.com/api/docs/pricing.md"])
    format: str | None = Field(default=None, examples=["llm_prices"])
    trust: Trust | None = Field(
        default=None,
        description="Only an official source can pause; a price_feed is third_party by default, all others official.",
    )


def _keys_of_kinds() -> dict[str, Any]:
    """Return the keys that only some kinds have, as these declare them; none of them is needed by all, so none is
    needed here. A `format` is one of any kind; whether it is one of its own kind, that says.
    """
    fields_by_key: dict[str, Any] = {}
    formats: list[str] = []
    for name in catalog.BUILTIN:
        for key, field in catalog.options(name).items():
            if key not in CommonSourceTable.model_fields:
                fields_by_key[key] = (field.annotation, field)
            elif key == "format":
                formats += get_args(field.annotation)
    named = Literal[tuple(dict.fromkeys(formats))]  # type: ignore[valid-type]  # what the kinds declare, not written out
    fields_by_key["format"] = (cast(Any, named) | None, Field(default=None, examples=["llm_prices"]))
    return fields_by_key


if TYPE_CHECKING:
    SourceTable: TypeAlias = CommonSourceTable
else:
    SourceTable = create_model(
        "SourceTable", __base__=CommonSourceTable, __doc__=CommonSourceTable.__doc__, **_keys_of_kinds()
    )


class DeploymentTable(KeyedTable):
    """Which entries a deployment needs."""

    repository: Repository = Field(examples=["example/shop"])
    github_environment: Text = Field(examples=["production"], description="The environment's name at GitHub.")
    environment: Environment = Field(default=PRODUCTION, description="The environment that the gate is asked about.")
    entries: Annotated[list[str], Distinct] = Field(min_length=1, examples=[["gpt-5.6-luna"]])
    max_age: Span | None = Field(
        default=None,
        description="Poll first what the entries rest on where it was not polled within this time, free sources only.",
        examples=["10m"],
    )


class DestinationTable(SettingsTable):
    """Where notices go, and which of them when."""

    url: Destination = Field(description="A reference to an Apprise URL, or such a URL.", examples=["env:SLACK_URL"])
    when: When | None = Field(
        default=None,
        description="The reasons that it takes, as headlines begin with them, in lower case; all unless named.",
        examples=[["paused", "denied"]],
        min_length=1,
    )
    quiet: QuietHours | None = Field(
        default=None,
        description="Between which times of the day only what is urgent is sent.",
        examples=["22:00-07:00"],
    )
    digest: TimeOfDay | None = Field(
        default=None,
        description="At which time of the day what is not urgent is sent, as one message.",
        examples=["08:00"],
    )
    zone: Timezone | None = Field(
        default=None,
        description="The zone of these times; notify.timezone unless given.",
        examples=["Europe/Berlin"],
    )
    secret: Reference | None = Field(
        default=None,
        description="A reference to the secret (whsec_…) that signs what a cloudevents+https:// destination gets.",
    )


OwnDestination: TypeAlias = Annotated[
    Annotated[Destination, Tag(f"{ALTERNATIVE}text")] | Annotated[DestinationTable, Tag(f"{ALTERNATIVE}table")],
    Discriminator(lambda value: ALTERNATIVE + ("table" if isinstance(value, dict | DestinationTable) else "text")),
]


class TemplatesTable(SettingsTable):
    """Templates of messages that an owner has instead of the built-in ones, by form."""

    text: Text | None = Field(
        default=None,
        description="The path of a Jinja2 template of plain text; relative to run.state_dir.",
        examples=["templates/text.j2"],
    )
    slack: Text | None = Field(
        default=None,
        description="The path of a template in Slack's markup: each paragraph is a section.",
        examples=["templates/slack.j2"],
    )
    mail: Text | None = Field(
        default=None, description="The path of a template of a mail's HTML.", examples=["templates/mail.j2"]
    )


class OwnerTable(KeyedTable):
    """Who is told."""

    destinations: list[OwnDestination] = Field(
        default=[],
        description="References to Apprise URLs, such URLs, or tables with either and what goes there when.",
        examples=[["env:SLACK_URL"]],
    )
    owners: Annotated[list[str], Distinct] | None = Field(
        default=None,
        description="The owners that this one is a group of, instead of destinations.",
        examples=[["platform", "finance"]],
        min_length=1,
    )
    escalate_to: str | None = Field(
        default=None,
        description="The owner who is notified as well of a pause that nobody acknowledges.",
        examples=["oncall"],
    )
    templates: TemplatesTable | None = Field(
        default=None, description="Templates of messages instead of the built-in ones, by form."
    )


class EvalsTable(SettingsTable):
    """The evals that compare the model with what production runs now."""

    suites: Annotated[list[Text], Distinct] = Field(
        min_length=1,
        description="The suites that both models have to fill, as the runner names them.",
        examples=[["long_context", "tool_use"]],
    )
    baseline: str = Field(description="The entry that production runs now.", examples=["gpt-5.4-mini"])
    samples: int = Field(default=0, ge=0, le=1_000_000, description="The least number of samples a suite and model.")


class EntryTable(KeyedTable):
    """A row of the registry."""

    was: Key | None = Field(
        default=None, description="Its key before it was renamed; status, pins and checks go on under this one."
    )
    name: Text | None = Field(default=None, description="The public tier name; the key unless given.")
    surface: str | None = Field(default=None, examples=["openai"])
    model_id: ModelId | None = Field(
        default=None, description="Exact; left out until the provider has confirmed it.", min_length=1
    )
    surfaces: dict[str, ModelId] | None = Field(
        default=None,
        description="Surface to exact model id, instead of the two above; the gate answers for the first by default.",
        min_length=1,
    )
    price_model: ModelId | None = Field(
        default=None, description="The id its price is listed under, where it differs from model_id.", min_length=1
    )
    use: str = Field(default="", description="What it is planned for.")
    owners: Annotated[list[str], Distinct] = Field(min_length=1, examples=[["platform"]])
    family: Text | None = Field(
        default=None, description="The family of its model, as the provider names it.", examples=["GPT-5.6"]
    )
    release: Day | None = Field(
        default=None, description="The day of its release or announcement.", examples=["2026-06-26"]
    )
    stage: Literal["preview", "general"] | None = Field(
        default=None, description="Whether it is a preview or generally available."
    )
    announcement: Url | None = Field(
        default=None, description="The URL of its announcement.", examples=["https://openai.com/index/gpt-5-6"]
    )
    checks: Checks = Field(
        default=[],
        description='Checks required beyond the default; "integration" stands for all that a team needs before it '
        "builds on a model.",
        examples=["integration"],
    )
    checks_in: dict[str, Checks] | None = Field(
        default=None,
        description="Environment to the checks that it requires; by default only production requires any.",
        examples=[{"staging": ["test_call"]}],
    )
    on_pause: Literal["deny", "deny_new"] | None = Field(
        default=None,
        description=(
            "deny_new lets the callers go on after a price shift until the grace ends, and is the default where "
            "callers are named; deny denies everybody."
        ),
    )
    grace: Span | None = Field(
        default=None,
        description=(
            "How long deny_new lets the callers go on; by default 72h where a pinned price rose, and without end where "
            "none did."
        ),
        examples=["72h"],
    )
    callers: Annotated[list[Text], Distinct] = Field(default=[], description="Who uses it in production now.")
    pause_on: Literal["any", "worse"] = Field(
        default="any", description="Whether a change for the better pauses as well."
    )
    tiers: Annotated[list[Tier], Distinct] = Field(
        default=["standard"], min_length=1, description="Processing modes in use."
    )
    usage: Usage | None = Field(
        default=None,
        description="Tokens a month by meter; notices say what a price change costs for it.",
        examples=[{"input": "400M", "cached": "1G", "output": "30M"}],
    )
    touches: Touches = Field(
        default=[],
        description=(
            "Kinds of use that ask for a safety review, of everybody or by caller: code_execution, agents, "
            "vulnerability_work, security_triage, dual_use_cyber."
        ),
        examples=[{"vuln-scanner": ["vulnerability_work"]}],
    )
    uses: Annotated[list[Endpoint], Distinct] = Field(
        default=[],
        description="The endpoints that it calls; their routes are pinned instead of every call that is granted.",
        examples=[["v1/responses"]],
    )
    ignore: Annotated[list[str], Distinct] = Field(
        default=[],
        description=(
            "Watched routes and account settings that are not pinned, so that a loss of them informs and does not "
            "pause."
        ),
        examples=[["chat"]],
    )
    codex_version: ClientVersion | None = Field(
        default=None,
        description="The version of Codex that the fleet runs; a model that needs a newer one is denied there.",
        examples=["0.48"],
    )
    fallback: str | None = Field(
        default=None, description="The entry to use while this one is denied.", examples=["gpt-5.4-mini"]
    )
    freshness: Span | None = Field(default=None, description="This entry's own limit instead of the gate's.")
    price_freshness: Span | None = Field(default=None, description="This entry's own limit instead of the gate's.")
    approvers: int = Field(
        default=1, ge=1, le=2, description="How many people it takes to activate or resume; 2 needs another to confirm."
    )
    evals: EvalsTable | None = Field(
        default=None, description="What the check evals needs: results of every suite for the entry and its baseline."
    )
    check_age: dict[str, Span] | None = Field(
        default=None,
        description="Check to how long it holds for this entry, where that is longer.",
        examples=[{"evals": "180d"}],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What one document is made of; the first that sets a key counts. `variables` has the names in full and every list
    as JSON.
    """

    option: Mapping[str, Any]
    variables: Mapping[str, str]
    file: Mapping[str, Any]


class _Variables(EnvSettingsSource):
    """The variables handed in, where pydantic-settings itself would read those of the process."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings_cls, case_sensitive=False)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


class Document(BaseSettings):
    """The whole file."""

    # Of the names only those of variables may differ in case from the keys: otherwise [Gate] beside [gate] would vanish
    # without a word.
    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter=DELIMITER, case_sensitive=True
    )

    database: DatabaseTable = DatabaseTable()
    surface: list[SurfaceTable] = []
    source: list[SourceTable] = []
    confirmation: ConfirmationTable = ConfirmationTable()
    budget: BudgetTable = BudgetTable()
    measurements: MeasurementsTable = MeasurementsTable()
    evidence: EvidenceTable = EvidenceTable()
    network: NetworkTable = NetworkTable()
    web: WebTable = WebTable()
    gate: GateTable = GateTable()
    checks: ChecksTable = ChecksTable()
    github: GithubTable = GithubTable()
    audit: AuditTable = AuditTable()
    heartbeat: HeartbeatTable = HeartbeatTable()
    notify: NotifyTable = NotifyTable()
    run: RunTable = RunTable()
    nodes: NodesTable = NodesTable()
    logging: LoggingTable = LoggingTable()
    owner: list[OwnerTable] = []
    entry: list[EntryTable] = []
    deployment: list[DeploymentTable] = []

    def __init__(self, *, layers: Layers) -> None:
        """Lay them over each other and check the whole.

        Raises:
            pydantic.ValidationError: it does not have this shape.
        """
        super().__init__(layers=layers)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the layers in the order in which they count, and no source that nobody named."""
        layers: Layers = init_settings()["layers"]
        return (
            InitSettingsSource(settings_cls, dict(layers.option)),
            _Variables(settings_cls, layers.variables),
            InitSettingsSource(settings_cls, dict(layers.file)),
        )
