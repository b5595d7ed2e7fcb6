"""One answer, whoever is asked: the pure function, the lease file read by the command and kept by the guard, and the
file's rule in flagd's own evaluator. The same table and the same registries drive the answers over HTTP in
`tests/web/test_web_gate.py`.
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gate_examples import (
    CHAINS,
    HOUR,
    LEASE,
    NOW,
    PAUSED,
    TABLE,
    at_position,
    callers,
    environments,
    question,
    registry,
    spared,
    standing,
    standings,
)
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import configuration
from monitor.gate.client import ask, verdict
from monitor.gate.client.guard import Guard, ModelDenied
from monitor.gate.client.lease import Lease
from monitor.gate.client.verdict import rfc3339
from monitor.gate.decision import Standing, answer, resolve
from monitor.gate.lease_file import Document, lease_document, write_lease

flagd = pytest.importorskip(
    "openfeature.contrib.tools.flagd.core", reason="openfeature-provider-flagd, the real client, is not installed"
)


class CachedLease:
    """A guard over one document, at a time that is set."""

    def __init__(self, folder: Path, document: Document, environment: str, caller: str, now: datetime) -> None:
        self.file = folder / f"{environment}.json"
        self.file.write_text(json.dumps(document))
        self.guard = Guard(lease=self.file, environment=environment, caller=caller, now=lambda: now, elapsed=lambda: 0)

    def answer(self, key: str) -> dict[str, object]:
        """Return what the guard says, after it did accordingly."""
        said = self.guard.answer(key)
        if said["allowed"] is True:
            assert self.guard.admit(key) == key
            return said
        with pytest.raises(ModelDenied) as refused:
            self.guard.admit(key)
        for name in ("key", "status", "reason", "fallback", "position"):
            assert getattr(refused.value, name) == said[name]
        assert refused.value.expires_at is not None
        assert rfc3339(refused.value.expires_at) == said["expires_at"]
        return said


class AtTime:
    """The `time` module as flagd's evaluator sees it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def time(self) -> float:
        return self.now.timestamp()


@pytest.fixture(scope="module")
def evaluate() -> Callable[[Document, str, str, datetime], tuple[bool, str]]:
    from openfeature.evaluation_context import EvaluationContext

    rules = importlib.import_module("openfeature.contrib.tools.flagd.core.targeting.targeting")

    def at(document: Document, key: str, caller: str, now: datetime) -> tuple[bool, str]:
        core = flagd.FlagdCore()
        core.set_flags(copy.deepcopy(document))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rules, "time", AtTime(now))
            # The caller's default is the dangerous one: an answer that falls back to it is seen as "allowed".
            details = core.resolve_boolean_value(key, True, EvaluationContext(caller or None))
        return details.value, details.variant

    return at


@given(
    registered=standings(),
    environment=environments,
    caller=callers,
    later=st.one_of(st.just(0), st.integers(0, int(LEASE.total_seconds() * 1000) + 3_600_000)),
)
def test_function_file_guard_and_flagd_give_one_answer_for_every_key_of_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    evaluate: Callable[..., tuple[bool, str]],
    registered: dict[str, Standing],
    environment: str,
    caller: str,
    later: int,
) -> None:
    document = lease_document(registered, question(environment), at_position(99))
    now = NOW + timedelta(milliseconds=later)
    leased = now < NOW + LEASE
    kept = CachedLease(tmp_path_factory.getbasetemp(), document, environment, caller, now)
    for key in document["flags"]:
        decided = answer(key, registered, question(environment, caller=caller, now=now))
        read = Lease("file", document, environment, now).answer(key, caller)
        assert kept.answer(key) == read
        value, _ = evaluate(document, key, caller, now)
        assert value is read["allowed"]
        assert value is (decided.allowed and leased)
        assert (read["key"], read["status"], read["position"]) == (decided.key, decided.status, decided.position)
        if leased:
            assert (read["reason"], read["fallback"]) == (decided.reason, decided.fallback)
            if decided.allowed and decided.expires_at is not None:
                assert read["expires_at"] == rfc3339(min(decided.expires_at, NOW + LEASE))


def instead(registered: dict[str, Standing], key: str, environment: str, caller: str, now: datetime) -> str:
    """Return the id of the first entry along the chain of fallbacks that the function allows and whose id is known."""
    following, seen = resolve(key, registered), set()
    while isinstance(following, Standing) and following.key not in seen:
        seen.add(following.key)
        following = registered.get(following.fallback)
        if following is None or following.key in seen or not following.model_id:
            continue
        if answer(following.key, registered, question(environment, caller, now)).allowed:
            return following.model_id
    return ""


@given(registered=standings(), environment=environments, caller=callers, seconds=st.integers(0, 6 * 3600 - 1))
def test_a_guard_that_takes_fallbacks_calls_the_one_that_the_function_names(
    tmp_path_factory: pytest.TempPathFactory,
    registered: dict[str, Standing],
    environment: str,
    caller: str,
    seconds: int,
) -> None:
    document = lease_document(registered, question(environment), at_position(99))
    now = NOW + timedelta(seconds=seconds)
    file = tmp_path_factory.getbasetemp() / "fallbacks.json"
    file.write_text(json.dumps(document))
    guard = Guard(
        lease=file,
        environment=environment,
        caller=caller,
        on_denied="fallback",
        fallbacks=registered,
        now=lambda: now,
        elapsed=lambda: 0,
    )
    for key in document["flags"]:
        allowed = answer(key, registered, question(environment, caller=caller, now=now)).allowed
        expected = key if allowed else instead(registered, key, environment, caller, now)
        try:
            assert guard.admit(key) == expected
        except ModelDenied:
            assert expected == ""


