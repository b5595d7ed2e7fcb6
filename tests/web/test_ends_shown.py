"""An announced end is shown with how sure its day is, by the read API and on the page of the entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from desk_world import client_of
from pipeline_world import LUNA, START, World, configuration, furnish, world_of

from monitor.sources.catalog import source_spec
from monitor.web.api.resources import RESOURCES
from monitor.web.api.service import Api
from monitor.web.pages.service import Pages

DAY = (START + timedelta(days=200)).date().isoformat()


@pytest.fixture
def ending() -> Iterator[World]:
    """Provide a world in which the page of ends speaks of the model of an entry."""
    conf = configuration()
    ends = source_spec(
        key="ends", kind="deprecations_page", every=timedelta(hours=6), provider="openai", url="https://e.example/"
    )
    with world_of(replace(conf, sources={**conf.sources, "ends": ends})) as world:
        world.sources["ends"].announcing = True
        yield world


@pytest.mark.parametrize(
    ("stated", "precision", "days", "said"),
    [
        (DAY, "firm", 200, f"ends on {DAY} (200 days)"),
        (f"{DAY} earliest", "earliest", None, f"ends not before {DAY},"),
        (f"{DAY} after", "after", None, f"ends {DAY} or later,"),
    ],
)
def test_an_end_is_shown_with_its_precision(
    ending: World, stated: str, precision: str, days: int | None, said: str
) -> None:
    ending.sources["ends"].set(LUNA, shutdown_date=stated)
    furnish(ending)
    ending.polls(3)
    api = Api(store=ending.store, configuration=lambda: ending.conf, clock=lambda: ending.now)
    with client_of(*api.routes(), *Pages(api).routes()) as http:
        answer = http.get("/v1/lifecycle").json()
        page = http.get("/entries/luna").text
    (end,) = answer
    assert (end["kind"], end["date"], end["precision"], end["days"]) == ("model", DAY, precision, days)
    assert (end["entries"], end["fallback_of"]) == (["luna"], [])
    (resource,) = [resource for resource in RESOURCES if resource.path == "/v1/lifecycle"]
    resource.adapter.validate_python(answer)
    assert said in page
