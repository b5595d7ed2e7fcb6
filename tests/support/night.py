"""One night, from a price that rises to the resumption: the real use cases on a held clock, the relay and the channel
of the daemon, and a receiver on loopback that keeps every message.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from docs_story import LUNA, PROBE, VIA, Fields, prices
from notices_told import ADA, BOB, GRANTED, MINI, MODELS, REFUSED, ZONE, Night, configuration

from monitor.core.configuration import Attention, Configuration, GateRules
from monitor.core.facts import FailureReason, PollFailure
from monitor.gate.state import Production
from monitor.notify.channels import AppriseChannel
from monitor.notify.relay import Relay
from monitor.registry.acceptance import Going
from monitor.sources.catalog import source_spec

PUBLIC = "https://monitor.example.com"
CLEO = {"by": "Cleo M.", "via": {**VIA, "user": "cleo"}}
OTHER = "gpt-5.4"
WITHOUT = Going(waived=frozenset({"rate_limits", "evals", "safety_review"}))
MINI_PROBE = f"openai-behaviour/{MINI}/responses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that arrived: when, at which destination, its headline and its text."""

    at: datetime
    destination: str
    title: str
    text: str


class Receiver:
    """Takes messages as `json://` sends them, at `/NAME`; a name in `down` is answered 503."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, str]] = []
        self.down: set[str] = set()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Provide host and port."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.strip("/")
                if name not in receiver.down:
                    receiver.arrived.append((name, body["title"], body["message"]))
                self.send_response(503 if name in receiver.down else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def night_configuration() -> Configuration:
    """Return two entries of two teams, whose acceptances take two people, and sources that go stale within a night."""
    made = configuration(approvers=2)
    probe = source_spec(
        key=MINI_PROBE,
        kind="behaviour",
        every=timedelta(hours=6),
        surface="openai",
        options={"model": MINI, "route": "responses"},
    )
    mini = replace(made.entries[MINI], owners=("search",))
    other = replace(made.entries[MINI], key=OTHER, name="GPT-5.4", surfaces={"openai": OTHER}, owners=("platform",))
    search = replace(made.owners["on-call"], key="search")
    return replace(
        made,
        sources={**made.sources, MINI_PROBE: probe},
        entries={**made.entries, MINI: mini, OTHER: other},
        owners={**made.owners, "search": search},
        attention=Attention(repeat=timedelta(minutes=30)),
        gate=GateRules(environments=("production", "staging"), freshness=timedelta(hours=4)),
        version="night",
    )


class Played(Night):
    """A night whose messages go to a receiver over HTTP."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor, receiver: Receiver, address: str) -> None:
        super().__init__(folder, executor)
        self.now = datetime(2026, 7, 30, 20, 0, tzinfo=UTC)
        self.configuration = night_configuration()
        self.receiver = receiver
        self.arrivals: list[Arrival] = []
        self.input = "1"  # what the page says that Luna's input costs
        self.calls: Fields = GRANTED  # how calls to the fallback are answered
        self.list_down = False
        self._channel = AppriseChannel(lambda reference: f"json://{address}/{self.place(reference)}", zone=ZONE)

    @staticmethod
    def place(reference: str) -> str:
        return {"platform#1": "platform-chat", "platform#2": "platform-mail"}.get(
            reference, reference.partition("#")[0]
        )

    @property
    def relay(self) -> Relay:
        return Relay(
            store=self.store,
            channel=self._channel,
            clock=self.clock,
            owners=lambda: self.configuration.owners,
            worker="night",
            executor=self._executor,
            gate=lambda reader, now: Production(reader, self.configuration, now),
            public_url=PUBLIC,
        )

    def deliver(self) -> None:
        """Send what is due and keep what arrived, in the order of the outbox."""
        relay = self.relay
        while relay.tick():
            pass
        taken, self.receiver.arrived = sorted(self.receiver.arrived, key=lambda row: row[0]), []
        for name, title, text in taken:
            self.arrivals.append(Arrival(at=self.now, destination=name, title=title, text=text))

    def look(self) -> None:
        """Poll everything once, as it is now, and let time do what it does."""
        if self.list_down:
            detail = "HTTP 500 from https://api.openai.com/v1/models: The server had an error"
            failure = PollFailure(source="openai-models", at=self.now, reason=FailureReason.SERVER_ERROR, detail=detail)
            self._poller().record("openai-models", failure)
        else:
            self.poll("openai-models", MODELS, minutes=0)
        page = {LUNA: prices(self.input, "6"), MINI: prices("0.3", "2"), OTHER: prices("2", "9")}
        self.poll("openai-pricing", page, minutes=0)
        self.poll(PROBE, {LUNA: GRANTED}, minutes=0)
        self.poll(MINI_PROBE, {MINI: {**self.calls, "behaviour.responses.model": MINI}}, minutes=0)
        self.tend()
        self.deliver()

    def at(self, hour: int, minute: int = 0) -> None:
        """Go on to a time of the night in Berlin, in steps of ten minutes."""
        day = 30 if hour >= 20 else 31
        then = datetime(2026, 7, day, hour, minute, tzinfo=ZONE).astimezone(UTC)
        assert then > self.now, (then, self.now)
        while self.now < then:
            self.now = min(then, self.now + timedelta(minutes=10))
            self.look()

    def link(self, destination: str) -> tuple[str, str]:
        """Return notice and token of the newest link that arrived at a destination."""
        texts = [row.text for row in self.arrivals if row.destination == destination and f"{PUBLIC}/ack/" in row.text]
        path = texts[-1].partition(f"{PUBLIC}/ack/")[2].split()[0]
        notice, _, token = path.partition("/")
        return notice, token


