"""A real history of announced ends, through the real reader and the real judgement: flaps take nothing back, a moved
day is told once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.app.use_cases import UseCases
from monitor.core import zstd
from monitor.core.configuration import Configuration
from monitor.core.events import Event
from monitor.core.facts import Body, PollFailure
from monitor.core.ports import EventQuery
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.store import open_store

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED") or Path(__file__).parents[2].parent / "shared")
HEADER = "| Shutdown date | Affected model | Status | Recommended replacement | Notice date |\n" + "| --- " * 5 + "|\n"


def history() -> Iterator[dict[str, Any]]:
    path = SHARED / "replay" / "deprecations_quora.jsonl.zst"
    if not path.exists():
        pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
    with path.open("rb") as file:
        text = zstd.ZstdFile(file).read().decode()
    yield from map(json.loads, text.splitlines())


def page(rows: list[dict[str, str]], provider: str) -> bytes:
    """Return the rows of one provider as the page that it might have published."""
    keys = ("shutdown_date", "model_name", "status", "replacement", "deprecated_date")
    cells = [
        "| " + " | ".join(row[key].replace("|", "\\|") for key in keys) + " |"
        for row in rows
        if row["provider"] == provider
    ]
    return ("# Deprecations\n\n" + HEADER + "\n".join(cells) + "\n").encode()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Provide the log after the whole history, each state of it looked at three times within 40 minutes."""
    specs = {
        provider.lower(): source_spec(
            key=provider.lower(),
            kind="deprecations_page",
            every=timedelta(hours=6),
            url="https://x.example/d.md",
            provider=provider.lower(),
        )
        for provider in ("OpenAI", "Anthropic", "Gemini")
    }
    http = HttpClient()
    sources = {key: build(spec, SourceDeps(http=http, surface=None, secret=str)) for key, spec in specs.items()}
    store = open_store(str(tmp_path_factory.mktemp("ends") / "monitor.db"))
    now = datetime.min
    poller = UseCases(store, Configuration(sources=specs), lambda: now, published=lambda: None).poller(
        lambda key: sources[key]
    )
    try:
        for observed in history():
            began = datetime.fromisoformat(observed["observed_at"])
            for provider in ("OpenAI", "Anthropic", "Gemini"):
                content = page(observed["payload"], provider)
                body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
                for minutes in (0, 20, 40):
                    now = began + timedelta(minutes=minutes)
                    seen = sources[provider.lower()].extract(body, now)
                    assert not isinstance(seen, PollFailure), seen
                    poller.record(provider.lower(), seen)
        with store.read() as reader:
            return [recorded.event for recorded in reader.events(EventQuery())]
    finally:
        store.close()


def moves(log: list[Event], type: str) -> Counter[tuple[str, str, str]]:
    return Counter((e.subject, e.data["old"], e.data["date"]) for e in log if e.type == type)


def truth() -> Iterator[tuple[str, str, str]]:
    """Model, old and new day of every difference that an independent script found in a row that stood
    before and after.
    """
    path = SHARED / "replay" / "deprecations_quora.truth.jsonl"
    for line in path.read_text().splitlines():
        row = json.loads(line)
        provider, _, model = row["model"].partition("/")
        if row.get("field") == "shutdown_date" and provider in ("OpenAI", "Anthropic", "Gemini") and " " not in model:
            yield model, row["old"], row["new"]


def test_no_flap_of_the_table_withdraws_an_end(log: list[Event]) -> None:
    withdrawn = moves(log, "lifecycle.withdrawn")
    flapping = {model for model, old, new in truth() if old and not new} - {model for model, _, _ in withdrawn}
    assert flapping == {"claude-sonnet-4-6", "claude-opus-4-20250514"}, "they came and went, with half of their table"
    # Their rows stand to the end of the history, without a day, in a table that is whole.
    assert withdrawn == {(f"gemini-2.5-{name}", "2026-10-16", None): 1 for name in ("flash", "flash-lite", "pro")}


def test_a_day_that_moved_is_told_once(log: list[Event]) -> None:
    expected = {(model, old, new) for model, old, new in truth() if old and new}
    torn = {("gpt-4-1106-preview", "2026-03-26", "2026-10-23")}  # the table states both days from then on
    moved = moves(log, "lifecycle.moved")
    assert expected - torn <= moved.keys()
    assert set(moved.values()) == {1}
    preview = [move for move in moved if move[0].startswith("gpt-4o-")]
    assert {move[1:] for move in preview} == {("2026-03-24", "2026-05-07")}
    assert len(preview) == 6


def test_an_end_is_announced_once_however_often_its_row_comes_and_goes(log: list[Event]) -> None:
    announced = [event for event in log if event.type == "lifecycle.announced"]
    assert len(announced) > 80
    assert set(Counter(event.subject for event in announced).values()) == {1}
    assert {event.data["replacement"] for event in announced if event.subject == "gpt-5-2025-08-07"} == {"gpt-5.5"}


def test_what_names_no_model_is_never_a_subject(log: list[Event]) -> None:
    assert not {event.subject for event in log if " " in event.subject or "#" in event.subject or "=" in event.subject}
