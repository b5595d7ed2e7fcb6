"""What loading a configuration would do, said before it is done, and the word of the person who means it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.accepted_configuration import KeyDifference, differences, digest
from monitor.core.configuration import Configuration
from monitor.core.entry import DENY_NEW
from monitor.core.events import CONFIG_ACCEPTED, CONFIG_STREAM, Event
from monitor.core.ports import AskGate, Reader, Refused
from monitor.registry.configuration_effects import Act, Take, accepted, covers, recorded, takes
from monitor.registry.declarations import judge
from monitor.registry.earlier_acceptances import keeps_deny
from monitor.registry.renames import renames, unknown_names
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingEffect:
    """What loading a configuration would do at a position of the log.

    `differences` are the keys in which it differs from the one in the log, None where the log has nothing to compare
    with. `taken` is what it would take from production, and `acceptance` the event in which a person accepted just
    that. `keep_deny` are the entries in use whose callers a pause goes on denying, since an earlier version accepted
    them and the file states no `on_pause`. `renamed` are the old and the new key of each source and entry that goes on
    under another key, `unknown` the new key of each whose old one nobody knows, and why it is none.
    """

    position: int
    differences: tuple[KeyDifference, ...] | None
    taken: tuple[Take, ...]
    acceptance: Event | None
    keep_deny: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()

    @property
    def loads(self) -> bool:
        """Whether the next start, reload or poll takes the configuration."""
        return not self.taken or self.acceptance is not None


class Loading:
    """Loading a configuration (`after`) where production goes by another one (`before`)."""

    def __init__(self, before: Configuration, after: Configuration, ask_gate: AskGate) -> None:
        self._before = before
        self._after = after
        self._ask_gate = ask_gate

    def assess(self, reader: Reader, now: datetime) -> LoadingEffect:
        """Work out what it would do; nothing is written."""
        last, head = recorded(reader), reader.head()
        if last is None:
            return LoadingEffect(position=head, differences=None, taken=(), acceptance=None)
        different = None if last.document is None else differences(last.document, self._after.document)
        if last.version == self._after.version:
            return LoadingEffect(position=head, differences=different, taken=(), acceptance=None)
        keep_deny = tuple(
            key
            for key, entry in reader.entries().items()
            if key in self._after.entries
            and self._after.entries[key].on_pause == DENY_NEW
            and keeps_deny(entry, self._after)
        )
        named = renames(reader, self._after)
        register = RegistryTransaction(head, reader.entries())
        judge(reader, register, self._after, now)
        taken = takes(
            self._ask_gate(reader, self._before, now),
            self._ask_gate(named.view(reader), self._after, now, register.entries),
        )
        given = accepted(last, self._after)
        acceptance = given if taken and covers(given, taken, reader.entries()) else None
        return LoadingEffect(
            position=head,
            differences=different,
            taken=taken,
            acceptance=acceptance,
            keep_deny=keep_deny,
            renamed=tuple((was, key) for key, was in (*named.sources.items(), *named.entries.items())),
            unknown=tuple(unknown_names(reader, self._after)),
        )

    def accept(
        self,
        begin: Begin,
        *,
        by: str,
        reason: str,
        via: Mapping[str, str],
        expect: int | None = None,
    ) -> Event | None:
        """Record that what it takes from production is meant; None where it takes nothing, which needs no acceptance.

        Raises:
            Refused: after `expect` a configuration was loaded, or an entry moved that this one takes from production.
        """
        with begin() as unit:
            assessment = self.assess(unit.tx, unit.now)
            if not assessment.taken:
                return None
            if expect is not None:
                _expected(unit.tx, assessment, expect)
            unit.register.add(
                CONFIG_ACCEPTED,
                CONFIG_STREAM,
                CONFIG_STREAM,
                at=unit.now,
                actor=by,
                data={
                    "by": by,
                    "reason": reason,
                    "via": dict(via),
                    "version": self._after.version,
                    "sha256": digest(self._after.document),
                    "expect": assessment.position,
                    "changed": [difference.path for difference in assessment.differences or ()],
                    **listed(assessment.taken),
                },
            )
            return unit.register.events[-1]


def effect_in_words(effect: LoadingEffect) -> list[str]:
    """Return what loading would do, in sentences; that it takes nothing from production is one as well."""
    sentences = [f"Loading it renames {was} to {key}, which goes on from its history." for was, key in effect.renamed]
    sentences += [f"Loading it begins {key} anew: {why}." for key, why in effect.unknown]
    sentences += [f"Loading it would {take.act.verb} {take.entry}: {take.reason}." for take in effect.taken]
    sentences += [
        f"{key} goes on denying its callers while it is paused, as an earlier version accepted it: state "
        'on_pause = "deny_new" to let them go on after a price shift, or "deny".'
        for key in effect.keep_deny
    ]
    if not effect.taken:
        sentences.append("Loading it takes nothing from production.")
    elif effect.acceptance is not None:
        data, position = effect.acceptance.data, effect.acceptance.position
        sentences.append(f"{data['by']} accepted that at position {position}: {data['reason']}.")
    return sentences


def listed(taken: tuple[Take, ...]) -> dict[str, dict[str, str]]:
    """Return what is taken, for the log and for scripts: act → entry → why."""
    return {act.value: {take.entry: take.reason for take in taken if take.act is act} for act in Act}


def _expected(reader: Reader, assessment: LoadingEffect, expect: int) -> None:
    last, entries = recorded(reader), reader.entries()
    if expect > assessment.position:
        raise Refused(f"Position {expect} is not in the log, which ends at {assessment.position}.")
    moved = [take.entry for take in assessment.taken if entries[take.entry].status_position > expect]
    if moved or (last is not None and last.position > expect):
        what = f"the status of {' and '.join(moved)} moved" if moved else "a configuration was loaded"
        raise Refused(f"After position {expect} {what}: check again with `access-monitor config check`.")
