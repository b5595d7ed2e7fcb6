"""Other people's servers on loopback: where `make peers` puts them, how one is started, and what to say where it is not
there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED") or ROOT.parent / "shared")

STARTING = 120.0
"""Seconds that a server may take to start: some of them load half a gigabyte, and the machine may be busy."""


def installed(name: str) -> Path:
    """Return a program of a peer; skips the test, and says so, where it is not installed."""
    path = PEERS / name
    if not path.exists():
        pytest.skip(f"PEER NOT INSTALLED: {path.relative_to(ROOT)} (run `make peers`)")
    return path


def shared(name: str) -> Path:
    """Return a file of the shared real data; skips the test, and says so, where it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
    return path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether something answers there at all, whatever it says."""
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


@contextmanager
def running(
    command: Sequence[str | Path],
    url: str,
    log: Path,
    *,
    environ: Mapping[str, str] | None = None,
    ready: Callable[[str], bool] = answers,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block; it is ready once its URL answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "LITELLM_"))}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=out,
            env={**kept, **(environ or {})},
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + STARTING
        while not ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)
        yield process
    finally:
        # Its whole group: some of them leave a worker behind.
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, sent)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    continue
