"""A cycle over 1,000 sources of which none changed, against a bare pooled httpx2 loop that fetches and hashes the same.

    python bench/cycle.py [pages|lists|memory …]

The monitor is whole: real sources, poller and SQLite store; a cycle reads all states and writes all freshness. The
server is another process. The bare loop has as many threads and one client. `memory` is the peak of a process that
polls at 1,000 pages of 340 KB, from its start on.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import httpx2
from _common import Row, child, chosen, interleaved, memory, milliseconds, report, served
from _watch import WORKERS, lists, pages, watching

COUNT = 1000
ROUNDS = 7
LARGE_ROUNDS = 2
NOON = datetime(2026, 7, 30, 12, tzinfo=UTC)
LIMITS = {"pages": 1.5, "lists": 2.5, "memory": 150.0}


def clock() -> datetime:
    """Seconds as they pass, on a day that does not end under the bench: what is written once a day would count as a
    change.
    """
    return NOON + timedelta(seconds=perf_counter())


def measure(case: str, server: str) -> dict[str, float]:
    """Run in a child: the first cycle makes the baselines, and those after it find nothing changed."""
    before = memory()
    path = {"pages": "page", "lists": "list", "memory": "html"}[case]
    urls = [f"{server}/{path}/{number}" for number in range(COUNT)]
    configuration = lists(urls) if case == "lists" else pages(urls)
    fetched = [f"{url}/models" for url in urls] if case == "lists" else urls
    with tempfile.TemporaryDirectory() as folder, watching(configuration, Path(folder), clock) as (poller, _):

        def ours() -> None:
            verdicts = {outcome.verdict for outcome in poller.poll()}
            assert verdicts == {"unchanged"}, verdicts

        first = {outcome.verdict for outcome in poller.poll()}
        assert first == {"baseline"}, first
        made = memory("VmHWM")
        if case == "memory":
            for _ in range(LARGE_ROUNDS):
                ours()
            return {"before": before, "made": made, "peak": memory("VmHWM")}
        with httpx2.Client(trust_env=False) as client, ThreadPoolExecutor(WORKERS) as executor:

            def digest(url: str) -> str:
                return hashlib.sha256(client.get(url).content).hexdigest()

            def bare() -> None:
                assert len(set(executor.map(digest, fetched))) == COUNT

            ours()
            bare()
            mine, theirs = interleaved(ours, bare, ROUNDS)
    return {"ours": mine, "bare": theirs}


def row(case: str, server: str) -> Row:
    found = child(__file__, case, server)
    assert isinstance(found, dict)
    limit = LIMITS[case]
    if case == "memory":
        peak, start = found["peak"], f"{found['before']:.0f} MiB at start"
        # The limit is stated in MB, so the larger unit is judged by the smaller number.
        what = f"peak memory, {COUNT} pages of 340 KB"
        figure = peak * 2**20 / 1e6
        return Row(what=what, ours=f"{peak:.0f} MiB", bare=start, figure=figure, limit=limit, unit="MB")
    what = {"pages": f"cycle, {COUNT} documents of 15 KB", "lists": f"cycle, {COUNT} models lists of 15 KB"}[case]
    return Row(
        what=what,
        ours=milliseconds(found["ours"]),
        bare=milliseconds(found["bare"]),
        figure=found["ours"] / found["bare"],
        limit=limit,
    )


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(*sys.argv[2:])))
        return 0
    with served() as server:
        return report([row(case, server) for case in chosen(LIMITS, sys.argv[1:])])


if __name__ == "__main__":
    sys.exit(main())
