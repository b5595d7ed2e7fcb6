"""What can be done over one store under one configuration: every use case, handed its unit of work.

The command line, the daemon, a replay and the tests all take them from here, so that none of them can forget a step of
a commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from monitor.app.commit import Commits
from monitor.core.configuration import Configuration
from monitor.core.events import Event
from monitor.core.ports import Clock, Source, Store
from monitor.gate.state import Production
from monitor.registry.declarations import declare
from monitor.registry.unit_of_work import Begin, Rehearsal, Rehearsed

if TYPE_CHECKING:
    from monitor.detection.poller import Poller
    from monitor.registry.acknowledging import Attendant
    from monitor.registry.acts import Acts
    from monitor.registry.credentials import Credentials
    from monitor.registry.housekeeping import Keeping, Tender
    from monitor.registry.maintenance import Maintenance
    from monitor.registry.operator import Operator


class UseCases:
    """The use cases. `published` is called after every commit that changed what the gate says of an entry, before
    anything else is done; without it nothing is committed.
    """

    def __init__(
        self, store: Store, configuration: Configuration, clock: Clock, *, published: Callable[[], object] | None
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock
        self.begin: Begin = Commits(store, configuration, clock, published=published).begin

    def declare(self, before: Configuration | None = None) -> tuple[Event, ...]:
        """Record the configuration; `before` is the one that production goes by.

        Raises:
            Refused: it takes something from production that nobody accepted.
        """
        return declare(self._store, self._configuration, self.begin, Production, before=before)

    def poller(self, source: Callable[[str], Source], executor: Executor | None = None) -> Poller:
        """Poll and record; `source` gives the source of a key, and `executor` polls side by side."""
        from monitor.app.record import Recorder
        from monitor.detection.poller import Poller

        recorder = Recorder(self.begin, self._configuration)
        return Poller(self._store, self._configuration, source, self._clock, record=recorder.record, executor=executor)

    @cached_property
    def operator(self) -> Operator:
        """What people do to entries."""
        from monitor.app.record import Recorder
        from monitor.registry.operator import Operator

        recorder = Recorder(self.begin, self._configuration)
        return Operator(
            self._store,
            self._configuration,
            self._clock,
            begin=self.begin,
            release=recorder.release,
            ask_gate=Production,
        )

    @cached_property
    def maintenance(self) -> Maintenance:
        """Windows in which changes are expected."""
        from monitor.registry.maintenance import Maintenance

        return Maintenance(self._configuration, self.begin)

    @cached_property
    def attendant(self) -> Attendant:
        """What people say to notices."""
        from monitor.registry.acknowledging import Attendant

        return Attendant(self.begin)

    @cached_property
    def acts(self) -> Acts:
        """What people do, by the names that they use."""
        from monitor.registry.acts import Acts

        return Acts(
            self._store,
            self._clock,
            operator=self.operator,
            attendant=self.attendant,
            maintenance=self.maintenance,
        )

    def rehearse(self, act: Callable[[UseCases], object]) -> Rehearsal:
        """Return what an act would record and tell. It is done under the writer's lock and taken back, so that it is
        refused as the act would be.

        Raises:
            Refused: as the act.
        """
        try:
            act(UseCases(self._store, self._configuration, self._clock, published=None))
        except Rehearsed as end:
            return end.rehearsal
        raise AssertionError("the act opened no unit of work")

    @cached_property
    def credentials(self) -> Credentials:
        """What lets people and programs in over HTTP."""
        from monitor.registry.credentials import Credentials

        return Credentials(self._store, self._clock, self.begin)

    def tender(
        self,
        *,
        cadence: Mapping[str, timedelta] | None = None,
        keeping: Keeping | None = None,
        shared: bool = False,
    ) -> Tender:
        """Return what time does; `cadence`, `keeping` and `shared` as `Tender` takes them."""
        from monitor.registry.housekeeping import Tender

        return Tender(
            self._store,
            self._configuration,
            begin=self.begin,
            ask_gate=Production,
            cadence=cadence,
            keeping=keeping,
            shared=shared,
        )
