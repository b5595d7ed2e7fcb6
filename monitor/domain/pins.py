"""What an activation pins: the assumptions that a person accepts, as they stand when it is done.

What is not known is listed and never pinned by itself; what happens when a pin no longer holds is the business of `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.domain import behind, checklist, price
from monitor.domain.beliefs import CONFIG, Beliefs
from monitor.domain.diff import same
from monitor.domain.events import source_stream
from monitor.domain.model import LISTED, Subject
from monitor.domain.registry import Entry, Pin


def pins(entry: Entry, beliefs: Beliefs) -> tuple[tuple[Pin, ...], tuple[str, ...], dict[str, list[tuple[str, str]]]]:
    """What an activation would pin now, what stays unpinned because it is unknown, and prices that sources dispute."""
    chosen: list[Pin] = []
    unknown: list[str] = []
    for surface, model_id in entry.surfaces.items():
        if beliefs.listed(Subject(surface, model_id)) is True:
            chosen.append(Pin(scope=surface, name=model_id, field=LISTED, value=True))
        else:
            unknown.append(f"{surface}/{model_id}/{LISTED}")
    subject = entry.price_subject
    priced = beliefs.prices(subject, entry.texts("tiers"))
    disputed: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(priced):
        if all(same(name, priced[name][0][1], value) for _, value in priced[name]):
            chosen.append(Pin(scope=subject.scope, name=subject.name, field=name, value=priced[name][0][1]))
        else:
            disputed[name] = priced[name]
    # Costs lag by days. So that a page that moves pauses at once, and one that always stood elsewhere does not, its own word is pinned as well.
    chosen += [
        Pin(scope=source_stream(spec.key), name=subject.name, field=name, value=value)
        for spec, name, value in beliefs.outranked(subject)
        if name in priced
    ]
    for tier in entry.texts("tiers"):
        for meter in ("input", "cached_input", "cache_write", "output"):
            name = price.Meter(tier, price.SHORT, price.TEXT, meter).field
            if name not in priced:
                unknown.append(f"{subject.scope}/{subject.name}/{name}")
    for check in checklist.required(entry):
        found = behind.verifying(check, entry, beliefs)
        chosen += [
            Pin(scope=fact.subject.scope, name=fact.subject.name, field=fact.field, value=value)
            for fact, value in sorted(found.items())
        ]
        if check in behind.TABLE and not found:
            unknown.append(f"{entry.surface}/{entry.model_id}/{check}")
    chosen = list(dict.fromkeys(chosen))  # two checks may rest on one fact
    for key, value in sorted(entry.ours.items()):
        scope, _, rest = key.partition("/")
        owner, _, name = rest.rpartition("/")
        chosen.append(Pin(scope=scope, name=owner, field=name, value=value))
    return tuple(chosen), tuple(unknown), disputed


def ours(
    entry_key: str, surfaces: Mapping[str, str], price_model: str, declared: Iterable[tuple[str, str, str]]
) -> dict[str, str]:
    """The `config` pins of an entry: model ids and price id as declared, and (owner, field, value) of what they stand on."""
    values = {f"{CONFIG}/{entry_key}/model_id@{surface}": model_id for surface, model_id in surfaces.items()}
    values[f"{CONFIG}/{entry_key}/price_model"] = price_model
    values.update({f"{CONFIG}/{owner}/{name}": value for owner, name, value in declared})
    return values
