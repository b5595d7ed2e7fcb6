"""What the replies of services mean, by the table; the services whose host is fixed are judged here, the others in the
stories, too.
"""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
import requests
from apprise import Apprise
from notices import notice

from monitor.core.ports import NotSent
from monitor.notify import capture
from monitor.notify.channels import AppriseChannel
from monitor.notify.replies import Reply, chat, discord, judge_of, webhook


@pytest.mark.parametrize(
    ("url", "judge"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", chat),
        ("mmosts://chat.example.com/abcdefghijklmnopqrstuvwxyz", chat),
        ("discord://123456789/abcdefghijklmnopqrstuvwxyz", discord),
        ("jsons://example.com/hook", webhook),
        ("xml://example.com/hook", webhook),
        ("forms://example.com/hook", webhook),
        ("ntfy://topic", None),
        ("mailtos://user:secret@example.com", None),
    ],
)
def test_a_service_is_judged_by_its_row_of_the_table(url: str, judge: object) -> None:
    service = Apprise.instantiate(url)
    assert service is not None
    assert judge_of(service) is judge


def test_teams_is_judged_as_a_chat_service() -> None:
    url = "https://x.westeurope.logic.azure.com:443/workflows/3e3e/triggers/manual/paths/invoke?api-version=2016-06-01&sp=a&sv=1.0&sig=abcdefghij"
    service = Apprise.instantiate(url)
    assert service is not None
    assert judge_of(service) is chat
    assert chat(Reply(status=202)) is None
    assert chat(Reply(status=200, text="1")) is None
    assert chat(Reply(status=200, text="Summary or Text is required.")) is not None


@pytest.mark.parametrize(
    ("status", "body", "delivered", "permanent"),
    [
        (204, "", True, False),
        (200, '{"id": "1", "type": 0, "content": "…"}', True, False),
        (200, '{"message": "Unknown Webhook", "code": 10015}', False, True),
        (200, '{"message": "Invalid Webhook Token", "code": 50027}', False, True),
        (200, '{"message": "You are being rate limited.", "retry_after": 1}', False, False),
        (200, "<html></html>", False, False),
    ],
)
def test_discord_answers_with_nothing_or_with_the_message(
    status: int, body: str, delivered: bool, permanent: bool
) -> None:
    refusal = discord(Reply(status=status, text=body))
    assert (refusal is None) == delivered
    assert delivered or (refusal is not None and refusal.permanent == permanent)


def test_a_refusal_under_200_says_when_to_come_back() -> None:
    refusal = chat(Reply(status=200, text="rate_limited", retry_after="30"))
    assert refusal is not None
    assert (refusal.permanent, refusal.retry_after) == (False, 30.0)


@pytest.mark.parametrize("text", ['{"ok":', "[" * 100_000, "{}", "null", "0", '"ok": false', '{"status": "208"}'])
def test_what_says_nothing_against_a_delivery_is_none_against_it(text: str) -> None:
    assert webhook(Reply(status=200, text=text)) is None


class _Endless(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_an_answer_without_an_end_is_not_kept() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"json://127.0.0.1:{server.server_port}/hook"
        outcome = AppriseChannel(lambda destination: url, timeout=60).send(notice(), "platform#1")
        server.shutdown()
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert "no answer within" not in outcome.reason


def test_only_replies_of_this_thread_within_the_block_are_collected() -> None:
    class Echo(_Endless):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        with capture.replies() as replies:
            other = Thread(target=requests.post, args=(url,), kwargs={"data": b"other", "timeout": 60})
            other.start()
            other.join()
            assert requests.post(url, data=b"ours", timeout=60).text == "ours"
        assert requests.post(url, data=b"later", timeout=60).text == "later"
        server.shutdown()
    assert replies == [Reply(status=201, text="ours")]


class _Counting(_Endless):
    """Says through which connection each message came."""

    protocol_version = "HTTP/1.1"
    came: ClassVar[list[tuple[str, int]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.came.append((self.path, self.client_address[1]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_a_connection_is_kept_for_the_messages_of_one_commit_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[Callable[[], None]] = []

    class Timer:
        def __init__(self, seconds: float, act: Callable[[], None]) -> None:
            timers.append(act)

        def start(self) -> None:
            pass

        def is_alive(self) -> bool:
            return True

    monkeypatch.setattr(capture, "_closing", None)
    monkeypatch.setattr(capture.threading, "Timer", Timer)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Counting) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        channel = AppriseChannel(lambda destination: f"json://{address}/{destination}", timeout=60)
        for place in ("a", "b"):
            assert channel.send(notice(), place) == channel.send(notice(), place)
        timers.pop()()
        channel.send(notice(), "c")
        requests.post(f"http://{address}/alone", timeout=60)
        server.shutdown()
    ports = [port for _, port in _Counting.came]
    assert [path for path, _ in _Counting.came] == ["/a", "/a", "/b", "/b", "/c", "/alone"]
    assert len(set(ports[:4])) == 1
    assert len(set(ports)) == 3
    assert not timers


def test_proxies_are_those_of_the_environment_at_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy() -> object:
        return requests.sessions.get_environ_proxies("http://hooks.example/x").get("http")  # type: ignore[attr-defined]

    with capture.replies():
        monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
        assert proxy() == "http://proxy.example:3128"
        monkeypatch.setenv("http_proxy", "http://other.example:3128")
        assert proxy() == "http://other.example:3128"
        monkeypatch.setenv("NO_PROXY", "hooks.example")
        assert proxy() is None
