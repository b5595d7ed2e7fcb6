"""A configuration as the log keeps it, and the way back: from what was kept to the same `Settings` that the file gave.

What may hold a secret is masked in what is kept. On the way back each masked value is taken from the file at hand,
where the same value stands at the same place; one that stands nowhere any more stays masked, and whatever needs it
fails and says so.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from monitor.core.accepted_configuration import Document as KeptDocument
from monitor.core.accepted_configuration import current_names
from monitor.core.configuration import shown_url
from monitor.core.ports import ConfigurationError
from monitor.settings.errors import findings_of
from monitor.settings.rules import check
from monitor.settings.schema import Document, Layers
from monitor.settings.secrets import MASK, is_reference, masked_destination, without_password

T = TypeVar("T")

_SECRET_HEADER = re.compile(r"auth|cookie|key|password|secret|token", re.IGNORECASE)
_LITERAL = "$toml"
"""The key under which a value stands as TOML writes it, since JSON has no word for it."""


def keep(document: Mapping[str, Any]) -> KeptDocument:
    """Return what is in effect (`Document.model_dump`) as plain JSON without a secret; secrets are masked, references
    stand as written.
    """
    plain = cast("dict[str, Any]", _plain(document))
    del plain[
        "nodes"
    ]  # by whom the work is done is no assumption about a provider, and each node has a name of its own
    plain["database"]["url"] = without_password(plain["database"]["url"])
    for owner in plain["owner"]:
        owner["destinations"] = [masked_destination(written) for written in owner["destinations"]]
    for source in plain["source"]:
        if "url" in source:
            source["url"] = shown_url(source["url"])
    for surface in plain["surface"]:
        surface["headers"] = {name: _masked_header(name, value) for name, value in surface["headers"].items()}
    for entry in plain["entry"]:
        if "surfaces" in entry:  # JSON objects keep no order, and the gate speaks for the first
            entry["surfaces"] = [[surface, model_id] for surface, model_id in entry["surfaces"].items()]
    return plain


def as_file(kept: KeptDocument) -> dict[str, Any]:
    """Return what was kept in the shape of a file, in today's names; what is masked stays so."""
    file = cast("dict[str, Any]", _told(copy.deepcopy(current_names(kept))))
    for entry in file["entry"]:
        if "surfaces" in entry:
            entry["surfaces"] = dict(entry["surfaces"])
    return file


def reread(kept: KeptDocument, current: Mapping[str, Any], running: Mapping[str, Any]) -> Document:
    """Check what was kept, by this version or an older one, as a file would be checked.

    Masked values are those of `current`, the file at hand, or else of `running`; where the database, the lease files
    and the folder of relative paths are, and where checkpoints go, says `current`.

    Raises:
        ConfigurationError: this version of the program does not take it any more.
    """
    file = as_file(kept)
    # Where things are is no assumption about a provider, and the gate reads it from the file.
    file["database"] = current["database"]
    file["audit"] = current["audit"]
    file["nodes"] = current["nodes"]
    file["gate"]["lease_dir"] = current["gate"]["lease_dir"]
    file["run"] = {name: value for name, value in file["run"].items() if name != "state_dir"}
    if "state_dir" in current["run"]:
        file["run"]["state_dir"] = current["run"]["state_dir"]
    for original in (current, running):
        _unmask(file, original)
    return checked(file, "This version does not take what was accepted")


def checked(file: Mapping[str, Any], refusal: str) -> Document:
    """Check a document in the shape of a file, as a file would be checked.

    Raises:
        ConfigurationError: it is wrong; `refusal` is what the sentence begins with.
    """
    try:
        document = Document(layers=Layers(option={}, variables={}, file=file))
        findings = check(document)
    except ValidationError as error:
        findings = findings_of(error)
    if findings:
        at, phrase = findings[0]
        raise ConfigurationError(f"{refusal}: {'.'.join(map(str, at))} {phrase}.")
    return document


def _masked_header(name: str, value: str) -> str:
    return MASK if _SECRET_HEADER.search(name) and not is_reference(value) else value


def _unmask(file: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    for owner, now in _pairs("owner", file, current):
        left = list(now["destinations"])
        owner["destinations"] = [_taken(left, written, masked_destination) for written in owner["destinations"]]
    for source, now in _pairs("source", file, current):
        if "url" in source:
            source["url"] = _taken([now["url"]] if "url" in now else [], source["url"], shown_url)
    for surface, now in _pairs("surface", file, current):
        for name, value in surface["headers"].items():
            if value == MASK and name in now["headers"]:
                surface["headers"][name] = now["headers"][name]


def _pairs(
    section: str, file: Mapping[str, Any], current: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    rows = {row["key"]: row for row in current[section]}
    return ((row, rows[row["key"]]) for row in file[section] if row["key"] in rows)


def _taken(candidates: list[T], written: T, hide: Callable[[T], T]) -> T:
    """Take from the candidates the first that looks as written once it is hidden; what was kept where there is none."""
    whole = next((value for value in candidates if hide(value) == written), None)
    if whole is None:
        return written
    candidates.remove(whole)
    return whole


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(below) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    if isinstance(value, float):
        return {_LITERAL: repr(value)}
    if isinstance(value, date | datetime | time):
        return {_LITERAL: value.isoformat()}
    return value


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {_LITERAL}:
            return tomllib.loads(f"value = {value[_LITERAL]}")["value"]
        return {name: _told(below) for name, below in value.items()}
    return [_told(below) for below in value] if isinstance(value, list) else value
