"""What lets people and programs in over HTTP: tokens, links by which a person signs in once, and sessions.

Each is a secret of which the database keeps the digest alone. A digest without salt is enough: the secrets are random
and long, so that none can be guessed from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class AccessScope(StrEnum):
    """What somebody may do over HTTP."""

    GATE = "gate"
    """Ask the gate, and fetch lease files."""
    READ = "read"
    """Read the pages, the API and the metrics."""
    OPERATE = "operate"
    """Act on entries and changes."""
    ADMIN = "admin"
    """Accept configurations."""


_INCLUDED: Mapping[AccessScope, frozenset[AccessScope]] = MappingProxyType(
    {
        AccessScope.GATE: frozenset(),
        AccessScope.READ: frozenset(),
        AccessScope.OPERATE: frozenset({AccessScope.READ}),
        AccessScope.ADMIN: frozenset(AccessScope),
    }
)


def granted(scopes: Iterable[AccessScope]) -> frozenset[AccessScope]:
    """Return these scopes and those that they include: who acts may read, and `admin` may everything."""
    named_scopes = frozenset(scopes)
    return named_scopes.union(*(_INCLUDED[scope] for scope in named_scopes))


class CredentialKind(StrEnum):
    """What a credential is."""

    TOKEN = "token"
    LINK = "link"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret that was given out, by its digest.

    Attributes:
        digest: SHA-256 of the secret, in hexadecimal.
        kind: A `CredentialKind`.
        name: Of a token its name, which is that of the person in events; of a link or a session the person's.
        token: The name of the token that a link or session comes from; empty where it comes from none.
        identity: The account behind it, by which two approvers are told apart.
        sign_in: How the person of a session signed in: `token`, `link` or `oidc`.
        scopes: Of a token the scopes that it was given, with spaces between.
        names: Of a session without a token what `web.scopes` may name: an e-mail address, groups; one a line.
        created_at: When it was made.
        until: When it ends by itself; None where it does not.
        used_at: When it was last used, to the minute; None where it never was.
        ended_at: When a token was revoked.
    """

    digest: str
    kind: str
    name: str
    token: str = ""
    identity: str = ""
    sign_in: str = ""
    scopes: str = ""
    names: str = ""
    created_at: datetime
    until: datetime | None = None
    used_at: datetime | None = None
    ended_at: datetime | None = None

    def lives(self, now: datetime) -> bool:
        """Return whether it may be used at a time."""
        return self.ended_at is None and (self.until is None or now < self.until)

    @property
    def granted(self) -> frozenset[AccessScope]:
        """What a token may, with what that includes."""
        return granted(scope for scope in AccessScope if scope in self.scopes.split())


def digest_of_secret(secret: str) -> str:
    """Return the digest by which a secret is kept."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def token_identity(name: str) -> str:
    """Return the account that a token is."""
    return f"token:{name}"
