"""What many sources cost: a poll that finds nothing with 10 sources and with 10,000, the first poll of 10,000, and
`status` beside 10,000 sources.

    python bench/scale.py [poll|first|status …] [--most N]

No network: each source answers from memory, so that what is measured is the monitor's own work. `--most` is the number
of sources instead of 10,000.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from _common import ROOT, Row, child, chosen, milliseconds, report
from _watch import WORKERS

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import Body, Known, Observation, Snapshot, Subject, Unchanged
from monitor.detection.poller import Poller
from monitor.sources.catalog import source_spec
from monitor.store import open_store

FEW = 10
MOST = 10_000
ROUNDS = 5
NOON = datetime(2026, 7, 30, 12, tzinfo=UTC)
LIMITS = {"poll": 1.2, "first": 12.0, "status": 1.5}


class MemorySource:
    """A models list of twenty models that never changes."""

    extractor = "models_list/bench"

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        content = json.dumps({"data": [{"id": f"model-{n}"} for n in range(20)], "of": spec.key}).encode()
        self._body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        self._facts = {Subject("bench", f"model-{n}"): {"listed": True, "owned_by": spec.key} for n in range(20)}

    def observe(self, now: datetime, known: Known | None) -> Observation:
        if known is not None and known.sha256 == self._body.sha256:
            return Unchanged(source=self.spec.key, at=now)
        return self.extract(self._body, now)

    def extract(self, body: Body, at: datetime) -> Observation:
        return Snapshot(source=self.spec.key, at=at, facts=self._facts, extractor=self.extractor, body=body)


def clock() -> datetime:
    """Seconds as they pass, on a day that does not end under the bench."""
    return NOON + timedelta(seconds=perf_counter())


@contextmanager
def watching(folder: Path, count: int) -> Iterator[Poller]:
    """Provide a poller over `count` sources and a new store."""
    specs = [
        source_spec(key=f"list-{n}", kind="document", every=timedelta(minutes=5), url=f"https://bench/{n}")
        for n in range(count)
    ]
    configuration = Configuration(sources={spec.key: spec for spec in specs})
    sources = {spec.key: MemorySource(spec) for spec in specs}
    store = open_store(str(folder / "monitor.db"))
    try:
        with ThreadPoolExecutor(WORKERS) as executor:
            use_cases = UseCases(store, configuration, clock, published=lambda: None)
            use_cases.declare()
            yield use_cases.poller(sources.__getitem__, executor)
    finally:
        store.close()


def polls(count: int) -> dict[str, float]:
    """Return the seconds of processor time that a poll takes which finds nothing, at its best, and the seconds that the
    first poll of all takes.
    """
    with tempfile.TemporaryDirectory() as folder, watching(Path(folder), count) as poller:
        began = perf_counter()
        poller.poll()
        first = perf_counter() - began
        times, rounds = [], max(1, 1000 // count)
        for _ in range(ROUNDS):
            began = process_time()
            for _ in range(rounds):
                poller.poll()
            times.append((process_time() - began) / (rounds * count))
        return {"poll": min(times), "first": first}


def commits(count: int) -> float:
    """Return the seconds that as many bare durable commits of one row take."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bare (text TEXT)")
        began = perf_counter()
        for _ in range(count):
            database.execute("INSERT INTO bare VALUES (?)", ("x" * 1000,))
        took = perf_counter() - began
        database.close()
    return took


def statuses(count: int) -> float:
    """Return the seconds of processor time that `status` takes beside `count` sources, at its best of several runs."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "monitor.toml"
        tables = "".join(
            f'[[source]]\nkey = "page-{n}"\nkind = "document"\nurl = "https://bench.invalid/{n}"\n'
            for n in range(count)
        )
        config.write_text(f'[database]\nurl = "sqlite:///{folder}/monitor.db"\n{tables}')
        command = [sys.executable, "-m", "monitor", "--config", str(config)]
        subprocess.run([*command, "db", "upgrade"], cwd=ROOT, check=True, capture_output=True)
        times = []
        for _ in range(ROUNDS):
            before = os.times()
            subprocess.run([*command, "status"], cwd=ROOT, check=True, capture_output=True)
            after = os.times()
            times.append(after.children_user + after.children_system - before.children_user - before.children_system)
        return min(times)


def row(case: str, most: int) -> Row:
    if case == "status":
        few, many = statuses(FEW), statuses(most)
        return Row(
            what=f"status beside {most} sources, over beside {FEW} (CPU)",
            ours=milliseconds(many),
            bare=milliseconds(few),
            figure=many / few,
            limit=LIMITS[case],
        )
    if case == "first":
        found = child(__file__, "first", str(most))
        assert isinstance(found, dict)
        return Row(
            what=f"first poll of {most} sources, over as many bare durable commits",
            ours=f"{found['ours']:.1f} s",
            bare=f"{found['bare']:.1f} s",
            figure=found["ours"] / found["bare"],
            limit=LIMITS[case],
        )
    few, many = child(__file__, "poll", str(FEW * 10)), child(__file__, "poll", str(most))
    assert isinstance(few, float)
    assert isinstance(many, float)
    return Row(
        what=f"a poll that finds nothing, {most} sources over {FEW * 10} (CPU)",
        ours=f"{many * 1e6:.0f} µs",
        bare=f"{few * 1e6:.0f} µs",
        figure=many / few,
        limit=LIMITS[case],
    )


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        case, count = sys.argv[2], int(sys.argv[3])
        measured = polls(count)
        print(json.dumps({"ours": measured["first"], "bare": commits(count)} if case == "first" else measured["poll"]))
        return 0
    parser = argparse.ArgumentParser(description="What many sources cost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="poll, first, status; all unless given")
    parser.add_argument("--most", type=int, default=MOST)
    options = parser.parse_args()
    return report([row(case, options.most) for case in chosen(LIMITS, options.names)])


if __name__ == "__main__":
    sys.exit(main())
