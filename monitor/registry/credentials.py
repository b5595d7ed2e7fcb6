"""Giving out tokens, links and sessions of the HTTP server, and ending them. What is done to tokens stands in the log,
with who did it; secrets are returned once and kept nowhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitor.core import events as ev
from monitor.core.credentials import AccessScope, Credential, CredentialKind, digest_of_secret, token_identity
from monitor.core.names import no_such
from monitor.core.ports import Clock, Reader, Refused, Store, Transaction
from monitor.registry.unit_of_work import Begin

LINK_LASTS = timedelta(minutes=10)
SESSION_LASTS = timedelta(hours=12)
NAME_LENGTH = 80
"""Characters of a token's name, which is a person's in events."""

_SECRET_BYTES = 32
_PREFIXES = {CredentialKind.TOKEN: "amt_", CredentialKind.LINK: "aml_", CredentialKind.SESSION: "ams_"}
"""What secrets begin with, so that they are recognised, and redacted, wherever somebody pastes them."""


class NotSignedIn(Refused):
    """What was shown to sign in is not known, was used, or has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredential:
    """A new credential and its secret, which is shown once."""

    credential: Credential
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPerson:
    """A person whom an identity provider vouches for: the name that events bear, the account, and the names by which
    `web.scopes` may mean the person.
    """

    name: str
    identity: str
    names: tuple[str, ...]


