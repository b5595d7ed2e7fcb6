"""`maintenance`: planned maintenance, in which changes of named pins inform and do not pause until it ends."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli.acts import actor, by_person, reason_given, show
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import surface_option
from monitor.cli.times import time_option
from monitor.core.moments import Moment, both

if TYPE_CHECKING:
    from monitor.core.maintenance_windows import Window


@command(
    "maintenance",
    table=True,
    examples=(
        (
            "access-monitor maintenance gpt-5.6-luna --until 'in 4h' --change 'openai/*/price.*' --by 'Ada L.' "
            "--reason 'prices announced for today'"
        ),
        "access-monitor maintenance gpt-5.6-luna --close 4711 --by 'Ada L.' --reason 'done early'",
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@time_option("--from", "When it begins; now by default.", dest="start")
@time_option("--until", "When it ends; at most 31 days later.", dest="end")
@click.option(
    "--change",
    "changes",
    metavar="GLOB",
    multiple=True,
    help="The key of a pin that is expected to change; may be repeated.",
)
@click.option("--close", metavar="POSITION", type=click.IntRange(min=1), help="End the window that this event opened.")
@by_person
@reason_given
@click.pass_obj
def maintenance(
    options: Options,
    *,
    entry: str,
    surface: str,
    start: Moment | None,
    end: Moment | None,
    changes: tuple[str, ...],
    close: int | None,
    by: str,
    reason: str,
) -> None:
    """Announce maintenance in which changes are expected.

    Until it ends, a confirmed change of a pin that matches --change informs and does not pause. Then whatever still
    deviates from its pin pauses the entry. A lost listing is denied by the gate all the same.
    """
    from monitor.registry.acts import ActTarget, Announcement
    from monitor.registry.check_expiry import awaited

    announced = Announcement(start=start, end=end, changes=changes, close=close)
    with opened(options) as monitor:
        done = monitor.acts.maintain(ActTarget(entry=entry, surface=surface), actor(by), announced, reason=reason)
        show(options, monitor, *done.events, several=True)
        if close is None:
            return
        with monitor.store.read() as reader:
            stale = awaited(reader, monitor.configuration)
        if stale:
            monitor.poller.poll(stale)


def in_words(window: Window, at: datetime) -> str:
    """Return one window in a line: since or from when, until when, what is expected, on whose word."""
    begins = "since" if window.open(at) else "from"
    return (
        f"{begins} {both(window.start)} until {both(window.end)}: {', '.join(window.changes)} may move; "
        f"{window.reason}; by {window.by}; position {window.position}"
    )
