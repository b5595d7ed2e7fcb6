"""The configuration as the desk shows it: what is loaded, without secrets, and what a reload of the file on disk would
do; and its acceptance, bound to the hash of what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from monitor.core.accepted_configuration import digest
from monitor.core.events import Event
from monitor.core.ports import ConfigurationError, Refused
from monitor.registry.configuration_acceptance import LoadingEffect
from monitor.settings import Settings, show
from monitor.settings.errors import InvalidConfiguration
from monitor.settings.show import ShownSetting


class LoadingHost(Protocol):
    """The monitor, as far as it loads configurations."""

    @property
    def settings(self) -> Settings: ...

    def assess(self, settings: Settings) -> LoadingEffect:
        """Return what loading a configuration would do to what production is answered."""

    def accept(
        self, settings: Settings, *, by: str, reason: str, via: Mapping[str, str], expect: int | None
    ) -> Event | None:
        """Record that what a configuration takes from production is meant; None where it takes nothing.

        Raises:
            Refused: something moved after `expect`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfiguration:
    """What is loaded and what is on disk.

    Attributes:
        path: The file.
        version: What names the loaded configuration in events.
        settings: Every value in effect and where it came from, secrets masked.
        problems: Why the file on disk cannot be loaded; empty where it can.
        sha256: The hash of what the file on disk and the environment resolve to; empty where it cannot be loaded.
        effect: What loading it would do.
    """

    path: str
    version: str
    settings: tuple[ShownSetting, ...]
    problems: tuple[str, ...] = ()
    sha256: str = ""
    effect: LoadingEffect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationDesk:
    """Reads and accepts the file; `read_file` reads it anew. Both methods block."""

    host: LoadingHost
    read_file: Callable[[], Settings]

    def look(self) -> LoadedConfiguration:
        """Return what is loaded, and what loading the file would do.

        Raises:
            MonitorError: the store cannot be read.
        """
        current = self.host.settings
        loaded = LoadedConfiguration(
            path=str(current.path), version=current.configuration.version, settings=tuple(show(current))
        )
        try:
            file = self.read_file()
        except InvalidConfiguration as error:
            return replace(loaded, problems=error.problems)
        except ConfigurationError as error:
            return replace(loaded, problems=(str(error),))
        return replace(loaded, sha256=digest(file.configuration.document), effect=self.host.assess(file))

    def accept(
        self, sha256: str, *, by: str, reason: str, via: Mapping[str, str], expect: int | None = None
    ) -> Event | None:
        """Accept what was shown; None where it takes nothing from production.

        Raises:
            Refused: the file is another one than what was shown, or something moved after `expect`.
            ConfigurationError: the file cannot be loaded.
        """
        return self.host.accept(self.hold(sha256), by=by, reason=reason, via=via, expect=expect)

    def hold(self, sha256: str) -> Settings:
        """Return the file that was shown.

        Raises:
            Refused: it is another one now.
            ConfigurationError: it cannot be loaded.
        """
        file = self.read_file()
        if digest(file.configuration.document) != sha256:
            raise Refused("the file, or the environment, is another than what was shown: look at it again")
        return file
