"""What an answer to a call means for access: one table, read from top to bottom, first row that fits.

The same code arrives with three statuses and the same status with five codes, so no row goes by either alone. Providers
and gateways say the same thing in a hundred ways, so the rows for those that have no code of their own are patterns of
sentences. What the table does not hold is `unknown`, never a loss: proxies, login pages and half an envelope say
nothing of a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from monitor.core.error_bodies import ErrorStatement, error_statement, words_of
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


def refuses_call(status: int) -> bool:
    """Return whether a status refuses the call itself: 401 is about the key, and the others may be over in a moment."""
    return 400 <= status < 500 and status not in (401, 408, 409, 425, 429)


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
class MeaningRow:
    """One row of the table; what it leaves empty is not asked.

    `codes` and `types` are compared exactly, `says` is a pattern to be found in one sentence of the message. `{model}`
    in it is the id that was called; a sentence that names another id and not that one does not count, unless the row is
    about the whole `account`. `names` is a pattern to be found in the code or type as words; with `says` beside it
    either is enough. `unless` is a pattern that neither code nor message may fit.
    """

    meaning: Meaning
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    param: str = ""
    says: str = ""
    names: str = ""
    unless: str = ""
    account: bool = False

    def fits(self, status: int, statement: ErrorStatement, model: str) -> bool:
        """Return whether an answer is one of this row."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.codes or statement.code in self.codes)
            and (not self.types or statement.type in self.types)
            and (not self.param or self.param == statement.param)
            and (not (self.says or self.names) or self._stated(statement, model))
            and not (self.unless and _found(self.unless, f"{words_of(statement.code)}\n{statement.message}"))
        )

    def _stated(self, statement: ErrorStatement, model: str) -> bool:
        if self.names and _found(self.names, statement.names):
            return True
        says = self.says.replace(MODEL, whole(model) if model else "(?!)")
        return bool(self.says) and any(
            _found(says, sentence)
            for sentence in statement.sentences
            if self.account or not _elsewhere(sentence, model)
        )


def _row(
    meaning: Meaning,
    *statuses: int,
    code: str = "",
    type: str = "",
    **asked: Any,
) -> MeaningRow:
    return MeaningRow(
        meaning=meaning,
        statuses=frozenset(statuses),
        codes=frozenset(code.split()),
        types=frozenset(type.split()),
        **asked,
    )


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


MODEL = "{model}"
"""Stands for the id of the model in a pattern."""


def whole(model: str) -> str:
    """Return the pattern of an id that neither begins nor ends within a longer one: `gpt-4` stands in `gpt-4.`, and not
    in `gpt-4-turbo`, `gpt-4.1`, `gpt-4:free`, `gpt-4_v2`, `gpt-4s` or `ft/gpt-4`.
    """
    begins = r"(?:(?<=\bmodel[:=/])|(?<=\bmodels/)|(?<![a-zA-Z0-9_])(?<![a-zA-Z0-9_][-./:@+~#]))"
    return begins + re.escape(model) + r"(?![a-zA-Z0-9_])(?!-)(?![./:@+~#]+[a-zA-Z0-9_])"


# -- the vocabulary ------------------------------------------------------------

# What is said "of the model" is about something else.
_NOT_OF = "".join(
    rf"(?<!\b{word} {article})"
    for word in ("of", "for", "with", "by", "in", "on", "to", "from", "using")
    for article in ("", "a ", "the ", "this ", "your ")
)
_NAMED = _NOT_OF + r"\bmodels?(?: or \w+)?\W{1,4}(?:id |name |with id |models/)?\W{0,2}{model}\W{1,3}"

