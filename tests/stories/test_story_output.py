"""What commands print, and what comes of it where it cannot be written, is read late or is read by a script."""

from __future__ import annotations

import array
import fcntl
import json
import sqlite3
import subprocess
import termios
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from story_world import Result, Story, until

UNWRITABLE = pytest.mark.parametrize(
    ("redirection", "why"),
    [("> /dev/full", "No space left on device"), (">&-", "it is closed")],
    ids=["full", "closed"],
)

BY = ("--by", "Ada L.", "--reason", "a story")

PRINTING = (
    ("status",),
    ("why", "orion"),
    ("checklist", "orion"),
    ("coverage",),
    ("prices", "orion"),
    ("prices", "extract", "page.md", "--provider", "openai"),
    ("lifecycle",),
    ("measurements",),
    ("budget",),
    ("events",),
    ("replay", "openai-pricing=history.jsonl"),
    ("outbox",),
    ("config", "show"),
    ("poll",),
    ("notify", "test", "platform"),
)

LINES = ("events", "replay")
"""Commands whose JSON is a document a line."""


@pytest.fixture
def watched(story: Story) -> Story:
    """Provide an entry in production, and one that is not used."""
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-1": ("0.50", "3.00"), "orion-2": ("1.00", "6.00")}
    story.configure(story.entry(), story.entry("spare", "orion-1", name="Spare"))
    story.poll()
    story.activate()
    (story.folder / "page.md").write_text(
        page := (
            "# Pricing\n\nPrices per 1M tokens.\n\n### Standard pricing data\n\n| Model | Input | Output |\n| --- "
            "| --- | --- |\n| orion-2 | $1.00 | $6.00 |\n"
        )
    )
    poll = {"observed_at": "2026-07-30T00:00:00Z", "status": "ok", "payload_text": page}
    (story.folder / "history.jsonl").write_text(f"{json.dumps(poll)}\n")
    return story


@UNWRITABLE
def test_output_that_cannot_be_written_is_said_in_a_sentence_and_ends_with_1(
    watched: Story, redirection: str, why: str
):
    for line in (
        "status --json",
        "why orion",
        "events",
        "events --follow",
        "config schema",
        "report orion",
        "poll",
        "--help",
    ):
        done = watched.shell(f"access-monitor {line} {redirection}")
        assert done.code == 1, (line, done)
        assert why in done.err.splitlines()[-1], (line, done.err)
        assert done.err.count("Error: ") == 1, (line, done.err)


@UNWRITABLE
def test_the_gates_exit_code_is_the_answer_also_where_its_words_cannot_be_written(
    watched: Story, redirection: str, why: str
):
    for key, code in (("orion", 0), ("spare", 1), ("nobody", 75)):
        for line in (f"gate {key} --explain", f"--debug gate {key} --json"):
            done = watched.shell(f"access-monitor {line} {redirection}")
            assert done.code == code, (line, done)
            assert (why in done.err) is (code != 75), (line, done.err)


def test_an_act_whose_words_cannot_be_written_is_done_and_ends_with_1(watched: Story):
    assert watched.shell("access-monitor pause orion --by 'Ada L.' --reason 'a story' > /dev/full").code == 1
    assert watched.status()["status"] == "paused"


def test_errors_without_anywhere_to_go_change_no_exit_code(watched: Story):
    assert watched.shell("access-monitor status nobody 2>&-").code == 1
    assert watched.shell("access-monitor status nobody 2>/dev/full").code == 1
    assert watched.shell("access-monitor status nobody >&- 2>&-").code == 1
    assert watched.shell("access-monitor poll <&- >&- 2>&-").code == 1
    assert watched.shell("access-monitor gate spare >&- 2>&-").code == 1
    assert watched.must("status").out  # and nothing was written into the database, which came next in line for a number


def test_a_reader_that_left_hears_nothing(watched: Story):
    for line in ("events", "why orion", "gate orion"):
        done = watched.shell(f"access-monitor {line} | true")
        assert (done.code, done.err) == (0, ""), line


