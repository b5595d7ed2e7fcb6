"""The detector on half a year of real models lists: needless pauses, missed removals and delay, against two simple
differs.

    python bench/detector.py [mw_v1models_openai …]

The naive differ pauses at the first good poll without a model, the other at the third in a row; both see what the
monitor sees. A pause is *false* if the model was back in the list within a week of the first poll without it, and
*needless* if it was back within a day. A removal is *missed* if it lasted over a week and paused nothing. `list` is the
monitor on the list alone; `+ routes` has retrieve and one small call beside it, simulated from the history's own
future: both reach a model throughout an absence of up to a week, which is what makes a pause for it false, and miss it
throughout a longer one. `+ routes (a day)` draws that line at a day: by this stricter rule a model that is gone for
days cannot be called, so that a pause which is false by the week is right all the same.

The sets are 200 draws of 20 of all ids that were ever listed. Histories that hold only changes are carried every two
hours. Polls are those of the recordings: a live monitor polls a suspect again after 90 seconds, so its delays are
shorter than these. How long it takes until the gate denies a model whose calls are refused is simulated beside them,
over many moments and jitters, at the intervals of the shipped configuration.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import mean, median_low

from _common import ROOT, Row, chosen, failed, report
from _histories import DAY, HISTORIES, WEEK, Absence, History, Judged, counted, load, monitored
from _refusals import refused

from monitor.core.configuration import ConfirmationRules

FOLDER = Path(os.environ.get("ACCESS_MONITOR_SHARED", ROOT.parent / "shared")) / "replay"
NAIVE, THREE, LIST, SIGNALS, STRICT = "naive (1 poll)", "3 polls", "list", "+ routes", "+ routes (a day)"
SEED = 20260830
DRAWS = 200
SET = 20
MINUTE = timedelta(minutes=1)
SHARE = 5.0
REFUSALS = 200
DENIED_WITHIN = 8.0
"""Minutes from the first refused call to the denial at the gate, at the most."""


def judged(history: History) -> dict[str, Judged]:
    """Return all five on one history."""
    return {
        NAIVE: counted(history, 1),
        THREE: counted(history, 3),
        LIST: monitored(history),
        SIGNALS: monitored(history, reached=WEEK),
        STRICT: monitored(history, reached=DAY),
    }


def drawn(history: History) -> list[frozenset[str]]:
    """Return the registered sets, the same in every run."""
    chance = random.Random(f"{SEED} {history.name}")
    models = history.models
    return [frozenset(chance.sample(models, min(SET, len(models)))) for _ in range(DRAWS)]


def late(one: Absence, delay: timedelta) -> bool:
    """Return whether a removal was confirmed later than count and span ask for, or else, in a mass drop, than its hold
    does.
    """
    confirmation = ConfirmationRules()
    spans = [at - one.since for at in one.polls][confirmation.absence.polls - 1 :]
    allowed = next((span for span in spans if span >= confirmation.absence.span), None)
    held = next((span for span in spans if span >= confirmation.hold), None)
    return not any(bound is not None and abs(delay - bound) < MINUTE for bound in (allowed, held))


def hours(of: timedelta) -> str:
    return f"{of.total_seconds() / 3600:.1f} h"


def line(name: str, detector: str, found: Judged, sets: Sequence[frozenset[str]]) -> tuple[str, ...]:
    delays = found.delays()
    per_set = [found.false(WEEK, models) for models in sets]
    return (
        name.removeprefix("mw_"),
        detector,
        str(len(found.pauses)),
        str(found.false(WEEK)),
        str(found.false(DAY)),
        str(len(found.missed)),
        hours(median_low(delays)) if delays else "–",
        hours(delays[-1]) if delays else "–",
        f"{mean(per_set):.2f}",
        str(max(per_set)),
    )


HEADS = (
    "history",
    "detector",
    "pauses",
    "false",
    "needless",
    "missed",
    "median delay",
    "worst",
    "false a set",
    "worst set",
)


def show(table: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADS))]
    for cells in table:
        aligned = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        print("  ".join([cells[0].ljust(widths[0]), cells[1].ljust(widths[1]), *aligned]).rstrip())
    sys.stdout.flush()


def rows(found: Mapping[str, Mapping[str, Judged]]) -> list[Row]:
    """Return what is judged of it."""

    def total(detector: str, within: timedelta) -> int:
        return sum(one[detector].false(within) for one in found.values())

    missed = sum(len(one[detector].missed) for one in found.values() for detector in (LIST, SIGNALS, STRICT))
    later = sum(
        late(absence, at - absence.since)
        for one in found.values()
        for absence, at in one[LIST].pauses.items()
        if absence.lasting
    )
    worst = max(one[LIST].false(WEEK) - one[THREE].false(WEEK) for one in found.values())
    naive, needless = total(NAIVE, WEEK), total(NAIVE, DAY)
    judged = [
        Row(
            what="false pauses, list alone against 3 polls",
            ours=str(total(LIST, WEEK)),
            bare=str(total(THREE, WEEK)),
            figure=float(total(LIST, WEEK) - total(THREE, WEEK)),
            limit=0,
            unit="more",
        ),
        Row(
            what="the same on the worst history",
            ours=str(worst),
            bare="0",
            figure=float(worst),
            limit=0,
            unit="more",
        ),
        Row(what="removals missed", ours=str(missed), bare="0", figure=float(missed), limit=0, unit="missed"),
        Row(
            what="removals later than count and span",
            ours=str(later),
            bare="0",
            figure=float(later),
            limit=0,
            unit="late",
        ),
        Row(
            what="false pauses, with routes against naive",
            ours=str(total(SIGNALS, WEEK)),
            bare=str(naive),
            figure=100 * total(SIGNALS, WEEK) / max(naive, 1),
            limit=SHARE,
            unit="%",
        ),
        Row(
            what="needless pauses, with routes (a day) against naive",
            ours=str(total(STRICT, DAY)),
            bare=str(needless),
            figure=100 * total(STRICT, DAY) / max(needless, 1),
            limit=SHARE,
            unit="%",
        ),
    ]
    openai = found.get("mw_v1models_openai")
    if openai is not None:
        false = openai[LIST].false(WEEK) + openai[SIGNALS].false(WEEK)
        judged.insert(
            1, Row(what="false pauses on OpenAI", ours=str(false), bare="1", figure=false, limit=0, unit="false")
        )
    return judged


def refusals() -> Row:
    """Return how long a model is allowed whose every call is refused while the list still shows it."""
    found = refused(REFUSALS, f"{SEED} refusals")
    return Row(
        what="from the first refused call to the denial",
        ours=f"p50 {minutes(found.median):.1f} min, worst {minutes(found.worst):.1f} min",
        bare="–",
        figure=minutes(found.worst),
        limit=DENIED_WITHIN,
        unit="min",
    )


def minutes(of: timedelta) -> float:
    return of.total_seconds() / 60


def main() -> int:
    if not FOLDER.is_dir():
        return report([failed("the detector on real histories", f"no {FOLDER}"), refusals()])
    table: list[tuple[str, ...]] = [HEADS]
    found: dict[str, dict[str, Judged]] = {}
    for name in chosen(HISTORIES, sys.argv[1:]):
        history = load(FOLDER, name)
        sets = drawn(history)
        found[name] = judged(history)
        table += [line(name, detector, one, sets) for detector, one in found[name].items()]
    show(table)
    return report([*rows(found), refusals()])


if __name__ == "__main__":
    sys.exit(main())
