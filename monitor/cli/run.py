"""`run` and `worker`: the daemon, in the foreground; a service manager, or a person, ends it with a signal."""

from __future__ import annotations

import logging
import os
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from monitor.cli.framework import Options, command
from monitor.cli.opening import config_path

if TYPE_CHECKING:
    from monitor.settings import Settings

DESCRIPTORS = 4096
"""Open files and connections that the daemon may come to need, with room to spare."""


@command(
    "run",
    table=False,
    examples=("access-monitor run", "access-monitor --config /etc/access-monitor/monitor.toml run"),
)
@click.option("--verbose", is_flag=True, help="Also log polls that found nothing new.")
@click.pass_obj
def run(options: Options, *, verbose: bool) -> int:
    """Run the monitor: scheduler, deliveries, HTTP.

    The daemon polls sources, delivers notices, renews lease files and answers HTTP on [web] listen (127.0.0.1:8787
    unless set; listen = "" for no HTTP). One line per poll and delivery goes to standard error, as JSON unless that
    is a terminal.

    SIGTERM and SIGINT stop it after running polls; SIGHUP reloads the configuration, all or nothing. What a file
    takes from production waits for `access-monitor config accept`. An address in use, or a second daemon on the
    same database, is refused before anything is done. With [nodes] it is one of several that share the work.
    """
    return _serve(options, "run", verbose)


@command(
    "worker", table=False, examples=("access-monitor worker", "ACCESS_MONITOR__NODES__NAME=w2 access-monitor worker")
)
@click.option("--verbose", is_flag=True, help="Also log polls that found nothing new.")
@click.pass_obj
def worker(options: Options, *, verbose: bool) -> int:
    """Poll and send as one of several nodes: no HTTP.

    For several daemons on one PostgreSQL, set up by [nodes]. A worker takes jobs and never says what is due: at least
    one node has to be a `run`. Signals are those of `run`.
    """
    return _serve(options, "worker", verbose)


def _serve(options: Options, role: str, verbose: bool) -> int:
    from monitor.app import log_output
    from monitor.app.signals import Signals

    signals = Signals()
    with signals.installed():
        from monitor.app.bootstrap import open_monitor
        from monitor.app.daemon import Daemon
        from monitor.core.ports import ConfigurationError
        from monitor.settings import load

        log_output.configure(level=logging.DEBUG if verbose else logging.INFO)
        _raise_descriptors()
        with open_monitor(config_path(options), options.database) as monitor:
            if role == "worker" and not monitor.settings.nodes.engine:
                raise ConfigurationError(
                    f'A worker shares the work of other nodes: set engine = "procrastinate" in [nodes] of '
                    f"{monitor.settings.path}, or use `access-monitor run`."
                )

            def reload() -> Settings:
                return load(config_path(options), os.environ, options.database)

            drained = Daemon(monitor, reload, signals, role=role).run()
            if not drained:
                # What still runs hangs in the network with no transaction open, and would hold the process until it
                # times out.
                sys.stderr.flush()
                os._exit(0)
    return 0


def _raise_descriptors() -> None:
    """Let the process open as many files as it may: shells and some service managers begin with few."""
    with suppress(OSError, ValueError):  # a sandbox that refuses it; the server then takes fewer connections
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
