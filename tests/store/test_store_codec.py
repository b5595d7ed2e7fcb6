"""Stored text: one spelling for each value, and back to equal values."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import records
from monitor.core.content import canonical_json, facts_text
from monitor.core.entry import Check, CheckState, Entry, Pin, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event, Recorded, record, rfc3339
from monitor.core.facts import SourceState, Subject
from monitor.core.notices import Difference, Item, Notice, Reason
from monitor.store import codec
from monitor.store.errors import Damaged
from monitor.store.schema import sources

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])
times = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=zones)
maybe_times = st.none() | times
values = texts | st.integers() | st.booleans()
plain = st.recursive(
    st.none() | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
positions = st.integers(1, 2**53)

checks = st.builds(
    Check,
    state=st.sampled_from(CheckState),
    verified_at=maybe_times,
    position=st.none() | positions,
    by=texts,
    until=maybe_times,
)
names = st.lists(texts, max_size=2).map(tuple)
durations = st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds))
specs = st.builds(
    EntrySpec,
    surfaces=st.dictionaries(texts, texts, min_size=1, max_size=3),
    owners=names,
    checks_in=st.dictionaries(texts, names, max_size=2),
    grace=st.none() | durations,
    check_age=st.dictionaries(texts, durations, max_size=2),
    usage=st.dictionaries(texts, positions, max_size=2),
    config_pins=st.dictionaries(texts, texts, max_size=2),
)
entries = st.builds(
    Entry,
    key=texts,
    status=st.sampled_from(Status),
    since=times,
    position=positions,
    status_position=positions,
    spec=specs,
    pins=st.lists(st.builds(Pin, scope=texts, name=texts, field=texts, value=values), max_size=3).map(tuple),
    unpinned=st.lists(texts, max_size=2).map(tuple),
    checks=st.dictionaries(texts, checks, max_size=2),
    deviations=st.dictionaries(texts, st.none() | values, max_size=2),
    pause=st.none() | positions,
    callers=st.lists(texts, max_size=2).map(tuple),
)
differences = st.builds(Difference, subject=texts, what=texts, old=st.none() | texts, new=st.none() | texts)
items = st.builds(
    Item,
    reason=st.sampled_from(Reason),
    subject=texts,
    position=positions,
    since=times,
    differences=st.lists(differences, max_size=2).map(tuple),
    denied=st.booleans(),
    commands=st.lists(texts, max_size=2).map(tuple),
)
notices = st.builds(Notice, id=texts, owner=texts, at=times, items=st.lists(items, max_size=2).map(tuple))
facts = st.dictionaries(st.builds(Subject, texts, texts), st.dictionaries(texts, values, max_size=3), max_size=4)


@given(entries)
def test_an_entry_survives_being_stored(entry: Entry) -> None:
    found = codec.decode(Entry, codec.encode(entry))
    assert found == entry
    assert [type(pin.value) for pin in found.pins] == [type(pin.value) for pin in entry.pins]
    assert isinstance(found.status, Status)


@given(notices)
def test_a_notice_survives_being_stored(notice: Notice) -> None:
    found = codec.decode(Notice, codec.encode(notice))
    assert found == notice
    assert all(isinstance(item.reason, Reason) for item in found.items)


@given(facts)
def test_facts_survive_being_stored_and_their_order_makes_no_other_blob(given_facts: Any) -> None:
    text = facts_text(given_facts)
    assert codec.facts_of(text) == given_facts
    assert facts_text(dict(reversed(given_facts.items()))) == text


def test_a_field_that_an_older_row_does_not_have_takes_its_default() -> None:
    assert codec.decode(Check, '{"state":"verified"}') == Check(state=CheckState.VERIFIED)
    with pytest.raises(Damaged):
        codec.decode(Pin, "{}")


@given(times, times)
def test_stored_times_sort_as_the_moments_do_and_come_back(one: datetime, other: datetime) -> None:
    assert records.time_of(records.time_text(one)) == one
    assert (records.time_text(one) < records.time_text(other)) == (one < other)
    assert len(records.time_text(one)) == 27


@given(st.dictionaries(texts, plain, max_size=4))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [1.0, [0.1], {"a": {"b": 2.5}}, {1: 2}, {"a": {None: 1}}, object(), {"s"}])
def test_what_has_no_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("price", [0.1, 3.0])
def test_a_float_inside_an_entry_is_refused(price: float) -> None:
    pin = Pin(scope="p", name="n", field="f", value=price)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        codec.encode(pin)


@given(st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)), st.integers(1, 2**32 - 2))
def test_identifiers_are_rfc_9562_version_7_and_later_ones_sort_later(at: datetime, position: int) -> None:
    id = codec.uuid7(at, position)
    assert UUID(id).version == 7
    assert UUID(id).variant == "specified in RFC 4122"
    assert int(id.replace("-", "")[:12], 16) == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert id < codec.uuid7(at, position + 1) < codec.uuid7(at + timedelta(microseconds=1), 1)


def test_the_row_of_a_source_has_a_column_for_every_field() -> None:
    assert [column.name for column in sources.c] == [field.name for field in fields(SourceState)]


@pytest.mark.parametrize(
    ("at", "spelled"),
    [
        (datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC), "2026-07-30T17:34:21Z"),
        (datetime(2026, 7, 30, 17, 34, 21, 120, tzinfo=UTC), "2026-07-30T17:34:21.000120Z"),
        (datetime(2026, 7, 30, 1, 0, 0, tzinfo=timezone(timedelta(hours=2))), "2026-07-29T23:00:00Z"),
    ],
)
def test_times_in_records_are_rfc_3339_with_microseconds_only_where_there_are_any(at: datetime, spelled: str) -> None:
    assert rfc3339(at) == spelled


def test_a_time_without_a_zone_has_no_spelling() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        rfc3339(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="no time zone"):
        records.time_text(datetime(2026, 1, 1))


def test_a_record_is_the_line_that_the_interface_documents() -> None:
    event = Event(
        position=17,
        type="price.changed",
        stream="source/openai-pricing",
        subject="gpt-5.6-luna",
        source="openai-pricing",
        occurred_at=datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC),
        cause=15,
        evidence="sha256:ab",
        data={"meter": "input"},
    )
    found = record(
        Recorded(event=event, id="019b", version=3, recorded_at=datetime(2026, 7, 30, 17, 34, 22, tzinfo=UTC))
    )
    assert list(found.items()) == [
        ("position", 17),
        ("id", "019b"),
        ("type", "price.changed"),
        ("stream", "source/openai-pricing"),
        ("subject", "gpt-5.6-luna"),
        ("source", "openai-pricing"),
        ("occurred_at", "2026-07-30T17:34:21Z"),
        ("recorded_at", "2026-07-30T17:34:22Z"),
        ("actor", "system"),
        ("cause", 15),
        ("evidence", "sha256:ab"),
        ("data", {"meter": "input"}),
    ]
