"""`access-monitor gate`: may this environment use this model now? Answered from the lease file alone.

Deployment scripts and CI ask before every start, so what this module imports is counted in milliseconds: no argparse,
click, pathlib, typing, enum or dataclass, and `tomllib` only where a configuration must be read. Here stand the words
of the command: its options, where its file is, what it prints; the answer is worked out in `lease`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from monitor.gate.client import clock
from monitor.gate.client.lease import (
    ALLOWED,
    DENIED,
    NOT_KNOWN,
    WRONG_CONFIGURATION,
    WRONG_USAGE,
    Lease,
    LeaseError,
    content,
    parse,
)
from monitor.gate.client.lease import place as lease_place
from monitor.gate.client.verdict import PRODUCTION, Condition, rfc3339

SUMMARY = "May this environment use this model now? The answer is the exit code."

USAGE = "access-monitor gate [OPTIONS] KEY"

HELP = f"""\
Usage: {USAGE}

{SUMMARY}

KEY is the key of an entry, or a model id that exactly one entry holds. The
answer is read from the monitor's lease file, without network or database. A
lease file that is missing, broken or out of date never allows anything.

Exit codes: 0 allowed, 1 denied (the reason and the fallback are printed),
75 not known (no usable lease file, or the key is not in it), 2 wrong usage,
78 the configuration is wrong.

Options:
  --surface S       The surface that is called; an entry's first by default.
                    Same as KEY@S.
  --env ENV         The environment that asks; production by default. One that
                    is not configured is judged like production.
  --caller NAME     Who asks; existing callers may go on after a price pause.
  --max-age AGE     On the monitor's host: poll first what the entry rests on
                    and was not read within AGE (10m), free sources only, for a
                    minute at most. Pending differences and failed polls deny.
  --paid            With --max-age, poll what costs money as well.
  --at TIME         On the monitor's host: the answer at TIME, by the lease
                    document that held then.
  --explain         Print every condition with its date.
  --json            Print the answer as one JSON object.
  --lease FILE      A lease file, or the folder of lease files; by default
                    $ACCESS_MONITOR_LEASE, then gate.lease_dir.
  --public-key KEY  Rely only on a lease file signed by this key, with the
                    signature beside it in FILE.sig.
  --config FILE     The configuration, by default $ACCESS_MONITOR_CONFIG,
                    ./config/monitor.toml, /etc/access-monitor/monitor.toml.
  --help            Print this text.

Examples:
  access-monitor gate gpt-5.6-luna && ./deploy
  access-monitor gate gpt-5.6-luna --env staging --explain
  access-monitor gate gpt-5.6-luna --surface codex
  access-monitor gate gpt-5.6-luna --caller support-agent --json
  access-monitor gate gpt-5.6-luna --max-age 10m && ./deploy
