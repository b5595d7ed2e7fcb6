"""Readiness as teams meet it: what a pause asks for, evals cell by cell, caching in its parts, two people as two."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from preloaded import COMMAND
from story_world import Answer, Request, Result, Story, behaviour, until

WRAPPER = Path(__file__).with_name("clock_wrapper.py")
BY = ("--by", "Ada L.", "--reason", "a story")
MODEL = ("model_id", "visibility", "pricing", "rate_limits", "evals", "safety_review")


def begin(story: Story, *parts: str) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("0.50", "2.00")}
    story.configure(*parts)
    story.poll()


def attest(story: Story, *checks: str) -> None:
    for check in checks:
        story.must("verify", "orion", check, "--by", "Ada L.", "--url", "https://example.test/proof")


def dry_run(story: Story, act: str) -> dict[str, Any]:
    shown: dict[str, Any] = story.json(act, "orion", "--dry-run")
    return shown


def states(story: Story) -> dict[str, str]:
    return {row["check"]: row["state"] for row in story.json("checklist", "orion")}


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_a_listing_that_is_lost_before_anybody_accepted_asks_for_the_model_again(story: Story) -> None:
    begin(story, story.entry(more='checks = ["evals", "rate_limits", "logging"]'))
    attest(story, "evals", "rate_limits", "logging")
    assert (story.status()["asks"], dry_run(story, "activate")["missing"]) == ([], [])
    story.provider.models = ["orion-1"]
    story.poll(3)
    assert story.status()["status"] == "waiting"
    story.provider.models = ["orion-1", "orion-2"]
    story.poll(3)
    asks = [name for name in MODEL if name != "safety_review"]  # as far as the entry requires them
    assert (story.status()["status"], story.status()["asks"]) == ("evaluating", asks)
    assert dry_run(story, "activate")["asks"] == asks
    assert {name for name, state in states(story).items() if state == "stale"} == {"evals", "rate_limits"}
    assert story.run("activate", "orion", *BY).code == 1
    for shown in (story.run("activate", "orion", "--dry-run").out, story.must("checklist", "orion").out):
        assert f"The lost listing asks for: {', '.join(asks)}." in shown
    assert ", ".join(asks) in story.must("status", "orion").out
    assert ", ".join(asks) in story.must("report", "orion").out
    attest(story, "evals", "rate_limits")
    story.activate()
    assert story.status()["asks"] == []


def test_general_availability_pauses_and_asks_for_limits_prices_and_evals(story: Story) -> None:
    begin(story, story.entry(more='stage = "preview"'))
    story.activate()
    assert story.gate() == 0
    story.configure(story.entry(more='stage = "general"'))
    assert story.run("config", "check").code == 10, "it says ahead what loading it would pause"
    story.must("config", "accept", *BY)
    story.poll()
    row = story.status()
    assert (row["status"], row["asks"]) == ("paused", ["pricing", "rate_limits", "evals"])
    assert story.gate() == 1
    assert dry_run(story, "resume")["asks"] == row["asks"]
    story.poll()  # the price is read again
    assert {fault["what"] for fault in dry_run(story, "resume")["missing"]} == {
        "rate_limits is blank",
        "evals is blank",
    }
    story.deliver()
    (message,) = story.messages("PAUSED")
    assert "rate_limits" in message.text
    attest(story, "rate_limits")
    story.must("resume", "orion", *BY, "--waive", "evals")
    assert (story.status()["status"], story.status()["waived"]) == ("active", ["evals"])


def test_a_pause_by_a_person_asks_for_what_is_required_and_not_verified(story: Story) -> None:
    begin(story, story.entry(more='checks = ["evals"]'))
    story.must("activate", "orion", *BY, "--waive", "evals")
    story.must("pause", "orion", *BY)
    assert story.status()["asks"] == ["evals"]
    refused = story.run("resume", "orion", *BY)
    assert (refused.code, "its pause asks for evals" in refused.err) == (1, True)
    attest(story, "evals")
    assert story.status()["asks"] == []
    story.must("resume", "orion", *BY)


@pytest.mark.parametrize("act", ["activate", "resume"])
def test_a_waiver_of_what_nothing_asks_for_is_refused_in_one_sentence_and_nothing_changes(
    story: Story, act: str
) -> None:
    begin(story, story.entry())
    if act == "resume":
        story.activate()
        story.must("pause", "orion", *BY)
    before = story.events()
    refused = story.run(act, "orion", *BY, "--waive", "evals")
    assert (refused.code, refused.err.strip().count("\n")) == (1, 0)
    assert "evals cannot be waived" in refused.err
    assert story.events() == before


# -- two people --------------------------------------------------------------------------------------------------------


def elsewhere(story: Story, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a host of another name."""
    line = 'hostname laptop && exec "$@"'
    words = ["unshare", "--uts", "sh", "-c", line, "sh", str(COMMAND), "--config", str(story.config), *arguments]
    return subprocess.run(words, cwd=story.folder, env=story._environ(), capture_output=True, text=True, check=False)


