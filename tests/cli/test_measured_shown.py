"""What calls took, in sum: on the command line, and to Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from monitor.app.health import Health
from monitor.cli import cli
from monitor.core.configuration import Configuration, Surface
from monitor.core.facts import GRANTED, Measurement, SourceState
from monitor.core.measurements import by_day, quantile, summary
from monitor.detection.budget import DailyBudget
from monitor.gate.client import clock
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store
from monitor.web.metrics import metrics

Run: TypeAlias = Callable[..., Result]

MORNING = datetime(2026, 7, 30, 6, tzinfo=UTC)
DAY = timedelta(days=1)

CONFIG = """
[[surface]]
key = "openai"
base_url = "https://api.example/v1"

[[source]]
key = "probes"
kind = "behaviour"
surface = "openai"
routes = ["chat"]

[[owner]]
key = "team"
destinations = ["env:SLACK_URL"]

[[entry]]
key = "luna"
surface = "openai"
model_id = "gpt-luna"
owners = ["team"]
"""


def call(latency: int = 800, **more: object) -> Measurement:
    made = Measurement(
        source="probes/gpt-luna/chat",
        surface="openai",
        model="gpt-luna",
        route="chat",
        at=MORNING,
        outcome=GRANTED,
        latency=latency,
    )
    return replace(made, **more)  # type: ignore[arg-type]


# -- sums ----------------------------------------------------------------


def test_a_quantile_is_one_of_the_values_and_of_nothing_there_is_none() -> None:
    assert [quantile(range(1, 101), percent) for percent in (50, 90, 99)] == [50, 90, 99]
    assert [quantile([7], percent) for percent in (1, 50, 99)] == [7, 7, 7]
    assert quantile([1, 2], 50) == 1
    assert quantile([], 50) is None


def test_latency_is_of_granted_calls_and_a_blank_stays_one() -> None:
    one = summary([call(100), call(300), call(90_000, outcome="transient")])
    assert (one.calls, one.failed, one.p50, one.p99) == (3, 1, 100, 300)
    assert one.error_rate == Decimal("0.333")
    assert (one.first_token, one.input_tokens, one.output_tokens, one.cached, one.cost) == (None,) * 5
    assert summary([call(outcome="blocked")]).p50 is None


def test_tokens_and_money_are_added_exactly_over_the_calls_that_state_them() -> None:
    one = summary(
        [
            call(input_tokens=1000, cached_tokens=500, output_tokens=3, cost="0.1", first_token=90, retries=1),
            call(input_tokens=1000, cached_tokens=0, output_tokens=4, cost="0.2", first_token=70),
            call(input_tokens=50),
        ]
    )
    assert (one.input_tokens, one.output_tokens, one.retries, one.first_token) == (2050, 7, 1, 70)
    assert one.cached == Decimal("0.25")
    assert (one.cost, one.priced) == (Decimal("0.3"), 2)


def test_a_day_is_one_of_utc_and_series_are_kept_apart() -> None:
    late = datetime.fromisoformat("2026-07-31T01:00:00+02:00")  # still the 30th in UTC
    found = by_day([call(), call(at=late), call(at=MORNING + DAY), call(route="retrieve"), call(surface="eu")])
    assert [(series.surface, series.route, day.day, one.calls) for (series, day), one in found.items()] == [
        ("eu", "chat", 30, 1),
        ("openai", "chat", 30, 2),
        ("openai", "chat", 31, 1),
        ("openai", "retrieve", 30, 1),
    ]


# -- the commands --------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    (tmp_path / "monitor.toml").write_text(CONFIG, encoding="utf-8")
    opened = open_store(str(tmp_path / "monitor.db"))
    with opened.write() as tx:
        tx.put_measurements(
            [
                *(
                    call(800 + 10 * number, at=MORNING + number * timedelta(minutes=1), cost="0.001")
                    for number in range(9)
                ),
                call(5000, outcome="transient"),
                call(1600, at=MORNING + 3 * DAY, input_tokens=2000, cached_tokens=1500, output_tokens=16),
                call(120, route="retrieve", model="gpt-sol"),
            ]
        )
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(cli, ["--config", "monitor.toml", "--database", "monitor.db", *words])

    return typed


SINCE = ("--since", "2026-07-01")


def test_measurements_are_shown_by_route_and_day(run: Run) -> None:
    found = run("measurements", *SINCE)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert [line.split()[:6] for line in lines[1:]] == [
        ["2026-07-30", "openai", "gpt-luna", "chat", "10", "10"],  # 10 %
        ["2026-08-02", "openai", "gpt-luna", "chat", "1", "0"],
        ["2026-07-30", "openai", "gpt-sol", "retrieve", "1", "0"],
    ]
    assert "840" in lines[1]
    assert "0.009" in lines[1]
    assert "75 %" in lines[2]


def test_an_entry_or_a_model_and_a_route_narrow_what_is_shown(run: Run) -> None:
    def models(*words: str) -> set[str]:
        return {one["model"] for one in json.loads(run("measurements", *words, *SINCE, "--json").stdout)}

    assert models() == {"gpt-luna", "gpt-sol"}
    assert models("gpt-sol") == {"gpt-sol"}
    assert models("--route", "chat") == {"gpt-luna"}
    assert models("nobody") == set()


def test_scripts_get_every_number_and_null_for_a_blank(run: Run) -> None:
    first = json.loads(run("measurements", "gpt-luna", *SINCE, "--json").stdout)[0]
    assert first == {
        "surface": "openai",
        "model": "gpt-luna",
        "route": "chat",
        "day": "2026-07-30",
        "calls": 10,
        "failed": 1,
        "error_rate": "0.100",
        "latency_ms": {"p50": 840, "p90": 880, "p99": 880},
        "first_token_ms": None,
        "retries": 0,
        "input_tokens": None,
        "output_tokens": None,
        "cached": None,
        "cost": "0.009",
        "priced": 9,
    }


def test_the_plot_has_a_line_for_each_route_with_its_first_and_last_median(run: Run) -> None:
    found = run("measurements", *SINCE, "--plot")
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("openai gpt-luna chat")
    assert lines[0].endswith("840 → 1600")
    assert "█" in lines[0]


def test_where_nothing_was_measured_one_sentence_says_so(run: Run) -> None:
    found = run("measurements", "nobody", "--route", "chat", "--since", "2026-07-01")
    assert found.exit_code == 1
    assert found.stdout == ""
    assert (
        "no call of 'nobody' by 'chat' since 2026-07-01T00:00:00Z was measured" in str(found.exception) + found.stderr
    )
    assert json.loads(run("measurements", "nobody", "--json").stdout) == []


def test_the_budget_says_what_is_spent_left_and_refused(run: Run, store: SqlStore) -> None:
    with store.write() as tx:
        tx.reserve("openai", Decimal("0.25"), clock.now())
        tx.put_source(SourceState(key="probes/gpt-luna/chat", outage="over_budget"))
    assert json.loads(run("budget", "--json").stdout) == [
        {"surface": "openai", "per_day": "1", "spent": "0.25", "left": "0.75", "refused": ["probes/gpt-luna/chat"]}
    ]
    shown = run("budget").stdout.splitlines()
    assert shown[1].split() == ["openai", "1", "0.25", "0.75", "probes/gpt-luna/chat"]


def test_an_unknown_surface_is_no_row_and_no_surface_is_said(tmp_path: Path, run: Run) -> None:
    (tmp_path / "monitor.toml").write_text("", encoding="utf-8")
    found = run("budget")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "No surface" in found.stderr


# -- Prometheus ----------------------------------------------------------


def test_prometheus_reads_latency_errors_cost_and_what_is_left(store: SqlStore) -> None:
    declared = Configuration(
        surfaces={"openai": Surface(key="openai", base_url="https://api.example/v1", provider="openai")},
        sources={"p": source_spec(key="p", kind="behaviour", every=DAY, surface="openai")},
    )
    DailyBudget(store, declared, Decimal(2)).reserve("openai", Decimal("0.5"), MORNING)
    text = metrics(store, declared, Health(), MORNING + timedelta(hours=12), per_day=Decimal(2))
    for line in (
        'access_monitor_probe_latency_seconds{model="gpt-luna",quantile="0.5",route="chat",surface="openai"} 0.84',
        'access_monitor_probe_latency_seconds{model="gpt-luna",quantile="0.99",route="chat",surface="openai"} 1.6',
        'access_monitor_probe_cost_usd{model="gpt-luna",route="chat",surface="openai"} 0.009',
        'access_monitor_budget_left_usd{surface="openai"} 1.5',
    ):
        assert line in text.splitlines(), line
    later = metrics(store, declared, Health(), MORNING + 30 * DAY, per_day=Decimal(2))
    assert "probe_latency_seconds{" not in later
    assert 'access_monitor_budget_left_usd{surface="openai"} 2.0' in later.splitlines()
