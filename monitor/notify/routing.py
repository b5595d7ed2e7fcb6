"""From a reference in the outbox to the URL that a channel sends to; the only place that sees both.

Nothing is kept: a secret that was mended or rotated counts at the next attempt, without a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from monitor.core.configuration import Owner
from monitor.core.ports import ConfigurationError
from monitor.notify.destinations import destinations, rules_of

__all__ = ["NotConfigured", "Resolve", "Resolver", "destinations"]

Resolve: TypeAlias = Callable[[str], str]
"""The URL behind a destination's reference.

Raises:
    NotConfigured: the owner or the place is not in the configuration.
    ConfigurationError: the secret that it refers to is not there.
"""

MASK = "***"
"""The end of a destination of which only the kind is known: the accepted configuration is kept without secrets."""

REFERENCES = ("env:", "file:", "credential:")
"""What a destination begins with that says where the URL is rather than being it."""


class NotConfigured(ConfigurationError):
    """A destination that the configuration no longer holds; trying again does not help."""


class Resolver:
    """Resolves references against the owners of the running configuration.

    `owners` is asked each time, since a reload replaces the configuration. `secret` turns `env:…`, `file:…` or
    `credential:…` into the secret and raises `ConfigurationError` where there is none.
    """

    def __init__(self, owners: Callable[[], Mapping[str, Owner]], secret: Callable[[str], str]) -> None:
        self._owners = owners
        self._secret = secret

    def __call__(self, destination: str) -> str:
        key, _, _ = destination.rpartition("#")
        owner = self._owners().get(key)
        known = {} if owner is None else dict(zip(destinations(owner), owner.destinations, strict=True))
        if destination not in known:
            raise NotConfigured(
                f"destination {destination} is not in the configuration; `access-monitor config show` lists them"
            )
        written = known[destination]
        if written.endswith(MASK):
            raise NotConfigured(
                f"destination {destination} stood in the configuration file itself, which does not hold it any more; "
                "put it back, or accept the new file with `access-monitor config accept`"
            )
        if not written.startswith(REFERENCES):
            return written.strip()
        url = self._secret(written).strip()
        if not url:
            raise ConfigurationError(
                f"destination {destination} refers to {written}, which is empty; put an Apprise URL there"
            )
        return url

    def signing(self, destination: str) -> str:
        """Return the secret with which messages to a destination are signed; empty where there is none.

        Raises:
            ConfigurationError: the secret that it refers to is not there.
        """
        written = rules_of(self._owners(), destination).secret
        return self._secret(written) if written else ""
