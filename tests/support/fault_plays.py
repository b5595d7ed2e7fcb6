"""Faults on one machine, each played on a running daemon: what breaks, how that is known, and what must still hold.

The tests play each once and assert what became of it; `tests/faults/table.py` plays each some times, measures, and
writes the table in docs/reliability.md.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from story_world import COMMAND, Answer, Daemon, Story, until

MODEL = "orion-2"
FAULTY = "faulty"

SOURCE = """
[[source]]
key = "{key}"
kind = "pricing_page"
url = "{url}"
provider = "acme"
every = "1s"
"""

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/markdown\r\n"


Answering = Callable[[socket.socket], None]


NO_FAULT = "no fault"
"""How that is known which breaks nothing."""


class Unplayable(Exception):
    """This machine cannot play the fault, and why."""


@dataclass(frozen=True)
class Played:
    """What became of a fault.

    Attributes:
        known: by which word it is known: the reason of `source.failed`, or what `/readyz` says is not there.
        seconds: from the first that could know of it until it was classified.
        peak: most resident memory of the daemon meanwhile, in MB.
        others: how often other sources were polled while it lasted.
    """

    known: str
    seconds: float
    peak: float
    others: int


Play = Callable[[Story], Played]


class Hostile:
    """A server that answers each connection by a function of the connection, whatever it was asked."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._act = act
        self._over = threading.Event()
        self.first = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/prices.md"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.first = self.first or time.time()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(120)
            connection.recv(65536)
            self._act(connection)

    def close(self) -> None:
        self._over.set()
        self._listener.close()


