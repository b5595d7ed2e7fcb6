"""The table of providers in docs/sources.md, held against what the tests try."""

from __future__ import annotations

import sys
from pathlib import Path

from docs_pages import ROOT, page, rows, sections

from monitor.sources.pricing_page import profiles

KEYS = {"Gemini": "google"}
"""Provider → what the tests call it, where that is not its name in lower case."""


def table() -> dict[str, list[str]]:
    stated = rows(sections(page("sources"), 2)["Providers"])
    return {KEYS.get(name, name.lower()): cells for names, *cells in stated for name in names.split(", ")}


def module(folder: str, name: str) -> object:
    """Import a module of tests of another folder."""
    sys.path.insert(0, str(ROOT / "tests" / folder))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(ROOT / "tests" / folder))


def test_whoever_has_a_list_has_an_example_and_every_example_is_named() -> None:
    named = {"gemini" if key == "google" else key for key, cells in table().items() if cells[0]}
    assert named - {"openai"} == {path.stem for path in Path(ROOT, "config", "surfaces").glob("*.toml")}


def test_a_list_is_named_where_one_in_its_own_form_is_polled() -> None:
    polled = set(module("settings", "test_settings_surface_lists").LISTS)
    keys = {"gemini" if key == "google" else key for key, cells in table().items() if cells[0]}
    assert keys - {"openai"} == polled


def test_own_words_are_named_where_a_pricing_page_has_them() -> None:
    assert {key for key, cells in table().items() if cells[1] == "own words"} == set(profiles.PROVIDERS)


def test_a_form_of_ends_is_named_where_a_page_in_it_is_read() -> None:
    forms = {form.split(" ")[0] for form in module("sources", "test_deprecations_forms").ENDS}
    assert {key for key, cells in table().items() if cells[2]} == forms