def play(folder: Path) -> tuple[Played, list[Arrival]]:
    """Play the night and return it with every message that arrived, in order."""
    receiver = Receiver()
    with ThreadPoolExecutor(4) as executor, receiver.serving() as address:
        night = Played(folder, executor, receiver, address)
        _evening(night)
        night.arrivals.clear()
        _night(night)
        night.store.close()
        return night, night.arrivals


def _evening(night: Played) -> None:
    night.declare(night.configuration)
    for _ in range(3):
        night.now += timedelta(minutes=10)
        night.look()
    for key in (MINI, OTHER):
        night.operator.activate(key, reason="in production before", **CLEO)
    night.operator.activate("luna", reason="evals passed", **ADA)
    night.operator.activate("luna", reason="agreed", expect=night.head(), **BOB)
    night.deliver()


def _night(night: Played) -> None:
    night.at(23, 0)
    night.input = "1.5"  # the price of Luna rises
    night.at(0, 30)
    night.list_down = True  # from here on the models list is not read
    night.at(1, 0)  # nobody has the pause: it is told again, and then to those who are on call
    notice, token = night.link("on-call")
    attendant = night.use_cases().attendant
    attendant.acknowledge_by_link(notice, token, by="Bob K.", via={}, note="reading the page")
    night.deliver()

    night.at(1, 10)
    night.receiver.down.add("platform-mail")
    night.calls = REFUSED  # calls to the fallback are refused
    night.at(1, 40)
    attendant.acknowledge("luna", note="no fallback: asking the provider", **ADA)
    attendant.acknowledge(MINI, note="opened a ticket", **CLEO)
    night.deliver()

    night.at(2, 40)
    night.calls = GRANTED
    night.at(3, 30)
    night.list_down = False
    night.at(3, 50)
    night.operator.resume(MINI, reason="the provider fixed it", going=WITHOUT, **CLEO)
    night.deliver()

    night.at(5, 40)
    night.operator.resume("luna", reason="the new price is in the budget", **ADA)
    night.deliver()
    night.operator.resume("luna", reason="agreed", expect=night.head(), **BOB)
    night.deliver()
    night.at(6, 0)
    night.receiver.down.clear()  # the mail server is back, and what waited for it is sent
    night.at(7, 0)


def as_text(arrivals: list[Arrival]) -> str:
    """Return every message one after the other, with when and where it arrived; links are hidden."""
    places: dict[tuple[datetime, str, str], list[str]] = {}
    for arrival in arrivals:
        text = re.sub(rf"{re.escape(PUBLIC)}/ack/\S+", "[ack link]", arrival.text).rstrip()
        places.setdefault((arrival.at, arrival.title, text), []).append(arrival.destination)
    parts = []
    for (at, title, text), destinations in places.items():
        head = f"{at.astimezone(ZONE):%H:%M}  {', '.join(destinations)}"
        parts.append(f"{head}\n{'=' * len(head)}\n{title}\n\n{text}\n")
    return "\n\n".join(parts)
