"""The cache as a probe sees it: written, read at once, and read again just before its stated end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from probe_world import FakeBudget, M, Probe, error, ok, probe, response

from monitor.app.use_cases import UseCases
from monitor.core.cache_writes import LATE_READ, LIFETIME, WRITER, CacheWrite, outstanding
from monitor.core.configuration import Configuration, Owner, SourceSpec, Surface
from monitor.core.entry import CheckState, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import GRANTED, FailureReason, Measurement, NotDue, PollFailure, Snapshot, Subject
from monitor.core.ports import EventQuery
from monitor.detection.budget import FREE_FIRST, first_poll
from monitor.detection.late_reads import awaiting, readers_of
from monitor.detection.outcome import Outcome
from monitor.registry import caching
from monitor.sandbox import API_KEY, Sandbox, TimelineCache, TimelineModel, TimelineStep
from monitor.sandbox.gpt_5_6 import flagship
from monitor.sources.catalog import SourceDeps, build, kind, source_spec
from monitor.sources.http import HttpClient
from monitor.sources.kind import Surroundings

LUNA = "gpt-5.6-luna"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRITES, LATE = f"probes/{LUNA}/caching", f"probes/{LUNA}/{LATE_READ}"


# -- what is read of the answers ---------------------------------------------------------------------------------------


def cached(written: int | None, read: int, sent: int = 1500) -> httpx2.Response:
    answer = response()
    details = {"cached_tokens": read, **({} if written is None else {"cache_write_tokens": written})}
    answer["usage"]["input_tokens"] = sent
    answer["usage"]["input_tokens_details"] = details
    return ok(answer)


@pytest.mark.parametrize(
    ("written", "read", "hit"),
    [(1000, 1000, True), (1000, 900, True), (1000, 899, False), (1000, 0, False), (0, 1350, True), (None, 1349, False)],
)
def test_a_read_takes_nine_tenths_of_what_was_written_from_the_cache(written: int | None, read: int, hit: bool) -> None:
    facts = probe("caching", [cached(written, 0), cached(0, read)]).facts()
    assert facts["behaviour.caching.read"] is hit
    assert facts["behaviour.caching.hit"] is (read > 0)
    assert facts.get("behaviour.caching.written") is (None if written is None else written > 0)


# -- when a late read is due -------------------------------------------------------------------------------------------


def call(at: datetime = NOW, outcome: str = GRANTED, **tokens: int) -> Measurement:
    return Measurement(
        source=WRITES, surface="openai", model=LUNA, route="caching", at=at, outcome=outcome, latency=1, **tokens
    )


WRITE, READ = call(input_tokens=1500, cache_write_tokens=1400), call(input_tokens=1500, cached_tokens=1400)


@pytest.mark.parametrize(
    ("writes", "after", "tokens"),
    [
        ([WRITE, READ], None, 1400),
        ([WRITE, READ], NOW - MINUTE, 1400),
        ([WRITE, READ], NOW + MINUTE, None),
        ([call(input_tokens=1500), READ], None, 1500),
        ([call(outcome="model_gone")], None, None),
        ([WRITE, call(outcome="transient")], None, None),
        ([], None, None),
    ],
)
def test_a_write_awaits_its_late_read_once(
    writes: list[Measurement], after: datetime | None, tokens: int | None
) -> None:
    assert outstanding(writes, after) == (None if tokens is None else CacheWrite(at=NOW, tokens=tokens))


def test_of_several_writes_the_oldest_is_read_so_that_frequent_polls_put_nothing_off() -> None:
    later = [replace(one, at=NOW + 10 * MINUTE) for one in (WRITE, READ)]
    assert outstanding([WRITE, READ, *later], None) == CacheWrite(at=NOW, tokens=1400)
    assert outstanding([WRITE, READ, *later], NOW + MINUTE) == CacheWrite(at=NOW + 10 * MINUTE, tokens=1400)


def test_a_late_read_is_due_just_before_the_stated_end_and_says_nothing_after_it() -> None:
    write = CacheWrite(at=NOW, tokens=1400)
    assert write.due == NOW + timedelta(minutes=28, seconds=30)
    assert [write.readable(NOW + minutes * MINUTE) for minutes in (0, 28, 29, 30, 31)] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_restart_polls_it_when_it_is_due_and_pays_for_it_once() -> None:
    spec = source_spec(key=LATE, kind="behaviour", every=timedelta(hours=6), surface="openai", options={WRITER: WRITES})
    write = CacheWrite(at=NOW, tokens=1400)
    assert first_poll(spec, None, NOW + MINUTE, write) == write.due
    assert first_poll(spec, None, NOW + 29 * MINUTE, write) == NOW + 29 * MINUTE + FREE_FIRST
    assert first_poll(spec, None, NOW + LIFETIME, write) == NOW + LIFETIME + FREE_FIRST, "as any other probe"


def test_a_table_that_tries_caching_makes_the_source_that_reads_late_as_well() -> None:
    table = source_spec(
        key="probes", kind="behaviour", every=timedelta(hours=6), surface="openai", options={"routes": ["caching"]}
    )
    made = list(kind("behaviour").declared(table, Surroundings(models=(LUNA,))))
    assert [(spec.key, spec.option(WRITER), spec.can.states) for spec in made] == [
        (WRITES, "", "caching"),
        (LATE, WRITES, "caching"),
    ]
    by_key = {spec.key: spec for spec in made}
    assert [spec.key for spec in readers_of(WRITES, by_key)] == [LATE]
    assert [spec.key for spec in readers_of(LATE, by_key)] == [LATE]
    assert list(readers_of("another", by_key)) == []


# -- what is sent ------------------------------------------------------------------------------------------------------


def late_probe(write: CacheWrite | None, *answers: httpx2.Response) -> Probe:
    return probe(LATE_READ, list(answers), written=lambda now: write)


def test_before_and_after_its_time_nothing_is_sent_and_nothing_observed() -> None:
    write = CacheWrite(at=NOW, tokens=1400)
    for at, until in ((NOW + MINUTE, write.due), (NOW + LIFETIME, None)):
        polled = late_probe(write)
        assert polled.poll(at) == NotDue(source=polled.source.spec.key, until=until)
        assert polled.requests == []
    assert late_probe(None).poll(NOW) == NotDue(source=f"probes/{M}/{LATE_READ}")


def test_a_late_read_sends_the_prefix_that_was_written_under_the_same_key() -> None:
    writer = probe("caching", [cached(1400, 0), cached(0, 1400)])
    writer.poll(NOW)
    polled = late_probe(CacheWrite(at=NOW, tokens=1400), cached(0, 1400))
    seen = polled.poll(NOW + 29 * MINUTE)
    assert isinstance(seen, Snapshot)
    assert seen.facts == {Subject("openai", M): {"behaviour.caching.late_read": True}}
    first, late = writer.sent(0), polled.sent(0)
    assert first["input"][0]["content"][0] == late["input"][0]["content"][0]
    assert late["prompt_cache_key"] == writer.source.spec.key
    assert first["prompt_cache_options"] == late["prompt_cache_options"] == {"mode": "explicit", "ttl": "30m"}
    again = polled.source.extract(seen.body, NOW)
    assert isinstance(again, Snapshot)
    assert again.facts == seen.facts, "the evidence holds what was written"


def test_a_late_read_that_finds_too_little_says_so_and_one_that_is_refused_says_nothing() -> None:
    write, at = CacheWrite(at=NOW, tokens=1400), NOW + 29 * MINUTE
    seen = late_probe(write, cached(1400, 0)).poll(at)
    assert isinstance(seen, Snapshot)
    assert seen.facts[Subject("openai", M)] == {"behaviour.caching.late_read": False}
    gone = late_probe(write, error(404, "Gone.", code="model_not_found")).poll(at)
    assert isinstance(gone, PollFailure)
    assert gone.reason is FailureReason.NOT_FOUND


def test_a_late_read_keeps_to_the_budget() -> None:
    polled = late_probe(CacheWrite(at=NOW, tokens=1400))
    polled.budget.money = Decimal("0.00001")
    seen = polled.poll(NOW + 29 * MINUTE)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.OVER_BUDGET
    assert polled.requests == []


# -- end to end --------------------------------------------------------------------------------------------------------


class World:
    """An entry whose caching is required, the sandbox, and a clock that is set by hand."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox, self.now = sandbox, NOW
        surface = Surface(key="openai", base_url=sandbox.base_url, provider="openai", api_key="env:KEY")
        table = source_spec(
            key="probes", kind="behaviour", every=timedelta(hours=6), surface="openai", options={"routes": ["caching"]}
        )
        sources = (
            source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai"),
            source_spec(
                key="page", kind="pricing_page", every=timedelta(hours=1), url=sandbox.pricing_url, provider="openai"
            ),
            *kind("behaviour").declared(table, Surroundings(models=(LUNA,))),
        )
        entry = EntrySpec(key="luna", name="Luna", surfaces={"openai": LUNA}, owners=("platform",), checks=("caching",))
        self.conf = Configuration(
            surfaces={"openai": surface},
            sources={spec.key: spec for spec in sources},
            owners={"platform": Owner(key="platform", destinations=("env:ONE",))},
            entries={"luna": entry},
            version="1",
        )
        from monitor.store import open_store, upgrade

        upgrade(f"sqlite:///{folder / 'monitor.db'}")
        self.store = open_store(str(folder / "monitor.db"))
        self.http = HttpClient(allow=["127.0.0.1"])
        self.restart()
        self.use_cases.declare()

    def restart(self) -> None:
        """Build everything anew: what is kept is in the database alone."""
        deps = SourceDeps(
            http=self.http,
            surface=self.conf.surfaces["openai"],
            secret=lambda _: API_KEY,
            budget=FakeBudget(),
            written=self.written,
        )
        sources = {key: build(spec, deps) for key, spec in self.conf.sources.items()}
        self.use_cases = UseCases(self.store, self.conf, lambda: self.now, published=lambda: None)
        self.poller = self.use_cases.poller(lambda key: sources[key])

    def written(self, spec: SourceSpec, now: datetime) -> CacheWrite | None:
        with self.store.read() as reader:
            return awaiting(reader, spec, now)

    def poll(self, *keys: str, after: timedelta = MINUTE) -> dict[str, Outcome]:
        self.now += after
        return {outcome.source: outcome for outcome in self.poller.poll(keys)}

    @property
    def check(self) -> tuple[CheckState, str]:
        with self.store.read() as reader:
            made = reader.entries()["luna"].checks.get(caching.CHECK)
        return (CheckState.BLANK, "") if made is None else (made.state, made.note)

    def events(self, type: str) -> list[str]:
        with self.store.read() as reader:
            return [str(recorded.event.data.get("reason")) for recorded in reader.events(EventQuery(type=type))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    opened: list[World] = []

    def play(cache: TimelineCache | None = None) -> World:
        step = TimelineStep(
            date=NOW.date(),
            title="a day",
            polls=1000,
            lists=(TimelineModel(id=LUNA, created=1), *(TimelineModel(id=f"m{n}", created=1) for n in range(11))),
            prices={LUNA: flagship("0.2", "0.02", "0.25", "1.2")},
            cache=cache,
        )
        opened.append(World(tmp_path, Sandbox((step,)).start()))
        return opened[-1]

    yield play
    for made in opened:
        made.store.close()
        made.http.close()
        made.sandbox.stop()


def test_caching_is_verified_by_the_late_read_and_not_before(world: Callable[..., World]) -> None:
    played = world()
    first = played.poll()
    assert (first[WRITES].verdict, first[LATE].verdict) == ("baseline", "not due")
    for _ in range(2):
        played.poll(WRITES, after=5 * MINUTE)
    assert played.check == (CheckState.BLANK, "")
    assert played.poll(LATE)[LATE].due is not None
    played.restart()
    late = played.poll(LATE, after=timedelta(minutes=18))
    assert late[LATE].verdict == "baseline"
    assert played.check[0] is CheckState.VERIFIED
    assert played.poll(LATE)[LATE].verdict == "not due", "each write is read late once"


@pytest.mark.parametrize(
    ("cache", "reason"),
    [
        (TimelineCache(counted=False), "the write is not counted"),
        (TimelineCache(share=Decimal("0.5")), "a second call reads less than 90 % of what was written"),
        (TimelineCache(reads=1), "a call just before 30 minutes reads less than 90 % of what was written"),
    ],
)
def test_each_part_that_fails_is_named(world: Callable[..., World], cache: TimelineCache, reason: str) -> None:
    played = world(cache)
    played.poll()
    played.poll(LATE, after=timedelta(minutes=29))
    played.poll(WRITES)
    state, note = played.check
    assert state is CheckState.FAILED
    assert reason in note.split("; ")
    assert reason in played.events("check.failed")[-1]


def test_a_cache_that_no_longer_keeps_its_promise_pauses_who_stands_on_it(world: Callable[..., World]) -> None:
    played = world()
    played.poll()
    played.poll(LATE, after=timedelta(minutes=29))
    played.use_cases.operator.activate("luna", by="ann", reason="looks right", via={"user": "ann", "host": "desk"})
    played.sandbox.cache(TimelineCache(reads=1))
    for _ in range(2):
        played.poll(WRITES, after=timedelta(hours=5))
        played.poll(LATE, after=timedelta(minutes=29))
    with played.store.read() as reader:
        entry = reader.entries()["luna"]
    assert entry.status is Status.PAUSED
    assert "late_read" in entry.reason
    assert played.check == (
        CheckState.FAILED,
        "a call just before 30 minutes reads less than 90 % of what was written",
    )