# The model that was called, without its id: a statement of its own, not the end of one about something else.
_UNNAMED = (
    r"(?:^|[:({\"']\s*|\s[-–—]\s)"
    r"(?:(?:the|this|your|a|requested|specified|provided|selected|given) ){0,3}(?:ai |foundation |language )?model"
    r"(?: (?:id|name|identifier|version|code|requested|specified|provided|you (?:requested|specified|provided))){0,2} "
)
_OVER = (
    r"(?=\W*(?:$|or\b|and you\b|please\b|check\b"
    r"|(?:for|to|in|on|by|under) (?:your|this|the) (?:account|api key|key|organi[sz]ation|project|team|plan|tier"
    r"|subscription|workspace)\b))"
)

# Between a model and its end nothing may stand but these words: "was called with", "is not" and a comma change what it
# is about.
_ENDED = (
    r"(?:has been|have been|has|was|is)(?: (?:now|already|recently|permanently|officially|fully)){0,2} "
    r"(?:deprecated|decommissioned|retired|shut ?down|discontinued|sunset(?:ted)?|removed|withdrawn"
    r"|no longer (?:available|supported|offered|served|accessible|exists?)"
    r"|not (?:available|supported|offered) any ?(?:more|longer)"
    r"|reached (?:the |its )?end[- ]of[- ](?:its |the )?(?:life|support))"
)
_FOR_NOW = r"(?! (?:at the moment|right now|at this time|temporarily|due to (?:high|heavy|load|capacity|maintenance)))"
_GONE = (
    r"(?:(?:you requested|requested|currently|either|is|was|are|could|can) ){0,2}"
    r"(?:(?:does not|do not|did not|not) exists?|does(?:n't) exist|(?:not|can(?:not|'t)) (?:be )?found"
    r"|(?:not|isn't) (?:available|accessible|deployed|recogni[sz]ed|authori[sz]ed|permitted|a valid model)\b"
    + _FOR_NOW
    + r"|(?:not|isn't) supported"
    + _OVER
    + r")"
)
_GONE_UNNAMED = (
    r"(?:(?:is|was|are|could|can|has been|currently) ){0,2}"
    r"(?:(?:does not|not) exists?|doesn't exist|(?:not|can(?:not|'t)) (?:be )?found|invalid|unknown"
    r"|unsupported|disabled|(?:not|isn't) (?:available|supported|accessible|valid|recogni[sz]ed|deployed))"
    + _FOR_NOW
    + _OVER
)
_NO_SUCH = (
    r"\b(?:no(?: such)?|not found(?: the)?|unknown|invalid|unsupported|unrecogni[sz]ed|non-?existent"
    r"|(?:cannot|can't|could not|couldn't|unable to|failed to) (?:find|access|load|locate)"
    r"(?: (?:the|any))?(?: non-serverless)?) models?(?: (?:found|id|name|named|called|with id|identifier))?"
    r"\W{1,4}{model}"
)

# What is forbidden is the model itself: "to request logprobs from this model" is about a parameter.
_FORBIDDEN = (
    r"(?:(?:\bnot|n't) (?:allowed|permitted|authori[sz]ed|entitled|have (?:the )?(?:permissions?|access"
    r"|rights?))|\b(?:no|without|lacks?) (?:access|permission))"
    r"(?: to)?(?: (?:use|access|call|invoke|query|sample from|generate (?:from|with)))?"
    r" (?:(?:this|the(?: (?:requested|specified))?) model\b(?!'s)"
    r"|(?:the )?(?:(?:model|endpoint)\W{1,2})?\W{0,2}{model}\W?)"
    r"(?! (?:with|for|in)\b(?! the specified))"
)
_DENIED = (
    r"\bmodel access (?:is |was |has been )?denied\b"
    r"|\baccess to (?:this |the )?(?:requested )?model (?:\W?{model}\W{1,2})?(?:is |was |has been )?denied\b"
)

