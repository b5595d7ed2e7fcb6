"""Lease files over HTTP, for hosts that do not share the folder: the same documents, with an ETag and, where there is a
key, a signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from monitor.core.configuration import Configuration
from monitor.core.events import LogHead
from monitor.gate.lease_file import LEASE_RENEWAL, lease_bytes, lease_documents
from monitor.web.memory import RegistrySnapshot
from monitor.web.ofrep import tag


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseDocument:
    """A document as it is sent; `signature` is empty where nobody signs."""

    content: bytes
    etag: str
    signature: str = ""


class Leases:
    """The documents of all environments, made anew when the log has moved and at the latest when the daemon renews its
    files.

    A document holds the end of its own lease, so while the registry cannot be read the last one is still a true answer:
    it denies by itself.
    """

    def __init__(self, sign: Callable[[bytes], str] | None = None) -> None:
        self._sign = sign
        self._made: dict[str, LeaseDocument] = {}
        self._head: LogHead | None = None
        self._configuration: Configuration | None = None
        self._made_at: datetime | None = None

    def of(self, environment: str, view: RegistrySnapshot, now: datetime) -> LeaseDocument | None:
        """Return the document of an environment; None where there is none, or none is known yet."""
        if not view.trouble and self._due(view, now):
            documents = lease_documents(view.standings, view.configuration.gate, now, view.head)
            contents = {key: lease_bytes(document) for key, document in documents.items()}
            self._made = {
                key: LeaseDocument(
                    content=content, etag=tag(content), signature="" if self._sign is None else self._sign(content)
                )
                for key, content in contents.items()
            }
            self._head, self._configuration, self._made_at = view.head, view.configuration, now
        return self._made.get(environment)

    def _due(self, view: RegistrySnapshot, now: datetime) -> bool:
        if view.head != self._head or view.configuration is not self._configuration or self._made_at is None:
            return True
        # From both sides: after the clock was set back the document would come from the future.
        return not self._made_at <= now < self._made_at + min(view.configuration.gate.lease / 2, LEASE_RENEWAL)
