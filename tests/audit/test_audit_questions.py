"""The twelve questions that auditors ask: each one command and one URL, which answer the same, on both databases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cli_world import BY, LUNA, activate, am, data
from click.testing import CliRunner
from desk_world import client_of
from docs_pages import page, rows, sections
from plain_demo import write_plain_demo

from monitor.app.bootstrap import open_monitor
from monitor.audit.registry_diff import registry_diff
from monitor.cli import cli
from monitor.core.events import rfc3339
from monitor.core.ports import EventQuery
from monitor.gate.decision import Answer
from monitor.gate.uses import JudgedRow, Uses, record
from monitor.registry import transitions
from monitor.registry.timekeeping import record_absence
from monitor.sandbox import Sandbox
from monitor.web.api.service import Api

pytestmark = pytest.mark.slow

Facts = Mapping[str, Any]


def _events(type: str) -> list[Any]:
    lines = am("events", "--type", type, "--format", "jsonl").stdout.splitlines()
    return [json.loads(line) for line in lines]


def _until_paused(sandbox: Sandbox) -> None:
    """Go on with the timeline, in which the list cannot be read for a while and then a price drops."""
    while data("status", LUNA)[0]["status"] != "paused":
        sandbox.advance()
        for _ in range(2):
            CliRunner().invoke(cli, ("poll",))


def _deny(times: int) -> None:
    with open_monitor() as monitor:
        uses = Uses(lambda: ("production",))
        answer = Answer(
            key=LUNA, allowed=False, status="paused", reason="a price", fallback="", position=9, expires_at=None
        )
        for _ in range(times):
            uses.note(answer, JudgedRow(LUNA, "sandbox"), "production", "support-agent", monitor.clock())
        record(monitor.store, uses, monitor.clock(), ending=True)


def _tell(folder: Path) -> None:
    with Sandbox() as sandbox:
        path = write_plain_demo(sandbox, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACCESS_MONITOR_CONFIG", str(path))
            activate(sandbox)
            (folder / "limits.csv").write_text("rpm,5000\n")
            proof = ("--url", "https://ci.example/1", "--from", str(folder / "limits.csv"))
            am("verify", LUNA, "rate_limits", "--by", "Bo K.", *proof)
            _until_paused(sandbox)
            _deny(3)
            am("ack", LUNA, "--by", "Bo K.", "--note", "on it")
            with open_monitor() as monitor:
                monitor.relay.tick()
            am("poll")
            am("resume", LUNA, *BY)
            with open_monitor() as monitor:  # as if a daemon had run until an hour ago, and one began now
                now = monitor.clock()
                monitor.store.check_writable(now - timedelta(hours=1))
                record_absence(monitor.store, "0.3.0", now)


@pytest.fixture(scope="module")
def databases(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Callable[[], AbstractContextManager[str]]
) -> Iterator[tuple[str, ...]]:
    """Provide the same log in both databases, and the configuration by which it is asked."""
    folder = tmp_path_factory.mktemp("auditors")
    _tell(folder)
    with postgres_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCESS_MONITOR_CONFIG", str(folder / "monitor.toml"))
        with open_monitor() as monitor:
            sqlite = str(monitor.settings.database)
        with psycopg.connect(url, autocommit=True) as admin:  # `db copy` takes an empty one
            admin.execute("DROP SCHEMA public CASCADE")
            admin.execute("CREATE SCHEMA public")
        am("db", "copy", url)
        yield sqlite, url


@pytest.fixture(scope="module")
def facts(databases: tuple[str, ...]) -> Facts:
    """Return what the questions are asked by: positions and times of what happened."""
    activated, paused, resumed = (_events(f"entry.{type}")[0] for type in ("activated", "paused", "resumed"))
    start = datetime.fromisoformat(_events("source.baseline_recorded")[0]["recorded_at"])
    return {
        "activated": activated["position"],
        "paused": paused["position"],
        "resumed": resumed["position"],
        "started": _events("daemon.started")[0]["position"],
        "before": rfc3339(datetime.fromisoformat(paused["recorded_at"]) - timedelta(microseconds=1)),
        "during": rfc3339(datetime.fromisoformat(resumed["recorded_at"]) - timedelta(microseconds=1)),
        "begin": rfc3339(start),
        "end": _events("daemon.started")[0]["recorded_at"],
    }


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, its command and its path as docs/events.md has them, what stands for the names in capitals, and
    what the answer has to say.
    """

    asks: str
    command: str
    path: str
    says: Callable[[Any, Facts], object]
    times: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, str] = ("", "")

    def _filled(self, text: str, facts: Facts) -> str:
        given = {**NAMED, "POSITION": str(facts["paused"]), **{name: facts[at] for name, at in self.times.items()}}
        return re.sub(r"\b[A-Z]+[12]?\b", lambda name: given[name[0]], text)

    def typed(self, facts: Facts) -> list[str]:
        """Return the words of the command."""
        return [self._filled(word, facts) for word in f"{self.command} {self.more[0]}".split()]

    def asked(self, facts: Facts) -> str:
        """Return the path with its query."""
        more = self._filled(self.more[1], facts)
        return self._filled(self.path, facts) + (f"{'&' if '?' in self.path else '?'}{more}" if more else "")


