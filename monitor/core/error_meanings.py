"""What an answer to a call means for access: one table, read from top to bottom, first row that fits.

The same code arrives with three statuses and the same status with five codes, so no row goes by either alone. What the
table does not hold is `unknown`, never a loss: proxies, login pages and half an envelope say nothing of a model. A
refusal of the whole account (401) says nothing of one either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.facts import GRANTED as _GRANTED
from monitor.core.facts import REJECTED as _REJECTED

MESSAGE = 300
"""Characters of a message that a verdict keeps."""


class Meaning(StrEnum):
    """What an answer means for one route to one model."""

    GRANTED = _GRANTED
    UNKNOWN = "unknown"  # says nothing of the model
    TRANSIENT = "transient"  # may be over at the next poll
    ACCESS_LOST = "access_lost"  # not there, or not for us
    PARAMETER_REJECTED = _REJECTED  # refused for what the call said
    QUOTA = "quota"  # credit, budget or ceiling used up; waiting does not mend it
    REGION = "region"  # not from here, or not at this host
    POLICY = "policy"  # a rule of the organisation or project, or a verification that is wanting
    RETIRED = "retired"
    BLOCKED = "blocked"  # for safety: the account, or what it may touch


GOOD = frozenset({200, 201, 203})
"""The statuses of a whole answer; 206 is a part of one."""

LOSSES = frozenset(
    {
        Meaning.ACCESS_LOST,
        Meaning.QUOTA,
        Meaning.REGION,
        Meaning.POLICY,
        Meaning.RETIRED,
        Meaning.BLOCKED,
    }
)
"""The meanings that say that a model cannot be used by a route. The others are failed polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorVerdict:
    """A meaning, and what the answer said: `code` and `param` as given, `message` one line, not redacted."""

    meaning: Meaning
    code: str = ""
    param: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an error body says, whatever its envelope; empty texts are what it leaves out."""

    type: str = ""
    code: str = ""
    param: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningRow:
    """One row of the table; what it leaves empty is not asked.

    `codes` and `types` are compared exactly, `says` is a pattern to be found in the message. `{model}` in it is the id
    that was called: a sentence without a code is too easily about something else, so it has to say which model it
    means.
    """

    meaning: Meaning
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    param: str = ""
    says: str = ""

    def fits(self, status: int, said: Said, model: str) -> bool:
        """Return whether an answer is one of this row."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.codes or said.code in self.codes)
            and (not self.types or said.type in self.types)
            and (not self.param or self.param == said.param)
            and (not self.says or self._found(said.message, model))
        )

    def _found(self, message: str, model: str) -> bool:
        if MODEL in self.says and not model:
            return False
        return re.search(self.says.replace(MODEL, whole(model)), message, re.IGNORECASE) is not None


def _row(
    meaning: Meaning,
    *statuses: int,
    code: str = "",
    type: str = "",
    param: str = "",
    says: str = "",
) -> MeaningRow:
    return MeaningRow(
        meaning=meaning,
        statuses=frozenset(statuses),
        codes=frozenset(code.split()),
        types=frozenset(type.split()),
        param=param,
        says=says,
    )


MODEL = "{model}"
"""Stands for the id of the model in a pattern."""


def whole(model: str) -> str:
    """Return the pattern of an id that neither begins nor ends within a longer one: `gpt-4` stands in `gpt-4.`, and not
    in `gpt-4-turbo`, `gpt-4.1`,     `gpt-4:free`, `gpt-4_v2`, `gpt-4s` or `ft/gpt-4`.
    """
    begins = r"(?:(?<=\bmodel[:=/])|(?<=\bmodels/)|(?<!\w)(?<!\w[-./:@+~#]))"
    return begins + re.escape(model) + r"(?!\w)(?!-)(?![./:@+~#]+\w)"


