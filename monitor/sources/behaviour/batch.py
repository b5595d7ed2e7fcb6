"""The route that lasts longer than a poll: a batch of one request is made at one poll and read at later ones.

Which batch is ours is kept nowhere but at the provider, in the batch's metadata, so that it survives restarts and no
second one is made beside it. `completed` is not success: a batch whose every request failed is a failure, and only its
error file says why.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from monitor.core.error_meanings import LOSSES, ErrorVerdict, Meaning, classify
from monitor.core.facts import ACCESS, BEHAVIOUR, GRANTED, FailureReason, Value
from monitor.sources.behaviour.calls import AskedCall, either
from monitor.sources.behaviour.exchange import Call, Exchange, ProbeProblem
from monitor.sources.behaviour.reading import failure, refused_by

MARK = "access_monitor"
"""The key of the metadata that tells our batches."""

WINDOW = timedelta(hours=24)
"""The completion window of a batch; one that is still running after it is cancelled."""

REMEMBERED = timedelta(days=3)
"""For how long the end of a batch says something about now, at the least."""

PAGES = 10
"""How many pages of the account's batches are searched for ours: a busy account makes hundreds between two polls."""

RUNNING = frozenset({"validating", "in_progress", "finalizing"})
ENDED = frozenset({"completed", "failed"})


def plan(asked: AskedCall) -> Generator[Call, Exchange, None]:
    """Poll our batches, read why the last one failed, cancel what ran out of time, and make one where none runs."""
    listings: list[Exchange] = []
    further = "/batches?limit=100"
    running = ended = None
    while further and running is None and ended is None:
        listing = yield Call(name="list", method="GET", path=further)
        if listing.verdict(asked.model).meaning is not Meaning.GRANTED:
            return
        listings.append(listing)
        running, ended = newest(listings, asked.marker)
        further = _further(listings, asked.at - remembered(asked.every))
    if ended is not None and isinstance(file := ended.get("error_file_id"), str) and not _done(ended):
        yield Call(name="errors", method="GET", path=f"/files/{file}/content")
    if running is not None:
        if asked.at - _made(running) > WINDOW:
            yield Call(name="cancel", path=f"/batches/{running['id']}/cancel")
        return
    if ended is None or not _done(ended) or asked.at - _made(ended) >= asked.every:
        line = either("request", asked, {})
        request = {"custom_id": "probe", "method": "POST", "url": f"/v1{line.path}", "body": dict(line.body)}
        # Paid for before anything is uploaded: what cannot be afforded shall leave no file behind.
        upload = yield Call(
            name="upload",
            path="/files",
            upload=json.dumps(request).encode() + b"\n",
            tokens=line.tokens,
            tier="batch",
            late=True,
        )
        if upload.verdict(asked.model).meaning is not Meaning.GRANTED:
            return
        body = {
            "input_file_id": upload.said.get("id"),
            "endpoint": request["url"],
            "completion_window": "24h",
            "metadata": {MARK: asked.marker},
        }
        yield Call(name="create", path="/batches", body=body)


def remembered(every: timedelta) -> timedelta:
    """For how long the end of a batch says something, where a poll comes so often: at the least until the next poll has
    read it.
    """
    return max(REMEMBERED, every + WINDOW)


def _further(listings: Sequence[Exchange], since: datetime) -> str:
    """Return where the list goes on, the newest first; empty where it ends, or where it is about what is too old to say
    anything.
    """
    listing = listings[-1].said
    data = listing.get("data")
    last = data[-1] if isinstance(data, list) and data else None
    if listing.get("has_more") is not True or not isinstance(last, dict) or len(listings) >= PAGES:
        return ""
    if not isinstance(id := last.get("id"), str) or _made(last) < since:
        return ""
    return f"/batches?limit=100&after={quote(id, safe='')}"


