"""The model that answers a guarded call, held against the one that was accepted: counted, logged, raised if asked."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gate_examples import NOW, at_position, question, registry, standing
from guard_world import LUNA, TERRA, Place, Provider
from openai.lib.azure import AzureOpenAI

from monitor.core.entry import Status
from monitor.gate.client import clock
from monitor.gate.client.guard import MOST, GateError, ModelMismatch, guard
from monitor.gate.client.lease import Lease
from monitor.gate.lease_file import lease_document

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

APRIL, MAY = "gpt-5.6-luna-2026-04-01", "gpt-5.6-luna-2026-05-01"
MESSAGES: Any = [{"role": "user", "content": "hello"}]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "lease")
    place.time.now = clock.now()
    place.write(
        accepted("luna", responses=APRIL, chat=APRIL, embeddings=APRIL), accepted("terra"), accepted("nova", chat=LUNA)
    )
    return place


@pytest.fixture
def provider() -> Provider:
    provider = Provider()
    provider.answers_as = APRIL
    return provider


def accepted(key: str, **served: str) -> Any:
    later = clock.now().replace(year=2100)
    return standing(key, access_until=later, price_until=later, served=served)


def drained(stream: Any) -> list[Any]:
    return list(stream)


def by_helper(manager: Any) -> None:
    with manager as stream:
        drained(stream)


CALLS: dict[str, Callable[[Any], Any]] = {
    "chat": lambda client: client.chat.completions.create(model=LUNA, messages=MESSAGES),
    "chat raw": lambda client: client.chat.completions.with_raw_response.create(model=LUNA, messages=MESSAGES).parse(),
    "chat stream": lambda client: drained(client.chat.completions.create(model=LUNA, messages=MESSAGES, stream=True)),
    "chat stream helper": lambda client: by_helper(client.chat.completions.stream(model=LUNA, messages=MESSAGES)),
    "responses": lambda client: client.responses.create(model=LUNA, input="hello"),
    "responses stream": lambda client: drained(client.responses.create(model=LUNA, input="hello", stream=True)),
    "responses post": lambda client: client.post("/responses", cast_to=object, body={"model": LUNA}),
    "responses extra body": lambda client: client.responses.create(
        model=TERRA, input="hello", extra_body={"model": LUNA}
    ),
    "embeddings": lambda client: client.embeddings.create(model=LUNA, input="hello"),
    "options": lambda client: client.with_options(timeout=3).embeddings.create(model=LUNA, input="hello"),
    "completions": lambda client: client.completions.create(model=LUNA, prompt="hello"),
}

LATER: dict[str, Callable[[Any], Any]] = {
    "chat": lambda client: client.chat.completions.create(model=LUNA, messages=MESSAGES),
    "chat stream": lambda client: client.chat.completions.create(model=LUNA, messages=MESSAGES, stream=True),
    "responses": lambda client: client.responses.create(model=LUNA, input="hello"),
    "responses stream": lambda client: client.responses.create(model=LUNA, input="hello", stream=True),
    "embeddings": lambda client: client.embeddings.create(model=LUNA, input="hello"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_model_that_was_accepted_passes_and_another_is_counted_or_raised(
    place: Place, provider: Provider, name: str
) -> None:
    reporting = guard(provider.client(), lease=place.folder)
    raising = guard(provider.client(), lease=place.folder, on_other_model="raise")
    for client in (reporting, raising):
        CALLS[name](client)
        assert client.guard.answered == {LUNA: {APRIL: 1}}
        assert client.guard.mismatches == {}
    provider.answers_as = MAY
    CALLS[name](reporting)
    assert reporting.guard.answered == {LUNA: {APRIL: 1, MAY: 1}}
    assert reporting.guard.mismatches == {LUNA: {MAY: 1}}
    with pytest.raises(ModelMismatch) as other:
        CALLS[name](raising)
    assert (other.value.model, other.value.answered, other.value.pinned) == (LUNA, MAY, (APRIL,))
    assert isinstance(other.value, GateError)
    assert raising.guard.mismatches == {LUNA: {MAY: 1}}


@pytest.mark.parametrize("name", LATER)
def test_an_asynchronous_client_compares_as_well(place: Place, provider: Provider, name: str) -> None:
    client = guard(provider.asynchronous(), lease=place.folder, on_other_model="raise")

    async def call() -> None:
        answer = await LATER[name](client)
        if "stream" in name:
            async for _ in answer:
                pass

    asyncio.run(call())
    assert client.guard.answered == {LUNA: {APRIL: 1}}
    provider.answers_as = MAY
    with pytest.raises(ModelMismatch):
        asyncio.run(call())


def test_a_stream_of_another_model_gives_none_of_its_content(place: Place, provider: Provider) -> None:
    provider.answers_as = MAY
    client = guard(provider.client(), lease=place.folder, on_other_model="raise")
    stream = client.chat.completions.create(model=LUNA, messages=MESSAGES, stream=True)
    assert next(stream).model == "", "only what comes before the model is named"
    with pytest.raises(ModelMismatch):
        next(stream)


def test_nothing_is_raised_where_nothing_was_accepted_or_the_answer_names_no_model(
    place: Place, provider: Provider
) -> None:
    client = guard(provider.client(), lease=place.folder, on_other_model="raise")
    client.responses.create(model=TERRA, input="hello")
    assert client.guard.answered == {TERRA: {APRIL: 1}}
    provider.answers_as = ""
    client.responses.create(model=LUNA, input="hello")
    client.moderations.create(model=LUNA, input="hello")
    assert client.guard.mismatches == {}
    assert client.guard.answered == {TERRA: {APRIL: 1}}


def test_what_was_accepted_is_that_of_the_route(place: Place, provider: Provider) -> None:
    place.write(accepted("luna", responses=APRIL, embeddings=MAY))
    client = guard(provider.client(), lease=place.folder)
    client.responses.create(model=LUNA, input="hello")
    client.embeddings.create(model=LUNA, input="hello")
    client.chat.completions.create(model=LUNA, messages=MESSAGES)
    assert client.guard.mismatches == {LUNA: {APRIL: 1}}, "by embeddings it was May"


def test_a_fallback_is_held_against_what_was_accepted_for_the_fallback(place: Place, provider: Provider) -> None:
    later = clock.now().replace(year=2100)
    place.write(standing("sol", status=Status.PAUSED, fallback="luna", access_until=later, price_until=later))
    client = guard(
        provider.client(), lease=place.folder, on_denied="fallback", fallbacks=["luna"], on_other_model="raise"
    )
    client.responses.create(model="gpt-5.6-sol", input="hello")
    assert client.guard.answered == {LUNA: {APRIL: 1}}


def test_what_is_accepted_anew_counts_within_a_second(place: Place) -> None:
    made = place.guard(on_other_model="raise")
    with pytest.raises(ModelMismatch):
        made.compare(LUNA, "responses", MAY)
    place.write(accepted("luna", responses=MAY))
    place.time.wait(seconds=1)
    made.compare(LUNA, "responses", MAY)


def test_where_no_lease_can_be_read_the_answer_is_counted_and_nothing_is_raised(tmp_path: Path, place: Place) -> None:
    made = place.guard(lease=tmp_path / "nothing", on_other_model="raise")
    made.compare(LUNA, "responses", MAY)
    assert made.answered == {LUNA: {MAY: 1}}


def test_an_azure_deployment_is_compared_by_its_name(place: Place, provider: Provider) -> None:
    http = provider.client()._client
    azure = AzureOpenAI(
        api_key="k",
        azure_endpoint="http://provider.invalid",
        azure_deployment=LUNA,
        api_version="2026-01-01",
        http_client=http,
    )
    client = guard(azure, lease=place.folder, on_other_model="raise")
    client.chat.completions.create(model=LUNA, messages=MESSAGES)
    provider.answers_as = MAY
    with pytest.raises(ModelMismatch):
        client.chat.completions.create(model=LUNA, messages=MESSAGES)


def test_each_other_model_is_logged_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    made = place.guard()
    with caplog.at_level(logging.INFO, logger="monitor.gate"):
        for answered in (APRIL, MAY, MAY, MAY):
            made.compare(LUNA, "responses", answered)
        made.compare(TERRA, "chat", "m")
        made.compare(TERRA, "chat", "m")
    assert caplog.messages == [
        f"{LUNA} was answered by {MAY} in production; accepted was {APRIL}.",
        f"{TERRA} is answered by m; no lease says which model was accepted",
    ]
    assert made.mismatches == {LUNA: {MAY: 3}}


def test_what_answers_by_ever_new_names_is_counted_together(place: Place) -> None:
    made = place.guard()
    for number in range(MOST + 50):
        made.compare(LUNA, "chat", f"model-{number}")
    assert len(made.mismatches[LUNA]) == MOST + 1
    assert sum(made.mismatches[LUNA].values()) == MOST + 50


def test_it_passes_from_one_process_to_another() -> None:
    before = ModelMismatch(LUNA, "production", answered=MAY, pinned={APRIL})
    after = pickle.loads(pickle.dumps(before))
    assert (str(after), after.pinned) == (str(before), (APRIL,))


def test_a_choice_that_is_none_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="on_other_model"):
        place.guard(on_other_model="log")


@pytest.mark.parametrize(
    ("served", "written", "route", "ids"),
    [
        ({}, None, "responses", set()),
        ({"responses": "a", "chat": "a"}, "a", "embeddings", {"a"}),
        ({"responses": "a", "chat": "b"}, '{"chat": "b", "responses": "a"}', "responses", {"a"}),
        ({"responses": "a", "chat": "b"}, '{"chat": "b", "responses": "a"}', "embeddings", {"a", "b"}),
        ({"responses": "a", "priority": "b"}, '{"priority": "b", "responses": "a"}', "responses", {"a", "b"}),
        ({"responses": "a", "alias": "b"}, '{"alias": "b", "responses": "a"}', "responses", {"a", "b"}),
    ],
)
def test_the_lease_says_what_was_accepted_in_one_text(
    served: dict[str, str], written: str | None, route: str, ids: set[str]
) -> None:
    document = lease_document(registry(standing("luna", served=served)), question(), at_position(1))
    assert document["flags"][LUNA]["metadata"].get("served") == written
    lease = Lease("file", json.loads(json.dumps(document)), "production", NOW)
    assert lease.served(LUNA, route) == ids


def test_a_model_on_two_surfaces_is_compared_with_what_was_accepted_where_the_client_calls(
    place: Place, provider: Provider
) -> None:
    later = clock.now().replace(year=2100)
    common = {"access_until": later, "price_until": later, "model_id": LUNA, "model_ids": (LUNA,)}
    place.write(
        standing("luna", surface="openai", base_url="http://other.invalid/v1", served={"responses": MAY}, **common),
        standing("luna@eu", surface="eu", base_url="http://provider.invalid/v1", served={"responses": APRIL}, **common),
    )
    client = guard(provider.client(), lease=place.folder, on_other_model="raise")
    client.responses.create(model=LUNA, input="hello")
    provider.answers_as = MAY
    with pytest.raises(ModelMismatch):
        client.responses.create(model=LUNA, input="hello")
