"""`init`: a first configuration, from what a surface lists, what a LiteLLM configuration routes, or what code names.

What is proposed is only watched: an entry begins as waiting, and a named person activates it. No secret is written, and
no file is ever replaced.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from monitor.cli import output
from monitor.cli.framework import command
from monitor.core.ports import ConfigurationError, MonitorError, Refused

PLACE = Path("config/monitor.toml")
OPENAI = "https://api.openai.com/v1"
PRICES = "https://developers.openai.com/api/docs/pricing.md"
KEY = "env:OPENAI_API_KEY"

_REFERENCE = ("env:", "file:", "credential:")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SKIPPED = frozenset({"node_modules", "__pycache__", "dist", "build", "site-packages", "venv"})
_LARGEST = 1_000_000
"""Bytes of a file beyond which it is no source code that somebody wrote."""

_NAMED = re.compile(
    r"""\bmodel(?:_?(?:id|name))?["']?\s*[:=]\s*["']([A-Za-z0-9][A-Za-z0-9._:/-]{1,98}[A-Za-z0-9])["']"""
)
_CODE = re.compile(r"\.(?:pyi?|ipynb|jsx?|[mc]js|tsx?|go|rs|rb|java|kt|cs|php|swift|scala|json|ya?ml|toml)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceDraft:
    """A surface to be written, with the models on it; `places` says where each was named."""

    key: str
    base_url: str
    provider: str
    api_key: str
    models: tuple[str, ...]
    places: Mapping[str, str] = field(default_factory=dict)


@command(
    "init",
    examples=(
        "access-monitor init --owner platform=env:SLACK_URL",
        "access-monitor init --from litellm/config.yaml --owner platform=env:SLACK_URL",
        "access-monitor init --from src --out monitor.toml",
    ),
)
@click.option(
    "--from",
    "origin",
    metavar="FILE|PATH",
    type=click.Path(exists=True, path_type=Path),
    help="A LiteLLM config.yaml, or a folder of code; by default the surface's list of models.",
)
@click.option(
    "--owner",
    "owners",
    metavar="NAME=URL",
    multiple=True,
    help="An owner and a destination, such as platform=env:SLACK_URL. References are written, URLs never.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=PLACE,
    help="The file to write; config/monitor.toml by default.",
)
@click.option("--base-url", metavar="URL", help=f"The surface; by default $OPENAI_BASE_URL or {OPENAI}.")
def init(origin: Path | None, owners: tuple[str, ...], out: Path, base_url: str | None) -> None:
    """Write a first configuration.

    From the models that the key in OPENAI_API_KEY may use, a LiteLLM configuration, or the models that code names.
    Every entry is proposed as waiting and none is activated; delete those that you do not use. An existing file is
    never replaced.
    """
    if out.exists():
        raise Refused(f"{out} exists and is not replaced: name another file with --out.")
    named = [_owner(text) for text in owners] or [("platform", "env:PLATFORM_URL")]
    base = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI).rstrip("/")
    if origin is None:
        drafts = [_listed(base)]
    elif origin.is_dir():
        drafts = [_coded(origin, base)]
    else:
        drafts = _routed(origin)
    if not any(draft.models for draft in drafts):
        raise Refused(f"{origin or base} names no model: there is no entry to propose.")
    _write(out, toml(drafts, named, out))
    count = sum(len(draft.models) for draft in drafts)
    click.echo(f"{out}: {output.plural(len(drafts), 'surface')}, {output.plural(count, 'entry')} proposed.")
    for name, reference in named:
        output.note(f"Before a notice can reach {name}, {reference} has to hold its Apprise URL.")
    config = "" if out == PLACE else f" --config {out}"
    output.note(f"Next: access-monitor{config} poll, then access-monitor{config} status")


def toml(drafts: Sequence[SurfaceDraft], owners: Sequence[tuple[str, str]], out: Path) -> str:
    """Return the configuration as commented TOML."""
    return "".join(f"{line}\n" for line in _lines(drafts, owners, out))


def _lines(drafts: Sequence[SurfaceDraft], owners: Sequence[tuple[str, str]], out: Path) -> Iterator[str]:
    yield "# What access-monitor watches. `access-monitor config check` says what is wrong here;"
    yield "# `access-monitor config schema` lists every key. Secrets never stand here: a reference says where one is."
    hosts = sorted({host for draft in drafts if (host := urlsplit(draft.base_url).hostname or "") in _LOOPBACK})
    if hosts:
        yield from ("", "[network]", f"allow = {_text(hosts)}")
    if out.parent.name == "config":
        yield from ("", "[run]", 'state_dir = "../"                        # what relative paths count from')
    for draft in drafts:
        yield from ("", "# A surface is a door to models: a base URL, a key, a project.", "[[surface]]")
        yield f"key = {_text(draft.key)}"
        yield f"base_url = {_text(draft.base_url)}"
        yield f"provider = {_text(draft.provider)}                     # whose prices its models go by"
        if draft.api_key:
            yield f"api_key = {_text(draft.api_key)}"
        yield from ("", "[[source]]", f"key = {_text(f'{draft.key}-models')}", 'kind = "models_list"')
        yield from (f"surface = {_text(draft.key)}", 'every = "5m"')
    if any(draft.base_url == OPENAI for draft in drafts):
        yield from ("", "[[source]]", 'key = "openai-pricing"', 'kind = "pricing_page"', f"url = {_text(PRICES)}")
        yield from ('provider = "openai"', 'trust = "official"', 'every = "30m"')
    for name, reference in owners:
        yield from ("", "[[owner]]", f"key = {_text(name)}", f"destinations = [{_text(reference)}]")
    yield from ("", "# Each entry begins as waiting; delete those that you do not use. A named person activates one:")
    yield "#     access-monitor activate ENTRY --by YOU --reason WHY"
    several = _repeated(drafts)
    for draft in drafts:
        for model in draft.models:
            key = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{draft.key}-{model}" if model in several else model)
            yield from ("", "[[entry]]" + (f"   # {place}" if (place := draft.places.get(model)) else ""))
            yield from (f"key = {_text(key)}", f"surface = {_text(draft.key)}", f"model_id = {_text(model)}")
            yield f"owners = {_text([name for name, _ in owners[:1]])}"


def _repeated(drafts: Sequence[SurfaceDraft]) -> frozenset[str]:
    """Return the models that stand on more than one surface, whose keys need its name."""
    models = [model for draft in drafts for model in draft.models]
    return frozenset(model for model in models if models.count(model) > 1)


def _owner(text: str) -> tuple[str, str]:
    """Read NAME=URL; a URL that is no reference becomes one to a variable that is still to be set."""
    name, mark, written = text.partition("=")
    if not (mark and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) and written):
        raise click.UsageError(f"--owner takes NAME=URL, as in platform=env:SLACK_URL; {name!r} is not that.")
    if written.startswith(_REFERENCE):
        return name, written
    return name, f"env:{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}_URL"


def _listed(base: str) -> SurfaceDraft:
    """Ask the surface itself, through the client that polls it."""
    from datetime import timedelta

    from monitor.app.bootstrap import utc_now
    from monitor.core.configuration import Surface
    from monitor.core.facts import Snapshot
    from monitor.settings import resolve
    from monitor.sources.catalog import SourceDeps, build, source_spec
    from monitor.sources.http import HttpClient

    surface = Surface(key="openai", base_url=base, provider="openai", api_key=KEY)
    host = urlsplit(base).hostname or ""
    spec = source_spec(key="openai-models", kind="models_list", surface="openai", every=timedelta(minutes=5))
    http = HttpClient(allow=frozenset({host} & _LOOPBACK))
    try:
        source = build(
            spec, SourceDeps(http=http, surface=surface, secret=lambda reference: resolve(reference, os.environ))
        )
        observation = source.observe(utc_now(), None)
    finally:
        http.close()
    if not isinstance(observation, Snapshot):
        raise MonitorError(
            f"{base} could not be asked for its models ({getattr(observation, 'detail', '')}): set OPENAI_API_KEY, or "
            "begin with --from FILE|PATH."
        )
    models = tuple(sorted({subject.name for subject in observation.facts}))
    return SurfaceDraft(key="openai", base_url=base, provider="openai", api_key=KEY, models=models)


def _coded(folder: Path, base: str) -> SurfaceDraft:
    """Read which models code names: string literals that are given to something called model."""
    places: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not _CODE.fullmatch(path.suffix) or any(part in _SKIPPED or part.startswith(".") for part in parts):
            continue
        if not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in _NAMED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            places.setdefault(match[1], f"{path.relative_to(folder)}:{line}")
    return SurfaceDraft(
        key="openai", base_url=base, provider="openai", api_key=KEY, models=tuple(sorted(places)), places=places
    )


def _routed(path: Path) -> list[SurfaceDraft]:
    """Read the routes of a LiteLLM configuration: one surface for each provider, address and key."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ConfigurationError(
            f"{path} is not YAML that can be read: name a LiteLLM config.yaml or a folder."
        ) from None
    routes = document.get("model_list") if isinstance(document, dict) else None
    if not isinstance(routes, list):
        raise ConfigurationError(f"{path} has no model_list: name a LiteLLM config.yaml or a folder of code.")
    drafts: dict[tuple[str, str, str], list[str]] = {}
    for route in routes:
        parameters = route.get("litellm_params") if isinstance(route, dict) else None
        model = parameters.get("model") if isinstance(parameters, dict) else None
        if not isinstance(parameters, dict) or not isinstance(model, str) or not model:
            continue
        place = _door(model, parameters)
        if place is None:
            output.note(f"{path}: {model} has no api_base, so its surface is not known; it is left out.")
            continue
        provider, base, key, name = place
        drafts.setdefault((provider, base, key), []).append(name)
    return [
        SurfaceDraft(
            key=provider if number == 1 else f"{provider}-{number}",
            base_url=base,
            provider=provider,
            api_key=key,
            models=tuple(dict.fromkeys(models)),
        )
        for number, (provider, base, key), models in _numbered(drafts)
    ]


