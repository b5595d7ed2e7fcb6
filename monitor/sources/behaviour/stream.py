"""A stream of events (SSE) as it arrives: the data of each event, whether it was ended properly, and when the first
word came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

DONE = "[DONE]"


def read(lines: Iterable[str], elapsed: Callable[[], int]) -> tuple[dict[str, Any], int | None]:
    """Read a stream to its end: its events as one object, and the milliseconds that `elapsed` said at the first word.

    `done` says whether it ended with `[DONE]`; `failed` is the object around an error in the middle of it. What is not
    JSON is kept as its text.
    """
    events: list[Any] = []
    failed: dict[str, Any] = {}
    first: int | None = None
    done = False
    for line in lines:
        field, _, value = line.partition(":")
        if field != "data":
            continue  # comments that keep the connection open, names and ids of events
        data = value.removeprefix(" ")
        if data == DONE:
            done = True
            break
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = data
        events.append(event)
        if isinstance(event, dict) and event.get("error"):
            failed = {"status": "failed", "error": event["error"]}
        if first is None and _word(event):
            first = elapsed()
    return {"events": events, "done": done, **({"failed": failed} if failed else {})}, first


def _word(event: object) -> bool:
    """Return whether an event brings something of the answer."""
    choices = event.get("choices") if isinstance(event, dict) else None
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    delta = first.get("delta")
    return isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")
