"""One notice for each reason, as the real use cases compose it: what the golden files of messages show.

A held clock, two entries and two owners; `reasons` lets happen what each reason tells of and keeps the notice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from docs_story import CARD, LIMITS, LUNA, PROBE, VIA, Fields, Story, prices
from docs_story import configuration as documented

from monitor.core.configuration import Attention, Configuration, Owner
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import LISTED
from monitor.core.notices import Notice
from monitor.core.ports import DeliveryState, NotSent, Sent, Trouble
from monitor.gate.state import Production
from monitor.notify.alarm import Alarm
from monitor.notify.forms import render
from monitor.notify.outbox import enqueue_test, redeliver
from monitor.notify.relay import Relay
from monitor.store import open_store

MINI = "gpt-5.4-mini"
ADA = {"by": "Ada L.", "via": VIA}
BOB = {"by": "Bob K.", "via": {**VIA, "user": "bob"}}
ON: Fields = {LISTED: True, "owned_by": "openai"}
MODELS: Mapping[str, Fields] = dict.fromkeys((LUNA, MINI, "gpt-5.4", "gpt-4.1", "gpt-4o", "gpt-4o-mini", "gpt-4"), ON)
"""What the models list shows at first."""

GRANTED: Fields = {"access.responses": "granted", "behaviour.responses.model": LUNA}
REFUSED: Fields = {"access.responses": "access_lost", "behaviour.responses.model": LUNA}
ZONE = ZoneInfo("Europe/Berlin")


def configuration(**changes: object) -> Configuration:
    """Return Luna, whose named callers go on after a price shift, its fallback, and whom their owner escalates to."""
    made = documented(
        fallback=MINI,
        callers=("support-agent", "batch-eval"),
        on_pause="deny_new",
        grace=timedelta(hours=72),
        **changes,
    )
    luna = replace(made.entries[LUNA], key="luna")
    mini = EntrySpec(key=MINI, name="GPT-5.4 mini", surfaces={"openai": MINI}, owners=("on-call",))
    owners = {
        "platform": Owner(key="platform", destinations=("env:SLACK_URL", "env:MAIL_URL"), escalate_to="on-call"),
        "on-call": Owner(key="on-call", destinations=("env:PAGER_URL",)),
    }
    return replace(
        made,
        entries={"luna": luna, MINI: mini},
        owners=owners,
        attention=Attention(repeat=timedelta(minutes=30)),
        version=f"{made.version}-{sorted(changes)}",
    )


class Night(Story):
    """A story whose messages are kept as they are sent: the gate is asked before each attempt, as the daemon does."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor) -> None:
        super().__init__(open_store(str(folder / "monitor.db")), executor)
        self.configuration = configuration()
        self.dead: frozenset[str] = frozenset()
        self.sent: list[tuple[str, Notice]] = []

    @property
    def relay(self) -> Relay:
        return Relay(
            store=self.store,
            channel=self,
            clock=self.clock,
            owners=lambda: self.configuration.owners,
            worker="night",
            executor=self._executor,
            gate=lambda reader, now: Production(reader, self.configuration, now),
        )

    def deliver(self) -> None:
        while self.relay.tick():
            pass

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        if destination in self.dead:
            return NotSent(reason="HTTP 404 no_service", permanent=True)
        self.sent.append((destination, notice))
        return Sent(title=render(notice, ZONE).title)

    def label(self, destination: str) -> str:
        return {
            "platform#1": "slack://hooks.slack.com",
            "platform#2": "mailtos://mail.example.com",
            "on-call#1": "pagerduty://events.pagerduty.com",
        }[destination]

    def told(self, destination: str = "platform#1") -> Notice:
        """Deliver what is due and return the last notice that reached a destination."""
        before = len(self.sent)
        self.deliver()
        return [notice for to, notice in self.sent[before:] if to == destination][-1]

    def refresh(self, input: str = "1", output: str = "6") -> None:
        """Poll everything once more, showing what is so."""
        self.poll("openai-pricing", {LUNA: prices(input, output), MINI: prices("0.3", "2")})
        self.poll("openai-models", MODELS)

    def until(self, at: datetime) -> None:
        self.now = at

    def head(self) -> int:
        with self.store.read() as reader:
            return reader.head()

    def alarm(self, troubles: Mapping[str, Trouble]) -> Notice:
        """Return what the monitor tells of its own trouble, past the database."""
        owners = list(self.configuration.owners.values())[:1]
        before = len(self.sent)
        alarm = Alarm(lambda: self, lambda: owners, self._executor)
        alarm.tick(troubles, self.now)
        return self.sent[before][1]


REASONS = (
    "visible",
    "visible-activated",
    "changed-reported",
    "paused",
    "unacknowledged",
    "acknowledged",
    "pause_extended",
    "fallback_lost",
    "paused-by-a-person",
    "recovered-fallback",
    "approval",
    "resumed",
    "held",
    "ended",
    "held-price",
    "changed",
    "changed-document",
    "changed-announced",
    "reminder",
    "paused-access",
    "ended-retired",
    "blind",
    "recovered",
    "stale",
    "undelivered",
    "test",
    "recovered-destination",
    "trouble",
)
"""What is told, in order: a reason, and what of it where there are several."""


