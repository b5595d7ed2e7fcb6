"""A service that answers 200 and refuses in the body has delivered nothing: the message is tried again, or others hear
that it was not delivered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from story_world import Answer, Story, until

CASES = Path(__file__).parents[2].parent / "shared/cases/10-ok-status-bad-word/answers.json"
CHAT, MATTERMOST = "chat", "mattermost"
WEBHOOKS = ("json", "xml", "form")


def place(kind: str, number: int) -> tuple[str, str]:
    """Return a destination of this kind, with the port to be filled in, and the path at which it arrives."""
    token = f"token{number:021}"
    if kind == CHAT:
        return f"http://127.0.0.1:{{port}}/services/{token}", f"/services/{token}"
    if kind == MATTERMOST:
        return f"mmost://127.0.0.1:{{port}}/{token}", f"/hooks/{token}"
    return f"{kind}://127.0.0.1:{{port}}/{token}", f"/{token}"


def told(story: Story, cases: Sequence[tuple[str, int, str]]) -> list[dict[str, Any]]:
    """Send a test message to a destination for each case, which answers with that status and body;
    what became of each.
    """
    urls = []
    for number, (kind, status, body) in enumerate(cases):
        url, path = place(kind, number)
        story.provider.answers["POST", path] = Answer(status, body, {"Content-Type": "text/plain"})
        urls.append(url.format(port=story.provider.port))
    story.configure(story.entry(), **{f'["{story.provider.hook()}"]': json.dumps(urls)})
    story.must("db", "upgrade")
    done = story.run("notify", "test", "platform", "--json")
    rows: list[dict[str, Any]] = sorted(done.json, key=lambda row: int(row["destination"].rpartition("#")[2]))
    assert len(rows) == len(cases)
    assert done.code == (0 if all(row["state"] == "sent" for row in rows) else 1)
    return rows


def states(story: Story, cases: Sequence[tuple[str, int, str]]) -> list[tuple[tuple[str, int, str], bool]]:
    """Return each case, and whether it was delivered."""
    return [(case, row["state"] == "sent") for case, row in zip(cases, told(story, cases), strict=True)]


def test_the_answers_of_the_field_are_read_as_they_were_meant(story: Story):
    if not CASES.exists():
        pytest.skip(f"{CASES} is not here: the answers of the field are not tried")
    services = json.loads(CASES.read_text())
    assert services["service"] == "Slack-shaped webhook"
    truth = [
        ((kind, case["status"], case["body"]), case["delivered"])
        for service, kinds in (("cases", (CHAT,)), ("generic json webhook", WEBHOOKS))
        for case in services[service]
        for kind in kinds
    ]
    assert states(story, [case for case, _ in truth]) == truth


TEAMS = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId x"


def test_a_chat_service_that_refuses_is_tried_again_only_where_that_can_help(story: Story):
    truth = [
        ((kind, 200, body), state)
        for kind in (CHAT, MATTERMOST)
        for body, state in (
            ("channel_is_archived", "dead"),
            ("Channel not found", "dead"),
            ("invalid_token", "dead"),
            ('{"ok": false, "error": "account_inactive"}', "dead"),
            (TEAMS.format(404), "dead"),
            (TEAMS.format(503), "waiting"),
            ("rollup_error", "waiting"),
            ('{"ok": false, "error": "ratelimited"}', "waiting"),
            ('{"success": false}', "waiting"),
            ("<html><title>Sign in</title></html>", "waiting"),
        )
    ]
    rows = told(story, [case for case, _ in truth])
    assert [(case, row["state"]) for (case, _), row in zip(truth, rows, strict=True)] == truth
    for row in rows:
        assert row["error"].startswith("HTTP 200, but the answer is a refusal")
        assert "token0" not in row["error"]
        assert "<" not in row["error"]


def test_a_chat_service_that_takes_it_has_it(story: Story):
    bodies = ("ok", "", "1", "OK\n", '{"ok": true}', '{"success": true}', '{"id": "1", "type": 0}')
    truth = [((kind, 200, body), True) for kind in (CHAT, MATTERMOST) for body in bodies]
    assert states(story, [case for case, _ in truth]) == truth


def test_a_webhook_of_ones_own_has_it_unless_it_says_otherwise(story: Story):
    truth = [
        ((kind, 202, body), delivered)
        for kind in WEBHOOKS
        for body, delivered in (
            ("whatever", True),
            ("<html>thanks</html>", True),
            ('{"status": "accepted", "error": null, "errors": []}', True),
            ('{"ok": true, "result": {"status": "queued"}}', True),
            ("[]", True),
            ('{"error": ""}', True),
            ('{"success": false, "message": "no such room"}', False),
            ('{"Success": "false"}', False),
            ('{"error": {"code": "invalid_token"}}', False),
            ('{"errors": ["no such room"]}', False),
            ('{"status": "error"}', False),
            ('{"status": 404, "message": "no such room"}', False),
            ('{"errcode": 40001, "errmsg": "bad key"}', False),
            ('[{"delivered": false}]', False),
        )
    ]
    assert states(story, [case for case, _ in truth]) == truth


def test_a_refusal_for_good_is_told_through_another_destination(story: Story):
    story.provider.answers["POST", "/services/gone"] = Answer(200, "no_service", {"Content-Type": "text/plain"})
    urls = [f"http://127.0.0.1:{story.provider.port}/services/gone", story.provider.hook()]
    story.configure(story.entry(), **{f'["{story.provider.hook()}"]': json.dumps(urls)})
    story.must("db", "upgrade")
    assert story.run("notify", "test", "platform").code == 1
    with story.daemon():
        until(lambda: story.messages("NOT DELIVERED"), "the owner is told elsewhere")
    message = story.messages("NOT DELIVERED")[0]
    assert "no_service" in message.text
    assert [event["type"] for event in story.events("--type", "notice.dead")] == ["notice.dead"]
