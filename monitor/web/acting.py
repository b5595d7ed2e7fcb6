"""Carrying out what people ask for over HTTP: as whom, tried first where they want to see it, and refused in the words
of the commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from monitor.core.ports import Refused
from monitor.registry.acceptance import Acceptance
from monitor.registry.acts import Actor, ActResult, Acts, ActTarget, Attestation, AttestationRequest
from monitor.registry.lookup import UnknownEntry
from monitor.registry.unit_of_work import Rehearsal
from monitor.web.access import Visitor
from monitor.web.api.acts import AcceptingBody, ActBody, ActCall, ActSpec


class ActingHost(Protocol):
    """The monitor, as far as people act through it. After a reload its parts are others."""

    @property
    def acts(self) -> Acts: ...

    def attestation(self, request: AttestationRequest) -> Attestation:
        """Return what a person attests a check with, its files read.

        Raises:
            Refused: a file is not what the check takes.
        """

    def rehearse(self, act: Callable[[Acts], object]) -> Rehearsal:
        """Return what an act would record and tell; nothing is changed.

        Raises:
            Refused: as the act.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedAct:
    """What an act would do: what it would record and tell, or why it would be refused, and of an activation or a
    resumption what it would accept.
    """

    rehearsal: Rehearsal | None
    acceptance: Acceptance | None = None
    key: str = ""
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Carries out acts; both methods write the store, or hold its lock, and may block."""

    host: ActingHost

    def carry_out(self, spec: ActSpec, target: ActTarget, body: ActBody, visitor: Visitor, channel: str) -> ActResult:
        """Do it.

        Raises:
            Refused: as the command.
        """
        return spec.carry(self._call(self.host.acts, target, visitor, channel), body)

    def rehearse(self, spec: ActSpec, target: ActTarget, body: ActBody, visitor: Visitor, channel: str) -> RehearsedAct:
        """Return what it would do now.

        Raises:
            UnknownEntry: there is no such entry.
        """
        rehearsed = RehearsedAct(rehearsal=None)
        try:
            if spec.previews and isinstance(body, AcceptingBody):
                acceptance = self.host.acts.preview(target, spec.previews, body.going)
                rehearsed = replace(rehearsed, acceptance=acceptance, key=self.host.acts.row(target))
            rehearsal = self.host.rehearse(lambda acts: spec.carry(self._call(acts, target, visitor, channel), body))
        except UnknownEntry:
            raise
        except Refused as refusal:
            return replace(rehearsed, refusal=refusal)
        return replace(rehearsed, rehearsal=rehearsal)

    def _call(self, acts: Acts, target: ActTarget, visitor: Visitor, channel: str) -> ActCall:
        actor = Actor(by=visitor.name, via=visitor.via(channel))
        return ActCall(acts=acts, target=target, actor=actor, attestation=self.host.attestation)
