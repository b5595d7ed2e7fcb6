"""`ack` and `silence`: what people say to notices."""

from __future__ import annotations

from datetime import timedelta

import click

from monitor.cli.acts import actor, by_person, reason_given, recorded_text, show
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import surface_option
from monitor.settings.durations import parse


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    if value is None:
        return None
    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}.", ctx, param) from error


@command(
    "ack",
    table=True,
    examples=(
        "access-monitor ack gpt-5.6-luna --by 'Ada L.'",
        "access-monitor ack 4711.platform --by 'Ada L.' --note 'on it'",
    ),
)
@click.argument("what", metavar="ENTRY|NOTICE", shell_complete=complete_entries)
@surface_option
@by_person
@click.option("--note", metavar="TEXT", default="", callback=recorded_text, help="What is being done about it.")
@click.pass_obj
def ack(options: Options, *, what: str, surface: str, by: str, note: str) -> None:
    """Acknowledge a pause: stops repeat notifications.

    It does not resume the entry. NOTICE is the id at the end of a message.
    """
    from monitor.registry.acts import ActTarget

    with opened(options) as monitor:
        done = monitor.acts.acknowledge(ActTarget(entry=what, surface=surface), actor(by), note=note)
        show(options, monitor, *done.events)


@command(
    "silence",
    table=True,
    examples=(
        "access-monitor silence gpt-5.6-luna --for 8h --by 'Ada L.' --reason 'migration tonight'",
        "access-monitor silence gpt-5.6-luna --lift --by 'Ada L.' --reason 'done'",
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@click.option("--for", "span", metavar="DURATION", callback=_span, help="How long, such as 8h.")
@click.option("--lift", is_flag=True, help="End a silence.")
@by_person
@reason_given
@click.pass_obj
def silence(
    options: Options, *, entry: str, surface: str, span: timedelta | None, lift: bool, by: str, reason: str
) -> None:
    """Mute notices about an entry for a time.

    New pauses are notified all the same, and everything is in the log.
    """
    from monitor.registry.acts import ActTarget, SilenceRequest

    request = SilenceRequest(span=span, lift=lift)
    with opened(options) as monitor:
        done = monitor.acts.silence(ActTarget(entry=entry, surface=surface), actor(by), request, reason=reason)
        show(options, monitor, *done.events)
