"""Another policy over the history of a log: opens the log for reading, plays it twice in scratch stores, compares."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.app.use_cases import UseCases
from monitor.audit.what_if.kept_history import KeptHistory, Sight, kept_history
from monitor.audit.what_if.simulation import Simulation
from monitor.audit.what_if.stops import PolicyComparison, Stop, compare, stop_of
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.events import LogHead, rfc3339
from monitor.core.facts import Facts, Snapshot
from monitor.core.ports import Clock, ConfigurationError, EventQuery, Reader, Refused, Source
from monitor.settings import Settings
from monitor.settings.policy import policy, recorded_settings
from monitor.sources.catalog import SourceDeps, build
from monitor.sources.http import HttpClient
from monitor.store import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What came of it.

    Attributes:
        head: the log, and its last position.
        until: when the log ends.
        changed: the keys that the policy changes in the configuration that the log recorded last.
        unknown: entries that the policy names and the log never had.
    """

    head: LogHead
    until: datetime
    changed: tuple[str, ...]
    unknown: tuple[str, ...]
    comparison: PolicyComparison


def what_if(url: str, file: Path, carry: timedelta | None) -> WhatIf:
    """Play the history of the log at `url` under the policy of a file, and under the one that it was recorded by.

    Nothing is written to that database.

    Raises:
        ConfigurationError: there is no database, or the file is no policy for its log.
        Refused: the log keeps no configuration to play it under.
    """
    tried = policy(file, os.environ)
    with closing(open_store(url, migrate=False)) as store, store.read() as reader:
        history = kept_history(reader)
        if not history.configurations:
            raise Refused(
                f"The log in {store.name} keeps no configuration to play it under, as versions before 0.3 recorded "
                "none: what this version records from its first start on can be played."
            )
        last = next(iter(reader.events(EventQuery(newest_first=True, limit=1))))
        stops = [stop_of(recorded) for recorded in history.stops]
        # What was polled after the last event changed nothing, and stood for as long.
        end = max([last.recorded_at, *filter(None, (state.good_at for state in reader.sources().values()))])
        evidence = _KeptEvidence(reader)

        def played(settings: Callable[[Mapping[str, object]], Settings]) -> tuple[list[Stop], list[str]]:
            return _played(history, stops, evidence, settings, end=end, carry=carry)

        recorded_by, left_out = played(recorded_settings)
        under_policy, refused = played(tried.over)
        comparison = compare(stops, recorded_by, under_policy, end=end)
        documents = [in_force.document for in_force in history.configurations]
        declared = {row["key"] for document in documents for row in document["entry"]}
        head = reader.log_head()
    lacking = (*history.left_out, *evidence.left_out, *left_out, *refused)
    return WhatIf(
        head=head,
        until=end,
        changed=tried.changed(documents[-1]),
        unknown=tuple(sorted(tried.entries.keys() - declared)),
        comparison=replace(
            comparison,
            not_judged=tuple(dict.fromkeys((*lacking, *comparison.not_judged))),
        ),
    )


class _KeptEvidence:
    """Reads what the log kept, with the readers of the sources themselves; nothing is fetched."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._configuration = Configuration()
        self._sources: dict[str, Source] = {}
        self.left_out: list[str] = []

    def go_by(self, configuration: Configuration) -> None:
        """Build sources as another configuration describes them."""
        self._configuration, self._sources = configuration, {}

    def facts(self, hash: str) -> Facts:
        """Return the facts of a blob."""
        return self._reader.facts(hash)

    def read(self, spec: SourceSpec, sight: Sight, at: datetime) -> Snapshot | None:
        """Return what the bytes of a sight show; None where that cannot be said, which is noted."""
        source, body = self._source(spec), self._reader.evidence(sight.evidence)
        if body is None:
            why = "they were pruned"
        elif source is None or source.extractor != sight.extractor:
            why = "another version read them"
        elif isinstance(read := source.extract(body, at), Snapshot):
            return read
        else:
            why = "they cannot be read"
        self.left_out.append(f"The bytes that {spec.key} showed {rfc3339(sight.at)} are left out: {why}.")
        return None

    def _source(self, spec: SourceSpec) -> Source | None:
        if spec.key not in self._sources:
            deps = SourceDeps(
                http=HttpClient(allow=frozenset()),
                surface=self._configuration.surfaces.get(spec.surface),
                secret=_no_secret,
            )
            try:
                self._sources[spec.key] = build(spec, deps)
            except ConfigurationError:
                return None
        return self._sources[spec.key]


def _no_secret(reference: str) -> str:
    raise ConfigurationError("nothing is fetched here, so no secret is read")


def _played(
    history: KeptHistory,
    stops: Sequence[Stop],
    evidence: _KeptEvidence,
    settings: Callable[[Mapping[str, object]], Settings],
    *,
    end: datetime,
    carry: timedelta | None,
) -> tuple[list[Stop], list[str]]:
    """Play a history in a scratch store; return the pauses, and which acts of people could not be done again."""

    def configured(document: Mapping[str, object]) -> Configuration:
        configuration = settings(document).configuration
        evidence.go_by(configuration)
        return configuration

    with (
        TemporaryDirectory(prefix="access-monitor-what-if-") as folder,
        closing(open_store(str(Path(folder) / "simulation.db"), durable=False)) as store,
    ):

        def use_cases(configuration: Configuration, clock: Clock) -> UseCases:
            return UseCases(store, configuration, clock, published=lambda: None)  # nobody reads its leases

        simulation = Simulation(
            store=store,
            history=history,
            stops=stops,
            evidence=evidence,
            configured=configured,
            use_cases=use_cases,
            end=end,
            carry=carry,
        )
        return simulation.run(), simulation.refused
