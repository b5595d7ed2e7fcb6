"""A configuration that takes something from production waits for a person; one that takes nothing does not."""

from __future__ import annotations

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from story_world import Answer, Story, price_page, until

ACCEPT = ("config", "accept", "--by", "Grace H.", "--reason", "we move")
SECOND_PAGE = """
[[source]]
key = "second-page"
kind = "pricing_page"
url = "{url}/{path}"
provider = "openai"
every = "1s"
trust = "official"
"""
SECOND_LIST = """
[[source]]
key = "second-list"
kind = "models_list"
surface = "openai"
every = "1s"
"""
FEED = """
[[source]]
key = "a-feed"
kind = "price_feed"
format = "llm_prices"
url = "{url}/feed.json"
every = "1s"
trust = "{trust}"
"""
FALLBACK = """
[[entry]]
key = "vega"
surface = "openai"
model_id = "orion-1"
owners = ["platform"]
"""


def active(story: Story, *parts: str, more: str = "") -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("1.00", "6.00")}
    story.configure(story.entry(more=more), *parts)
    story.must("poll")
    story.activate()
    assert story.gate() == 0


def edit(story: Story, old: str, new: str) -> None:
    text = story.config.read_text()
    assert old in text, old
    story.config.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "act", "why"),
    [
        ('base_url = "http://127.0.0.1', 'base_url = "http://localhost', "pauses", "base_url"),
        ('api_key = "env:PROVIDER_KEY"', 'api_key = "env:PROVIDER_KEY"\nproject = "proj_2"', "pauses", "project"),
        ('model_id = "orion-2"', 'model_id = "orion-1"', "pauses", "model_id"),
        ('model_id = "orion-2"', 'model_id = "orion-2"\nprice_model = "orion-1"', "pauses", "price_model"),
        ("/pricing.md", "/elsewhere.md", "pauses", "url"),
        ('trust = "official"', 'trust = "third_party"', "pauses", "url"),
        ('key = "orion"', 'key = "other"', "withdraws", "left the configuration"),
        ('key = "openai-pricing"', 'key = "renamed-pricing"', "pauses", "sources"),
        ("[gate]", '[gate]\nfreshness = "1ms"\nprice_freshness = "1ms"', "denies", "last verified"),
    ],
)
def test_what_takes_something_from_production_waits_until_a_person_accepts_it(
    story: Story, old: str, new: str, act: str, why: str
):
    active(story)
    edit(story, old, new)
    check = story.run("config", "check", "--json")
    assert check.code == 10
    assert why in check.json[act]["orion"], check.out
    polled = story.run("poll")
    assert polled.code == 0
    verb = {"pauses": "pause", "withdraws": "withdraw", "denies": "deny"}[act]
    assert f"would {verb} orion" in polled.err
    assert "config accept" in polled.err
    assert story.gate() == 0
    assert "orion" in story.must(*ACCEPT).out
    assert story.gate() == 0, "an acceptance alone moves nothing"
    polled = story.run("poll")
    assert "config accept" not in polled.err
    assert story.gate() == 1
    assert story.status()["status"] == {"pauses": "paused", "withdraws": "withdrawn", "denies": "active"}[act]
    first, accepted, taken = story.events("--type", "config.*")
    assert (accepted["type"], accepted["data"]["by"], accepted["data"]["reason"]) == (
        "config.accepted",
        "Grace H.",
        "we move",
    )
    assert "orion" in accepted["data"][act]
    assert taken["cause"] == accepted["position"] > first["position"]


def test_what_a_check_says_in_words_and_that_it_changes_nothing(story: Story):
    active(story)
    before = story.events()
    assert "takes nothing from production" in story.must("config", "check").out
    edit(story, "/pricing.md", "/elsewhere.md")
    said = story.run("config", "check")
    assert said.code == 10
    assert "Loading it would pause orion: openai-pricing url: " in said.out
    assert "config accept --by YOU --reason TEXT --expect" in said.out
    assert story.events() == before
    story.must(*ACCEPT)
    said = story.run("config", "check")
    assert said.code == 10
    assert "Grace H. accepted that at position" in said.out


@pytest.mark.parametrize(("old", "new"), [('key = "orion"', 'key = "other"'), ("/pricing.md", "/elsewhere.md")])
def test_the_owner_is_told_when_it_takes_effect(story: Story, old: str, new: str):
    active(story)
    edit(story, old, new)
    story.must(*ACCEPT)
    story.poll()
    story.deliver()
    assert any("Orion" in message.whole for message in story.messages())


