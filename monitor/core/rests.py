"""Rests: a provider said how long to wait before it is asked again, and nothing is sent before."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from monitor.core.facts import FailureReason, PollFailure
from monitor.core.ports import Store
from monitor.core.records import time_of, time_text


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when a source rests, and the failure that said so."""

    until: datetime
    failure: PollFailure

    def lasts(self, now: datetime) -> bool:
        """Return whether nothing may be sent yet; a clock that was set back prolongs no rest."""
        return self.failure.at <= now < self.until

    def at(self, now: datetime) -> PollFailure:
        """Return what a poll comes to that sends nothing."""
        return replace(self.failure, at=now, retry_after=(self.until - now).total_seconds(), body=None, measured=())


class Rests(Protocol):
    """Where rests are kept, one for each source."""

    def last(self, source: str) -> Rest | None: ...

    def keep(self, source: str, rest: Rest | None) -> None: ...


class MemoryRests:
    """Rests of one process."""

    def __init__(self) -> None:
        self._rests: dict[str, Rest] = {}

    def last(self, source: str) -> Rest | None:
        """Return the last rest of a source."""
        return self._rests.get(source)

    def keep(self, source: str, rest: Rest | None) -> None:
        """Keep the rest of a source; None ends it."""
        self._rests.pop(source, None)
        if rest is not None:
            self._rests[source] = rest


class StoredRests:
    """Rests that every process on a store keeps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, source: str) -> Rest | None:
        """Return the last rest of a source."""
        with self._store.read() as reader:
            content = reader.working_state(_name(source))
        if not content:
            return None
        row = json.loads(content)
        failure = PollFailure(
            source=source,
            at=time_of(row["at"]),
            reason=FailureReason(row["reason"]),
            detail=row["detail"],
            refusal=row["refusal"],
        )
        return Rest(time_of(row["until"]), failure)

    def keep(self, source: str, rest: Rest | None) -> None:
        """Keep the rest of a source; None ends it."""
        if rest is None:
            with self._store.write() as tx:
                tx.put_working_state(_name(source), "")
            return
        failure = rest.failure
        row = {
            "until": time_text(rest.until),
            "at": time_text(failure.at),
            "reason": failure.reason.value,
            "detail": failure.detail,
            "refusal": failure.refusal,
        }
        with self._store.write() as tx:
            tx.put_working_state(_name(source), json.dumps(row), failure.at)


def _name(source: str) -> str:
    return f"rest {source}"