def _door(model: str, parameters: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
    """Return provider, base URL, reference to the key and model id of a route; None where the address is not stated."""
    provider, slash, name = model.partition("/")
    provider, name = (provider, name) if slash else ("openai", model)
    base = parameters.get("api_base") or parameters.get("base_url") or (OPENAI if provider == "openai" else "")
    if not isinstance(base, str) or not base.startswith(("http://", "https://")):
        return None
    written = parameters.get("api_key")
    variable = written.removeprefix("os.environ/") if isinstance(written, str) else ""
    if variable == written or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        variable = f"{re.sub(r'[^A-Za-z0-9]', '_', provider).upper()}_API_KEY"
    return provider, base.rstrip("/"), f"env:{variable}", name


def _numbered(
    drafts: Mapping[tuple[str, str, str], list[str]],
) -> Iterator[tuple[int, tuple[str, str, str], list[str]]]:
    counts: dict[str, int] = {}
    for door, models in drafts.items():
        counts[door[0]] = counts.get(door[0], 0) + 1
        yield counts[door[0]], door, models


def _write(out: Path, text: str) -> None:
    """Write a file that is a valid configuration, whole or not at all, and never over another."""
    from monitor.settings import load

    draft = out.with_name(f".{out.name}.draft")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        load(draft, {})
        os.link(draft, out)
    except FileExistsError:
        raise Refused(f"{out} exists and is not replaced: name another file with --out.") from None
    finally:
        draft.unlink(missing_ok=True)


def _text(value: str | Sequence[str]) -> str:
    """Return a text, or a list of texts, as TOML has it."""
    # A JSON string is a TOML basic string, but for DEL, which JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
