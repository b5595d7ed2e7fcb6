"""A story in which every event that the monitor can record happens once, told to the real use cases: what
docs/events.md is held against.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, ConfirmationRules, Owner, Requirement, Surface
from monitor.core.credentials import AccessScope
from monitor.core.entry_spec import EntrySpec, EvalPlan
from monitor.core.eval_results import Results, Score
from monitor.core.facts import (
    GRANTED,
    LISTED,
    SHUTDOWN_DATE,
    Body,
    FailureReason,
    Measurement,
    PollFailure,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.core.notices import Notice
from monitor.core.ports import ClockStep, NotSent, Sent, Source
from monitor.core.request_log import LoggedRequest
from monitor.detection.drift import REFERENCE, WINDOW, window
from monitor.detection.poller import Poller
from monitor.gate.decision import Answer
from monitor.gate.state import Production, standings
from monitor.gate.uses import JudgedRow, Uses, record
from monitor.notify.relay import Relay
from monitor.registry.attachments import EvalPaper, RequestPaper
from monitor.registry.configuration_acceptance import Loading
from monitor.registry.operator import Operator
from monitor.registry.timekeeping import record_absence, record_steps
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store

LUNA = "gpt-5.6-luna"
VIA = {"user": "ada", "host": "ops-1", "channel": "cli"}
PROBE = f"openai-behaviour/{LUNA}/responses"
LIMITS, PROJECT = "openai-admin/rate_limits", "openai-admin/project"
CARD, STATUS = "openai-system-card", "openai-status"
EXTRACTOR = {
    "openai-models": "models_list/1",
    "openai-pricing": "pricing_page/5",
    "llm-prices": "llm_prices/2",
    PROBE: "behaviour/2",
    "openai-behaviour/gpt-5.4-mini/responses": "behaviour/2",
    LIMITS: "admin/1",
    PROJECT: "admin/1",
    CARD: "document/2",
    STATUS: "status_page/1",
}

Fields = Mapping[str, Value]


def configuration(**entry: object) -> Configuration:
    sources = (
        source_spec(key="openai-models", kind="models_list", every=timedelta(minutes=5), surface="openai"),
        source_spec(
            key="openai-pricing",
            kind="pricing_page",
            every=timedelta(minutes=30),
            provider="openai",
            url="https://developers.openai.com/api/docs/pricing.md",
        ),
        source_spec(
            key="llm-prices",
            kind="price_feed",
            every=timedelta(hours=1),
            url="https://www.llm-prices.com/historical-v1.json",
            format="llm_prices",
            trust="third_party",
        ),
    )
    probe = {"model": LUNA, "route": "responses"}
    more = (
        source_spec(key=PROBE, kind="behaviour", every=timedelta(hours=6), surface="openai", options=probe),
        source_spec(
            key=LIMITS, kind="admin", every=timedelta(hours=1), surface="openai", options={"part": "rate_limits"}
        ),
        source_spec(key=PROJECT, kind="admin", every=timedelta(hours=1), surface="openai", options={"part": "project"}),
        source_spec(key=CARD, kind="document", every=timedelta(hours=1), url="https://example.com/system-card"),
        source_spec(key=STATUS, kind="status_page", every=timedelta(minutes=5), url="https://status.example.com/"),
    )
    made = EntrySpec(key=LUNA, name="GPT-5.6 Luna", surfaces={"openai": LUNA}, owners=("platform",), **entry)
    surface = Surface(
        key="openai", base_url="https://api.openai.com/v1", provider="openai", api_key="env:OPENAI_API_KEY"
    )
    return Configuration(
        surfaces={"openai": surface},
        sources={source.key: source for source in (*sources, *more)},
        owners={"platform": Owner(key="platform", destinations=("env:SLACK_URL",))},
        entries={LUNA: made},
        confirmation=ConfirmationRules(absence=Requirement(polls=3, span=timedelta(minutes=30))),
        version=hashlib.sha256(repr(sorted(entry.items())).encode()).hexdigest()[:12],
        code="0.1.0",
    )


class Story:
    """One monitor, its clock set by hand; each method lets something happen."""

    def __init__(self, store: SqlStore, executor: ThreadPoolExecutor) -> None:
        self.now = datetime(2026, 7, 30, 17, 0, tzinfo=UTC)
        self.store = store
        self.configuration = configuration()
        self.reachable = True
        self._executor = executor
        self._uses = Uses(lambda: self.configuration.gate.environments)

    def clock(self) -> datetime:
        return self.now

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def declare(self, made: Configuration) -> None:
        self.configuration = made
        self.use_cases().declare()

    @property
    def operator(self) -> Operator:
        return self.use_cases().operator

    def use_cases(self) -> UseCases:
        return UseCases(self.store, self.configuration, self.clock, published=lambda: None)

    def poll(
        self,
        source: str,
        facts: Mapping[str, Fields],
        *,
        times: int = 1,
        minutes: float = 2,
        scope: str = "openai",
        refused: tuple[Refusal, ...] = (),
    ) -> None:
        for _ in range(times):
            self.wait(minutes=minutes)
            content = repr(sorted((name, sorted(fields.items())) for name, fields in facts.items())).encode()
            body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            snapshot = Snapshot(
                source=source,
                at=self.now,
                facts={Subject(scope, name): fields for name, fields in facts.items()},
                extractor=EXTRACTOR[source],
                body=body,
                refused=refused,
            )
            self._poller().record(source, snapshot)

    def fail(self, source: str) -> None:
        self.wait(minutes=2)
        detail = "HTTP 500 from https://api.openai.com/v1/models: The server had an error"
        failure = PollFailure(source=source, at=self.now, reason=FailureReason.SERVER_ERROR, detail=detail)
        self._poller().record(source, failure)

    def slow_down(self, source: str, route: str, *, until: datetime | None = None) -> None:
        """Let the calls of the last whole window, or of the one that ends with `until`, take twice as long as all those
        before.
        """
        spec = self.configuration.sources[source]
        since = until - WINDOW * spec.every if until else window(spec.every, self.now).since
        calls = [
            Measurement(
                source=source,
                surface=spec.surface,
                model=spec.model,
                route=route,
                at=since + number * spec.every,
                outcome=GRANTED,
                latency=(790 if number < 0 else 1640) + 20 * (number % 2),
                first_token=140,
                input_tokens=12,
                cached_tokens=0,
                output_tokens=1,
                cost="0.0000036",
            )
            for number in range(-REFERENCE, WINDOW)
        ]
        with self.store.write() as tx:
            tx.put_measurements(calls)

    def tend(self) -> None:
        self.use_cases().tender().tend(self.now)

    def ask(self, allowed: bool, *, times: int) -> None:
        """Production asks the gate about the entry."""
        with self.store.read() as reader:
            standing = standings(reader, self.configuration, self.now)[LUNA]
        given = Answer(
            key=LUNA,
            allowed=allowed,
            status=standing.status.value,
            reason="active: every assumption that was accepted holds and is fresh" if allowed else standing.reason,
            fallback="",
            position=standing.position,
            expires_at=None,
        )
        for _ in range(times):
            self._uses.note(given, JudgedRow(LUNA, "openai"), "production", "support-agent", self.now)
        record(self.store, self._uses, self.now, ending=True)

    def deliver(self) -> None:
        Relay(
            store=self.store,
            channel=self,
            clock=self.clock,
            owners=lambda: self.configuration.owners,
            worker="story",
            executor=self._executor,
        ).tick()

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        return Sent() if self.reachable else NotSent(reason="HTTP 404 no_service", permanent=True)

    def label(self, destination: str) -> str:
        return "slack://hooks.slack.com"

    def position(self, type: str) -> int:
        with self.store.read() as reader:
            return max(one.event.position for one in reader.events() if one.event.type == type)

    def _poller(self) -> Poller:
        source: Callable[[str], Source] = lambda key: (_ for _ in ()).throw(AssertionError(key))  # noqa: E731
        return self.use_cases().poller(source)


def prices(input: str, output: str = "1.2", **others: str) -> Fields:
    return {
        "price.standard.short.input": input,
        "price.standard.short.output": output,
        **{f"price.standard.short.{meter}": amount for meter, amount in others.items()},
    }


def evals(baseline: str = "gpt-5.4-mini") -> EvalPaper:
    """Results that a person hands in."""
    score = Score(model=f"openai:responses:{LUNA}", suite="tool_use", metric="pass rate", value="0.9", samples=10)
    results = Results(format="promptfoo", scores=(score,), counted={score.model: 10, "openai:gpt-4o": 10})
    content = b'{"results": {}}'
    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    return EvalPaper(results=(results,), bodies=(body,), baseline=baseline)


def requests(now: datetime) -> RequestPaper:
    """Return a day of a request log."""
    tokens = {"input": 1_000_000, "output": 100_000}
    log = [
        LoggedRequest(line=line, model=LUNA, at=now - timedelta(days=2 - line), tokens=tokens, cost=Decimal("1.6"))
        for line in (1, 2)
    ]
    content = b'{"line": 1}'
    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    return RequestPaper(requests=tuple(log), body=body, tolerance=Decimal("0.01"), now=now)


@contextmanager
def begun(folder: Path) -> Iterator[Story]:
    """Provide the story before anything happened."""
    store = open_store(str(folder / "monitor.db"))
    with ThreadPoolExecutor(2) as executor:
        yield Story(store, executor)
    store.close()


@contextmanager
def visible(folder: Path) -> Iterator[Story]:
    """Provide the story up to the first message: the entry can be activated."""
    with begun(folder) as story:
        story.declare(story.configuration)
        story.poll("openai-pricing", {LUNA: prices("1", "6")})
        story.poll("openai-models", {LUNA: {LISTED: True}})
        yield story


@contextmanager
def told(folder: Path) -> Iterator[Story]:
    """Provide the whole story, from an empty log to an entry that left the configuration."""
    with begun(folder) as story:
        tell(story)
        yield story


def tell(story: Story) -> None:
    by = {"by": "Ada L.", "via": VIA}
    on: Fields = {LISTED: True, "owned_by": "openai"}
    others = {name: dict(on) for name in ("gpt-5.4", "gpt-5.4-mini", "gpt-4.1", "gpt-4o", "gpt-4o-mini")}
    models: dict[str, Fields] = {**others, LUNA: on}
    story.declare(story.configuration)
    story.poll("openai-models", others)
    story.poll("openai-pricing", {LUNA: prices("1", "6")})
    story.poll("llm-prices", {LUNA: prices("1", "6")})
    story.poll("openai-models", models, times=2)
    story.poll("openai-models", others, times=4, minutes=15)
    story.poll("openai-models", models, times=2)
    story.poll("openai-pricing", {LUNA: prices("1", "6")})
    story.deliver()

    story.operator.verify(LUNA, "evals", url="https://ci.example.com/runs/812", paper=evals(), **by)
    story.operator.verify(LUNA, "logging", paper=requests(story.now), **by)
    story.operator.activate(LUNA, reason="evals passed", **by)
    without = replace(story.configuration, entries={}, version="without-luna")
    Loading(story.configuration, without, Production).accept(story.use_cases().begin, reason="we move to Terra", **by)
    story.ask(True, times=1)
    story.poll("llm-prices", {LUNA: prices("0.2", "6")}, times=2)
    story.poll("openai-pricing", {LUNA: prices("0.2", "6")}, times=2)
    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2")}, times=2)
    story.ask(False, times=42)
    story.reachable = False
    story.deliver()
    story.reachable = True

    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2", cached_input="0")}, times=2)
    story.operator.release(story.position("price.quarantined"), reason="the provider announced it", **by)
    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2")}, times=4, minutes=15)
    attendant = story.use_cases().attendant
    attendant.acknowledge(LUNA, note="on it", **by)
    attendant.silence(LUNA, until=story.now + timedelta(hours=1), reason="migration tonight", **by)
    story.declare(configuration(approvers=2))
    story.operator.resume(LUNA, reason="new price accepted", **by)
    with story.store.read() as reader:
        seen = reader.entries()[LUNA].position
    story.operator.resume(LUNA, reason="I looked as well", expect=seen, by="Bob K.", via={**VIA, "user": "bob"})

    plan = EvalPlan(suites=("tool_use", "long_context"), baseline="gpt-5.4-mini", samples=10)
    story.declare(configuration(approvers=2, evals=plan))
    story.operator.verify(LUNA, "evals", url="https://ci.example.com/runs/812", paper=evals(baseline=""), **by)

    maintenance = story.use_cases().maintenance
    spans = {"changes": ("openai/*/price.*",), "reason": "prices announced for today", **by}
    first = maintenance.open(LUNA, end=story.now + timedelta(hours=4), **spans)
    maintenance.open(LUNA, end=story.now + timedelta(hours=5), **spans)
    maintenance.close(LUNA, first.position, reason="done early", **by)

    _tell_of_a_fallback(story, models)

    dated: dict[str, Fields] = {**models, "gpt-4.1": {**on, SHUTDOWN_DATE: "2026-10-23"}}
    dated["gpt-4o"] = {**on, SHUTDOWN_DATE: "2026-10-23"}
    story.poll("openai-models", dated, times=2)
    dated["gpt-4.1"] = {**on, SHUTDOWN_DATE: "2026-12-01"}
    story.poll("openai-models", dated, times=2)
    dated["gpt-4.1"] = {"listed": True, "owned_by": "system"}
    story.poll("openai-models", dated, times=4, minutes=15)
    story.fail("openai-models")
    story.poll("openai-models", dated)
    story.poll("openai-models", {LUNA: on})
    story.poll("openai-models", dated)
    _tell_of_the_account(story)
    step = ClockStep(by=timedelta(hours=-2), before=story.now, after=story.now - timedelta(hours=2))
    record_steps(story.store, [step], story.now)
    story.wait(hours=13)
    story.tend()
    story.declare(configuration(use="high volume"))
    story.wait(days=80)
    story.tend()
    story.wait(days=10)
    story.slow_down(PROBE, "responses")
    story.tend()
    story.operator.pause(LUNA, reason="answers degraded", **by)
    story.operator.retire(LUNA, reason="nobody calls it any more", **by)
    credentials = story.use_cases().credentials
    credentials.add("Ada L.", [AccessScope.OPERATE], until=None, **by)
    credentials.link("Ada L.", **by)
    credentials.revoke("Ada L.", **by)
    spare = configuration()
    entry = replace(spare.entries[LUNA], key="luna-eu", surfaces={"openai": "gpt-5.6-luna-eu"})
    story.declare(replace(spare, entries={"luna-eu": entry}, version="with-luna-eu"))
    moon = replace(entry, key="luna-ireland")
    sources = {key: spec for key, spec in spare.sources.items() if key != STATUS}
    sources["openai-incidents"] = replace(spare.sources[STATUS], key="openai-incidents")
    former = {"former_entries": {"luna-ireland": "luna-eu"}, "former_sources": {"openai-incidents": STATUS}}
    story.declare(
        replace(spare, entries={"luna-ireland": moon}, sources=sources, version="with-luna-ireland", **former)
    )
    story.declare(replace(spare, entries={}, version="without-luna-ireland"))
    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2", cached_input="0")}, times=2)
    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2")})
    refusal = Refusal("Standard, table at line 12", "the unit 'per image' is not known", (LUNA,))
    story.poll("openai-pricing", {"gpt-6-luna": prices("1", "6")}, refused=(refusal,))
    story.store.check_writable(story.now)
    story.wait(hours=2)
    record_absence(story.store, "0.1.0", story.now)


def _tell_of_a_fallback(story: Story, models: Mapping[str, Fields]) -> None:
    """Give an entry a fallback, which a person pauses and resumes."""
    by, mini = {"by": "Ada L.", "via": VIA}, "gpt-5.4-mini"
    made = configuration(approvers=2, fallback=mini, checks=("fallback",))
    spare = EntrySpec(key=mini, name="GPT-5.4 mini", surfaces={"openai": mini}, owners=("platform",))
    story.declare(replace(made, entries={**made.entries, mini: spare}))
    story.poll("openai-pricing", {LUNA: prices("0.2", "1.2"), mini: prices("0.3", "2")}, times=2)
    story.poll("openai-models", models)
    story.operator.activate(mini, reason="in production before", **by)
    story.operator.pause(mini, reason="odd answers", **by)
    story.operator.resume(mini, reason="they were ours", **by)


def _tell_of_the_account(story: Story) -> None:
    """Tell what probes, the account, texts and announcements bring."""
    for source, name, before, after, scope in (
        (PROBE, LUNA, {"access.responses": "granted", "behaviour.responses.model": LUNA},
        {"behaviour.responses.model": "gpt-5.6-luna-2026-08-01"}, "openai"),
        (LIMITS, LUNA, {"limit.requests_per_minute": 5000}, {"limit.requests_per_minute": 2500}, "openai"),
        (PROJECT, "residency", {"setting.value": "GLOBAL"}, {"setting.value": "EU_STORAGE_PROCESSING"}, "openai"),
        (CARD, "text", {"paragraph.5f0c": "It is offered as a limited preview."}, {"paragraph.5f0c": None,
        "paragraph.91b2": "It is generally available."}, CARD),
        (STATUS, "Responses", {"incident.01H": "minor: slow answers (monitoring)"},
        {"incident.01J": "major: elevated errors (investigating)"}, STATUS),
    ):  # fmt: skip
        story.poll(source, {name: before}, scope=scope)
        now = {field: value for field, value in {**before, **after}.items() if value is not None}
        story.poll(source, {name: now}, scope=scope, times=4, minutes=15)
    announced = {"announced.price.standard.short.input@2026-12-01": "0.4"}
    story.poll("openai-pricing", {LUNA: {**prices("0.2", "1.2"), **announced}}, times=2)
