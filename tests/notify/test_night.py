"""One night: a price rises, the fallback dies, a source is down, a pause escalates, two people have it, it is resumed.

Every message that arrived stands in one golden file, which is read aloud; `make golden` writes it anew.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from night import Arrival, Played, as_text, play

from monitor.core.ports import DeliveryState
from monitor.store import open_store

GOLDEN = Path(__file__).parents[1] / "golden/night.txt"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Played, list[Arrival], Path]:
    folder = tmp_path_factory.mktemp("night")
    night, arrivals = play(folder)
    return night, arrivals, folder / "monitor.db"


def test_the_night_reads_as_it_was_approved(played: tuple[Played, list[Arrival], Path]) -> None:
    said = as_text(played[1])
    if os.environ.get("ACCESS_MONITOR_GOLDEN") == "write":
        GOLDEN.write_text(said, encoding="utf-8")
    assert said == GOLDEN.read_text(encoding="utf-8")


def test_every_notice_of_the_night_arrived_once_at_each_destination(
    played: tuple[Played, list[Arrival], Path],
) -> None:
    _, arrivals, database = played
    with closing(open_store(str(database))) as store, store.read() as reader:
        rows = reader.deliveries()
        kept = list(reader.sent_messages())
    assert {row.state for row in rows} == {DeliveryState.SENT}
    assert len({(row.notice, row.destination) for row in rows}) == len(rows) == len(kept)
    titles = [message.title for message in kept][-len(arrivals) :]
    assert sorted(titles) == sorted(arrival.title for arrival in arrivals)
    assert not any("/ack/" in message.body for message in kept)


def test_what_the_night_told_of_production_ends_with_the_truth(played: tuple[Played, list[Arrival], Path]) -> None:
    last = {arrival.destination: arrival for arrival in played[1]}
    assert {place: arrival.title.rpartition("; ")[2] for place, arrival in last.items()} == {
        "platform-chat": "production allowed",
        "platform-mail": "production allowed",
        "on-call": "production allowed",
        "search": "production allowed",
    }
