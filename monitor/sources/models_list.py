"""A surface's models list, through the `openai` SDK: which ids stand in it, and what it says of each.

The SDK only carries the request (`sdk`). A list that says that it goes on (`paging`) is followed to its end within the
limits of one poll, or it is no list. No judgement about an empty, shrunken or swollen list either; that is admission's.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypeGuard

import httpx2
import openai

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import (
    ANYTHING,
    ITEMS,
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
from monitor.core.price import PREFIX
from monitor.sources import paging
from monitor.sources.http import (
    Failure,
    HttpAnswer,
    HttpClient,
    NotModified,
    conditions,
    failure_of,
    judged,
    message,
    settled,
)
from monitor.sources.json_text import MAX_EXPONENT, KeyTwice, NotJson, canonical_text, contradictions, number, parse
from monitor.sources.sdk import Sdk

EXTRACTOR = "models_list/1"

VALUES = 10 * ITEMS
"""How many values the JSON of a list may hold in all: parsed, each takes many times its bytes of memory."""

PARTS = "pages"
"""The one key of the evidence of a list that was read in several pages, each as it was received."""

SHUTDOWN_KEYS = ("shutdown_date", "deprecation_date", "deprecation", "expiration_date")
"""How providers spell the announced end of a model, best first: OpenAI, OpenAI until August 2026, Mistral, OpenRouter.
"""

CREATED = "created"
"""When a model was made; some servers state the time of their answer instead, the same for every model."""

NAMED = re.compile(r"(?:publishers/[^/\s]+/)?models/[^/\s]+")
"""How Google names a model where it states no `id`: `models/…`, on Vertex `publishers/…/models/…`."""

LISTS = ("data", "models", "publisherModels")
"""Keys of the list in an answer: OpenAI and whoever is compatible, others, Vertex."""

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
        """Poll once.

        Raises:
            ConfigurationError: the API key is not where the configuration says, or cannot be one.
        """
        got = self._fetch(now, known)
        if isinstance(got, Failure) and got.reason is FailureReason.UNAUTHORIZED:
            self._sdk.forget()
        outcome = settled(self.spec.key, got, now=now, known=known, secrets=self._sdk.secrets)
        return self.extract(outcome, now) if isinstance(outcome, Body) else outcome

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored list anew."""
        try:
            reading = read(body.content, self._surface.key)
        except ListProblem as problem:
            return PollFailure(
                source=self.spec.key,
                at=at,
                reason=problem.reason,
                detail=problem.detail,
                body=body,
                swollen=problem.swollen,
            )
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

    def _fetch(self, now: datetime, known: Known | None) -> HttpAnswer | NotModified | Failure:
        """Return the list as received; of one that goes on all pages together."""
        pages = _ListWalk()
        query: Mapping[str, str] = {}
        conditional = conditions(known, now)
        limits = replace(self._http.limits, items=ITEMS)
        try:
            with self._http.bounded(limits):
                while True:
                    response = self._page(query, {} if pages.answers else conditional)
                    got = judged(response, now=now, conditional=bool(conditional) and not pages.answers)
                    if not isinstance(got, HttpAnswer):
                        return got
                    if not pages.answers and known is not None and got.sha256 == known.sha256:
                        return got
                    onward = pages.add(got, response.headers)
                    if onward is None:
                        return pages.together()
                    if failure := pages.stopped(onward, limits.size):
                        return failure
                    query = onward.query
        except openai.OpenAIError as error:
            return failure_of(error, f"{self._sdk.base_url}/models")

    def _page(self, query: Mapping[str, str], conditional: Mapping[str, str]) -> httpx2.Response:
        models = self._sdk.client.models.with_raw_response
        try:
            response: httpx2.Response = models.list(
                extra_headers=self._sdk.headers(conditional), extra_query=dict(query) or None
            ).http_response
        except openai.APIStatusError as error:
            response = error.response
        return response


