"""The tokens and sessions in memory, so that a request costs no query, and when each was last used.

A revocation counts within a second: what is older is read again before it is answered from. While the database cannot
be read, nothing can be revoked either, and what was read last goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.credentials import Credential, CredentialKind, digest_of_secret
from monitor.core.ports import Clock, MonitorError, Unavailable
from monitor.web.memory import PROMPT

FRESH = 0.5
"""Seconds for which what was read is relied on."""


@dataclass(frozen=True, slots=True)
class _Reading:
    by_digest: Mapping[str, Credential] = field(default_factory=dict)
    tokens: Mapping[str, Credential] = field(default_factory=dict)


class CredentialCache:
    """What was read last. Everything runs on the server's event loop but the reading itself, one at a time."""

    def __init__(
        self,
        read: Callable[[], Sequence[Credential]],
        clock: Clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._elapsed = elapsed
        self._known: _Reading | None = None
        self._tried_at = float("-inf")
        self._changes = 0
        self._reading: asyncio.Task[None] | None = None
        self._uses: dict[str, datetime] = {}

    async def find(self, secret: str, kind: CredentialKind) -> Credential | None:
        """Return the living token or session that a secret is; None where it is none.

        Raises:
            Unavailable: the database was never read and does not answer.
        """
        reading = await self._current()
        now = self._clock()
        credential = reading.by_digest.get(digest_of_secret(secret))
        if credential is None or credential.kind != kind or not credential.lives(now):
            return None
        if credential.token and await self.token(credential.token) is None:
            return None
        self._uses[credential.digest] = now
        return credential

    async def token(self, name: str) -> Credential | None:
        """Return the living token of a name.

        Raises:
            Unavailable: as `find`.
        """
        token = (await self._current()).tokens.get(name)
        return token if token is not None and token.lives(self._clock()) else None

    def forget(self) -> None:
        """Read again before the next answer: somebody has just signed in or out."""
        self._changes += 1
        self._tried_at = float("-inf")

    def take_uses(self) -> dict[str, datetime]:
        """Return when credentials were used since this was last asked."""
        uses, self._uses = self._uses, {}
        return uses

    async def _current(self) -> _Reading:
        for _ in range(2):  # a reading that was under way when somebody signed in does not know of it
            if self._elapsed() - self._tried_at < FRESH:
                break
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(asyncio.to_thread(self._refresh))
            await asyncio.wait({self._reading}, timeout=PROMPT)
        if self._known is None:
            raise Unavailable("The database does not answer, so that nobody can be told apart: try again.")
        return self._known

    def _refresh(self) -> None:
        begun, changes = self._elapsed(), self._changes
        try:
            rows = self._read()
            tokens = (row for row in rows if row.kind == CredentialKind.TOKEN and row.ended_at is None)
            self._known = _Reading({row.digest: row for row in rows}, {row.name: row for row in tokens})
        except MonitorError:
            pass  # what was read last goes on
        finally:
            if changes == self._changes:
                self._tried_at = begun