def newest(listings: Sequence[Exchange], marker: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the newest of our batches that runs, and the newest that ended."""
    rows = [listing.said.get("data") for listing in listings]
    mine = [
        item
        for data in rows
        for item in (data if isinstance(data, list) else ())
        if isinstance(item, dict)
        and isinstance(item.get("metadata"), dict)
        and item["metadata"].get(MARK) == marker
        and isinstance(item.get("id"), str)
    ]
    mine.sort(key=_made)
    running = [batch for batch in mine if batch.get("status") in RUNNING]
    ended = [batch for batch in mine if batch.get("status") in ENDED]
    return (running[-1] if running else None), (ended[-1] if ended else None)


def facts_of(
    route: str, model: str, marker: str, exchanges: Sequence[Exchange], at: datetime, *, every: timedelta
) -> dict[str, Value]:
    """Return what our batches say: that one was made, and how the last one ended. `every` is how often they are polled.

    Raises:
        Problem: they say nothing.
    """
    for exchange in exchanges:
        verdict = exchange.verdict(model)
        if verdict.meaning in LOSSES:
            return refused_by(route, exchange.status, verdict)
        if verdict.meaning is not Meaning.GRANTED and exchange.name != "errors":
            raise failure(exchange, verdict, at)
    named = {call.name: call for call in exchanges}
    if "list" not in named or not isinstance(named["list"].said.get("data"), list):
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "the list of batches has no array `data`")
    if "cancel" in named:
        raise ProbeProblem(FailureReason.TIMEOUT, f"a batch did not end within {WINDOW}, and was cancelled")
    running, ended = newest([call for call in exchanges if call.name == "list"], marker)
    facts: dict[str, Value] = {}
    if running is not None or "create" in named:
        facts[f"{BEHAVIOUR}{route}.created"] = True
    if running is not None and _counts(running).get("completed"):
        facts |= {ACCESS + route: GRANTED, **_resolved(route, running)}
    elif ended is not None and at - _made(ended) <= remembered(every):
        facts |= _end(route, model, ended, named.get("errors"), at)
    if not facts:
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "no batch of ours runs or has ended")
    return facts


def _end(route: str, model: str, ended: Mapping[str, Any], errors: Exchange | None, at: datetime) -> dict[str, Value]:
    if _done(ended):
        return {ACCESS + route: GRANTED, **_resolved(route, ended)}
    status, body = _why(ended, errors)
    verdict = classify(status, body, model=model)
    if verdict.meaning in LOSSES:
        return refused_by(route, status, verdict)
    if status == 0:
        verdict = ErrorVerdict(
            meaning=Meaning.UNKNOWN, message="every request of the batch failed, and nothing says why"
        )
    raise failure(Exchange(name="batch", status=status or 200, body={}), verdict, at)


def _why(ended: Mapping[str, Any], errors: Exchange | None) -> tuple[int, Any]:
    """Status and body of the refusal behind a batch that failed; 0 where nothing says it."""
    problems = ended.get("errors")
    listed = problems.get("data") if isinstance(problems, dict) else None
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        return 400, {"error": {"type": "invalid_request_error", **listed[0]}}
    line = _first_line(errors)
    response = line.get("response")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return response["status_code"], response.get("body")
    return 0, None


def _first_line(errors: Exchange | None) -> Mapping[str, Any]:
    if errors is None:
        return {}
    if errors.said:
        return errors.said
    try:
        line = json.loads(errors.text.partition("\n")[0])
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}


def _resolved(route: str, one: Mapping[str, Any]) -> dict[str, Value]:
    model = one.get("model")
    return {f"{BEHAVIOUR}{route}.model": model} if isinstance(model, str) and model.isprintable() and model else {}


def _done(one: Mapping[str, Any]) -> bool:
    return one.get("status") == "completed" and bool(_counts(one).get("completed"))


def _counts(one: Mapping[str, Any]) -> Mapping[str, Any]:
    counts = one.get("request_counts")
    return counts if isinstance(counts, dict) else {}


def _made(one: Mapping[str, Any]) -> datetime:
    seconds = one.get("created_at")
    fine = isinstance(seconds, int) and 0 <= seconds < 10**11
    return datetime.fromtimestamp(int(seconds or 0) if fine else 0, UTC)
