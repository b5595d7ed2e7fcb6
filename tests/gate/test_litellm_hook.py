"""The hook of a LiteLLM proxy, over the two classes that it takes from there; the real proxy is asked
in `tests/peers`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from gate_examples import standing
from guard_world import LUNA, SOL, TERRA, Place

from monitor.gate.client.guard import Guard
from monitor.gate.client.litellm_hook import litellm_hook


class Refused(Exception):
    """As FastAPI's: a status code and a detail."""

    def __init__(self, status_code: int, detail: Any) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.detail = detail


@pytest.fixture(autouse=True)
def litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {name: ModuleType(name) for name in ("fastapi", "litellm", "litellm.integrations")}
    modules["litellm.integrations.custom_logger"] = logger = ModuleType("litellm.integrations.custom_logger")
    modules["fastapi"].HTTPException = Refused  # type: ignore[attr-defined]
    logger.CustomLogger = type("CustomLogger", (), {})  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "lease")


def called(hook: Any, **data: Any) -> dict[str, Any]:
    given: dict[str, Any] = asyncio.run(hook.async_pre_call_hook(None, None, data, "completion"))
    return given


def test_an_allowed_call_passes_unchanged_and_so_does_one_without_a_model(place: Place) -> None:
    hook = litellm_hook(place.guard())
    assert called(hook, model=LUNA, user="a") == {"model": LUNA, "user": "a"}
    assert called(hook, file="x") == {"file": "x"}


@pytest.mark.parametrize(("model", "status"), [(SOL, "paused"), ("gpt-9", "unregistered")])
def test_a_denied_call_is_403_with_the_answer_of_the_gate(place: Place, model: str, status: str) -> None:
    with pytest.raises(Refused) as refused:
        called(litellm_hook(place.guard()), model=model)
    assert refused.value.status_code == 403
    assert refused.value.detail["status"] == status
    assert refused.value.detail["error"].startswith(f"{model} is denied in production")


def test_told_to_the_call_goes_on_under_the_fallbacks_name_at_the_proxy(place: Place) -> None:
    guard = place.guard(on_denied="fallback", fallbacks=("terra",))
    assert called(litellm_hook(guard), model=SOL)["model"] == TERRA
    names = {"team/best": SOL, "team/second": TERRA}
    assert called(litellm_hook(guard, names), model="team/best")["model"] == "team/second"
    assert called(litellm_hook(guard, names), model="team/second")["model"] == "team/second"


def test_of_the_fallbacks_that_a_caller_names_only_those_are_left_that_are_allowed(place: Place) -> None:
    hook = litellm_hook(place.guard(), names={"team/luna": LUNA, "team/sol": SOL})
    named = ["team/sol", "team/luna", {"model": SOL, "messages": []}, {"model": TERRA, "messages": []}, {}, 5]
    assert called(hook, model=LUNA, fallbacks=named)["fallbacks"] == ["team/luna", {"model": TERRA, "messages": []}]


APRIL, MAY = "gpt-5.6-luna-2026-04-01", "gpt-5.6-luna-2026-05-01"


def answer(model: str, kind: str = "chat.completion", provider: str = "openai") -> Any:
    return SimpleNamespace(model=model, object=kind, _hidden_params={"custom_llm_provider": provider})


def answered(hook: Any, given: Any, model: str = "team/luna") -> Any:
    return asyncio.run(hook.async_post_call_success_hook({"model": model}, None, given))


def streamed(hook: Any, *chunks: Any, model: str = "team/luna") -> list[Any]:
    async def source() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    async def drain() -> list[Any]:
        return [chunk async for chunk in hook.async_post_call_streaming_iterator_hook(None, source(), {"model": model})]

    return asyncio.run(drain())


@pytest.fixture
def accepted(place: Place) -> Guard:
    place.write(standing("luna", served={"chat": APRIL, "responses": APRIL}))
    return place.guard(on_other_model="raise")


def test_the_model_that_answers_is_compared_under_the_proxys_name(accepted: Guard) -> None:
    hook = litellm_hook(accepted, names={"team/luna": LUNA})
    given = answer(APRIL)
    assert answered(hook, given) is given
    assert answered(hook, answer(f"openai/{APRIL}")).model == f"openai/{APRIL}", "the provider is the proxy's own word"
    with pytest.raises(Refused) as refused:
        answered(hook, answer(MAY))
    assert refused.value.status_code == 403
    assert refused.value.detail["answered"] == MAY
    assert accepted.mismatches == {LUNA: {MAY: 1}}


@pytest.mark.parametrize("repeated", ["team/luna", LUNA, f"openai/{LUNA}", "", None])
def test_a_proxy_that_repeats_the_name_says_nothing_of_who_answered(accepted: Guard, repeated: Any) -> None:
    hook = litellm_hook(accepted, names={"team/luna": LUNA})
    answered(hook, answer(repeated))
    answered(hook, SimpleNamespace(), model=LUNA)
    assert accepted.answered == {}


def test_a_stream_is_compared_by_the_first_chunk_that_names_a_model(accepted: Guard) -> None:
    hook = litellm_hook(accepted, names={"team/luna": LUNA})
    chunk = "chat.completion.chunk"
    assert len(streamed(hook, answer("", chunk), answer(APRIL, chunk), answer(MAY, chunk))) == 3
    created = {"type": "response.created", "response": {"model": MAY}}
    for other in (answer(MAY, chunk), created):
        with pytest.raises(Refused):
            streamed(hook, answer("", chunk), other)


def test_a_guard_that_reports_lets_the_answer_of_another_model_through(place: Place) -> None:
    place.write(standing("luna", served={"chat": APRIL}))
    guard = place.guard()
    assert answered(litellm_hook(guard), answer(MAY), model=LUNA).model == MAY
    assert guard.mismatches == {LUNA: {MAY: 1}}
