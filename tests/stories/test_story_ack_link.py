"""The link in a message by which somebody has a pause in hand: pressed once, by a person, and found nowhere else."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from story_world import Daemon, Story, until
from test_story_browser_pages import Reply, ask

PUBLIC = "https://monitor.example.com"
HOST = "monitor.example.com"
LINK = re.compile(r"https://monitor\.example\.com(/ack/\S+)")


def begin(story: Story, web: str = "") -> None:
    """Orion is active and then costs twice as much."""
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    head = f'listen = "127.0.0.1:0"\npublic_url = "{PUBLIC}"\n{web}'
    story.configure(story.entry(), **{'listen = "127.0.0.1:0"\n': head})
    story.poll()
    story.activate()
    story.provider.prices = {"orion-2": ("2.00", "6.00")}
    story.poll(2)


def links(story: Story) -> list[str]:
    """Return the paths of the links that arrived."""
    return [path for message in story.messages() for path in LINK.findall(message.text)]


def arrived(story: Story) -> str:
    """Return the path of the link, once what became of its message is recorded: from then on it is known."""
    until(lambda: links(story) and not story.json("outbox"), "the pause arrives")
    (path,) = links(story)
    return path


def press(daemon: Daemon, path: str, headers: dict[str, str] | None = None, **form: str) -> Reply:
    given = {"Host": HOST, "Content_Type": "application/x-www-form-urlencoded", **(headers or {})}
    return ask(daemon, "POST", path, urlencode(form), **given)


def holder(story: Story) -> dict[str, str] | None:
    acknowledged: dict[str, str] | None = story.status()["acknowledged"]
    return acknowledged


def test_a_link_shows_a_page_and_its_button_says_who_has_it_once(story: Story) -> None:
    begin(story)
    with story.daemon() as daemon:
        path = arrived(story)
        token = path.rpartition("/")[2]
        for _ in range(3):  # as mail scanners do
            shown = ask(daemon, "GET", path, Host=HOST)
            assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Orion" in shown.text
        assert "<script" not in shown.text
        assert "style=" not in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert shown.headers["referrer-policy"] == "same-origin"
        assert ask(daemon, "GET", "/ack/style.css", Host=HOST).headers["content-type"].startswith("text/css")
        assert holder(story) is None
        assert press(daemon, path, by=" ").status == 400
        assert holder(story) is None

        done = press(daemon, path, {"Origin": PUBLIC}, by="Ada <b>L.</b>", note="on it")
        assert done.status == 200
        assert "Ada &lt;b&gt;L.&lt;/b&gt; has it: orion." in done.text
        given = holder(story)
        assert given is not None
        assert (given["by"], given["note"]) == ("Ada <b>L.</b>", "on it")
        assert (story.status()["status"], story.gate()) == ("paused", 1), "it resumes and allows nothing"

        again = press(daemon, path, by="Bob K.")
        assert (again.status, again.text.count("Ada")) == (410, 1)
        assert ask(daemon, "GET", path, Host=HOST).status == 410
        (event,) = [event for event in story.events() if event["type"] == "notice.acknowledged"]
        assert event["data"]["via"]["channel"] == "link"
        assert event["data"]["by"] == event["actor"] == "Ada <b>L.</b>"
        notice = event["subject"]
        until(lambda: story.messages("ACKNOWLEDGED Orion"), "it is told")
    assert "[ack link]" in story.must("notices", notice).out
    printed = [
        story.must("notices", notice, "--json").out,
        story.must("events", "--limit", "1000", "--format", "jsonl").out,
        story.must("events", "--limit", "1000", "--format", "csv").out,
        story.must("outbox", "--all", "--json").out,
        daemon.said(),
        (story.folder / "monitor.db").read_bytes().decode("latin-1"),
    ]
    assert [text for text in printed if token in text] == []


def test_a_link_is_refused_in_one_sentence(story: Story) -> None:
    begin(story)
    with story.daemon() as daemon:
        path = arrived(story)
        guessed = path.rpartition("/")[0] + "/" + "A" * 43
        cases = {
            "wrong": ask(daemon, "GET", guessed, Host=HOST),
            "wrong, pressed": press(daemon, guessed, by="Eve"),
            "of no notice": ask(daemon, "GET", f"/ack/999.platform/{'A' * 43}", Host=HOST),
            "another host": ask(daemon, "GET", path, Host="evil.example"),
            "another page": press(daemon, path, {"Origin": "https://evil.example"}, by="Eve"),
            "no page": press(daemon, path, {"Origin": "null"}, by="Eve"),
            "across sites": press(daemon, path, {"Origin": PUBLIC, "Sec_Fetch_Site": "cross-site"}, by="Eve"),
            "too large": press(daemon, path, by="Eve", note="x" * 9000),
        }
        assert {case: reply.status for case, reply in cases.items()} == {
            "wrong": 404,
            "wrong, pressed": 404,
            "of no notice": 404,
            "another host": 421,
            "another page": 403,
            "no page": 403,
            "across sites": 403,
            "too large": 400,
        }
        for case, reply in cases.items():
            assert "text/html" in reply.headers["content-type"], case
            (sentence,) = re.findall(r"<p>(.*)</p>", reply.text)
            assert sentence.count(". ") == 0, case
            assert "Traceback" not in reply.text
        assert holder(story) is None
        assert ask(daemon, "PUT", path, "x", Host=HOST).status == 405

        story.poll()
        story.must("resume", "orion", "--by", "Bob K.", "--reason", "accepted")
        over = press(daemon, path, by="Ada")
        assert (over.status, "is over" in over.text) == (410, True)
        asked = [ask(daemon, "GET", guessed, Host=HOST).status for _ in range(80)]
        assert asked[-1] == 429


def test_a_proxy_names_who_pressed(story: Story) -> None:
    begin(story, 'user_header = "X-Forwarded-User"\n')
    with story.daemon() as daemon:
        path = arrived(story)
        shown = ask(daemon, "GET", path, Host=HOST, X_Forwarded_User="ada@example.com")
        assert "ada@example.com" in shown.text
        assert 'name="by"' not in shown.text
        done = press(daemon, path, {"X_Forwarded_User": "ada@example.com"}, by="somebody else")
        assert done.status == 200
        (event,) = [event for event in story.events() if event["type"] == "notice.acknowledged"]
        assert event["data"]["by"] == "ada@example.com"
        assert event["data"]["via"]["header"] == "X-Forwarded-User"


def test_without_a_public_url_no_message_has_a_link_and_no_path_answers(story: Story) -> None:
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.activate()
    story.provider.prices = {"orion-2": ("2.00", "6.00")}
    story.poll(2)
    with story.daemon() as daemon:
        until(lambda: story.messages("PAUSED Orion"), "the pause arrives")
        assert "/ack/" not in story.messages("PAUSED Orion")[0].text
        assert ask(daemon, "GET", f"/ack/1.platform/{'A' * 43}").status == 404
        assert urlsplit(daemon.url).hostname == "127.0.0.1"
