"""The page of a link: whom it lets in, how often, and what it says where the store does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from web_world import World

from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.notices import Notice
from monitor.core.ports import Unavailable
from monitor.registry.ack_links import AckLink, UnknownLink
from monitor.web.ack import AckPage
from monitor.web.forms import A_MINUTE, RateLimit

PUBLIC = "https://monitor.example.com:8443/watch"
HOST = {"Host": "monitor.example.com:8443"}
LINK = "/ack/1.platform/token"


class Links:
    """No link is known unless a test says so; each question is counted."""

    def __init__(self) -> None:
        self.known: AckLink | None = None
        self.error: Exception = UnknownLink("This link is not known here")
        self.asked: list[str] = []

    def find(self, notice: str, token: str) -> AckLink:
        self.asked.append(f"find {notice} {token}")
        if self.known is not None:
            return self.known
        raise self.error

    def press(self, notice: str, token: str, *, by: str, via: Mapping[str, str], note: str) -> Event:
        self.asked.append(f"press {notice} {token} by {by}")
        raise self.error


@pytest.fixture
def links(world: World) -> Iterator[Links]:
    made = Links()
    world.endpoints.ack = AckPage(find=made.find, press=made.press, clock=lambda: world.now, public_url=PUBLIC)
    yield made
    world.endpoints.ack = None


def test_a_link_needs_no_token_and_everything_else_does(world: World, links: Links) -> None:
    world.protect("secret")
    assert world.http.get(LINK, headers=HOST).status_code == 404
    assert world.http.post(LINK, headers=HOST, data={"by": "Ada"}).status_code == 404
    assert links.asked == ["find 1.platform token", "press 1.platform token by Ada"]
    assert world.http.get("/v1/gate/luna").status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("monitor.example.com:8443", 404),
        ("127.0.0.1:8787", 404),
        ("localhost", 404),
        ("monitor.example.com", 421),
        ("monitor.example.com.evil.example:8443", 421),
        ("[", 421),
    ],
)
def test_a_link_is_asked_for_by_the_public_name_or_on_this_machine(
    world: World, links: Links, host: str, status: int
) -> None:
    assert world.http.get(LINK, headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Origin": "https://monitor.example.com:8443"}, 404),
        ({"Origin": "https://monitor.example.com:8443", "Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": "https://monitor.example.com:8443", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Referer": "http://evil.example/page"}, 403),
    ],
)
def test_the_form_is_sent_by_its_own_page(world: World, links: Links, headers: dict[str, str], status: int) -> None:
    assert world.http.post(LINK, headers={**HOST, **headers}, data={"by": "Ada"}).status_code == status
    assert bool(links.asked) is (status == 404)


def test_a_mail_program_s_page_may_lead_to_a_link(world: World, links: Links) -> None:
    headers = {**HOST, "Sec-Fetch-Site": "cross-site", "Referer": "https://mail.example.com/"}
    assert world.http.get(LINK, headers=headers).status_code == 404
    assert world.http.head(LINK, headers=headers).status_code == 404


def test_a_store_that_does_not_answer_is_said_in_a_sentence(world: World, links: Links) -> None:
    links.error = Unavailable("the database is locked: /var/lib/secret/path")
    answer = world.http.post(LINK, headers=HOST, data={"by": "Ada"})
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert "The database does not answer" in answer.text


def test_a_link_shows_model_surface_and_who_has_the_pause_already(world: World, links: Links) -> None:
    spec = EntrySpec(key="luna", name="Luna <1>", surfaces={"openai": "gpt-5.6-luna"}, owners=("platform",))
    entry = Entry(
        key="luna",
        status=Status.PAUSED,
        since=world.now,
        position=7,
        status_position=7,
        spec=spec,
        reason="input +50 %",
    )
    acknowledged = Event(
        position=9,
        type=ev.NOTICE_ACKNOWLEDGED,
        stream="notice/7.platform",
        subject="7.platform",
        occurred_at=world.now,
        actor="Ada L.",
        data={"by": "Ada L.", "entries": ["luna"], "note": "on <it>", "via": {}},
    )
    link = AckLink(
        notice=Notice(id="7.platform", owner="platform", at=world.now, items=()),
        digest="",
        entries=(entry,),
        acknowledged=acknowledged,
    )
    links.known = link
    shown = world.http.get(LINK, headers=HOST)
    at = f"{world.now:%Y-%m-%d %H:%M} UTC"
    assert f"<b>Luna &lt;1&gt;</b> (gpt-5.6-luna on openai) is paused since {at}: input +50 %" in shown.text
    assert f"Ada L. has it since {at}: on &lt;it&gt;" in shown.text
    links.known = replace(link, acknowledged=None)
    assert "has it since" not in world.http.get(LINK, headers=HOST).text


def test_too_many_requests_are_refused_for_a_minute_and_ask_nothing(world: World, links: Links) -> None:
    for _ in range(A_MINUTE):
        assert world.http.get(LINK, headers=HOST).status_code == 404
    refused = world.http.get(LINK, headers=HOST)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert len(links.asked) == A_MINUTE
    world.now += timedelta(minutes=1)
    assert world.http.get(LINK, headers=HOST).status_code == 404


def test_the_limit_forgets_addresses_and_outlives_a_clock_that_is_set_back(world: World) -> None:
    limit = RateLimit(2)
    assert [limit.admit("a", world.now) for _ in range(3)] == [True, True, False]
    assert limit.admit("b", world.now)
    assert limit.admit("a", world.now - timedelta(hours=1))
    for number in range(3000):
        limit.admit(str(number), world.now)
    assert limit.admit("a", world.now)
