"""Whether memory grows with polls: resident memory after poll 1,000 against that after poll 200, when every body
differs. And by how much it grows with a long list: the peak of the poll that takes 50,000 models in, against the growth
by parsing its bytes alone.

    python bench/memory.py [POLLS]

A models list whose fields move and a page whose prices move, both for as long as it takes to be confirmed, over real
sources and a real store. Nothing is collected by hand. The clock is one that passes five minutes a poll, so that days
and rechecks pass as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from _common import Row, child, memory, report, served
from _watch import EVERY, both, lists, watching

POLLS = 1000
SETTLED = 200
LIMIT = 5.0
MODELS = 50_000
MANY = 3.0
"""How many times what bare parsing takes a poll may take."""
START = datetime(2026, 7, 30, tzinfo=UTC)


class Days:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def measure(server: str, polls: str) -> dict[str, float]:
    """Run in a child: resident memory in MiB after some of the polls, and how much was decided meanwhile."""
    clock = Days()
    configuration = both(f"{server}/moving/list", f"{server}/moving/page")
    with tempfile.TemporaryDirectory() as folder, watching(configuration, Path(folder), clock) as (poller, store):
        verdicts: Counter[str] = Counter()
        kept: dict[int, float] = {}
        for number in range(1, int(polls) + 1):
            clock.now += EVERY
            verdicts.update(outcome.verdict for outcome in poller.poll())
            if number in (SETTLED, int(polls)):
                kept[number] = memory()
        with store.read() as reader:
            events = reader.head()
        assert not verdicts["failed"], verdicts
        assert verdicts["changed"] > int(polls) / 4, verdicts
    return {"settled": kept[SETTLED], "end": kept[int(polls)], "events": events}


def grown(server: str, how: str) -> float:
    """Run in a child: by how many MiB its peak grows while it takes in a list, with all that a poll does or `bare`."""
    address = f"{server}/many/{MODELS}"
    if how == "bare":
        with urlopen(f"{address}/models") as answer:
            content = answer.read()
        before = memory()
        parsed = json.loads(content)
        assert len(parsed["data"]) == MODELS
        return memory("VmHWM") - before
    clock = Days()
    with tempfile.TemporaryDirectory() as folder, watching(lists([address]), Path(folder), clock) as (poller, _):
        before = memory()
        (outcome,) = poller.poll()
        assert outcome.verdict == "baseline", outcome
        return memory("VmHWM") - before


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(grown(*sys.argv[2:]) if sys.argv[3] in ("bare", "poll") else measure(*sys.argv[2:])))
        return 0
    polls = int(sys.argv[1]) if len(sys.argv) > 1 else POLLS
    if polls <= SETTLED:
        raise SystemExit(f"give more than {SETTLED} polls")
    with served() as server:
        found = child(__file__, server, str(polls))
        bare, poll = (child(__file__, server, how) for how in ("bare", "poll"))
    assert isinstance(found, dict)
    assert isinstance(bare, float)
    assert isinstance(poll, float)
    what = f"memory after poll {polls:,} over that after {SETTLED} ({found['events']:,} events)"
    ours, before = f"{found['end']:.1f} MiB", f"{found['settled']:.1f} MiB"
    return report(
        [
            Row(what=what, ours=ours, bare=before, figure=found["end"] - found["settled"], limit=LIMIT, unit="MiB"),
            Row(
                what=f"memory that a poll of {MODELS:,} models takes, over parsing them",
                ours=f"{poll:.1f} MiB",
                bare=f"{bare:.1f} MiB",
                figure=poll / bare,
                limit=MANY,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