NAMED = {"NAME": LUNA, "KEY": LUNA, "ENV": "production", "CALLER": "support-agent", "PERSON": "Bo K."}


def _price(rows: Any, facts: Facts) -> object:
    (row,) = [row for row in rows if (row["meter"], row["tier"], row["context"]) == ("input", "standard", "short")]
    return (row["amount"], row["agreement"], row["stale"]) == ("1", "official", False)


def _approved(rows: Any, facts: Facts) -> object:
    activated, resumed = rows
    price = next(key for key in activated["pins"] if key.endswith("price.standard.short.input"))
    return (
        (activated["position"], activated["by"], bool(activated["account"]), activated["channel"])
        == (facts["activated"], "Ada L.", True, "cli")
        and activated["seen_position"] is not None
        and (activated["pins"][price], resumed["pins"][price]) == ("1", "0.2")
    )


def _told_then(answer: Any, facts: Facts) -> object:
    return (answer["allowed"], answer["status"]) == (False, "paused") and answer["document"].startswith("sha256:")


def _notified(rows: Any, facts: Facts) -> object:
    return any("PAUSED" in message["title"] and message["body"] for row in rows for message in row["messages"])


def _whole(answer: Any, facts: Facts) -> object:
    types = {event["type"] for event in answer}
    return {"price.changed", "entry.paused", "gate.denied", "notice.delivered", "check.attested"} <= types


def _attested(rows: Any, facts: Facts) -> object:
    (row,) = rows
    (file,) = row["files"]
    return (row["check"], row["by"], row["url"], file["size"]) == ("rate_limits", "Bo K.", "https://ci.example/1", 9)


def _paused(rows: Any, facts: Facts) -> object:
    (row,) = rows
    return (
        (row["position"], row["ended_position"], row["ended_by"]) == (facts["paused"], facts["resumed"], "Ada L.")
        and row["seconds"] >= 0
        and (row["old"], row["new"]) == ("1", "0.2")
    )


def _unseen(rows: Any, facts: Facts) -> object:
    daemon = [row for row in rows if row["kind"] == "stopped" and row["position"] == facts["started"]]
    down = [row for row in rows if row["kind"] == "down" and row["ended_at"]]
    return daemon[0]["seconds"] == 3600 and down


def _decided(answer: Any, facts: Facts) -> object:
    keys = {source["key"] for source in answer["document"]["source"]}
    return answer["stated"] and answer["code"] and answer["configuration"] and len(answer["sha256"]) == 64 and keys


