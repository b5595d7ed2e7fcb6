"""What an answer means: each row of the error matrix, in the words in which it was seen."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from error_bodies import FOUND, MODEL, FoundBody
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.error_bodies import error_statement
from monitor.core.error_meanings import LOSSES, TABLE, Meaning, classify

M = "gpt-5.6-luna"
INVALID = "invalid_request_error"


def openai(message: str, *, type: str | None = INVALID, code: str | None = None, param: str | None = None) -> Any:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def failed(code: str) -> Any:
    return {"object": "response", "status": "failed", "error": {"code": code, "message": "It failed."}, "output": []}


SEEN: dict[str, tuple[int, Any, Meaning]] = {
    # What rules, offers and other languages add
    "terms first": (403, openai(f"You must accept the terms for {M} before you can use it."), Meaning.POLICY),
    "a paid plan": (403, openai("Upgrade to a paid plan to use this model."), Meaning.POLICY),
    "a plan of another kind": (403, openai(f"The model {M} is only available on the enterprise plan."), Meaning.POLICY),
    "residency forbids it": (
        403,
        openai("Data residency constraints prevent using this model in your project."),
        Meaning.POLICY,
    ),
    "no retention forbids it": (
        400,
        openai("Zero data retention organizations cannot use this model."),
        Meaning.POLICY,
    ),
    "an API that is off": (403, openai("Please enable the Generative Language API in your project."), Meaning.POLICY),
    "limited preview": (
        403,
        openai("This model is in limited preview. Request access on our site."),
        Meaning.ACCESS_LOST,
    ),
    "gated": (403, openai(f"{M} is currently gated."), Meaning.ACCESS_LOST),
    "in German": (403, openai("Dieses Modell ist für Ihr Konto nicht freigeschaltet."), Meaning.ACCESS_LOST),
    "in French": (404, openai("Le modèle demandé n'existe pas."), Meaning.ACCESS_LOST),
    "in Spanish": (404, openai("El modelo solicitado no existe."), Meaning.ACCESS_LOST),
    "in Portuguese": (404, openai("O modelo não está disponível."), Meaning.ACCESS_LOST),
    "in Japanese": (404, openai("指定されたモデルが見つかりません"), Meaning.ACCESS_LOST),
    "in Korean": (404, openai("요청한 모델을 찾을 수 없습니다"), Meaning.ACCESS_LOST),
    "legal reasons": (451, openai("Unavailable For Legal Reasons"), Meaning.REGION),
    "a plan for another model": (403, openai("gpt-9-other is only available on the enterprise plan."), Meaning.UNKNOWN),
    "limited to a number": (400, openai("The model is limited to 4096 tokens."), Meaning.UNKNOWN),
    "upgrade the library": (400, openai("Upgrade your SDK to use this parameter."), Meaning.UNKNOWN),
    # OpenAI, as its errors were quoted
    "no authorization": (401, openai("Missing bearer authentication in header"), Meaning.UNKNOWN),
    "bad key": (401, openai("Incorrect API key provided: sk-ab**yz.", code="invalid_api_key"), Meaning.UNKNOWN),
    "address not allowed": (401, openai("IP not authorized"), Meaning.UNKNOWN),
    "missing scope": (
        401,
        openai("You have insufficient permissions for this operation. Missing scopes: model.request."),
        Meaning.UNKNOWN,
    ),
    "wrong regional host": (
        401,
        {
            "error": {
                "message": "Attempted to access resource with incorrect regional hostname. "
                "Please make your request to us.api.openai.com",
                "type": INVALID,
                "param": None,
                "code": "incorrect_hostname",
            },
            "status": 401,
        },
        Meaning.REGION,
    ),
    "unknown or not visible": (
        404,
        openai(f"The model `{M}` does not exist or you do not have access to it.", code="model_not_found"),
        Meaning.ACCESS_LOST,
    ),
    "unknown at another backend": (
        400,
        openai(f"The requested model '{M}' does not exist.", code="model_not_found", param="model"),
        Meaning.ACCESS_LOST,
    ),
    "project policy": (
        403,
        openai(f"Project `proj_1` does not have access to model `{M}`", code="model_not_found"),
        Meaning.POLICY,
    ),
    "retired": (
        404,
        openai(f"The model `{M}` has been deprecated, learn more here: https://x.example", code="model_not_found"),
        Meaning.RETIRED,
    ),
    "feature needs a verified organisation": (
        400,
        openai("Your organization must be verified to stream this model.", code="unsupported_value", param="stream"),
        Meaning.POLICY,
    ),
    "model needs a verified organisation": (
        404,
        openai(f"Your organization must be verified to use the model `{M}`.", code="model_not_found"),
        Meaning.POLICY,
    ),
    "cyber access programme": (403, openai("This request needs the Daybreak program."), Meaning.BLOCKED),
    "country": (
        403,
        openai(
            "Country, region, or territory not supported",
            type="request_forbidden",
            code="unsupported_country_region_territory",
        ),
        Meaning.REGION,
    ),
    "tier not allowed": (
        400,
        openai("Invalid service_tier argument: flex is not allowed for this project", param="service_tier"),
        Meaning.POLICY,
    ),
    "rate limit": (
        429,
        openai("Rate limit reached", type="rate_limit_error", code="rate_limit_exceeded"),
        Meaning.TRANSIENT,
    ),
    "credit gone": (
        429,
        openai("You exceeded your current quota.", type="insufficient_quota", code="credit_balance_exhausted"),
        Meaning.QUOTA,
    ),
    "organisation spend limit": (
        429,
        openai("Limit.", type="insufficient_quota", code="organization_spend_limit_exceeded"),
        Meaning.QUOTA,
    ),
    "project spend limit": (
        429,
        openai("Limit.", type="insufficient_quota", code="project_spend_limit_exceeded"),
        Meaning.QUOTA,
    ),
    "usage ceiling": (
        429,
        openai("Limit.", type="insufficient_quota", code="organization_usage_limit_exceeded"),
        Meaning.QUOTA,
    ),
    "ramping, as 429": (429, openai("Slow down.", type="rate_limit_error", code="slow_down"), Meaning.TRANSIENT),
    "ramping, as 503": (
        503,
        openai("Slow down.", type="service_unavailable_error", code="slow_down"),
        Meaning.TRANSIENT,
    ),
    "overloaded": (
        503,
        openai("Overloaded.", type="service_unavailable_error", code="server_is_overloaded"),
        Meaning.TRANSIENT,
    ),
    "server error": (500, openai("The server had an error.", type="server_error"), Meaning.TRANSIENT),
    "failed inside: server": (200, failed("server_error"), Meaning.TRANSIENT),
    "failed inside: rate": (200, failed("rate_limit_exceeded"), Meaning.TRANSIENT),
    "failed inside: prompt": (200, failed("invalid_prompt"), Meaning.PARAMETER_REJECTED),
    "failed inside: residency": (200, failed("data_residency_mismatch"), Meaning.REGION),
    "failed inside: biology": (200, failed("bio_policy"), Meaning.BLOCKED),
    "failed inside: misalignment": (200, failed("misalignment_policy_violation"), Meaning.BLOCKED),
    "failed inside: something new": (200, failed("moon_phase"), Meaning.UNKNOWN),
    "temperature": (
        400,
        openai("Unsupported value: 'temperature'.", param="temperature", code="unsupported_value"),
        Meaning.PARAMETER_REJECTED,
    ),
    "too few output tokens": (
        400,
        openai("Invalid 'max_output_tokens'.", param="max_output_tokens", code="integer_below_min_value"),
        Meaning.PARAMETER_REJECTED,
    ),
    "max_tokens": (
        400,
        openai("Unsupported parameter: 'max_tokens' is deprecated.", param="max_tokens", code="unsupported_parameter"),
        Meaning.PARAMETER_REJECTED,
    ),
    "tools in chat": (
        400,
        openai("Function tools are not supported here; use /v1/responses.", param="reasoning_effort"),
        Meaning.PARAMETER_REJECTED,
    ),
    "a request without a cause": (400, openai("Something is wrong."), Meaning.UNKNOWN),
    "a wrong address": (404, openai("Invalid URL (POST /v1/respones)"), Meaning.UNKNOWN),
    # Codex
    "codex with a login": (
        400,
        {"detail": f"The '{M}' model is not supported when using Codex with a ChatGPT account."},
        Meaning.ACCESS_LOST,
    ),
    "an old codex": (
        400,
        {"detail": f"The '{M}' model requires a newer version of Codex. Please upgrade."},
        Meaning.PARAMETER_REJECTED,
    ),
    # LiteLLM
    "litellm: unknown model": (
        400,
        openai(
            f"{{'error': '/chat/completions: Invalid model name passed in model={M}. Call `/v1/models`'}}",
            type="None",
            param="None",
            code="400",
        ),
        Meaning.ACCESS_LOST,
    ),
    "litellm: retrieve": (404, {"detail": f"The model `{M}` does not exist"}, Meaning.ACCESS_LOST),
    "litellm: another 404": (404, {"detail": "Not Found"}, Meaning.UNKNOWN),
    "litellm: no database": (
        400,
        openai("No connected db.", type="no_db_connection", param="None", code="400"),
        Meaning.UNKNOWN,
    ),
    "litellm: key": (
        403,
        openai(
            f"key not allowed to access model. Tried to access {M}",
            type="key_model_access_denied",
            param="model",
            code="403",
        ),
        Meaning.POLICY,
    ),
    "litellm: team": (
        401,
        openai(
            f"team not allowed to access model. Tried to access {M}",
            type="team_model_access_denied",
            param="model",
            code="401",
        ),
        Meaning.POLICY,
    ),
    "litellm: budget": (
        429,
        openai("User exceeded budget", type="budget_exceeded", code="429"),
        Meaning.QUOTA,
    ),
    # others
    "azure: no deployment": (
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
        Meaning.ACCESS_LOST,
    ),
    "azure: no resource": (404, {"error": {"code": "404", "message": "Resource not found"}}, Meaning.UNKNOWN),
    "azure: rate": (429, {"error": {"code": "RateLimitReached", "message": "Retry."}}, Meaning.TRANSIENT),
    "anthropic: unknown": (
        404,
        {"type": "error", "error": {"type": "not_found_error", "message": f"model: {M}"}},
        Meaning.ACCESS_LOST,
    ),
    "anthropic: overloaded": (
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        Meaning.TRANSIENT,
    ),
    "anthropic: credit": (
        400,
        {"type": "error", "error": {"type": INVALID, "message": "Your credit balance is too low to access the API."}},
        Meaning.QUOTA,
    ),
    "mistral": (
        400,
        {"object": "error", "message": f"Invalid model: {M}", "type": "invalid_model", "param": None, "code": "1500"},
        Meaning.ACCESS_LOST,
    ),
    "groq: decommissioned": (
        400,
        openai(f"The model `{M}` has been decommissioned and is no longer supported.", code="model_decommissioned"),
        Meaning.RETIRED,
    ),
    "groq: blocked by the organisation": (
        403,
        openai(
            f"The model `{M}` is blocked at the organization level.",
            type="permissions_error",
            code="model_permission_blocked_org",
        ),
        Meaning.POLICY,
    ),
    "groq: restricted": (
        400,
        openai("Organization has been restricted.", code="organization_restricted"),
        Meaning.BLOCKED,
    ),
    "openrouter: no endpoint": (
        404,
        {"error": {"message": f"No endpoints found for {M}.", "code": 404}},
        Meaning.ACCESS_LOST,
    ),
    "openrouter: no id": (
        400,
        {"error": {"message": f"{M} is not a valid model ID", "code": 400}},
        Meaning.ACCESS_LOST,
    ),
    "openrouter: credit": (402, {"error": {"message": "Insufficient credits", "code": 402}}, Meaning.QUOTA),
    "gemini": (
        404,
        [{"error": {"code": 404, "message": f"models/{M} is not found for API version v1main", "status": "NOT_FOUND"}}],
        Meaning.ACCESS_LOST,
    ),
    "gemini: place": (
        400,
        [{"error": {"code": 400, "message": "User location is not supported for the API use."}}],
        Meaning.REGION,
    ),
    "gemini: key": (400, [{"error": {"code": 400, "message": "API key not valid."}}], Meaning.UNKNOWN),
    "together": (
        404,
        openai(f"Unable to access model {M}. Please visit the list.", code="model_not_available"),
        Meaning.ACCESS_LOST,
    ),
    "fireworks": (
        404,
        openai("Model not found, inaccessible, and/or not deployed", code="NOT_FOUND"),
        Meaning.ACCESS_LOST,
    ),
    "xai": (
        404,
        {
            "code": "Some requested entity was not found",
            "error": f"The model {M} does not exist or your team bd does not have access to it.",
        },
        Meaning.ACCESS_LOST,
    ),
    "xai: another path": (
        404,
        {"code": "Some requested entity was not found", "error": "No handler found on route."},
        Meaning.UNKNOWN,
    ),
    "vllm": (
        404,
        {"object": "error", "message": f"The model `{M}` does not exist.", "type": "NotFoundError", "code": 404},
        Meaning.ACCESS_LOST,
    ),
    "ollama": (
        404,
        openai(f"model '{M}' not found", type="not_found_error"),
        Meaning.ACCESS_LOST,
    ),
    "mistral: parameter": (
        422,
        {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "store"]}]}},
        Meaning.PARAMETER_REJECTED,
    ),
    "groq: gone": (404, {"error": f"The model `{M}` was retired"}, Meaning.RETIRED),
    "openai: forbidden": (
        403,
        openai("You are not allowed to sample from this model", code="permission_denied"),
        Meaning.ACCESS_LOST,
    ),
    "a key without the model": (403, openai("You don't have access to the requested model."), Meaning.ACCESS_LOST),
    "an organisation without the model": (
        404,
        {"error": f"Your organization has no access to {M}."},
        Meaning.ACCESS_LOST,
    ),
    "forbidden: a longer id": (403, openai(f"You do not have permission to use model `{M}-mini`."), Meaning.UNKNOWN),
    "forbidden: a parameter": (403, openai("You are not allowed to request logprobs from this model"), Meaning.UNKNOWN),
    "forbidden: a feature": (403, openai("You are not allowed to use this model with tools."), Meaning.UNKNOWN),
    "forbidden: a whole API": (403, openai("You do not have access to the Responses API"), Meaning.UNKNOWN),
    "country, without a code": (403, openai("Country, region, or territory not supported"), Meaning.REGION),
    "xai: no credit": (
        403,
        {"code": "forbidden", "error": "Your newly created team doesn't have any credits or licenses yet."},
        Meaning.QUOTA,
    ),
    "xai: parameter": (
        400,
        {"error": f"Model {M} does not support parameter presencePenalty."},
        Meaning.PARAMETER_REJECTED,
    ),
    "deepseek: credit": (402, openai("Insufficient Balance", type="unknown_error"), Meaning.QUOTA),
    "somebody: sentence": (404, {"error": f"Model not found: {M}"}, Meaning.ACCESS_LOST),
    "deepinfra": (404, {"detail": {"error": f"The model {M} does not exist"}}, Meaning.ACCESS_LOST),
    "problem+json": (
        403,
        {"type": "https://stoplight.io/prism/errors", "title": "Forbidden", "status": 403, "detail": "No."},
        Meaning.UNKNOWN,
    ),
    "html": (403, None, Meaning.UNKNOWN),
    "text for JSON": (404, "nginx", Meaning.UNKNOWN),
    "an error inside 200": (200, openai("Upstream is resting."), Meaning.UNKNOWN),
    "no object with 200": (200, [], Meaning.UNKNOWN),
    "granted": (200, {"object": "response", "status": "completed", "error": None}, Meaning.GRANTED),
}


@pytest.mark.parametrize("what", SEEN)
def test_an_answer_that_was_seen_means_what_it_meant(what: str) -> None:
    status, body, meaning = SEEN[what]
    assert classify(status, body, model=M).meaning is meaning


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.source)
def test_a_body_from_the_field_means_what_it_meant(found: FoundBody) -> None:
    assert classify(found.status, found.body, model=MODEL).meaning == found.meaning


GATEWAYS = [json.loads(line) for line in (Path(__file__).parent / "gateway_bodies.jsonl").read_text().splitlines()]
"""Bodies in the forms of gateways, which use one status for money, rules and keys alike."""


@pytest.mark.parametrize("body", GATEWAYS, ids=lambda body: body["name"])
def test_a_gateway_that_speaks_of_money_a_rule_or_a_key_means_just_that(body: dict[str, Any]) -> None:
    assert classify(body["status"], body["body"], model=MODEL).meaning == body["meaning"]


def first(status: int, body: Any) -> int | None:
    """Return the row that decides about an answer."""
    said = error_statement(body)
    return next((place for place, row in enumerate(TABLE) if row.fits(status, said, M)), None)


def test_every_sentence_of_the_table_was_seen() -> None:
    """A row that nothing reaches is one that an earlier row took everything from."""
    quoted = [(status, body) for status, body, _ in SEEN.values()] + [(found.status, found.body) for found in FOUND]
    quoted += [(body["status"], body["body"]) for body in GATEWAYS]
    met = {first(status, body) for status, body in quoted}
    assert [row.says for place, row in enumerate(TABLE) if row.says and place not in met] == []


def test_every_code_of_the_table_is_reached() -> None:
    for row in TABLE:
        for status in row.statuses if not row.says else ():
            for code in row.codes or {None}:
                for kind in row.types or {INVALID}:
                    made = openai("word", code=code, type=kind) | ({"status": "failed"} if status == 200 else {})
                    assert classify(status, made, model=M).meaning is row.meaning, (status, code, kind)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_model_not_found_is_a_loss_under_each_of_its_statuses(status: int) -> None:
    assert classify(status, openai("No such thing.", code="model_not_found")).meaning in LOSSES


@pytest.mark.parametrize("status", [401, 500, 502, 503, 504, 529])
def test_what_a_status_says_of_the_whole_account_or_server_is_no_loss_whatever_stands_in_it(status: int) -> None:
    verdict = classify(status, openai(f"The model `{M}` does not exist.", code="model_not_found"), model=M)
    assert verdict.meaning not in LOSSES


def test_a_sentence_about_another_model_says_nothing_of_this_one() -> None:
    assert classify(404, {"detail": "The model `other` does not exist"}, model=M).meaning is Meaning.UNKNOWN
    assert classify(404, {"detail": "The model `other` does not exist"}).meaning is Meaning.UNKNOWN


def test_a_parameter_that_a_model_deprecated_is_not_a_model_that_was_retired() -> None:
    body = openai(f"`max_tokens` is deprecated with the model {M}; it is no longer supported.", param="max_tokens")
    assert classify(400, body, model=M).meaning is Meaning.PARAMETER_REJECTED


def test_a_verdict_keeps_code_parameter_and_one_line() -> None:
    verdict = classify(400, openai("Not\n so.", code="unsupported_value", param="stream"))
    assert (verdict.code, verdict.param, verdict.message) == ("unsupported_value", "stream", "Not so.")


KNOWN_CODES = {code for row in TABLE for code in row.codes}
KNOWN_TYPES = {type for row in TABLE for type in row.types}
# Words without those that the table's sentences are made of.
words = st.lists(
    st.sampled_from(
        [
            "sorry",
            "upstream",
            "try",
            "again",
            "later",
            "gateway",
            "forbidden",
            "request",
            "id",
            "12",
            "résumé",
            "<b>",
            "{}",
        ]
    )
)
texts = words.map(" ".join) | st.text(alphabet="abcdefghij 0123456789:-_/{}", max_size=60)
scalars = st.none() | st.booleans() | st.integers() | texts.filter(lambda one: one not in KNOWN_CODES | KNOWN_TYPES)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "type", "param", "detail", "title", "status", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(100, 599).filter(lambda one: one != 402), body=trees)
@example(status=403, body={"error": {"message": "Forbidden", "type": "forbidden", "code": None}})
@example(status=404, body={"detail": "Not Found"})
def test_a_body_that_nobody_knows_is_never_a_loss(status: int, body: Any) -> None:
    assert classify(status, body, model=M).meaning not in LOSSES


@given(
    st.integers(100, 599),
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
)
def test_every_body_has_a_meaning(status: int, body: Any) -> None:
    assert isinstance(classify(status, json.loads(json.dumps(body)), model=M).meaning, Meaning)


GONE = (
    "The model `{}` does not exist",
    "The model {} does not exist or you do not have access to it.",
    "The requested model '{}' does not exist.",
    'model "{}" not found',
    "The model “{}” was not found",
    "models/{} is not found for API version v1main",
    "No endpoints found for {}.",
    "{} is not a valid model ID",
    "litellm.NotFoundError: Invalid model name passed in model={}. Call `/v1/models`",
    "The model `{}` has been retired",
    "The model `{}` is deprecated and no longer served",
)


@pytest.mark.parametrize("sentence", GONE)
def test_a_sentence_is_about_the_model_whose_whole_id_it_names(sentence: str) -> None:
    assert (
        classify(
            400 if "valid" in sentence or "Invalid" in sentence else 404, openai(sentence.format(M)), model=M
        ).meaning
        in LOSSES
    )


@pytest.mark.parametrize("sibling", ["{}-mini", "{}.1", "{}:free", "{}/x", "{}_v2", "{}s", "{}@latest",
    "{}-2026-07-01", "ft:{}", "acme/{}", "x-{}", "other-1"])  # fmt: skip
@pytest.mark.parametrize("code", [None, "model_not_found"])
@pytest.mark.parametrize("sentence", GONE)
def test_a_sentence_about_another_id_says_nothing_of_the_model(sentence: str, code: str | None, sibling: str) -> None:
    if code and not re.search(r"\bmodels?\W", sentence.partition("{")[0]):
        return  # a code beside a sentence that names no model is taken at its word
    for status in (400, 404):
        meaning = classify(status, openai(sentence.format(sibling.format(M)), type=None, code=code), model=M).meaning
        assert meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(
    "sentence",
    [
        "The model `{}` is not deprecated.",
        "The model `{}` was not retired; try again.",
        "The model `{}` was called with max_tokens, which is deprecated.",
        "The model `{}` is up, the file was not found",
        "The parameter `store` of the model `{}` does not exist",
        "A fallback for model `{}` was not found",
        "You passed in model={}. Fallback not found",
    ],
)
def test_what_is_gone_beside_a_model_is_not_the_model(sentence: str) -> None:
    assert classify(404, openai(sentence.format(M), type=None), model=M).meaning is Meaning.UNKNOWN
    refused = classify(400, openai(sentence.format(M), param="max_tokens"), model=M).meaning
    assert refused is Meaning.PARAMETER_REJECTED


SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED") or Path(__file__).parents[2].parent / "shared")
CASES = (
    "04-credit-gone-in-other-words",
    "05-model-gone-in-other-words",
    "06-route-closed",
    "07-another-models-sentence",
)


@pytest.mark.parametrize("case", CASES)
def test_the_bodies_of_the_cases_mean_what_they_meant(case: str) -> None:
    bodies = SHARED / "cases" / case / "bodies.jsonl"
    if not bodies.is_file():
        pytest.skip(f"NO CASES: {bodies} is absent, set ACCESS_MONITOR_SHARED")
    for line in bodies.read_text(encoding="utf-8").splitlines():
        body = json.loads(line)
        assert classify(body["status"], body["body"], model=body["model"]).meaning == body["truth"], body["name"]


@given(st.text(alphabet="model gpt-5.6:/@`'\"{}[]-v1", max_size=4_000))
def test_a_long_message_is_read_whatever_stands_in_it(message: str) -> None:
    """The patterns look ahead and behind; none of them may take a message apart in more ways than it is long."""
    assert isinstance(classify(404, openai(message), model=M).meaning, Meaning)
