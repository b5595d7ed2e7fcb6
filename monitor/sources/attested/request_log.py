"""Samples of a team's own request log: JSON Lines whose field names are configured.

Only the configured fields are read, and only they are kept: the lines of a request log may hold prompts, which are
nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from monitor.core.request_log import Fields, LoggedRequest
from monitor.sources import json_text
from monitor.sources.attested.values import count, number, table, text
from monitor.sources.extraction import Unreadable

_MILLISECONDS = 10**11
"""From here on a number is a time in milliseconds; in seconds it would be the year 5138."""

Row = Mapping[str, object]


class RequestLogRead(NamedTuple):
    """What was read, and the lines to keep of it: the configured fields alone."""

    requests: tuple[LoggedRequest, ...]
    kept: bytes


def read(content: bytes, fields: Fields) -> RequestLogRead:
    """Read a sample.

    Raises:
        Unreadable: a line is no JSON object, or there is none.
    """
    requests, lines = [], []
    for number_, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json_text.parse(line)
        except json_text.NotJson as error:
            raise Unreadable(f"line {number_} is not JSON: {error.reason}") from error
        if not isinstance(row, dict):
            raise Unreadable(f"line {number_} is not a JSON object")
        request, record = _request(number_, row, fields)
        requests.append(request)
        lines.append(json_text.canonical_text(record))
    if not requests:
        raise Unreadable("it holds no line")
    return RequestLogRead(tuple(requests), "".join(f"{line}\n" for line in lines).encode())


def find(row: Row, path: str) -> tuple[bool, object]:
    """Return whether a field is there, and its value. A key with dots in it counts before the way into
    nested objects.
    """
    if path in row:
        return True, row[path]
    first, dot, rest = path.partition(".")
    return find(table(row.get(first)), rest) if dot and first in row else (False, None)


def _request(line: int, row: Row, fields: Fields) -> tuple[LoggedRequest, dict[str, object]]:
    lacks: list[str] = []
    at = _time(find(row, fields.at)[1])
    model = text(find(row, fields.model)[1])
    latency = number(find(row, fields.latency)[1])
    retries = count(find(row, fields.retries)[1])
    logged, error = find(row, fields.error)
    failed = bool(error)
    lacks += [name for name, value in ((fields.at, at), (fields.model, model or None)) if value is None]
    lacks += [fields.latency] if latency is None or latency < 0 else []
    lacks += [] if logged else [fields.error]
    lacks += [fields.retries] if retries is None else []
    tokens = _tokens(row, fields, failed, lacks)
    cost = _amount(find(row, fields.cost)[1])
    if cost is None and not failed:
        lacks.append(fields.cost)
    tier = text(find(row, fields.tier)[1]) if fields.tier else ""
    record: dict[str, object] = {
        "line": line,
        "at": at.isoformat() if at else None,
        "model": model,
        "latency": latency,
        "tokens": tokens,
        "cost": cost,
        "failed": failed,
        "retries": retries,
        "tier": tier,
    }
    request = LoggedRequest(
        line=line,
        model=model,
        at=at,
        tokens=tokens,
        cost=cost,
        tier=tier,
        failed=failed,
        retries=retries or 0,
        lacks=tuple(lacks),
    )
    return request, record


def _tokens(row: Row, fields: Fields, failed: bool, lacks: list[str]) -> dict[str, int]:
    """Meter → tokens, `input` without what was cached or written; a request that failed need not have any."""
    names = {"input": fields.input, "cached_input": fields.cached, "output": fields.output}
    if fields.cache_write:
        names["cache_write"] = fields.cache_write
    counted: dict[str, int] = {}
    for meter, name in names.items():
        there, value = find(row, name)
        tokens = count(value)
        if tokens is not None:
            counted[meter] = tokens
        elif not failed or (there and value is not None):
            lacks.append(name)
    if fields.cached_in_input and "input" in counted:
        rest = counted["input"] - counted.get("cached_input", 0) - counted.get("cache_write", 0)
        if rest < 0:
            lacks.append(fields.input)  # fewer than were cached: the two do not count the same
        counted["input"] = max(rest, 0)
    return {meter: tokens for meter, tokens in counted.items() if tokens}


def _amount(value: object) -> Decimal | None:
    amount = number(value)
    if amount is None and isinstance(value, str):
        try:
            amount = number(Decimal(value))
        except ArithmeticError:
            return None
    return None if amount is None or amount < 0 else Decimal(amount)


def _time(value: object) -> datetime | None:
    """Return a time with its zone: RFC 3339, or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return None if at.tzinfo is None else at.astimezone(UTC)
        seconds = number(value)
        if seconds is None:
            return None
        return datetime.fromtimestamp(float(seconds / 1000 if seconds >= _MILLISECONDS else seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
