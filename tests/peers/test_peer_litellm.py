"""A gateway whose list changes while it is watched, and that speaks another dialect of errors: LiteLLM's proxy, edited
and restarted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from peer_servers import free_port, installed, running
from pipeline_world import START, configuration, entry_spec, world_of

from monitor.core.configuration import Surface
from monitor.core.entry import Status
from monitor.core.facts import FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.http import HttpClient
from monitor.sources.models_list import ModelsList

KEY = "sk-local-test"
MODELS = ("gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol")
THROTTLED = "throttled"


class Proxy:
    """The proxy at one address, whichever list it was started with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.program = installed("litellm/bin/litellm")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @contextmanager
    def serving(self, models: Sequence[str]) -> Iterator[None]:
        mock = {THROTTLED: "litellm.RateLimitError"}
        rows = [
            (
                f"  - {{model_name: {name}, litellm_params: {{model: openai/gpt-5.6-luna, api_key: none, "
                f'mock_response: "{mock.get(name, "pong")}"}}}}'
            )
            for name in models
        ]
        written = self.folder / "litellm.yaml"
        written.write_text("\n".join(["model_list:", *rows, f"general_settings: {{master_key: {KEY}}}", ""]))
        command = [self.program, "--config", written, "--host", "127.0.0.1", "--port", str(self.port)]
        with running(
            [*command, "--telemetry", "False"],
            f"http://127.0.0.1:{self.port}/health/liveliness",
            self.folder / "log",
            environ={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        ):
            yield

    def source(self, http: HttpClient, key: str = KEY) -> ModelsList:
        surface = Surface(key="openai", base_url=self.url, provider="openai", api_key="env:KEY")
        return ModelsList(configuration().sources["list"], surface, http, lambda _: key)


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path)


def test_a_model_that_left_the_list_is_believed_gone_and_pauses_and_the_restart_is_only_an_outage(
    proxy: Proxy, http: HttpClient
) -> None:
    entry = entry_spec(model_id=MODELS[0])
    with world_of(configuration(entries={"luna": entry})) as world:
        world.sources["list"] = proxy.source(http)  # type: ignore[assignment]
        world.sources["page"].facts = {
            Subject("openai", MODELS[0]): {"price.standard.short.input": "1", "price.standard.short.output": "6"}
        }
        with proxy.serving(MODELS):
            world.poll("list", "page")
            world.activate()
        head = world.head
        world.polls(4, "list", every=timedelta(minutes=20))
        assert world.types(after=head) == ["source.failed"]
        with proxy.serving(MODELS[1:]):
            world.poll("list")
            assert world.types(after=head) == ["source.failed", "source.recovered"]
            world.polls(3, "list", every=timedelta(minutes=15))
        (gone,) = world.events("model.unlisted")
        assert gone.subject == MODELS[0]
        assert gone.data["looks"] >= 3
        assert [event.subject for event in world.events("access.lost")] == [MODELS[0]]
        assert world.entry().status is Status.PAUSED


def test_its_dialect_says_nothing_of_a_model_where_it_means_the_key_and_something_where_it_means_the_model(
    proxy: Proxy, http: HttpClient
) -> None:
    taxonomy = pytest.importorskip(
        "monitor.core.error_meanings", reason="the taxonomy of errors is not part of this tree"
    )
    with proxy.serving((MODELS[0], THROTTLED)), httpx2.Client(trust_env=False, timeout=60) as client:
        assert isinstance(proxy.source(http).observe(START, None), Snapshot)
        refused = proxy.source(http, key="sk-of-somebody-else").observe(START, None)
        assert isinstance(refused, PollFailure)
        assert refused.reason is FailureReason.HTTP_ERROR
        assert "No connected db." in refused.detail

        def meaning(path: str, *, key: str = KEY, model: str, call: bool = True) -> str:
            url = f"{proxy.url}/{path}"
            headers = {"Authorization": f"Bearer {key}"}
            body = {"model": model, "messages": [{"role": "user", "content": "ping"}]}
            answer = client.post(url, headers=headers, json=body) if call else client.get(url, headers=headers)
            return str(taxonomy.classify(answer.status_code, answer.json(), model=model).meaning)

        assert meaning("chat/completions", model=MODELS[0]) == "granted"
        assert meaning("chat/completions", model="nope") == "access_lost"
        assert meaning("models/nope", model="nope", call=False) == "access_lost"
        assert meaning("chat/completions", model=MODELS[0], key="sk-of-somebody-else") == "unknown"
        assert meaning("chat/completions", model=THROTTLED) == "transient"
