"""A document: a page of prose, an announcement, a changelog, a feed of news. Its facts are its paragraphs, so that
order is none.

Which of its words matter is said by the configuration (`watch`); what a change of it means is a person's to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from monitor.core.configuration import SourceSpec
from monitor.core.facts import PARAGRAPH, WATCHED, Body, Snapshot, Subject, Value
from monitor.core.ports import ConfigurationError
from monitor.sources.http import HttpClient
from monitor.sources.prose import normal, paragraphs
from monitor.sources.web_page import Page, reading

EXTRACTOR = "document/2"

TEXT = "text"
"""The one subject of a document."""

LONGEST = 2000
"""Characters of a paragraph that are kept; all of them count for whether it changed."""


def document(spec: SourceSpec, http: HttpClient) -> Page:
    """Return the source of a document.

    Its version holds the markers: what was not watched for before did not come today, it is read from the stored bytes
    first.

    Raises:
        ConfigurationError: a marker is not a text.
    """
    markers = watched(spec)
    extractor = f"{EXTRACTOR}+{_digest(chr(0).join(sorted(markers)))[:8]}" if markers else EXTRACTOR

    def read(spec: SourceSpec, body: Body, at: datetime) -> Snapshot:
        texts = reading(body, paragraphs, what="document")
        fields = facts(texts, markers)
        return Snapshot(source=spec.key, at=at, facts={Subject(spec.key, TEXT): fields}, extractor=extractor, body=body)

    return Page(spec, http, reader=read, extractor=extractor)


def watched(spec: SourceSpec) -> tuple[str, ...]:
    """Return the markers that a document is watched for.

    Raises:
        ConfigurationError: one of them is not a text.
    """
    markers = spec.options.get("watch", ())
    if not isinstance(markers, tuple) or not all(isinstance(marker, str) and marker.strip() for marker in markers):
        raise ConfigurationError(f'source {spec.key} needs `watch` to be a list of texts, as in ["limited preview"]')
    return markers


def facts(found: Sequence[str], markers: Sequence[str]) -> dict[str, Value]:
    """Return the paragraphs by their digest, and whether each marker stands in one of them, in whatever case."""
    fields: dict[str, Value] = {PARAGRAPH + _digest(text)[:16]: text[:LONGEST] for text in found}
    whole = "\n".join(found).casefold()
    fields.update({WATCHED + marker: normal(marker).casefold() in whole for marker in markers})
    return fields


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
