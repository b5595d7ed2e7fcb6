"""Write the tables of commands in docs/commands.md from the program, so that no command is described by hand.

`make docs` runs this; a test fails while the page differs from what it would write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli import COMMANDS, PROGRAM, cli
from monitor.cli.framework import DefaultGroup
from monitor.gate.client import ask

PAGE = Path(__file__).parent / "commands.md"
BEGIN = "<!-- Written by `make docs`; change the help of the command instead. -->"
END = "<!-- End of what `make docs` writes. -->"


def commands(group: click.Group = cli, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be typed, by its words."""
    ctx = click.Context(group)
    if isinstance(group, DefaultGroup):
        yield above.strip(), group.commands[group.default]
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}".strip(), command


def usage(name: str, command: click.Command) -> str:
    """Return what is typed after the program's name, without the options."""
    if name == "gate":  # it parses its own words
        return "gate KEY"
    ctx = click.Context(command, info_name=f"{PROGRAM} {name}")
    pieces = [piece for piece in command.collect_usage_pieces(ctx) if piece != "[OPTIONS]"]
    return " ".join([name, *pieces])


def summary(name: str, command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    help = ask.HELP.partition("\n\n")[2] if name == "gate" else command.help or ""
    return " ".join(help.partition("\n\n")[0].split())


def table() -> str:
    """Return the tables of all commands, one for each section of `--help`."""
    section_of = {name: section for section, rows in COMMANDS.items() for name in rows}
    lines: list[str] = []
    section = ""
    for name, command in commands():
        if section != (section := section_of[name.split()[0]]):
            lines += ["", f"### {section}", "", "|command|what it does|", "|---|---|"]
        typed = usage(name, command).replace("|", "\\|")
        lines.append(f"|`{typed}`|{summary(name, command).replace('|', chr(92) + '|')}|")
    return "\n".join(lines).strip()


def written(page: str) -> str:
    """Return the page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