# One endpoint that a model is not, or no longer, behind.
_DOOR = (
    r"(?:the |this )?(?:/?v\d+/[a-z_/]+|/?chat(?:[ /_]?completions?)?|/?completions?|/?responses|/?embeddings?"
    r"|/?messages|generateContent|endpoint|api|operation|route)\b(?: (?:api|endpoint|operation|route)\b)?"
)
_ITSELF = r"(?:\bmodels?\W{1,3}(?:id |name )?\W{0,2}(?:{model}\W{1,3})?|{model}\W{1,3})"
_ELSEWHERE_ONLY = (
    _ITSELF + r"(?:and (?:thus |therefore )?)?(?:is |are |can |was )?(?:currently )?"
    r"(?:only (?:be )?(?:supported|available|accessible|used)|not (?:be )?(?:supported|available|accessible|used))"
    r" (?:in|with|via|on|through|for|by|at|from) " + _DOOR
)
_NO_DOOR = (
    _ITSELF + r"(?:does not|doesn't|cannot|can't) (?:support|serve|work with|be used with) "
    r"(?:the )?(?:/?v\d+/[a-z_/]+|/?chat(?:[ /_]?completions?)?|/?completions?|responses|embeddings?"
    r"|generate(?:Content)?)(?: (?:api|endpoint|operation))?(?=\W*$)"
    r"|\b(?:operation|action|endpoint|api) (?:does not|doesn't) (?:work with|support) (?:this|the(?: \w+)?) model\b"
    r"|\bis not an? (?:chat|embeddings?|completions?|text|language|responses) model\b"
)

# Our own money. What is plainly gone counts under any refusal; a ceiling that was reached may as well be a rate.
_FUNDS = r"(?:credits?|balance|funds?|quotas?|allowance|budget|prepayment)"
_WHOSE = r"(?:your |its |the |available |included |monthly |free |prepaid |api )*"
_IS = r"(?:is |are |was |has been |have been |been )?"
_BROKE = "|".join(
    (
        # the funds
        rf"\binsufficient (?:\w+ ){{0,2}}{_FUNDS}\b",
        rf"\b{_FUNDS}\b (?:(?!not\b)\w+ ){{0,4}}(?:insufficient|not (?:enough|sufficient)|too low|depleted|used up)\b",
        rf"(?:^|\b(?:ran|run|are|is) )out of (?:\w+ ){{0,2}}{_FUNDS}\b",
        r"\bexceeded(?:token)?budget\b",  # LiteLLM
        r"(?<!thinking )(?<!reasoning )\b(?:budget|credits?|balance|funds?)\b (?:(?!not\b)\w+ ){0,5}"
        r"(?:exhausted|exceeded)\b",
        rf"(?:\bnot (?:have )?|n't have )(?:any|enough|sufficient) (?:\w+ ){{0,2}}{_FUNDS}\b",
        rf"\b(?:used|spent|exhausted|consumed|exceeded) (?:up )?(?:all )?(?:of )?{_WHOSE}(?:credits?|balance|funds)\b",
        r"\brequires? more credits\b",
        r"\bfree (?:\w+ )?(?:quota|tier)\b[^.]{0,40}(?:exceeded|exhausted|used up|expired)\b",
        r"\bplease (?:recharge|top[- ]?up)\b",
        # what we set as a limit
        r"\b(?:reach(?:ed|ing)|exceed(?:ed|ing)|hit|over) (?:\w+ ){0,4}(?:spend(?:ing)?|billing|budget|credit)\b",
        rf"\b(?:spend(?:ing)?|billing|credit|budget)(?: hard)?(?: limits?)? {_IS}(?:reached|exceeded|exhausted|hit)\b",
        r"\bblocked (?:by )?spend(?:ing)? limit\b",
        # what we owe
        r"\barrear(?:s|age)\b",
        rf"\b(?:accounts?|payments?|invoices?|bills?) {_IS}(?:over|past )due\b",
        r"\b(?:overdue|unpaid|outstanding) (?:payment|balance|invoice|bill)",
        r"\bfail(?:ure|ed) to pay\b|\bpayment (?:is )?(?:required|failed)\b",
        r"\bno (?:valid )?payment method\b|\binvalid[ _]payment[ _]instrument\b|\brequires? a valid credit card\b",
        r"\bbilling (?:is )?(?:not (?:active|enabled)|inactive|disabled)\b|\baccount is not active\b.*\bbilling\b",
        r"\bbilling (?:to|must) be enabled\b|\bbilling account\b.*\b(?:not found|disabled|closed)\b",
        # the same in other languages
        r"(?:余额|额度|配额|资源包|点数|积分)[^，。,.]{0,12}(?:不足|用尽|耗尽|用完|不够|透支)",
        r"无可用资源包|欠费|请.{0,4}充值|预扣费.{0,4}失败",
        r"(?:残高|クレジット)が?(?:不足|足り)|(?:잔액|크레딧).{0,4}부족",
        r"\b(?:saldo|cr[ée]ditos?|fondos) (?:es |son |est[áa] )?insuficientes?\b",
        r"\b(?:solde|cr[ée]dits?) (?:est |sont )?(?:insuffisants?|[ée]puis[ée]s?)\b",
        r"\bguthaben (?:ist |wurde |reicht )?(?:aufgebraucht|nicht (?:aus|ausreichend)|zu niedrig)",
        r"недостаточно (?:средств|кредитов)|баланс.{0,12}(?:исчерпан|недостаточ)",
    )
)
_CEILING = (
    r"(?<!not )(?<!n't )\b(?:reached|exceeded|hit|exhausted|used up) (?:\w+ ){0,4}"
    r"(?:quotas?|(?:usage|inference) limits?|(?:monthly|weekly) limit)\b"
    rf"|\b(?:quota|usage limits?|(?:monthly|weekly) limit) {_IS}(?:reached|exceeded|exhausted)\b"
)
_PACE = (
    r"per[-_ ]?(?:second|minute|min|hour|day)\b|\b[rtq]p[smdh]\b|rate[-_ ]?limit(?!error)|too many (?:requests|tokens)"
    r"|concurren|throttl|please retry in|(?:for|in) \d+ ?(?:hours?|minutes?|seconds?)\b|频率|速率|并发"
)
_NOTHING_GRANTED = r"\blimit: 0\b"
_UNPAID = (400, 402, 403, 404, 412, 422, 429)
"""The statuses under which our own money is said to be gone."""

