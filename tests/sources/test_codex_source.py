"""Codex: the catalogue of an installed command or of a file, as a surface of its own, and nothing of ours handed to the
command.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from source_loopback import NOW

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import Fact, FailureReason, Known, PollFailure, Snapshot, Subject, Unchanged
from monitor.core.ports import ConfigurationError
from monitor.sources import codex
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.codex import Codex
from monitor.sources.http import HttpClient

SURFACE = Surface(key="codex", base_url="https://api.example/v1", provider="openai", api_key="env:OPENAI_API_KEY")
SOL = {
    "slug": "gpt-5.6-sol",
    "display_name": "GPT-5.6 Sol",
    "visibility": "list",
    "supported_in_api": True,
    "minimal_client_version": "0.160.0",
    "supported_reasoning_levels": [{"effort": "low", "description": "…"}, {"effort": "high", "description": "…"}],
    "service_tiers": [{"id": "priority", "name": "Fast", "description": "…"}],
    "context_window": 272000,
    "upgrade": {"model": "gpt-6-sol", "migration_markdown": "Try it."},
    "base_instructions": "You are Codex.",
}
HIDDEN = {"slug": "codex-auto-review", "visibility": "hide", "supported_in_api": True}


def catalogue(*models: object) -> bytes:
    return json.dumps({"models": models}).encode()


def spec(**options: object) -> SourceSpec:
    return source_spec(key="codex-models", kind="codex", every=timedelta(hours=1), surface="codex", options=options)


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], str]:
    """Install a `codex` that does what a line of shell says; gives the search path."""

    def install(script: str) -> str:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "codex"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return f"{folder}:/usr/bin:/bin"

    return install


def poll(path: str, **more: float) -> Snapshot | PollFailure:
    seen = Codex(spec(), SURFACE, path=path, **more).observe(NOW, None)
    assert isinstance(seen, Snapshot | PollFailure)
    return seen


def test_what_codex_offers_is_listed_and_the_rest_is_only_known(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_bytes(catalogue(SOL, HIDDEN))
    source = build(spec(catalogue=str(file)), SourceDeps(http=HttpClient(), surface=SURFACE, secret=str))
    seen = source.observe(NOW, None)
    assert isinstance(seen, Snapshot)
    assert seen.facts == {
        Subject("codex", "gpt-5.6-sol"): {
            "listed": True,
            "visibility": "list",
            "supported_in_api": True,
            "minimal_client_version": "0.160.0",
            "context_window": 272000,
            "service_tiers": "priority",
            "supported_reasoning_levels": "high, low",
            "upgrade": "gpt-6-sol",
        },
        Subject("codex", "codex-auto-review"): {"visibility": "hide", "supported_in_api": True},
    }
    known = Known(sha256=seen.body.sha256)
    assert source.observe(NOW, known) == Unchanged(source="codex-models", at=NOW)


def test_the_installed_command_is_asked_for_its_bundled_catalogue(
    command: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "answer").write_bytes(catalogue(SOL))
    seen = poll(command(f'[ "$*" = "debug models --bundled" ] && cat {tmp_path}/answer'))
    assert isinstance(seen, Snapshot)
    assert set(seen.facts) == {Subject("codex", "gpt-5.6-sol")}


def test_the_command_gets_an_empty_home_and_nothing_of_our_environment(
    command: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "HTTPS_PROXY", "CODEX_API_KEY", "ACCESS_MONITOR__WEB__TOKENS"):
        monkeypatch.setenv(name, "secret-of-ours")
    (tmp_path / "answer").write_bytes(catalogue(SOL))
    # `ls` proves the home empty; reading standard input ends at once.
    path = command(f'env > {tmp_path}/env; ls -A "$HOME" > {tmp_path}/home; cat; cat {tmp_path}/answer')
    assert isinstance(poll(path), Snapshot)
    given = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert given.keys() - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "CODEX_HOME", "LANG", "NO_COLOR"}
    assert "secret-of-ours" not in (tmp_path / "env").read_text()
    assert (tmp_path / "home").read_text() == ""
    assert given["HOME"] != os.environ["HOME"]
    assert not Path(given["HOME"]).exists(), "its home is gone afterwards"


def test_a_key_that_the_command_prints_all_the_same_is_not_kept(command: Callable[[str], str], tmp_path: Path) -> None:
    key = "sk-proj-abcdefghijklmnop"
    (tmp_path / "answer").write_bytes(catalogue({**SOL, "base_instructions": f"use {key}"}))
    seen = poll(command(f"cat {tmp_path}/answer"))
    assert isinstance(seen, Snapshot)
    assert key.encode() not in seen.body.content


def test_an_absent_command_is_a_failure_that_names_the_mend(tmp_path: Path) -> None:
    seen = poll(str(tmp_path))
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.MISCONFIGURED
    assert "install the Codex CLI" in seen.detail
    assert "`catalogue`" in seen.detail


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo error: unrecognized subcommand >&2; exit 2", FailureReason.INVALID_SHAPE),
        ("echo not json", FailureReason.NOT_JSON),
        ('echo \'{"detail": "Not Found"}\'', FailureReason.INVALID_SHAPE),
        ('echo \'{"models": [{"id": "x"}]}\'', FailureReason.INVALID_SHAPE),
        ("exec yes 0123456789", FailureReason.TOO_LARGE),
    ],
)
def test_an_answer_that_is_no_catalogue_is_a_failure(
    command: Callable[[str], str], script: str, reason: FailureReason
) -> None:
    seen = poll(command(script))
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason


def test_a_command_that_does_not_end_is_ended_with_what_it_started(command: Callable[[str], str]) -> None:
    began = threading.active_count()
    seen = poll(command("sleep 600 & sleep 600"), timeout=0.3)
    assert isinstance(seen, PollFailure)
    assert (seen.reason, "0.3 s" in seen.detail) == (FailureReason.TIMEOUT, True)
    assert threading.active_count() <= began


def test_a_file_that_is_not_there_is_a_failure_that_names_it(tmp_path: Path) -> None:
    seen = Codex(spec(catalogue=str(tmp_path / "none.json")), SURFACE).observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert "none.json" in seen.detail
    assert "check `catalogue`" in seen.detail


def test_two_items_of_one_slug_leave_unclear_what_they_state_in_two_ways() -> None:
    facts, unclear, refused = codex.read(catalogue(SOL, {**SOL, "visibility": "hide"}, {"slug": " "}), "codex")
    sol = Subject("codex", "gpt-5.6-sol")
    assert unclear == {Fact(sol, "visibility"), Fact(sol, "listed")}
    assert "visibility" not in facts[sol]
    assert facts[sol]["supported_in_api"] is True
    assert [refusal.where for refusal in refused] == ["models[2]"]


def test_codex_needs_a_surface() -> None:
    with pytest.raises(ConfigurationError, match="needs `surface`"):
        build(spec(), SourceDeps(http=HttpClient(), surface=None, secret=str))


def test_a_pipe_in_the_place_of_the_catalogue_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "models.json")
    options = {"catalogue": str(tmp_path / "models.json")}
    spec = source_spec(key="codex", kind="codex", every=timedelta(hours=1), surface="codex", options=options)
    seen = Codex(spec, SURFACE).observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.NOT_JSON
