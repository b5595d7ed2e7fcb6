"""The registry in memory, so that an answer costs no query. Knows the store as two readings, and nothing of HTTP.

Whether it is still true is seen from the log's last position: whatever may deny an entry is an event. `Store.changed`
is not asked: it says a thing once, and to the daemon.

Everything here runs on the server's event loop but `_refresh`, which reads the store in a thread, one at a time: a
store that hangs holds up a single thread and never an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.audit.lifecycle import FirmEnd, firm_ends
from monitor.core.configuration import Configuration
from monitor.core.events import LogHead
from monitor.core.ports import MonitorError, Store
from monitor.gate.decision import Standing
from monitor.gate.state import standings

STEP = 1.0
"""Seconds after which an answer first asks whether the log has moved; so late a pause may be here."""

GLANCE = 0.25
"""Seconds that a reading may take before requests no longer wait for it, while the last one still stands in."""

PROMPT = 2.0
"""The same where nothing stands in. OFREP clients give up after five, and then use whatever default their
caller wrote.
"""

UNREAD = LogHead("", 0, 0)
"""Where the log stands before it was ever read."""

RENEWAL = 15.0
"""Seconds after which the registry is read in any case: good polls prolong freshness without an event."""

PATIENCE = 30.0
"""Seconds for which the last reading stands in for a store that cannot be read, as while a database server restarts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot:
    """The registry at one position of the log. With `trouble`, which says why, it is not known any more and nothing may
    be allowed. `ends` are the firm ends of the models of rows, by the keys of these.
    """

    standings: Mapping[str, Standing]
    head: LogHead
    configuration: Configuration
    trouble: str = ""
    ends: Mapping[str, FirmEnd] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """The last position of the log."""
        return self.head.position


def read_head(store: Store) -> int:
    """Return the last position of the log."""
    with store.read() as reader:
        return reader.head()


def read_view(store: Store, configuration: Configuration, now: datetime) -> RegistrySnapshot:
    """Return the registry as the store has it now."""
    with store.read() as reader:
        return RegistrySnapshot(
            standings=standings(reader, configuration, now),
            head=reader.log_head(),
            configuration=configuration,
            ends=firm_ends(reader, configuration, now),
        )


class RegistryCache:
    """The last view, read again when the log is at another `head`, or the configuration another one.

    `elapsed` is a clock for intervals: the time of day may be set back.
    """

    def __init__(
        self,
        read: Callable[[Configuration], RegistrySnapshot],
        head: Callable[[], int],
        configuration: Callable[[], Configuration],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._head = head
        self._configuration = configuration
        self._elapsed = elapsed
        self._view: RegistrySnapshot | None = None
        self._read_at = self._good_at = self._tried_at = float("-inf")
        self._trouble = ""
        self._reading: asyncio.Task[None] | None = None
        self._began_at = float("-inf")

    async def view(self) -> RegistrySnapshot:
        """Return the registry, at most `STEP` old while the store can be read; it never raises.

        A store that hangs costs the requests of its first moment a wait, and none after.
        """
        if self._elapsed() - self._tried_at >= STEP or self._stale_configuration():
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(asyncio.to_thread(self._refresh))
                self._began_at = self._elapsed()
            longest = GLANCE if self._stands_in() and not self._stale_configuration() else PROMPT
            await asyncio.wait({self._reading}, timeout=max(0.0, self._began_at + longest - self._elapsed()))
        view = self._view
        if view is not None and self._stands_in():
            return view
        trouble = self._trouble or "the database does not answer"
        if view is None:
            return RegistrySnapshot(standings={}, head=UNREAD, configuration=self._configuration(), trouble=trouble)
        return replace(view, trouble=trouble)

    def _stands_in(self) -> bool:
        return self._view is not None and self._elapsed() - self._good_at <= PATIENCE

    def _stale_configuration(self) -> bool:
        return self._view is not None and self._view.configuration is not self._configuration()

    def _refresh(self) -> None:
        begun = self._elapsed()
        try:
            old = self._stale_configuration() or begun - self._read_at >= RENEWAL
            if old or self._view is None or self._head() != self._view.position:
                self._view = self._read(self._configuration())
                self._read_at = begun
            self._good_at = begun
            self._trouble = ""
        except MonitorError as error:
            self._trouble = str(error)
        except Exception as error:
            # Whatever it is, the answer is no; its text may hold anything and is not repeated to callers.
            self._trouble = f"the database could not be read ({type(error).__name__})"
        finally:
            self._tried_at = self._elapsed()
