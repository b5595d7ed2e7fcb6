"""The items of the readiness checklist and what each of them asks; nothing is judged here.

Kept apart from the judging so that a configuration can be refused for a name nobody knows without loading the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "model_id": "the exact model id is known and is what the provider lists",
        "visibility": "the model stands in the models list of the entry's surface",
        "test_call": "a test project can call the model",
        "served_model": "calls are answered by the model itself or by a dated snapshot of it",
        "organisation": "the organisation is eligible for the model",
        "rate_limits": "the rate limits of the project are known",
        "regions": "the supported regions are known and ours is among them",
        "residency": "data are kept and processed where they must be",
        "codex": "the model is available in Codex",
        "batch": "the model is accepted in batch",
        "flex": "the model is accepted in flex processing",
        "priority": "the model is accepted in priority processing",
        "billing": "usage of the model shows in billing",
        "caching": "prompt caching shows in actual usage",
        "safety_review": "the safety review for this use is done",
        "pricing": "an official source states input and output price of each tier in use",
        "evals": "evals compare the model with the current production model",
        "fallback": "what happens while the model is denied is defined",
        "logging": "requests log model id, latency, tokens, cache use, cost, errors and retries",
    }
)
"""Name → what it asks, in the order in which the checklist is shown."""

SAFETY_REVIEW = "safety_review"

TOUCHES: Mapping[str, str] = MappingProxyType(
    {
        "code_execution": "runs code that the model wrote",
        "agents": "lets the model act by itself, over several steps",
        "vulnerability_work": "looks for weaknesses in software",
        "dual_use_cyber": "security tasks that serve defence and attack alike",
    }
)
"""Name → kind of use that an entry may declare in `touches`; each of them asks for a safety review."""

DEFAULT_REQUIRED: tuple[str, ...] = ("model_id", "visibility", "pricing")
"""What every entry must have verified before it can be activated; `checks` of an entry adds to it."""