class _ListWalk:
    """The pages of one list while they are fetched."""

    def __init__(self) -> None:
        self.answers: list[HttpAnswer] = []
        self._ids: set[str] = set()
        self._count = 0
        self._fresh = True

    def add(self, page: HttpAnswer, headers: Mapping[str, str]) -> paging.More | None:
        """Take a page, and say what it says of another one. One that is no list says nothing: its
        reader will say why.
        """
        self.answers.append(page)
        try:
            answer = _parsed(page.content)
            name, items = _items(answer, page.content)
        except ListProblem:
            return None
        self._count += len(items)
        count_before = len(self._ids)
        key = _key(items)
        self._ids |= {item[key] for item in items if isinstance(item, dict) and _usable(item.get(key))}
        self._fresh = len(self._ids) > count_before
        return paging.more(answer, items, headers=headers, url=page.url, counted=self._count, known=name)

    def stopped(self, onward: paging.More, size: int) -> Failure | None:
        """Why a list that goes on is not read on; None where it is. `size` is how many bytes its pages may have
        together.
        """
        why = ""
        if not onward.query:
            why = "and not where in a way that can be followed"
        elif not self._fresh:
            why = "and its pages lead to nothing new"
        elif len(self.answers) >= paging.PAGES:
            why = f"after {paging.PAGES} pages"
        elif sum(len(page.content) for page in self.answers) > size:
            return Failure(reason=FailureReason.TOO_LARGE, detail=f"the pages of the list have more than {size} bytes")
        if self._count > ITEMS:
            return Failure(reason=FailureReason.TOO_LARGE, detail=_too_many(self._count), swollen=True)
        if not why:
            return None
        return Failure(reason=FailureReason.TRUNCATED, detail=f"{_unfinished(onward)} {why}", answer=self.together())

    def together(self) -> HttpAnswer:
        """Return the one page, or all of them as one document. Its validators are left out: no server vouches for more
        than a page.
        """
        if len(self.answers) == 1:
            return self.answers[0]
        parts = b",".join(page.content.removeprefix(codecs.BOM_UTF8) for page in self.answers)
        content = b'{"%s":[%s]}' % (PARTS.encode(), parts)
        first = self.answers[0]
        return HttpAnswer(
            content=content,
            sha256=sha256(content).hexdigest(),
            url=first.url,
            content_type=first.content_type,
        )