def test_what_prints_a_table_takes_json_before_and_after_it(watched: Story):
    for words in PRINTING:
        before, after = watched.run("--json", *words), watched.run(*words, "--json")
        assert (before.code, after.code) == (0, 0), (words, before.err, after.err)
        for done in (before, after):
            for text in done.out.splitlines() if words[0] in LINES else [done.out]:
                json.loads(text)


def test_what_prints_no_json_refuses_to(watched: Story):
    for words in (("evidence", "sha256:0"), ("db", "upgrade")):
        for arguments in (("--json", *words), (*words, "--json")):
            done = watched.run(*arguments)
            assert (done.code, done.out) == (2, ""), arguments
            assert "--json" in done.err


def test_an_error_stays_a_sentence_on_stderr_where_json_was_asked_for(watched: Story):
    for words, code in (
        (("status", "nobody"), 1),
        (("prices", "nobody"), 1),
        (("activate", "nobody", *BY), 1),
        (("status", "--config", "none.toml"), 78),
    ):
        done = watched.run(*words, "--json")
        assert (done.code, done.out) == (code, ""), (words, done)
        one_sentence(done)


def one_sentence(done: Result) -> None:
    assert done.err.startswith("Error: "), done
    assert done.err.count("\n") == 1, done


def test_what_an_act_recorded_is_json(watched: Story):
    paused = watched.must("pause", "orion", *BY, "--json").json
    assert (paused["type"], paused["subject"], paused["data"]["by"]) == ("entry.paused", "orion", "Ada L.")
    acknowledged = watched.must("ack", "orion", "--by", "Ada L.", "--json").json
    assert acknowledged["type"] == "notice.acknowledged"
    preview = watched.run("resume", "orion", "--dry-run", "--json").json
    assert preview["entry"] == "orion"
    assert {pin["pin"] for pin in preview["pins"]} >= {"openai/orion-2/listed"}


def moved(story: Story) -> None:
    """Make a log that fills a pipe: 400 models whose prices all moved."""
    models = [f"orion-{number}" for number in range(400)]
    story.provider.models = list(models)
    story.provider.prices = dict.fromkeys(models, ("1.00", "6.00"))
    story.configure(story.entry())
    story.poll()
    story.provider.prices = dict.fromkeys(models, ("2.00", "7.00"))
    story.poll(2, "openai-pricing")


def test_a_pager_left_open_keeps_no_transaction_open(story: Story):
    moved(story)
    forms = (("--format", "table"), ("--format", "csv", "--newest"), ("--format", "cloudevents"), ("--follow",))
    readers = [story.start("events", *form, stdout=subprocess.PIPE) for form in forms]
    try:
        for reader in readers:
            until(partial(blocked, reader), "the pipe is full", every=0.5)
        story.must("silence", "orion", "--for", "1h", *BY)
        with closing(sqlite3.connect(story.folder / "monitor.db", timeout=60)) as database:
            busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert [reader.poll() for reader in readers] == [None] * len(readers)
        assert not busy
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
            assert reader.stdout is not None
            reader.stdout.close()


def blocked(writer: subprocess.Popen[bytes]) -> bool:
    """Return whether a process waits for somebody to read its pipe: much is in it, and the process uses no time."""
    count = array.array("i", [0])
    assert writer.stdout is not None
    fcntl.ioctl(writer.stdout, termios.FIONREAD, count)
    state = Path(f"/proc/{writer.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return count[0] > 32_768 and state == "S"


def test_pages_are_read_to_the_end_in_either_direction(story: Story):
    moved(story)
    positions = [event["position"] for event in story.events()]
    assert positions == list(range(1, positions[-1] + 1))
    assert len(positions) > 800
    assert [event["position"] for event in story.events("--newest")] == positions[::-1]
    newest = story.must("events", "--newest", "--limit", "700", "--json").out.splitlines()
    assert [json.loads(line)["position"] for line in newest] == positions[::-1][:700]
    after = story.must("events", "--after", "20", "--type", "price.*", "--limit", "600", "--json").out.splitlines()
    assert len(after) == 600
