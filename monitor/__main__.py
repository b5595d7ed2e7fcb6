"""The entry point of the command. `gate` is looked for first, since it may not wait for what the other commands import."""

from __future__ import annotations

import sys

from monitor import streams

_VALUED = ("--config", "--database")


def main() -> int:
    """Run the command line; the return value is the exit code."""
    arguments = gate_arguments(sys.argv[1:])
    streams.guard(answering=arguments is not None)
    if arguments is not None:
        from monitor.gate import ask

        return ask.main(arguments)
    from monitor.cli import main as cli_main

    cli_main()
    return 0


def gate_arguments(arguments: list[str]) -> list[str] | None:
    """The arguments of `gate` with the global options that stand before it; None where something else is asked for."""
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
