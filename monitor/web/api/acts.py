"""What can be done over HTTP: each act with the fields that it takes and how it is carried out. Forms and the API send
the same fields, and both act through `registry/acts`, as the commands do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, Base64Bytes, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic import BaseModel as PydanticModel

from monitor.core import events as ev
from monitor.core.names import perhaps
from monitor.core.ports import Refused
from monitor.core.redaction import redact
from monitor.registry.acceptance import Going
from monitor.registry.acts import (
    Actor,
    ActResult,
    Acts,
    ActTarget,
    Announcement,
    AttachedFile,
    Attestation,
    AttestationRequest,
    SilenceRequest,
)
from monitor.settings.durations import PATTERN
from monitor.settings.durations import parse as parse_duration
from monitor.web.api.parameters import When

LONGEST = 2000
"""Characters of what somebody writes."""


class MalformedAct(Refused):
    """The body carries what the act does not take, or lacks what it does."""


def _kept(text: str) -> str:
    """Return a text as the log keeps it for good: without keys, which people paste anywhere."""
    return redact(text.strip())


def _span(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _names(value: object) -> object:
    """Read names with commas, as the commands take them, besides a list."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return value
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


Words = Annotated[str, Field(max_length=LONGEST), AfterValidator(_kept)]
NamesWithCommas = Annotated[list[str], BeforeValidator(_names)]
DurationText = Annotated[
    timedelta,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["8h"]}),
]


