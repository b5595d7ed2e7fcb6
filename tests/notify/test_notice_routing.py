"""From references to URLs."""

from __future__ import annotations

import pytest

from monitor.core.configuration import Owner
from monitor.core.ports import ConfigurationError
from monitor.notify.routing import NotConfigured, Resolver, destinations

OWNER = Owner(key="platform#core", destinations=("env:SLACK_URL", "mailto://ops@example.org", "file:/run/url"))


def secret(reference: str) -> str:
    found = {"env:SLACK_URL": " slackhook://127.0.0.1/x\n", "file:/run/url": "\n"}
    return found[reference]


def resolver() -> Resolver:
    return Resolver(lambda: {OWNER.key: OWNER}, secret)


def test_destinations_are_references_by_owner_and_place() -> None:
    assert destinations(OWNER) == ("platform#core#1", "platform#core#2", "platform#core#3")


def test_a_reference_is_resolved_through_the_secret_and_a_literal_url_is_not() -> None:
    assert resolver()("platform#core#1") == "slackhook://127.0.0.1/x"
    assert resolver()("platform#core#2") == "mailto://ops@example.org"


def test_an_empty_secret_is_an_error_that_names_the_reference() -> None:
    with pytest.raises(ConfigurationError, match="platform#core#3 refers to file:/run/url, which is empty") as error:
        resolver()("platform#core#3")
    assert not isinstance(error.value, NotConfigured)


@pytest.mark.parametrize("reference", ["platform#core#4", "platform#core#0", "nobody#1", "platform#core", ""])
def test_a_reference_to_nothing_is_not_configured(reference: str) -> None:
    with pytest.raises(NotConfigured, match="is not in the configuration"):
        resolver()(reference)


def test_a_reload_counts_at_the_next_attempt_and_a_secret_is_read_when_it_is_used() -> None:
    owners: dict[str, Owner] = {}
    read: list[str] = []

    def remember(reference: str) -> str:
        read.append(reference)
        return "json://127.0.0.1"

    resolve = Resolver(lambda: owners, remember)
    with pytest.raises(NotConfigured):
        resolve("late#1")
    owners["late"] = Owner(key="late", destinations=("env:LATE",))
    assert read == []
    assert resolve("late#1") == "json://127.0.0.1"
    assert read == ["env:LATE"]
