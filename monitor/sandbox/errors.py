"""The error bodies of the provider and of a webhook, word for word as far as they are known.

The same code arrives with several statuses and the same status with several codes, so an error is named by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from monitor.sandbox.answers import ProviderAnswer, json_answer, plain


class _Body(NamedTuple):
    type: str
    code: str | None
    param: str | None
    message: str


INVALID = "invalid_request_error"
QUOTA = "insufficient_quota"
OVER_QUOTA = "You exceeded your current quota, please check your plan and billing details."

_BODIES: Mapping[tuple[int, str], _Body] = {
    (401, "missing"): _Body(INVALID, None, None, "Missing bearer authentication in header"),
    (401, "invalid_api_key"): _Body(INVALID, "invalid_api_key", None, "Incorrect API key provided."),
    (401, "incorrect_hostname"): _Body(
        INVALID,
        "incorrect_hostname",
        None,
        "Attempted to access resource with incorrect regional hostname. Please make your request to us.api.openai.com",
    ),
    (400, "model_not_found"): _Body(
        INVALID, "model_not_found", "model", "The requested model '{model}' does not exist."
    ),
    (403, "model_not_found"): _Body(
        INVALID, "model_not_found", None, "Project `proj_sandbox` does not have access to model `{model}`"
    ),
    (404, "model_not_found"): _Body(
        INVALID, "model_not_found", None, "The model `{model}` does not exist or you do not have access to it."
    ),
    (404, "deprecated"): _Body(
        INVALID,
        "model_not_found",
        None,
        "The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations",
    ),
    (403, "unsupported_country"): _Body(
        "request_forbidden", "unsupported_country_region_territory", None, "Country, region, or territory not supported"
    ),
    (429, "rate_limit_exceeded"): _Body(
        "rate_limit_error", "rate_limit_exceeded", None, "Rate limit reached for requests. Please try again later."
    ),
    (429, "credit_balance_exhausted"): _Body(QUOTA, "credit_balance_exhausted", None, OVER_QUOTA),
    (429, "organization_spend_limit_exceeded"): _Body(QUOTA, "organization_spend_limit_exceeded", None, OVER_QUOTA),
    (429, "project_spend_limit_exceeded"): _Body(QUOTA, "project_spend_limit_exceeded", None, OVER_QUOTA),
    (429, "organization_usage_limit_exceeded"): _Body(QUOTA, "organization_usage_limit_exceeded", None, OVER_QUOTA),
    (429, "slow_down"): _Body("rate_limit_error", "slow_down", None, "Please slow down and ramp up more gradually."),
    (503, "slow_down"): _Body(
        "service_unavailable_error", "slow_down", None, "Please slow down and ramp up more gradually."
    ),
    (500, "server_error"): _Body(
        "server_error", None, None, "The server had an error while processing your request. Sorry about that!"
    ),
    (503, "server_is_overloaded"): _Body(
        "service_unavailable_error",
        "server_is_overloaded",
        None,
        "That model is currently overloaded with other requests.",
    ),
}
"""(status, code) → body. `missing` and `deprecated` are names of this table: the bodies carry another code, or none."""

_USUAL: Mapping[int, str] = {
    401: "invalid_api_key",
    403: "model_not_found",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "server_is_overloaded",
}


def openai_error(status: int, code: str = "", *, model: str = "", retry_after: int | None = None) -> ProviderAnswer:
    """Return the provider's envelope for a known (status, code); without a code the one most usual at this status.

    A pair that the table does not hold gets a plain body with that code: proxies invent such pairs too.
    """
    body = _BODIES.get((status, code or _USUAL.get(status, "")))
    if body is None:
        kind = INVALID if status < 500 else "server_error"
        body = _Body(kind, code or None, None, f"The request failed with status {status}.")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _envelope(status, body._replace(message=body.message.replace("{model}", model)), headers)


def invalid_request(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> ProviderAnswer:
    """Return a request that the provider rejects for what it says; nothing about access follows from it."""
    return _envelope(status, _Body(INVALID, code, param, message), {})


def _envelope(status: int, body: _Body, headers: Mapping[str, str]) -> ProviderAnswer:
    error = {"message": body.message, "type": body.type, "param": body.param, "code": body.code}
    return json_answer({"error": error}, status=status, headers=headers)


def webhook_error(status: int, retry_after: int | None = None) -> ProviderAnswer:
    """Return what a chat service's webhook says when it does not take a message: one plain word."""
    words = {400: "invalid_payload", 403: "invalid_token", 404: "no_service", 410: "channel_is_archived"}
    words |= {429: "rate_limited", 500: "rollup_error"}
    return plain(status, words.get(status, "error"), retry_after=retry_after)
