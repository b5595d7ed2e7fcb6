"""The pages as a person meets them: in a browser, at the width of a phone and of a desk, in both themes, by mouse and
by keyboard, with script and without.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from browsing import DESK, PHONE, Visiting, hold_every_page, paths_of, visiting
from desk_world import paused_world
from pipeline_world import World, world_of
from served_desk import hostile_world, large_world, served_world, token_of

from monitor.core.credentials import AccessScope
from monitor.core.entry import Status

LARGEST_FIRST_PAGE = 150 * 1024
"""Bytes, compressed, of the first page with what it loads."""


@pytest.fixture
def visit(chromium: Any) -> Visiting:
    """Open a browser at an address."""
    return partial(visiting, chromium)


@contextmanager
def empty_world() -> Iterator[World]:
    """Provide a world in which nothing is declared and nothing has happened."""
    from monitor.core.configuration import Configuration

    with world_of(Configuration()) as world:
        yield world


WORLDS = {"empty": empty_world, "hostile": hostile_world}


@pytest.mark.parametrize("kind", WORLDS)
def test_every_page_fits_its_window_runs_nothing_of_others_and_can_be_read_by_everybody(
    visit: Visiting, tmp_path: Path, kind: str
) -> None:
    with WORLDS[kind]() as world, served_world(world, tmp_path) as url:
        hold_every_page(visit, paths_of(world.store, world.conf), url)


@pytest.mark.parametrize(("entries", "events"), [(20, 300), pytest.param(500, 50_000, marks=pytest.mark.proof)])
def test_with_many_entries_and_a_long_log_what_is_paused_stands_on_top_and_the_first_page_stays_small(
    visit: Visiting, tmp_path: Path, entries: int, events: int
) -> None:
    with large_world(entries, events) as world, served_world(world, tmp_path) as url:
        hold_every_page(visit, paths_of(world.store, world.conf), url)
        for size in (PHONE, DESK):
            with visit(url, size) as visited:
                visited.go("/")
                first = visited.page.locator(".card.bad").first
                assert first.bounding_box()["y"] < size[1] / 2
                rows = visited.page.locator("table tbody tr")
                assert rows.count() == entries
                assert [rows.nth(n).locator(".word").first.inner_text() for n in (0, 1, 2)] == ["denied"] * 3
        with visit(url) as visited:
            answers: list[Any] = []
            visited.page.on("response", lambda answer: answers.append(answer))
            visited.go("/")
            visited.page.wait_for_load_state("networkidle")
            assert {answer.request.resource_type for answer in answers} == {"document", "stylesheet", "script"}
            assert sum(len(gzip.compress(answer.body())) for answer in answers) <= LARGEST_FIRST_PAGE


@pytest.fixture
def paused(tmp_path: Path) -> Iterator[tuple[World, str]]:
    """Provide a world in which an entry is paused and taken by somebody else, and its address."""
    with paused_world(by="Bob", note="") as world, served_world(world, tmp_path) as url:
        yield world, url


def test_a_person_sees_a_pause_takes_it_verifies_what_it_asks_for_and_resumes_by_clicks(
    visit: Visiting, tmp_path: Path
) -> None:
    with world_of() as world, served_world(world, tmp_path) as url:
        from pipeline_world import LUNA, furnish

        furnish(world)
        secret = token_of(world, "Ada", AccessScope.READ, AccessScope.OPERATE)
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.polls(2, "page")
        with visit(url) as visited:
            page = visited.page
            visited.go("/")
            page.get_by_role("button", name="Acknowledge…").click()
            visited.sign_in(secret)
            page.fill("#note", "on it")
            page.click("#confirm")
            assert "notice.acknowledged" in page.inner_text("#done")

            visited.go("/")
            assert "Ada has it: on it." in page.inner_text(".card.bad")
            page.get_by_role("link", name="Luna").first.click()
            page.locator("#act-verify button").click()
            page.select_option("#check", "pricing")
            page.fill("#url", "https://proof.example/price")
            page.fill("#note", "read it myself")
            page.click("#preview")
            assert "check.attested" in page.inner_text("#would")
            page.click("#confirm")
            assert "check.attested" in page.inner_text("#done")

            page.get_by_role("link", name="Back to luna").click()
            page.locator("#act-resume button").click()
            assert "openai/gpt-luna/price.standard.short.input" in page.inner_text("#pins")
            page.fill("#reason", "the price is accepted")
            page.click("#confirm")
            assert "entry.resumed" in page.inner_text("#done")
            visited.go("/")
            assert page.locator(".card.bad").count() == 0
        assert world.entry().status is Status.ACTIVE
        (resumed,) = world.events("entry.resumed")
        assert (resumed.data["by"], resumed.data["reason"]) == ("Ada", "the price is accepted")


def test_every_act_can_be_reached_and_done_by_the_keyboard_alone(visit: Visiting, paused: tuple[World, str]) -> None:
    world, url = paused
    secret = token_of(world, "Ada", AccessScope.READ, AccessScope.OPERATE)
    with visit(url) as visited:
        visited.go("/signin?next=/entries/luna")
        visited.sign_in(secret)
        page = visited.page
        page.wait_for_selector("#acts")
        wanted = {form.get_attribute("id") for form in page.locator("#acts form").all()}
        reached: list[str] = []
        for _ in range(200):
            page.keyboard.press("Tab")
            where, outlined = page.evaluate(
                "[document.activeElement.closest('form')?.id ?? '',"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert outlined not in ("none", ""), where
            reached.append(where)
            if wanted <= set(reached):
                break
        assert wanted <= set(reached)
        assert "act-resume" in wanted

        page.locator("#act-retire button").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#reason")
        page.locator("#reason").focus()
        page.keyboard.type("it is over")
        while page.evaluate("document.activeElement.id") != "preview":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("#confirm")
        page.locator("#confirm").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#done")
    assert world.entry().status is Status.RETIRED


def test_without_script_every_page_reads_and_acts_work(visit: Visiting, paused: tuple[World, str]) -> None:
    world, url = paused
    secret = token_of(world, "Ada", AccessScope.READ, AccessScope.OPERATE)
    with visit(url, PHONE, script=False) as visited:
        for path in paths_of(world.store, world.conf):
            visited.go(path)
            assert len(visited.page.inner_text("main")) > 20, path
        visited.go("/acts/ack?entry=luna")
        visited.sign_in(secret)
        visited.page.fill("#note", "without script")
        visited.page.click("#confirm")
        assert "notice.acknowledged" in visited.page.inner_text("#done")
    assert world.entry().acknowledged is not None


def test_a_newcomer_finds_in_two_clicks_why_production_is_denied(visit: Visiting, paused: tuple[World, str]) -> None:
    _, url = paused
    with visit(url) as visited:
        visited.go("/")
        assert "Production is denied" in visited.page.inner_text(".card.bad")
        visited.page.locator(".card.bad h2 a").click()
        moved = visited.page.inner_text("#moved").split()
        assert moved[-5:] == ["standard", "short", "input", "1", "2"]
        visited.page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
        assert "entry.paused" in visited.page.inner_text("h1")
        assert "What led to it" in visited.page.inner_text("main")


def test_times_are_told_in_the_zone_of_the_reader_and_in_utc(visit: Visiting, paused: tuple[World, str]) -> None:
    _, url = paused
    with visit(url) as visited:
        visited.go("/")
        assert re.search(r"2026-07-01 01:0\dZ 03:0\d (CEST|GMT\+2)", visited.page.inner_text(".card.bad"))


def test_a_page_is_renewed_while_it_is_looked_at_and_says_when_it_is_old(
    visit: Visiting, paused: tuple[World, str]
) -> None:
    _, url = paused
    with visit(url) as visited:
        page, refreshed = visited.page, []
        page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => Boolean(window.away)})")
        page.on("request", lambda request: refreshed.append(request) if "x-refresh" in request.headers else None)
        page.clock.install()
        visited.go("/")
        page.evaluate("document.querySelector('main').dataset.first = '1'; document.querySelector('.card').remove()")
        with page.expect_response(lambda response: "x-refresh" in response.request.headers):
            page.clock.run_for(15_000)
        page.wait_for_selector(".card.bad")
        assert page.locator(".bar.old").is_hidden()

        page.evaluate("window.away = true")
        before = len(refreshed)
        page.clock.run_for(120_000)
        assert len(refreshed) == before
        with page.expect_response(lambda response: "x-refresh" in response.request.headers):
            page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")

        page.locator("[name=q]").focus()  # what somebody types in stays as it is
        page.clock.run_for(60_000)
        page.wait_for_selector(".bar.old:not([hidden])")
        assert "not renewed while" in page.inner_text(".bar.old")
        page.locator("[name=q]").blur()
        with page.expect_response(lambda response: "x-refresh" in response.request.headers):
            page.clock.run_for(15_000)
        page.wait_for_selector(".bar.old", state="hidden")

        page.route("**/*", lambda route: route.abort())
        for _ in range(4):
            with page.expect_event("requestfailed"):
                page.clock.run_for(15_000)
        page.wait_for_selector(".bar.old:not([hidden])")
        assert "does not answer" in page.inner_text(".bar.old")
        visited.complaints.clear()  # the browser itself complains of what was aborted
