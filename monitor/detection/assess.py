"""What one poll means: pure stages, each of which takes what was decided so far and returns more of it.

Detection knows no entry: it says what differs, what is held, what is confirmed, and which events record that. What it
means for an entry is worked out afterwards. Everything that a stage asks for stands in the `AssessmentContext`.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from monitor.core import logs
from monitor.detection.assessment import Assessment, Stage
from monitor.detection.context import AssessmentContext
from monitor.detection.stages.baseline import admit, compare, rebase
from monitor.detection.stages.conclusion import conclude
from monitor.detection.stages.contradictions import count_turns, notice_alternation
from monitor.detection.stages.differences import confirm, corroborate, quarantine
from monitor.detection.stages.failures import count_refusal, drop_late, end_outage, record_failure
from monitor.detection.stages.holds import end_anomaly
from monitor.detection.stages.refusals import say_refusals

STAGES: tuple[Stage, ...] = (
    drop_late,
    count_refusal,
    record_failure,
    end_outage,
    rebase,
    compare,
    admit,
    notice_alternation,
    confirm,
    corroborate,
    count_turns,
    end_anomaly,
    quarantine,
    say_refusals,
)
"""What is done with a poll; a stage that closes it ends the row."""


def assess(context: AssessmentContext) -> Assessment:
    """Judge one poll."""
    assessment = Assessment(state=context.state, baseline=context.baseline, pending=tuple(context.pending.values()))
    for stage in STAGES:
        if assessment.closed:
            break
        assessment = _logged(context, stage, stage(context, replace(assessment, why="")))
    return assessment if assessment.verdict else _logged(context, conclude, conclude(context, assessment))


def _logged(context: AssessmentContext, stage: Stage, assessment: Assessment) -> Assessment:
    """Say what a stage did and why, where it did anything."""
    if assessment.why:
        logs.line("assessed", level=logging.DEBUG, source=context.spec.key, stage=stage.__name__, did=assessment.why)
    return assessment
