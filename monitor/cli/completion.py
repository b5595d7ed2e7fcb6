"""The completion scripts, which click writes; this is only the way to them that people look for."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from monitor.cli import PROGRAM, cli
from monitor.cli.framework import command


@command(
    "completion",
    examples=(
        'eval "$(access-monitor completion bash)"',
        "access-monitor completion fish > ~/.config/fish/completions/access-monitor.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash put the first example into ~/.bashrc, for zsh its like into ~/.zshrc; the second is for fish.
    """
    writer = get_completion_class(shell)
    assert writer is not None
    click.echo(writer(cli, {}, PROGRAM, "_ACCESS_MONITOR_COMPLETE").source())