class ActBody(PydanticModel):
    """What every act takes. Who acts is never in it: that is who is signed in."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    dry_run: bool = Field(False, description="Say what it would record and tell, and change nothing.")


class ReasonedBody(ActBody):
    """An act that says why."""

    reason: Words = Field("", description="Why; kept in the log. Only a dry run needs none.")


class EntryBody(ReasonedBody):
    """An act on an entry."""

    surface: str = Field("", description="The surface, of an entry on several; the first by default.")


class ExpectingBody(EntryBody):
    """An act that is refused where something happened meanwhile."""

    expect: int | None = Field(
        None, ge=0, description="Refuse if anything relevant was recorded after this position; the registry names it."
    )


class AcceptingBody(ExpectingBody):
    """An activation or a resumption."""

    waive: NamesWithCommas = Field([], description="Go on without these required checks; kept in the log.")
    accept_loss: NamesWithCommas = Field(
        [], description="Go on without these refused routes or account settings; kept in the log."
    )

    @property
    def going(self) -> Going:
        """What the person goes on without."""
        return Going(waived=frozenset(self.waive), losses=frozenset(self.accept_loss))


class FileBody(PydanticModel):
    """A file that is handed in."""

    model_config = ConfigDict(extra="forbid")

    name: Words = Field(description="What refusals call it.")
    content: Base64Bytes = Field(description="Its bytes, in base64.")


class VerifyBody(ActBody):
    """The attestation of a check."""

    surface: str = Field("", description="The surface, of an entry on several.")
    check: str = Field(description="The check, as the checklist names it.")
    url: Words = Field("", description="A link to the evidence.")
    note: Words = Field("", description="What was observed.")
    files: list[FileBody] = Field(
        [], alias="from", max_length=50, description="Files to keep as evidence; read for evals and logging."
    )
    baseline: Words = Field("", description="For evals: the entry or model that production runs now.")
    called: Words = Field("", description="For evals: what the files call the model of the entry.")


class AckBody(ActBody):
    """The acknowledgement of a pause."""

    surface: str = Field("", description="The surface, of an entry on several; the first by default.")
    note: Words = Field("", description="What is being done about it.")


class SilenceBody(EntryBody):
    """A silence, or its end."""

    span: DurationText | None = Field(None, alias="for", description="How long, such as 8h.")
    lift: bool = Field(False, description="End a silence.")


class MaintenanceBody(EntryBody):
    """Announced maintenance, or its end."""

    start: When | None = Field(None, alias="from", description="When it begins; now by default.")
    until: When | None = Field(None, description="When it ends; at most 31 days later.")
    change: NamesWithCommas = Field([], description="Globs of the pins that may move, such as openai/*/price.*.")
    close: int | None = Field(None, ge=1, description="End the window at this position instead.")


class AcceptConfigurationBody(ReasonedBody):
    """The acceptance of what loading the file takes from production."""

    sha256: str = Field(description="The hash of what was shown: of the file with the environment.")
    expect: int | None = Field(
        None,
        ge=0,
        description="Refuse if something relevant was recorded after this position, which was shown as well.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActCall:
    """An act that somebody asks for: what it is done with and to, and by whom; `attestation` reads the files that
    they hand in.
    """

    acts: Acts
    target: ActTarget
    actor: Actor
    attestation: Callable[[AttestationRequest], Attestation]


Carry: TypeAlias = Callable[[ActCall, Any], ActResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActSpec:
    """One act on an entry, or on a change.

    Attributes:
        name: As the command is called.
        title: What its button says.
        summary: What it does, in a sentence.
        body: The fields that it takes.
        carry: Carries it out; raises `Refused`.
        previews: The type of the event by which it accepts, whose acceptance can be shown before; empty for none.
        asks: Whether it needs more than a reason before it can be rehearsed.
        largest: How many bytes its body may have.
        on_change: Whether it is about a change, by the position of its event, and not about an entry.
    """

    name: str
    title: str
    summary: str
    body: type[ActBody]
    carry: Carry
    previews: str = ""
    asks: bool = False
    largest: int = 64 * 1024
    on_change: bool = False


def _activate(call: ActCall, body: AcceptingBody) -> ActResult:
    return call.acts.activate(call.target, call.actor, reason=body.reason, expect=body.expect, going=body.going)


def _resume(call: ActCall, body: AcceptingBody) -> ActResult:
    return call.acts.resume(call.target, call.actor, reason=body.reason, expect=body.expect, going=body.going)


def _pause(call: ActCall, body: ExpectingBody) -> ActResult:
    return call.acts.pause(call.target, call.actor, reason=body.reason, expect=body.expect)


def _retire(call: ActCall, body: ExpectingBody) -> ActResult:
    return call.acts.retire(call.target, call.actor, reason=body.reason, expect=body.expect)


def _verify(call: ActCall, body: VerifyBody) -> ActResult:
    request = AttestationRequest(
        check=body.check,
        url=body.url,
        note=body.note,
        files=[AttachedFile(name=file.name, content=file.content) for file in body.files],
        baseline=body.baseline,
        called=body.called,
    )
    return call.acts.verify(call.target, call.actor, call.attestation(request))


def _ack(call: ActCall, body: AckBody) -> ActResult:
    return call.acts.acknowledge(call.target, call.actor, note=body.note)


def _silence(call: ActCall, body: SilenceBody) -> ActResult:
    request = SilenceRequest(span=body.span, lift=body.lift)
    return call.acts.silence(call.target, call.actor, request, reason=body.reason)


def _maintenance(call: ActCall, body: MaintenanceBody) -> ActResult:
    announced = Announcement(start=body.start, end=body.until, changes=tuple(body.change), close=body.close)
    return call.acts.maintain(call.target, call.actor, announced, reason=body.reason)


def _release(call: ActCall, body: ReasonedBody) -> ActResult:
    return call.acts.release(int(call.target.entry), call.actor, reason=body.reason)


ACTS: Mapping[str, ActSpec] = {
    spec.name: spec
    for spec in (
        ActSpec(
            name="activate",
            title="Activate",
            summary="Accept an entry's assumptions and let production use it.",
            body=AcceptingBody,
            carry=_activate,
            previews=ev.ENTRY_ACTIVATED,
        ),
        ActSpec(name="pause", title="Pause", summary="Stop the use of an entry.", body=ExpectingBody, carry=_pause),
        ActSpec(
            name="resume",
            title="Resume",
            summary="Let production use a paused entry again.",
            body=AcceptingBody,
            carry=_resume,
            previews=ev.ENTRY_RESUMED,
        ),
        ActSpec(name="retire", title="Retire", summary="End an entry for good.", body=ExpectingBody, carry=_retire),
        ActSpec(
            name="verify",
            title="Verify",
            summary="Attest a readiness check.",
            body=VerifyBody,
            carry=_verify,
            asks=True,
            largest=8 * 1024 * 1024,
        ),
        ActSpec(
            name="ack",
            title="Acknowledge",
            summary="Acknowledge a pause: stops repeat notifications.",
            body=AckBody,
            carry=_ack,
        ),
        ActSpec(
            name="silence",
            title="Silence",
            summary="Mute notices about an entry for a time.",
            body=SilenceBody,
            carry=_silence,
            asks=True,
        ),
        ActSpec(
            name="maintenance",
            title="Maintenance",
            summary="Announce maintenance in which changes are expected.",
            body=MaintenanceBody,
            carry=_maintenance,
            asks=True,
        ),
        ActSpec(
            name="release",
            title="Release",
            summary="Confirm a quarantined price.",
            body=ReasonedBody,
            carry=_release,
            on_change=True,
        ),
    )
}
"""Name → act: all that can be done over HTTP besides accepting a configuration."""

Body = TypeVar("Body", bound=ActBody)


def read_body(model: type[Body], given: object) -> Body:
    """Return the fields of an act.

    Raises:
        MalformedAct: one is unknown, missing or no such value; the sentence names the first that is.
    """
    try:
        body = model.model_validate(given)
    except ValidationError as error:
        raise MalformedAct(_sentence(model, error.errors(include_url=False)[0])) from None
    if isinstance(body, ReasonedBody) and not body.dry_run and not body.reason:
        raise MalformedAct("reason is missing: say why; the log keeps it.")
    return body


def _sentence(model: type[ActBody], error: Mapping[str, Any]) -> str:
    if not error["loc"]:
        return "The body is no JSON object of the act's fields."
    name = str(error["loc"][0])
    known = [field.alias or key for key, field in model.model_fields.items()]
    if error["type"] == "extra_forbidden" and name == "by":
        return "There is no field 'by': who acts is who is signed in."
    if error["type"] == "extra_forbidden":
        return f"There is no field {name!r}{perhaps(name, known)}; known are: {', '.join(known)}."
    if error["type"] == "missing":
        return f"{name} is missing: {model.model_fields[name].description}"
    words = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {words}."


_OPTION = re.compile(r"(`[^`]*`)|--([a-z][a-z-]*)")


def in_fields(sentence: str) -> str:
    """Return a sentence of a command for who sends fields: `--accept-loss` is the field `accept_loss`. What stands
    between backquotes is a command, and stays one.
    """
    return _OPTION.sub(lambda found: found[1] or found[2].replace("-", "_"), sentence)
