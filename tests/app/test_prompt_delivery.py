"""A notice leaves when it is recorded, and not at the next turn of the schedule."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from plain_demo import write_plain_demo
from waiting import until

from monitor.app.bootstrap import open_monitor
from monitor.app.daemon import Daemon
from monitor.sandbox import Sandbox
from monitor.sandbox.gpt_5_6 import SOL

PAGE = "openai-pricing"
NOW = timedelta(0)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name in [name for name in os.environ if name.startswith("ACCESS_MONITOR")]:
        monkeypatch.delenv(name)
    with Sandbox() as running:
        yield running


def test_what_a_poll_recorded_is_sent_though_no_time_passes_for_the_schedule(sandbox: Sandbox, tmp_path: Path) -> None:
    with open_monitor(write_plain_demo(sandbox, tmp_path)) as monitor:
        monitor.elapsed = lambda: 0.0  # type: ignore[method-assign]
        daemon = Daemon(monitor, lambda: monitor.settings)
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            until(lambda: len(sandbox.messages) == 1, "the first message, of the model that is listed")
            sandbox.advance()

            def told() -> bool:
                daemon._scheduler.sooner(f"poll {PAGE}", NOW)
                return any(SOL in message.text for message in sandbox.messages)

            until(told, "the message of the new prices")
        finally:
            daemon.stop()
            thread.join(30)
            assert not thread.is_alive()
