"""`access-monitor replay --log URL --policy FILE`: what another policy would have done over the history of a log."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from replayed import SHIPPED
from sqlalchemy import text
from story_world import price_page

from monitor.cli import cli
from monitor.store import open_store
from monitor.store.copying import copy_database

BEGIN = datetime(2026, 7, 1)
MODELS = ("gpt-5.4-mini", "gpt-5.6-luna", "gpt-5.6-sol", "other-a", "other-b", "other-c", "other-d")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["--config", str(SHIPPED), "replay", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def history(path: Path, polls: Iterable[tuple[int, dict[str, object]]]) -> Path:
    """Write a recording; each poll with the minutes since it began."""
    lines = [
        json.dumps({"observed_at": f"{(BEGIN + timedelta(minutes=at)).isoformat()}Z", "status": "ok", **poll})
        for at, poll in polls
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def listing(at: int) -> dict[str, object]:
    """Return the list at a time: Luna is missing for an hour, later for a quarter, and Sol goes for good."""
    gone = {"gpt-5.6-luna"} if 600 <= at < 660 or 1200 <= at < 1215 else {"gpt-5.6-sol"} if at >= 2000 else set()
    extra = [{"id": "fleeting", "object": "model"}] if at == 1200 else []
    data = [{"id": model, "object": "model"} for model in MODELS if model not in gone]
    return {"payload": {"object": "list", "data": [*data, *extra]}}


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the database of two days of a list, polled every quarter of an hour and accepted at once."""
    folder = tmp_path_factory.mktemp("lists")
    polls = history(folder / "list.jsonl", ((at, listing(at)) for at in range(0, 48 * 60, 15)))
    run(f"openai-models={polls}", "--activate", "auto", "--database", folder / "log.db", "--json")
    return folder / "log.db"


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the database of a day on which Luna becomes cheaper, then dearer, then dearer for two polls alone."""
    folder = tmp_path_factory.mktemp("prices")

    def page(at: int) -> dict[str, object]:
        amount = "2.00" if at < 300 else "1.00" if at < 600 else "1.50" if at < 900 or at >= 960 else "3.00"
        return {"payload_text": price_page({"gpt-5.6-luna": (amount, "6.00"), "gpt-5.6-sol": ("5.00", "30.00")})}

    polls = history(folder / "page.jsonl", ((at, page(at)) for at in range(0, 24 * 60, 30)))
    run(f"openai-pricing={polls}", "--activate", "auto", "--database", folder / "log.db", "--json")
    return folder / "log.db"


@pytest.fixture
def tried(tmp_path: Path) -> Callable[[Path | str, str], dict[str, Any]]:
    def play(log: Path | str, policy: str) -> dict[str, Any]:
        file = tmp_path / "policy.toml"
        file.write_text(policy, encoding="utf-8")
        answer: dict[str, Any] = json.loads(run("--log", log, "--policy", file, "--json").stdout)
        assert not answer["not_judged"], answer["not_judged"]
        return answer

    return play


def effects(answer: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return of each pause the entry, what the policy does to it, and when it would be."""
    return [
        (row["entry"], row["effect"], row["would"] and row["would"]["at"].removeprefix("2026-07-"))
        for row in answer["effects"]
    ]


def test_a_longer_absence_spares_what_came_back_and_pauses_later_what_did_not(
    lists: Path, tried: Callable[..., Any]
) -> None:
    answer = tried(lists, '[confirmation]\nabsence = {polls = 4, span = "2h"}\n')
    assert answer["changed"] == ["confirmation.absence.polls", "confirmation.absence.span"]
    assert effects(answer) == [
        ("gpt-5.6-luna", "spared", None),
        ("gpt-5.6-sol", "later", "02T11:30:00Z"),
    ]
    assert answer["effects"][1]["was"] == {"at": "2026-07-02T10:00:00Z", "extends": False}


def test_one_poll_would_pause_on_what_showed_once(lists: Path, tried: Callable[..., Any]) -> None:
    answer = tried(lists, '[confirmation]\nabsence = {polls = 1, span = "0s"}\n')
    assert effects(answer) == [
        ("gpt-5.6-luna", "earlier", "01T10:00:00Z"),
        ("gpt-5.6-luna", "made", "01T20:00:00Z"),
        ("gpt-5.6-sol", "earlier", "02T09:30:00Z"),
    ]


def test_what_is_not_confirmed_when_the_log_ends_is_open_and_not_spared(lists: Path, tried: Callable[..., Any]) -> None:
    answer = tried(lists, '[confirmation]\nabsence = {polls = 4, span = "20h"}\n')
    assert [(entry, effect) for entry, effect, _ in effects(answer)] == [
        ("gpt-5.6-luna", "spared"),
        ("gpt-5.6-sol", "open"),
    ]