class ListProblem(Exception):
    """A list that may not be taken, and why; a `swollen` one has too many items, and of one that goes on `reading` is
    what it holds so far.
    """

    def __init__(
        self, reason: FailureReason, detail: str, *, swollen: bool = False, reading: ListReading | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.swollen = swollen
        self.reading = reading


class ListReading:
    """A list while it is read, item by item. A fact that two items with one id state differently is unclear."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.facts: dict[Subject, dict[str, Value]] = {}
        self.unclear: set[Fact] = set()
        self.refused: list[Refusal] = []
        self.silent: frozenset[str] = frozenset({SHUTDOWN_DATE})

    def add(self, where: str, item: object, key: str) -> None:
        """Read one item, whose id stands under `key`, or refuse it."""
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(item, dict) or not _usable(name):
            why = "an item without a printable, non-empty string as its id, so that what is missing may be this one"
            self.refused.append(Refusal(where, why, about=(ANYTHING,)))
            return
        subject = Subject(self.scope, name)
        if any(key in item for key in SHUTDOWN_KEYS):
            self.silent = frozenset()
        fields = dict(self._stated(where, subject, item, key))
        before = self.facts.setdefault(subject, fields)
        for field in {field for field, _ in before.items() ^ fields.items()}:
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

    def _stated(
        self, where: str, subject: Subject, item: Mapping[str, object], named: str
    ) -> Iterable[tuple[str, Value]]:
        yield LISTED, True
        for key, value in item.items():
            if value is None or key in IGNORED or key == named or key.startswith(PREFIX) or not _usable(key):
                continue
            if any(contradictions(value)):
                self._unclear(where, subject, key)
            else:
                yield key, _value(value)
        replacement = next((item[key] for key in REPLACEMENT_KEYS if item.get(key)), None)
        if any(contradictions(replacement)):
            self._unclear(where, subject, REPLACEMENT)
        elif replacement is not None:
            yield REPLACEMENT, _value(replacement)
        end = next((item[key] for key in SHUTDOWN_KEYS if item.get(key)), None)
        if isinstance(end, KeyTwice):
            self._unclear(where, subject, SHUTDOWN_DATE)
        elif end is not None:
            day = _day(end)
            if day:
                yield SHUTDOWN_DATE, day
            else:
                self.unclear.add(Fact(subject, SHUTDOWN_DATE))
                why = f"the shutdown date of {subject.name} is not a date"
                self.refused.append(Refusal(where, why, (subject.name,)))

    def _unclear(self, where: str, subject: Subject, field: str) -> None:
        self.unclear.add(Fact(subject, field))
        why = f"{field} of {subject.name} is stated twice, and not alike"
        self.refused.append(Refusal(where, why, (subject.name,)))


def read(content: bytes, scope: str) -> ListReading:
    """Read a list: `{"data": […]}`, a bare array, or `{"models": […]}` whose items all have ids; one of Google's own
    whose items have names; or several pages of one, under `pages`.

    Raises:
        ListProblem: it is no whole list.
    """
    answer = _parsed(content)
    reading = ListReading(scope)
    count = 0
    for place, page in _pages(answer):
        name, items = _items(page, content)
        count += len(items)
        if count > ITEMS:
            raise ListProblem(FailureReason.TOO_LARGE, _too_many(count), swollen=True)
        onward = paging.more(page, items, headers={}, url="", counted=count, known=name)
        key = _key(items)
        for index, item in enumerate(items):
            items[index] = None  # a long list is not held twice, once as it was parsed and once as facts
            reading.add(f"{place}{name}[{index}]", item, key)
    reading.close()
    if onward is not None:  # what a page before the last one says of the next is so
        raise ListProblem(FailureReason.TRUNCATED, _unfinished(onward), reading=reading)
    if count and not reading.facts:
        raise ListProblem(FailureReason.INVALID_SHAPE, f"none of the {count} items has a non-empty string as its id")
    return reading


def _parsed(content: bytes) -> object:
    """Return the JSON of a list, unless it holds more than any list of models does: a few bytes of each value become
    many once they are parsed.
    """
    if content.count(b"{") + content.count(b"[") + content.count(b",") > VALUES:
        raise ListProblem(FailureReason.TOO_LARGE, f"the list holds more than {VALUES:,} values", swollen=True)
    try:
        return parse(content)
    except NotJson as error:
        raise ListProblem(FailureReason.NOT_JSON, error.reason) from error


def _pages(answer: object) -> list[tuple[str, object]]:
    """Return the pages of an answer, each with what to write before the place of an item in it."""
    parts = answer[PARTS] if isinstance(answer, dict) and answer.keys() == {PARTS} else None
    if isinstance(parts, list) and parts:
        return [(f"{PARTS}[{number}].", page) for number, page in enumerate(parts)]
    return [("", answer)]


def _too_many(count: int) -> str:
    return f"the list has {count:,} items, and at most {ITEMS:,} are taken"


def _unfinished(onward: paging.More) -> str:
    return f"the list says that it goes on ({onward.why}), so it is not the whole list"


def _items(answer: object, content: bytes) -> tuple[str, list[object]]:
    if isinstance(answer, list):
        return "", answer
    if not isinstance(answer, dict):
        raise ListProblem(FailureReason.INVALID_SHAPE, "the answer is neither an object nor an array")
    name = next((name for name in LISTS if name in answer), "")
    items = answer.get(name)
    if name != "data" and isinstance(items, list):
        key = _key(items)
        if not all(isinstance(item, dict) and _usable(item.get(key)) for item in items):
            items = None
    if isinstance(items, list):
        if wrong := paging.fault(answer):
            raise ListProblem(FailureReason.INVALID_SHAPE, f"{wrong}; a list that comes with an error may lack models")
        return name, items
    if isinstance(items, KeyTwice):
        raise ListProblem(FailureReason.INVALID_SHAPE, f"`{name}` is stated twice, and not alike")
    if "data" in answer:
        kind = "null" if items is None else "no array"
        raise ListProblem(FailureReason.INVALID_SHAPE, f"`data` is {kind}, where an array of models was due")
    reason = message(content, "") if "error" in answer else ""
    raise ListProblem(FailureReason.INVALID_SHAPE, f"an object without `data`{': ' if reason else ''}{reason}")


def _key(items: Sequence[object]) -> str:
    """Return under which key the items of a list state their ids: `id`, or `name` where all have one of Google's."""
    named = items and all(
        isinstance(item, dict) and "id" not in item and NAMED.fullmatch(str(item.get("name"))) for item in items
    )
    return "name" if named else "id"


def _usable(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and bool(name.strip()) and name.isprintable()


def _value(found: object) -> Value:
    """Return a scalar as it is, a fraction as decimal string (`1.0` is 1), everything else as canonical JSON.

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
