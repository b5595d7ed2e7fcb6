"""Find, read, lay over each other, check, build: the one way from a file to `Settings`. All or nothing, and no secret
is read.

pydantic-settings merges file, environment and option. What is done here is what it does not do: a TOML error with its
line, a variable that names no setting refused rather than passed over, and for each value where it came from.
"""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from monitor.core.accepted_configuration import Document as KeptDocument
from monitor.core.accepted_configuration import current_names, current_path
from monitor.core.names import suggest
from monitor.core.ports import ConfigurationError
from monitor.settings.errors import Finding, InvalidConfiguration, Location, findings_of
from monitor.settings.kept import keep, reread
from monitor.settings.lines import line_of
from monitor.settings.places import anchored
from monitor.settings.renamed import OldNames, old_names
from monitor.settings.rules import check
from monitor.settings.schema import DELIMITER, PREFIX, Document, Layers
from monitor.settings.secrets import holds_secret
from monitor.settings.show import leaves
from monitor.settings.values import Settings, build

VARIABLE = "ACCESS_MONITOR_CONFIG"
PLACES = (Path("config/monitor.toml"), Path("/etc/access-monitor/monitor.toml"))
"""Where a configuration is looked for when neither an option nor the variable names one, in this order."""

_log = logging.getLogger("monitor.settings")

_URL: Location = ("database", "url")
_DESTINATIONS = "destinations"


def load(
    path: Path | None,
    environ: Mapping[str, str],
    database: str | None = None,
    *,
    further: Callable[[Document, Path], Iterable[Finding]] = lambda document, path: (),
) -> Settings:
    """Load the configuration: of `path`, else of `$ACCESS_MONITOR_CONFIG`, else of the first of `PLACES` that exists.

    Old names of settings are read as the new ones, with one warning, which goes to stderr where nobody set up logging.

    `environ` lies over the file, and `database` (a path or URL) over both. A relative `database` counts from the
    working directory, as any argument of a command does; every other relative path is a setting and counts from
    `Settings.folder`. `further` are checks of a document and the path of its file that take too long for every command.

    Raises:
        InvalidConfiguration: it can be read but not be used; `problems` names everything that is wrong.
        ConfigurationError: there is none, or it cannot be read.
    """
    path = path or find(environ)
    written = read(path)
    spelled = {name: _spelled(name) for name in sorted(environ) if name.startswith(PREFIX)}
    old = old_names(written, spelled)
    if old.warning:
        _log.warning("%s: %s.", path, old.warning)
    file = current_names(written)
    variables, findings = _variables(environ, spelled)
    findings += [((), f"{path}: {clash}") for clash in old.clashes]
    overrides = {at: value for at, value in variables.items() if _fits(file, at)}
    url = overrides.get(_URL)
    values = {_variable(at): value if isinstance(value, str) else json.dumps(value) for at, value in overrides.items()}
    names: dict[Location, str] = {current_path(at): name for name, (at, _) in spelled.items()}
    origins: dict[Location, str] = {at: f"environment variable {names[at]}" for at in overrides}
    option: dict[str, Any] = {}
    if database is not None and _fits(file, _URL):
        database = anchored(database, Path())
        option = {"database": {"url": database}}
        overrides[_URL], origins[_URL] = database, "--database"
    literal = [finding for finding in _literals(file) if _origin(origins, finding[0]) is None]
    literal += [finding for at, value in overrides.items() for finding in _literals(value, at)]
    findings += literal
    try:
        checked = Document(layers=Layers(option=option, variables=values, file=file))
    except ValidationError as error:
        literal_places = {location for location, _ in literal}
        findings += [finding for finding in findings_of(error) if finding[0] not in literal_places]
    else:
        # Rules quote names, and a secret may stand where a name is due.
        findings += [] if literal else [*check(checked), *further(checked, path)]
    if findings:
        raise InvalidConfiguration([_sentence(path, file, origins, old, finding) for finding in findings])
    overridden = {".".join(map(str, location)): origin for location, origin in origins.items()}
    dump = checked.model_dump(mode="python", exclude_none=True)
    if database is not None:  # the option names the database that is meant; it is no part of what was declared
        dump["database"]["url"] = url or file.get("database", {}).get(
            "url", Document.model_fields["database"].default.url
        )
    return build(path, checked, dict.fromkeys((key for key, _ in leaves(file)), str(path)) | overridden, keep(dump))


def restore(kept: KeptDocument, current: Settings, running: Settings) -> Settings:
    """Make settings of a configuration that the log kept; where things lie says `current`, the file at hand.

    Masked values are taken from there, or else from what is `running`.

    Raises:
        ConfigurationError: this version of the program does not take it any more.
    """
    return build(current.path, reread(kept, current.document, running.document), {}, current_names(kept))


