"""A small seeded sample of `bench/pricing_fuzz.py`, and the proof that its oracle catches a reader by position."""

from __future__ import annotations

import importlib
import os
import re
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PAGES = Path(os.environ.get("ACCESS_MONITOR_SHARED", ROOT.parent / "shared")) / "pages"

pytestmark = pytest.mark.skipif(
    not PAGES.is_dir(), reason=f"NO REAL PAGES: {PAGES} is absent, set ACCESS_MONITOR_SHARED"
)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "bench"), *sys.path])
    return importlib.import_module("pricing_fuzz")


def test_the_mutants_of_the_real_pages_yield_no_price_that_they_do_not_state(bench: ModuleType) -> None:
    tallies = bench.fuzz(PAGES, 150, 7)
    assert [example for tally in tallies.values() for example in tally.examples] == []
    assert min(tally.worst for tally in tallies.values()) >= bench.KEPT
    assert sum(tally.kept for tally in tallies.values()) > 1_000


def test_the_mutants_of_unrendered_pages_yield_no_price_that_they_do_not_state(bench: ModuleType) -> None:
    tallies = bench._components.fuzz(PAGES, 150, 7)
    assert [example for tally in tallies.values() for example in tally.examples] == []
    assert min(tally.worst for tally in tallies.values()) >= bench.KEPT
    assert {name.split()[0] for name in tallies} == {"mdx", "astro"}
    assert sum(tally.kept for tally in tallies.values()) > 10_000


def test_the_mutants_of_the_forms_of_other_providers_yield_no_price_that_they_do_not_state(bench: ModuleType) -> None:
    for forms, providers in ((bench._forms, 2), (bench._catalogs, 7)):
        tallies = forms.fuzz(300, 7)
        assert [example for tally in tallies.values() for example in tally.examples] == []
        assert min(tally.worst for tally in tallies.values()) >= bench.KEPT
        assert len({name.split()[0] for name in tallies}) == providers
        assert sum(tally.kept for tally in tallies.values()) > 500


def test_the_oracle_of_components_catches_a_reader_that_trusts_every_row_and_no_tab(bench: ModuleType) -> None:
    def trusting(text: str, provider: str) -> set[object]:
        found: set[object] = set()
        for model, *cells in re.findall(r'\["([^"]+)", ([0-9.]+|null), ([0-9.]+|null), ([0-9.]+|null)\]', text):
            for meter, cell in zip(("input", "cached_input", "output"), cells, strict=True):
                if cell != "null":
                    found.add(bench.Price(model, "standard", "short", "text", meter, Decimal(cell)))
        return found

    assert sum(tally.silent for tally in bench._components.fuzz(PAGES, 40, 7, trusting).values()) > 100


def test_the_whole_pages_yield_what_the_oracle_reads_and_nothing_else(bench: ModuleType) -> None:
    for name, provider in bench.PAGES.items():
        page = bench.parsed((PAGES / name).read_text(encoding="utf-8"), provider)
        want = bench.stated(page)
        for draw in (bench.markdown, bench.html):
            got = bench.accepted(draw(page), provider)
            assert got <= want
            assert len(got) >= 0.95 * len(want), name


def test_the_oracle_catches_a_reader_that_binds_columns_by_position(bench: ModuleType) -> None:
    def by_position(text: str, provider: str) -> set[object]:
        found: set[object] = set()
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            if len(cells) > 3 and re.fullmatch(r"\$[0-9.]+", cells[-1]):
                meters = ("input", "cached_input", "output")
                for meter, cell in zip(meters, cells[1:], strict=False):
                    if amount := re.fullmatch(r"\$([0-9.]+)", cell):
                        found.add(bench.Price(cells[0], "standard", "short", "text", meter, Decimal(amount[1])))
        return found

    tallies = bench.fuzz(PAGES, 60, 7, by_position)
    assert sum(tally.silent for tally in tallies.values()) > 100
