"""`gate` as the help lists it. The entry point answers it before this package is imported; this is the way in from
anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from monitor.cli.framework import Command, Options
from monitor.cli.names import complete_entries
from monitor.gate.client import ask

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
        return ask.main([*words, *(["--json"] if options.json else []), *ctx.args])


gate = GateCommand("gate", help=ask.SUMMARY, examples=("access-monitor gate gpt-5.6-luna && ./deploy",))