def find(environ: Mapping[str, str]) -> Path:
    """Return the file to load when no option names one.

    Raises:
        ConfigurationError: there is none.
    """
    if named := environ.get(VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    raise ConfigurationError(
        f"There is no configuration: neither {PLACES[0]} nor {PLACES[1]} exists; name one with --config FILE "
        f"or ${VARIABLE}."
    )


def read(path: Path) -> dict[str, Any]:
    """Return the tables of a file as they stand in it.

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
        raise ConfigurationError(f"The configuration {path} is not valid TOML: {where}; correct that line.") from error


def _variable(location: Location) -> str:
    return PREFIX + DELIMITER.join(map(str, location)).upper()


def _settable(model: type[BaseModel] = Document, above: Location = ()) -> Iterator[tuple[Location, FieldInfo]]:
    """Yield every key that a variable can set: those of plain sections, not of lists of tables."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settable(kind, (*above, name))
        elif above:
            yield (*above, name), field


def _spelled(name: str) -> tuple[tuple[str, ...], str]:
    """Return the path that a variable spells, in old names or new ones, and the variable's name of today."""
    path = tuple(name.removeprefix(PREFIX).lower().split(DELIMITER))
    return path, _variable(current_path(path)) if _variable(path) == name else name


def _variables(
    environ: Mapping[str, str], spelled: Mapping[str, tuple[tuple[str, ...], str]]
) -> tuple[dict[Location, str | list[Any]], list[Finding]]:
    """Return what the environment sets and where, and the variables that name no setting."""
    fields = {_variable(location): (location, field) for location, field in _settable()}
    values: dict[Location, str | list[Any]] = {}
    findings: list[Finding] = []
    for name, (_, today) in spelled.items():
        if today not in fields:
            findings.append(((), f"The environment variable {name} names no setting; {_meant(name, fields)}"))
            continue
        location, field = fields[today]
        values[location] = _listed(environ[name]) if get_origin(field.annotation) is list else environ[name]
    return values, findings


def _meant(name: str, known: Mapping[str, object]) -> str:
    table = name.removeprefix(PREFIX).partition(DELIMITER)[0].lower()
    if table in Document.model_fields and get_origin(Document.model_fields[table].annotation) is list:
        return f"[[{table}]] is a list of tables and is set in the file only"
    return suggest(name, known).replace("known are", "there are")


def _listed(text: str) -> list[Any]:
    """Return a list as JSON or with commas; pydantic-settings knows the first alone."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, list) else [item for part in text.split(",") if (item := part.strip())]


def _fits(file: Mapping[str, Any], location: Location) -> bool:
    """Return whether the file has tables, or nothing, on the way to `location`; merging would replace anything else
    before it is refused.
    """
    table: Any = file
    for part in location[:-1]:
        table = table.get(part, {})
        if not isinstance(table, dict):
            return False
    return True


def _origin(origins: Mapping[Location, str], location: Location) -> str | None:
    """Return where a value came from that is not the file's."""
    return next((origins[location[:n]] for n in range(len(location), 0, -1) if location[:n] in origins), None)


def _literals(value: object, at: Location = ()) -> Iterator[Finding]:
    """Texts that hold what looks like a key. Apprise URLs carry their tokens by design and are masked wherever they are
    shown.
    """
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _literals(below, (*at, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _literals(below, (*at, index))
    elif isinstance(value, str) and holds_secret(value) and not (_DESTINATIONS in at and "://" in value):
        yield at, 'holds what looks like a secret; keep it elsewhere and write a reference such as "env:NAME"'


def _sentence(
    path: Path, file: Mapping[str, Any], origins: Mapping[Location, str], old: OldNames, finding: Finding
) -> str:
    location, phrase = finding
    if not location:
        return _ended(phrase)
    if origin := _origin(origins, location):
        return _ended(f"{'' if origin.startswith('-') else 'The '}{origin} {phrase}")
    spoken = ""
    for part in old.as_written(location):
        hidden = "***" if isinstance(part, str) and holds_secret(part) else part
        spoken += f"[{part}]" if isinstance(part, int) else f".{hidden}" if spoken else str(hidden)
    if len(location) > 2 and isinstance(location[1], int) and location[2] != "key":
        value = file[str(location[0])][location[1]]
        key = value.get("key") if isinstance(value, dict) else None
        spoken += f" ({key!r})" if isinstance(key, str) and not holds_secret(key) else ""
    line = line_of(path.read_text(encoding="utf-8"), old.as_written(location))
    return _ended(f"{path}{f', line {line}' if line else ''}: {spoken} {phrase}")


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."
