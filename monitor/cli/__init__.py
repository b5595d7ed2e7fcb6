"""The command line: which commands there are, and the way into them.

Importing this module costs click and nothing else, so that `--help` and completion answer at once: a command's module
is imported when that command is run. The summaries stand here as literals for the same reason; a test holds them equal
to what the commands say of themselves.
"""

from __future__ import annotations

import click

from monitor import __version__
from monitor.cli.framework import Entrance, Summaries, shared_options

COMMANDS: Summaries = {
    "Watch": {
        "run": ("monitor.cli.run:run", "Run the monitor: scheduler, deliveries, HTTP."),
        "worker": ("monitor.cli.run:worker", "Poll and send as one of several nodes: no HTTP."),
        "poll": ("monitor.cli.poll:poll", "Poll sources now and say what was found."),
        "demo": ("monitor.cli.demo:demo", "Play a story in a sandbox, in ten seconds."),
    },
    "Read": {
        "status": ("monitor.cli.status:status", "Show the registry, now or as it was."),
        "alerts": ("monitor.cli.alerts:alerts", "Show what is open: since when, who has it, what to type next."),
        "sources": ("monitor.cli.sources:sources", "Show the state of each source, or all about one."),
        "why": ("monitor.cli.status:why", "Explain a status: events and evidence, in words."),
        "checklist": ("monitor.cli.status:checklist", "Show every readiness check of an entry."),
        "coverage": ("monitor.cli.coverage:coverage", "Show what watches each pin and check."),
        "prices": ("monitor.cli.prices:prices", "Show prices by tier, band and meter."),
        "lifecycle": ("monitor.cli.lifecycle:lifecycle", "Show announced ends, by source."),
        "measurements": ("monitor.cli.measurements:measurements", "Show what the calls of probes took."),
        "budget": ("monitor.cli.measurements:budget", "Show what paid probes may still cost today."),
        "diff": ("monitor.cli.diff:diff", "Show what differs in the registry between two times."),
        "events": ("monitor.cli.events:events", "Read the log."),
        "extract": ("monitor.cli.extract_other:extract", "Show what is read from a saved answer."),
        "evidence": ("monitor.cli.evidence:evidence", "Print the bytes that a source sent."),
        "report": ("monitor.cli.report:report", "Write the rollout page of an entry."),
        "audit": ("monitor.cli.audit:audit", "Ask the log what auditors ask; verify it, sign it, prove what is in it."),
        "replay": ("monitor.cli.replay:replay", "Run recorded observations through the pipeline and print the events."),
        "gate": ("monitor.cli.gate:gate", "May this environment use this model now? The answer is the exit code."),
    },
    "Act": {
        "activate": ("monitor.cli.acts:activate", "Accept an entry's assumptions and let production use it."),
        "pause": ("monitor.cli.acts:pause", "Stop the use of an entry."),
        "resume": ("monitor.cli.acts:resume", "Let production use a paused entry again."),
        "retire": ("monitor.cli.acts:retire", "End an entry for good."),
        "release": ("monitor.cli.acts:release", "Confirm a quarantined price."),
        "verify": ("monitor.cli.verify:verify", "Attest a readiness check."),
        "maintenance": ("monitor.cli.maintenance:maintenance", "Announce maintenance in which changes are expected."),
    },
    "Notify": {
        "ack": ("monitor.cli.attend:ack", "Acknowledge a pause: stops repeat notifications."),
        "silence": ("monitor.cli.attend:silence", "Mute notices about an entry for a time."),
        "notices": ("monitor.cli.notices:notices", "Show what was sent, word for word, and to whom."),
        "silences": ("monitor.cli.alerts:silences", "Show silences: entry, end, author and reason."),
        "notify": ("monitor.cli.notify:notify", "Try out the destinations of an owner."),
        "outbox": ("monitor.cli.outbox:outbox", "Show deliveries waiting or dead; send them again."),
    },
    "Set up": {
        "init": ("monitor.cli.init:init", "Write a first configuration."),
        "config": ("monitor.cli.config:config", "Check, accept, show or describe the configuration."),
        "token": ("monitor.cli.token:token", "Make, show or revoke tokens."),
        "doctor": (
            "monitor.cli.doctor:doctor",
            "Examine clock, disk, database, keys, destinations and lease folder.",
        ),
        "db": ("monitor.cli.db:db", "Upgrade, back up, restore, copy, check or rebuild the database."),
        "completion": ("monitor.cli.completion:completion", "Print the completion script of a shell."),
    },
}
"""Section of the help → command → where it is, what it does."""

RENAMED = {"expect": "maintenance"}
"""Command as versions before 0.4 called it → its name now. The old name works in this version only, with a warning."""

PROGRAM = "access-monitor"


@click.group(
    PROGRAM,
    cls=Entrance,
    sections=COMMANDS,
    renamed=RENAMED,
    params=shared_options(table=True),
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "access-monitor config check",
        "access-monitor poll",
        "access-monitor status",
        "access-monitor events --since '2h ago'",
    ),
)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Watch what you assume about the models you call.

    Exit codes: 0 done; 1 the answer is no, or the work failed; 2 wrong usage; 10 something changed or would change,
    where you asked for that; 75 a service could not be reached, try again; 78 the configuration is wrong.
    """


def main() -> None:
    """Run the command that the shell names."""
    cli(prog_name=PROGRAM)
