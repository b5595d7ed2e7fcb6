"""A list of a million ids costs little memory and makes one event; a flood of new ones is held as one."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import pytest
from story_world import COMMAND, Answer, Story

LIMIT = 400_000
"""Resident memory in kB that a poll may reach."""


def listing(count: int, prefix: str = "hostile", around: str = "") -> bytes:
    """Return a list of so many new ids beside the two that are known, every item as OpenAI writes it."""
    items = (
        f'{{"id":"{prefix}-{number:07}","object":"model","created":{1770000000 + number},"owned_by":"system"}}'
        for number in range(count)
    )
    known = ('{"id":"orion-1"}', '{"id":"orion-2"}') if around else ()
    return ('{"object":"list","data":[' + ",".join([*known, *items]) + "]}").encode()


def peak_of_a_poll(story: Story) -> tuple[int, int]:
    """Return how a poll of the list ended, and the most resident memory that its process had, in kB.

    Read from /proc and not from `getrusage`, which counts what this process had before it started the command.
    """
    process = subprocess.Popen(
        [str(COMMAND), "--config", str(story.config), "poll", "openai-models"],
        cwd=story.folder,
        env=story._environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak, pause = 0, threading.Event()
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            status = ""
        if str(COMMAND) in _command_of(process.pid):  # between fork and exec it is a copy of this process
            peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))])
        pause.wait(0.01)
    return process.returncode, peak


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture
def watched(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.activate()
    return story


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: listing(1_000_000), id="as OpenAI writes them"),
        pytest.param(
            lambda: ('{"data":[' + ",".join(f'{{"id":"m{number}"}}' for number in range(1_000_000)) + "]}").encode(),
            id="ids alone",
            marks=pytest.mark.proof,
        ),
        pytest.param(
            lambda: b'{"data":[' + b",".join([b"{}"] * 6_000_000) + b"]}", id="without ids", marks=pytest.mark.proof
        ),
        pytest.param(lambda: b'{"data":[' + b",".join([b"[[[[[[[[]]]]]]]]"] * 1_000_000) + b"]}", id="nested"),
    ],
)
def test_a_million_items_are_one_anomaly_in_little_memory(watched: Story, body: object):
    before = len(watched.events())
    watched.provider.answers["GET", "/v1/models"] = Answer(200, body())  # type: ignore[operator]
    for _ in range(2):
        code, peak = peak_of_a_poll(watched)
        assert code == 0
        assert 0 < peak < LIMIT
    (anomaly,) = watched.events()[before:]
    assert (anomaly["type"], anomaly["data"]["reason"]) == ("source.anomaly", "too_many")
    assert (anomaly["data"]["known"], anomaly["data"]["limit"]) == (2, 100_000)
    del watched.provider.answers["GET", "/v1/models"]
    watched.poll(1, "openai-models")
    assert [event["type"] for event in watched.events()[before + 1 :]] == ["source.recovered"]
    assert watched.gate() == 0


def test_a_flood_of_new_ids_is_held_as_one(watched: Story):
    before = len(watched.events())
    watched.provider.answers["GET", "/v1/models"] = Answer(200, listing(90_000, around="known"))
    for _ in range(2):
        code, peak = peak_of_a_poll(watched)
        assert code == 0
        assert 0 < peak < LIMIT
    (anomaly,) = watched.events()[before:]
    assert (anomaly["type"], anomaly["data"]["reason"]) == ("source.anomaly", "mass_gain")
    assert (anomaly["data"]["known"], anomaly["data"]["seen"], anomaly["data"]["new_count"]) == (2, 90_002, 90_000)
    assert len(anomaly["data"]["new"]) == 50
    assert watched.gate() == 0, "what is known stands in it"
    watched.deliver()
    assert watched.messages("HELD") == []


def test_a_flood_that_stood_for_its_hold_is_one_event(watched: Story):
    lists = [["orion-1", "orion-2"], *[["orion-1", "orion-2", *(f"m-{number}" for number in range(1_200))]] * 6]
    file = watched.folder / "recording.jsonl"
    file.write_text(
        "\n".join(
            json.dumps(
                {
                    "observed_at": f"2026-10-0{1 + 6 * number // 24}T{6 * number % 24:02}:00:00Z",
                    "status": "ok",
                    "payload": {"data": [{"id": id} for id in ids]},
                }
            )
            for number, ids in enumerate(lists)
        )
    )
    config = watched.config.read_text().replace('hold = "1h"', 'hold = "24h"')
    watched.config.write_text(config)
    done = watched.must("replay", f"openai-models={file}", "--format", "jsonl")
    events = [json.loads(line) for line in done.out.splitlines()]
    sources = [event for event in events if event["type"].startswith("source.")]
    assert [event["type"] for event in sources] == [
        "source.baseline_recorded",
        "source.anomaly",
        "source.baseline_recorded",
    ]
    _, anomaly, taken = sources
    assert anomaly["data"]["new_count"] == 1_200
    assert (taken["cause"], taken["data"]["subjects"]) == (anomaly["position"], 1_202)
    assert taken["recorded_at"] == anomaly["data"]["until"]
    assert not [event for event in events if event["type"].startswith("model.")]


def test_what_a_flooded_list_lacks_is_held_as_well(watched: Story):
    watched.provider.models = [f"m-{number}" for number in range(1_200)]
    watched.poll(3, "openai-models")
    (anomaly,) = watched.events("--type", "source.anomaly")
    assert (anomaly["data"]["reason"], anomaly["data"]["missing"]) == ("mass_gain", ["orion-1", "orion-2"])
    assert watched.events("--type", "model.*") == []
    assert watched.gate() == 0
    watched.deliver()
    assert len(watched.messages("HELD")) == 1
