"""Which polls are one job, and when it is due next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.core.configuration import Capabilities, Configuration, SourceSpec
from monitor.detection.shards import host_of, next_due, shards, turn_of
from monitor.sources.catalog import source_spec

NOW = datetime(2026, 7, 30, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def source(key: str, host: str = "a.example", every: timedelta = HOUR, **can: bool) -> SourceSpec:
    spec = source_spec(key=key, kind="document", url=f"https://{host}/{key}", every=every)
    return replace(spec, can=replace(spec.can, **can)) if can else spec


def configured(*specs: SourceSpec, shard: int = 2) -> Configuration:
    return Configuration(sources={spec.key: spec for spec in specs}, shard=shard)


def test_sources_of_one_interval_are_cut_into_shards_that_keep_hosts_together() -> None:
    made = shards(configured(*(source(f"s{n}", f"host-{n % 2}.example") for n in range(5)), source("m", every=MINUTE)))
    assert made == {"polls 3600s 1": ("s0", "s2"), "polls 3600s 2": ("s4", "s1"), "polls 3600s 3": ("s3",),
                    "polls 60s 1": ("m",)}  # fmt: skip


def test_every_source_is_in_one_shard_and_paid_probes_are_turns_of_their_own() -> None:
    paid, call = source("paid", calls=True, paid=True), source("call", calls=True)
    configuration = configured(*(source(f"s{n}") for n in range(7)), paid, call, shard=3)
    made = shards(configuration)
    assert sorted(key for keys in made.values() for key in keys) == sorted(configuration.sources)
    assert made["probe paid"] == ("paid",)
    assert made["calls 3600s 1"] == ("call",)
    assert (turn_of("paid", paid), turn_of("call", call)) == ("probe paid", "again call")


def test_a_source_without_an_address_counts_by_itself() -> None:
    spec = replace(source("codex"), url="", can=Capabilities())
    assert host_of(configured(spec), spec) == "codex"


def test_after_the_first_run_shards_are_spread_and_then_jittered_by_a_tenth() -> None:
    first = [next_due(f"polls 300s {n}", 5 * MINUTE, 1, NOW) - NOW for n in range(200)]
    assert 2.5 * MINUTE <= min(first) < 3 * MINUTE
    assert 4.5 * MINUTE < max(first) <= 5 * MINUTE
    later = [next_due("polls 300s 1", 5 * MINUTE, 7, NOW) - NOW for _ in range(200)]
    assert 4.5 * MINUTE <= min(later) < max(later) <= 5.5 * MINUTE
    second = timedelta(seconds=1)
    assert [next_due("polls 1s 1", second, run, NOW) for run in (1, 2)] == [NOW + second] * 2