def test_a_running_daemon_goes_on_after_a_reload_says_why_and_follows_an_acceptance(story: Story):
    active(story)
    with story.daemon() as daemon:
        edit(story, "/pricing.md", "/elsewhere.md")
        daemon.signal(signal.SIGHUP)
        until(lambda: daemon.lines("reloaded"), "the daemon has reloaded")
        (said,) = daemon.lines("configuration not taken")
        assert "would pause orion" in said["reason"]
        assert "config accept" in said["reason"]
        assert story.status()["status"] == "active"
        assert "would pause orion" in story.run("status").err
        polls = story.provider.count("/pricing.md")
        until(lambda: story.provider.count("/pricing.md") > polls, "the accepted page is still polled")
        assert story.provider.count("/elsewhere.md") == 0
        story.must(*ACCEPT)
        assert story.gate() == 0
        daemon.signal(signal.SIGHUP)
        until(lambda: story.status()["status"] == "paused", "the entry is paused")
        until(lambda: story.messages("PAUSED"), "the owner is told")


def test_a_daemon_starts_with_what_was_accepted_last(story: Story):
    active(story)
    edit(story, "/pricing.md", "/elsewhere.md")
    with story.daemon() as daemon:
        assert daemon.lines("configuration not taken")
        polls = story.provider.count("/pricing.md")
        until(lambda: story.provider.count("/pricing.md") > polls, "the accepted page is polled")
        assert story.gate() == 0
        story.must("pause", "orion", "--by", "Ada L.", "--reason", "an act goes on as well")
    assert story.gate() == 1


def test_a_file_that_changed_after_the_acceptance_is_not_covered(story: Story):
    active(story)
    edit(story, "/pricing.md", "/elsewhere.md")
    story.must(*ACCEPT)
    edit(story, "/elsewhere.md", "/third.md")
    assert "config accept" in story.run("poll").err
    assert story.gate() == 0
    edit(story, "/third.md", "/elsewhere.md")
    assert "config accept" not in story.run("poll").err
    assert story.gate() == 1


def test_an_acceptance_is_used_once(story: Story):
    active(story)
    edit(story, "[gate]", '[gate]\nfreshness = "1ms"')
    story.must(*ACCEPT)
    story.must("poll")
    assert story.gate() == 1
    edit(story, '[gate]\nfreshness = "1ms"', "[gate]")
    story.must("poll")
    assert story.gate() == 0
    edit(story, "[gate]", '[gate]\nfreshness = "1ms"')
    assert "config accept" in story.run("poll").err
    assert story.gate() == 0


def test_an_entry_that_was_activated_after_the_acceptance_was_never_accepted(story: Story):
    active(story, FALLBACK)
    edit(story, "/pricing.md", "/elsewhere.md")
    story.must(*ACCEPT)
    story.activate("vega")
    assert "vega" in story.run("poll").err
    assert (story.gate(), story.gate("vega")) == (0, 0)
    position = story.run("config", "check", "--json").json["position"]
    assert story.run(*ACCEPT, "--expect", "3").code == 1
    story.must(*ACCEPT, "--expect", str(position))
    story.poll()
    assert (story.gate(), story.gate("vega")) == (1, 1)


def test_what_the_environment_says_is_a_part_of_what_is_accepted(story: Story):
    active(story)
    short = {"ACCESS_MONITOR__GATE__FRESHNESS": "1ms"}
    story.environ.update(short)
    assert story.run("config", "check").code == 10
    story.must(*ACCEPT)
    story.environ["ACCESS_MONITOR__GATE__FRESHNESS"] = "2ms"
    assert "config accept" in story.run("poll").err
    story.environ.update(short)
    assert "config accept" not in story.run("poll").err


HARMLESS = [
    ('destinations = ["json://', 'destinations = ["env:CHAT", "json://', "owner.platform.destinations"),
    ('api_key = "env:PROVIDER_KEY"', 'api_key = "env:ANOTHER_KEY"', "surface.openai.api_key"),
    ('name = "Orion"', 'name = "Orion Two"', "entry.orion.name"),
    ("[network]", '[notify]\ntimeout = "3s"\n[network]', "notify.timeout"),
    ("[[owner]]", '[[owner]]\nkey = "second"\ndestinations = ["env:CHAT"]\n[[owner]]', "owner.second"),
    ('[[entry]]\nkey = "orion"', FALLBACK + '[[entry]]\nkey = "orion"', "entry.vega"),
    ('hold = "1h"', 'hold = "2h"', "confirmation.hold"),
]


def test_what_takes_nothing_from_production_needs_nobody(story: Story):
    active(story)
    story.environ["ANOTHER_KEY"] = "sk-another-0123456789abcdef"
    for old, new, _ in HARMLESS:
        edit(story, old, new)
        assert "config accept" not in story.must("poll").err
    assert story.run("config", "check").code == 0
    assert "needs no acceptance" in story.must(*ACCEPT).err
    story.must("poll")
    assert story.gate() == 0
    _, *taken = story.events("--type", "config.*")
    assert [event["type"] for event in taken] == ["config.changed"] * len(HARMLESS)
    assert [event["data"]["changed"] for event in taken] == [[key] for _, _, key in HARMLESS]


