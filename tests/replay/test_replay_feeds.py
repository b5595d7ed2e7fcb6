"""The recorded histories of the other price feeds, played through the pipeline as one night shift would see them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from replayed import Played, history, needs_histories, play, time

FEEDS = {
    "genai-v1": ("genai_prices", "genai_prices_v1_openai_anthropic"),
    "genai-v2": ("genai_prices", "genai_prices_v2_openai_anthropic"),
    "litellm": ("litellm", "litellm_weishaw_full"),
    "openrouter": ("openrouter", "mw_openrouter_models_openai_anthropic"),
    "watch": ("modelpricewatch", "modelpricewatch_openai_anthropic"),
}

CONFIG = """
[[surface]]
key = "openai"
base_url = "https://api.openai.com/v1"
api_key = "env:OPENAI_API_KEY"

[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]

[[entry]]
key = "luna"
surface = "openai"
model_id = "gpt-5.6-luna"
owners = ["platform"]
"""

pytestmark = needs_histories


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Four at once, their changes carried."""
    return replayed(tmp_path_factory.mktemp("feeds"), timedelta(hours=12), *(FEEDS.keys() - {"watch"}))


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Provide the one that renamed its ids two hours after a change, so it is looked at every hour."""
    return replayed(tmp_path_factory.mktemp("watch"), timedelta(hours=1), "watch")


def replayed(folder: Path, carry: timedelta, *keys: str) -> Played:
    sources = "".join(
        f'\n[[source]]\nkey = "{key}"\nkind = "price_feed"\nformat = "{form}"\nurl = "https://feed.example/{key}"\n'
        for key, (form, _) in FEEDS.items()
        if key in keys
    )
    config = folder / "monitor.toml"
    config.write_text(CONFIG + sources, encoding="utf-8")
    files = {key: history(name) for key, (_, name) in FEEDS.items() if key in keys}
    return play(folder, files, config=config, carry=carry)


@pytest.mark.parametrize("name", ["feeds", "watch"])
def test_no_feed_makes_a_price_or_moves_an_entry(name: str, request: pytest.FixtureRequest) -> None:
    played: Played = request.getfixturevalue(name)
    kinds = {event.type for event in played.events("price.", "entry.", "model.", "access.")}
    assert {event.data["field"] for event in played.events("model.")} <= {"alias.target"}
    assert kinds <= {
        "model.changed",
        "price.announced",
        "price.listed",
        "price.reported",
        "price.removed",
        "price.quarantined",
        "entry.declared",
    }
    assert "price.reported" in kinds


def test_no_document_of_theirs_is_an_outage_but_where_the_scan_itself_failed(feeds: Played) -> None:
    assert {event.source for event in feeds.events("source.failed")} <= {"openrouter"}


@pytest.mark.parametrize(
    ("name", "key", "model"), [("feeds", "genai-v2", "gpt-5.6-luna"), ("watch", "watch", "openai-gpt-56-luna")]
)
def test_the_drop_of_july_is_reported_once_by_each_feed_that_lives(
    name: str, key: str, model: str, request: pytest.FixtureRequest
) -> None:
    played: Played = request.getfixturevalue(name)
    reported = [
        (e.data["meter"], e.data["old"], e.data["new"])
        for e in played.events("price.reported", subject=model, source=key)
        if e.data["context"] == "short" and e.data["meter"] != "cache_write"
    ]
    assert sorted(reported) == [("cached_input", "0.1", "0.02"), ("input", "1", "0.2"), ("output", "6", "1.2")]


def test_the_frozen_feed_says_nothing_of_the_drop_and_takes_nothing_back(feeds: Played) -> None:
    since = time("2026-07-30T00:00:00Z")
    assert [
        e for e in feeds.events("price.", source="genai-v1") if e.occurred_at >= since and "luna" in e.subject
    ] == []


def test_the_noise_of_floats_makes_no_event(feeds: Played) -> None:
    for event in feeds.events("price.reported", source="openrouter"):
        old, new = float(event.data["old"]), float(event.data["new"])
        assert abs(old - new) > 1e-9 * max(old, new)


def test_minus_one_never_enters_the_log_as_a_price(feeds: Played) -> None:
    amounts = {e.data[key] for e in feeds.events("price.") for key in ("old", "new")}
    assert amounts
    assert not any(amount is not None and amount.startswith("-") for amount in amounts)
    router = feeds.events("price.", subject="claude-fable-latest")
    assert router
    day = (time("2026-07-01T16:00:00Z"), time("2026-07-02T04:00:00Z"))
    assert [e.type for e in router if day[0] <= e.occurred_at <= day[1]] == []


def test_a_mass_rename_of_a_feed_is_told_as_renames_and_changes_no_price(watch: Played) -> None:
    renamed = time("2026-08-01T18:42:00Z")
    said = watch.between(renamed, renamed + timedelta(days=3), "price.")
    assert {event.type for event in said} <= {"price.removed", "price.listed"}
    removed = [event for event in said if event.type == "price.removed"]
    assert len({event.subject for event in removed}) == 27
    assert all(event.data["renamed_to"].replace("-", "") == event.subject.replace("-", "") for event in removed)


def test_the_registry_equals_its_log(feeds: Played) -> None:
    assert feeds.entries == feeds.rebuilt
