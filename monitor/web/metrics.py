"""The text that Prometheus reads: the log, sources, entries and outbox from the store, polls and problems from the
daemon's health.

What the store holds is also true after a restart; what health counts begins with this process, as Prometheus expects of
counters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as written_openly
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.audit.node_status import NodeCondition, NodeRow, late_turns, node_rows
from monitor.core.configuration import Configuration
from monitor.core.entry import Status
from monitor.core.measurements import Series, Summary, by_series
from monitor.core.ports import PUBLISHING, SEALING, STORING, DeliveryState, MeasurementQuery, MonitorError, Store
from monitor.detection.budget import accounts
from monitor.gate.decision import GateQuestion, Standing, decide
from monitor.gate.state import standings
from monitor.registry.terms import PricedEntry, priced
from monitor.web.ports import DaemonHealth

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values."""

CONTENT_TYPES = {False: CONTENT_TYPE_PLAIN_0_0_4, True: CONTENT_TYPE_OPENMETRICS}
"""Whether it is OpenMetrics → what it is called."""

_PREFIX = "access_monitor_"

RECENT = timedelta(days=1)
"""How far back calls of probes are counted in."""


def metrics(
    store: Store,
    configuration: Configuration,
    health: DaemonHealth,
    now: datetime,
    *,
    per_day: Decimal = Decimal(0),
    openmetrics: bool = False,
) -> str:
    """Return all families. While the store cannot be read, what it would tell is left out and `access_monitor_store_up`
    is 0.

    `per_day` is what the paid probes of one surface may cost in a day, in USD; `openmetrics` is the form of OpenMetrics
    1.0 instead of that of Prometheus.
    """
    try:
        of_store = _of_store(store, configuration, now, per_day)
    except MonitorError:
        of_store = []
    polls: dict[Labels, float] = {(("verdict", verdict),): count for verdict, count in sorted(health.polls().items())}
    families = [
        _gauge("build_info", "The version that runs.", {(("version", __version__),): 1}),
        _gauge("store_up", "Whether the database can be read.", {(): int(bool(of_store))}),
        *of_store,
        _gauge(
            "able",
            "Whether database (storing) and lease files (publishing) can be written, and checkpoints signed (sealing).",
            {(("ability", name),): int(health.trouble(name) is None) for name in (STORING, PUBLISHING, SEALING)},
        ),
        _counter("polls_total", "Polls of sources that have ended, by verdict.", polls),
        _counter("looks_total", "The old name of polls_total, for this version only.", polls),
        _counter("problems_total", "Jobs of the daemon that were missed, overran or failed.", {(): health.problems}),
    ]
    families += ProcessCollector(registry=None).collect()
    return (written_openly if openmetrics else generate_latest)(_Collected(families)).decode()


class _Collected(Collector):
    """Families that were collected already, as `generate_latest` takes them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield the families in their order."""
        yield from self._families


def _of_store(store: Store, configuration: Configuration, now: datetime, per_day: Decimal) -> list[Metric]:
    with store.read() as reader:
        nodes, late = node_rows(reader, configuration, now), late_turns(reader, now)
        measured = by_series(reader.measurements(MeasurementQuery(since=now - RECENT)))
        budgets = accounts(reader, configuration, per_day, now)
        head, states, entries = reader.head(), reader.sources(), reader.entries()
        by_key = standings(reader, configuration, now)
        costs = priced(reader, configuration, entries)
        changes = reader.pending_changes()
        unread = Counter(change.source for change in changes if not change.seen)
        pending = Counter((change.source, change.held_until is not None) for change in changes if change.seen)
        deliveries = reader.deliveries(DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEAD)
    ages: dict[Labels, float] = {}
    failing: dict[Labels, float] = {}
    for key in configuration.sources:
        state = states.get(key)
        good_at = None if state is None else state.good_at
        ages[("source", key),] = math.inf if good_at is None else max(0.0, (now - good_at).total_seconds())
        failing[("source", key),] = int(state is not None and bool(state.outage))
    counted = Counter(entry.status for entry in entries.values())
    dead = sum(delivery.state is DeliveryState.DEAD for delivery in deliveries)
    outbox: dict[Labels, float] = {(("state", "waiting"),): len(deliveries) - dead, (("state", "dead"),): dead}
    return [
        _counter("events_total", "Events in the log; the last one's position.", {(): head}),
        _gauge("source_good_age_seconds", "Seconds since the last good poll of a source; +Inf before the first.", ages),
        _gauge("source_failing", "Whether a source cannot be read, so that what it says is not known.", failing),
        _gauge(
            "source_unread_facts",
            "Confirmed prices, models and ends in parts of a source that are no longer understood.",
            {(("source", key),): unread[key] for key in configuration.sources},
        ),
        _gauge("entries", "Entries by status.", {(("status", status.value),): counted[status] for status in Status}),
        *_of_changes(configuration, pending),
        *_of_entries(by_key, configuration, now),
        _gauge("price_usd", "What official sources state that an entry costs, per 1M tokens.", _prices(costs)),
        _gauge("deliveries", "Deliveries that wait or are being sent, and dead ones.", outbox),
        *_of_nodes(nodes, late, now),
        *_of_probes(measured),
        _gauge(
            "budget_left_usd",
            "What the paid probes of a surface may still cost today.",
            {(("surface", account.surface),): float(account.left) for account in budgets},
        ),
    ]