@pytest.mark.parametrize(("entry", "environment", "caller", "hours", "allowed", "variant"), TABLE)
def test_the_conformance_table_holds_for_function_file_command_guard_and_flagd(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    evaluate: Callable[..., tuple[bool, str]],
    entry: Standing,
    environment: str,
    caller: str,
    hours: int,
    allowed: bool,
    variant: str,
) -> None:
    document = lease_document(registry(entry), question(environment), at_position(17))
    now = NOW + hours * HOUR
    assert evaluate(document, "luna", caller, now) == (allowed, variant)
    read = Lease("file", document, environment, now).answer("gpt-5.6-luna", caller)
    assert read["allowed"] is allowed
    kept = CachedLease(tmp_path, document, environment, caller, now)
    assert kept.answer("gpt-5.6-luna") == read
    words = ["gpt-5.6-luna", "--env", environment, "--lease", str(kept.file), "--json"]
    code = ask.run([*words, *(["--caller", caller] if caller else [])], {}, lambda: now)
    assert (code, json.loads(capsys.readouterr().out)) == (0 if allowed else 1, read)
    if now < NOW + LEASE:
        assert answer("luna", registry(entry), question(environment, caller=caller, now=now)).allowed is allowed


@pytest.mark.parametrize(("chain", "environment", "caller", "hours", "fallback"), CHAINS)
def test_the_chains_of_the_table_lead_to_one_fallback_for_function_file_command_and_guard(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    chain: tuple[Standing, ...],
    environment: str,
    caller: str,
    hours: int,
    fallback: str,
) -> None:
    registered = registry(standing("luna", fallback="sol", **PAUSED), *chain)
    document = lease_document(registered, question(environment), at_position(17))
    now = NOW + hours * HOUR
    decided = answer("luna", registered, question(environment, caller=caller, now=now))
    assert (decided.allowed, decided.fallback) == (False, fallback)
    kept = CachedLease(tmp_path, document, environment, caller, now)
    assert kept.answer("gpt-5.6-luna")["fallback"] == fallback
    words = ["luna", "--env", environment, "--lease", str(kept.file), "--json"]
    assert ask.run([*words, *(["--caller", caller] if caller else [])], {}, lambda: now) == 1
    assert json.loads(capsys.readouterr().out)["fallback"] == fallback
    taking = Guard(
        lease=kept.file,
        environment=environment,
        caller=caller,
        on_denied="fallback",
        fallbacks=list(registered),
        now=lambda: now,
        elapsed=lambda: 0,
    )
    if fallback:
        assert taking.admit("luna") == f"gpt-5.6-{fallback}"
    else:
        with pytest.raises(ModelDenied):
            taking.admit("luna")


def test_the_real_flagd_provider_answers_from_the_file(tmp_path: Path) -> None:
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType
    from openfeature.evaluation_context import EvaluationContext

    from monitor.gate.client import clock

    now = clock.now()
    registered = registry(
        standing("luna", access_until=now + HOUR, price_until=now + HOUR),
        spared("sol", access_until=now + HOUR, grace_until=now + HOUR),
    )
    documents = {"production": lease_document(registered, question(now=now), at_position(17))}
    write_lease(tmp_path, documents, at_position(17))
    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=str(tmp_path / "production.json"), deadline_ms=2000
    )
    try:
        provider.initialize(EvaluationContext())

        def allowed(key: str, caller: str = "") -> Any:
            return provider.resolve_boolean_details(key, True, EvaluationContext(caller or None)).value

        assert [allowed("luna"), allowed("gpt-5.6-luna"), allowed("sol")] == [True, True, False]
        assert [allowed("sol", "support-agent"), allowed("sol", "newcomer")] == [True, False]
        metadata = provider.resolve_boolean_details("luna", False).flag_metadata
        assert (metadata["status"], metadata["position"], metadata["version"]) == ("active", 17, "17")
    finally:
        provider.shutdown()


def test_the_file_is_flagd_json_whose_metadata_are_plain_values() -> None:
    document = lease_document(registry(standing(), spared("sol")), question(), at_position(4711))
    assert json.loads(json.dumps(document)) == document
    assert document["$schema"] == "https://flagd.dev/schema/v0/flags.json"
    assert document["metadata"]["version"] == "4711"
    flag = document["flags"]["luna"]
    assert flag["targeting"] == {
        "if": [{"<": [{"var": "$flagd.timestamp"}, int((NOW + LEASE).timestamp())]}, "active", "stale"]
    }
    assert flag["defaultVariant"] == "stale"
    for flag in document["flags"].values():
        assert flag["state"] == "ENABLED"
        assert flag["variants"][flag["defaultVariant"]] is False
        assert all(isinstance(value, str | int | bool) for value in flag["metadata"].values())


def test_the_client_and_the_rest_mean_the_same_environment_by_production() -> None:
    assert verdict.PRODUCTION == configuration.PRODUCTION
