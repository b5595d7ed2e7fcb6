"""Reads feeds as a poll does, and the recorded ones without any code of the monitor."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.core import zstd
from monitor.core.facts import Body, Snapshot, Subject
from monitor.sources.catalog import source_spec
from monitor.sources.feed import PriceFeed
from monitor.sources.http import HttpClient

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[2].parent / "shared"))
HISTORIES = SHARED / "replay"

needs_histories = pytest.mark.skipif(
    not HISTORIES.is_dir(), reason=f"NO REAL HISTORIES: {HISTORIES} is absent, set ACCESS_MONITOR_SHARED"
)

OFFLINE = HttpClient()


def observed(format: str, payload: object, at: datetime = NOW) -> Any:
    """Return what a poll sees of a payload; of bytes as they are."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload, default=_exact).encode()
    spec = source_spec(key="feed", kind="price_feed", every=timedelta(hours=1), url="http://x.invalid", format=format)
    return PriceFeed(spec, OFFLINE).extract(Body(content=content, sha256="", size=len(content)), at)


def _exact(value: object) -> float:
    """Back to the shortest spelling, from which the decimal came."""
    assert isinstance(value, Decimal)
    assert Decimal(repr(float(value))) == value
    return float(value)


def of(snapshot: Snapshot, provider: str, model: str) -> dict[str, object]:
    """Return the prices of one model that hold now, their fields without `price.`."""
    fields = snapshot.facts.get(Subject(provider, model), {})
    return {field.removeprefix("price."): value for field, value in fields.items() if field.startswith("price.")}


def amounts(snapshot: Snapshot) -> list[str]:
    """Return every price in a poll, of whatever model."""
    return [str(v) for fields in snapshot.facts.values() for field, v in fields.items() if field.startswith("price.")]


def announced(snapshot: Snapshot, provider: str, model: str) -> dict[str, object]:
    """Return what is stated of one model for later days, without `announced.price.`."""
    fields = snapshot.facts.get(Subject(provider, model), {})
    prefix = "announced.price."
    return {field.removeprefix(prefix): value for field, value in fields.items() if field.startswith(prefix)}


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the good lines of a recorded history, fractions as decimals."""
    with (HISTORIES / f"{name}.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstd.ZstdFile(file), encoding="utf-8"):
            read = json.loads(line, parse_float=Decimal)
            if read["status"] == "ok":
                yield read


def truth(name: str) -> Iterator[dict[str, Any]]:
    """Yield the differences that an independent script found."""
    for line in (HISTORIES / f"{name}.truth.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line, parse_float=Decimal)


def whole(name: str) -> bytes:
    """Return a raw feed."""
    return gzip.decompress((HISTORIES / name).read_bytes())


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)
