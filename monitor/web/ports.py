"""What the server is given by the program that runs it: the monitor whose registry it answers from, and how the daemon
is doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from monitor.core.configuration import Configuration
from monitor.core.ports import Source, Store, Trouble
from monitor.gate.recency import Recency
from monitor.registry.acknowledging import Attendant
from monitor.registry.credentials import Credentials
from monitor.web.acting import ActingHost
from monitor.web.configuration import LoadingHost


class Host(ActingHost, LoadingHost, Protocol):
    """The monitor. Its configuration and its settings are others after a reload, so both are asked for each time."""

    @property
    def store(self) -> Store: ...

    @property
    def credentials(self) -> Credentials: ...

    @property
    def configuration(self) -> Configuration: ...

    @property
    def attendant(self) -> Attendant: ...

    def clock(self) -> datetime:
        """Now, in UTC."""

    def source(self, key: str) -> Source:
        """Return the source of a key.

        Raises:
            MonitorError: it cannot be made.
        """

    def poll_first(self, key: str, max_age: timedelta) -> Recency:
        """Poll what an entry rests on and what was not polled within `max_age`.

        Raises:
            MonitorError: the store cannot be read or written.
        """

    def secret(self, reference: str) -> str:
        """Return the secret that a reference names, as it is now.

        Raises:
            ConfigurationError: it is not there.
        """


class DaemonHealth(Protocol):
    """How the daemon is doing; safe to ask from another thread."""

    @property
    def problems(self) -> int:
        """How many jobs overran or raised."""

    def polls(self) -> Mapping[str, int]:
        """Return how many polls have ended, by verdict."""

    def trouble(self, ability: str) -> Trouble | None:
        """Why an ability is not there; None where it is."""

    def troubles(self) -> Mapping[str, Trouble]:
        """Return everything that the daemon cannot do now."""

    def working(self, patience: timedelta) -> bool:
        """Return whether work goes on; a step may be as old as `patience`."""

    def problem(self) -> None:
        """Count a problem."""
