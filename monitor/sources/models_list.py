"""A surface's models list, through the `openai` SDK: which ids stand in it, and what it says of each.

The SDK only carries the request (`sdk`). No judgement about an empty or shrunken list either; that is admission's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeGuard

import openai

from monitor.domain.configuration import SourceSpec, Surface
from monitor.domain.model import (
    LISTED,
    REPLACEMENT,
    SHUTDOWN_DATE,
    Body,
    Fact,
    FailureReason,
    Known,
    Observation,
    PollFailure,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.domain.price import PREFIX
from monitor.sources.http import (
    Answer,
    Failure,
    HttpClient,
    NotModified,
    conditions,
    failure_of,
    judged,
    message,
    settled,
)
from monitor.sources.json_text import MAX_EXPONENT, NotJson, canonical_text, number, parse
from monitor.sources.sdk import Sdk

EXTRACTOR = "models_list/1"

SHUTDOWN_KEYS = ("shutdown_date", "deprecation_date", "deprecation", "expiration_date")
"""How providers spell the announced end of a model, best first: OpenAI, OpenAI until August 2026, Mistral, OpenRouter."""

CREATED = "created"
"""When a model was made; some servers state the time of their answer instead, the same for every model."""

REPLACEMENT_KEYS = ("deprecation_replacement_model", REPLACEMENT)

IGNORED = frozenset(
    {
        "id",
        "object",
        "permission",
        "root",
        "parent",
        "description",
        "benchmarks",
        "pricing",
        "top_provider",
        "per_request_limits",
        LISTED,
        *SHUTDOWN_KEYS,
        *REPLACEMENT_KEYS,
    }
)
"""Keys that are no fact by their own name: they change without meaning anything, or are read under another name."""


class ModelsList:
    """The models list of one surface. `secret` resolves the references of the surface."""

    extractor = EXTRACTOR

    def __init__(self, spec: SourceSpec, surface: Surface, http: HttpClient, secret: Callable[[str], str]) -> None:
        self.spec = spec
        self._surface = surface
        self._http = http
        self._sdk = Sdk(surface, http, secret)

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Look once.

        Raises:
            ConfigurationError: the API key is not where the configuration says, or cannot be one.
        """
        got = self._fetch(now, known)
        if isinstance(got, Failure) and got.reason is FailureReason.UNAUTHORIZED:
            self._sdk.forget()
        seen = settled(self.spec.key, got, now=now, known=known, secrets=self._sdk.secrets)
        return self.extract(seen, now) if isinstance(seen, Body) else seen

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored list anew."""
        try:
            reading = read(body.content, self._surface.key)
        except Problem as problem:
            return PollFailure(source=self.spec.key, at=at, reason=problem.reason, detail=problem.detail, body=body)
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts=reading.facts,
            extractor=self.extractor,
            body=body,
            silent=reading.silent,
            unclear=frozenset(reading.unclear),
            refused=tuple(reading.refused),
        )

    def _fetch(self, now: datetime, known: Known | None) -> Answer | NotModified | Failure:
        sdk = self._sdk.client
        conditional = conditions(known, now)
        try:
            with self._http.look():
                response = sdk.models.with_raw_response.list(extra_headers=self._sdk.headers(conditional)).http_response
        except openai.APIStatusError as error:
            response = error.response
        except openai.OpenAIError as error:
            return failure_of(error, f"{self._sdk.base_url}/models")
        return judged(response, now=now, conditional=bool(conditional))


class Problem(Exception):
    """A list that may not be read, and why."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Reading:
    """A list while it is read, item by item. A fact that two items with one id state differently is unclear."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.facts: dict[Subject, dict[str, Value]] = {}
        self.unclear: set[Fact] = set()
        self.refused: list[Refusal] = []
        self.silent: frozenset[str] = frozenset({SHUTDOWN_DATE})

    def add(self, where: str, item: object) -> None:
        """Read one item, or refuse it."""
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not _usable(name):
            self.refused.append(Refusal(where, "an item without a printable, non-empty string as its id"))
            return
        subject = Subject(self.scope, name)
        if any(key in item for key in SHUTDOWN_KEYS):
            self.silent = frozenset()
        stated = dict(self._stated(where, subject, item))
        before = self.facts.setdefault(subject, stated)
        for field in {field for field, _ in before.items() ^ stated.items()}:
            self.unclear.add(Fact(subject, field))

    def close(self) -> None:
        """Leave out what is unclear, and a date of creation that is none."""
        for fact in self.unclear:
            self.facts[fact.subject].pop(fact.field, None)
        dates = [fields[CREATED] for fields in self.facts.values() if CREATED in fields]
        if len(dates) > 1 and len(set(dates)) == 1:
            self.silent |= {CREATED}
            for fields in self.facts.values():
                fields.pop(CREATED, None)

    def _stated(self, where: str, subject: Subject, item: Mapping[str, object]) -> Iterable[tuple[str, Value]]:
        yield LISTED, True
        for key, found in item.items():
            if found is None or key in IGNORED or key.startswith(PREFIX) or not _usable(key):
                continue
            yield key, _value(found)
        replacement = next((item[key] for key in REPLACEMENT_KEYS if item.get(key)), None)
        if replacement is not None:
            yield REPLACEMENT, _value(replacement)
        end = next((item[key] for key in SHUTDOWN_KEYS if item.get(key)), None)
        if end is not None:
            day = _day(end)
            if day:
                yield SHUTDOWN_DATE, day
            else:
                self.unclear.add(Fact(subject, SHUTDOWN_DATE))
                self.refused.append(Refusal(where, f"the shutdown date of {subject.name} is not a date"))


def read(content: bytes, scope: str) -> Reading:
    """Read a list: `{"data": […]}`, a bare array, or `{"models": […]}` whose items all have ids.

    Raises:
        Problem: it is no whole list.
    """
    try:
        answer = parse(content)
    except NotJson as error:
        raise Problem(FailureReason.NOT_JSON, error.reason) from error
    name, items = _items(answer, content)
    reading = Reading(scope)
    for index, item in enumerate(items):
        reading.add(f"{name}[{index}]", item)
    if items and not reading.facts:
        raise Problem(FailureReason.INVALID_SHAPE, f"none of the {len(items)} items has a non-empty string as its id")
    reading.close()
    return reading


def _items(answer: object, content: bytes) -> tuple[str, list[object]]:
    if isinstance(answer, list):
        return "", answer
    if not isinstance(answer, dict):
        raise Problem(FailureReason.INVALID_SHAPE, "the answer is neither an object nor an array")
    if answer.get("has_more"):
        raise Problem(
            FailureReason.TRUNCATED, "the list says that it has more (`has_more`), so it is not the whole list"
        )
    if "data" in answer:
        if isinstance(answer["data"], list):
            return "data", answer["data"]
        kind = "null" if answer["data"] is None else "no array"
        raise Problem(FailureReason.INVALID_SHAPE, f"`data` is {kind}, where an array of models was due")
    models = answer.get("models")
    if isinstance(models, list) and all(isinstance(item, dict) and _usable(item.get("id")) for item in models):
        return "models", models
    said = message(content, "") if "error" in answer else ""
    raise Problem(FailureReason.INVALID_SHAPE, f"an object without `data`{': ' if said else ''}{said}")


def _usable(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and bool(name.strip()) and name.isprintable()


def _value(found: object) -> Value:
    """A scalar as it is, a fraction as decimal string (`1.0` is 1), everything else as canonical JSON.

    So are strings with control characters or lone surrogates: databases refuse the one, UTF-8 the other.
    """
    if isinstance(found, bool | int):
        return found
    if isinstance(found, Decimal):
        whole = abs(found.adjusted()) <= MAX_EXPONENT and found == found.to_integral_value()
        return int(found) if whole else number(found)
    if isinstance(found, str) and found.isprintable():
        return found
    return canonical_text(found)


def _day(found: object) -> str:
    """`YYYY-MM-DD` of a date, of a time as written, or of seconds since 1970 (UTC); empty where it is none of them."""
    if isinstance(found, str) and re.match(r"\d{4}-\d{2}-\d{2}(?=$|[T ])", found):
        try:
            return date.fromisoformat(found[:10]).isoformat()
        except ValueError:
            return ""
    if isinstance(found, int | Decimal) and not isinstance(found, bool) and 10**8 < found < 10**11:
        return datetime.fromtimestamp(int(found), UTC).date().isoformat()
    return ""
