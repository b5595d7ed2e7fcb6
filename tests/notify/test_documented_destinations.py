"""Every destination that the documentation shows is one that messages can be sent to; nothing is sent."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docs_pages import ROOT, blocks, page, quoted, rows, sections

from monitor.notify.channels import AppriseChannel
from monitor.notify.service import Means
from monitor.settings import load, schema
from monitor.settings.destinations import unusable_destinations

SECTION = sections(page("owners"), 2)["Where messages go"]
TABLE: dict[str, list[str]] = {row[0]: quoted(row[1]) for row in rows(SECTION)}


def channel(folder: Path) -> AppriseChannel:
    means = Means(timeout=(1, 1), clock=lambda: datetime(2026, 7, 1, tzinfo=UTC), folder=folder, secret=None)
    return AppriseChannel(lambda url: url, means=lambda url: means)


def test_the_services_that_people_ask_for_first_are_shown() -> None:
    shown = " ".join(TABLE)
    assert all(name in shown for name in ("Slack", "e-mail", "Teams", "Discord", "PagerDuty", "Jira"))


@pytest.mark.parametrize(("service", "url"), [(service, url) for service, urls in TABLE.items() for url in urls])
def test_a_url_that_is_shown_makes_a_destination(service: str, url: str, tmp_path: Path) -> None:
    assert channel(tmp_path).problem(url) == "", service
    assert channel(tmp_path).label(url) != url


def test_the_example_loads_and_its_destinations_can_be_sent_to(tmp_path: Path) -> None:
    (example,) = blocks(SECTION, "toml")
    path = tmp_path / "monitor.toml"
    path.write_text(example)
    settings = load(path, {}, further=unusable_destinations)
    assert settings.configuration.owners["everybody"].members == ("platform", "finance")
    assert settings.configuration.fallback_owner == "oncall"
    assert {row["key"] for row in tomllib.loads(example)["owner"]} == set(settings.configuration.owners)


def test_the_keys_of_a_destination_that_are_described_are_those_that_there_are() -> None:
    described = {quoted(row[0])[0] for row in rows(sections(page("configuration"), 2)["A destination"])}
    table: dict[str, Any] = schema()["$defs"]["DestinationTable"]["properties"]
    assert described == set(table)


def test_the_shipped_configuration_shows_a_destination_with_rules_that_loads(tmp_path: Path) -> None:
    text = (ROOT / "config/monitor.toml").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("# destinations = ")]
    path = tmp_path / "monitor.toml"
    path.write_text(f'[[owner]]\nkey = "platform"\n{line.removeprefix("# ")}\n')
    assert len(load(path, {}, further=unusable_destinations).configuration.owners["platform"].destinations) == 3
