"""Who changed what: the last event of each watched kind, without the people's addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from admin_account import MISSING, NOW, PROJECT, Account, audited, error, listed, source

from monitor.core.facts import FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.http import HttpClient

LOG = "/organization/audit_logs"
SUBJECT = Subject("eu", "audit_log")


@pytest.fixture
def poll(account: Account, http: HttpClient) -> Any:
    return lambda: source(account, http, "audit_log").observe(NOW, None)


def lowered(hours: int, **numbers: int) -> dict[str, object]:
    return audited(
        "rate_limit.updated",
        NOW - timedelta(hours=hours),
        **{"rate_limit.updated": {"id": "rl-gpt-5.6-luna", "changes_requested": numbers}},
    )


def logged(account: Account, *events: dict[str, object], tenant: tuple[dict[str, object], ...] = ()) -> None:
    account.answers[LOG] = lambda query: (200, listed(*(tenant if "tenant_only" in query else events)))


def test_a_changed_rate_limit_carries_its_new_numbers(account: Account, poll: Any) -> None:
    logged(account, lowered(2, max_requests_per_1_minute=500))
    seen = poll()
    assert seen.facts == {
        SUBJECT: {
            "setting.rate_limit.updated": "2026-11-23T07:30:00Z by user-7 rl-gpt-5.6-luna "
            '{"changes_requested":{"max_requests_per_1_minute":500}}'
        }
    }
    assert seen.partial


def test_of_each_kind_the_last_one_is_stated_in_whatever_order_they_come(account: Account, poll: Any) -> None:
    logged(account, lowered(9, max_requests_per_1_minute=1), lowered(2, max_requests_per_1_minute=2), lowered(5))
    (said,) = poll().facts[SUBJECT].values()
    assert said.startswith("2026-11-23T07:30:00Z")


def test_addresses_of_people_reach_neither_facts_nor_evidence(account: Account, poll: Any) -> None:
    logged(account, lowered(2, max_requests_per_1_minute=500))
    seen = poll()
    assert b"user-7" in seen.body.content
    for personal in (b"ada@example.com", b"203.0.113.9"):
        assert personal not in seen.body.content
        assert personal.decode() not in repr(seen.facts)


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ({"type": "api_key", "api_key": {"id": "key_1", "service_account": {"id": "svc-9"}}}, "by svc-9"),
        ({"type": "api_key", "api_key": {"id": "key_1", "type": "user", "user": None}}, "by key_1"),
        ({"type": "session", "session": None}, "by session"),
        (None, "by an unnamed actor"),
        ({}, "by an unnamed actor"),
    ],
)
def test_the_actor_is_named_by_an_id(account: Account, poll: Any, actor: object, said: str) -> None:
    logged(account, lowered(2) | {"actor": actor})
    (value,) = poll().facts[SUBJECT].values()
    assert said in value


def test_events_of_other_projects_are_left_out_and_those_of_the_organisation_are_not(
    account: Account, poll: Any
) -> None:
    mine = audited("api_key.deleted", NOW, project={"id": PROJECT, "name": "prod"})
    other = audited("api_key.created", NOW, project={"id": "proj_other"})
    logged(account, mine, other, audited("organization.updated", NOW))
    assert poll().facts[SUBJECT].keys() == {"setting.api_key.deleted", "setting.organization.updated"}


def test_the_tenant_has_a_list_of_its_own_and_an_account_without_a_tenant_has_none(account: Account, poll: Any) -> None:
    started = audited("tenant.trusted_access.business_verification.started", NOW)
    logged(account, lowered(1), tenant=(started,))
    assert len(poll().facts[SUBJECT]) == 2
    assert [("tenant_only" in query, len(query["event_types[]"])) for _, query, _ in account.requests] == [
        (False, 17),
        (True, 12),
    ]
    refusal = 400, error("tenant_only is not available", "invalid_request_error")
    account.answers[LOG] = lambda query: refusal if "tenant_only" in query else (200, listed(lowered(1)))
    assert poll().facts[SUBJECT].keys() == {"setting.rate_limit.updated"}


def test_a_log_that_may_not_be_read_is_a_failure(account: Account, poll: Any) -> None:
    account.answers[LOG] = MISSING
    seen = poll()
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.NOT_FOUND


def test_an_event_without_type_or_time_is_refused_and_the_rest_is_read(account: Account, poll: Any) -> None:
    logged(account, lowered(1), {"id": "x", "type": None, "effective_at": 1}, {"id": "y", "type": "project.updated"})
    seen = poll()
    assert isinstance(seen, Snapshot)
    assert seen.facts[SUBJECT].keys() == {"setting.rate_limit.updated"}
    assert len(seen.refused) == 2
