"""What people do to the registry. Each act names who did it and why; from where is taken from the operating system."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from monitor.audit.documents import of_acceptance
from monitor.cli import accepting, output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_checks, complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import name_others, surface_option
from monitor.core import events as ev
from monitor.core.entry import Status
from monitor.core.event_types import in_words
from monitor.core.events import entry_key, record
from monitor.core.ports import Refused
from monitor.core.redaction import redact

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.core.events import Event
    from monitor.registry.acceptance import Acceptance, Going
    from monitor.registry.acts import Actor

Act = TypeVar("Act", bound=Callable[..., object])


def via() -> dict[str, str]:
    """From where: the account that the kernel says this is (`$USER` can be set to anything), the host, the channel."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    return {"user": user, "host": socket.gethostname(), "channel": "cli"}


def actor(by: str) -> Actor:
    """Return who acts from this shell."""
    from monitor.registry.acts import Actor

    return Actor(by=by, via=via())


def recorded_text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the value of an option that the log keeps for good: without keys, which people paste into reasons as they
    do anywhere.
    """
    return None if value is None else redact(value.strip())


def _said(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("may not be empty; the log keeps it.", ctx, param)
    return recorded_text(ctx, param, value)


def by_person(act: Act) -> Act:
    """Return the option of who acts."""
    return click.option("--by", metavar="PERSON", required=True, callback=_said, help="Your name; kept in the log.")(
        act
    )


def reason_given(act: Act) -> Act:
    """Return the option of why."""
    return click.option("--reason", metavar="TEXT", required=True, callback=_said, help="Why; kept in the log.")(act)


def _expect(act: Act) -> Act:
    return click.option(
        "--expect",
        metavar="POSITION",
        type=click.IntRange(min=0),
        help="Refuse if anything relevant was recorded after it; `status` and the notice print it.",
    )(act)


def _names(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Names that were given with commas, in several options, or both."""
    return frozenset(name.strip() for value in values for name in value.split(",") if name.strip())


def _acceptor(act: Act) -> Act:
    """Add the options for who accepts what, and why; who only looks is not asked for name and reason."""
    act = click.option(
        "--waive",
        "waived",
        metavar="CHECK,…",
        multiple=True,
        callback=_names,
        shell_complete=complete_checks,
        help="Go on without these required checks; kept in the log.",
    )(act)
    act = click.option(
        "--accept-loss",
        "losses",
        metavar="ROUTE,…",
        multiple=True,
        callback=_names,
        help="Go on without these refused routes or account settings; kept in the log.",
    )(act)
    act = click.option(
        "--dry-run", is_flag=True, help="Show what would be accepted and what is missing; change nothing."
    )(act)
    act = _expect(act)
    act = click.option("--reason", metavar="TEXT", callback=_said, help="Why; kept in the log.")(act)
    return click.option("--by", metavar="PERSON", callback=_said, help="Your name; kept in the log.")(act)


def _named(by: str | None, reason: str | None) -> tuple[str, str]:
    if by is None or reason is None:
        missing = "--by" if by is None else "--reason"
        raise click.UsageError(f"Missing option '{missing}'. Only --dry-run needs neither --by nor --reason.")
    return by, reason


