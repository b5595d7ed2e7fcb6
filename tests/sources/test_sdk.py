"""The one place where the SDK is built: what a request carries, and that nothing else gets into it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from source_loopback import NOW, LoopbackServer

from monitor.core.configuration import Surface
from monitor.core.facts import PollFailure, Snapshot
from monitor.core.ports import ConfigurationError
from monitor.sources.catalog import source_spec
from monitor.sources.http import HttpClient
from monitor.sources.models_list import ModelsList
from monitor.sources.sdk import Sdk

SECRETS = {"env:KEY": "sk-key-of-the-tests", "env:TEAM": "team-secret-7", "file:/run/team": "team-secret-8\n"}


def listed(server: LoopbackServer, http: HttpClient, **surface: Any) -> tuple[Any, dict[str, str]]:
    """Look at a list once; what came of it, and the headers that were sent."""
    made = Surface(**{"key": "openai", "base_url": server.url, "provider": "openai", **surface})
    spec = source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai")
    seen = ModelsList(spec, made, http, SECRETS.__getitem__).observe(NOW, None)
    return seen, server.requests[-1][1]


@pytest.fixture
def server(server: LoopbackServer) -> LoopbackServer:
    server.script = lambda h: h.reply(b'{"data":[]}')
    return server


def test_a_key_may_have_a_header_of_its_own(server: LoopbackServer, http: HttpClient) -> None:
    seen, sent = listed(server, http, api_key="env:KEY", key_header="api-key")
    assert isinstance(seen, Snapshot)
    assert sent["api-key"] == "sk-key-of-the-tests"
    assert "authorization" not in sent


def test_further_headers_are_literal_or_references(server: LoopbackServer, http: HttpClient) -> None:
    headers = {"X-Title": "access-monitor", "X-Team": "env:TEAM", "X-File": "file:/run/team", "X-Plain": "environment"}
    _, sent = listed(server, http, api_key="env:KEY", headers=headers)
    assert {name: sent[name] for name in ("x-title", "x-team", "x-file", "x-plain")} == {
        "x-title": "access-monitor",
        "x-team": "team-secret-7",
        "x-file": "team-secret-8",
        "x-plain": "environment",
    }
    assert sent["authorization"] == "Bearer sk-key-of-the-tests"


def test_a_surface_may_bring_its_own_authorization(server: LoopbackServer, http: HttpClient) -> None:
    _, sent = listed(server, http, headers={"Authorization": "env:TEAM"})
    assert sent["authorization"] == "team-secret-7"


def test_the_secrets_of_headers_are_taken_out_of_what_is_kept(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b'{"error": {"message": "team-secret-7 may not"}}', 403)
    seen, _ = listed(server, http, headers={"X-Team": "env:TEAM"})
    assert isinstance(seen, PollFailure)
    assert seen.body is not None
    assert "team-secret-7" not in seen.detail
    assert b"team-secret-7" not in seen.body.content


def test_a_header_that_cannot_be_sent_is_an_error_of_the_configuration(http: HttpClient) -> None:
    surface = Surface(key="s", base_url="http://x.example", provider="p", headers={"X-Team": "env:TEAM"})
    with pytest.raises(ConfigurationError, match=r"the header X-Team of surface s .* env:TEAM") as error:
        _ = Sdk(surface, http, lambda _: "two\nlines").client
    assert "lines" not in str(error.value)


def test_the_same_account_may_be_asked_at_another_host(http: HttpClient) -> None:
    surface = Surface(key="s", base_url="http://x.example/v1/", provider="p", api_key="env:KEY")
    assert Sdk(surface, http, SECRETS.__getitem__).base_url == "http://x.example/v1"
    there = Sdk(surface, http, SECRETS.__getitem__, base_url="http://eu.x.example/v1")
    assert str(there.client.base_url) == "http://eu.x.example/v1/"
