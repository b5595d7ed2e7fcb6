"""How a command ends: one sentence on stderr and the exit code that says what kind of end it was.

No error is shown in two places: commands raise, and only `run` prints. An exception that nobody foresaw is named without its
message, which may hold anything, an address with a password included; `--debug` shows it to the person who asks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports of any program that SIGPIPE ended; `events | head` is no failure and no full answer."""


@contextmanager
def closed_pipe_is_an_end(ctx: click.Context) -> Iterator[None]:
    """Turn a reader that went away into a quiet end. What is still buffered is written here, while it can be judged."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
        ctx.exit(CLOSED_PIPE)


def forget_stdout() -> None:
    """Point stdout at nothing, or the interpreter's own flush at exit would complain about the closed pipe."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives until the process ends


def run(call: Callable[[], object]) -> int:
    """Run the command line and return its exit code; every error has been said."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show "→" shows its escape; it is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = call()
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except Exception as error:
        return _failed(error)
    return code if isinstance(code, int) else 0


def _failed(error: Exception) -> int:
    from monitor.logs import named
    from monitor.pipeline.ports import MonitorError

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
    """Whether a traceback was asked for. The option is looked for by hand: an error may come before it was parsed."""
    return "--debug" in sys.argv or os.environ.get("ACCESS_MONITOR_DEBUG", "") not in ("", "0")


def _say(sentence: str) -> None:
    click.echo(f"Error: {sentence}", err=True)
