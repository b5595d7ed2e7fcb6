"""Statements about tokens, links and sessions, run by the reader and the writer."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, or_, select, update

from monitor.core.credentials import CredentialKind
from monitor.store.schema import credentials
from monitor.store.statements import CompiledStatement

_PASSING = credentials.c.kind != CredentialKind.TOKEN.value

ALL = CompiledStatement(select(credentials).order_by(credentials.c.created_at, credentials.c.digest))
NEW = CompiledStatement(insert(credentials).inline())
REVOKE = CompiledStatement(
    update(credentials)
    .where(credentials.c.kind == CredentialKind.TOKEN.value, credentials.c.name == bindparam("b_name"))
    .where(credentials.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
DROP_OF_TOKEN = CompiledStatement(delete(credentials).where(_PASSING, credentials.c.token == bindparam("token")))
DROP = CompiledStatement(delete(credentials).where(_PASSING, credentials.c.digest == bindparam("digest")))
DROP_ENDED = CompiledStatement(delete(credentials).where(_PASSING, credentials.c.until <= bindparam("at")))
USE = CompiledStatement(
    update(credentials)
    .where(credentials.c.digest == bindparam("b_digest"))
    .where(or_(credentials.c.used_at.is_(None), credentials.c.used_at < bindparam("at")))
    .values(used_at=bindparam("at"))
)
