"""What a recording may look like, and how one is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from monitor.core import zstd
from monitor.core.facts import FailureReason
from monitor.core.ports import MonitorError
from monitor.sources.recording import failure, read

AT = "2026-07-30T17:34:21Z"
LATER = "2026-07-30T19:34:21+02:00"
OK = {"observed_at": AT, "status": "ok", "payload": {"data": [{"id": "a"}]}}


def written(folder: Path, *lines: object, name: str = "looks.jsonl") -> Path:
    file = folder / name
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_payload_becomes_the_bytes_of_its_json(tmp_path: Path) -> None:
    (poll,) = read(written(tmp_path, OK)).polls
    assert poll.at == datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
    assert poll.failure is None
    assert poll.body is not None
    assert json.loads(poll.body.content) == OK["payload"]
    assert poll.body.sha256 == sha256(poll.body.content).hexdigest()


def test_a_text_is_handed_on_as_it_is_also_where_it_is_no_json(tmp_path: Path) -> None:
    polls = read(
        written(
            tmp_path,
            {"observed_at": AT, "status": "ok", "payload_text": "| Modell | €\n"},
            {"observed_at": AT, "status": "invalid_json", "payload": None, "payload_text": '{"a": ', "error": "cut"},
        )
    ).polls
    assert [poll.body and poll.body.content for poll in polls] == ["| Modell | €\n".encode(), b'{"a": ']


def test_a_key_that_stands_in_a_body_or_an_error_is_taken_out(tmp_path: Path) -> None:
    secret = "sk-abcdefghijkl"
    polls = read(
        written(
            tmp_path,
            {"observed_at": AT, "status": "ok", "payload_text": f"curl -H {secret}"},
            {"observed_at": AT, "status": "error", "error": f"HTTP 401: bad key {secret}"},
        )
    ).polls
    assert polls[0].body is not None
    assert secret.encode() not in polls[0].body.content
    assert polls[1].detail == "HTTP 401: bad key [redacted]"


def test_equal_answers_share_one_body(tmp_path: Path) -> None:
    one, other = read(written(tmp_path, OK, OK)).polls
    assert one.body is other.body


@pytest.mark.parametrize("frames", [1, 3])
def test_compression_is_told_by_content_and_not_by_name(tmp_path: Path, frames: int) -> None:
    lines = [json.dumps(OK).encode() + b"\n"] * frames
    file = tmp_path / "looks.jsonl"
    file.write_bytes(b"".join(zstd.compress(line) for line in lines))
    assert len(read(file).polls) == frames
    assert len(read(written(tmp_path, OK, name="plain.jsonl.zst")).polls) == 1


def test_blank_lines_a_byte_order_mark_and_other_fields_do_not_matter(tmp_path: Path) -> None:
    file = written(tmp_path, "\ufeff" + json.dumps({**OK, "seq": 0, "author": "x"}), "", OK, "")
    assert len(read(file).polls) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("HTTP 500: Internal Server Error", FailureReason.SERVER_ERROR),
        ("HTTP 412: Precondition Failed", FailureReason.HTTP_ERROR),
        ("HTTP 401: Unauthorized", FailureReason.UNAUTHORIZED),
        ("HTTP/1.1 403 Forbidden", FailureReason.FORBIDDEN),
        ("HTTP Error 404: Not Found", FailureReason.NOT_FOUND),
        ("Request failed with status code 429", FailureReason.RATE_LIMITED),
        ("HTTP 408: Request Timeout", FailureReason.TIMEOUT),
        ("503 Service Unavailable", FailureReason.SERVER_ERROR),
        ("connect ETIMEDOUT", FailureReason.UNREACHABLE),
        ("The read operation timed out", FailureReason.TIMEOUT),
        ("certificate verify failed", FailureReason.TLS),
        ("API key not found in env variable: OPENAI_API_KEY", FailureReason.NO_CREDENTIAL),
        ("Unexpected token < in JSON at position 0", FailureReason.NOT_JSON),
        ("getaddrinfo ENOTFOUND api.openai.com", FailureReason.UNREACHABLE),
        ("read 500 of 1000 bytes", FailureReason.UNREACHABLE),
        ("", FailureReason.UNREACHABLE),
    ],
)
def test_the_reason_of_a_failure_is_read_from_its_words(said: str, reason: FailureReason) -> None:
    assert failure(said) is reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"status": "error"}, FailureReason.UNREACHABLE),
        ({"status": "missing"}, FailureReason.NOT_FOUND),
        ({"status": "invalid_json", "error": "line 3"}, FailureReason.NOT_JSON),
    ],
)
def test_a_poll_without_a_body_is_a_failure_with_a_detail(
    tmp_path: Path, line: dict[str, str], reason: FailureReason
) -> None:
    (poll,) = read(written(tmp_path, {"observed_at": AT, **line})).polls
    assert (poll.body, poll.failure) == (None, reason)
    assert poll.detail


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["not json"], "line 1 is not JSON"),
        ([OK, "[1]"], "line 2 is not a JSON object"),
        ([OK, "", {**OK, "observed_at": "yesterday"}], "line 3 has no time in `observed_at` ('yesterday')"),
        ([{**OK, "observed_at": "2026-07-30T17:34:21"}], "line 1 has no time"),
        ([{**OK, "observed_at": None}], "line 1 has no time"),
        ([OK, {**OK, "observed_at": "2026-07-30T17:34:20Z"}], "line 2 was observed at 2026-07-30T17:34:20Z, before"),
        ([{**OK, "status": "fine"}], "line 1 has the unknown `status` 'fine'"),
        ([{"observed_at": AT, "status": "ok"}], "line 1 is `ok` and has neither `payload` nor `payload_text`"),
        ([{**OK, "payload_text": 7}], "line 1 has a `payload_text` that is not a string"),
        ([{**OK, "sampling": "some"}], "line 1 has the unknown `sampling` 'some'"),
        ([""], "holds no poll"),
        (["[" * 100_000], "line 1 is not JSON"),
    ],
)
def test_a_bad_recording_is_refused_whole_with_file_and_line(tmp_path: Path, lines: list[object], said: str) -> None:
    file = written(tmp_path, *lines)
    with pytest.raises(MonitorError) as refused:
        read(file)
    assert str(file) in str(refused.value)
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.zst"
    cut.write_bytes(zstd.compress(json.dumps(OK).encode() * 50)[:-9])
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"a": "\xe9"}')
    for file, said in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path, "Is a directory"),
        (cut, "cut"),
        (latin, "not UTF-8"),
    ):
        with pytest.raises(MonitorError, match=said) as refused:
            read(file)
        assert str(file) in str(refused.value)


def test_times_are_compared_across_zones(tmp_path: Path) -> None:
    one, other = read(written(tmp_path, OK, {**OK, "observed_at": LATER})).polls
    assert one.at == other.at


@pytest.mark.parametrize(
    ("lines", "only_changes"),
    [
        ([{**OK, "sampling": "changes"}, OK], True),
        ([{**OK, "sampling": "scans"}, {**OK, "payload": 1}], False),
        ([OK, OK], False),
        ([OK, {**OK, "payload": 1}, OK], True),
        ([OK], False),
    ],
)
def test_a_recording_of_changes_says_so_or_is_known_by_never_repeating(
    tmp_path: Path, lines: list[object], only_changes: bool
) -> None:
    assert read(written(tmp_path, *lines)).only_changes is only_changes
