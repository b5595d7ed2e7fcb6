"""How a command ends: one sentence on stderr and the exit code that says what kind of end it was.

No error is shown in two places: commands raise, and only `run` prints. An exception that nobody foresaw is named
without its message, which may hold anything, an address with a password included; `--debug` shows it to the person who
asks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports of any program that SIGPIPE ended; `events | head` is no failure and no full answer."""


def run(call: Callable[[], object]) -> int:
    """Run the command line and return its exit code; every error has been said.

    Output that could not be written turns 0 into 1; a command that ended otherwise ends as it did.
    """
    code = _ended(call)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return code or CLOSED_PIPE
    if reason := getattr(sys.stdout, "lost", ""):
        _say(f"What it printed could not be written to standard output ({reason}): send it where it can be.")
        return code or 1
    return code


def _ended(call: Callable[[], object]) -> int:
    try:
        code = call()
    except BrokenPipeError:
        return CLOSED_PIPE
    except click.Abort:
        return INTERRUPTED
    except click.NoSuchOption as error:
        click.NoSuchOption(error.option_name, error.message, _meant(error), error.ctx).show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except Exception as error:
        return _failed(error)
    return code if isinstance(code, int) else 0


def _meant(error: click.NoSuchOption) -> list[str]:
    """Return the option that was probably meant: click also proposes what has little in common but the dashes."""
    from difflib import get_close_matches

    names = {name.strip("-"): name for name in error.possibilities or ()}
    return [names[name] for name in get_close_matches(error.option_name.strip("-"), names, 1, _ALIKE)]


_ALIKE = 0.7
"""What an option must have in common with what was written, of 1."""


def _failed(error: Exception) -> int:
    from monitor.app.log_output import named
    from monitor.core.ports import MonitorError

    if debugging():
        import traceback

        traceback.print_exc()
    if isinstance(error, MonitorError):
        _say(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror}.")
        return 1
    _say(f"This is a defect: {named(error)}; run again with --debug (or ACCESS_MONITOR_DEBUG=1) for the traceback.")
    return 1


def debugging() -> bool:
    """Return whether a traceback was asked for. The option is looked for by hand: an error may come before it was
    parsed.
    """
    return "--debug" in sys.argv or os.environ.get("ACCESS_MONITOR_DEBUG", "") not in ("", "0")


def _say(sentence: str) -> None:
    from monitor.app.streams import printable

    click.echo(f"Error: {printable(sentence)}", err=True)
