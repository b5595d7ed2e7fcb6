"""What security tools read: OCSF and RFC 5424, held against what these require, and against the event itself."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.audit.exports import ACTIVITIES, SEVERITIES, ocsf, syslog
from monitor.core import events as ev
from monitor.core import zstd
from monitor.core.event_types import EVENT_TYPES
from monitor.core.events import Event, Recorded, record
from monitor.store import open_store

STORED = Path(__file__).parents[1] / "store/databases/0.2.0.db.zst"
AT = datetime(2026, 7, 30, 17, 34, 21, 500_000, tzinfo=UTC)

# The grammar of RFC 5424, section 6, as one expression.
LINE = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) (?P<host>[!-~]{1,255}) "
    r"(?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
    r'\[(?P<id>[^ ="\]]{1,32})(?P<data>(?: [^ ="\]]{1,32}="(?:\\["\\\]]|[^"\\\]])*")*)\] (?P<msg>.*)'
)


def recorded(**more: Any) -> Recorded:
    event = Event(
        **{
            "position": 17,
            "type": ev.ENTRY_PAUSED,
            "stream": "entry/luna",
            "subject": "luna",
            "occurred_at": AT,
            "cause": 15,
            "data": {"reason": "price_changed", "causes": [15]},
            **more,
        }
    )
    return Recorded(event=event, id="019b", version=1, recorded_at=AT + timedelta(seconds=1))


def test_a_pause_is_a_suspension_and_a_resumption_one():
    paused, resumed = ocsf(recorded()), ocsf(recorded(type=ev.ENTRY_RESUMED, actor="Ada L."))
    assert (paused["class_uid"], paused["activity_id"], paused["type_uid"]) == (3004, 12, 300412)
    assert (resumed["activity_id"], resumed["type_uid"]) == (13, 300413)
    assert (paused["severity_id"], resumed["severity_id"]) == (4, 1)
    assert paused["actor"] == {"app_name": "access-monitor"}
    assert resumed["actor"] == {"user": {"name": "Ada L."}}
    assert paused["time"] == 1785432861500
    assert paused["metadata"]["sequence"] == 17


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Recorded]:
    """Provide the log of a monitor that has seen much."""
    database = tmp_path_factory.mktemp("log") / "monitor.db"
    database.write_bytes(zstd.decompress(STORED.read_bytes()))
    with closing(open_store(str(database))) as store, store.read() as reader:
        return list(reader.events())


def test_every_event_has_what_the_class_requires_and_all_of_itself(log):
    assert len({one.event.type for one in log}) > 15
    for one in log:
        exported = json.loads(json.dumps(ocsf(one)))
        required = ("activity_id", "category_uid", "class_uid", "entity", "metadata", "severity_id", "time", "type_uid")
        assert all(exported[name] for name in required)
        assert exported["type_uid"] == exported["class_uid"] * 100 + exported["activity_id"]
        assert exported["metadata"]["product"]["name"]
        assert exported["metadata"]["version"]
        assert (exported["activity_name"] == one.event.type) is (exported["activity_id"] == 99)
        assert exported["unmapped"] == json.loads(json.dumps(record(one)))


def test_every_event_is_a_line_of_syslog_that_holds_all_of_it(log):
    for one in log:
        line = LINE.fullmatch(syslog(one))
        assert line is not None
        assert json.loads(line["msg"]) == json.loads(json.dumps(record(one)))


def test_the_tables_name_events_that_there_are():
    assert set(ACTIVITIES) | set(SEVERITIES) <= set(EVENT_TYPES)


def test_a_line_of_syslog_says_how_grave_it_is_and_from_when():
    line = LINE.fullmatch(syslog(recorded()))
    assert line is not None
    assert (line["pri"], line["time"]) == (str(13 * 8 + 3), "2026-07-30T17:34:22.500000Z")
    assert (line["host"], line["app"], line["msgid"]) == ("-", "access-monitor", "entry.paused")
    assert ' position="17"' in line["data"]
    quiet = LINE.fullmatch(syslog(recorded(type=ev.CHECK_VERIFIED, cause=None)))
    assert quiet is not None
    assert quiet["pri"] == str(13 * 8 + 6)
    assert "cause=" not in quiet["data"]


@given(subject=st.text(), actor=st.text(min_size=1), note=st.text())
def test_whatever_a_provider_wrote_stays_in_its_value_on_one_line(subject, actor, note):
    line = syslog(recorded(subject=subject, actor=actor, data={"note": note}))
    assert line.splitlines() == [line]
    found = LINE.fullmatch(line)
    assert found is not None
    assert json.loads(found["msg"])["data"] == {"note": note}
    names = re.findall(r' ([a-z]+)="(?:\\.|[^"\\])*"', found["data"])
    assert names == ["position", "id", "stream", *(["subject"] if subject else []), "actor", "cause"]
