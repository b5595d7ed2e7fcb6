"""What the core needs of the configuration, already checked. Reading files and secrets is the business of `settings`.

References to secrets stand here as they were written (`env:OPENAI_API_KEY`); no secret ever does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from monitor.core.accepted_configuration import Document
from monitor.core.entry_spec import EntrySpec

OFFICIAL = "official"
THIRD_PARTY = "third_party"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A door to models: base URL, credential reference and project. `provider` is whose prices its models go by.

    `key_header` is where the key goes if not into `Authorization: Bearer …`; `headers` are further ones, their values
    literal or references. `region_url` is the regional host that the route `region` tries, and `region` where calls are
    processed, by the name that prices have it; empty where they go to no region.
    """

    key: str
    base_url: str
    provider: str
    api_key: str = ""
    admin_key: str = ""
    project: str = ""
    key_header: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    region_url: str = ""
    region: str = ""


def shown_url(url: str) -> str:
    """Return a URL as the log may hold it: the values of its query left out, since a token may stand there."""
    address, mark, query = url.partition("?")
    names = (part.partition("=")[0] for part in query.split("&"))
    return address + mark + "&".join(f"{name}=…" for name in names) if mark else address


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a source can do, as its kind says; the rest of the program asks this and never for the kind.

    Attributes:
        lists: It says which models stand in a list of its surface.
        prices: It states prices.
        billed: The prices that it states are what the account was charged, which no page can contradict.
        resells: The prices that it states are another offer of the same models, not another word on their maker's
            prices.
        route: By which route it says whether a model can be reached: `list`, `codex`, the route of a probe.
        states: The route or the part of the account under whose name checks rest on it (`registry/check_rules`).
        verifies: Further checks that a poll can verify, where the facts that it states are those behind them.
        calls: A poll is a call to a model, which is measured.
        paid: A poll may cost money.
        page: Its body is a page: one that shrank is suspicious. Not so one that takes nothing back by what it lacks.
        incidents: It states the incidents of a provider.
    """

    lists: bool = False
    prices: bool = False
    billed: bool = False
    resells: bool = False
    route: str = ""
    states: str = ""
    verifies: frozenset[str] = frozenset()
    calls: bool = False
    paid: bool = False
    page: bool = False
    incidents: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """Something polled.

    A behaviour source is one (surface, model, route) and an admin source one (surface, part): a table of the file makes
    as many as it names (`openai-behaviour/gpt-5.6-luna/responses`), so that each has its own failures, freshness and
    baseline. `trust` is `official` or `third_party`; a models list is the account's own word and always official.
    `options` are the settings that only this kind of source has, `can` is what the kind says that it can do.
    """

    key: str
    kind: str
    every: timedelta
    surface: str = ""
    provider: str = ""
    url: str = ""
    format: str = ""
    trust: str = OFFICIAL
    options: Mapping[str, Any] = field(default_factory=dict)
    can: Capabilities = Capabilities()

    @property
    def shown_url(self) -> str:
        """The URL as the log may hold it."""
        return shown_url(self.url)

    def option(self, name: str) -> str:
        """Return an option that is a text; empty where it is not set."""
        return str(self.options.get(name, ""))

    @property
    def model(self) -> str:
        """The model that a behaviour source calls."""
        return self.option("model")

    @property
    def route(self) -> str:
        """By which route it says whether a model can be reached: `list`, `codex`, the route of a probe; empty where it
        does not say.
        """
        return self.can.route or ("list" if self.can.lists else "")

    @property
    def paid(self) -> bool:
        """Whether a poll of it may cost money."""
        return self.can.paid

    @property
    def lists(self) -> bool:
        """Whether it says which models stand in a list of its surface, and its word counts."""
        return self.can.lists and self.trust == OFFICIAL

    @property
    def prices(self) -> bool:
        """Whether it states prices."""
        return self.can.prices

    @property
    def billed(self) -> bool:
        """Whether the prices that it states are what the account was charged, which no page can contradict."""
        return self.can.billed

    @property
    def scope(self) -> str:
        """The scope of the subjects it speaks of: the surface for lists, the provider for prices."""
        return self.surface or self.provider


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRules:
    """What a destination takes, and when.

    Attributes:
        when: the states that it takes, as headlines have them in lower case (`source down`); all where it is empty.
        quiet: the local times between which what is not urgent is held back; the second may be of the next day.
        digest: the local time at which what is not urgent is sent, as one message a day.
        zone: the IANA name of the zone of these times.
        secret: a reference to the secret with which messages are signed.
    """

    when: frozenset[str] = frozenset()
    quiet: tuple[time, time] | None = None
    digest: time | None = None
    zone: str = "UTC"
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who is told: at its destinations, or where it is a group, whoever its `members` are.

    `destinations` are references or URLs as written; only `notify` may resolve them. `rules` has those of the places,
    counted from 1, that have any. `escalate_to` is the owner who is told as well of a pause that this one does not
    acknowledge. `templates` are the paths of its own templates of messages, by form (`text`, `slack`, `mail`).
    """

    key: str
    destinations: tuple[str, ...] = ()
    escalate_to: str = ""
    members: tuple[str, ...] = ()
    rules: Mapping[int, DestinationRules] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What it takes to confirm a change: good polls, over at least a span."""

    polls: int
    span: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRules:
    """How many polls over how long confirm a change; all independent of how often a source is polled.

    `hold` is how long a mass drop has to stand that only a list shows, `reached` how long a list has to miss a model
    that a call still reaches, `correction` how long after its first listing another amount of a price is a correction
    of it: the wrong one of gpt-5.5-pro stood for five days.
    """

    absence: Requirement = Requirement(polls=3, span=timedelta(minutes=30))
    change: Requirement = Requirement(polls=2, span=timedelta(minutes=1))
    gap: timedelta = timedelta(minutes=1)
    recheck: timedelta = timedelta(seconds=90)
    hold: timedelta = timedelta(hours=24)
    reached: timedelta = timedelta(days=7)
    correction: timedelta = timedelta(days=7)


PRODUCTION = "production"
"""The environment whose answers the promise is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """How long a good poll is relied on (`freshness`, `price_freshness`) and how long an answer is (`lease`)."""

    environments: tuple[str, ...] = ("production", "staging")
    freshness: timedelta = timedelta(hours=24)
    price_freshness: timedelta = timedelta(days=7)
    lease: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRules:
    """How long a check holds: the word of a person (`attested`), and what a source verified (`verified`), after its
    last good poll.
    """

    attested: timedelta = timedelta(days=90)
    verified: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What GitHub asks about: an environment of a repository there, the environment the gate is asked for, and the
    entries that it needs. With `max_age` what they rest on is polled first, where it was not within that time.
    """

    repository: str
    github_environment: str
    environment: str
    entries: tuple[str, ...]
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How often a pause is told that nobody acknowledges: first after `repeat` (zero: never again), then ever more
    seldom, at least daily.

    From the `escalate_after`-th time on those to whom its owners escalate are told, too.
    """

    repeat: timedelta = timedelta(0)
    escalate_after: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All that was declared, keyed. `fallback_owner` hears of what has no other owner. `document` is all of it as the
    log keeps it, `version` names that, `code` is the version of this program. `former_sources` and `former_entries` map
    a key to the one that it had before (`was`). `shard` is how many sources nodes poll as one job.
    """

    surfaces: Mapping[str, Surface] = field(default_factory=dict)
    sources: Mapping[str, SourceSpec] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    fallback_owner: str = ""
    entries: Mapping[str, EntrySpec] = field(default_factory=dict)
    confirmation: ConfirmationRules = ConfirmationRules()
    gate: GateRules = GateRules()
    checks: CheckRules = CheckRules()
    attention: Attention = Attention()
    former_sources: Mapping[str, str] = field(default_factory=dict)
    former_entries: Mapping[str, str] = field(default_factory=dict)
    shard: int = 200
    document: Document = field(default_factory=dict, repr=False)
    version: str = ""
    code: str = ""
