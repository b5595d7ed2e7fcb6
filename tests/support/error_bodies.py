"""Error bodies as users of providers and gateways quoted them in public, each with what it means for `MODEL`.

Ids, account names and addresses are replaced; the sentence around them is what was quoted. `source` is where it stands;
`(sibling)` is a body made after one of them that says something else, or the same about something else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MODEL = "gpt-5.6-luna"


class FoundBody(NamedTuple):
    """A body, the status that it came with, what it means, and where it was quoted."""

    status: int
    body: Any
    meaning: str
    source: str


def envelope(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": None, "param": None, "code": None, **more}}


def google(code: int, message: str, status: str) -> list[dict[str, Any]]:
    return [{"error": {"code": code, "message": message, "status": status}}]


M = MODEL
INVALID = "invalid_request_error"
OPENAI_QUOTA = "You exceeded your current quota, please check your plan and billing details."
AFFORD = (
    "This request requires more credits, or fewer max_tokens. You requested up to 64 tokens, but can only afford 3."
)
SUSPENDED = "Your account org-1 <ak-1> is suspended due to insufficient balance, please recharge your account"
ONLY_RESPONSES = "This model is only supported in v1/responses and not in v1/chat/completions."
NOT_CHAT = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."

FOUND: tuple[FoundBody, ...] = (
    # -- our own money ---------------------------------------------------------
    FoundBody(
        429,
        {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}},
        "quota",
        "agentscope-ai/QwenPaw#202",
    ),
    FoundBody(429, envelope("余额不足或无可用资源包,请充值。"), "quota", "continuedev/continue#11823"),
    FoundBody(
        429,
        {
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "code": "1113",
                "message": "[1113][Insufficient balance or no resource package. Please recharge.][2026]",
            },
        },
        "quota",
        "zai-org/feedback#789",
    ),
    FoundBody(
        429,
        envelope(
            'Error from provider(zai,glm: 429): {"error":{"code":"1113","message":"Insufficient balance or no resource '
            'package. Please recharge."}}Error: Error from provider',
            type="api_error",
            code="provider_response_error",
        ),
        "quota",
        "musistudio/claude-code-router#1071",
    ),
    FoundBody(
        402,
        envelope("Insufficient Balance", type="unknown_error", code="invalid_request_error"),
        "quota",
        "Aider-AI/aider#4851",
    ),
    FoundBody(
        400,
        envelope(
            'litellm.BadRequestError: DeepseekException - {"error":{"message":"Insufficient Balance","type":'
            '"unknown_error","param":null,"code":"invalid_request_error"}}'
        ),
        "quota",
        "Aider-AI/aider#4851",
    ),
    FoundBody(429, envelope(SUSPENDED), "quota", "continuedev/continue#11443"),
    FoundBody(
        403,
        envelope(
            "Your account x is not active, organization x exceeded current quota, please check your plan and billing "
            "details",
            type="exceeded_current_quota_error",
        ),
        "quota",
        "MoonshotAI/Kimi-K2#5",
    ),
    FoundBody(
        429,
        {
            "error": {
                "message": "Error from provider: Provider returned error",
                "code": 429,
                "metadata": {
                    "raw": '{"error":{"message":"' + SUSPENDED + '","type":"exceeded_current_quota_error"}}',
                    "provider_name": "Moonshot AI",
                },
            }
        },
        "quota",
        "anomalyco/opencode#25458",
    ),
    FoundBody(402, {"error": {"message": AFFORD, "code": 402}}, "quota", "can1357/oh-my-pi#9569"),
    FoundBody(
        400,
        {
            "code": "Arrearage",
            "message": "Access denied, please make sure your account is in good standing. For details, see: "
            "https://x.example/error-code#overdue-payment",
        },
        "quota",
        "anomalyco/opencode#22994",
    ),
    FoundBody(
        403,
        {
            "code": "forbidden",
            "error": "Your newly created team doesn't have any credits or licenses yet. You can purchase those on "
            "https://x.example/team/a.",
        },
        "quota",
        "pajeronda/xai_conversation#7",
    ),
    FoundBody(
        400,
        envelope(
            "Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", type="budget_exceeded", code="400"
        ),
        "quota",
        "BerriAI/litellm#22726",
    ),
    FoundBody(
        400, envelope("ExceededBudget: User x over budget. Spend=0.01, Budget=0.0001"), "quota", "OWASP/OpenCRE#1102"
    ),
    FoundBody(
        429,
        envelope(f"LiteLLM Virtual Key: 2d0c, exceeded budget for model={M}", type="budget_exceeded", code="429"),
        "quota",
        "BerriAI/litellm#37736",
    ),
    FoundBody(429, envelope(OPENAI_QUOTA), "quota", "(sibling) OpenAI without a code"),
    FoundBody(
        402,
        {"error": "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO."},
        "quota",
        "(sibling) huggingface/hub-docs#2392",
    ),
    FoundBody(
        429,
        envelope(
            "Your account [1] has reached the set inference limit for the [doubao] model, and the model service has "
            'been paused. To continue using this model, please adjust or close the "Safe Experience Mode"',
            code="SetLimitExceeded",
        ),
        "quota",
        "volcengine/MineContext#328",
    ),
    FoundBody(
        403,
        {
            "error": {
                "code": "AccountOverdueError",
                "message": "The request failed because your account has an overdue balance.",
            }
        },
        "quota",
        "(sibling) volcengine/MineContext#328",
    ),
    FoundBody(
        403,
        {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier of the model has been exhausted."},
        "quota",
        "(sibling) tencentmusic/supersonic#1572",
    ),
    FoundBody(
        403,
        {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None},
        "quota",
        "(sibling) SiliconFlow",
    ),
    FoundBody(
        403,
        envelope("用户额度不足, 剩余额度: ＄0", type="new_api_error"),
        "quota",
        "(sibling) popjane/free_chatgpt_api#76",
    ),
    FoundBody(403, envelope("预扣费额度失败, 用户剩余额度: ＄0.1"), "quota", "(sibling) QuantumNous/new-api"),
    FoundBody(429, envelope("Saldo insuficiente para completar la solicitud"), "quota", "(sibling) another language"),
    FoundBody(402, envelope("Недостаточно средств на балансе"), "quota", "(sibling) another language"),
    FoundBody(
        400,
        envelope("You have run out of prepaid credits.", type="invalid_request_error"),
        "quota",
        "(sibling) tetsuo-ai/agenc-core#2483",
    ),
    # -- what looks like money, and passes by itself, or is about something else ---
    FoundBody(
        429,
        envelope(
            f"Rate limit reached for {M} in organization org-1 on requests per min (RPM): Limit 3, Used 3. "
            "Please add a payment method to your account to increase your rate limit."
        ),
        "transient",
        "(sibling) OpenAI's free tier",
    ),
    FoundBody(
        429,
        google(
            429,
            "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for "
            f"metric: generate_content_free_tier_requests, limit: 15, model: {M}\nPlease retry in 25.4s.",
            "RESOURCE_EXHAUSTED",
        ),
        "transient",
        "google-gemini/gemini-cli#22486",
    ),
    FoundBody(
        429,
        {
            "error": {
                "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model "
                "requests per day",
                "code": 429,
            }
        },
        "transient",
        "(sibling) OpenRouter",
    ),
    FoundBody(
        429,
        {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": None, "code": "1300"},
        "transient",
        "raycast/extensions#31107",
    ),
    FoundBody(
        429,
        {"object": "error", "message": "Service tier capacity exceeded for this model.", "type": INVALID},
        "transient",
        "continuedev/continue#6185",
    ),
    FoundBody(
        429,
        {
            "code": "Throttling.AllocationQuota",
            "message": "Allocated quota exceeded, please increase your quota limit.",
        },
        "transient",
        "modelscope/ms-agent#50",
    ),
    FoundBody(
        429, {"message": "Too many tokens per day, please wait before trying again."}, "transient", "(sibling) Bedrock"
    ),
    FoundBody(
        503,
        envelope("当前分组 default 下对于模型  无可用渠道 (request id: 20251215)", type="one_api_error"),
        "transient",
        "songquanpeng/one-api#2340",
    ),
    FoundBody(
        400, envelope("If your balance is too low, the call will be refused."), "unknown", "(sibling) what would be"
    ),
    FoundBody(401, envelope("Insufficient balance"), "quota", "(sibling) a gateway that refuses the key for it"),
    FoundBody(401, envelope("Invalid API key. If you exceeded your quota, see billing."), "unknown", "(sibling) 401"),
    # -- not there, or not for us -----------------------------------------------
    FoundBody(
        404,
        envelope(
            f"The model or endpoint {M} does not exist or you do not have access to it. Request id: 02",
            code="InvalidEndpointOrModel.NotFound",
        ),
        "access_lost",
        "volcengine/MineContext#328",
    ),
    FoundBody(
        400,
        envelope(
            f"Unable to access non-serverless model {M}. Please visit https://x.example/models/{M} to create and start "
            "a new dedicated endpoint for the model.",
            type=INVALID,
            code="model_not_available",
        ),
        "access_lost",
        "HeyPuter/puter#3168",
    ),
    FoundBody(
        400,
        envelope(f"together-ai error: Unable to access non-serverless model {M}. Please visit https://x.example/{M}."),
        "access_lost",
        "truefoundry/models#950",
    ),
    FoundBody(
        400,
        envelope(
            f"The dedicated endpoint for {M} is not running. Please start the endpoint.",
            type=INVALID,
            code="dedicated_endpoint_not_running",
        ),
        "access_lost",
        "HeyPuter/puter#3168",
    ),
    FoundBody(400, {"message": "The provided model identifier is invalid."}, "access_lost", "earendil-works/pi#4993"),
    FoundBody(404, {"message": "Model not found."}, "access_lost", "mlcommons/modelbench#1654"),
    FoundBody(
        403,
        {"message": "You don't have access to the model with the specified model ID."},
        "access_lost",
        "dirkpetersen/our-chat#3",
    ),
    FoundBody(
        403,
        {"message": "You don’t have access to the model with the specified model ID."},
        "access_lost",
        "(sibling) with the apostrophe that AWS writes",
    ),
    FoundBody(
        403,
        envelope("Access to model denied. Please make sure you are eligible for using the model."),
        "access_lost",
        "QwenLM/qwen-code#9605",
    ),
    FoundBody(400, envelope(f"Model {M} not exist."), "access_lost", "langgenius/dify#27797"),
    FoundBody(403, envelope(f"Model({M}) not authorized"), "access_lost", "infiniflow/ragflow#1077"),
    FoundBody(403, "Model disabled.", "unknown", "continuedev/continue#10839: a bare text is no body"),
    FoundBody(403, {"message": "Model disabled."}, "access_lost", "continuedev/continue#10839"),
    FoundBody(
        404,
        {
            "code": "Some requested entity was not found",
            "error": f"The model {M} does not exist or your team "
            "bdc397fa-17fc-468e-9180-d0870ca1e10a does not have access to it.",
        },
        "access_lost",
        "yihong0618/bilingual_book_maker#464",
    ),
    FoundBody(
        404,
        envelope(f"Model '{M}' does not exist or you do not have access to it.", type=INVALID, param="model"),
        "access_lost",
        "chenyme/grok2api#571",
    ),
    FoundBody(
        404,
        envelope(f'model "{M}" not found, try pulling it first', type="api_error"),
        "access_lost",
        "netease-youdao/QAnything#555",
    ),
    FoundBody(
        403,
        envelope(f"User u-1 is not authorized to access model {M} or model does not exist", type="AuthorizationError"),
        "access_lost",
        "truefoundry/models#949",
    ),
    FoundBody(
        400,
        {"code": 20012, "message": "Model does not exist. Please check it carefully.", "data": None},
        "access_lost",
        "(sibling) SiliconFlow",
    ),
    FoundBody(404, envelope(f"模型 {M} 不存在"), "access_lost", "(sibling) another language"),
    FoundBody(404, envelope("No such model: " + M), "access_lost", "(sibling) tashfeenahmed/freellmapi#1143"),
    # -- another model, a parameter, the request itself ---------------------------
    FoundBody(404, envelope("Model not found: gpt-5.6-luna-eu"), "unknown", "(sibling)"),
    FoundBody(
        404,
        envelope(f"Not found the model {M}-preview or Permission denied"),
        "unknown",
        "(sibling) langgenius/dify#39778",
    ),
    FoundBody(400, envelope(f"No model found: {M}-free"), "unknown", "(sibling) tashfeenahmed/freellmapi#1143"),
    FoundBody(
        404,
        envelope(
            "The model `text-embedding-3-large` does not exist or you do not have access to it.", code="model_not_found"
        ),
        "unknown",
        "(sibling) a gateway's own embedding model",
    ),
    FoundBody(
        403,
        envelope("Project `proj_1` does not have access to model `gpt-5.6-luna-mini`", code="model_not_found"),
        "unknown",
        "(sibling)",
    ),
    FoundBody(
        404,
        {
            "code": "Some requested entity was not found",
            "error": "No handler found on route. Please double check your URL.",
        },
        "unknown",
        "iniwap/AIWriteX#26",
    ),
    FoundBody(
        404,
        {"error": {"message": "404 page not found", "code": 404, "status": "Not Found"}},
        "unknown",
        "vybestack/llxprt-code#775",
    ),
    FoundBody(
        403,
        {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}},
        "unknown",
        "Azure-Samples/azure-sql-db-chatbot#3",
    ),
    FoundBody(
        400,
        {"error": f"Model {M} does not support parameter presencePenalty."},
        "parameter_rejected",
        "miaoxworld/NativeTavern#83",
    ),
    FoundBody(
        400,
        envelope(
            f"Function tools with reasoning_effort are not supported for {M} in /v1/chat/completions. Please use "
            "/v1/responses instead.",
            type=INVALID,
            param="reasoning_effort",
        ),
        "parameter_rejected",
        "(sibling) a parameter that an endpoint does not take",
    ),
    FoundBody(
        400,
        {
            "object": "error",
            "message": "Assistant message must have either content or tool_calls, but not both.",
            "type": INVALID,
            "param": None,
            "code": None,
        },
        "unknown",
        "Mobile-Artificial-Intelligence/maid#672",
    ),
    FoundBody(
        403,
        envelope('We couldn\'t find a secret with the name "XAI_API_KEY".'),
        "unknown",
        "continuedev/continue#11608",
    ),
    FoundBody(400, envelope(f"`{M}` does not support tools", type=INVALID), "unknown", "(sibling) a feature"),
    FoundBody(400, envelope(f"The image was not found in the request to {M}."), "unknown", "(sibling)"),
    FoundBody(404, envelope("The thread does not exist; the model is fine."), "unknown", "(sibling)"),
    # -- the end of a model --------------------------------------------------------
    FoundBody(
        400,
        envelope(
            f"The model `{M}` has been decommissioned and is no longer supported. Please refer to "
            "https://x.example/docs/deprecations for a recommendation on which model to use instead.",
            type=INVALID,
        ),
        "retired",
        "ItzCrazyKns/Vane#771",
    ),
    FoundBody(
        404,
        google(
            404,
            f"This model models/{M} is no longer available to new users. Please update your code to use a newer model.",
            "NOT_FOUND",
        ),
        "retired",
        "Pickle-Pixel/ApplyPilot#6",
    ),
    FoundBody(
        404,
        {
            "error": {
                "message": '{\n  "error": {\n    "code": 404,\n    "message": "This model models/' + M + " is no "
                'longer available to new users.",\n    "status": "NOT_FOUND"\n  }\n}\n',
                "code": 404,
                "status": "Not Found",
            }
        },
        "retired",
        "continuedev/continue#10756",
    ),
    FoundBody(
        404,
        {"message": "This model version has reached the end of its life. Please refer to the AWS documentation."},
        "retired",
        "(sibling) aws/aws-sdk-js-v3#6424",
    ),
    FoundBody(410, envelope("This model has been discontinued."), "retired", "(sibling)"),
    FoundBody(404, envelope(f"The model `{M}-0613` has been deprecated"), "unknown", "(sibling) another model"),
    FoundBody(404, envelope("This model will be retired on 2027-01-01."), "unknown", "(sibling) not yet"),
    # -- another endpoint only -----------------------------------------------------
    FoundBody(
        404,
        envelope(NOT_CHAT + " Did you mean to use v1/completions?", type=INVALID, param="model"),
        "access_lost",
        "micz/ThunderAI#570",
    ),
    FoundBody(
        404, envelope("openai error: " + NOT_CHAT, type="APIError", code="404"), "access_lost", "truefoundry/models#846"
    ),
    FoundBody(
        404,
        envelope("This is a chat model and not supported in the v1/completions endpoint."),
        "access_lost",
        "diffbot/code-gpt-docs#172",
    ),
    FoundBody(
        400,
        {
            "message": "This action doesn't support the model that you provided. Try again with a supported "
            "text or chat model."
        },
        "access_lost",
        "mlcommons/modelbench#1654",
    ),
    FoundBody(
        400,
        envelope(f'model "{M}" is not accessible via the /chat/completions endpoint', code="unsupported_api_for_model"),
        "access_lost",
        "(sibling) github/copilot-cli#639",
    ),
    FoundBody(400, envelope(f'"{M}" does not support chat', type=INVALID), "access_lost", "(sibling) Ollama"),
    FoundBody(
        400,
        envelope("The model does not support Chat Completions API", type="BadRequestError"),
        "access_lost",
        "(sibling) vLLM",
    ),
    FoundBody(404, envelope(f"{ONLY_RESPONSES[:-1]} (model gpt-5-codex-max)"), "unknown", "(sibling) another model"),
    # -- a rule that somebody can change, safety, the place -------------------------
    FoundBody(
        404,
        {
            "error": {
                "message": "No endpoints available matching your guardrail restrictions and data policy.",
                "code": 404,
            }
        },
        "policy",
        "(sibling) unoplat/unoplat-code-confluence#1080",
    ),
    FoundBody(
        404,
        {"error": {"message": "No allowed providers are available for the selected model.", "code": 404}},
        "policy",
        "(sibling) OpenRouter",
    ),
    FoundBody(
        403,
        {
            "message": "User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel on y with "
            "an explicit deny in a service control policy"
        },
        "policy",
        "NousResearch/hermes-agent#104178",
    ),
    FoundBody(
        400,
        envelope(
            f"The model `{M}` requires terms acceptance. Please have the org admin accept the terms at "
            "https://x.example",
            type=INVALID,
        ),
        "policy",
        "(sibling) Groq",
    ),
    FoundBody(
        404,
        envelope(
            f"Your account 1 has not activated the model {M}. Please activate the model service in the Ark Console.",
            code="ModelNotOpen",
        ),
        "policy",
        "(sibling) QuantumNous/new-api#5278",
    ),
    FoundBody(
        403,
        {"type": "error", "error": {"type": "permission_error", "message": "This organization has been disabled."}},
        "blocked",
        "(sibling) Anthropic",
    ),
    FoundBody(
        403,
        {"message": "Access to Anthropic models is not allowed from unsupported countries, regions, or territories."},
        "region",
        "(sibling) Bedrock",
    ),
    FoundBody(
        400,
        google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
        "region",
        "(sibling) Gemini",
    ),
    FoundBody(403, envelope(f"{M} is not available in your country."), "region", "(sibling)"),
    # -- nothing that anybody could read -------------------------------------------
    FoundBody(
        403,
        {"error": "403 Forbidden", "status": 403, "details": {"error": {"message": "openai error: undefined"}}},
        "unknown",
        "pollinations/pollinations#4580",
    ),
    FoundBody(
        403,
        envelope(
            "The request failed because you do not have access to the requested resource.",
            code="AccessDenied",
            type="Forbidden",
        ),
        "unknown",
        "HiveNexus/HiveChat#3",
    ),
    FoundBody(
        403,
        google(403, "The caller does not have permission", "PERMISSION_DENIED"),
        "unknown",
        "iBUHub/AIStudioToAPI#109",
    ),
    FoundBody(
        429,
        google(
            429,
            f"{OPENAI_QUOTA}\n* Quota exceeded for metric: free_tier_requests, limit: 0\nPlease retry in 25.4s.",
            "RESOURCE_EXHAUSTED",
        ),
        "quota",
        "google-gemini/gemini-cli#22486",
    ),
    FoundBody(
        404,
        envelope(
            "litellm.NotFoundError: AzureException - The API deployment for this resource does not exist. "
            f"Received Model Group={M}\nAvailable Model Group Fallbacks=None",
            code="404",
        ),
        "access_lost",
        "BerriAI/litellm#3884",
    ),
)
