"""`gate` as the help lists it. The entry point answers it before this package is imported; this is the way in from
anywhere else, and of a question that is asked of the world first.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import output
from monitor.cli.framework import Command, Options
from monitor.cli.names import complete_entries
from monitor.gate.client import ask
from monitor.gate.client.lease import ALLOWED, DENIED, NOT_KNOWN, WRONG_USAGE, LeaseError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class GateCommand(Command):
    """Hands its words on unread: the options of the gate are known in one place, and that one may not import click."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = [word for word in args if word != "--debug"]
        return []

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in complete_entries(ctx, click.Argument(["key"]), incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        options = ctx.ensure_object(Options)
        before = [("--config", options.config), ("--database", options.database)]
        words = [word for name, value in before if value is not None for word in (name, value)]
        words += [*(["--json"] if options.json else []), *ctx.args]
        return monitor_answer(words) if ask.asks_monitor(words) else ask.main(words)


def monitor_answer(words: list[str]) -> int:
    """Poll first, then answer from the registry, or answer of the past from what was published; returns the exit code.

    Raises:
        ConfigurationError: the configuration is wrong, or there is no database here.
        Unavailable: the database is out of reach.
    """
    try:
        options = ask.parsed(words)
        if "--help" in options:
            return ask.main(["--help"])
        return _past_answer(options) if options[ask.AT] else _polled_answer(options)
    except LeaseError as stop:
        sys.stderr.write(f"{stop}\n")
        return stop.code


def _past_answer(asked: dict[str, str]) -> int:
    from monitor.audit import documents
    from monitor.audit.gate_history import past_answer
    from monitor.cli.opening import opened
    from monitor.core.moments import parse, utc

    excluded = (ask.MAX_AGE, ask.PAID, "--lease", "--public-key", "--explain")
    if others := [name for name in excluded if asked.get(name)]:
        raise ask.usage(f"{ask.AT} asks of one time; leave {' and '.join(others)} out")
    try:
        moment = parse(asked[ask.AT])
    except ValueError as error:
        raise ask.usage(f"{ask.AT}: {error}") from None
    with opened(_options(asked)) as monitor, monitor.store.read() as reader:
        answer = past_answer(
            reader,
            asked["KEY"],
            moment.resolve(monitor.clock()),
            environment=asked["--env"],
            caller=asked["--caller"],
            surface=asked["--surface"],
        )
    document = documents.of_past_answer(answer)
    if "--json" in asked:
        click.echo(json.dumps(document, ensure_ascii=False))
        return ALLOWED if answer.allowed else DENIED
    verdict = "allowed" if answer.allowed else f"denied: {answer.reason}"
    click.echo(output.printable(f"{answer.key} in {asked['--env']} at {utc(answer.at)}: {verdict}"))
    if not answer.allowed:
        click.echo(output.printable(f"fallback: {answer.fallback or 'none that was allowed'}"))
    written = f"written {utc(answer.written_at)} at log position {answer.log_position}"
    click.echo(f"from the lease document {answer.document} of {answer.judged_as}, {written}")
    if answer.stopped_since is not None:
        output.note(f"No daemon ran since {utc(answer.stopped_since)}.")
    return ALLOWED if answer.allowed else DENIED


def _options(asked: dict[str, str]) -> Options:
    options = Options()
    options.config, options.database = asked["--config"] or None, asked["--database"] or None
    return options


def _polled_answer(asked: dict[str, str]) -> int:
    from monitor.cli.opening import opened
    from monitor.gate.decision import GateQuestion, OtherSurfaces, Standing, resolve, verdict
    from monitor.gate.recency import as_json as recency_as_json
    from monitor.settings import durations
    from monitor.web.answers import GateRequest, as_json, decided
    from monitor.web.memory import read_view

    if not asked[ask.MAX_AGE]:
        raise ask.usage(f"{ask.PAID} says what {ask.MAX_AGE} may poll, so it needs one")
    if asked["--lease"] or asked["--public-key"]:
        raise ask.usage(f"{ask.MAX_AGE} asks the monitor and not a lease file; leave --lease and --public-key out")
    try:
        max_age = durations.parse(asked[ask.MAX_AGE])
    except ValueError as error:
        raise ask.usage(f"{ask.MAX_AGE} {asked[ask.MAX_AGE]} {error}") from None
    key, surface = asked["KEY"], asked["--surface"]
    request = GateRequest(environment=asked["--env"], caller=asked["--caller"], surface=surface)
    with opened(_options(asked)) as monitor:
        view = read_view(monitor.store, monitor.configuration, monitor.clock())
        standing = resolve(key, view.standings, surface)
        if isinstance(standing, OtherSurfaces):
            raise LeaseError(WRONG_USAGE, f"{standing.reason}.")
        if not isinstance(standing, Standing):
            why = f"{key} is neither an entry's key nor a model id that exactly one entry holds"
            raise LeaseError(NOT_KNOWN, f"{why}: see `access-monitor status`.")
        recency = monitor.poll_first(standing.key, max_age, paid=ask.PAID in asked)
        now = monitor.clock()
        view = read_view(monitor.store, monitor.configuration, now)
        answer = recency.applied(decided(view, key, request, now).answer, now)
        question = GateQuestion(
            rules=view.configuration.gate, now=now, environment=request.environment, caller=request.caller
        )
        standing = view.standings[standing.key]
        conditions = verdict(standing, question).conditions if "--explain" in asked else ()
    document = {**as_json(answer), **recency_as_json(recency)}
    if "--json" in asked:
        explained: dict[str, object] = {"conditions": ask.conditions_as_json(conditions), "access": standing.access}
        explained = explained if conditions else {}
        click.echo(json.dumps({**document, **explained}, ensure_ascii=False))
        return ALLOWED if answer.allowed else DENIED
    ask.show(document, request.environment)
    ask.show_conditions(conditions, answer.reason)
    if conditions and standing.access:
        click.echo(f"  access {standing.access}")
    if recency.polled:
        click.echo(f"polled: {', '.join(recency.polled)}")
    if recency.unasked:
        output.note(f"Not polled, since it costs money: {', '.join(recency.unasked)}; add --paid to poll it as well.")
    return ALLOWED if answer.allowed else DENIED


gate = GateCommand(
    "gate",
    help=ask.SUMMARY,
    examples=(
        "access-monitor gate gpt-5.6-luna && ./deploy",
        "access-monitor gate gpt-5.6-luna --max-age 10m",
        "access-monitor gate gpt-5.6-luna --caller support-agent --at 2026-07-30T18:30:00Z",
    ),
)
