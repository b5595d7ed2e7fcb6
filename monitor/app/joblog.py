"""What the daemon's log says of its jobs and polls: each trouble when it begins and when it ends, and not at every turn
in between.
"""

from __future__ import annotations

import logging

from monitor.app.health import Health
from monitor.app.log_output import Troubles, named
from monitor.core import logs
from monitor.core.ports import MonitorError
from monitor.detection.outcome import Outcome

ROUTINE = ("step", "follow", "deployments", "tick", "lock", "clock", "writing", "alarm")
"""Jobs that look after something every few seconds: a turn that comes while they wait is no news."""


class JobLog:
    """Hears how jobs and polls end, and writes what is new of it. `troubles` are those of polls, and of whatever else
    is said once while it lasts.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self.troubles = Troubles()
        self._failing = Troubles()
        self._slow = Troubles()
        self._overdue: set[str] = set()

    def ended(self, job: str, error: BaseException | None) -> None:
        """Note that a run of a job has ended, with what it raised."""
        if job in self._overdue:
            self._overdue.discard(job)
        else:
            self._slow.end(job)
        if error is None:
            if self._failing.end(job):
                logs.line("job works again", job=job)
            return
        self._health.problem()
        reason = str(error) if isinstance(error, MonitorError) else named(error)
        if self._failing.begin(job, reason):
            logs.line("job failed", level=logging.ERROR, job=job, error=reason)

    def overran(self, job: str) -> None:
        """Note that a job should have begun and still runs; said again once a run of it has kept to its time."""
        self._health.problem()
        self._overdue.add(job)
        if self._slow.begin(job, job) and job not in ROUTINE:
            logs.line("job overran", level=logging.WARNING, job=job)

    def polled(self, outcome: Outcome) -> None:
        """Note that a poll has ended."""
        if outcome.verdict in ("failed", "held"):
            # Of one trouble every poll says the same, but for the id of the request.
            reason = f"{outcome.source} {outcome.verdict} {outcome.detail.partition(':')[0]}"
            new = self.troubles.begin(outcome.source, reason) or outcome.events
            level = logging.WARNING if new else logging.DEBUG
        else:
            over = self.troubles.end(outcome.source)
            quiet = outcome.verdict == "unchanged" and not outcome.events and not over
            level = logging.DEBUG if quiet else logging.INFO
        logs.line(
            "polled",
            level=level,
            source=outcome.source,
            verdict=outcome.verdict,
            detail=outcome.detail,
            confirmed=outcome.confirmed or "",
            suspects=outcome.suspects or "",
            events=", ".join(dict.fromkeys(event.type for event in outcome.events)),
            notices=len(outcome.notices) or "",
        )
