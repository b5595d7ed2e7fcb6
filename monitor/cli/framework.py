"""What every command is made of: options that stand before or after the command, examples in every help, loading on
use.

Only click and the standard library; whatever a command needs beyond that is imported by the command when it runs.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from monitor.cli import errors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Summaries: TypeAlias = Mapping[str, Mapping[str, tuple[str, str]]]
"""Section → command → (`module:attribute`, summary)."""

Act = TypeVar("Act", bound=Callable[..., object])


class Options:
    """The global options as given, wherever they stood."""

    __slots__ = ("config", "database", "debug", "json")

    def __init__(self) -> None:
        self.config: str | None = None
        self.database: str | None = None
        self.json = False
        self.debug = False


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # Unset must not overwrite: the same option may have been given before the command and left out after it.
    if value not in (None, False):
        assert param.name is not None
        setattr(ctx.ensure_object(Options), param.name, value)


class SharedOption(click.Option):
    """A global option; the help lists it apart from the command's own."""


def shared_options(*, table: bool) -> list[click.Parameter]:
    """Return the global options; `--json` only where a table is printed."""

    def option(*names: str, **settings: Any) -> SharedOption:
        return SharedOption(names, expose_value=False, callback=_keep, **settings)

    options: list[click.Parameter] = [
        option(
            "--config",
            metavar="FILE",
            help=(
                "The configuration; else $ACCESS_MONITOR_CONFIG, ./config/monitor.toml, "
                "/etc/access-monitor/monitor.toml."
            ),
        ),
        option(
            "--database",
            metavar="URL",
            help=(
                "The database instead of the configured one; a path is taken as SQLite, relative to the working "
                "directory."
            ),
        ),
        option("--debug", is_flag=True, help="Show the traceback of an error; also ACCESS_MONITOR_DEBUG=1."),
    ]
    if table:
        options.insert(2, option("--json", is_flag=True, help="Print JSON, for scripts."))
    return options


class Command(click.Command):
    """A command with examples in its help. `table` says that it prints what `--json` gives to scripts; other commands
    refuse it.
    """

    def __init__(self, name: str | None, *, examples: Sequence[str], table: bool = False, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.examples = tuple(examples)
        self.table = table
        self.params = [*self.params, *shared_options(table=table)]

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        ctx = super().make_context(*args, **extra)
        ctx.ensure_object(Options)
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.ensure_object(Options).json and not self.table:
            raise click.UsageError(f"{ctx.command_path} has no JSON to print: leave --json out.", ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(self.examples, formatter)


class Group(click.Group):
    """A noun with verbs of its own."""

    def __init__(self, name: str | None = None, *, examples: Sequence[str], **settings: Any) -> None:
        super().__init__(name, **settings)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(self.examples, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.list_commands(ctx) and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {name!r}.{_did_you_mean(name, self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)


class DefaultGroup(Group):
    """A noun that is a command itself (`prices gpt-4.1`) and has verbs besides (`prices extract FILE`).

    `default` names the verb that is meant where none stands; its options show in the help of the noun.
    """

    def __init__(self, name: str | None = None, *, default: str, **settings: Any) -> None:
        super().__init__(name, no_args_is_help=False, **settings)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing and self._first_word(args) not in self.commands:
            asks_help = any(name in args for name in ctx.help_option_names)
            args = list(ctx.help_option_names[:1]) if asks_help else [self.default, *args]
        return super().parse_args(ctx, args)

    def _first_word(self, args: Sequence[str]) -> str:
        """Return the first argument that is neither an option nor the value of one; empty where there is none."""
        options = [param for command in (self, self.commands[self.default]) for param in command.params]
        valued = {
            name for param in options if isinstance(param, click.Option) and not param.is_flag for name in param.opts
        }
        words = iter(args)
        for word in words:
            if word in valued:
                next(words, None)
            elif not word.startswith("-"):
                return word
        return ""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*self.commands[self.default].collect_usage_pieces(ctx), "|", "COMMAND", "…"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self.commands[self.default], ctx, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != self.default]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return click.Group.resolve_command(self, ctx, args)


class Entrance(Group):
    """The outermost group: knows its commands by name and summary, and imports one when it is called.

    `renamed` maps an old name to the command that it means; no help and no completion lists it.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        sections: Summaries,
        renamed: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(name, **settings)
        self.sections = sections
        self.renamed = renamed or {}
        self._table = {name: row for rows in sections.values() for name, row in rows.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if (name := self.renamed.get(args[0])) is not None:
            if not ctx.resilient_parsing:
                click.echo(f"`{args[0]}` is now `{name}`; the old name works in this version only.", err=True)
            args = [name, *args[1:]]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self._table))
        for section, rows in self.sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), summary) for name, (_, summary) in rows.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        # click would import every command that begins so, only to read its summary.
        return [CompletionItem(name, help=row[1]) for name, row in self._table.items() if name.startswith(incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Here, since click would take it for an error and end with 1.
            ctx.exit(errors.CLOSED_PIPE)

    def main(self, *args: Any, **settings: Any) -> Any:
        standalone = settings.pop("standalone_mode", True)
        call = partial(super().main, *args, standalone_mode=False, **settings)
        if standalone:
            raise SystemExit(errors.run(call))
        return call()


def command(name: str, *, examples: Sequence[str], table: bool = False, **settings: Any) -> Callable[[Act], Command]:
    """Make a command of a function, which returns its exit code, or None for 0."""

    def wrap(act: Act) -> Command:
        return click.command(name, cls=Command, examples=examples, table=table, **settings)(act)

    return wrap


def _write_options(shown: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    own: list[tuple[str, str]] = []
    shared: list[tuple[str, str]] = []
    for param in shown.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None and isinstance(param, click.Option):
            (shared if isinstance(param, SharedOption) else own).append(record)
    for title, records in (("Options", own), ("Global options", shared)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    # Not `write_text`, which would fold a line where the shell ends it.
    with formatter.section("Examples"):
        for example in examples:
            for line in _folded(example, formatter.width - formatter.current_indent):
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _folded(example: str, width: int) -> list[str]:
    """Return the lines of a command, each but the last with a backslash at its end.

    Quoted text is not broken, and an option stays with its value.
    """
    lines = [""]
    word = r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+"
    for part in re.findall(rf"--[\w-]+ (?![-|]){word}|{word}", example):
        if lines[-1] and len(lines[-1]) + len(part) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"    {part}")
        else:
            lines[-1] += f" {part}" if lines[-1] else part
    return lines


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    from monitor.core.names import did_you_mean

    meant = did_you_mean(name, known, 3)
    return f" {meant[0].upper()}{meant[1:]}" if meant else ""
