"""The guard in a program: what it lets through, what it keeps, and that whatever goes wrong is a denial."""

from __future__ import annotations

import gc
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from gate_examples import HOUR, LEASE, NOW, standing
from guard_world import LUNA, NOVA, OLD, SOL, TERRA, Place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.core.entry import Status
from monitor.gate.client import lease_cache
from monitor.gate.client.guard import GateError, Guard, ModelDenied
from monitor.gate.client.lease import LeaseError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "lease")


def denied(guard: Guard, model: str) -> ModelDenied:
    with pytest.raises(ModelDenied) as refused:
        guard.admit(model)
    return refused.value


def test_an_active_model_is_admitted_by_its_id_and_by_its_key(place: Place) -> None:
    guard = place.guard()
    assert [guard.admit(name) for name in (LUNA, "luna", TERRA)] == [LUNA, "luna", TERRA]
    assert guard.taken == {}


def test_a_denial_names_everything_that_a_program_needs(place: Place) -> None:
    refused = denied(place.guard(), SOL)
    assert isinstance(refused, GateError)
    assert (refused.key, refused.environment, refused.status, refused.fallback) == (
        SOL,
        "production",
        "paused",
        "terra",
    )
    assert refused.reason == "paused: input price 0.20 → 0.25"
    assert (refused.position, refused.expires_at) == (17, NOW + LEASE)
    assert str(refused) == (
        "gpt-5.6-sol is denied in production: paused: input price 0.20 → 0.25; terra is allowed instead."
    )


def test_a_denial_passes_from_one_process_to_another(place: Place) -> None:
    refused = denied(place.guard(), SOL)
    again = pickle.loads(pickle.dumps(refused))
    assert (str(again), vars(again)) == (str(refused), vars(refused))


@pytest.mark.parametrize(
    ("model", "status"), [(NOVA, "evaluating"), (OLD, "active"), ("gpt-9", "unregistered"), ("", "unregistered")]
)
def test_what_is_not_active_and_fresh_is_denied(place: Place, model: str, status: str) -> None:
    assert denied(place.guard(), model).status == status


def test_staging_may_use_what_is_evaluated_and_an_unknown_environment_is_judged_as_production(place: Place) -> None:
    assert place.guard(environment="staging").admit(NOVA) == NOVA
    assert denied(place.guard(environment="elsewhere"), NOVA).environment == "elsewhere"
    assert place.guard(environment="elsewhere").admit(LUNA) == LUNA


def test_a_caller_that_a_pause_spares_is_admitted_until_the_grace_ends(place: Place) -> None:
    guard = place.guard(caller="support-agent")
    assert guard.admit(SOL) == SOL
    place.time.wait(hours=3)
    assert denied(guard, SOL).status == "paused"


def test_told_to_the_guard_goes_on_with_the_approved_fallback_and_says_so_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    guard = place.guard(on_denied="fallback", fallbacks=("terra",))
    with caplog.at_level(logging.WARNING, "monitor.gate"):
        assert [guard.admit(SOL) for _ in range(3)] == [TERRA] * 3
        place.time.wait(minutes=1)
        assert guard.admit(SOL) == TERRA
    assert guard.taken == {SOL: TERRA}
    assert [record.getMessage() for record in caplog.records] == [
        "gpt-5.6-sol is denied in production: paused: input price 0.20 → 0.25; going on with terra (gpt-5.6-terra)"
    ]
    place.write(standing("sol"))
    place.time.wait(seconds=1)
    assert (guard.admit(SOL), guard.taken) == (SOL, {})


def test_a_fallback_that_nobody_approved_is_not_taken_and_the_next_of_the_chain_that_is_is(place: Place) -> None:
    guard = place.guard(on_denied="fallback", fallbacks=("luna",))
    assert denied(guard, SOL).fallback == "terra"
    place.write(standing("terra", fallback="luna"))
    place.time.wait(seconds=1)
    assert guard.admit(SOL) == LUNA


def test_a_fallback_that_is_itself_denied_or_has_no_model_id_is_not_taken(place: Place) -> None:
    guard = place.guard(on_denied="fallback", fallbacks=("terra",))
    assert guard.admit(SOL) == TERRA
    place.write(standing("terra", model_id=""))
    place.time.wait(seconds=1)
    assert denied(guard, SOL).fallback == "terra"
    place.write(standing("terra", status=Status.PAUSED))
    place.time.wait(seconds=1)
    assert denied(guard, SOL).fallback == ""


def test_a_fallback_whose_freshness_ends_is_not_taken_any_more_within_the_same_second(place: Place) -> None:
    place.write(standing("terra", access_until=NOW + HOUR))
    guard = place.guard(on_denied="fallback", fallbacks=("terra",))
    place.time.wait(seconds=3599.5)
    assert guard.admit(SOL) == TERRA
    place.time.wait(seconds=0.5)
    denied(guard, SOL)


def test_a_pause_is_known_within_a_second_and_the_file_is_not_read_before(place: Place) -> None:
    guard = place.guard()
    assert guard.admit(LUNA) == LUNA
    place.write(standing("luna", status=Status.PAUSED))
    place.time.wait(seconds=0.5)
    assert guard.admit(LUNA) == LUNA
    place.time.wait(seconds=0.5)
    assert denied(guard, LUNA).status == "paused"


