"""The sandbox beyond lists and answers: what is listed and not callable, the regional host, tokens, embeddings and
batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx2
import openai
import pytest

from monitor.sandbox import API_KEY, Sandbox, TimelineModel, TimelineStep

LUNA = "gpt-5.6-luna"


def client(base_url: str, transport: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=base_url, api_key=API_KEY, max_retries=0, timeout=5, http_client=transport)


@pytest.fixture
def transport() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=5, trust_env=False) as made:
        yield made


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    models = (
        TimelineModel(id=LUNA, created=1),
        TimelineModel(id="forbidden", created=1, refused=(403, "model_not_found")),
        TimelineModel(id="retired", created=1, listed=False, refused=(404, "deprecated")),
        TimelineModel(id="embeds", created=1, generates=False),
    )
    steps = (
        TimelineStep(date=date(2026, 7, 30), title="one", polls=1000, lists=models),
        TimelineStep(date=date(2026, 7, 31), title="two", polls=1000, regional=False),
    )
    with Sandbox(steps) as made:
        yield made


@pytest.fixture
def sdk(sandbox: Sandbox, transport: httpx2.Client) -> openai.OpenAI:
    return client(sandbox.base_url, transport)


def test_a_model_may_be_listed_and_not_callable(sdk: openai.OpenAI) -> None:
    assert "forbidden" in {model.id for model in sdk.models.list()}
    assert sdk.models.retrieve("forbidden").id == "forbidden"
    with pytest.raises(openai.PermissionDeniedError, match="does not have access to model `forbidden`"):
        sdk.responses.create(model="forbidden", input="ping")


def test_a_retired_model_is_neither_listed_nor_retrieved_nor_called(sdk: openai.OpenAI) -> None:
    assert "retired" not in {model.id for model in sdk.models.list()}
    for ask in (lambda: sdk.models.retrieve("retired"), lambda: sdk.responses.create(model="retired", input="ping")):
        with pytest.raises(openai.NotFoundError, match="has been deprecated"):
            ask()


def test_the_regional_host_serves_only_who_lives_there(sandbox: Sandbox, transport: httpx2.Client) -> None:
    there = client(sandbox.region_url, transport)
    assert there.responses.create(model=LUNA, input="ping").output_text == "pong"
    sandbox.advance()
    with pytest.raises(openai.AuthenticationError) as refused:
        there.responses.create(model=LUNA, input="ping")
    assert refused.value.code == "incorrect_hostname"


def test_tokens_are_counted_and_texts_embedded(sdk: openai.OpenAI) -> None:
    assert sdk.responses.input_tokens.count(model=LUNA, input="ping").input_tokens == 1
    embedded = sdk.embeddings.create(model="embeds", input="ping", encoding_format="float")
    assert len(embedded.data[0].embedding) == 8
    with pytest.raises(openai.PermissionDeniedError):
        sdk.embeddings.create(model=LUNA, input="ping")


def test_a_required_tool_is_called_and_a_schema_kept(sdk: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    called = sdk.responses.create(
        model=LUNA,
        input="x",
        tools=[{"type": "function", "name": "report", "parameters": schema, "strict": True}],
        tool_choice="required",
    )
    assert [(item.type, item.name) for item in called.output] == [("function_call", "report")]  # type: ignore[union-attr]
    form = {"format": {"type": "json_schema", "name": "probe", "schema": schema}}
    assert sdk.responses.create(model=LUNA, input="x", text=form).output_text == '{"ok": true}'  # type: ignore[call-overload]


def test_chat_refuses_tools_unless_the_effort_is_none(sdk: openai.OpenAI) -> None:
    tools = [{"type": "function", "function": {"name": "report"}}]
    messages = [{"role": "user", "content": "x"}]
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.chat.completions.create(model=LUNA, messages=messages, tools=tools)  # type: ignore[call-overload]
    assert (refused.value.param, refused.value.code) == ("reasoning_effort", None)
    sdk.chat.completions.create(model=LUNA, messages=messages, tools=tools, reasoning_effort="none")  # type: ignore[call-overload]


@pytest.mark.parametrize(("model", "counts"), [(LUNA, (1, 0)), ("forbidden", (0, 1))])
def test_a_batch_goes_on_by_being_looked_at_and_completed_is_not_success(
    sdk: openai.OpenAI, model: str, counts: tuple[int, int]
) -> None:
    line = (
        f'{{"custom_id": "p", "method": "POST", "url": "/v1/responses", "body": {{"model": "{model}", "input": '
        '"ping"}}\n'
    )
    file = sdk.files.create(file=("in.jsonl", line.encode()), purpose="batch")
    made = sdk.batches.create(
        input_file_id=file.id, endpoint="/v1/responses", completion_window="24h", metadata={"who": "test"}
    )
    seen = [sdk.batches.retrieve(made.id).status for _ in range(2)]
    ended = sdk.batches.retrieve(made.id)
    assert [*seen, ended.status] == ["validating", "in_progress", "completed"]
    assert ended.request_counts is not None
    assert (ended.request_counts.completed, ended.request_counts.failed) == counts
    assert ended.metadata == {"who": "test"}
    if counts == (0, 1):
        assert ended.error_file_id is not None
        assert b"does not have access" in sdk.files.content(ended.error_file_id).content
    assert [batch.id for batch in sdk.batches.list()] == [made.id]


def test_a_batch_can_be_cancelled_and_an_unknown_one_not(sdk: openai.OpenAI) -> None:
    file = sdk.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    made = sdk.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    assert sdk.batches.cancel(made.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        sdk.batches.retrieve("batch_nobody")
    with pytest.raises(openai.NotFoundError):
        sdk.batches.create(input_file_id="file-nobody", endpoint="/v1/responses", completion_window="24h")
