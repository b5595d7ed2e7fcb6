"""An entry's declaration: what the log holds of a spec, read back to an equal one, also where an older version wrote
it.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import timedelta

import pytest

from monitor.core.entry_spec import EntrySpec, EvalPlan, changed, dump, load

BARE = EntrySpec(key="luna", name="Luna", surfaces={"openai": "gpt-luna", "codex": ""}, owners=("platform",))
FIRST = {
    "key": "luna",
    "name": "Luna",
    "use": "",
    "provider": "openai",
    "surfaces": [["openai", "gpt-luna"], ["codex", ""]],
    "price_model": "",
    "owners": ["platform"],
    "checks": ["evals"],
    "tiers": ["standard"],
    "fallback": "",
    "pause_on": "any",
    "on_pause": "deny_new",
    "grace": 259200,
    "callers": ["agent"],
    "freshness": None,
    "price_freshness": 3600,
    "ours": {"config/openai/base_url": "https://api.example.com"},
}
"""A declaration as version 0.1.0 wrote it."""
OTHER: dict[str, object] = {
    "key": "sol",
    "name": "Sol",
    "surfaces": {"codex": "", "openai": "gpt-luna"},
    "owners": ("ann",),
    "price_model": "gpt",
    "use": "chat",
    "checks": ("evals",),
    "checks_in": {"staging": ("evals", "pricing"), "dev": ()},
    "tiers": ("batch", "flex"),
    "fallback": "terra",
    "pause_on": "worse",
    "on_pause": "deny_new",
    "grace": timedelta(hours=72),
    "callers": ("agent",),
    "freshness": timedelta(0),
    "price_freshness": timedelta(hours=1),
    "check_age": {"evals": timedelta(days=30)},
    "approvers": 2,
    "usage": {"input": 5},
    "family": "GPT-5.6",
    "release": "2026-06-26",
    "stage": "preview",
    "announcement": "https://example.com/news",
    "touches": ("agents",),
    "touches_by": {"scanner": ("security_triage",)},
    "uses": ("v1/responses",),
    "ignore": ("chat",),
    "evals": EvalPlan(suites=("tools",), baseline="old", samples=20),
    "codex_version": "0.48",
    "provider": "acme",
    "region": "eu",
    "config_pins": {"config/openai/base_url": "https://x"},
}
"""Another value for every field."""


def test_a_declaration_of_the_first_version_is_read_and_written_again_as_it_was() -> None:
    spec = load(FIRST)
    assert (spec.grace, spec.price_freshness, spec.freshness) == (timedelta(days=3), timedelta(hours=1), None)
    assert (spec.model_id, spec.surface, spec.checks, spec.usage) == ("gpt-luna", "openai", ("evals",), {})
    assert dump(spec) == FIRST
    assert list(dump(spec)["surfaces"]) == FIRST["surfaces"]


def test_what_a_later_version_added_is_recorded_only_where_it_is_stated() -> None:
    assert dump(BARE).keys() == FIRST.keys()


def test_every_field_has_another_value_to_try() -> None:
    assert OTHER.keys() == {one.name for one in fields(EntrySpec)}


@pytest.mark.parametrize("name", OTHER)
def test_each_setting_is_recorded_read_back_and_named_when_it_changes(name: str) -> None:
    spec = replace(BARE, **{name: OTHER[name]})  # type: ignore[arg-type]
    assert load(dump(spec)) == spec
    assert getattr(load(dump(spec)), name) == OTHER[name]
    assert spec != BARE
    assert changed(BARE, spec) == changed(spec, BARE) == [{"config_pins": "ours"}.get(name, name)]


def test_another_first_surface_is_another_declaration() -> None:
    turned = replace(BARE, surfaces={"codex": "", "openai": "gpt-luna"})
    assert turned.surfaces == BARE.surfaces, "mappings are equal in any order"
    assert turned != BARE
    assert load(dump(turned)).surface == "codex"


def test_a_declaration_without_what_has_no_default_is_refused() -> None:
    needed = {one.name for one in fields(EntrySpec) if one.default is MISSING and one.default_factory is MISSING}
    assert needed == {"key", "name", "surfaces", "owners"}
    for name in needed:
        with pytest.raises(TypeError, match=name):
            load({key: value for key, value in FIRST.items() if key != name})