def test_an_answer_ends_with_the_second_in_which_its_limit_does(place: Place) -> None:
    guard = place.guard()
    place.time.wait(seconds=LEASE.total_seconds() - 0.25)
    assert guard.admit(LUNA) == LUNA
    place.time.wait(seconds=0.25)
    denied(guard, LUNA)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"flags": {}}', b"\xff\xfe", b"[" * 100_000, None])
def test_a_file_that_is_corrupt_or_deleted_leaves_the_last_good_answer_until_its_lease_ends(
    place: Place, broken: bytes | None
) -> None:
    guard = place.guard()
    if broken is None:
        place.file.unlink()
    else:
        place.file.write_bytes(broken)
    place.time.wait(hours=5)
    assert guard.admit(LUNA) == LUNA
    assert denied(guard, SOL).status == "paused"
    place.time.wait(hours=1)
    assert denied(guard, LUNA).reason == "the monitor has not renewed the lease, which ended 2026-11-22T10:35:00Z"
    place.write()
    place.time.wait(seconds=1)
    assert guard.admit(LUNA) == LUNA


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"flags": {}, "metadata": {}}'])
def test_where_no_file_was_ever_read_everything_is_denied_until_there_is_one(
    place: Place, content: bytes | None
) -> None:
    place.file.unlink()
    if content is not None:
        place.file.write_bytes(content)
    guard = place.guard(lease=place.file)
    refused = denied(guard, LUNA)
    assert (refused.status, refused.expires_at) == ("unknown", None)
    assert str(place.file) in refused.reason
    place.write()
    place.time.wait(seconds=1)
    assert guard.admit(LUNA) == LUNA


def test_a_daemon_that_died_is_denied_when_its_lease_is_over(place: Place) -> None:
    guard = place.guard()
    place.time.wait(hours=6)
    assert {denied(guard, name).reason for name in (LUNA, TERRA)} == {
        "the monitor has not renewed the lease, which ended 2026-11-22T10:35:00Z"
    }


def test_a_clock_that_is_set_back_prolongs_nothing(place: Place) -> None:
    guard = place.guard()
    place.time.wait(hours=5)
    place.time.now = NOW
    assert guard.admit(LUNA) == LUNA
    place.time.passed += 3600
    denied(guard, LUNA)


def test_a_lease_from_the_future_denies_everything_also_what_the_one_before_allowed(place: Place) -> None:
    guard = place.guard()
    assert guard.admit(LUNA) == LUNA
    place.time.now += HOUR
    place.write(standing("luna", status=Status.PAUSED))
    place.time.now -= HOUR
    place.time.passed += 1
    refused = denied(guard, LUNA)
    assert refused.status == "unknown"
    assert "set the clock" in refused.reason


def test_a_clock_that_is_ahead_denies_early_and_recovers_when_it_is_set_right(place: Place) -> None:
    guard = place.guard()
    place.time.now += 7 * HOUR
    denied(guard, LUNA)
    place.time.now -= 7 * HOUR
    place.time.passed += 1
    assert guard.admit(LUNA) == LUNA


def test_a_flag_that_was_tampered_with_is_denied_and_the_others_are_not(place: Place) -> None:
    document = json.loads(place.file.read_text())
    document["flags"][SOL]["targeting"] = {"if": [True, "active", "stale"]}
    document["flags"][SOL]["defaultVariant"] = "active"
    place.file.write_text(json.dumps(document))
    guard = place.guard()
    assert denied(guard, SOL).status == "unknown"
    assert guard.admit(LUNA) == LUNA


def test_a_file_of_an_older_monitor_is_read_and_its_fallbacks_are_not_taken(place: Place) -> None:
    document = json.loads(place.file.read_text())
    for flag in document["flags"].values():
        del flag["metadata"]["model_id"]
    place.file.write_text(json.dumps(document))
    guard = place.guard(on_denied="fallback", fallbacks=("terra",))
    assert guard.admit(LUNA) == LUNA
    assert denied(guard, SOL).fallback == "terra"


def test_another_environments_file_is_no_answer(place: Place) -> None:
    assert denied(place.guard(lease=place.folder / "staging.json"), LUNA).status == "unknown"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(st.sampled_from(["metadata", "flags", SOL, "variants", "targeting"]), max_size=3),
    value=st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))  # fmt: skip
def test_whatever_a_file_holds_the_guard_admits_or_denies_and_never_allows_what_is_paused(
    place: Place, path: list[str], value: Any
) -> None:
    place.write()
    document = json.loads(place.file.read_text())
    target: Any = document
    for name in path[:-1]:
        target = target.get(name, {}) if isinstance(target, dict) else {}
    if path and isinstance(target, dict):
        target[path[-1]] = value
    place.file.write_text(json.dumps(document))
    denied(place.guard(), SOL)


