"""A lease that a long-lived program keeps: read anew when its file or its server has another one, and relied on until
it ends.

What cannot be read or trusted leaves the last good document in its place, which denies by itself when its lease is
over. Nothing here is asked over the network while somebody waits: a file is looked at once a second, a server by a
thread in the background. Like `ask`, this imports nothing of the rest of the monitor, since it runs inside other
people's programs.

Time is the later of the clock and of what has passed since the document was taken: a clock that is set back prolongs no
lease.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Protocol, TypeAlias

from monitor.gate.client.lease import LARGEST, NOT_KNOWN, ClockBehind, Lease, LeaseError, content, parse, place
from monitor.gate.client.signature import HEADER, SUFFIX
from monitor.gate.client.verdict import PRODUCTION

Clock: TypeAlias = Callable[[], datetime]
Check: TypeAlias = Callable[[bytes, str], bool]

EVERY = 5.0
"""Seconds between two questions to a server; what has not changed is 304 and costs nothing."""

PATIENCE = 5.0
"""Seconds that one question may take."""

_UNREAD = "No lease has been read yet."

_log = logging.getLogger("monitor.gate")


_keepers: weakref.WeakSet[FileLeaseCache | UrlLeaseCache] = weakref.WeakSet()


class LeaseCache(Protocol):
    """Keeps the lease of one environment."""

    def refresh(self) -> None:
        """See whether there is another document; never over the network, and it never raises."""

    def lease(self) -> Lease:
        """Return the lease as it stands now.

        Raises:
            Stop: there is none, or its dates cannot be trusted.
        """

    def close(self) -> None:
        """Poll no more; what is kept goes on until its lease ends."""


class CachedLease:
    """The last good document, and why there is no newer one."""

    def __init__(self, environment: str, now: Clock, elapsed: Callable[[], float]) -> None:
        self._environment = environment
        self._now = now
        self._elapsed = elapsed
        self._held: tuple[str, object, datetime, float] | None = None
        self._trouble = _UNREAD

    def take(self, path: str, document: object, *, forward: bool = False) -> None:
        """Keep this document from now on; going only `forward`, one that was written before the last one is refused
        while that one holds.

        Raises:
            Stop: it is no lease file of this environment, or an older one.
        """
        now, elapsed = self._now(), self._elapsed()
        latest = self._written_at if forward else None
        try:
            written_at = Lease(path, document, self._environment, now).written_at
        except ClockBehind as behind:
            # It may hold a pause that the last one does not; so it is taken, and denies everything until the clock is
            # right.
            self.complain(behind)
        else:
            if latest is not None and written_at < latest:
                raise LeaseError(
                    NOT_KNOWN, f"{path} gave a lease that is older than the last one, so it is not relied on."
                )
            self.settle()
        self._held = path, document, now, elapsed

    def complain(self, trouble: LeaseError) -> None:
        """Remember, and say once, why there is no newer document."""
        if str(trouble) != self._trouble:
            _log.warning("The lease of %s is not renewed: %s", self._environment, trouble)
        self._trouble = str(trouble)

    def settle(self) -> None:
        """Whatever the trouble was, it is over: said again if it comes again."""
        self._trouble = _UNREAD

    def lease(self) -> Lease:
        """Return the document as it stands now.

        Raises:
            Stop: there is none, or its dates cannot be trusted.
        """
        cached = self._held
        if cached is None:
            # Made anew: one that is raised again and again would keep the frames of all who ever asked.
            raise LeaseError(NOT_KNOWN, self._trouble)
        path, document, taken_at, taken = cached
        now = self._now()
        lease = Lease(path, document, self._environment, now)
        lease.now = max(now, taken_at + timedelta(seconds=self._elapsed() - taken))
        return lease

    @property
    def _written_at(self) -> datetime | None:
        """When the document was written that is relied on now; None where there is none, or its lease is over."""
        try:
            lease = self.lease()
        except LeaseError:
            return None
        return lease.written_at if lease.now < lease.lease_until else None


class FileLeaseCache:
    """Reads a lease file, or the one of its environment in a folder, whenever it is another one than it was.

    With `check`, a file counts only together with its signature beside it.
    """

    def __init__(
        self,
        path: str,
        environment: str,
        check: Check | None,
        now: Clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = path
        self._environment = environment
        self._check = check
        self._kept = CachedLease(environment, now, elapsed)
        self._seen: object = None
        self._reading = threading.Lock()
        _keepers.add(self)
        self.refresh()

    def resume(self) -> None:
        """Begin again in a process that was forked off, perhaps while another thread was polling."""
        self._reading = threading.Lock()

    def refresh(self) -> None:
        """Read the file if it is another one; who comes while another thread does goes on with what there is."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            path = place(self._place, self._environment) if os.path.isdir(self._place) else self._place
            state = path, _identity(path), _identity(path + SUFFIX) if self._check else None
            if state == self._seen:
                return
            self._seen = None  # what cannot be read is tried again at the next poll, though nothing about it changes
            document = content(path)
            signed = self._check is None or self._check(document, content(path + SUFFIX).decode("latin-1"))
            self._seen = state  # what can be read and is wrong is not read again
            if not signed:
                raise LeaseError(NOT_KNOWN, f"The signature of {path} is not by the given key, so it is not relied on.")
            self._kept.take(path, parse(path, document))
        except LeaseError as stop:
            self._kept.complain(stop)
        finally:
            self._reading.release()

    def lease(self) -> Lease:
        """Return the lease as it stands now.

        Raises:
            Stop: no file was ever read, or its dates cannot be trusted.
        """
        return self._kept.lease()

    def close(self) -> None:
        """Do nothing: nothing is held open."""


