"""The control API: how a driver in another process reads and directs the sandbox. Only for loopback, so it asks for no
key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from monitor.sandbox.answers import ProviderAnswer, json_answer
from monitor.sandbox.faults import Target, read_fault
from monitor.sandbox.timeline import Timeline, TimelineCache, TimelinePrice
from monitor.sandbox.webhook import Inbox


class ControlApi:
    """Answers `/sandbox/…`.

    `GET messages`, `GET state`; `POST advance` ends the running step, `POST release` takes `{"act": …}`, `POST fault`
    takes a fault or `{"clear": TARGET}` (`"all"` for every target), `POST cache` how the prompt cache behaves:
    `{"counted": false}`, `{"share": "0.5"}`, `{"reads": 1}`.
    """

    def __init__(self, timeline: Timeline, inbox: Inbox) -> None:
        self._timeline = timeline
        self._inbox = inbox

    def answer(self, method: str, path: str, body: bytes) -> ProviderAnswer:
        """Answer one request; what cannot be done is 400 with one sentence."""
        match (method, path.removeprefix("/sandbox/")):
            case ("GET", "messages"):
                return json_answer(
                    [
                        {"number": message.number, "text": message.text, "payload": message.payload}
                        for message in self._inbox.messages
                    ]
                )
            case ("GET", "state"):
                return json_answer(self._state())
            case ("POST", "advance"):
                self._timeline.advance()
                return json_answer(self._state())
            case ("POST", "release" | "fault" | "cache" as act):
                try:
                    self._act(act, _read(body))
                except ValueError as error:
                    return json_answer({"error": str(error)}, status=400)
                return json_answer(self._state())
        return json_answer({"error": f"the sandbox does not know {method} {path}"}, status=404)

    def _act(self, act: str, data: Mapping[str, object]) -> None:
        if act == "release":
            self._timeline.release(str(data.get("act", "")))
        elif act == "cache":
            self._timeline.put_cache(_read_cache(data))
        elif "clear" in data:
            cleared = str(data["clear"])
            self._timeline.clear_faults(None if cleared == "all" else Target(cleared))
        else:
            self._timeline.put_fault(read_fault(data))

    def _state(self) -> dict[str, object]:
        timeline = self._timeline
        step, state = timeline.current, timeline.state
        return {
            "step": {
                "index": timeline.index,
                "of": len(timeline.steps),
                "date": step.date.isoformat(),
                "title": step.title,
                "polls": step.polls,
                "looks": step.polls,
                "awaits": timeline.awaits,
            },
            "polls": timeline.polls,
            "looks": timeline.polls,
            "ended": timeline.ended,
            "models": [model.id for model in state.listed],
            "prices": {id: _price(price) for id, price in state.prices.items()},
            "faults": [dict(fault.described()) for fault in timeline.faults],
            "requests": timeline.requests,
            "messages": len(self._inbox.messages),
        }


def _price(price: TimelinePrice) -> dict[str, str | None]:
    values = {
        "input": price.input,
        "cached_input": price.cached_input,
        "cache_write": price.cache_write,
        "output": price.output,
    }
    return {meter: None if value is None else str(value) for meter, value in values.items()}


def _read_cache(data: Mapping[str, object]) -> TimelineCache:
    """Read how the cache behaves.

    Raises:
        ValueError: an unknown field, or a value that it cannot have.
    """
    counted, share, reads = (data.get(name) for name in ("counted", "share", "reads"))
    if unknown := data.keys() - {"counted", "share", "reads"}:
        raise ValueError(f"the cache has no {min(unknown)!r}; it has counted, share and reads")
    if not isinstance(counted, bool | None):
        raise ValueError(f"counted is true or false, not {counted!r}")
    if not isinstance(reads, int | None) or isinstance(reads, bool):
        raise ValueError(f"reads is a whole number or null, not {reads!r}")
    try:
        part = Decimal(str(1 if share is None else share))
    except InvalidOperation:
        raise ValueError(f"share is a number from 0 to 1, not {share!r}") from None
    return TimelineCache(counted=counted is not False, share=part, reads=reads)


def _read(body: bytes) -> Mapping[str, object]:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("the body is not a JSON object")
    return data