# What is said "of the model" is about something else.
_NAMED = (
    "".join(
        rf"(?<!\b{word} {article})"
        for word in ("of", "for", "with", "by", "in", "on", "to", "from", "using")
        for article in ("", "a ", "the ", "this ", "your ")
    )
    + r"\bmodels?\W{1,4}(?:id |name |with id )?\W{0,2}{model}\W{1,3}"
)
# Between a model and its end nothing may stand but these words: "was called with", "is not" and a comma change what it
# is about.
_ENDED = (
    r"(?:has been|have been|was|is)(?: (?:now|already|recently|permanently|officially|fully)){0,2} "
    r"(?:deprecated|decommissioned|retired|shut down|no longer (?:available|supported))"
)
_GONE = (
    r"(?:(?:you requested|requested|currently|either|is|was|could) ){0,2}(?:does not exist|not (?:be )?found|not "
    r"available)"
)

# What is forbidden is the model itself: "to request logprobs from this model" is about a parameter.
_FORBIDDEN = (
    r"(?:(?:\bnot|n[’']t) (?:allowed|permitted|authori[sz]ed|entitled|have (?:the )?(?:permissions?|access"
    r"|rights?))|\b(?:no|without|lacks?) (?:access|permission))"
    r"(?: to)?(?: (?:use|access|call|invoke|query|sample from|generate (?:from|with)))?"
    r" (?:(?:this|the(?: (?:requested|specified))?) model\b(?!['’]s)|(?:the )?(?:model )?\W{0,2}{model}\W?)(?! "
    r"(?:with|for|in)\b)"
)

_CALLED = re.compile(r"\bmodels?\W{1,3}(?:id |name |with id )?[`'\"“‘]?([A-Za-z0-9][\w.:/@+-]*\w)", re.IGNORECASE)
_LOSS = re.compile(
    (
        r"invalid|unknown|not exist|not found|not be found|not available|no longer|deprecated|decommissioned"
        r"|retired|shut down"
    ),
    re.I,
)

