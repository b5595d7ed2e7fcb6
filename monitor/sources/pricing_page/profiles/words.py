"""What a provider calls things on its page: the words of a profile, and no provider's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class PerModel:
    """How a page spells tables that are about one model each: the title of the column that is read (lower case), those
    that may stand beside it, and what may stand above its labels.
    """

    offer: str
    beside: frozenset[str]
    corner: frozenset[str] = frozenset({""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A provider's words beyond those that every page may use.

    `meters` maps a column's label (lower case, without its unit) to its meter; `name` is the spelling of display
    names, where the page names models by these instead of ids. They are kept as they stand: which id goes by which
    name is said by an entry's `price_model` and never guessed. `called` is the pattern of the provider's own name,
    and `ids` that of the ids that it alone gives to models. `across` says that its tables name models across and
    meters down, `descriptive` which lines of such a table describe a model and set no condition on its price.
    `model` is the title of the column that names models, in lower case; columns of `sizes` hold the size of a
    context and nothing else, and those `aside` price something that is not read (storage by the hour), whatever
    their cells say. A cell of the column `packed` states an amount for each meter by name; where a page is
    `ordered`, its cells state them in an order that a sentence gives. `titles` are those of sections, in lower
    case, that tell no prices apart, and `suffix` is what a title may bear behind the name of a model. With
    `peak_hours` a sentence defines the hours that labels call peak. With `carded` the id stands behind the card of
    its model, `unit_ahead` says that a section without a table may state the unit of those after it. With
    `per_model` each table is about the models of its section, and a cell may state several amounts under
    conditions.
    """

    meters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    name: re.Pattern[str] | None = None
    called: str = r"(?!)"
    ids: re.Pattern[str] | None = None
    across: bool = False
    descriptive: frozenset[str] = frozenset()
    per_model: PerModel | None = None
    model: str = "model"
    sizes: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()
    suffix: re.Pattern[str] | None = None
    titles: frozenset[str] = frozenset()
    packed: str = ""
    carded: bool = False
    peak_hours: bool = False
    ordered: bool = False
    unit_ahead: bool = False

    def with_names(self, names: Iterable[str]) -> Profile:
        """Return the same words for a page that calls models by these names as well."""
        spelt = [re.escape(name) + r"(?! ?[\w.-])" for name in sorted(names, key=len, reverse=True)]
        if not spelt:
            return self
        spelt += [self.name.pattern] if self.name else []
        return replace(self, name=re.compile("|".join(f"(?:{pattern})" for pattern in spelt)))


PLAIN = Profile()