_KEY_LIMIT = r"\bkey (?:spend(?:ing)? |credit |budget )?limit (?:is |was |has been )?(?:exceeded|reached)\b"

_BAD_KEY = (
    r"\b(?:incorrect|invalid|wrong|malformed|missing|unknown|expired|revoked|deleted|no) (?:\w+ )?"
    r"(?:(?:api|access|auth\w*|bearer)[ _-]?)?(?:keys?|tokens?|credentials|authentication)\b"
    r"(?! (?:spend\w*|credits?|balance|quotas?|budget|limit)\b)"
    r"|\b(?:keys?|tokens?|credentials)\b (?:provided |supplied |you \w+ )?(?:is |are |was |were |has |have |been )*"
    r"(?:not valid|invalid|incorrect|malformed|missing|expired|revoked|deleted)\b"
)
"""What is said of a key that is none: what such a sentence adds of plans and payments is advice, no state of ours."""

_CALLED = re.compile(
    r"\bmodels?(?: group)?\W{1,3}(?:id |name |with id )?[`'\"“‘]?([A-Za-z0-9][\w.:/@+-]*\w)"
    r"|[`'\"“‘]([A-Za-z][\w.:/@+-]*\w)[`'\"”’]"
    r"|(?<![\w/.:@-])([a-z][\w.]*(?:[-:/@][\w.]+)+)",
    re.IGNORECASE,
)
_NO_ID = re.compile(
    r"(?:https?:|/|v\d+/|(?:org|proj|ak|req|acct|user|team|key|ep)[-_:]|[0-9a-f]{8}-[0-9a-f]{4}-)|[0-9a-f]{16,}$", re.I
)
_LOSS = re.compile(
    r"invalid|unknown|unsupported|not exist|n't exist|not found|not be found|no longer|deprecated|decommissioned"
    r"|retired|shut ?down|discontinued|removed|denied|blocked|access to"
    r"|not (?:available|supported|accessible|allowed|authori[sz]ed|permitted)",
    re.I,
)