def _of_nodes(nodes: Sequence[NodeRow], late: int, now: datetime) -> list[Metric]:
    if not nodes:
        return []
    labels: dict[str, Labels] = {row.name: (("node", row.name), ("role", row.role)) for row in nodes}
    ages = {labels[row.name]: max(0.0, (now - row.heartbeat_at).total_seconds()) for row in nodes}
    states: dict[Labels, float] = {
        (*labels[row.name], ("state", state.value)): int(row.state is state) for row in nodes for state in NodeCondition
    }
    return [
        _gauge("node_heartbeat_age_seconds", "Seconds since a node was heard of.", ages),
        _gauge("node_state", "What a node does: 1 for its state.", states),
        _gauge("node_sources", "Sources that a node polled last.", {labels[row.name]: row.sources for row in nodes}),
        _gauge(
            "node_clock_off_seconds",
            "How far a node's clock is ahead of the database's.",
            {labels[row.name]: row.clock_off for row in nodes},
        ),
        _gauge("turns_late", "Shards and probes that no node has begun a minute after their time.", {(): late}),
    ]


def _of_changes(configuration: Configuration, pending: Mapping[tuple[str, bool], int]) -> list[Metric]:
    counts: dict[bool, dict[Labels, float]] = {False: {}, True: {}}
    for key in configuration.sources:
        for is_held, samples in counts.items():
            samples[("source", key),] = pending.get((key, is_held), 0)
    return [
        _gauge("source_pending", "Differences of a source that are being counted.", counts[False]),
        _gauge("source_held", "Differences of a source that are held for review.", counts[True]),
    ]


def _of_entries(by_key: Mapping[str, Standing], configuration: Configuration, now: datetime) -> list[Metric]:
    question = GateQuestion(rules=configuration.gate, now=now)
    allowed: dict[Labels, float] = {}
    status: dict[Labels, float] = {}
    fresh: dict[Labels, float] = {}
    for standing in by_key.values():
        if standing.status is Status.WITHDRAWN:
            continue
        labels = (("entry", standing.entry), ("surface", standing.surface))
        allowed[labels] = int(decide(standing, question, by_key).allowed)
        for name in Status:
            status[(*labels, ("status", name.value))] = int(standing.status is name)
        ends = [standing.access_until, standing.price_until]
        left = [(at - now).total_seconds() for at in ends if at is not None]
        fresh[labels] = min(left) if len(left) == len(ends) else -math.inf
    return [
        _gauge("entry_allowed", "Whether the gate allows an entry to production.", allowed),
        _gauge("entry_status", "The status of an entry: 1 for the one that it has.", status),
        _gauge(
            "entry_fresh_seconds", "Seconds until what an entry rests on is too old; -Inf where it is blank.", fresh
        ),
    ]


def _prices(costs: Mapping[str, PricedEntry]) -> dict[Labels, float]:
    return {
        (("entry", key), ("tier", band.tier), ("context", band.context), ("meter", meter)): float(amount)
        for key, priced_entry in costs.items()
        for band in priced_entry.terms.bands
        for meter in ("input", "output", "cached_input")
        if (amount := getattr(band, meter)) is not None
    }


def _of_probes(measured: Mapping[Series, Summary]) -> list[Metric]:
    latency: dict[Labels, float] = {}
    failed: dict[Labels, float] = {}
    cost: dict[Labels, float] = {}
    for series, summary in measured.items():
        labels = tuple(series._asdict().items())
        failed[labels] = float(summary.error_rate)
        for name, value in (("0.5", summary.p50), ("0.9", summary.p90), ("0.99", summary.p99)):
            if value is not None:
                latency[(*labels, ("quantile", name))] = value / 1000
        if summary.cost is not None:
            cost[labels] = float(summary.cost)
    return [
        _gauge("probe_latency_seconds", "Latency of the granted calls of the last 24 hours.", latency),
        _gauge("probe_error_share", "Share of the calls of the last 24 hours that were not granted.", failed),
        _gauge("probe_cost_usd", "What the priced calls of the last 24 hours cost.", cost),
    ]


def _gauge(name: str, help: str, samples: Mapping[Labels, float]) -> Metric:
    return _filled(GaugeMetricFamily(_PREFIX + name, help), name, samples)


def _counter(name: str, help: str, samples: Mapping[Labels, float]) -> Metric:
    return _filled(CounterMetricFamily(_PREFIX + name, help), name, samples)


def _filled(family: Metric, name: str, samples: Mapping[Labels, float]) -> Metric:
    for labels, value in samples.items():
        family.add_sample(_PREFIX + name, dict(labels), value)
    return family
