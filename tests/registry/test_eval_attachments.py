"""Results of evals beside the word of a person: whose they are, what they are held against, what is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from pipeline_world import VIA, World, configuration, entry_spec, furnish, model, world_of

from monitor.core.entry import CheckState
from monitor.core.eval_results import CaseTwice, EvalComparison, EvalModel, EvalRow, Results, Score, compare
from monitor.core.facts import Body
from monitor.core.ports import Refused
from monitor.registry.attachments import EvalPaper

OLD = "m03"


def results(**by_model: str | None) -> Results:
    """Return one metric of one suite for each model; None is a model all of whose results ended in an error."""
    scores = tuple(
        Score(model=name, suite="tools", metric="pass rate", value=value, samples=10)
        for name, value in by_model.items()
        if value is not None
    )
    return Results(format="promptfoo", scores=scores, counted=dict.fromkeys(by_model, 10))


def body(content: bytes = b"{}") -> Body:
    return Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def paper(*found: Results, **more: str) -> EvalPaper:
    return EvalPaper(results=found, bodies=tuple(body(str(n).encode()) for n in range(len(found))), **more)


@pytest.fixture
def two() -> Iterator[World]:
    """Provide a candidate, and the entry of what production runs now."""
    entries = {"luna": entry_spec(checks=("evals",)), "old": entry_spec("old", OLD), "later": entry_spec("later", "")}
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        yield world


def attest(world: World, found: EvalPaper) -> Any:
    return world.operator.verify("luna", "evals", by="ann", via=VIA, paper=found).data["evals"]


def test_the_scores_of_both_models_stand_side_by_side_and_the_check_is_verified(two: World) -> None:
    found = attest(two, paper(results(**{"openai:chat:gpt-luna": "0.9", f"openai:{OLD}": "0.8"}), baseline="old"))
    assert found["rows"] == [
        {"suite": "tools", "metric": "pass rate", "candidate": "0.9", "baseline": "0.8", "samples": [10, 10]}
    ]
    assert (found["candidate"], found["baseline"]) == (["gpt-luna"], {"name": "old", "ids": [OLD]})
    assert two.entry().checks["evals"].state is CheckState.VERIFIED
    two.activate()


def test_every_file_is_kept_as_evidence(two: World) -> None:
    found = attest(two, paper(results(**{"openai/gpt-luna": "0.9"}), results(**{OLD: "0.8"}), baseline=OLD))
    assert len({file["evidence"] for file in found["files"]}) == 2
    with two.store.read() as reader:
        assert [reader.evidence(file["evidence"]).content for file in found["files"]] == [b"0", b"1"]
    assert two.entry().checks["evals"].evidence == found["files"][0]["evidence"]


def test_where_nothing_ran_the_cell_is_empty(two: World) -> None:
    luna_alone = results(**{"gpt-luna": "0.9"})
    (row,) = attest(two, paper(luna_alone, baseline="old"))["rows"]
    assert (row["candidate"], row["baseline"], row["samples"]) == ("0.9", None, [10, None])
    found = attest(two, paper(luna_alone))
    assert (found["baseline"], found["rows"][0]["baseline"]) == (None, None)


def test_results_of_neither_model_are_ignored_and_named(two: World) -> None:
    found = attest(
        two, paper(results(**{"gpt-luna": "0.9", "openai:gpt-4o": "0.1", "azure/m03": "0.2"}), baseline="old")
    )
    assert found["ignored"] == {"azure/m03": 10, "openai:gpt-4o": 10}
    assert [row["baseline"] for row in found["rows"]] == [None]


@pytest.mark.parametrize(
    "name",
    ["gpt-luna-2026-07", "azure:chat:gpt-luna", "openai:ft:gpt-luna", "openrouter/openai/gpt-luna", "GPT-Luna", "luna"],
)
def test_no_other_name_is_taken_for_the_model(two: World, name: str) -> None:
    at = two.head
    with pytest.raises(Refused) as refused:
        attest(two, paper(results(**{name: "0.9"})))
    assert name in str(refused.value)
    assert "--called" in str(refused.value)
    assert two.head == at


def test_a_person_may_say_what_the_files_call_the_model(two: World) -> None:
    (row,) = attest(two, paper(results(**{"azure:chat:our-luna": "0.9"}), called="azure:chat:our-luna"))["rows"]
    assert row["candidate"] == "0.9"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (paper(results(**{"gpt-luna": None})), "ended in an error"),
        (paper(results(**{"gpt-luna": "1"}), baseline="luna"), "is the model of luna itself"),
        (paper(results(**{"gpt-luna": "1"}), baseline="gpt-luna"), "is the model of luna itself"),
        (paper(results(**{"gpt-luna": "1"}), baseline="later"), "has no model id yet"),
        (paper(results(**{"gpt-luna": "1"}), results(**{"gpt-luna": "0.5"})), "stated twice"),
    ],
)
def test_results_that_prove_nothing_are_refused(two: World, found: EvalPaper, said: str) -> None:
    at = two.head
    with pytest.raises(Refused, match=said):
        attest(two, found)
    assert two.head == at


def test_an_entry_without_a_model_id_has_no_results(two: World) -> None:
    with pytest.raises(Refused, match="no model id yet"):
        two.operator.verify("later", "evals", by="ann", via=VIA, paper=paper(results(**{"": "1"})))


def test_the_same_value_twice_is_no_contradiction() -> None:
    luna = EvalModel(ids=frozenset({model(0).name}))
    once = results(m00="0.5")
    assert compare([once, once], luna, None) == EvalComparison(
        rows=(EvalRow(suite="tools", metric="pass rate", candidate="0.5", baseline=None, samples=(10, None)),)
    )
    with pytest.raises(CaseTwice):
        compare([once, results(m00="0.6")], luna, None)
