"""The hook of a LiteLLM proxy, over the two classes that it takes from there; the real proxy is asked
in `tests/peers`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from guard_world import LUNA, SOL, TERRA, Place

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
