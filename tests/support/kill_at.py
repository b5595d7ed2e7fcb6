"""Starts real daemons and lets them die where they are told: the daemon's code itself has no switch for tests.

Run as a program it imports everything once and forks a child for each order, so that a start costs no imports. Orders
and answers are JSON lines. A child is the real command line; what `point` names is wrapped around the real methods
before it begins, and at the `nth` call the process kills itself, as a power cut would: no handler, no `finally`, no
flush.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from preloaded import end, settle

POINTS: dict[str, Callable[[Callable[[], None]], None]] = {}


def point(act: Callable[[Callable[[], None]], None]) -> Callable[[Callable[[], None]], None]:
    POINTS[act.__name__.replace("_", "-")] = act
    return act


def at_call(nth: int) -> Callable[[], None]:
    """Dies at the `nth` time it is called. Safe for threads."""
    lock, calls = threading.Lock(), 0

    def called() -> None:
        nonlocal calls
        with lock:
            calls += 1
            if calls == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return called


def before(owner: Any, name: str, act: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        act()
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str, act: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        act()
        return result

    setattr(owner, name, wrapped)


def in_poll(act: Callable[[], None]) -> Callable[[], None]:
    """Only while this thread records a poll."""
    from monitor.detection.poller import Poller

    recording = threading.local()
    original = Poller.record

    def record(self: Any, *args: Any) -> Any:
        recording.on = True
        try:
            return original(self, *args)
        finally:
            recording.on = False

    Poller.record = record  # type: ignore[assignment,method-assign]

    def called() -> None:
        if getattr(recording, "on", False):
            act()

    return called


@point
def before_t1(die: Callable[[], None]) -> None:
    """Stop where the poll has ended and nothing of it is recorded."""
    from monitor.detection.poller import Poller

    before(Poller, "record", die)


@point
def inside_t1(die: Callable[[], None]) -> None:
    """Stop where some statements of a look's transaction were executed; it is not committed."""
    from monitor.store.writer import SqlTransaction

    after(SqlTransaction, "_write", in_poll(die))


@point
def after_t1(die: Callable[[], None]) -> None:
    """Stop where a look's transaction is committed; its leases are not written, its notices not claimed."""
    from monitor.store import SqlStore

    act, original = in_poll(die), SqlStore.write

    @contextmanager
    def write(self: Any) -> Iterator[Any]:
        with original(self) as tx:
            yield tx
        act()

    SqlStore.write = write  # type: ignore[method-assign]


@point
def lease_due(die: Callable[[], None]) -> None:
    """Stop where the status has moved, and the lease file is about to be written."""
    from monitor.app import lease_files

    before(lease_files, "write_lease", die)


@point
def lease_half_written(die: Callable[[], None]) -> None:
    """Stop where the new lease file has its bytes and not yet its name."""
    before(Path, "replace", die)


@point
def after_claim(die: Callable[[], None]) -> None:
    """T2 is committed: the notice is claimed and not sent."""
    from monitor.notify.channels import AppriseChannel

    before(AppriseChannel, "send", die)


@point
def sent_not_settled(die: Callable[[], None]) -> None:
    """Stop where the sink has the message, and nobody wrote that down."""
    from monitor.notify.channels import AppriseChannel

    after(AppriseChannel, "send", die)


@point
def inside_settle(die: Callable[[], None]) -> None:
    """T3 has its statements and no commit."""
    from monitor.store.writer import SqlTransaction

    after(SqlTransaction, "settle", die)


@point
def making_a_file(die: Callable[[], None]) -> None:
    """Stop where a file or folder of the monitor is about to be made or put in its place."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            makes = (arguments[2] or 0) & os.O_CREAT or str(arguments[1])[:1] in ("w", "x", "a")
        else:
            makes = event in ("os.rename", "os.mkdir")
        if makes and any(word in str(arguments[0]) for word in ("lease", "monitor.db", "key")):
            die()

    sys.addaudithook(hook)


def shorten(spans: dict[str, float]) -> None:
    """Make long intervals short, in seconds, by module and name, or function and argument: a test does not wait for a
    minute.
    """
    from pkgutil import resolve_name

    for path, seconds in spans.items():
        place, _, argument = f"monitor.{path}".partition(":")
        module, _, name = place.rpartition(".")
        owner = resolve_name(module)
        held = getattr(owner, name).__kwdefaults__ if argument else vars(owner)
        assert isinstance(held[argument or name], timedelta), path
        held[argument or name] = timedelta(seconds=seconds)


def child(order: dict[str, Any]) -> int:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(log, 2)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    os.environ.update(order["environ"])
    shorten(order["spans"])
    if order["ahead"]:
        _time = time.time
        time.time = lambda: _time() + order["ahead"]
    if order["point"]:
        POINTS[order["point"]](at_call(order["nth"]))
    if order["user"]:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    sys.argv = ["access-monitor", *order["arguments"]]
    from monitor.__main__ import main

    return main()


def load() -> None:
    """Import what a daemon imports on its way."""
    import importlib

    for module in (
        "alembic.command",
        "apprise",
        "encodings.idna",
        "encodings.utf_16_be",
        "openai",
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite",
    ):
        importlib.import_module(module)
    "".encode("utf-16-be")  # looked up once, and found where the child's user cannot read the library any more
    root = Path(__file__).parents[2]
    for path in sorted((root / "monitor").rglob("*.py")):
        if path.name != "__main__.py":
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            importlib.import_module(name.removesuffix(".__init__"))


def serve() -> None:
    load()
    settle()
    print(json.dumps({"ready": True}), flush=True)
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            print(json.dumps({"code": os.waitstatus_to_exitcode(status) if pid else None}), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            end(partial(child, order))
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    serve()
