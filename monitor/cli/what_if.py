"""`replay --log`: which pauses another policy would have made or spared over the history that a log kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import output
from monitor.core.events import rfc3339
from monitor.core.moments import utc

if TYPE_CHECKING:
    from monitor.app.what_if import WhatIf
    from monitor.audit.what_if.stops import PinShift, PolicyEffect, Stop


def show_what_if(url: str, policy: Path, carry: timedelta | None, *, as_json: bool) -> None:
    """Play the log at `url` under the policy of a file, and print what differs.

    Raises:
        ConfigurationError: there is no database, or the file is no policy for its log.
        Refused: the log keeps no configuration.
    """
    from monitor.app.what_if import what_if

    result = what_if(url, policy, carry)
    if as_json:
        output.as_json(_json(result))
        return
    effects = result.comparison.effects
    rows = [_row(effect) for effect in effects if effect.effect.value != "same"]
    if rows:
        output.table(("SINCE", "ENTRY", "AS IT WAS", "AS IT WOULD BE", "CAUSE"), rows)
    click.echo(output.printable(_summary(result)))
    for sentence in result.comparison.not_judged:
        output.note(output.printable(f"Not judged: {sentence}"))
    for key in result.unknown:
        output.note(f"The policy names the entry {key}, which this log never had.")
    output.note(_polls_in_words(carry))


def _polls_in_words(carry: timedelta | None) -> str:
    how = "its source is set to be" if carry is None else "--carry says"
    return (
        f"The log has no row for a poll that changed nothing: what is open is taken to be polled as often as {how}. An "
        "answer that nothing confirmed counts as one poll, and as none where the same bytes had come before."
    )


def _summary(result: WhatIf) -> str:
    counts = Counter(effect.effect.value for effect in result.comparison.effects)
    words = ("made", "spared", "earlier", "later", "open")
    differing = ", ".join(f"{counts[word]} {word}" for word in words if counts[word])
    changed = ", ".join(result.changed) or "nothing"
    return (
        f"The policy changes {changed}. Of {output.plural(sum(counts.values()), 'pause')} up to {utc(result.until)}: "
        f"{differing + ', ' if differing else ''}{counts['same']} the same."
    )


def _row(effect: PolicyEffect) -> Sequence[str]:
    would = "open at the end" if effect.effect.value == "open" else _stop(effect.would)
    return utc(effect.since), effect.entry, _stop(effect.was), would, _cause(effect.shift)


def _stop(stop: Stop | None) -> str:
    if stop is None:
        return "not paused"
    return f"{'extended' if stop.extends else 'paused'} {utc(stop.at)}"


def _cause(shift: PinShift) -> str:
    from monitor.core.entry import Pin
    from monitor.core.text import move_in_words, pin_in_words

    pin = Pin.of(shift.pin, "" if shift.old is None else shift.old)
    return f"{pin_in_words(pin)}: {move_in_words(pin.field, shift.old, shift.new)}"


def _json(result: WhatIf) -> dict[str, Any]:
    return {
        "log": result.head.log,
        "position": result.head.position,
        "until": rfc3339(result.until),
        "changed": list(result.changed),
        "effects": [
            {
                "entry": effect.entry,
                "since": rfc3339(effect.since),
                "pin": effect.shift.pin,
                "old": effect.shift.old,
                "new": effect.shift.new,
                "effect": effect.effect.value,
                "was": _stop_json(effect.was),
                "would": _stop_json(effect.would),
            }
            for effect in result.comparison.effects
        ],
        "not_judged": list(result.comparison.not_judged),
        "unknown_entries": list(result.unknown),
    }


def _stop_json(stop: Stop | None) -> dict[str, Any] | None:
    return None if stop is None else {"at": rfc3339(stop.at), "extends": stop.extends}
