"""What a question may carry in its query. What is not known is refused, as the commands refuse it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from monitor.core.check_names import CHECKS
from monitor.core.event_types import EVENT_TYPES
from monitor.core.events import LAST_POSITION
from monitor.core.moments import Moment, parse
from monitor.core.names import perhaps
from monitor.core.ports import Refused

When = Annotated[
    Moment,
    BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "examples": ["2026-07-30T17:34:21Z", "2026-07-30", "2h ago"]}),
]
"""A time as the commands take it."""

AT = "As it was recorded at this time: RFC 3339, a date (its first moment, UTC), or relative (`2h ago`)."
MOST_EVENTS = 1000


class MalformedQuestion(Refused):
    """The query carries what the question does not take."""


class Nothing(BaseModel):
    """A question without parameters."""

    model_config = ConfigDict(extra="forbid")


class AtTime(Nothing):
    """A question about now, or about a time."""

    at: When | None = Field(None, description=AT)


class OfRow(Nothing):
    """A question about an entry as it is now."""

    surface: str = Field("", description="The surface that is meant, where the entry is on several.")


class OfEntryThen(OfRow, AtTime):
    """A question about an entry, now or at a time."""


class OfAlerts(Nothing):
    """A question about what is open."""

    all: bool = Field(False, description="Also what decides nothing yet.")


class OfPeriod(Nothing):
    """A question about what was recorded between two times."""

    since: When | None = Field(None, description="Only what lasted or was recorded at this time or later.")
    until: When | None = Field(None, description="Only what was recorded up to this time.")


class OfEntryInPeriod(OfPeriod):
    """A question about an entry, or all, between two times."""

    entry: str = Field("", description="Of this entry alone.")


class OfActs(OfEntryInPeriod):
    """A question about what people did."""

    by: str = Field("", description="Of this person alone.")


class OfDenials(OfEntryInPeriod):
    """A question about what the gate denied."""

    caller: str | None = Field(None, description="To this caller alone.")
    env: str = Field("", description="In this environment alone.")


class OfOutages(OfPeriod):
    """A question about what could not be seen."""

    source: str = Field("", description="Of this source alone; `daemon` or `clock` for the monitor itself.")


class OfAttestations(AtTime):
    """A question about what was attested."""

    entry: str = Field("", description="Of this entry alone.")


class OfGate(AtTime):
    """A question to the gate, now or at a time."""

    env: str = Field("", description="The environment that asks; production unless given.")
    caller: str = Field("", description="Who asks.")
    surface: str = Field("", description="The surface that is called; an entry's first unless given.")


class OfNotices(OfEntryInPeriod):
    """A question about what was sent."""

    limit: int = Field(20, ge=1, le=500, description="At most so many, the newest.")


class OfDifference(Nothing):
    """A question about what differs between two times."""

    since: When = Field(description="The earlier time.")
    until: When = Field(Moment(), description="The later time; now unless given.")
    entry: str = Field("", description="Of this entry alone.")


class OfCoverage(Nothing):
    """A question about what watches."""

    entry: str = Field("", description="Of this entry alone.")


class OfEnds(Nothing):
    """A question about announced ends."""

    name: str = Field("", description="Of this entry, model id or `provider/model` alone.")


def _known_type(glob: str) -> str:
    if glob and not any(fnmatchcase(name, glob) for name in EVENT_TYPES):
        raise ValueError(f"no type of event matches {glob!r}{perhaps(glob, EVENT_TYPES)}")
    return glob


def _known_check(name: str) -> str:
    if name and name not in CHECKS:
        raise ValueError(f"there is no check {name!r}{perhaps(name, CHECKS)}")
    return name


class OfEvents(Nothing):
    """A question to the log: the filters of the command `events`."""

    type: Annotated[str, BeforeValidator(_known_type)] = Field("", description="Only types that match, `entry.*`.")
    subject: str = Field("", description="Only subjects that match: a model id, an entry or a source.")
    source: str = Field("", description="Only what this source showed.")
    check: Annotated[str, BeforeValidator(_known_check)] = Field("", description="Only what moved this check.")
    entry: str = Field("", description="Only what concerns this entry: its models, prices, notices, acts, answers.")
    text: str = Field("", description="Only what says all of these words.")
    actor: str = Field("", description="Only what this person, or `system`, wrote.")
    cause: int | None = Field(None, ge=1, le=LAST_POSITION, description="Only what this event led to.")
    since: When | None = Field(None, description="Only what was recorded at this time or later.")
    until: When | None = Field(None, description="Only what was recorded up to this time.")
    after: int | None = Field(None, ge=0, le=LAST_POSITION, description="Only positions above this one.")
    before: int | None = Field(None, ge=1, le=LAST_POSITION, description="Only positions below this one.")
    limit: int = Field(100, ge=1, le=MOST_EVENTS, description="At most so many on a page.")
    newest: bool = Field(False, description="The newest first.")


Query = TypeVar("Query", bound=Nothing)


def read_query(model: type[Query], given: Iterable[tuple[str, str]]) -> Query:
    """Return the parameters of a question.

    Raises:
        Malformed: one is unknown, given twice, or no such value; the sentence names the first that is.
    """
    values: dict[str, str] = {}
    for name, value in given:
        if name in values:
            raise MalformedQuestion(f"{name} is given twice.")
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise MalformedQuestion(_sentence(model, error.errors(include_url=False)[0])) from None


def _sentence(model: type[Nothing], error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) or "none"
        return f"There is no parameter {name!r}{perhaps(name, model.model_fields)}; known are: {known}."
    if error["type"] == "missing":
        return f"{name} is missing: {model.model_fields[name].description}"
    words = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {words}."