_GATED = (
    r"(?:{model}|\b(?:this|the|requested) model)\W{1,3}(?:is |remains )?(?:currently |still |only )*"
    r"(?:available )?(?:(?:in|under|through|during|as|to|for) (?:an? )?)?(?:limited|private|closed|gated|restricted"
    r"|invite-only|invitation-only|early[- ]access|allowlisted|whitelisted)\b(?! (?:to|in) \d)"
    r"|\b(?:request|apply for) access to (?:this|the) model\b|\bjoin the (?:model(?:'s)? )?wait-?list\b"
)
_IN_OTHER_LANGUAGES = (
    r"\bmodell\b[^.]{0,40}\bnicht (?:freigeschaltet|verf[üu]e?gbar|gefunden|zugelassen|vorhanden|unterst[üu]e?tzt)"
    r"|\bmod[èe]le\b[^.]{0,40}(?:\bn'existe pas|\bintrouvable|\bnon disponible|\bpas (?:disponible|accessible|autoris))"
    r"|\bmodelo\b[^.]{0,40}\b(?:no (?:existe|encontrado|est[áa] disponible|disponible)|n[ãa]o (?:existe|encontrado"
    r"|est[áa] dispon[íi]vel|dispon[íi]vel))"
    r"|モデル.{0,12}(?:見つかりません|存在しません|利用できません)|모델.{0,12}(?:없습니다|찾을 수 없|존재하지 않)"
)

_REFUSALS = (400, 403, 404, 410, 422)
"""The statuses under which a sentence says that a model is not there, or not for us."""