def test_two_names_from_one_account_are_refused_and_two_accounts_are_not(story: Story) -> None:
    begin(story, story.entry(more="approvers = 2"))
    expect = str(story.status()["position"])
    story.activate()
    assert story.status()["approval"]["by"] == "Ada L."
    before = story.events()
    refused = story.run("activate", "orion", "--by", "Bob K.", "--reason", "me, too", "--expect", expect)
    assert (refused.code, refused.err.strip().count("\n")) == (1, 0)
    assert "two people are two accounts" in refused.err
    assert story.events() == before
    if shutil.which("unshare") is None or elsewhere(story, "--version").returncode:
        pytest.skip("no host of another name can be played here: that another account confirms is not tried")
    done = elsewhere(story, "activate", "orion", "--by", "Bob K.", "--reason", "me, too", "--expect", expect)
    assert done.returncode == 0, done.stderr
    assert story.status()["status"] == "active"


# -- evals -------------------------------------------------------------------------------------------------------------

PLAN = '[entry.evals]\nsuites = ["long_context", "tool_use"]\nbaseline = "mini"\nsamples = 2'


def results(story: Story, *of: tuple[str, str], samples: int = 2, name: str = "output.json") -> str:
    """Write a file as promptfoo writes it, of these (model, suite); every test passed."""
    rows = [
        {
            "provider": {"id": f"openai:chat:{model}", "label": ""},
            "success": True,
            "score": 1.0,
            "failureReason": 0,
            "namedScores": {},
            "response": {"output": "…"},
            "testCase": {"metadata": {"suite": suite}},
        }
        for model, suite in of
        for _ in range(samples)
    ]
    document = {"evalId": "e", "results": {"version": 3, "results": rows, "stats": {}}, "config": {}}
    path = story.folder / name
    path.write_text(json.dumps(document))
    return str(path)


def comparison(story: Story) -> dict[str, Any]:
    row = next(row for row in story.json("checklist", "orion") if row["check"] == "evals")
    made: dict[str, Any] = {**row["comparison"], "state": row["state"]}
    return made


def cells(story: Story) -> list[tuple[str, bool, bool]]:
    return [
        (row["suite"], row["candidate"] is not None, row["baseline"] is not None) for row in comparison(story)["rows"]
    ]


def hand_in(story: Story, file: str) -> Result:
    return story.run("verify", "orion", "evals", "--by", "Ada L.", "--from", file)


def planned(story: Story, model: str = 'model_id = "orion-2"') -> Sequence[str]:
    entry = story.entry(more=f'checks = ["evals"]\n{PLAN}').replace('model_id = "orion-2"', model)
    return entry, story.entry("mini", "orion-1", name="Mini")


def test_the_baseline_is_filled_before_there_is_a_model_and_the_check_by_the_last_cell(story: Story) -> None:
    begin(story, *planned(story, model=""))
    assert story.status()["status"] == "waiting"
    done = hand_in(story, results(story, ("orion-1", "long_context"), ("orion-1", "tool_use")))
    assert done.code == 0, done.err
    assert "long_context of orion, tool_use of orion" in done.err
    assert cells(story)[0][1:] == (False, True)
    assert comparison(story)["state"] == "blank"
    assert "NO MODEL ID YET" in story.must("checklist", "orion").out
    assert "Missing: long_context of orion" in story.must("report", "orion").out

    story.configure(*planned(story))
    story.poll(2)
    assert story.status()["status"] == "evaluating"
    assert all(baseline for _, _, baseline in cells(story)), "it stays"
    assert hand_in(story, results(story, ("orion-2", "tool_use"), samples=1)).code == 0
    assert "tool_use of orion-2 has 1 of 2 samples" in comparison(story)["missing"]
    before = story.events()
    for word in (("--note", "it is fine"), ("--url", "https://example.test/1")):
        refused = story.run("verify", "orion", "evals", "--by", "Ada L.", *word)
        assert (refused.code, refused.err.strip().count("\n")) == (1, 0)
    refused = story.run("activate", "orion", *BY)
    assert "evals is blank, missing long_context of orion-2" in refused.err
    assert story.events() == before

    assert hand_in(story, results(story, ("orion-2", "long_context"), ("orion-2", "tool_use"))).code == 0
    made = comparison(story)
    assert (made["state"], made["complete"], made["missing"]) == ("verified", True, [])
    cell = made["rows"][0]["candidate"]
    assert (cell["samples"], cell["by"], cell["evidence"][:7]) == (2, "Ada L.", "sha256:")
    assert "tool_use" in story.must("evidence", cell["evidence"]).out
    assert "Every suite is filled for both." in story.must("report", "orion").out
    story.activate()

    story.provider.models = ["orion-1"]
    story.poll(3)
    assert (story.status()["status"], comparison(story)["state"]) == ("paused", "stale")
    assert {row[1:] for row in cells(story)} == {(False, True)}, "what was filled for the model expired"


