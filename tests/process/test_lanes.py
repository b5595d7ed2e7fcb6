"""Threads for polls: whoever hangs keeps nobody waiting who does not."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from itertools import count

import pytest
from waiting import until

from monitor.app.lanes import MOST, Lanes


def host_of(key: str) -> str:
    return key.partition("/")[0]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """End everything that hangs."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def lanes(released: threading.Event) -> Iterator[Lanes]:
    lanes = Lanes(4, host_of)
    yield lanes
    released.set()
    lanes.shutdown()


def hanging(lanes: Lanes, released: threading.Event, keys: list[str]) -> list[Future[bool]]:
    return [lanes.submit(key, lambda: released.wait(120)) for key in keys]


def test_what_work_returns_and_raises_is_handed_on(lanes: Lanes) -> None:
    def broken() -> None:
        raise ValueError("broken")

    assert lanes.submit("a/1", lambda: 7).result(60) == 7
    with pytest.raises(ValueError, match="broken"):
        lanes.submit("a/1", broken).result(60)


@pytest.mark.parametrize(
    "hosts", [lambda number: "slow", lambda number: f"slow-{number}"], ids=["of one host", "each of its own host"]
)
def test_a_hundred_that_hang_keep_no_quick_one_waiting(
    lanes: Lanes, released: threading.Event, hosts: Callable[[int], str]
) -> None:
    slow = hanging(lanes, released, [f"{hosts(number)}/{number}" for number in range(98)])
    for _ in range(5):
        quick = [lanes.submit(f"healthy/{number}", lambda: True) for number in range(6)]
        done, _ = wait(quick, 120)
        assert len(done) == 6
    assert not any(future.done() for future in slow)


def test_a_host_with_much_to_do_does_not_stand_before_one_with_little(lanes: Lanes) -> None:
    order: list[str] = []
    gate = threading.Event()

    def noting(key: str) -> Callable[[], None]:
        def work() -> None:
            gate.wait(120)
            order.append(key)

        return work

    crowd = [lanes.submit(f"crowd/{number}", noting(f"crowd/{number}")) for number in range(40)]
    single = lanes.submit("single/1", noting("single/1"))
    gate.set()
    wait([*crowd, single], 120)
    assert order.index("single/1") < 20


def test_who_was_slow_the_last_time_takes_no_place_of_the_quick(released: threading.Event) -> None:
    lanes = Lanes(1, host_of)
    try:
        first = threading.Event()
        slow = lanes.submit("slow/1", lambda: first.wait(1))  # longer than a quick poll may take
        slow.result(120)
        again = lanes.submit("slow/1", lambda: released.wait(120))
        assert lanes.submit("quick/1", lambda: True).result(120)
        assert not again.done()
    finally:
        released.set()
        lanes.shutdown()


def test_the_last_threads_are_for_those_who_were_quick(released: threading.Event) -> None:
    seconds = count()
    now = [0.0]
    lanes = Lanes(4, host_of, clock=lambda: now[0])  # whoever is quick by this clock is quick on a busy machine, too

    def crowded() -> bool:
        now[0] = float(next(seconds))
        return sum(future.running() for future in crowd) >= MOST - 4

    try:
        assert lanes.submit("healthy/1", lambda: True).result(60)
        crowd = hanging(lanes, released, [f"h{number}/1" for number in range(2 * MOST)])
        until(crowded, "all but the last threads are taken")
        for _ in range(3):
            assert lanes.submit("healthy/1", lambda: True).result(120)
        assert not any(future.done() for future in crowd)
    finally:
        released.set()
        lanes.shutdown()


def test_never_more_than_the_most_run_at_once(lanes: Lanes, released: threading.Event) -> None:
    running: list[int] = []
    lock, full = threading.Lock(), threading.Event()

    def work() -> None:
        with lock:
            running.append(1)
            if len(running) == MOST - 4:
                full.set()
        released.wait(120)

    many = [lanes.submit(f"h{number}/1", work) for number in range(MOST + 20)]
    assert full.wait(120)
    assert not any(future.done() for future in many)
    released.set()
    wait(many, 120)
    assert len(running) == MOST + 20


def test_a_shutdown_forgets_what_waits_and_ends_when_the_running_ends(released: threading.Event) -> None:
    lanes = Lanes(1, host_of)
    began = threading.Event()

    def work() -> bool:
        began.set()
        return released.wait(120)

    running = lanes.submit("a/1", work)
    assert began.wait(60)
    waiting = lanes.submit("a/2", lambda: True)
    ending = threading.Thread(target=lanes.shutdown)
    ending.start()
    released.set()
    ending.join(60)
    assert running.result(60) is True
    assert not waiting.running()
    assert not waiting.done()
    with pytest.raises(RuntimeError):
        lanes.submit("a/3", lambda: True)


FEW_THREADS = """
import resource, threading
from monitor.app.lanes import Lanes

threading.stack_size(256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
lanes, released = Lanes(100, lambda key: key), threading.Event()
futures = [lanes.submit(str(number), lambda: released.wait(120)) for number in range(60)]
while sum(future.running() for future in futures) < 5:
    pass
released.set()
assert all(future.result(120) for future in futures)
assert lanes.submit("after", lambda: True).result(120)
assert threading.active_count() < 40
lanes.shutdown()
"""


def test_where_the_process_gets_no_more_threads_all_runs_in_those_there_are() -> None:
    done = subprocess.run([sys.executable, "-c", FEW_THREADS], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
