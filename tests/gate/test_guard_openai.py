"""The guarded client of the real `openai` package: nothing that names a denied model reaches the provider, by whatever
method it is called.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest
from gate_examples import standing
from guard_world import LUNA, SOL, TERRA, Call, Place, Provider
from openai import AsyncOpenAI, OpenAI
from openai.lib.azure import AzureOpenAI

from monitor.core.entry import Status
from monitor.gate.client.guard import ModelDenied, guard

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Number(pydantic.BaseModel):
    n: int


@pytest.fixture
def place(tmp_path: Path) -> Place:
    from monitor.gate.client import clock

    place = Place(tmp_path / "lease")
    place.time.now = clock.now()
    later = {"access_until": place.time.now.replace(year=2100), "price_until": place.time.now.replace(year=2100)}
    place.write(standing("luna", **later), standing("terra", **later))
    return place


@pytest.fixture
def provider() -> Provider:
    return Provider()


MESSAGES: Any = [{"role": "user", "content": "hello"}]

CALLS: dict[str, Callable[[Any, str], Any]] = {
    "chat": lambda client, model: client.chat.completions.create(model=model, messages=MESSAGES),
    "chat parse": lambda client, model: client.chat.completions.parse(
        model=model, messages=MESSAGES, response_format=Number
    ),
    "chat raw": lambda client, model: client.chat.completions.with_raw_response.create(model=model, messages=MESSAGES),
    "raw client": lambda client, model: client.with_raw_response.chat.completions.create(
        model=model, messages=MESSAGES
    ),
    "options": lambda client, model: client.with_options(max_retries=1).chat.completions.create(
        model=model, messages=MESSAGES
    ),
    "copy": lambda client, model: client.copy(timeout=3).responses.create(model=model, input="hello"),
    "copy of a copy": lambda client, model: (
        client.copy().with_options(timeout=3).embeddings.create(model=model, input="x")
    ),
    "responses": lambda client, model: client.responses.create(model=model, input="hello"),
    "responses parse": lambda client, model: client.responses.parse(model=model, input="hello", text_format=Number),
    "responses background": lambda client, model: client.responses.create(model=model, input="x", background=True),
    "embeddings": lambda client, model: client.embeddings.create(model=model, input="hello"),
    "completions": lambda client, model: client.completions.create(model=model, prompt="hello"),
    "beta assistants": lambda client, model: client.beta.assistants.create(model=model),
    "beta runs": lambda client, model: client.beta.threads.create_and_run(assistant_id="a", model=model),
    "extra body": lambda client, model: client.responses.create(
        model=TERRA, input="hello", extra_body={"model": model}
    ),
    "post": lambda client, model: client.post("/responses", cast_to=object, body={"model": model}),
    "image tool": lambda client, model: client.responses.create(
        model=TERRA, input="x", tools=[{"type": "image_generation", "model": model}]
    ),
    "client secrets": lambda client, model: client.realtime.client_secrets.create(
        session={"type": "realtime", "model": model}
    ),
    "transcription of a session": lambda client, model: client.realtime.client_secrets.create(
        session={"type": "transcription", "audio": {"input": {"transcription": {"model": model}}}}
    ),
    "run of an eval": lambda client, model: client.evals.runs.create(
        "eval_1",
        data_source={
            "type": "responses",
            "model": model,
            "source": {"type": "file_id", "id": "f"},
            "input_messages": {"type": "item_reference", "item_reference": "item.input"},
        },
    ),
    "grader of an eval": lambda client, model: client.evals.create(
        data_source_config={"type": "custom", "item_schema": {}},
        testing_criteria=[{"type": "score_model", "name": "g", "model": model, "input": []}],
    ),
    "grader of a fine tuning": lambda client, model: client.fine_tuning.jobs.create(
        model=TERRA,
        training_file="file-1",
        method={
            "type": "reinforcement",
            "reinforcement": {"grader": {"type": "score_model", "name": "g", "model": model, "input": []}},
        },
    ),
    "moderations": lambda client, model: client.moderations.create(model=model, input="x"),
    "fine tuning": lambda client, model: client.fine_tuning.jobs.create(model=model, training_file="file-1"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_denied_model_is_refused_before_anything_is_sent(place: Place, provider: Provider, name: str) -> None:
    client = guard(provider.client(), lease=place.folder)
    for model in (SOL, "gpt-9"):
        with pytest.raises(ModelDenied) as refused:
            CALLS[name](client, model)
        assert refused.value.key == model
    assert provider.seen == []
    CALLS[name](client, LUNA)
    assert len(provider.seen) == 1


@pytest.mark.parametrize("name", CALLS)
def test_an_asynchronous_client_refuses_as_well(place: Place, provider: Provider, name: str) -> None:
    async def call(model: str) -> None:
        async with guard(provider.asynchronous(), lease=place.folder) as client:
            await CALLS[name](client, model)

    with pytest.raises(ModelDenied):
        asyncio.run(call(SOL))
    assert provider.seen == []
    asyncio.run(call(LUNA))
    assert len(provider.seen) == 1


@pytest.mark.parametrize("name", CALLS)
def test_told_to_the_call_goes_out_under_the_id_of_the_fallback(place: Place, provider: Provider, name: str) -> None:
    client = guard(provider.client(), lease=place.folder, on_denied="fallback", fallbacks=["terra"])
    CALLS[name](client, SOL)
    ((_, _, body),) = provider.seen
    assert SOL.encode() not in body
    assert TERRA.encode() in body
    assert client.guard.taken == {SOL: TERRA}  # type: ignore[attr-defined]


STREAMS: dict[str, Call] = {
    "chat stream": lambda client: client.chat.completions.stream(model=SOL, messages=MESSAGES),
    "responses stream": lambda client: client.responses.stream(model=SOL, input="hello"),
    "streaming response": lambda client: client.responses.with_streaming_response.create(model=SOL, input="hello"),
    "realtime": lambda client: client.realtime.connect(model=SOL),
    "beta realtime": lambda client: client.beta.realtime.connect(model=SOL),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_of_a_denied_model_is_refused_before_it_is_opened(place: Place, provider: Provider, name: str) -> None:
    if "realtime" in name:
        pytest.importorskip("websockets", reason="websockets is not installed: the SDK cannot open a socket here")
    client = guard(provider.client(), lease=place.folder)
    with pytest.raises(ModelDenied), STREAMS[name](client):
        raise AssertionError("it was opened")

    async def opened() -> None:
        other = guard(provider.asynchronous(), lease=place.folder)
        async with STREAMS[name](other):
            raise AssertionError("it was opened")

    with pytest.raises(ModelDenied):
        asyncio.run(opened())
    assert provider.seen == []


def test_the_sdk_still_has_the_two_places_that_every_call_passes() -> None:
    for kind in (OpenAI, AsyncOpenAI):
        assert callable(kind.request)
        assert callable(kind._websocket_query_params)


def test_a_web_socket_is_opened_for_the_fallback(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder, on_denied="fallback", fallbacks=["terra"])
    assert dict(client._websocket_query_params(client.base_url, {"model": SOL})) == {"model": TERRA}


def batch(*models: str) -> bytes:
    rows = [{"custom_id": str(n), "method": "POST", "body": {"model": model}} for n, model in enumerate(models)]
    return "\n".join(json.dumps(row) for row in rows).encode() + b"\nno json\n\n"


class Once(io.BytesIO):
    """A file that cannot be read twice."""

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize(
    "file",
    [
        lambda content, folder: content,
        lambda content, folder: io.BytesIO(content),
        lambda content, folder: Once(content),
        lambda content, folder: ("batch.jsonl", content),
        lambda content, folder: ("batch.jsonl", io.BytesIO(content), "application/jsonl"),
        lambda content, folder: _written(folder, content),
    ],
)
def test_a_batch_file_is_sent_only_if_each_of_its_models_is_allowed(
    place: Place, provider: Provider, tmp_path: Path, file: Callable[[bytes, Path], Any]
) -> None:
    client = guard(provider.client(), lease=place.folder, on_denied="fallback", fallbacks=["terra"])
    with pytest.raises(ModelDenied, match="is denied in production"):
        client.files.create(file=file(batch(LUNA, SOL), tmp_path), purpose="batch")
    assert provider.seen == []
    client.files.create(file=file(batch(LUNA, TERRA), tmp_path), purpose="batch")
    assert batch(LUNA, TERRA) in provider.seen[0][2]

    async def upload(*models: str) -> None:
        await guard(provider.asynchronous(), lease=place.folder).files.create(
            file=file(batch(*models), tmp_path), purpose="batch"
        )

    with pytest.raises(ModelDenied):
        asyncio.run(upload(LUNA, SOL))
    asyncio.run(upload(LUNA))
    assert len(provider.seen) == 2


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "batch.jsonl"
    path.write_bytes(content)
    return path


def test_files_for_other_purposes_and_calls_that_name_no_model_pass(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    client.files.create(file=batch(SOL), purpose="user_data")
    client.models.retrieve(SOL)
    client.batches.create(completion_window="24h", endpoint="/v1/responses", input_file_id="file-1")
    assert len(provider.seen) == 3


def test_bytes_that_are_sent_as_they_are_are_read(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    with pytest.raises(ModelDenied):
        client.post("/responses", cast_to=object, content=json.dumps({"model": SOL}).encode())
    assert provider.seen == []


def test_a_model_that_the_query_names_is_asked_about(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)

    def call(model: str) -> None:
        client.post("/realtime/calls", cast_to=object, body={}, options={"params": {"model": model}})

    with pytest.raises(ModelDenied):
        call(SOL)
    assert provider.seen == []
    call(LUNA)
    assert len(provider.seen) == 1


def test_a_batch_line_is_polled_into_like_a_request(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    body = {"model": LUNA, "input": "x", "tools": [{"type": "image_generation", "model": SOL}]}
    line = json.dumps({"custom_id": "1", "url": "/v1/responses", "body": body}).encode()
    with pytest.raises(ModelDenied):
        client.files.create(file=("b.jsonl", line), purpose="batch")
    assert provider.seen == []


def test_the_word_model_in_a_prompt_a_schema_or_metadata_names_none(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    said: Any = {"model": SOL, "session": {"model": SOL}}
    client.responses.create(
        model=LUNA,
        input=[{"role": "user", "content": json.dumps(said)}, said],
        metadata={"model": SOL},
        tools=[
            {"type": "function", "name": "f", "strict": True, "parameters": {"model": SOL, "audio": {"model": SOL}}}
        ],
        text={"format": {"type": "json_schema", "name": "s", "schema": said}},
    )
    client.embeddings.create(model=LUNA, input=SOL)
    assert len(provider.seen) == 2


def test_what_the_application_handed_over_is_not_changed(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder, on_denied="fallback", fallbacks=["terra"])
    body = {"model": SOL, "tools": [{"type": "image_generation", "model": SOL}], "session": {"model": SOL}}
    before = json.dumps(body)
    client.post("/responses", cast_to=object, body=body)
    assert json.dumps(body) == before


def test_the_guarded_client_is_of_the_clients_type_and_the_client_stays_as_it_was(
    place: Place, provider: Provider
) -> None:
    client = provider.client(max_retries=7, default_headers={"X-Team": "a"})
    client.chat  # noqa: B018 - the resources of the client are made, and must not be those of the copy
    guarded = guard(client, lease=place.folder)
    assert isinstance(guarded, OpenAI)
    assert (guarded.max_retries, guarded.default_headers["X-Team"]) == (7, "a")
    assert guarded._client is client._client
    client.chat.completions.create(model=SOL, messages=MESSAGES)
    assert len(provider.seen) == 1
    with pytest.raises(ModelDenied):
        guarded.chat.completions.create(model=SOL, messages=MESSAGES)


def test_a_subclass_of_a_client_is_guarded_as_well(place: Place, provider: Provider) -> None:
    client = AzureOpenAI(
        api_key="k", azure_endpoint="http://azure.invalid", api_version="1", http_client=provider.client()._client
    )
    guarded = guard(client, lease=place.folder)
    with pytest.raises(ModelDenied):
        guarded.chat.completions.create(model=SOL, messages=MESSAGES)
    with pytest.raises(ModelDenied):
        guarded.with_options(timeout=1).chat.completions.create(model=SOL, messages=MESSAGES)
    guarded.chat.completions.create(model=LUNA, messages=MESSAGES)
    assert provider.seen[0][1] == f"/openai/deployments/{LUNA}/chat/completions"


def test_a_client_for_one_azure_deployment_is_asked_for_it_whatever_the_body_names(
    place: Place, provider: Provider
) -> None:
    for deployment, called in ((SOL, 0), (LUNA, 1)):
        client = AzureOpenAI(
            api_key="k",
            azure_endpoint="http://azure.invalid",
            azure_deployment=deployment,
            api_version="1",
            http_client=provider.client()._client,
        )
        guarded = guard(client, lease=place.folder).copy()
        if not called:
            with pytest.raises(ModelDenied):
                guarded.chat.completions.create(model=LUNA, messages=MESSAGES)
        else:
            guarded.chat.completions.create(model=LUNA, messages=MESSAGES)
        assert len(provider.seen) == called


def test_what_is_no_client_or_guarded_already_is_refused(place: Place, provider: Provider) -> None:
    with pytest.raises(TypeError, match="not for str"):
        guard("client", lease=place.folder)
    with pytest.raises(ValueError, match="guarded already"):
        guard(guard(provider.client(), lease=place.folder), lease=place.folder)


def test_guarded_clients_are_collected(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    with pytest.raises(ModelDenied):
        client.chat.completions.create(model=SOL, messages=MESSAGES)
    kept = weakref.ref(client.guard)  # type: ignore[attr-defined]
    del client
    gc.collect()
    assert kept() is None


def test_a_pause_reaches_a_client_that_is_in_use(place: Place, provider: Provider) -> None:
    client = guard(provider.client(), lease=place.folder)
    CALLS["chat"](client, LUNA)
    place.write(standing("luna", status=Status.PAUSED))
    client.guard._next = 0  # type: ignore[attr-defined]  # as a second later
    with pytest.raises(ModelDenied):
        CALLS["chat"](client, LUNA)


API, CODEX = "https://api.example/v1", "https://codex.example/v1"


@pytest.fixture
def apart(place: Place) -> Place:
    """Provide a lease in which luna is allowed on the API and paused on Codex, where terra alone is allowed."""
    later = {"access_until": place.time.now.replace(year=2100), "price_until": place.time.now.replace(year=2100)}
    on_codex = {**later, "surface": "codex", "base_url": CODEX, "model_ids": (LUNA,)}
    place.write(
        standing("luna", base_url=API, fallback="terra", **later),
        standing("luna@codex", status=Status.PAUSED, reason="gone", fallback="terra", model_id=LUNA, **on_codex),
        standing("terra", base_url=API, **later),
        standing("terra@codex", **{**on_codex, "model_ids": (TERRA,)}, model_id="terra-on-codex"),
    )
    return place


def client_at(provider: Provider, url: str) -> Any:
    import httpx2

    return OpenAI(api_key="k", base_url=url, http_client=httpx2.Client(transport=httpx2.MockTransport(provider)))


@pytest.mark.parametrize("model", [LUNA, "luna"])
def test_the_surface_is_the_one_whose_base_url_the_client_has(apart: Place, provider: Provider, model: str) -> None:
    api, codex = (guard(client_at(provider, url), lease=apart.folder) for url in ("https://API.example/v1/", CODEX))
    api.responses.create(model=model, input="x")
    with pytest.raises(ModelDenied, match="gone"):
        codex.responses.create(model=model, input="x")
    with pytest.raises(ModelDenied, match="gone"):
        api.with_options(base_url=CODEX).responses.create(model=model, input="x")
    elsewhere = guard(client_at(provider, "https://proxy.example/v1"), lease=apart.folder)
    elsewhere.responses.create(model=model, input="x")
    assert len(provider.seen) == 2


def test_a_surface_that_is_named_is_asked_whatever_the_base_url(apart: Place, provider: Provider) -> None:
    codex = guard(client_at(provider, API), lease=apart.folder, surface="codex")
    with pytest.raises(ModelDenied, match="gone"):
        codex.responses.create(model=LUNA, input="x")
    with pytest.raises(ModelDenied, match="luna is on openai and codex, not on azure") as denied:
        guard(client_at(provider, API), lease=apart.folder, surface="azure").responses.create(model="luna", input="x")
    assert denied.value.status == "unregistered"
    assert provider.seen == []


def test_the_fallback_of_a_surface_is_called_by_its_id_there(apart: Place, provider: Provider) -> None:
    codex = guard(client_at(provider, CODEX), lease=apart.folder, on_denied="fallback", fallbacks=["terra"])
    codex.responses.create(model=LUNA, input="x")
    assert json.loads(provider.seen[0][2])["model"] == "terra-on-codex"