@command(
    "activate",
    table=True,
    examples=(
        "access-monitor activate gpt-5.6-luna --dry-run",
        "access-monitor activate gpt-5.6-luna --by 'Ada L.' --reason 'evals passed' --expect 4711",
        "access-monitor activate gpt-5.6-luna --waive evals --by 'Ada L.' --reason 'a trial with ten users'",
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@_acceptor
@click.pass_obj
def activate(
    options: Options,
    *,
    entry: str,
    surface: str,
    by: str | None,
    reason: str | None,
    expect: int | None,
    waived: frozenset[str],
    losses: frozenset[str],
    dry_run: bool,
) -> int:
    """Accept an entry's assumptions and let production use it.

    What is confirmed now becomes the entry's pins. Refused, naming everything that is missing, while a required
    check is neither verified nor waived, a route in use is refused, a pinned fact has a pending change, or
    something relevant happened after --expect.
    """
    from monitor.registry.acceptance import Going
    from monitor.registry.acts import ActTarget

    going, target = Going(waived=waived, losses=losses), ActTarget(entry=entry, surface=surface)
    if dry_run:
        with opened(options) as monitor:
            key = monitor.acts.row(target)
            acceptance = monitor.acts.preview(target, ev.ENTRY_ACTIVATED, going)
        if options.json:
            output.as_json(of_acceptance(key, acceptance))
            return 1 if acceptance.problems else 0
        return accepting.preview(acceptance, f"access-monitor activate {key}{_without(going)}")
    by, reason = _named(by, reason)
    with opened(options) as monitor:
        done = monitor.acts.activate(target, actor(by), reason=reason, expect=expect, going=going)
        show(options, monitor, *done.events)
        name_others(monitor, done.key, "activate", (Status.EVALUATING,))
    return 0


@command("pause", table=True, examples=("access-monitor pause gpt-5.6-luna --by 'Ada L.' --reason 'answers degraded'",))
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@by_person
@reason_given
@_expect
@click.pass_obj
def pause(options: Options, *, entry: str, surface: str, by: str, reason: str, expect: int | None) -> None:
    """Stop the use of an entry.

    Production is denied the entry until a named person resumes it.
    """
    from monitor.registry.acts import ActTarget

    with opened(options) as monitor:
        target = ActTarget(entry=entry, surface=surface)
        done = monitor.acts.pause(target, actor(by), reason=reason, expect=expect)
        show(options, monitor, *done.events)
        name_others(monitor, done.key, "pause", (Status.ACTIVE,))


@command(
    "resume",
    table=True,
    examples=(
        "access-monitor resume gpt-5.6-luna --dry-run",
        "access-monitor resume gpt-5.6-luna --by 'Ada L.' --reason 'new price accepted' --expect 4711",
        (
            "access-monitor resume gpt-5.6-luna --waive evals,safety_review --by 'Ada L.' --reason 'the same model "
            "is back'"
        ),
        "access-monitor resume --cause 4708 --by 'Ada L.' --reason 'the list was wrong'",
    ),
)
@click.argument("entry", required=False, shell_complete=complete_entries)
@click.option("--cause", metavar="POSITION", type=click.IntRange(min=1), help="Resume all that this event paused.")
@surface_option
@_acceptor
@click.pass_obj
def resume(
    options: Options,
    *,
    entry: str | None,
    surface: str,
    cause: int | None,
    by: str | None,
    reason: str | None,
    expect: int | None,
    waived: frozenset[str],
    losses: frozenset[str],
    dry_run: bool,
) -> int:
    """Let production use a paused entry again.

    What is confirmed now becomes the entry's pins; old and new are shown side by side. Refused until every check
    that the pause asks for was verified since, or is waived. With --cause each entry is judged by itself; if one is
    refused, the exit code is 1.
    """
    from monitor.registry.acceptance import Going
    from monitor.registry.acts import ActTarget

    if (entry is None) == (cause is None):
        raise click.UsageError("Name the ENTRY, or with --cause the event that paused several.")
    if surface and cause is not None:
        raise click.UsageError("--cause resumes on every surface; leave --surface out, or name the ENTRY.")
    who, why = ("", "") if dry_run else _named(by, reason)
    going = Going(waived=waived, losses=losses)
    refusals: list[Refused] = []
    previews: list[tuple[str, Acceptance]] = []
    resumed: list[Event] = []
    with opened(options) as monitor:
        named = ActTarget(entry=entry or "", surface=surface)
        rows = monitor.operator.paused_by(cause or 0) if entry is None else (monitor.acts.row(named),)
        for key in rows:
            try:
                target = ActTarget(entry=key)
                acceptance = monitor.acts.preview(target, ev.ENTRY_RESUMED, going)
                if dry_run:
                    previews.append((key, acceptance))
                    continue
                if not options.json:
                    accepting.pins(acceptance.compared)
                # What comes between showing and accepting refuses: nobody saw it.
                done = monitor.acts.resume(
                    target, actor(who), reason=why, expect=expect, shown=acceptance.position, going=going
                )
            except Refused as error:
                refusals.append(error)
            else:
                resumed += done.events
                if not options.json:
                    told(*done.events)
        if resumed and options.json:
            show(options, monitor, *resumed, several=cause is not None)
        if resumed and entry is not None:
            name_others(monitor, rows[0], "resume", (Status.PAUSED,))
    code = _previewed(options, previews, going, several=cause is not None) if dry_run else 0
    for refusal in refusals:
        click.echo(f"Error: {output.printable(str(refusal))}", err=True)
    return 1 if refusals else code


def _without(going: Going) -> str:
    """Return the options of a command that goes on without what this one does."""
    named = (("--waive", going.waived), ("--accept-loss", going.losses))
    return "".join(f" {option} {','.join(sorted(names))}" for option, names in named if names)


def _previewed(options: Options, previews: Sequence[tuple[str, Acceptance]], going: Going, *, several: bool) -> int:
    """Print what resumptions would accept; 1 where one would be refused."""
    if not options.json:
        return max(
            (
                accepting.preview(acceptance, f"access-monitor resume {key}{_without(going)}")
                for key, acceptance in previews
            ),
            default=0,
        )
    shown = [of_acceptance(key, acceptance) for key, acceptance in previews]
    if several or shown:
        output.as_json(shown if several else shown[0])
    return 1 if any(acceptance.problems for _, acceptance in previews) else 0


@command(
    "retire", table=True, examples=("access-monitor retire gpt-4.1 --by 'Ada L.' --reason 'nobody calls it any more'",)
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@by_person
@reason_given
@_expect
@click.pass_obj
def retire(options: Options, *, entry: str, surface: str, by: str, reason: str, expect: int | None) -> None:
    """End an entry for good.

    It is denied everywhere and no longer judged; its history stays in the log. It cannot be revived.
    """
    from monitor.registry.acts import ActTarget

    with opened(options) as monitor:
        target = ActTarget(entry=entry, surface=surface)
        done = monitor.acts.retire(target, actor(by), reason=reason, expect=expect)
        show(options, monitor, *done.events)
        name_others(monitor, done.key, "retire", (Status.WAITING, Status.EVALUATING, Status.ACTIVE, Status.PAUSED))


@command(
    "release", table=True, examples=("access-monitor release 4711 --by 'Ada L.' --reason 'the provider announced it'",)
)
@click.argument("position", type=click.IntRange(min=1))
@by_person
@reason_given
@click.pass_obj
def release(options: Options, *, position: int, by: str, reason: str) -> None:
    """Confirm a quarantined price.

    POSITION is that of the price.quarantined event. What follows from the price, such as a pause, follows now.
    """
    with opened(options) as monitor:
        done = monitor.acts.release(position, actor(by), reason=reason)
        show(options, monitor, *done.events, several=True)


def show(options: Options, monitor: Monitor, *events: Event, several: bool = False) -> None:
    """Print what an act recorded: in words, or for scripts the event, or the list of events where there may be
    `several`.
    """
    if not options.json:
        told(*events)
        return
    with monitor.store.read() as reader:
        recorded = [reader.event(event.position) for event in events]
    shapes = [record(item) for item in recorded if item is not None]
    output.as_json(shapes if several else shapes[0])


def told(*events: Event) -> None:
    """Print what an act recorded, and what follows from it for who did it."""
    for event in events:
        _told(event)


def _told(event: Event) -> None:
    text = output.printable(f"{entry_key(event) or event.subject}  {in_words(event)}")
    click.echo(f"{event.position}  {event.type}  {text}".rstrip())
    if event.type == ev.ENTRY_APPROVAL_REQUESTED:
        from monitor.registry.acceptance import COMMANDS

        again = (
            f"access-monitor {COMMANDS[event.data['act']]} {entry_key(event)} --by … --reason … --expect "
            f"{event.data['expect']}"
        )
        output.note(f"This is a request: it takes effect when another person runs `{again}`.")
    if unpinned := event.data.get("unpinned"):
        output.note(f"Not pinned, since nothing is known of it: {', '.join(map(str, unpinned))}.")