TABLE: tuple[MeaningRow, ...] = (
    # The region, before everything that 401 and 403 say of the account.
    _row(Meaning.REGION, 401, 403, code="incorrect_hostname"),
    _row(Meaning.REGION, 403, code="unsupported_country_region_territory"),
    _row(Meaning.REGION, 403, says=r"^Country, region, or territory not supported"),
    _row(Meaning.REGION, 400, 403, says=r"^User location is not supported for the API use"),  # Gemini
    _row(Meaning.REGION, 200, 400, 403, code="data_residency_mismatch"),
    # Proxies refuse a key for one model with 401.
    _row(Meaning.POLICY, 401, 403, type="key_model_access_denied team_model_access_denied user_model_access_denied"),
    _row(Meaning.POLICY, 401, 403, type="project_model_access_denied org_model_access_denied"),
    _row(Meaning.UNKNOWN, 401),
    # A verification or a rule that somebody of the organisation can mend.
    _row(Meaning.POLICY, 400, 403, 404, says=r"\borganization must be verified to\b"),
    _row(Meaning.POLICY, 403, code="model_not_found", says=r"\bProject\b.*\bdoes not have access to model\b"),
    _row(Meaning.POLICY, 403, code="model_permission_blocked_org model_permission_blocked_project"),  # Groq
    _row(Meaning.POLICY, 400, 403, code="model_terms_required"),  # Groq
    _row(Meaning.POLICY, 400, 403, param="service_tier", says=r"\bnot allowed for this project\b"),
    # Safety.
    _row(Meaning.BLOCKED, 403, says=r"\bDaybreak\b|\bcyber access program"),
    _row(Meaning.BLOCKED, 200, code="bio_policy cyber_policy misalignment_policy_violation"),
    _row(Meaning.BLOCKED, 400, 403, code="organization_restricted safety_identifier_blocked"),  # Groq; OpenAI
    # The end of a model.
    _row(Meaning.RETIRED, 400, 404, 410, code="model_decommissioned ModelDeprecated model_deprecated"),  # Groq, Azure
    _row(Meaning.RETIRED, 400, 404, 410, code="model_not_found", says=_ENDED),
    _row(Meaning.RETIRED, 400, 404, 410, says=_NAMED + _ENDED),
    # Not there, or not for us: one code under three statuses, and what others call it.
    _row(Meaning.ACCESS_LOST, 400, 403, 404, code="model_not_found"),
    _row(Meaning.ACCESS_LOST, 404, code="DeploymentNotFound"),  # Azure
    _row(Meaning.ACCESS_LOST, 400, 404, code="unknown_model"),  # Azure
    _row(Meaning.ACCESS_LOST, 400, 404, code="model_not_available"),  # Together
    _row(Meaning.ACCESS_LOST, 400, 404, type="invalid_model"),  # Mistral
    _row(Meaning.ACCESS_LOST, 404, says=r"^Model not found, inaccessible, and/or not deployed"),  # Fireworks
    _row(
        Meaning.ACCESS_LOST, 404, type="not_found_error NotFoundError", says=r"\bmodel\W+{model}"
    ),  # Anthropic, vLLM, Ollama
    _row(Meaning.ACCESS_LOST, 400, says=r"Invalid model name passed in model={model}"),  # LiteLLM
    _row(Meaning.ACCESS_LOST, 400, says=r"{model}\W+model is not supported when using Codex"),
    _row(Meaning.ACCESS_LOST, 400, 403, 404, says=_NAMED + _GONE),
    _row(Meaning.ACCESS_LOST, 403, 404, says=_FORBIDDEN),
    _row(
        Meaning.ACCESS_LOST, 400, 404, says=r"\b(?:model not found|unable to access model|invalid model)\W{1,3}{model}"
    ),
    _row(Meaning.ACCESS_LOST, 400, 404, says=r"^{model} is not a valid model"),  # OpenRouter
    _row(Meaning.ACCESS_LOST, 404, says=r"^No endpoints found for {model}"),  # OpenRouter
    # 429 is five conditions, and one of them alone passes by itself; 402 is how others say the same.
    _row(Meaning.QUOTA, 429, code="credit_balance_exhausted"),
    _row(Meaning.QUOTA, 429, code="organization_spend_limit_exceeded project_spend_limit_exceeded"),
    _row(Meaning.QUOTA, 429, code="organization_usage_limit_exceeded"),
    _row(Meaning.QUOTA, 403, 429, code="insufficient_quota"),
    _row(Meaning.QUOTA, 403, 429, type="insufficient_quota"),
    _row(Meaning.QUOTA, 400, 403, 429, code="billing_hard_limit_reached billing_not_active"),
    _row(Meaning.QUOTA, 400, 403, 429, type="budget_exceeded"),  # LiteLLM
    _row(Meaning.QUOTA, 402, code="402 credit_limit insufficient_credits"),  # OpenRouter, Together
    _row(Meaning.QUOTA, 402, says=r"\binsufficient (?:credits|balance|funds)\b"),
    _row(Meaning.QUOTA, 400, 403, says=r"\bcredit balance is too low\b"),  # Anthropic
    _row(Meaning.QUOTA, 403, says=r"\bteam doesn't have any credits\b"),  # xAI
    _row(Meaning.TRANSIENT, 429),
    _row(Meaning.TRANSIENT, 408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529),
    _row(Meaning.TRANSIENT, 200, code="server_error rate_limit_exceeded vector_store_timeout"),
    # Refused for what the call said, which is no word about access.
    _row(Meaning.PARAMETER_REJECTED, 400, says=r"requires a newer version of Codex"),
    _row(Meaning.PARAMETER_REJECTED, 200, 400, code="invalid_prompt content_filter"),
    _row(
        Meaning.PARAMETER_REJECTED,
        400,
        422,
        code="unsupported_parameter unsupported_value unknown_parameter missing_required_parameter invalid_value "
        "invalid_type"
        " integer_below_min_value integer_above_max_value string_above_max_length context_length_exceeded",
    ),
    _row(Meaning.PARAMETER_REJECTED, 400, says=r"does not support parameter\b"),  # xAI
    _row(Meaning.PARAMETER_REJECTED, 422),
)
"""The whole taxonomy. The order counts: a word about a region or a verification comes before what its code alone would
say.
"""


