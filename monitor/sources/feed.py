"""A price feed: a JSON document of many providers' prices, read by the extractor of its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from monitor.core.configuration import SourceSpec
from monitor.core.facts import (
    ALIAS_TARGET,
    ANYTHING,
    Body,
    Fact,
    Refusal,
    Snapshot,
)
from monitor.sources import json_text
from monitor.sources.extraction import (
    Extraction,
    Priced,
    announced,
    facts_of,
    next_boundary,
    not_yet,
    with_remarks,
)
from monitor.sources.feeds import genai_prices, litellm, llm_prices, modelpricewatch, models_dev, openrouter
from monitor.sources.feeds.sheet import PriceTable, shown
from monitor.sources.fetched import FetchedSource
from monitor.sources.http import HttpClient
from monitor.sources.json_text import KeyTwice


class Format(NamedTuple):
    """How a feed is read: the version of the extractor, the function from parsed JSON to prices, and whether the keys
    of its document are names of models or providers.
    """

    extractor: str
    extract: Callable[[object], Extraction]
    by_name: bool = False


FORMATS: Mapping[str, Format] = {
    "genai_prices": Format(genai_prices.EXTRACTOR, genai_prices.extract),
    "litellm": Format(litellm.EXTRACTOR, litellm.extract, by_name=True),
    "llm_prices": Format(llm_prices.EXTRACTOR, llm_prices.extract),
    "modelpricewatch": Format(modelpricewatch.EXTRACTOR, modelpricewatch.extract),
    "models_dev": Format(models_dev.EXTRACTOR, models_dev.extract, by_name=True),
    "openrouter": Format(openrouter.EXTRACTOR, openrouter.extract),
}


def read(content: bytes, format: str) -> Extraction:
    """Read a feed from its bytes.

    Raises:
        NotJson: it is not JSON.
        Unreadable: it is, but of another shape than the format's.
    """
    payload, contradicted = json_text.read(content)
    extraction = FORMATS[format].extract(payload)
    if not contradicted:
        return extraction
    refused = _contradictions(payload, by_name=FORMATS[format].by_name)
    return replace(extraction, refused=(*extraction.refused, *refused))


def _contradictions(payload: object, *, by_name: bool) -> Iterator[Refusal]:
    """Yield a refusal for every key that an object states twice, and not alike, about the models that it stands under
    or holds; about all, where     it is one of the whole document and no name (`by_name`).
    """
    waiting: list[tuple[str, frozenset[str], object]] = [("", frozenset(), payload)]
    while waiting:
        where, names, value = waiting.pop()
        if isinstance(value, KeyTwice):
            about = tuple(sorted(names.union(*map(_names, value.values)))) if names else (ANYTHING,)
            yield Refusal(shown(where), "a key given twice in one object, with different values", about)
        elif isinstance(value, dict):
            own = names.union(_called(value.get("id")))
            for key, inner in value.items():
                keyed = own.union(_called(key)) if where or by_name else own
                waiting.append((f"{where}.{key}" if where else key, keyed, inner))
        elif isinstance(value, list):
            waiting += [(f"{where}[{index}]", names, inner) for index, inner in enumerate(value)]


def _called(name: object) -> frozenset[str]:
    """Return the names under which what is called so may be known: with the prefix of its provider, and without."""
    return frozenset({name, name.partition("/")[2] or name}) if isinstance(name, str) else frozenset()


def _names(value: object) -> frozenset[str]:
    """Whatever a value may call a model: the keys of its objects, and the ids within."""
    names: set[str] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            names.update(*map(_called, value), _called(value.get("id")))
            waiting += value.values()
        elif isinstance(value, list | KeyTwice):
            waiting += value if isinstance(value, list) else value.values
    return frozenset(names)


class PriceFeed(FetchedSource):
    """A price feed. Its facts are the prices that hold at the poll, out of all that it states with dates."""

    def __init__(self, spec: SourceSpec, http: HttpClient) -> None:
        super().__init__(spec, http)
        self.extractor = FORMATS[spec.format].extractor

    def read(self, body: Body, at: datetime) -> Snapshot:
        """Return the prices that a feed states, those that hold at `at` as they are."""
        return snapshot(self.spec.key, self.extractor, read(body.content, self.spec.format), body, at)


def snapshot(source: str, extractor: str, extraction: Extraction, body: Body, at: datetime) -> Snapshot:
    """Return what a set of prices, dated or not, says at `at`."""
    rows = extraction.rows
    if isinstance(rows, PriceTable):
        priced, until = Priced(rows.facts, extraction.unclear, extraction.refused), None
    else:
        priced = announced(facts_of((row for row in rows if row.effective(at)), extraction.refused), rows, at)
        priced = priced._replace(unclear=priced.unclear | not_yet(priced, rows, at))
        until = next_boundary(rows, at)
    uncertain = (
        Fact(subject, field) for subject, field in extraction.unclear if field in priced.facts.get(subject, {})
    )
    unclear = priced.unclear | extraction.unclear.difference(uncertain)
    aliased = {
        subject: {**priced.facts.get(subject, {}), ALIAS_TARGET: target}
        for subject, target in extraction.aliases.items()
    }
    return Snapshot(
        source=source,
        at=at,
        facts=with_remarks({**priced.facts, **aliased} if aliased else priced.facts, source, extraction.notes),
        extractor=extractor,
        body=body,
        unclear=unclear,
        valid_until=until,
        refused=priced.refused,
        notes=extraction.notes,
    )