def test_evals_may_be_waived_by_name(story: Story) -> None:
    begin(story, *planned(story))
    story.must("activate", "orion", *BY, "--waive", "evals")
    assert (story.status()["status"], story.status()["waived"], story.gate()) == ("active", ["evals"], 0)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (("orion-2", "tool_usage"), "the suite 'tool_usage' is not one of [entry.evals] of orion (did you mean"),
        (("orion-2", ""), "name no suite"),
        (("orion-9", "tool_use"), "no result is of"),
    ],
)
def test_results_that_fill_nothing_are_refused_and_nothing_changes(
    story: Story, of: tuple[str, str], said: str
) -> None:
    begin(story, *planned(story))
    before = story.events()
    refused = hand_in(story, results(story, of))
    assert (refused.code, refused.err.strip().count("\n")) == (1, 0)
    assert said in refused.err
    assert story.events() == before


def test_a_baseline_that_is_no_entry_is_refused_at_loading_in_one_sentence(story: Story) -> None:
    begin(story, story.entry())
    before = story.events()
    story.configure(planned(story)[0])
    refused = story.run("poll")
    assert (refused.code, refused.err.strip().count("\n")) == (78, 0)
    assert "names 'mini', which is no entry" in refused.err
    story.configure(story.entry())
    assert story.events() == before


# -- caching -----------------------------------------------------------------------------------------------------------


class Cache:
    """A provider's prompt cache; it knows no time, so one that ends early forgets after `reads`."""

    def __init__(self, *, counted: bool = True, share: float = 1.0, reads: int | None = None) -> None:
        self.counted, self.share, self.reads = counted, share, reads
        self._kept: dict[str, int] = {}

    def answer(self, request: Request) -> Answer:
        prefix, tokens = request.body["input"][0]["content"][0]["text"], 1400
        written = cached = 0
        if prefix in self._kept and (self.reads is None or self._kept[prefix] < self.reads):
            self._kept[prefix] += 1
            cached = int(tokens * self.share)
        else:
            self._kept[prefix] = 0
            written = tokens if self.counted else 0
        details = {"cached_tokens": cached, "cache_write_tokens": written}
        usage = {"input_tokens": 1410, "input_tokens_details": details, "output_tokens": 1, "total_tokens": 1411}
        text = {"type": "output_text", "text": "ok", "annotations": []}
        item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
        return Answer(
            200,
            {
                "id": "resp_1",
                "object": "response",
                "status": "completed",
                "model": request.body["model"],
                "output": [item],
                "service_tier": "default",
                "usage": usage,
            },
        )


PAGE = """\
# Pricing

Prices per 1M tokens.

### Standard pricing data

| Model | Input | Cached input | Cache writes | Output |
| --- | --- | --- | --- | --- |
| orion-2 | $1.00 | $0.10 | $1.25 | $6.00 |
"""


def later(story: Story, minutes: float, *arguments: str) -> str:
    """Run a command so many minutes from now."""
    offset = story.folder / "offset"
    offset.write_text(str(minutes * 60))
    words = [sys.executable, str(WRAPPER), str(offset), str(COMMAND), "--config", str(story.config), *arguments]
    done = subprocess.run(words, cwd=story.folder, env=story._environ(), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def cached(story: Story, cache: Cache) -> None:
    story.provider.page = PAGE
    story.provider.answers["POST", "/v1/responses"] = cache.answer
    begin(story, story.entry(more='checks = ["caching"]'), behaviour("caching").replace('"1s"', '"6h"'))


LATE = "openai-behaviour/orion-2/caching_late"


def test_caching_is_verified_by_a_read_just_before_the_end_which_nothing_waits_for(story: Story) -> None:
    cached(story, Cache())
    assert story.provider.count("/v1/responses") == 2
    assert states(story)["caching"] == "blank"
    (polled,) = story.json("poll", LATE)
    assert (polled["verdict"], story.provider.count("/v1/responses")) == ("not due", 2), "it costs nothing before"
    assert json.loads(later(story, 29, "--json", "poll", LATE))[0]["verdict"] == "baseline"
    assert story.provider.count("/v1/responses") == 3
    assert states(story)["caching"] == "verified"
    assert json.loads(later(story, 29.1, "--json", "poll", LATE))[0]["verdict"] == "not due", "and once"


@pytest.mark.parametrize(
    ("cache", "reason"),
    [
        (Cache(counted=False), "the write is not counted"),
        (Cache(share=0.5), "a second call reads less than 90 % of what was written"),
        (Cache(reads=1), "a call just before 30 minutes reads less than 90 % of what was written"),
    ],
)
def test_a_cache_that_breaks_its_promise_fails_the_check_by_the_part_that_did(
    story: Story, cache: Cache, reason: str
) -> None:
    cached(story, cache)
    later(story, 29, "poll", LATE)
    row = next(row for row in story.json("checklist", "orion") if row["check"] == "caching")
    assert (row["state"], reason in row["note"].split("; ")) == ("failed", True)
    assert story.run("activate", "orion", *BY).code == 1


def test_a_daemon_that_starts_in_time_reads_late_what_another_process_wrote(story: Story) -> None:
    cached(story, Cache())
    offset = story.folder / "offset"
    offset.write_text(str(29 * 60))
    with story.daemon(wrapper=(sys.executable, str(WRAPPER), str(offset))):
        until(lambda: states(story)["caching"] == "verified", "it is read before it ends")
    assert story.provider.count("/v1/responses") == 3