def classify(status: int, body: object, *, model: str = "") -> ErrorVerdict:
    """Return what an answer means. `body` is the parsed JSON of it, None or a text where it is none; `model` the id
    that was called.

    With 200 only an answer that failed inside (`status: "failed"`) has an error to be read; any other 200 is granted as
    far as this table goes, and an error object in it is unknown. Whether its shape is the right one is the business of
    whoever made the call.
    """
    if status in GOOD:
        if not isinstance(body, Mapping):
            return ErrorVerdict(meaning=Meaning.UNKNOWN)
        sentence = said_by(body)
        if body.get("status") != "failed":
            fine = not body.get("error")
            return ErrorVerdict(meaning=Meaning.GRANTED) if fine else _verdict(Meaning.UNKNOWN, sentence)
        return _verdict(_meaning(200, sentence, model), sentence)
    sentence = said_by(body)
    return _verdict(_meaning(status, sentence, model), sentence)


def _meaning(status: int, said: Said, model: str) -> Meaning:
    elsewhere = _about_another(said, model)
    for row in TABLE:
        if row.fits(status, said, model) and not (elsewhere and row.meaning in (Meaning.ACCESS_LOST, Meaning.RETIRED)):
            return row.meaning
    if status == 400 and said.type == "invalid_request_error" and said.param not in ("", "model"):
        return Meaning.PARAMETER_REJECTED
    return Meaning.UNKNOWN


def _about_another(said: Said, model: str) -> bool:
    """Return whether what is gone is not the model that was called, but a parameter, or a model by another id (a
    fallback, say).
    """
    if said.param and "model" not in said.param.lower():
        return said.param not in ("None", "null")
    if not model:
        return False
    others = False
    for sentence in re.split(r"\n|[.;!](?=\s)", said.message):
        named = [id for id in _CALLED.findall(sentence) if re.search(r"[\d-]", id)]
        if not named or not _LOSS.search(sentence):
            continue
        if re.search(whole(model), sentence, re.IGNORECASE):
            return False
        others = True
    return others


def _verdict(meaning: Meaning, said: Said) -> ErrorVerdict:
    return ErrorVerdict(
        meaning=meaning, code=said.code, param=said.param, message=" ".join(said.message.split())[:MESSAGE]
    )


def said_by(body: object) -> Said:
    """Read an error body: the OpenAI envelope, the flat one of Mistral and vLLM, `{"error": "…"}`, `{"detail": …}`,
    problem+json, and a list around one of them (Gemini).
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return Said()
    error = body.get("error")
    if isinstance(error, Mapping):
        return Said(
            type=_text(error.get("type")),
            code=_text(error.get("code")),
            param=_text(error.get("param")),
            message=_message(error),
        )
    return Said(
        type=_text(body.get("type")),
        code=_text(body.get("code")),
        param=_text(body.get("param")),
        message=error if isinstance(error, str) else _message(body),
    )


def _message(said: Mapping[str, object]) -> str:
    text = next((said[key] for key in ("message", "detail", "title") if said.get(key)), "")
    if isinstance(text, Mapping) and isinstance(text.get("error"), str):  # DeepInfra: `{"detail": {"error": "…"}}`
        text = text["error"]
    return text if isinstance(text, str) else json.dumps(text, default=str)


def _text(value: object) -> str:
    """Return a field as text; LiteLLM writes `"None"` where it means none, and codes come as numbers, too."""
    return "" if value is None or isinstance(value, dict | list) or value == "None" else str(value)
