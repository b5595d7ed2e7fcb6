"""An entry as it was declared: one value for the file, the log and the registry.

`dump` and `load` walk the fields of `EntrySpec`. A new setting is one field here and one in the schema of the settings
(`settings/schema`, handed over in `settings/values`); a declaration that was recorded before there was such a field is
read with the field's default.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

Declaration: TypeAlias = Mapping[str, Any]
"""An `EntrySpec` as events and rows record it: plain JSON, durations in whole seconds."""

AT = "@"
"""What stands between the key of an entry and a surface in the key of a registry row; no entry may be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalPlan:
    """The evals that compare a model with what production runs now: which `suites`, the entry that is the `baseline`,
    and the least number of `samples` of a suite and model (0: any).
    """

    suites: tuple[str, ...]
    baseline: str
    samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySpec:
    """What was declared of an entry. A blank stays blank: nothing here is ever inferred.

    An entry that is declared on several surfaces is one row of the registry on each (`rows`): a row has a spec of its
    own, with its own key and one surface.

    Attributes:
        key: The key of the entry; that of a row on another surface than the first is `ENTRY@SURFACE`.
        surfaces: Surface key → exact model id, first the one that is meant unless another is named; the id of an entry
            that waits for it is `""`.
        price_model: The id its price goes by, where that differs from the model id.
        checks: What production requires beyond the default.
        checks_in: What each other environment requires at all, where somebody said.
        check_age: How long a check of this entry may hold, where that differs from the rule for all.
        usage: What production uses in a month, meter → tokens; empty where nobody said.
        family: The family that its model belongs to, as the provider names it (`GPT-5.6`).
        release: The day of its release or announcement, `YYYY-MM-DD`.
        stage: `preview` or `general`.
        announcement: The URL of its announcement.
        touches: The kinds of use that ask for a safety review of everybody.
        touches_by: Caller → the kinds of use that ask for a safety review of this caller alone.
        uses: The endpoints that it calls (`v1/responses`); empty where nobody said.
        ignore: The routes and account settings that are not pinned (`access`).
        approvers: How many people an acceptance takes.
        evals: The results that the check `evals` needs; None where nobody said.
        codex_version: The version of Codex that the fleet runs, empty where nobody said.
        provider: Whose prices its models go by: what its surface declares, filled in when the entry is declared.
        region: The region that its calls go through, as its surface declares it; filled in likewise.
        config_pins: What of our own side the entry stands on, filled in likewise: the key of a `config` pin → its
            declared value.
    """

    key: str
    name: str
    surfaces: Mapping[str, str] = field(metadata={"ordered": True})
    owners: tuple[str, ...]
    price_model: str = ""
    use: str = ""
    checks: tuple[str, ...] = ()
    checks_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tiers: tuple[str, ...] = ("standard",)
    fallback: str = ""
    pause_on: str = "any"
    on_pause: str = "deny"
    grace: timedelta | None = None
    callers: tuple[str, ...] = ()
    freshness: timedelta | None = None
    price_freshness: timedelta | None = None
    check_age: Mapping[str, timedelta] = field(default_factory=dict)
    approvers: int = 1
    usage: Mapping[str, int] = field(default_factory=dict)
    family: str = ""
    release: str = ""
    stage: str = ""
    announcement: str = ""
    touches: tuple[str, ...] = ()
    touches_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    evals: EvalPlan | None = None
    codex_version: str = ""
    provider: str = ""
    region: str = ""
    config_pins: Mapping[str, str] = field(default_factory=dict, metadata={"recorded": "ours"})

    def __eq__(self, other: object) -> bool:
        """Return whether both declare the same; mappings alone would not see that another surface is the first."""
        return isinstance(other, EntrySpec) and dump(self) == dump(other)

    @property
    def entry(self) -> str:
        """The key under which the entry was declared, which all of its rows share."""
        return self.key.partition(AT)[0]

    @property
    def surface(self) -> str:
        """The surface of a row; of a whole entry the first."""
        return next(iter(self.surfaces))

    @property
    def model_id(self) -> str:
        """The exact id there; empty while it is not known."""
        return next(iter(self.surfaces.values()))


_ALWAYS = frozenset(
    [
        "key",
        "name",
        "use",
        "provider",
        "surfaces",
        "price_model",
        "owners",
        "checks",
        "tiers",
        "fallback",
        "pause_on",
        "on_pause",
        "grace",
        "callers",
        "freshness",
        "price_freshness",
        "ours",
    ]
)
"""What the first declarations recorded, stated or not. Anything else is left out at its default, so that an entry that
was declared before there was such a key is not amended by it.
"""


def row_key(entry: str, surface: str) -> str:
    """Return the key of the row of an entry on another surface than its first."""
    return f"{entry}{AT}{surface}"


def rows(spec: EntrySpec) -> tuple[EntrySpec, ...]:
    """Return the rows of the registry that a declared entry makes: one for each surface, the first under its key."""
    return tuple(
        replace(spec, key=row_key(spec.key, surface) if index else spec.key, surfaces={surface: model_id})
        for index, (surface, model_id) in enumerate(spec.surfaces.items())
    )


def dump(spec: EntrySpec) -> dict[str, Any]:
    """Return the declaration that events and rows record of a spec."""
    return {
        field.recorded: field.write(value)
        for field in _fields()
        if (value := getattr(spec, field.name)) != field.default or field.recorded in _ALWAYS
    }


def load(declaration: Declaration) -> EntrySpec:
    """Read back what `dump` made.

    Raises:
        TypeError: a field without a default is missing.
    """
    return EntrySpec(
        **{field.name: field.read(declaration[field.recorded]) for field in _fields() if field.recorded in declaration}
    )


def changed(before: EntrySpec, after: EntrySpec) -> list[str]:
    """Return the names under which a declaration records what differs between two specs, sorted."""
    old, new = dump(before), dump(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


class _RecordedField(NamedTuple):
    name: str
    recorded: str
    default: object
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@cache
def _fields() -> tuple[_RecordedField, ...]:
    hints = get_type_hints(EntrySpec)
    return tuple(
        _RecordedField(
            name=field.name,
            recorded=field.metadata.get("recorded", field.name),
            default=field.default if field.default_factory is MISSING else field.default_factory(),
            write=_pairs if field.metadata.get("ordered") else _plain,
            read=_reader(hints[field.name]),
        )
        for field in fields(EntrySpec)
    )


def _pairs(value: Mapping[str, str]) -> list[list[str]]:
    return [[name, inner] for name, inner in value.items()]  # JSON objects keep no order


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, EvalPlan):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return list(value) if isinstance(value, tuple) else value


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return how a value of this type is read from JSON: what JSON has no word for is a duration, a tuple, a plan of
    evals, or a mapping of these.
    """
    if get_origin(hint) in (Union, types.UnionType):  # one of these or None
        present = _reader(next(kind for kind in get_args(hint) if kind is not types.NoneType))
        return lambda value: None if value is None else present(value)
    if hint is EvalPlan:
        return lambda value: EvalPlan(**{**value, "suites": tuple(value["suites"])})
    if hint is timedelta:
        return lambda value: timedelta(seconds=value)
    if get_origin(hint) is tuple:
        return tuple
    if get_origin(hint) is Mapping:
        read = _reader(get_args(hint)[1])
        return lambda value: {name: read(inner) for name, inner in dict(value).items()}
    return lambda value: value
