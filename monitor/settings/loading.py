"""Find, read, overlay, check, build: the one way from a file to `Settings`. All or nothing, and no secret is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from monitor.pipeline.ports import ConfigurationError
from monitor.settings.build import build
from monitor.settings.environment import overlay, variable
from monitor.settings.errors import findings_of
from monitor.settings.problems import InvalidConfiguration
from monitor.settings.rules import Finding, Location, check
from monitor.settings.schema import Document
from monitor.settings.secrets import holds_secret
from monitor.settings.show import leaves
from monitor.settings.values import Settings

VARIABLE = "ACCESS_MONITOR_CONFIG"
PLACES = (Path("config/monitor.toml"), Path("/etc/access-monitor/monitor.toml"))
"""Where a configuration is looked for when neither an option nor the variable names one, in this order."""

_URL: Location = ("database", "url")
_DESTINATIONS = "destinations"


def load(path: Path | None, environ: Mapping[str, str], database: str | None = None) -> Settings:
    """Load the configuration: of `path`, else of `$ACCESS_MONITOR_CONFIG`, else of the first of `PLACES` that exists.

    `environ` lies over the file, and `database` (a path or URL) over both.

    Raises:
        InvalidConfiguration: it can be read but not be used; `problems` names everything that is wrong.
        ConfigurationError: there is none, or it cannot be read.
    """
    path = path or find(environ)
    document = read(path)
    written, findings = overlay(document, environ)
    origins = {location: f"environment variable {variable(location)}" for location in written}
    if database is not None and isinstance(section := document.setdefault("database", {}), dict):
        section["url"] = database
        origins[_URL] = "--database"
    literal = list(_literals(document))
    findings += literal
    try:
        checked = Document.model_validate(document)
    except ValidationError as error:
        told = {location for location, _ in literal}
        findings += [finding for finding in findings_of(error) if finding[0] not in told]
    else:
        # Rules quote names, and a secret may stand where a name is due.
        findings += [] if literal else check(checked)
    if findings:
        raise InvalidConfiguration([_sentence(path, document, origins, finding) for finding in findings])
    overridden = {".".join(map(str, location)): origin for location, origin in origins.items()}
    return build(path, checked, dict.fromkeys((key for key, _ in leaves(document)), str(path)) | overridden)


def find(environ: Mapping[str, str]) -> Path:
    """The file to load when no option names one.

    Raises:
        ConfigurationError: there is none.
    """
    if named := environ.get(VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    raise ConfigurationError(
        f"There is no configuration: neither {PLACES[0]} nor {PLACES[1]} exists; name one with --config FILE or ${VARIABLE}."
    )


def read(path: Path) -> dict[str, Any]:
    """The tables of a file as they stand in it.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The configuration {path} does not exist; name another with --config FILE or ${VARIABLE}."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The configuration {path} cannot be read: {error.strerror}; let this user read it."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"The configuration {path} is not UTF-8 at line {line}; save it as UTF-8.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        lines = text.splitlines() or [""]
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}, the end of the file"
        where = re.sub(r"\s*\((.*)\)$", r", \1", str(error)).replace("at end of document", end)
        raise ConfigurationError(f"The configuration {path} is not valid TOML: {where}; mend that line.") from error


def _literals(value: object, at: Location = ()) -> Iterator[Finding]:
    """Texts that hold what looks like a key. Apprise URLs carry their tokens by design and are masked wherever they are shown."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _literals(below, (*at, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _literals(below, (*at, index))
    elif isinstance(value, str) and holds_secret(value) and not (_DESTINATIONS in at and "://" in value):
        yield at, 'holds what looks like a secret; keep that outside and refer to it, as in "env:NAME"'


def _sentence(path: Path, document: Mapping[str, Any], origins: Mapping[Location, str], finding: Finding) -> str:
    location, phrase = finding
    if not location:
        return _ended(phrase)
    if origin := origins.get(location[:2]) or origins.get(location):
        return _ended(f"{'' if origin.startswith('-') else 'The '}{origin} {phrase}")
    spoken = ""
    for part in location:
        hidden = "***" if isinstance(part, str) and holds_secret(part) else part
        spoken += f"[{part}]" if isinstance(part, int) else f".{hidden}" if spoken else str(hidden)
    if len(location) > 2 and isinstance(location[1], int) and location[2] != "key":
        value = document[str(location[0])][location[1]]
        key = value.get("key") if isinstance(value, dict) else None
        spoken += f" ({key!r})" if isinstance(key, str) and not holds_secret(key) else ""
    return _ended(f"{path}: {spoken} {phrase}")


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."
