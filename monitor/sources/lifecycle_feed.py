"""Ends of models as third parties collect them, in JSON: `endoflife` (endoflife.date), `model_eol`, `modeldeprecations`
(modeldeprecations.dev) and `litellm` (the `deprecation_date` of its price map).

Third parties inform: `lifecycle` shows them beside what the provider says, and whether they agree. An entry that is not
understood is refused alone. A feed that leaves a model out takes nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from monitor.core.ends import AnnouncedEnd, Precision
from monitor.core.facts import (
    REPLACEMENT,
    SHUTDOWN_DATE,
    Body,
    Fact,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.sources import json_text
from monitor.sources.deprecations.columns import NOTICE_DATE, REPLACEMENT_KIND, ROW, STATUS
from monitor.sources.deprecations.names import ReplacementKind
from monitor.sources.extraction import Unreadable
from monitor.sources.feeds.litellm import NO_MODELS, PROVIDER
from monitor.sources.fetched import FetchedSource

EXTRACTOR = "lifecycle_feed/1"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PRECISIONS = {
    "": Precision.FIRM,
    "exact": Precision.FIRM,
    "earliest": Precision.EARLIEST,
    "tentative": Precision.EARLIEST,
}
"""How `model_eol` says how sure a day is; a tentative one is the earliest that its provider names."""


class StatedEnd(NamedTuple):
    """What a feed states of one model: `fields` hold None for what is there and not understood."""

    where: str
    provider: str
    models: tuple[str, ...]
    fields: Mapping[str, Value | None]


class NotUnderstood(Exception):
    """An entry, or a part of one, that is not of the shape that its feed has."""


Extract = Callable[[Any, str], Iterator[StatedEnd | Refusal]]
"""Reads parsed JSON; the other argument is the provider that the configuration names, empty where it names none."""


class LifecycleFeed(FetchedSource):
    """A feed of ends of models."""

    extractor = EXTRACTOR

    def read(self, body: Body, at: datetime) -> Snapshot:
        """Return the ends that a feed states."""
        payload = json_text.parse(body.content)
        extract = FORMATS[self.spec.format or format_of(payload)]
        return self._snapshot(extract(payload, self.spec.provider), body, at)

    def _snapshot(self, entries: Iterator[StatedEnd | Refusal], body: Body, at: datetime) -> Snapshot:
        facts: dict[Subject, dict[str, Value]] = {}
        unclear: set[Fact] = set()
        refused: list[Refusal] = []
        for entry in entries:
            if isinstance(entry, Refusal):
                refused.append(entry)
            elif not self.spec.provider or entry.provider == self.spec.provider:
                for model in entry.models:
                    _add(Subject(entry.provider, model), entry, facts, unclear, refused)
        for fact in unclear:
            facts.get(fact.subject, {}).pop(fact.field, None)
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts={subject: fields for subject, fields in facts.items() if fields},
            extractor=EXTRACTOR,
            body=body,
            unclear=frozenset(unclear),
            announcing=True,
            refused=tuple(refused),
        )


def _add(
    subject: Subject,
    entry: StatedEnd,
    facts: dict[Subject, dict[str, Value]],
    unclear: set[Fact],
    refused: list[Refusal],
) -> None:
    """Take what an entry states of a model. A field that two entries state differently is unclear."""
    fields = facts.setdefault(subject, {})
    for field, value in entry.fields.items():
        if value is None:
            unclear.add(Fact(subject, field))
            refused.append(Refusal(entry.where, f"the {field} of {subject.name} is not a day", (subject.name,)))
        elif fields.setdefault(field, value) != value:
            unclear.add(Fact(subject, field))
            refused.append(Refusal(entry.where, f"the {field} of {subject.name} is stated twice", (subject.name,)))


def format_of(payload: object) -> str:
    """Return which format a document is in, by its shape.

    Raises:
        Unreadable: it is in none.
    """
    if isinstance(payload, dict) and ("publisher" in payload or str(payload.get("spec", "")).startswith("model-eol/")):
        return "model_eol"
    if isinstance(payload, dict) and isinstance(payload.get("result"), dict):
        return "endoflife"
    if isinstance(payload, list) and payload and all(isinstance(cycle, dict) and "cycle" in cycle for cycle in payload):
        return "endoflife"
    rows = payload.get("models") if isinstance(payload, dict) else payload
    if isinstance(rows, list) and all(isinstance(row, dict) and {"provider", "model"} <= row.keys() for row in rows):
        return "modeldeprecations"
    if isinstance(payload, dict) and any(isinstance(row, dict) and PROVIDER in row for row in payload.values()):
        return "litellm"
    raise Unreadable(f"the document is in none of the formats {', '.join(sorted(FORMATS))}")


def _endoflife(payload: Any, provider: str) -> Iterator[StatedEnd | Refusal]:
    """Read a product of endoflife.date, in either version of its API; whose models the product is says `provider`."""
    result = payload.get("result") if isinstance(payload, dict) else None
    provider = provider or str(result.get("name") if isinstance(result, dict) else "endoflife")
    rows = payload if isinstance(payload, list) else result.get("releases") if isinstance(result, dict) else None
    if not isinstance(rows, list):
        raise Unreadable("neither a list of cycles nor a `result` with `releases`")

    def read(where: str, row: Mapping[str, Any]) -> StatedEnd:
        model = _name(row, "cycle" if "cycle" in row else "name")
        eol = row.get("eol", row.get("eolFrom"))
        fields: dict[str, Value | None] = {}
        if isinstance(eol, str):
            fields = {ROW: True, SHUTDOWN_DATE: _end(eol)}
        elif eol is True or row.get("isEol") is True:
            fields = {ROW: True, STATUS: "retired"}
        elif eol not in (None, False):
            raise NotUnderstood("its end is neither a day nor true or false")
        return StatedEnd(where, provider, (model,), fields)

    return _each(rows, "releases", read)


def _model_eol(payload: Any, provider: str) -> Iterator[StatedEnd | Refusal]:
    """Read a feed of the format model-eol 0.1. Its aliases may point elsewhere tomorrow: none is taken."""
    rows = payload.get("models") if isinstance(payload, dict) else None
    publisher = payload.get("publisher") if isinstance(payload, dict) else None
    if not isinstance(rows, list) or not isinstance(publisher, str) or not publisher:
        raise Unreadable("no object with `publisher` and a list of `models`")

    def read(where: str, row: Mapping[str, Any]) -> StatedEnd:
        fields: dict[str, Value | None] = {}
        if row.get("shutdown") is not None:
            precision = _PRECISIONS.get(str(row.get("date_precision") or ""))
            fields[SHUTDOWN_DATE] = None if precision is None else _end(row["shutdown"], precision)
        if row.get("announced") is not None:
            fields[NOTICE_DATE] = _day(row["announced"])
        options = row.get("replacement_options")
        if isinstance(row.get("replacement"), str):
            fields |= {REPLACEMENT: row["replacement"], REPLACEMENT_KIND: ReplacementKind.DROP_IN.value}
        elif isinstance(options, list) and options and all(isinstance(option, str) for option in options):
            fields |= {REPLACEMENT: " or ".join(options), REPLACEMENT_KIND: ReplacementKind.OPTIONS.value}
        elif isinstance(row.get("replacement_note"), str):
            fields |= {REPLACEMENT: row["replacement_note"], REPLACEMENT_KIND: ReplacementKind.NOTE.value}
        return StatedEnd(where, publisher, (_name(row, "id"),), {ROW: True, **fields} if fields else {})

    return _each(rows, "models", read)


def _modeldeprecations(payload: Any, provider: str) -> Iterator[StatedEnd | Refusal]:
    """Read the catalogue of modeldeprecations.dev, whose aliases are dated snapshots of the same record."""
    rows = payload.get("models") if isinstance(payload, dict) else payload
    if not isinstance(rows, list):
        raise Unreadable("no list of `models`")

    def read(where: str, row: Mapping[str, Any]) -> StatedEnd:
        fields: dict[str, Value | None] = {}
        if row.get("shutdown_on") is not None:
            fields[SHUTDOWN_DATE] = _end(row["shutdown_on"])
        elif row.get("earliest_shutdown_on") is not None:
            fields[SHUTDOWN_DATE] = _end(row["earliest_shutdown_on"], Precision.EARLIEST)
        if row.get("deprecated_on") is not None:
            fields[NOTICE_DATE] = _day(row["deprecated_on"])
        replacements = row.get("replacements") or []
        if isinstance(replacements, list) and replacements:
            chosen = [other for other in replacements if isinstance(other, dict)]
            named = [_name(other, "model") for other in chosen]
            plain = len(named) == 1 and not chosen[0].get("note")
            use = ReplacementKind.DROP_IN if plain else ReplacementKind.OPTIONS
            fields |= {REPLACEMENT: " or ".join(named), REPLACEMENT_KIND: use.value}
        if fields and isinstance(row.get("status"), str):
            fields[STATUS] = row["status"]
        aliases = [alias for alias in row.get("aliases") or [] if isinstance(alias, str) and alias.isprintable()]
        models = tuple(dict.fromkeys((_name(row, "model"), *aliases)))
        return StatedEnd(where, _name(row, "provider"), models, {ROW: True, **fields} if fields else {})

    return _each(rows, "models", read)


def _litellm(payload: Any, provider: str) -> Iterator[StatedEnd | Refusal]:
    """Read the `deprecation_date` of LiteLLM's price map: the day from which the model is not served any more."""
    if not isinstance(payload, dict) or not any(isinstance(row, dict) and PROVIDER in row for row in payload.values()):
        raise Unreadable(f"no object of models with `{PROVIDER}`")
    rows = {key: row for key, row in payload.items() if key not in NO_MODELS}
    for key, row in rows.items():
        if not isinstance(row, dict) or row.get("deprecation_date") in (None, ""):
            continue
        where = key if key.isprintable() else ascii(key)
        try:
            whose = _name(row, PROVIDER)
            prefix, slash, rest = key.partition("/")
            model = rest if slash and prefix == whose else key
            yield StatedEnd(where, whose, (model,), {ROW: True, SHUTDOWN_DATE: _end(row["deprecation_date"])})
        except NotUnderstood as error:
            yield Refusal(where, str(error))


FORMATS: Mapping[str, Extract] = {
    "endoflife": _endoflife,
    "litellm": _litellm,
    "model_eol": _model_eol,
    "modeldeprecations": _modeldeprecations,
}


def _each(
    rows: list[Any], name: str, read: Callable[[str, Mapping[str, Any]], StatedEnd]
) -> Iterator[StatedEnd | Refusal]:
    """Read each row of a list, or refuse it."""
    for index, row in enumerate(rows):
        where = f"{name}[{index}]"
        try:
            if not isinstance(row, dict):
                raise NotUnderstood("not an object")
            yield read(where, row)
        except NotUnderstood as error:
            yield Refusal(where, str(error))


def _name(row: Mapping[str, Any], key: str) -> str:
    name = row.get(key)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise NotUnderstood(f"`{key}` is not a printable, non-empty string")
    return name


def _end(text: object, precision: Precision = Precision.FIRM) -> str | None:
    day = _day(text)
    return None if day is None else str(AnnouncedEnd(date.fromisoformat(day), precision))


def _day(text: object) -> str | None:
    """Return a whole day, with or without a time of it; None for anything else."""
    if not isinstance(text, str) or not _DAY.match(text) or text[10:11] not in ("", "T", " "):
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None
