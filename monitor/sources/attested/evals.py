"""Which runner wrote a file of results: told by what is in it, and read by that runner's reader."""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.core.eval_results import Results
from monitor.sources import json_text
from monitor.sources.attested import inspect_log, openai_evals, promptfoo
from monitor.sources.extraction import Unreadable

KNOWN = (
    "promptfoo (output.json), inspect-ai (.eval or .json) and OpenAI evals (the record log, or a run of the Evals API)"
)


MOST = 2000
"""Scores of one file."""

LONGEST = 200
"""Characters of the name of a model, a suite or a metric."""

_NAMED_SECRET = re.compile(
    (
        rb'("[\w-]*(?:api[_-]?key|authorization|password|secret|(?:access|auth|bearer)[_-]?token'
        rb'|cookie)"\s*:\s*)"(?:[^"\\]|\\.)*"'
    ),
    re.IGNORECASE,
)
"""A text under a name that says it is a secret: runners keep their configuration beside their results."""


class EvalsRead(NamedTuple):
    """What was read, and the bytes to keep of it: the file, or of an archive the part that was read, without what is
    named a secret.
    """

    results: Results
    kept: bytes


def read(content: bytes) -> EvalsRead:
    """Read a file of results.

    Raises:
        Unreadable: it is of no known runner, unfinished, or holds no score.
    """
    if content.startswith(inspect_log.ARCHIVE):
        header = inspect_log.header(content)
        return EvalsRead(_scored(inspect_log.read(json_text.parse(header))), _without_secrets(header))
    return EvalsRead(_scored(_of_text(content)), _without_secrets(content))


def _without_secrets(content: bytes) -> bytes:
    return _NAMED_SECRET.sub(rb'\1"[redacted]"', content)


def _of_text(content: bytes) -> Results:
    try:
        document = json_text.parse(content)
    except json_text.NotJson:
        lines = openai_evals.lines(content)
        if not openai_evals.is_record_log(lines):
            raise
        return openai_evals.read_record_log(lines)
    if promptfoo.fits(document):
        return promptfoo.read(document)
    if inspect_log.fits(document):
        return inspect_log.read(document)
    if openai_evals.is_run(document):
        return openai_evals.read_runs(document)
    raise Unreadable("it is JSON, but of no runner that is known")


def _scored(results: Results) -> Results:
    if not results.counted:
        raise Unreadable(f"it is a file of {results.format} without a single result")
    names = {*results.counted, *(name for score in results.scores for name in (score.suite, score.metric))}
    if len(results.scores) > MOST or any(len(name) > LONGEST for name in names):
        # What was found stands in the log for ever and is shown as a table: no file may make either unusable.
        raise Unreadable(f"it holds more than {MOST} scores, or a name of more than {LONGEST} characters")
    return results
