"""A changed policy: what a file says of confirmation and of what entries mind, over configurations that a log kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.core.accepted_configuration import Document as KeptDocument
from monitor.core.accepted_configuration import current_names, differences
from monitor.core.names import perhaps
from monitor.core.ports import ConfigurationError
from monitor.settings.kept import as_file, checked, keep
from monitor.settings.loading import load, read
from monitor.settings.schema import Document, EntryTable
from monitor.settings.values import Settings, build

CONFIRMATION = "confirmation"
ENTRY_KEYS = ("checks", "ignore", "pause_on", "tiers", "uses")
"""The keys of an entry that decide what pauses it."""

_WHOLE = ("surface", "source")
"""Sections of which a file has one where it is a whole configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a file changes: keys of `[confirmation]`, and keys of entries by the entry's key. Of a whole configuration
    everything counts that decides a pause, also what it leaves at its default.
    """

    path: Path
    confirmation: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]]

    def over(self, kept: KeptDocument) -> Settings:
        """Return the settings that a configuration of the log comes to under this policy.

        Raises:
            ConfigurationError: the two together are no configuration.
        """
        file = as_file(kept)
        for key, value in self.confirmation.items():
            section = file.setdefault(CONFIRMATION, {})
            section[key] = {**section.get(key, {}), **value} if isinstance(value, Mapping) else value
        for row in file["entry"]:
            row.update(self.entries.get(row["key"], {}))
        return _settings(self.path, file, f"The policy {self.path} does not fit the log")

    def changed(self, kept: KeptDocument) -> tuple[str, ...]:
        """Name the keys that this policy changes in a configuration of the log."""
        return tuple(
            difference.path for difference in differences(current_names(kept), self.over(kept).configuration.document)
        )


def policy(path: Path, environ: Mapping[str, str]) -> Policy:
    """Read a policy: a whole configuration, or only the sections that change.

    Raises:
        ConfigurationError: it cannot be read, names what is no setting, or says nothing of a policy.
    """
    written = current_names(read(path))
    if any(section in written for section in _WHOLE):
        document = as_file(load(path, environ).configuration.document)
        rows = {row["key"]: {key: row[key] for key in ENTRY_KEYS if key in row} for row in document["entry"]}
        return Policy(path=path, confirmation=document[CONFIRMATION], entries=rows)
    _known(path, written, Document.model_fields, "")
    rows = {}
    for row in written.get("entry", ()):
        if "key" not in row:
            raise ConfigurationError(f"The policy {path} has an [[entry]] without a key: name the entry that it is of.")
        _known(path, row, EntryTable.model_fields, f" of the entry {row['key']}")
        rows[row["key"]] = {key: row[key] for key in ENTRY_KEYS if key in row}
    if not written.get(CONFIRMATION) and not any(rows.values()):
        raise ConfigurationError(
            f"The policy {path} changes nothing that decides a pause: give it a [confirmation], or entries with "
            f"{', '.join(ENTRY_KEYS[:-1])} or {ENTRY_KEYS[-1]}."
        )
    return Policy(path=path, confirmation=written.get(CONFIRMATION, {}), entries=rows)


def recorded_settings(kept: KeptDocument) -> Settings:
    """Return the settings of a configuration that a log kept, without the file that it came from: nothing that was
    masked is known.

    Raises:
        ConfigurationError: this version of the program does not take it any more.
    """
    return _settings(Path("log"), as_file(kept), "This version does not take what the log recorded")


def _settings(path: Path, file: Mapping[str, Any], refusal: str) -> Settings:
    document = checked(file, refusal)
    return build(path, document, {}, keep(document.model_dump(mode="python", exclude_none=True)))


def _known(path: Path, table: Iterable[str], known: Mapping[str, Any], of: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(f"The policy {path} has {key!r}{of}, which is no setting{perhaps(key, known)}.")
