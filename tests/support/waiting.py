"""Waiting for something to come true in another thread or process, however busy the machine is."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE = 180.0
"""Seconds until a wait gives up. What comes true does so long before, so only a failure takes this time."""

_PAUSE = threading.Event()
"""Never set: `wait` on it is a pause of a poll loop that a debugger may interrupt."""


def until(holds: Callable[[], object], what: str = "it comes to hold", every: float = 0.04) -> None:
    """Poll a condition; fail by name when it never comes true."""
    for _ in range(int(PATIENCE / every)):
        if holds():
            return
        _PAUSE.wait(every)
    raise AssertionError(f"never came true: {what}")
