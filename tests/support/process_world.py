"""A provider, a chat service and a monitor's folder on this machine, the daemons that are started in it, and what must
hold of their store.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from preloaded import Nursery
from sqlalchemy import text
from waiting import until

from monitor.app.bootstrap import open_monitor
from monitor.core import events as ev
from monitor.core.entry import CheckState, Status
from monitor.core.events import Recorded
from monitor.core.ports import DeliveryState, EventQuery
from monitor.registry import transitions
from monitor.sandbox import API_KEY, Sandbox
from monitor.sandbox.timeline import STANDARD, TimelineModel, TimelinePrice, TimelineStep
from monitor.store import SqlStore, open_store

ROOT = Path(__file__).parents[2]
LUNA = "gpt-5.6-luna"
SPARE = "gpt-5.4-mini"
STEPS = 560
_NOTICE = re.compile(r"Notice ([\w.-]+)")


def amount(step: int) -> str:
    """Return the input price of the watched model at a step: another one at each."""
    return str(Decimal("1.00") + Decimal(step) / 100)


def story(steps: int = STEPS) -> tuple[TimelineStep, ...]:
    """At every step one price moves and one new model appears; a step lasts until the test ends it."""
    listed = tuple(TimelineModel(id=id, created=1_770_000_000) for id in (LUNA, SPARE, "gpt-5.5", "gpt-5.4", "gpt-5.2"))
    still = {SPARE: TimelinePrice(input=Decimal("0.75"), output=Decimal("4.50"), tiers=(STANDARD,))}

    def step(number: int) -> TimelineStep:
        return TimelineStep(
            date=date(2026, 7, 1),
            title=f"step {number}",
            polls=10**9,
            lists=listed if number == 0 else (TimelineModel(id=f"new-{number}", created=1_770_000_000 + number),),
            prices={
                **(still if number == 0 else {}),
                LUNA: TimelinePrice(input=Decimal(amount(number)), output=Decimal("6"), tiers=(STANDARD,)),
            },
        )

    return tuple(step(number) for number in range(steps))


CONFIGURATION = """\
[database]
url = {database}

[[surface]]
key = "openai"
base_url = "{base}"
api_key = "env:SANDBOX_KEY"

[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"
every = "1s"

[[source]]
key = "openai-pricing"
kind = "pricing_page"
url = "{page}"
provider = "openai"
every = "1s"

[confirmation]
absence = {{polls = 2, span = "0s"}}
change = {{polls = 2, span = "0s"}}
gap = "0s"
recheck = "50ms"
hold = "5s"

[network]
allow = ["127.0.0.1"]

[web]
listen = "127.0.0.1:0"

[gate]
lease_dir = {lease}

[[owner]]
key = "platform"
destinations = ["env:SINK"]

[[entry]]
key = "gpt-5.6-luna"
surface = "openai"
model_id = "gpt-5.6-luna"
owners = ["platform"]
fallback = "gpt-5.4-mini"

[[entry]]
key = "gpt-5.4-mini"
surface = "openai"
model_id = "gpt-5.4-mini"
owners = ["platform"]
"""


class Forks:
    """The program of `kill_at`, as a parent of daemons that start at once."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_at.py"))],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def order(self, **order: Any) -> dict[str, Any]:
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        assert line, "the parent of the daemons died"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.close()
        self._program.wait(30)
        self._program.stdout.close()


@dataclass
class Daemon:
    """A running child; `code` as of `subprocess`: negative for the signal that ended it."""

    forks: Forks
    pid: int
    log: Path
    code: int | None = None

    def ended(self) -> bool:
        if self.code is None:
            self.code = self.forks.order(poll=self.pid)["code"]
        return self.code is not None

    def signal(self, number: signal.Signals) -> None:
        if not self.ended():
            os.kill(self.pid, number)

    def wait(self) -> int:
        until(self.ended, f"the end of the daemon; it said:\n{self.said()[-2000:]}", every=0.005)
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL, self.said()[-2000:]

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def lines(self, message: str) -> list[dict[str, Any]]:
        """Return its log's lines with this message."""
        found = [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]
        return [line for line in found if line["message"] == message]


