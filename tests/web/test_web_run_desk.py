"""The desk of a real daemon: who is let in follows what commands and reloads do, and the configuration is accepted at
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from signed_world import Form, ids_of
from test_web_run import MINI, Running, attempt, config, rewrite, running
from waiting import until

from monitor.app.bootstrap import open_monitor
from monitor.core.credentials import AccessScope

ACT: Any = {"by": "root", "via": {"user": "root", "host": "desk", "channel": "cli"}}

__all__ = ["config"]

pytestmark = pytest.mark.slow


@pytest.fixture
def one(config: Path) -> Iterator[Running]:
    with running(config) as daemon:
        yield daemon


def _added(config: Path, name: str, *scopes: AccessScope) -> str:
    """Make a token as a command does, in a monitor of its own."""
    with open_monitor(config) as other:
        return other.credentials.add(name, scopes, until=None, **ACT).secret


def _name(http: httpx2.Client, **headers: str) -> str | None:
    name: str | None = http.get("/v1/session", headers=headers).json()["name"]
    return name


def test_a_token_of_another_process_counts_until_it_is_revoked_there_and_its_use_is_dated_at_the_end(
    config: Path,
) -> None:
    with running(config) as one:
        bearer = {"Authorization": f"Bearer {_added(config, 'Ada L.', AccessScope.OPERATE)}"}
        until(lambda: _name(one.http, **bearer) == "Ada L.")
        until(lambda: one.http.get(f"/v1/gate/{MINI}").json()["status"] == "evaluating")
        act = {"reason": "evals passed"}
        until(lambda: one.http.post(f"/v1/entries/{MINI}/activate", json=act, headers=bearer).status_code == 200)
        until(lambda: one.allowed(MINI))
        assert one.http.post(f"/v1/entries/{MINI}/pause", json=act, headers=bearer).status_code == 200
        until(lambda: not one.allowed(MINI))
        with open_monitor(config) as other:
            other.credentials.revoke("Ada L.", **ACT)
        until(lambda: _name(one.http, **bearer) is None)
        assert one.http.post(f"/v1/entries/{MINI}/resume", json=act, headers=bearer).status_code == 401
    with open_monitor(config) as other:
        (row,) = other.credentials.tokens()
        assert row.used_at is not None


def test_the_page_of_the_configuration_says_what_a_reload_would_take_and_accepts_just_that(
    one: Running, config: Path
) -> None:
    until(lambda: one.http.get(f"/v1/gate/{MINI}").json()["status"] == "evaluating")
    with open_monitor(config) as other:
        until(lambda: attempt(lambda: other.operator.activate(MINI, reason="evals passed", **ACT)))
    admin, operator = (
        _added(config, name, scope) for name, scope in (("Ann", AccessScope.ADMIN), ("Op", AccessScope.OPERATE))
    )
    browser = httpx2.Client(base_url=one.http.base_url, trust_env=False, timeout=10)
    with browser:
        until(lambda: browser.post("/signin", data={"token": admin}).status_code == 303)
        assert "same" in ids_of(browser.get("/configuration").text)

        text = config.read_text()
        entry = re.search(rf'\[\[entry\]\]\nkey = "{re.escape(MINI)}"\n(?:\w.*\n)*', text)
        assert entry is not None
        config.write_text(text.replace(entry[0], "").replace(f'fallback = "{MINI}"\n', ""))
        page = browser.get("/configuration").text
        assert f"Loading it would withdraw {MINI}" in page
        form = Form(page, "accept-configuration")
        shown = browser.get("/v1/configuration").json()
        assert (form.fields["sha256"], list(shown["loading"]["withdraws"])) == (shown["sha256"], [MINI])
        one.daemon._reconfigure()
        assert one.allowed(MINI), "nobody has accepted it"

        forbidden = {"Authorization": f"Bearer {operator}"}
        body = {"reason": "we move on", "sha256": shown["sha256"]}
        assert one.http.post("/v1/configuration/accept", json=body, headers=forbidden).status_code == 403
        assert browser.post(form.action, data={**form.fields, "csrf": "x", "reason": "so"}).status_code == 403
        config.write_text(config.read_text() + "\n[measurements]\nkeep = '80d'\n")
        stale = browser.post(form.action, data={**form.fields, "reason": "we move on"})
        assert (stale.status_code, "is another than what was shown" in stale.text) == (409, True)

        form = Form(browser.get("/configuration").text, "accept-configuration")
        done = browser.post(form.action, data={**form.fields, "reason": "we move on"})
        assert (done.status_code, "config.accepted" in done.text) == (200, True)
        assert "accept-configuration" not in ids_of(browser.get("/configuration").text)
        one.daemon._reconfigure()
        assert one.http.get(f"/v1/gate/{MINI}").json()["status"] == "withdrawn"

        config.write_text("[nonsense]\n")
        broken = browser.get("/configuration").text
        assert "problems" in ids_of(broken)
        assert browser.get("/v1/configuration").json()["problems"]
        config.write_text(text)


def test_a_reload_changes_who_may_what(one: Running, config: Path) -> None:
    def proxied() -> list[str]:
        scopes: list[str] = one.http.get("/v1/session", headers={"X-User": "ada"}).json()["scopes"]
        return scopes

    assert proxied() == ["gate", "read"], "nobody is a proxy"
    web = 'listen = "127.0.0.1:0"\ntrusted_proxy = ["127.0.0.1"]\nuser_header = "X-User"\nscopes = { admin = ["ada"] }'
    rewrite(config, web)
    one.daemon._reconfigure()
    assert proxied() == ["admin", "gate", "operate", "read"]
    rewrite(config, 'listen = "127.0.0.1:0"')
    one.daemon._reconfigure()
    assert proxied() == ["gate", "read"]
