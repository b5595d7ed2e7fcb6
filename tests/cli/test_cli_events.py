"""`events`: what is shown, in which form, and how following ends."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_world import am

from monitor.audit.concerning import OfEntry, saying
from monitor.cli import events as events_command
from monitor.cli.events import COLUMNS, EventFilters, follow_events, form_of, lines
from monitor.core import event_types
from monitor.core import events as ev
from monitor.core.entry_spec import EntrySpec, dump
from monitor.core.events import Event, Recorded, record
from monitor.core.facts import Subject
from monitor.core.ports import EventQuery
from monitor.store import SqlStore, open_store

AT = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
PRICE = {
    "provider": "openai",
    "tier": "standard",
    "context": "short",
    "modality": "text",
    "meter": "input",
    "unit": "1M tokens",
    "currency": "USD",
    "old": "1",
    "new": "0.2",
}


def event(position: int, type: str = ev.MODEL_LISTED, subject: str = "gpt-5.6-luna", **settings: Any) -> Event:
    given = {"stream": "source/openai-models", "source": "openai-models", "data": {"surface": "openai"}, **settings}
    return Event(position=position, type=type, subject=subject, occurred_at=AT, **given)


LOG = (
    event(1),
    event(
        2,
        ev.PRICE_CHANGED,
        cause=1,
        stream="source/openai-pricing",
        source="openai-pricing",
        data=PRICE,
        evidence="sha256:" + "3f" * 32,
    ),
    event(
        3,
        ev.ENTRY_PAUSED,
        "luna",
        cause=2,
        stream="entry/luna",
        source="",
        data={"reason": 'price "moved", and\nhow', "causes": [2]},
    ),
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def store(database: Path) -> Iterator[SqlStore]:
    with closing(open_store(str(database))) as opened:
        with opened.write() as tx:
            tx.append(LOG, AT + timedelta(seconds=1))
        yield opened


def printed(store: SqlStore, form: str) -> list[str]:
    header, line = form_of(form)
    with store.read() as reader:
        return [*([header] if header else []), *(line(recorded, reader) for recorded in reader.events())]


def recorded(store: SqlStore) -> list[Recorded]:
    with store.read() as reader:
        return list(reader.events())


def test_json_lines_are_the_documented_records(store: SqlStore) -> None:
    assert [json.loads(line) for line in printed(store, "jsonl")] == [record(one) for one in recorded(store)]


def test_csv_is_read_back_as_the_same_records(store: SqlStore) -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(printed(store, "csv")))))
    assert tuple(rows[0]) == COLUMNS
    for row, one in zip(rows, recorded(store), strict=True):
        shape = record(one)
        assert json.loads(row["data"]) == shape.pop("data")
        assert {name: row[name] for name in shape} == {
            name: "" if value is None else str(value) for name, value in shape.items()
        }


def test_cloudevents_hold_what_the_specification_requires(store: SqlStore) -> None:
    envelopes = [json.loads(line) for line in printed(store, "cloudevents")]
    ids = [one.id for one in recorded(store)]
    for envelope in envelopes:
        assert envelope["specversion"] == "1.0"
        assert envelope["source"]
        assert all(name.isalnum() and name == name.lower() and len(name) <= 20 for name in envelope)
        assert all(isinstance(value, str) and value for name, value in envelope.items() if name != "data")
    assert [envelope["id"] for envelope in envelopes] == ids
    assert [envelope["sequence"] for envelope in envelopes] == [f"{n:020d}" for n in (1, 2, 3)]
    assert envelopes[1]["type"] == "io.access-monitor.price.changed.v1"
    assert (envelopes[1]["time"], envelopes[1]["recordedtime"]) == ("2026-07-30T17:34:21Z", "2026-07-30T17:34:22Z")
    assert envelopes[2]["causationid"] == ids[1]
    assert "causationid" not in envelopes[0]
    assert envelopes[1]["data"] == {"evidence": "sha256:" + "3f" * 32, **PRICE}


def test_the_table_says_each_event_in_words_on_one_line(store: SqlStore) -> None:
    lines = printed(store, "table")
    assert len(lines) == 4
    assert "standard input: 1.00 → 0.20 USD per 1M tokens (−80 %)" in lines[2]
    assert "price.changed" in lines[2]
    assert lines[3].rstrip().endswith(r'price "moved", and\nhow')


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({**PRICE, "old": None}, "standard input: 0.20 USD per 1M tokens"),
        (
            {**PRICE, "new": None, "tier": "batch", "context": "long"},
            "batch input, long context: was 1.00 USD per 1M tokens",
        ),
        (
            {**PRICE, "modality": "audio", "meter": "cached_input"},
            "standard cached input, audio: 1.00 → 0.20 USD per 1M tokens (−80 %)",
        ),
        ({**PRICE, "old": "0", "reason": "was free"}, "standard input: 0.00 → 0.20 USD per 1M tokens; was free"),
    ],
)
def test_prices_are_said_with_tier_meter_band_and_modality(data: dict[str, Any], said: str) -> None:
    assert event_types.in_words(event(1, ev.PRICE_CHANGED, data=data)) == said


@pytest.mark.parametrize(
    ("type", "data", "said"),
    [
        (
            ev.MODEL_CHANGED,
            {"surface": "openai", "field": "owned_by", "old": None, "new": "x", "baseline": "sha256:0"},
            "owned_by: none → x; surface openai",
        ),
        (
            ev.ENTRY_ACTIVATED,
            {"by": "ada", "reason": "checked", "via": {"user": "root"}, "pins": [{}]},
            "checked; by ada",
        ),
        (
            ev.CHECK_ATTESTED,
            {"check": "evals", "by": "ada", "url": "https://x.test/1"},
            "evals; https://x.test/1; by ada",
        ),
        (
            ev.SOURCE_ANOMALY,
            {"reason": "mass drop", "held": list("abcdefg")},
            "mass drop; held a, b, c, d, e and 2 more",
        ),
        (ev.BASELINE_RECORDED, {"subjects": 90}, "subjects 90"),
        (
            ev.LIFECYCLE_MOVED,
            {"provider": "openai", "date": "2026-12-11", "old": "2026-11-11"},
            "date: 2026-11-11 → 2026-12-11",
        ),
        (ev.LIFECYCLE_WITHDRAWN, {"date": None, "old": "2026-11-11"}, "date: 2026-11-11 → none"),
        (
            ev.DOCUMENT_CHANGED,
            {"added": ["It is open."], "removed": [], "more": 0, "markers": {"came": [], "went": ["preview", "beta"]}},
            "added It is open.; markers (went preview, beta)",
        ),
    ],
)
def test_other_events_are_said_from_what_they_hold(type: str, data: dict[str, Any], said: str) -> None:
    assert event_types.in_words(event(1, type, data=data)) == said


class Waits(threading.Event):
    """Stands in for the pause between two polls: something happens in each, and the end comes when there is no more."""

    def __init__(self, *steps: Any) -> None:
        super().__init__()
        self.steps = list(steps)

    def wait(self, timeout: float | None = None) -> bool:
        if not self.steps:
            self.set()
            return True
        self.steps.pop(0)()
        return False


def append(store: SqlStore, *events: Event) -> Any:
    def act() -> None:
        with store.write() as tx:
            tx.append(events, AT)

    return act


def positions(capsys: pytest.CaptureFixture[str]) -> list[int]:
    return [json.loads(line)["position"] for line in capsys.readouterr().out.splitlines()]


def follow(store: SqlStore, query: EventQuery, *steps: Any) -> None:
    follow_events(store, query, form_of("jsonl")[1], Waits(*steps))


def test_following_goes_on_with_what_is_recorded_and_repeats_nothing(
    store: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(store, EventQuery(), lambda: None, append(store, event(4), event(5)), lambda: None, append(store, event(6)))
    assert positions(capsys) == [1, 2, 3, 4, 5, 6]


def test_following_shows_only_what_matches(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    follow(store, EventQuery(type="price.*", after=2), append(store, event(4), event(5, ev.PRICE_CHANGED, data=PRICE)))
    assert positions(capsys) == [5]


OTHER = {**PRICE, "provider": "elsewhere"}
DECLARED = {
    "declaration": dump(EntrySpec(key="luna", name="Luna", surfaces={"openai": "gpt-5.6-luna"}, owners=("platform",)))
}
GATE = {"environment": "production", "caller": "a", "count": 1, "status": "active", "reason": "so"}


@pytest.fixture
def whole(store: SqlStore) -> SqlStore:
    """Return a log that holds what concerns an entry, and what sounds like it."""
    acknowledged = {"by": "Ada L.", "note": "on it", "entries": ["luna"]}
    nobody = {**acknowledged, "entries": []}
    more = (
        event(4, ev.ENTRY_DECLARED, "luna", stream="entry/luna", source="", data=DECLARED),
        event(5, ev.PRICE_CHANGED, stream="source/feed", source="feed", data=OTHER),
        event(6, data={"surface": "openai-eu"}),
        event(7, ev.NOTICE_ACKNOWLEDGED, "3.platform", stream="notice/3.platform", source="", data=acknowledged),
        event(8, ev.NOTICE_ACKNOWLEDGED, "9.platform", stream="notice/9.platform", data=nobody),
        event(9, ev.GATE_FIRST_USED, "luna", stream="gate/production", data={**GATE, "surface": "openai"}),
        event(10, ev.GATE_FIRST_USED, "luna@codex", stream="gate/production", data=GATE),
        event(11, ev.MODEL_LISTED, "gpt-5.6-luna-mini"),
        event(12, ev.SOURCE_FAILED, "openai-models", data={"reason": "server_error"}),
    )
    with store.write() as tx:
        tx.append(more, AT)
    return store


def chosen(store: SqlStore, *, entry: OfEntry | None = None, text: str = "", **query: Any) -> list[int]:
    filters = EventFilters(entry, saying(text) if text else None)
    found = lines(store, EventQuery(**query), lambda recorded, _: str(recorded.event.position), filters)
    return [int(position) for position in found]


def entry(rows: tuple[str, ...] = ("luna",)) -> OfEntry:
    models = frozenset({Subject("openai", "gpt-5.6-luna")})
    return OfEntry("luna", frozenset(rows), models)


def test_what_concerns_an_entry_is_its_acts_models_prices_notices_and_answers(whole: SqlStore) -> None:
    assert chosen(whole, entry=entry()) == [1, 2, 3, 4, 7, 9]
    assert chosen(whole, entry=entry(("luna", "luna@codex"))) == [1, 2, 3, 4, 7, 9, 10]
    assert chosen(whole, entry=entry(), newest_first=True, limit=2) == [9, 7]
    assert chosen(whole, entry=entry(), type="price.*") == [2]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("ada l.", [7, 8]),
        ("ON IT ada", [7, 8]),
        ("moved how", [3]),
        ("elsewhere", [5]),
        ("feed price.changed", [5]),
        ("nobody says this", []),
        ("declaration", []),
    ],
)
def test_words_are_sought_in_what_events_say_and_not_in_the_names_of_fields(
    whole: SqlStore, text: str, positions: list[int]
) -> None:
    assert chosen(whole, text=text) == positions


def test_filters_read_on_past_a_page_that_holds_nothing_for_them(
    whole: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_command, "PAGE", 2)
    assert chosen(whole, text="ada", limit=2) == [7, 8]
    assert chosen(whole, text="ada", limit=1, newest_first=True) == [8]


def test_an_entry_that_does_not_exist_is_refused_with_those_that_do(config: Path) -> None:
    am("poll")
    assert "there is no entry 'gpt-9'; the registry has:" in am("events", "--entry", "gpt-9", expect=1).stderr
    shown = am("events", "--entry", "gpt-5.4-mini", "--format", "jsonl").stdout.splitlines()
    types = {json.loads(line)["type"] for line in shown}
    assert {"entry.declared", "entry.visible"} <= types
    assert {json.loads(line)["subject"] for line in shown if "notice" not in line} == {"gpt-5.4-mini"}
    assert am("events", "--entry", "gpt-5.4-mini@openai", "--format", "jsonl").stdout.splitlines() == shown


def test_a_name_that_the_log_does_not_know_is_refused_with_the_one_that_may_be_meant(config: Path) -> None:
    am("poll")
    am("verify", "gpt-5.4-mini", "rate_limits", "--by", "Ada L.", "--note", "seen")
    said = am("events", "--actor", "Ada", expect=1).stderr
    assert "no actor 'Ada'" in said
    assert "Ada L." in said
    assert (
        "no subject 'gpt-5.4-mine' (did you mean 'gpt-5.4-mini'?)"
        in am("events", "--subject", "gpt-5.4-mine", expect=1).stderr
    )
    assert am("events", "--actor", "Ada L.", "--format", "jsonl").stdout.count("check.attested") == 1
    assert "did you mean 'gpt-5.4-mini'?" in am("prices", "gpt-5.4-mine", expect=1).stderr
    assert "did you mean 'gpt-5.4-mini'?" in am("measurements", "gpt-5.4-mine", expect=1).stderr
    am("events", "--subject", "gpt-9*")
    am("events", "--actor", "system")


def test_following_ends_at_its_limit(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    follow(store, EventQuery(limit=4), append(store, event(4), event(5)), append(store, event(6)))
    assert positions(capsys) == [1, 2, 3, 4]


def test_following_ends_on_ctrl_c(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(store, EventQuery(), interrupt)
    assert positions(capsys) == [1, 2, 3]


def test_following_an_idle_log_ends_when_its_reader_leaves(store: SqlStore, database: Path) -> None:
    code = (
        "import sys, threading\nfrom monitor.cli.events import *\nfrom monitor.store import open_store\n"
        "follow_events(open_store(sys.argv[1]), EventQuery(), form_of('jsonl')[1], threading.Event())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(database)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["position"] == 1
    process.stdout.close()
    assert process.wait(20) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_reader_that_leaves_early_hears_nothing_on_stderr(tmp_path: Path, database: Path) -> None:
    config = tmp_path / "monitor.toml"
    config.write_text(
        '[[surface]]\nkey = "a"\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[[source]]\nkey = "s"\nkind = "models_list"\nsurface = "a"\nevery = "1h"\n'
    )
    with closing(open_store(str(database))) as opened, opened.write() as tx:
        tx.append([event(n) for n in range(1, 3001)], AT)
    command = [sys.executable, "-m", "monitor", "--config", str(config), "--database", str(database), "events"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(20) == 141
    process.stderr.close()


def test_a_wide_terminal_also_shows_the_time_where_the_user_is(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert "EDT" not in printed(store, "table")[1]
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", "200")
        header, first, *_ = printed(store, "table")
        assert "2026-07-30 17:34:22Z (13:34 EDT)" in first
        assert first.index("model.listed") == header.index("TYPE")
        monkeypatch.setenv("COLUMNS", "60")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_narrow_terminal_shows_what_happened_below_its_event_and_cuts_nothing(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = printed(store, "table")[1:]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for columns in (60, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        narrow = printed(store, "table")[1:]
        assert all(len(line) <= columns for event in narrow for line in event.splitlines())
        assert [" ".join(event.split()) for event in narrow] == [" ".join(event.split()) for event in whole]


@pytest.mark.parametrize(
    ("filters", "meant"),
    [
        (("--type", "entry.pausd"), "entry.paused"),
        (("--type", "foo"), "price.*"),
        (("--check", "eval"), "evals"),
        (("--source", "openai-model"), "openai-models"),
    ],
)
def test_a_filter_that_could_match_nothing_is_refused(config: Path, filters: tuple[str, ...], meant: str) -> None:
    am("poll")
    assert meant in am("events", *filters, expect=2).stderr


def test_the_events_of_a_check_of_a_person_and_of_a_cause(config: Path) -> None:
    am("poll")
    assert {row["data"]["check"] for row in rows("--check", "pricing")} == {"pricing"}
    am("verify", "gpt-5.4-mini", "billing", "--by", "Ada L.", "--note", "seen on the bill")
    (attested,) = rows("--actor", "Ada L.")
    assert attested["data"]["check"] == "billing"
    caused = rows("--cause", "1")
    assert caused
    assert {row["cause"] for row in caused} == {1}


def rows(*filters: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in am("events", "--json", *filters).stdout.splitlines()]
