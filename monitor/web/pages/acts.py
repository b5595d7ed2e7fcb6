"""The pages of acts: what one would do is shown first, then a person confirms it, and is told what was recorded.

A form works without script. What is confirmed is what was shown: it carries the position, and something that happened
since refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.check_names import CHECKS
from monitor.core.credentials import AccessScope
from monitor.core.entry import Entry
from monitor.core.event_types import in_words
from monitor.core.ports import MonitorError, Store
from monitor.registry import checklist
from monitor.registry.acts import ActTarget
from monitor.registry.lookup import UnknownEntry
from monitor.web.access import CSRF_FIELD, FORGED, FormKeys, ScopedRoute, Visitor, visitor_of
from monitor.web.acting import Acting, RehearsedAct
from monitor.web.api.act_service import Turns, act_status
from monitor.web.api.acts import ACTS, ActBody, ActSpec, ExpectingBody, MalformedAct, in_fields, read_body
from monitor.web.forms import OversizedBody, body_of, fields_of
from monitor.web.pages.frame import Values, as_page, drawn, refused_page

LARGEST = 64 * 1024
"""Bytes of a form."""

CHANNEL = "web"
"""How events call this way of acting."""

_LISTS = frozenset({"waive", "accept_loss"})
_OWN = frozenset({CSRF_FIELD, "step", "entry", "position"})
"""Fields of the form that are none of the act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """A form as it was filled in: which act, to what, and its fields as they were sent."""

    spec: ActSpec
    target: ActTarget
    fields: Mapping[str, list[str]]

    def given(self) -> dict[str, object]:
        """Return the fields of the act: what was left empty is not given."""
        return {
            name: values if name in _LISTS else values[0]
            for name, values in self.fields.items()
            if name not in _OWN and values and values[0].strip()
        }

    def value(self, name: str) -> str:
        """Return what stands in a field."""
        return next(iter(self.fields.get(name, ())), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPages:
    """The pages of acts."""

    acting: Acting
    store: Store
    keys: FormKeys
    turns: Turns = field(default_factory=Turns)

    def routes(self) -> list[Route]:
        """Return their paths."""
        operate = partial(ScopedRoute, needs=AccessScope.OPERATE, answer=refused_page)
        return [
            route
            for spec in ACTS.values()
            for route in (
                operate(f"/acts/{spec.name}", partial(self._asked, spec)),
                operate(f"/acts/{spec.name}", partial(self._sent, spec), methods=["POST"]),
            )
        ]

    async def _asked(self, spec: ActSpec, request: Request) -> Response:
        """Show what an act would do, as far as that can be said without more."""
        query = request.query_params
        fields = {name: query.getlist(name) for name in query}
        return await self._shown(request, _filled(spec, fields), rehearse=not spec.asks or len(fields) > 1)

    async def _sent(self, spec: ActSpec, request: Request) -> Response:
        """Show again what an act would do, or do it."""
        visitor = visitor_of(request.scope)
        try:
            fields = fields_of(await body_of(request, LARGEST))
        except OversizedBody:
            return self._said(request, 413, "The form is too large", "Shorten what it says.")
        filled = _filled(spec, fields)
        if not self.keys.holds(visitor, filled.value(CSRF_FIELD)):
            return self._said(request, 403, "This cannot be done", FORGED)
        if filled.value("step") != "confirm":
            return await self._shown(request, filled, rehearse=True)
        try:
            body = read_body(spec.body, filled.given())
            done = await self.turns.run(lambda: self.acting.carry_out(spec, filled.target, body, visitor, CHANNEL))
        except MonitorError as error:
            return await self._shown(request, filled, rehearse=False, refusal=error)
        values = {
            "title": f"{spec.title}: done",
            "key": done.key,
            "events": [
                {"position": event.position, "type": event.type, "words": in_words(event)} for event in done.events
            ],
        }
        return as_page(drawn("act_done.html", values, request, self.keys))

    async def _shown(
        self, request: Request, filled: _Filled, *, rehearse: bool, refusal: MonitorError | None = None
    ) -> Response:
        visitor = visitor_of(request.scope)

        def look() -> tuple[Values, MonitorError | None]:
            return self._values(filled, visitor, rehearse=rehearse and refusal is None)

        try:
            values, shown_refusal = await self.turns.run(look)
        except UnknownEntry as error:
            return self._said(request, 404, "There is no such thing", error.sentence)
        except MonitorError as error:
            return self._said(request, 503, "The monitor cannot answer now", error.sentence)
        problem = refusal or shown_refusal
        values["problem"] = "" if problem is None else in_fields(str(problem))
        status = 200 if refusal is None else act_status(refusal)
        return as_page(drawn("act.html", values, request, self.keys), status)

    def _values(self, filled: _Filled, visitor: Visitor, *, rehearse: bool) -> tuple[Values, MonitorError | None]:
        """Return what the page of a form shows, and why the act would be refused."""
        spec, target = filled.spec, filled.target
        entry = None if spec.on_change else self._entry(target)
        rehearsed, refusal = RehearsedAct(rehearsal=None), None
        if rehearse:
            try:
                body = read_body(spec.body, {**filled.given(), "dry_run": True})
                rehearsed = self.acting.rehearse(spec, target, body, visitor, CHANNEL)
                refusal = rehearsed.refusal
            except MalformedAct as error:
                refusal = error
        return self._drawn_values(filled, entry, rehearsed, tried=rehearse), refusal

    def _entry(self, target: ActTarget) -> Entry:
        with self.store.read() as reader:
            entries = reader.entries()
        key = self.acting.host.acts.row(target)
        if key not in entries:
            raise UnknownEntry(f"there is no entry {key!r}")
        return entries[key]

    def _drawn_values(self, filled: _Filled, entry: Entry | None, rehearsed: RehearsedAct, *, tried: bool) -> Values:
        spec, acceptance, rehearsal = filled.spec, rehearsed.acceptance, rehearsed.rehearsal
        names = spec.body.model_fields
        return {
            "title": f"{spec.title} {filled.target.entry}",
            "spec": spec,
            "entry": entry,
            "target": filled.target,
            "fields": {name: filled.value(name) for name in _texts(spec.body)},
            "has": set(names),
            "checks": list(CHECKS),
            "waivable": [] if entry is None else _required(entry, acceptance.asks if acceptance else ()),
            "closed": [] if acceptance is None else list(acceptance.closed),
            "chosen": {name: filled.fields.get(name, []) for name in _LISTS},
            "expect": _expected(spec, entry, filled),
            "acceptance": acceptance,
            "events": [] if rehearsal is None else [(event.type, in_words(event)) for event in rehearsal.events],
            "told": [] if rehearsal is None else [(n.owner, n.reason.value) for n in rehearsal.notices],
            "tried": tried,
            "may": rehearsal is not None,
        }

    def _said(self, request: Request, status: int, title: str, sentence: str) -> Response:
        values = {"title": title, "detail": sentence}
        return as_page(drawn("problem.html", values, request, self.keys), status)


def _filled(spec: ActSpec, fields: Mapping[str, list[str]]) -> _Filled:
    named = next(iter(fields.get("position" if spec.on_change else "entry", ())), "")
    surface = next(iter(fields.get("surface", ())), "")
    if spec.on_change:
        return _Filled(spec=spec, target=ActTarget(entry=named if named.isdecimal() else "0"), fields=fields)
    return _Filled(spec=spec, target=ActTarget(entry=named, surface=surface), fields=fields)


def _texts(body: type[ActBody]) -> list[str]:
    """Return the names of the fields that are texts in the form, as they are sent."""
    return [field.alias or name for name, field in body.model_fields.items() if name not in _LISTS]


def _required(entry: Entry, asks: Sequence[str]) -> list[dict[str, Any]]:
    """Return the checks that an acceptance asks for and that are not verified, with their state."""
    names = dict.fromkeys((*asks, *checklist.required(entry)))
    states = {name: entry.checks[name].state if name in entry.checks else "blank" for name in names}
    return [{"name": name, "state": str(state)} for name, state in states.items() if str(state) != "verified"]


def _expected(spec: ActSpec, entry: Entry | None, filled: _Filled) -> str:
    """Return the position that a confirmation is bound to: the one that was named, else where the entry stands now."""
    if not issubclass(spec.body, ExpectingBody) or entry is None:
        return ""
    return filled.value("expect") or str(entry.position)
