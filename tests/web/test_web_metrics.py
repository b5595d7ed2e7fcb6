"""The text for Prometheus, from a real store."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.app.health import Health
from monitor.core.configuration import Configuration
from monitor.core.facts import SourceState
from monitor.core.ports import Reader, Unavailable
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store
from monitor.web.metrics import metrics

NOW = datetime(2026, 11, 22, 4, 35, tzinfo=UTC)
EVERY = timedelta(minutes=5)
ODD = 'a "quoted" \\ and\nbroken key'
LINE = re.compile(
    r'# (HELP|TYPE) access_monitor_\w+ .+|access_monitor_\w+(\{\w+="([^"\\\n]|\\["\\n])*"(,\w+="[^"]*")*\})? '
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
