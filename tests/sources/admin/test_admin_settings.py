"""What the account says of its project: every part, exact shapes, missing and foreign fields, and what is no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from admin_account import KEY, MISSING, NOW, OF_PROJECT, PROJECT, Account, error, listed, rate_limit, source, spec

from monitor.core.facts import Fact, FailureReason, PollFailure, Snapshot, Subject, Unchanged
from monitor.core.ports import ConfigurationError
from monitor.sources.admin import PARTS
from monitor.sources.catalog import SourceDeps, build
from monitor.sources.http import HttpClient
from monitor.sources.kinds.admin import OF_ACCOUNT

LUNA = Subject("eu", "gpt-5.6-luna")


def about(name: str) -> Subject:
    return Subject("eu", name)


@pytest.fixture
def poll(account: Account, http: HttpClient) -> Any:
    def observe(part: str, **changes: Any) -> Any:
        return source(account, http, part, **changes).observe(NOW, None)

    return observe


def facts(seen: object) -> dict[Subject, dict[str, object]]:
    assert isinstance(seen, Snapshot), seen
    return {subject: dict(fields) for subject, fields in seen.facts.items()}


def test_the_project_says_its_status_and_where_its_data_live(poll: Any) -> None:
    assert facts(poll("project")) == {
        about("project"): {"setting.status": "active"},
        about("residency"): {"setting.value": "EU_STORAGE_PROCESSING"},
    }


@pytest.mark.parametrize("residency", [None, "absent"])
def test_a_residency_that_is_not_stated_is_unclear_and_not_gone(account: Account, poll: Any, residency: Any) -> None:
    status, found = account.answers[OF_PROJECT]  # type: ignore[misc]
    assert isinstance(found, dict)
    found = {key: value for key, value in found.items() if key != "residency" or residency is None}
    account.answers[OF_PROJECT] = (status, found | ({"residency": None} if residency is None else {}))
    seen = poll("project")
    assert about("residency") not in seen.facts
    assert Fact(about("residency"), "setting.value") in seen.unclear


def test_a_limit_is_a_whole_number_of_each_model_and_a_null_is_no_limit(poll: Any) -> None:
    assert facts(poll("rate_limits"))[LUNA] == {
        "limit.requests_per_minute": 5000,
        "limit.tokens_per_minute": 2_000_000,
        "limit.batch_input_tokens_per_day": 20_000_000,
    }


def test_a_limit_of_another_kind_keeps_its_own_name_and_a_foreign_field_is_none(account: Account, poll: Any) -> None:
    row = rate_limit("gpt-5.6-luna", max_videos_per_1_hour=7, remark="new", tier=3)
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(row))
    found = facts(poll("rate_limits"))[LUNA]
    assert found["limit.max_videos_per_1_hour"] == 7
    assert {name.partition(".")[0] for name in found} == {"limit"}


@pytest.mark.parametrize("value", ["5000", 5000.5, True, {"n": 1}])
def test_a_limit_that_is_no_whole_number_is_refused_and_unclear(account: Account, poll: Any, value: object) -> None:
    row = rate_limit("gpt-5.6-luna", max_requests_per_1_minute=value)
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(row))
    seen = poll("rate_limits")
    assert "limit.requests_per_minute" not in seen.facts[LUNA]
    assert Fact(LUNA, "limit.requests_per_minute") in seen.unclear
    assert [one.where for one in seen.refused] == ["gpt-5.6-luna limit.requests_per_minute"]


def test_two_rows_of_one_model_that_disagree_are_unclear(account: Account, poll: Any) -> None:
    rows = (rate_limit("gpt-5.6-luna"), rate_limit("gpt-5.6-luna", max_requests_per_1_minute=10))
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(*rows))
    seen = poll("rate_limits")
    assert "limit.requests_per_minute" not in seen.facts[LUNA]
    assert seen.facts[LUNA]["limit.tokens_per_minute"] == 2_000_000


def paged(*pages: dict[str, object]) -> Any:
    """Answers page by page, each reached by the last id of the one before."""
    cursors = {None: 0} | {str(page["last_id"]): number for number, page in enumerate(pages, start=1)}

    def answer(query: Any) -> tuple[int, object]:
        return 200, pages[cursors[query.get("after", [None])[0]]]

    return answer


def test_all_pages_of_the_limits_are_followed(account: Account, poll: Any) -> None:
    account.answers[f"{OF_PROJECT}/rate_limits"] = paged(
        listed(rate_limit("a"), has_more=True), listed(rate_limit("b"), has_more=True), listed(rate_limit("c"))
    )
    assert set(facts(poll("rate_limits"))) == {about("a"), about("b"), about("c")}
    assert [query["limit"] for _, query, _ in account.requests] == [["100"]] * 3


def test_a_page_that_cannot_be_read_fails_the_poll(account: Account, poll: Any) -> None:
    first = listed(rate_limit("a"), has_more=True)
    account.answers[f"{OF_PROJECT}/rate_limits"] = lambda query: (
        (500, error("oops", None)) if "after" in query else (200, first)
    )
    seen = poll("rate_limits")
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.SERVER_ERROR


@pytest.mark.parametrize("more", [{"last_id": None}, {"last_id": "rl-a"}], ids=["nowhere", "in a circle"])
def test_pages_that_do_not_end_are_a_truncated_list(account: Account, poll: Any, more: Any) -> None:
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(rate_limit("a"), has_more=True) | more)
    seen = poll("rate_limits")
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TRUNCATED


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"data": None}, FailureReason.INVALID_SHAPE),
        ({"object": "list"}, FailureReason.INVALID_SHAPE),
        ([], FailureReason.INVALID_SHAPE),
        ({"data": ["gpt-5.6-luna"]}, FailureReason.INVALID_SHAPE),
        (b"<html><title>Sign in</title></html>", FailureReason.NOT_JSON),
        (b'{"data": [', FailureReason.NOT_JSON),
        (b"", FailureReason.NOT_JSON),
    ],
)
def test_what_is_no_list_is_a_failure_and_no_empty_list(
    account: Account, poll: Any, answer: Any, reason: FailureReason
) -> None:
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, answer)
    seen = poll("rate_limits")
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason


def test_the_models_of_a_policy_are_one_sorted_value(poll: Any) -> None:
    assert facts(poll("model_permissions"))[about("model_permissions")] == {
        "setting.mode": "allow_list",
        "setting.models": '["gpt-5.6-luna","gpt-5.6-terra"]',
    }


@pytest.mark.parametrize("answer", [MISSING, (200, {"object": "project.model_permissions", "mode": None})])
def test_no_policy_is_a_stated_fact(account: Account, poll: Any, answer: Any) -> None:
    account.answers[f"{OF_PROJECT}/model_permissions"] = answer
    assert facts(poll("model_permissions"))[about("model_permissions")] == {
        "setting.mode": "none",
        "setting.models": "none",
    }


@pytest.mark.parametrize("part", ["model_permissions", "spend_limit", "service_tiers", "data_retention"])
def test_where_the_project_itself_is_not_found_nothing_is_said_to_be_unset(
    account: Account, poll: Any, part: str
) -> None:
    account.answers = {}
    seen = poll(part)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.NOT_FOUND


def test_service_tiers_are_all_or_a_list(account: Account, poll: Any) -> None:
    assert facts(poll("service_tiers"))[about("service_tiers")] == {
        "setting.default": "standard",
        "setting.enabled": '["fast","flex"]',
    }
    account.change(f"{OF_PROJECT}/service_tier_settings", enabled_tiers="all")
    assert facts(poll("service_tiers"))[about("service_tiers")]["setting.enabled"] == "all"


def test_an_account_without_the_setting_of_tiers_says_nothing_of_them(account: Account, poll: Any) -> None:
    account.answers[f"{OF_PROJECT}/service_tier_settings"] = MISSING
    seen = poll("service_tiers")
    assert facts(seen) == {}
    assert seen.partial


def test_each_hosted_tool_is_on_or_off_and_a_new_one_is_read_as_well(account: Account, poll: Any) -> None:
    account.change(f"{OF_PROJECT}/hosted_tool_permissions", computer_use={"enabled": True}, mcp=None, note="x")
    seen = poll("hosted_tools")
    assert seen.facts[about("hosted_tools")] == {
        "setting.code_interpreter": True,
        "setting.file_search": True,
        "setting.image_generation": False,
        "setting.web_search": True,
        "setting.computer_use": True,
    }
    assert Fact(about("hosted_tools"), "setting.mcp") in seen.unclear


def test_data_retention_is_told_of_the_project_and_of_the_organisation(account: Account, poll: Any) -> None:
    both = {"setting.project": "zero_data_retention", "setting.organization": "modified_abuse_monitoring"}
    assert facts(poll("data_retention"))[about("data_retention")] == both
    account.answers["/organization/data_retention"] = MISSING
    assert facts(poll("data_retention"))[about("data_retention")] == {"setting.project": "zero_data_retention"}


def test_a_spend_limit_is_whole_cents_and_whether_it_is_enforced(poll: Any) -> None:
    found = facts(poll("spend_limit"))
    assert found[about("spend_limit")] == {
        "setting.threshold": 500_000,
        "setting.currency": "USD",
        "setting.interval": "month",
        "setting.enforcement": "inactive",
    }
    assert set(found[about("organization_spend_limit")].values()) == {"none"}


# -- the call --------------------------------------------------------------


def test_only_the_admin_key_is_sent_and_nothing_is_left_to_the_environment(
    account: Account, poll: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OPENAI_API_KEY": "sk-key-of-the-environment",
        "OPENAI_ADMIN_KEY": "sk-admin-of-the-environment",
        "OPENAI_ORG_ID": "org-env",
        "OPENAI_PROJECT_ID": "proj_env",
        "OPENAI_BASE_URL": "http://nobody.invalid/v1",
        "OPENAI_CUSTOM_HEADERS": "X-Env: yes",
    }.items():
        monkeypatch.setenv(name, value)
    assert isinstance(poll("project"), Snapshot)
    ((_, _, headers),) = account.requests
    assert headers["authorization"] == f"Bearer {KEY}"
    assert not {"openai-organization", "openai-project", "x-env"} & headers.keys()


def test_a_refused_key_is_a_failure_without_the_key_and_is_read_anew(account: Account, http: HttpClient) -> None:
    keys = ["sk-admin-of-yesterday-000000", KEY]
    one = source(account, http, "project", secret=lambda _: keys.pop(0))
    seen = one.observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.UNAUTHORIZED
    assert "yesterday" not in seen.detail
    assert seen.body is not None
    assert b"yesterday" not in seen.body.content
    assert isinstance(one.observe(NOW, None), Snapshot)


def test_a_part_that_the_key_may_not_read_fails_alone_and_names_the_scope(account: Account, poll: Any) -> None:
    account.answers[f"{OF_PROJECT}/rate_limits"] = (
        403,
        error(
            "You have insufficient permissions for this operation. Missing scopes: api.management.read.",
            "insufficient_permissions",
        ),
    )
    seen = poll("rate_limits")
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.FORBIDDEN
    assert "Missing scopes: api.management.read" in seen.detail
    assert isinstance(poll("project"), Snapshot)


@pytest.mark.parametrize(
    ("reference", "secret"), [("", lambda _: KEY), ("env:ADMIN", lambda _: "  "), ("env:ADMIN", lambda _: "schlüssel")]
)
def test_without_an_admin_key_there_is_no_poll(account: Account, http: HttpClient, reference: str, secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="admin key"):
        source(account, http, "project", secret=secret, admin_key=reference).observe(NOW, None)
    assert account.requests == []


def test_the_same_answers_are_unchanged_unless_they_are_partial(account: Account, http: HttpClient) -> None:
    from monitor.core.facts import Known

    for part in ("rate_limits", "usage"):
        one = source(account, http, part)
        first = one.observe(NOW, None)
        assert isinstance(first, Snapshot)
        again = one.observe(NOW, Known(sha256=first.body.sha256))
        assert isinstance(again, Snapshot if part == "usage" else Unchanged), part


@pytest.mark.parametrize("part", PARTS)
def test_stored_answers_are_read_anew_as_they_were(account: Account, http: HttpClient, part: str) -> None:
    one = source(account, http, part)
    seen = one.observe(NOW, None)
    assert isinstance(seen, Snapshot)
    assert one.extract(seen.body, NOW) == seen
    assert seen.extractor == f"admin_{part}/1"
    assert KEY.encode() not in seen.body.content
    json.loads(seen.body.content)


# -- the catalogue ---------------------------------------------------------


def built(part: str, account: Account, http: HttpClient, **changes: Any) -> Any:
    return build(spec(part), SourceDeps(http=http, surface=account.surface(**changes), secret=lambda _: KEY))


@pytest.mark.parametrize("part", PARTS)
def test_the_catalogue_builds_every_part(account: Account, http: HttpClient, part: str) -> None:
    assert isinstance(built(part, account, http).observe(NOW, None), Snapshot)


def test_a_part_of_a_project_needs_one_and_the_others_do_not(account: Account, http: HttpClient) -> None:
    assert {name for name, part in PARTS.items() if not part.of_project} == OF_ACCOUNT
    for part in PARTS:
        if part in OF_ACCOUNT:
            assert isinstance(built(part, account, http, project="").observe(NOW, None), Snapshot)
        else:
            with pytest.raises(ConfigurationError, match="project = "):
                built(part, account, http, project="")
    assert all(PROJECT not in str(query) for _, query, _ in account.requests)


def test_a_host_that_may_not_be_reached_is_named_as_it_is_and_the_question_beside_it(account: Account) -> None:
    http = HttpClient()  # nothing private is allowed
    seen = source(account, http, "project").observe(NOW, None)
    http.close()
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.BLOCKED_ADDRESS
    assert "%20" not in seen.detail
    assert seen.detail.endswith("(project)")
