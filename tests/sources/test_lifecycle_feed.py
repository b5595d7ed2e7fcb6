"""Ends of models as third parties collect them: each format, what is refused alone, and that third parties inform."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from source_loopback import NOW, shared

from monitor.core.configuration import THIRD_PARTY
from monitor.core.facts import Body, Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.core.ports import ConfigurationError
from monitor.sources.catalog import SourceDeps, build, kind, source_spec
from monitor.sources.http import HttpClient

MODEL_EOL = {
    "spec": "model-eol/0.1",
    "publisher": "openai",
    "models": [
        {
            "id": "gpt-a-2025",
            "aliases": ["gpt-a"],
            "announced": "2026-04-22",
            "shutdown": "2026-07-23",
            "replacement": "gpt-b",
            "distributions": [{"via": "azure-ai-foundry", "shutdown": "2026-12-26", "source": "https://x.example"}],
        },
        {"id": "gpt-b", "shutdown": "2027-05-28", "date_precision": "tentative"},
        {"id": "gpt-c", "shutdown": "2027-06-28", "date_precision": "earliest", "replacement_options": ["x", "y"]},
        {"id": "gpt-d"},
        {"id": "gpt-e", "shutdown": "2027-06-28", "date_precision": "perhaps"},
        {"id": ""},
    ],
}
MODELDEPRECATIONS = {
    "models": [
        {
            "provider": "openai",
            "model": "gpt-4-32k",
            "aliases": ["gpt-4-32k-0613"],
            "deprecated_on": "2024-06-06",
            "shutdown_on": "2025-06-06",
            "status": "retired",
            "replacements": [{"provider": "openai", "model": "gpt-4o", "recommended": True}],
        },
        {"provider": "anthropic", "model": "claude-x", "status": "active", "earliest_shutdown_on": "2027-02-17"},
        {"provider": "xai", "model": "grok-x", "status": "active", "shutdown_on": None},
        {"provider": "xai", "model": "grok-y", "status": "deprecated", "shutdown_on": "soon"},
        "what",
    ]
}
ENDOFLIFE = [
    {"cycle": "claude-a", "releaseDate": "2024-03-04", "eol": "2026-01-05"},
    {"cycle": "claude-b", "eol": False},
    {"cycle": "claude-c", "eol": True},
    {"cycle": "claude-d", "eol": 7},
]
ENDOFLIFE_V1 = {
    "schema_version": "1.2.0",
    "result": {
        "name": "claude",
        "releases": [
            {"name": "claude-a", "isEol": True, "eolFrom": "2026-01-05"},
            {"name": "claude-b", "isEol": False, "eolFrom": None},
        ],
    },
}
LITELLM = {
    "sample_spec": {"litellm_provider": "one of …", "deprecation_date": "date when the model becomes deprecated"},
    "gpt-a": {"litellm_provider": "openai", "deprecation_date": "2026-10-23"},
    "groq/llama-x": {"litellm_provider": "groq", "deprecation_date": "2026-08-16"},
    "gpt-b": {"litellm_provider": "openai", "input_cost_per_token": 1e-6},
    "gpt-c": {"litellm_provider": "openai", "deprecation_date": "2026-13-01"},
}


def poll(payload: object, format: str = "", provider: str = "") -> Any:
    spec = source_spec(
        key="ends",
        kind="lifecycle_feed",
        every=timedelta(hours=1),
        url="https://x.example/e.json",
        format=format,
        provider=provider,
        trust=THIRD_PARTY,
    )
    source = build(spec, SourceDeps(http=HttpClient(), surface=None, secret=str))
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return source.extract(Body(content=content, sha256="0" * 64, size=len(content)), NOW)


def ends(seen: Snapshot) -> dict[str, object]:
    return {f"{scope}/{name}": fields.get("shutdown_date") for (scope, name), fields in seen.facts.items()}


@pytest.mark.parametrize("format", ["", "model_eol"])
def test_a_feed_of_the_format_model_eol_states_how_sure_its_days_are(format: str) -> None:
    seen = poll(MODEL_EOL, format)
    assert ends(seen) == {
        "openai/gpt-a-2025": "2026-07-23",
        "openai/gpt-b": "2027-05-28 earliest",
        "openai/gpt-c": "2027-06-28 earliest",
        "openai/gpt-e": None,
    }, "an alias may point elsewhere tomorrow, and of gpt-d nothing is announced"
    assert seen.facts[Subject("openai", "gpt-a-2025")] == {
        "deprecation.listed": True,
        "deprecation.notice_date": "2026-04-22",
        "shutdown_date": "2026-07-23",
        "replacement": "gpt-b",
        "deprecation.replacement_kind": "drop_in",
    }
    assert seen.facts[Subject("openai", "gpt-c")]["deprecation.replacement_kind"] == "options"
    assert Fact(Subject("openai", "gpt-e"), "shutdown_date") in seen.unclear
    assert [refusal.where for refusal in seen.refused] == ["models[4]", "models[5]"]
    assert seen.announcing, "what it does not name it does not speak of"


@pytest.mark.parametrize("format", ["", "modeldeprecations"])
def test_the_catalogue_of_modeldeprecations_states_firm_and_earliest_days(format: str) -> None:
    seen = poll(MODELDEPRECATIONS, format) if format else poll({"models": MODELDEPRECATIONS["models"][:3]}, format)
    stated = ends(seen)
    assert {name: stated[name] for name in ("openai/gpt-4-32k", "openai/gpt-4-32k-0613", "anthropic/claude-x")} == {
        "openai/gpt-4-32k": "2025-06-06",
        "openai/gpt-4-32k-0613": "2025-06-06",
        "anthropic/claude-x": "2027-02-17 earliest",
    }
    assert "xai/grok-x" not in stated
    assert seen.facts[Subject("openai", "gpt-4-32k")]["deprecation.status"] == "retired"
    if format:
        assert [refusal.where for refusal in seen.refused] == ["models[3]", "models[4]"]


@pytest.mark.parametrize("payload", [ENDOFLIFE, ENDOFLIFE_V1], ids=["api", "api v1"])
def test_a_product_of_endoflife_states_the_ends_of_its_cycles(payload: object) -> None:
    seen = poll(payload, "endoflife", "anthropic")
    assert ends(seen)["anthropic/claude-a"] == "2026-01-05"
    assert "anthropic/claude-b" not in ends(seen)
    if payload is ENDOFLIFE:
        assert seen.facts[Subject("anthropic", "claude-c")] == {
            "deprecation.listed": True,
            "deprecation.status": "retired",
        }
        assert [refusal.where for refusal in seen.refused] == ["releases[3]"]


def test_endoflife_needs_to_be_told_whose_models_end() -> None:
    with pytest.raises(ConfigurationError, match="needs `provider`"):
        poll(ENDOFLIFE, "endoflife")


@pytest.mark.parametrize("format", ["", "litellm"])
def test_the_price_map_of_litellm_states_deprecation_dates(format: str) -> None:
    seen = poll(LITELLM, format)
    assert ends(seen) == {"openai/gpt-a": "2026-10-23", "groq/llama-x": "2026-08-16", "openai/gpt-c": None}
    assert Fact(Subject("openai", "gpt-c"), "shutdown_date") in seen.unclear


def test_the_real_map_is_read() -> None:
    import gzip

    path = shared() / "replay" / "litellm_full_2026-08-01.json.gz"
    if not path.exists():
        pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
    seen = poll(gzip.decompress(path.read_bytes()), "litellm")
    assert len(seen.facts) > 50
    assert all(fields.get("shutdown_date") for fields in seen.facts.values())


def test_a_provider_limits_a_feed() -> None:
    assert {subject.scope for subject in poll(MODELDEPRECATIONS, "modeldeprecations", "anthropic").facts} == {
        "anthropic"
    }


def test_a_model_with_two_ends_has_neither() -> None:
    rows = [{"id": "gpt-a", "shutdown": "2026-07-23"}, {"id": "gpt-a", "shutdown": "2026-07-24"}]
    seen = poll({"publisher": "openai", "models": rows}, "model_eol")
    assert Fact(Subject("openai", "gpt-a"), "shutdown_date") in seen.unclear
    assert ends(seen) == {"openai/gpt-a": None}


@pytest.mark.parametrize(
    ("payload", "format", "reason"),
    [
        (b"<html>", "model_eol", FailureReason.NOT_JSON),
        ({"models": []}, "model_eol", FailureReason.INVALID_SHAPE),
        ({"models": {}}, "modeldeprecations", FailureReason.INVALID_SHAPE),
        ({"a": 1}, "litellm", FailureReason.INVALID_SHAPE),
        ({"a": 1}, "", FailureReason.INVALID_SHAPE),
        (b'{"publisher":"a","publisher":"b","models":[]}', "model_eol", FailureReason.INVALID_SHAPE),
    ],
)
def test_what_is_no_feed_is_a_failed_poll(payload: object, format: str, reason: FailureReason) -> None:
    seen = poll(payload, format)
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason


def test_a_feed_informs_unless_it_is_called_official() -> None:
    found = kind("lifecycle_feed")
    assert found.trust == THIRD_PARTY
    assert found.capabilities == type(found.capabilities)()
