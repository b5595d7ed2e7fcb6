"""Tokens, links and sessions in both databases: kept by their digests, ended, dropped, and dated without going back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from pipeline_world import World, configuration

from monitor.core.credentials import AccessScope, CredentialKind, digest_of_secret
from monitor.registry.credentials import LINK_LASTS, SESSION_LASTS, Credentials, NotSignedIn, SignedPerson
from monitor.store import SqlStore

NOW = datetime(2026, 7, 30, tzinfo=UTC)
ACT = {"by": "root", "via": {"user": "root", "host": "desk", "channel": "cli"}}


def credentials_of(store: SqlStore) -> tuple[World, Credentials]:
    world = World(store, configuration())
    world.now = NOW
    return world, world.use_cases().credentials


def kinds(store: SqlStore) -> list[str]:
    with store.read() as reader:
        return sorted(row.kind for row in reader.credentials())


def test_a_credential_is_kept_as_it_was_made_by_its_digest(store: SqlStore) -> None:
    _world, made = credentials_of(store)
    token = made.add("Ada", [AccessScope.OPERATE], until=NOW + timedelta(days=1), **ACT)
    person = SignedPerson(name="bob@example.com", identity="https://id#7", names=("bob@example.com", "group:ops"))
    session = made.sign_in(person)
    with store.read() as reader:
        rows = {row.digest: row for row in reader.credentials()}
    assert rows == {digest_of_secret(one.secret): one.credential for one in (token, session)}
    assert rows[digest_of_secret(session.secret)].names.split("\n") == ["bob@example.com", "group:ops"]
    made.note_uses({token.credential.digest: NOW})
    made.note_uses({token.credential.digest: NOW - timedelta(hours=1)})
    assert made.tokens()[0].used_at == NOW


def test_a_revocation_takes_links_and_sessions_with_it_and_leaves_those_of_others(store: SqlStore) -> None:
    _world, made = credentials_of(store)
    for name in ("Ada", "Bob"):
        secret = made.add(name, [AccessScope.READ], until=None, **ACT).secret
        made.sign_in_by_token(secret)
        made.link(name, **ACT)
    assert kinds(store) == ["link", "link", "session", "session", "token", "token"]
    made.revoke("Ada", **ACT)
    assert kinds(store) == ["link", "session", "token", "token"]
    with store.read() as reader:
        assert {row.name for row in reader.credentials() if row.kind != CredentialKind.TOKEN} == {"Bob"}
    again = made.add("Ada", [AccessScope.READ], until=None, **ACT)
    assert [row.ended_at is None for row in made.tokens() if row.name == "Ada"].count(True) == 1
    assert made.sign_in_by_token(again.secret).credential.token == "Ada"


def test_what_has_ended_is_dropped_when_somebody_signs_in(store: SqlStore) -> None:
    world, made = credentials_of(store)
    secret = made.add("Ada", [AccessScope.READ], until=None, **ACT).secret
    made.link("Ada", **ACT)
    made.sign_in_by_token(secret)
    world.now += LINK_LASTS
    made.sign_in_by_token(secret)
    assert kinds(store) == ["session", "session", "token"]
    world.now += SESSION_LASTS
    made.sign_in_by_token(secret)
    assert kinds(store) == ["session", "token"]


def test_a_link_that_two_use_at_a_time_signs_one_of_them_in(store: SqlStore) -> None:
    _world, made = credentials_of(store)
    made.add("Ada", [AccessScope.READ], until=None, **ACT)
    secret = made.link("Ada", **ACT).secret
    ends: list[str] = []

    def use() -> None:
        try:
            made.sign_in_by_link(secret)
            ends.append("in")
        except NotSignedIn:
            ends.append("out")

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["in", "out", "out", "out"]
    assert kinds(store) == ["session", "token"]


def test_a_rehearsal_writes_nothing(store: SqlStore) -> None:
    world, _made = credentials_of(store)
    before = world.all_rows()
    rehearsal = world.use_cases().rehearse(
        lambda use_cases: use_cases.credentials.add("Ada", [AccessScope.READ], until=None, **ACT)
    )
    assert [event.type for event in rehearsal.events] == ["token.created"]
    assert world.all_rows() == before
    assert kinds(store) == []
