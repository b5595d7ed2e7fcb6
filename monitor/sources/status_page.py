"""A provider's status page as JSON: which incidents are open. Read as they stand there; whether they explain anything
is judged elsewhere.

Shapes: Statuspage v2 (`summary.json`, `incidents.json`, `incidents/unresolved.json`), the widget of incident.io
(`ongoing_incidents`) and what its pages proxy (`summary` with `ongoing_incidents`, or a list `incidents` with
`component_impacts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from monitor.core.facts import (
    INCIDENT,
    Body,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.sources.extraction import Unreadable
from monitor.sources.fetched import FetchedSource
from monitor.sources.json_text import parse
from monitor.sources.redaction import one_line

EXTRACTOR = "status_page/1"

ALL = "all"
"""The subject where no component is named."""

READ = "status_page"
"""A fact that is always there: a page without an open incident is no empty answer."""

OVER = frozenset({"resolved", "postmortem", "completed", "scheduled", "maintenance_scheduled", "maintenance_completed"})
"""Statuses of what is not going on: over, or not begun."""


class StatusPage(FetchedSource):
    """A status page, or the part of it that is about one component."""

    extractor = EXTRACTOR
    headers = MappingProxyType({"Accept": "application/json"})

    def read(self, body: Body, at: datetime) -> Snapshot:
        """Return the incidents that a page shows."""
        component = self.spec.option("component")
        fields, refused = read(body.content, component)
        facts = {Subject(self.spec.key, component or ALL): fields}
        return Snapshot(
            source=self.spec.key, at=at, facts=facts, extractor=self.extractor, body=body, refused=tuple(refused)
        )


def read(content: bytes, component: str = "") -> tuple[dict[str, Value], list[Refusal]]:
    """Return the open incidents, of one component where it is named, and the items that are none.

    An incident that does not say which components it is about is about all of them.

    Raises:
        NotJson: it is not JSON.
        Unreadable: it has none of the shapes.
    """
    answer = parse(content)
    page = answer.get("summary", answer) if isinstance(answer, dict) else None
    if not isinstance(page, dict):
        raise Unreadable("the answer is no object of a status page")
    items = page.get("ongoing_incidents", page.get("incidents"))
    if not isinstance(items, list):
        raise Unreadable("an object without a list of `incidents` or `ongoing_incidents`")
    names = {
        str(part["id"]): str(part["name"]) for part in _objects(page.get("components")) if {"id", "name"} <= part.keys()
    }
    components = {name.casefold() for name in names.values()}
    if component and components and component.casefold() not in components:
        raise Unreadable(f"the page has no component {component!r}; it has: {', '.join(sorted(names.values()))}")
    fields: dict[str, Value] = {READ: True}
    refused: list[Refusal] = []
    for index, item in enumerate(items):
        id, title = (item.get("id"), item.get("name")) if isinstance(item, dict) else (None, None)
        if (
            not isinstance(item, dict)
            or not isinstance(id, str | int)
            or not str(id).isprintable()
            or not isinstance(title, str)
            or not title.strip()
        ):
            refused.append(Refusal(f"incidents[{index}]", "an item without an id and a name"))
            continue
        status = str(item.get("status") or "open").lower()
        if status in OVER or item.get("resolved_at"):
            continue
        touched = set(_touched(item, names))
        if component and touched and component.casefold() not in {name.casefold() for name in touched}:
            continue
        impact = str(item.get("impact") or item.get("current_worst_impact") or _worst(item) or "incident").lower()
        fields[f"{INCIDENT}{id}"] = one_line(f"{impact.replace('_', ' ')}: {title} ({status.replace('_', ' ')})")
    if refused and len(refused) == len(items):
        raise Unreadable(f"none of the {len(items)} incidents has an id and a name")
    return fields, refused


def _touched(item: Mapping[str, object], names: Mapping[str, str]) -> Iterator[str]:
    """Yield the components that an incident says it is about, by name."""
    for key in ("components", "affected_components", "component_impacts"):
        yield from _named(item.get(key), names)
    for update in _objects(item.get("incident_updates")):
        yield from _named(update.get("affected_components"), names)


def _named(found: object, names: Mapping[str, str]) -> Iterator[str]:
    for component in _objects(found):
        name = component.get("name") or names.get(
            str(component.get("component_id") or component.get("code") or component.get("id"))
        )
        if isinstance(name, str):
            yield name


_SEVERITY = ("degraded_performance", "partial_outage", "full_outage", "major_outage")


def _worst(item: Mapping[str, object]) -> str:
    """Return the worst impact on a component, where the incident as a whole states none."""
    impacts = [str(impact.get("status") or "") for impact in _objects(item.get("component_impacts"))]
    return max((impact for impact in impacts if impact in _SEVERITY), key=_SEVERITY.index, default="")


def _objects(found: object) -> Iterable[Mapping[str, object]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
