"""`token`: who may ask and act over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.acts import by_person, recorded_text, via
from monitor.cli.framework import DefaultGroup, Options, command
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core.credentials import AccessScope
from monitor.core.events import rfc3339
from monitor.core.moments import Moment, both
from monitor.core.ports import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.core.credentials import Credential
    from monitor.settings import Settings

ONCE = "This is shown once: the database keeps only its digest."


def _scopes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[AccessScope, ...]:
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(AccessScope)]
    if unknown or not names:
        what = f"{unknown[0]!r} is no scope" if unknown else "names no scope"
        raise click.BadParameter(f"{what}; the scopes are {', '.join(AccessScope)}.", ctx, param)
    return tuple(map(AccessScope, names))


@command(
    "add",
    table=True,
    examples=(
        "access-monitor token add 'Ada L.' --scope operate --by 'Ada L.'",
        "access-monitor token add shop-gate --scope gate --until 'in 90d' --by 'Ada L.'",
    ),
)
@click.argument("name", callback=recorded_text)
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE,…",
    multiple=True,
    required=True,
    callback=_scopes,
    help="What it may: gate, read, operate (and read), admin (everything).",
)
@time_option("--until", "When it ends; it does not by default.")
@by_person
@click.pass_obj
def add(options: Options, *, name: str, scopes: tuple[AccessScope, ...], until: Moment | None, by: str) -> None:
    """Make a token and print it once.

    NAME is what events call whoever acts with it: of a token with which somebody operates, the person.
    """
    with opened(options) as monitor:
        end = None if until is None else until.resolve(monitor.clock())
        issued = monitor.credentials.add(name, scopes, until=end, by=by, via=via())
    if options.json:
        output.as_json({**_as_json(issued.credential), "token": issued.secret})
        return
    click.echo(issued.secret)
    output.note(ONCE)


@command("list", table=True, examples=("access-monitor token list", "access-monitor token list --json"))
@click.option("--all", "everything", is_flag=True, help="Also those that were revoked or have ended.")
@click.pass_obj
def show(options: Options, *, everything: bool) -> None:
    """Show tokens.

    The last use is written once a minute. The secrets are kept nowhere.
    """
    with opened(options) as monitor:
        now = monitor.clock()
        rows = [row for row in monitor.credentials.tokens() if everything or row.lives(now)]
    if options.json:
        output.as_json([_as_json(row) for row in rows])
        return
    if not rows:
        output.note("There is no token: `access-monitor token add NAME --scope operate --by YOU` makes one.")
        return
    output.table(
        ("NAME", "SCOPES", "MADE", "UNTIL", "LAST USED", "STATE"),
        [
            (
                row.name,
                row.scopes.replace(" ", ", "),
                both(row.created_at),
                _time(row.until),
                _time(row.used_at) or "never",
                _state(row, now),
            )
            for row in rows
        ],
    )


@command("revoke", examples=("access-monitor token revoke shop-gate --by 'Ada L.'",))
@click.argument("name")
@by_person
@click.pass_obj
def revoke(options: Options, *, name: str, by: str) -> None:
    """End a token.

    Its links and sessions end with it. The running monitor refuses it within a second.
    """
    with opened(options) as monitor:
        monitor.credentials.revoke(name, by=by, via=via())
    output.note(output.printable(f"The token {name} is revoked."))


@command("link", table=True, examples=("access-monitor token link 'Ada L.'",))
@click.argument("name")
@click.option("--by", metavar="PERSON", callback=recorded_text, help="Your name; the account of this shell by default.")
@click.pass_obj
def link(options: Options, *, name: str, by: str | None) -> None:
    """Print a link that signs in once.

    It is for the person of the token, and ends after ten minutes. Opening it changes nothing; its button signs in.
    """
    account = via()
    with opened(options) as monitor:
        root = _root(monitor.settings)
        issued = monitor.credentials.link(name, by=by or account["user"], via=account)
    url, until = f"{root}/signin/{issued.secret}", issued.credential.until
    if options.json:
        output.as_json({"name": name, "url": url, "until": None if until is None else rfc3339(until)})
        return
    click.echo(url)
    output.note(f"{ONCE} It signs {output.printable(name)} in once, until {_time(until)}.")


token = DefaultGroup(
    "token",
    default="list",
    commands=(add, show, revoke, link),
    help="Make, show or revoke tokens.",
    examples=(*add.examples, *show.examples, *revoke.examples, *link.examples),
)


def _root(settings: Settings) -> str:
    """Return where people reach the server.

    Raises:
        ConfigurationError: the configuration does not say.
    """
    if not settings.web.root:
        raise ConfigurationError(
            "The link would lead nowhere, since the port of the server is not known: set web.listen with a port, or "
            "web.public_url."
        )
    return settings.web.root


def _state(row: Credential, now: datetime) -> str:
    return "revoked" if row.ended_at is not None else "living" if row.lives(now) else "ended"


def _time(at: datetime | None) -> str:
    return "" if at is None else both(at)


def _as_json(row: Credential) -> dict[str, object]:
    """Return a token for scripts, without its digest."""
    times = {"created_at": row.created_at, "until": row.until, "used_at": row.used_at, "revoked_at": row.ended_at}
    return {
        "name": row.name,
        "scopes": row.scopes.split(),
        **{name: None if at is None else rfc3339(at) for name, at in times.items()},
    }
