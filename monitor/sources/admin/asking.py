"""The questions to the admin API: which call of the SDK, over how many pages, and whether "there is none" is an answer.

What the answers mean is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import openai

PAGES = 100
"""How many pages one question may have; a list that goes on beyond is not read at all."""

DAY = timedelta(days=1)
BILLING_DELAY = DAY
"""How old a day must be before what was billed on it counts: usage and costs arrive late, and how late is documented
nowhere.
"""

BILLED_DAYS = 7
"""How many complete days of bills are read. Longer than a price may be stale, a bill would prove nothing about today.
"""

AUDITED_DAYS = 30
"""How many days of the audit log are read."""

Call: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call. `cursor` is the parameter that asks for the next page, where the answer has pages; with `absent_on`
    such a status is the answer that there is no such thing.
    """

    name: str
    call: Call
    arguments: Mapping[str, Any] = field(default_factory=dict)
    cursor: Literal["", "after", "page"] = ""
    absent_on: frozenset[int] = frozenset()


Questions: TypeAlias = Callable[[openai.OpenAI, str, datetime], list[Question]]
"""The questions of a part: from the SDK, the project (which may be empty) and when the poll began."""

NONE = frozenset({404})


def midnight(at: datetime) -> datetime:
    """Return when the UTC day of a time began."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def billed_range(now: datetime) -> dict[str, int]:
    """Return the complete UTC days that are old enough, as the parameters of the usage and costs calls."""
    end = midnight(now - BILLING_DELAY)
    return {"start_time": int((end - BILLED_DAYS * DAY).timestamp()), "end_time": int(end.timestamp())}


def project(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    return [_project(sdk, project)]


def _project(sdk: openai.OpenAI, project: str) -> Question:
    call = sdk.admin.organization.projects.with_raw_response.retrieve
    return Question(name="project", call=call, arguments={"project_id": project})


def rate_limits(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    call = sdk.admin.organization.projects.rate_limits.with_raw_response.list_rate_limits
    return [Question(name="rate_limits", call=call, arguments={"project_id": project, "limit": 100}, cursor="after")]


def model_permissions(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    """With the project itself: a 404 means that there is no policy only where the project is there."""
    call = sdk.admin.organization.projects.model_permissions.with_raw_response.retrieve
    policy = Question(name="model_permissions", call=call, arguments={"project_id": project}, absent_on=NONE)
    return [_project(sdk, project), policy]


def service_tiers(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    call = sdk.admin.organization.projects.service_tier_settings.with_raw_response.retrieve
    tiers = Question(name="service_tiers", call=call, arguments={"project_id": project}, absent_on=NONE)
    return [_project(sdk, project), tiers]


def hosted_tools(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    call = sdk.admin.organization.projects.hosted_tool_permissions.with_raw_response.retrieve
    return [Question(name="hosted_tools", call=call, arguments={"project_id": project})]


def data_retention(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    organization = sdk.admin.organization
    return [
        _project(sdk, project),
        Question(
            name="project_data_retention",
            call=organization.projects.data_retention.with_raw_response.retrieve,
            arguments={"project_id": project},
            absent_on=NONE,
        ),
        Question(
            name="organization_data_retention",
            call=organization.data_retention.with_raw_response.retrieve,
            absent_on=NONE,
        ),
    ]


def spend_limit(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    organization = sdk.admin.organization
    return [
        _project(sdk, project),
        Question(
            name="project_spend_limit",
            call=organization.projects.spend_limit.with_raw_response.retrieve,
            arguments={"project_id": project},
            absent_on=NONE,
        ),
        Question(
            name="organization_spend_limit", call=organization.spend_limit.with_raw_response.retrieve, absent_on=NONE
        ),
    ]


def usage(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    raw = sdk.admin.organization.usage.with_raw_response
    arguments = {**billed_range(now), "bucket_width": "1d", "limit": 31, "group_by": ["model"], **_of(project)}
    return [
        Question(name=name, call=call, arguments=arguments, cursor="page")
        for name, call in (("completions", raw.completions), ("embeddings", raw.embeddings))
    ]


def costs(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    call = sdk.admin.organization.usage.with_raw_response.costs
    arguments = {**billed_range(now), "bucket_width": "1d", "limit": 31, "group_by": ["line_item"], **_of(project)}
    return [Question(name="costs", call=call, arguments=arguments, cursor="page")]


WATCHED = (
    "rate_limit.updated",
    "rate_limit.deleted",
    "project.updated",
    "project.archived",
    "project.deleted",
    "organization.updated",
    "api_key.created",
    "api_key.updated",
    "api_key.deleted",
    "ip_allowlist.created",
    "ip_allowlist.updated",
    "ip_allowlist.deleted",
    "ip_allowlist.config.activated",
    "ip_allowlist.config.deactivated",
    "service_account.created",
    "service_account.updated",
    "service_account.deleted",
)
"""The events of the audit log that may explain why a model answers otherwise than yesterday."""

WATCHED_OF_TENANT = (
    "tenant.trusted_access.business_verification.started",
    "tenant.trusted_access.application.submitted",
    "tenant.product_access_policy.updated",
    "tenant.billing.overage_limit.updated",
    "tenant.billing.alerts.updated",
    "tenant.billing.info.updated",
    "tenant.usage_limit.workspace.updated",
    "tenant.usage_limit.group.updated",
    "tenant.usage_limit.user.updated",
    "tenant.usage_limit.increase_request.updated",
    "tenant.usage_limit.increase_request.resolved",
    "tenant.migration_rollout.tier.updated",
)
"""The same of the tenant, which the API gives in a list of its own."""


def audit_log(sdk: openai.OpenAI, project: str, now: datetime) -> list[Question]:
    """Two lists: events of a tenant may not be asked for together with others, and an account without a tenant has
    none.
    """
    call = sdk.admin.organization.audit_logs.with_raw_response.list
    since = {"gte": int((midnight(now) - AUDITED_DAYS * DAY).timestamp())}
    return [
        Question(
            name="audit_log",
            call=call,
            arguments={"effective_at": since, "event_types": list(WATCHED), "limit": 100},
            cursor="after",
        ),
        Question(
            name="tenant_audit_log",
            call=call,
            arguments={
                "effective_at": since,
                "event_types": list(WATCHED_OF_TENANT),
                "tenant_only": True,
                "limit": 100,
            },
            cursor="after",
            absent_on=frozenset({400, 403, 404}),
        ),
    ]


def _of(project: str) -> dict[str, list[str]]:
    return {"project_ids": [project]} if project else {}
