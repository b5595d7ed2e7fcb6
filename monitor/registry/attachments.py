"""What a person hands in beside their word, held against the entry under the writer's lock before the word is taken.

A paper was read already, outside of any transaction; here it is seen whether it is about this entry at all. What it
says is recorded with the word and judged by people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeAlias

from monitor.core import eval_results, request_log
from monitor.core.baselines import CONFIG, Baselines
from monitor.core.configuration import Configuration
from monitor.core.cost import money
from monitor.core.entry import BASELINE, CANDIDATE, Entry
from monitor.core.entry_spec import EvalPlan
from monitor.core.eval_results import EvalComparison, EvalModel, Results, Score
from monitor.core.events import rfc3339
from monitor.core.facts import Body
from monitor.core.names import perhaps
from monitor.core.ports import Reader, Refused
from monitor.core.price import PREFIX, Meter, equal
from monitor.core.request_log import LoggedRequest, LogSpan, Prices
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import pins, price_schedule
from monitor.registry.freshness import CLOCK_TOLERANCE
from monitor.registry.lookup import rows_of

Keep: TypeAlias = Callable[[Body], str]
"""Stores bytes as evidence and returns their hash."""


class Held(NamedTuple):
    """What the event of the word holds besides: the evidence, and further keys of its data."""

    evidence: str
    data: Mapping[str, object]


class Paper(Protocol):
    """A file as it was read, for one check."""

    def hold(self, reader: Reader, configuration: Configuration, entry: Entry, keep: Keep) -> Held:
        """Hold it against an entry.

        Raises:
            Refused: it is not about this entry, or says that the check does not hold.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalPaper:
    """Results of evals, one for each file, with the bytes to keep. `baseline` is an entry's key or a model id, `called`
    what the files call the candidate where that is not its id.
    """

    results: tuple[Results, ...]
    bodies: tuple[Body, ...]
    baseline: str = ""
    called: str = ""

    def hold(self, reader: Reader, configuration: Configuration, entry: Entry, keep: Keep) -> Held:
        """Lay the candidate beside the baseline.

        Raises:
            Refused: nothing of the candidate is in the files, or what counts cannot be told.
        """
        candidate = _model_of(entry, configuration, self.called)
        if not candidate.ids:
            raise Refused(f"{entry.key} has no model id yet, so no result can be assigned to it")
        baseline = self._baseline(reader, configuration, entry, candidate)
        comparison = self._compared(candidate, baseline)
        self._about(entry, candidate, comparison)
        files = self._kept(keep)
        data = {
            "candidate": sorted(candidate.ids),
            "baseline": None if baseline is None else {"name": self.baseline, "ids": sorted(baseline.ids)},
            "rows": [{**asdict(row), "samples": list(row.samples)} for row in comparison.rows],
            "ignored": dict(comparison.ignored),
            "files": files,
        }
        return Held(files[0]["evidence"], {"evals": data})

    def fill(self, reader: Reader, configuration: Configuration, entry: Entry, plan: EvalPlan, keep: Keep) -> Held:
        """Return the cells of the plan's comparison that the files fill; the entry may have no model id yet.

        Raises:
            Refused: the files hold nothing of either model, a suite that the plan does not have, or another baseline is
                named than the plan's.
        """
        if self.baseline not in ("", plan.baseline):
            raise Refused(
                f"{entry.key} is compared with {plan.baseline}, as its [entry.evals] says, not with {self.baseline}; "
                "leave out --baseline"
            )
        candidate = _model_of(entry, configuration, self.called)
        others = [_model_of(row, configuration) for row in rows_of(reader.entries(), plan.baseline)]
        baseline = EvalModel(
            ids=frozenset().union(*(other.ids for other in others)),
            providers=frozenset().union(*(other.providers for other in others)),
        )
        if baseline.ids & candidate.ids:
            raise Refused(
                f"the baseline {plan.baseline} is the model of {entry.key} itself; name the entry that production runs "
                "now in [entry.evals]"
            )
        comparison = self._compared(candidate, baseline)
        files = self._kept(keep)
        cells: dict[tuple[str, str, str, str], dict[str, object]] = {}
        for result, file in zip(self.results, files, strict=True):
            for score in result.scores:
                for side, model in ((CANDIDATE, candidate), (BASELINE, baseline)):
                    if (id := model.id_of(score.model)) and self._in_plan(score, result, plan, entry):
                        cells[side, id, score.suite, score.metric] = {
                            "side": side,
                            "model": id,
                            "suite": score.suite,
                            "metric": score.metric,
                            "score": score.value,
                            "samples": score.samples,
                            "evidence": file["evidence"],
                        }
        if not cells:
            ids = ", ".join(sorted(candidate.ids | baseline.ids)) or "either model, since none has an id yet"
            models = ", ".join(dict.fromkeys(name for result in self.results for name in result.counted))
            raise Refused(
                f"no result is of {ids}: there are results of {models}; if one of these is the model of {entry.key}, "
                "say so with --called NAME"
            )
        data = {"cells": list(cells.values()), "files": files, "ignored": dict(comparison.ignored)}
        return Held(str(files[0]["evidence"]), data)

    def _in_plan(self, score: Score, result: Results, plan: EvalPlan, entry: Entry) -> bool:
        """Return whether a score is one of the plan's suites; all tests of a file together are of none.

        Raises:
            Refused: it is of another suite, or its file names none.
        """
        if score.suite in plan.suites:
            return True
        suites = ", ".join(plan.suites)
        if score.suite:
            raise Refused(
                f"the suite {score.suite!r} is not one of [entry.evals] of {entry.key}"
                f"{perhaps(score.suite, plan.suites)}; its suites are: {suites}"
            )
        if not any(other.suite for other in result.scores if other.model == score.model):
            raise Refused(
                f"the results of {score.model} name no suite, so that it cannot be said which of {suites} they fill; "
                "let the runner name it"
            )
        return False

    def _compared(self, candidate: EvalModel, baseline: EvalModel | None) -> EvalComparison:
        try:
            return eval_results.compare(self.results, candidate, baseline)
        except eval_results.CaseTwice as error:
            raise Refused(f"{error}; hand in one run of each") from error

    def _kept(self, keep: Keep) -> list[dict[str, str]]:
        return [
            {"format": result.format, "evidence": keep(body)}
            for result, body in zip(self.results, self.bodies, strict=True)
        ]

    def _baseline(
        self, reader: Reader, configuration: Configuration, entry: Entry, candidate: EvalModel
    ) -> EvalModel | None:
        if not self.baseline:
            return None
        other = reader.entries().get(self.baseline)
        model = EvalModel(ids=frozenset({self.baseline}), providers=candidate.providers)
        if other is not None:
            model = _model_of(other, configuration)
        if not model.ids or model.ids & candidate.ids:
            why = "has no model id yet" if not model.ids else f"is the model of {entry.key} itself"
            raise Refused(f"the baseline {self.baseline} {why}; name the entry or model that production runs now")
        return model

    def _about(self, entry: Entry, candidate: EvalModel, comparison: EvalComparison) -> None:
        if any(row.candidate is not None for row in comparison.rows):
            return
        ids = ", ".join(sorted(candidate.ids))
        if any(candidate.is_named(name) for result in self.results for name in result.counted):
            raise Refused(f"every result of {ids} ended in an error, so nothing was evaluated; run it again")
        known = ", ".join(dict.fromkeys(name for result in self.results for name in result.counted))
        raise Refused(
            f"no result is of {ids}, the model of {entry.key}: there are results of {known}; if one of these is it, "
            f"say so with --called NAME"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPaper:
    """A sample of the team's own request log, with the part of it to keep; `now` is when it was handed in."""

    requests: tuple[LoggedRequest, ...]
    body: Body
    tolerance: Decimal
    now: datetime

    def hold(self, reader: Reader, configuration: Configuration, entry: Entry, keep: Keep) -> Held:
        """Hold it against the model id and the prices that were accepted.

        Raises:
            Refused: a line lacks what it has to say, or says something else than the registry.
        """
        accepted = {str(pin.value) for pin in entry.pins if pin.scope == CONFIG and pin.field.startswith("model_id@")}
        ids = frozenset(id for id in accepted or set(entry.spec.surfaces.values()) if id)
        if not ids:
            raise Refused(f"{entry.key} has no model id yet, so no request can be assigned to it")
        mine = [request for request in self.requests if request.model in ids]
        others = Counter(request.model for request in self.requests if request.model not in ids)
        registered = {id for other in reader.entries().values() for id in other.spec.surfaces.values()}
        over = request_log.span(self.requests)
        costs = request_log.costs(mine, self._prices(reader, configuration, entry), self.tolerance)
        problems = [
            *self._strangers(others, registered),
            *request_log.gaps([r for r in self.requests if r.model in ids or not r.model]),
        ]
        problems += [costs.differing] if costs.differing else []
        problems += self._tiers(mine, entry)
        problems += self._dates(over)
        if not any(not request.failed for request in mine):
            problems.insert(0, f"no request that succeeded is of {', '.join(sorted(ids))}")
        if problems or over is None:
            raise Refused(f"the requests do not bear out logging of {entry.key}: " + "; ".join(problems))
        spent = sum((request.cost for request in mine if request.cost is not None), Decimal(0))
        data = {
            "requests": len(mine),
            "errors": sum(request.failed for request in mine),
            "retries": sum(request.retries for request in mine),
            "cost": money(spent),
            "unpriced": costs.unpriced,
            "from": rfc3339(over.first),
            "to": rfc3339(over.last),
            "ignored": dict(sorted(others.items())),
            "usage": request_log.observed(mine, over.length),
        }
        return Held(keep(self.body), {"logging": data})

    def _dates(self, over: LogSpan | None) -> list[str]:
        """Say what speaks against the dates of a log. What is still to come was not logged: the clock or the zone of
        the log is wrong, and so would be the usage of a month.
        """
        if over is None or over.last <= self.now + CLOCK_TOLERANCE:
            return []
        return [
            (
                f"its last request is dated {rfc3339(over.last)}, which is still to come; see the clock and the "
                "zone of the log"
            )
        ]

    def _tiers(self, mine: list[LoggedRequest], entry: Entry) -> list[str]:
        tiers = entry.spec.tiers
        strange = [request for request in mine if request.tier and request_log.tier(request, tiers) not in tiers]
        if not strange:
            return []
        return [
            (
                f"{len(strange)} request{'s' if len(strange) > 1 else ''} ran in a tier that it does not use: line "
                f"{strange[0].line} says {strange[0].tier}"
            )
        ]

    def _prices(self, reader: Reader, configuration: Configuration, entry: Entry) -> Prices:
        """Return what was accepted, and what it was before; of an entry that nobody has accepted yet, what official
        sources agree on. Prices of its region that no official source states are those of a feed that agrees otherwise.
        """
        baselines = current_baselines(reader, configuration.sources)
        fields = {pin.field: str(pin.value) for pin in entry.pins if pin.field.startswith(PREFIX)}
        if not entry.pins:
            chosen, _, _ = pins.pins(entry, baselines)
            fields = {pin.field: str(pin.value) for pin in chosen if pin.field.startswith(PREFIX)}
        fields = {**_of_its_region(baselines, entry, fields), **fields}
        official = {spec.key for spec in baselines.price_sources(entry.price_subject.scope)}
        steps = price_schedule.accepted(price_schedule.past(reader, entry.price_subject, official), fields)
        return Prices(fields, entry.spec.tiers, steps=steps, region=entry.spec.region)

    def _strangers(self, others: Mapping[str, int], registered: set[str]) -> list[str]:
        sentences = []
        for name, count in sorted(others.items()):
            if name and name not in registered:
                line = next(request.line for request in self.requests if request.model == name)
                sentences.append(
                    f"{count} of {len(self.requests)} lines name {name}, which no entry holds, first line {line}"
                )
        return sentences


def _of_its_region(baselines: Baselines, entry: Entry, accepted: Mapping[str, str]) -> dict[str, str]:
    """Return the prices of an entry's region as feeds state them, each where the feed states the accepted price of
    other calls as well: an official page may say in a sentence alone that a region costs more.
    """
    region, subject = entry.spec.region, entry.price_subject
    regional: dict[str, str] = {}
    for spec in baselines.price_sources(subject.scope, official=False) if region else ():
        facts = (baselines.baseline(spec.key) or {}).get(subject, {})
        for field in facts:
            meter = Meter.of(field) if field.startswith(PREFIX) else None
            if meter is None or not (meter.condition and meter.concerns(region)):
                continue
            plain = meter._replace(condition="").field
            if plain in accepted and plain in facts and equal(str(facts[plain]), accepted[plain]):
                regional.setdefault(field, str(facts[field]))
    return regional


def _model_of(entry: Entry, configuration: Configuration, called: str = "") -> EvalModel:
    """Return the exact ids of an entry, and every name under which the configuration knows whose they are."""
    providers = {entry.spec.provider}
    for key in entry.spec.surfaces:
        providers.add(key)
        if key in configuration.surfaces:
            providers.add(configuration.surfaces[key].provider)
    return EvalModel(
        ids=frozenset(id for id in entry.spec.surfaces.values() if id), providers=frozenset(providers), called=called
    )
