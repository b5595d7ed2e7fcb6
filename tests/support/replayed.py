"""Plays a history through the replay, as the command does, and reads the raw histories for what is expected of it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.app.bootstrap import open_monitor
from monitor.audit.agreement import PriceComparison, of_entry
from monitor.audit.replay import ReplayStep
from monitor.core import zstd
from monitor.core.entry import Entry
from monitor.core.events import Event, Recorded
from monitor.core.notices import Notice
from monitor.registry.transitions import replay as folded
from monitor.sources import recording

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "monitor.toml"
SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", ROOT.parent / "shared"))
HISTORIES = SHARED / "replay"
PAGES = SHARED / "pages" / "openai-pricing"

needs_histories = pytest.mark.skipif(
    not HISTORIES.is_dir(), reason=f"NO REAL HISTORIES: {HISTORIES} is absent, set ACCESS_MONITOR_SHARED"
)

CARRY = timedelta(hours=2)
"""How often a recording that holds only changes is repeated."""

FACTS = ("model.", "price.", "access.", "entry.", "lifecycle.")
"""What begins so says something about a model, a price, access or an entry."""


@dataclass(frozen=True)
class Played:
    """What one replay came to. `entries` are the projection that the store keeps, `rebuilt` the one folded from its
    log.
    """

    steps: list[ReplayStep]
    entries: Mapping[str, Entry]
    rebuilt: Mapping[str, Entry]
    waived: Mapping[str, frozenset[str]]
    deliveries: int
    words: tuple[PriceComparison, ...] = ()

    @property
    def log(self) -> list[Recorded]:
        return [one for step in self.steps for one in step.recorded]

    @property
    def notices(self) -> list[Notice]:
        return [notice for step in self.steps for notice in step.notices]

    def events(self, *kinds: str, subject: str = "", source: str = "") -> list[Event]:
        """Return the events whose type begins with one of `kinds`."""
        return [
            one.event
            for one in self.log
            if one.event.type.startswith(kinds or ("",))
            and subject in ("", one.event.subject)
            and source in ("", one.event.source)
        ]

    def between(self, since: datetime, until: datetime, *kinds: str) -> list[Event]:
        return [one.event for one in self.log if since <= one.recorded_at <= until and one.event.type.startswith(kinds)]

    def recorded(self, kind: str) -> set[tuple[str, datetime]]:
        return {(one.event.subject, one.recorded_at) for one in self.log if one.event.type == kind}


def play(
    folder: Path,
    files: Mapping[str, Path],
    *,
    config: Path = SHIPPED,
    carry: timedelta | Mapping[str, timedelta] | None = None,
    activate: bool = False,
    at: datetime | None = None,
) -> Played:
    """Play recordings into a store in `folder`; `carry` is one for all, or of each. The environment is empty: there is
    no secret to be had.

    With `at`, `words` are how the sources stand to each other at that time.
    """
    polls = {key: recording.read(file).polls for key, file in files.items()}
    every = carry if isinstance(carry, Mapping) else dict.fromkeys(polls, carry) if carry else None
    with open_monitor(config, str(folder / "replay.db"), environ={}, durable=False) as monitor:
        replay = monitor.replay(polls, carry=every, activate=activate)
        steps = list(replay.run())
        with monitor.store.read() as reader:
            log = [one.event for one in reader.events()]
            entries = reader.entries()
            words = [
                word
                for entry in (entries.values() if at is not None else ())
                for word in of_entry(reader, monitor.configuration, entry, at or datetime.max)
            ]
            return Played(steps, entries, folded(log), replay.waived, len(reader.deliveries()), tuple(words))


def written(folder: Path, name: str, polls: Iterable[tuple[str, object]]) -> Path:
    """Return a recording of payloads, each with the time of its poll."""
    file = folder / f"{name}.jsonl"
    said = ({"observed_at": at, "status": "ok", "payload": payload} for at, payload in polls)
    file.write_text("\n".join(map(json.dumps, said)), encoding="utf-8")
    return file


def cut(folder: Path, name: str, since: str, until: str = "9999") -> Path:
    """Return the lines of a history that lie in a stretch of time, and the good one that stood when it began."""
    stretch: list[dict[str, Any]] = []
    for line in lines(name):
        if line["observed_at"] < since and line["status"] == "ok":
            stretch = [line]
        elif since <= line["observed_at"] <= until:
            stretch.append(line)
    file = folder / f"{name}.jsonl"
    file.write_text("\n".join(map(json.dumps, stretch)), encoding="utf-8")
    return file


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a history, read without any code of the monitor."""
    with (HISTORIES / f"{name}.jsonl.zst").open("rb") as file:
        stream = zstd.ZstdFile(file)
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def truth(name: str) -> Iterator[dict[str, Any]]:
    """Yield the differences between good snapshots that an independent script found."""
    for line in (HISTORIES / f"{name}.truth.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def history(name: str) -> Path:
    return HISTORIES / f"{name}.jsonl.zst"


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def good_lists(name: str, carry: timedelta | None = None) -> list[tuple[datetime, frozenset[str]]]:
    """Return the ids of each good poll, repeated every `carry` until the next poll, good or not."""
    polls = [
        (
            time(line["observed_at"]),
            frozenset(item["id"] for item in line["payload"]["data"]) if line["status"] == "ok" else None,
        )
        for line in lines(name)
    ]
    found = []
    for (at, ids), (until, _) in zip(polls, [*polls[1:], polls[-1]], strict=True):
        while ids is not None:
            found.append((at, ids))
            if carry is None or at + carry >= until:
                break
            at += carry
    return found


def believed_edges(polls: Iterable[tuple[datetime, frozenset[str]]]) -> tuple[set[Edge], set[Edge]]:
    """Return which models came and which went, and when that was confirmed: three polls over half an hour for a loss,
    two over a minute     for a gain, polls under a minute apart being one. Told here once more, from the design and not
    from the code.
    """
    came: set[Edge] = set()
    went: set[Edge] = set()
    known: set[str] | None = None
    running: dict[str, tuple[int, datetime, datetime]] = {}
    for at, ids in polls:
        if known is None:
            known = set(ids)
            continue
        running = {model: run for model, run in running.items() if (model in ids) != (model in known)}
        for model in known ^ ids:
            count, first, last = running.get(model, (0, at, datetime.min.replace(tzinfo=at.tzinfo)))
            if at - last >= timedelta(minutes=1):
                count, last = count + 1, at
            running[model] = (count, first, last)
            lost = model in known
            if count >= (3 if lost else 2) and at - first >= timedelta(minutes=30 if lost else 1):
                (went if lost else came).add((model, at))
        for model, at_ in came | went:
            if at_ == at:
                known ^= {model}
                running.pop(model, None)
    return came, went


Edge = tuple[str, datetime]
