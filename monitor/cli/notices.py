"""`notices`: what people were told, word for word, and what became of each delivery."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core.moments import Moment, both, utc

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.audit.sent_notices import SentNotice
    from monitor.core.ports import SentMessage

NEWEST = 20
"""How many notices are listed unless told."""


@command(
    "notices",
    table=True,
    examples=(
        "access-monitor notices",
        "access-monitor notices 4711.platform",
        "access-monitor notices --limit 100 --json",
    ),
)
@click.argument("id", metavar="[ID]", required=False)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=NEWEST,
    help="At most N, the newest; 20 by default.",
)
@click.option(
    "--entry", metavar="KEY", default="", shell_complete=complete_entries, help="Only notices about this entry."
)
@time_option("--since", "Only those composed at this time or later.")
@time_option("--until", "Only those composed, and sent, up to this time.")
@click.pass_obj
def notices(
    options: Options, *, id: str | None, limit: int, entry: str, since: Moment | None, until: Moment | None
) -> None:
    """Show what was sent, word for word, and to whom.

    Without ID the newest notices, one a line. ID is the one at the end of a message.
    """
    from monitor.audit import documents
    from monitor.audit.sent_notices import find_notice, sent_notices

    with opened(options) as monitor, monitor.store.read() as reader:
        begin, end = (None if at is None else at.resolve(monitor.clock()) for at in (since, until))
        rows = [find_notice(reader, id)] if id else sent_notices(reader, limit, entry=entry, since=begin, until=end)
        name = monitor.settings.notify.timezone
    zone = ZoneInfo(name) if name else None
    if options.json:
        output.as_json([documents.of_notice(row, zone) for row in rows])
    elif id:
        _print_notice(rows[0], zone)
    elif rows:
        from monitor.notify.forms import render

        output.table(
            ("ID", "AT", "SENT TO", "TITLE"),
            [
                (
                    row.notice.id,
                    utc(row.notice.at),
                    _destinations(row),
                    row.messages[-1].title if row.messages else render(row.notice, zone).title,
                )
                for row in rows
            ],
        )
    else:
        output.note("No notice was sent yet.")


def _print_notice(row: SentNotice, zone: tzinfo | None) -> None:
    from monitor.notify.forms import render

    if not row.messages:
        rendered = render(row.notice, zone)
        _print_message(rendered.title, rendered.text)
    for message in row.messages:
        click.echo(output.printable(f"Sent to {message.destination} at {both(message.at)}:"))
        _print_message(message.title, _readable(message))
    click.echo(f"Told {row.notice.owner} at {both(row.notice.at)}.")
    output.table(
        ("DELIVERY", "STATE", "TRIED", "DESTINATION", "ERROR"),
        [
            (str(delivery.id), delivery.state.value, str(delivery.attempts), delivery.destination, delivery.error)
            for delivery in row.deliveries
        ],
        coloured="STATE",
        numbers=("DELIVERY", "TRIED"),
    )


def _print_message(title: str, text: str) -> None:
    click.echo(output.colour(output.printable(title), output.BOLD))
    for line in text.splitlines():
        click.echo(output.printable(line))
    click.echo()


def _readable(message: SentMessage) -> str:
    """Return the body of a message as it went out; of one that is JSON the text that goes with its data."""
    if message.form not in ("slack", "cloudevents", "jsonl"):
        return message.body
    payload = json.loads(message.body)
    text: str = payload["data"]["text"] if message.form == "cloudevents" else payload["text"]
    return text


def _destinations(row: SentNotice) -> str:
    return ", ".join(f"{delivery.destination} ({delivery.state.value})" for delivery in row.deliveries)