@cache
def reasons() -> Mapping[str, Notice]:
    """Return a notice for each reason, and for those that tell of several things one for each of them."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as executor:
        night = Night(Path(folder), executor)
        told: dict[str, Notice] = {}
        _begin(night, told)
        _pause(night, told)
        _fallback(night, told)
        _resume(night, told)
        _hold(night, told)
        _news(night, told)
        _lose_access(night, told)
        _down(night, told)
        _monitor(night, told)
        night.store.close()
        return told


def _begin(night: Night, told: dict[str, Notice]) -> None:
    night.declare(night.configuration)
    night.poll("llm-prices", {LUNA: prices("1", "6")})
    night.refresh()
    night.poll(PROBE, {LUNA: GRANTED}, times=2)
    night.poll(LIMITS, {LUNA: {"limit.requests_per_minute": 5000}})
    told["visible"] = night.told()
    night.operator.activate(MINI, reason="in production before", **ADA)
    night.operator.activate("luna", reason="evals passed", **ADA)
    told["visible-activated"] = night.told()


def _pause(night: Night, told: dict[str, Notice]) -> None:
    night.poll("llm-prices", {LUNA: prices("1.5", "6")}, times=2)
    told["changed-reported"] = night.told()
    night.poll("openai-pricing", {LUNA: prices("1.5", "6"), MINI: prices("0.3", "2")}, times=2)
    told["paused"] = night.told()
    night.wait(minutes=31)
    night.tend()
    told["unacknowledged"] = night.told()
    night.use_cases().attendant.acknowledge("luna", note="asking their sales desk", **ADA)
    told["acknowledged"] = night.told()
    night.poll("openai-pricing", {LUNA: prices("1.5", "9"), MINI: prices("0.3", "2")}, times=2)
    told["pause_extended"] = night.told()


def _fallback(night: Night, told: dict[str, Notice]) -> None:
    night.operator.pause(MINI, reason="odd answers", **BOB)
    told["fallback_lost"] = night.told()
    told["paused-by-a-person"] = [notice for to, notice in night.sent if to == "on-call#1"][-1]
    night.refresh("1.5", "9")
    night.operator.resume(MINI, reason="the prompt was ours", **BOB)
    told["recovered-fallback"] = night.told()


def _resume(night: Night, told: dict[str, Notice]) -> None:
    night.declare(configuration(approvers=2))
    night.refresh("1.5", "9")
    night.deliver()
    night.operator.resume("luna", reason="sales confirmed the price", **ADA)
    told["approval"] = night.told()
    night.operator.resume("luna", reason="budget agreed", expect=night.head(), **BOB)
    told["resumed"] = night.told()


def _hold(night: Night, told: dict[str, Notice]) -> None:
    night.poll("openai-models", {name: MODELS[name] for name in ("gpt-4o", "gpt-4.1")})
    told["held"] = night.told()
    night.poll("openai-models", MODELS)
    told["ended"] = night.told()
    night.poll("openai-pricing", {LUNA: prices("1.5", "9", cached_input="2"), MINI: prices("0.3", "2")}, times=2)
    told["held-price"] = night.told()
    night.refresh("1.5", "9")
    night.poll("openai-pricing", {LUNA: prices("1.5", "9"), MINI: prices("0.3", "2")}, times=3, minutes=15)


def _news(night: Night, told: dict[str, Notice]) -> None:
    night.poll(LIMITS, {LUNA: {"limit.requests_per_minute": 2500}}, times=2)
    told["changed"] = night.told()
    night.poll(CARD, {"text": {"paragraph.1": "It is offered as a limited preview."}}, scope=CARD)
    night.poll(CARD, {"text": {"paragraph.2": "It is generally available."}}, scope=CARD, times=3, minutes=15)
    told["changed-document"] = night.told()
    announced = {"announced.price.standard.short.input@2026-08-08": "2"}
    shown = {LUNA: {**prices("1.5", "9"), **announced}, MINI: prices("0.3", "2")}
    night.poll("openai-pricing", shown, times=2)
    told["changed-announced"] = night.told()
    night.wait(days=2)
    night.poll("openai-models", MODELS)
    night.poll("openai-pricing", shown)
    night.tend()
    told["reminder"] = night.told()


def _lose_access(night: Night, told: dict[str, Notice]) -> None:
    night.poll(PROBE, {LUNA: REFUSED}, times=3)
    told["paused-access"] = night.told()
    night.operator.retire("luna", reason="we move to Terra", **ADA)
    told["ended-retired"] = night.told()


def _down(night: Night, told: dict[str, Notice]) -> None:
    night.poll("openai-models", MODELS)
    night.fail("openai-models")
    night.wait(hours=12.5)
    night.tend()
    told["blind"] = night.told("on-call#1")
    night.poll("openai-models", MODELS)
    told["recovered"] = night.told("on-call#1")
    night.wait(hours=13)
    night.tend()
    night.deliver()
    night.wait(hours=12)
    night.tend()
    told["stale"] = night.told("on-call#1")


def _monitor(night: Night, told: dict[str, Notice]) -> None:
    night.dead = frozenset({"platform#2"})
    enqueue_test(night.store, night.configuration.owners, "platform", night.now)
    told["undelivered"] = night.told()
    told["test"] = [notice for to, notice in night.sent if to == "platform#1"][-2]
    night.dead = frozenset()
    night.wait(minutes=10)
    with night.store.read() as reader:
        dead = [row.id for row in reader.deliveries(DeliveryState.DEAD)]
    redeliver(night.store, night.now, dead[-1:])
    told["recovered-destination"] = night.told()
    began = night.now - timedelta(seconds=40)
    told["trouble"] = night.alarm({"storing": Trouble(reason="no space left on the disk", since=began)})