TABLE: tuple[MeaningRow, ...] = (
    # The region, before everything that 401 and 403 say of the account.
    _row(Meaning.REGION, 401, 403, code="incorrect_hostname"),
    _row(Meaning.REGION, 403, code="unsupported_country_region_territory"),
    _row(Meaning.REGION, 200, 400, 403, code="data_residency_mismatch"),
    _row(
        Meaning.REGION,
        400,
        403,
        404,
        says=r"^(?:country, region, or territory|(?:user|your) (?:country|region|location)) (?:is )?not supported"
        r"|\bnot (?:available|supported|allowed|permitted) in (?:your|this|the current) (?:countr|region|location)"
        r"|\bunsupported (?:countr|region|location|territor)",
        account=True,
    ),
    _row(Meaning.REGION, 451),
    # Proxies refuse a key for one model with 401.
    _row(Meaning.POLICY, 401, 403, type="key_model_access_denied team_model_access_denied user_model_access_denied"),
    _row(Meaning.POLICY, 401, 403, type="project_model_access_denied org_model_access_denied"),
    _row(
        Meaning.POLICY,
        401,
        403,
        says=r"\b(?:key|token|team|user|project|organi[sz]ation)(?:=\S+)? not allowed to access model\b",
    ),
    _row(Meaning.POLICY, 401, 403, says=r"\blacks the required data action\b", account=True),  # Azure
    # Gateways refuse a key whose budget is spent as if it were no key.
    _row(Meaning.QUOTA, 401, 403, says=_KEY_LIMIT, account=True),  # OpenRouter
    _row(Meaning.QUOTA, 401, says=_BROKE, names=_BROKE, unless=_BAD_KEY, account=True),
    _row(Meaning.UNKNOWN, 401),
    # 429 is five conditions, and one of them alone passes by itself; 402 and others are how others say the same.
    _row(Meaning.QUOTA, 429, code="credit_balance_exhausted"),
    _row(Meaning.QUOTA, 429, code="organization_spend_limit_exceeded project_spend_limit_exceeded"),
    _row(Meaning.QUOTA, 429, code="organization_usage_limit_exceeded"),
    _row(Meaning.QUOTA, *_UNPAID, code="insufficient_quota 1113 billing_hard_limit_reached billing_not_active"),
    _row(Meaning.QUOTA, *_UNPAID, type="insufficient_quota 1113 budget_exceeded"),
    _row(Meaning.QUOTA, 402),
    _row(Meaning.QUOTA, *_UNPAID, says=_BROKE, names=_BROKE, account=True),
    _row(Meaning.QUOTA, 429, says=_NOTHING_GRANTED, account=True),  # Gemini
    _row(Meaning.QUOTA, *_UNPAID, says=_CEILING, names=_CEILING, unless=_PACE, account=True),
    _row(Meaning.TRANSIENT, 429),
    _row(Meaning.TRANSIENT, 408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529),
    _row(Meaning.TRANSIENT, 200, code="server_error rate_limit_exceeded vector_store_timeout"),
    # A verification or a rule that somebody of the organisation can mend.
    _row(
        Meaning.POLICY,
        400,
        403,
        404,
        says=r"\b(?:organi[sz]ation must be verified to|verify your organi[sz]ation)\b",
        account=True,
    ),
    _row(Meaning.POLICY, 403, code="model_not_found", says=r"\bProject\b.*\bdoes not have access to model\b"),
    _row(Meaning.POLICY, 403, code="model_permission_blocked_org model_permission_blocked_project"),  # Groq
    _row(Meaning.POLICY, 400, 403, code="model_terms_required"),  # Groq
    _row(Meaning.POLICY, 400, 403, param="service_tier", says=r"\bnot allowed for this project\b"),
    _row(
        Meaning.POLICY,
        400,
        403,
        404,
        says=r"\bmatching your (?:data policy|privacy|guardrail)|\b(?:your|organi[sz]ation'?s?) data policy\b"
        r"|\bno allowed providers are available\b"
        r"|\baccount is not authorized to \w+ this\b|\bmodel use case details have not been submitted\b"  # Bedrock
        r"|\bmodel access is denied due to\b|\bnot authorized to perform\b|\bservice control policy\b"
        r"|(?:{model}|\bmodel)\W{1,3}(?:is |has been |was )?(?:blocked|disabled|not (?:allowed|enabled|permitted))"
        r" (?:by|at|in|for) (?:the |your |an )?(?:organi[sz]ation|project|team|workspace|tenant|enterprise)?(?:'s)? ?"
        r"(?:admin|policy|settings|level)"
        r"|\bmodel\b.*\brequires? (?:\w+ )?terms\b|\b(?:accept|agree to) the (?:\w+ )?terms\b.*\bmodel\b"
        r"|\bnot (?:yet )?activated the model\b",
    ),
    _row(
        Meaning.POLICY,
        400,
        403,
        404,
        says=r"\b(?:accept|agree to)\b[^.]{0,40}\b(?:terms|licen[sc]e|agreement)\b[^.]*(?:{model}|\bmodel\b|\buse it\b)"
        r"|\b(?:upgrade|subscribe|switch)\b[^.]{0,40}\bto (?:use|access|call|unlock) "
        r"(?:(?:this|the) (?:requested )?model\b|{model})"
        r"|(?:{model}|\bmodel)\W{1,3}(?:is )?(?:requires?|needs?|(?:only )?(?:available|offered|included))(?: only)?"
        r"(?: on| to| for| with| in)? (?:an? |the )?(?:[\w-]+ )?(?:plan|tier|subscription|subscribers|customers)\b"
        r"|\b(?:data residency|zero data retention|zdr)\b[^.]{0,60}\b(?:prevents?|cannot|can't|block\w*|restrict\w*"
        r"|not (?:allowed|eligible|supported|permitted))\b",
    ),
    _row(Meaning.POLICY, 400, 403, code="SERVICE_DISABLED"),  # Google
    _row(
        Meaning.POLICY,
        400,
        403,
        says=r"\benable the [\w ]{3,60}\bAPI\b|\bAPI has not been used in project\b",  # Google
        account=True,
    ),
    # Safety.
    _row(Meaning.BLOCKED, 403, says=r"\bDaybreak\b|\bcyber access program", account=True),
    _row(Meaning.BLOCKED, 200, code="bio_policy cyber_policy misalignment_policy_violation"),
    _row(Meaning.BLOCKED, 400, 403, code="organization_restricted safety_identifier_blocked"),  # Groq; OpenAI
    _row(Meaning.BLOCKED, 403, code="ReadOnlyDisabledSubscription"),  # Azure
    _row(
        Meaning.BLOCKED,
        400,
        403,
        says=r"\b(?:account|organi[sz]ation|workspace|team)\b (?:[\w-]+ )?(?:has been|is|was) (?:\w+ )?"
        r"(?:suspended|restricted|deactivated|banned|disabled|terminated)\b",
        account=True,
    ),
    # The end of a model.
    _row(
        Meaning.RETIRED,
        400,
        404,
        410,
        code="model_decommissioned ModelDeprecated model_deprecated ServiceModelDeprecated model_retired",
    ),  # Groq, Azure
    _row(Meaning.RETIRED, 400, 404, 410, code="model_not_found", says=_ENDED),
    _row(Meaning.RETIRED, *_REFUSALS, says=rf"(?:{_NAMED}|^{{model}}\W{{1,3}}){_ENDED}"),
    _row(Meaning.RETIRED, *_REFUSALS, says=_UNNAMED + _ENDED + r"|模型.{0,4}(?:已下线|已停用|已退役)"),
    # Not there, or not for us: one code under three statuses, and what others call it.
    _row(Meaning.ACCESS_LOST, 400, 403, 404, code="model_not_found"),
    _row(Meaning.ACCESS_LOST, 404, code="DeploymentNotFound"),  # Azure
    _row(Meaning.ACCESS_LOST, 400, 404, code="unknown_model OperationNotSupported"),  # Azure
    _row(Meaning.ACCESS_LOST, 400, 403, 404, code="model_not_supported unsupported_api_for_model"),  # Copilot
    _row(Meaning.ACCESS_LOST, 400, 404, code="model_not_available dedicated_endpoint_not_running"),  # Together
    _row(Meaning.ACCESS_LOST, 400, 404, type="invalid_model"),  # Mistral
    _row(Meaning.ACCESS_LOST, 404, code="InvalidEndpointOrModel.NotFound"),  # Volcengine
    _row(Meaning.ACCESS_LOST, 403, code="no_access"),  # GitHub
    _row(
        Meaning.ACCESS_LOST,
        400,
        404,
        says=r"\bmodel is marked by (?:the )?provider as legacy\b"
        r"|\binvocation of model id {model}\W(?:[\w-]+ ){0,5}(?:isn't|is not) supported\b",  # Bedrock
    ),
    _row(Meaning.ACCESS_LOST, 404, says=r"^Model not found, inaccessible, and/or not deployed"),  # Fireworks
    _row(Meaning.ACCESS_LOST, 400, 404, says=r"\bAPI deployment for this resource does not exist"),  # Azure
    _row(
        Meaning.ACCESS_LOST, 404, type="not_found_error NotFoundError", says=r"\bmodel\W+{model}"
    ),  # Anthropic, vLLM, Ollama
    _row(Meaning.ACCESS_LOST, 400, says=r"{model}\W+model is not supported when using Codex"),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_NAMED + _GONE),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_UNNAMED + _GONE_UNNAMED),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_NO_SUCH),
    _row(
        Meaning.ACCESS_LOST,
        *_REFUSALS,
        says=r"\b(?:model not found|invalid model name passed in model)\W{1,3}{model}"
        r"|^{model}\W{1,2}(?:model )?(?:is not a valid model|does not exist|is not available|was not found|not found)\b"
        r"|模型\W*(?:{model}\W*)?(?:不存在|未找到|不可用|没有找到|未开通)|无权(?:限)?(?:访问|使用|调用).{0,6}模型",
    ),
    _row(Meaning.ACCESS_LOST, 400, 403, 404, says=_FORBIDDEN),
    _row(Meaning.ACCESS_LOST, 400, 403, 404, says=_DENIED),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_ELSEWHERE_ONLY),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_NO_DOOR),
    _row(Meaning.ACCESS_LOST, 404, says=r"^No endpoints found for {model}"),  # OpenRouter
    _row(Meaning.ACCESS_LOST, 400, 403, 404, says=_GATED),
    _row(Meaning.ACCESS_LOST, *_REFUSALS, says=_IN_OTHER_LANGUAGES),
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
"""The whole taxonomy. The order counts: a word about a region, our money or a verification comes before what its code
alone would say.
"""


