"""What a poll takes back of the word of a person: about a text that changed, or about a model that does not answer any
more.

No entry is paused by it. Where production requires a check that rests on a document, the gate denies until it is
verified anew, and its owners are told at once.
"""

from __future__ import annotations

from monitor.core import events as ev
from monitor.core.check_names import EVALS, SAFETY_REVIEW
from monitor.core.configuration import SourceSpec
from monitor.core.entry import Check, CheckState, Status
from monitor.core.facts import ALIAS_TARGET, is_answering
from monitor.registry import checklist, policy
from monitor.registry.transitions import RegistryTransaction


def invalidate_checks(register: RegistryTransaction, key: str, spec: SourceSpec, trigger: policy.Trigger) -> None:
    """Let the verified checks of an entry go stale that its configuration makes rest on a document (`makes_stale`), if
    it changed.
    """
    changed = [claim for claim in trigger.recorded_changes.values() if claim.prose]
    names = spec.options.get("makes_stale", ())
    if not changed or not isinstance(names, tuple):
        return
    entry = register.entries[key]
    grounds = checklist.Grounds(
        source=spec.key,
        cause=changed[0].position,
        evidence=changed[0].confirmed.pending_change.evidence,
        reason=f"{spec.key} changed",
        because="document",
    )
    for name in names:
        if entry.checks.get(name, Check()).state is CheckState.VERIFIED:
            checklist.move(register, ev.CHECK_STALE, key, name, grounds, at=trigger.at)


def invalidate_results(register: RegistryTransaction, key: str, spec: SourceSpec, trigger: policy.Trigger) -> None:
    """Let evals and the safety review of an entry that nobody accepted yet go stale once another model answers under
    its id. An accepted one has pins for this: it is paused.
    """
    entry = register.entries[key]
    if entry.status not in (Status.WAITING, Status.EVALUATING):
        return
    for fact, claim in trigger.recorded_changes.items():
        affected = is_answering(fact.field) or fact.field == ALIAS_TARGET
        if not affected or fact.subject not in entry.subjects or claim.confirmed.change.old is None:
            continue
        grounds = checklist.Grounds(
            source=spec.key,
            cause=claim.position,
            evidence=claim.confirmed.pending_change.evidence,
            reason="another model answers under this id",
        )
        for name in (EVALS, SAFETY_REVIEW):
            if checklist.holds(name, register.entries[key]):
                checklist.move(register, ev.CHECK_STALE, key, name, grounds, at=trigger.at)
