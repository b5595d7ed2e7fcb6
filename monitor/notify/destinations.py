"""How a destination is written in the outbox: a reference by owner and place, never the URL itself."""

from __future__ import annotations

from monitor.core.configuration import Owner


def destinations(owner: Owner) -> tuple[str, ...]:
    """Return the references to all destinations of an owner, in order: `platform#1`, `platform#2`."""
    return tuple(f"{owner.key}#{place}" for place in range(1, len(owner.destinations) + 1))
