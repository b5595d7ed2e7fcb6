"""The gate in a LiteLLM proxy: a `CustomLogger` whose pre-call hook asks the guard, so that every program behind the
proxy is asked for.

LiteLLM and FastAPI, which its proxy brings, are imported when the hook is made and not with this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.gate.client.guard import Guard, ModelDenied


def litellm_hook(guard: Guard, names: Mapping[str, str] | None = None) -> Any:
    """Return the object to name under `litellm_settings: callbacks:`.

    `names` maps the proxy's own model names to entries or model ids, where they differ. A denied call ends with 403 and
    the answer of the gate; with a guard that takes fallbacks, the call goes on under the fallback's name at the proxy.
    Of the `fallbacks` that a caller names for the case of an error, those that are denied are left out.

    Raises:
        ImportError: LiteLLM with its proxy is not installed.
    """
    from fastapi import HTTPException
    from litellm.integrations.custom_logger import CustomLogger

    known = dict(names or {})
    named = {model: name for name, model in known.items()}

    def admitted(name: str) -> str:
        model = known.get(name, name)
        sent = guard.admit(model)
        return name if sent == model else named.get(sent, sent)

    def allowed(fallback: object) -> list[object]:
        name = fallback.get("model") if isinstance(fallback, dict) else fallback
        if not isinstance(name, str):
            return []
        try:
            sent = admitted(name)
        except ModelDenied:
            return []
        return [{**fallback, "model": sent} if isinstance(fallback, dict) else sent]

    class ProxyGate(CustomLogger):  # type: ignore[misc]
        async def async_pre_call_hook(
            self, user_api_key_dict: object, cache: object, data: dict[str, Any], call_type: str
        ) -> dict[str, Any]:
            name = data.get("model")
            if not isinstance(name, str):
                return data  # the proxy refuses it, or it is no call of a model
            try:
                data["model"] = admitted(name)
            except ModelDenied as denied:
                # 403: the proxy takes 429 and 5xx for a reason to try again, or elsewhere.
                raise HTTPException(status_code=403, detail={"error": str(denied), **_answer(denied)}) from denied
            if isinstance(data.get("fallbacks"), list):
                # What the caller names for the case of an error the proxy calls without asking here again.
                data["fallbacks"] = [candidate for each in data["fallbacks"] for candidate in allowed(each)]
            return data

    return ProxyGate()


def _answer(denied: ModelDenied) -> dict[str, object]:
    return {
        "key": denied.key,
        "status": denied.status,
        "reason": denied.reason,
        "fallback": denied.fallback,
        "position": denied.position,
    }
