"""The items of the readiness checklist and what each of them asks; nothing is judged here.

Kept apart from the judging so that a configuration can be refused for a name nobody knows without loading the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "model_id": "the exact model id is known and is what the provider lists",
        "visibility": "the model is in the models list of the entry's surface",
        "test_call": "a test project can call the model",
        "served_model": "calls are answered by the model itself or by a dated snapshot of it",
        "endpoints": "the page of the model says that the endpoints which the entry uses are supported",
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

EVALS = "evals"

AMENDMENT = "amendment"
"""Why a check went stale where it was lost to a changed declaration; its cells of evals stay filled."""

ENDPOINTS = "endpoints"

INTEGRATION = "integration"
"""The name that stands in a list of checks for all of `INTEGRATION_CHECKS`."""

INTEGRATION_CHECKS: tuple[str, ...] = (
    "visibility",
    "test_call",
    "billing",
    "rate_limits",
    "logging",
    "fallback",
    "evals",
)
"""What has to be visible or confirmed before anybody builds on a model: it is listed, a test project calls it, usage is
billed, its limits are known, requests are logged, a fallback is defined, and evals compare it with the model in use.
"""

TOUCHES: Mapping[str, str] = MappingProxyType(
    {
        "code_execution": "runs code that the model wrote",
        "agents": "lets the model act by itself, over several steps",
        "vulnerability_work": "looks for weaknesses in software",
        "security_triage": "sorts alerts, findings or reports of vulnerabilities",
        "dual_use_cyber": "security tasks that serve defence and attack alike",
    }
)
"""Name → kind of use that an entry may declare in `touches`; each of them asks for a safety review."""


def expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Return the checks that a list names, each once, with `integration` taken for what it stands for."""
    listed = (INTEGRATION_CHECKS if name == INTEGRATION else (name,) for name in names)
    return tuple(dict.fromkeys(chain.from_iterable(listed)))


DEFAULT_REQUIRED: tuple[str, ...] = ("model_id", "visibility", "pricing")
"""What every entry must have verified before it can be activated; `checks` of an entry adds to it."""
