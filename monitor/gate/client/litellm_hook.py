"""The gate in a LiteLLM proxy: a `CustomLogger` whose pre-call hook asks the guard, so that every program behind the
proxy is asked for, and whose post-call hooks compare the model that answered.

LiteLLM and FastAPI, which its proxy brings, are imported when the hook is made and not with this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from monitor.gate.client.guard import Guard, ModelDenied, ModelMismatch

_ROUTES = (("chat.completion", "chat"), ("response", "responses"), ("list", "embeddings"))
"""How the `object` of an answer begins → the route that gave it."""


def litellm_hook(guard: Guard, names: Mapping[str, str] | None = None) -> Any:
    """Return the object to name under `litellm_settings: callbacks:`.

    `names` maps the proxy's own model names to entries or model ids, where they differ. A denied call ends with 403 and
    the answer of the gate; with a guard that takes fallbacks, the call goes on under the fallback's name at the proxy.
    Of the `fallbacks` that a caller names for the case of an error, those that are denied are left out.

    The model that an answer names, whole or in a stream, is held against the one that was accepted. With a guard that
    raises it, a call that another model answered ends with 403 as well. A proxy that names in its answers what it was
    asked for says nothing of the model that answered, and neither does its own name of a provider before an id.

    Raises:
        ImportError: LiteLLM with its proxy is not installed.
    """
    from fastapi import HTTPException
    from litellm.integrations.custom_logger import CustomLogger

    names_of = _ProxyNames(guard, names or {})

    def compare(name: object, answer: object) -> bool:
        """Compare what an answer, or a chunk of one, names; return whether it names a model."""
        try:
            return names_of.compare(name, answer)
        except ModelMismatch as other:
            detail = {"error": str(other), "key": other.model, "answered": other.answered, "pinned": other.pinned}
            raise HTTPException(status_code=403, detail=detail) from other

    class ProxyGate(CustomLogger):  # type: ignore[misc]
        async def async_pre_call_hook(
            self, user_api_key_dict: object, cache: object, data: dict[str, Any], call_type: str
        ) -> dict[str, Any]:
            name = data.get("model")
            if not isinstance(name, str):
                return data  # the proxy refuses it, or it is no call of a model
            try:
                data["model"] = names_of.admitted(name)
            except ModelDenied as denied:
                # 403: the proxy takes 429 and 5xx for a reason to try again, or elsewhere.
                raise HTTPException(status_code=403, detail={"error": str(denied), **_answer(denied)}) from denied
            if isinstance(data.get("fallbacks"), list):
                # What the caller names for the case of an error the proxy calls without asking here again.
                data["fallbacks"] = [candidate for each in data["fallbacks"] for candidate in names_of.allowed(each)]
            return data

        async def async_post_call_success_hook(
            self, data: dict[str, Any], user_api_key_dict: object, response: object
        ) -> object:
            compare(data.get("model"), response)
            return response

        async def async_post_call_streaming_iterator_hook(
            self, user_api_key_dict: object, response: AsyncIterator[Any], request_data: dict[str, Any]
        ) -> AsyncIterator[Any]:
            named = False
            async for chunk in response:
                named = named or compare(request_data.get("model"), chunk)
                yield chunk

    return ProxyGate()


class _ProxyNames:
    """A guard asked in a proxy's own names of models: `names` maps them to entries or model ids."""

    def __init__(self, guard: Guard, names: Mapping[str, str]) -> None:
        self._guard = guard
        self._models = dict(names)
        self._names = {model: name for name, model in names.items()}

    def admitted(self, name: str) -> str:
        """Return the proxy's name to call.

        Raises:
            ModelDenied: the gate says no.
        """
        model = self._models.get(name, name)
        sent = self._guard.admit(model)
        return name if sent == model else self._names.get(sent, sent)

    def allowed(self, fallback: object) -> list[object]:
        """Return what a caller names for the case of an error, if it may be called; else nothing."""
        name = fallback.get("model") if isinstance(fallback, dict) else fallback
        if not isinstance(name, str):
            return []
        try:
            sent = self.admitted(name)
        except ModelDenied:
            return []
        return [{**fallback, "model": sent} if isinstance(fallback, dict) else sent]

    def compare(self, name: object, answer: object) -> bool:
        """Compare the model that an answer to a call under this name names; return whether it names one.

        Raises:
            ModelMismatch: another model answered, and the guard raises it.
        """
        answered = _answering(answer)
        if not isinstance(name, str) or not answered:
            return False
        model = self._models.get(name, name)
        if answered not in (name, model):
            self._guard.compare(model, _route(answer), answered)
        return True


def _answering(answer: object) -> str:
    """Return the model that answered, less the proxy's name of its provider; empty where the answer names none."""
    within = answer if _text(answer, "model") else _field(answer, "response")
    provider = _field(_field(answer, "_hidden_params"), "custom_llm_provider")
    return _text(within, "model").removeprefix(f"{provider}/")


def _route(answer: object) -> str:
    kind = _text(answer, "object") or _text(answer, "type")
    return next((route for begins, route in _ROUTES if kind.startswith(begins)), "")


def _field(of: object, name: str) -> object:
    return of.get(name) if isinstance(of, Mapping) else getattr(of, name, None)


def _text(of: object, name: str) -> str:
    value = _field(of, name)
    return value if isinstance(value, str) else ""


def _answer(denied: ModelDenied) -> dict[str, object]:
    return {
        "key": denied.key,
        "status": denied.status,
        "reason": denied.reason,
        "fallback": denied.fallback,
        "position": denied.position,
    }
