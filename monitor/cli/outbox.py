"""`outbox`: what is still to be told, and to whom."""

from __future__ import annotations

from datetime import datetime

import click

from monitor.cli import output
from monitor.cli.framework import DefaultGroup, Options, command
from monitor.cli.opening import opened
from monitor.core.events import rfc3339
from monitor.core.moments import both
from monitor.core.ports import Delivery, DeliveryState, Reader
from monitor.core.time import rounded
from monitor.notify import outbox as deliveries


@command(
    "list",
    table=True,
    examples=("access-monitor outbox", "access-monitor outbox --all --json"),
)
@click.option("--all", "everything", is_flag=True, help="Also what was sent.")
@click.pass_obj
def show(options: Options, *, everything: bool) -> None:
    """Show deliveries that are waiting, being sent or dead.

    Oldest first. DESTINATION platform#1 is the first destination of the owner platform.
    """
    states = () if everything else (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEAD)
    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = [(row, about(reader, row)) for row in reader.deliveries(*states)]
    if options.json:
        output.as_json([{**as_json(row, subject), "held_back": held_back(row, now)} for row, subject in rows])
        return
    if not rows:
        output.note("The outbox is empty: every notice was delivered.")
        return
    output.table(
        ("ID", "STATE", "DESTINATION", "ABOUT", "TRIED", "AGE", "NEXT", "ERROR"),
        [
            (
                str(row.id),
                row.state.value,
                row.destination,
                subject,
                str(row.attempts),
                rounded(now - row.created_at),
                both(row.retry_at) if row.state is DeliveryState.WAITING else "",
                row.error or (HELD_BACK if held_back(row, now) else ""),
            )
            for row, subject in rows
        ],
        coloured="STATE",
        numbers=("ID", "TRIED", "AGE"),
    )
    if any(row.state is DeliveryState.DEAD for row, _ in rows):
        output.note("Send the dead again with `access-monitor outbox redeliver --dead`.")


@command(
    "redeliver",
    examples=("access-monitor outbox redeliver 17 18", "access-monitor outbox redeliver --dead"),
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--dead", is_flag=True, help="All dead ones.")
@click.pass_obj
def redeliver(options: Options, *, ids: tuple[int, ...], dead: bool) -> None:
    """Make deliveries due again.

    Their attempts are counted anew; the running monitor sends them.
    """
    if bool(ids) == dead:
        raise click.UsageError("Name the deliveries by ID, or give --dead for all that were given up.")
    with opened(options) as monitor:
        count = deliveries.redeliver(monitor.store, monitor.clock(), ids or None)
    output.note(f"{output.plural(count, 'delivery')} due again." if count else "No delivery is dead.")


outbox = DefaultGroup(
    "outbox",
    default="list",
    commands=(show, redeliver),
    help="Show deliveries waiting or dead; send them again.",
    examples=(*show.examples, *redeliver.examples),
)


HELD_BACK = "held back: quiet hours or a digest"


def held_back(row: Delivery, now: datetime) -> bool:
    """Return whether a delivery waits for the end of quiet hours or for a digest, and not for another attempt."""
    return row.state is DeliveryState.WAITING and not row.attempts and row.retry_at > now


def about(reader: Reader, row: Delivery) -> str:
    """Return what the notice of a delivery is about: `paused gpt-5.6-luna and 2 more`."""
    notice = reader.notice(row.notice)
    if notice is None or not notice.items:
        return row.notice
    first = next(item for item in notice.items if item.reason is notice.reason)
    more = f" and {len(notice.items) - 1} more" if len(notice.items) > 1 else ""
    return f"{notice.reason.value.replace('_', ' ')} {first.entry or first.subject}{more}"


def as_json(row: Delivery, about: str) -> dict[str, object]:
    """Return a delivery for scripts; nothing in it is secret."""
    return {
        "id": row.id,
        "state": row.state.value,
        "owner": row.owner,
        "destination": row.destination,
        "notice": row.notice,
        "about": about,
        "attempts": row.attempts,
        "retry_at": rfc3339(row.retry_at),
        "created_at": rfc3339(row.created_at),
        "error": row.error,
    }
