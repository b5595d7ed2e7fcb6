"""Whether memory grows with polls: resident memory after poll 1,000 against that after poll 200, when every body
differs.

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

from _common import Row, child, memory, report, served
from _watch import EVERY, both, watching

POLLS = 1000
SETTLED = 200
LIMIT = 5.0
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


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(*sys.argv[2:])))
        return 0
    polls = int(sys.argv[1]) if len(sys.argv) > 1 else POLLS
    if polls <= SETTLED:
        raise SystemExit(f"give more than {SETTLED} polls")
    with served() as server:
        found = child(__file__, server, str(polls))
    assert isinstance(found, dict)
    what = f"memory after poll {polls:,} over that after {SETTLED} ({found['events']:,} events)"
    ours, before = f"{found['end']:.1f} MiB", f"{found['settled']:.1f} MiB"
    return report(
        [Row(what=what, ours=ours, bare=before, figure=found["end"] - found["settled"], limit=LIMIT, unit="MiB")]
    )


if __name__ == "__main__":
    sys.exit(main())
