"""The daemon's log: whatever speaks, one line of JSON, without what may be a secret, and not again and again."""

from __future__ import annotations

import json
import subprocess
import sys

from monitor.app.log_output import REASONS, Troubles

PROGRAM = """
import gc, io, logging, sys, threading, warnings
from monitor.app import log_output
from monitor.core import logs
log_output.configure(sys.stderr)
{what}
"""


def lines(what: str) -> list[dict[str, str]]:
    """Return what a process logs that does this."""
    program = [sys.executable, "-c", PROGRAM.format(what=what)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_an_exception_that_a_library_logs_is_one_line_without_its_words() -> None:
    (line,) = lines(
        "try:\n    raise ValueError('https://u:hunter2@host')\nexcept ValueError:\n"
        "    logging.getLogger('uvicorn.error').exception('Exception in ASGI application\\nfor %s', 'hunter2')"
    )
    assert line["message"] == "Exception in ASGI application"
    assert (line["logger"], line["error"], line["level"]) == ("uvicorn.error", "ValueError", "error")
    assert "hunter2" not in str(line)


def test_a_library_says_one_thing_once() -> None:
    said = lines("for n in range(50):\n    logging.getLogger('urllib3').warning('retry %s of https://host/secret', n)")
    assert [line["message"] for line in said] == ["retry %s of …"]


def test_this_program_says_what_it_says_each_time() -> None:
    assert len(lines("for n in range(3):\n    logs.line('looked', source='a')")) == 3


def test_exceptions_that_nobody_caught_are_lines() -> None:
    thread = lines("t = threading.Thread(target=lambda: 1 / 0, name='web'); t.start(); t.join()")
    assert [(line["message"], line["thread"]) for line in thread] == [("a thread ended", "web")]
    assert [line["message"] for line in lines("1 / 0")] == ["an exception was not caught"]
    ignored = lines("class A:\n    def __del__(self): 1 / 0\nA(); gc.collect()")
    assert [line["message"] for line in ignored] == ["an exception was ignored"]
    assert "ZeroDivisionError" in ignored[0]["error"]


def test_warnings_are_lines() -> None:
    (line,) = lines("warnings.warn('old\\nthing')")
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")


def test_a_thread_that_ends_itself_is_no_news() -> None:
    assert lines("t = threading.Thread(target=sys.exit); t.start(); t.join()") == []


def test_a_stream_that_is_gone_breaks_nothing() -> None:
    assert lines("sys.stderr.close(); logs.line('looked')") == []


def test_a_trouble_is_said_when_it_begins_and_when_it_ends() -> None:
    troubles = Troubles()
    assert [troubles.begin("step", "locked") for _ in range(3)] == [True, False, False]
    assert [troubles.end("step") for _ in range(3)] == [True, False, False]
    assert troubles.begin("step", "locked")


def test_what_fails_for_the_same_reason_is_said_of_one_and_ends_with_the_last() -> None:
    troubles = Troubles()
    assert [troubles.begin(job, "locked") for job in ("step", "tend", "look a")] == [True, False, False]
    assert [troubles.end(job) for job in ("step", "look a", "tend")] == [False, False, True]


def test_a_trouble_with_ever_other_words_is_said_a_few_times() -> None:
    troubles = Troubles()
    assert sum(troubles.begin("step", f"request {number}") for number in range(100)) == REASONS
    assert troubles.end("step")
