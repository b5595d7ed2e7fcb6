"""What the page of a model means for an entry: an endpoint that it uses and that is not supported is told, and fails
the check; one that is no longer supported pauses where it was pinned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import CheckState
from monitor.core.notices import Reason
from monitor.sources.catalog import source_spec

RESPONSES, CHAT = "endpoint.v1/responses", "endpoint.v1/chat/completions"


@pytest.fixture
def paged() -> Iterator[World]:
    """Provide an entry that uses two endpoints and requires that they are supported, with the page of its model."""
    base = configuration()
    page = source_spec(
        key="model",
        kind="model_page",
        every=timedelta(hours=1),
        provider="openai",
        url="https://p.example/gpt-luna.md",
    )
    spec = entry_spec(uses=("v1/responses", "v1/chat/completions"), checks=("endpoints",))
    with world_of(configuration(sources={**base.sources, "model": page}, entries={"luna": spec})) as world:
        furnish(world)
        yield world


def state(world: World, **fields: str | None) -> None:
    names = {"responses": RESPONSES, "chat": CHAT}
    world.sources["model"].set(LUNA, **{names.get(name, name): value for name, value in fields.items()})
    world.polls(2, "model")


def check(world: World) -> CheckState:
    return world.entry().checks["endpoints"].state


def test_endpoints_that_are_all_supported_verify_the_check(paged: World) -> None:
    state(paged, responses="supported")
    assert "endpoints" not in paged.entry().checks, "what is stated of one says nothing of the other"
    state(paged, chat="supported")
    assert check(paged) is CheckState.VERIFIED


def test_an_endpoint_that_is_not_supported_fails_the_check_and_is_told(paged: World) -> None:
    state(paged, responses="supported", chat="not supported")
    failed = paged.entry().checks["endpoints"]
    assert failed.state is CheckState.FAILED
    assert "v1/chat/completions is not supported" in failed.note
    items = [item for notice in paged.notices() for item in notice.items]
    assert [(item.reason, item.entry) for item in items if "endpoints failed" in item.summary] == [
        (Reason.CHANGED, "luna")
    ]


def test_a_failed_check_is_told_of_each_row_of_an_entry_that_it_befell() -> None:
    base = configuration()
    page = source_spec(
        key="model", kind="model_page", every=timedelta(hours=1), provider="openai", url="https://p.example/gpt-luna.md"
    )
    surfaces = {**base.surfaces, "eu": replace(base.surfaces["openai"], key="eu", base_url="https://eu.example/v1")}
    spec = entry_spec(surfaces={"openai": "gpt-luna", "eu": "gpt-luna"}, uses=("v1/responses",), checks=("endpoints",))
    made = configuration(surfaces=surfaces, sources={**base.sources, "model": page}, entries={"luna": spec})
    with world_of(made) as world:
        furnish(world)
        state(world, responses="not supported")
        items = [item for notice in world.notices() for item in notice.items]
        assert sorted(item.entry for item in items if "endpoints failed" in item.summary) == ["luna", "luna@eu"]


def test_an_endpoint_that_no_entry_uses_fails_nothing(paged: World) -> None:
    state(paged, responses="supported", chat="supported", **{"endpoint.v1/realtime": "not supported"})
    assert check(paged) is CheckState.VERIFIED


def test_an_endpoint_that_ends_pauses_the_entry_that_pinned_it(paged: World) -> None:
    state(paged, responses="supported", chat="supported")
    paged.activate()
    assert RESPONSES in {pin.field for pin in paged.entry().pins}
    before = len(paged.notices())
    state(paged, responses="not supported")
    assert paged.entry().status == "paused"
    assert check(paged) is CheckState.FAILED
    items = [item for notice in paged.notices()[before:] for item in notice.items]
    assert [item.reason for item in items] == [Reason.PAUSED]


def test_a_price_that_the_page_does_not_state_is_not_dated_by_it(paged: World) -> None:
    state(paged, responses="supported", chat="supported")
    paged.sources["page"].drop(LUNA)
    at = paged.entry().checks["pricing"].verified_at
    paged.polls(3, "page", "model", every=timedelta(hours=30))
    assert paged.entry().checks["pricing"].verified_at == at


def test_a_page_of_another_model_says_nothing_of_an_entry() -> None:
    base = configuration()
    page = source_spec(
        key="model/gpt-sol", kind="model_page", every=timedelta(hours=1), provider="openai", url="https://p.example/s"
    )
    page = replace(page, options={"model": "gpt-sol"})
    with world_of(configuration(sources={**base.sources, page.key: page})) as world:
        furnish(world)
        world.sources[page.key].set(LUNA._replace(name="gpt-sol"), **{RESPONSES: "not supported"})
        world.polls(2, page.key)
        assert "endpoints" not in world.entry().checks