"""

_DEFAULT_FOLDER = "var/lease"
_CONFIGURATIONS = ("config/monitor.toml", "/etc/access-monitor/monitor.toml")
MAX_AGE, PAID, AT = "--max-age", "--paid", "--at"
_VALUED = ("--surface", "--env", "--caller", "--lease", "--public-key", "--config", "--database", MAX_AGE, AT)
_FLAGS = ("--explain", "--json", "--help", "--debug", PAID)


def asks_monitor(arguments: list[str]) -> bool:
    """Return whether the monitor itself is asked, to poll first or of the past, which no lease file can answer."""
    return any(argument.partition("=")[0] in (MAX_AGE, PAID, AT) for argument in arguments)


def main(arguments: list[str]) -> int:
    """Answer on stdout, complain on stderr; return the exit code, which is the answer also where it could not be
    written.
    """
    code = run(arguments, os.environ, clock.now)
    sys.stdout.flush()
    if lost := getattr(sys.stdout, "lost", ""):
        sys.stderr.write(
            f"What it printed could not be written to standard output ({lost}); the exit code is the answer.\n"
        )
    return code


def run(arguments: list[str], environ: Mapping[str, str], now: Callable[[], datetime]) -> int:
    """As `main`, with the environment and the clock given."""
    try:
        options = parsed(arguments)
        if "--help" in options:
            sys.stdout.write(HELP)
            return ALLOWED
        key, environment, caller = options["KEY"], options["--env"], options["--caller"]
        path = _locate(options, environ)
        document = content(path)
        if options["--public-key"]:
            _check(path, document, options["--public-key"])
        lease = Lease(path, parse(path, document), environment, now())
        flag = lease.flag(key, options["--surface"])
        answer = lease.answer(flag, caller, asked=key)
    except LeaseError as stop:
        sys.stderr.write(f"{stop}\n")
        return stop.code
    if "--json" in options:
        if "--explain" in options:
            answer["conditions"] = conditions_as_json(lease.judge(flag, caller).conditions)
            answer["access"] = lease.access(flag)
        print(json.dumps(answer, ensure_ascii=False))
    else:
        show(answer, environment)
        if "--explain" in options:
            _explain(lease, flag, caller, str(answer["reason"]))
    return ALLOWED if answer["allowed"] is True else DENIED


def parsed(arguments: list[str]) -> dict[str, str]:
    """Return the options by name, the key as `KEY`.

    Raises:
        LeaseError: wrong usage.
    """
    options = dict.fromkeys(_VALUED, "") | {"--env": PRODUCTION}
    keys: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            keys.extend(rest)
        elif argument in _FLAGS:
            options[argument] = argument
        elif name in _VALUED:
            given = value if equals else next(rest, None)
            if not given:
                raise usage(f"{name} needs a value")
            options[name] = given
        elif argument.startswith("-"):
            raise usage(f"there is no option {argument}")
        else:
            keys.append(argument)
    if "--help" in options:
        return options
    if len(keys) != 1 or not keys[0]:
        raise usage("exactly one KEY is needed")
    environment = options["--env"]
    if environment.startswith(".") or "/" in environment:
        raise usage(f"{environment} cannot be the name of an environment")
    options["KEY"] = keys[0]
    return options


def _check(path: str, found: bytes, key: str) -> None:
    from monitor.gate.client.signature import SUFFIX, checker  # costs more than the rest of the answer

    try:
        check = checker(key)
    except ValueError as error:
        raise usage(f"--public-key: {error}") from error
    if not check(found, content(path + SUFFIX).decode("latin-1")):
        raise LeaseError(
            NOT_KNOWN, f"The signature of {path} is not by the given key: take both files from the monitor anew."
        )


def usage(why: str) -> LeaseError:
    """Return the refusal of a command that is written wrongly."""
    return LeaseError(WRONG_USAGE, f"Wrong usage, {why}: {USAGE}")


def _locate(options: dict[str, str], environ: Mapping[str, str]) -> str:
    """Return the lease file to read. In a folder, production's answers for an environment that has none, being the
    strictest.
    """
    place = options["--lease"] or environ.get("ACCESS_MONITOR_LEASE", "")
    if not place:
        place = _configured_folder(options["--config"], environ)
    elif not os.path.isdir(place):
        return place
    return lease_place(place, options["--env"])


def _configured_folder(named: str, environ: Mapping[str, str]) -> str:
    """Return the folder of the lease files as the monitor works it out (`settings.values.build`); this command cannot
    wait for its imports.

    Raises:
        Stop: no configuration says where it is.
    """
    folder = environ.get("ACCESS_MONITOR__GATE__LEASE_DIR", "")
    named = named or environ.get("ACCESS_MONITOR_CONFIG", "")
    path = named or next((path for path in _CONFIGURATIONS if os.path.exists(path)), "")
    if not path:
        if os.path.isabs(folder):
            return folder
        raise LeaseError(
            NOT_KNOWN,
            (
                "There is no lease file and no configuration that says where it is, neither "
                f"{' nor '.join(_CONFIGURATIONS)}: name one with --config, or the lease file with --lease."
            ),
        )
    import tomllib  # costs more than the rest of the answer, so only where a configuration must be read

    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise LeaseError(
            WRONG_CONFIGURATION,
            f"The configuration {path} could not be read ({error.strerror}): name it with --config.",
        ) from error
    except ValueError as error:
        raise LeaseError(
            WRONG_CONFIGURATION, f"The configuration {path} is not TOML ({error}): see `access-monitor config check`."
        ) from error
    folder = folder or _folder(path, tables, "gate", "lease_dir", _DEFAULT_FOLDER)
    base = environ.get("ACCESS_MONITOR__RUN__STATE_DIR", "") or _folder(path, tables, "run", "state_dir", ".")
    parts = (os.path.dirname(path), os.path.expanduser(base), os.path.expanduser(folder))
    return os.path.abspath(os.path.join(*parts))


def _folder(path: str, tables: dict[str, object], section: str, key: str, default: str) -> str:
    table = tables.get(section, {})
    folder = table.get(key, default) if isinstance(table, dict) else None
    if not isinstance(folder, str) or not folder:
        raise LeaseError(WRONG_CONFIGURATION, f"In {path}, {section}.{key} is not a folder's name: write a text there.")
    return folder


def show(answer: Mapping[str, object], environment: str) -> None:
    """Print an answer for people."""
    whence = f"({answer['status']} since position {answer['position']})"
    if answer["allowed"] is True:
        print(f"allowed: {answer['key']} in {environment} until {answer['expires_at']} {whence}")
        return
    print(f"denied: {answer['key']} in {environment}: {answer['reason']} {whence}")
    print(f"fallback: {answer['fallback'] or 'none that is allowed'}")


def conditions_as_json(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    """Return the conditions of an answer for scripts."""
    return [_as_json(condition) for condition in conditions]


def _as_json(condition: Condition) -> dict[str, object]:
    until = None if condition.until is None else rfc3339(condition.until)
    result: dict[str, object] = {"asks": condition.asks, "holds": condition.holds, "until": until}
    return result if condition.since is None else {**result, "since": rfc3339(condition.since)}


def _explain(lease: Lease, key: str, caller: str, judged_as: str) -> None:
    show_conditions(lease.judge(key, caller).conditions, judged_as)
    if access := lease.access(key):
        print(f"  access {access}")
    if spared := lease.spared(key):
        print(f"  existing callers go on: {', '.join(spared)}")
    judged = "" if lease.asked == lease.environment else f"; {lease.asked} is judged like {lease.environment}"
    print(f"  from {lease.path}, written {rfc3339(lease.written_at)} at log position {lease.version}{judged}")


def show_conditions(conditions: Iterable[Condition], judged_as: str) -> None:
    """Print every condition with its dates; `judged_as` is the reason that was printed already."""
    for condition in conditions:
        since = f" since {rfc3339(condition.since)}" if condition.since is not None else ""
        until = f" until {rfc3339(condition.until)}" if condition.until is not None else ""
        # What the first line says already is not said again; what has passed says its date.
        explained = condition.holds or until or condition.reason == judged_as
        why = "" if explained else f": {condition.reason}"
        print(f"  {'yes' if condition.holds else 'no ':3} {condition.asks}{since}{until}{why}")
