"""`notify test`: whether a message to an owner arrives, asked before a night on which it has to."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Group, Options, command
from monitor.cli.names import complete_owners
from monitor.cli.opening import opened
from monitor.core.ports import Delivery, DeliveryState
from monitor.notify.outbox import enqueue_test

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor

_PAUSE = 0.2  # seconds between two looks at a delivery that the running monitor took first
_PATIENCE = timedelta(seconds=60)


@command("test", table=True, examples=("access-monitor notify test platform",))
@click.argument("owner", shell_complete=complete_owners)
@click.pass_obj
def test(options: Options, *, owner: str) -> int:
    """Send a test notice to every destination of an owner, and nothing else.

    Shows what became of each; ends with 1 if one was not reached. OWNER may be a group.
    """
    with opened(options) as monitor:
        notices = enqueue_test(monitor.store, monitor.configuration.owners, owner, monitor.clock())
        rows = delivered(monitor, notices)
    if options.json:
        output.as_json([{"destination": row.destination, "state": row.state.value, "error": row.error} for row in rows])
    else:
        output.table(
            ("DESTINATION", "STATE", "ERROR"),
            [(row.destination, row.state.value, row.error) for row in rows],
            coloured="STATE",
        )
    reached = all(row.state is DeliveryState.SENT for row in rows)
    if not reached:
        output.note("Not every destination was reached; what waits is tried again while `access-monitor run` runs.")
    return 0 if reached else 1


notify = Group(
    "notify",
    commands=(test,),
    help="Try out the destinations of an owner.",
    examples=test.examples,
)


def delivered(monitor: Monitor, notices: Collection[str]) -> Sequence[Delivery]:
    """Return the deliveries of notices after each was tried once: here, or by the running monitor if that was quicker.

    Nothing else that waits is sent.
    """
    monitor.relay.tick(only=notices)
    deadline = monitor.clock() + _PATIENCE
    pause = threading.Event()
    while True:
        with monitor.store.read() as reader:
            rows = [row for row in reader.deliveries() if row.notice in notices]
        untried = any(
            row.state is DeliveryState.SENDING or (row.state is DeliveryState.WAITING and not row.attempts)
            for row in rows
        )
        if not untried or monitor.clock() >= deadline:
            return rows
        pause.wait(_PAUSE)
