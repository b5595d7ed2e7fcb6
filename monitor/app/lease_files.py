"""The lease files: written as the registry stands, after each commit that moves an answer and at half of the lease."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from monitor.app.health import Health
from monitor.core import logs
from monitor.core.configuration import Configuration
from monitor.core.events import LogHead
from monitor.core.ports import PUBLISHING, Clock, MonitorError, Store
from monitor.gate.client.lease import Lease, LeaseError, place, read
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.lease_file import lease_answers, lease_bytes, lease_documents, write_lease
from monitor.gate.state import standings


class LeaseFiles:
    """One file an environment in `folder`, readable as `mode` says. What goes wrong is a trouble of `health`."""

    def __init__(
        self, store: Store, configuration: Configuration, clock: Clock, health: Health, *, folder: Path, mode: int
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock
        self._health = health
        self._folder = folder
        self._mode = mode

    def publish(self) -> None:
        """Write the lease files as the registry stands.

        A file that is ahead of the log because another process has just committed is left alone: its events are in the
        log by now. One that is ahead of everything in the log speaks of what the log has forgotten, since a backup was
        restored: the log begins a new epoch, whose files replace it.

        Raises:
            MonitorError: the store cannot be read, or the folder not be written.
        """
        try:
            ahead = self._write()
            while ahead:
                with self._store.read() as reader:
                    if max(ahead.values()) <= reader.log_head():
                        break
                self._begin_epoch(ahead)
                ahead = self._write()
        except MonitorError as error:
            self._health.failing(PUBLISHING, str(error), self._clock())
            raise
        self._health.works(PUBLISHING)

    def _write(self) -> Mapping[str, LogHead]:
        """Write the lease files; returns where those stand that are ahead of the log as it was read."""
        rules = self._configuration.gate
        with self._store.read() as reader:
            now = self._clock()
            standing, head = standings(reader, self._configuration, now), reader.log_head()
        documents = lease_documents(standing, rules, now, head)
        ahead = write_lease(self._folder, documents, head, self._mode)
        written = {key: lease_bytes(document) for key, document in documents.items() if key not in ahead}
        self._keep(written, now)
        return ahead

    def _keep(self, written: Mapping[str, bytes], now: datetime) -> None:
        """Keep the lease documents that answer something new, so that what production was told can be shown.

        What cannot be kept now is kept at the next renewal: the files are written, and that matters more.
        """
        try:
            with self._store.read() as reader:
                before = {environment: reader.tree.last_lease(environment) for environment in written}
            new = {
                environment: document
                for environment, document in written.items()
                if (last := before[environment]) is None or lease_answers(last.content) != lease_answers(document)
            }
            if new:
                with self._store.write() as tx:
                    for environment, document in new.items():
                        tx.keep_lease(environment, document, now)
        except MonitorError as error:
            logs.line("the lease documents are not kept", level=logging.WARNING, error=error)

    def _begin_epoch(self, ahead: Mapping[str, LogHead]) -> None:
        """Make our files outrank those that the log has no events for."""
        with self._store.write() as tx:
            tx.advance_epoch(max(ahead.values()).epoch)
        files = ", ".join(str(self._folder / f"{environment}.json") for environment in ahead)
        logs.line(
            "the log was set back, as by a restored backup: lease files written later than it are replaced",
            level=logging.WARNING,
            files=files,
        )

    def still_allowed(self, entry: str) -> datetime | None:
        """Return until when production's lease file allows an entry that is denied, since the files cannot be written;
        None where they are as the gate.

        A message may overtake the lease files of its own commit, so they are written first where they still allow.
        """
        if self._health.trouble(PUBLISHING) is None:
            if self._leased(entry) is None:
                return None
            try:
                self.publish()
            except MonitorError:
                pass  # it is a trouble now, and the file says until when it allows
            else:
                return None
        return self._leased(entry)

    def _leased(self, entry: str) -> datetime | None:
        """Return until when production's lease file allows an entry; None where it does not, or where no reader could
        rely on it.
        """
        try:
            path = place(str(self._folder), PRODUCTION)
            answer = Lease(path, read(path), PRODUCTION, self._clock()).answer(entry, "")
        except LeaseError:
            return None
        return datetime.fromisoformat(str(answer["expires_at"])) if answer["allowed"] else None