def classify(status: int, body: object, *, model: str = "") -> ErrorVerdict:
    """Return what an answer means. `body` is the parsed JSON of it, None or a text where it is none; `model` the id
    that was called.

    With 200 only an answer that failed inside (`status: "failed"`) has an error to be read; any other 200 is granted as
    far as this table goes, and an error object in it is unknown. Whether its shape is the right one is the business of
    whoever made the call.
    """
    statement = error_statement(body)
    if status not in GOOD:
        return _verdict(_meaning(status, statement, model.removeprefix("models/")), statement)
    if not isinstance(body, Mapping):
        return ErrorVerdict(meaning=Meaning.UNKNOWN)
    if body.get("status") == "failed":
        return _verdict(_meaning(200, statement, model.removeprefix("models/")), statement)
    return _verdict(Meaning.UNKNOWN, statement) if body.get("error") else ErrorVerdict(meaning=Meaning.GRANTED)


def _meaning(status: int, statement: ErrorStatement, model: str) -> Meaning:
    vetoed: set[Meaning] = set()
    if _about_another_model(statement, model):
        vetoed |= {Meaning.ACCESS_LOST, Meaning.RETIRED, Meaning.POLICY}
    if statement.param not in ("", "null") and not _found(r"model", statement.param):
        # A parameter is gone, and not the model; what it says of a budget is one of tokens.
        vetoed |= {Meaning.ACCESS_LOST, Meaning.RETIRED, *({Meaning.QUOTA} if status in (400, 422) else ())}
    for row in TABLE:
        if row.meaning not in vetoed and row.fits(status, statement, model):
            return row.meaning
    if status == 400 and statement.type == "invalid_request_error" and statement.param not in ("", "model"):
        return Meaning.PARAMETER_REJECTED
    return Meaning.UNKNOWN


def _about_another_model(statement: ErrorStatement, model: str) -> bool:
    """Return whether what is gone is a model by another id than the one that was called: a fallback, say."""
    losing = [sentence for sentence in statement.sentences if _LOSS.search(sentence)]
    own = bool(model) and any(re.search(whole(model), sentence, re.IGNORECASE) for sentence in losing)
    return not own and any(_elsewhere(sentence, model) for sentence in losing)


def _elsewhere(sentence: str, model: str) -> bool:
    """Return whether a sentence names an id that is not the one that was called, and not that one."""
    if not model or re.search(whole(model), sentence, re.IGNORECASE):
        return False
    names = (next(filter(None, groups)) for groups in _CALLED.findall(sentence))
    return any(re.search(r"\d|-", name) and not _NO_ID.match(name) for name in names)


def _verdict(meaning: Meaning, statement: ErrorStatement) -> ErrorVerdict:
    return ErrorVerdict(
        meaning=meaning,
        code=statement.code,
        param=statement.param,
        message=" ".join(statement.message.split())[:MESSAGE],
    )
