"""`lifecycle` on real polls: a list and a page that disagree, what is past, what no source speaks of; and every further
kind in one configuration.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli

TODAY = datetime.now(UTC).date()
SOON, LATER, PAST = ((TODAY + timedelta(days=days)).isoformat() for days in (30, 60, -10))

PAGE = f"""# Deprecations

| Shutdown date | Affected model | Status | Recommended replacement | Notice date |
| --- | --- | --- | --- | --- |
| {SOON} | `gpt-a` | Deprecated | `gpt-c` | 2026-01-01 |
| {PAST} | `gpt-b` | Shutdown | `gpt-c` | |
| {PAST} | `gpt-old` | Shutdown | `gpt-c` | |
| {LATER} | `gpt-z` | Deprecated | | |
| Not sooner than {LATER} | `gpt-y` | Active | `gpt-c` or `gpt-d` | |

## Feature and endpoint deprecations

| Shutdown date | Endpoint / feature | Recommended replacement |
| --- | --- | --- |
| {SOON} | `/v1/assistants` | Responses API |
"""
FEED = {
    "publisher": "openai",
    "models": [
        {"id": "gpt-a", "shutdown": SOON},
        {"id": "gpt-y", "shutdown": LATER, "date_precision": "tentative"},
    ],
}
ANSWERS = {
    "/v1/models": json.dumps(
        {"data": [{"id": "gpt-a", "shutdown_date": LATER}, {"id": "gpt-b"}, {"id": "gpt-c"}]}
    ).encode(),
    "/deprecations.md": PAGE.encode(),
    "/feed.json": json.dumps(FEED).encode(),
    "/card": (
        b"<!doctype html><html><body><h1>System card</h1><p>GPT A is offered as a limited preview.</p>"
        b"<p>It was tested by many people for many weeks before it was offered to anybody at all.</p></body></html>"
    ),
    "/status.json": json.dumps({"page": {"id": "x"}, "components": [], "incidents": []}).encode(),
}

CONFIG = """
[database]
url = "{folder}/monitor.db"
[gate]
lease_dir = "{folder}/lease"
[network]
allow = ["127.0.0.1"]
[[surface]]
key = "openai"
base_url = "{url}/v1"
[[surface]]
key = "codex"
base_url = "{url}/v1"
provider = "openai"
[[source]]
key = "models"
kind = "models_list"
surface = "openai"
[[source]]
key = "ends"
kind = "deprecations_page"
url = "{url}/deprecations.md"
provider = "openai"
[[source]]
key = "feed"
kind = "lifecycle_feed"
format = "model_eol"
url = "{url}/feed.json"
[[source]]
key = "card"
kind = "document"
url = "{url}/card"
watch = ["limited preview"]
makes_stale = ["safety_review"]
[[source]]
key = "status"
kind = "status_page"
url = "{url}/status.json"
surface = "openai"
[[source]]
key = "codex"
kind = "codex"
surface = "codex"
catalogue = "{folder}/catalogue.json"
[[owner]]
key = "platform"
destinations = ["env:NOWHERE"]
[[entry]]
key = "alpha"
surfaces = {{openai = "gpt-a", codex = "gpt-a"}}
owners = ["platform"]
checks = ["codex", "safety_review"]
[[entry]]
key = "beta"
surface = "openai"
model_id = "gpt-b"
owners = ["platform"]
[[entry]]
key = "gamma"
surface = "openai"
model_id = "gpt-c"
owners = ["platform"]
uses = ["v1/assistants"]
fallback = "alpha"
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = ANSWERS.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Look at everything once; give what `poll` said."""
    folder = tmp_path_factory.mktemp("ends")
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    catalogue = {"models": [{"slug": "gpt-a", "visibility": "list", "supported_in_api": True}]}
    (folder / "catalogue.json").write_text(json.dumps(catalogue))
    config = folder / "monitor.toml"
    config.write_text(CONFIG.format(folder=folder, url=f"http://127.0.0.1:{listener.server_port}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCESS_MONITOR_CONFIG", str(config))
        yield data("poll")
    listener.shutdown()
    listener.server_close()
    thread.join(5)


def am(*args: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == expect, (args, result.exit_code, result.output, result.stderr)
    return result


def data(*args: str, expect: int = 0) -> Any:
    return json.loads(am(*args, "--json", expect=expect).stdout)


def test_every_further_kind_is_built_from_the_file_and_read(polled: list[dict[str, Any]]) -> None:
    assert {row["source"]: row["verdict"] for row in polled} == dict.fromkeys(
        ("models", "ends", "feed", "card", "status", "codex"), "baseline"
    )


def test_a_list_and_a_page_that_disagree_stand_side_by_side(polled: object) -> None:
    rows = data("lifecycle", "alpha")
    assert [(row["source"], row["date"], row["days"], row["agrees"]) for row in rows] == [
        ("ends", SOON, 30, False),
        ("feed", SOON, 30, False),
        ("models", LATER, 60, False),
    ]
    assert [row["trust"] for row in rows] == ["official", "third_party", "official"]
    assert {tuple(row["fallback_of"]) for row in rows} == {("gamma",)}
    assert rows[0]["replacement"] == "gpt-c"
    assert (rows[0]["status"], rows[0]["notice_date"], rows[0]["listed"]) == ("deprecated", "2026-01-01", True)
    assert all(row["verified_at"] for row in rows)
    by_name, by_path, by_entry = (
        re.sub(r"\d+ \w+ ago", "AGE", am("lifecycle", name).stdout) for name in ("gpt-a", "openai/gpt-a", "alpha")
    )
    assert by_name == by_path == by_entry


def test_without_a_name_it_shows_what_is_ahead_and_what_entries_hold_the_next_first(polled: object) -> None:
    rows = data("lifecycle")
    assert [(row["model"], row["days"], row["entries"]) for row in rows] == [
        ("gpt-b", -10, ["beta"]),
        ("gpt-a", 30, ["alpha"]),
        ("gpt-a", 30, ["alpha"]),
        ("gpt-a", 60, ["alpha"]),
        ("v1/assistants", 30, ["gamma"]),
        ("gpt-y", None, []),
        ("gpt-y", None, []),
        ("gpt-z", 60, []),
    ]
    shown = am("lifecycle").stdout.splitlines()
    assert shown[0].split()[:3] == ["MODEL", "ENDS", "DAYS"]
    assert shown[1].split()[:4] == ["openai/gpt-b", PAST, "-10", "yes"], "past its end, and still listed"
    assert [line.endswith("differs") for line in shown[1:]] == [False, True, True, True, False, False, False, False]


def test_a_model_that_ended_long_ago_is_found_by_its_name(polled: object) -> None:
    assert [row["date"] for row in data("lifecycle", "gpt-old")] == [PAST]


def test_the_end_of_an_endpoint_is_that_of_the_entries_that_call_it(polled: object) -> None:
    (row,) = data("lifecycle", "gamma")
    assert (row["model"], row["kind"], row["date"], row["entries"]) == ("v1/assistants", "endpoint", SOON, ["gamma"])
    assert (row["replacement"], row["replacement_kind"]) == ("Responses API", "note")


def test_a_day_that_is_only_the_earliest_one_counts_down_to_nothing(polled: object) -> None:
    page, feed = data("lifecycle", "gpt-y")
    assert [(row["precision"], row["days"], row["agrees"]) for row in (page, feed)] == [("earliest", None, True)] * 2
    assert page["replacement_kind"] == "options"
    assert f"not before {LATER}" in am("lifecycle", "gpt-y").stdout


def test_the_ends_are_a_calendar(polled: object) -> None:
    text = am("lifecycle", "--ics").stdout_bytes.decode()
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = text.replace("\r\n ", "").split("\r\n")
    events = "\n".join(lines).split("BEGIN:VEVENT")[1:]
    assert len(events) == 6, "what two sources say alike is one event"
    by_summary = {re.search("SUMMARY:(.*)", event)[1]: event for event in events}  # type: ignore[index]
    assert set(by_summary) == {
        "gpt-b (openai) ends",
        "gpt-a (openai) ends",
        "the endpoint v1/assistants (openai) ends",
        f"gpt-y (openai) does not end before {LATER}",
        "gpt-z (openai) ends",
    }
    assert f"DTSTART;VALUE=DATE:{SOON.replace('-', '')}" in by_summary["the endpoint v1/assistants (openai) ends"]
    assert "Entries: gamma." in by_summary["the endpoint v1/assistants (openai) ends"]
    assert "Replacement: gpt-c or gpt-d." in by_summary[f"gpt-y (openai) does not end before {LATER}"]
    uids = [line for line in lines if line.startswith("UID:")]
    assert len(set(uids)) == len(uids)
    assert am("lifecycle", "--ics", "gpt-z").stdout.count("BEGIN:VEVENT") == 1


def test_a_calendar_is_no_json(polled: object) -> None:
    assert "one of them" in am("lifecycle", "--ics", "--json", expect=2).stderr


@pytest.mark.parametrize("name", ["gpt-c", "nobody"])
def test_a_name_of_which_no_end_is_announced_is_said_in_a_sentence(polled: object, name: str) -> None:
    assert f"no source announces an end of {name!r}" in am("lifecycle", name, expect=1).stderr


def test_what_codex_lists_verifies_its_own_check_and_not_the_other_surface(polled: object) -> None:
    checks = {row["check"]: row["state"] for row in data("checklist", "alpha")}
    assert checks["codex"] == "verified"
    assert checks["visibility"] == "verified"
    assert {row["check"]: row["state"] for row in data("checklist", "beta")}.get("codex", "blank") == "blank"
