"""The doctor on PostgreSQL: in order, through a pooler of transactions, beside a daemon, and with no server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import am, data
from transaction_pooler import pooling

from monitor.core.ports import ConfigurationError
from monitor.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def url(postgres: Callable[[], str], config: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Provide the configured database, on a server."""
    made = postgres()
    monkeypatch.setenv("ACCESS_MONITOR__DATABASE__URL", made)
    am("poll")
    return made


def findings(*, expect: int = 0) -> dict[str, dict[str, object]]:
    return {row["subject"]: row for row in data("doctor", expect=expect)}


def test_everything_is_in_order_and_the_password_is_nowhere(url: str) -> None:
    found = findings()
    assert found.keys() >= {"disk", "clock", "database", "pooler", "key openai", "destination platform#1"}
    assert [row for row in found.values() if not row["ok"]] == []
    assert "a server" in str(found["disk"]["detail"])


def test_a_daemon_that_runs_is_no_fault(url: str) -> None:
    store = open_store(url)
    try:
        with store.sole():
            assert findings()["pooler"]["ok"]
    finally:
        store.close()


def test_a_pooler_in_transaction_mode_is_found_with_its_fix_and_leaves_no_lock(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    with psycopg.connect(url) as direct:
        folder, port, database = direct.info.host, direct.info.port, direct.info.dbname
    if not folder.startswith("/"):
        pytest.skip("NO LOCAL SOCKET OF POSTGRESQL: a pooler in front of it is not examined here")
    with pooling(f"{folder}/.s.PGSQL.{port}", "postgres", database) as pooled:
        monkeypatch.setenv("ACCESS_MONITOR__DATABASE__URL", f"postgresql://postgres@127.0.0.1:{pooled}/{database}")
        found = findings(expect=1)
        store = open_store(f"postgresql://postgres@127.0.0.1:{pooled}/{database}")
        with pytest.raises(ConfigurationError, match="transaction mode"), store.company():
            pass  # nor do several nodes begin behind it
        store.close()
    assert [subject for subject, row in found.items() if not row["ok"]] == ["pooler"]
    assert "transaction mode" in str(found["pooler"]["detail"])
    assert "session mode" in str(found["pooler"]["detail"])
    assert found["database"]["ok"], "commands work through such a pooler; only the daemon does not"
    monkeypatch.setenv("ACCESS_MONITOR__DATABASE__URL", url)
    assert findings()["pooler"]["ok"], "a lock was left behind in a pooled session"


def test_a_server_that_is_away_is_one_sentence_and_the_rest_is_examined(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setenv("ACCESS_MONITOR__DATABASE__URL", f"postgresql://monitor:s3cret@127.0.0.1:{port}/monitor")
        found = findings(expect=1)
        shown = am("doctor", expect=1)
    assert not found["database"]["ok"]
    assert {"time zones", "key openai", "lease folder"} <= found.keys()
    assert "s3cret" not in shown.output + shown.stderr
    assert "Traceback" not in shown.output + shown.stderr
