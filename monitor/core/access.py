"""What access to an entry's model consists of: the routes it is reached by and the account's settings about it.

One table of each. A setting speaks of the whole account; what it means for one model is worked out here
(`access.<setting>`: granted, or how it denies), so that a deny list pauses the entry whose model it names and no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from monitor.core import client_version
from monitor.core.entry import Entry
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import ACCESS, GRANTED, SETTING, Fact, Subject, Value

MINIMAL_CLIENT_VERSION = "minimal_client_version"
"""The field of a catalogue of Codex that says which version a model needs."""

CALLS = ("responses", "chat", "embeddings")
"""The routes of plain calls, which are pinned as far as they are granted where an entry does not say which it uses."""

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "v1/responses": "responses",
        "v1/chat/completions": "chat",
        "v1/embeddings": "embeddings",
        "v1/batch": "batch",
        "v1/batches": "batch",
    }
)
"""Endpoint that an entry may use → the route that tries it."""

TIERS = ("flex", "priority", "batch")
"""The tiers that have a route of their own."""

ALWAYS = ("retrieve", "region")
"""The routes that are pinned wherever they are watched and granted."""

Stated: TypeAlias = Mapping[str, Value]
"""What is confirmed of an account's settings: `<setting>/<field>` → value; of the model itself: `/<field>` → value."""

Judge: TypeAlias = Callable[[Stated, str, EntrySpec], str | None]
"""What settings mean for a model of an entry: granted, how it is denied, or None where they do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of the account that concerns a model.

    `rests_on` are the facts it is read from, as in `Stated`. With `judge` the pin is what they mean for the model;
    without it each of them is pinned as it stands.
    """

    rests_on: tuple[str, ...]
    judge: Judge | None = None


def _permitted(stated: Stated, model: str, spec: EntrySpec) -> str | None:
    mode, models = stated.get("model_permissions/mode"), stated.get("model_permissions/models")
    if mode == "none":
        return GRANTED
    if mode not in ("allow_list", "deny_list") or not isinstance(models, str):
        return None
    named = models != "none" and model in json.loads(models)
    if mode == "allow_list":
        return GRANTED if named else "not on the allow list"
    return "on the deny list" if named else GRANTED


def _open(stated: Stated, model: str, spec: EntrySpec) -> str | None:
    status = stated.get("project/status")
    return None if status is None else GRANTED if status == "active" else str(status)


def _within_limit(stated: Stated, model: str, spec: EntrySpec) -> str | None:
    states = [stated.get(f"{name}/enforcement") for name in ("spend_limit", "organization_spend_limit")]
    if "enforcing" in states:
        return "enforced"
    return GRANTED if any(state is not None for state in states) else None


def _tiers_enabled(stated: Stated, model: str, spec: EntrySpec) -> str | None:
    enabled = stated.get("service_tiers/enabled")
    if not isinstance(enabled, str):
        return None
    if enabled == "all" or not enabled.startswith("["):
        return GRANTED if enabled == "all" else None
    names = {"priority" if name == "fast" else name for name in json.loads(enabled)}
    lacking = [tier for tier in spec.tiers if tier not in ("standard", "batch") and tier not in names]
    return f"without {' and '.join(lacking)}" if lacking else GRANTED


def _new_enough(stated: Stated, model: str, spec: EntrySpec) -> str | None:
    least = stated.get(f"/{MINIMAL_CLIENT_VERSION}")
    if not spec.codex_version or not isinstance(least, str) or client_version.order(least) is None:
        return None
    if client_version.older(spec.codex_version, least):
        return f"asks for version {least} or newer, and the fleet runs {spec.codex_version}"
    return GRANTED


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "client_version": Setting(rests_on=(f"/{MINIMAL_CLIENT_VERSION}",), judge=_new_enough),
        "model_permissions": Setting(rests_on=("model_permissions/mode", "model_permissions/models"), judge=_permitted),
        "project": Setting(rests_on=("project/status",), judge=_open),
        "spend_limit": Setting(
            rests_on=("spend_limit/enforcement", "organization_spend_limit/enforcement"), judge=_within_limit
        ),
        "service_tiers": Setting(rests_on=("service_tiers/enabled",), judge=_tiers_enabled),
        "residency": Setting(rests_on=("residency/value",)),
        "data_retention": Setting(rests_on=("data_retention/project", "data_retention/organization")),
    }
)
"""Name → setting; the names are those that `ignore` takes."""

MONEY = frozenset({"spend_limit"})
"""The settings that are about our own money."""


def setting(field: str) -> Setting | None:
    """Return the setting whose verdict a field is; None for any other field."""
    declared = SETTINGS.get(field.removeprefix(ACCESS)) if field.startswith(ACCESS) else None
    return declared if declared is not None and declared.judge is not None else None


def of_account(name: str, field: str) -> bool:
    """Return whether a fact of the account is pinned as it stands: where data are kept, and for how long."""
    return any(
        setting.judge is None and f"{name}/{field.removeprefix(SETTING)}" in setting.rests_on
        for setting in SETTINGS.values()
    )


def facts(model: Subject, of: Setting) -> tuple[Fact, ...]:
    """Return the facts of the account, or of the model, that a setting about the model is read from."""
    split = (name.split("/") for name in of.rests_on)
    return tuple(
        Fact(Subject(model.scope, owner), SETTING + field) if owner else Fact(model, field) for owner, field in split
    )


def calls(entry: Entry) -> tuple[str, ...]:
    """Return the routes of the calls that an entry makes: of the endpoints it uses, else every plain call; less those
    it ignores.
    """
    named = (
        tuple(dict.fromkeys(ENDPOINTS[name] for name in entry.spec.uses if name in ENDPOINTS))
        if entry.spec.uses
        else CALLS
    )
    return tuple(route for route in named if route not in entry.spec.ignore)


def named(entry: Entry) -> tuple[str, ...]:
    """Return the routes that an entry's own declaration names: of its endpoints and of its tiers."""
    tiers = (tier for tier in TIERS if tier in entry.spec.tiers and tier not in entry.spec.ignore)
    return tuple(dict.fromkeys((*(calls(entry) if entry.spec.uses else ()), *tiers)))


def routes(entry: Entry) -> tuple[str, ...]:
    """Return the routes that an activation pins where they are watched and granted."""
    always = (route for route in ALWAYS if route not in entry.spec.ignore)
    return tuple(dict.fromkeys((*always, *calls(entry), *named(entry))))


def settings(entry: Entry) -> Mapping[str, Setting]:
    """Return the account settings that an activation pins where they are known."""
    return {name: setting for name, setting in SETTINGS.items() if name not in entry.spec.ignore}


def in_words(name: str, model: str, value: Value | None) -> str:
    """Return how a setting denies a model: `the project's model permissions deny orion-2, which is on
    the deny list`.
    """
    return {
        "client_version": f"Codex denies {model}: it {value}",
        "model_permissions": f"the project's model permissions deny {model}, which is {value}",
        "project": f"the project is {value}",
        "spend_limit": "a spend limit of the account is enforced, so calls are refused",
        "service_tiers": f"the project's service tiers leave {model} {value}",
    }[name]
