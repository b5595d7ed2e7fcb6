"""A plan of evals: results fill a comparison, cell by cell, and the check is verified only once it is complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pipeline_world import LUNA, VIA, World, configuration, entry_spec, furnish, listing, world_of

from monitor.core.entry import CheckState, Status
from monitor.core.entry_spec import EntrySpec, EvalPlan
from monitor.core.eval_results import Results, Score
from monitor.core.events import Event
from monitor.core.facts import Body
from monitor.core.ports import Refused
from monitor.registry.attachments import EvalPaper
from monitor.registry.evals import EvalMatrix, matrix

OLD = "m03"
PLAN = EvalPlan(suites=("long_context", "tools"), baseline="old", samples=10)
OF_LUNA = ("gpt-luna", "0.9", 10)
OF_OLD = (OLD, "0.8", 10)


def results(*scores: tuple[str, str, int | None], suite: str = "tools", metric: str = "pass rate") -> Results:
    return Results(
        format="promptfoo",
        scores=tuple(
            Score(model=model, suite=suite, metric=metric, value=value, samples=samples)
            for model, value, samples in scores
        ),
        counted={model: samples or 1 for model, _, samples in scores},
    )


def both(*scores: tuple[str, str, int | None]) -> tuple[Results, ...]:
    """Return results of every suite of the plan."""
    return tuple(results(*scores, suite=suite) for suite in PLAN.suites)


def hand_in(world: World, *found: Results, by: str = "ann", **more: str) -> Event:
    bodies = tuple(
        Body(content=repr(result).encode(), sha256=hashlib.sha256(repr(result).encode()).hexdigest(), size=1)
        for result in found
    )
    return world.operator.verify("luna", "evals", by=by, via=VIA, paper=EvalPaper(results=found, bodies=bodies, **more))


def luna(**more: Any) -> EntrySpec:
    return entry_spec(**{"checks": ("evals",), "evals": PLAN, **more})


def declare(world: World, spec: EntrySpec, version: str, **others: EntrySpec) -> None:
    entries = {"luna": spec, "old": entry_spec("old", OLD), **others}
    world.configure(configuration(version=version, entries=entries))


def laid_out(world: World) -> EvalMatrix:
    made = matrix(world.entry(), world.entries())
    assert made is not None
    return made


def state(world: World) -> CheckState:
    check = world.entry().checks.get("evals")
    return CheckState.BLANK if check is None else check.state


def cells(world: World) -> list[tuple[str, str | None, str | None]]:
    return [
        (row.suite, row.candidate and row.candidate.score, row.baseline and row.baseline.score)
        for row in laid_out(world).rows
    ]


@pytest.fixture
def two() -> Iterator[World]:
    """Provide a candidate with a plan of evals, and the entry that it is compared with."""
    with world_of(configuration(entries={"luna": luna(), "old": entry_spec("old", OLD)})) as world:
        furnish(world)
        yield world
        assert world.replayed() == dict(world.entries())


def test_before_anything_is_handed_in_every_cell_is_empty_and_visible(two: World) -> None:
    assert cells(two) == [("long_context", None, None), ("tools", None, None)]
    assert laid_out(two).missing == (
        "long_context of gpt-luna",
        "long_context of old",
        "tools of gpt-luna",
        "tools of old",
    )


def test_the_baseline_may_be_filled_while_the_model_has_no_id() -> None:
    entries = {"luna": luna(surfaces={"openai": ""}), "old": entry_spec("old", OLD)}
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        recorded = hand_in(world, *both(OF_OLD))
        assert recorded.type == "evals.recorded"
        assert cells(world) == [("long_context", None, "0.8"), ("tools", None, "0.8")]
        assert (state(world), laid_out(world).candidate) == (CheckState.BLANK, ())
        with world.store.read() as reader:
            assert reader.evidence(recorded.evidence) is not None
        declare(world, luna(), "2")
        assert cells(world) == [("long_context", None, "0.8"), ("tools", None, "0.8")], "it stays"
        assert hand_in(world, *both(OF_LUNA), by="bob").type == "check.attested"
        assert state(world) is CheckState.VERIFIED
        row = laid_out(world).as_json()["rows"][0]
        assert (row["candidate"]["by"], row["baseline"]["by"]) == ("bob", "ann")
        assert row["candidate"]["evidence"] != row["baseline"]["evidence"]


def test_the_check_is_verified_by_the_last_cell_and_by_no_earlier_one(two: World) -> None:
    for found in (results(OF_LUNA), results(OF_OLD), results(OF_LUNA, suite="long_context")):
        assert hand_in(two, found).type == "evals.recorded"
        assert state(two) is CheckState.BLANK
        with pytest.raises(Refused, match=r"evals is blank, missing .*long_context of old"):
            two.activate()
    attested = hand_in(two, results(OF_OLD, suite="long_context"))
    assert (attested.type, state(two)) == ("check.attested", CheckState.VERIFIED)
    assert [(row["suite"], row["candidate"], row["baseline"]) for row in attested.data["evals"]["rows"]] == [
        ("long_context", "0.9", "0.8"),
        ("tools", "0.9", "0.8"),
    ]
    two.activate()


@pytest.mark.parametrize(
    ("samples", "lacks"), [(9, "tools of gpt-luna has 9 of 10 samples"), (None, "has an unknown number of 10 samples")]
)
def test_too_few_samples_leave_the_check_blank(two: World, samples: int | None, lacks: str) -> None:
    hand_in(two, *both(OF_OLD), results(OF_LUNA, suite="long_context"), results(("gpt-luna", "0.9", samples)))
    (missing,) = laid_out(two).missing
    assert lacks in missing
    assert state(two) is CheckState.BLANK
    assert hand_in(two, results(OF_LUNA)).type == "check.attested"


def test_two_models_that_share_no_metric_are_not_compared(two: World) -> None:
    hand_in(two, *both(OF_OLD), results(OF_LUNA, suite="long_context"), results(OF_LUNA, metric="accuracy"))
    assert laid_out(two).missing == ("one metric of tools that both models have",)


def test_a_suite_that_is_handed_in_again_replaces_what_stood_there(two: World) -> None:
    hand_in(two, results(OF_LUNA, metric="old metric"))
    hand_in(two, results(("gpt-luna", "0.7", 12)))
    assert [(row.metric, row.candidate and row.candidate.score) for row in laid_out(two).rows] == [
        ("", None),
        ("pass rate", "0.7"),
    ]


def test_a_word_alone_never_verifies_evals_that_have_a_plan(two: World) -> None:
    rows = two.all_rows()
    for word in ({"note": "looks fine"}, {"url": "https://ci.example/1"}):
        with pytest.raises(Refused, match="evals of luna are verified by results of every suite for both models"):
            two.operator.verify("luna", "evals", by="ann", via=VIA, **word)
    assert two.all_rows() == rows


def test_without_a_plan_a_note_alone_verifies_no_evals_either(two: World) -> None:
    declare(two, entry_spec(checks=("evals",)), "2")
    with pytest.raises(Refused, match="a note alone does not verify evals of luna"):
        two.operator.verify("luna", "evals", by="ann", via=VIA, note="looks fine")


def test_a_named_waiver_goes_on_without(two: World) -> None:
    from monitor.registry.acceptance import Going

    going = Going(waived=frozenset({"evals"}))
    two.operator.activate("luna", by="ann", reason="a trial", via=VIA, going=going)
    assert (two.entry().status, two.entry().waived) == (Status.ACTIVE, ("evals",))


@pytest.mark.parametrize(
    ("found", "more", "said"),
    [
        (results(OF_LUNA, suite="tool"), {}, r"the suite 'tool' is not one of \[entry.evals\] of luna \(did you mean"),
        (results(OF_LUNA, suite=""), {}, "the results of gpt-luna name no suite"),
        (results(("gpt-9", "1", 10)), {}, "no result is of gpt-luna, m03: there are results of gpt-9"),
        (results(OF_LUNA), {"baseline": "m05"}, "luna is compared with old, as its .* not with m05"),
    ],
)
def test_what_does_not_fit_the_plan_is_refused_and_nothing_changes(
    two: World, found: Results, more: dict[str, str], said: str
) -> None:
    rows = two.all_rows()
    with pytest.raises(Refused, match=said):
        hand_in(two, found, **more)
    assert two.all_rows() == rows


def test_results_that_contradict_each_other_are_refused(two: World) -> None:
    with pytest.raises(Refused, match="stated twice"):
        hand_in(two, results(OF_LUNA), results(("gpt-luna", "0.1", 10)))


def test_all_tests_of_a_file_together_are_no_suite(two: World) -> None:
    found = results(OF_LUNA)
    hand_in(two, replace(found, scores=(replace(found.scores[0], suite=""), *found.scores)))
    assert cells(two) == [("long_context", None, None), ("tools", "0.9", None)]


def test_what_was_filled_for_a_model_expires_with_access_to_it_and_the_baseline_stays(two: World) -> None:
    hand_in(two, *both(OF_LUNA, OF_OLD))
    two.activate()
    two.sources["list"].drop(LUNA)
    two.settle("list")
    assert (two.entry().status, state(two)) == (Status.PAUSED, CheckState.STALE)
    assert cells(two) == [("long_context", None, "0.8"), ("tools", None, "0.8")]


def test_a_part_that_was_filled_expires_with_the_listing_too(two: World) -> None:
    hand_in(two, results(OF_LUNA), results(OF_OLD))
    two.sources["list"].drop(LUNA)
    two.settle("list")
    two.sources["list"].facts = listing(11, LUNA)
    two.polls(3, "list")
    assert (two.entry().status, state(two)) == (Status.EVALUATING, CheckState.STALE)
    assert cells(two) == [("long_context", None, None), ("tools", None, "0.8")]


def test_an_alias_that_moves_before_anybody_accepted_the_entry_expires_them(two: World) -> None:
    two.sources["page"].set(LUNA, **{"alias.target": "gpt-luna-1"})
    two.polls(2, "page")
    hand_in(two, *both(OF_LUNA, OF_OLD))
    two.sources["page"].set(LUNA, **{"alias.target": "gpt-luna-2"})
    two.polls(2, "page")
    assert (two.entry().status, state(two)) == (Status.EVALUATING, CheckState.STALE)
    assert cells(two)[0] == ("long_context", None, "0.8")


def test_another_model_id_is_another_model(two: World) -> None:
    hand_in(two, *both(OF_LUNA, OF_OLD))
    declare(two, luna(surfaces={"openai": "m05"}), "2")
    assert state(two) is CheckState.STALE
    assert cells(two)[0] == ("long_context", None, "0.8")
    declare(two, luna(), "3")
    assert cells(two)[0] == ("long_context", None, "0.8"), "nor do they come back with the id"


def test_a_suite_more_is_missing_and_what_was_filled_stays(two: World) -> None:
    hand_in(two, *both(OF_LUNA, OF_OLD))
    declare(two, luna(evals=replace(PLAN, suites=(*PLAN.suites, "overrides"))), "2")
    assert state(two) is CheckState.STALE
    assert cells(two) == [
        ("long_context", "0.9", "0.8"),
        ("tools", "0.9", "0.8"),
        ("overrides", None, None),
    ]
    hand_in(two, results(OF_LUNA, OF_OLD, suite="overrides"))
    assert state(two) is CheckState.VERIFIED


def test_a_complete_comparison_may_be_attested_anew_where_the_plan_asks_for_less(two: World) -> None:
    hand_in(two, results(OF_LUNA), results(OF_OLD))
    declare(two, luna(evals=replace(PLAN, suites=("tools",))), "2")
    assert state(two) is CheckState.BLANK
    two.operator.verify("luna", "evals", by="ann", via=VIA, note="as it was handed in")
    assert state(two) is CheckState.VERIFIED


def test_another_baseline_model_asks_for_its_results_before_the_entry_is_accepted_and_not_after(two: World) -> None:
    hand_in(two, *both(OF_LUNA, OF_OLD))
    two.activate()
    declare(two, luna(), "2", old=entry_spec("old", "m04"))
    assert (state(two), cells(two)[0]) == (CheckState.VERIFIED, ("long_context", "0.9", None))
    assert two.entry().status is Status.ACTIVE


def test_results_age_like_every_word_and_are_run_again(two: World) -> None:
    hand_in(two, *both(OF_LUNA, OF_OLD))
    two.now += timedelta(days=91)
    two.tender.tend(two.now)
    assert state(two) is CheckState.STALE
    assert cells(two)[0] == ("long_context", None, "0.8")


# -- several surfaces --------------------------------------------------------------------------------------------------


def on_two_surfaces(world: World, other_id: str, version: str) -> None:
    """Declare the candidate on the first surface and on another, under this id there."""
    spec = luna(surfaces={"openai": "gpt-luna", "eu": other_id})
    made = configuration(version=version, entries={"luna": spec, "old": entry_spec("old", OLD)})
    world.configure(replace(made, surfaces={**made.surfaces, "eu": replace(made.surfaces["openai"], key="eu")}))


def hand_in_everywhere(world: World, *found: Results) -> None:
    bodies = tuple(Body(content=repr(one).encode(), sha256=repr(one), size=1) for one in found)
    paper = EvalPaper(results=found, bodies=bodies)
    world.operator.verify("luna", "evals", by="ann", via=VIA, paper=paper, everywhere=True)


@pytest.mark.parametrize(("other_id", "verified"), [("gpt-luna", True), ("gpt-luna-eu", False)])
def test_results_of_one_id_count_on_every_surface_that_has_it(two: World, other_id: str, verified: bool) -> None:
    on_two_surfaces(two, other_id, "2")
    hand_in_everywhere(two, *both(OF_LUNA, OF_OLD))
    assert state(two) is CheckState.VERIFIED
    other = two.entries()["luna@eu"]
    assert ("evals" in other.checks and other.checks["evals"].state is CheckState.VERIFIED) is verified


def test_an_entry_that_comes_to_stand_on_another_surface_keeps_its_cells_on_the_first(two: World) -> None:
    hand_in(two, results(OF_LUNA), results(OF_OLD))
    on_two_surfaces(two, "gpt-luna", "2")
    assert cells(two) == [("long_context", None, None), ("tools", "0.9", "0.8")]
