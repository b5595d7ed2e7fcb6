"""The tokens of the configuration, compared in constant time; their references are resolved by the composition root."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers


class Tokens:
    """The tokens that the configuration names, which may read and ask the gate. Without any, programs of this machine
    may, and then the server listens on loopback alone.

    Only digests are kept: they are all of one length, so that a comparison tells nothing of a token's, and none can be
    printed.
    """

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._digests = [_digest(token.encode()) for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def hold(self, headers: Headers) -> bool:
        """Return whether `Authorization: Bearer …` or `X-API-Key: …` carries one of the tokens."""
        return True in [self.holds(secret.encode("latin-1")) for secret in secrets_in(headers)]

    def holds(self, secret: bytes) -> bool:
        """Return whether this is one of the tokens; all of them are compared, whichever is equal."""
        digest = _digest(secret)
        return True in [hmac.compare_digest(digest, other) for other in self._digests]


def secrets_in(headers: Headers) -> list[str]:
    """Return what a request carries as tokens, as it came: headers are read as Latin-1."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    values = [headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else ""]
    return [secret.strip() for secret in values if secret.strip()]


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
