"""What an activation pins: the assumptions that a person accepts, as they stand when it is done.

What is not known is listed and never pinned by itself; what happens when a pin no longer holds is the business of
`policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from monitor.core import access, price
from monitor.core.baselines import CONFIG, UNKNOWN, Answer, Baselines
from monitor.core.changes import same
from monitor.core.entry import Entry, Pin
from monitor.core.events import source_stream
from monitor.core.facts import ACCESS, ALIAS_TARGET, GRANTED, LISTED, STAGE, Fact, Subject, answering
from monitor.detection.routes import LIST, RETRIEVE, lost
from monitor.registry import check_rules, checklist, served


def pins(
    entry: Entry, baselines: Baselines
) -> tuple[tuple[Pin, ...], tuple[str, ...], dict[str, list[tuple[str, str]]]]:
    """Find what an activation would pin now, what stays unpinned because it is unknown, and prices that sources
    dispute.
    """
    chosen: list[Pin] = []
    unknown: list[str] = []
    for surface, model_id in entry.spec.surfaces.items():
        if baselines.listed(Subject(surface, model_id)) is True:
            chosen.append(Pin(scope=surface, name=model_id, field=LISTED, value=True))
        else:
            unknown.append(f"{surface}/{model_id}/{LISTED}")
    reached, unwatched = _access(entry, baselines)
    unknown += unwatched
    priced, unpriced, disputed = _prices(entry, baselines)
    chosen += priced
    unknown += unpriced
    subject = entry.price_subject
    targets = served.targets(entry, baselines)
    if len(targets) == 1:  # an alias that moves is another model under the same name
        chosen.append(Pin(scope=subject.scope, name=subject.name, field=ALIAS_TARGET, value=next(iter(targets))))
    for subject in sorted(entry.subjects):
        stage = _said(baselines, Fact(subject, STAGE))
        if isinstance(stage, str):
            chosen.append(Pin(scope=subject.scope, name=subject.name, field=STAGE, value=stage))
    for check in checklist.required(entry):
        values = check_rules.verifying(check, entry, baselines)
        chosen += [
            Pin(scope=fact.subject.scope, name=fact.subject.name, field=fact.field, value=value)
            for fact, value in sorted(values.items())
            if fact.field.removeprefix(ACCESS) not in entry.spec.ignore
        ]
        if check in check_rules.TABLE and not values:
            unknown.append(f"{entry.spec.surface}/{entry.spec.model_id}/{check}")
    chosen += reached
    chosen += [Pin.of(key, value) for key, value in sorted(entry.spec.config_pins.items())]
    # Two checks may rest on one fact, and a route on the check that it verifies.
    return tuple(dict.fromkeys(chosen)), tuple(dict.fromkeys(unknown)), disputed


def _prices(entry: Entry, baselines: Baselines) -> tuple[list[Pin], list[str], dict[str, list[tuple[str, str]]]]:
    """Find the prices of the entry's tiers: those to pin, the keys of those that nobody states, and those that sources
    dispute.
    """
    subject = entry.price_subject
    priced = baselines.prices(subject, entry.spec.tiers, entry.spec.region)
    chosen: list[Pin] = []
    disputed: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(priced):
        if all(same(name, priced[name][0][1], value) for _, value in priced[name]):
            chosen.append(Pin(scope=subject.scope, name=subject.name, field=name, value=priced[name][0][1]))
        else:
            disputed[name] = priced[name]
    # Costs lag by days. So that a page that moves pauses at once, and one that always stood elsewhere does not, its own
    # word is pinned as well.
    chosen += [
        Pin(scope=source_stream(spec.key), name=subject.name, field=name, value=value)
        for spec, name, value in baselines.outranked(subject, entry.spec.region)
        if name in priced
    ]
    wanted = (
        price.Meter(tier, price.SHORT, price.TEXT, meter).field
        for tier in entry.spec.tiers
        for meter in ("input", "cached_input", "cache_write", "output")
    )
    return chosen, [f"{subject.scope}/{subject.name}/{name}" for name in wanted if name not in priced], disputed


def _access(entry: Entry, baselines: Baselines) -> tuple[list[Pin], list[str]]:
    """Find the ways to the entry's models beside the lists: those to pin, and the keys of those that the entry names
    and nothing watches.
    """
    chosen: list[Pin] = []
    unwatched = [
        f"{entry.spec.surface}/{entry.spec.model_id}/{name}" for name in entry.spec.uses if name not in access.ENDPOINTS
    ]
    for subject in _models(entry):
        for route, state in _states(entry, baselines, subject).items():
            if state == GRANTED:
                chosen += _route(baselines, subject, route)
            elif state is UNKNOWN and route in access.named(entry):
                unwatched.append(f"{subject.scope}/{subject.name}/{ACCESS}{route}")
        chosen += _settings(entry, baselines, subject)
    return chosen, unwatched


def closed(entry: Entry, baselines: Baselines) -> dict[str, str]:
    """Find the ways to a model that the entry stands on and that are closed now: route or setting → the key of its pin.

    None of them is pinned, so that a person has to accept each by name.
    """
    keys = dict(_lost(entry, baselines))
    for subject in _models(entry):
        ways = [*_closed(entry, _states(entry, baselines, subject)), *_denying(entry, baselines, subject)]
        keys |= {way: f"{subject.scope}/{subject.name}/{ACCESS}{way}" for way in ways}
    return keys


def _models(entry: Entry) -> list[Subject]:
    """List the models of an entry, less those whose id is not known yet."""
    return [Subject(surface, model_id) for surface, model_id in entry.spec.surfaces.items() if model_id]


def _states(entry: Entry, baselines: Baselines, subject: Subject) -> dict[str, Answer]:
    """How each route that an activation may pin answers."""
    return {route: _said(baselines, Fact(subject, ACCESS + route)) for route in access.routes(entry)}


def _route(baselines: Baselines, subject: Subject, route: str) -> Iterator[Pin]:
    """Return the pins of a route that is granted: that it is, and of a call the model that answers."""
    yield Pin(scope=subject.scope, name=subject.name, field=ACCESS + route, value=GRANTED)
    model = _said(baselines, Fact(subject, answering(route)))
    if route != RETRIEVE and isinstance(model, str):  # what a retrieval names answers no call
        yield Pin(scope=subject.scope, name=subject.name, field=answering(route), value=model)


def _closed(entry: Entry, states: Mapping[str, Answer]) -> Iterator[str]:
    """List the routes without which a model cannot be used as the entry says: those it names, and all plain calls where
    none is granted.

    Where no call is watched, the retrieval says it. One plain call that is refused beside another that is granted is
    how models differ.
    """
    refused = [route for route, state in states.items() if state is not UNKNOWN and state != GRANTED]
    served = [route for route in access.calls(entry) if states.get(route) == GRANTED]
    named = access.named(entry)
    watched = [route for route in access.calls(entry) if states.get(route, UNKNOWN) is not UNKNOWN]
    for route in refused:
        if route in named or (not served and (route in watched or (route == RETRIEVE and not watched))):
            yield route


def _settings(entry: Entry, baselines: Baselines, subject: Subject) -> Iterator[Pin]:
    """Return the pins of the account settings that concern a model, as far as they are known and allow it."""
    for name, setting in access.settings(entry).items():
        if setting.judge is not None:
            if baselines.permits(setting, subject, entry.spec) == GRANTED:
                yield Pin(scope=subject.scope, name=subject.name, field=ACCESS + name, value=GRANTED)
            continue
        for fact in access.facts(subject, setting):
            value = _said(baselines, fact)
            if value is not UNKNOWN and value is not None:
                yield Pin(scope=subject.scope, name=fact.subject.name, field=fact.field, value=value)


def _denying(entry: Entry, baselines: Baselines, subject: Subject) -> Iterator[str]:
    """List the account settings that deny a model."""
    for name, setting in access.settings(entry).items():
        if setting.judge is not None and baselines.permits(setting, subject, entry.spec) not in (
            UNKNOWN,
            GRANTED,
        ):
            yield name


def _lost(entry: Entry, baselines: Baselines) -> Iterator[tuple[str, str]]:
    """Find the ways that were accepted before and are closed now: route or setting → the key of its pin."""
    for pin in entry.pins:
        if not _stands_on(entry, pin):
            continue
        now = baselines.current(pin, entry)
        if now is not UNKNOWN and lost(Fact(Subject(pin.scope, pin.name), pin.field), now):
            yield way(pin, baselines), pin.key


def _stands_on(entry: Entry, pin: Pin) -> bool:
    """Whether a pin is about a way to the model that the entry, as it is declared now, still goes."""
    if entry.spec.surfaces.get(pin.scope) != pin.name:
        return False
    if pin.field == LISTED:
        return True
    name = pin.field.removeprefix(ACCESS)
    unused = name in access.CALLS and name not in access.calls(entry)
    return pin.field.startswith(ACCESS) and name not in entry.spec.ignore and not unused


def way(pin: Pin, baselines: Baselines) -> str:
    """Say what people call the way to a model that a pin is about: a route, or a setting of the account."""
    if pin.field != LISTED:
        return pin.field.removeprefix(ACCESS)
    return next((spec.route for spec in baselines.lists(pin.scope) if spec.route != LIST), LIST)


def _said(baselines: Baselines, fact: Fact) -> Answer:
    """Return what is confirmed of a fact; nothing where sources differ."""
    values = {value for _, value in baselines.statements(fact) if value != ""}
    return values.pop() if len(values) == 1 else UNKNOWN


def facts(pin: Pin, entry: Entry) -> tuple[Fact, ...]:
    """Return what a pin is about: a price is one of the provider's, whichever source's word is pinned; a setting's
    verdict rests on the account's facts.
    """
    if (setting := access.setting(pin.field)) is not None:
        return access.facts(Subject(pin.scope, pin.name), setting)
    scope = entry.price_subject.scope if pin.field.startswith(price.PREFIX) else pin.scope
    return (Fact(Subject(scope, pin.name), pin.field),)


def ours(
    entry_key: str, surfaces: Mapping[str, str], price_model: str, declared: Iterable[tuple[str, str, str]]
) -> dict[str, str]:
    """Return the `config` pins of an entry: model ids and price id as declared, and (owner, field, value) of what they
    stand on.
    """
    values = {f"{CONFIG}/{entry_key}/model_id@{surface}": model_id for surface, model_id in surfaces.items()}
    values[f"{CONFIG}/{entry_key}/price_model"] = price_model
    values.update({f"{CONFIG}/{owner}/{name}": value for owner, name, value in declared})
    return values
