"""What a changed document does to the checks that rest on it: the word of a person about a text holds for that text.

No entry is paused by it, but where production requires the check the gate denies until it is verified anew; its owners
are told at once.
"""

from __future__ import annotations

from monitor.core import events as ev
from monitor.core.configuration import SourceSpec
from monitor.core.entry import Check, CheckState
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
