"""The `[[source]]` tables: what is wrong with one, and the specifications that it makes. What a kind needs and may have
says the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.names import suggest
from monitor.core.ports import ConfigurationError
from monitor.settings.errors import Finding, Location
from monitor.settings.schema import CommonSourceTable, Document, EntryTable, SourceTable, SurfaceTable
from monitor.sources import catalog
from monitor.sources.kind import SourceKind, Surroundings

ALWAYS = ("key", "was", "kind", "every")
"""The keys of every kind."""


def check_sources(document: Document) -> Iterator[Finding]:
    """Yield what is wrong with the sources of a document whose every table is well formed."""
    surfaces = [row.key for row in document.surface]
    neighbourhood = Neighbourhood(document)
    for index, row in enumerate(document.source):
        at: Location = ("source", index)
        if "=" in row.key:
            yield (*at, "key"), 'holds "=", which the command line splits at; rename it'
        if row.surface is not None and row.surface not in surfaces:
            yield (
                (*at, "surface"),
                f"names the surface {row.surface!r}, which is not declared; {suggest(row.surface, surfaces)}",
            )
        if row.kind not in catalog.names():
            yield (*at, "kind"), f"is not a kind of source; {suggest(row.kind, catalog.names())}"
            continue
        try:
            kind = catalog.kind(row.kind)
        except ConfigurationError as error:
            yield (*at, "kind"), f"cannot be used: {error}"
            continue
        yield from (((*at, *where), phrase) for where, phrase in _keys(row, kind))
        try:
            problems = kind.check(_options(row, kind), neighbourhood.around(row))
        except ValidationError as error:
            yield from (((*at, *where), phrase) for where, phrase in _refused(row, error))
        else:
            yield from (((*at, key), phrase) for key, phrase in problems)


def specs(row: SourceTable, neighbourhood: Neighbourhood, place: Callable[[str], str]) -> Iterator[SourceSpec]:
    """Return the sources that one table makes; relative paths in it are what `place` makes of them.

    Raises:
        ConfigurationError: its kind cannot be loaded.
    """
    kind = catalog.kind(row.kind, row.key)
    spec = SourceSpec(
        key=row.key,
        kind=row.kind,
        every=row.every or kind.every,
        surface=row.surface or "",
        provider=row.provider or "",
        url=row.url or "",
        format=row.format or "",
        trust=row.trust or kind.trust,
        options=_options(row, kind),
    )
    return kind.declared(spec, neighbourhood.around(row, place))


def former(row: SourceTable, made: Iterable[SourceSpec]) -> Mapping[str, str]:
    """Key → former key of the sources that a renamed table makes; nothing of one that was not renamed."""
    return {spec.key: row.was + spec.key.removeprefix(row.key) for spec in made} if row.was else {}


def surface(row: SurfaceTable) -> Surface:
    """Return a surface as the core has it."""
    return Surface(
        key=row.key,
        base_url=row.base_url,
        provider=row.provider or row.key,
        api_key=row.api_key or "",
        admin_key=row.admin_key or "",
        project=row.project or "",
        key_header=row.key_header or "",
        headers=dict(row.headers),
        region_url=row.region_url or "",
        region=row.region or "",
    )


def held(row: EntryTable) -> Mapping[str, str]:
    """Surface → model id of an entry, however its table states them; the id is empty while it is not known."""
    return row.surfaces if row.surfaces is not None else {row.surface or "": row.model_id or ""}


class Neighbourhood:
    """What the tables of a document say around each source, worked out once: there may be thousands of them."""

    def __init__(self, document: Document) -> None:
        self._surfaces = {table.key: table for table in document.surface}
        self._held = [(name, model) for entry in document.entry for name, model in held(entry).items() if model]
        self._models: dict[frozenset[str], tuple[str, ...]] = {}
        kinds: dict[str | None, set[str]] = {}
        for table in document.source:
            kinds.setdefault(table.surface, set()).add(table.kind)
        self._kinds = {key: frozenset(names) for key, names in kinds.items()}

    def around(self, row: SourceTable, place: Callable[[str], str] = str) -> Surroundings:
        """Return what stands around a table."""
        named = self._surfaces.get(row.surface or "")
        return Surroundings(
            surface=None if named is None else surface(named),
            models=self._models_of(self._concerned(row)),
            kinds=self._kinds.get(row.surface, frozenset()),
            url=row.url or "",
            place=place,
        )

    def _concerned(self, row: SourceTable) -> frozenset[str]:
        """Return the surface that a table names, or those of the provider that it names instead."""
        if row.surface:
            return frozenset({row.surface} & self._surfaces.keys())
        if not row.provider:
            return frozenset()
        tables = self._surfaces.values()
        return frozenset(table.key for table in tables if (table.provider or table.key) == row.provider)

    def _models_of(self, surfaces: frozenset[str]) -> tuple[str, ...]:
        models = self._models.get(surfaces)
        if models is None:
            models = tuple(dict.fromkeys(model for name, model in self._held if name in surfaces))
            self._models[surfaces] = models
        return models


def _stated(row: SourceTable) -> dict[str, Any]:
    """Return the keys that a table states beyond those of every kind, sorted."""
    names = (type(row).model_fields.keys() | (row.model_extra or {}).keys()) - set(ALWAYS)
    return {name: value for name in sorted(names) if (value := getattr(row, name)) is not None}


def _options(row: SourceTable, kind: SourceKind) -> dict[str, Any]:
    """Return what a table says beyond the keys that mean the same in every kind.

    Raises:
        pydantic.ValidationError: a kind that a plug-in brings does not take a value.
    """
    values = _stated(row)
    if (
        kind.options is not None and row.kind not in catalog.BUILTIN
    ):  # those of this package were read with the whole document
        own_values = {name: value for name, value in values.items() if name in kind.options.model_fields}
        values = {name: value for name, value in kind.options.model_validate(own_values) if value is not None}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name not in CommonSourceTable.model_fields
    }


def _keys(row: SourceTable, kind: SourceKind) -> Iterator[Finding]:
    """Keys that are missing, and those that the kind does not have."""
    if kind.options is None:
        return
    own_fields = kind.options.model_fields
    for name, field in own_fields.items():
        if field.is_required() and getattr(row, name, None) is None:
            example = field.examples[0] if field.examples else "…"
            yield (name,), f'is missing, and a {row.kind} needs it; add {name} = "{example}"'
    formats = get_args(own_fields["format"].annotation) if "format" in own_fields else ()
    if formats and row.format is not None and row.format not in formats:  # that of another kind
        yield ("format",), f"is not a format that a {row.kind} reads; {suggest(row.format, formats)}"
    keys = (*ALWAYS, *own_fields)
    for name in sorted(row.model_fields_set | (row.model_extra or {}).keys()):
        if name not in keys:
            mend = "leave it out" if name in type(row).model_fields else suggest(name, keys)
            yield (name,), f"is not a key that a {row.kind} has; {mend}"


def _refused(row: SourceTable, error: ValidationError) -> Iterator[Finding]:
    """Yield what the kind of a plug-in does not take; what is missing is named as in every kind."""
    for problem in error.errors(include_url=False, include_input=False):
        if problem["type"] != "missing":
            yield tuple(problem["loc"]), f"is not taken by a {row.kind}: {problem['msg'].removeprefix('Value error, ')}"
