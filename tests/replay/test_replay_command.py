"""`access-monitor replay` as a person or a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from replayed import SHIPPED

from monitor.cli import cli
from monitor.store import open_store

DAY = "2026-07-30T{:02}:00:00Z"


def listing(*ids: str) -> dict[str, object]:
    return {"status": "ok", "payload": {"object": "list", "data": [{"id": one, "object": "model"} for one in ids]}}


def prices(model: str, amount: float) -> dict[str, object]:
    row = {"input": amount, "output": 6 * amount, "input_cached": None, "from_date": None, "to_date": None}
    return {
        "status": "ok",
        "payload": {"vendor": "openai", "models": [{"id": model, "name": model, "price_history": [row]}]},
    }


def written(folder: Path, name: str, *polls: dict[str, object]) -> Path:
    """Return one poll an hour, from midnight."""
    file = folder / f"{name}.jsonl"
    lines = [json.dumps({"observed_at": DAY.format(hour), **poll}) for hour, poll in enumerate(polls)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an empty folder to work in, and an environment without a key."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("OPENAI_API_KEY", "SLACK_URL", "ACCESS_MONITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    """Provide a list from which a registered model goes."""
    both = listing("gpt-5.4-mini", "gpt-5.6-luna")
    return written(tmp_path, "gone", both, both, *[listing("gpt-5.6-luna")] * 4)


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["--config", str(SHIPPED), "replay", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_jsonl_is_the_log_in_the_documented_shape(here: Path, gone: Path) -> None:
    result = run(f"openai-models={gone}", "--format", "jsonl")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    assert list(events[0]) == [
        "position",
        "id",
        "type",
        "stream",
        "subject",
        "source",
        "occurred_at",
        "recorded_at",
        "actor",
        "cause",
        "evidence",
        "data",
    ]
    (unlisted,) = (event for event in events if event["type"] == "model.unlisted")
    assert (unlisted["subject"], unlisted["source"], unlisted["stream"]) == (
        "gpt-5.4-mini",
        "openai-models",
        "source/openai-models",
    )
    assert (unlisted["occurred_at"], unlisted["recorded_at"]) == (DAY.format(2), DAY.format(4))
    assert unlisted["evidence"].startswith("sha256:")


def test_json_is_the_same_as_format_jsonl(here: Path, gone: Path) -> None:
    def without_ids(result: Result) -> list[object]:
        return [{**json.loads(line), "id": ""} for line in result.stdout.splitlines()]

    assert without_ids(run(f"openai-models={gone}", "--json")) == without_ids(
        run(f"openai-models={gone}", "--format", "jsonl")
    )


def test_the_table_leaves_out_routine_and_ends_with_a_summary(here: Path, gone: Path) -> None:
    said = run(f"openai-models={gone}", "--activate", "auto").stdout
    table, summary = said.split("\n\n")
    assert "model.unlisted" in table
    assert "check.verified" not in table
    assert "would notify platform: gpt-5.4-mini paused" in table
    lines = dict(line.split(maxsplit=1) for line in reversed(summary.splitlines()))
    assert lines["polls"] == "6: 0 failed, 0 held, 0 late"
    assert lines["model"] == "1 unlisted"
    assert "1 paused" in lines["entry"]
    assert lines["notices"] == "4 would have been sent (1 paused, 3 visible)"
    assert "waived    pricing of gpt-5.4-mini" in summary


def test_nothing_is_left_behind_and_nothing_is_written_where_the_configuration_points(here: Path, gone: Path) -> None:
    run(f"openai-models={gone}", "--activate", "auto")
    assert list(here.iterdir()) == []


def test_a_given_database_keeps_the_events_and_no_delivery(here: Path, gone: Path) -> None:
    run(f"openai-models={gone}", "--activate", "auto", "--database", "kept.db")
    assert {path.name.partition("-")[0] for path in here.iterdir()} == {"kept.db"}
    store = open_store("kept.db")
    try:
        with store.read() as reader:
            assert reader.head() > 0
            assert reader.deliveries() == []
    finally:
        store.close()


def test_a_database_that_holds_events_is_refused_before_anything_is_printed(here: Path, gone: Path) -> None:
    run(f"openai-models={gone}", "--database", "kept.db")
    again = run(f"openai-models={gone}", "--database", "kept.db", code=1)
    assert again.stdout == ""
    assert "a database of its own" in again.stderr


def test_files_of_several_sources_are_merged_by_time(here: Path, tmp_path: Path, gone: Path) -> None:
    feed = written(tmp_path, "feed", *[prices("gpt-5.6-luna", 1.0)] * 2, *[prices("gpt-5.6-luna", 0.2)] * 3)
    result = run(f"openai-models={gone}", f"llm-prices={feed}", "--format", "jsonl")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    times = [event["recorded_at"] for event in events]
    assert times == sorted(times)
    found = {(e["type"], e["source"]): e["recorded_at"] for e in events if e["source"]}
    assert found["source.baseline_recorded", "openai-models"] == found["source.baseline_recorded", "llm-prices"]
    assert found["price.reported", "llm-prices"] == DAY.format(3)
    assert found["model.unlisted", "openai-models"] == DAY.format(4)
    assert not [event for event in events if event["source"] == "openai-pricing"]


def test_a_poll_is_carried_until_the_end_of_all_files(here: Path, tmp_path: Path, gone: Path) -> None:
    feed = written(tmp_path, "feed", prices("gpt-5.6-luna", 1.0), prices("gpt-5.6-luna", 0.2))
    alone = run(f"llm-prices={feed}", "--carry", "1h", "--json")
    assert "price.reported" not in alone.stdout
    beside = run(f"llm-prices={feed}", f"openai-models={gone}", "--carry", "1h", "--json")
    assert beside.stdout.count("price.reported") == 2


def test_a_file_of_changes_that_is_not_carried_is_remarked_on(here: Path, tmp_path: Path) -> None:
    feed = written(tmp_path, "feed", prices("gpt-5.6-luna", 1.0), prices("gpt-5.6-luna", 0.2))
    assert "--carry 1h" in run(f"llm-prices={feed}").stderr
    assert run(f"llm-prices={feed}", "--carry", "1h").stderr == ""


def test_a_file_of_changes_that_are_days_apart_is_carried_of_itself_and_says_so(here: Path, tmp_path: Path) -> None:
    amounts = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2]
    feed = tmp_path / "feed.jsonl"
    days = (f"2026-07-{day:02}T00:00:00Z" for day in range(1, 32, 3))
    lines = [json.dumps({"observed_at": at, **prices("gpt-5.6-luna", n)}) for at, n in zip(days, amounts, strict=False)]
    feed.write_text("\n".join(lines), encoding="utf-8")
    alone = run(f"llm-prices={feed}", "--json")
    assert "as with --carry 1h" in alone.stderr
    assert alone.stdout.count("price.reported") == 2 * (len(amounts) - 2)  # nothing follows that would confirm the last


MODELS = ("gpt-5.4-mini", "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra")
PROBES = ", ".join(
    [
        *(f"openai-behaviour/{model}/{route}" for model in MODELS for route in ("retrieve", "tokens")),
        *(f"openai-calls/{model}/responses" for model in MODELS),
    ]
)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["openai=x.jsonl"], 1, f"it has: llm-prices, {PROBES}, openai-models, openai-pricing."),
        (["openai-models=x.jsonl"], 1, "x.jsonl cannot be read"),
        (["openai-models"], 2, "is not SOURCE=FILE"),
        (["=x.jsonl"], 2, "is not SOURCE=FILE"),
        (["openai-models=x", "openai-models=y"], 2, "openai-models is given two files"),
        (["openai-models=x", "--carry", "5"], 2, "is not a duration"),
        (["openai-models=x", "--carry", "0s"], 2, "longer than nothing"),
        (["openai-models=x", "--json", "--format", "table"], 2, "two formats"),
        ([], 2, "SOURCE=FILE"),
    ],
)
def test_a_wrong_call_is_refused_in_a_sentence(here: Path, arguments: list[str], code: int, said: str) -> None:
    result = run(*arguments, code=code)
    assert said in result.stderr
    assert result.stdout == ""


def test_an_outage_of_the_recording_is_one_of_the_source(here: Path, tmp_path: Path) -> None:
    failed = {"status": "error", "error": "HTTP 500: Internal Server Error"}
    file = written(tmp_path, "list", listing("a"), *[failed] * 3, listing("a"))
    events = [json.loads(line) for line in run(f"openai-models={file}", "--json").stdout.splitlines()]
    assert [(e["type"], e["data"]["reason"]) for e in events if e["type"] in ("source.failed", "source.recovered")] == [
        ("source.failed", "server_error"),
        ("source.recovered", "server_error"),
    ]


def test_the_configuration_is_recorded_with_the_destinations_it_has(here: Path, gone: Path) -> None:
    first = json.loads(run(f"openai-models={gone}", "--json").stdout.splitlines()[0])
    assert first["type"] == "config.changed"
    assert first["data"]["document"]["owner"][0]["destinations"] == ["env:SLACK_URL"]
