"""Faults of a server that was made to be broken: LLMock, with its scenarios, its rate limits, and its verdict on how
its client behaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from peer_servers import free_port, installed, running
from pipeline_world import START, World, configuration, entry_spec, world_of

from monitor.core.configuration import Surface
from monitor.core.entry import Status
from monitor.core.facts import FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.http import HttpClient
from monitor.sources.models_list import ModelsList
from monitor.sources.transport import Limits

MODEL = "gpt-4o-mini"

Started = Callable[..., AbstractContextManager["Llmock"]]


class Llmock:
    """One running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def surface(self) -> Surface:
        return Surface(key="openai", base_url=f"{self.url}/v1", provider="openai", api_key="env:KEY")

    def asked(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_llmock/{path}", data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def breaks(self, **behaviour: object) -> None:
        self.asked("scenario", {"behaviors": [behaviour]})

    @property
    def verdict(self) -> Any:
        return self.asked("verdict")


@pytest.fixture
def started(tmp_path: Path) -> Started:
    @contextmanager
    def start(*options: str) -> Iterator[Llmock]:
        program = installed("llmock/bin/llmock")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [program, "serve", "--host", "127.0.0.1", "-p", str(port), *options]
        with running(command, f"{url}/_llmock/verdict", tmp_path / "llmock.log"):
            yield Llmock(url)

    return start


def source(peer: Llmock, http: HttpClient) -> ModelsList:
    return ModelsList(configuration().sources["list"], peer.surface, http, lambda _: "sk-of-the-tests-0123456789")


def test_its_list_is_read(started: Started, http: HttpClient) -> None:
    with started() as peer:
        seen = source(peer, http).observe(START, None)
        assert isinstance(seen, Snapshot)
        assert seen.facts[Subject("openai", MODEL)]["listed"] is True
        assert len(seen.facts) == 7


FAULTS = {
    400: FailureReason.HTTP_ERROR,
    401: FailureReason.UNAUTHORIZED,
    403: FailureReason.FORBIDDEN,
    404: FailureReason.NOT_FOUND,
    408: FailureReason.TIMEOUT,
    429: FailureReason.RATE_LIMITED,
    500: FailureReason.SERVER_ERROR,
    503: FailureReason.SERVER_ERROR,
}


def test_every_fault_is_a_classified_failure_of_one_request_and_moves_nothing(
    started: Started, http: HttpClient
) -> None:
    with started() as peer, world_of(configuration(entries={"luna": entry_spec(model_id=MODEL)})) as world:
        watch(world, peer, http)
        head, baseline = world.head, world.baseline("list")
        attempts = peer.verdict["attempts"]
        for status, reason in FAULTS.items():
            peer.breaks(type="fail", status=status, retry_after=7)
            (outcome,) = world.poll("list")
            assert outcome.verdict == "failed", status
            assert outcome.detail.startswith(f"{reason}: HTTP {status}"), outcome.detail
            attempts += 1
            assert peer.verdict["attempts"] == attempts, "the SDK sent it again"
        assert {event.type for event in world.events(after=head)} == {"source.failed"}
        assert world.baseline("list") == baseline
        assert world.entry().status is Status.EVALUATING
        world.poll("list")
        assert world.types(after=head)[-1] == "source.recovered"


def watch(world: World, peer: Llmock, http: HttpClient) -> None:
    world.sources["list"] = source(peer, http)  # type: ignore[assignment]
    world.poll("list")
    assert world.entry().status is Status.EVALUATING


def test_a_rate_limit_is_a_failure_that_says_when_to_come_back(started: Started, http: HttpClient) -> None:
    with started("--rpm", "2", "--tpm", "90000") as peer:
        polls = [source(peer, http).observe(START, None) for _ in range(3)]
        assert [type(one) for one in polls] == [Snapshot, Snapshot, PollFailure]
        refused = polls[-1]
        assert isinstance(refused, PollFailure)
        assert refused.reason is FailureReason.RATE_LIMITED
        assert refused.retry_after is not None
        assert 20 < refused.retry_after <= 30
        assert "rate_limit_exceeded" in refused.detail


def test_an_answer_that_does_not_come_is_a_timeout_within_the_limits(started: Started) -> None:
    http = HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5.0, read=0.5, total=1.0, size=1_000_000))
    with started() as peer:
        peer.breaks(type="delay", seconds=3)
        seen = source(peer, http).observe(START, None)
        assert isinstance(seen, PollFailure)
        assert seen.reason is FailureReason.TIMEOUT
        assert isinstance(source(peer, http).observe(START, None), Snapshot)
    http.close()
