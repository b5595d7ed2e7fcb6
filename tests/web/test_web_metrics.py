"""The text for Prometheus, from a real store."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pipeline_world import LUNA, World, furnish, world_of
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_of

from monitor.app.health import Health
from monitor.core.configuration import Configuration
from monitor.core.entry import Status
from monitor.core.facts import SourceState
from monitor.core.ports import Reader, Unavailable
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store
from monitor.web.metrics import metrics

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 4, 35, tzinfo=UTC)
EVERY = timedelta(minutes=5)
ODD = 'a "quoted" \\ and\nbroken key'
LINE = re.compile(
    r"# (HELP|TYPE) (access_monitor|process)_\w+ .+|(access_monitor|process)_\w+"
    r'(\{\w+="([^"\\\n]|\\["\\n])*"(,\w+="[^"]*")*\})? '
    r"(\+Inf|[0-9.e+-]+)"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(str(tmp_path / "monitor.db"))
    yield opened
    opened.close()


def configuration(*keys: str) -> Configuration:
    return Configuration(sources={key: source_spec(key=key, kind="models_list", every=EVERY) for key in keys})


def samples(text: str) -> dict[str, float]:
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_a_source_has_an_age_and_is_failing_or_not(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_source(SourceState(key="good", good_at=NOW - timedelta(seconds=90)))
        tx.put_source(SourceState(key="bad", good_at=NOW - timedelta(days=29), outage="http_error"))
        tx.put_source(SourceState(key="left the configuration", good_at=NOW))
    found = samples(metrics(store, configuration("good", "bad", "never"), Health(), NOW))
    ages = {key: value for key, value in found.items() if "good_age" in key}
    assert ages == {
        'access_monitor_source_good_age_seconds{source="good"}': 90,
        'access_monitor_source_good_age_seconds{source="bad"}': 2505600,
        'access_monitor_source_good_age_seconds{source="never"}': math.inf,
    }
    failing = [value for key, value in found.items() if "failing" in key]
    assert failing == [0, 1, 0]


def test_polls_are_counted_by_verdict_and_problems_of_the_daemon_as_well(store: SqlStore) -> None:
    health = Health()
    health.expect({"a": EVERY})
    for verdict in ("baseline", "unchanged", "unchanged", "failed"):
        health.polled("a", verdict)
    health.problem()
    found = samples(metrics(store, configuration("a"), health, NOW))
    assert found['access_monitor_polls_total{verdict="unchanged"}'] == 2
    assert found['access_monitor_polls_total{verdict="failed"}'] == 1
    assert found["access_monitor_problems_total"] == 1


def test_every_line_is_of_the_format_and_every_sample_has_a_type(store: SqlStore) -> None:
    text = metrics(store, configuration("plain", ODD), Health(), NOW)
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert text.endswith("\n")
    assert r'{source="a \"quoted\" \\ and\nbroken key"}' in text
    typed = re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)
    assert {re.match(r"\w+", name)[0] for name in samples(text)} <= set(typed)
    assert len(typed) == len(set(typed))


@pytest.fixture
def world() -> Iterator[World]:
    with world_of() as made:
        furnish(made)
        made.activate()
        yield made


def test_an_entry_is_allowed_or_not_has_one_status_a_price_and_time_left(world: World) -> None:
    def read() -> dict[str, float]:
        return samples(metrics(world.store, world.conf, Health(), world.now))

    luna = 'entry="luna",surface="openai"'
    found = read()
    assert found[f"access_monitor_entry_allowed{{{luna}}}"] == 1
    assert found[f"access_monitor_entry_fresh_seconds{{{luna}}}"] > 0
    before = found['access_monitor_price_usd{context="short",entry="luna",meter="input",tier="standard"}']
    world.sources["page"].set(LUNA, input="2")
    world.polls(1, "page")
    assert read()['access_monitor_source_pending{source="page"}'] == 1
    world.polls(1, "page")
    found = read()
    assert found[f"access_monitor_entry_allowed{{{luna}}}"] == 0
    statuses = {name: value for name, value in found.items() if name.startswith("access_monitor_entry_status")}
    assert [name for name, value in statuses.items() if value] == [
        'access_monitor_entry_status{entry="luna",status="paused",surface="openai"}'
    ]
    assert len(statuses) == len(Status)
    after = found['access_monitor_price_usd{context="short",entry="luna",meter="input",tier="standard"}']
    assert (before, after) == (1, 2)
    world.now += timedelta(days=30)
    assert read()[f"access_monitor_entry_fresh_seconds{{{luna}}}"] < 0


def test_openmetrics_is_given_on_request_and_can_be_read(world: World) -> None:
    text = metrics(world.store, world.conf, Health(), world.now, openmetrics=True)
    families = {family.name: family for family in openmetrics_of(text)}
    assert text.endswith("# EOF\n")
    assert families["access_monitor_entry_allowed"].samples[0].value == 1


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "grafana/access-monitor.json"])
def test_what_is_shipped_for_monitoring_names_metrics_that_there_are(world: World, file: str) -> None:
    known = set(re.findall(r"^# TYPE (\w+)", metrics(world.store, world.conf, Health(), world.now), re.MULTILINE))
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:access_monitor|process)_[a-z_]+", text)) - {"access_monitor"}
    assert named
    assert named <= known
    yaml.safe_load(text)


def test_prometheus_takes_the_metrics_and_its_rules_say_what_they_should(world: World) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: Debian has it in the package prometheus")
    text = metrics(world.store, world.conf, Health(), world.now)
    for arguments, given, folder in (
        (("check", "metrics"), text, ROOT),
        (("check", "rules", "alerts.yml"), "", ROOT / "deploy" / "prometheus"),
        (("test", "rules", "alerts.test.yml"), "", ROOT / "deploy" / "prometheus"),
    ):
        checked = subprocess.run([promtool, *arguments], input=given, cwd=folder, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_while_the_store_cannot_be_read_the_rest_is_told(store: SqlStore) -> None:
    class Away:
        @contextmanager
        def read(self) -> Iterator[Reader]:
            raise Unavailable("The database is away.")
            yield

    found = samples(metrics(Away(), configuration("a"), Health(), NOW))
    assert found["access_monitor_store_up"] == 0
    assert "access_monitor_problems_total" in found
    assert not any("source" in name for name in found)