class Credentials:
    """The acts. `begin` opens the unit of work of those that the log keeps."""

    def __init__(self, store: Store, clock: Clock, begin: Begin) -> None:
        self._store = store
        self._clock = clock
        self._begin = begin

    def tokens(self) -> tuple[Credential, ...]:
        """List all tokens, the revoked ones as well, oldest first."""
        with self._store.read() as reader:
            return tuple(row for row in reader.credentials() if row.kind == CredentialKind.TOKEN)

    def add(
        self,
        name: str,
        scopes: Iterable[AccessScope],
        *,
        until: datetime | None,
        by: str,
        via: Mapping[str, str],
    ) -> IssuedCredential:
        """Make a token.

        Raises:
            Refused: the name is taken by a living token or is no name, no scope is given, or `until` has passed.
        """
        scopes = [scope for scope in AccessScope if scope in set(scopes)]
        if not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH:
            raise Refused(f"the name of a token is one line of at most {NAME_LENGTH} characters")
        if not scopes:
            raise Refused(f"a token without a scope may nothing: give --scope, of {', '.join(AccessScope)}")
        with self._begin() as unit:
            now = unit.now
            if until is not None and until <= now:
                raise Refused(f"{ev.rfc3339(until)} has passed; give a time to come with --until")
            if _living(unit.tx, name, now) is not None:
                raise Refused(
                    f"there is a token {name!r}: revoke it with `access-monitor token revoke`, or name another"
                )
            issued = _issued(CredentialKind.TOKEN, name, now, until, scopes=" ".join(scopes))
            unit.tx.revoke_token(name, now)  # one whose time is over gives its name back
            unit.tx.put_credential(issued.credential)
            data = {"scopes": [*scopes], "until": _text(until), "by": by, "via": dict(via)}
            unit.register.add(ev.TOKEN_CREATED, ev.token_stream(name), name, at=now, actor=by, data=data)
        return issued

    def revoke(self, name: str, *, by: str, via: Mapping[str, str]) -> Credential:
        """End a token, its links and its sessions.

        Raises:
            Refused: no living token has this name.
        """
        with self._begin() as unit:
            token = _found(unit.tx, name, unit.now)
            unit.tx.revoke_token(name, unit.now)
            data = {"by": by, "via": dict(via)}
            unit.register.add(ev.TOKEN_REVOKED, ev.token_stream(name), name, at=unit.now, actor=by, data=data)
        return token

    def link(self, name: str, *, by: str, via: Mapping[str, str]) -> IssuedCredential:
        """Make a link by which the person of a token signs in once.

        Raises:
            Refused: no living token has this name.
        """
        with self._begin() as unit:
            token, now = _found(unit.tx, name, unit.now), unit.now
            until = min(filter(None, (now + LINK_LASTS, token.until)))
            issued = _issued(CredentialKind.LINK, name, now, until, token=name)
            unit.tx.drop_ended_credentials(now)
            unit.tx.put_credential(issued.credential)
            data = {"until": _text(until), "by": by, "via": dict(via)}
            unit.register.add(ev.TOKEN_LINKED, ev.token_stream(name), name, at=now, actor=by, data=data)
        return issued

    def sign_in_by_link(self, secret: str, lasts: timedelta = SESSION_LASTS) -> IssuedCredential:
        """Begin a session by a link, which is used up.

        Raises:
            NotSignedIn: the link is not known, was used, or has ended.
        """
        digest = digest_of_secret(secret)
        with self._store.write() as tx:
            now = self._clock()
            link = _of_kind(tx, CredentialKind.LINK, digest, now)
            if link is None or not tx.drop_credential(digest):
                raise NotSignedIn(
                    "this link is not known: it was used, or it is older than "
                    f"{LINK_LASTS.seconds // 60} minutes; `access-monitor token link NAME` makes another"
                )
            return _session_of_token(tx, link.token, "link", now, lasts)

    def sign_in_by_token(self, secret: str, lasts: timedelta = SESSION_LASTS) -> IssuedCredential:
        """Begin a session by a token.

        Raises:
            NotSignedIn: the token is not known, was revoked, or has ended.
        """
        with self._store.write() as tx:
            now = self._clock()
            token = _of_kind(tx, CredentialKind.TOKEN, digest_of_secret(secret), now)
            if token is None:
                raise NotSignedIn("this token is not known, was revoked, or has ended")
            return _session_of_token(tx, token.name, "token", now, lasts)

    def sign_in(self, person: SignedPerson, lasts: timedelta = SESSION_LASTS) -> IssuedCredential:
        """Begin a session of a person whom an identity provider vouches for."""
        with self._store.write() as tx:
            now = self._clock()
            issued = _issued(
                CredentialKind.SESSION,
                person.name,
                now,
                now + lasts,
                identity=person.identity,
                sign_in="oidc",
                names="\n".join(person.names),
            )
            return _kept(tx, issued, now)

    def sign_out(self, digest: str) -> None:
        """End a session."""
        with self._store.write() as tx:
            tx.drop_credential(digest)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Write when credentials were last used, by digest; nothing is written where none was.

        Raises:
            MonitorError: the store cannot be written.
        """
        if uses:
            with self._store.write() as tx:
                tx.note_uses(uses)


def _session_of_token(tx: Transaction, name: str, sign_in: str, now: datetime, lasts: timedelta) -> IssuedCredential:
    token = _living(tx, name, now)
    if token is None:
        raise NotSignedIn(f"the token {name!r} was revoked, or has ended")
    until = min(filter(None, (now + lasts, token.until)))
    issued = _issued(
        CredentialKind.SESSION, name, now, until, token=name, identity=token_identity(name), sign_in=sign_in
    )
    return _kept(tx, issued, now)


def _kept(tx: Transaction, issued: IssuedCredential, now: datetime) -> IssuedCredential:
    tx.drop_ended_credentials(now)
    tx.put_credential(issued.credential)
    return issued


def _issued(kind: CredentialKind, name: str, now: datetime, until: datetime | None, **more: Any) -> IssuedCredential:
    secret = _PREFIXES[kind] + secrets.token_urlsafe(_SECRET_BYTES)
    bare = Credential(digest=digest_of_secret(secret), kind=kind.value, name=name, created_at=now, until=until)
    return IssuedCredential(credential=replace(bare, **more), secret=secret)


def _of_kind(reader: Reader, kind: CredentialKind, digest: str, now: datetime) -> Credential | None:
    rows = (row for row in reader.credentials() if row.kind == kind and row.digest == digest)
    return next((row for row in rows if row.lives(now)), None)


def _living(reader: Reader, name: str, now: datetime) -> Credential | None:
    rows = (row for row in reader.credentials() if row.kind == CredentialKind.TOKEN and row.name == name)
    return next((row for row in rows if row.lives(now)), None)


def _found(reader: Reader, name: str, now: datetime) -> Credential:
    token = _living(reader, name, now)
    if token is None:
        tokens = (row for row in reader.credentials() if row.kind == CredentialKind.TOKEN)
        names = sorted({row.name for row in tokens if row.lives(now)})
        has = f"there are {', '.join(names)}" if names else "there is none (`access-monitor token add` makes one)"
        raise Refused(no_such("token", name, names, has))
    return token


def _text(at: datetime | None) -> str | None:
    return None if at is None else ev.rfc3339(at)
