"""Making the projection of the registry anew. The log is what is true; the rows beside it are only quicker to read."""

from __future__ import annotations

from typing import NamedTuple

from monitor.core.ports import Store
from monitor.registry import transitions


class Rebuilt(NamedTuple):
    """How many entries there are, and the keys of those whose row said something else than the log."""

    entries: int
    differed: tuple[str, ...]


def rebuild(store: Store) -> Rebuilt:
    """Replay the log into the registry, in one transaction."""
    with store.write() as tx:
        before = tx.entries()
        after = transitions.replay(recorded.event for recorded in tx.events())
        tx.drop_entries()
        for entry in after.values():
            tx.put_entry(entry)
    keys = {**before, **after}
    return Rebuilt(len(after), tuple(sorted(key for key in keys if before.get(key) != after.get(key))))
