"""Who may ask: bearer tokens, compared in constant time. Resolving their references is the business of the composition
root.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers


class Tokens:
    """The tokens that are let in; without any, everybody is, and then the server listens on loopback alone.

    Only digests are kept: they are all of one length, so that a comparison tells nothing of a token's, and none can be
    printed.
    """

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._digests = [_digest(token.encode()) for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admit(self, headers: Headers) -> bool:
        """Return whether `Authorization: Bearer …` or `X-API-Key: …` carries one of the tokens."""
        if not self._digests:
            return True
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        named = [headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else ""]
        digests = [
            _digest(token.strip().encode("latin-1")) for token in named
        ]  # as they came: headers are read as Latin-1
        equal = [hmac.compare_digest(digest, other) for digest in digests for other in self._digests]
        return True in equal  # every pair was compared, whichever is equal


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