def _identity(path: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


class UrlLeaseCache:
    """Asks a monitor's server, at this root, for the lease again and again, in a thread of its own.

    The thread ends with `close`, and with the last reference to this object. `token` is read anew for each question.
    """

    def __init__(
        self,
        root: str,
        environment: str,
        token: Callable[[], str],
        check: Check | None,
        now: Clock,
        *,
        every: float = EVERY,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        # An environment that nobody configured has no lease of its own, and is judged by production's.
        self._urls = [f"{root}/v1/lease/{name}.json" for name in dict.fromkeys((environment, PRODUCTION))]
        self._url = self._urls[0]
        self._environment = environment
        self._token = token
        self._check = check
        self._every = every
        self._kept = CachedLease(environment, now, elapsed)
        self._etag = ""
        self._begin()
        weakref.finalize(self, self._stopped.set)
        _keepers.add(self)
        # So that the first call after the start finds an answer; a server that does not answer delays the start by no
        # more than this.
        self._asked.wait(PATIENCE)

    def _begin(self) -> None:
        self._stopped, self._asked = threading.Event(), threading.Event()
        arguments = (weakref.ref(self), self._stopped, self._asked, self._every)
        threading.Thread(target=_refresh, args=arguments, name="lease", daemon=True).start()

    def resume(self) -> None:
        """Begin again in a process that was forked off: threads are not inherited."""
        if not self._stopped.is_set():
            self._begin()
            weakref.finalize(self, self._stopped.set)

    def refresh(self) -> None:
        """Do nothing: the thread polls."""

    def ask(self) -> bool:
        """Ask the server once; returns whether it answered. Called by the thread."""
        try:
            self._ask()
            return True
        except LeaseError as stop:
            self._kept.complain(stop)
        except (OSError, HTTPException, ValueError) as error:
            # The type alone: the text may repeat a header, and one of them is the token.
            self._kept.complain(LeaseError(NOT_KNOWN, f"{self._url} did not give a lease ({type(error).__name__})."))
        return False

    def _ask(self) -> None:
        for url in self._urls:
            if url != self._url:
                self._url, self._etag = url, ""
            if self._fetched():
                return
        raise LeaseError(NOT_KNOWN, f"{self._url} answered 404 instead of a lease.")

    def _fetched(self) -> bool:
        """Take what the server gives; False where it has no such lease."""
        from urllib.error import HTTPError
        from urllib.request import Request, build_opener

        headers = {"Accept": "application/json"}
        if token := self._token():
            headers["Authorization"] = f"Bearer {token}"
        if self._etag:
            headers["If-None-Match"] = self._etag
        try:
            with build_opener(_no_redirect()).open(Request(self._url, headers=headers), timeout=PATIENCE) as response:
                data: bytes = response.read(LARGEST + 1)
                etag, signature = response.headers.get("ETag", ""), response.headers.get(HEADER, "")
        except HTTPError as error:
            with error:
                if error.code == 404:
                    return False
                if error.code != 304:
                    raise LeaseError(NOT_KNOWN, f"{self._url} answered {error.code} instead of a lease.") from None
            self._kept.settle()
            return True
        if len(data) > LARGEST:
            raise LeaseError(NOT_KNOWN, f"{self._url} gave more than {LARGEST} bytes.")
        if self._check is not None and not self._check(data, signature):
            raise LeaseError(
                NOT_KNOWN, f"The lease of {self._url} is not signed by the given key, so it is not relied on."
            )
        # Whoever can put an old answer in the place of a new one would undo a pause.
        self._kept.take(self._url, parse(self._url, data), forward=True)
        self._etag = etag
        return True

    def lease(self) -> Lease:
        """Return the lease as it stands now.

        Raises:
            Stop: the server never gave one, or its dates cannot be trusted.
        """
        return self._kept.lease()

    def close(self) -> None:
        """End the thread."""
        self._stopped.set()


def _refresh(
    reference: weakref.ref[UrlLeaseCache], stopped: threading.Event, asked: threading.Event, every: float
) -> None:
    """Ask until told to stop. The keeper is held while it is asked and not in between, so that it can be collected."""
    wait = every
    while True:
        keeper = reference()
        if keeper is None or stopped.is_set():
            return
        # Further apart while nobody answers, and never all readers in one moment.
        wait = every if keeper.ask() else min(2 * wait, 12 * every)
        del keeper
        asked.set()
        if stopped.wait(wait * random.uniform(0.8, 1.2)):
            return


def _no_redirect() -> type:
    from urllib.request import HTTPRedirectHandler

    class NoRedirect(HTTPRedirectHandler):
        """Follows nothing: the token belongs to one host."""

        def redirect_request(self, *_: object) -> None:
            return None

    return NoRedirect


def _forked() -> None:
    for keeper in list(_keepers):
        keeper.resume()


os.register_at_fork(after_in_child=_forked)