def test_the_recorded_policy_changes_nothing(lists: Path, tried: Callable[..., Any]) -> None:
    whole = SHIPPED.read_text(encoding="utf-8")
    answer = tried(lists, whole)
    assert answer["changed"] == []
    assert [effect for _, effect, _ in effects(answer)] == ["same", "same"]


def test_worse_alone_spares_the_cheaper_price(prices: Path, tried: Callable[..., Any]) -> None:
    answer = tried(prices, '[[entry]]\nkey = "gpt-5.6-luna"\npause_on = "worse"\n')
    found = [(row["old"], row["new"], row["effect"]) for row in answer["effects"]]
    assert found == [
        ("2", "1", "spared"),
        ("1", "1.5", "spared"),  # it is still cheaper than what nobody had to accept anew
        ("1.5", "3", "same"),
    ]


def test_the_table_names_both_sides_and_what_the_log_cannot_say(lists: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[confirmation]\nabsence = {polls = 4, span = "2h"}\n[[entry]]\nkey = "gone"\ntiers = ["batch"]\n'
    )
    before = hashlib.sha256(lists.read_bytes()).hexdigest()
    result = run("--log", lists, "--policy", policy, "--carry", "10m")
    header, luna, sol, summary = result.stdout.splitlines()
    assert header.split("  ")[0] == "SINCE"
    assert "paused 2026-07-01 10:30:00Z" in luna
    assert "not paused" in luna
    assert "paused 2026-07-02 11:30:00Z" in sol
    assert summary.endswith("1 spared, 1 later, 0 the same.")
    assert "the entry gone, which this log never had" in result.stderr
    assert "The log has no row for a poll that changed nothing" in result.stderr
    assert "as often as --carry says" in result.stderr
    assert hashlib.sha256(lists.read_bytes()).hexdigest() == before, "the log is only read"


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("[confirmaton]\n", "'confirmaton', which is no setting (did you mean 'confirmation'?)"),
        ('[[entry]]\nkey = "gpt-5.6-luna"\npause_onn = "worse"\n', "'pause_onn' of the entry gpt-5.6-luna"),
        ('[[entry]]\nkey = "gpt-5.6-luna"\nname = "Luna"\n', "changes nothing that decides a pause"),
        ('[[entry]]\ntiers = ["batch"]\n', "an [[entry]] without a key"),
        ("[confirmation]\nabsence = {polls = 0}\n", "does not fit the log: confirmation.absence.polls"),
        ("[confirmation\n", "is not valid TOML"),
    ],
)
def test_a_policy_that_is_none_is_refused(lists: Path, tmp_path: Path, policy: str, says: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(policy, encoding="utf-8")
    result = run("--log", lists, "--policy", file, code=78)
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not result.stdout


def test_what_cannot_be_played_is_refused(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[confirmation]\nabsence = {polls = 4}\n", encoding="utf-8")
    open_store(str(tmp_path / "empty.db")).close()
    assert "keeps no configuration" in run("--log", tmp_path / "empty.db", "--policy", policy, code=1).stderr
    assert "There is no database" in run("--log", tmp_path / "none.db", "--policy", policy, code=78).stderr
    assert "go together" in run("--log", tmp_path / "empty.db", code=2).stderr
    assert "leave SOURCE=FILE" in run("a=b", "--log", "x", "--policy", policy, code=2).stderr
    assert "Say what to replay" in run(code=2).stderr


def test_what_was_pruned_is_not_judged_and_that_is_said(lists: Path, tmp_path: Path) -> None:
    """The one answer that showed Luna missing at 20:00 is named by no event, so only its bytes tell of it."""
    log, policy = tmp_path / "log.db", tmp_path / "policy.toml"
    shutil.copy(lists, log)
    policy.write_text('[confirmation]\nabsence = {polls = 1, span = "0s"}\n', encoding="utf-8")
    store = open_store(str(log), migrate=False)
    with store.write() as tx:
        assert tx.prune_evidence(tx.unreferenced_evidence(datetime(2027, 1, 1, tzinfo=UTC)), tx.head())
    store.close()
    answer = json.loads(run("--log", log, "--policy", policy, "--json").stdout)
    assert [effect for _, effect, _ in effects(answer)] == ["earlier", "earlier"]
    assert "What openai-models showed at 2026-07-01T20:00:00Z and nothing confirmed was pruned." in answer["not_judged"]


def test_a_log_on_postgresql_is_played_as_well(
    lists: Path, tmp_path: Path, postgres: Callable[[], str], tried: Callable[..., Any]
) -> None:
    url = postgres()
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    store.close()
    source = open_store(str(lists), migrate=False)
    copy_database(source, url)
    source.close()
    policy = '[confirmation]\nabsence = {polls = 4, span = "2h"}\n'
    assert effects(tried(url, policy)) == effects(tried(lists, policy))
