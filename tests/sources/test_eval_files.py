"""What is read from the files of promptfoo, inspect-ai and OpenAI evals, and for which reason nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_files import LUNA, MINI, api_run, archive, inspect_log, promptfoo, promptfoo_row, record_log

from monitor.sources.attested import inspect_log as inspect_reader
from monitor.sources.attested.evals import read
from monitor.sources.extraction import Unreadable

PF_LUNA, PF_MINI = f"openai:responses:{LUNA}", f"openai:chat:{MINI}"


def scores(content: bytes) -> dict[tuple[str, str, str], tuple[str, int | None]]:
    found = read(content).results.scores
    table = {(one.model, one.suite, one.metric): (one.value, one.samples) for one in found}
    assert len(table) == len(found)
    return table


# -- promptfoo -----------------------------------------------------------------


def test_promptfoo_rows_are_told_by_provider_and_by_the_suite_that_a_test_names() -> None:
    found = scores(
        promptfoo(
            promptfoo_row(PF_LUNA, True, suite="tool_use"),
            promptfoo_row(PF_LUNA, False, suite="tool_use", score=0.5),
            promptfoo_row(PF_LUNA, True),
            promptfoo_row(PF_MINI, True, suite="tool_use"),
        )
    )
    assert found[PF_LUNA, "", "pass rate"] == ("0.666667", 3)
    assert found[PF_LUNA, "tool_use", "pass rate"] == ("0.5", 2)
    assert found[PF_LUNA, "tool_use", "score"] == ("0.75", 2)
    assert found[PF_MINI, "tool_use", "score"] == ("1", 1)


def test_a_promptfoo_row_whose_request_failed_is_counted_and_not_scored() -> None:
    failed = promptfoo_row(PF_LUNA, False, failureReason=2, error="429 rate limited")
    content = promptfoo(promptfoo_row(PF_LUNA, True), failed, failed)
    assert scores(content)[PF_LUNA, "", "pass rate"] == ("1", 1)
    assert read(content).results.counted == {PF_LUNA: 3}


def test_an_older_promptfoo_row_without_a_failure_reason_failed_where_there_is_no_answer() -> None:
    older = {key: value for key, value in promptfoo_row(PF_LUNA, False).items() if key != "failureReason"}
    assert scores(promptfoo(older, version=2))[PF_LUNA, "", "pass rate"] == ("0", 1)
    unanswered = {**older, "response": {"error": "API error: 500"}}
    assert scores(promptfoo(unanswered, version=2)) == {}


def test_named_scores_of_promptfoo_are_metrics_of_their_own() -> None:
    named = [promptfoo_row(PF_LUNA, True, namedScores={"tone": tone}) for tone in (1, 0.4)]
    assert scores(promptfoo(*named))[PF_LUNA, "", "tone"] == ("0.7", 2)


def test_the_summary_of_promptfoos_library_is_read_as_well() -> None:
    whole = json.loads(promptfoo(promptfoo_row(PF_LUNA, True)))
    assert scores(json.dumps(whole["results"]).encode()) == scores(promptfoo(promptfoo_row(PF_LUNA, True)))


def test_a_provider_of_promptfoo_may_be_a_bare_text_and_never_nothing() -> None:
    assert (PF_LUNA, "", "score") in scores(promptfoo({**promptfoo_row(PF_LUNA, True), "provider": PF_LUNA}))
    with pytest.raises(Unreadable, match="result 2 names no provider"):
        read(promptfoo(promptfoo_row(PF_LUNA, True), promptfoo_row({"label": LUNA}, True)))


# -- inspect-ai ----------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [lambda log: json.dumps(log).encode(), archive, lambda log: archive(log, zstandard=True)]
)
def test_a_log_of_inspect_is_read_as_json_and_as_an_archive_of_either_compression(form: Any) -> None:
    content = form(inspect_log())
    assert scores(content) == {
        (f"openai/{LUNA}", "popularity", "match accuracy"): ("0.7", 98),
        (f"openai/{LUNA}", "popularity", "match stderr"): ("0.046", 98),
    }
    assert json.loads(read(content).kept)["eval"]["model"] == f"openai/{LUNA}"


@pytest.mark.parametrize("status", ["started", "error", "cancelled"])
def test_a_run_of_inspect_that_did_not_end_well_is_refused(status: str) -> None:
    with pytest.raises(Unreadable, match=f"popularity is {status}"):
        read(json.dumps(inspect_log(status=status)).encode())


def test_an_archive_without_a_header_is_of_a_run_that_has_not_ended() -> None:
    with pytest.raises(Unreadable, match="not ended"):
        read(archive(None))


@pytest.mark.parametrize("zstandard", [False, True])
def test_a_cut_or_damaged_archive_is_refused(zstandard: bool) -> None:
    whole = archive(inspect_log(), zstandard=zstandard)
    for size in range(4, len(whole), 7):
        with pytest.raises(Unreadable):
            read(whole[:size])


@pytest.mark.parametrize("zstandard", [False, True])
def test_an_archive_that_unfolds_beyond_reason_is_refused(monkeypatch: pytest.MonkeyPatch, zstandard: bool) -> None:
    monkeypatch.setattr(inspect_reader, "LARGEST", 1000)
    with pytest.raises(Unreadable, match="larger than"):
        read(archive(inspect_log(padding="x" * 100_000), zstandard=zstandard))


def test_a_metric_of_inspect_that_is_no_number_is_left_blank() -> None:
    log = inspect_log()
    log["results"]["scores"][0]["metrics"]["stderr"]["value"] = float("nan")
    assert list(scores(json.dumps(log).encode())) == [(f"openai/{LUNA}", "popularity", "match accuracy")]


# -- OpenAI evals --------------------------------------------------------------


def test_a_record_log_is_read_by_its_final_report_wherever_it_stands() -> None:
    assert scores(record_log(LUNA, report={"accuracy": 0.25, "counts": {"choice/A": 3}, "note": "x"})) == {
        (LUNA, "test-match.s1", "accuracy"): ("0.25", None),
        (LUNA, "test-match.s1", "counts/choice/A"): ("3", None),
    }
    assert read(record_log(LUNA)).results.counted == {LUNA: 3}


def test_the_first_completion_function_was_evaluated_and_the_second_graded() -> None:
    assert {model for model, _, _ in scores(record_log(LUNA, "gpt-4.1"))} == {LUNA}


def test_record_logs_one_after_the_other_are_read_as_so_many_runs() -> None:
    found = scores(record_log(LUNA) + record_log(MINI, report={"accuracy": 1}))
    assert found[LUNA, "test-match.s1", "accuracy"][0] == "0.333333"
    assert found[MINI, "test-match.s1", "accuracy"][0] == "1"


@pytest.mark.parametrize("content", [record_log(LUNA, ended=False), record_log(LUNA, ended=False) + record_log(MINI)])
def test_a_record_log_without_its_final_report_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match="did not end"):
        read(content)


def test_runs_of_the_evals_api_are_read_one_or_in_a_list() -> None:
    expected = {(LUNA, "eval_1", "pass rate"): ("0.9", 10), (LUNA, "eval_1", "exact match"): ("0.9", 10)}
    assert scores(json.dumps(api_run()).encode()) == expected
    both = {"object": "list", "data": [api_run(), api_run(MINI, passed=5, failed=5)], "has_more": False}
    assert scores(json.dumps(both).encode()).items() > expected.items()


def test_a_run_of_the_api_where_all_ended_in_errors_has_no_score() -> None:
    content = json.dumps(api_run(passed=0, failed=0, errored=4)).encode()
    assert scores(content) == {}
    assert read(content).results.counted == {LUNA: 4}


@pytest.mark.parametrize("status", ["queued", "in_progress", "failed", "canceled"])
def test_a_run_of_the_api_that_is_not_completed_is_refused(status: str) -> None:
    with pytest.raises(Unreadable, match=f"is {status}, not completed"):
        read(json.dumps(api_run(status=status)).encode())


# -- anything else -------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 \x93",
        b"<html>results</html>",
        b"passed",
        b"[]",
        b"{}",
        b'{"results": {"results": []}}',
        b'{"results": [], "version": 3, "stats": {}}',
        b'{"object": "list", "data": []}',
        b'{"object": "list", "data": [{"object": "model"}]}',
        b'{"eval": {"model": 1, "task": "x"}}',
        b'{"a": 1}\n{"b": 2}\n',
        b'{"spec": {"completion_fns": []}}\n{"final_report": {}}\n',
        b"PK\x03\x04",
    ],
)
def test_what_is_no_file_of_results_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert refused.value.reason


def test_a_file_whose_names_or_numbers_of_scores_no_table_holds_is_refused() -> None:
    for named in ({"x" * 201: 1}, {f"metric {number}": 1 for number in range(2000)}):
        with pytest.raises(Unreadable, match="more than 2000 scores, or a name of more than 200 characters"):
            read(promptfoo(promptfoo_row(PF_LUNA, True, namedScores=named)))
    assert read(promptfoo(promptfoo_row(PF_LUNA, True, namedScores={"x" * 200: 1}))).results.scores


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["results", "eval", "model", "task", "status", "scores", "metrics", "provider", "object", "spec"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_shape_of_json_breaks_the_readers(document: Any) -> None:
    for whole in (
        document,
        {"results": {"results": [document]}},
        {"eval": {"model": "m", "task": "t"}, "results": document, "status": "success"},
        {"object": "eval.run", "status": "completed", "model": "m", "result_counts": document},
    ):
        for content in (
            json.dumps(whole).encode(),
            json.dumps({"spec": {"completion_fns": ["m"]}}).encode()
            + b"\n"
            + json.dumps({"final_report": document}).encode(),
        ):
            try:
                found = read(content).results
            except Unreadable:
                continue
            assert all(one.model in found.counted for one in found.scores)


# -- files that the runners themselves wrote -----------------------------------

DATA = Path(__file__).parent / "data"


def test_a_file_that_promptfoo_wrote_is_read() -> None:
    """Written by promptfoo 0.121.20 from the starting set, with two providers that answer from a table; cut to six
    rows.
    """
    found = scores((DATA / "promptfoo-0.121.20.json").read_bytes())
    for model in (LUNA, MINI):
        provider = f"openai:responses:{model}"
        assert found[provider, "", "pass rate"] == ("0.5", 2)
        assert found[provider, "long_context", "pass rate"] == ("0.5", 2)
        assert (provider, "safety_sensitive", "pass rate") not in found  # its one request ended in an error


def test_an_archive_that_inspect_wrote_is_read() -> None:
    """Written by inspect-ai 0.3.285 with its mock model: Zstandard, which is why `zipfile` alone would not do."""
    found = read((DATA / "inspect-ai-0.3.285.eval").read_bytes())
    assert [(one.metric, one.value, one.samples) for one in found.results.scores] == [
        ("match accuracy", "0.5", 2),
        ("match stderr", "0.5", 2),
    ]
    assert found.results.counted == {"mockllm/model": 2}


@pytest.mark.parametrize(
    "name", ["apiKey", "api_key", "OPENAI_API_KEY", "Authorization", "x-api-key", "client_secret", "access_token"]
)
def test_what_a_runner_kept_under_the_name_of_a_secret_is_not_kept(name: str) -> None:
    document = json.loads(promptfoo(promptfoo_row(PF_LUNA, True)))
    document["config"] = {"providers": [{"config": {name: 'hush "hush" \\'}}], "maxTokens": 5, "token": "Hello"}
    kept = read(json.dumps(document).encode()).kept
    assert b"hush" not in kept
    assert json.loads(kept)["config"] == {
        "providers": [{"config": {name: "[redacted]"}}],
        "maxTokens": 5,
        "token": "Hello",
    }
    assert read(kept).results == read(json.dumps(document).encode()).results


@pytest.mark.parametrize("zstandard", [False, True])
def test_nor_is_it_in_the_header_of_an_archive(zstandard: bool) -> None:
    log = inspect_log()
    log["eval"]["model_args"] = {"api_key": "hush"}
    assert b"hush" not in read(archive(log, zstandard=zstandard)).kept