@dataclass
class World:
    """Where everything is. Daemons are started on `database`, which defaults to a file in the folder."""

    folder: Path
    sandbox: Sandbox
    forks: Forks
    nursery: Nursery
    database: str = ""
    step: int = 0
    started: int = 0
    daemons: list[Daemon] = field(default_factory=list)
    opened: SqlStore | None = None

    def __post_init__(self) -> None:
        self.database = self.database or f"sqlite:///{self.folder / 'monitor.db'}"
        self.write()

    # -- the files

    @property
    def config(self) -> Path:
        return self.folder / "monitor.toml"

    @property
    def lease(self) -> Path:
        return self.folder / "lease" / "production.json"

    @property
    def text(self) -> str:
        return CONFIGURATION.format(
            database=json.dumps(self.database),
            base=self.sandbox.base_url,
            page=self.sandbox.pricing_url,
            lease=json.dumps(str(self.folder / "lease")),
        )

    def write(self, more: str = "", **replaced: str) -> None:
        """Write the configuration, with texts replaced and tables added."""
        written = self.text
        for old, new in replaced.items():
            assert old in written, old
            written = written.replace(old, new)
        self.config.write_text(written + more)

    @property
    def environ(self) -> dict[str, str]:
        return {"SANDBOX_KEY": API_KEY, "SINK": self.sandbox.webhook_url}

    # -- the daemons

    def start(
        self,
        *,
        point: str = "",
        nth: int = 0,
        spans: dict[str, float] | None = None,
        environ: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> Daemon:
        """Start the real daemon; with `point` it will die there at the `nth` time."""
        return self.fork(
            "run", *arguments, environ=environ, spans={"app.daemon.STEP": 0.2, **(spans or {})}, point=point, nth=nth
        )

    def fork(
        self,
        *arguments: str,
        environ: dict[str, str] | None = None,
        spans: dict[str, float] | None = None,
        point: str = "",
        nth: int = 0,
        user: int = 0,
        ahead: float = 0,
    ) -> Daemon:
        """Any command as a process that costs no imports; `user` other than 0 is the one it becomes, `ahead` how many
        seconds its clock is.
        """
        self.close()
        self.started += 1
        log = self.folder / f"daemon-{self.started}.log"
        answer = self.forks.order(
            arguments=["--config", str(self.config), *arguments],
            environ={**self.environ, **(environ or {})},
            spans=spans or {},
            point=point,
            nth=nth,
            user=user,
            ahead=ahead,
            log=str(log),
        )
        daemon = Daemon(self.forks, answer["pid"], log)
        self.daemons.append(daemon)
        return daemon

    @contextmanager
    def running(self, **how: Any) -> Iterator[Daemon]:
        """Provide a daemon that has begun to watch, and is killed at the end."""
        daemon = self.start(**how)
        try:
            until(lambda: daemon.lines("watching") or daemon.ended(), "the daemon watches")
            assert not daemon.ended(), daemon.said()
            yield daemon
        finally:
            if not daemon.ended():
                daemon.kill()

    def close(self) -> None:
        """Close the test's own connections, so that a daemon finds the database as the dead one left it."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def stop(self) -> None:
        self.close()
        for daemon in self.daemons:
            daemon.signal(signal.SIGKILL)
            daemon.wait()

    # -- the provider and the people

    def change(self) -> None:
        """Let the provider move a price and list another model."""
        self.sandbox.advance()
        self.step += 1

    def operate(self, verb: str, key: str = LUNA) -> None:
        """Do a person's act, from a process that is not the daemon."""
        with open_monitor(self.config, environ={**os.environ, **self.environ}) as monitor:
            act = getattr(monitor.operator, verb)
            act(key, by="Ada L.", reason="a test", via={"channel": "test"})

    @contextmanager
    def store(self) -> Iterator[SqlStore]:
        self.opened = self.opened or open_store(self.database)
        yield self.opened

    def events(self, type: str = "") -> list[Recorded]:
        with self.store() as store, store.read() as reader:
            return list(reader.events(EventQuery(type=type)))

    def status(self, key: str = LUNA) -> str:
        with self.store() as store, store.read() as reader:
            entries = reader.entries()
        return entries[key].status if key in entries else ""

    def check(self, name: str, key: str = LUNA) -> CheckState:
        with self.store() as store, store.read() as reader:
            return reader.entries()[key].checks[name].state

    def received(self) -> Counter[str]:
        """Return how often the sink took each notice."""
        return Counter(id for message in self.sandbox.messages for id in _NOTICE.findall(message.text))

    def unsent(self) -> set[str]:
        """Notices that the store does not call sent."""
        with self.store() as store, store.read() as reader:
            return {row.notice for row in reader.deliveries() if row.state is not DeliveryState.SENT}

    def seen(self) -> bool:
        """Return whether what the provider shows now is recorded."""
        with self.store() as store, store.read() as reader:
            prices = next(reader.events(EventQuery(type=ev.PRICE_CHANGED, newest_first=True, limit=1)), None)
            models = next(reader.events(EventQuery(type=ev.MODEL_LISTED, newest_first=True, limit=1)), None)
        if self.step == 0:
            return all(reader is None for reader in (prices, models))
        return (
            prices is not None
            and models is not None
            and Decimal(prices.event.data["new"]) == Decimal(amount(self.step))
            and models.event.subject == f"new-{self.step}"
        )

    def settled(self) -> bool:
        """Return whether everything is recorded and told."""
        return self.seen() and not self.unsent()

    def lease_agrees(self) -> bool:
        """Return whether the lease file allows exactly the active entries."""
        flags = json.loads(self.lease.read_text())["flags"] if self.lease.exists() else {}
        with self.store() as store, store.read() as reader:
            entries = reader.entries()
        return bool(entries) and all(
            flags.get(key, {}).get("metadata", {}).get("status") == entry.status
            and (flags[key]["defaultVariant"] == "allowed" or "targeting" in flags[key])
            is (entry.status is Status.ACTIVE)
            for key, entry in entries.items()
        )

    def prepare(self) -> None:
        """Baselines taken, the entry activated, everything told."""
        with self.running():
            until(lambda: self.status() == Status.EVALUATING, "the entry is visible")
            until(lambda: self._activated(), "the entry can be activated")
            until(lambda: not self.unsent(), "what there was to tell is told, the activation too")

    def _activated(self) -> bool:
        from monitor.core.ports import Refused

        try:
            self.operate("activate")
        except Refused:
            return False
        return True


# -- what must hold, whenever a process died


def check_store(world: World) -> None:
    """Check everything that is true of a store at rest, whatever happened to those who wrote it."""
    with world.store() as store:
        if world.database.startswith("sqlite"):
            with store.engine.connect() as connection:
                assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        with store.read() as reader:
            log = list(reader.events())
            entries, states = reader.entries(), reader.sources()
            rows = reader.deliveries()
            notices = {row.notice: reader.notice(row.notice) for row in rows}
    events = [recorded.event for recorded in log]
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert [one.recorded_at for one in log] == sorted(one.recorded_at for one in log)
    versions: Counter[str] = Counter()
    for one in log:
        versions[one.event.stream] += 1
        assert one.version == versions[one.event.stream], one
    assert entries == transitions.replay(events)
    for key, state in states.items():
        told = [event.data["baseline"] for event in events if event.source == key and "baseline" in event.data]
        assert state.baseline == (told[-1] if told else ""), (
            f"the baseline of {key} is not the one that the log explains"
        )
    assert len({(row.notice, row.destination) for row in rows}) == len(rows)
    for row in rows:
        assert row.state is not DeliveryState.DEAD, row
    about = Counter(item.position for notice in notices.values() if notice for item in notice.items)
    for event in events:
        if event.type in (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED) and event.data["causes"]:
            assert about[event.position] == 1, f"{event.type} at {event.position} is told {about[event.position]} times"
        if event.type in (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED, ev.PRICE_CHANGED, ev.MODEL_LISTED):
            assert event.cause is None or event.cause < event.position
    delivered = Counter(event.subject for event in events if event.type == ev.NOTICE_DELIVERED)
    sent = {row.notice for row in rows if row.state is DeliveryState.SENT}
    assert delivered == Counter(sent), "a delivery is settled and recorded in one transaction"


def check_story(world: World) -> None:
    """Check that every change that the provider made is recorded exactly once, and in order."""
    prices = [one.event.data for one in world.events(ev.PRICE_CHANGED)]
    said = [(Decimal(data["old"]), Decimal(data["new"])) for data in prices]
    assert said == [(Decimal(amount(step)), Decimal(amount(step + 1))) for step in range(len(said))]
    models = [one.event.subject for one in world.events(ev.MODEL_LISTED)]
    assert models == [f"new-{step + 1}" for step in range(len(models))]
    assert world.step - 1 <= len(said) <= world.step
    assert world.step - 1 <= len(models) <= world.step