def said(*parts: bytes) -> Callable[[socket.socket], None]:
    """Return an answer that is these bytes and the end."""

    def act(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return act


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def dripping(connection: socket.socket) -> None:
    connection.sendall(PLAIN + b"\r\n# Pri")
    pause = threading.Event()
    while not pause.wait(1):
        connection.sendall(b"c")


def bomb(connection: socket.socket) -> None:
    """Send 4 GB of nothing in 4 MB: gzip allows members in a row."""
    connection.sendall(PLAIN + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    member = gzip.compress(bytes(4_000_000))
    for _ in range(1_000):
        connection.sendall(member)


def redirect(to: str) -> Callable[[socket.socket], None]:
    return said(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


def prepared(story: Story, *parts: str, **replaced: str) -> None:
    """Take baselines and activate an entry, then add what is to break."""
    story.provider.models = ["orion-1", MODEL]
    story.provider.prices = {MODEL: ("1.00", "6.00")}
    story.configure(story.entry(), **replaced)
    story.poll()
    story.activate()
    story.config.write_text(story.config.read_text() + "".join(parts))


def polls(story: Story) -> int:
    return story.provider.count("/v1/models") + story.provider.count("/pricing.md")


def peak(daemon: Daemon) -> float:
    """Return the most resident memory since `forget_peak`, in MB."""
    lines = Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def forget_peak(daemon: Daemon) -> None:
    with suppress(OSError):
        Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")


def nothing_is_lost(story: Story, daemon: Daemon) -> None:
    """See that a change of another source is recorded, told once and in force, and that the database is whole."""
    told = len(story.messages("PAUSED"))
    price = f"{2 + len(story.events('--type', 'price.changed'))}.00"
    story.provider.prices = {MODEL: (price, "6.00")}
    until(lambda: story.gate() == 1, f"the change denies:\n{daemon.said()[-1500:]}")
    until(lambda: len(story.messages("PAUSED")) == told + 1, "the change is told")
    story.must("db", "check")


def failures(story: Story) -> dict[str, str]:
    """Return the reasons of failed sources, by source."""
    return {event["source"]: str(event["data"]["reason"]) for event in story.events("--type", "source.failed")}


def failure(story: Story) -> dict[str, Any] | None:
    events = [event for event in story.events("--type", "source.failed") if event["source"] == FAULTY]
    return events[0] if events else None


def _source(key: str, url: str, *, tls: bool = False) -> str:
    return SOURCE.format(key=key, url=url.replace("http:", "https:") if tls else url)


def source_fault(story: Story, how: str | Answering, *, tls: bool = False) -> Played:
    """Play a source that answers so, or has this address, beside two that are well."""
    hostile = Hostile(silent if isinstance(how, str) else how)
    try:
        prepared(story, _source(FAULTY, how if isinstance(how, str) else hostile.url, tls=tls))
        with story.daemon() as daemon:
            begun, before = time.time(), polls(story)
            forget_peak(daemon)
            until(lambda: failure(story) is not None, f"the failure is classified:\n{daemon.said()[-1500:]}")
            event = failure(story)
            assert event is not None
            until(lambda: polls(story) > before + 2, "the other sources are polled")
            others = polls(story) - before
            most = peak(daemon)
            nothing_is_lost(story, daemon)
            at = datetime.fromisoformat(event["recorded_at"]).timestamp()
            known = str(event["data"]["reason"])
        assert not daemon.lines("an exception was not caught"), daemon.said()
        assert not daemon.lines("a thread ended"), daemon.said()
    finally:
        hostile.close()
    return Played(known, max(at - (hostile.first or begun), 0.0), most, others)


def million(story: Story) -> Played:
    """Play a list of a million models where two were."""
    prepared(story)
    items = ",".join(f'{{"id":"hostile-{number:07}","object":"model"}}' for number in range(1_000_000))
    body = f'{{"object":"list","data":[{items}]}}'.encode()
    with story.daemon() as daemon:
        forget_peak(daemon)
        before, begun = story.provider.count("/pricing.md"), time.time()
        story.provider.answers["GET", "/v1/models"] = Answer(200, body)
        until(lambda: story.events("--type", "source.anomaly"), "the list is held back")
        (anomaly,) = story.events("--type", "source.anomaly")
        seconds = datetime.fromisoformat(anomaly["recorded_at"]).timestamp() - begun
        most, others = peak(daemon), story.provider.count("/pricing.md") - before
        del story.provider.answers["GET", "/v1/models"]
        nothing_is_lost(story, daemon)
    return Played(str(anomaly["data"]["reason"]), max(seconds, 0.0), most, others)


def ready(daemon: Daemon) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{daemon.url}/readyz", timeout=30) as answer:
            state: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            state = json.loads(error.read())
    except OSError:
        return {"ready": False, "answering": False}
    return state


def missing(daemon: Daemon) -> list[str]:
    """Return what `/readyz` says is not there."""
    return sorted(key for key, value in ready(daemon).items() if value is False and key != "ready")


def storing_fault(story: Story, begin: Callable[[Daemon], None], end: Callable[[Daemon], None]) -> Played:
    """Play a database that cannot be written for a time; a price moves while it lasts, and is recorded after it."""
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        forget_peak(daemon)
        begun, before = time.time(), polls(story)
        begin(daemon)
        until(lambda: "storing" in missing(daemon), f"it is not ready:\n{daemon.said()[-1500:]}")
        seconds = time.time() - begun
        until(lambda: story.messages("MONITOR IN TROUBLE"), "the owner is told past the database")
        until(lambda: polls(story) > before + 2, "the sources are polled")
        others = polls(story) - before
        most = peak(daemon)
        story.provider.prices = {MODEL: ("9.00", "6.00")}
        end(daemon)
        until(lambda: ready(daemon)["ready"], f"the daemon is ready again:\n{daemon.said()[-1500:]}")
        until(lambda: story.gate() == 1, "what moved meanwhile is recorded")
        until(lambda: story.messages("PAUSED"), "and told")
        story.must("db", "check")
    return Played("storing", seconds, most, others)


def run_as_root(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unplayable(f"`{' '.join(words[:2])} …` is not possible here: {done.stderr.strip()[:120]}")


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[None]:
    """Mount something on a folder."""
    if os.geteuid() != 0:
        raise Unplayable("only root can mount a small disk")
    folder.mkdir(exist_ok=True)
    run_as_root("mount", *words, str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def at_disk(story: Story, disk: Path) -> None:
    prepared(story, **{f"{story.folder}/monitor.db": f"{disk}/monitor.db"})


def full_disk(story: Story) -> Played:
    """Play a disk of 6 MB that somebody else fills."""
    disk = story.folder / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=6m", "tmpfs"):
        at_disk(story, disk)
        filler = disk / "filler"

        def fill(daemon: Daemon) -> None:
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass

        return storing_fault(story, fill, lambda daemon: filler.unlink())


def read_only(story: Story) -> Played:
    """Play what ext4 does when its disk fails: from one moment on nothing is written. The daemon has to be restarted
    once the disk is well.
    """
    disk, image = story.folder / "disk", story.folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(48 * 2**20)
    if shutil.which("mkfs.ext4") is None:
        raise Unplayable("mkfs.ext4 is not installed")
    run_as_root("mkfs.ext4", "-q", "-F", str(image))
    with mounted(disk, "-o", "loop", str(image)):
        at_disk(story, disk)
        with story.daemon() as daemon:
            until(lambda: ready(daemon)["ready"], "the daemon is ready")
            forget_peak(daemon)
            begun, before = time.time(), polls(story)
            run_as_root("mount", "-o", "remount,abort", str(disk))
            until(lambda: "storing" in missing(daemon), f"it is not ready:\n{daemon.said()[-1500:]}")
            seconds = time.time() - begun
            until(lambda: story.messages("MONITOR IN TROUBLE"), "the owner is told past the database")
            until(lambda: polls(story) > before + 2, "the sources are polled")
            others, most = polls(story) - before, peak(daemon)
            assert story.gate() == 0, "what was true is still true"
            daemon.stop()
    subprocess.run(["fsck.ext4", "-p", str(image)], capture_output=True, check=False)
    with mounted(disk, "-o", "loop", str(image)), story.daemon() as daemon:
        nothing_is_lost(story, daemon)
        daemon.stop()
    return Played("storing", seconds, most, others)


def locked(story: Story) -> Played:
    """Play another process that holds SQLite's write lock."""
    prepared(story)
    holder = sqlite3.connect(story.folder / "monitor.db", isolation_level=None, check_same_thread=False)
    try:
        return storing_fault(
            story,
            lambda daemon: holder.execute("BEGIN IMMEDIATE") and None,
            lambda daemon: holder.execute("COMMIT") and None,
        )
    finally:
        holder.close()


def limited(daemon: Daemon, limit: int, soft: int) -> None:
    hard = resource.prlimit(daemon.process.pid, limit)[1]
    resource.prlimit(daemon.process.pid, limit, (soft, hard))


def descriptors(story: Story) -> Played:
    """Play a process that may open no more files, then may again."""
    prepared(story)
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        forget_peak(daemon)
        begun, told = time.time(), len(daemon.said())
        usual = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[0]
        limited(daemon, resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{daemon.process.pid}/fd")) // 2)
        until(lambda: len(daemon.said()) > told, "it says that something fails")
        seconds, most = time.time() - begun, peak(daemon)
        assert not daemon.ended(), daemon.said()
        limited(daemon, resource.RLIMIT_NOFILE, usual)
        until(lambda: ready(daemon).get("ready"), f"it is ready again:\n{daemon.said()[-1500:]}")
        before = polls(story)
        nothing_is_lost(story, daemon)
        assert not daemon.lines("a thread ended"), daemon.said()
        others = polls(story) - before
    return Played("its log", seconds, most, others)


def memory(story: Story) -> Played:
    """Play a process that may have 200 MB more of address space, and a list of a million models."""
    prepared(story)
    items = ",".join(f'{{"id":"hostile-{number:07}","object":"model"}}' for number in range(1_000_000))
    body = f'{{"object":"list","data":[{items}]}}'.encode()
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        forget_peak(daemon)
        size = int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[0]) * 4096
        limited(daemon, resource.RLIMIT_AS, size + 200 * 2**20)
        before, begun = story.provider.count("/pricing.md"), time.time()
        story.provider.answers["GET", "/v1/models"] = Answer(200, body)
        until(
            lambda: story.events("--type", "source.anomaly") or story.events("--type", "source.failed"),
            f"the list is held back or failed:\n{daemon.said()[-1500:]}",
        )
        seconds, most = time.time() - begun, peak(daemon)
        event = [*story.events("--type", "source.anomaly"), *story.events("--type", "source.failed")][0]
        others = story.provider.count("/pricing.md") - before
        del story.provider.answers["GET", "/v1/models"]
        nothing_is_lost(story, daemon)
    return Played(str(event["data"]["reason"]), seconds, most, others)


def left_behind(story: Story) -> Played:
    """Play a daemon that is killed with all of its last minutes in the write-ahead log."""
    prepared(story)
    with story.daemon() as daemon:
        nothing_is_lost(story, daemon)
        daemon.signal(signal.SIGKILL)
        until(daemon.ended, "it is dead")
    log = story.folder / "monitor.db-wal"
    assert log.stat().st_size > 0, "nothing was left behind"
    events = story.events()
    begun, before = time.time(), polls(story)
    with story.daemon() as daemon:
        seconds = time.time() - begun
        assert story.events()[: len(events)] == events
        story.must("resume", "orion", "--by", "Ada L.", "--reason", "a play")
        nothing_is_lost(story, daemon)
        return Played(NO_FAULT, seconds, peak(daemon), polls(story) - before)


def surroundings(story: Story, wrapper: tuple[str, ...] = (), **environ: str) -> Played:
    """Play a process that is started where something usual is not there."""
    prepared(story)
    before, begun = polls(story), time.time()
    with story.daemon(wrapper=wrapper, **environ) as daemon:
        until(lambda: ready(daemon).get("ready"), f"the daemon is ready:\n{daemon.said()[-1500:]}")
        seconds = time.time() - begun
        nothing_is_lost(story, daemon)
        others, most = polls(story) - before, peak(daemon)
        assert daemon.stop() == 0, daemon.said()
    return Played(NO_FAULT, seconds, most, others)


def first_process(story: Story) -> Played:
    """Play a container's only process: PID 1, whose signals have no defaults and who inherits orphans."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        raise Unplayable("only root can be another namespace's first process")
    prepared(story)
    before, begun = polls(story), time.time()
    log = story.folder / "first.log"
    words = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        str(COMMAND),
        "--config",
        str(story.config),
        "run",
    ]
    with log.open("wb") as out:
        outer = subprocess.Popen(words, env=story._environ(), cwd=story.folder, stdout=out, stderr=out)
        try:
            daemon = Daemon(outer, log)
            until(lambda: daemon.lines("watching") or daemon.ended(), f"it watches:\n{daemon.said()[-1500:]}")
            seconds = time.time() - begun
            inner = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
            nothing_is_lost(story, daemon)
            lines = Path(f"/proc/{inner}/status").read_text().splitlines()
            most = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
            assert any(line.split()[-1] == "1" for line in lines if line.startswith("NSpid:"))
            os.kill(inner, signal.SIGTERM)
            until(daemon.ended, "it stops")
            assert daemon.lines("stopped")[0]["drained"] is True
        finally:
            if outer.poll() is None:
                outer.kill()
            outer.wait()
    return Played(NO_FAULT, seconds, most, polls(story) - before)


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

ON_THIS_MACHINE: Mapping[str, tuple[Play, str]] = {
    "a full disk": (full_disk, "storing"),
    "a disk that becomes read-only": (read_only, "storing"),
    "another process holds the write lock": (locked, "storing"),
    "killed, the write-ahead log left behind": (left_behind, NO_FAULT),
    "no more descriptors": (descriptors, "its log"),
    "200 MB for a list of a million": (memory, "too_many"),
    "a list of a million": (million, "too_many"),
    "PID 1": (first_process, NO_FAULT),
    "no home": (partial(surroundings, HOME="/nonexistent"), NO_FAULT),
    "no time zone data": (partial(surroundings, PYTHONTZPATH="/nonexistent", TZDIR="/nonexistent"), NO_FAULT),
    "an ASCII locale": (partial(surroundings, **ASCII), NO_FAULT),
}

TLS = "https, answered without TLS"

QUICK: Mapping[str, tuple[str | Answering, str]] = {
    "a name without an address": ("https://prices.invalid/p.md", "unreachable"),
    "the address 169.254.169.254": ("http://169.254.169.254/p.md", "blocked_address"),
    "4 GB packed into 4 MB": (bomb, "too_large"),
    "redirects without end": (redirect("/prices.md"), "redirected"),
    "a redirect to 169.254.169.254": (redirect("http://169.254.169.254/latest/meta-data/"), "redirected"),
    TLS: (said(b"HTTP/1.1 400 no\r\n\r\n"), "tls"),
    "a chunk whose length is no number": (said(CHUNKED, b"zz\r\nabc\r\n"), "truncated"),
    "a chunk that ends early": (said(CHUNKED, b"fffffff\r\nabc"), "truncated"),
    "bytes that are no HTTP": (said(b"\0\x16\x03\x01" * 500), "unreachable"),
}
"""How a source answers, or which address it has, and the reason by which that is known."""

LONG: Mapping[str, tuple[str | Answering, str]] = {
    "a provider that never answers": (silent, "timeout"),
    "a byte a second": (dripping, "timeout"),
}
"""What is known when a deadline of a poll has passed."""

PLAYS: Mapping[str, tuple[Play, str]] = {
    **ON_THIS_MACHINE,
    **{
        name: (partial(source_fault, how=how, tls=name == TLS), known)
        for name, (how, known) in {**QUICK, **LONG}.items()
    },
}


def all_at_once(story: Story) -> dict[str, tuple[str, str]]:
    """Play all quick faults of sources beside two that are well; return what each is known by, and should be."""
    hostiles = {name: Hostile(how) for name, (how, _) in QUICK.items() if not isinstance(how, str)}
    try:
        sources = []
        for number, (name, (how, _)) in enumerate(QUICK.items()):
            url = how if isinstance(how, str) else hostiles[name].url
            sources.append(_source(f"faulty-{number}", url, tls=name == TLS))
        prepared(story, *sources)
        with story.daemon() as daemon:
            until(lambda: len(failures(story)) == len(QUICK), f"all are classified:\n{daemon.said()[-1500:]}")
            before = polls(story)
            until(lambda: polls(story) > before + 2, "the other sources are polled")
            nothing_is_lost(story, daemon)
        found = failures(story)
        return {name: (found[f"faulty-{number}"], known) for number, (name, (_, known)) in enumerate(QUICK.items())}
    finally:
        for hostile in hostiles.values():
            hostile.close()