def test_two_hundred_threads_are_answered_alike_while_the_file_changes(place: Place) -> None:
    guard = place.guard(lease=place.folder)
    wrong: list[object] = []
    barrier = threading.Barrier(200)

    def ask() -> None:
        barrier.wait()
        for _ in range(20):
            try:
                if guard.admit(LUNA) != LUNA:
                    wrong.append("another id")
            except ModelDenied as refused:
                wrong.append(refused)
            try:
                guard.admit(SOL)
                wrong.append("a paused model was admitted")
            except ModelDenied as refused:
                if refused.status != "paused":
                    wrong.append(refused)

    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        place.time.wait(seconds=1)
        place.write()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_what_is_asked_for_is_not_remembered_without_end(place: Place) -> None:
    guard = place.guard()
    for number in range(1000):
        with pytest.raises(ModelDenied):
            guard.admit(f"no-such-model-{number}")
    assert len(guard._going_on) == 0


def test_a_guard_that_nobody_holds_is_collected(place: Place) -> None:
    guard = place.guard()
    guard.admit(LUNA)
    kept = weakref.ref(guard)
    del guard
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    "options",
    [
        {"lease": "x", "url": "http://127.0.0.1"},
        {"url": "ftp://127.0.0.1"},
        {"lease": "x", "token": "t"},
        {"lease": "x", "environment": "../production"},
        {"lease": "x", "environment": ""},
        {"lease": "x", "on_denied": "ignore"},
        {"lease": "x", "on_denied": "fallback"},
        {"lease": "x", "fallbacks": ("terra",)},
        {"lease": "x", "on_denied": "fallback", "fallbacks": "terra"},
        {"lease": "x", "public_key": "not a key"},
        {},
    ],
)
def test_arguments_that_do_not_fit_are_refused(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCESS_MONITOR_LEASE", raising=False)
    with pytest.raises(ValueError, match=r"\w"):
        Guard(**options)


def test_without_a_place_the_variable_names_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_MONITOR_LEASE", str(place.folder))
    assert place.guard(lease="").admit(LUNA) == LUNA


def test_the_guard_is_imported_without_an_sdk_and_without_the_rest_of_the_monitor() -> None:
    program = (
        "import sys, monitor.gate.client.guard; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
        "('monitor', 'openai', 'pydantic', 'sqlalchemy', 'starlette', 'cryptography', 'litellm')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert set(eval(result.stdout)) <= {
        "monitor",
        "monitor.gate.client",
        "monitor.gate.client.verdict",
        "monitor.gate",
        *(f"monitor.gate.client.{name}" for name in ("clock", "guard", "lease_cache", "lease", "signature")),
    }


def test_a_process_that_was_forked_off_answers_as_well(place: Place) -> None:
    guard = place.guard()
    child = os.fork()
    if child == 0:
        os._exit(0 if guard.admit(LUNA) == LUNA else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_trouble_is_said_once_while_it_lasts_and_again_when_it_comes_back(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    guard = place.guard()
    for _ in range(2):
        place.file.unlink()
        for _ in range(3):
            place.time.wait(seconds=1)
            assert guard.admit(LUNA) == LUNA
        place.write()
        place.time.wait(seconds=1)
        assert guard.admit(LUNA) == LUNA
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert all("is not renewed: There is no lease file" in line for line in said)


def test_a_file_that_could_not_be_read_is_tried_again_though_nothing_about_it_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lease_cache.content

    def failing(path: str) -> bytes:
        raise LeaseError(75, "The lease file could not be read (Input/output error).")

    monkeypatch.setattr(lease_cache, "content", failing)
    guard = place.guard()
    denied(guard, LUNA)
    monkeypatch.setattr(lease_cache, "content", real)
    place.time.wait(seconds=1)
    assert guard.admit(LUNA) == LUNA


def test_a_process_that_was_forked_off_while_another_thread_polled_polls_by_itself(place: Place) -> None:
    guard = place.guard()
    keeper: Any = guard._keeper
    assert keeper._reading.acquire()
    child = os.fork()
    if child == 0:
        try:
            place.write(standing("luna", status=Status.PAUSED))
            place.time.wait(seconds=1)
            denied(guard, LUNA)
            os._exit(0)
        finally:
            os._exit(1)
    keeper._reading.release()
    assert os.waitpid(child, 0)[1] == 0


def test_a_denial_that_is_repeated_holds_on_to_nothing(place: Place) -> None:
    place.file.unlink()
    guard = place.guard(lease=place.file)
    frames = []
    for _ in range(3):
        refused: BaseException | None = denied(guard, LUNA)
        depth = 0
        while refused is not None:
            trace = refused.__traceback__
            while trace is not None:
                depth, trace = depth + 1, trace.tb_next
            refused = refused.__context__
        frames.append(depth)
    assert len(set(frames)) == 1


def test_the_guard_is_found_under_its_name_of_the_last_version_and_says_the_new_one() -> None:
    program = "import warnings; warnings.simplefilter('error'); from monitor.gate.guard import guard"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "monitor.gate.client.guard" in result.stderr
    program = "from monitor.gate.guard import Guard, ModelDenied, guard; print(guard.__module__)"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stdout == "monitor.gate.client.guard\n"
