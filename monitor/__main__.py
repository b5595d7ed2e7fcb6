"""The entry point of the command. `gate` is looked for first, since it may not wait for what the other
commands import.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from monitor.app import streams

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it would cost the gate a millisecond
    from types import FrameType
    from typing import Any, NoReturn

INTERRUPTED = 130

_VALUED = ("--config", "--database")


def main() -> int:
    """Run the command line; the return value is the exit code.

    Ctrl-C ends it with 130 and without a traceback, wherever it is: the first one cleans up, a second one does not wait
    for that.
    """
    # Where it is ignored, as behind nohup, that is meant.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _ignored
    try:
        code = _run()
    except KeyboardInterrupt:
        _leave()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave()
        raise
    return code


def _run() -> int:
    arguments = gate_arguments(sys.argv[1:])
    streams.guard(answering=arguments is not None)
    if arguments is not None:
        from monitor.gate.client import ask

        if not ask.asks_monitor(arguments):
            return ask.main(arguments)
    from monitor.cli import main as cli_main

    cli_main()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def _ignored(arguments: Any) -> None:
    """Ignore an interrupt where nothing can be raised, as in a destructor: it would be printed and forgotten."""
    if issubclass(arguments.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(arguments)


def _leave() -> NoReturn:
    """End without waiting for threads that wait for the network."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(INTERRUPTED)


def gate_arguments(arguments: list[str]) -> list[str] | None:
    """Return the arguments of `gate` with the global options that stand before it; None where something else is asked
    for.
    """
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "gate":
            return arguments[:index] + arguments[index + 1 :]
        if argument in _VALUED:
            index += 2
        elif argument in ("--json", "--debug") or argument.startswith(tuple(f"{name}=" for name in _VALUED)):
            index += 1
        else:
            return None
    return None


if __name__ == "__main__":
    sys.exit(main())
