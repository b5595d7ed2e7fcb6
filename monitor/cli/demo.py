"""`demo`: what truly happened to GPT-5.6, and two days more, played by a provider on this machine and watched by the
real daemon, in seconds.

Everything but the provider is real: clock, daemon, database, deliveries, the acts of people. What is shown is read from
the log and from what the owner received; where it does not come out as the story says, the command says so and ends
with 1.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from monitor.cli.acts import via
from monitor.cli.framework import Options, command
from monitor.core.ports import MonitorError

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor

LOG_FILE = "daemon.log"
PREFIXES = ("ACCESS_MONITOR__", "ACCESS_MONITOR_LEASE")
LOOPBACK = "127.0.0.1"
BREATH = 0.2
"""The longest time until a signal is heard while daemon and sandbox run on, in seconds."""


@command("demo", examples=("access-monitor demo", "access-monitor demo --stay"))
@click.option("--stay", is_flag=True, help="Keep daemon and sandbox running until Ctrl-C.")
@click.pass_obj
def demo(options: Options, *, stay: bool) -> int:
    """Play a story in a sandbox, in ten seconds.

    A provider on this machine plays what happened to GPT-5.6 in 2026 and two imagined days after it: prices fall, one
    rises, a model vanishes. The real daemon watches it in a temporary folder. No key is needed and nothing is sent.
    Ends with 1 where the log, the gate or the messages differ from the story. The folder stays.
    """
    if options.config is not None or options.database is not None:
        raise click.UsageError("The demo brings its own configuration and database; leave --config and --database out.")
    with _signals() as ended, _no_proxy_for(LOOPBACK):
        return _perform(ended, stay=stay)


class _Ended:
    """Which signal ended the demo, None while none did. A handler only sets it: it interrupts anything, at any line."""

    def __init__(self) -> None:
        self.by: int | None = None

    def __bool__(self) -> bool:
        return self.by is not None


@contextmanager
def _signals() -> Iterator[_Ended]:
    ended = _Ended()

    def end(number: int, _frame: FrameType | None) -> None:
        ended.by = number

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _no_proxy_for(host: str) -> Iterator[None]:
    """Keep a message to the sandbox from the proxy that a company's shell names."""
    names = ("no_proxy", "NO_PROXY")
    before = {name: os.environ.get(name) for name in names}
    exceptions = next((value for value in before.values() if value), "")
    os.environ.update(dict.fromkeys(names, ",".join(part for part in (exceptions, host) if part)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Daemon:
    """The real daemon in a thread of this process, which owns the signals."""

    def __init__(self, monitor: Monitor) -> None:
        from monitor.app.daemon import Daemon

        self._daemon = Daemon(monitor, lambda: monitor.settings)
        self._thread = threading.Thread(target=self._run, name="daemon")
        self.error: Exception | None = None

    def __enter__(self) -> _Daemon:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()
        self._thread.join()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Return when it ended, at the latest after so many seconds."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._daemon.run()
        except Exception as error:
            self.error = error


def _perform(ended: _Ended, *, stay: bool) -> int:
    from monitor.app import log_output
    from monitor.app.bootstrap import open_monitor
    from monitor.cli.demo_play import Play, Stopped, held
    from monitor.cli.demo_stage import Stage
    from monitor.cli.demo_summary import expected, problems, summarise
    from monitor.sandbox import Sandbox
    from monitor.sandbox.demo_config import write_demo
    from monitor.sandbox.gpt_5_6 import IMAGINED, STEPS

    folder = Path(tempfile.mkdtemp(prefix="access-monitor-demo-"))
    with ExitStack() as stack:
        log = stack.enter_context((folder / LOG_FILE).open("w", encoding="utf-8", buffering=1))
        log_output.configure(log)
        sandbox = stack.enter_context(Sandbox(held((*STEPS, *IMAGINED)), hold=True))
        config = write_demo(sandbox.base_url, sandbox.pricing_url, sandbox.webhook_url, folder)
        monitor = stack.enter_context(open_monitor(config, environ=_environment()))
        stage = Stage(monitor.configuration.confirmation, folder, overridden=_overrides())
        stage.open(sandbox.timeline.steps)
        daemon = stack.enter_context(_Daemon(monitor))
        play = Play(sandbox, monitor, stage, via=via(), interrupted=lambda: bool(ended), alive=daemon.alive)
        callers = {key: spec.callers for key, spec in monitor.configuration.entries.items()}
        list_source = _list_source(monitor)
        wanted = expected(sandbox.timeline.steps, callers, list_source=list_source)
        try:
            play.run(wanted)
            with monitor.store.read() as reader:
                summary = summarise(play.chapters, list(reader.events()), sandbox.messages, list_source=list_source)
            if differences := problems(summary, play.chapters, wanted):
                raise MonitorError(f"The story did not end as expected: {'; '.join(differences)}.")
            stage.summary(summary)
            stage.commands(config, summary, stay=stay)
            while stay and not ended:
                daemon.wait(BREATH)
                if not daemon.alive():
                    raise MonitorError("The daemon of the demo ended by itself.")
        except Stopped:
            stage.ended_early(sandbox.current.date)
            return 128 + (ended.by or signal.SIGINT)
        except MonitorError as error:
            reason = f" Its error: {daemon.error}" if daemon.error is not None else ""
            raise MonitorError(f"{error}{reason} The daemon's log is {folder / LOG_FILE}.") from error
    stage.close()
    return 0


def _list_source(monitor: Monitor) -> str:
    return next(key for key, spec in monitor.configuration.sources.items() if spec.route == "list")


def _overrides() -> list[str]:
    """Return the variables of this shell that belong to another monitor, and would lead to its database."""
    return sorted(name for name in os.environ if name.startswith(PREFIXES))


def _environment() -> Mapping[str, str]:
    overridden = _overrides()
    return {name: value for name, value in os.environ.items() if name not in overridden}
