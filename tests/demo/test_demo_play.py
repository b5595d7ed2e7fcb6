"""What the play does where the story does not go on: it says what did not happen, and does not wait for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.app.bootstrap import Monitor, open_monitor
from monitor.cli import demo_play
from monitor.cli.demo_play import Play, Stopped, held
from monitor.cli.demo_summary import Chapter, expected
from monitor.cli.demo_words import StoryLine
from monitor.core.ports import MonitorError
from monitor.sandbox import Sandbox
from monitor.sandbox.demo_config import write_demo
from monitor.sandbox.gpt_5_6 import STEPS


class Nobody:
    """A stage without an audience."""

    def begin(self, chapter: Chapter, before: Chapter | None) -> None: ...

    def line(self, line: StoryLine) -> None: ...


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(held(STEPS), hold=True) as running:
        yield running


@pytest.fixture
def monitor(sandbox: Sandbox, tmp_path: Path) -> Iterator[Monitor]:
    config = write_demo(sandbox.base_url, sandbox.pricing_url, sandbox.webhook_url, tmp_path)
    with open_monitor(config, environ={}) as opened:
        opened.declare()
        yield opened


def play(
    sandbox: Sandbox,
    monitor: Monitor,
    *,
    interrupted: Callable[[], bool] = lambda: False,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    callers = {key: spec.callers for key, spec in monitor.configuration.entries.items()}
    wanted = expected(sandbox.timeline.steps, callers, list_source="openai-models")
    Play(sandbox, monitor, Nobody(), via={}, interrupted=interrupted, alive=alive).run(wanted)


def test_what_does_not_happen_is_named_when_the_patience_ends(
    sandbox: Sandbox, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_play, "PATIENCE", timedelta(0))
    with pytest.raises(MonitorError) as caught:
        play(sandbox, monitor)
    assert str(caught.value) == (
        "The story came to a halt at 2026-06-25: 0 seconds on, no entry.visible of gpt-5.4-mini was recorded."
    )


def test_a_daemon_that_ended_ends_the_story(sandbox: Sandbox, monitor: Monitor) -> None:
    with pytest.raises(MonitorError, match="ended by itself"):
        play(sandbox, monitor, alive=lambda: False)


def test_a_person_can_end_it_at_any_time(sandbox: Sandbox, monitor: Monitor) -> None:
    with pytest.raises(Stopped):
        play(sandbox, monitor, interrupted=lambda: True)


def test_a_step_ends_only_when_it_was_watched() -> None:
    assert all(step.waits_for for step in held(STEPS))
    assert [step.waits_for for step in STEPS if step.waits_for] == ["activate", "resume", "resume"]
