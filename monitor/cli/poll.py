"""`poll`: one poll of each source, now, and in words what it came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_sources
from monitor.cli.opening import opened
from monitor.core import events as ev
from monitor.core.event_types import in_words
from monitor.core.events import Event, rfc3339
from monitor.core.facts import FailureReason
from monitor.core.moments import both
from monitor.core.ports import ConfigurationError, EventQuery, MonitorError, Unavailable

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.detection.outcome import Outcome

CHANGED = 10
"""The exit code of `--exit-code` where a change was confirmed."""

_OURS = frozenset({FailureReason.NO_CREDENTIAL, FailureReason.MISCONFIGURED})
_UNREACHED = frozenset({FailureReason.UNREACHABLE, FailureReason.TIMEOUT})
SHOWN = 20
"""How many changes of fact are shown one by one."""

_NEVER_CUT = ("entry.", "source.")
_ROUTINE = frozenset({ev.CHECK_VERIFIED})  # dated anew every day, whatever was found


@command(
    "poll",
    table=True,
    examples=(
        "access-monitor poll",
        "access-monitor poll openai-models openai-pricing",
        "access-monitor poll --exit-code || echo something moved",
    ),
)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, shell_complete=complete_sources)
@click.option("--exit-code", is_flag=True, help="End with 10 if a change was confirmed.")
@click.option("--deliver", is_flag=True, help="Then send what is due and renew the lease files, as a daemon does.")
@click.pass_obj
def poll(options: Options, *, sources: tuple[str, ...], exit_code: bool, deliver: bool) -> int:
    """Poll sources now and say what was found.

    All configured sources, or those named. Creates and upgrades the database where needed, closes maintenance
    windows that are over and lets old checks expire. Sends nothing without --deliver, which a timer gives where no
    daemon runs. A difference is pending until enough polls confirm it.

    Ends with 1 if a source could not be read (this wins over 10), 75 if it was out of reach, 78 if a secret is
    missing.
    """
    with opened(options, create=True) as monitor, monitor.store.sole() if deliver else nullcontext():
        monitor.declare()
        outcomes = monitor.poller.poll(list(sources))
        with monitor.store.read() as reader:
            head = reader.head()
        due = monitor.tender.tend(monitor.clock())
        with monitor.store.read() as reader:
            states = reader.sources()
            tended = [record.event for record in reader.events(EventQuery(after=head, limit=due))] if due else []
        if deliver:
            _deliver(monitor)
    if options.json:
        output.as_json([as_json(outcome) for outcome in outcomes])
    else:
        _print(outcomes, tended)
    failed = {outcome.source: outcome.detail for outcome in outcomes if outcome.verdict == "failed"}
    reasons = {key: states[key].outage for key in failed}
    result = code(set(reasons.values()), confirmed=exit_code and any(outcome.confirmed for outcome in outcomes))
    if failed:
        raise unread(failed, reasons, result, of=len(outcomes))
    return result


def _deliver(monitor: Monitor) -> None:
    """Do once what a daemon does at every turn, and say what of it could not be done."""
    monitor.publish()
    monitor.relay.recover()
    while monitor.relay.tick():  # a delivery that failed is due later, so this ends
        pass
    for failure in monitor.seal()[1]:
        output.note(output.printable(str(failure)))


def code(reasons: Collection[str], *, confirmed: bool) -> int:
    """Return the exit code for the reasons of failed polls: 1, unless none of them says more than that trying later, or
    a secret, helps.
    """
    if not reasons:
        return CHANGED if confirmed else 0
    if set(reasons) - {*_UNREACHED, *_OURS}:
        return MonitorError.exit_code
    return ConfigurationError.exit_code if _OURS & set(reasons) else Unavailable.exit_code


def unread(failed: Mapping[str, str], reasons: Mapping[str, str], code: int, *, of: int) -> MonitorError:
    """Return the error of this exit code that names the sources that could not be read, whose details are `failed`, and
    the mend.
    """
    who = f"{len(failed)} of {output.plural(of, 'source')} could not be read ({', '.join(failed)})"
    if code == Unavailable.exit_code:
        return Unavailable(f"{who}: try again, or correct the address in the configuration.")
    if code == ConfigurationError.exit_code:
        missing = next(key for key in failed if reasons[key] in _OURS)
        return ConfigurationError(f"{who}: {failed[missing].partition(': ')[2]}")
    return MonitorError(f"{who}: `access-monitor events --type source.failed` says why.")


def found(outcome: Outcome) -> str:
    """Return what one poll came to, in words."""
    if outcome.verdict == "failed":
        return f"could not be read: {outcome.detail}"
    if outcome.verdict == "held":
        return f"held back, nothing of it is confirmed yet: {outcome.detail}"
    if outcome.verdict == "late":
        return f"not taken: {outcome.detail}"
    if outcome.verdict == "not due":
        return f"due at {both(outcome.due)}" if outcome.due else "not due"
    conclusion = {
        "baseline": "first poll, recorded as the baseline",
        "changed": f"{output.plural(outcome.confirmed, 'change')} confirmed",
        "suspect": "",
        "unchanged": "nothing new",
    }[outcome.verdict]
    suspected = (
        f"{output.plural(outcome.suspects, 'difference')} suspected{_again(outcome.again)}" if outcome.suspects else ""
    )
    return "; ".join(part for part in (conclusion, suspected) if part)


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return an outcome for scripts; `events` are positions in the log."""
    return {
        "source": outcome.source,
        "verdict": outcome.verdict,
        "detail": outcome.detail,
        "confirmed": outcome.confirmed,
        "believed": outcome.confirmed,  # its name until 0.2.0
        "suspects": outcome.suspects,
        "again": rfc3339(outcome.again) if outcome.again else None,
        "due": rfc3339(outcome.due) if outcome.due else None,
        "events": [event.position for event in outcome.events],
    }


def _again(at: datetime | None) -> str:
    return f", to be polled again from {both(at)}" if at else ""


def _print(outcomes: Sequence[Outcome], tended: Sequence[Event]) -> None:
    output.table(("SOURCE", "FOUND"), [(outcome.source, found(outcome)) for outcome in outcomes])
    written = [*(event for outcome in outcomes for event in outcome.events), *tended]
    events = [event for event in written if event.type not in _ROUTINE]
    if not events:
        return
    events.sort(key=lambda event: event.position)
    # One repriced page is a hundred changes: what they did to entries must not drown in them.
    cut = {event.position for event in [event for event in events if not event.type.startswith(_NEVER_CUT)][SHOWN:]}
    click.echo()
    output.table(
        ("POSITION", "RECORDED", "SUBJECT", "WHAT"),
        [
            (str(event.position), event.type, event.subject, in_words(event))
            for event in events
            if event.position not in cut
        ],
        numbers=("POSITION",),
    )
    if cut:
        output.note(f"And {len(cut)} more: `access-monitor events --after {events[0].position - 1}` shows all.")
