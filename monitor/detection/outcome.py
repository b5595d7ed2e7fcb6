"""What one poll came to, for whoever asked for it. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.core import events as ev
from monitor.core.notices import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one poll came to. `verdict` is `failed`, `late`, `held`, `baseline`, `changed`, `suspect`, `unchanged`
    or `not due`.

    `confirmed` counts the changes of fact that became baselines, `again` is when to poll next if something is
    suspected, `ask` names other sources that should be polled now, `due` is when there is something to poll for.
    """

    source: str
    verdict: str
    detail: str = ""
    confirmed: int = 0
    suspects: int = 0
    again: datetime | None = None
    ask: tuple[str, ...] = ()
    due: datetime | None = None
    events: tuple[ev.Event, ...] = ()
    notices: tuple[Notice, ...] = ()
