"""The parts of an account: what each asks, how it is read, and whether its answers are partial. The
one table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from monitor.sources.admin import asking, audit_log, billing, settings
from monitor.sources.admin.asking import Questions
from monitor.sources.admin.settings import Read


def _as_it_is(content: bytes) -> bytes:
    return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part. `partial` answers lose nothing by what they leave out; `cleaned` takes out of an answer what may not be
    kept.

    A part `of_project` cannot be asked for without the id of one.
    """

    questions: Questions
    read: Read
    version: int = 1
    of_project: bool = True
    partial: bool = False
    cleaned: Callable[[bytes], bytes] = _as_it_is


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "project": Part(questions=asking.project, read=settings.project),
        "rate_limits": Part(questions=asking.rate_limits, read=settings.rate_limits),
        "model_permissions": Part(questions=asking.model_permissions, read=settings.model_permissions),
        "service_tiers": Part(questions=asking.service_tiers, read=settings.service_tiers, partial=True),
        "hosted_tools": Part(questions=asking.hosted_tools, read=settings.hosted_tools),
        "data_retention": Part(questions=asking.data_retention, read=settings.data_retention, partial=True),
        "spend_limit": Part(questions=asking.spend_limit, read=settings.spend_limit),
        "usage": Part(questions=asking.usage, read=billing.usage, of_project=False, partial=True),
        "costs": Part(questions=asking.costs, read=billing.costs, of_project=False, partial=True),
        "audit_log": Part(
            questions=asking.audit_log,
            read=audit_log.audit_log,
            of_project=False,
            partial=True,
            cleaned=audit_log.impersonal,
        ),
    }
)
