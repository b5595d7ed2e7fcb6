"""The second approver: where an entry wants two, what one person accepts is a request until another person accepts the same.

The same means: the same act, at the same position, with the same pins. Whether two names are two people is taken from the names; the
account behind each stands beside it in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.domain import events as ev
from monitor.domain import tell
from monitor.domain.events import Event
from monitor.domain.notice import Reason
from monitor.domain.registry import Entry, Register
from monitor.pipeline.ports import Reader, Refused

COMMANDS = {ev.ENTRY_ACTIVATED: "activate", ev.ENTRY_RESUMED: "resume"}
"""The act that is asked for → the command that confirms it."""


def confirmed(
    reader: Reader, entry: Entry, kind: str, accepted: Mapping[str, object], *, by: str, expect: int | None
) -> dict[str, object] | None:
    """What an act records besides where it may be carried out now: the request that it confirms. None: it is itself a request.

    Raises:
        Refused: the person has asked already, or did not say what was seen.
    """
    if entry.approvers < 2:
        return {}
    asked = entry.asked
    request = None if asked is None or asked.act != kind else reader.event(asked.position)
    if asked is None or request is None or _accepted(request.event.data) != _accepted(accepted):
        return None
    command = f"`access-monitor {COMMANDS[kind]} {entry.key} --by … --reason … --expect {asked.expect}`"
    if _person(by) == _person(asked.by):
        raise Refused(
            f"{asked.by} has asked for this already, at position {asked.position}; another person confirms it with {command}"
        )
    if expect is None:
        raise Refused(
            f"{asked.by} asked for this at position {asked.position}; who looked at it as well confirms it with {command}"
        )
    return {"requested_by": asked.by, "request": asked.position}


def _accepted(data: Mapping[str, object]) -> tuple[object, ...]:
    """What has to be the same in both words: the pins, and what both go on without."""
    return data["pins"], data.get("waived", []), data.get("losses", [])


def _person(name: str) -> str:
    return " ".join(name.split()).casefold()


def told(register: Register, request: Event) -> list[tell.Told]:
    """Tell the owners that a second person is asked for."""
    entry = register.entries[request.subject]
    command = COMMANDS[request.data["act"]]
    item = tell.entry_item(
        register,
        entry.key,
        reason=Reason.CHANGED,
        position=request.position,
        since=request.occurred_at,
        summary=f"{request.data['by']} asks to {command} it ({request.data['reason']}); it takes effect when another person does the same",
        commands=(
            f"access-monitor {command} {entry.key} --dry-run",
            f'access-monitor {command} {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )
    return [tell.Told(owners=entry.texts("owners"), item=item)]
