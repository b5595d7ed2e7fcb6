"""The projection of the registry against the log: comparing it, and making it anew. The log is what is true; the rows
beside it are only quicker to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from monitor.audit.translog.verification import Verification, verify
from monitor.core.ports import MonitorError, Reader, Refused, Store
from monitor.registry import transitions


class Rebuilt(NamedTuple):
    """How many entries there are, and the keys of those whose row said something else than the log."""

    entries: int
    differed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """What is wrong with a database: with its log, and the keys of entries whose row is not what the log says."""

    verification: Verification
    entries: int
    differing: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing is wrong."""
        return self.verification.fits and not self.differing


def check(reader: Reader) -> DatabaseCheck:
    """Compare log, tree, evidence and projection; change nothing."""
    verification = verify(reader)
    try:
        before, after = reader.entries(), transitions.replay(recorded.event for recorded in reader.events())
    except MonitorError:
        if verification.fits:
            raise
        before, after = {}, {}  # a row that cannot be read; which one is said
    differing = tuple(sorted(key for key in {**before, **after} if before.get(key) != after.get(key)))
    return DatabaseCheck(verification, len(after), differing)


def rebuild(store: Store) -> Rebuilt:
    """Replay the log into the registry, in one transaction.

    Raises:
        Refused: the log does not verify, so what it says is not taken over.
    """
    with store.write() as tx:
        verification = verify(tx)
        if not verification.fits:
            first = verification.misfits[0]
            raise Refused(
                f"The registry is not made from a log that does not verify, {first.sentence}: restore a copy made with "
                "`access-monitor db backup` that does."
            )
        before = tx.entries()
        after = transitions.replay(recorded.event for recorded in tx.events())
        tx.drop_entries()
        for entry in after.values():
            tx.put_entry(entry)
    keys = {**before, **after}
    return Rebuilt(len(after), tuple(sorted(key for key in keys if before.get(key) != after.get(key))))
