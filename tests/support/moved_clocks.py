"""The clocks of a monitor, moved by hand."""

from __future__ import annotations

from datetime import timedelta

from monitor.app.bootstrap import Monitor, elapsed, utc_now
from monitor.app.clock import SteadyClock
from monitor.app.health import Health


class Moved:
    """The clocks of a monitor, moved: the time of day by `set`, and both by `passed`."""

    def __init__(self, monitor: Monitor) -> None:
        self.set = self.passed = timedelta(0)
        monitor.elapsed = lambda: elapsed() + self.passed.total_seconds()  # type: ignore[method-assign]
        monitor.health = Health(monitor.elapsed)
        monitor.clock = SteadyClock(lambda: utc_now() + self.set + self.passed, monitor.elapsed)
