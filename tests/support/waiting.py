"""Waiting for something to come true in another thread or process, however busy the machine is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds until a wait gives up. What comes true does so long before, so only a failure takes this time."""

_PAUSE = threading.Event()
"""Never set: `wait` on it is a pause of a poll loop that a debugger may interrupt."""


def until(holds: Callable[[], object], what: str = "it comes to hold", every: float = 0.04) -> None:
    """Poll a condition; fail by name when it never comes true.

    A condition that runs a command costs processor time, which whatever it waits for needs as well: the pause is at
    least eight times as long as the condition took, so no wait takes more than a ninth of a core.
    """
    end = time.monotonic() + PATIENCE
    while not _holds(holds, every):
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")


def _holds(holds: Callable[[], object], every: float) -> bool:
    """Ask once, and pause where the answer is no."""
    begun = time.monotonic()
    if holds():
        return True
    _PAUSE.wait(max(every, 8 * (time.monotonic() - begun)))
    return False
