"""Every admin call against OpenAI's own published description of the API, served by Prism: the paths, parameters and
shapes are not ours.

Prism answers with static values, so what is held against it is that each call is one that the description has, and that
each answer of the described shape is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from peer_servers import free_port, installed, running, shared

from monitor.core.configuration import Surface
from monitor.core.facts import Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.admin import PARTS, AdminSource
from monitor.sources.catalog import source_spec
from monitor.sources.http import HttpClient

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


def answering_once(description: Any) -> Any:
    """Return the description with defaults, from which Prism makes its values: one page, one whole day, and costs where
    costs are due.

    Without them every list says `has_more` with one and the same cursor, and the costs answer with usage, the first of
    the alternatives.
    """
    schemas = description["components"]["schemas"]
    for schema in schemas.values():
        properties = schema.get("properties") or {}
        if "has_more" in properties:
            properties["has_more"]["default"] = False
    bucket = schemas["UsageTimeBucket"]["properties"]
    bucket["start_time"]["default"], bucket["end_time"]["default"] = DAY, DAY + 86_400
    usage = schemas["UsageCompletionsResult"]["properties"]
    usage["num_model_requests"]["default"] = 12
    usage["input_cache_write_tokens"]["default"] = 1400
    costs = schemas["CostsResult"]["properties"]
    costs["line_item"] = {"type": "string", "default": "gpt-6-astra, input_tokens"}
    costs["quantity"] = {"type": "number", "default": 100_000_000}
    costs["quantity_unit"] = {"type": "string", "default": "tokens"}
    costs["amount"]["properties"]["value"]["default"] = 20
    costs["amount"]["properties"]["currency"]["default"] = "usd"
    day = json.loads(json.dumps(schemas["UsageTimeBucket"]))
    day["properties"]["results"]["items"] = {"$ref": "#/components/schemas/CostsResult"}
    page = json.loads(json.dumps(schemas["UsageResponse"]))
    page["properties"]["data"]["items"] = day
    answers = description["paths"]["/organization/costs"]["get"]["responses"]["200"]["content"]["application/json"]
    answers["schema"] = page
    return description


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = installed("node_modules/.bin/prism")
    description = json.loads(shared("openapi/openai-subset.json").read_text(encoding="utf-8"))
    folder: Path = tmp_path_factory.mktemp("prism")
    served = folder / "openapi.json"
    served.write_text(json.dumps(answering_once(description)), encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        [program, "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), served], f"{url}/models", folder / "log"
    ):
        yield url


def poll(url: str, http: HttpClient, part: str, **changes: Any) -> Any:
    surface = Surface(
        **{
            "key": "eu",
            "base_url": url,
            "provider": "openai",
            "admin_key": "env:ADMIN",
            "project": "proj_abc",
            **changes,
        }
    )
    spec = source_spec(
        key=f"account/{part}",
        kind="admin",
        every=timedelta(hours=1),
        surface="eu",
        provider="openai",
        options={"part": part},
    )
    return AdminSource(spec, surface, http, lambda _: "sk-admin-of-tests-0123456789").observe(NOW, None)


EXPECTED: dict[str, dict[str, set[str]]] = {
    "project": {"project": {"setting.status"}, "residency": {"setting.value"}},
    "rate_limits": {
        "string": {
            "limit.requests_per_minute",
            "limit.tokens_per_minute",
            "limit.requests_per_day",
            "limit.batch_input_tokens_per_day",
            "limit.images_per_minute",
            "limit.audio_megabytes_per_minute",
        }
    },
    "model_permissions": {"model_permissions": {"setting.mode", "setting.models"}},
    "service_tiers": {},  # newer than the published description: 404, so not spoken of
    "hosted_tools": {
        "hosted_tools": {
            "setting.code_interpreter",
            "setting.file_search",
            "setting.image_generation",
            "setting.mcp",
            "setting.web_search",
        }
    },
    "data_retention": {"data_retention": {"setting.project", "setting.organization"}},
    "spend_limit": {
        name: {"setting.threshold", "setting.currency", "setting.interval", "setting.enforcement"}
        for name in ("spend_limit", "organization_spend_limit")
    },
    "usage": {"string": {"behaviour.billing.visible", "behaviour.billing.cache_writes_counted"}},
    "costs": {},  # one day alone is no price
    "audit_log": {"audit_log": {"setting.api_key.created"}},
}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_the_account_is_read_from_the_published_description(
    prism: str, http: HttpClient, part: str
) -> None:
    project = "" if part == "audit_log" else "proj_abc"  # Prism's event is one of the project `string`
    seen = poll(prism, http, part, project=project)
    assert isinstance(seen, Snapshot), seen
    assert {subject.name: set(fields) for subject, fields in seen.facts.items()} == EXPECTED[part]
    assert seen.refused == ()


def test_the_line_item_of_the_published_costs_is_understood_and_one_day_leaves_it_open(
    prism: str, http: HttpClient
) -> None:
    seen = poll(prism, http, "costs")
    assert seen.unclear == {Fact(Subject("openai", "gpt-6-astra"), "price.standard.short.input")}


def test_what_the_description_does_not_allow_is_a_failure(prism: str, http: HttpClient) -> None:
    """Prism checks what is sent: without this, the calls above would prove nothing."""
    got = http.fetch(f"{prism}/organization/costs", now=NOW, headers={"Authorization": "Bearer sk-admin-of-tests"})
    assert getattr(got, "reason", None) is FailureReason.HTTP_ERROR
    assert "422" in getattr(got, "detail", "")
    unauthorized = http.fetch(f"{prism}/organization/projects/proj_abc", now=NOW)
    assert getattr(unauthorized, "reason", None) is FailureReason.UNAUTHORIZED


def test_a_base_url_that_is_none_of_the_api_is_a_failure_and_no_empty_account(prism: str, http: HttpClient) -> None:
    for part in PARTS:
        seen = poll(f"{prism}/v1", http, part)
        assert isinstance(seen, PollFailure), part
        assert seen.reason is FailureReason.NOT_FOUND
