"""What was open at a time: by the log, the same that was shown then."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline_world import LUNA, VIA, World, furnish, listing, world_of

from monitor.audit.alerts import Alert, AlertKind, alerts
from monitor.audit.past_alerts import NOT_IN_LOG, past_alerts
from monitor.core.facts import FailureReason

MINUTE = timedelta(minutes=1)
Row = tuple[AlertKind, str, int | None, str | None, datetime | None]


def row(alert: Alert) -> Row:
    """Return what is compared; when a hold ends by itself is not in the log."""
    by = alert.acknowledged and alert.acknowledged.by
    return alert.kind, alert.subject, alert.position, by, None if alert.kind is AlertKind.HELD else alert.until


class Story:
    """Plays on, and keeps what was shown at each step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shown: dict[datetime, tuple[list[Row], list[Row]]] = {}

    def note(self) -> list[AlertKind]:
        """Keep what is open now, by the rows and by the log; go on a minute later."""
        world = self.world
        with world.store.read() as reader:
            now = [
                alert
                for alert in alerts(reader, world.conf, world.now, everything=True)
                if alert.kind not in NOT_IN_LOG
            ]
            rows = list(map(row, now))
            self.shown[world.now] = rows, list(map(row, past_alerts(reader, world.conf, world.now)))
        world.now += MINUTE
        return [kind for kind, *_ in rows]

    def again(self) -> None:
        """Compare each step with what the log says of it at the end."""
        with self.world.store.read() as reader:
            for at, (rows, by_log) in self.shown.items():
                assert by_log == rows, at
                assert list(map(row, past_alerts(reader, self.world.conf, at))) == rows, at


def test_what_was_open_at_each_time_is_what_was_shown_then() -> None:
    with world_of() as world:
        story = Story(world)
        assert story.note() == [AlertKind.NOT_ACTIVATED]
        furnish(world)
        page, models = world.sources["page"], world.sources["list"]
        assert story.note() == [AlertKind.NOT_ACTIVATED]
        world.activate()
        assert story.note() == []

        page.set(LUNA, output="0")
        world.polls(2, "page")
        assert story.note() == [AlertKind.HELD]
        page.set(LUNA, output="6")
        world.polls(2, "page")
        assert story.note() == []

        page.set(LUNA, output="0")
        world.polls(2, "page")
        world.operator.release(world.events("price.quarantined")[-1].position, by="ann", reason="so", via=VIA)
        assert story.note() == [AlertKind.PAUSED]
        world.use_cases().attendant.acknowledge("luna", by="ann", note="mine", via=VIA)
        assert story.note() == [AlertKind.PAUSED]

        until = world.now + timedelta(hours=1)
        world.use_cases().attendant.silence("luna", until=until, by="ann", reason="known", via=VIA)
        assert story.note() == [AlertKind.PAUSED, AlertKind.SILENCE]

        page.set(LUNA, cached_input="9")
        world.polls(2, "page")
        assert AlertKind.HELD in story.note()
        page.set(LUNA, cached_input="0.2")
        world.polls(2, "page")
        assert AlertKind.HELD not in story.note(), "another price of it was taken"

        page.fail = FailureReason.TIMEOUT
        world.polls(3, "page")
        assert AlertKind.SOURCE_DOWN in story.note()
        page.fail = None
        world.polls(2, "page")
        assert AlertKind.SOURCE_DOWN not in story.note()

        models.facts = listing(2, LUNA)
        world.poll("list")
        assert AlertKind.HELD in story.note()
        models.facts = listing(11, LUNA)
        world.poll("list")
        assert AlertKind.HELD not in story.note()
        models.facts = listing(2, LUNA)
        world.poll("list")
        world.polls(12, "list", every=timedelta(hours=4))
        assert AlertKind.HELD not in story.note(), "what is gone for so long is taken"
        story.again()


def test_before_anything_was_recorded_nothing_was_open() -> None:
    with world_of() as world, world.store.read() as reader:
        assert past_alerts(reader, world.conf, world.now - timedelta(days=1)) == []