QUESTIONS = (
    Question(
        asks="what was known of a price",
        command="prices NAME --at T",
        path="/v1/prices/NAME?at=T",
        times={"T": "before"},
        says=_price,
    ),
    Question(
        asks="who approved it, from where, seeing what",
        command="audit approvals NAME",
        path="/v1/approvals/NAME",
        says=_approved,
    ),
    Question(
        asks="what a caller was answered",
        command="gate KEY --env ENV --caller CALLER --at T",
        path="/v1/gate/KEY?env=ENV&caller=CALLER&at=T",
        times={"T": "during"},
        says=_told_then,
    ),
    Question(
        asks="who was notified, with which words",
        command="notices --entry KEY",
        path="/v1/notices?entry=KEY",
        more=("--limit 500", "limit=500"),
        says=_notified,
    ),
    Question(
        asks="what changed",
        command="diff T1 T2",
        path="/v1/diff?since=T1&until=T2",
        times={"T1": "before", "T2": "during"},
        says=lambda rows, facts: (
            ("active", "paused")
            in [(row["old"], row["new"]) for row in rows if (row["entry"], row["what"]) == (LUNA, "status")]
        ),
    ),
    Question(
        asks="every act of a person",
        command="audit acts --by PERSON",
        path="/v1/acts?by=PERSON",
        says=lambda rows, facts: [row["act"] for row in rows] == ["check.attested", "notice.acknowledged"],
    ),
    Question(
        asks="everything about an entry",
        command="events --entry KEY",
        path="/v1/events?entry=KEY",
        more=("--limit 1000", "limit=1000"),
        says=_whole,
    ),
    Question(
        asks="pauses, their length, who ended them",
        command="audit pauses",
        path="/v1/pauses",
        times={"T": "end"},
        more=("--until T", "until=T"),
        says=_paused,
    ),
    Question(
        asks="which attestations rest on which files",
        command="audit attestations",
        path="/v1/attestations",
        says=_attested,
    ),
    Question(
        asks="what could not be seen, and when",
        command="audit outages",
        path="/v1/outages",
        times={"T": "end"},
        more=("--until T", "until=T"),
        says=_unseen,
    ),
    Question(
        asks="which configuration and code decided an event",
        command="audit decided POSITION",
        path="/v1/events/POSITION/decided",
        says=_decided,
    ),
    Question(
        asks="what was denied, and to whom",
        command="audit denials",
        path="/v1/denials",
        says=lambda rows, facts: (
            [(row["subject"], row["caller"], row["count"]) for row in rows] == [(LUNA, "support-agent", 3)]
        ),
    ),
)


def test_the_twelve_stand_in_the_documentation() -> None:
    table = [
        (cells[0], *(cell.strip("`") for cell in cells[1:]))
        for cells in rows(sections(page("events"), 2)["Asking about the past"])
        if len(cells) == 3
    ]
    assert table == [(question.asks, question.command, question.path) for question in QUESTIONS]
    assert len(table) == 12


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asks)
def test_a_question_has_one_answer_by_command_and_by_url_in_both_databases(
    databases: tuple[str, ...], facts: Facts, question: Question
) -> None:
    answers = []
    for database in databases:
        words = question.typed(facts)
        code = 1 if words[0] == "gate" else 0
        typed = am(*words, "--json", "--database", database, expect=code).stdout
        answer = [json.loads(line) for line in typed.splitlines()] if words[0] == "events" else json.loads(typed)
        with open_monitor(database=database) as monitor:
            api = Api(store=monitor.store, configuration=lambda: monitor.configuration, clock=monitor.clock)
            with client_of(*api.routes()) as http:
                given = http.get(question.asked(facts))
        assert given.status_code == 200, given.text
        document = given.json()
        assert (document["events"] if words[0] == "events" else document) == answer
        answers.append(answer)
    assert answers[0] == answers[1]
    assert question.says(answers[0], facts), answers[0]


def test_the_registry_of_a_time_is_what_the_whole_log_up_to_it_makes(databases: tuple[str, ...]) -> None:
    """What is read for it is a part of the log, and has to be the part that counts."""
    from monitor.audit.queries import entries

    with open_monitor(database=databases[0]) as monitor, monitor.store.read() as reader:
        for recorded in list(reader.events())[::5]:
            at = recorded.recorded_at
            whole = transitions.replay(each.event for each in reader.events(EventQuery(until=at)))
            assert entries(reader, at=at) == whole
        assert registry_diff(reader, at, at) == []
