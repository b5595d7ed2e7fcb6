"""Which configuration and which version of the program decided an event. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.core import events as ev
from monitor.core.accepted_configuration import digest
from monitor.core.events import Recorded
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.registry.timekeeping import last_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What decided an event.

    Attributes:
        event: The event.
        code: The version of the program, and `extractor` that of the reading, where it is of a source.
        stated: Whether the event itself names both versions; else they are those that were recorded last before it.
        configuration: The version of the configuration, and `sha256` the digest of what it resolved to; empty where
            none was recorded.
        loaded_at: When it was loaded, by the event `loaded`; `changed` are the paths of the keys that it changed.
        accepted: The event by which a person accepted it, where it took something from production.
        document: All of it without secrets.
    """

    event: Recorded
    code: str
    configuration: str
    extractor: str
    stated: bool
    sha256: str
    loaded: int | None
    loaded_at: datetime | None
    changed: tuple[str, ...]
    accepted: Recorded | None
    document: Mapping[str, Any]


def provenance(reader: Reader, position: int) -> Provenance:
    """Return what decided the event at a position.

    Raises:
        Refused: there is no such event.
    """
    recorded = reader.event(position)
    if recorded is None:
        raise Refused(f"there is no event {position}; the last one is {reader.head()}")
    data = recorded.event.data
    versions = data.get("versions") or {}
    loaded = _loaded(reader, position, str(versions.get("configuration", "")))
    accepted = None if loaded is None or loaded.event.cause is None else reader.event(loaded.event.cause)
    document = {} if loaded is None else loaded.event.data.get("document") or {}
    return Provenance(
        event=recorded,
        code=str(versions.get("code") or last_code(reader, position)),
        configuration=str(
            versions.get("configuration") or ("" if loaded is None else loaded.event.data.get("version", ""))
        ),
        extractor=str(versions.get("extractor") or data.get("extractor", "")),
        stated=bool(versions.get("code") and versions.get("configuration")),
        sha256=digest(document) if document else "",
        loaded=None if loaded is None else loaded.event.position,
        loaded_at=None if loaded is None else loaded.event.occurred_at,
        changed=() if loaded is None else tuple(loaded.event.data.get("changed", ())),
        accepted=accepted if accepted is not None and accepted.event.type == ev.CONFIG_ACCEPTED else None,
        document=document,
    )


def _loaded(reader: Reader, position: int, version: str) -> Recorded | None:
    """Return the event that loaded the configuration, of this version where it is known."""
    query = EventQuery(type=ev.CONFIG_CHANGED, before=position + 1, newest_first=True)
    for recorded in reader.events(query):
        if version in ("", recorded.event.data["version"]):
            return recorded
    return None