@pytest.mark.parametrize(
    "source",
    [
        SECOND_PAGE.replace("{path}", "second.md"),
        SECOND_LIST,
        FEED.replace("{trust}", "official"),
        FEED.replace("{trust}", "third_party"),
    ],
    ids=["page", "list", "official feed", "feed"],
)
def test_an_added_source_that_agrees_pauses_nothing(story: Story, source: str):
    active(story)
    answers_of(story)
    story.configure(story.entry(), source.replace("{url}", story.provider.url))
    assert story.run("config", "check").code == 0
    for _ in range(4):
        assert story.run("poll").code == 0
    assert story.gate() == 0
    assert not story.events("--type", "entry.paused")
    story.configure(story.entry())  # and it may go again: nobody accepted anything of it
    story.poll()
    assert story.gate() == 0


def test_an_added_source_that_disagrees_is_judged_once_it_was_polled(story: Story):
    active(story)
    answers_of(story, output="7.00")
    story.configure(story.entry(), SECOND_PAGE.replace("{url}", story.provider.url).replace("{path}", "second.md"))
    story.poll(3)
    assert story.status()["status"] == "paused"
    assert "7" in story.status()["reason"]


def test_the_first_start_takes_what_the_file_says(story: Story):
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    assert story.run("config", "check").code == 0
    with story.daemon() as daemon:
        assert not daemon.lines("configuration not taken")
    assert not story.events("--type", "config.accepted")


def test_what_differs_is_shown_key_by_key_and_no_secret(story: Story):
    active(story)
    assert story.must("config", "diff").out == ""
    edit(story, 'api_key = "env:PROVIDER_KEY"', 'api_key = "env:ANOTHER_KEY"')
    edit(story, "/hook/platform", "/hook/elsewhere")
    assert story.json("config", "diff") == [
        {"key": "surface.openai.api_key", "old": "env:PROVIDER_KEY", "new": "env:ANOTHER_KEY"}
    ]
    edit(story, 'key = "orion"', 'key = "orion-large"\nwas = "orion"')
    shown = story.must("config", "diff").out
    assert re.search(r"entry.orion-large.key\s+orion\s+orion-large", shown)
    edit(story, '\nwas = "orion"', "")
    shown = story.must("config", "diff").out
    assert re.search(r"^entry.orion.model_id\s", shown, re.MULTILINE)
    assert all(len(line) <= 80 for line in shown.splitlines())
    log = str(story.events())
    assert "/hook/" not in log
    assert "sk-story" not in log


def test_with_a_database_of_0_2_0_there_is_nothing_to_go_on_with_until_it_is_accepted(story: Story):
    active(story)
    forget_documents(story.folder / "monitor.db")
    assert story.run("poll").code == 0, "what the entries were declared with is what was accepted"
    forget_documents(story.folder / "monitor.db")
    edit(story, "/pricing.md", "/elsewhere.md")
    for command in (("poll",), ("run",), ("pause", "orion", "--by", "Ada L.", "--reason", "a story")):
        refused = story.run(*command)
        assert refused.code == 78
        assert "would pause orion" in refused.err
        assert "config accept" in refused.err
    assert story.gate() == 0
    assert story.run("config", "check").code == 10
    story.must(*ACCEPT)
    story.run("poll")
    assert story.gate() == 1


def forget_documents(database: Path) -> None:
    """Leave the log as 0.2.0 would have, which kept no whole configuration; the database itself refuses that, so its
    guard steps aside.
    """
    with closing(sqlite3.connect(database)) as connection:
        guard = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
        ).fetchall()
        for name, _ in guard:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE events SET data = json_set(json_remove(data, '$.document'), '$.version', 'of-0.2.0') WHERE "
            "type = 'config.changed'"
        )
        for _, sql in guard:
            connection.execute(sql)
        connection.commit()


def test_a_wrong_file_is_78_whatever_the_database_says(story: Story):
    active(story)
    edit(story, 'every = "1s"', 'every = "often"')
    assert story.run("config", "check").code == 78
    assert story.run(*ACCEPT).code == 78


def answers_of(story: Story, output: str = "6.00") -> None:
    """Answer for a second page and a feed as the first page does, but for the output price."""
    page = price_page({"orion-2": ("1.00", output)})
    story.provider.answers["GET", "/second.md"] = Answer(200, page, {"Content-Type": "text/markdown"})
    row: dict[str, Any] = {"id": "orion-2", "vendor": "openai", "name": "Orion", "input": 1.0, "output": float(output)}
    row |= {"input_cached": None}
    feed = {"updated_at": "2026-11-01", "prices": [row]}
    story.provider.answers["GET", "/feed.json"] = Answer(200, feed)
