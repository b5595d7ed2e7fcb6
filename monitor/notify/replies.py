"""What a service's reply to a message means, beyond its status: some refuse with 200, and say so in the body alone.

A table by service. Where a reply is not understood, a chat service has not taken the message (each has one fixed word
for yes), and a webhook of one's own has.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from apprise import NotifyBase

GONE = frozenset({403, 404, 410})
"""The webhook was deleted, its channel archived or its token revoked: Slack never takes these back."""

MALFORMED = frozenset({"invalid_payload", "invalid_blocks", "no_text", "too_many_attachments", "msg_blocks_too_long"})
"""The form of the message is refused: another may be taken, the same one never."""

_LOST = frozenset({
    "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "channel_not_found",
    "channel_is_archived", "is_archived",
    "not_in_channel", "action_prohibited", "posting_to_general_channel_denied", "user_not_found", "user_is_inactive",
    "account_inactive",
    "invalid_token", "token_revoked", "token_expired", "invalid_auth", "not_authed", "unknown_webhook",
    "invalid_webhook_token",
})  # fmt: skip
"""Where it was sent is no more, or its key is: trying again cannot help."""

_YES = frozenset({"", "ok", "1", "true"})
_NO = frozenset(
    {
        "error",
        "err",
        "fail",
        "failed",
        "failure",
        "refused",
        "rejected",
        "denied",
        "invalid",
        "ko",
        "nok",
        "not_ok",
        "false",
    }
)
_NOTHING = frozenset({"", "0", "none", "null", "no", "false", "ok", "success"})

_FLAGS = ("ok", "success", "succeeded", "successful", "accepted", "delivered", "sent")
_ERRORS = ("error", "errors", "err", "failure", "fault")
_CODES = ("errcode", "err_code", "errorcode", "error_code")
_STATES = ("status", "result", "state", "outcome", "statuscode", "status_code")

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for a message: the status, the beginning of the body and the header `Retry-After`
    as it was sent.
    """

    status: int
    text: str = ""
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRefusal:
    """How a message was refused: `retry_after` in seconds where the service said so; `permanent` where trying again
    cannot help.
    """

    reason: str
    permanent: bool = False
    retry_after: float | None = None
    malformed: bool = False


Judge: TypeAlias = Callable[[Reply], ReplyRefusal | None]


def chat(reply: Reply) -> ReplyRefusal | None:
    """Judge the answer of Slack and of what speaks its shape, also Mattermost and Teams: an empty body, `ok`, or JSON
    that says nothing against it.
    """
    if not 200 <= reply.status < 300:
        return _by_status(reply)
    body = _parsed(reply.text)
    if body is not None:
        return _objection(reply, body)
    return None if _word(reply.text) in _YES else _refusal(reply, reply.text)


def discord(reply: Reply) -> ReplyRefusal | None:
    """Judge the answer of Discord: nothing, or the message as it stands there, which has an id. Its errors have a code
    and a message.
    """
    if 200 <= reply.status < 300 and isinstance(body := _parsed(reply.text), Mapping) and "id" not in body:
        return _refusal(reply, str(body.get("message") or "no message id"))
    return chat(reply)


def webhook(reply: Reply) -> ReplyRefusal | None:
    """Return a webhook of one's own: any 2xx, unless a JSON body says that it was not taken."""
    if not 200 <= reply.status < 300:
        return _by_status(reply)
    body = _parsed(reply.text)
    return None if body is None else _objection(reply, body)


JUDGES: Mapping[str, Judge] = {
    **dict.fromkeys(("slack", "mmost", "mmosts", "workflow", "workflows", "msteams"), chat),
    "discord": discord,
    **dict.fromkeys(("json", "jsons", "xml", "xmls", "form", "forms"), webhook),
}
"""By the scheme of a service's URL. For any other Apprise's word counts."""


def judge_of(service: NotifyBase) -> Judge | None:
    """Return how to read this service's replies; None where Apprise reads them well enough."""
    for schemes in (service.protocol, service.secure_protocol):
        names: tuple[str, ...] = (schemes,) if isinstance(schemes, str) else tuple(schemes or ())
        for name in names:
            if name in JUDGES:
                return JUDGES[name]
    return None


def _by_status(reply: Reply) -> ReplyRefusal:
    word = _first_line(reply.text)[:80]
    return ReplyRefusal(
        reason=f"HTTP {reply.status}" + (f" {word}" if word.replace("_", "").isalnum() else ""),
        # A payload refused with 400, even without its blocks, is refused again; any other 4xx may be a gateway's mood.
        permanent=_final(reply.status),
        retry_after=seconds(reply.retry_after),
        malformed=reply.status == 400,
    )


def _final(status: int) -> bool:
    return status in GONE or status == 400


def _refusal(reply: Reply, words: str) -> ReplyRefusal:
    """Return a refusal under a status that says yes; `words` are the service's own."""
    word = _word(words)
    quoted = re.search(r"\bHTTP(?: error)?(?: status)?(?: code)? (\d{3})\b", words, re.IGNORECASE)
    line = _first_line(words)[:_SHOWN]
    shown = "" if line.startswith("<") or not line else f": {line}"
    return ReplyRefusal(
        reason=f"HTTP {reply.status}, but the answer is a refusal{shown}",
        permanent=word in _LOST or word in MALFORMED or (quoted is not None and _final(int(quoted[1]))),
        retry_after=seconds(reply.retry_after),
        malformed=word in MALFORMED,
    )


def _objection(reply: Reply, body: object) -> ReplyRefusal | None:
    """Return the first thing in a JSON body that says that the message was not taken."""
    if isinstance(body, list):
        return next((no for item in body if (no := _objection(reply, item)) is not None), None)
    if not isinstance(body, Mapping):
        return None
    fields = {str(key).lower(): value for key, value in body.items()}
    words = next(_words(fields), None)
    if words is None:
        return None
    numbers = [number for key in _STATES if (number := _number(fields.get(key))) >= 400]
    refusal = _refusal(reply, words)
    if numbers and not refusal.permanent and _final(numbers[0]):
        return ReplyRefusal(reason=refusal.reason, permanent=True, retry_after=refusal.retry_after)
    return refusal


def _words(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield how an object refuses: its own words for why, else the field that does; nothing where it does not."""
    errors = [said[key] for key in _ERRORS if key in said and _word(_text(said[key])) not in _NOTHING]
    refusing = [key for key in _FLAGS if said.get(key) is False or _word(_text(said.get(key, True))) in ("false", "no")]
    refusing += [key for key in _CODES if _word(_text(said.get(key))) not in _NOTHING]
    refusing += [key for key in _STATES if _word(_text(said.get(key, True))) in _NO or _number(said.get(key)) >= 400]
    if errors:
        yield _text(errors[0])
    if refusing:
        yield next(
            (_text(said[key]) for key in ("message", "errmsg", "reason", "detail") if said.get(key)),
            f"{refusing[0]}: {_text(said[refusing[0]])}",
        )


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("message", "code", "reason", "type") if value.get(key)), value)
    if value is None or value in ([], {}):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: object) -> int:
    """Return a status in a body, as a number or as text; 0 where it is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0


def _parsed(text: str) -> object:
    """Return the body as JSON; None where it is none, or a bare word or number."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body


def _word(text: str) -> str:
    """Return a text as services write their words: `Channel not found` is `channel_not_found`."""
    return re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0].strip()


def seconds(header: str) -> float | None:
    """Return `Retry-After` in seconds; the form with a date is not used by such webhooks and is left to the backoff."""
    try:
        given = float(header)
    except ValueError:
        return None
    return given if math.isfinite(given) and given >= 0 else None
