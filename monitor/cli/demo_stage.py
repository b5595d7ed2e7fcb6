"""What the demo prints: the story while it plays, the summary after it, the commands to look further with.

Layout and colour only. Every fact comes from the log or from the owner's messages, read elsewhere.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from monitor.cli import output
from monitor.cli.demo_summary import Chapter, StoryPause, StorySummary, answered
from monitor.cli.demo_words import StoryLine, shifted
from monitor.core.configuration import ConfirmationRules, Requirement
from monitor.sandbox import TimelineStep

WORD = 9
"""How wide the one word is that says what was done."""

WORDS: Mapping[str, str] = {
    "PAUSED": output.RED,
    "gate": output.RED,
    "active": output.GREEN,
    "failed": output.YELLOW,
    "recovered": output.GREEN,
    "you": output.BOLD,
}

HASH = 12

NEW_USE = "new usage"


class Stage:
    """Prints one performance. `overridden` are variables of the shell that the printed commands have to do without."""

    def __init__(self, delay: ConfirmationRules, folder: Path, *, overridden: Sequence[str]) -> None:
        self._rules = delay
        self._folder = folder
        self._overridden = overridden

    def open(self, steps: Sequence[TimelineStep]) -> None:
        """Say what this is; the first line says that it is the sandbox."""
        bold = output.colour("This is the sandbox", output.BOLD)
        _say(f"{bold}: a provider on this machine plays what happened to GPT-5.6. Nothing is sent to anyone.")
        _say(
            f"The story runs from {steps[0].date} to {steps[-1].date} and takes about ten seconds. Dates are the "
            "story's, times are real; the last two days are imagined."
        )
        _say("Daemon, clock, database, deliveries are those of `access-monitor run`. Only confirmation is hurried:")
        _say(
            f"a change is confirmed after {requirement(self._rules.change)} (as shipped: "
            f"{requirement(ConfirmationRules().change)})."
        )
        _say(f"Everything is in {self._folder}; what you do is shown without its --config.")

    def begin(self, chapter: Chapter, before: Chapter | None) -> None:
        """Begin a step."""
        _say()
        quiet = 0 if before is None else (chapter.step.date - before.step.date).days - 1
        if quiet > 0:
            _say(output.colour(f"            … {output.plural(quiet, 'quiet day')} …", output.DIM))
            _say()
        _say(f"{output.colour(str(chapter.step.date), output.BOLD)}  {output.colour(chapter.step.title, output.BOLD)}")

    def line(self, line: StoryLine) -> None:
        """Say that the monitor did something, the owner was told, or a person acted."""
        word = output.colour(f"{line.word:<{WORD}}", WORDS.get(line.word, output.DIM))
        _say(f"  {clock(line.at)}  {word}  {output.printable(line.text)}")

    def ended_early(self, at: date) -> None:
        """Say that a person ended the demo."""
        _say()
        _say(f"Ended at {at}, before the story did. What was recorded until then is in {self._folder}.")

    def close(self) -> None:
        """Say the end."""
        _say()
        _say(f"Daemon and sandbox have ended; the commands above go on working until you delete {self._folder}.")

    def summary(self, summary: StorySummary) -> None:
        """Say what came of it."""
        _title("What was paused")
        for pause in summary.pauses:
            _pause(pause)
        _title("What the failing models list did")
        outage = summary.outage
        _say(
            f"  It could not be read for {seconds(outage.blind)}. The log holds "
            f"{output.plural(outage.failures, 'failure')} and "
            f"{output.plural(outage.recoveries, 'recovery')},"
        )
        _say(f"  and between them {output.plural(outage.between, 'event')} about models, prices or entries.")
        _title("What the owner was sent")
        _say(
            f"  {output.plural(len(summary.messages), 'message')} arrived, {len(summary.pauses_told)} of them "
            f"about pauses; {summary.undelivered} could not be delivered."
        )
        _say("  The last about a pause, as it was received:")
        _say()
        for text in summary.pauses_told[-1:]:
            for row in text.splitlines():
                _say(f"  {output.colour('│', output.DIM)} {output.printable(row)}".rstrip())
        _title("How long it took to pause")
        _say(
            f"  At most {seconds(max(pause.delay for pause in summary.pauses))} from the first poll that "
            "showed what changed to the pause."
        )
        _say(
            f"  As shipped a change takes {requirement(ConfirmationRules().change)}, since pages flap and a pause "
            "wakes people."
        )

    def commands(self, config: Path, summary: StorySummary, *, stay: bool) -> None:
        """Say where to look further."""
        first, last = summary.pauses[0], summary.pauses[-1]
        _title("Look further")
        program = " ".join([*self._without(), command_line(), "--config", shlex.quote(str(config))])
        for words in (
            "status",
            f"why {last.entry}",
            "events --type 'entry.*'",
            f"prices {first.entry} --history --plot",
            f"evidence {_short(first.evidence_before)} --diff {_short(first.evidence)}",
            f"gate {last.entry} --explain",
            *(f"gate {entry} --caller {caller}" for entry, caller in _going_on(summary)[:1]),
        ):
            _say(f"  {program} {words}")
        if stay:
            _say()
            _say("Daemon and sandbox run on until Ctrl-C: look around from another terminal.")

    def _without(self) -> list[str]:
        return ["env", *(part for name in self._overridden for part in ("-u", name))] if self._overridden else []


def _pause(pause: StoryPause) -> None:
    _say(f"  {output.colour(pause.name, output.BOLD)} on {pause.date}, at {clock(pause.at)}")
    _say(f"    why    {shifted(pause.shifts)}")
    _say(f"    after  {output.plural(pause.polls, 'poll')} within {seconds(pause.delay)} (event {pause.position})")
    _say(f"    gate   {'; '.join(f'{caller or NEW_USE} {answered(of)}' for caller, of in pause.answers.items())}")
    _say(
        "    now    "
        f"{f'resumed by {pause.resumed_by} at {clock(pause.resumed_at)}' if pause.resumed_at else 'still paused'}"
    )


def _going_on(summary: StorySummary) -> list[tuple[str, str]]:
    """Return who goes on with an entry that is still paused: entry and caller."""
    return [
        (pause.entry, caller)
        for pause in summary.pauses
        for caller, answer in pause.answers.items()
        if answer.allowed and pause.resumed_at is None
    ]


def requirement(of: Requirement) -> str:
    """Return what it takes to confirm, in words: `2 polls over at least 60 s`."""
    span = of.span.total_seconds()
    return output.plural(of.polls, "poll") + (f" over at least {span:g} s" if span else ", however close together")


def seconds(span: timedelta) -> str:
    """`0.6 s`."""
    return f"{span.total_seconds():.1f} s"


def clock(at: datetime) -> str:
    """Return the time of the day in UTC: the date of a story is another."""
    return f"{at.astimezone(UTC):%H:%M:%S}Z"


def command_line() -> str:
    """Return how this program is called from any folder: by its name where a shell finds it, else by its path."""
    called = Path(sys.argv[0])
    program = shutil.which("access-monitor")
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m monitor"
    if program is not None and os.path.realpath(program) == os.path.realpath(called):
        return "access-monitor"
    return shlex.quote(str(called.absolute()))


def _short(evidence: str) -> str:
    return evidence.removeprefix("sha256:")[:HASH]


def _title(text: str) -> None:
    _say()
    _say(output.colour(text, output.BOLD))


def _say(text: str = "") -> None:
    click.echo(text)
