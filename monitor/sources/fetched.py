"""A source whose answer is one document: fetched, and read whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime

from monitor.core.configuration import SourceSpec
from monitor.core.facts import Body, FailureReason, Known, Observation, PollFailure, Snapshot
from monitor.sources.extraction import Unreadable
from monitor.sources.http import HttpClient, settled
from monitor.sources.json_text import NotJson
from monitor.sources.redaction import one_line


class FetchedSource(ABC):
    """One document at the address of the source; `headers` go with each request."""

    extractor: str
    headers: Mapping[str, str] | None = None

    def __init__(self, spec: SourceSpec, http: HttpClient) -> None:
        self.spec = spec
        self._http = http

    @abstractmethod
    def read(self, body: Body, at: datetime) -> Snapshot:
        """Return what a document says, as of `at`.

        Raises:
            Unreadable: nothing of it may be read.
        """

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Poll once."""
        got = self._http.fetch(self.spec.url, now=now, known=known, headers=self.headers)
        outcome = settled(self.spec.key, got, now=now, known=known)
        return self.extract(outcome, now) if isinstance(outcome, Body) else outcome

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored document anew, as of `at`."""
        try:
            return self.read(body, at)
        except Unreadable as error:
            reason = self.reason_of(error)
            return PollFailure(source=self.spec.key, at=at, reason=reason, detail=one_line(error.reason), body=body)

    def reason_of(self, error: Unreadable) -> FailureReason:
        """Return why the poll failed, of a document that is JSON."""
        return FailureReason.NOT_JSON if isinstance(error, NotJson) else FailureReason.INVALID_SHAPE
