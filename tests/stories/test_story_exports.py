"""What a provider writes into its ids, errors and documents reaches neither a terminal nor a spreadsheet as more than
text.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import termios

import pytest
from story_world import Answer, Story, price_page, until

EVIL = "evil\x1b]0;x\x07\u202e"
"""Renames the window and turns what follows around."""

HOSTILE = f"{EVIL}\x9b2J\x1b[31m\r\u2066\u200f\u061c\x08\x7f\u2028\U000e0041"

FORMULA = "=cmd|' /C calc'!A0"

TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C}

DOCUMENT = """
[[source]]
key = "card"
kind = "document"
url = "{url}/card"
every = "1s"
watch = ["limited preview"]
"""


def acting(text: str) -> set[str]:
    """Return the characters that a terminal could act on."""
    return {
        character
        for character in text
        if (ord(character) < 32 and character not in "\n\t")
        or 0x7F <= ord(character) < 0xA0
        or ord(character) in TURNING
        or 0xE0000 <= ord(character) < 0xE0080
        or character in "\u2028\u2029\u200b\ufeff"
    }


@pytest.fixture
def hostile(story: Story) -> Story:
    """Provide a provider whose every text is hostile, and an entry that has seen a change of its document."""
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), EVIL: ("1.00", "2.00")}
    card(story, "one")
    story.configure(DOCUMENT.format(url=story.provider.url), story.entry())
    story.poll()
    story.activate()
    card(story, f"two {HOSTILE}")
    story.provider.models += [EVIL, f"{FORMULA}{EVIL}", "@SUM(A1)", {"id": "+1+1", "owned_by": HOSTILE}]
    story.poll(2)
    error = {"error": {"message": f"No\x1b[2J {HOSTILE}", "code": EVIL, "type": HOSTILE}}
    story.provider.answers["GET", "/v1/models"] = Answer(400, error)
    return story


def card(story: Story, words: str) -> None:
    paragraphs = "\n\n".join(f"Paragraph {number} of the card says what it says." for number in range(30))
    text = f"# Card\n\n{paragraphs}\n\nThe limited preview {words} ends.\n"
    story.provider.answers["GET", "/card"] = Answer(200, text, {"Content-Type": "text/markdown"})


def test_no_command_and_no_format_passes_on_what_a_terminal_would_act_on(hostile: Story):
    polled = hostile.poll()
    assert polled.code == 1
    (hostile.folder / "page.md").write_text(price_page({EVIL: ("1.00", "2.00"), HOSTILE: ("1.00", "2.00")}), newline="")
    evidence = [event["evidence"] for event in hostile.events("--source", "card") if event["evidence"]]
    results = [polled] + [
        hostile.run(*words)
        for words in (
            ("events",),
            ("events", "--format", "jsonl"),
            ("events", "--format", "csv"),
            ("events", "--format", "cloudevents"),
            ("status", "orion"),
            ("status", "--json"),
            ("why", "orion"),
            ("why", "orion", "--json"),
            ("prices", EVIL),
            ("prices", "orion", "--history"),
            ("prices", "orion", "--json"),
            ("prices", "extract", "page.md", "--provider", "openai"),
            ("prices", "extract", "page.md", "--provider", "openai", "--json"),
            ("coverage",),
            ("report", "orion"),
            ("report", "orion", "--format", "html"),
            ("outbox", "list", "--all"),
            ("evidence", evidence[0], "--diff", evidence[-1]),
            ("status", EVIL),
            (EVIL,),
            ("events", "--since", HOSTILE),
            ("gate", EVIL),
            ("gate", "orion", f"--{HOSTILE}"),
            ("verify", "orion", EVIL, "--by", EVIL, "--note", HOSTILE),
            ("pause", "orion", "--by", EVIL, "--reason", HOSTILE),
            ("config", "show", "--config", f"{EVIL}.toml"),
        )
    ]
    for result in results:
        assert not acting(result.out), result
        assert not acting(result.err), result
    assert any("evil" in result.out for result in results)


def test_json_says_what_was_given_character_for_character(hostile: Story):
    hostile.must("silence", "orion", "--for", "1h", "--by", EVIL, "--reason", f"a{HOSTILE}z")
    data = hostile.events("--type", "entry.silenced")[-1]["data"]
    assert (data["by"], data["reason"]) == (EVIL, f"a{HOSTILE}z")


def test_the_log_of_the_daemon_passes_nothing_on(hostile: Story):
    with hostile.daemon("--verbose") as daemon:
        until(lambda: "failed" in str(daemon.lines("polled")), "a failed poll is logged")
    assert not acting(daemon.said())


def test_on_a_terminal_only_our_own_colours_are_acted_on(hostile: Story):
    for words in (("status",), ("events",), ("status", EVIL), ("events", "--format", "jsonl")):
        shown = on_a_terminal(hostile, *words)
        plain = shown.replace("\r\n", "\n")
        for style in (0, 1, 2, *range(30, 38)):
            plain = plain.replace(f"\x1b[{style}m", "")
        assert not acting(plain), (words, shown)
    assert "\x1b[1m" in on_a_terminal(hostile, "status")


def on_a_terminal(story: Story, *words: str) -> str:
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = story.start(*words, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT)
    os.close(theirs)
    pieces = []
    try:
        while piece := os.read(ours, 65_536):
            pieces.append(piece)
    except OSError:
        pass  # Linux's way to say that the other side was closed
    os.close(ours)
    process.wait()
    return b"".join(pieces).decode()


def test_a_spreadsheet_finds_texts_and_numbers_and_no_formula(hostile: Story):
    hostile.must("pause", "orion", "--by", "=HYPERLINK(A1)", "--reason", "-2+3")
    rows = list(csv.DictReader(io.StringIO(hostile.must("events", "--format", "csv").out)))
    events = hostile.events()
    assert [int(row["position"]) for row in rows] == [event["position"] for event in events]
    for row, event in zip(rows, events, strict=True):
        assert not any(str(cell).startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values()), row
        assert json.loads(row["data"]) == event["data"]
    subjects = {row["subject"] for row in rows}
    assert {"'@SUM(A1)", "'+1+1", "orion"} <= subjects
