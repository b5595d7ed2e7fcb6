"""What people and programs send: bodies of a bounded size, forms, and how often one address may send any."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from starlette.requests import Request

A_MINUTE = 60
"""How many requests a minute one address may send to what needs no sign-in."""

_MINUTE = timedelta(minutes=1)
_ADDRESSES = 1024
_FIELDS = 64


class OversizedBody(Exception):
    """A body is larger than what it may hold; the rest was not read."""


async def body_of(request: Request, largest: int) -> bytes:
    """Return the body, of at most that many bytes.

    Raises:
        OversizedBody: it is larger.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > largest:
        raise OversizedBody
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > largest:
            raise OversizedBody
    return bytes(content)


def fields_of(content: bytes) -> Mapping[str, list[str]]:
    """Return the fields of a form with all their values; none of one that no page of ours sends."""
    try:
        return parse_qs(content.decode("utf-8", "replace"), max_num_fields=_FIELDS)
    except ValueError:
        return {}


def form_of(content: bytes) -> Mapping[str, str]:
    """Return the first value of each field of a form."""
    return {name: values[0] for name, values in fields_of(content).items()}


class RateLimit:
    """Admits so many requests a minute from each address; the addresses that asked least lately are forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def admit(self, address: str, now: datetime) -> bool:
        """Count a request and return whether it is admitted."""
        began, count = self._windows.pop(address, (now, 0))
        if not timedelta(0) <= now - began < _MINUTE:
            began, count = now, 0
        self._windows[address] = (began, count + 1)
        if len(self._windows) > _ADDRESSES:
            self._windows.popitem(last=False)
        return count < self._most
